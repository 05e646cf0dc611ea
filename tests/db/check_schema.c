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

static void open_hours(int position, int weekday, int opens, int closes)
{
    th_db_exec(&t, "INSERT INTO opening_hours VALUES ('" VENUE "', '" RESOURCE "', %d, %d, %d, %d)",
               position, weekday, opens, closes);
}

/* Starts of a day (or two), as UTC times. 2026-03-23 is a Monday. */
static const char *starts(const char *zone, int duration, int step, const char *first,
                          const char *last)
{
    return th_db_value(&t,
                       "SELECT string_agg(to_char(starts_at AT TIME ZONE 'UTC', 'DD HH24:MI'), ',' "
                       "ORDER BY starts_at) FROM"
                       " resource_starts('" VENUE "', '" RESOURCE "', '%s', %d, %d, '%s', '%s')",
                       zone, duration, step, first, last);
}

START_TEST(starts_lie_on_the_grid_within_the_opening)
{
    make_venue("Asia/Riyadh");
    open_hours(0, 1, 9 * 60, 12 * 60);
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-23", "2026-03-23"),
                     "23 06:00,23 07:00,23 08:00");
    ck_assert_str_eq(starts("Asia/Riyadh", 90, 45, "2026-03-23", "2026-03-23"),
                     "23 06:00,23 06:45,23 07:30");
    ck_assert_str_eq(starts("Asia/Riyadh", 180, 30, "2026-03-23", "2026-03-23"), "23 06:00");
    ck_assert_str_eq(starts("Asia/Riyadh", 181, 30, "2026-03-23", "2026-03-23"), "");
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-24", "2026-03-29"), "");
}
END_TEST

START_TEST(an_opening_may_end_on_the_next_day)
{
    make_venue("Asia/Riyadh");
    open_hours(0, 1, 22 * 60, 2 * 60);
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-23", "2026-03-24"),
                     "23 19:00,23 20:00,23 21:00,23 22:00");
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-23", "2026-03-23"),
                     "23 19:00,23 20:00");
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-24", "2026-03-24"),
                     "23 21:00,23 22:00");
}
END_TEST

START_TEST(openings_that_overlap_give_each_start_once)
{
    make_venue("Asia/Riyadh");
    open_hours(0, 1, 9 * 60, 11 * 60);
    open_hours(1, 1, 10 * 60, 12 * 60);
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-23", "2026-03-23"),
                     "23 06:00,23 07:00,23 08:00");
}
END_TEST

START_TEST(a_clock_change_makes_an_opening_shorter_or_longer)
{
    make_venue("Europe/Berlin");
    open_hours(0, 7, 1 * 60, 5 * 60);
    ck_assert_str_eq(starts("Europe/Berlin", 60, 60, "2026-03-29", "2026-03-29"),
                     "29 00:00,29 01:00,29 02:00");
    ck_assert_str_eq(starts("Europe/Berlin", 60, 60, "2026-10-25", "2026-10-25"),
                     "24 23:00,25 00:00,25 01:00,25 02:00,25 03:00");
}
END_TEST

START_TEST(closures_block_from_start_to_before_the_end)
{
    make_venue("Asia/Riyadh");
    open_hours(0, 1, 9 * 60, 13 * 60);
    th_db_exec(&t, "INSERT INTO closures (venue_id, id, resource_id, starts_at, ends_at) VALUES"
                   " ('" VENUE "', gen_random_uuid(), '" RESOURCE
                   "', '2026-03-23 07:00Z', '2026-03-23 08:00Z'),"
                   " ('" VENUE "', gen_random_uuid(), '" OTHER
                   "', '2026-03-23 06:00Z', '2026-03-23 10:00Z')");
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-23", "2026-03-23"),
                     "23 06:00,23 08:00,23 09:00");
    th_db_exec(&t, "INSERT INTO closures (venue_id, id, starts_at, ends_at) VALUES"
                   " ('" VENUE "', gen_random_uuid(), '2026-03-23 09:59Z', '2026-03-24 00:00Z')");
    ck_assert_str_eq(starts("Asia/Riyadh", 60, 60, "2026-03-23", "2026-03-23"),
                     "23 06:00,23 08:00");
}
END_TEST

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

static void make_booking(char last, const char *status, const char *hold)
{
    th_db_exec(&t,
               "INSERT INTO bookings (venue_id, id, service_id, resource_id, customer_id, status, "
               "starts_at, ends_at, "
               "occupied,"
               " party_size, amount, currency, payment, hold_expires_at) VALUES ('" VENUE
               "', '00000000-0000-7000-8000-00000000010%c', '" SERVICE "', '" RESOURCE
               "', '" CUSTOMER "', '%s', '2026-03-23 06:00Z', '2026-03-23 07:00Z', '[2026-03-23 "
               "06:00Z,2026-03-23 07:00Z)', 1, 0, 'SAR',"
               " 'none', %s)",
               last, status, hold);
}

static void make_bookings(void)
{
    make_venue("Asia/Riyadh");
    th_db_exec(&t, "INSERT INTO services (venue_id, id, name, duration_minutes) VALUES ('" VENUE
                   "', '" SERVICE "', 'S', 60)");
    th_db_exec(&t, "INSERT INTO customers (id, phone, locale) VALUES ('" CUSTOMER
                   "', '+966500000001', 'ar')");
    make_booking('1', "confirmed", "NULL");
    make_booking('2', "pending_payment", "now() + interval '1 hour'");
    make_booking('3', "pending_payment", "now()");
}

static const char *take_unit(char booking, const char *resource, int unit, const char *range)
{
    return th_db_sqlstate(&t,
                          "INSERT INTO booking_units (venue_id, resource_id, unit, booking_id, "
                          "occupied) VALUES ('" VENUE
                          "', '%s', %d, '00000000-0000-7000-8000-00000000010%c', '%s')",
                          resource, unit, booking, range);
}

START_TEST(plain_sql_cannot_book_twice)
{
    make_bookings();
    ck_assert_str_eq(take_unit('1', RESOURCE, 1, "[2026-03-23 06:00Z,2026-03-23 07:00Z)"), "");
    ck_assert_str_eq(take_unit('2', RESOURCE, 1, "[2026-03-23 06:59Z,2026-03-23 08:00Z)"), "23P01");
    ck_assert_str_eq(take_unit('2', RESOURCE, 1, "[2026-03-23 05:00Z,2026-03-23 09:00Z)"), "23P01");
    ck_assert_str_eq(take_unit('2', RESOURCE, 1, "empty"), "23514");
    ck_assert_str_eq(take_unit('2', RESOURCE, 1, "[2026-03-23 07:00Z,2026-03-23 08:00Z)"), "");
    ck_assert_str_eq(take_unit('3', RESOURCE, 2, "[2026-03-23 06:00Z,2026-03-23 07:00Z)"), "");
    ck_assert_str_eq(take_unit('3', OTHER, 1, "[2026-03-23 06:00Z,2026-03-23 07:00Z)"), "");
    ck_assert_str_eq(
        th_db_sqlstate(&t,
                       "UPDATE booking_units SET occupied = '[2026-03-23 06:30Z,2026-03-23 08:00Z)'"
                       " WHERE unit = 1 AND booking_id = '00000000-0000-7000-8000-000000000102'"),
        "23P01");
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
    tcase_add_test(c, starts_lie_on_the_grid_within_the_opening);
    tcase_add_test(c, an_opening_may_end_on_the_next_day);
    tcase_add_test(c, openings_that_overlap_give_each_start_once);
    tcase_add_test(c, a_clock_change_makes_an_opening_shorter_or_longer);
    tcase_add_test(c, closures_block_from_start_to_before_the_end);
    tcase_add_test(c, a_limit_is_taken_whole_or_not_at_all);
    tcase_add_test(c, a_window_that_has_passed_counts_no_more);
    tcase_add_test(c, two_takers_at_once_count_both);
    tcase_add_test(c, a_crowd_gets_exactly_the_limit);
    tcase_add_test(c, plain_sql_cannot_book_twice);
    tcase_add_test(c, a_hold_is_dead_when_its_time_has_passed);
    return th_run(s);
}
