/* sys/board and sys/twin: what a child says of itself, read by others while it writes, and after
 * its death. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "sys/board.h"
#include "sys/shm.h"
#include "sys/twin.h"

#define WORKERS 3

static void setup(void)
{
    ck_assert(shm_init(board_size(WORKERS)));
    board_init(WORKERS);
}

START_TEST(slots_cover_all_roles_once)
{
    unsigned seen = 0;
    for (unsigned r = 0; r < ROLE_COUNT; r++) {
        enum role role = (enum role)r;
        ck_assert_uint_eq(board_count(role), role == ROLE_MASTER   ? 1
                                             : role == ROLE_WORKER ? 2 * WORKERS
                                                                   : 2);
        for (unsigned i = 0; i < board_count(role); i++, seen++)
            ck_assert_int_eq(board_role(board_first(role) + i), role);
    }
    ck_assert_uint_eq(seen, board_slots());
    ck_assert_uint_eq(board_first(ROLE_WORKER) + board_count(ROLE_WORKER), board_slots());
}
END_TEST

START_TEST(an_empty_slot_is_down)
{
    struct board_view v;
    board_read(board_first(ROLE_WORKER), &v);
    ck_assert_int_eq(v.stage, STAGE_DOWN);
    ck_assert_int_eq(v.pid, 0);
    ck_assert_uint_eq(v.generation, 0);
    ck_assert_str_eq(v.what, "");
    ck_assert_str_eq(v.last_words, "");
}
END_TEST

START_TEST(a_life_is_seen)
{
    struct board_view v;
    char words[BOARD_LAST_WORDS_MAX];
    unsigned slot = board_first(ROLE_WORKER) + 1;
    ck_assert_int_eq(board_self(), -1);
    ck_assert_uint_eq(board_assign(slot), 1);
    board_set_pid(slot, 4711);
    board_attach(slot);
    ck_assert_int_eq(board_self(), (int)slot);
    ck_assert_uint_eq(board_generation(), 1);
    board_stage(STAGE_BUSY, "POST /v1/bookings");
    struct deadline d = deadline_in_ms(5000);
    board_budget(d);
    board_database(true);
    board_served();
    board_served();
    board_read(slot, &v);
    ck_assert_int_eq(v.turned.ns, v.since.ns); /* no turn yet: a change of the stage is one */
    board_beat();
    board_read(slot, &v);
    ck_assert_int_ge(v.turned.ns, v.since.ns);
    ck_assert_int_le(v.turned.ns, mono_now().ns);
    board_request("an-id");
    board_call("moyasar", "invoice_create");
    board_read(slot, &v);
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
    board_call(NULL, NULL);
    board_read(slot, &v);
    ck_assert_str_eq(v.call, "");
    board_call("moyasar", "invoice_create");
    board_stage(STAGE_IDLE, NULL);
    board_read(slot, &v);
    ck_assert_str_eq(v.what, "");
    ck_assert_str_eq(v.request, "");
    ck_assert_str_eq(v.call, "");
    ck_assert_int_eq(v.budget.at.ns, 0); /* the budget went with the request */
    board_release(slot, words, sizeof(words));
    ck_assert_str_eq(words, "");
    board_read(slot, &v);
    ck_assert_int_eq(v.stage, STAGE_DOWN);
    ck_assert_int_eq(v.pid, 0);
    ck_assert_uint_eq(v.served, 2); /* since the slot exists */
    ck_assert_uint_eq(board_assign(slot), 2);
}
END_TEST

START_TEST(long_text_is_cut)
{
    struct board_view v;
    char longer[BOARD_WHAT_MAX * 2];
    memset(longer, 'x', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    board_attach(board_first(ROLE_KEEPER));
    board_stage(STAGE_BUSY, longer);
    board_request(longer);
    board_call(longer, longer);
    board_panic(longer);
    board_read(board_first(ROLE_KEEPER), &v);
    ck_assert_uint_eq(strlen(v.what), BOARD_WHAT_MAX - 1);
    ck_assert_uint_eq(strlen(v.request), BOARD_REQUEST_MAX - 1);
    ck_assert_uint_eq(strlen(v.call), BOARD_CALL_MAX - 1);
    ck_assert_uint_eq(strlen(v.last_words), BOARD_LAST_WORDS_MAX - 1);
}
END_TEST

START_TEST(last_words_survive_the_child)
{
    char words[BOARD_LAST_WORDS_MAX];
    unsigned slot = board_first(ROLE_WORKER);
    (void)board_assign(slot);
    pid_t pid = fork();
    if (pid == 0) {
        board_attach(slot);
        board_panic("n < max (src/x.c:1)");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    board_release(slot, words, sizeof(words));
    ck_assert_str_eq(words, "n < max (src/x.c:1)");
    board_release(slot, words, sizeof(words));
    ck_assert_str_eq(words, ""); /* taken once */
    char tiny[4];
    board_attach(slot);
    board_panic("abcdef");
    board_release(slot, tiny, sizeof(tiny));
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
    typedef TWIN(struct rec) twin_rec;
    ck_assert(sizeof(twin_rec) >= 2 * sizeof(struct rec));
    shm_fini();
    ck_assert(shm_init(sizeof(twin_rec)));
    twin_rec *t = shm_alloc(sizeof(*t));
    struct rec r;
    ck_assert(!TWIN_LOAD(t, &r));
    for (int round = 0; round < 20; round++) {
        pid_t pid = fork();
        if (pid == 0)
            for (uint64_t n = (uint64_t)round << 32;; n++) {
                for (size_t i = 0; i < 40; i++)
                    r.a[i] = n;
                r.tail[2] = (char)n;
                TWIN_STORE(t, &r);
            }
        uint64_t first = 0;
        bool begun = false;
        for (int i = 0; i < 2000 || !begun; i++) {
            if (!TWIN_LOAD(t, &r))
                continue;
            first = r.a[0];
            begun = first >= (uint64_t)round << 32;
            for (size_t k = 1; k < 40; k++)
                ck_assert_uint_eq(r.a[k], first);
            ck_assert_int_eq(r.tail[2], (char)first);
        }
        kill(pid, SIGKILL);
        ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
        ck_assert(TWIN_LOAD(t, &r));
        for (size_t k = 1; k < 40; k++)
            ck_assert_uint_eq(r.a[k], r.a[0]);
    }
}
END_TEST

START_TEST(a_bad_slot_aborts)
{
    struct board_view v;
    board_read(board_slots(), &v);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("board");
    TCase *c = th_case(s, "board");
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
