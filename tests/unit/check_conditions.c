/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* domain/conditions and domain/facts: when each condition holds, by a table of facts. */
#include <stdio.h>

#include "../lib/th_unit.h"
#include "domain/conditions.h"
#include "sys/shm.h"

#define S 1000000000LL /* nanoseconds in a second */

/* Facts of a healthy service. */
static struct facts_seen healthy(void)
{
    struct facts_seen s;
    memset(&s, 0, sizeof s);
    s.now.at[FACT_DATABASE_UP] = s.now.at[FACT_DATABASE_WRITABLE] = 1;
    s.now.at[FACT_WORKERS] = 4;
    s.now.at[FACT_REQUESTS] = s.now.at[FACT_LATENCY_3] = 1000;
    s.now.at[FACT_CODES_ASKED] = s.now.at[FACT_NOTIFICATIONS_ENDED] = 100;
    return s;
}

/* A value that is just enough, and one that is not. What else must be so stands in healthy(). */
static const struct {
    enum condition condition;
    enum fact fact;
    int64_t quiet, holds;
} table[] = {
    {CONDITION_DATABASE_DOWN, FACT_DATABASE_UP, 1, 0},
    {CONDITION_DATABASE_NOT_WRITABLE, FACT_DATABASE_WRITABLE, 1, 0},
    {CONDITION_DATABASE_NOT_SYNCHRONOUS, FACT_DATABASE_NOT_SYNCHRONOUS, 0, 1},
    {CONDITION_WORKERS_WITHOUT_DATABASE, FACT_WORKERS_WITHOUT_DATABASE, 0, 1},
    {CONDITION_PROCESS_REFUSED, FACT_REFUSED, 0, 1},
    {CONDITION_LEDGER_STALE, FACT_LEDGER_AGE, 120, 121},
    {CONDITION_NODES_DIFFER, FACT_NODES_DIFFERING, 0, 1},
    {CONDITION_NOTIFICATIONS_FAILED, FACT_FAILED, 0, 1},
    {CONDITION_NOTIFICATION_STUCK, FACT_OLDEST_PENDING, 120, 121},
    {CONDITION_NOTIFICATIONS_LATE, FACT_OLDEST_DUE, 120, 121},
    {CONDITION_COURIERS_STALLED, FACT_OLDEST_DUE, 60, 61},
    {CONDITION_NOTIFICATION_FAILURE_RATIO, FACT_NOTIFICATIONS_LOST, 5, 6},
    {CONDITION_SIGN_IN_TOTAL, FACT_THROTTLED_TOTAL, 0, 1},
    {CONDITION_SIGN_IN_THROTTLED, FACT_THROTTLED_ADDRESS, 20, 21},
    {CONDITION_SIGN_IN_PHONE_LOCKED, FACT_THROTTLED_FAILURES, 0, 1},
    {CONDITION_OTP_SEND_FAILING, FACT_CODES_LOST, 10, 11},
    {CONDITION_CIRCUIT_OPEN, FACT_CIRCUITS_OPEN, 0, 1},
    {CONDITION_ACCOUNT_REFUSED, FACT_PROVIDER_ACCOUNT, 0, 1},
    {CONDITION_ANSWERS_UNREAD, FACT_PROVIDER_UNREAD, 3, 4},
    {CONDITION_GATEWAY_READS_REFUSED, FACT_GATEWAY_READS_REFUSED, 3, 4},
    {CONDITION_PAYMENTS_UNKNOWN, FACT_PAYMENTS_UNKNOWN, 0, 1},
    {CONDITION_PAYMENTS_MISMATCHED, FACT_PAYMENTS_MISMATCHED, 0, 1},
    {CONDITION_PAYMENTS_UNSETTLED, FACT_PAYMENTS_UNSETTLED, 0, 1},
    {CONDITION_REFUNDS_OPEN, FACT_REFUNDS_OPEN, 0, 1},
    {CONDITION_ERRORS_FAST, FACT_SERVER_ERRORS, 14, 15},
    {CONDITION_ERRORS_SLOW, FACT_SERVER_ERRORS, 6, 7},
    {CONDITION_LATENCY_HIGH, FACT_LATENCY_11, 50, 60},
    {CONDITION_SHEDDING, FACT_SHED, 0, 1},
    {CONDITION_CRASH_LOOPING, FACT_RESTARTS, 3, 4},
    {CONDITION_RELOAD_FAILED, FACT_RELOAD_REFUSED, 0, 1},
    {CONDITION_LOG_DROPPED, FACT_LOG_DROPPED, 0, 1},
    {CONDITION_ALERTS_UNSENT, FACT_ALERTS_UNSENT, 0, 1},
    {CONDITION_WORKERS_MISSING, FACT_WORKERS_MISSING, 0, 1},
    {CONDITION_PROCESS_MISSING, FACT_ROLES_MISSING, 0, 1},
    {CONDITION_VIOLATION, FACT_VIOLATIONS, 0, 1},
    {CONDITION_ADDRESS_LIMITED, FACT_ADDRESS_LIMITED, 100, 101},
    {CONDITION_WEBHOOKS_REFUSED, FACT_WEBHOOKS_REFUSED, 10, 11},
    {CONDITION_WEBHOOKS_MISMATCHED, FACT_WEBHOOKS_MISMATCHED, 0, 1},
};

START_TEST(each_holds_from_its_threshold_on)
{
    bool tried[CONDITION_COUNT] = {false};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct facts_seen s = healthy();
        const struct condition_row *row = &condition_rows[table[i].condition];
        s.now.at[table[i].fact] = table[i].quiet;
        ck_assert_msg(condition_value(table[i].condition, &s) <= row->above, "%s at %ld", row->name,
                      (long)table[i].quiet);
        s.now.at[table[i].fact] = table[i].holds;
        ck_assert_msg(condition_value(table[i].condition, &s) > row->above, "%s at %ld", row->name,
                      (long)table[i].holds);
        tried[table[i].condition] = true;
    }
    for (unsigned c = 0; c < CONDITION_COUNT; c++)
        ck_assert_msg(tried[c], "%s has no row in this test", condition_rows[c].name);
}
END_TEST

START_TEST(nothing_holds_of_a_healthy_service)
{
    struct facts_seen s = healthy();
    struct conditions c;
    memset(&c, 0, sizeof c);
    conditions_judge(&c, &s, (struct mono){S}, (struct wall){1});
    conditions_judge(&c, &s, (struct mono){1000 * S}, (struct wall){2});
    for (unsigned i = 0; i < CONDITION_COUNT; i++)
        ck_assert_msg(!c.at[i].holds, "%s", condition_rows[i].name);
}
END_TEST

START_TEST(it_must_last_and_keeps_its_beginning)
{
    struct facts_seen s = healthy();
    struct conditions c;
    const enum condition id = CONDITION_DATABASE_DOWN;
    const int64_t for_s = condition_rows[id].for_s;
    memset(&c, 0, sizeof c);
    s.now.at[FACT_DATABASE_UP] = 0;
    ck_assert_int_gt(for_s, 0);
    conditions_judge(&c, &s, (struct mono){S}, (struct wall){1});
    ck_assert(!c.at[id].holds);
    conditions_judge(&c, &s, (struct mono){S + for_s * S}, (struct wall){7});
    ck_assert(c.at[id].holds);
    conditions_judge(&c, &s, (struct mono){99 * S}, (struct wall){9});
    ck_assert_int_eq(c.at[id].since.us, 7);
    s.now.at[FACT_DATABASE_UP] = 1;
    conditions_judge(&c, &s, (struct mono){100 * S}, (struct wall){10});
    ck_assert(!c.at[id].holds);
}
END_TEST

/* Without a database nobody knows whether it would take writes. */
START_TEST(one_cause_is_told_once)
{
    struct facts_seen s = healthy();
    s.now.at[FACT_DATABASE_UP] = s.now.at[FACT_DATABASE_WRITABLE] = 0;
    s.now.at[FACT_WORKERS_WITHOUT_DATABASE] = 4;
    ck_assert(condition_value(CONDITION_DATABASE_DOWN, &s) > 0);
    ck_assert(condition_value(CONDITION_DATABASE_NOT_WRITABLE, &s) <= 0);
    ck_assert(condition_value(CONDITION_WORKERS_WITHOUT_DATABASE, &s) <= 0);
}
END_TEST

START_TEST(the_past_is_left_out)
{
    struct facts_seen s = healthy();
    s.now.at[FACT_SHED] = s.past[WINDOW_SHORT].at[FACT_SHED] = 500;
    ck_assert(condition_value(CONDITION_SHEDDING, &s) <= 0);
    s.past[WINDOW_SHORT].at[FACT_SHED] = 900; /* a provider's counts were cleared */
    ck_assert(condition_value(CONDITION_SHEDDING, &s) <= 0);
}
END_TEST

START_TEST(the_summary_has_its_figure)
{
    struct arena *a = arena_new(4096);
    ck_assert_str_eq(condition_summary(a, CONDITION_ERRORS_FAST, 2.54, LOCALE_EN),
                     "2.5 % of requests fail.");
    ck_assert_str_eq(condition_summary(a, CONDITION_NOTIFICATIONS_FAILED, 10000, LOCALE_EN),
                     "Failed notifications: 10000; their bookings stand.");
    ck_assert_str_eq(condition_summary(a, CONDITION_DATABASE_DOWN, 1, LOCALE_EN),
                     condition_rows[CONDITION_DATABASE_DOWN].summary[LOCALE_EN]);
    arena_free(a);
}
END_TEST

START_TEST(others_read_what_was_published)
{
    struct conditions c, seen;
    ck_assert(shm_init(conditions_size()));
    conditions_init();
    conditions_read(&seen);
    ck_assert(!seen.at[CONDITION_SHEDDING].holds);
    memset(&c, 0, sizeof c);
    c.at[CONDITION_SHEDDING].holds = true;
    conditions_publish(&c);
    conditions_read(&seen);
    ck_assert(seen.at[CONDITION_SHEDDING].holds);
    ck_assert(!conditions_unsent());
    conditions_set_unsent(true);
    ck_assert(conditions_unsent());
    shm_fini();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conditions");
    TCase *c = th_case(s, "conditions");
    tcase_add_test(c, each_holds_from_its_threshold_on);
    tcase_add_test(c, nothing_holds_of_a_healthy_service);
    tcase_add_test(c, it_must_last_and_keeps_its_beginning);
    tcase_add_test(c, one_cause_is_told_once);
    tcase_add_test(c, the_past_is_left_out);
    tcase_add_test(c, the_summary_has_its_figure);
    tcase_add_test(c, others_read_what_was_published);
    return th_run(s);
}
