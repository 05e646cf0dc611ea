/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * GET /v1/staff/payments: the payments that the key may see, newest first. What needs a person is
 * found here by status: `mismatch`, `unknown`, and what was paid for a booking that is cancelled.
 */
#include "api/api_booking_json.h"
#include "api/api_page.h"
#include "api/api_payment_json.h"
#include "svc/payment_list.h"

struct payment_list_query {
    struct api_page page;
    struct uuid booking_id, venue_id;
    const char *from, *to;
    int status;
    bool has_status, has_booking, has_venue;
};
/* Ten characters: days such as 2026-01-31, and no times. api_query_date() checks the rest. */
static const struct schema_row api_payment_list_query_rows[] = {
    {SCHEMA_ENUM(struct payment_list_query, status, payment_state_names),
     SCHEMA_HAS(struct payment_list_query, has_status)},
    {SCHEMA_UUID(struct payment_list_query, booking_id),
     SCHEMA_HAS(struct payment_list_query, has_booking)},
    {SCHEMA_UUID(struct payment_list_query, venue_id),
     SCHEMA_HAS(struct payment_list_query, has_venue)},
    {SCHEMA_STRING(struct payment_list_query, from, 10, 10)},
    {SCHEMA_STRING(struct payment_list_query, to, 10, 10)},
    API_PAGE_PARAMS(struct payment_list_query, page),
    SCHEMA_END,
};

/* The members of one payment, and of its booking what a clerk needs to find it. */
static json_t *api_payment_list_item(struct api_request *r, struct db_rows rows, int i,
                                     const char **next)
{
    struct arena *a = r->svc.arena;
    struct payment p;
    struct payment_listed more;
    payment_read(rows, i, &p);
    payment_read_listed(rows, i, &more);
    if (next)
        *next = api_time_cursor_make(r, p.created_at, &p.id);
    json_t *j = api_payment_json(r, &p);
    json_put_str(a, j, "venue_id", p.venue_id.s);
    json_put_str(a, j, "booking_status", more.booking_state);
    json_put_str(a, j, "service_name", more.service);
    json_put_time(a, j, "starts_at", more.starts_at);
    /* Paid, and no booking can stand for it: it is to be given back. */
    json_put_bool(a, j, "surplus", p.unmatched);
    return j;
}

/* Faults are collected first and reported after authentication. */
static enum err api_payment_list_get(struct api_request *r)
{
    const struct payment_list_query *q = r->query_input;
    const char *after[2];
    bool good = api_time_cursor(r, q->page.after, after);
    int64_t limit = api_page_limit(&q->page);
    const struct payment_filter f = {
        .status = q->has_status ? payment_state_names[q->status] : NULL,
        .booking_id = q->has_booking ? q->booking_id.s : NULL,
        .venue_id = q->has_venue ? q->venue_id.s : NULL,
        .from = api_query_date(r, q->from, "query:from"),
        .to = api_query_date(r, q->to, "query:to"),
        .after_created = after[0],
        .after_id = after[1],
        .limit = limit + 1, /* the row too many tells of a next page */
    };
    /* Dates of this form sort as text. A span that is turned round would silently find nothing. */
    if (f.from && f.to && strcmp(f.to, f.from) < 0)
        api_fault(r, "query:to", "must not be before from");
    good = good && r->faults.n == 0;
    struct db_batch *b = api_first_batch(r);
    int listed = payment_add_list(b, r->auth_hash, &f);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    api_reply_page(r, db_result(b, listed), limit, api_payment_list_item);
    return ERR_OK;
}

const struct api_route api_route_payment_list_get = {
    .http = {HTTP_GET, "/v1/staff/payments", 200, NULL},
    .handler = api_payment_list_get,
    .auth = AUTH_VIEWER,
    .query = api_payment_list_query_rows,
    .query_size = sizeof(struct payment_list_query),
};
