/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Bookings against a real database: what is refused and why, what every change leaves behind. */
#include <stdlib.h>

#include "../lib/th_book.h"
#include "../lib/th_unit.h"
#include "svc/booking_reads.h"

#define EXPECT(e, want) ck_assert_str_eq(err_code(e), err_code(want))
#define COUNT(...) atoi(th_db_value(&tb.t, "SELECT count(*) FROM " __VA_ARGS__))

static void sql(const char *text)
{
    th_db_exec(&tb.t, "%s", text);
}

/* ---- refusals ---- */

static const struct {
    const char *prepare; /* SQL */
    int hours;
    int64_t party;
    const char *service, *resource, *venue;
    enum err want;
} refusals[] = {
    {NULL, 10, 1, NOBODY, NULL, NULL, ERR_NOT_FOUND},
    {NULL, 10, 1, SERVICE, NULL, OTHER_VENUE, ERR_NOT_FOUND},
    {NULL, 10, 1, SERVICE, NOBODY, NULL, ERR_NOT_FOUND},
    {"UPDATE services SET active = false", 10, 1, SERVICE, NULL, NULL, ERR_NOT_FOUND},
    {"UPDATE venues SET active = false", 10, 1, SERVICE, NULL, NULL, ERR_NOT_FOUND},
    {"UPDATE resources SET active = false", 10, 1, SERVICE, RESOURCE_A, NULL, ERR_NOT_FOUND},
    {"DELETE FROM service_resources", 10, 1, SERVICE, RESOURCE_A, NULL, ERR_NOT_FOUND},
    {"UPDATE resources SET active = false", 10, 1, SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
    {"UPDATE services SET slot_step_minutes = 45", 10, 1, SERVICE, NULL, NULL,
     ERR_SLOT_NOT_OFFERED},
    {"UPDATE services SET min_notice_minutes = 14400", 10, 1, SERVICE, NULL, NULL,
     ERR_SLOT_NOT_OFFERED},
    {"UPDATE services SET max_advance_days = 1", 10, 1, SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
    {"DELETE FROM opening_hours", 10, 1, SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
    {"INSERT INTO closures (venue_id, id, starts_at, ends_at)"
     " VALUES ('" VENUE "', '" NOBODY "', now(), now() + interval '9 days')",
     10, 1, SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
    {"UPDATE services SET price = 9000000000000000000; UPDATE resources SET capacity = 9", 10, 2,
     SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
    {NULL, -240, 1, SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
    {NULL, 10, 2, SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
    {NULL, 10, 2000000000, SERVICE, NULL, NULL, ERR_SLOT_NOT_OFFERED},
};

START_TEST(what_cannot_be_booked_is_refused_with_its_reason)
{
    if (refusals[_i].prepare)
        sql(refusals[_i].prepare);
    struct booking_order o = th_book_order(refusals[_i].hours);
    o.party_size = refusals[_i].party;
    o.service_id = refusals[_i].service;
    o.resource_id = refusals[_i].resource;
    o.venue_id = refusals[_i].venue;
    struct booking bk;
    EXPECT(th_book_as(&tb.alice, &o, &bk), refusals[_i].want);
    ck_assert_int_eq(COUNT("bookings"), 0);
    ck_assert_int_eq(COUNT("notifications"), 0);
    ck_assert_int_eq(th_sms.calls, 0);
    ck_assert_int_eq(
        COUNT("pg_stat_activity WHERE state LIKE 'idle in%%' AND datname = current_database()"), 0);
}
END_TEST

START_TEST(a_taken_slot_and_a_full_customer_are_conflicts)
{
    struct booking bk;
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(th_book_make(&tb.bob, 10, &bk), ERR_SLOT_TAKEN);
    struct booking_order o = th_book_order(10);
    o.phone = "+966551234599";
    EXPECT(th_book_as(&tb.staff, &o, &bk), ERR_SLOT_TAKEN);
    ck_assert_int_eq(COUNT("customers"), 2); /* the refused one left no customer behind */
    tb.cfg.bookings.max_active_per_customer = 1;
    EXPECT(th_book_make(&tb.alice, 11, &bk), ERR_BOOKING_LIMIT);
    o = th_book_order(11);
    o.phone = tb.alice.phone;
    EXPECT(th_book_as(&tb.staff, &o, &bk), ERR_OK); /* the limit protects against customers */
    ck_assert_str_eq(bk.customer_id.s, ALICE);
    EXPECT(th_book_make(&tb.bob, 12, &bk), ERR_OK);
}
END_TEST

START_TEST(buffers_keep_bookings_apart)
{
    struct booking bk;
    sql("UPDATE services SET buffer_after_minutes = 15");
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(th_book_make(&tb.bob, 11, &bk), ERR_SLOT_TAKEN);
    EXPECT(th_book_make(&tb.bob, 9, &bk), ERR_SLOT_TAKEN);
    EXPECT(th_book_make(&tb.bob, 12, &bk), ERR_OK);
}
END_TEST

/* ---- what a booking leaves behind ---- */

START_TEST(a_booking_is_whole)
{
    struct booking bk;
    EXPECT(db_connect(tb.db, tb.svc.deadline), ERR_OK);
    uint64_t before = db_round_trips(tb.db);
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    ck_assert_uint_eq(db_round_trips(tb.db) - before,
                      3); /* two, the notification, one; authentication comes before */

    ck_assert_int_eq(bk.state, BOOKING_CONFIRMED);
    ck_assert_int_eq(bk.version, 1);
    ck_assert_int_eq(bk.amount, 5000);
    ck_assert_int_eq(bk.ends_at.us - bk.starts_at.us, 3600 * 1000000LL);
    ck_assert(!bk.has_hold && !bk.has_cancelled && !bk.note);
    ck_assert_int_eq(COUNT("bookings WHERE id = '%s' AND status = 'confirmed'", bk.id.s), 1);
    ck_assert_int_eq(
        COUNT("booking_history WHERE booking_id = '%s' AND version = 1 AND from_status IS NULL"
              " AND to_status = 'confirmed' AND actor = 'customer' AND request_id = 'req-1'",
              bk.id.s),
        1);
    ck_assert_int_eq(
        COUNT("notifications WHERE booking_id = '%s' AND status = 'SENT' AND attempts = 1"
              " AND provider = 'sms' AND provider_message_id = 'm-1' AND template = "
              "'booking_confirmed'",
              bk.id.s),
        1);
    ck_assert_int_eq(COUNT("audit_log"), 0);
    ck_assert_str_eq(th_sms.to, "+966551234567");
    const char *want = th_db_value(
        &tb.t,
        "SELECT 'Cut ' || d || ', 10:00-' || d || ', 11:00 at Palm {venue}, Chair 1, 1 {x} {' FROM"
        " to_char(now() AT TIME ZONE 'Asia/Riyadh' + interval '2 days', 'FMDay, FMDD FMMonth') d");
    ck_assert_str_eq(th_sms.text, want);
}
END_TEST

START_TEST(staff_book_for_a_phone)
{
    struct booking_order o = th_book_order(10);
    struct booking bk;
    o.venue_id = VENUE;
    o.phone = "+966551234599";
    o.guest_name = "Carol";
    o.note = "by the window";
    EXPECT(th_book_as(&tb.staff, &o, &bk), ERR_OK);
    ck_assert_str_eq(bk.name, "Carol");
    ck_assert_str_eq(bk.note, "by the window");
    o = th_book_order(11);
    o.phone = tb.alice.phone;
    o.guest_name = "Somebody";
    EXPECT(th_book_as(&tb.staff, &o, &bk), ERR_OK);
    ck_assert_str_eq(bk.name, "Alice"); /* her own */
    o = th_book_order(12);
    o.phone = tb.bob.phone;
    o.guest_name = "Bob";
    EXPECT(th_book_as(&tb.staff, &o, &bk), ERR_OK);
    ck_assert_ptr_null(bk.name); /* B15: what staff write is of the booking */
    ck_assert_str_eq(bk.guest_name, "Bob");
    ck_assert_int_eq(COUNT("customers"), 3);
    ck_assert_int_eq(COUNT("booking_history WHERE actor = 'staff:desk'"), 3);
    ck_assert_int_eq(COUNT("audit_log WHERE action = 'booking.create' AND actor = 'staff:desk' AND "
                           "venue_id = '" VENUE "'"),
                     3);
}
END_TEST

/* ---- capacity and choice ---- */

START_TEST(a_party_takes_as_many_units)
{
    struct booking_order o = th_book_order(10);
    struct booking bk;
    sql("UPDATE resources SET capacity = 3");
    o.party_size = 2;
    EXPECT(th_book_as(&tb.alice, &o, &bk), ERR_OK);
    ck_assert_int_eq(bk.amount, 10000);
    EXPECT(th_book_as(&tb.bob, &o, &bk), ERR_SLOT_TAKEN);
    o.party_size = 1;
    EXPECT(th_book_as(&tb.bob, &o, &bk), ERR_OK);
    EXPECT(th_book_as(&tb.bob, &o, &bk), ERR_SLOT_TAKEN);
}
END_TEST

static void second_resource(int capacity)
{
    th_db_exec(&tb.t,
               "INSERT INTO resources (venue_id, id, name, capacity) VALUES ('" VENUE
               "', '" RESOURCE_B "', 'B', %d)",
               capacity);
    sql("INSERT INTO service_resources VALUES ('" VENUE "', '" SERVICE "', '" RESOURCE_B "')");
    sql("INSERT INTO opening_hours SELECT '" VENUE "', '" RESOURCE_B
        "', n, n, 0, 1440 FROM generate_series(1, 7) n");
}

/* B9: the fewest booked minutes of that local day, ties by id. */
START_TEST(any_resource_is_the_one_with_least_to_do)
{
    struct booking_order o = th_book_order(10);
    struct booking bk;
    sql("UPDATE resources SET capacity = 8");
    second_resource(2);
    o.party_size = 2;
    EXPECT(th_book_as(&tb.alice, &o, &bk), ERR_OK);
    ck_assert_str_eq(bk.resource_id.s, RESOURCE_A);
    EXPECT(th_book_as(&tb.alice, &o, &bk), ERR_OK);
    ck_assert_str_eq(bk.resource_id.s, RESOURCE_B);
    o.resource_id = RESOURCE_B;
    EXPECT(th_book_as(&tb.alice, &o, &bk), ERR_SLOT_TAKEN);
    o.party_size = 3;
    EXPECT(th_book_as(&tb.alice, &o, &bk),
           ERR_SLOT_NOT_OFFERED); /* larger than the one that was asked for */
}
END_TEST

/* ---- holds ---- */

static void pay_online(void)
{
    sql("UPDATE services SET payment = 'online'");
}

static void age_hold(const char *id)
{
    th_db_exec(&tb.t,
               "UPDATE bookings SET hold_expires_at = now() - interval '1 second' WHERE id = '%s'",
               id);
}

START_TEST(an_online_service_is_held_and_a_free_one_is_not)
{
    struct booking bk;
    pay_online();
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    ck_assert_int_eq(bk.state, BOOKING_PENDING_PAYMENT);
    ck_assert(bk.has_hold);
    ck_assert_int_eq(bk.hold_expires_at.us - bk.created_at.us, 900 * 1000000LL);
    ck_assert_int_eq(COUNT("bookings WHERE hold_expires_at IS NOT NULL"), 1);
    ck_assert_int_eq(COUNT("notifications"), 0);
    EXPECT(th_book_make(&tb.bob, 10, &bk), ERR_SLOT_TAKEN);
    sql("UPDATE services SET price = 0");
    EXPECT(th_book_make(&tb.alice, 11, &bk), ERR_OK);
    ck_assert_int_eq(bk.state, BOOKING_CONFIRMED);
}
END_TEST

START_TEST(a_dead_hold_is_dead_for_everybody_at_once)
{
    struct booking held, bk;
    pay_online();
    tb.cfg.bookings.max_active_per_customer = 1;
    EXPECT(th_book_make(&tb.alice, 10, &held), ERR_OK);
    age_hold(held.id.s);
    EXPECT(th_book_move_on(&tb.staff, held.id.s, BOOKING_CONFIRMED), ERR_BOOKING_NOT_ACTIVE);
    EXPECT(th_book_move_on(&tb.alice, held.id.s, BOOKING_CANCELLED), ERR_BOOKING_NOT_ACTIVE);
    EXPECT(th_book_reschedule(&tb.alice, held.id.s, 12), ERR_BOOKING_NOT_ACTIVE);
    EXPECT(th_book_make(&tb.alice, 11, &bk), ERR_OK); /* it does not count for the limit */
    EXPECT(th_book_make(&tb.bob, 10, &bk), ERR_OK);   /* nor against the slot */
}
END_TEST

START_TEST(the_keeper_ends_dead_holds_once)
{
    struct booking held;
    unsigned done;
    pay_online();
    EXPECT(th_book_make(&tb.alice, 10, &held), ERR_OK);
    EXPECT(booking_expire_due(&tb.svc, 10, &done), ERR_OK);
    ck_assert_uint_eq(done, 0);
    age_hold(held.id.s);
    EXPECT(booking_expire_due(&tb.svc, 10, &done), ERR_OK);
    ck_assert_uint_eq(done, 1);
    ck_assert_int_eq(
        COUNT("bookings WHERE status = 'expired' AND version = 2 AND hold_expires_at IS NULL"), 1);
    ck_assert_int_eq(COUNT("booking_history WHERE from_status = 'pending_payment' AND to_status = "
                           "'expired' AND actor = 'keeper'"),
                     1);
    ck_assert_int_eq(COUNT("notifications WHERE template = 'booking_expired' AND status = 'SENT'"),
                     1);
    EXPECT(booking_expire_due(&tb.svc, 10, &done), ERR_OK);
    ck_assert_uint_eq(done, 0);
    ck_assert_int_eq(th_sms.calls, 1);
}
END_TEST

START_TEST(staff_confirm_a_hold)
{
    struct booking held, bk;
    pay_online();
    EXPECT(th_book_make(&tb.alice, 10, &held), ERR_OK);
    EXPECT(th_book_move_on(&tb.staff, held.id.s, BOOKING_CONFIRMED), ERR_OK);
    ck_assert_int_eq(COUNT("bookings WHERE status = 'confirmed' AND hold_expires_at IS NULL"), 1);
    ck_assert_int_eq(COUNT("notifications WHERE template = 'booking_confirmed'"), 1);
    ck_assert_int_eq(COUNT("audit_log WHERE action = 'booking.confirm'"), 1);
    EXPECT(th_book_make(&tb.bob, 10, &bk), ERR_SLOT_TAKEN);
}
END_TEST

/* ---- moving ---- */

START_TEST(a_booking_moves_in_one_step)
{
    struct booking bk;
    sql("UPDATE services SET slot_step_minutes = 30");
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    struct booking_caller c = {.who = &tb.alice};
    struct booking_move m = {.id = bk.id.s, .starts_at = {bk.starts_at.us + 1800 * 1000000LL}};
    struct booking after;
    EXPECT(db_connect(tb.db, tb.svc.deadline), ERR_OK);
    uint64_t before = db_round_trips(tb.db);
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_OK); /* onto half of its own time */
    ck_assert_uint_eq(db_round_trips(tb.db) - before, 3);
    ck_assert_int_eq(after.version, 2);
    ck_assert_int_eq(after.starts_at.us, m.starts_at.us);
    ck_assert_int_eq(
        COUNT("notifications WHERE template = 'booking_rescheduled' AND status = 'SENT'"), 1);
    ck_assert_int_eq(COUNT("booking_history WHERE version = 2 AND from_status = 'confirmed' AND "
                           "to_status = 'confirmed'"),
                     1);
    m.match = (struct versions){.limited = true, .n = 1, .v = {1}};
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_VERSION_MISMATCH);
    EXPECT(th_book_make(&tb.bob, 9, &after), ERR_OK); /* its old time is free */
}
END_TEST

START_TEST(a_move_that_fails_changes_nothing)
{
    struct booking bk, other;
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(th_book_make(&tb.bob, 11, &other), ERR_OK);
    EXPECT(th_book_reschedule(&tb.alice, bk.id.s, 11), ERR_SLOT_TAKEN);
    EXPECT(th_book_reschedule(&tb.alice, bk.id.s, -200), ERR_SLOT_NOT_OFFERED);
    EXPECT(th_book_reschedule(&tb.alice, bk.id.s, 24 * 300), ERR_SLOT_NOT_OFFERED);
    EXPECT(th_book_reschedule(&tb.bob, bk.id.s, 12), ERR_NOT_FOUND);
    EXPECT(th_book_reschedule(&tb.alice, NOBODY, 12), ERR_NOT_FOUND);
    struct booking_caller c = {.who = &tb.alice};
    struct booking_move m = {.id = bk.id.s,
                             .starts_at = th_book_hour(12),
                             .choice = RESOURCE_THIS,
                             .resource_id = NOBODY};
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &other), ERR_NOT_FOUND);
    sql("UPDATE services SET active = false");
    EXPECT(th_book_reschedule(&tb.alice, bk.id.s, 12), ERR_SLOT_NOT_OFFERED);
    ck_assert_int_eq(COUNT("bookings WHERE id = '%s' AND version = 1 AND starts_at ="
                           " to_timestamp(%lld / 1000000.0)",
                           bk.id.s, (long long)bk.starts_at.us),
                     1);
    th_db_exec(&tb.t,
               "UPDATE services SET active = true;"
               " UPDATE bookings SET starts_at = now() - interval '1 minute',"
               " occupied = tstzrange(now() - interval '1 minute', ends_at) WHERE id = '%s'",
               bk.id.s);
    EXPECT(th_book_reschedule(&tb.alice, bk.id.s, 12), ERR_CANCELLATION_CLOSED); /* it has begun */
}
END_TEST

START_TEST(a_hold_moves_with_its_end_and_without_a_notice)
{
    struct booking bk, after;
    struct booking_order o = th_book_order(11);
    pay_online();
    second_resource(1);
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    ck_assert_str_eq(bk.resource_id.s, RESOURCE_A);
    o.resource_id = RESOURCE_A;
    EXPECT(th_book_as(&tb.bob, &o, &after), ERR_OK);
    struct booking_caller c = {.who = &tb.alice};
    struct booking_move m = {.id = bk.id.s, .starts_at = th_book_hour(11)};
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_OK);
    ck_assert_str_eq(after.resource_id.s, RESOURCE_B); /* its own is taken then */
    ck_assert_int_eq(after.hold_expires_at.us, bk.hold_expires_at.us);
    ck_assert_int_eq(COUNT("notifications"), 0);
}
END_TEST

/* B8 */
START_TEST(a_chosen_resource_is_kept)
{
    struct booking bk, after;
    struct booking_order o = th_book_order(9);
    second_resource(1);
    o.resource_id = RESOURCE_A;
    EXPECT(th_book_as(&tb.alice, &o, &bk), ERR_OK);
    ck_assert(bk.resource_chosen);
    o = th_book_order(11);
    o.resource_id = RESOURCE_A;
    EXPECT(th_book_as(&tb.bob, &o, &after), ERR_OK);
    struct booking_caller c = {.who = &tb.alice};
    struct booking_move m = {.id = bk.id.s, .starts_at = th_book_hour(11)};
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_SLOT_TAKEN);
    m.choice = RESOURCE_ANY;
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_OK);
    ck_assert_str_eq(after.resource_id.s, RESOURCE_B);
    ck_assert(!after.resource_chosen);
    m = (struct booking_move){.id = bk.id.s,
                              .starts_at = th_book_hour(12),
                              .choice = RESOURCE_THIS,
                              .resource_id = RESOURCE_A};
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_OK);
    ck_assert(after.resource_chosen);
    th_db_exec(&tb.t, "DELETE FROM opening_hours WHERE resource_id = '" RESOURCE_A "'");
    m = (struct booking_move){.id = bk.id.s, .starts_at = th_book_hour(13)};
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_SLOT_NOT_OFFERED);
}
END_TEST

/* B1, B2: people at a moment, whatever was cancelled or lowered before. */
START_TEST(people_are_counted_and_not_places)
{
    struct booking_order o = th_book_order(10);
    struct booking a, b, bk;
    sql("UPDATE resources SET capacity = 10");
    o.party_size = 4;
    EXPECT(th_book_as(&tb.alice, &o, &a), ERR_OK);
    EXPECT(th_book_as(&tb.bob, &o, &b), ERR_OK);
    EXPECT(th_book_move_on(&tb.alice, a.id.s, BOOKING_CANCELLED), ERR_OK);
    sql("UPDATE resources SET capacity = 6");
    EXPECT(th_book_as(&tb.alice, &o, &bk), ERR_SLOT_TAKEN);
    o.party_size = 2;
    EXPECT(th_book_as(&tb.alice, &o, &bk), ERR_OK);
}
END_TEST

/* B4, B5: the deadline is the booking's, and a move does not go around it. */
START_TEST(the_deadline_travels_with_the_booking)
{
    struct booking bk, after;
    sql("UPDATE services SET free_cancellation_minutes = 60");
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    ck_assert_int_eq(bk.free_cancel_until.us, bk.starts_at.us - 3600 * 1000000LL);
    sql("UPDATE services SET free_cancellation_minutes = 200000");
    EXPECT(th_book_reschedule(&tb.alice, bk.id.s, 11), ERR_OK);
    EXPECT(th_book_move_on(&tb.alice, bk.id.s, BOOKING_CANCELLED), ERR_OK);
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(th_book_reschedule(&tb.alice, bk.id.s, 11), ERR_CANCELLATION_CLOSED);
    EXPECT(th_book_move_on(&tb.alice, bk.id.s, BOOKING_CANCELLED), ERR_CANCELLATION_CLOSED);
    struct booking_caller c = {.who = &tb.staff};
    struct booking_move m = {.id = bk.id.s, .starts_at = th_book_hour(12)};
    EXPECT(booking_reschedule(&tb.svc, &c, &m, &after), ERR_OK);
}
END_TEST

static void begin_booking(const char *id);

static enum err reopen(const char *id, struct booking *out)
{
    struct booking_caller c = {.who = &tb.staff};
    struct booking_transition t = {.id = id, .to = BOOKING_CONFIRMED, .reopen = true};
    return booking_move_on(&tb.svc, &c, &t, out);
}

/* B11 */
START_TEST(staff_take_a_no_show_back)
{
    struct booking bk, after;
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(reopen(bk.id.s, &after), ERR_BOOKING_NOT_ACTIVE);
    begin_booking(bk.id.s);
    EXPECT(th_book_move_on(&tb.staff, bk.id.s, BOOKING_NO_SHOW), ERR_OK);
    EXPECT(th_book_move_on(&tb.staff, bk.id.s, BOOKING_CONFIRMED), ERR_BOOKING_NOT_ACTIVE);
    EXPECT(reopen(bk.id.s, &after), ERR_OK);
    ck_assert_int_eq(after.state, BOOKING_CONFIRMED);
    ck_assert_int_eq(COUNT("audit_log WHERE action = 'booking.reopen'"), 1);
    ck_assert_int_eq(COUNT("notifications WHERE booking_id = '%s'", bk.id.s), 1);
    EXPECT(th_book_move_on(&tb.staff, bk.id.s, BOOKING_COMPLETED), ERR_OK);
    th_db_exec(&tb.t, "UPDATE bookings SET ended_at = now() - interval '7 days 1 second'");
    EXPECT(reopen(bk.id.s, &after), ERR_BOOKING_NOT_ACTIVE);
}
END_TEST

/* ---- transitions ---- */

/* Completed and no-show need the start to have passed: B10. */
static const char legal[BOOKING_STATE_COUNT][BOOKING_STATE_COUNT] = {
    [BOOKING_PENDING_PAYMENT] = {[BOOKING_CONFIRMED] = 1, [BOOKING_CANCELLED] = 1},
    [BOOKING_CONFIRMED] = {[BOOKING_CANCELLED] = 1, [BOOKING_COMPLETED] = 1, [BOOKING_NO_SHOW] = 1},
};

static void begin_booking(const char *id)
{
    th_db_exec(&tb.t,
               "UPDATE bookings SET starts_at = now() - interval '1 hour', ends_at = now() +"
               " interval '1 second', occupied = tstzrange(now() - interval '1 hour', now() +"
               " interval '1 second') WHERE id = '%s'",
               id);
}

static void try_transition(int hour, enum booking_state from, enum booking_state to)
{
    struct booking bk;
    const char *names[] = {booking_state_names[from], booking_state_names[to]};
    EXPECT(th_book_make(&tb.alice, hour, &bk), ERR_OK);
    const char *id = bk.id.s;
    if (from != BOOKING_PENDING_PAYMENT)
        th_db_exec(&tb.t,
                   "UPDATE bookings SET status = '%s', hold_expires_at = NULL WHERE id = '%s'",
                   names[0], id);
    EXPECT(th_book_move_on(&tb.bound, id, to), ERR_NOT_FOUND);
    EXPECT(th_book_move_on(&tb.bob, id, to), ERR_NOT_FOUND);
    if (from == BOOKING_CONFIRMED && (to == BOOKING_COMPLETED || to == BOOKING_NO_SHOW)) {
        EXPECT(th_book_move_on(&tb.staff, id, to), ERR_BOOKING_NOT_ACTIVE);
        ck_assert_str_eq(tb.svc.detail, "The booking has not started yet.");
        th_db_exec(&tb.t, "DELETE FROM bookings WHERE starts_at < now()");
        begin_booking(id);
    }
    EXPECT(th_book_move_on(&tb.staff, id, to), legal[from][to] ? ERR_OK : ERR_BOOKING_NOT_ACTIVE);
    ck_assert_int_eq(COUNT("audit_log WHERE subject = '%s'", id), legal[from][to]);
    ck_assert_int_eq(COUNT("booking_history WHERE booking_id = '%s' AND version > 1", id),
                     legal[from][to]);
    if (!legal[from][to])
        return;
    ck_assert_int_eq(
        COUNT("booking_history WHERE booking_id = '%s' AND version = 2 AND from_status = '%s'"
              " AND to_status = '%s' AND actor = 'staff:desk'",
              id, names[0], names[1]),
        1);
    ck_assert_int_eq(COUNT("bookings WHERE id = '%s' AND version = 2 AND status = '%s'"
                           " AND (cancelled_at IS NOT NULL) = (status = 'cancelled')",
                           id, names[1]),
                     1);
}

START_TEST(only_the_contracts_transitions_exist)
{
    pay_online();
    tb.cfg.bookings.max_active_per_customer = 100;
    for (int i = 0; i < BOOKING_STATE_COUNT * BOOKING_STATE_COUNT; i++)
        try_transition(i, (enum booking_state)(i / BOOKING_STATE_COUNT),
                       (enum booking_state)(i % BOOKING_STATE_COUNT));
}
END_TEST

START_TEST(customers_cancel_while_it_is_free)
{
    struct booking bk;
    sql("UPDATE services SET free_cancellation_minutes = 20000");
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(th_book_move_on(&tb.alice, bk.id.s, BOOKING_CANCELLED), ERR_CANCELLATION_CLOSED);
    EXPECT(th_book_move_on(&tb.staff, bk.id.s, BOOKING_CANCELLED), ERR_OK);
    pay_online();
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(th_book_move_on(&tb.alice, bk.id.s, BOOKING_CANCELLED), ERR_OK); /* not paid yet */
    sql("UPDATE services SET free_cancellation_minutes = 60");
    EXPECT(th_book_make(&tb.alice, 10, &bk), ERR_OK);
    EXPECT(th_book_move_on(&tb.staff, bk.id.s, BOOKING_CONFIRMED), ERR_OK);
    struct booking_caller c = {.who = &tb.alice};
    struct booking_transition t = {.id = bk.id.s,
                                   .to = BOOKING_CANCELLED,
                                   .reason = "ill",
                                   .match = {.limited = true, .n = 1, .v = {1}}};
    struct booking after;
    EXPECT(booking_move_on(&tb.svc, &c, &t, &after), ERR_VERSION_MISMATCH);
    t.match.v[0] = 2;
    EXPECT(booking_move_on(&tb.svc, &c, &t, &after), ERR_OK);
    ck_assert(after.state == BOOKING_CANCELLED && after.has_cancelled && after.version == 3);
    ck_assert_int_eq(COUNT("bookings WHERE id = '%s' AND (extract(epoch FROM cancelled_at) * "
                           "1000000)::bigint = %lld",
                           bk.id.s, (long long)after.cancelled_at.us),
                     1);
    ck_assert_int_eq(COUNT("booking_history WHERE version = 3 AND reason = 'ill'"), 1);
    ck_assert_int_eq(
        COUNT("notifications WHERE template = 'booking_cancelled' AND booking_id = '%s'", bk.id.s),
        1);
    EXPECT(th_book_move_on(&tb.alice, bk.id.s, BOOKING_CANCELLED), ERR_BOOKING_NOT_ACTIVE);
    EXPECT(th_book_make(&tb.bob, 10, &bk), ERR_OK);
}
END_TEST

/* ---- reads ---- */

static int list_mine(const char *hash, const struct booking_list *q, struct booking *out, int max)
{
    struct db_batch *b = db_batch(tb.db, tb.arena, DB_READ);
    int i = booking_add_list_mine(b, hash, q);
    EXPECT(db_run(b, tb.svc.deadline), ERR_OK);
    int n = db_count(db_result(b, i));
    for (int row = 0; row < n && row < max; row++)
        booking_read(db_result(b, i), row, &out[row]);
    return n;
}

START_TEST(lists_are_the_callers_own_in_pages)
{
    struct booking bk[8];
    sql("INSERT INTO sessions VALUES ('hash-a', '" ALICE "', now(), now() + interval '1 day'),"
        " ('hash-b', '" BOB "', now(), now() + interval '1 day'), ('hash-old', '" ALICE
        "', now(), now() - interval '1 s')");
    pay_online();
    for (int h = 10; h < 15; h++)
        EXPECT(th_book_make(&tb.alice, h, &bk[h - 10]), ERR_OK);
    age_hold(bk[0].id.s);
    struct booking_list q = {.limit = 3};
    ck_assert_int_eq(list_mine("hash-a", &q, bk, 8), 3);
    ck_assert(bk[0].starts_at.us > bk[1].starts_at.us && bk[1].starts_at.us > bk[2].starts_at.us);
    char at[WALL_RFC3339_MAX];
    q.after_start = wall_format(bk[2].starts_at, at);
    q.after_id = bk[2].id.s;
    ck_assert_int_eq(list_mine("hash-a", &q, &bk[3], 5), 2);
    ck_assert(bk[3].starts_at.us < bk[2].starts_at.us);
    q = (struct booking_list){.limit = 9, .has_state = true, .state = BOOKING_EXPIRED};
    ck_assert_int_eq(list_mine("hash-a", &q, bk, 8), 1);
    ck_assert(bk[0].state == BOOKING_EXPIRED && !bk[0].has_hold);
    q.has_state = false;
    ck_assert_int_eq(list_mine("hash-b", &q, bk, 8), 0);
    ck_assert_int_eq(list_mine("hash-old", &q, bk, 8), 0);
    ck_assert_int_eq(list_mine(NULL, &q, bk, 8), 0);
}
END_TEST

static int calendar(const char *hash, struct booking_list q)
{
    struct db_batch *b = db_batch(tb.db, tb.arena, DB_READ);
    q.venue_id = VENUE;
    q.limit = 50;
    int i = booking_add_list_staff(b, hash, &q);
    EXPECT(db_run(b, tb.svc.deadline), ERR_OK);
    return db_count(db_result(b, i));
}

START_TEST(the_calendar_is_by_local_date_and_for_the_keys_venue)
{
    struct booking bk;
    char day[2][16];
    sql("INSERT INTO staff_keys (id, name, key_hash, role, venue_id) VALUES"
        " (gen_random_uuid(), 'all', 'k-all', 'viewer', NULL), (gen_random_uuid(), 'own', 'k-own', "
        "'viewer', '" VENUE "'),"
        " (gen_random_uuid(), 'other', 'k-other', 'admin', '" OTHER_VENUE "')");
    EXPECT(th_book_make(&tb.alice, 0, &bk),
           ERR_OK); /* midnight in Riyadh is the day before in UTC */
    EXPECT(th_book_make(&tb.alice, 23, &bk), ERR_OK);
    EXPECT(th_book_make(&tb.alice, 24, &bk), ERR_OK);
    for (int i = 0; i < 2; i++)
        snprintf(day[i], sizeof day[i], "%s",
                 th_db_value(&tb.t,
                             "SELECT to_char(now() AT TIME ZONE 'Asia/Riyadh' + interval '%d "
                             "days', 'YYYY-MM-DD')",
                             2 + i));
    ck_assert_int_eq(calendar("k-all", (struct booking_list){.from = day[0], .to = day[0]}), 2);
    ck_assert_int_eq(calendar("k-own", (struct booking_list){.from = day[1]}), 1);
    ck_assert_int_eq(calendar("k-own", (struct booking_list){.to = day[1]}), 3);
    ck_assert_int_eq(calendar("k-own", (struct booking_list){.states = "{expired}"}), 0);
    ck_assert_int_eq(calendar("k-other", (struct booking_list){.limit = 0}), 0);
    sql("UPDATE staff_keys SET revoked_at = now()");
    ck_assert_int_eq(calendar("k-all", (struct booking_list){.limit = 0}), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("booking");
    TCase *c = th_case(s, "booking");
    tcase_add_checked_fixture(c, th_book_set_up, th_book_tear_down);
    tcase_set_timeout(c, 30);
    tcase_add_loop_test(c, what_cannot_be_booked_is_refused_with_its_reason, 0,
                        (int)ARRAY_LEN(refusals));
    tcase_add_test(c, a_taken_slot_and_a_full_customer_are_conflicts);
    tcase_add_test(c, buffers_keep_bookings_apart);
    tcase_add_test(c, a_booking_is_whole);
    tcase_add_test(c, staff_book_for_a_phone);
    tcase_add_test(c, a_party_takes_as_many_units);
    tcase_add_test(c, any_resource_is_the_one_with_least_to_do);
    tcase_add_test(c, an_online_service_is_held_and_a_free_one_is_not);
    tcase_add_test(c, a_dead_hold_is_dead_for_everybody_at_once);
    tcase_add_test(c, the_keeper_ends_dead_holds_once);
    tcase_add_test(c, staff_confirm_a_hold);
    tcase_add_test(c, a_booking_moves_in_one_step);
    tcase_add_test(c, a_move_that_fails_changes_nothing);
    tcase_add_test(c, a_hold_moves_with_its_end_and_without_a_notice);
    tcase_add_test(c, a_chosen_resource_is_kept);
    tcase_add_test(c, people_are_counted_and_not_places);
    tcase_add_test(c, the_deadline_travels_with_the_booking);
    tcase_add_test(c, staff_take_a_no_show_back);
    tcase_add_test(c, only_the_contracts_transitions_exist);
    tcase_add_test(c, customers_cancel_while_it_is_free);
    tcase_add_test(c, lists_are_the_callers_own_in_pages);
    tcase_add_test(c, the_calendar_is_by_local_date_and_for_the_keys_venue);
    return s;
}

int main(int argc, char **argv)
{
    th_db_main(argc, argv, 0);
    return th_run(suite());
}
