/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * payment_decide() as a table: every state of a payment × every view of the gateway, and for
 * charges that paid every state of the booking. Then the rules that hold in every cell.
 */
#include <check.h>

#include "../../src/svc/payment_decide.h"
#include "../lib/th_unit.h"
#include "base/cdefs.h"

#define NOW_US INT64_C(1790000000000000)
#define AMOUNT 12000

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(1 << 16);
}

static void tear_down(void)
{
    arena_free(arena);
}

/* ---- views ---- */

#define INVOICE(s, ...)                                                      \
    {                                                                        \
        .id = "inv", .url = "https://pay/inv", .state = PAY_##s, __VA_ARGS__ \
    }
#define CHARGE(i, s, r, ...)                                                                  \
    {                                                                                         \
        .id = (i), .state = CHARGE_##s, .amount = AMOUNT, .refunded = (r), .currency = "SAR", \
        __VA_ARGS__                                                                           \
    }
enum view {
    V_NOTHING,
    V_OPEN,
    V_FAILED,
    V_EXPIRED,
    V_CANCELED,
    V_REFUNDED,
    V_PAID_WITHOUT_CHARGE,
    V_OPEN_PENDING,
    V_EXPIRED_PENDING,
    V_OPEN_ODD,      /* a charge whose status we do not know */
    V_OPEN_DECLINED, /* a charge that failed */
    V_OPEN_NO_PAGE,  /* without an address */
    V_ODD,           /* an invoice whose status we do not know */
    V_ODD_PAID,      /* the same, with a charge that paid */
    V_PAID,
    V_PAID_AND_ODD,
    V_PAID_TWICE,
    V_PAID_PART_REFUNDED,
    V_PAID_ALL_REFUNDED,
    V_EXPIRED_PAID,
    V_OTHER_AMOUNT,
    V_OTHER_CURRENCY,
    V_OTHER_REFERENCE,
    V_OTHER_REFERENCE_PAID, /* another payment's invoice, with its charge */
    V_CHARGE_OTHER_AMOUNT,
    V_COUNT
};
struct view_row {
    const char *name;
    struct gateway_invoice invoice;
    struct gateway_charge charges[2]; /* the newest first */
    bool nothing;
};
static const struct view_row views[V_COUNT] = {
    [V_NOTHING] = {.name = "nothing", .nothing = true},
    [V_OPEN] = {.name = "open", .invoice = INVOICE(OPEN)},
    [V_FAILED] = {.name = "failed", .invoice = INVOICE(FAILED)},
    [V_EXPIRED] = {.name = "expired", .invoice = INVOICE(EXPIRED)},
    [V_CANCELED] = {.name = "canceled", .invoice = INVOICE(CANCELED)},
    [V_REFUNDED] = {.name = "refunded", .invoice = INVOICE(REFUNDED)},
    [V_PAID_WITHOUT_CHARGE] = {.name = "paid without charge", .invoice = INVOICE(PAID)},
    [V_OPEN_PENDING] = {.name = "open, pending",
                        .invoice = INVOICE(OPEN),
                        .charges = {CHARGE("c1", PENDING, 0)}},
    [V_EXPIRED_PENDING] = {.name = "expired, pending",
                           .invoice = INVOICE(EXPIRED),
                           .charges = {CHARGE("c1", PENDING, 0)}},
    [V_OPEN_ODD] = {.name = "open, odd",
                    .invoice = INVOICE(OPEN),
                    .charges = {CHARGE("c1", UNKNOWN, 0)}},
    [V_OPEN_DECLINED] = {.name = "open, declined",
                         .invoice = INVOICE(OPEN),
                         .charges = {CHARGE("c1", FAILED, 0)}},
    [V_OPEN_NO_PAGE] = {.name = "open, no page", .invoice = {.id = "inv", .state = PAY_OPEN}},
    [V_ODD] = {.name = "odd", .invoice = INVOICE(ODD)},
    [V_ODD_PAID] = {.name = "odd, paid",
                    .invoice = INVOICE(ODD),
                    .charges = {CHARGE("c1", PAID, 0)}},
    [V_PAID] = {.name = "paid", .invoice = INVOICE(PAID), .charges = {CHARGE("c1", PAID, 0)}},
    [V_PAID_AND_ODD] = {.name = "paid and odd",
                        .invoice = INVOICE(PAID),
                        .charges = {CHARGE("c2", UNKNOWN, 0), CHARGE("c1", PAID, 0)}},
    [V_PAID_TWICE] = {.name = "paid twice",
                      .invoice = INVOICE(PAID),
                      .charges = {CHARGE("c2", PAID, 0), CHARGE("c1", PAID, 0)}},
    [V_PAID_PART_REFUNDED] = {.name = "part refunded",
                              .invoice = INVOICE(PAID),
                              .charges = {CHARGE("c1", PAID, 5000)}},
    [V_PAID_ALL_REFUNDED] = {.name = "all refunded",
                             .invoice = INVOICE(REFUNDED),
                             .charges = {CHARGE("c1", PAID, AMOUNT)}},
    [V_EXPIRED_PAID] = {.name = "expired, paid",
                        .invoice = INVOICE(EXPIRED),
                        .charges = {CHARGE("c1", PAID, 0)}},
    [V_OTHER_AMOUNT] = {.name = "other amount",
                        .invoice = INVOICE(OPEN, .differs = DIFFERS_AMOUNT)},
    [V_OTHER_CURRENCY] = {.name = "other currency",
                          .invoice = INVOICE(OPEN, .differs = DIFFERS_CURRENCY)},
    [V_OTHER_REFERENCE] = {.name = "other reference",
                           .invoice = INVOICE(OPEN, .differs = DIFFERS_REFERENCE)},
    [V_OTHER_REFERENCE_PAID] = {.name = "other reference, paid",
                                .invoice = INVOICE(PAID, .differs = DIFFERS_REFERENCE),
                                .charges = {CHARGE("c1", PAID, 0)}},
    [V_CHARGE_OTHER_AMOUNT] = {.name = "charge of other amount",
                               .invoice = INVOICE(PAID),
                               .charges = {CHARGE("c1", PAID, 0, .differs = DIFFERS_AMOUNT)}},
};

static struct gateway_view view_of(enum view v, struct gateway_charge charges[2])
{
    const struct view_row *row = &views[v];
    struct gateway_view view = {.invoices = &row->invoice, .charges = charges};
    if (row->nothing)
        return view;
    view.invoices_n = 1;
    view.current = &row->invoice;
    for (; view.charges_n < 2 && row->charges[view.charges_n].id; view.charges_n++) {
        charges[view.charges_n] = row->charges[view.charges_n];
        charges[view.charges_n].invoice = &row->invoice;
    }
    return view;
}

/* ---- our side ---- */

static struct payment_locked rows_of(enum payment_state state, enum booking_state booking)
{
    bool was_paid = payment_was_paid(state) || state == PAYMENT_MISMATCH;
    return (struct payment_locked){
        .booking = {.state = booking},
        .payment = {.id = {"0198c0de-0000-7000-8000-000000000001"},
                    .state = state,
                    .amount = AMOUNT,
                    .refunded = state == PAYMENT_REFUNDED             ? AMOUNT
                                : state == PAYMENT_PARTIALLY_REFUNDED ? 3000
                                                                      : 0,
                    .currency = "SAR",
                    .gateway_id = was_paid || state == PAYMENT_INITIATED ? "inv" : NULL,
                    .charge_id = was_paid ? "c1" : NULL,
                    .paid_amount = state == PAYMENT_MISMATCH ? AMOUNT : -1,
                    .paid_currency = state == PAYMENT_MISMATCH ? "USD" : NULL,
                    .expected_amount = -1,
                    .invoice_expires_at = {NOW_US + 60000000},
                    .read_at = {NOW_US}}};
}

static struct payment_plan decide(const struct payment_locked *ours, enum view v)
{
    static struct gateway_charge charges[2];
    struct gateway_view view = view_of(v, charges);
    return payment_decide(arena, ours, &view, (struct wall){NOW_US});
}

/* ---- the table ---- */

/*
 * One letter per state, in the order of the enum: creating, initiated, unknown, paid, failed,
 * expired, refunded, partially refunded, mismatch. The letter says what the payment becomes: i
 * initiated, u unknown, p paid, f failed, e expired, r refunded, h (half) partially refunded, c
 * creating; m mismatch, = stays, ? asks for the slot first, ! not ours. The booking waits for its
 * payment, and the invoice's end is still ahead.
 */
static const char *const table[V_COUNT] = {
    [V_NOTHING] = "uu=======",
    [V_OPEN] = "i=i======",
    [V_FAILED] = "fff======",
    [V_EXPIRED] = "eee======",
    [V_CANCELED] = "eee======",
    [V_REFUNDED] = "eee======",
    [V_PAID_WITHOUT_CHARGE] = "u========",
    [V_OPEN_PENDING] = "i=i======",
    [V_EXPIRED_PENDING] = "eee======",
    [V_OPEN_ODD] = "i=i======",
    [V_OPEN_DECLINED] = "i=i======",
    [V_OPEN_NO_PAGE] = "u========",  /* M3 */
    [V_ODD] = "u========",           /* M1: says nothing, and no second invoice is made */
    [V_ODD_PAID] = "\?\?\?=\?\?===", /* M1 */
    [V_PAID] = "\?\?\?=\?\?===",
    [V_PAID_AND_ODD] = "\?\?\?=\?\?===",
    [V_PAID_TWICE] = "\?\?\?=\?\?===",
    /* 5000: more than the 3000 that the row has; of a mismatch staff decide about the rest */
    [V_PAID_PART_REFUNDED] = "\?\?\?h\?\?=h=",
    [V_PAID_ALL_REFUNDED] = "rrrrrr=rr", /* no money is left that could stand for a booking */
    [V_EXPIRED_PAID] = "\?\?\?=\?\?===",
    [V_OTHER_AMOUNT] = "!!!!!!!!!",
    [V_OTHER_CURRENCY] = "!!!!!!!!!",
    [V_OTHER_REFERENCE] = "!!!!!!!!!",
    [V_OTHER_REFERENCE_PAID] = "!!!!!!!!!",
    [V_CHARGE_OTHER_AMOUNT] = "mmm=mm===",
};

static char letter_of(const struct payment_plan *plan)
{
    static const char letters[] = "ciupferhm";
    if (plan->verdict == PLAN_ASK_SLOT)
        return '?';
    if (plan->verdict == PLAN_MISMATCH)
        return '!';
    ck_assert_int_eq(plan->verdict, PLAN_STORE);
    return plan->moves_n == 0 ? '=' : letters[plan->after.state];
}

START_TEST(every_state_meets_every_view)
{
    enum view v = (enum view)_i;
    ck_assert_uint_eq(strlen(table[v]), PAYMENT_STATE_COUNT);
    for (unsigned state = 0; state < PAYMENT_STATE_COUNT; state++) {
        struct payment_locked ours = rows_of((enum payment_state)state, BOOKING_PENDING_PAYMENT);
        struct payment_plan plan = decide(&ours, v);
        ck_assert_msg(letter_of(&plan) == table[v][state], "%s, %s: %c, want %c", views[v].name,
                      payment_state_names[state], letter_of(&plan), table[v][state]);
    }
}
END_TEST

/* ---- a charge that paid: the booking decides ---- */

struct booking_row {
    enum booking_state booking;
    enum slot_answer slot;
    bool other_paid;
    bool matched; /* the payment stands for the booking; otherwise its charge goes back */
    enum plan_booking step;
    const char *reason;
};
#define GONE "charged when the slot was gone"
#define SECOND "charged a second time"
static const struct booking_row booking_rows[] = {
    {BOOKING_PENDING_PAYMENT, SLOT_TAKEN, false, true, PLAN_BOOKING_CONFIRM, "charged"},
    {BOOKING_PENDING_PAYMENT, SLOT_GONE, false, false, PLAN_BOOKING_EXPIRE, GONE},
    {BOOKING_EXPIRED, SLOT_TAKEN, false, true, PLAN_BOOKING_CONFIRM, "charged"},
    {BOOKING_EXPIRED, SLOT_GONE, false, false, PLAN_BOOKING_STAYS, GONE},
    {BOOKING_CONFIRMED, SLOT_NOT_ASKED, false, true, PLAN_BOOKING_STAYS, "charged"},
    {BOOKING_COMPLETED, SLOT_NOT_ASKED, false, true, PLAN_BOOKING_STAYS, "charged"},
    {BOOKING_NO_SHOW, SLOT_NOT_ASKED, false, true, PLAN_BOOKING_STAYS, "charged"},
    {BOOKING_CANCELLED, SLOT_NOT_ASKED, false, false, PLAN_BOOKING_STAYS, GONE},
    {BOOKING_PENDING_PAYMENT, SLOT_NOT_ASKED, true, false, PLAN_BOOKING_STAYS, SECOND},
    {BOOKING_EXPIRED, SLOT_NOT_ASKED, true, false, PLAN_BOOKING_STAYS, SECOND},
    {BOOKING_CONFIRMED, SLOT_NOT_ASKED, true, false, PLAN_BOOKING_STAYS, SECOND},
    {BOOKING_CANCELLED, SLOT_NOT_ASKED, true, false, PLAN_BOOKING_STAYS, SECOND},
};

START_TEST(a_charge_meets_every_booking)
{
    const struct booking_row *row = &booking_rows[_i];
    for (unsigned state = 0; state < PAYMENT_STATE_COUNT; state++) {
        if (payment_was_paid((enum payment_state)state) || state == PAYMENT_MISMATCH)
            continue;
        struct payment_locked ours = rows_of((enum payment_state)state, row->booking);
        ours.slot = row->slot;
        ours.other_paid = row->other_paid;
        struct payment_plan plan = decide(&ours, V_PAID);
        ck_assert_int_eq(plan.verdict, PLAN_STORE);
        ck_assert_int_eq(plan.after.state, PAYMENT_PAID);
        ck_assert_str_eq(plan.after.charge_id, "c1");
        ck_assert_str_eq(plan.after.gateway_id, "inv");
        ck_assert_int_eq(plan.after.unmatched, !row->matched);
        ck_assert_int_eq(plan.booking, row->step);
        ck_assert_uint_eq(plan.moves_n, 1);
        ck_assert_str_eq(plan.moves[0].reason, row->reason);
        ck_assert_uint_eq(plan.refunds_n, !row->matched);
        ck_assert_int_eq(plan.audit, PLAN_AUDIT_SETTLED);
        if (!row->matched) {
            ck_assert_str_eq(plan.refunds[0].charge_id, "c1");
            ck_assert_int_eq(plan.refunds[0].amount, AMOUNT);
            ck_assert_str_eq(plan.refunds[0].reason, row->reason);
        }
    }
}
END_TEST

/* ---- rules ---- */

static void check_rules(const struct payment_locked *ours, enum view v,
                        const struct payment_plan *plan)
{
    const char *charge = ours->payment.charge_id;
    for (unsigned i = 0; i < plan->moves_n; i++) {
        ck_assert(payment_may_become(plan->moves[i].from, plan->moves[i].to));
        ck_assert_int_eq(plan->moves[i].from, i == 0 ? ours->payment.state : plan->moves[i - 1].to);
    }
    enum payment_state last =
        plan->moves_n ? plan->moves[plan->moves_n - 1].to : ours->payment.state;
    ck_assert_int_eq(plan->after.state, last);
    /* What was paid stays paid, by the same charge, and its total never falls. */
    if (payment_was_paid(ours->payment.state)) {
        ck_assert_str_eq(plan->after.charge_id, charge);
        ck_assert_int_ge(plan->after.refunded, ours->payment.refunded);
        ck_assert_int_eq(plan->booking, PLAN_BOOKING_STAYS);
    }
    /* A charge that stands for the booking is never among those that go back. */
    for (size_t i = 0; i < plan->refunds_n; i++)
        ck_assert_msg(plan->after.unmatched ||
                          strcmp(plan->refunds[i].charge_id, plan->after.charge_id) != 0,
                      "%s: refunds the charge that stands", views[v].name);
    bool changes = plan->moves_n > 0 || plan->refunds_n > 0;
    if (plan->verdict == PLAN_STORE) {
        bool mismatch = plan->after.state == PAYMENT_MISMATCH;
        ck_assert_int_eq(plan->result, mismatch  ? SETTLED_MISMATCH
                                       : changes ? SETTLED_APPLIED
                                                 : SETTLED_NOTHING);
        ck_assert(!mismatch || plan->refunds_n == 0); /* staff decide */
        /* What is open is asked about again. */
        ck_assert(!payment_is_open(plan->after.state) || plan->next_check_s > 0);
    } else {
        ck_assert(!changes && plan->after.state == ours->payment.state);
        ck_assert_int_eq(plan->result,
                         plan->verdict == PLAN_MISMATCH ? SETTLED_MISMATCH : SETTLED_NOTHING);
    }
}

START_TEST(rules_hold_in_every_cell)
{
    enum view v = (enum view)_i;
    unsigned cells = 0;
    for (unsigned state = 0; state < PAYMENT_STATE_COUNT; state++)
        for (unsigned booking = 0; booking < BOOKING_STATE_COUNT; booking++)
            for (unsigned slot = SLOT_NOT_ASKED; slot <= SLOT_GONE; slot++)
                for (unsigned flags = 0; flags < 8; flags++, cells++) {
                    struct payment_locked ours =
                        rows_of((enum payment_state)state, (enum booking_state)booking);
                    ours.slot = (enum slot_answer)slot;
                    ours.other_paid = (flags & 1) != 0;
                    ours.refund_in_flight = (flags & 2) != 0;
                    ours.payment.locked_by_caller = (flags & 4) != 0 && state == PAYMENT_CREATING;
                    struct payment_plan plan = decide(&ours, v);
                    check_rules(&ours, v, &plan);
                    arena_reset(arena);
                }
    ck_assert_uint_eq(cells, PAYMENT_STATE_COUNT * BOOKING_STATE_COUNT * 3 * 8);
}
END_TEST

/* Stored and decided again, a plan changes nothing more. */
START_TEST(twice_is_once)
{
    enum view v = (enum view)_i;
    for (unsigned state = 0; state < PAYMENT_STATE_COUNT; state++) {
        struct payment_locked ours = rows_of((enum payment_state)state, BOOKING_CONFIRMED);
        struct payment_plan first = decide(&ours, v);
        ours.payment = first.after;
        struct payment_plan second = decide(&ours, v);
        ck_assert_int_eq(second.verdict, first.verdict);
        ck_assert_uint_eq(second.moves_n, 0);
    }
}
END_TEST

/* ---- single cases ---- */

START_TEST(a_row_of_a_living_caller_is_left_alone_until_its_invoice_shows)
{
    struct payment_locked ours = rows_of(PAYMENT_CREATING, BOOKING_PENDING_PAYMENT);
    ours.payment.locked_by_caller = true;
    ck_assert_int_eq(decide(&ours, V_NOTHING).verdict, PLAN_LEAVE);
    ck_assert_int_eq(decide(&ours, V_OPEN).after.state, PAYMENT_INITIATED);
}
END_TEST

START_TEST(nothing_at_the_gateway_after_the_invoices_end_is_a_failure)
{
    struct payment_locked ours = rows_of(PAYMENT_UNKNOWN, BOOKING_PENDING_PAYMENT);
    ours.payment.invoice_expires_at.us = NOW_US - 1;
    ck_assert_int_eq(decide(&ours, V_NOTHING).after.state, PAYMENT_FAILED);
    ck_assert_int_eq(decide(&ours, V_OPEN).after.state, PAYMENT_INITIATED);
}
END_TEST

START_TEST(of_two_charges_the_older_pays_and_the_newer_goes_back)
{
    struct payment_locked ours = rows_of(PAYMENT_INITIATED, BOOKING_CONFIRMED);
    struct payment_plan plan = decide(&ours, V_PAID_TWICE);
    ck_assert_str_eq(plan.after.charge_id, "c1");
    ck_assert_uint_eq(plan.refunds_n, 1);
    ck_assert_str_eq(plan.refunds[0].charge_id, "c2");
    ck_assert_str_eq(plan.refunds[0].reason, "second charge");
    /* The charge that the row names stands, also when it is the newer one. */
    ours = rows_of(PAYMENT_PAID, BOOKING_CONFIRMED);
    ours.payment.charge_id = "c2";
    plan = decide(&ours, V_PAID_TWICE);
    ck_assert_uint_eq(plan.refunds_n, 1);
    ck_assert_str_eq(plan.refunds[0].charge_id, "c1");
    /* Without a booking both go back. */
    ours = rows_of(PAYMENT_EXPIRED, BOOKING_CANCELLED);
    ck_assert_uint_eq(decide(&ours, V_PAID_TWICE).refunds_n, 2);
}
END_TEST

/* Beside our own paid charge, another payment's is neither chosen nor given back; alone it settles
 * nothing, whatever its place in the list. */
START_TEST(a_charge_of_another_payments_invoice_is_left_alone)
{
    const struct gateway_invoice invoices[] = {INVOICE(OPEN),
                                               INVOICE(PAID, .differs = DIFFERS_REFERENCE)};
    for (unsigned place = 0; place < 2; place++) {
        struct gateway_charge charges[2] = {CHARGE("c1", PAID, 0), CHARGE("c1", PAID, 0)};
        charges[place].id = "theirs";
        charges[place].invoice = &invoices[1];
        charges[1 - place].invoice = &invoices[0];
        struct gateway_view view = {.invoices = invoices,
                                    .invoices_n = 2,
                                    .current = &invoices[0],
                                    .charges = charges,
                                    .charges_n = 2};
        struct payment_locked ours = rows_of(PAYMENT_INITIATED, BOOKING_CONFIRMED);
        struct payment_plan plan = payment_decide(arena, &ours, &view, (struct wall){NOW_US});
        ck_assert_int_eq(plan.after.state, PAYMENT_PAID);
        ck_assert_str_eq(plan.after.charge_id, "c1");
        ck_assert_uint_eq(plan.refunds_n, 0);
        charges[1 - place].state = CHARGE_FAILED;
        plan = payment_decide(arena, &ours, &view, (struct wall){NOW_US});
        ck_assert_int_eq(plan.verdict, PLAN_MISMATCH);
        ck_assert_uint_eq(plan.moves_n + plan.refunds_n, 0);
    }
}
END_TEST

/* M5: staff's word settles it, and the row says what was paid. */
START_TEST(a_mismatch_is_accepted)
{
    enum err e;
    struct payment_locked ours = rows_of(PAYMENT_MISMATCH, BOOKING_PENDING_PAYMENT);
    ours.payment.paid_amount = 10000;
    ck_assert_int_eq(payment_decide_accepted(&ours, &e).verdict, PLAN_ASK_SLOT);
    ours.slot = SLOT_TAKEN;
    struct payment_plan plan = payment_decide_accepted(&ours, &e);
    ck_assert_int_eq(e, ERR_OK);
    ck_assert_int_eq(plan.after.state, PAYMENT_PAID);
    ck_assert_int_eq(plan.after.amount, 10000);
    ck_assert_int_eq(plan.after.expected_amount, AMOUNT);
    ck_assert_str_eq(plan.after.currency, "USD");
    ck_assert_str_eq(plan.after.expected_currency, "SAR");
    ck_assert_int_eq(plan.booking, PLAN_BOOKING_CONFIRM);
    ours.slot = SLOT_GONE;
    (void)payment_decide_accepted(&ours, &e);
    ck_assert_int_eq(e, ERR_SLOT_TAKEN);
    ours.booking.state = BOOKING_CANCELLED;
    (void)payment_decide_accepted(&ours, &e);
    ck_assert_int_eq(e, ERR_BOOKING_NOT_ACTIVE);
    /* M5: while nobody has decided, its hold stays. */
    ours = rows_of(PAYMENT_INITIATED, BOOKING_PENDING_PAYMENT);
    ck_assert_int_eq(decide(&ours, V_CHARGE_OTHER_AMOUNT).booking, PLAN_BOOKING_HOLD);
}
END_TEST

/* M29 and M5: given back as a whole at the gateway's desk, it is decided. */
START_TEST(a_mismatch_is_given_back_elsewhere)
{
    struct payment_locked ours = rows_of(PAYMENT_MISMATCH, BOOKING_PENDING_PAYMENT);
    struct payment_plan plan = decide(&ours, V_PAID_ALL_REFUNDED);
    ck_assert_int_eq(plan.after.state, PAYMENT_REFUNDED);
    ck_assert_int_eq(plan.booking, PLAN_BOOKING_CANCEL);
    ours.booking.state = BOOKING_EXPIRED;
    ck_assert_int_eq(decide(&ours, V_PAID_ALL_REFUNDED).booking, PLAN_BOOKING_STAYS);
}
END_TEST

/* M1: an unknown status is neither charged nor pending. */
START_TEST(an_unknown_status_is_not_waited_for)
{
    struct payment_locked ours = rows_of(PAYMENT_PAID, BOOKING_CONFIRMED);
    struct payment_plan odd = decide(&ours, V_PAID_AND_ODD), plain = decide(&ours, V_PAID);
    ck_assert_int_eq(odd.next_check_s, plain.next_check_s);
    ck_assert_uint_eq(odd.refunds_n, 0);
}
END_TEST

START_TEST(paid_and_refunded_at_once_has_two_rows_of_history)
{
    struct payment_locked ours = rows_of(PAYMENT_INITIATED, BOOKING_CONFIRMED);
    struct payment_plan plan = decide(&ours, V_PAID_PART_REFUNDED);
    ck_assert_uint_eq(plan.moves_n, 2);
    ck_assert_int_eq(plan.moves[0].to, PAYMENT_PAID);
    ck_assert_int_eq(plan.moves[1].to, PAYMENT_PARTIALLY_REFUNDED);
    ck_assert_int_eq(plan.after.refunded, 5000);
    ck_assert(!plan.after.unmatched);
    plan = decide(&ours, V_PAID_ALL_REFUNDED);
    ck_assert_int_eq(plan.after.state, PAYMENT_REFUNDED);
    ck_assert(plan.after.unmatched);
    ck_assert_uint_eq(plan.refunds_n, 0);
}
END_TEST

/* Of a charge of 12000 that is shown as one of 13000 later. */
START_TEST(no_more_goes_back_than_was_paid)
{
    const struct gateway_invoice invoice = INVOICE(PAID);
    const struct gateway_charge larger =
        CHARGE("c1", PAID, 13000, .invoice = &invoice, .differs = DIFFERS_AMOUNT);
    const struct gateway_view view = {.invoices = &invoice,
                                      .invoices_n = 1,
                                      .current = &invoice,
                                      .charges = &larger,
                                      .charges_n = 1};
    struct payment_locked ours = rows_of(PAYMENT_PAID, BOOKING_CONFIRMED);
    struct payment_plan plan = payment_decide(arena, &ours, &view, (struct wall){NOW_US});
    ck_assert_int_eq(plan.after.state, PAYMENT_REFUNDED);
    ck_assert_int_eq(plan.after.refunded, AMOUNT);
    ours.payment = plan.after;
    plan = payment_decide(arena, &ours, &view, (struct wall){NOW_US});
    ck_assert_uint_eq(plan.moves_n, 0);
}
END_TEST

START_TEST(a_refund_of_ours_under_way_explains_the_total)
{
    struct payment_locked ours = rows_of(PAYMENT_PAID, BOOKING_CONFIRMED);
    struct payment_plan plan = decide(&ours, V_PAID_PART_REFUNDED);
    ck_assert_int_eq(plan.audit, PLAN_AUDIT_REFUNDED_ELSEWHERE);
    ours.refund_in_flight = true;
    ck_assert_uint_eq(decide(&ours, V_PAID_PART_REFUNDED).moves_n, 0);
}
END_TEST

START_TEST(a_further_part_is_a_row_of_history)
{
    struct payment_locked ours = rows_of(PAYMENT_PARTIALLY_REFUNDED, BOOKING_CONFIRMED);
    struct payment_plan plan = payment_decide_refunded(&ours.payment, "c1", 7000, "staff");
    ck_assert_int_eq(plan.after.refunded, 7000);
    ck_assert_uint_eq(plan.moves_n, 1);
    ck_assert_int_eq(plan.moves[0].from, PAYMENT_PARTIALLY_REFUNDED);
    ck_assert_int_eq(plan.moves[0].to, PAYMENT_PARTIALLY_REFUNDED);
    plan = payment_decide_refunded(&ours.payment, "c1", AMOUNT + 1, "staff");
    ck_assert_int_eq(plan.after.refunded, AMOUNT);
    ck_assert_int_eq(plan.after.state, PAYMENT_REFUNDED);
    /* The gateway's desk was faster, and that was noticed. */
    ours = rows_of(PAYMENT_REFUNDED, BOOKING_EXPIRED);
    ck_assert_int_eq(payment_decide_refunded(&ours.payment, "c1", AMOUNT, "x").verdict, PLAN_LEAVE);
    ours = rows_of(PAYMENT_PARTIALLY_REFUNDED, BOOKING_CONFIRMED);
    /* A second charge that goes back leaves the payment alone. */
    ck_assert_int_eq(payment_decide_refunded(&ours.payment, "c2", 1, "x").verdict, PLAN_LEAVE);
}
END_TEST

START_TEST(what_creating_an_invoice_makes_of_the_row)
{
    const struct gateway_made made = {.invoice = {.id = "inv", .url = "u"}};
    const struct gateway_made unknown = {
        .result = {.err = ERR_PROVIDER_TIMEOUT, .outcome = OUTCOME_UNKNOWN, .detail = "d"}};
    const struct gateway_made refused = {
        .result = {.err = ERR_PROVIDER_REJECTED, .outcome = OUTCOME_FAILED, .detail = "no"}};
    for (unsigned state = 0; state < PAYMENT_STATE_COUNT; state++) {
        struct payment_locked ours = rows_of((enum payment_state)state, BOOKING_PENDING_PAYMENT);
        struct payment_plan plan = payment_decide_created(&ours, &made);
        ck_assert_int_eq(plan.verdict, state == PAYMENT_CREATING ? PLAN_STORE : PLAN_LEAVE);
    }
    struct payment_locked ours = rows_of(PAYMENT_CREATING, BOOKING_PENDING_PAYMENT);
    struct payment_plan plan = payment_decide_created(&ours, &made);
    ck_assert_int_eq(plan.after.state, PAYMENT_INITIATED);
    ck_assert_str_eq(plan.after.gateway_id, "inv");
    ck_assert_int_eq(plan.next_check_s, 2);
    plan = payment_decide_created(&ours, &unknown);
    ck_assert_int_eq(plan.after.state, PAYMENT_UNKNOWN);
    ck_assert_str_eq(plan.moves[0].reason, "d");
    plan = payment_decide_created(&ours, &refused);
    ck_assert_int_eq(plan.after.state, PAYMENT_FAILED);
    ck_assert_int_eq(plan.next_check_s, PAYMENT_DONE);
    ours.booking.state = BOOKING_CANCELLED;
    ck_assert_int_eq(payment_decide_created(&ours, &made).next_check_s, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("payment_decide");
    TCase *c = th_case(suite, "decide");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, every_state_meets_every_view, 0, V_COUNT);
    tcase_add_loop_test(c, a_charge_meets_every_booking, 0, ARRAY_LEN(booking_rows));
    tcase_add_loop_test(c, rules_hold_in_every_cell, 0, V_COUNT);
    tcase_add_loop_test(c, twice_is_once, 0, V_COUNT);
    tcase_add_test(c, a_row_of_a_living_caller_is_left_alone_until_its_invoice_shows);
    tcase_add_test(c, nothing_at_the_gateway_after_the_invoices_end_is_a_failure);
    tcase_add_test(c, of_two_charges_the_older_pays_and_the_newer_goes_back);
    tcase_add_test(c, a_charge_of_another_payments_invoice_is_left_alone);
    tcase_add_test(c, a_mismatch_is_accepted);
    tcase_add_test(c, a_mismatch_is_given_back_elsewhere);
    tcase_add_test(c, an_unknown_status_is_not_waited_for);
    tcase_add_test(c, paid_and_refunded_at_once_has_two_rows_of_history);
    tcase_add_test(c, no_more_goes_back_than_was_paid);
    tcase_add_test(c, a_refund_of_ours_under_way_explains_the_total);
    tcase_add_test(c, a_further_part_is_a_row_of_history);
    tcase_add_test(c, what_creating_an_invoice_makes_of_the_row);
    return th_run(suite);
}
