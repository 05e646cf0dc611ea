/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Giving money back. The gateway gives refunds no identifier and knows no idempotency: the row is
 * written first and keeps all others of its payment away, then the gateway's running total is read,
 * then the refund is asked for; after an unknown outcome the total tells, and time.
 */
#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/booking_pay.h"
#include "sys/log.h"

#define CLAIM_GRACE_S 3

/* ---- rows ---- */

static const struct db_stmt set_stmt = {
    "refund_set",
    "UPDATE refunds SET status = $3, fault = $4, checks = checks + 1, updated_at = now(),"
    " next_check_at = CASE WHEN $5::bigint >= 0 THEN now() + $5::bigint * interval '1 second' END"
    " WHERE venue_id = $1::uuid AND id = $2::uuid AND status IN ('wanted', 'calling', 'unknown')"};
/* What is about to be asked for. The time from which an unknown outcome is counted begins here. */
static const struct db_stmt ready_stmt = {
    "refund_ready", "UPDATE refunds SET amount = $3::bigint, refunded_before = $4::bigint, "
                    "created_at = now(), updated_at = now()"
                    " WHERE venue_id = $1::uuid AND id = $2::uuid AND status = 'calling'"};

int refund_add_set(struct db_batch *b, const struct refund *r, const char *status,
                   const char *fault, int64_t next_s)
{
    return DB_ADD(b, &set_stmt, r->venue_id.s, r->id.s, status, fault, db_int(b, next_s));
}

int64_t refund_claim_s(const struct svc *s)
{
    return deadline_left_ms(s->deadline) / 1000 + 1 + CLAIM_GRACE_S;
}

void refund_read(struct db_rows rows, struct refund *r)
{
    *r = (struct refund){
        .id = db_get_uuid(rows, 0, "id"),
        .venue_id = db_get_uuid(rows, 0, "venue_id"),
        .payment_id = db_get_uuid(rows, 0, "payment_id"),
        .charge_id = db_get_str(rows, 0, "charge_id"),
        .actor = db_get_str(rows, 0, "actor"),
        .reason = db_get(rows, 0, "reason"),
        .amount = db_get_int(rows, 0, "amount"),
        .before = db_get_int(rows, 0, "refunded_before"),
        .checks = db_get_int(rows, 0, "checks"),
        .whole = db_get_bool(rows, 0, "whole"),
        .cancels_booking = db_get_bool(rows, 0, "cancels_booking"),
        .surplus = db_get_bool(rows, 0, "surplus"),
        .old = db_get_bool(rows, 0, "old"),
        .in_hand = db_get_bool(rows, 0, "in_hand"),
    };
}

/* ---- the end of a refund ---- */

/* Adds what a refund that was done makes of its payment. */
static void add_done(struct svc *s, struct db_batch *b, const struct refund *r, struct payment *p,
                     int64_t total)
{
    struct payment_change change = {
        .from = p->state, .actor = r->actor, .reason = r->reason, .again = true};
    if (p->charge_id != NULL && strcmp(r->charge_id, p->charge_id) == 0) {
        p->refunded = total < p->amount ? total : p->amount;
        p->state = p->refunded >= p->amount ? PAYMENT_REFUNDED : PAYMENT_PARTIALLY_REFUNDED;
        change.next_check_s = payment_next_look_s(p, false);
        payment_add_change(s, b, p, &change);
    }
    if (r->surplus)
        METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_SURPLUS);
    const char *detail = arena_printf(s->arena, "{\"amount\":%lld,\"charge\":\"%s\"}",
                                      (long long)r->amount, r->charge_id);
    payment_add_audit(s, b, p, r->actor, "payment.refund", detail);
}

/* The row, under the locks: false when somebody else has finished it meanwhile. */
static enum err take(struct svc *s, const struct refund *r, bool *mine)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    int i = refund_add_set(b, r, "done", NULL, PAYMENT_DONE);
    enum err e = db_run(b, s->deadline);
    *mine = e == ERR_OK && db_affected(db_result(b, i)) == 1;
    return e;
}

enum err refund_finish_done(struct svc *s, const struct refund *r, int64_t total,
                            const struct refund_end *end, struct payment *p)
{
    struct payment_locked now;
    bool mine = false;
    enum err e = payment_begin(s, p, &now);
    if (e == ERR_OK)
        e = take(s, r, &mine);
    if (e != ERR_OK)
        return e;
    *p = now.payment;
    struct booking *bk = &now.booking;
    if (!mine) {
        db_clean(s->db, s->deadline);
        return ERR_PAYMENT_NOT_REFUNDABLE;
    }
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    add_done(s, b, r, p, total);
    if (end->order && end->order->on_commit)
        end->order->on_commit(end->order->arg, b, p);
    const struct booking_caller *caller = end->canceller;
    if (r->cancels_booking &&
        (bk->state == BOOKING_CONFIRMED || bk->state == BOOKING_PENDING_PAYMENT)) {
        const struct booking_refunded how = {
            .caller = caller, .actor = r->actor, .reason = r->reason, .refund_id = r->id.s};
        e = booking_commit_cancelled(s, b, bk, &how);
    } else {
        if (caller && caller->on_commit)
            caller->on_commit(caller->arg, b, bk);
        e = booking_commit_refunded(s, b, bk, r->id.s);
    }
    if (end->booking)
        *end->booking = *bk;
    return e;
}

/* Definitely not done: the booking stays as it was. What the keeper owes is tried again; what
 * somebody asked for is theirs to ask for again. */
enum err refund_finish_failed(struct svc *s, const struct refund *r, const char *fault)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_REFUND_FAILED);
    refund_add_set(b, r, r->surplus ? "wanted" : "failed", fault,
                   r->surplus ? payment_backoff_s(r->checks) : PAYMENT_DONE);
    LOG(LOG_LEVEL_WARN, "refund.failed", F_STR("payment", r->payment_id.s),
        F_STR("refund", r->id.s), F_STR("error", fault), F_INT("surplus", r->surplus));
    return db_run(b, s->deadline);
}

enum err refund_finish_unknown(struct svc *s, const struct refund *r, const char *fault)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    refund_add_set(b, r, "unknown", fault, payment_backoff_s(r->checks));
    LOG(LOG_LEVEL_WARN, "refund.unknown", F_STR("payment", r->payment_id.s),
        F_STR("refund", r->id.s), F_STR("error", fault));
    return db_run(b, s->deadline);
}

/* ---- the gateway ---- */

static bool shows(const struct refund *r, const struct pay_charge *charge)
{
    return charge->refunded >= r->before + r->amount;
}

/* Asks for it, and looks once when the outcome is unknown. charge->refunded: the gateway's new
 * total when o->err is ERR_OK. */
static void call(struct svc *s, const struct refund *r, struct pay_charge *charge,
                 struct ext_result *o)
{
    struct pay_call c = payment_call(s);
    *o = pay_refund(&c, r->charge_id, r->amount, charge);
    if (o->err == ERR_OK && !shows(r, charge))
        *o = (struct ext_result){.err = ERR_PROVIDER_FAILED,
                                 .outcome = OUTCOME_UNKNOWN,
                                 .detail = "answer with another total"};
    if (o->err == ERR_OK || o->outcome != OUTCOME_UNKNOWN)
        return;
    struct ext_result look;
    look = pay_fetch_charge(&c, r->charge_id, charge);
    if (look.err == ERR_OK && shows(r, charge))
        *o = look;
}

static enum err store_ready(struct svc *s, const struct refund *r)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i =
        DB_ADD(b, &ready_stmt, r->venue_id.s, r->id.s, db_int(b, r->amount), db_int(b, r->before));
    enum err e = db_run(b, s->deadline);
    return e == ERR_OK && db_affected(db_result(b, i)) == 0 ? ERR_PAYMENT_NOT_REFUNDABLE
                                                            : e; /* taken for dead, and finished */
}

/* The gateway's word on what is left, before it is asked: the row says what the total was. ERR_OK:
 * go on and call. */
static enum err prepare(struct svc *s, struct refund *r, const struct pay_charge *charge)
{
    int64_t left = charge->amount - charge->refunded;
    enum err e = ERR_OK;
    if (!charge->charged || left <= 0)
        e = ERR_PAYMENT_NOT_REFUNDABLE;
    else if (!r->whole && r->amount > left)
        e = ERR_VALIDATION;
    if (e != ERR_OK) {
        enum err stored = refund_finish_failed(s, r, err_code(e));
        return stored == ERR_OK ? e : stored;
    }
    int64_t amount = r->whole ? left : r->amount;
    bool as_written = !r->surplus && amount == r->amount && charge->refunded == r->before;
    r->amount = amount;
    r->before = charge->refunded;
    return as_written ? ERR_OK : store_ready(s, r);
}

enum err refund_make(struct svc *s, struct refund *r, const struct refund_end *end,
                     struct payment *p, struct ext_result *o)
{
    struct pay_call c = payment_call(s);
    struct pay_charge charge;
    *o = pay_fetch_charge(&c, r->charge_id, &charge);
    if (o->err != ERR_OK) /* nothing was asked for */
        return refund_finish_failed(s, r, err_code(o->err));
    if (r->whole && charge.charged && charge.refunded >= charge.amount)
        return refund_finish_done(s, r, charge.refunded, end,
                                  p); /* all was given back already, at the gateway's desk */
    enum err e = prepare(s, r, &charge);
    if (e != ERR_OK)
        return e;
    call(s, r, &charge, o);
    if (o->err == ERR_OK)
        return refund_finish_done(s, r, charge.refunded, end, p);
    return o->outcome == OUTCOME_UNKNOWN ? refund_finish_unknown(s, r, err_code(o->err))
                                         : refund_finish_failed(s, r, err_code(o->err));
}

enum err refund_resolve(struct svc *s, const struct refund *r, const struct refund_end *end,
                        struct payment *p, struct ext_result *o)
{
    struct pay_call c = payment_call(s);
    struct pay_charge charge;
    *o = pay_fetch_charge(&c, r->charge_id, &charge);
    bool told = o->err == ERR_OK;
    if (told && shows(r, &charge))
        return refund_finish_done(s, r, charge.refunded, end, p);
    *o = (struct ext_result){.err = told ? ERR_PROVIDER_FAILED : o->err,
                             .outcome = told && r->old ? OUTCOME_FAILED : OUTCOME_UNKNOWN,
                             .detail = "not seen at the gateway"};
    return told && r->old ? refund_finish_failed(s, r, "not_done")
                          : refund_finish_unknown(s, r, told ? "not_seen_yet" : err_code(o->err));
}

/* ---- the keeper ---- */

#define REFUNDS_A_RUN 10
#define TIME_MIN_MS 2000

static const struct db_stmt due_stmt = {
    "refund_due", "UPDATE refunds r SET next_check_at = now() + $1::bigint * interval '1 second', "
                  "updated_at = now(),"
                  "  status = CASE r.status WHEN 'wanted' THEN 'calling' ELSE r.status END"
                  " FROM (SELECT o.venue_id, o.id, o.status FROM refunds o WHERE o.next_check_at "
                  "<= now() AND o.status IN ('wanted', 'calling', 'unknown')"
                  "   AND NOT EXISTS (SELECT 1 FROM refunds f WHERE o.status = 'wanted' AND "
                  "f.venue_id = o.venue_id AND f.payment_id = o.payment_id"
                  "     AND f.status IN ('calling', 'unknown'))"
                  "   ORDER BY o.next_check_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) due"
                  " WHERE r.venue_id = due.venue_id AND r.id = due.id RETURNING due.status = "
                  "'wanted' AS wanted," REFUND_COLUMNS};

static enum err keep_one(struct svc *s, bool *found)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &due_stmt, db_int(b, refund_claim_s(s)));
    enum err e = db_run(b, s->deadline);
    *found = e == ERR_OK && db_count(db_result(b, i)) == 1;
    if (!*found)
        return e == ERR_DB_UNIQUE ? ERR_OK : e; /* two wanted ones of a payment: in turn */
    struct refund r;
    struct payment p;
    struct ext_result o;
    const struct refund_end nobody = {.canceller = NULL};
    refund_read(db_result(b, i), &r);
    bool wanted = db_get_bool(db_result(b, i), 0, "wanted");
    e = payment_find(s, r.payment_id.s, &p);
    if (e == ERR_OK)
        e = wanted ? refund_make(s, &r, &nobody, &p, &o) : refund_resolve(s, &r, &nobody, &p, &o);
    return e == ERR_PAYMENT_NOT_REFUNDABLE || e == ERR_VALIDATION ? ERR_OK
                                                                  : e; /* told in its row */
}

enum err payment_job_refunds(struct svc *s)
{
    if (!payment_configured(s))
        return ERR_OK;
    bool found = true;
    enum err e = ERR_OK;
    for (int i = 0;
         e == ERR_OK && found && i < REFUNDS_A_RUN && deadline_left_ms(s->deadline) > TIME_MIN_MS;
         i++)
        e = keep_one(s, &found);
    return e;
}
