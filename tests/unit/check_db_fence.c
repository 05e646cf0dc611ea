/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* db/db_fence: which server is passed over as an old primary, and what a false timeline in shared
 * memory may cost. */
#include <string.h>

#include "../../src/db/db_priv.h"
#include "../lib/th_unit.h"
#include "db/db_url.h"
#include "domain/roles.h"
#include "domain/scoreboard.h"
#include "sys/shm.h"

static struct db_host host = {.host = "db1", .hostaddr = "", .port = "5432"};
static const struct db_hosts hosts = {.list = &host, .n = 1};
static struct db db;
static struct mono now = {1000000000};

static struct mono fake_now(void)
{
    return now;
}

static void set_up(void)
{
    ck_assert(shm_init(scoreboard_size(2) + db_shared_size()));
    scoreboard_init(2);
    db_shared_init();
    db = (struct db){.attempt.hosts = &hosts};
    clock_set_source(fake_now, NULL);
}

static void tear_down(void)
{
    clock_set_source(NULL, NULL);
    shm_fini();
}

/* A server answers the greeting; true: it is passed over. */
static bool refuses(uint32_t cluster, uint32_t number)
{
    db.timeline = (struct db_timeline){cluster, number};
    if (db_fence_refuses(&db))
        return true;
    db_fence_keep(&db);
    return false;
}

/* As the process of a role, once per test: a process has one slot. */
static void tell_as(enum role role, uint32_t cluster, uint32_t number)
{
    scoreboard_assign(scoreboard_first(role));
    scoreboard_attach(scoreboard_first(role));
    db_timeline_tell((struct db_timeline){cluster, number});
}

START_TEST(an_older_timeline_is_refused_for_good)
{
    ck_assert(!refuses(7, 3));
    ck_assert(refuses(7, 2));
    now.ns += INT64_C(3600) * 1000000000;
    ck_assert(refuses(7, 2));
    ck_assert(!refuses(7, 3));
    ck_assert(!refuses(7, 4));
    ck_assert(refuses(7, 3));
}
END_TEST

/* pg_upgrade and initdb begin at 1, with another identifier; some servers tell nothing. */
START_TEST(another_cluster_and_an_unknown_timeline_are_taken)
{
    ck_assert(!refuses(7, 3));
    ck_assert(!refuses(0, 0));
    ck_assert(refuses(7, 2));
    ck_assert(!refuses(8, 1));
    ck_assert(!refuses(8, 1));
}
END_TEST

START_TEST(the_keepers_word_counts_for_half_a_minute)
{
    ck_assert(!refuses(7, 3));
    tell_as(ROLE_KEEPER, 7, 4);
    ck_assert(db_fence_outdated(&db));
    ck_assert(refuses(7, 3));
    now.ns += INT64_C(29) * 1000000000;
    ck_assert(refuses(7, 3));
    now.ns += INT64_C(2) * 1000000000;
    ck_assert(!refuses(7, 3)); /* nobody else is there */
    ck_assert(!db_fence_outdated(&db));
    db_timeline_tell((struct db_timeline){7, 5});
    ck_assert(!db_fence_outdated(&db)); /* believed no more, whatever is said */
    ck_assert(!refuses(7, 6));
    ck_assert(refuses(7, 3)); /* its own eyes count as before */
}
END_TEST

/* The keeper was right: it is believed the next time, too. */
START_TEST(a_word_that_proves_true_ends_the_doubt)
{
    ck_assert(!refuses(7, 3));
    tell_as(ROLE_KEEPER, 7, 4);
    ck_assert(refuses(7, 3));
    ck_assert(!refuses(7, 4));
    now.ns += INT64_C(60) * 1000000000;
    db_timeline_tell((struct db_timeline){7, 5});
    ck_assert(refuses(7, 4));
}
END_TEST

START_TEST(a_worker_tells_nobody)
{
    ck_assert(!refuses(7, 3));
    tell_as(ROLE_WORKER, 7, 4);
    ck_assert_uint_eq(db_timeline_told().number, 0);
    ck_assert(!db_fence_outdated(&db));
}
END_TEST

/* Cluster, number: of another cluster, below ours, beyond what promotions reach. */
static const struct db_timeline absurd[] = {{8, 9}, {7, 0}, {7, 2}, {7, UINT32_MAX}};

START_TEST(an_absurd_word_is_no_fence)
{
    ck_assert(!refuses(7, 3));
    tell_as(ROLE_KEEPER, absurd[_i].cluster, absurd[_i].number);
    ck_assert(!db_fence_outdated(&db));
    ck_assert(!refuses(7, 3));
}
END_TEST

static void take(const char *cluster, const char *number)
{
    static char a[] = "cluster", b[] = "number";
    PGresAttDesc columns[2] = {{.name = a}, {.name = b}};
    PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    ck_assert(PQsetResultAttrs(r, 2, columns));
    char *values[] = {(char *)(uintptr_t)cluster, (char *)(uintptr_t)number};
    for (int i = 0; i < 2; i++)
        ck_assert(PQsetvalue(r, 0, i, values[i], (int)strlen(values[i])));
    db_fence_take(&db, r);
    PQclear(r);
}

START_TEST(answers_are_read_or_left)
{
    take("12", "34");
    ck_assert_uint_eq(db.timeline.cluster, 12);
    ck_assert_uint_eq(db.timeline.number, 34);
    static const char *const bad[] = {"", "x", "0", "-1", "4294967296", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        take("12", bad[i]);
        ck_assert_uint_eq(db.timeline.number, 0);
    }
    take("12", "34");
    PGresult *r = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);
    db_fence_take(&db, r);
    PQclear(r);
    ck_assert_uint_eq(db.timeline.number, 0);
}
END_TEST

/* A pause of reads on standbys, whatever somebody wrote, ends. */
START_TEST(a_pause_of_reads_has_one_that_tries)
{
    ck_assert(db_reads_allowed(5000));
    ck_assert(db_reads_pause(5000));
    ck_assert(!db_reads_pause(5000)); /* no news */
    ck_assert(!db_reads_allowed(5000));
    now.ns += INT64_C(6) * 1000000000;
    ck_assert(db_reads_allowed(5000));
    ck_assert(!db_reads_allowed(5000)); /* the other one tries */
    ck_assert(db_reads_resume());
    ck_assert(!db_reads_resume());
    ck_assert(db_reads_allowed(5000));
    (void)db_reads_pause(INT64_C(1) << 60);
    ck_assert(db_reads_allowed(5000)); /* longer than any pause: nobody's */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("db_fence");
    TCase *c = th_case(s, "fence");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, an_older_timeline_is_refused_for_good);
    tcase_add_test(c, another_cluster_and_an_unknown_timeline_are_taken);
    tcase_add_test(c, the_keepers_word_counts_for_half_a_minute);
    tcase_add_test(c, a_word_that_proves_true_ends_the_doubt);
    tcase_add_test(c, a_worker_tells_nobody);
    tcase_add_loop_test(c, an_absurd_word_is_no_fence, 0, (int)ARRAY_LEN(absurd));
    tcase_add_test(c, answers_are_read_or_left);
    tcase_add_test(c, a_pause_of_reads_has_one_that_tries);
    return th_run(s);
}
