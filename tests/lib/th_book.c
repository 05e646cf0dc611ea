/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "th_book.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct th_book tb;
struct th_sms th_sms;
static char ext_stand_in; /* not NULL: this process may call providers */

struct ext_result sms_send(struct ext *x, struct arena *a, const struct sms *m, struct deadline d,
                           const char **message_id)
{
    (void)x, (void)a, (void)d;
    th_sms.calls++;
    snprintf(th_sms.to, sizeof th_sms.to, "%s", m->to);
    snprintf(th_sms.text, sizeof th_sms.text, "%s", m->text);
    snprintf(th_sms.id, sizeof th_sms.id, "%s", m->id);
    if (th_sms.before)
        th_sms.before();
    *message_id = th_sms.message_id;
    return th_sms.result;
}

static struct principal customer(const char *id, const char *phone)
{
    struct principal p = {
        .kind = WHO_CUSTOMER, .phone = phone, .locale = LOCALE_EN, .actor = "customer"};
    snprintf(p.id.s, sizeof p.id.s, "%s", id);
    return p;
}

static struct principal staff(const char *actor)
{
    return (struct principal){
        .kind = WHO_STAFF, .role = STAFF_AGENT, .staff_name = actor, .actor = actor};
}

static void seed(void)
{
    th_db_exec(&tb.t, "INSERT INTO venues (id, name, time_zone, currency) VALUES ('" VENUE
                      "', 'Palm {venue}', 'Asia/Riyadh', 'SAR'),"
                      " ('" OTHER_VENUE "', 'Other', 'Asia/Riyadh', 'SAR')");
    th_db_exec(&tb.t, "INSERT INTO services (venue_id, id, name, duration_minutes, "
                      "slot_step_minutes, price) VALUES"
                      " ('" VENUE "', '" SERVICE "', 'Cut', 60, 60, 5000)");
    th_db_exec(&tb.t, "INSERT INTO resources (venue_id, id, name) VALUES ('" VENUE "', '" RESOURCE_A
                      "', 'Chair 1')");
    th_db_exec(&tb.t, "INSERT INTO service_resources VALUES ('" VENUE "', '" SERVICE
                      "', '" RESOURCE_A "')");
    th_db_exec(&tb.t,
               "INSERT INTO opening_hours SELECT '" VENUE "', '" RESOURCE_A "', n, n, 0, 1440"
               " FROM generate_series(1, 7) n");
    th_db_exec(&tb.t, "INSERT INTO customers (id, phone, name, locale) VALUES"
                      " ('" ALICE "', '+966551234567', 'Alice', 'en'), ('" BOB
                      "', '+966551234568', NULL, 'ar')");
}

static void configure(void)
{
    struct config *c = &tb.cfg;
    *c = tb.t.cfg;
    c->bookings.hold_ms = 900000;
    c->bookings.max_active_per_customer = 10;
    c->bookings.changes_per_customer = (struct rate_limit){1000000, 3600000};
    c->notifications.expire_after_ms = 86400000;
    c->notifications.provider = 0;
    c->notifications.per_phone = c->notifications.per_customer = (struct rate_limit){1000, 3600000};
    tb.provider = (struct provider_config){.name = "sms", .type = PROVIDER_TAQNYAT};
    c->providers = &tb.provider;
    c->providers_n = 1;
    for (int i = 0; i < NOTIFICATION_TEMPLATE_COUNT; i++) {
        c->notifications.messages[i][LOCALE_EN] =
            "{service} {starts_at}-{ends_at} at {venue}, {resource}, {party_size} {x} {";
        c->notifications.messages[i][LOCALE_AR] = "حجز {service}";
    }
}

void th_book_connect(void)
{
    tb.db = db_new(&tb.cfg);
    tb.arena = arena_new(16384);
    ck_assert_ptr_nonnull(tb.arena);
    tb.svc = (struct svc){.cfg = &tb.cfg,
                          .db = tb.db,
                          .ext = (struct ext *)(void *)&ext_stand_in,
                          .arena = tb.arena,
                          .request_id = "req-1"};
    th_book_budget(10000);
}

void th_book_budget(int ms)
{
    tb.svc.deadline = deadline_in_ms(ms);
}

void th_book_set_up(void)
{
    th_db_open(&tb.t);
    seed();
    configure();
    tb.alice = customer(ALICE, "+966551234567");
    tb.bob = customer(BOB, "+966551234568");
    tb.staff = staff("staff:desk");
    tb.bound = staff("staff:elsewhere");
    tb.bound.one_venue = true;
    snprintf(tb.bound.venue_id.s, sizeof tb.bound.venue_id.s, "%s", OTHER_VENUE);
    th_sms = (struct th_sms){.message_id = "m-1"};
    th_book_connect();
}

void th_book_tear_down(void)
{
    db_free(tb.db);
    arena_free(tb.arena);
    th_db_close(&tb.t);
}

struct wall th_book_hour(int hours)
{
    const char *us = th_db_value(
        &tb.t,
        "SELECT (extract(epoch FROM (date_trunc('day', now() AT TIME ZONE 'Asia/Riyadh')"
        " + interval '2 days' + %d * interval '1 hour') AT TIME ZONE 'Asia/Riyadh') * "
        "1000000)::bigint",
        hours);
    return (struct wall){atoll(us)};
}

struct booking_order th_book_order(int hours)
{
    return (struct booking_order){
        .service_id = SERVICE, .starts_at = th_book_hour(hours), .party_size = 1};
}

enum err th_book_as(const struct principal *who, const struct booking_order *o, struct booking *out)
{
    struct booking_caller c = {.who = who};
    return booking_create(&tb.svc, &c, o, out);
}

enum err th_book_make(const struct principal *who, int hours, struct booking *out)
{
    struct booking_order o = th_book_order(hours);
    return th_book_as(who, &o, out);
}

enum err th_book_move_on(const struct principal *who, const char *id, enum booking_state to)
{
    struct booking_caller c = {.who = who};
    struct booking_transition t = {.id = id, .to = to};
    struct booking out;
    return booking_move_on(&tb.svc, &c, &t, &out);
}

enum err th_book_reschedule(const struct principal *who, const char *id, int hours)
{
    struct booking_caller c = {.who = who};
    struct booking_move m = {.id = id, .starts_at = th_book_hour(hours)};
    struct booking out;
    return booking_reschedule(&tb.svc, &c, &m, &out);
}
