/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What staff do with notifications: list, count by reason, send again, acknowledge. Called by their
 * handlers and by the command `bookingd notifications`. Both use the same statements, so that
 * lists, counts and resends always mean the same rows (BEHAVIOUR §4). Every statement takes the
 * venue of the actor as a parameter; NULL there means all venues. */
#include "svc/notification_list.h"

#include "base/ensure.h"
#include "domain/sms_text.h"
#include "svc/audit.h"
#include "svc/notification.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* A parameter for a time that may not be given: the statement reads NULL as "any". */
static const char *notification_list_time(struct db_batch *b, bool has, struct wall w)
{
    return has ? db_time(b, w) : NULL;
}

/* Six parameters that all statements with a filter take at the same numbers ($2 to $7). */
#define FILTER_PARAMS(b, f)                                       \
    (f)->status, (f)->booking_id, (f)->template, (f)->error_code, \
        notification_list_time((b), (f)->has_since, (f)->since),  \
        notification_list_time((b), (f)->has_until, (f)->until)

/* Added to the caller's batch, together with the statement that authenticates: one round trip. */
int notification_add_list(struct db_batch *b, const char *key_hash,
                          const struct notification_page *q)
{
    return DB_ADD(b, &stmt_notification_list_key, key_hash, FILTER_PARAMS(b, &q->filter),
                  q->after_created, q->after_id, db_int(b, q->limit), q->filter.acknowledged,
                  q->filter.in_venue);
}

/* All of one booking, for the page that shows it to staff; there are few, so no pages. */
int notification_add_of_booking(struct db_batch *b, const char *key_hash, const char *booking_id)
{
    return DB_ADD(b, &stmt_notification_of_booking, key_hash, booking_id);
}

/* Room for "+" and 15 digits of E.164, masked, and its end. */
#define MASK_SIZE 24
/* The recipient is masked here, for every reader: a list of notifications must not be a list of
 * phone numbers. */
void notification_read(struct arena *a, struct db_rows rows, int row, struct notification_item *out)
{
    const char *recipient = db_get(rows, row, "recipient");
    *out = (struct notification_item){
        .id = db_get_uuid(rows, row, "id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .booking_id = db_get_uuid(rows, row, "booking_id"),
        .template = db_get_str(rows, row, "template"),
        .channel = db_get_str(rows, row, "channel"),
        .locale = db_get_str(rows, row, "locale"),
        .recipient =
            recipient ? log_mask_phone(recipient, arena_alloc(a, MASK_SIZE), MASK_SIZE) : "",
        .status = db_get_str(rows, row, "status"),
        .attempts = db_get_int(rows, row, "attempts"),
        .has_acknowledged = !db_is_null(rows, row, "acknowledged_us"),
        .created_at = db_get_time(rows, row, "created_us"),
        .updated_at = db_get_time(rows, row, "updated_us"),
        .error_code = db_get(rows, row, "error_code"),
        .error_detail = db_get(rows, row, "error_detail"),
        .provider = db_get(rows, row, "provider"),
        .provider_message_id = db_get(rows, row, "provider_message_id"),
    };
    if (out->has_acknowledged)
        out->acknowledged_at = db_get_time(rows, row, "acknowledged_us");
}

/* For the command line; the API's list is part of its request's first batch. */
enum err notification_list(struct svc *s, const struct notification_actor *who,
                           const struct notification_page *q,
                           const struct notification_item **items, size_t *n)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_notification_list, who->venue_id, FILTER_PARAMS(b, &q->filter),
                   q->after_created, q->after_id, db_int(b, q->limit));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    *n = (size_t)db_count(rows);
    struct notification_item *list = arena_array(s->arena, *n, sizeof *list);
    for (size_t row = 0; row < *n; row++)
        notification_read(s->arena, rows, (int)row, &list[row]);
    *items = list;
    return ERR_OK;
}

/* ---- sending again ---- */

/* In the transaction of the claim: no message is sent again that the audit log does not name. */
static void notification_list_add_audit(struct svc *s, struct db_batch *b,
                                        const struct notification_actor *who,
                                        struct db_rows claimed)
{
    audit_add(s, b,
              &(struct audit){.actor = who->name,
                              .action = "notification.resend",
                              .subject = db_get_str(claimed, 0, "id"),
                              .venue_id = db_get_str(claimed, 0, "venue_id")});
}

/* The stored text is sent, not a new one: what the customer reads is what was true then. */
static enum notification_outcome notification_list_send_claimed(struct svc *s,
                                                                struct db_rows claimed)
{
    enum notification_template template =
        notification_template_find(db_get_str(claimed, 0, "template"));
    ENSURE(template <NOTIFICATION_TEMPLATE_COUNT); /* only notification_enqueue writes the column */
    struct notification_try t = {
        .venue_id = db_get_str(claimed, 0, "venue_id"),
        .id = db_get_str(claimed, 0, "id"),
        .recipient = db_get_str(claimed, 0, "recipient"),
        .body = db_get_str(claimed, 0, "body"),
        .template = template,
        .claim = db_get_int(claimed, 0, "claim"),
    };
    return notification_attempt(s, &t);
}

/* The claim makes the row PENDING again, so that two clicks send one message. */
static enum err notification_list_claim_one(struct svc *s, const struct notification_actor *who,
                                            const char *id, struct db_rows *claimed)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int state = DB_ADD(b, &stmt_notification_state, who->venue_id, id);
    int claim = DB_ADD(b, &stmt_notification_claim, who->venue_id, id,
                       db_int(b, notification_send_by_ms(s)));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    *claimed = db_result(b, claim);
    /* Committed before the call, so that other processes see the claim while the message is on its
     * way. */
    if (db_count(*claimed) == 1) {
        struct db_batch *c = db_batch(s->db, s->arena, DB_COMMIT);
        notification_list_add_audit(s, c, who, *claimed);
        return db_run(c, s->deadline);
    }
    struct db_rows rows = db_result(b, state);
    db_clean(s->db, s->deadline);
    if (db_count(rows) == 0)
        return ERR_NOT_FOUND;
    /* FAILED and yet not claimed: its text is gone, too old to be of use, or reminds of what was
     * moved or cancelled. */
    return db_get_bool(rows, 0, "failed") ? ERR_NOTIFICATION_EXPIRED : ERR_NOTIFICATION_NOT_FAILED;
}

/* Claim, send, and read what became of it: three steps, so that no transaction is open during the
 * call. */
enum err notification_resend(struct svc *s, const struct notification_actor *who, const char *id,
                             struct notification_item *out)
{
    struct db_rows claimed;
    enum err e = notification_list_claim_one(s, who, id, &claimed);
    if (e != ERR_OK)
        return e;
    (void)notification_list_send_claimed(s, claimed); /* the row tells */
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int found = DB_ADD(b, &stmt_notification_find, who->venue_id, id);
    e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;
    notification_read(s->arena, db_result(b, found), 0, out);
    return ERR_OK;
}

/* ---- all that match ---- */

/* Rows read at once by a dry run: a text has some 300 bytes. */
#define BODIES_AT_ONCE 2000

/* JSON, which the statement unfolds: a parameter of fixed type for any number of identifiers. */
static const char *notification_list_ids_json(struct arena *a, const char *const *ids, size_t n)
{
    struct sb sb;
    sb_init(&sb, a, n * (UUID_LEN + 3) + 3);
    sb_putc(&sb, '[');
    for (size_t i = 0; i < n; i++)
        sb_printf(&sb, "%s\"%s\"", i ? "," : "", ids[i]);
    sb_putc(&sb, ']');
    return sb.p;
}

/* Below every identifier of a row. */
#define LIST_FIRST_ID "00000000-0000-0000-0000-000000000000"

/* Where a run over the list is, oldest first. */
struct list_place {
    const char *created, *id; /* of the last row; NULL: before the first */
    const char *ids;          /* JSON, or NULL for any */
};

/* Claims and sends the next one in the list's order. at->id becomes NULL when none is left. A row
 * that another process holds at the moment is passed over by the statement, so two runs at once
 * share the work. */
static enum err notification_list_resend_next(struct svc *s, const struct notification_actor *who,
                                              const struct notification_filter *f,
                                              struct list_place *at,
                                              struct notification_counts *counts)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int claim = DB_ADD(b, &stmt_notification_claim_next, who->venue_id, FILTER_PARAMS(b, f),
                       at->created, at->id, db_int(b, notification_send_by_ms(s)), f->acknowledged,
                       f->in_venue, at->ids);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows claimed = db_result(b, claim);
    if (db_count(claimed) == 0) {
        db_clean(s->db, s->deadline);
        at->id = NULL;
        return ERR_OK;
    }
    struct db_batch *c = db_batch(s->db, s->arena, DB_COMMIT);
    notification_list_add_audit(s, c, who, claimed);
    e = db_run(c, s->deadline);
    if (e != ERR_OK)
        return e;
    counts->last_created = at->created = db_get_str(claimed, 0, "created");
    counts->last_id = at->id = db_get_str(claimed, 0, "id");
    if (notification_list_send_claimed(s, claimed) == NOTIFICATION_OUTCOME_SENT)
        counts->sent++;
    else
        counts->failed++;
    return ERR_OK;
}

/* What a provider would bill. By the same rule as the metric, so it is counted here and not in
 * SQL. */
static enum err notification_list_count_parts(struct svc *s, const struct notification_actor *who,
                                              const struct notification_filter *f,
                                              struct list_place at, int64_t *parts)
{
    for (;;) {
        struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
        int read =
            DB_ADD(b, &stmt_notification_bodies, who->venue_id, FILTER_PARAMS(b, f), at.created,
                   at.id, f->acknowledged, f->in_venue, at.ids, db_int(b, BODIES_AT_ONCE));
        enum err e = db_run(b, s->deadline);
        if (e != ERR_OK)
            return e;
        struct db_rows rows = db_result(b, read);
        const int n = db_count(rows);
        for (int i = 0; i < n; i++)
            *parts += (int64_t)sms_text_size(db_get_str(rows, i, "body")).parts;
        /* Fewer than were asked for: these were the last. */
        if (n < BODIES_AT_ONCE)
            return ERR_OK;
        at.created = db_get_str(rows, n - 1, "created");
        at.id = db_get_str(rows, n - 1, "id");
    }
}

/* Rows that fail again match again: the place in the list makes sure that each is tried once. One
 * at a time, each claimed and committed by itself: a run that is cut off leaves no row in doubt. */
static enum err notification_list_resend_run(struct svc *s, const struct notification_actor *who,
                                             const struct notification_order *o,
                                             struct list_place at, struct notification_counts *out)
{
    const int64_t most = o->limit < out->matched ? o->limit : out->matched;
    enum err e = ERR_OK;
    for (int64_t i = 0; i < most && notification_has_time(s); i++) {
        e = notification_list_resend_next(s, who, &o->filter, &at, out);
        if (e != ERR_OK || !at.id)
            break;
    }
    out->remaining = out->matched - out->sent - out->failed;
    /* What was sent was sent: a fault after the first one ends the run, and the counts say how far
     * it came. */
    return out->sent + out->failed > 0 ? ERR_OK : e;
}

enum err notification_resend_all(struct svc *s, const struct notification_actor *who,
                                 const struct notification_order *o,
                                 struct notification_counts *out)
{
    const struct notification_filter *f = &o->filter;
    struct list_place at = {.created = o->after_created,
                            .id = o->after_id,
                            .ids = o->ids ? notification_list_ids_json(s->arena, o->ids, o->ids_n)
                                          : NULL};
    *out = (struct notification_counts){0};
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int counted = DB_ADD(b, &stmt_notification_count, who->venue_id, FILTER_PARAMS(b, f),
                         at.created, at.id, f->acknowledged, f->in_venue, at.ids);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    out->matched = out->remaining = db_get_int(db_result(b, counted), 0, "matched");
    /* Before the first that matches there may be many that are too old. */
    if (!at.id && out->matched > 0)
        at = (struct list_place){.created = db_get_str(db_result(b, counted), 0, "first"),
                                 .id = LIST_FIRST_ID,
                                 .ids = at.ids};
    return o->dry_run ? notification_list_count_parts(s, who, f, at, &out->parts)
                      : notification_list_resend_run(s, who, o, at, out);
}

/* ---- groups ---- */

/* The failed ones by kind and error code: staff read a reason once, not a thousand rows. */
int notification_add_groups(struct db_batch *b, const char *key_hash,
                            const struct notification_filter *f)
{
    return DB_ADD(b, &stmt_notification_groups, key_hash, f->template, f->error_code,
                  notification_list_time(b, f->has_since, f->since),
                  notification_list_time(b, f->has_until, f->until), f->acknowledged, f->in_venue);
}

void notification_group_read(struct db_rows rows, int row, struct notification_group *out)
{
    *out = (struct notification_group){
        .template = db_get_str(rows, row, "template"),
        .error_code = db_get_str(rows, row, "error_code"),
        .count = db_get_int(rows, row, "n"),
        .sendable = db_get_int(rows, row, "sendable"),
        .oldest_at = db_get_time(rows, row, "oldest_us"),
        .newest_at = db_get_time(rows, row, "newest_us"),
    };
}

/* ---- acknowledging ---- */

/* For a dry run: how many the same filter would acknowledge, in a batch that only reads. */
static enum err notification_list_count_open(struct svc *s, const struct notification_actor *who,
                                             const struct notification_order *o, const char *ids,
                                             int64_t *matched)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_notification_count_open, who->venue_id, FILTER_PARAMS(b, &o->filter),
                   ids, o->filter.in_venue);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        *matched = db_get_int(db_result(b, i), 0, "matched");
    return e;
}

/* One audit row for all: it says how many, and one of them by name when it was one. */
enum err notification_acknowledge(struct svc *s, const struct notification_actor *who,
                                  const struct notification_order *o, int64_t *matched)
{
    const char *ids = o->ids ? notification_list_ids_json(s->arena, o->ids, o->ids_n) : NULL;
    if (o->dry_run)
        return notification_list_count_open(s, who, o, ids, matched);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int i = DB_ADD(b, &stmt_notification_acknowledge, who->venue_id, FILTER_PARAMS(b, &o->filter),
                   ids, o->filter.in_venue, who->name);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    *matched = db_affected(db_result(b, i));

    struct db_batch *c = db_batch(s->db, s->arena, DB_COMMIT);
    if (*matched > 0) {
        audit_add(s, c,
                  &(struct audit){.actor = who->name,
                                  .action = "notification.acknowledge",
                                  .subject = o->ids && o->ids_n == 1 ? o->ids[0] : "notifications",
                                  .venue_id = who->venue_id,
                                  .detail = arena_printf(s->arena, "{\"acknowledged\":%lld}",
                                                         (long long)*matched)});
    }
    return db_run(c, s->deadline);
}
