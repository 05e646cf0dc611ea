/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The decisions about a payment, as pure functions: payment_settle.c, payment_open.c and refund.c
 * gather the facts under the locks, ask here, and store what the plan says. Every state of a
 * payment meets every view of the gateway in tests/unit/check_payment_decide.c.
 */
#include "payment_decide.h"

#include <string.h>

/* Invoices end before the hold does, so that a payment at the last moment still finds its slot: 30
 * s covers a payer's bank and our asking; of a short hold a tenth is enough (BEHAVIOUR §6). */
#define DECIDE_MARGIN_MAX_MS 30000
/* A shorter life is over before the gateway has made the invoice: one round trip to it. */
#define DECIDE_LIFE_MIN_MS 250
/* Ends are whole seconds, which every gateway reads alike. Of a life shorter than this, rounding
 * would take more than a tenth. */
#define DECIDE_LIFE_SHORT_MS 10000
/* So that what no hint came for is settled within a minute, jitter and one call included. */
#define DECIDE_BACKOFF_MAX_S 45
/* One more look this long after the invoice's end finds charges that came late or twice and that
 * nobody told us of. Gateways finish such charges within minutes. */
#define DECIDE_LAST_LOOK_S 600
/* How long after the invoice's end a payer may still be at the bank: gateways give a payer about 15
 * minutes, and this is twice that. */
#define DECIDE_PENDING_S 1800

/* ---- when the keeper asks ---- */

/* 2, 4, 8, 16, 32 s, then the maximum. */
int64_t payment_backoff_s(int64_t checks)
{
    return checks < 5 ? (int64_t)2 << checks : DECIDE_BACKOFF_MAX_S;
}

int64_t payment_next_check_s(const struct payment *p, bool pending, struct wall now)
{
    int64_t left_s = wall_us_between(now, p->invoice_expires_at) / 1000000;
    if (payment_is_open(p->state) || (pending && left_s + DECIDE_PENDING_S > 0))
        return payment_backoff_s(p->checks);
    return left_s + DECIDE_LAST_LOOK_S > 0 ? left_s + DECIDE_LAST_LOOK_S : PAYMENT_DONE;
}

/* ---- what of the gateway's view counts ---- */

struct decide_reading {
    const struct gateway_invoice *invoice; /* NULL: the gateway knows none */
    const struct gateway_charge *charge;   /* the one that pays; NULL: none */
    bool foreign;                          /* an invoice is not what we asked for */
    bool pending;                          /* a charge may still be paid */
};

/* NULL equals nothing, not even NULL: two unknown charges are not the same charge. */
static bool decide_same_id(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Of two charges that paid, the one that the row names stands. Else one whose money we still have
 * comes before one that was refunded, and the older before the newer, because the payer saw that
 * one succeed first. Views list the newest first. */
static bool decide_pays_better(const struct payment *p, const struct gateway_charge *c,
                               const struct gateway_charge *best)
{
    if (best == NULL || decide_same_id(c->id, p->charge_id))
        return true;
    if (decide_same_id(best->id, p->charge_id))
        return false;
    if ((c->differs == 0) != (best->differs == 0)) /* what was asked for comes before all else */
        return c->differs == 0;
    return c->refunded < c->amount || best->refunded >= best->amount;
}

/* Of an invoice that names another payment: neither a payment of this one nor ours to refund. */
static bool decide_is_foreign(const struct gateway_charge *c)
{
    return c->invoice != NULL && (c->invoice->differs & DIFFERS_REFERENCE) != 0;
}

static struct decide_reading decide_read_view(const struct payment *p, const struct gateway_view *v)
{
    struct decide_reading r = {.invoice = v->current};
    for (size_t i = 0; i < v->invoices_n; i++)
        r.foreign |= v->invoices[i].differs != 0;
    for (size_t i = 0; i < v->charges_n; i++) {
        const struct gateway_charge *c = &v->charges[i];
        r.pending |= c->state == CHARGE_PENDING;
        if (c->state != CHARGE_PAID || decide_is_foreign(c))
            continue;
        /* Of another amount, and given back already: nothing is left to decide. */
        if (c->differs != 0 && c->amount > 0 && c->refunded >= c->amount &&
            !decide_same_id(c->id, p->charge_id))
            continue;
        if (decide_pays_better(p, c, r.charge)) {
            r.charge = c;
            r.invoice = c->invoice;
        }
    }
    return r;
}

/* ---- the parts of a plan ---- */

/* The row of history is added with the state, so that no plan can change one without the other. */
static void decide_add_move(struct payment_plan *plan, enum payment_state to, const char *reason)
{
    enum payment_state from = plan->after.state;
    plan->moves[plan->moves_n++] = (struct payment_move){.from = from, .to = to, .reason = reason};
    plan->after.state = to;
}

/* `refunded` is the total so far, as the gateway gives it, not what was added. */
static void decide_add_refunded(struct payment_plan *plan, int64_t refunded, const char *reason)
{
    plan->after.refunded = refunded;
    decide_add_move(plan,
                    refunded >= plan->after.amount ? PAYMENT_REFUNDED : PAYMENT_PARTIALLY_REFUNDED,
                    reason);
}

/* The row names the invoice that the customer can be sent to. A view without one must not erase it:
 * the next view may have it again. */
static void decide_name_invoice(struct payment *after, const struct gateway_invoice *invoice)
{
    if (invoice == NULL)
        return;
    bool same = decide_same_id(invoice->id, after->gateway_id);
    after->gateway_id = invoice->id;
    if (!same || invoice->url != NULL)
        after->redirect_url = invoice->url;
}

/* Every charge that paid, still has money and is not the one that stands for the booking goes back.
 * `reason` is that of the charge that the payment names, the others are second charges. */
static void decide_add_refunds(struct arena *a, struct payment_plan *plan,
                               const struct gateway_view *v, const char *reason)
{
    struct planned_refund *refunds = arena_array(a, v->charges_n + 1, sizeof *refunds);
    plan->refunds = refunds;
    for (size_t i = 0; i < v->charges_n; i++) {
        const struct gateway_charge *c = &v->charges[i];
        bool named = decide_same_id(c->id, plan->after.charge_id);
        if (plan->after.state == PAYMENT_MISMATCH) /* nothing goes back before staff decide */
            break;
        if (c->state != CHARGE_PAID || c->refunded >= c->amount || (named && reason == NULL) ||
            decide_is_foreign(c))
            continue;
        if (c->id == NULL) /* without a name it cannot be asked for; it stays a thing for people */
            continue;
        refunds[plan->refunds_n++] =
            (struct planned_refund){.charge_id = c->id,
                                    .amount = c->amount - c->refunded,
                                    .refunded_before = c->refunded,
                                    .reason = named ? reason : "second charge"};
    }
}

/* ---- a charge is seen for the first time: what becomes of the booking ---- */

static void decide_paid(struct arena *a, const struct payment_locked *ours,
                        const struct gateway_view *v, const struct decide_reading *r,
                        struct payment_plan *plan)
{
    enum booking_state booking = ours->booking.state;
    bool kept = r->charge->refunded < r->charge->amount;
    bool may_stand = kept && !ours->other_paid;
    /* Only these have no place, or may have lost it. A confirmed booking has its slot, and a
     * cancelled one has no claim to any. */
    bool needs_slot =
        may_stand && (booking == BOOKING_PENDING_PAYMENT || booking == BOOKING_EXPIRED);
    bool stands_already =
        booking == BOOKING_CONFIRMED || booking == BOOKING_COMPLETED || booking == BOOKING_NO_SHOW;
    if (needs_slot && ours->slot == SLOT_NOT_ASKED) {
        plan->verdict = PLAN_ASK_SLOT;
        return;
    }
    bool matched = needs_slot ? ours->slot == SLOT_TAKEN : may_stand && stands_already;
    const char *reason = matched            ? "charged"
                         : ours->other_paid ? "charged a second time"
                                            : "charged when the slot was gone";
    plan->after.charge_id = r->charge->id;
    plan->after.unmatched = !matched;
    decide_name_invoice(&plan->after, r->invoice);
    decide_add_move(plan, PAYMENT_PAID, reason);
    if (r->charge->refunded > 0)
        decide_add_refunded(plan, r->charge->refunded, "refunded at the gateway");
    decide_add_refunds(a, plan, v, matched ? NULL : reason);
    /* A live hold whose slot is gone: only a clock that was stepped brings that about. */
    if (needs_slot && matched)
        plan->booking = PLAN_BOOKING_CONFIRM;
    else if (needs_slot && booking == BOOKING_PENDING_PAYMENT)
        plan->booking = PLAN_BOOKING_EXPIRE;
    plan->audit = PLAN_AUDIT_SETTLED;
}

/* Paid, and not what was asked for. Nothing is taken for granted: the money is there, so the
 * customer keeps the hold, and staff decide whether it is enough. */
static void decide_mismatch(const struct payment_locked *ours, const struct decide_reading *r,
                            struct payment_plan *plan)
{
    plan->after.charge_id = r->charge->id;
    plan->after.paid_amount = r->charge->amount;
    plan->after.paid_currency = r->charge->currency != NULL ? r->charge->currency : "";
    decide_name_invoice(&plan->after, r->invoice);
    decide_add_move(plan, PAYMENT_MISMATCH, "another amount or currency was paid");
    if (ours->booking.state == BOOKING_PENDING_PAYMENT)
        plan->booking = PLAN_BOOKING_HOLD;
    plan->audit = PLAN_AUDIT_MISMATCH;
}

/* From here on the row says what was paid, so that refunds are counted against that. */
static void decide_take_paid(struct payment *after)
{
    if (after->state != PAYMENT_MISMATCH)
        return;
    after->expected_amount = after->amount;
    after->expected_currency = after->currency;
    if (after->paid_amount > 0)
        after->amount = after->paid_amount;
    if (*after->paid_currency != '\0')
        after->currency = after->paid_currency;
}

/* Another payment has paid, or the booking is cancelled: then there is nothing that this money
 * could pay. */
struct payment_plan payment_decide_accepted(const struct payment_locked *ours, enum err *e)
{
    enum booking_state booking = ours->booking.state;
    struct payment_plan plan = {.verdict = PLAN_STORE, .after = ours->payment};
    bool needs_slot = booking == BOOKING_PENDING_PAYMENT || booking == BOOKING_EXPIRED;
    *e = ERR_OK;
    if (ours->other_paid || booking == BOOKING_CANCELLED)
        *e = ERR_BOOKING_NOT_ACTIVE;
    else if (needs_slot && ours->slot == SLOT_GONE)
        *e = ERR_SLOT_TAKEN;
    else if (needs_slot && ours->slot == SLOT_NOT_ASKED)
        plan.verdict = PLAN_ASK_SLOT;
    if (*e != ERR_OK || plan.verdict == PLAN_ASK_SLOT)
        return plan;
    decide_take_paid(&plan.after);
    decide_add_move(&plan, PAYMENT_PAID, "accepted by staff");
    plan.booking = needs_slot ? PLAN_BOOKING_CONFIRM : PLAN_BOOKING_STAYS;
    plan.next_check_s = payment_next_check_s(&plan.after, false, ours->payment.read_at);
    plan.result = SETTLED_APPLIED;
    return plan;
}

/* ---- nothing new was paid ---- */

/* What the invoice's own state makes of a payment that no charge has paid. */
static enum payment_state
decide_unpaid_state(const struct payment *p, const struct gateway_invoice *invoice, struct wall now)
{
    if (!payment_is_open(p->state))
        return p->state;
    if (invoice == NULL) /* a create may still be on its way until the invoice's own end */
        return wall_us_between(p->invoice_expires_at, now) > 0 ? PAYMENT_FAILED : PAYMENT_UNKNOWN;
    switch (invoice->state) {
    case PAY_OPEN: /* without an address nobody can be sent there */
        if (invoice->url != NULL || p->redirect_url != NULL)
            return PAYMENT_INITIATED;
        break;
    case PAY_FAILED:
        return PAYMENT_FAILED;
    case PAY_EXPIRED:
    case PAY_CANCELED:
    case PAY_REFUNDED:
        return PAYMENT_EXPIRED;
    case PAY_PAID: /* and its charge is not in the list yet: asked again */
    case PAY_ODD:  /* says nothing */
        break;
    }
    /* From CREATING another invoice would be made beside this one. */
    return p->state == PAYMENT_CREATING ? PAYMENT_UNKNOWN : p->state;
}

/* The gateway may say later that a charge was larger than when it paid; no more than the row has
 * can go back of it. */
static int64_t decide_total_back(const struct payment *p, const struct gateway_charge *c)
{
    return c->refunded < payment_whole(p) ? c->refunded : payment_whole(p);
}

/* Money went back without us, through the gateway's own desk. While a refund of ours is under way,
 * the total may be its doing. A part of a mismatch leaves it for staff to decide about the rest. */
static bool decide_refunded_elsewhere(const struct payment_locked *ours,
                                      const struct gateway_charge *c)
{
    const struct payment *p = &ours->payment;
    if (c == NULL || !decide_same_id(c->id, p->charge_id) || ours->refund_in_flight)
        return false;
    int64_t back = decide_total_back(p, c);
    return (payment_was_paid(p->state) && back > p->refunded) ||
           (p->state == PAYMENT_MISMATCH && back == payment_whole(p));
}

/* Refunds made at the gateway's own desk come first: they change what the row says of money. */
static void decide_unpaid(const struct payment_locked *ours, const struct decide_reading *r,
                          struct wall now, struct payment_plan *plan)
{
    const struct payment *p = &ours->payment;
    if (decide_refunded_elsewhere(ours, r->charge)) {
        decide_take_paid(&plan->after);
        decide_add_refunded(plan, decide_total_back(p, r->charge), "refunded at the gateway");
        plan->audit = PLAN_AUDIT_REFUNDED_ELSEWHERE;
        /* Nothing is left to accept: as when staff refund it here. */
        if (p->state == PAYMENT_MISMATCH && ours->booking.state == BOOKING_PENDING_PAYMENT)
            plan->booking = PLAN_BOOKING_CANCEL;
        return;
    }
    if (payment_was_paid(p->state) || p->state == PAYMENT_MISMATCH)
        return;
    /* A failed or expired payment keeps its state: only money changes that. */
    enum payment_state to = decide_unpaid_state(p, r->invoice, now);
    decide_name_invoice(&plan->after, r->invoice);
    if (to == p->state)
        return;
    decide_add_move(plan, to, r->invoice ? "reported by the gateway" : "unknown to the gateway");
    plan->audit = PLAN_AUDIT_SETTLED;
}

struct payment_plan payment_decide(struct arena *a, const struct payment_locked *ours,
                                   const struct gateway_view *view, struct wall now)
{
    const struct payment *p = &ours->payment;
    struct decide_reading r = decide_read_view(p, view);
    struct payment_plan plan = {.verdict = PLAN_STORE, .after = *p};
    /* Before all else: an invoice that is not what we asked for settles nothing. Its charges, by
     * contrast, are money that somebody paid. */
    if (r.foreign && r.charge == NULL) {
        plan.verdict = PLAN_MISMATCH;
        plan.result = SETTLED_MISMATCH;
        return plan;
    }
    if (p->locked_by_caller && r.invoice == NULL) { /* its invoice may be on the way */
        plan.verdict = PLAN_LEAVE;
        return plan;
    }
    bool known = payment_was_paid(p->state) || p->state == PAYMENT_MISMATCH;
    if (r.charge != NULL && !known && r.charge->differs != 0) {
        decide_mismatch(ours, &r, &plan);
    } else if (r.charge != NULL && !known) {
        decide_paid(a, ours, view, &r, &plan);
    } else {
        decide_unpaid(ours, &r, now, &plan);
        decide_add_refunds(a, &plan, view, NULL);
    }
    plan.next_check_s = payment_next_check_s(&plan.after, r.pending, now);
    if (plan.moves_n > 0 || plan.refunds_n > 0)
        plan.result = SETTLED_APPLIED;
    if (plan.after.state == PAYMENT_MISMATCH)
        plan.result = SETTLED_MISMATCH;
    return plan;
}

/* ---- after a call of our own ---- */

/* Another process may have settled the row meanwhile: then what it stored stands. */
struct payment_plan payment_decide_created(const struct payment_locked *ours,
                                           const struct gateway_made *made)
{
    struct payment_plan plan = {.verdict = PLAN_LEAVE, .after = ours->payment};
    if (ours->payment.state != PAYMENT_CREATING)
        return plan;
    plan.verdict = PLAN_STORE;
    if (made->result.err == ERR_OK) {
        decide_add_move(&plan, PAYMENT_INITIATED, "invoice created");
        plan.after.gateway_id = made->invoice.id;
        plan.after.redirect_url = made->invoice.url;
    } else {
        decide_add_move(&plan,
                        made->result.outcome == OUTCOME_UNKNOWN ? PAYMENT_UNKNOWN : PAYMENT_FAILED,
                        made->result.detail);
    }
    plan.next_check_s = payment_backoff_s(ours->payment.checks);
    if (plan.after.state == PAYMENT_FAILED)
        plan.next_check_s = PAYMENT_DONE; /* known not to have been made */
    else if (ours->booking.state != BOOKING_PENDING_PAYMENT)
        plan.next_check_s = 0; /* cancelled meanwhile: its invoice is ended at once */
    return plan;
}

/* A charge that the payment does not name was never its money; and of one that is known to have
 * gone back as a whole, by the gateway's desk, there is nothing more to note. */
struct payment_plan payment_decide_refunded(const struct payment *p, const char *charge_id,
                                            int64_t total, const char *reason)
{
    struct payment_plan plan = {.verdict = PLAN_LEAVE, .after = *p};
    if (!decide_same_id(charge_id, p->charge_id) || p->state == PAYMENT_REFUNDED)
        return plan;
    plan.verdict = PLAN_STORE;
    decide_take_paid(&plan.after);
    decide_add_refunded(&plan, total < plan.after.amount ? total : plan.after.amount, reason);
    plan.next_check_s = payment_next_check_s(&plan.after, false, p->read_at);
    return plan;
}

/* ---- opening ---- */

/* Whole seconds for all but very short holds; see the constants above. */
struct wall payment_invoice_end(const struct booking *bk, int64_t hold_ms)
{
    int64_t margin_ms = hold_ms / 10 < DECIDE_MARGIN_MAX_MS ? hold_ms / 10 : DECIDE_MARGIN_MAX_MS;
    struct wall end = wall_after_ms(bk->hold_expires_at, -margin_ms);
    if (wall_us_between(bk->read_at, end) >= DECIDE_LIFE_SHORT_MS * 1000)
        return wall_whole_seconds(end);
    return (struct wall){end.us / 1000 * 1000};
}

/* What a request for a payment leads to: create one, wait for one that is being made, show one, or
 * resume one whose caller is gone. */
enum err payment_decide_open(const struct booking *bk, const struct payment *open, int64_t hold_ms,
                             enum open_way *way)
{
    *way = OPEN_CREATE;
    if (bk->state != BOOKING_PENDING_PAYMENT ||
        (open != NULL && open->state == PAYMENT_MISMATCH)) /* paid: staff decide */
        return ERR_BOOKING_NOT_PAYABLE;
    if (open == NULL) {
        int64_t life_us = wall_us_between(bk->read_at, payment_invoice_end(bk, hold_ms));
        return life_us < DECIDE_LIFE_MIN_MS * 1000 ? ERR_BOOKING_NOT_PAYABLE : ERR_OK;
    }
    if (open->locked_by_caller) {
        *way = OPEN_WAIT;
        return ERR_OK;
    }
    *way = open->state == PAYMENT_INITIATED ? OPEN_SHOW : OPEN_RESUME;
    /* The hold itself may have seconds left, its invoice has none. */
    return wall_us_between(open->invoice_expires_at, open->read_at) >= 0 ? ERR_BOOKING_NOT_PAYABLE
                                                                         : ERR_OK;
}
