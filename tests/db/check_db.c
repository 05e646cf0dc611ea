/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The connection, batches, results and faults of the db layer on a real server. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"
#include "db/db.h"

static struct th_db t;
static struct db *db;
static struct arena *arena;

static void set_up(void)
{
    th_db_open(&t);
    db = db_new(&t.cfg);
    arena = arena_new(4096);
    ck_assert_ptr_nonnull(arena);
    th_db_exec(&t, "CREATE TABLE x (id integer PRIMARY KEY, n integer CHECK (n > 0), f integer "
                   "REFERENCES x (id),"
                   " r int4range, CONSTRAINT x_apart EXCLUDE USING gist (r WITH &&))");
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

static const struct db_stmt one = {"one", "SELECT 1::bigint AS v"};
static const struct db_stmt echo = {"echo", "SELECT $1::text AS v"};
static const struct db_stmt insert = {"insert", "INSERT INTO x (id, n) VALUES ($1, $2)"};

/* A statement that runs once and never again: its name must not matter to another test's statement.
 */
static enum err run_sql(enum db_kind kind, const char *sql, struct db_batch **out)
{
    struct db_stmt *s = ARENA_NEW(arena, struct db_stmt);
    struct db_batch *b = db_batch(db, arena, kind);

    *s = (struct db_stmt){arena_printf(arena, "s%p", (void *)s), sql};
    db_add(b, s, NULL, 0);
    if (out)
        *out = b;
    return db_run(b, soon());
}

static int64_t rows_of_x(void)
{
    return atoll(th_db_value(&t, "SELECT count(*) FROM x"));
}

static enum err insert_row(enum db_kind kind, int id, int n)
{
    struct db_batch *b = db_batch(db, arena, kind);

    DB_ADD(b, &insert, db_int(b, id), db_int(b, n));
    return db_run(b, soon());
}

/* ---- batches ---- */

START_TEST(a_batch_is_one_round_trip)
{
    ck_assert_int_eq(db_connect(db, soon()), ERR_OK);
    uint64_t before = db_round_trips(db);
    struct db_batch *b = db_batch(db, arena, DB_READ);
    int first = db_add(b, &one, NULL, 0), second = DB_ADD(b, &echo, "a"),
        third = DB_ADD(b, &echo, NULL);

    ck_assert_int_eq(db_run(b, soon()), ERR_OK);
    ck_assert_uint_eq(db_round_trips(db) - before, 1);
    ck_assert_int_eq(db_get_int(db_result(b, first), 0, "v"), 1);
    ck_assert_str_eq(db_get_str(db_result(b, second), 0, "v"), "a");
    ck_assert(db_is_null(db_result(b, third), 0, "v"));
    ck_assert_ptr_null(db_get(db_result(b, third), 0, "v"));
    ck_assert(db_seconds_spent(db) > 0);
}
END_TEST

START_TEST(typed_values_come_back_as_they_went)
{
    static const struct db_stmt types = {
        "types",
        "SELECT $1::bigint AS i, $2::boolean AS b, "
        "(extract(epoch from $3::timestamptz)*1000000)::bigint AS w, $4::uuid AS u, $5::text AS s"};
    struct db_batch *b = db_batch(db, arena, DB_READ);
    struct wall w = {INT64_C(1893553445000001)};
    struct uuid u = uuid_new();

    DB_ADD(b, &types, db_int(b, INT64_MIN), db_bool(true), db_time(b, w), u.s,
           db_str(b, STR("it's \\ \"سلام\"")));
    ck_assert_int_eq(db_run(b, soon()), ERR_OK);
    struct db_rows r = db_result(b, 0);
    ck_assert_int_eq(db_count(r), 1);
    ck_assert_int_eq(db_get_int(r, 0, "i"), INT64_MIN);
    ck_assert(db_get_bool(r, 0, "b"));
    ck_assert_int_eq(db_get_time(r, 0, "w").us, w.us);
    ck_assert_str_eq(db_get_uuid(r, 0, "u").s, u.s);
    ck_assert_str_eq(db_get_str(r, 0, "s"), "it's \\ \"سلام\"");
    ck_assert_ptr_null(db_str(b, (struct str){NULL, 0}));
}
END_TEST

START_TEST(an_unknown_column_is_a_bug)
{
    struct db_batch *b = db_batch(db, arena, DB_READ);

    db_add(b, &one, NULL, 0);
    ck_assert_int_eq(db_run(b, soon()), ERR_OK);
    (void)db_get(db_result(b, 0), 0, "w");
}
END_TEST

START_TEST(statements_are_prepared_once_or_not_at_all)
{
    bool on = _i == 0;
    t.cfg.database.prepared = on ? PREPARED_AUTO : PREPARED_OFF;

    for (int i = 0; i < 3; i++) {
        struct db_batch *b = db_batch(db, arena, DB_READ);
        DB_ADD(b, &echo, "x");
        DB_ADD(b, &echo, "y");
        ck_assert_int_eq(db_run(b, soon()), ERR_OK);
        ck_assert_str_eq(db_get_str(db_result(b, 1), 0, "v"), "y");
    }
    ck_assert_int_eq(db_prepared_in_use(db), on);
    struct db_batch *b = NULL;
    ck_assert_int_eq(run_sql(DB_READ,
                             "SELECT count(*) AS v FROM pg_prepared_statements WHERE name = 'echo'",
                             &b),
                     ERR_OK);
    ck_assert_int_eq(db_get_int(db_result(b, 0), 0, "v"), on);
}
END_TEST

START_TEST(a_transaction_spans_batches)
{
    ck_assert_int_eq(insert_row(DB_BEGIN, 1, 1), ERR_OK);
    ck_assert_int_eq(insert_row(DB_IN_TX, 2, 1), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 0);
    ck_assert_int_eq(insert_row(DB_COMMIT, 3, 1), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 3);
    ck_assert_int_eq(insert_row(DB_WRITE, 4, 1), ERR_OK);
    ck_assert_int_eq(insert_row(DB_WHOLE_TX, 5, 1), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 5);
}
END_TEST

START_TEST(a_failed_statement_takes_everything_back)
{
    static const enum db_kind kinds[] = {DB_WRITE, DB_BEGIN, DB_IN_TX, DB_COMMIT, DB_WHOLE_TX};
    enum db_kind kind = kinds[_i];

    if (kind == DB_IN_TX || kind == DB_COMMIT)
        ck_assert_int_eq(insert_row(DB_BEGIN, 1, 1), ERR_OK);
    struct db_batch *b = db_batch(db, arena, kind);
    DB_ADD(b, &insert, "2", "1");
    DB_ADD(b, &insert, "3", "0");
    DB_ADD(b, &insert, "4", "1");
    ck_assert_int_eq(db_run(b, soon()), ERR_DB_CHECK);
    ck_assert_int_eq(rows_of_x(), 0);
    /* the connection is in order, and no transaction is open */
    ck_assert(db_connected(db));
    ck_assert_str_eq(
        th_db_value(&t, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND state LIKE 'idle in%%'"),
        "0");
    ck_assert_int_eq(insert_row(DB_WRITE, 9, 1), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 1);
}
END_TEST

START_TEST(an_abandoned_transaction_is_rolled_back)
{
    ck_assert_int_eq(insert_row(DB_BEGIN, 1, 1), ERR_OK);
    db_clean(db, soon());
    ck_assert(db_connected(db));
    ck_assert_int_eq(insert_row(DB_WRITE, 1, 1), ERR_OK);
    ck_assert_int_eq(rows_of_x(), 1);
}
END_TEST

START_TEST(a_large_batch_does_not_deadlock)
{
    /* Both directions exceed every socket buffer. */
    size_t n = 1 << 18;
    char *big = arena_alloc(arena, n + 1);
    struct db_batch *b = db_batch(db, arena, DB_READ);

    memset(big, 'x', n);
    for (int i = 0; i < DB_BATCH_MAX; i++)
        DB_ADD(b, &echo, big);
    ck_assert_int_eq(db_run(b, deadline_in_ms(20000)), ERR_OK);
    ck_assert_uint_eq(strlen(db_get_str(db_result(b, DB_BATCH_MAX - 1), 0, "v")), n);
}
END_TEST

/* ---- faults that the server names ---- */

static const struct {
    const char *sql, *state;
    enum err err;
    bool stays; /* the connection does */
} fault_rows[] = {
    {"INSERT INTO x VALUES (1, 1), (1, 1)", "23505", ERR_DB_UNIQUE, true},
    {"INSERT INTO x VALUES (1, 1, NULL, '[1,3)'), (2, 1, NULL, '[2,4)')", "23P01", ERR_DB_EXCLUSION,
     true},
    {"INSERT INTO x VALUES (1, 1, 77)", "23503", ERR_DB_FOREIGN_KEY, true},
    {"INSERT INTO x VALUES (1, 0)", "23514", ERR_DB_CHECK, true},
    {"SELECT nonsense", "42703", ERR_INTERNAL, true},
    {"SELECT 1/0", "22012", ERR_INTERNAL, true},
    {"SELECT pg_sleep(2)", "57014", ERR_DB_UNAVAILABLE, true},
#define RAISE(state) "DO $$BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '" state "'; END$$", state
    {RAISE("40001"), ERR_DB_RETRY, true},
    {RAISE("40P01"), ERR_DB_RETRY, true},
    {RAISE("55P03"), ERR_OVERLOADED, true},
    {RAISE("53100"), ERR_DB_UNAVAILABLE, true},
    {RAISE("53200"), ERR_DB_UNAVAILABLE, true},
    {RAISE("25006"), ERR_DB_UNAVAILABLE, false},
    {RAISE("26000"), ERR_DB_UNAVAILABLE, false},
    {RAISE("57P01"), ERR_DB_UNAVAILABLE, false},
    {RAISE("58030"), ERR_DB_UNAVAILABLE, false},
    {RAISE("XX001"), ERR_INTERNAL, true},
#undef RAISE
};

START_TEST(sqlstates_become_errors)
{
    struct db_batch *b = NULL;

    t.cfg.database.statement_timeout_ms = 300;
    ck_assert_int_eq(run_sql(DB_WHOLE_TX, fault_rows[_i].sql, &b), fault_rows[_i].err);
    ck_assert_int_eq(db_connected(db), fault_rows[_i].stays);
    ck_assert_int_eq(run_sql(DB_READ, "SELECT 1", NULL), ERR_OK);
}
END_TEST

START_TEST(a_constraint_checked_at_commit_fails_the_batch)
{
    enum db_kind kind = _i == 0 ? DB_WRITE : DB_WHOLE_TX;

    th_db_exec(&t, "ALTER TABLE x ALTER CONSTRAINT x_f_fkey DEFERRABLE INITIALLY DEFERRED");
    ck_assert_int_eq(run_sql(kind, "INSERT INTO x VALUES (1, 1, 77)", NULL), ERR_DB_FOREIGN_KEY);
    ck_assert_int_eq(rows_of_x(), 0);
    ck_assert_int_eq(insert_row(DB_WRITE, 1, 1), ERR_OK);
}
END_TEST

START_TEST(a_lock_is_waited_for_within_its_limit)
{
    t.cfg.database.statement_timeout_ms = 400;
    th_db_exec(&t, "INSERT INTO x VALUES (1, 1)");
    th_db_exec(&t, "BEGIN; UPDATE x SET n = 2");
    struct mono from = mono_now();
    ck_assert_int_eq(run_sql(DB_WRITE, "UPDATE x SET n = 3", NULL), ERR_OVERLOADED);
    ck_assert(mono_seconds_since(from) < 0.4);
    ck_assert(db_connected(db));
    th_db_exec(&t, "COMMIT");
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("db");
    TCase *c = th_case(s, "batch");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_test(c, a_batch_is_one_round_trip);
    tcase_add_test(c, typed_values_come_back_as_they_went);
    tcase_add_loop_test(c, statements_are_prepared_once_or_not_at_all, 0, 2);
    tcase_add_test(c, a_transaction_spans_batches);
    tcase_add_loop_test(c, a_failed_statement_takes_everything_back, 0, 5);
    tcase_add_test(c, an_abandoned_transaction_is_rolled_back);
    tcase_add_test(c, a_large_batch_does_not_deadlock);
    c = th_case(s, "bugs");
    tcase_set_tags(c, TH_TAG_FORK);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_test_raise_signal(c, an_unknown_column_is_a_bug, SIGABRT);
    c = th_case(s, "faults");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_loop_test(c, sqlstates_become_errors, 0, (int)ARRAY_LEN(fault_rows));
    tcase_add_loop_test(c, a_constraint_checked_at_commit_fails_the_batch, 0, 2);
    tcase_add_test(c, a_lock_is_waited_for_within_its_limit);
    return s;
}

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    return th_run(suite());
}
