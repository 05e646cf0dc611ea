/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The phases of a client's connection as a table: every cell, and what must hold for all of them.
 */
#include <check.h>

#include "../lib/th_unit.h"
#include "base/cdefs.h"
#include "dispatcher/conn_table.h"

/* The cells that do something, written down once more by hand. */
static const struct expected {
    enum conn_phase now;
    enum conn_event ev;
    enum conn_phase next;
    enum conn_action action;
} expected[] = {
    {CP_IDLE, CE_READY, CP_IDLE, CA_FILL},
    {CP_IDLE, CE_BYTES, CP_HEAD, CA_PARSE_HEAD},
    {CP_IDLE, CE_MORE, CP_IDLE, CA_AWAIT},
    {CP_IDLE, CE_PROBLEM, CP_WRITING, CA_COMPOSE},
    {CP_IDLE, CE_CLOSE, CP_FREE, CA_CLOSE},
    {CP_HEAD, CE_READY, CP_HEAD, CA_FILL},
    {CP_HEAD, CE_BYTES, CP_HEAD, CA_PARSE_HEAD},
    {CP_HEAD, CE_MORE, CP_HEAD, CA_AWAIT},
    {CP_HEAD, CE_HEAD, CP_BODY, CA_PARSE_BODY},
    {CP_HEAD, CE_PROBLEM, CP_WRITING, CA_COMPOSE},
    {CP_HEAD, CE_CLOSE, CP_FREE, CA_CLOSE},
    {CP_BODY, CE_READY, CP_BODY, CA_FILL},
    {CP_BODY, CE_BYTES, CP_BODY, CA_PARSE_BODY},
    {CP_BODY, CE_MORE, CP_BODY, CA_AWAIT},
    {CP_BODY, CE_REQUEST, CP_QUEUED, CA_OFFER},
    {CP_BODY, CE_PROBLEM, CP_WRITING, CA_COMPOSE},
    {CP_BODY, CE_CLOSE, CP_FREE, CA_CLOSE},
    {CP_QUEUED, CE_READY, CP_QUEUED, CA_MUTE},
    {CP_QUEUED, CE_GIVEN, CP_ACTIVE, CA_NONE},
    {CP_QUEUED, CE_ANSWER, CP_WRITING, CA_WRITE},
    {CP_QUEUED, CE_PROBLEM, CP_WRITING, CA_COMPOSE},
    {CP_QUEUED, CE_CLOSE, CP_FREE, CA_CLOSE},
    {CP_RETRY, CE_READY, CP_RETRY, CA_MUTE},
    {CP_RETRY, CE_GIVEN, CP_ACTIVE, CA_NONE},
    {CP_RETRY, CE_PROBLEM, CP_WRITING, CA_COMPOSE},
    {CP_RETRY, CE_CLOSE, CP_FREE, CA_CLOSE},
    {CP_ACTIVE, CE_READY, CP_ACTIVE, CA_MUTE},
    {CP_ACTIVE, CE_ANSWER, CP_WRITING, CA_WRITE},
    {CP_ACTIVE, CE_LOST, CP_RETRY, CA_NONE},
    {CP_ACTIVE, CE_PROBLEM, CP_WRITING, CA_COMPOSE},
    {CP_ACTIVE, CE_CLOSE, CP_FREE, CA_CLOSE},
    {CP_WRITING, CE_READY, CP_WRITING, CA_WRITE},
    {CP_WRITING, CE_ANSWER, CP_WRITING, CA_WRITE},
    {CP_WRITING, CE_SENT, CP_IDLE, CA_NEXT},
    {CP_WRITING, CE_SENT_LAST, CP_LINGER, CA_AWAIT},
    {CP_WRITING, CE_CLOSE, CP_FREE, CA_CLOSE},
    {CP_LINGER, CE_READY, CP_LINGER, CA_DISCARD},
    {CP_LINGER, CE_MORE, CP_LINGER, CA_AWAIT},
    {CP_LINGER, CE_CLOSE, CP_FREE, CA_CLOSE},
};

static struct conn_step expect(enum conn_phase now, enum conn_event ev)
{
    for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
        if (expected[i].now == now && expected[i].ev == ev)
            return (struct conn_step){expected[i].next, expected[i].action};
    }
    return (struct conn_step){now, CA_NONE};
}

START_TEST(every_cell)
{
    enum conn_phase p = (enum conn_phase)_i;
    for (int e = 0; e < CE_COUNT; e++) {
        struct conn_step want = expect(p, (enum conn_event)e);
        struct conn_step got = conn_step_of(p, (enum conn_event)e);
        ck_assert_msg(got.next == want.next && got.action == want.action,
                      "%s, event %d: %s, action %d", conn_phase_names[p], e,
                      conn_phase_names[got.next], got.action);
    }
}
END_TEST

START_TEST(every_connection_can_be_closed_and_only_closing_frees_it)
{
    for (int p = CP_IDLE; p < CP_COUNT; p++) {
        ck_assert_int_eq(conn_step_of((enum conn_phase)p, CE_CLOSE).next, CP_FREE);
        for (int e = 0; e < CE_COUNT; e++) {
            struct conn_step s = conn_step_of((enum conn_phase)p, (enum conn_event)e);
            ck_assert((s.next == CP_FREE) == (s.action == CA_CLOSE));
        }
    }
}
END_TEST

START_TEST(a_free_place_stays_free)
{
    for (int e = 0; e < CE_COUNT; e++) {
        struct conn_step s = conn_step_of(CP_FREE, (enum conn_event)e);
        ck_assert(s.next == CP_FREE && s.action == CA_NONE);
    }
}
END_TEST

/* A second answer to one request would be taken for the answer to the next. */
START_TEST(an_answer_that_is_being_written_is_not_answered_again)
{
    ck_assert_int_eq(conn_step_of(CP_WRITING, CE_PROBLEM).action, CA_NONE);
    ck_assert_int_eq(conn_step_of(CP_LINGER, CE_PROBLEM).action, CA_NONE);
    ck_assert_int_eq(conn_step_of(CP_LINGER, CE_ANSWER).action, CA_NONE);
}
END_TEST

/* What is with a worker, or waits for one, is not read further, and its socket is not reported in
 * every turn. */
START_TEST(news_of_the_socket_wait_while_a_request_is_under_way)
{
    for (int p = CP_QUEUED; p <= CP_ACTIVE; p++) {
        struct conn_step s = conn_step_of((enum conn_phase)p, CE_READY);
        ck_assert((int)s.next == p && s.action == CA_MUTE);
    }
}
END_TEST

/* Else the loop of disp_drive() would not end. */
START_TEST(nothing_never_leads_to_anything)
{
    for (int p = 0; p < CP_COUNT; p++)
        ck_assert_int_eq(conn_step_of((enum conn_phase)p, CE_NONE).action, CA_NONE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conn_table");
    TCase *t = tcase_create("table");
    tcase_add_loop_test(t, every_cell, 0, CP_COUNT);
    tcase_add_test(t, every_connection_can_be_closed_and_only_closing_frees_it);
    tcase_add_test(t, a_free_place_stays_free);
    tcase_add_test(t, an_answer_that_is_being_written_is_not_answered_again);
    tcase_add_test(t, news_of_the_socket_wait_while_a_request_is_under_way);
    tcase_add_test(t, nothing_never_leads_to_anything);
    suite_add_tcase(s, t);
    return th_run(s);
}
