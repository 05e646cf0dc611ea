/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* `bookingd migrate` on empty, current, newer and altered databases, alone and in company. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"
#include "base/digest.h"
#include "db/db_migrate.h"

static struct th_db t;
static struct arena *arena;
static struct db_migrate_report report;

static void set_up(void)
{
    th_db_open_empty(&t);
    arena = arena_new(4096);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    arena_free(arena);
    th_db_close(&t);
}

static enum err migrate(int ms)
{
    struct db *db = db_new(&t.cfg);
    enum err e = db_migrate(db, arena, deadline_in_ms(ms), NULL, &report);

    db_free(db);
    return e;
}

START_TEST(an_empty_database_gets_everything_once)
{
    ck_assert_int_eq(migrate(20000), ERR_OK);
    ck_assert_int_eq(report.from, 0);
    ck_assert_int_eq(report.to, db_migrations_n);
    ck_assert_int_eq(report.applied, db_migrations_n);
    ck_assert_int_eq(migrate(20000), ERR_OK);
    ck_assert_int_eq(report.from, db_migrations_n);
    ck_assert_int_eq(report.applied, 0);
    ck_assert_ptr_null(report.fault);
    ck_assert_int_eq(atoi(th_db_value(&t, "SELECT count(*) FROM bookingd_schema")),
                     db_migrations_n);
}
END_TEST

START_TEST(checksums_are_those_of_the_sql)
{
    for (int i = 0; i < db_migrations_n; i++) {
        char hex[SHA256_HEX_MAX];
        digest_sha256_hex(str_of(db_migrations[i].sql), hex);
        ck_assert_str_eq(hex, db_migrations[i].checksum);
        ck_assert_int_eq(db_migrations[i].version, i + 1);
    }
}
END_TEST

START_TEST(several_at_once_all_succeed)
{
    pid_t pids[4];

    for (int i = 0; i < 4; i++)
        if ((pids[i] = fork()) == 0)
            _exit(migrate(30000) == ERR_OK ? report.applied : 100);
    int applied = 0;
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 100);
        applied += WEXITSTATUS(status);
    }
    ck_assert_int_eq(applied, db_migrations_n);
}
END_TEST

START_TEST(an_altered_migration_is_refused)
{
    ck_assert_int_eq(migrate(20000), ERR_OK);
    th_db_exec(&t, "UPDATE bookingd_schema SET checksum = 'other' WHERE version = 1");
    ck_assert_int_eq(migrate(20000), ERR_DB_SCHEMA);
    ck_assert_ptr_nonnull(strstr(report.fault, "not the one of this program: 1"));
}
END_TEST

START_TEST(a_newer_schema_is_refused)
{
    ck_assert_int_eq(migrate(20000), ERR_OK);
    th_db_exec(&t,
               "INSERT INTO bookingd_schema (version, name, checksum) VALUES (%d, 'later', 'x')",
               db_migrations_n + 1);
    ck_assert_int_eq(migrate(20000), ERR_DB_SCHEMA);
    ck_assert_ptr_nonnull(strstr(report.fault, "newer"));
}
END_TEST

START_TEST(a_failing_migration_leaves_nothing)
{
    th_db_exec(&t, "CREATE TABLE bookings (id integer)");
    ck_assert_int_ne(migrate(20000), ERR_OK);
    ck_assert_ptr_nonnull(strstr(report.fault, "0001 initial: ERROR"));
    ck_assert_ptr_nonnull(strstr(report.fault, "already exists"));
    ck_assert_str_eq(th_db_value(&t, "SELECT to_regclass('venues') IS NULL"), "t");
    ck_assert_str_eq(th_db_value(&t, "SELECT to_regclass('bookingd_schema') IS NULL"), "t");
}
END_TEST

START_TEST(the_lock_is_waited_for_no_longer_than_the_deadline)
{
    th_db_exec(&t, "BEGIN; SELECT pg_advisory_xact_lock(7093009341547702116)");
    struct mono from = mono_now();
    ck_assert_int_eq(migrate(400), ERR_DEADLINE);
    ck_assert(mono_seconds_since(from) < 0.6);
    th_db_exec(&t, "COMMIT");
    ck_assert_int_eq(migrate(20000), ERR_OK);
}
END_TEST

START_TEST(no_server_is_a_fault_in_words)
{
    t.cfg.database.url = "host=/nonexistent dbname=x";
    ck_assert_int_eq(migrate(1000), ERR_DB_UNAVAILABLE);
    ck_assert_ptr_nonnull(report.fault);
}
END_TEST

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    Suite *s = suite_create("migrate");
    TCase *c = th_case(s, "migrate");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, an_empty_database_gets_everything_once);
    tcase_add_test(c, checksums_are_those_of_the_sql);
    tcase_add_test(c, several_at_once_all_succeed);
    tcase_add_test(c, an_altered_migration_is_refused);
    tcase_add_test(c, a_newer_schema_is_refused);
    tcase_add_test(c, a_failing_migration_leaves_nothing);
    tcase_add_test(c, the_lock_is_waited_for_no_longer_than_the_deadline);
    tcase_add_test(c, no_server_is_a_fault_in_words);
    return th_run(s);
}
