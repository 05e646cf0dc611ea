/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The state machine of payments, every cell of it; opening a payment, and when the keeper asks. */
#include <check.h>

#include "../../src/svc/payment_decide.h"
#include "../lib/th_unit.h"
#include "base/cdefs.h"

/* Rows: from; columns: to. In the order of the enum: creating, initiated, unknown, paid, failed,
 * expired, refunded, partially_refunded. */
static const char *const table[PAYMENT_STATE_COUNT] = {
    [PAYMENT_CREATING] = "-yyyyy--y",  /* its caller, or who comes after it, finds out anything */
    [PAYMENT_INITIATED] = "--yyyy--y", /* never back to being made */
    [PAYMENT_UNKNOWN] = "yy-yyy--y",   /* a repeat may make it anew once nothing is there */
    [PAYMENT_PAID] = "------yy-",      /* nothing but giving back leaves it */
    [PAYMENT_FAILED] = "---y----y",    /* money that came late */
    [PAYMENT_EXPIRED] = "---y----y",   /* likewise */
    [PAYMENT_REFUNDED] = "---------",  /* the end */
    [PAYMENT_PARTIALLY_REFUNDED] = "------yy-", /* once more, or all of it */
    [PAYMENT_MISMATCH] = "---y--yy-",           /* staff accept it, or it goes back */
};

START_TEST(what_may_follow_what)
{
    for (unsigned from = 0; from < PAYMENT_STATE_COUNT; from++) {
        ck_assert_uint_eq(strlen(table[from]), PAYMENT_STATE_COUNT);
        for (unsigned to = 0; to < PAYMENT_STATE_COUNT; to++)
            ck_assert_msg(payment_may_become((enum payment_state)from, (enum payment_state)to) ==
                              (table[from][to] == 'y'),
                          "%s to %s", payment_state_names[from], payment_state_names[to]);
    }
}
END_TEST

START_TEST(kinds_of_states)
{
    for (unsigned i = 0; i < PAYMENT_STATE_COUNT; i++) {
        enum payment_state s = (enum payment_state)i;
        bool open = s == PAYMENT_CREATING || s == PAYMENT_INITIATED || s == PAYMENT_UNKNOWN;
        bool was_paid =
            s == PAYMENT_PAID || s == PAYMENT_REFUNDED || s == PAYMENT_PARTIALLY_REFUNDED;
        ck_assert_int_eq(payment_is_open(s), open);
        ck_assert_int_eq(payment_was_paid(s), was_paid);
        /* Money that arrives is believed in every state that has not had it; what was paid never
         * becomes unpaid. */
        ck_assert_int_eq(payment_may_become(s, PAYMENT_PAID), !was_paid);
        for (unsigned to = 0; was_paid && to < PAYMENT_STATE_COUNT; to++)
            ck_assert(!payment_may_become(s, (enum payment_state)to) ||
                      payment_was_paid((enum payment_state)to));
    }
}
END_TEST

START_TEST(states_have_their_names)
{
    static const char *const names[PAYMENT_STATE_COUNT] = {
        "creating", "initiated",          "unknown", "paid", "failed", "expired",
        "refunded", "partially_refunded", "mismatch"};
    for (unsigned i = 0; i < PAYMENT_STATE_COUNT; i++)
        ck_assert_str_eq(payment_state_names[i], names[i]);
}
END_TEST

/* ---- opening ---- */

#define HOLD_MS 900000
#define NOW_US INT64_C(1790000000000000)

static struct payment payment_of(enum payment_state state)
{
    return (struct payment){
        .state = state, .invoice_expires_at = {NOW_US + 60000000}, .read_at = {NOW_US}};
}

static struct booking hold_of(int64_t left_ms)
{
    return (struct booking){.state = BOOKING_PENDING_PAYMENT,
                            .read_at = {NOW_US},
                            .hold_expires_at = {NOW_US + left_ms * 1000}};
}

START_TEST(which_way_opening_goes)
{
    enum open_way way;
    struct booking bk = hold_of(HOLD_MS);
    ck_assert_int_eq(payment_decide_open(&bk, NULL, HOLD_MS, &way), ERR_OK);
    ck_assert_int_eq(way, OPEN_CREATE);
    for (unsigned state = PAYMENT_CREATING; state <= PAYMENT_UNKNOWN; state++) {
        struct payment p = payment_of((enum payment_state)state);
        ck_assert_int_eq(payment_decide_open(&bk, &p, HOLD_MS, &way), ERR_OK);
        ck_assert_int_eq(way, state == PAYMENT_INITIATED ? OPEN_SHOW : OPEN_RESUME);
        p.invoice_expires_at = p.read_at;
        ck_assert_int_eq(payment_decide_open(&bk, &p, HOLD_MS, &way), ERR_BOOKING_NOT_PAYABLE);
        p.locked_by_caller = true;
        ck_assert_int_eq(payment_decide_open(&bk, &p, HOLD_MS, &way), ERR_OK);
        ck_assert_int_eq(way, OPEN_WAIT);
    }
    for (unsigned state = 0; state < BOOKING_STATE_COUNT; state++) {
        bk.state = (enum booking_state)state;
        ck_assert_int_eq(payment_decide_open(&bk, NULL, HOLD_MS, &way),
                         state == BOOKING_PENDING_PAYMENT ? ERR_OK : ERR_BOOKING_NOT_PAYABLE);
    }
}
END_TEST

START_TEST(an_invoice_ends_before_its_hold)
{
    static const struct {
        int64_t hold_ms, left_ms, life_ms; /* life_ms < 0: too short to be made */
    } rows[] = {{900000, 900000, 870000}, {900000, 30200, -1}, {120000, 120000, 108000},
                {5000, 5000, 4500},       {2000, 449, -1},     {2000, 450, 250}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct booking bk = hold_of(rows[i].left_ms);
        enum open_way way;
        enum err e = payment_decide_open(&bk, NULL, rows[i].hold_ms, &way);
        ck_assert_int_eq(e, rows[i].life_ms < 0 ? ERR_BOOKING_NOT_PAYABLE : ERR_OK);
        struct wall end = payment_invoice_end(&bk, rows[i].hold_ms);
        if (e == ERR_OK)
            ck_assert_int_eq(end.us, NOW_US + rows[i].life_ms * 1000);
    }
}
END_TEST

START_TEST(the_keeper_asks_ever_less_often)
{
    static const int64_t want[] = {2, 4, 8, 16, 32, 45, 45};
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ck_assert_int_eq(payment_backoff_s((int64_t)i), want[i]);
    struct payment p = payment_of(PAYMENT_PAID);
    ck_assert_int_eq(payment_next_check_s(&p, false, p.read_at), 660);
    ck_assert_int_eq(payment_next_check_s(&p, true, p.read_at), 2);
    p.invoice_expires_at.us = NOW_US - INT64_C(1799000000);
    ck_assert_int_eq(payment_next_check_s(&p, true, p.read_at), 2);
    ck_assert_int_eq(payment_next_check_s(&p, false, p.read_at), PAYMENT_DONE);
    p.invoice_expires_at.us = NOW_US - INT64_C(1801000000);
    ck_assert_int_eq(payment_next_check_s(&p, true, p.read_at), PAYMENT_DONE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("payment");
    TCase *c = th_case(suite, "states");
    tcase_add_test(c, what_may_follow_what);
    tcase_add_test(c, kinds_of_states);
    tcase_add_test(c, states_have_their_names);
    c = th_case(suite, "opening");
    tcase_add_test(c, which_way_opening_goes);
    tcase_add_test(c, an_invoice_ends_before_its_hold);
    tcase_add_test(c, the_keeper_asks_ever_less_often);
    return th_run(suite);
}
