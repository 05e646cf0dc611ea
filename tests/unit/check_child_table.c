/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The life of a child as a table: every cell of child_next, the backoff, what an end books. */
#include <check.h>

#include "../lib/th_unit.h"
#include "base/cdefs.h"
#include "base/rng.h"
#include "master/child_table.h"

#define S(s) CHILD_##s
/* The whole table once more, written down by hand: rows are states, columns events in the order of
 * the enum. */
static const enum child_state expected[CHILD_STATE_COUNT][CHILD_EVENT_COUNT] = {
    /*                 WANT         FORKED       CHECKED_IN   STOP         OVERDUE      EXIT REFUSED
     */
    [CHILD_OFF] = {S(DOWN), S(OFF), S(OFF), S(OFF), S(OFF), S(OFF), S(OFF)},
    [CHILD_DOWN] = {S(DOWN), S(STARTING), S(DOWN), S(OFF), S(DOWN), S(DOWN), S(DOWN)},
    [CHILD_STARTING] = {S(STARTING), S(STARTING), S(UP), S(DRAINING), S(KILLED), S(DOWN),
                        S(REFUSED)},
    [CHILD_UP] = {S(UP), S(UP), S(UP), S(DRAINING), S(KILLED), S(DOWN), S(REFUSED)},
    [CHILD_DRAINING] = {S(DRAINING), S(DRAINING), S(DRAINING), S(DRAINING), S(DRAINING), S(OFF),
                        S(OFF)},
    [CHILD_KILLED] = {S(KILLED), S(KILLED), S(KILLED), S(DRAINING), S(KILLED), S(DOWN), S(REFUSED)},
    [CHILD_REFUSED] = {S(REFUSED), S(REFUSED), S(REFUSED), S(OFF), S(REFUSED), S(REFUSED),
                       S(REFUSED)},
};

START_TEST(every_cell)
{
    enum child_state s = (enum child_state)_i;
    for (int e = 0; e < CHILD_EVENT_COUNT; e++)
        ck_assert_msg(child_next(s, (enum child_event)e) == expected[s][e], "%s, event %d: %s",
                      child_state_names[s], e,
                      child_state_names[child_next(s, (enum child_event)e)]);
}
END_TEST

START_TEST(only_an_end_or_a_stop_leaves_a_living_state)
{
    for (int s = 0; s < CHILD_STATE_COUNT; s++) {
        for (int e = 0; e < CHILD_EVENT_COUNT; e++) {
            bool dies = child_alive((enum child_state)s) &&
                        !child_alive(child_next((enum child_state)s, (enum child_event)e));
            ck_assert(!dies || e == CHILD_EV_EXIT || e == CHILD_EV_REFUSED);
            bool born = !child_alive((enum child_state)s) &&
                        child_alive(child_next((enum child_state)s, (enum child_event)e));
            ck_assert(!born || e == CHILD_EV_FORKED);
        }
    }
}
END_TEST

START_TEST(refused_is_for_ever)
{
    for (int e = 0; e < CHILD_EVENT_COUNT; e++)
        ck_assert(!child_alive(child_next(CHILD_REFUSED, (enum child_event)e)) &&
                  child_next(CHILD_REFUSED, (enum child_event)e) != CHILD_DOWN);
}
END_TEST

START_TEST(delays_double_to_a_minute)
{
    static const int64_t want[] = {0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    for (unsigned i = 0; i < ARRAY_LEN(want); i++)
        ck_assert_int_eq(child_delay_ms(i), want[i]);
    ck_assert_int_eq(child_delay_ms(4000000000u), 60000);
}
END_TEST

static struct mono at_ms(int64_t ms)
{
    return (struct mono){ms * 1000000};
}

START_TEST(first_replacement_at_once_then_backoff_with_jitter)
{
    struct child c = {.state = CHILD_UP, .started = at_ms(0), .pid = 7};
    child_ended(&c, at_ms(10), false);
    ck_assert_int_eq(c.state, CHILD_DOWN);
    ck_assert_int_eq(c.pid, 0);
    ck_assert_int_eq(c.next_start.ns, at_ms(10).ns);
    bool differs = false;
    for (int i = 0; i < 50; i++) {
        struct child d = {.state = CHILD_STARTING, .started = at_ms(0), .fails = 2};
        child_ended(&d, at_ms(10), false);
        int64_t wait = mono_ms_between(at_ms(10), d.next_start);
        ck_assert_int_ge(wait, 1600);
        ck_assert_int_le(wait, 2400);
        ck_assert_uint_eq(d.fails, 3);
        differs = differs || wait != 2000;
    }
    ck_assert(differs);
}
END_TEST

START_TEST(a_healthy_minute_forgives)
{
    struct child c = {.state = CHILD_UP, .started = at_ms(0), .fails = 6};
    child_ended(&c, at_ms(CHILD_HEALTHY_MS - 1), false);
    ck_assert_uint_eq(c.fails, 7);
    c = (struct child){.state = CHILD_UP, .started = at_ms(0), .fails = 6};
    child_ended(&c, at_ms(CHILD_HEALTHY_MS), false);
    ck_assert_uint_eq(c.fails, 1);
    ck_assert_int_eq(c.next_start.ns, at_ms(CHILD_HEALTHY_MS).ns);
}
END_TEST

START_TEST(ends_that_are_not_replaced)
{
    struct child c = {.state = CHILD_UP};
    child_ended(&c, at_ms(5), true);
    ck_assert_int_eq(c.state, CHILD_REFUSED);
    c = (struct child){.state = CHILD_DRAINING};
    child_ended(&c, at_ms(5), false);
    ck_assert_int_eq(c.state, CHILD_OFF);
    ck_assert_uint_eq(c.fails, 0);
}
END_TEST

/* ---- one role of which there is one process, two positions, and reloads ---- */

#define OVERLAP CHILD_HANDOVER_OVERLAP
#define DRAIN CHILD_HANDOVER_DRAIN
#define AFTER CHILD_HANDOVER_AFTER
/* Epoch 3 is in force. */
static const struct replace_case {
    enum child_handover how;
    enum child_state a;
    uint32_t a_epoch;
    enum child_state b;
    uint32_t b_epoch, stop;
    bool start;
} replace_cases[] = {
    {OVERLAP, CHILD_UP, 3, CHILD_OFF, 0, 0, false},
    {OVERLAP, CHILD_UP, 2, CHILD_OFF, 0, 0, true},
    {OVERLAP, CHILD_UP, 2, CHILD_STARTING, 3, 0, false},
    {OVERLAP, CHILD_UP, 2, CHILD_DOWN, 3, 0, false},
    {OVERLAP, CHILD_UP, 2, CHILD_UP, 3, 1, false},
    {OVERLAP, CHILD_UP, 1, CHILD_STARTING, 2, 2, true}, /* both would stay for ever */
    {OVERLAP, CHILD_STARTING, 2, CHILD_UP, 1, 1, true},
    {OVERLAP, CHILD_UP, 1, CHILD_UP, 2, 1, true},
    {OVERLAP, CHILD_UP, 2, CHILD_DRAINING, 1, 2, true},
    {OVERLAP, CHILD_DOWN, 2, CHILD_OFF, 0, 1, true},
    {DRAIN, CHILD_UP, 2, CHILD_OFF, 0, 1, true},
    {DRAIN, CHILD_DRAINING, 2, CHILD_STARTING, 3, 1, false},
    {AFTER, CHILD_UP, 2, CHILD_OFF, 0, 1, false},
    {AFTER, CHILD_DRAINING, 2, CHILD_OFF, 0, 1, false},
    {AFTER, CHILD_OFF, 2, CHILD_OFF, 0, 0, true},
};

START_TEST(what_a_reload_stops_and_starts)
{
    const struct replace_case *k = &replace_cases[_i];
    const struct child all[2] = {{.state = k->a, .epoch = k->a_epoch},
                                 {.state = k->b, .epoch = k->b_epoch}};
    const struct child_plan plan = child_replace(all, 2, 3, k->how);
    ck_assert_msg(plan.stop == k->stop && plan.start == k->start, "case %d: stop %x, start %d", _i,
                  plan.stop, plan.start);
}
END_TEST

static void follow_plan(struct child *all, uint32_t epoch, enum child_handover how)
{
    const struct child_plan plan = child_replace(all, 2, epoch, how);
    for (unsigned i = 0; i < 2; i++) {
        if (plan.stop >> i & 1u)
            all[i].state = child_next(all[i].state, CHILD_EV_STOP);
    }
    for (unsigned i = 0; plan.start && i < 2; i++) {
        if (all[i].state != CHILD_OFF)
            continue;
        all[i] = (struct child){.state = CHILD_DOWN, .epoch = epoch};
        break;
    }
}

/* Reloads follow each other while children start, check in, fail and are slow to end. */
static uint32_t follow_chance(struct child *all, uint32_t epoch, enum child_handover how)
{
    for (int step = 0; step < 20; step++) {
        struct child *c = &all[rng_below(2)];
        epoch += rng_below(4) == 0;
        follow_plan(all, epoch, how);
        c->state = child_next(c->state, (enum child_event)(CHILD_EV_FORKED + rng_below(5)));
    }
    return epoch;
}

/* No more reloads, and children do what they are asked to. */
static void follow_rest(struct child *all, uint32_t epoch, enum child_handover how)
{
    for (int step = 0; step < 20; step++) {
        follow_plan(all, epoch, how);
        for (unsigned i = 0; i < 2; i++) {
            if (all[i].state == CHILD_DRAINING || all[i].state == CHILD_KILLED)
                all[i].state = child_next(all[i].state, CHILD_EV_EXIT);
            all[i].state = child_next(all[i].state, CHILD_EV_FORKED);
            all[i].state = child_next(all[i].state, CHILD_EV_CHECKED_IN);
        }
    }
}

START_TEST(after_any_number_of_reloads_only_the_last_epoch_is_left)
{
    const enum child_handover how = (enum child_handover)_i;
    struct child all[2] = {{.state = CHILD_OFF}};
    uint32_t epoch = 1;
    for (int round = 0; round < 1000; round++) {
        epoch = follow_chance(all, epoch, how);
        follow_rest(all, epoch, how);
        const unsigned at = all[0].state == CHILD_UP ? 0 : 1;
        ck_assert_int_eq(all[at].state, CHILD_UP);
        ck_assert_uint_eq(all[at].epoch, epoch);
        ck_assert_int_eq(all[1 - at].state, CHILD_OFF);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("child_table");
    TCase *t = tcase_create("table");
    tcase_add_loop_test(t, every_cell, 0, CHILD_STATE_COUNT);
    tcase_add_test(t, only_an_end_or_a_stop_leaves_a_living_state);
    tcase_add_test(t, refused_is_for_ever);
    tcase_add_test(t, delays_double_to_a_minute);
    tcase_add_test(t, first_replacement_at_once_then_backoff_with_jitter);
    tcase_add_test(t, a_healthy_minute_forgives);
    tcase_add_test(t, ends_that_are_not_replaced);
    tcase_add_loop_test(t, what_a_reload_stops_and_starts, 0, ARRAY_LEN(replace_cases));
    tcase_add_loop_test(t, after_any_number_of_reloads_only_the_last_epoch_is_left, 0, 3);
    suite_add_tcase(s, t);
    return th_run(s);
}
