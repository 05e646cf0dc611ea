/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the db layer makes of a server or a network that misbehaves: time kept, outcomes told apart,
 * service back. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_db.h"
#include "../lib/th_proxy.h"
#include "../lib/th_unit.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "db/db_url.h"

static struct th_db t;
static struct db *db;
static struct arena *arena;
static char url[512];

static const struct db_stmt insert = {"insert", "INSERT INTO x VALUES ($1)"};
static const struct db_stmt one = {"one", "SELECT 1::bigint AS v"};
static const struct db_stmt pid_of = {"pid", "SELECT pg_backend_pid()::bigint AS v"};

static void set_up(void)
{
    th_db_open(&t);
    db = db_new(&t.cfg);
    arena = arena_new(4096);
    ck_assert_ptr_nonnull(arena);
    th_db_exec(&t, "CREATE TABLE x (id integer PRIMARY KEY)");
}

static void tear_down(void)
{
    db_free(db);
    arena_free(arena);
    th_db_close(&t);
}

static struct deadline soon(void)
{
    return deadline_in_ms(5000);
}

static enum err read_one(struct deadline d)
{
    struct db_batch *b = db_batch(db, arena, DB_READ);

    db_add(b, &one, NULL, 0);
    return db_run(b, d);
}

static enum err insert_row(enum db_kind kind, int id, struct deadline d)
{
    struct db_batch *b = db_batch(db, arena, kind);

    DB_ADD(b, &insert, db_int(b, id));
    return db_run(b, d);
}

static pid_t backend(void)
{
    struct db_batch *b = db_batch(db, arena, DB_READ);

    db_add(b, &pid_of, NULL, 0);
    ck_assert_int_eq(db_run(b, soon()), ERR_OK);
    return (pid_t)db_get_int(db_result(b, 0), 0, "v");
}

static int rows_of_x(void)
{
    return atoi(th_db_value(&t, "SELECT count(*) FROM x"));
}

/* Ends a backend and waits until it is gone. */
static void terminate(pid_t pid)
{
    th_db_exec(&t, "SELECT pg_terminate_backend(%d, 5000)", (int)pid);
}

static void use_port(int port)
{
    snprintf(url, sizeof(url), "host=127.0.0.1 port=%d user=postgres dbname=%s", port, t.name);
    t.cfg.database.url = url;
}

/* ---- frozen ---- */

static pid_t freeze_backend(void)
{
    pid_t pid = backend();

    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    return pid;
}

#define WITHIN(from, low, high)                                              \
    do {                                                                     \
        double th_s = mono_seconds_since(from);                              \
        ck_assert_msg(th_s >= (low) && th_s <= (high), "took %.3f s", th_s); \
    } while (0)

START_TEST(a_frozen_backend_costs_no_more_than_the_deadline)
{
    static const struct {
        enum db_kind kind;
        enum err err;
    } rows[] = {{DB_READ, ERR_DEADLINE},
                {DB_BEGIN, ERR_DEADLINE},
                {DB_WRITE, ERR_COMMIT_UNKNOWN},
                {DB_WHOLE_TX, ERR_COMMIT_UNKNOWN}};
    pid_t pid = freeze_backend();
    struct mono from = mono_now();

    ck_assert_int_eq(insert_row(rows[_i].kind, 1, deadline_in_ms(1000)), rows[_i].err);
    WITHIN(from, 0.999, 1.15);
    ck_assert(!db_connected(db));
    ck_assert_int_eq(read_one(soon()), ERR_OK); /* by another backend */
    kill(pid, SIGCONT);
}
END_TEST

START_TEST(a_frozen_backend_costs_no_more_than_the_statement_timeout)
{
    t.cfg.database.statement_timeout_ms = 300;
    pid_t pid = freeze_backend();
    struct mono from = mono_now();

    ck_assert_int_eq(read_one(soon()), ERR_DB_UNAVAILABLE);
    WITHIN(from, 0.3, 0.8);
    kill(pid, SIGCONT);
}
END_TEST

START_TEST(a_passed_deadline_sends_nothing)
{
    ck_assert_int_eq(insert_row(DB_WRITE, 1, deadline_in_ms(0)), ERR_DEADLINE);
    ck_assert_int_eq(insert_row(DB_BEGIN, 1, soon()), ERR_OK);
    ck_assert_int_eq(insert_row(DB_COMMIT, 2, deadline_in_ms(0)), ERR_DEADLINE);
    ck_assert_int_eq(insert_row(DB_WRITE, 3, soon()), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 1);
}
END_TEST

/* ---- lost connections ---- */

START_TEST(an_ended_backend_is_noticed_at_once_and_replaced)
{
    terminate(backend());
    ck_assert(th_db_idle_until(db, false, 1000));
    ck_assert(th_db_idle_until(db, true, 1000));
    terminate(backend());
    /* without an event loop in between: nothing is in doubt, since nothing was sent */
    ck_assert_int_eq(insert_row(DB_WRITE, 1, soon()), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 1);
}
END_TEST

/* Kills the backend in the middle of a statement, from another process. */
static enum err run_and_be_killed(enum db_kind kind)
{
    static const struct db_stmt slow = {"slow", "INSERT INTO x SELECT 1 FROM pg_sleep(1)"};
    struct db_batch *b = db_batch(db, arena, kind);
    pid_t pid = backend(), child = fork();

    if (child == 0) {
        PGconn *c = th_db_connect(&t);
        char sql[160];
        int ended = 0;
        snprintf(sql, sizeof(sql),
                 "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %d AND "
                 "wait_event = 'PgSleep'",
                 (int)pid);
        for (int i = 0; i < 300 && !ended; i++) {
            PGresult *r = PQexec(c, sql);
            ended = PQntuples(r);
            PQclear(r);
            usleep(10000);
        }
        PQfinish(c);
        _exit(0);
    }
    db_add(b, &slow, NULL, 0);
    enum err e = db_run(b, soon());
    waitpid(child, NULL, 0);
    return e;
}

START_TEST(a_backend_ended_in_a_statement_has_committed_nothing)
{
    static const enum db_kind kinds[] = {DB_WRITE, DB_WHOLE_TX};

    ck_assert_int_eq(run_and_be_killed(kinds[_i]),
                     ERR_DB_UNAVAILABLE); /* the server said so: not in doubt */
    ck_assert_int_eq(rows_of_x(), 0);
    ck_assert_int_eq(insert_row(DB_WRITE, 1, soon()), ERR_OK);
}
END_TEST

START_TEST(a_read_is_repeated_once_on_a_new_connection)
{
    ck_assert_int_eq(run_and_be_killed(DB_BEGIN),
                     ERR_OK); /* the second run has the table to itself */
    db_clean(db, soon());
    ck_assert_int_eq(rows_of_x(), 0);
}
END_TEST

START_TEST(an_ended_transaction_is_over)
{
    ck_assert_int_eq(insert_row(DB_BEGIN, 1, soon()), ERR_OK);
    terminate(atoi(th_db_value(&t, "SELECT pid FROM pg_stat_activity WHERE datname = "
                                   "current_database() AND state = 'idle in transaction'")));
    ck_assert_int_eq(insert_row(DB_IN_TX, 2, soon()), ERR_DB_UNAVAILABLE);
    ck_assert_int_eq(insert_row(DB_WHOLE_TX, 3, soon()), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 1);
}
END_TEST

/* ---- commits in doubt ---- */

static const struct {
    enum th_proxy_mode mode;
    enum err err;
    int rows;
} doubts[] = {
    {TH_PROXY_EAT_COMMIT, ERR_COMMIT_UNKNOWN, 1},
    {TH_PROXY_HANG_COMMIT, ERR_COMMIT_UNKNOWN, 1},
    {TH_PROXY_STOP_COMMIT, ERR_COMMIT_UNKNOWN,
     0}, /* it was sent, as far as anybody can know here */
};

START_TEST(a_commit_without_its_answer_is_unknown)
{
    struct th_proxy p;

    th_proxy_start(&p, doubts[_i].mode);
    use_port(p.port);
    ck_assert_int_eq(insert_row(DB_BEGIN, 1, soon()), ERR_OK);
    struct mono from = mono_now();
    struct db_batch *b = db_batch(db, arena, DB_COMMIT);
    ck_assert_int_eq(db_run(b, deadline_in_ms(500)), doubts[_i].err);
    WITHIN(from, 0, 0.65);
    th_proxy_stop(&p);
    ck_assert_int_eq(rows_of_x(), doubts[_i].rows);
}
END_TEST

/* ---- several hosts, names ---- */

START_TEST(a_host_that_refuses_is_passed_over)
{
    snprintf(url, sizeof(url),
             "postgresql://postgres@127.0.0.1:%d,127.0.0.1:%s/%s?target_session_attrs=read-write",
             th_closed_port(), getenv("BOOKINGD_TEST_PG_PORT"), t.name);
    t.cfg.database.url = url;
    ck_assert_int_eq(read_one(soon()), ERR_OK);
}
END_TEST

START_TEST(a_host_that_stays_silent_gets_its_share_of_the_time)
{
    struct th_proxy p;
    struct mono from = mono_now();

    t.cfg.database.connect_timeout_ms = 1000;
    th_proxy_start(&p, TH_PROXY_SILENT);
    snprintf(url, sizeof(url), "host=127.0.0.1,localhost port=%d,%s user=postgres dbname=%s",
             p.port, getenv("BOOKINGD_TEST_PG_PORT"), t.name);
    t.cfg.database.url = url;
    ck_assert_int_eq(read_one(soon()), ERR_OK);
    WITHIN(from, 0.25, 0.9);
    th_proxy_stop(&p);
}
END_TEST

START_TEST(a_host_that_was_silent_gets_little_time)
{
    struct th_proxy p;

    t.cfg.database.connect_timeout_ms = 2000;
    th_proxy_start(&p, TH_PROXY_SILENT);
    snprintf(url, sizeof(url), "host=127.0.0.1,localhost port=%d,%s user=postgres dbname=%s",
             p.port, getenv("BOOKINGD_TEST_PG_PORT"), t.name);
    t.cfg.database.url = url;
    for (int i = 0; i < 2; i++) {
        struct mono from = mono_now();
        ck_assert_int_eq(read_one(soon()), ERR_OK);
        WITHIN(from, i == 0 ? 0.6 : 0.2,
               i == 0 ? 1.2 : 0.55); /* a third, since localhost has two addresses */
        db_drop(db);
    }
    th_proxy_stop(&p);
}
END_TEST

/* Two processes in one: the second finds the primary elsewhere, the first gives its session up,
 * wherever that is. */
START_TEST(a_session_follows_the_newest_to_another_primary)
{
    static const char *const lists[] = {"localhost,127.0.0.1", "127.0.0.1,localhost"};
    struct db *other;
    char elsewhere[512];

    for (int strict = 0; strict < 2; strict++) {
        char *urls[] = {url, elsewhere};
        for (int i = 0; i < 2; i++)
            snprintf(urls[i], sizeof(url), "host=%s port=%s user=postgres dbname=%s%s", lists[i],
                     getenv("BOOKINGD_TEST_PG_PORT"), t.name,
                     strict ? " target_session_attrs=read-write" : "");
        t.cfg.database.url = url;
        db_free(db); /* a process that had a session begins where the newest one is */
        db = db_new(&t.cfg);
        ck_assert_int_eq(read_one(soon()), ERR_OK);
        db_idle(db);
        ck_assert(db_connected(db));
        struct config cfg = t.cfg;
        cfg.database.url = elsewhere;
        other = db_new(&cfg);
        ck_assert_int_eq(db_connect(other, soon()), ERR_OK);
        db_idle(db);
        ck_assert_int_eq(db_connected(db),
                         !strict); /* of several servers any may be right, unless only one is */
        ck_assert_int_eq(read_one(soon()), ERR_OK);
        db_free(other);
    }
}
END_TEST

START_TEST(a_silent_server_costs_the_connect_timeout_once)
{
    struct th_proxy p;
    struct mono from = mono_now();

    t.cfg.database.connect_timeout_ms = 600;
    th_proxy_start(&p, TH_PROXY_SILENT);
    use_port(p.port);
    ck_assert_int_eq(db_connect(db, soon()), ERR_DB_UNAVAILABLE);
    WITHIN(from, 0.59, 0.75);
    for (int i = 0; i < 5; i++) { /* known from now on */
        from = mono_now();
        ck_assert_int_eq(read_one(soon()), ERR_DB_UNAVAILABLE);
        WITHIN(from, 0, 0.1);
    }
    th_proxy_stop(&p);
}
END_TEST

START_TEST(a_name_without_address_is_refused_at_once)
{
    struct mono from = mono_now();

    t.cfg.database.url = "host=db.invalid dbname=x";
    ck_assert_int_eq(db_connect(db, soon()), ERR_DB_UNAVAILABLE);
    WITHIN(from, 0, 0.05);
    ck_assert(db_url_valid(t.cfg.database.url));
    ck_assert(db_url_valid("postgresql://a:b@h1:1,h2:2/d?sslmode=verify-full"));
    ck_assert(!db_url_valid("postgresql://a:b@h:1:2/d?nonsense=1"));
    ck_assert(!db_url_valid("host='x"));
}
END_TEST

/* ---- poolers ---- */

START_TEST(a_pooler_turns_names_and_settings_off)
{
    static const struct db_stmt left = {"left", "SELECT count(*) AS v FROM pg_prepared_statements"};
    static const struct db_stmt limit = {"limit",
                                         "SELECT current_setting('statement_timeout') AS v"};
    bool pooled = _i == 1;
    struct th_proxy p = {0};

    if (pooled) {
        th_proxy_start(&p, TH_PROXY_OTHER_PID);
        use_port(p.port);
    }
    ck_assert_int_eq(read_one(soon()), ERR_OK);
    ck_assert_int_eq(db_prepared_in_use(db), !pooled);
    struct db_batch *b = db_batch(db, arena, DB_READ);
    db_add(b, &left, NULL, 0);
    db_add(b, &limit, NULL, 0);
    ck_assert_int_eq(db_run(b, soon()), ERR_OK);
    ck_assert_int_eq(db_get_int(db_result(b, 0), 0, "v") > 0, !pooled);
    ck_assert_str_eq(db_get_str(db_result(b, 1), 0, "v"), pooled ? "0" : "3s");
    if (pooled)
        th_proxy_stop(&p);
}
END_TEST

/* ---- memory ---- */

static void limit_memory(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    ck_assert(f && fscanf(f, "%ld", &pages) == 1);
    fclose(f);
    rlim_t now = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &(struct rlimit){now + (12 << 20), RLIM_INFINITY}), 0);
}

static const struct db_stmt huge = {"huge", "SELECT repeat('x', 1 << 26) AS v"};
static const struct db_stmt huge_write = {
    "huge_write", "INSERT INTO x VALUES (7) RETURNING repeat('x', 1 << 26) AS v"};

START_TEST(memory_that_runs_out_takes_the_arenas_way)
{
    jmp_buf out;

    if (UNDER_ASAN)
        return; /* which reserves more address space than the limit */
    ck_assert_int_eq(read_one(soon()), ERR_OK);
    limit_memory();
    if (setjmp(out) == 0) {
        arena_on_oom(arena, &out);
        struct db_batch *b = db_batch(db, arena, DB_READ);
        db_add(b, &huge, NULL, 0);
        (void)!db_run(b, soon());
        ck_abort_msg("memory was enough");
    }
    arena_reset(arena);
    db_clean(db, soon());
    ck_assert_int_eq(read_one(soon()), ERR_OK);
    /* a commit that is in doubt is the greater news */
    struct db_batch *b = db_batch(db, arena, DB_WRITE);
    db_add(b, &huge_write, NULL, 0);
    ck_assert_int_eq(db_run(b, soon()), ERR_COMMIT_UNKNOWN);
}
END_TEST

/* ---- schema ---- */

START_TEST(another_schema_is_refused)
{
    db_require_schema(db, true);
    ck_assert_int_eq(db_connect(db, soon()), ERR_OK);
    db_drop(db);
    th_db_exec(&t,
               "INSERT INTO bookingd_schema (version, name, checksum) VALUES (9999, 'later', '')");
    ck_assert_int_eq(db_connect(db, soon()), ERR_DB_SCHEMA);
    ck_assert_int_eq(db_connect(db, soon()), ERR_DB_SCHEMA); /* in the backoff */
    th_db_exec(&t, "DROP TABLE bookingd_schema");
    db_free(db);
    db = db_new(&t.cfg);
    db_require_schema(db, true);
    ck_assert_int_eq(db_connect(db, soon()), ERR_DB_SCHEMA);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("db faults");
    TCase *c = th_case(s, "faults");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_loop_test(c, a_frozen_backend_costs_no_more_than_the_deadline, 0, 4);
    tcase_add_test(c, a_frozen_backend_costs_no_more_than_the_statement_timeout);
    tcase_add_test(c, a_passed_deadline_sends_nothing);
    tcase_add_test(c, an_ended_backend_is_noticed_at_once_and_replaced);
    tcase_add_loop_test(c, a_backend_ended_in_a_statement_has_committed_nothing, 0, 2);
    tcase_add_test(c, a_read_is_repeated_once_on_a_new_connection);
    tcase_add_test(c, an_ended_transaction_is_over);
    tcase_add_loop_test(c, a_commit_without_its_answer_is_unknown, 0, (int)ARRAY_LEN(doubts));
    tcase_add_test(c, a_host_that_refuses_is_passed_over);
    tcase_add_test(c, a_host_that_stays_silent_gets_its_share_of_the_time);
    tcase_add_test(c, a_host_that_was_silent_gets_little_time);
    tcase_add_test(c, a_session_follows_the_newest_to_another_primary);
    tcase_add_test(c, a_silent_server_costs_the_connect_timeout_once);
    tcase_add_test(c, a_name_without_address_is_refused_at_once);
    tcase_add_loop_test(c, a_pooler_turns_names_and_settings_off, 0, 2);
    tcase_add_test(c, memory_that_runs_out_takes_the_arenas_way);
    tcase_add_test(c, another_schema_is_refused);
    return s;
}

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    return th_run(suite());
}
