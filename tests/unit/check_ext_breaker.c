/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Circuit breaker and bulkhead: every transition, and what is left when their holders are killed.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "domain/scoreboard.h"
#include "ext/ext_breaker.h"
#include "ext/ext_bulkhead.h"
#include "ext/ext_holder.h"
#include "sys/shm.h"

#define WORKERS 16
#define PLACES 5

/* What the tests' processes share. */
struct shared {
    struct ext_breaker breaker;
    struct ext_bulkhead bulkhead;
    atomic_uint inside, most, entered, probes;
    atomic_bool go;
};
static struct shared *sh;
static const struct ext_breaker_limits limits = {
    .failures = 5, .open_for_ms = 1000, .probe_limit_ms = 3000};

static int64_t clock_ms;
static struct mono fake_clock(void)
{
    return (struct mono){clock_ms * 1000000};
}

/* The n-th worker's slot, as the master gives it to a new child. */
static void become(unsigned n)
{
    scoreboard_attach(scoreboard_first(ROLE_WORKER) + n);
}
static void assign(unsigned n)
{
    scoreboard_assign(scoreboard_first(ROLE_WORKER) + n);
}
static void reaped(unsigned n)
{
    char words[SCOREBOARD_LAST_WORDS_MAX];
    scoreboard_release(scoreboard_first(ROLE_WORKER) + n, words, sizeof(words));
}

static void set_up(void)
{
    ck_assert(shm_init(2 * scoreboard_size(WORKERS) + sizeof(*sh) + 4096));
    scoreboard_init(WORKERS);
    sh = shm_alloc(sizeof(*sh), SHM_ANYBODY);
    for (unsigned i = 0; i < 2 * WORKERS; i++)
        assign(i);
    become(0);
    clock_ms = 5000;
    clock_set_source(fake_clock, NULL);
}

static void tear_down(void)
{
    clock_set_source(NULL, NULL);
    shm_fini();
}

static struct ext_ticket enter(void)
{
    struct ext_ticket t;
    ck_assert(ext_breaker_enter(&sh->breaker, &limits, &t));
    return t;
}
static bool enters(void)
{
    struct ext_ticket t;
    bool may = ext_breaker_would_enter(&sh->breaker, &limits);
    ck_assert(ext_breaker_enter(&sh->breaker, &limits, &t) == may);
    return may;
}
static enum ext_breaker_change spoil(struct ext_ticket t, unsigned weight)
{
    return ext_breaker_failure(&sh->breaker, &limits, &t, weight, ERR_PROVIDER_TIMEOUT);
}
static struct ext_state state(void)
{
    struct ext_state s = {0};
    ext_breaker_read(&sh->breaker, &limits, &s);
    return s;
}
static void trip(void)
{
    ck_assert_int_eq(spoil(enter(), 2), BREAKER_SAME);
    ck_assert_int_eq(spoil(enter(), 2), BREAKER_SAME);
    ck_assert_int_eq(spoil(enter(), 2), BREAKER_OPENED);
}

/* ---- the breaker ---- */

START_TEST(starts_closed_without_a_fault)
{
    ck_assert_int_eq(state().circuit, CIRCUIT_CLOSED);
    ck_assert_ptr_null(state().last_fault);
    ck_assert_uint_eq(state().consecutive_failures, 0);
    ck_assert_int_eq(state().retry_after_s, 0);
    ck_assert(enters());
}
END_TEST

START_TEST(opens_after_consecutive_failures_only)
{
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(spoil(enter(), 1), BREAKER_SAME);
    struct ext_ticket t = enter();
    ck_assert_int_eq(ext_breaker_success(&sh->breaker, &t), BREAKER_SAME);
    ck_assert_uint_eq(state().consecutive_failures, 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(spoil(enter(), 1), BREAKER_SAME);
    ck_assert_int_eq(state().circuit, CIRCUIT_CLOSED);
    ck_assert_int_eq(spoil(enter(), 1), BREAKER_OPENED);
    ck_assert_int_eq(state().circuit, CIRCUIT_OPEN);
    ck_assert_uint_eq(state().consecutive_failures, 5);
    ck_assert_str_eq(state().last_fault, "provider_timeout");
    ck_assert_int_gt(state().last_fault_at.us, 0);
}
END_TEST

START_TEST(double_weight_opens_sooner)
{
    trip();
    ck_assert_uint_eq(state().consecutive_failures, 3);
}
END_TEST

START_TEST(open_refuses_until_its_time_is_over)
{
    trip();
    ck_assert(!enters());
    ck_assert_int_eq(state().retry_after_s, 1);
    clock_ms += 999;
    ck_assert(!enters());
    clock_ms += 1;
    struct ext_ticket t = enter();
    ck_assert(t.probe && !t.takeover);
    ck_assert_int_eq(state().circuit, CIRCUIT_HALF_OPEN);
    ck_assert_int_eq(state().retry_after_s, 1);
}
END_TEST

START_TEST(retry_after_is_rounded_up)
{
    const struct ext_breaker_limits l = {.failures = 1, .open_for_ms = 15000, .probe_limit_ms = 1};
    struct ext_state s = {0};
    struct ext_ticket t = enter();

    ck_assert_int_eq(ext_breaker_failure(&sh->breaker, &l, &t, 1, ERR_PROVIDER_FAILED),
                     BREAKER_OPENED);
    clock_ms += 1;
    ext_breaker_read(&sh->breaker, &l, &s);
    ck_assert_int_eq(s.retry_after_s, 15);
    clock_ms += 14000;
    ext_breaker_read(&sh->breaker, &l, &s);
    ck_assert_int_eq(s.retry_after_s, 1);
    clock_ms += 100000;
    ext_breaker_read(&sh->breaker, &l, &s);
    ck_assert_int_eq(s.retry_after_s, 1);
}
END_TEST

START_TEST(who_is_not_called_is_not_known_to_be_down)
{
    ck_assert(!state().down);
    trip();
    ck_assert(state().down);
    clock_ms += limits.open_for_ms + 59999;
    ck_assert(state().down);
    clock_ms += 1;
    ck_assert(!state().down);
    ck_assert_int_eq(state().circuit, CIRCUIT_OPEN);
    /* The next call is the probe; while it is under way nobody else calls. */
    struct ext_ticket t = enter();
    ck_assert(t.probe && state().down);
    clock_ms += 1;
    ck_assert_int_eq(spoil(t, 2), BREAKER_OPENED);
    ck_assert(state().down);
}
END_TEST

START_TEST(one_probe_alone_and_its_success_closes)
{
    trip();
    clock_ms += 1000;
    struct ext_ticket t = enter();
    become(1);
    ck_assert(!enters());
    become(0);
    ck_assert_int_eq(ext_breaker_success(&sh->breaker, &t), BREAKER_CLOSED);
    ck_assert_int_eq(state().circuit, CIRCUIT_CLOSED);
    ck_assert(enters());
    for (int i = 0; i < 4; i++) /* the weight began anew */
        ck_assert_int_eq(spoil(enter(), 1), BREAKER_SAME);
}
END_TEST

START_TEST(a_failed_probe_opens_for_the_whole_time_again)
{
    trip();
    clock_ms += 1000;
    struct ext_ticket t = enter();
    clock_ms += 300;
    ck_assert_int_eq(spoil(t, 1), BREAKER_OPENED);
    clock_ms += 999;
    ck_assert(!enters());
    clock_ms += 1;
    ck_assert(enters());
}
END_TEST

START_TEST(late_news_of_older_calls_decides_nothing)
{
    struct ext_ticket early = enter();

    trip();
    clock_ms += 500;
    ck_assert_int_eq(spoil(early, 2), BREAKER_SAME); /* does not prolong */
    ck_assert_int_eq(ext_breaker_success(&sh->breaker, &early), BREAKER_SAME);
    ck_assert_int_eq(state().circuit, CIRCUIT_OPEN);
    clock_ms += 500;
    struct ext_ticket t = enter();
    ck_assert_int_eq(spoil(early, 2), BREAKER_SAME);
    ck_assert_int_eq(ext_breaker_success(&sh->breaker, &early), BREAKER_SAME);
    ck_assert_int_eq(state().circuit, CIRCUIT_HALF_OPEN);
    ck_assert_int_eq(ext_breaker_success(&sh->breaker, &t), BREAKER_CLOSED);
}
END_TEST

START_TEST(an_abandoned_probe_frees_the_next_at_once)
{
    trip();
    clock_ms += 1000;
    struct ext_ticket t = enter();
    ext_breaker_abandon(&sh->breaker, &limits, &t);
    ck_assert_int_eq(state().circuit, CIRCUIT_OPEN);
    become(1);
    struct ext_ticket next = enter();
    ck_assert(next.probe);
}
END_TEST

START_TEST(a_dead_probe_is_taken_over_by_one)
{
    trip();
    clock_ms += 1000;
    become(1);
    struct ext_ticket dead = enter();
    become(2);
    ck_assert(!enters());
    if (_i == 0)
        reaped(1); /* nobody there */
    else
        assign(1); /* somebody else by now */
    struct ext_ticket t = enter();
    ck_assert(t.probe && t.takeover);
    become(3);
    ck_assert(!enters());
    ck_assert_int_eq(ext_breaker_success(&sh->breaker, &dead), BREAKER_SAME);
    ck_assert_int_eq(state().circuit, CIRCUIT_HALF_OPEN);
    ck_assert_int_eq(ext_breaker_success(&sh->breaker, &t), BREAKER_CLOSED);
}
END_TEST

START_TEST(a_lost_probe_is_taken_over_after_its_limit)
{
    trip();
    clock_ms += 1000;
    become(1);
    struct ext_ticket lost = enter();
    become(2);
    clock_ms += 2999;
    ck_assert(!enters());
    clock_ms += 1;
    struct ext_ticket t = enter();
    ck_assert(t.takeover);
    ck_assert_int_eq(spoil(lost, 2), BREAKER_SAME);
    ck_assert_int_eq(state().circuit, CIRCUIT_HALF_OPEN);
    ck_assert_int_eq(spoil(t, 1), BREAKER_OPENED);
}
END_TEST

/* The clock's low 36 bits wrap; a word written a moment ahead of this process's reading is not two
 * years old. */
START_TEST(the_clock_may_wrap_and_be_ahead)
{
    clock_ms = (INT64_C(1) << 36) - 500;
    trip();
    clock_ms -= 3;
    ck_assert(!enters());
    clock_ms += 3 + 999;
    ck_assert(!enters());
    clock_ms += 1;
    ck_assert(enters());
}
END_TEST

/* ---- processes ---- */

/* Forks n workers that wait for `go`, then run fn; returns their pids. */
static void spawn(unsigned n, void (*fn)(unsigned), pid_t *pids)
{
    for (unsigned i = 0; i < n; i++) {
        assign(i);
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] > 0)
            continue;
        become(i);
        while (!atomic_load(&sh->go))
            usleep(100);
        fn(i);
        _exit(0);
    }
}

static void join(unsigned n, const pid_t *pids)
{
    for (unsigned i = 0; i < n; i++) {
        int status = 0;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
}

/* Waits until `what` is at least n, at most 5 s. */
static bool reaches(atomic_uint *what, unsigned n)
{
    for (int i = 0; i < 5000 && atomic_load(what) < n; i++)
        usleep(1000);
    return atomic_load(what) >= n;
}

static void try_to_probe(unsigned i)
{
    struct ext_ticket t;
    (void)i;
    if (ext_breaker_enter(&sh->breaker, &limits, &t))
        atomic_fetch_add(&sh->probes, 1);
    atomic_fetch_add(&sh->entered, 1);
    while (atomic_load(&sh->entered) < WORKERS) /* a probe's holder stays alive meanwhile */
        usleep(100);
}

START_TEST(of_many_processes_one_probes)
{
    pid_t pids[WORKERS];

    for (int round = 0; round < 20; round++) {
        memset(sh, 0, sizeof(*sh));
        trip();
        clock_ms += 1000;
        spawn(WORKERS, try_to_probe, pids);
        atomic_store(&sh->go, true);
        join(WORKERS, pids);
        ck_assert_uint_eq(atomic_load(&sh->probes), 1);
    }
}
END_TEST

static void hold_probe(unsigned i)
{
    struct ext_ticket t;
    (void)i;
    if (ext_breaker_enter(&sh->breaker, &limits, &t))
        atomic_fetch_add(&sh->probes, 1);
    pause();
}

START_TEST(a_killed_probe_does_not_wedge_the_circuit)
{
    pid_t pid[1];

    trip();
    clock_ms += 1000;
    spawn(1, hold_probe, pid);
    atomic_store(&sh->go, true);
    ck_assert(reaches(&sh->probes, 1));
    become(1);
    ck_assert(!enters());
    kill(pid[0], SIGKILL);
    waitpid(pid[0], NULL, 0);
    reaped(0);
    struct ext_ticket t = enter();
    ck_assert(t.takeover);
}
END_TEST

/* ---- the bulkhead ---- */

/* S15: whatever the words hold, readers live, show it, and the next call is made within a second.
 */
START_TEST(impossible_words_are_shown_and_mended)
{
    static const uint64_t words[] = {0,
                                     1,
                                     UINT64_MAX,
                                     UINT64_C(3) << 62,
                                     UINT64_C(1) << 63,
                                     UINT64_C(0x7fffffffffffffff),
                                     UINT64_C(0x5555555555555555)};
    struct ext_breaker_limits l = {.failures = 5, .open_for_ms = 50, .probe_limit_ms = 50};
    become(0);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        for (uint64_t fault = 0; fault < 256; fault++) {
            struct ext_state state;
            atomic_store(&sh->breaker.word, words[i]);
            atomic_store(&sh->breaker.last_fault, fault << 56 | 1);
            ext_breaker_read(&sh->breaker, &l, &state);
            ck_assert_uint_le(state.circuit, CIRCUIT_HALF_OPEN);
            ck_assert(state.last_fault != NULL && state.last_fault_at.us <= wall_now().us);
        }
        struct ext_ticket t;
        const struct deadline soon = deadline_in_ms(1000);
        while (!ext_breaker_enter(&sh->breaker, &l, &t)) {
            ck_assert(!deadline_passed(soon));
            usleep(1000);
        }
    }
    struct ext_state state;
    atomic_store(&sh->breaker.last_fault, UINT64_C(255) << 56 | 1);
    ext_breaker_read(&sh->breaker, &l, &state);
    ck_assert_str_eq(state.last_fault, "unknown");
}
END_TEST

START_TEST(seats_are_counted_exactly)
{
    int place[PLACES];

    for (unsigned i = 0; i < PLACES; i++) {
        become(i);
        ck_assert_uint_eq(ext_bulkhead_count(&sh->bulkhead), i);
        place[i] = ext_bulkhead_enter(&sh->bulkhead, PLACES);
        ck_assert_int_ge(place[i], 0);
    }
    become(PLACES);
    ck_assert_int_eq(ext_bulkhead_enter(&sh->bulkhead, PLACES), -1);
    ck_assert_int_ge(ext_bulkhead_enter(&sh->bulkhead, PLACES + 1), 0);
    become(2);
    ext_bulkhead_leave(&sh->bulkhead, place[2]);
    become(PLACES + 1);
    ck_assert_int_eq(ext_bulkhead_enter(&sh->bulkhead, PLACES), place[2]);
    become(2);
    ext_bulkhead_leave(&sh->bulkhead, place[2]); /* not ours any more: nothing happens */
    ck_assert_int_eq(ext_bulkhead_enter(&sh->bulkhead, PLACES), -1);
}
END_TEST

/* S15: what one process writes there keeps nobody out, whoever it names. */
START_TEST(names_that_their_owner_does_not_confirm_count_for_nothing)
{
    become(0);
    const uint64_t first = ext_holder_self();
    become(1);
    for (unsigned i = 0; i < EXT_PLACES_MAX; i++)
        atomic_store(&sh->bulkhead.place[i], i % 2 ? first : UINT64_MAX - i);
    ck_assert_uint_eq(ext_bulkhead_count(&sh->bulkhead), 0);
    const int mine = ext_bulkhead_enter(&sh->bulkhead, 1);
    ck_assert_int_eq(mine, 0);
    become(0);
    ck_assert_int_eq(ext_bulkhead_enter(&sh->bulkhead, 1), -1);
    ck_assert_uint_eq(ext_bulkhead_count(&sh->bulkhead), 1);
}
END_TEST

START_TEST(a_process_without_a_slot_is_known_by_its_pid)
{
    scoreboard_init(WORKERS); /* a new scoreboard, attached to nothing */
    uint64_t self = ext_holder_self();
    ck_assert_uint_eq(self, (uint64_t)getpid());
    ck_assert(ext_holder_alive(self, 1));
    ck_assert(ext_holder_short_alive(ext_holder_short(self)));
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    ck_assert(!ext_holder_alive((uint64_t)child, 1));
    ck_assert(!ext_holder_alive(0, 1));
    ck_assert(!ext_holder_alive(UINT64_MAX, 1));
}
END_TEST

static unsigned limit_inside;

static void come_and_go(unsigned i)
{
    unsigned got = 0;
    for (int n = 0; n < 20000; n++) {
        int place = ext_bulkhead_enter(&sh->bulkhead, limit_inside);
        if (place < 0)
            continue;
        unsigned inside = atomic_fetch_add(&sh->inside, 1) + 1, most = atomic_load(&sh->most);
        while (inside > most && !atomic_compare_exchange_weak(&sh->most, &most, inside))
            continue;
        if ((n + (int)i) % 97 == 0)
            usleep(1);
        atomic_fetch_sub(&sh->inside, 1);
        ext_bulkhead_leave(&sh->bulkhead, place);
        got++;
    }
    atomic_fetch_add(&sh->entered, got);
}

START_TEST(never_more_than_the_limit_are_inside)
{
    static const unsigned limits_inside[] = {1, 2, PLACES};
    pid_t pids[WORKERS];

    limit_inside = limits_inside[_i];
    spawn(WORKERS, come_and_go, pids);
    atomic_store(&sh->go, true);
    join(WORKERS, pids);
    ck_assert_uint_le(atomic_load(&sh->most), limit_inside);
    ck_assert_uint_ge(atomic_load(&sh->most), limit_inside > 1 ? 2 : 1);
    ck_assert_uint_ge(atomic_load(&sh->entered), 1000);
    ck_assert_uint_eq(ext_bulkhead_count(&sh->bulkhead), 0);
}
END_TEST

static void take_and_stay(unsigned i)
{
    (void)i;
    if (ext_bulkhead_enter(&sh->bulkhead, PLACES) >= 0)
        atomic_fetch_add(&sh->entered, 1);
    atomic_fetch_add(&sh->inside, 1);
    pause();
}

START_TEST(seats_of_killed_processes_come_back)
{
    pid_t pids[PLACES];

    spawn(PLACES, take_and_stay, pids);
    atomic_store(&sh->go, true);
    ck_assert(reaches(&sh->inside, PLACES));
    ck_assert_uint_eq(atomic_load(&sh->entered), PLACES);
    become(PLACES);
    ck_assert_int_eq(ext_bulkhead_enter(&sh->bulkhead, PLACES), -1);
    for (unsigned i = 0; i < PLACES; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    ck_assert_int_eq(ext_bulkhead_enter(&sh->bulkhead, PLACES),
                     -1); /* not reaped yet, as far as the scoreboard knows */
    reaped(0);
    assign(1); /* the master has put a new child there already */
    ck_assert_uint_eq(ext_bulkhead_count(&sh->bulkhead), PLACES - 2);
    for (unsigned i = 0; i < 2; i++) {
        become(PLACES + i);
        ck_assert_int_ge(ext_bulkhead_enter(&sh->bulkhead, PLACES), 0);
    }
    become(PLACES + 2);
    ck_assert_int_eq(ext_bulkhead_enter(&sh->bulkhead, PLACES), -1);
    ck_assert_uint_eq(ext_bulkhead_count(&sh->bulkhead), PLACES);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ext_breaker");
    TCase *breaker = th_case(s, "breaker"), *places = th_case(s, "bulkhead"),
          *forks = th_case(s, "processes");

    tcase_add_checked_fixture(breaker, set_up, tear_down);
    tcase_add_checked_fixture(places, set_up, tear_down);
    tcase_add_checked_fixture(forks, set_up, tear_down);
    tcase_set_tags(forks, TH_TAG_FORK);
    tcase_set_timeout(forks, 30);
    tcase_add_test(breaker, starts_closed_without_a_fault);
    tcase_add_test(breaker, opens_after_consecutive_failures_only);
    tcase_add_test(breaker, double_weight_opens_sooner);
    tcase_add_test(breaker, open_refuses_until_its_time_is_over);
    tcase_add_test(breaker, retry_after_is_rounded_up);
    tcase_add_test(breaker, who_is_not_called_is_not_known_to_be_down);
    tcase_add_test(breaker, one_probe_alone_and_its_success_closes);
    tcase_add_test(breaker, a_failed_probe_opens_for_the_whole_time_again);
    tcase_add_test(breaker, late_news_of_older_calls_decides_nothing);
    tcase_add_test(breaker, an_abandoned_probe_frees_the_next_at_once);
    tcase_add_loop_test(breaker, a_dead_probe_is_taken_over_by_one, 0, 2);
    tcase_add_test(breaker, a_lost_probe_is_taken_over_after_its_limit);
    tcase_add_test(breaker, the_clock_may_wrap_and_be_ahead);
    tcase_add_test(places, seats_are_counted_exactly);
    tcase_add_test(places, names_that_their_owner_does_not_confirm_count_for_nothing);
    tcase_add_test(places, impossible_words_are_shown_and_mended);
    tcase_add_test(forks, a_process_without_a_slot_is_known_by_its_pid);
    tcase_add_test(forks, of_many_processes_one_probes);
    tcase_add_test(forks, a_killed_probe_does_not_wedge_the_circuit);
    tcase_add_loop_test(forks, never_more_than_the_limit_are_inside, 0, 3);
    tcase_add_test(forks, seats_of_killed_processes_come_back);
    return th_run(s);
}
