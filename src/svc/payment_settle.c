/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The one step that believes: fetch from the gateway, compare, apply. Webhook, browser return,
 * invoice callback, a repeat of the create and the keeper all come here. Applying is idempotent: it
 * moves the row from what it is to what the gateway says.
 */
#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/booking_pay.h"
#include "sys/json.h"
#include "sys/log.h"

static const struct db_stmt look_stmt = {
    "payment_look",
    "SELECT" PAYMENT_COLUMNS
    ", booking_status(b.status, b.hold_expires_at) AS booking_state FROM payments p"
    " JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id WHERE p.id = $1::uuid"};

/* What the gateway says, and what of it counts. */
struct verdict {
    struct pay_invoices found;         /* ours; more than one when a create was done twice */
    const struct pay_invoice *invoice; /* the one that counts; NULL: the gateway knows none */
    const struct pay_charge *charge;   /* the one that pays; NULL: none */
    bool mismatch;
    bool pending; /* a payer is at the bank */
};

/* ---- asking ---- */

static void fetch_into(const struct pay_call *c, struct pay_invoice *v, struct ext_result *o)
{
    const char *id = v->id;
    *o = pay_fetch(c, id, v);
}

/* A paid invoice without its charge is not the last word: the invoice itself is asked for, then the
 * charges that name us. */
static void complete(const struct pay_call *c, const struct payment *p, struct pay_invoice *v,
                     struct ext_result *o)
{
    if (v->state != PAY_PAID || v->charges_n > 0)
        return;
    fetch_into(c, v, o);
    if (o->err == ERR_OK && v->state == PAY_PAID && v->charges_n == 0) {
        *o = pay_charges(c, p->id.s, &v->charges, &v->charges_n);
        if (o->err == ERR_NOT_FOUND)
            *o = (struct ext_result){.err = ERR_OK};
    }
}

static void ask(const struct pay_call *c, const struct payment *p, bool wide,
                struct pay_invoices *found, struct ext_result *o)
{
    bool known = p->gateway_id != NULL;
    *o = (struct ext_result){.err = ERR_NOT_FOUND, .outcome = OUTCOME_FAILED};
    if (wide || !known)
        *o = pay_find(c, p->id.s, found);
    if (o->err == ERR_NOT_FOUND && known) {
        found->items = ARENA_NEW(c->arena, struct pay_invoice);
        found->items[0].id = p->gateway_id;
        fetch_into(c, &found->items[0], o);
        found->n = o->err == ERR_OK;
    }
    for (size_t i = 0; i < found->n && o->err == ERR_OK; i++)
        complete(c, p, &found->items[i], o);
}

/* Of several invoices: one that was paid, else the one that the customer was sent to, else one that
 * can be paid, else the newest. */
static const struct pay_invoice *choose(const struct payment *p, const struct pay_invoices *found)
{
    static const int rank[] = {[PAY_OPEN] = 1,    [PAY_PAID] = 4,     [PAY_FAILED] = 0,
                               [PAY_EXPIRED] = 0, [PAY_CANCELED] = 0, [PAY_REFUNDED] = 3};
    const struct pay_invoice *best = NULL;
    int best_rank = -1;
    for (size_t i = 0; i < found->n; i++) {
        const struct pay_invoice *v = &found->items[i];
        bool known = p->gateway_id != NULL && strcmp(v->id, p->gateway_id) == 0;
        int r = known && rank[v->state] < 2 ? 2 : rank[v->state];
        if (r > best_rank) {
            best = v;
            best_rank = r;
        }
    }
    return best;
}

/* Invoices that could still be paid and should not be are ended, so that nobody pays in vain. The
 * payer may be faster: the fetch tells. */
static void end_open_invoices(const struct pay_call *c, const struct pay_invoices *found,
                              const struct pay_invoice *spare, struct ext_result *o)
{
    for (size_t i = 0; i < found->n && o->err == ERR_OK; i++) {
        if (found->items[i].state != PAY_OPEN || &found->items[i] == spare)
            continue;
        struct ext_result cancelled;
        cancelled = pay_cancel(c, found->items[i].id);
        if (cancelled.err == ERR_OK)
            METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_INVOICE_CANCELLED);
        fetch_into(c, &found->items[i], o);
    }
}

static bool invoice_fits(const struct payment *p, const struct pay_invoice *i)
{
    return i->reference != NULL && strcmp(i->reference, p->id.s) == 0 && i->amount == p->amount &&
           strcmp(i->currency, p->currency) == 0;
}

static bool charge_fits(const struct payment *p, const struct pay_charge *c)
{
    return c->amount == p->amount && strcmp(c->currency, p->currency) == 0;
}

/* Whether `c` is the charge that pays, rather than `best`: the one that did already, else one that
 * was kept, else the older (lists begin with the newest). */
static bool pays_better(const struct payment *p, const struct pay_charge *c,
                        const struct pay_charge *best)
{
    if (best == NULL)
        return true;
    if (p->charge_id != NULL &&
        (strcmp(best->id, p->charge_id) == 0 || strcmp(c->id, p->charge_id) == 0))
        return strcmp(c->id, p->charge_id) == 0;
    return c->refunded < c->amount || best->refunded >= best->amount;
}

static void judge(const struct payment *p, struct verdict *v)
{
    for (size_t i = 0; i < v->found.n; i++) {
        const struct pay_invoice *invoice = &v->found.items[i];
        v->mismatch |= !invoice_fits(p, invoice);
        for (size_t n = 0; n < invoice->charges_n; n++) {
            const struct pay_charge *c = &invoice->charges[n];
            v->pending |= c->pending;
            if (!c->charged)
                continue;
            v->mismatch |= !charge_fits(p, c);
            if (!pays_better(p, c, v->charge))
                continue;
            v->charge = c;
            v->invoice = invoice;
        }
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

/* However many: one statement. */
static const struct db_stmt surplus_stmt = {
    "payment_surplus_add",
    "WITH wanted AS (SELECT * FROM jsonb_to_recordset($3::jsonb) AS c (id uuid, audit uuid, charge "
    "text, amount bigint, refunded bigint)),"
    " made AS (INSERT INTO refunds (venue_id, id, payment_id, charge_id, amount, refunded_before, "
    "whole, status, surplus, actor, reason,"
    "   request_id, next_check_at)"
    " SELECT $1::uuid, w.id, $2::uuid, w.charge, w.amount, w.refunded, true, 'wanted', true, "
    "'keeper', $4, $5, now() FROM wanted w"
    " ON CONFLICT (venue_id, charge_id) WHERE surplus AND status <> 'failed' DO NOTHING RETURNING "
    "id)"
    " INSERT INTO audit_log (id, venue_id, actor, action, subject, detail, request_id)"
    " SELECT w.audit, $1::uuid, 'keeper', 'payment.surplus', $2, jsonb_build_object('charge', "
    "w.charge, 'reason', $4::text), $5"
    " FROM wanted w JOIN made ON made.id = w.id"};

static void put_surplus(struct arena *a, json_t *list, const struct pay_charge *c)
{
    json_t *j = json_obj(a);
    struct uuid id = uuid_new(), audit = uuid_new();
    json_put_str(a, j, "id", id.s);
    json_put_str(a, j, "audit", audit.s);
    json_put_str(a, j, "charge", c->id);
    json_put_int(a, j, "amount", c->amount - c->refunded);
    json_put_int(a, j, "refunded", c->refunded);
    json_push(a, list, j);
}

/* Adds refunds that the keeper shall make of charges that no booking stands for; once a charge. */
static void add_surplus(struct svc *s, struct db_batch *b, const struct payment *p,
                        const json_t *list, const char *reason)
{
    if (json_array_size(list) > 0)
        DB_ADD(b, &surplus_stmt, p->venue_id.s, p->id.s, db_str(b, json_text(s->arena, list)),
               reason, s->request_id);
}

/* What the invoice's own state makes of a payment that no charge has paid. */
static enum payment_state unpaid_state(const struct payment *p, const struct verdict *v)
{
    if (!payment_is_open(p->state))
        return p->state;
    if (v->invoice == NULL)
        return p->invoice_expires_at.us < p->read_at.us ? PAYMENT_FAILED : PAYMENT_UNKNOWN;
    switch (v->invoice->state) {
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

/* Charges beyond the one that pays are given back. */
static bool add_extra_charges(struct applying *a, struct db_batch *b)
{
    const struct payment *p = &a->now.payment;
    json_t *list = json_arr(a->s->arena);
    for (size_t i = 0; i < a->v->found.n; i++) {
        for (size_t n = 0; n < a->v->found.items[i].charges_n; n++) {
            const struct pay_charge *c = &a->v->found.items[i].charges[n];
            bool pays = p->charge_id != NULL && strcmp(c->id, p->charge_id) == 0;
            if (c->charged && !pays && c->refunded < c->amount)
                put_surplus(a->s->arena, list, c);
        }
    }
    add_surplus(a->s, b, p, list, "second charge");
    return json_array_size(list) > 0;
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
    enum err e = ERR_OK;
    bool kept = a->v->charge->refunded < a->v->charge->amount;
    if (!a->now.other_paid && kept)
        e = booking_take_paid(s, &a->now.booking, &taken, &changed);
    if (e != ERR_OK)
        return e;
    p->state = PAYMENT_PAID;
    p->charge_id = a->v->charge->id;
    p->gateway_id = a->v->invoice->id;
    p->redirect_url = a->v->invoice->url;
    p->surplus = !taken;
    bool lost =
        !taken && kept && !a->now.other_paid && a->now.booking.state == BOOKING_PENDING_PAYMENT;
    a->change.reason = taken               ? "charged"
                       : a->now.other_paid ? "charged a second time"
                                           : "charged when the slot was gone";
    a->change.next_check_s = payment_next_look_s(p, a->v->pending);
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    payment_add_change(s, b, p, &a->change);
    if (a->v->charge->refunded > 0) {
        struct payment_change given_back = {.from = PAYMENT_PAID,
                                            .actor = a->actor,
                                            .reason = "refunded at the gateway",
                                            .next_check_s = a->change.next_check_s};
        put_refunded(p, a->v->charge->refunded);
        payment_add_change(s, b, p, &given_back);
    }
    if (!taken && kept) {
        json_t *list = json_arr(s->arena);
        put_surplus(s->arena, list, a->v->charge);
        add_surplus(s, b, p, list, a->change.reason);
    }
    add_extra_charges(a, b);
    if (strcmp(a->actor, "keeper") == 0)
        payment_add_audit(s, b, p, a->actor, "payment.settle", NULL);
    if (changed)
        return booking_commit_paid(s, b, &a->now.booking, a->actor);
    if (lost)
        return booking_commit_lost(s, b, &a->now.booking, a->actor);
    return db_run(b, s->deadline);
}

static const struct db_stmt in_flight_stmt = {
    "payment_refund_in_flight", "SELECT 1 FROM refunds WHERE venue_id = $1::uuid AND payment_id = "
                                "$2::uuid AND status IN ('calling', 'unknown')"};

/* Money went back without us: through the gateway's own desk. */
static enum err refunded_elsewhere(struct applying *a, bool *yes)
{
    struct payment *p = &a->now.payment;
    *yes = false;
    const struct pay_charge *c = a->v->charge;
    if (!payment_was_paid(p->state) || c == NULL || p->charge_id == NULL ||
        strcmp(c->id, p->charge_id) != 0 || c->refunded <= p->refunded)
        return ERR_OK;
    struct db_batch *b = db_batch(a->s->db, a->s->arena, DB_IN_TX);
    int i = DB_ADD(b, &in_flight_stmt, p->venue_id.s, p->id.s);
    enum err e = db_run(b, a->s->deadline);
    *yes = e == ERR_OK && db_count(db_result(b, i)) == 0;
    return e;
}

static enum err apply_rest(struct applying *a, enum settled *how)
{
    struct payment *p = &a->now.payment;
    bool elsewhere;
    enum err e = refunded_elsewhere(a, &elsewhere);
    if (e != ERR_OK)
        return e;
    if (elsewhere) {
        put_refunded(p, a->v->charge->refunded);
        a->change.reason = "refunded at the gateway";
        a->change.again = true;
    } else if (!payment_was_paid(p->state)) {
        p->state = unpaid_state(p, a->v);
        a->change.reason =
            a->v->invoice ? "the gateway says so" : "the gateway knows nothing of it";
    }
    if (a->v->invoice != NULL && !payment_was_paid(p->state)) {
        p->gateway_id = a->v->invoice->id;
        p->redirect_url = a->v->invoice->url;
    }
    bool moved = p->state != a->change.from || elsewhere;
    struct db_batch *b = db_batch(a->s->db, a->s->arena, DB_COMMIT);
    bool extra = add_extra_charges(a, b);
    a->change.next_check_s = payment_next_look_s(p, a->v->pending);
    payment_add_change(a->s, b, p, &a->change);
    if ((moved && strcmp(a->actor, "keeper") == 0) || elsewhere)
        payment_add_audit(a->s, b, p, a->actor,
                          elsewhere ? "payment.refunded_elsewhere" : "payment.settle", NULL);
    *how = moved || extra ? SETTLED_APPLIED : SETTLED_NOTHING;
    return db_run(b, a->s->deadline);
}

/* In hand by its creator, who is about to make the invoice or has it on the way: the row is left to
 * it. */
static bool leave_alone(const struct applying *a)
{
    return a->now.payment.in_hand && a->v->invoice == NULL;
}

static enum err apply(struct svc *s, const struct payment *seen, const struct verdict *v,
                      const char *actor, struct payment *out, enum settled *how)
{
    struct applying a = {.s = s, .v = v, .actor = actor, .change = {.actor = actor}};
    enum err e = payment_begin(s, seen, &a.now);
    if (e != ERR_OK)
        return e;
    a.change.from = a.now.payment.state;
    if (leave_alone(&a)) {
        db_clean(s->db, s->deadline);
    } else if (v->charge != NULL && !payment_was_paid(a.now.payment.state)) {
        *how = SETTLED_APPLIED;
        e = apply_paid(&a);
    } else {
        e = apply_rest(&a, how);
    }
    *out = a.now.payment;
    return e;
}

static const struct db_stmt mismatch_stmt = {
    "payment_mismatch",
    "WITH told AS (UPDATE payments p SET fault = 'mismatch', updated_at = now() WHERE p.venue_id = "
    "$1::uuid AND p.id = $2::uuid"
    "   AND p.fault IS DISTINCT FROM 'mismatch' RETURNING p.id)"
    " INSERT INTO audit_log (id, venue_id, actor, action, subject, request_id)"
    " SELECT $3::uuid, $1::uuid, $4, 'payment.mismatch', told.id::text, $5 FROM told"};

/* Nothing is changed; a person has to look. The audit log is told once, the metric each time. */
static enum err tell_mismatch(struct svc *s, const struct payment *p, const char *actor)
{
    METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_MISMATCH);
    LOG(LOG_LEVEL_ERROR, "payment.mismatch", F_STR("payment", p->id.s), F_STR("actor", actor),
        F_STR("hint",
              "amount, currency or reference at the gateway is not ours: nothing was changed"));
    struct uuid id = uuid_new();
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &mismatch_stmt, p->venue_id.s, p->id.s, id.s, actor, s->request_id);
    return db_run(b, s->deadline);
}

/* What we have on it; *payable: its booking still waits to be paid. */
static enum err look(struct svc *s, const char *id, struct payment *out, bool *payable)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &look_stmt, id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    if (db_count(rows) == 0)
        return ERR_NOT_FOUND;
    payment_read(rows, 0, out);
    *payable =
        payment_is_open(out->state) && strcmp(db_get_str(rows, 0, "booking_state"),
                                              booking_state_names[BOOKING_PENDING_PAYMENT]) == 0;
    return ERR_OK;
}

static enum err settle(struct svc *s, const char *id, const char *actor, bool wide,
                       struct payment *out, enum settled *how)
{
    *how = SETTLED_NOTHING;
    bool payable;
    enum err e = look(s, id, out, &payable);
    if (e != ERR_OK)
        return e;
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    struct pay_call call = payment_call(s);
    struct ext_result o;
    struct verdict v = {.mismatch = false};
    ask(&call, out, wide, &v.found, &o);
    v.invoice = choose(out, &v.found);
    if (o.err == ERR_OK)
        end_open_invoices(&call, &v.found, payable ? v.invoice : NULL, &o);
    if (o.err == ERR_NOT_FOUND && v.found.n > 0)
        return ERR_PROVIDER_FAILED; /* listed, and then not known */
    if (o.err != ERR_OK && o.err != ERR_NOT_FOUND)
        return o.err;
    judge(out, &v);
    if (v.mismatch) {
        *how = SETTLED_MISMATCH;
        return tell_mismatch(s, out, actor);
    }
    struct payment seen = *out;
    return apply(s, &seen, &v, actor, out, how);
}

enum err payment_settle(struct svc *s, const char *id, const char *actor, struct payment *out,
                        enum settled *how)
{
    return settle(s, id, actor, false, out, how);
}

enum err payment_settle_wide(struct svc *s, const char *id, const char *actor, struct payment *out,
                             enum settled *how)
{
    return settle(s, id, actor, true, out, how);
}
