/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Refunds on request: the staff's, and a customer's who cancels what was paid. */
#include "payment_priv.h"
#include "svc/booking_pay.h"

/* Times that a cancelling begins anew because the booking was paid meanwhile. */
#define ATTEMPTS_MAX 3

/* The one that is under way; before it the one that was made under the same Idempotency-Key. */
static const struct db_stmt earlier_stmt = {
    "refund_earlier", "SELECT" REFUND_COLUMNS ", r.status = 'done' AS done FROM refunds r WHERE "
                      "r.venue_id = $1::uuid AND r.payment_id = $2::uuid"
                      " AND (r.status IN ('calling', 'unknown')"
                      "  OR (r.status = 'done' AND r.request_key = $3 AND r.updated_at > now() - "
                      "interval '24 hours'))"
                      " ORDER BY r.status = 'done' DESC LIMIT 1"};
static const struct db_stmt add_stmt = {
    "refund_add", "INSERT INTO refunds (venue_id, id, payment_id, charge_id, amount, "
                  "refunded_before, whole, status, cancels_booking, actor, reason,"
                  "  request_id, next_check_at, request_key)"
                  " VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::bigint, $6::bigint, $7::boolean, "
                  "'calling', $8::boolean, $9, $10, $11,"
                  "  now() + $12::bigint * interval '1 second', $13)"};

/* What is to be done: a refund, finding out about an earlier one, telling of one that was done. */
struct work {
    enum { WORK_MAKE, WORK_RESOLVE, WORK_TELL } what;
    struct refund r;
    struct booking booking; /* WORK_TELL: as it is */
};

/* What is asked for: staff give an amount or 0, a customer's cancelling all. */
struct asked {
    const struct principal *who;
    int64_t amount;
    const char *reason;
    const char *request_key;                     /* NULL: without a key */
    const struct booking_transition *cancelling; /* NULL: the booking stays */
    struct refund_end end;
};

/* Under the locks: may it be given back, and how much of it? */
static enum err check(const struct asked *a, const struct payment_locked *now)
{
    const struct payment *p = &now->payment;
    int64_t left = p->amount - p->refunded;
    if (p->charge_id == NULL || p->surplus ||
        (p->state != PAYMENT_PAID && p->state != PAYMENT_PARTIALLY_REFUNDED))
        return ERR_PAYMENT_NOT_REFUNDABLE;
    if (a->amount > left)
        return ERR_VALIDATION;
    return a->cancelling ? booking_cancel_check(a->who, &now->booking, a->cancelling) : ERR_OK;
}

/* Another one is under way. When it is the same that is asked for again, and nobody has it in hand,
 * its outcome can be found out. */
static bool is_repeat(const struct asked *a, const struct refund *r)
{
    bool same = a->amount == 0 ? r->whole : !r->whole && r->amount == a->amount;
    return same && !r->in_hand && r->cancels_booking == (a->cancelling != NULL);
}

static enum err write_row(struct svc *s, const struct asked *a, const struct payment *p,
                          struct refund *r)
{
    *r = (struct refund){.id = uuid_new(),
                         .venue_id = p->venue_id,
                         .payment_id = p->id,
                         .charge_id = p->charge_id,
                         .amount = a->amount > 0 ? a->amount : p->amount - p->refunded,
                         .before = p->refunded,
                         .whole = a->amount == 0,
                         .actor = a->who->actor,
                         .reason = a->reason,
                         .cancels_booking = a->cancelling != NULL};
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(b, &add_stmt, r->venue_id.s, r->id.s, r->payment_id.s, r->charge_id,
           db_int(b, r->amount), db_int(b, r->before), db_bool(r->whole),
           db_bool(r->cancels_booking), r->actor, r->reason, s->request_id,
           db_int(b, refund_claim_s(s)), a->request_key);
    return db_run(b, s->deadline);
}

/* In the open transaction: the answer that the first call under this key would have had. */
static enum err tell(struct svc *s, const struct asked *a, const struct payment *p,
                     const struct booking *bk)
{
    const struct refund_end *end = &a->end;
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    if (end->order && end->order->on_commit)
        end->order->on_commit(end->order->arg, b, p);
    if (end->canceller && end->canceller->on_commit)
        end->canceller->on_commit(end->canceller->arg, b, bk);
    if (end->booking)
        *end->booking = *bk;
    return db_run(b, s->deadline);
}

/* WORK_MAKE: the row is written; WORK_TELL: the transaction is open. */
static enum err begin(struct svc *s, const struct asked *a, struct payment *p,
                      struct payment_fault *fault, struct work *w)
{
    struct payment_locked now;
    enum err e = payment_begin(s, p, &now);
    if (e != ERR_OK)
        return e;
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    int i = DB_ADD(b, &earlier_stmt, p->venue_id.s, p->id.s, a->request_key);
    e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    *p = now.payment;
    w->what = WORK_MAKE;
    bool earlier = db_count(db_result(b, i)) > 0;
    if (earlier) {
        refund_read(db_result(b, i), &w->r);
        w->what = db_get_bool(db_result(b, i), 0, "done") ? WORK_TELL : WORK_RESOLVE;
    }
    if (w->what == WORK_TELL) {
        w->booking = now.booking;
        return ERR_OK;
    }
    e = check(a, &now);
    if (e == ERR_OK && earlier && !is_repeat(a, &w->r)) {
        fault->passing = true;
        e = ERR_PAYMENT_NOT_REFUNDABLE;
    }
    if (e == ERR_OK && w->what == WORK_MAKE)
        return write_row(s, a, p, &w->r);
    db_clean(s->db, s->deadline);
    return e;
}

static enum err refund(struct svc *s, const struct asked *a, struct payment *p,
                       struct payment_fault *fault)
{
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    struct work w;
    struct ext_result o = {.err = ERR_OK};
    enum err e = begin(s, a, p, fault, &w);
    if (e != ERR_OK)
        return e;
    if (w.what == WORK_TELL)
        return tell(s, a, p, &w.booking);
    e = w.what == WORK_RESOLVE ? refund_resolve(s, &w.r, &a->end, p, &o)
                               : refund_make(s, &w.r, &a->end, p, &o);
    /* What the gateway said comes first; what could not be stored of it the keeper finds out. */
    return o.err != ERR_OK ? payment_fail(s, &o, p, fault) : e;
}

enum err payment_refund(struct svc *s, const struct principal *who, const struct refund_order *o,
                        struct payment *p, struct payment_fault *fault)
{
    *fault = (struct payment_fault){.unknown = false};
    const struct asked a = {.who = who,
                            .amount = o->amount,
                            .reason = o->reason,
                            .request_key = o->request_key,
                            .end = {.order = o}};
    return refund(s, &a, p, fault);
}

/* ---- cancelling ---- */

static const struct db_stmt paid_stmt = {
    "payment_paid_of",
    "SELECT" PAYMENT_COLUMNS
    " FROM payments p WHERE p.booking_id = $1::uuid AND p.status IN ('paid', 'partially_refunded')"
    " AND NOT p.surplus"};

/* The key's name says whose it is. */
static const struct db_stmt done_stmt = {
    "refund_done_under",
    "SELECT 1 FROM payments p JOIN refunds r ON r.venue_id = p.venue_id AND r.payment_id = p.id "
    "WHERE p.booking_id = $1::uuid"
    " AND r.request_key = $2 AND r.status = 'done' AND r.updated_at > now() - interval '24 hours'"};

static enum err cancel_paid(struct svc *s, const struct booking_caller *c,
                            const struct booking_transition *t, struct payment *p,
                            struct booking *out, struct payment_fault *fault)
{
    const struct asked a = {.who = c->who,
                            .reason = t->reason,
                            .request_key = t->request_key,
                            .cancelling = t,
                            .end = {.canceller = c, .booking = out}};
    enum err e = refund(s, &a, p, fault);
    /* A refund is in somebody's hand: the booking is on its way out, or its money is. */
    return e == ERR_PAYMENT_NOT_REFUNDABLE ? ERR_BOOKING_NOT_ACTIVE : e;
}

/* The same request was begun before, and somebody else ended it: the answer that it would have had.
 */
static enum err tell_cancelled(struct svc *s, const struct booking_caller *c,
                               const struct booking *bk)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    if (c->on_commit)
        c->on_commit(c->arg, b, bk);
    return db_run(b, s->deadline);
}

/* One try. ERR_DB_RETRY: it was paid while we looked. */
static enum err cancel(struct svc *s, const struct booking_caller *c,
                       const struct booking_transition *t, struct booking *out,
                       struct payment_fault *fault)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int loaded = booking_add_find_any(b, t->id);
    int found = DB_ADD(b, &paid_stmt, t->id);
    int done = DB_ADD(b, &done_stmt, t->id, t->request_key);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    bool paid = db_count(db_result(b, found)) > 0, was_done = db_count(db_result(b, done)) > 0;
    if (paid || was_done)
        booking_read(db_result(b, loaded), 0, out);
    if (was_done)
        return tell_cancelled(s, c, out);
    if (!paid || strcmp(out->customer_id.s, c->who->id.s) != 0) {
        struct booking_transition unpaid = *t;
        unpaid.unless =
            &paid_stmt; /* money that arrives now must not be lost on a cancelled booking */
        return booking_move_on(s, c, &unpaid, out);
    }
    struct payment p;
    payment_read(db_result(b, found), 0, &p);
    return cancel_paid(s, c, t, &p, out, fault);
}

enum err payment_cancel(struct svc *s, const struct booking_caller *c,
                        const struct booking_transition *t, struct booking *out,
                        struct payment_fault *fault)
{
    *fault = (struct payment_fault){.unknown = false};
    enum err e;
    int attempt = 0;
    do {
        e = cancel(s, c, t, out, fault);
    } while (e == ERR_DB_RETRY && ++attempt < ATTEMPTS_MAX && !deadline_passed(s->deadline));
    return e;
}
