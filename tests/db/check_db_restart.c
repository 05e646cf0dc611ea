/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The server goes away and comes back, as a whole: in a cluster of its own. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"
#include "db/db.h"

static struct th_db t;
static struct db *db;
static struct arena *arena;

static const struct db_stmt one = {"one", "SELECT 1::bigint AS v"};
static const struct db_stmt table = {"table", "CREATE TABLE IF NOT EXISTS y (id integer)"};

static void set_up(void)
{
    th_db_open(&t);
    db = db_new(&t.cfg);
    arena = arena_new(4096);
    ck_assert_ptr_nonnull(arena);
    ck_assert_int_eq(db_connect(db, deadline_in_ms(5000)), ERR_OK);
}

static void tear_down(void)
{
    db_free(db);
    arena_free(arena);
    PQreset(t.conn);
    th_db_close(&t);
}

static enum err read_one(int ms)
{
    struct db_batch *b = db_batch(db, arena, DB_READ);

    db_add(b, &one, NULL, 0);
    return db_run(b, deadline_in_ms(ms));
}

/* A worker's life while the database is away: some requests, the event loop between them. */
static void requests_are_refused_fast(int n)
{
    for (int i = 0; i < n; i++) {
        struct mono from = mono_now();
        ck_assert_int_eq(read_one(5000), ERR_DB_UNAVAILABLE);
        ck_assert_msg(mono_seconds_since(from) < 0.1, "took %.3f s", mono_seconds_since(from));
        (void)th_db_idle_until(db, true, 150);
    }
}

START_TEST(a_stopped_server_is_known_and_back_within_a_second)
{
    th_db_ctl("-m fast -w stop");
    ck_assert(th_db_idle_until(db, false, 1000));
    requests_are_refused_fast(12); /* long enough for the backoff to reach its end */
    th_db_ctl("-w start");
    struct mono from = mono_now();
    ck_assert(th_db_idle_until(db, true, 3000));
    ck_assert_msg(mono_seconds_since(from) < 1.0, "took %.3f s", mono_seconds_since(from));
    printf("back %.0f ms after the server\n", mono_ms_since(from));
    ck_assert_int_eq(read_one(1000), ERR_OK);
}
END_TEST

START_TEST(a_crashed_server_is_the_same)
{
    th_db_ctl("-m immediate -w stop");
    ck_assert_int_eq(read_one(1000),
                     ERR_DB_UNAVAILABLE); /* no event loop ran: the request finds out */
    requests_are_refused_fast(2);
    th_db_ctl("-w start");
    ck_assert(th_db_idle_until(db, true, 1000));
    ck_assert_int_eq(read_one(1000), ERR_OK);
}
END_TEST

START_TEST(a_restart_between_two_requests_goes_unnoticed)
{
    th_db_ctl("-m fast -w restart");
    struct db_batch *b = db_batch(db, arena, DB_WRITE);
    db_add(b, &table, NULL, 0);
    ck_assert_int_eq(db_run(b, deadline_in_ms(3000)), ERR_OK);
}
END_TEST

/* The server's whole process group of processes: the postmaster and its children. */
static void signal_server(int signo)
{
    char path[512], line[64] = "";

    snprintf(path, sizeof(path), "%s/postmaster.pid", getenv("BOOKINGD_TEST_PG_DATA"));
    FILE *f = fopen(path, "r");
    ck_assert(f && fgets(line, sizeof(line), f));
    fclose(f);
    pid_t pid = (pid_t)atoi(line);
    ck_assert_int_eq(kill(-pid, signo),
                     0); /* the postmaster leads a group, its children have sessions of their own */
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    f = fopen(path, "r");
    for (int child; f && fscanf(f, "%d", &child) == 1;)
        (void)kill(child, signo);
    if (f)
        fclose(f);
}

START_TEST(a_frozen_server_costs_one_timeout_and_is_back_when_it_thaws)
{
    t.cfg.database.statement_timeout_ms = 300;
    t.cfg.database.connect_timeout_ms = 500;
    signal_server(SIGSTOP);
    ck_assert_int_eq(read_one(5000), ERR_DB_UNAVAILABLE);
    struct mono from = mono_now();
    ck_assert_int_eq(read_one(5000), ERR_DB_UNAVAILABLE); /* the attempt to connect */
    ck_assert_msg(mono_seconds_since(from) < 0.65, "took %.3f s", mono_seconds_since(from));
    requests_are_refused_fast(8);
    signal_server(SIGCONT);
    from = mono_now();
    ck_assert(th_db_idle_until(db, true, 3000));
    ck_assert_msg(mono_seconds_since(from) < 1.0, "took %.3f s", mono_seconds_since(from));
    ck_assert_int_eq(read_one(1000), ERR_OK);
}
END_TEST

/* A certificate for "localhost" in the data directory, the server's own copy of it, and TLS on.
 * False: no openssl(1).
 */
static bool turn_tls_on(void)
{
    char command[1024];

    snprintf(command, sizeof(command),
             "cd '%s' && openssl req -x509 -newkey rsa:2048 -nodes -keyout server.key -out "
             "server.crt -days 2"
             " -subj /CN=localhost -addext subjectAltName=DNS:localhost >/dev/null 2>&1"
             " && chown --reference=. server.key server.crt && chmod 600 server.key",
             getenv("BOOKINGD_TEST_PG_DATA"));
    if (system(command) != 0)
        return false;
    th_db_exec(&t, "ALTER SYSTEM SET ssl = on");
    th_db_ctl("-w restart");
    return true;
}

/* The address comes from us, the name stays for the certificate. */
START_TEST(tls_checks_the_name_of_the_url)
{
    static const struct db_stmt repeat = {"repeat", "SELECT repeat('x', $1::integer) AS v"};
    static const char params[] =
        "host=%s port=%s user=postgres dbname=%s sslmode=verify-full sslrootcert=%s/server.crt";
    char url[1024];

    if (!turn_tls_on())
        return;
    db_drop(db);
    snprintf(url, sizeof(url), params, "127.0.0.1", getenv("BOOKINGD_TEST_PG_PORT"), t.name,
             getenv("BOOKINGD_TEST_PG_DATA"));
    t.cfg.database.url = url;
    ck_assert_int_eq(db_connect(db, deadline_in_ms(3000)), ERR_DB_UNAVAILABLE);
    snprintf(url, sizeof(url), params, "localhost", getenv("BOOKINGD_TEST_PG_PORT"), t.name,
             getenv("BOOKINGD_TEST_PG_DATA"));
    ck_assert(th_db_idle_until(db, true, 3000));
    for (int i = 1; i < 60; i++) { /* answers that end at any place of a TLS record */
        struct db_batch *b = db_batch(db, arena, DB_READ);
        DB_ADD(b, &repeat, db_int(b, i * 997));
        DB_ADD(b, &repeat, db_int(b, i * 101));
        ck_assert_int_eq(db_run(b, deadline_in_ms(1000)), ERR_OK);
    }
}
END_TEST

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 1);
    Suite *s = suite_create("db restart");
    TCase *c = th_case(s, "restart");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_stopped_server_is_known_and_back_within_a_second);
    tcase_add_test(c, a_crashed_server_is_the_same);
    tcase_add_test(c, a_restart_between_two_requests_goes_unnoticed);
    tcase_add_test(c, a_frozen_server_costs_one_timeout_and_is_back_when_it_thaws);
    tcase_add_test(c, tls_checks_the_name_of_the_url);
    return th_run(s);
}
