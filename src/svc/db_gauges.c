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
static void db_gauges_take_debt(struct db_rows rows, int row, struct db_gauges *out)
{
    int status = name_find(notification_status_names, NOTIFICATION_STATUS_COUNT,
                           str_of(db_get_str(rows, row, "status")));
    int template = name_find(notification_template_names, NOTIFICATION_TEMPLATE_COUNT,
                             str_of(db_get_str(rows, row, "template")));
    int64_t n = db_get_int(rows, row, "n"), age_ms = db_get_int(rows, row, "oldest_ms");
    if (status == NOTIFICATION_PENDING)
        db_gauges_keep_older(&out->oldest_pending_s, age_ms);
    bool open = status == NOTIFICATION_FAILED && !db_get_bool(rows, row, "acknowledged");
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
                         str_of(db_get_str(rows, row, "error_code")));
    if (code > NOTIFICATION_OUTCOME_SENT)
        out->failed[template][code] += n;
    else
        out->unknown += n;
}

/* `unsettled`: payments that the keeper has asked about as often as it does and that are still
 * open. */
static void db_gauges_take_payments(struct db_rows rows, int row, struct db_gauges *out)
{
    int status = name_find(payment_state_names, PAYMENT_STATE_COUNT,
                           str_of(db_get_str(rows, row, "status")));
    if (status < 0)
        out->unknown += db_get_int(rows, row, "n");
    else
        out->payments[status] += db_get_int(rows, row, "n");
    out->payments_unsettled += db_get_int(rows, row, "unsettled");
}

/* Small and frequent: rows that are PENDING or FAILED have an index of their own. *out changes only
 * when all was read, so that the page never mixes two readings. */
enum err db_gauges_read_debt(struct svc *s, struct db_gauges *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int at = db_add(b, &stmt_gauges_debt, NULL, 0),
        payments_at = DB_ADD(b, &stmt_gauges_payments, db_int(b, PAYMENT_CHECKS_MAX)),
        refunds_at = db_add(b, &stmt_gauges_refunds, NULL, 0),
        due_at = db_add(b, &stmt_gauges_due, NULL, 0),
        writable_at = db_add(b, &stmt_gauges_writable, NULL, 0);
    struct db_gauges l = {.has_sent = out->has_sent, .unknown_sent = out->unknown_sent};
    /* Sent rows are counted less often; the last count stays until then. */
    memcpy(l.rows[NOTIFICATION_SENT], out->rows[NOTIFICATION_SENT],
           sizeof(l.rows[NOTIFICATION_SENT]));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    l.writable = db_get_bool(db_result(b, writable_at), 0, "writable");
    l.refunds_open = db_get_int(db_result(b, refunds_at), 0, "n");
    l.due = db_get_int(db_result(b, due_at), 0, "n");
    l.waiting = db_get_int(db_result(b, due_at), 0, "waiting");
    l.oldest_due_s = (double)db_get_int(db_result(b, due_at), 0, "oldest_ms") / 1000;
    struct db_rows rows = db_result(b, at);
    for (int row = 0; row < db_count(rows); row++)
        db_gauges_take_debt(rows, row, &l);
    rows = db_result(b, payments_at);
    for (int row = 0; row < db_count(rows); row++)
        db_gauges_take_payments(rows, row, &l);
    *out = l;
    return ERR_OK;
}

/* Counts rows that grow without end, so it is asked less often than the debt (monitor.c says how
 * often). */
enum err db_gauges_read_sent(struct svc *s, struct db_gauges *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int at = db_add(b, &stmt_gauges_sent, NULL, 0);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, at);
    memset(out->rows[NOTIFICATION_SENT], 0, sizeof(out->rows[NOTIFICATION_SENT]));
    out->unknown_sent = 0;
    out->has_sent = true;
    for (int row = 0; row < db_count(rows); row++) {
        int template = name_find(notification_template_names, NOTIFICATION_TEMPLATE_COUNT,
                                 str_of(db_get_str(rows, row, "template")));
        if (template >= 0)
            out->rows[NOTIFICATION_SENT][template] = db_get_int(rows, row, "n");
        else
            out->unknown_sent += db_get_int(rows, row, "n");
    }
    return ERR_OK;
}
