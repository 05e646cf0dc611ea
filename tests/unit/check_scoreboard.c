/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* domain/scoreboard and sys/seqlock: what a child says of itself, read by others while it writes,
 * and after its death. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "domain/config.h"
#include "domain/scoreboard.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

#define WORKERS 3

static void setup(void)
{
    ck_assert(shm_init(scoreboard_size(WORKERS)));
    scoreboard_init(WORKERS);
}

START_TEST(slots_cover_all_roles_once)
{
    unsigned seen = 0;
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        enum role role = (enum role)r;
        ck_assert_uint_eq(scoreboard_count(role), role == ROLE_MASTER    ? 1
                                                  : role == ROLE_WORKER  ? 2 * WORKERS
                                                  : role == ROLE_COURIER ? 2 * COURIERS_MAX
                                                                         : 2);
        for (unsigned i = 0; i < scoreboard_count(role); i++, seen++)
            ck_assert_int_eq(scoreboard_role(scoreboard_first(role) + i), role);
    }
    ck_assert_uint_eq(seen, scoreboard_slots());
    ck_assert_uint_eq(scoreboard_first(ROLE_WORKER) + scoreboard_count(ROLE_WORKER),
                      scoreboard_slots());
}
END_TEST

START_TEST(an_empty_slot_is_down)
{
    struct scoreboard_view v;
    scoreboard_read(scoreboard_first(ROLE_WORKER), &v);
    ck_assert_int_eq(v.stage, STAGE_DOWN);
    ck_assert_int_eq(v.pid, 0);
    ck_assert_uint_eq(v.generation, 0);
    ck_assert_str_eq(v.what, "");
    ck_assert_str_eq(v.last_words, "");
}
END_TEST

START_TEST(a_life_is_seen)
{
    struct scoreboard_view v;
    char words[SCOREBOARD_LAST_WORDS_MAX];
    unsigned slot = scoreboard_first(ROLE_WORKER) + 1;
    ck_assert_int_eq(scoreboard_self(), -1);
    ck_assert_uint_eq(scoreboard_assign(slot), 1);
    scoreboard_set_pid(slot, 4711);
    scoreboard_attach(slot);
    ck_assert_int_eq(scoreboard_self(), (int)slot);
    ck_assert_uint_eq(scoreboard_generation(), 1);
    scoreboard_stage(STAGE_BUSY, "POST /v1/bookings");
    struct deadline d = deadline_in_ms(5000);
    scoreboard_budget(d);
    scoreboard_database(true);
    scoreboard_served();
    scoreboard_served();
    scoreboard_read(slot, &v);
    ck_assert_int_eq(v.turned.ns, v.since.ns); /* no turn yet: a change of the stage is one */
    scoreboard_beat();
    scoreboard_read(slot, &v);
    ck_assert_int_ge(v.turned.ns, v.since.ns);
    ck_assert_int_le(v.turned.ns, mono_now().ns);
    scoreboard_request("an-id");
    scoreboard_call("moyasar", "invoice_create");
    scoreboard_read(slot, &v);
    ck_assert_str_eq(v.request, "an-id");
    ck_assert_str_eq(v.call, "moyasar invoice_create");
    ck_assert_int_eq(v.role, ROLE_WORKER);
    ck_assert_int_eq(v.index, 1);
    ck_assert_int_eq(v.pid, 4711);
    ck_assert_int_eq(v.stage, STAGE_BUSY);
    ck_assert_str_eq(v.what, "POST /v1/bookings");
    ck_assert_int_eq(v.budget.at.ns, d.at.ns);
    ck_assert(v.database);
    ck_assert_uint_eq(v.served, 2);
    scoreboard_call(NULL, NULL);
    scoreboard_read(slot, &v);
    ck_assert_str_eq(v.call, "");
    scoreboard_call("moyasar", "invoice_create");
    scoreboard_stage(STAGE_IDLE, NULL);
    scoreboard_read(slot, &v);
    ck_assert_str_eq(v.what, "");
    ck_assert_str_eq(v.request, "");
    ck_assert_str_eq(v.call, "");
    ck_assert_int_eq(v.budget.at.ns, 0); /* the budget went with the request */
    scoreboard_release(slot, words, sizeof(words));
    ck_assert_str_eq(words, "");
    scoreboard_read(slot, &v);
    ck_assert_int_eq(v.stage, STAGE_DOWN);
    ck_assert_int_eq(v.pid, 0);
    ck_assert_uint_eq(v.served, 2); /* since the slot exists */
    ck_assert_uint_eq(scoreboard_assign(slot), 2);
}
END_TEST

START_TEST(long_text_is_cut)
{
    struct scoreboard_view v;
    char longer[SCOREBOARD_WHAT_MAX * 2];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    scoreboard_attach(scoreboard_first(ROLE_KEEPER));
    scoreboard_stage(STAGE_BUSY, longer);
    scoreboard_request(longer);
    scoreboard_call(longer, longer);
    scoreboard_panic(longer);
    scoreboard_read(scoreboard_first(ROLE_KEEPER), &v);
    ck_assert_uint_eq(strlen(v.what), SCOREBOARD_WHAT_MAX - 1);
    ck_assert_uint_eq(strlen(v.request), SCOREBOARD_REQUEST_MAX - 1);
    ck_assert_uint_eq(strlen(v.call), SCOREBOARD_CALL_MAX - 1);
    ck_assert_uint_eq(strlen(v.last_words), SCOREBOARD_LAST_WORDS_MAX - 1);
}
END_TEST

START_TEST(last_words_survive_the_child)
{
    char words[SCOREBOARD_LAST_WORDS_MAX];
    unsigned slot = scoreboard_first(ROLE_WORKER);
    (void)scoreboard_assign(slot);
    pid_t pid = fork();
    if (pid == 0) {
        scoreboard_attach(slot);
        scoreboard_panic("n < max (src/x.c:1)");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    scoreboard_release(slot, words, sizeof(words));
    ck_assert_str_eq(words, "n < max (src/x.c:1)");
    scoreboard_release(slot, words, sizeof(words));
    ck_assert_str_eq(words, ""); /* taken once */
    char tiny[4];
    scoreboard_attach(slot);
    scoreboard_panic("abcdef");
    scoreboard_release(slot, tiny, sizeof(tiny));
    ck_assert_str_eq(tiny, "abc");
}
END_TEST

/* A reader never sees half of one record and half of another, also of a writer that is killed at
 * any moment. */
START_TEST(records_are_whole)
{
    struct rec {
        uint64_t a[40];
        char tail[3];
    };
    typedef SEQLOCK(struct rec) guarded_rec;
    ck_assert(sizeof(guarded_rec) >= 2 * sizeof(struct rec));
    shm_fini();
    ck_assert(shm_init(sizeof(guarded_rec)));
    guarded_rec *t = shm_alloc(sizeof(*t), SHM_ANYBODY);
    struct rec r;
    ck_assert(!SEQLOCK_LOAD(t, &r));
    for (int round = 0; round < 20; round++) {
        pid_t pid = fork();
        if (pid == 0)
            for (uint64_t n = (uint64_t)round << 32;; n++) {
                for (size_t i = 0; i < 40; i++)
                    r.a[i] = n;
                r.tail[2] = (char)n;
                SEQLOCK_STORE(t, &r);
            }
        uint64_t first = 0;
        bool begun = false;
        for (int i = 0; i < 2000 || !begun; i++) {
            if (!SEQLOCK_LOAD(t, &r))
                continue;
            first = r.a[0];
            begun = first >= (uint64_t)round << 32;
            for (size_t k = 1; k < 40; k++)
                ck_assert_uint_eq(r.a[k], first);
            ck_assert_int_eq(r.tail[2], (char)first);
        }
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(SEQLOCK_LOAD(t, &r));
        for (size_t k = 1; k < 40; k++)
            ck_assert_uint_eq(r.a[k], r.a[0]);
    }
}
END_TEST

START_TEST(a_bad_slot_aborts)
{
    struct scoreboard_view v;
    scoreboard_read(scoreboard_slots(), &v);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("scoreboard");
    TCase *c = th_case(s, "scoreboard");
    tcase_add_checked_fixture(c, setup, shm_fini);
    tcase_add_test(c, slots_cover_all_roles_once);
    tcase_add_test(c, an_empty_slot_is_down);
    tcase_add_test(c, a_life_is_seen);
    tcase_add_test(c, long_text_is_cut);
    TCase *f = th_case(s, "fork");
    tcase_set_tags(f, TH_TAG_FORK);
    tcase_set_timeout(f, 30);
    tcase_add_checked_fixture(f, setup, shm_fini);
    tcase_add_test(f, last_words_survive_the_child);
    tcase_add_test(f, records_are_whole);
    tcase_add_test_raise_signal(f, a_bad_slot_aborts, SIGABRT);
    return th_run(s);
}
