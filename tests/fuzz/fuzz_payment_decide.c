/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What payment_decide() makes of any view of the gateway, under any state of our rows: no money
 * vanishes, no payment is paid without a charge, and the same view a second time changes nothing.
 * Input: four bytes of our rows, then four bytes per invoice or charge, the newest first.
 */
#include <stdint.h>
#include <string.h>

#include "../../src/svc/payment_decide.h"
#include "base/cdefs.h"
#include "base/ensure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW_US INT64_C(1790000000000000)
#define AMOUNT 12000
#define ITEMS_MAX 8

/* ---- our rows ---- */

enum { F_OTHER_PAID = 1, F_REFUND_IN_FLIGHT = 2, F_LOCKED = 4, F_ENDED = 8, F_UNMATCHED = 16 };

/* Only what our own statements can have stored. */
static struct payment_locked read_rows(const uint8_t *b)
{
    enum payment_state state = (enum payment_state)(b[0] % PAYMENT_STATE_COUNT);
    bool paid = payment_was_paid(state), mismatch = state == PAYMENT_MISMATCH;
    bool named = paid || mismatch || state == PAYMENT_INITIATED;
    return (struct payment_locked){
        .booking = {.state = (enum booking_state)(b[1] % BOOKING_STATE_COUNT)},
        .other_paid = (b[2] & F_OTHER_PAID) != 0,
        .refund_in_flight = (b[2] & F_REFUND_IN_FLIGHT) != 0 && (paid || mismatch),
        .payment = {.state = state,
                    .amount = AMOUNT,
                    .refunded = state == PAYMENT_REFUNDED             ? AMOUNT
                                : state == PAYMENT_PARTIALLY_REFUNDED ? 3000
                                                                      : 0,
                    .currency = "SAR",
                    .gateway_id = named ? "inv0" : NULL,
                    .redirect_url = named && (b[2] & 32) == 0 ? "https://pay/inv0" : NULL,
                    .charge_id = paid || mismatch ? "c1" : NULL,
                    .paid_amount = mismatch ? 10000 : -1,
                    .paid_currency = mismatch ? "SAR" : NULL,
                    .expected_amount = -1,
                    .unmatched = paid && (b[2] & F_UNMATCHED) != 0,
                    .checks = b[3] >> 2,
                    .locked_by_caller = state == PAYMENT_CREATING && (b[2] & F_LOCKED) != 0,
                    .invoice_expires_at = {NOW_US + ((b[2] & F_ENDED) ? -60000000 : 60000000)},
                    .read_at = {NOW_US}}};
}

/* ---- the gateway's view ---- */

struct view {
    struct gateway_invoice invoices[ITEMS_MAX];
    struct gateway_charge charges[ITEMS_MAX];
    struct gateway_view v;
};
static const char *const invoice_ids[] = {"inv0", "inv1", "inv2", "inv3"};
static const char *const charge_ids[] = {NULL, "c1", "c2", "c3", "c4", "c5"};

static bool view_has_charge(const struct view *w, const char *id)
{
    for (size_t i = 0; id != NULL && i < w->v.charges_n; i++)
        if (w->charges[i].id != NULL && strcmp(w->charges[i].id, id) == 0)
            return true;
    return false;
}

static void add_invoice(struct view *w, const uint8_t *b)
{
    struct gateway_invoice *i = &w->invoices[w->v.invoices_n++];
    *i = (struct gateway_invoice){.id = invoice_ids[b[0] % ARRAY_LEN(invoice_ids)],
                                  .url = (b[3] & 1) ? NULL : "https://pay/inv",
                                  .state = (enum pay_invoice_state)(b[1] % (PAY_ODD + 1)),
                                  .differs = b[2] & 7u};
    if (w->v.current == NULL)
        w->v.current = i;
}

/* -1: the amount is not understood. The gateway never shows more refunded than was charged. */
static void add_charge(struct view *w, const uint8_t *b)
{
    static const int64_t amounts[] = {AMOUNT, AMOUNT - 2000, AMOUNT + 1000, -1, 0, 1};
    const char *id = charge_ids[b[0] % ARRAY_LEN(charge_ids)];
    int64_t amount = amounts[b[2] % ARRAY_LEN(amounts)], whole = amount > 0 ? amount : 0;
    const int64_t refunds[] = {0, whole, whole / 2, whole < 3000 ? whole : 3000};
    if (view_has_charge(w, id)) /* each charge is listed once */
        return;
    w->charges[w->v.charges_n++] = (struct gateway_charge){
        .id = id,
        .state = (enum charge_state)(b[1] % (CHARGE_UNKNOWN + 1)),
        .amount = amount,
        .refunded = refunds[b[3] % ARRAY_LEN(refunds)],
        .currency = (b[3] & 64)    ? "USD"
                    : (b[3] & 128) ? NULL
                                   : "SAR",
        .invoice = w->v.invoices_n > 0 ? &w->invoices[w->v.invoices_n - 1] : NULL};
}

/* Compared with the row of now, as payment_gateway.c does before each decision. */
static void compare(struct view *w, const struct payment *p)
{
    for (size_t i = 0; i < w->v.charges_n; i++) {
        struct gateway_charge *c = &w->charges[i];
        bool same = c->currency != NULL && strcmp(c->currency, p->currency) == 0;
        c->differs = (c->amount != p->amount ? DIFFERS_AMOUNT : 0) | (same ? 0 : DIFFERS_CURRENCY);
    }
}

static void read_view(struct view *w, const uint8_t *data, size_t size)
{
    memset(w, 0, sizeof *w);
    w->v.invoices = w->invoices;
    w->v.charges = w->charges;
    for (size_t n = 0; size >= 4 && n < ITEMS_MAX; n++, data += 4, size -= 4) {
        if (data[0] & 128)
            add_charge(w, data);
        else
            add_invoice(w, data);
    }
}

/* ---- what must hold ---- */

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

static bool is_money(const struct gateway_charge *c)
{
    bool foreign = c->invoice != NULL && (c->invoice->differs & DIFFERS_REFERENCE) != 0;
    return c->state == CHARGE_PAID && !foreign;
}

static bool goes_back(const struct payment_plan *plan, const char *charge_id)
{
    for (size_t i = 0; i < plan->refunds_n; i++)
        if (same(plan->refunds[i].charge_id, charge_id))
            return true;
    return false;
}

/* charged = kept + refunded + in doubt, charge by charge: what is left of each stands for the
 * booking, or goes back as a whole, or is a thing for people. */
static void check_money(const struct payment_locked *ours, const struct view *w,
                        const struct payment_plan *plan)
{
    const struct payment *before = &ours->payment, *after = &plan->after;
    size_t planned = 0;
    for (size_t i = 0; i < w->v.charges_n; i++) {
        const struct gateway_charge *c = &w->charges[i];
        bool back = goes_back(plan, c->id), named = same(c->id, after->charge_id);
        planned += back;
        ENSURE(!back || (is_money(c) && c->refunded < c->amount));
        if (!is_money(c) || c->refunded >= c->amount)
            continue;
        bool stands = named && !after->unmatched && !back &&
                      (payment_was_paid(after->state) || after->state == PAYMENT_MISMATCH);
        bool planned_before = named && before->unmatched;
        bool for_people = c->id == NULL || after->state == PAYMENT_MISMATCH;
        ENSURE(stands + back >= 1 || planned_before || for_people);
        ENSURE(!(stands && back));
    }
    ENSURE(planned == plan->refunds_n);
    for (size_t i = 0; i < plan->refunds_n; i++)
        for (size_t k = 0; k < w->v.charges_n; k++)
            if (same(w->charges[k].id, plan->refunds[i].charge_id))
                ENSURE(plan->refunds[i].amount == w->charges[k].amount - w->charges[k].refunded);
    ENSURE(after->refunded >= before->refunded && after->refunded <= after->amount);
}

/* A payment becomes paid by a charge of the view; and a charge that paid is never passed over. */
static void check_charge(const struct payment_locked *ours, const struct view *w,
                         const struct payment_plan *plan)
{
    const struct payment *before = &ours->payment, *after = &plan->after;
    bool known = payment_was_paid(before->state) || before->state == PAYMENT_MISMATCH;
    bool has_money = false, its = false;
    for (size_t i = 0; i < w->v.charges_n; i++) {
        const struct gateway_charge *c = &w->charges[i];
        bool gone = c->differs != 0 && c->amount > 0 && c->refunded >= c->amount;
        has_money |= is_money(c) && !gone;
        its |= is_money(c) &&
               (same(c->id, after->charge_id) || (c->id == NULL && after->charge_id == NULL));
    }
    bool settled = payment_was_paid(after->state) || after->state == PAYMENT_MISMATCH;
    ENSURE(known ? settled : !settled || its);
    ENSURE(!known || same(before->charge_id, after->charge_id));
    /* Our own create is under way, and the charge names no invoice: left to the next look. */
    ENSURE(!has_money || settled || plan->verdict == PLAN_LEAVE);
    ENSURE(plan->booking != PLAN_BOOKING_CONFIRM || (settled && !after->unmatched));
    ENSURE(plan->booking != PLAN_BOOKING_HOLD || after->state == PAYMENT_MISMATCH);
    ENSURE(plan->booking != PLAN_BOOKING_CANCEL || after->refunded == after->amount);
}

static void check_moves(const struct payment_locked *ours, const struct payment_plan *plan)
{
    enum payment_state at = ours->payment.state;
    for (unsigned i = 0; i < plan->moves_n; at = plan->moves[i++].to)
        ENSURE(plan->moves[i].from == at && payment_may_become(at, plan->moves[i].to));
    ENSURE(at == plan->after.state);
    ENSURE(plan->verdict == PLAN_STORE || plan->moves_n + plan->refunds_n == 0);
    ENSURE(plan->verdict != PLAN_STORE || !payment_is_open(at) || plan->next_check_s > 0);
}

static struct payment_plan decide(struct arena *a, struct payment_locked *ours, struct view *w,
                                  enum slot_answer slot)
{
    compare(w, &ours->payment);
    ours->slot = SLOT_NOT_ASKED;
    struct payment_plan plan = payment_decide(a, ours, &w->v, (struct wall){NOW_US});
    if (plan.verdict != PLAN_ASK_SLOT)
        return plan;
    ours->slot = slot;
    plan = payment_decide(a, ours, &w->v, (struct wall){NOW_US});
    ENSURE(plan.verdict != PLAN_ASK_SLOT);
    return plan;
}

/* The rows as the plan is stored. */
static void store(struct payment_locked *ours, const struct payment_plan *plan)
{
    ours->payment = plan->after;
    ours->payment.locked_by_caller &= plan->after.state == PAYMENT_CREATING;
    if (plan->booking == PLAN_BOOKING_CONFIRM)
        ours->booking.state = BOOKING_CONFIRMED;
    else if (plan->booking == PLAN_BOOKING_EXPIRE)
        ours->booking.state = BOOKING_EXPIRED;
    else if (plan->booking == PLAN_BOOKING_CANCEL)
        ours->booking.state = BOOKING_CANCELLED;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    struct arena *a = arena_new(4096);
    ENSURE(a);
    static struct view w;
    struct payment_locked ours = read_rows(data);
    enum slot_answer slot = (data[3] & 1) ? SLOT_TAKEN : SLOT_GONE;
    read_view(&w, data + 4, size - 4);
    struct payment_plan first = decide(a, &ours, &w, slot);
    check_moves(&ours, &first);
    if (first.verdict == PLAN_STORE) {
        check_money(&ours, &w, &first);
        check_charge(&ours, &w, &first);
        store(&ours, &first);
    }
    struct payment_plan second = decide(a, &ours, &w, slot);
    ENSURE(second.verdict == first.verdict && second.moves_n == 0);
    ENSURE(second.booking == PLAN_BOOKING_STAYS);
    for (size_t i = 0; i < second.refunds_n; i++)
        ENSURE(goes_back(&first, second.refunds[i].charge_id));
    arena_free(a);
    return 0;
}
