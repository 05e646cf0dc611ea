/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The calendar of a venue, for staff: the bookings whose time meets a period, by start. Handler of
 * /v1/staff/venues/{id}/calendar. A booking that begins before midnight and ends after it is on
 * both days. */
#include "api/api_booking_json.h"
#include "api/api_page.h"
#include "svc/booking_reads.h"
#include "svc/phone.h"

/* Dates are text here: they are of the venue's time zone, which only the database knows. */
struct calendar_query {
    struct api_page page;
    const char *from, *to, *status, *phone, *q;
    struct uuid resource_id, customer_id;
    bool has_resource, has_customer;
};
/* Status is a list of words, as staff look at several at once: "confirmed,pending_payment". */
static const struct schema_row api_calendar_rows[] = {
    {SCHEMA_STRING(struct calendar_query, from, 10, 10)},
    {SCHEMA_STRING(struct calendar_query, to, 10, 10)},
    {SCHEMA_STRING(struct calendar_query, status, 1, 100)},
    {SCHEMA_STRING(struct calendar_query, phone, 1, 64)},
    {SCHEMA_STRING(struct calendar_query, q, 1, 120)},
    {SCHEMA_UUID(struct calendar_query, resource_id),
     SCHEMA_HAS(struct calendar_query, has_resource)},
    {SCHEMA_UUID(struct calendar_query, customer_id),
     SCHEMA_HAS(struct calendar_query, has_customer)},
    API_PAGE_PARAMS(struct calendar_query, page),
    SCHEMA_END,
};

/* A receptionist types 055...; the table has +96655.... phone_prefixes() gives all ways to read
 * it. */
static const char *api_calendar_phones(struct api_request *r, const char *text)
{
    const char *prefixes = text ? phone_prefixes(r->svc.cfg, r->svc.arena, str_of(text)) : NULL;
    if (text && !prefixes)
        api_fault(r, "query:phone", "must be a phone number or its beginning");
    return prefixes;
}

/* As staff see a booking, with its customer: the calendar is for staff alone. */
static json_t *api_calendar_item(struct api_request *r, struct db_rows rows, int i,
                                 const char **next)
{
    return api_booking_item(r, rows, i, next, api_staff_booking_json);
}

/* Faults are collected first and reported after authentication. A filter with a fault is absent
 * from the list; the rows that come back are then not looked at. */
static enum err api_calendar_get(struct api_request *r)
{
    const struct calendar_query *q = r->query_input;
    const char *after[2];
    bool good = api_time_cursor(r, q->page.after, after);
    int64_t limit = api_page_limit(&q->page);
    struct booking_list list = {
        .venue_id = r->ids[0].s,
        .states = api_query_states(r, q->status, booking_state_names),
        .resource_id = q->has_resource ? q->resource_id.s : NULL,
        .customer_id = q->has_customer ? q->customer_id.s : NULL,
        .phones = api_calendar_phones(r, q->phone),
        .text = q->q,
        .from = api_query_date(r, q->from, "query:from"),
        .to = api_query_date(r, q->to, "query:to"),
        .after_start = after[0],
        .after_id = after[1],
        .limit = limit + 1,
    };
    if (list.from && list.to && strcmp(list.to, list.from) < 0)
        api_fault(r, "query:to", "must not be before from");
    good = good && r->faults.n == 0;
    struct db_batch *b = api_first_batch(r);
    int seen = booking_add_venue_seen(b, r->auth_hash, r->ids[0].s);
    int listed = booking_add_list_staff(b, r->auth_hash, &list);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    if (db_count(db_result(b, seen)) == 0)
        return ERR_NOT_FOUND;
    api_reply_page(r, db_result(b, listed), limit, api_calendar_item);
    return ERR_OK;
}

const struct api_route api_route_calendar_get = {
    .http = {HTTP_GET, "/v1/staff/venues/{venue_id}/calendar", 200, NULL},
    .handler = api_calendar_get,
    .auth = AUTH_VIEWER,
    .query = api_calendar_rows,
    .query_size = sizeof(struct calendar_query),
};
/* The name of the first version. */
const struct api_route api_route_calendar_get_bookings = {
    .http = {HTTP_GET, "/v1/staff/venues/{venue_id}/bookings", 200, NULL},
    .handler = api_calendar_get,
    .auth = AUTH_VIEWER,
    .query = api_calendar_rows,
    .query_size = sizeof(struct calendar_query),
};
