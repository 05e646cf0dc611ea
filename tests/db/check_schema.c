/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the schema itself promises, in plain SQL: wall times, starts, limits, no double booking,
 * dead holds. */
#include <stdlib.h>

#include "../lib/th_db.h"
#include "../lib/th_unit.h"

static struct th_db t;

static void set_up(void)
{
    th_db_open(&t);
    th_db_exec(&t, "SET TimeZone = 'Pacific/Auckland'"); /* nothing may depend on it */
}

static void tear_down(void)
{
    th_db_close(&t);
}

/* ---- wall_instant ---- */

static const struct {
    const char *zone, *wall, *instant;
} walls[] = {
    {"Europe/Berlin", "2026-07-01 12:00", "2026-07-01 10:00Z"},
    {"Europe/Berlin", "2026-03-29 01:59", "2026-03-29 00:59Z"},
    {"Europe/Berlin", "2026-03-29 02:00", "2026-03-29 01:00Z"}, /* skipped: the offset before */
    {"Europe/Berlin", "2026-03-29 02:30", "2026-03-29 01:30Z"},
    {"Europe/Berlin", "2026-03-29 03:00", "2026-03-29 01:00Z"},
    {"Europe/Berlin", "2026-10-25 01:59", "2026-10-24 23:59Z"},
    {"Europe/Berlin", "2026-10-25 02:00", "2026-10-25 00:00Z"}, /* repeated: the first time */
    {"Europe/Berlin", "2026-10-25 02:59", "2026-10-25 00:59Z"},
    {"Europe/Berlin", "2026-10-25 03:00", "2026-10-25 02:00Z"},
    {"America/New_York", "2026-03-08 02:30", "2026-03-08 07:30Z"},
    {"America/New_York", "2026-11-01 01:30", "2026-11-01 05:30Z"},
    {"America/New_York", "2026-11-01 02:00", "2026-11-01 07:00Z"},
    {"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45Z"}, /* half an hour */
    {"Australia/Lord_Howe", "2026-04-05 02:00", "2026-04-04 15:30Z"},
    {"Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:45Z"},
    {"Asia/Riyadh", "2026-03-29 02:30", "2026-03-28 23:30Z"},
    {"Africa/Cairo", "2026-04-24 00:30", "2026-04-23 22:30Z"}, /* changes at midnight */
    {"Africa/Cairo", "2026-10-29 23:30", "2026-10-29 20:30Z"},
};

START_TEST(a_wall_time_has_one_instant)
{
    ck_assert_str_eq(th_db_value(&t, "SELECT wall_instant('%s', '%s') = '%s'::timestamptz",
                                 walls[_i].wall, walls[_i].zone, walls[_i].instant),
                     "t");
}
END_TEST

static const char *const zones[] = {"Europe/Berlin",  "America/New_York", "Australia/Lord_Howe",
                                    "Asia/Riyadh",    "Africa/Cairo",     "America/St_Johns",
                                    "Pacific/Chatham"};

/* By definition: of the instants that show a wall time, the first. */
START_TEST(every_wall_time_of_a_year_is_its_first_instant)
{
    ck_assert_str_eq(
        th_db_value(&t,
                    "SELECT count(*) FROM (SELECT u AT TIME ZONE '%s' AS wall, min(u) AS first FROM"
                    " generate_series('2026-01-01Z'::timestamptz, '2027-01-01Z', '30 minutes') u "
                    "GROUP BY 1) m"
                    " WHERE wall_instant(wall, '%s') <> first",
                    zones[_i], zones[_i]),
        "0");
}
END_TEST

/* ---- starts ---- */

#define VENUE "00000000-0000-7000-8000-000000000001"
#define RESOURCE "00000000-0000-7000-8000-000000000002"
#define OTHER "00000000-0000-7000-8000-000000000003"

static void make_venue(const char *zone)
{
    th_db_exec(&t,
               "INSERT INTO venues (id, name, time_zone, currency) VALUES ('" VENUE
               "', 'V', '%s', 'SAR')",
               zone);
    th_db_exec(&t, "INSERT INTO resources (venue_id, id, name) VALUES ('" VENUE "', '" RESOURCE
                   "', 'R'),"
                   " ('" VENUE "', '" OTHER "', 'O')");
}

/* ---- limits ---- */

#define TAKE(subjects, limits) \
    "SELECT denied FROM rate_take(ARRAY[" subjects "], ARRAY[" limits "], ARRAY[60000, 60000])"

START_TEST(a_limit_is_taken_whole_or_not_at_all)
{
    ck_assert_str_eq(th_db_value(&t, TAKE("'a', 'b'", "2, 1")), "");
    ck_assert_str_eq(th_db_value(&t, TAKE("'a', 'b'", "2, 1")),
                     "2"); /* b is full: a is not taken either */
    ck_assert_str_eq(th_db_value(&t, TAKE("'a', 'c'", "2, 9")), "");
    ck_assert_str_eq(th_db_value(&t, TAKE("'b', 'a'", "1, 2")),
                     "1"); /* both full: the caller's first */
    int wait =
        atoi(th_db_value(&t, "SELECT retry_after_s FROM rate_take('{a}', '{1}', '{60000}')"));
    ck_assert(wait >= 1 && wait <= 60);
}
END_TEST

START_TEST(a_window_that_has_passed_counts_no_more)
{
    ck_assert_str_eq(th_db_value(&t, "SELECT denied FROM rate_take('{w}', '{1}', '{60000}')"), "");
    ck_assert_str_eq(th_db_value(&t, "SELECT denied FROM rate_take('{w}', '{1}', '{60000}')"), "1");
    th_db_exec(&t, "UPDATE rate_limits SET window_end = clock_timestamp()");
    ck_assert_str_eq(th_db_value(&t, "SELECT denied FROM rate_take('{w}', '{1}', '{60000}')"), "");
    ck_assert_str_eq(th_db_value(&t, "SELECT denied FROM rate_take('{w}', '{1}', '{60000}')"), "1");
}
END_TEST

static void wait_until_blocked(int pid)
{
    for (int i = 0; i < 200; i++) {
        if (atoi(th_db_value(&t, "SELECT count(*) FROM pg_locks WHERE pid = %d AND NOT granted",
                             pid)))
            return;
        th_db_exec(&t, "SELECT pg_sleep(0.02)");
    }
    ck_abort_msg("nobody waits");
}

/* Opposite orders of the same subjects neither pass each other nor deadlock. */
START_TEST(two_takers_at_once_count_both)
{
    PGconn *a = th_db_connect(&t), *b = th_db_connect(&t);

    PQclear(PQexec(a, "BEGIN"));
    PQclear(PQexec(a, TAKE("'x', 'y'", "1, 1")));
    ck_assert_int_eq(PQsendQuery(b, TAKE("'y', 'x'", "1, 1")), 1);
    wait_until_blocked(PQbackendPID(b));
    PQclear(PQexec(a, "COMMIT"));
    PGresult *r = PQgetResult(b);
    ck_assert_int_eq(PQresultStatus(r), PGRES_TUPLES_OK);
    ck_assert_int_eq(PQntuples(r), 1);
    ck_assert_str_eq(PQgetvalue(r, 0, 0), "1");
    PQclear(r);
    PQfinish(a);
    PQfinish(b);
}
END_TEST

START_TEST(a_crowd_gets_exactly_the_limit)
{
    PGconn *c[4];
    int granted = 0;

    for (int i = 0; i < 4; i++)
        c[i] = th_db_connect(&t);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 4; i++)
            ck_assert_int_eq(
                PQsendQuery(c[i], i % 2 ? TAKE("'p', 'q'", "30, 99") : TAKE("'q', 'p'", "99, 30")),
                1);
        for (int i = 0; i < 4; i++)
            for (PGresult *r; (r = PQgetResult(c[i])) != NULL; PQclear(r)) {
                ck_assert_int_eq(PQresultStatus(r), PGRES_TUPLES_OK);
                granted += PQntuples(r) == 0;
            }
    }
    ck_assert_int_eq(granted, 30);
    ck_assert_str_eq(th_db_value(&t, "SELECT string_agg(taken::text, ',') FROM rate_limits"),
                     "30,30");
    for (int i = 0; i < 4; i++)
        PQfinish(c[i]);
}
END_TEST

/* ---- bookings ---- */

#define SERVICE "00000000-0000-7000-8000-000000000004"
#define CUSTOMER "00000000-0000-7000-8000-000000000005"

/* A booking of RESOURCE (capacity 2) by plain SQL; the SQLSTATE of its refusal. */
static const char *try_booking(char last, const char *status, const char *hold, int party,
                               const char *from, const char *to)
{
    return th_db_sqlstate(
        &t,
        "INSERT INTO bookings (venue_id, id, service_id, resource_id, customer_id, status,"
        " starts_at, ends_at, occupied, party_size, amount, currency, payment, hold_expires_at)"
        " VALUES ('" VENUE "', '00000000-0000-7000-8000-00000000010%c', '" SERVICE "', '" RESOURCE
        "', '" CUSTOMER "', '%s', '2026-03-23 %sZ', '2026-03-23 %sZ',"
        " '[2026-03-23 %sZ,2026-03-23 %sZ)', %d, 0, 'SAR', 'none', %s)",
        last, status, from, to, from, to, party, hold);
}

static void make_bookings(void)
{
    make_venue("Asia/Riyadh");
    th_db_exec(&t, "UPDATE resources SET capacity = 2 WHERE id = '" RESOURCE "'");
    th_db_exec(&t, "INSERT INTO services (venue_id, id, name, duration_minutes) VALUES ('" VENUE
                   "', '" SERVICE "', 'S', 60)");
    th_db_exec(&t, "INSERT INTO customers (id, phone, locale) VALUES ('" CUSTOMER
                   "', '+966500000001', 'ar')");
    ck_assert_str_eq(try_booking('1', "confirmed", "NULL", 1, "06:00", "07:00"), "");
    ck_assert_str_eq(
        try_booking('2', "pending_payment", "now() + interval '1 hour'", 1, "06:00", "07:00"), "");
    ck_assert_str_eq(try_booking('3', "pending_payment", "now()", 1, "06:00", "07:00"), "");
}

/* B3: whoever writes, plain SQL included. */
START_TEST(plain_sql_cannot_book_beyond_the_capacity)
{
    make_bookings();
    ck_assert_str_eq(try_booking('4', "confirmed", "NULL", 1, "06:30", "07:30"), "23P01");
    ck_assert_str_eq(try_booking('4', "confirmed", "NULL", 1, "05:00", "09:00"), "23P01");
    ck_assert_str_eq(try_booking('4', "completed", "NULL", 1, "06:59", "08:00"), "23P01");
    ck_assert_str_eq(try_booking('4', "cancelled", "NULL", 1, "06:00", "07:00"), "");
    ck_assert_str_eq(try_booking('5', "confirmed", "NULL", 2, "07:00", "08:00"), "");
    ck_assert_str_eq(try_booking('6', "confirmed", "NULL", 1, "07:30", "08:30"), "23P01");
    const char *changes[] = {
        "UPDATE bookings SET status = 'confirmed' WHERE id::text LIKE '%104'",
        "UPDATE bookings SET status = 'confirmed', hold_expires_at = NULL WHERE id::text LIKE "
        "'%103'",
        "UPDATE bookings SET party_size = 2 WHERE id::text LIKE '%101'",
        "UPDATE bookings SET starts_at = '2026-03-23 06:30Z', ends_at = '2026-03-23 07:30Z',"
        " occupied = '[2026-03-23 06:30Z,2026-03-23 07:30Z)' WHERE id::text LIKE '%101'",
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        ck_assert_str_eq(th_db_sqlstate(&t, "%s", changes[i]), "23P01");
    ck_assert_str_eq(th_db_sqlstate(&t, "UPDATE bookings SET occupied = 'empty'"), "23514");
}
END_TEST

/* A snapshot that is older than the lock would not see what others booked. */
START_TEST(other_isolation_levels_are_refused)
{
    make_bookings();
    th_db_exec(&t, "SET default_transaction_isolation = 'repeatable read'");
    ck_assert_str_eq(try_booking('7', "confirmed", "NULL", 1, "10:00", "11:00"), "0A000");
}
END_TEST

/* Two writers at once: the second waits for the first, and sees it. */
START_TEST(two_writers_at_once_do_not_book_twice)
{
    static const char insert[] =
        "INSERT INTO bookings (venue_id, id, service_id, resource_id, customer_id, status,"
        " starts_at, ends_at, occupied, party_size, amount, currency, payment) VALUES ('" VENUE
        "', gen_random_uuid(), '" SERVICE "', '" RESOURCE "', '" CUSTOMER
        "', 'confirmed', '2026-03-24 06:00Z', '2026-03-24 07:00Z',"
        " '[2026-03-24 06:00Z,2026-03-24 07:00Z)', 2, 0, 'SAR', 'none')";
    make_bookings();
    PGconn *a = th_db_connect(&t), *b = th_db_connect(&t);
    PQclear(PQexec(a, "BEGIN"));
    PQclear(PQexec(a, insert));
    ck_assert_int_eq(PQsendQuery(b, insert), 1);
    wait_until_blocked(PQbackendPID(b));
    PQclear(PQexec(a, "COMMIT"));
    PGresult *r = PQgetResult(b);
    ck_assert_int_eq(PQresultStatus(r), PGRES_FATAL_ERROR);
    ck_assert_str_eq(PQresultErrorField(r, PG_DIAG_SQLSTATE), "23P01");
    ck_assert_str_eq(PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME), "bookings_capacity");
    PQclear(r);
    PQfinish(a);
    PQfinish(b);
}
END_TEST

START_TEST(a_hold_is_dead_when_its_time_has_passed)
{
    make_bookings();
    ck_assert_str_eq(th_db_value(&t, "SELECT string_agg(booking_status(status, hold_expires_at), "
                                     "',' ORDER BY id) FROM bookings"),
                     "confirmed,pending_payment,expired");
    ck_assert_str_eq(th_db_sqlstate(&t, "UPDATE bookings SET status = 'confirmed'"),
                     "23514"); /* a hold's end must go with it */
}
END_TEST

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    Suite *s = suite_create("schema");
    TCase *c = th_case(s, "schema");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_loop_test(c, a_wall_time_has_one_instant, 0, (int)ARRAY_LEN(walls));
    tcase_add_loop_test(c, every_wall_time_of_a_year_is_its_first_instant, 0,
                        (int)ARRAY_LEN(zones));
    tcase_add_test(c, a_limit_is_taken_whole_or_not_at_all);
    tcase_add_test(c, a_window_that_has_passed_counts_no_more);
    tcase_add_test(c, two_takers_at_once_count_both);
    tcase_add_test(c, a_crowd_gets_exactly_the_limit);
    tcase_add_test(c, plain_sql_cannot_book_beyond_the_capacity);
    tcase_add_test(c, other_isolation_levels_are_refused);
    tcase_add_test(c, two_writers_at_once_do_not_book_twice);
    tcase_add_test(c, a_hold_is_dead_when_its_time_has_passed);
    return th_run(s);
}
