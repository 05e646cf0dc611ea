/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The state machine of payments, every cell of it. */
#include <check.h>

#include "../lib/th_unit.h"
#include "svc/payment.h"

/* Rows: from; columns: to. In the order of the enum: creating, initiated, unknown, paid, failed,
 * expired, refunded, partially_refunded. */
static const char *const table[PAYMENT_STATE_COUNT] = {
    [PAYMENT_CREATING] = "-yyyyy--",  /* its caller, or who comes after it, finds out anything */
    [PAYMENT_INITIATED] = "--yyyy--", /* never back to being made */
    [PAYMENT_UNKNOWN] = "yy-yyy--",   /* a repeat may make it anew once nothing is there */
    [PAYMENT_PAID] = "------yy",      /* nothing but giving back leaves it */
    [PAYMENT_FAILED] = "---y----",    /* money that came late */
    [PAYMENT_EXPIRED] = "---y----",   /* likewise */
    [PAYMENT_REFUNDED] = "--------",  /* the end */
    [PAYMENT_PARTIALLY_REFUNDED] = "------yy", /* once more, or all of it */
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
        "creating", "initiated", "unknown",  "paid",
        "failed",   "expired",   "refunded", "partially_refunded"};
    for (unsigned i = 0; i < PAYMENT_STATE_COUNT; i++)
        ck_assert_str_eq(payment_state_names[i], names[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("payment");
    TCase *c = th_case(suite, "states");
    tcase_add_test(c, what_may_follow_what);
    tcase_add_test(c, kinds_of_states);
    tcase_add_test(c, states_have_their_names);
    return th_run(suite);
}
