/*
 * The one step that believes: fetch from the gateway, compare, apply. Webhook, browser return, invoice callback, a repeat of the
 * create and the keeper all come here. Applying is idempotent: it moves the row from what it is to what the gateway says.
 */
#include "payment_priv.h"
#include "svc/booking_pay.h"
#include "sys/log.h"
#include "sys/metrics.h"

/* A customer who began 3-D Secure before the invoice ended may finish after: looked at once more by then. */
#define LAST_LOOK_S 600

static const struct db_stmt look_stmt = {
    "payment_look", "SELECT" PAYMENT_COLUMNS ", booking_status(b.status, b.hold_expires_at) AS booking_state FROM payments p"
                    " JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id WHERE p.id = $1::uuid"};

/* What the gateway says, and what of it counts. */
struct verdict {
    struct pay_invoice invoice;
    bool found;                      /* the gateway knows an invoice of ours */
    bool mismatch;
    const struct pay_charge *charge; /* the one that pays; NULL: none */
};

/* ---- asking ---- */

static void ask(const struct pay_call *c, const struct payment *p, bool wide, struct pay_invoice *v, struct pay_outcome *o)
{
    if (p->gateway_id != NULL && !wide) {
        pay_fetch(c, p->gateway_id, v, o);
        return;
    }
    pay_find(c, p->id.s, v, o);
    if (o->err == ERR_NOT_FOUND && p->gateway_id != NULL)
        pay_fetch(c, p->gateway_id, v, o);
}

/* An invoice that can still be paid for a booking that can no longer be: ended first, so that nobody pays in vain. */
static void end_open_invoice(const struct pay_call *c, struct pay_invoice *v, struct pay_outcome *o)
{
    struct pay_outcome cancelled;
    const char *id = v->id;
    pay_cancel(c, id, &cancelled);
    METRIC_INC(M_PAYMENT_ACTS, PA_INVOICE_CANCELLED);
    pay_fetch(c, id, v, o); /* the payer may have been faster; the fetch tells */
}

static bool charge_fits(const struct payment *p, const struct pay_charge *c)
{
    return c->amount == p->amount && strcmp(c->currency, p->currency) == 0;
}

/* The charge that pays: the one that did already, else the oldest (the gateway lists the newest first). */
static void judge(const struct payment *p, struct verdict *v)
{
    const struct pay_invoice *i = &v->invoice;
    v->mismatch = i->reference == NULL || strcmp(i->reference, p->id.s) != 0 || i->amount != p->amount || strcmp(i->currency, p->currency) != 0;
    for (size_t n = 0; n < i->charges_n && !v->mismatch; n++) {
        const struct pay_charge *c = &i->charges[n];
        if (!c->charged)
            continue;
        if (!charge_fits(p, c))
            v->mismatch = true;
        else if (v->charge == NULL || p->charge_id == NULL || strcmp(v->charge->id, p->charge_id) != 0)
            v->charge = c;
    }
}

/* ---- applying, in the transaction that holds the locks ---- */

struct applying {
    struct svc *s;
    struct payment_locked now;
    struct payment_change change;
    const struct verdict *v;
    const char *actor;
};

static const struct db_stmt surplus_stmt = {
    "payment_surplus_add",
    "WITH made AS (INSERT INTO refunds (venue_id, id, payment_id, charge_id, amount, refunded_before, status, surplus, actor, reason,"
    "   request_id, next_check_at)"
    " SELECT $1::uuid, $2::uuid, $3::uuid, $4, $5::bigint, $6::bigint, 'wanted', true, 'keeper', $7, $8, now()"
    " ON CONFLICT (venue_id, charge_id) WHERE surplus AND status <> 'failed' DO NOTHING RETURNING id)"
    " INSERT INTO audit_log (id, venue_id, actor, action, subject, detail, request_id)"
    " SELECT $9::uuid, $1::uuid, 'keeper', 'payment.surplus', $3, jsonb_build_object('charge', $4::text, 'reason', $7::text), $8 FROM made"};

void payment_add_surplus(struct svc *s, struct db_batch *b, const struct payment *p, const struct pay_charge *c, const char *reason)
{
    struct uuid *ids = arena_array(s->arena, 2, sizeof *ids);
    ids[0] = uuid_new();
    ids[1] = uuid_new();
    DB_ADD(b, &surplus_stmt, p->venue_id.s, ids[0].s, p->id.s, c->id, db_int(b, c->amount - c->refunded), db_int(b, c->refunded), reason,
           s->request_id, ids[1].s);
    METRIC_INC(M_PAYMENT_ACTS, PA_SURPLUS);
}

static bool is_open(enum payment_state st)
{
    return st == PAYMENT_CREATING || st == PAYMENT_INITIATED || st == PAYMENT_UNKNOWN;
}

static bool was_paid(enum payment_state st)
{
    return st == PAYMENT_PAID || st == PAYMENT_REFUNDED || st == PAYMENT_PARTIALLY_REFUNDED;
}

/* What the invoice's own state makes of a payment that no charge has paid. */
static enum payment_state unpaid_state(const struct payment *p, const struct verdict *v)
{
    if (!is_open(p->state))
        return p->state;
    if (!v->found) {
        if (p->in_hand)
            return p->state;
        return p->invoice_expires_at.us < p->read_at.us ? PAYMENT_FAILED : PAYMENT_UNKNOWN;
    }
    switch (v->invoice.state) {
    case PAY_OPEN:
        return PAYMENT_INITIATED;
    case PAY_FAILED:
        return PAYMENT_FAILED;
    case PAY_EXPIRED:
    case PAY_CANCELED:
    case PAY_REFUNDED:
        return PAYMENT_EXPIRED;
    case PAY_PAID:
        break; /* paid, and its charge not in the list yet: asked again */
    }
    return p->state;
}

/* When the keeper looks again. After the end: once more, for charges that came late or twice. */
static int64_t next_look_s(const struct payment *p)
{
    if (is_open(p->state))
        return payment_backoff_s(p->checks);
    int64_t last_s = (p->invoice_expires_at.us - p->read_at.us) / 1000000 + LAST_LOOK_S;
    return last_s > 0 ? last_s : PAYMENT_DONE;
}

/* Charges beyond the one that pays are given back. */
static bool add_extra_charges(struct applying *a, struct db_batch *b)
{
    const struct pay_invoice *i = &a->v->invoice;
    const struct payment *p = &a->now.payment;
    bool any = false;
    for (size_t n = 0; n < i->charges_n; n++) {
        const struct pay_charge *c = &i->charges[n];
        bool pays = p->charge_id != NULL ? strcmp(c->id, p->charge_id) == 0 : c == a->v->charge;
        if (!c->charged || pays || c->refunded >= c->amount)
            continue;
        payment_add_surplus(a->s, b, p, c, "second charge");
        any = true;
    }
    return any;
}

static void put_refunded(struct payment *p, int64_t refunded)
{
    p->refunded = refunded;
    if (refunded > 0)
        p->state = refunded >= p->amount ? PAYMENT_REFUNDED : PAYMENT_PARTIALLY_REFUNDED;
}

/* The first time that the charge is seen: the booking's fate is decided here. */
static enum err apply_paid(struct applying *a)
{
    struct payment *p = &a->now.payment;
    struct svc *s = a->s;
    bool taken = false, changed = false;
    enum err e = OK;
    if (!a->now.other_paid && a->v->charge->refunded == 0)
        e = booking_take_paid(s, &a->now.booking, &taken, &changed);
    if (e != OK)
        return e;
    p->state = PAYMENT_PAID;
    p->charge_id = a->v->charge->id;
    p->gateway_id = a->v->invoice.id;
    p->surplus = !taken;
    a->change.reason = taken ? "charged" : a->now.other_paid ? "charged a second time" : "charged when the slot was gone";
    a->change.next_check_s = next_look_s(p);
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    payment_add_change(s, b, p, &a->change);
    if (a->v->charge->refunded > 0) {
        struct payment_change given_back = {.from = PAYMENT_PAID, .actor = a->actor, .reason = "refunded at the gateway", .next_check_s = a->change.next_check_s};
        put_refunded(p, a->v->charge->refunded);
        payment_add_change(s, b, p, &given_back);
    }
    if (!taken && a->v->charge->refunded < p->amount)
        payment_add_surplus(s, b, p, a->v->charge, a->change.reason);
    add_extra_charges(a, b);
    if (strcmp(a->actor, "keeper") == 0)
        payment_add_audit(s, b, p, a->actor, "payment.settle", NULL);
    if (changed)
        return booking_commit_paid(s, b, &a->now.booking, a->actor);
    return db_run(b, s->deadline);
}

static const struct db_stmt in_flight_stmt = {
    "payment_refund_in_flight", "SELECT 1 FROM refunds WHERE venue_id = $1::uuid AND payment_id = $2::uuid AND status IN ('calling', 'unknown')"};

/* Money went back without us: through the gateway's own desk. */
static enum err refunded_elsewhere(struct applying *a, bool *yes)
{
    struct payment *p = &a->now.payment;
    *yes = false;
    const struct pay_charge *c = a->v->charge;
    if (!was_paid(p->state) || c == NULL || p->charge_id == NULL || strcmp(c->id, p->charge_id) != 0 || c->refunded <= p->refunded)
        return OK;
    struct db_batch *b = db_batch(a->s->db, a->s->arena, DB_IN_TX);
    int i = DB_ADD(b, &in_flight_stmt, p->venue_id.s, p->id.s);
    enum err e = db_run(b, a->s->deadline);
    *yes = e == OK && db_count(db_result(b, i)) == 0;
    return e;
}

static enum err apply_rest(struct applying *a, enum settled *how)
{
    struct payment *p = &a->now.payment;
    bool elsewhere;
    enum err e = refunded_elsewhere(a, &elsewhere);
    if (e != OK)
        return e;
    if (elsewhere) {
        put_refunded(p, a->v->charge->refunded);
        a->change.reason = "refunded at the gateway";
        a->change.again = true;
    } else if (!was_paid(p->state)) {
        p->state = unpaid_state(p, a->v);
        a->change.reason = a->v->found ? "the gateway says so" : "the gateway knows nothing of it";
    }
    if (a->v->found && p->gateway_id == NULL) {
        p->gateway_id = a->v->invoice.id;
        p->redirect_url = a->v->invoice.url;
    }
    bool moved = p->state != a->change.from || elsewhere;
    struct db_batch *b = db_batch(a->s->db, a->s->arena, DB_COMMIT);
    bool extra = a->v->found && add_extra_charges(a, b);
    a->change.next_check_s = p->in_hand ? payment_backoff_s(5) : next_look_s(p);
    payment_add_change(a->s, b, p, &a->change);
    if ((moved && strcmp(a->actor, "keeper") == 0) || elsewhere)
        payment_add_audit(a->s, b, p, a->actor, elsewhere ? "payment.refunded_elsewhere" : "payment.settle", NULL);
    *how = moved || extra ? SETTLED_APPLIED : SETTLED_NOTHING;
    return db_run(b, a->s->deadline);
}

/* In hand by a creator and unchanged: its own storing would be overtaken, so the row is left to it. */
static bool leave_alone(const struct applying *a)
{
    return a->now.payment.in_hand && !a->v->found;
}

static enum err apply(struct svc *s, const struct payment *seen, const struct verdict *v, const char *actor, struct payment *out, enum settled *how)
{
    struct applying a = {.s = s, .v = v, .actor = actor, .change = {.actor = actor}};
    enum err e = payment_begin(s, seen, &a.now);
    if (e != OK)
        return e;
    a.change.from = a.now.payment.state;
    *how = SETTLED_NOTHING;
    if (leave_alone(&a)) {
        db_clean(s->db, s->deadline);
    } else if (v->charge != NULL && !was_paid(a.now.payment.state)) {
        *how = SETTLED_APPLIED;
        e = apply_paid(&a);
    } else {
        e = apply_rest(&a, how);
    }
    *out = a.now.payment;
    return e;
}

static enum err tell_mismatch(struct svc *s, const struct payment *p, const char *actor)
{
    METRIC_INC(M_PAYMENT_ACTS, PA_MISMATCH);
    LOG(LOG_ERROR, "payment.mismatch", F_STR("payment", p->id.s), F_STR("actor", actor),
        F_STR("hint", "amount, currency or reference at the gateway is not ours: nothing was changed"));
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    payment_add_audit(s, b, p, actor, "payment.mismatch", NULL);
    return db_run(b, s->deadline);
}

static enum err settle(struct svc *s, const char *id, const char *actor, bool wide, struct payment *out, enum settled *how)
{
    *how = SETTLED_NOTHING;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int looked = DB_ADD(b, &look_stmt, id);
    enum err e = db_run(b, s->deadline);
    if (e != OK)
        return e;
    if (db_count(db_result(b, looked)) == 0)
        return ERR_NOT_FOUND;
    payment_read(db_result(b, looked), 0, out);
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    bool payable = strcmp(db_get_str(db_result(b, looked), 0, "booking_state"), booking_state_names[BOOKING_PENDING_PAYMENT]) == 0;
    struct pay_call call = payment_call(s);
    struct pay_outcome o;
    struct verdict v = {.found = false};
    ask(&call, out, wide, &v.invoice, &o);
    if (o.err == OK && v.invoice.state == PAY_OPEN && !payable)
        end_open_invoice(&call, &v.invoice, &o);
    if (o.err != OK && o.err != ERR_NOT_FOUND)
        return o.err;
    v.found = o.err == OK;
    if (v.found)
        judge(out, &v);
    if (v.mismatch) {
        *how = SETTLED_MISMATCH;
        return tell_mismatch(s, out, actor);
    }
    struct payment seen = *out;
    return apply(s, &seen, &v, actor, out, how);
}

enum err payment_settle(struct svc *s, const char *id, const char *actor, struct payment *out, enum settled *how)
{
    return settle(s, id, actor, false, out, how);
}

enum err payment_settle_wide(struct svc *s, const char *id, const char *actor, struct payment *out, enum settled *how)
{
    return settle(s, id, actor, true, out, how);
}
