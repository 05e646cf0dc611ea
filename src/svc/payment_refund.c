/*
 * Giving money back. The gateway gives refunds no identifier and knows no idempotency: the row is written first with the
 * gateway's running total before the call, one refund a payment is in flight, and after an unknown outcome the total tells.
 */
#include "base/ensure.h"
#include "payment_priv.h"
#include "svc/audit.h"
#include "svc/booking_pay.h"
#include "sys/log.h"
#include "sys/metrics.h"

/* Only after this long may a refund that the gateway's total does not show be called not done. */
#define SETTLE_REFUND "15 minutes"
#define CLAIM_GRACE_S 3
#define REFUNDS_A_RUN 10

struct refund {
    struct uuid id, venue_id, payment_id;
    const char *charge_id, *status, *actor, *reason;
    int64_t amount, before, checks;
    bool cancels_booking, surplus, old;
};

static const struct db_stmt add_stmt = {
    "refund_add",
    "INSERT INTO refunds (venue_id, id, payment_id, charge_id, amount, refunded_before, status, cancels_booking, actor, reason,"
    "  request_id, next_check_at)"
    " VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::bigint, $6::bigint, 'calling', $7::boolean, $8, $9, $10,"
    "  now() + $11::bigint * interval '1 second')"};
static const struct db_stmt set_stmt = {
    "refund_set", "UPDATE refunds SET status = $3, fault = $4, refunded_before = $5::bigint, checks = checks + 1, updated_at = now(),"
                  " next_check_at = CASE WHEN $6::bigint >= 0 THEN now() + $6::bigint * interval '1 second' END"
                  " WHERE venue_id = $1::uuid AND id = $2::uuid"};

static void add_set(struct db_batch *b, const struct refund *r, const char *status, const char *fault, int64_t next_s)
{
    DB_ADD(b, &set_stmt, r->venue_id.s, r->id.s, status, fault, db_int(b, r->before), db_int(b, next_s));
}

static int64_t claim_s(const struct svc *s)
{
    return deadline_left_ms(s->deadline) / 1000 + 1 + CLAIM_GRACE_S;
}

/* ---- the end of a refund ---- */

/* Who hears of it, and what else commits with it. */
struct refund_end {
    const struct principal *who;            /* NULL: the keeper */
    const struct booking_caller *canceller; /* the customer whose answer is the booking */
    payment_commit_fn on_commit;
    void *arg;
};

static void note_done(struct svc *s, struct db_batch *b, const struct refund *r, struct payment *p, int64_t total)
{
    struct payment_change change = {.from = p->state, .actor = r->actor, .reason = r->reason, .next_check_s = PAYMENT_DONE, .again = true};
    bool main_charge = p->charge_id != NULL && strcmp(r->charge_id, p->charge_id) == 0;
    if (main_charge) {
        p->refunded = total < p->amount ? total : p->amount;
        p->state = p->refunded >= p->amount ? PAYMENT_REFUNDED : PAYMENT_PARTIALLY_REFUNDED;
        payment_add_change(s, b, p, &change);
    }
    add_set(b, r, "done", NULL, PAYMENT_DONE);
    const char *detail = arena_printf(s->arena, "{\"amount\":%lld,\"charge\":\"%s\"}", (long long)r->amount, r->charge_id);
    payment_add_audit(s, b, p, r->actor, "payment.refund", detail);
}

/* The gateway has done it: everything that follows, in one transaction. */
static enum err finish_done(struct svc *s, const struct refund *r, int64_t total, const struct refund_end *end, struct payment *p, struct booking *booking)
{
    struct payment_locked now;
    enum err e = payment_begin(s, p, &now);
    if (e != OK)
        return e;
    *p = now.payment;
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    note_done(s, b, r, p, total);
    if (end->on_commit)
        end->on_commit(end->arg, b, p);
    bool live = now.booking.state == BOOKING_CONFIRMED || now.booking.state == BOOKING_PENDING_PAYMENT;
    if (r->cancels_booking && live) {
        struct booking_refunded how = {.caller = end->canceller, .actor = r->actor, .reason = r->reason, .refunded = total};
        e = booking_commit_cancelled(s, b, &now.booking, &how);
    } else {
        e = booking_commit_refunded(s, b, &now.booking, total);
    }
    *booking = now.booking;
    return e;
}

/* Definitely not done: the booking stays as it was. */
static enum err finish_failed(struct svc *s, const struct refund *r, const char *fault)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    METRIC_INC(M_PAYMENT_ACTS, PA_REFUND_FAILED);
    /* What the keeper owes is tried again; what somebody asked for is theirs to ask for again. */
    if (r->surplus)
        add_set(b, r, "wanted", fault, payment_backoff_s(r->checks));
    else
        add_set(b, r, "failed", fault, PAYMENT_DONE);
    LOG(LOG_WARN, "refund.failed", F_STR("payment", r->payment_id.s), F_STR("refund", r->id.s), F_STR("error", fault), F_INT("surplus", r->surplus));
    return db_run(b, s->deadline);
}

static enum err finish_unknown(struct svc *s, const struct refund *r, const char *fault)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    add_set(b, r, "unknown", fault, payment_backoff_s(r->checks));
    LOG(LOG_WARN, "refund.unknown", F_STR("payment", r->payment_id.s), F_STR("refund", r->id.s), F_STR("error", fault));
    return db_run(b, s->deadline);
}

/* Calls the gateway for a row that is written, and stores what became of it. *o: as the gateway answered. */
static enum err call_and_finish(struct svc *s, const struct refund *r, const struct refund_end *end, struct payment *p, struct booking *booking,
                                struct pay_outcome *o)
{
    struct pay_call call = payment_call(s);
    struct pay_charge charge;
    pay_refund(&call, r->charge_id, r->amount, &charge, o);
    if (o->err != OK && o->unknown) { /* one look, while there is time */
        struct pay_outcome look;
        pay_fetch_charge(&call, r->charge_id, &charge, &look);
        if (look.err == OK && charge.refunded >= r->before + r->amount)
            *o = look;
    }
    if (o->err == OK)
        return finish_done(s, r, charge.refunded, end, p, booking);
    return o->unknown ? finish_unknown(s, r, err_code(o->err)) : finish_failed(s, r, err_code(o->err));
}

/* ---- on request ---- */

static enum err refundable(const struct payment *p, const struct refund_order *o, int64_t left)
{
    if (p->charge_id == NULL || p->surplus || (p->state != PAYMENT_PAID && p->state != PAYMENT_PARTIALLY_REFUNDED) || left <= 0)
        return ERR_PAYMENT_NOT_REFUNDABLE;
    return o->amount > left ? ERR_VALIDATION : OK;
}

/* Under the locks: is it still so, and nobody else at it? Writes the row. */
static enum err write_row(struct svc *s, const struct principal *who, const struct refund_order *o, const struct pay_charge *charge,
                          struct payment *p, struct refund *r)
{
    struct payment_locked now;
    enum err e = payment_begin(s, p, &now);
    if (e != OK)
        return e;
    *p = now.payment;
    int64_t left = charge->amount - charge->refunded;
    e = refundable(p, o, left);
    if (e != OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    *r = (struct refund){.id = uuid_new(), .venue_id = p->venue_id, .payment_id = p->id, .charge_id = p->charge_id,
                         .amount = o->amount > 0 ? o->amount : left, .before = charge->refunded, .actor = who->actor, .reason = o->reason,
                         .cancels_booking = o->cancels_booking};
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(b, &add_stmt, r->venue_id.s, r->id.s, r->payment_id.s, r->charge_id, db_int(b, r->amount), db_int(b, r->before),
           db_bool(r->cancels_booking), r->actor, r->reason, s->request_id, db_int(b, claim_s(s)));
    e = db_run(b, s->deadline);
    return e == ERR_DB_UNIQUE ? ERR_PAYMENT_NOT_REFUNDABLE : e; /* one is in flight */
}

static enum err refund(struct svc *s, const struct principal *who, const struct refund_order *o, const struct booking_caller *canceller,
                       struct payment *p, struct booking *booking, struct payment_fault *fault)
{
    *fault = (struct payment_fault){0};
    enum err e = refundable(p, o, p->amount - p->refunded);
    if (e != OK)
        return e;
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    struct pay_call call = payment_call(s);
    struct pay_charge charge;
    struct pay_outcome outcome;
    pay_fetch_charge(&call, p->charge_id, &charge, &outcome);
    if (outcome.err != OK)
        return payment_fail(s, &outcome, p, fault);
    struct refund r;
    e = write_row(s, who, o, &charge, p, &r);
    if (e != OK)
        return e;
    struct refund_end end = {.who = who, .canceller = canceller, .on_commit = o->on_commit, .arg = o->arg};
    e = call_and_finish(s, &r, &end, p, booking, &outcome);
    if (outcome.err != OK && (e == OK || outcome.unknown))
        return payment_fail(s, &outcome, p, fault);
    return e;
}

enum err payment_refund(struct svc *s, const struct principal *who, const struct refund_order *o, struct payment *out, struct booking *booking,
                        struct payment_fault *fault)
{
    return refund(s, who, o, NULL, out, booking, fault);
}

/* ---- cancelling what was paid ---- */

static const struct db_stmt paid_stmt = {
    "payment_paid_of", "SELECT" PAYMENT_COLUMNS " FROM payments p WHERE p.booking_id = $1::uuid AND p.status IN ('paid', 'partially_refunded')"
                       " AND NOT p.surplus"};

enum err payment_cancel_paid(struct svc *s, const struct booking_caller *c, const struct booking_transition *t, bool *paid, struct booking *out,
                             struct payment_fault *fault)
{
    *paid = false;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int loaded = booking_add_find_any(b, t->id);
    int found = DB_ADD(b, &paid_stmt, t->id);
    enum err e = db_run(b, s->deadline);
    if (e != OK || db_count(db_result(b, found)) == 0 || db_count(db_result(b, loaded)) == 0)
        return e;
    booking_read(db_result(b, loaded), 0, out);
    if (strcmp(out->customer_id.s, c->who->id.s) != 0)
        return OK; /* booking_move_on will say that it does not exist */
    *paid = true;
    e = booking_cancel_check(c->who, out, t);
    if (e != OK)
        return e;
    struct payment p;
    payment_read(db_result(b, found), 0, &p);
    struct refund_order o = {.cancels_booking = true, .reason = t->reason};
    e = refund(s, c->who, &o, c, &p, out, fault);
    /* Paid, and a refund under way: the booking is on its way out already. */
    return e == ERR_PAYMENT_NOT_REFUNDABLE ? ERR_BOOKING_NOT_ACTIVE : e;
}

/* ---- the keeper ---- */

static const struct db_stmt due_stmt = {
    "refund_due",
    "UPDATE refunds r SET next_check_at = now() + $1::bigint * interval '1 second', updated_at = now(),"
    "  status = CASE r.status WHEN 'wanted' THEN 'calling' ELSE r.status END"
    " FROM (SELECT o.venue_id, o.id, o.status FROM refunds o WHERE o.next_check_at <= now() AND o.status IN ('wanted', 'calling', 'unknown')"
    "   AND NOT EXISTS (SELECT 1 FROM refunds f WHERE o.status = 'wanted' AND f.venue_id = o.venue_id AND f.payment_id = o.payment_id"
    "     AND f.status IN ('calling', 'unknown'))"
    "   ORDER BY o.next_check_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) due"
    " WHERE r.venue_id = due.venue_id AND r.id = due.id"
    " RETURNING r.id, r.venue_id, r.payment_id, r.charge_id, due.status, r.amount, r.refunded_before, r.cancels_booking, r.surplus,"
    "  r.actor, r.reason, r.checks, r.created_at < now() - interval '" SETTLE_REFUND "' AS old"};

static void read_refund(struct db_rows rows, struct refund *r)
{
    *r = (struct refund){
        .id = db_get_uuid(rows, 0, "id"),
        .venue_id = db_get_uuid(rows, 0, "venue_id"),
        .payment_id = db_get_uuid(rows, 0, "payment_id"),
        .charge_id = db_get_str(rows, 0, "charge_id"),
        .status = db_get_str(rows, 0, "status"),
        .actor = db_get_str(rows, 0, "actor"),
        .reason = db_get(rows, 0, "reason"),
        .amount = db_get_int(rows, 0, "amount"),
        .before = db_get_int(rows, 0, "refunded_before"),
        .checks = db_get_int(rows, 0, "checks"),
        .cancels_booking = db_get_bool(rows, 0, "cancels_booking"),
        .surplus = db_get_bool(rows, 0, "surplus"),
        .old = db_get_bool(rows, 0, "old"),
    };
}

static const struct db_stmt amount_stmt = {"refund_amount",
                                           "UPDATE refunds SET amount = $3::bigint WHERE venue_id = $1::uuid AND id = $2::uuid"};

/* A wanted refund is made of what is left of its charge now. */
static enum err make_wanted(struct svc *s, struct refund *r, const struct pay_charge *charge, struct payment *p)
{
    int64_t left = charge->amount - charge->refunded;
    struct refund_end nobody = {0};
    struct booking booking;
    r->before = charge->refunded;
    if (left <= 0 || !charge->charged)
        return finish_done(s, r, charge->refunded, &nobody, p, &booking);
    r->amount = left;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WHOLE_TX);
    DB_ADD(b, &amount_stmt, r->venue_id.s, r->id.s, db_int(b, r->amount));
    add_set(b, r, "calling", NULL, claim_s(s));
    enum err e = db_run(b, s->deadline);
    if (e != OK)
        return e;
    struct pay_outcome o;
    return call_and_finish(s, r, &nobody, p, &booking, &o);
}

/* A call whose outcome is not known: the gateway's total tells, and time. */
static enum err resolve(struct svc *s, const struct refund *r, const struct pay_charge *charge, struct payment *p)
{
    struct refund_end nobody = {0};
    struct booking booking;
    if (charge->refunded >= r->before + r->amount)
        return finish_done(s, r, charge->refunded, &nobody, p, &booking);
    return r->old ? finish_failed(s, r, "not_done") : finish_unknown(s, r, "not_seen_yet");
}

static enum err keep_one(struct svc *s, bool *found)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &due_stmt, db_int(b, claim_s(s)));
    enum err e = db_run(b, s->deadline);
    *found = e == OK && db_count(db_result(b, i)) == 1;
    if (!*found)
        return e == ERR_DB_UNIQUE ? OK : e; /* two wanted ones of a payment: in turn */
    struct refund r;
    read_refund(db_result(b, i), &r);
    struct payment p;
    e = payment_find(s, r.payment_id.s, &p);
    if (e != OK)
        return e;
    struct pay_call call = payment_call(s);
    struct pay_charge charge;
    struct pay_outcome o;
    pay_fetch_charge(&call, r.charge_id, &charge, &o);
    bool wanted = strcmp(r.status, "wanted") == 0;
    if (o.err != OK) /* nothing was called: a wanted one goes back into the queue */
        return wanted ? finish_failed(s, &r, err_code(o.err)) : finish_unknown(s, &r, err_code(o.err));
    return wanted ? make_wanted(s, &r, &charge, &p) : resolve(s, &r, &charge, &p);
}

enum err payment_job_refunds(struct svc *s)
{
    if (!payment_configured(s))
        return OK;
    bool found = true;
    enum err e = OK;
    for (int i = 0; e == OK && found && i < REFUNDS_A_RUN && deadline_left_ms(s->deadline) > 2000; i++)
        e = keep_one(s, &found);
    return e;
}
