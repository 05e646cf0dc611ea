/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Behind a real PgBouncer in transaction mode. Debian 12 has 1.18, where a named statement silently
 * runs another client's text of the same name. Skipped where PgBouncer is not installed.
 */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_db.h"
#include "../lib/th_proxy.h"
#include "../lib/th_unit.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "db/db_migrate.h"

#define SKIPPED 77

static struct th_db t;
static struct arena *arena;
static char dir[] = "/tmp/bookingd-pgb.XXXXXX", url[256];
static pid_t bouncer;
static const char *pool_mode = "transaction";

static const char *find_program(void)
{
    static const char *const places[] = {"/usr/sbin/pgbouncer", "/usr/bin/pgbouncer",
                                         "/usr/local/bin/pgbouncer"};

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

static struct deadline soon(void)
{
    return deadline_in_ms(5000);
}

static void write_files(const char *ini, int port)
{
    char users[300];

    snprintf(users, sizeof(users), "%s/users", dir);
    FILE *f = fopen(users, "w");
    ck_assert_ptr_nonnull(f);
    fputs("\"postgres\" \"\"\n", f);
    fclose(f);
    f = fopen(ini, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f,
            "[databases]\n* = host=127.0.0.1 port=%s\n[pgbouncer]\nlisten_addr = "
            "127.0.0.1\nlisten_port = %d\n"
            "unix_socket_dir =\nauth_type = trust\nauth_file = %s\npool_mode = %s\n"
            "default_pool_size = 2\nlogfile = %s/log\n",
            getenv("BOOKINGD_TEST_PG_PORT"), port, users, pool_mode, dir);
    if (geteuid() == 0) /* it refuses root */
        fputs(getpwnam("postgres") ? "user = postgres\n" : "user = nobody\n", f);
    fclose(f);
    ck_assert_int_eq(chmod(dir, 0777), 0);
}

static void start_bouncer(void)
{
    char ini[300];
    int port = th_closed_port();

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(ini, sizeof(ini), "%s/ini", dir);
    write_files(ini, port);
    bouncer = fork();
    if (bouncer == 0) {
        execl(find_program(), "pgbouncer", "-q", ini, (char *)NULL);
        _exit(127);
    }
    snprintf(url, sizeof(url), "host=127.0.0.1 port=%d user=postgres dbname=%s", port, t.name);
    t.cfg.database.url = url;
}

static void set_up(void)
{
    th_db_open(&t);
    arena = arena_new(4096);
    ck_assert_ptr_nonnull(arena);
    start_bouncer();
}

/* Each test is a process of its own: the mode is as before for the others. */
static void set_up_statement_mode(void)
{
    pool_mode = "statement";
    set_up();
}

static void tear_down(void)
{
    char command[100];

    kill(bouncer, SIGTERM);
    waitpid(bouncer, NULL, 0);
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    ck_assert_int_eq(system(command), 0);
    arena_free(arena);
    th_db_close(&t);
}

static struct db *client(void)
{
    struct db *db = db_new(&t.cfg);
    struct deadline limit = soon();

    while (db_connect(db, limit) != ERR_OK && !deadline_passed(limit))
        usleep(20000);
    ck_assert(db_connected(db));
    return db;
}

START_TEST(every_client_gets_its_own_answers)
{
    /* the same name for different texts, as two versions of a program have it during a deployment
     */
    static const struct db_stmt a = {"same", "SELECT 'a' AS v"}, b = {"same", "SELECT 'b' AS v"};
    struct db *c[2] = {client(), client()};

    ck_assert(!db_prepared_in_use(c[0]) && !db_prepared_in_use(c[1]));
    for (int i = 0; i < 80; i++) {
        struct db_batch *q = db_batch(c[i % 2], arena, i % 3 ? DB_READ : DB_WHOLE_TX);
        db_add(q, i % 2 ? &b : &a, NULL, 0);
        db_add(q, i % 2 ? &b : &a, NULL, 0);
        ck_assert_int_eq(db_run(q, soon()), ERR_OK);
        ck_assert_str_eq(db_get_str(db_result(q, 1), 0, "v"), i % 2 ? "b" : "a");
    }
    db_free(c[0]);
    db_free(c[1]);
}
END_TEST

START_TEST(more_clients_than_server_connections_share_them)
{
    static const struct db_stmt make = {"make", "CREATE TABLE x (id integer PRIMARY KEY)"},
                                insert = {"insert", "INSERT INTO x VALUES ($1)"},
                                left = {"left", "SELECT current_setting('statement_timeout') AS v"};
    struct db *c[6];

    for (int i = 0; i < 6; i++)
        c[i] = client();
    struct db_batch *b = db_batch(c[0], arena, DB_WRITE);
    db_add(b, &make, NULL, 0);
    ck_assert_int_eq(db_run(b, soon()), ERR_OK);
    for (int i = 0; i < 60; i++) {
        struct db *db = c[i % 6];
        b = db_batch(db, arena, DB_BEGIN);
        DB_ADD(b, &insert, db_int(b, i));
        ck_assert_int_eq(db_run(b, soon()), ERR_OK);
        b = db_batch(db, arena, DB_COMMIT);
        DB_ADD(b, &insert, db_int(b, i % 2 ? i : i + 1000)); /* every second one fails */
        ck_assert_int_eq(db_run(b, soon()), i % 2 ? ERR_DB_UNIQUE : ERR_OK);
    }
    ck_assert_str_eq(th_db_value(&t, "SELECT count(*) FROM x"), "60");
    b = db_batch(c[1], arena, DB_READ);
    db_add(b, &left, NULL, 0);
    ck_assert_int_eq(db_run(b, soon()), ERR_OK);
    ck_assert_str_eq(db_get_str(db_result(b, 0), 0, "v"),
                     "0"); /* nobody's settings stick to a shared connection */
    for (int i = 0; i < 6; i++)
        db_free(c[i]);
}
END_TEST

/* Of the transaction alone: the connection goes to others after it. */
START_TEST(transactions_carry_their_limits)
{
    static const struct db_stmt seen = {
        "seen", "SELECT current_setting('statement_timeout') || ' ' ||"
                " current_setting('lock_timeout') || ' ' ||"
                " current_setting('idle_in_transaction_session_timeout') AS v"};
    static const enum db_kind kinds[] = {DB_WHOLE_TX, DB_WRITE, DB_BEGIN, DB_READ};

    t.cfg.database.statement_timeout_ms = 2000;
    struct db *db = client();
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct db_batch *b = db_batch(db, arena, kinds[i]);
        db_add(b, &seen, NULL, 0);
        const uint64_t before = db_round_trips(db);
        ck_assert_int_eq(db_run(b, soon()), ERR_OK);
        ck_assert_uint_eq(db_round_trips(db) - before, 1);
        ck_assert_str_eq(db_get_str(db_result(b, 0), 0, "v"),
                         kinds[i] == DB_READ ? "0 0 0" : "2s 1500ms 3s");
        db_clean(db, soon());
    }
    db_free(db);
}
END_TEST

/* Frozen with a row locked: whoever wants the row has it within 5 s. */
START_TEST(a_frozen_client_keeps_no_lock)
{
    static const struct db_stmt lock = {"lock", "SELECT 1 AS v FROM bookingd_schema"
                                                " WHERE version = 1 FOR UPDATE"};
    int ready[2];
    char byte;

    ck_assert_int_eq(pipe(ready), 0);
    db_free(client());
    const pid_t frozen = fork();
    if (frozen == 0) {
        struct db *db = client();
        struct db_batch *b = db_batch(db, arena, DB_BEGIN);
        db_add(b, &lock, NULL, 0);
        if (db_run(b, soon()) == ERR_OK && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(kill(frozen, SIGSTOP), 0);
    const struct mono from = mono_now();
    th_db_exec(&t, "UPDATE bookingd_schema SET version = 1 WHERE version = 1");
    ck_assert_double_lt(mono_seconds_since(from), 5.0);
    kill(frozen, SIGKILL);
    waitpid(frozen, NULL, 0);
}
END_TEST

START_TEST(migrations_run_through_it)
{
    struct db_migrate_report report;

    db_free(client());
    struct db *db = db_new(&t.cfg);
    th_db_exec(&t, "DROP SCHEMA public CASCADE");
    th_db_exec(&t, "CREATE SCHEMA public");
    ck_assert_msg(db_migrate(db, arena, deadline_in_ms(20000), NULL, &report) == ERR_OK, "%s",
                  report.fault);
    ck_assert_int_eq(report.applied, db_migrations_n);
    db_require_schema(db, true);
    ck_assert_int_eq(db_connect(db, soon()), ERR_OK);
    db_free(db);
}
END_TEST

/* It would otherwise serve until the first booking, and refuse that. */
START_TEST(statement_mode_is_named)
{
    struct db *db = db_new(&t.cfg);
    struct deadline limit = soon();
    enum err e = ERR_DB_UNAVAILABLE;

    db_require_schema(db, true);
    while (e == ERR_DB_UNAVAILABLE && !deadline_passed(limit)) {
        e = db_connect(db, limit);
        usleep(20000);
    }
    ck_assert_int_eq(e, ERR_DB_SCHEMA);
    ck_assert_ptr_nonnull(strstr(db_unfit(db)->sentence, "statement mode"));
    ck_assert_str_eq(db_unfit(db)->command, "pool_mode = transaction");
    db_free(db);
}
END_TEST

int main(int argc, char **argv)
{
    if (!find_program()) {
        fputs("PgBouncer is not installed: skipped\n", stderr);
        return SKIPPED;
    }
    th_db_main(argc, argv, 0);
    Suite *s = suite_create("db pgbouncer");
    TCase *c = th_case(s, "pgbouncer");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, every_client_gets_its_own_answers);
    tcase_add_test(c, more_clients_than_server_connections_share_them);
    tcase_add_test(c, transactions_carry_their_limits);
    tcase_add_test(c, a_frozen_client_keeps_no_lock);
    tcase_add_test(c, migrations_run_through_it);
    c = th_case(s, "statement mode");
    tcase_add_checked_fixture(c, set_up_statement_mode, tear_down);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, statement_mode_is_named);
    return th_run(s);
}
