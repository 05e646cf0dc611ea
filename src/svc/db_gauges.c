/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Counts notifications and payments by their state, for the metrics page and the status command.
 * Called by the monitor alone.
 */
#include "svc/db_gauges.h"

#include <string.h>

#include "base/names.h"
#include "svc/payment.h"
#include "svc/svc_sql.h"

/* In lower case, as labels of metrics are; the table and the API have them in upper case. */
const char *const db_gauges_status_names[NOTIFICATION_STATUS_COUNT] = {
    [NOTIFICATION_PENDING] = "pending",
    [NOTIFICATION_SENT] = "sent",
    [NOTIFICATION_FAILED] = "failed"};

/* Rows come per group; the figure is that of the oldest of all groups. */
static void db_gauges_keep_older(double *oldest_s, int64_t age_ms)
{
    if ((double)age_ms / 1000 > *oldest_s)
        *oldest_s = (double)age_ms / 1000;
}

/* Unknown words come from a newer version beside this one; they are counted apart, not dropped. */
static void db_gauges_take_notifications(struct db_rows rows, int row, struct db_gauges *out)
{
    int status = name_find(notification_status_names, NOTIFICATION_STATUS_COUNT,
                           str_of(db_get_str(rows, row, "status")));
    int template = name_find(notification_template_names, NOTIFICATION_TEMPLATE_COUNT,
                             str_of(db_get_str(rows, row, "template")));
    const bool acknowledged = db_get_bool(rows, row, "acknowledged");
    int64_t n = db_get_int(rows, row, "n"), age_ms = db_get_int(rows, row, "age_ms");
    if (status == NOTIFICATION_PENDING)
        db_gauges_keep_older(&out->oldest_pending_s, age_ms);
    bool open = status == NOTIFICATION_FAILED && !acknowledged;
    if (open)
        db_gauges_keep_older(&out->oldest_failed_s, age_ms);
    if (status < 0 || template <0) {
        out->unknown += n;
        return;
    }
    out->rows[status][template] += n;
    if (!open)
        return;
    /* A row that FAILED has a code. One that this version does not know is counted as unknown. */
    int code = name_find(notification_outcome_names, NOTIFICATION_OUTCOME_COUNT,
                         str_of(db_get_str(rows, row, "code")));
    if (code > NOTIFICATION_OUTCOME_SENT)
        out->failed[template][code] += n;
    else
        out->unknown += n;
}

static void db_gauges_take_payments(struct db_rows rows, int row, struct db_gauges *out)
{
    int status = name_find(payment_state_names, PAYMENT_STATE_COUNT,
                           str_of(db_get_str(rows, row, "status")));
    if (status < 0)
        out->unknown += db_get_int(rows, row, "n");
    else
        out->payments[status] += db_get_int(rows, row, "n");
}

static void db_gauges_take_due(struct db_rows rows, int row, struct db_gauges *out)
{
    out->due = db_get_int(rows, row, "n");
    db_gauges_keep_older(&out->oldest_due_s, db_get_int(rows, row, "age_ms"));
}

static void db_gauges_take_waiting(struct db_rows rows, int row, struct db_gauges *out)
{
    out->waiting = db_get_int(rows, row, "n");
}

static void db_gauges_take_unsettled(struct db_rows rows, int row, struct db_gauges *out)
{
    out->payments_unsettled = db_get_int(rows, row, "n");
}

static void db_gauges_take_refunds(struct db_rows rows, int row, struct db_gauges *out)
{
    out->refunds_open = db_get_int(rows, row, "n");
}

/* A kind that is not here comes from a newer version, which shows it itself. */
static const struct {
    const char *kind;
    void (*take)(struct db_rows rows, int row, struct db_gauges *out);
} db_gauges_kinds[] = {
    {"notifications", db_gauges_take_notifications},
    {"payments", db_gauges_take_payments},
    {"due", db_gauges_take_due},
    {"waiting", db_gauges_take_waiting},
    {"unsettled", db_gauges_take_unsettled},
    {"refunds", db_gauges_take_refunds},
};

static void db_gauges_take_row(struct db_rows rows, int row, struct db_gauges *out)
{
    const char *kind = db_get_str(rows, row, "kind");
    for (size_t i = 0; i < ARRAY_LEN(db_gauges_kinds); i++)
        if (strcmp(kind, db_gauges_kinds[i].kind) == 0)
            db_gauges_kinds[i].take(rows, row, out);
}

const char *const db_gauges_part_names[DB_GAUGES_PARTS] = {
    [DB_GAUGES_DEBT] = "debt", [DB_GAUGES_ENDS] = "ends"};

/* *out changes only when all was read, so that the page never mixes two readings. */
enum err db_gauges_look(struct svc *s, struct db_gauges *out, bool due[DB_GAUGES_PARTS])
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int at = db_add(b, &stmt_gauges_look, NULL, 0),
        writable_at = db_add(b, &stmt_gauges_writable, NULL, 0);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_gauges l = {.age_ms = -1};
    struct db_rows rows = db_result(b, at);
    l.writable = db_get_bool(db_result(b, writable_at), 0, "writable");
    for (int row = 0; row < db_count(rows); row++) {
        const bool ends =
            strcmp(db_get_str(rows, row, "part"), db_gauges_part_names[DB_GAUGES_ENDS]) == 0;
        const bool known = !db_is_null(rows, row, "counted_ms");
        const int64_t counted_ms = known ? db_get_int(rows, row, "counted_ms") : 0;
        due[ends ? DB_GAUGES_ENDS : DB_GAUGES_DEBT] = db_get_bool(rows, row, "due");
        l.has_sent |= ends && known;
        if (!ends && known)
            l.age_ms = counted_ms > 0 ? counted_ms : 0; /* below: the clock was set back since */
        /* A part without rows has one that says only when it was counted. */
        if (!db_is_null(rows, row, "kind"))
            db_gauges_take_row(rows, row, &l);
    }
    *out = l;
    return ERR_OK;
}

/* How many times its own length a count is followed by a pause: of the clock, what has ended may
 * take a twentieth, since it only grows; what is owed, a fifth. */
static const int64_t db_gauges_pauses[DB_GAUGES_PARTS] = {
    [DB_GAUGES_DEBT] = 4, [DB_GAUGES_ENDS] = 19};

/* The claim commits by itself, so that it stands when the count fails. */
enum err db_gauges_count(struct svc *s, enum db_gauges_part part, int64_t least_ms,
                         int64_t limit_ms, bool *counted)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    *counted = false;
    /* A count that ran out of time would run out of it again: the next try keeps to the same
     * share. */
    int at = DB_ADD(b, &stmt_gauges_claim, db_gauges_part_names[part],
                    db_int(b, (db_gauges_pauses[part] + 1) * limit_ms));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK || db_count(db_result(b, at)) == 0)
        return e;
    b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_gauges_limit, db_int(b, limit_ms));
    if (part == DB_GAUGES_DEBT)
        DB_ADD(b, &stmt_gauges_count_debt, db_int(b, least_ms), db_int(b, db_gauges_pauses[part]),
               db_int(b, PAYMENT_CHECKS_MAX));
    else
        DB_ADD(b, &stmt_gauges_count_ends, db_int(b, least_ms), db_int(b, db_gauges_pauses[part]));
    e = db_run(b, s->deadline);
    *counted = e == ERR_OK;
    return e;
}
