/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The customer's bookings: handlers of /v1/bookings. A handler reads its input, calls one service
 * function, and turns the result into an answer; what may happen to a booking is decided in
 * svc/booking*.c. Changes answer through struct api_booking_answer: the answer is made inside the
 * transaction and stored with it, for repeats of the request (Idempotency-Key).
 */
#include "api/api_booking_json.h"
#include "api/api_page.h"
#include "api/api_payment_json.h"
#include "svc/booking_reads.h"
#include "svc/refund.h"

/* ---- making ---- */

/* What a customer may say. Venue, price, end and currency follow from the service. */
struct order_input {
    struct uuid service_id, resource_id;
    struct wall starts_at;
    int64_t party_size;
    const char *note;
    bool has_resource, has_party;
};
static const struct schema_row api_booking_order_rows[] = {
    {SCHEMA_UUID(struct order_input, service_id), .required = true},
    {SCHEMA_TIME(struct order_input, starts_at), .required = true},
    {SCHEMA_UUID(struct order_input, resource_id), SCHEMA_HAS(struct order_input, has_resource)},
    /* 1000 is the highest capacity of a resource. */
    {SCHEMA_INT(struct order_input, party_size, 1, 1000),
     SCHEMA_HAS(struct order_input, has_party)},
    {SCHEMA_NOTE(struct order_input, note, 500)},
    SCHEMA_END,
};

/* 201 with the booking. Nothing has been said to the customer by SMS yet when the row is committed;
 * the notification follows, and never changes this answer (BEHAVIOUR §1). */
static enum err api_booking_post(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct order_input *in = r->input;
    struct booking_order order = {
        .service_id = in->service_id.s,
        .resource_id = in->has_resource ? in->resource_id.s : NULL,
        .starts_at = in->starts_at,
        /* One person is the usual case. */
        .party_size = in->has_party ? in->party_size : 1,
        .note = in->note,
    };
    struct api_booking_answer answer = {
        .r = r, .status = 201, .view = api_booking_json, .location = "/v1/bookings/"};
    /* The answer is made in the committing batch, so that it is stored with the booking
     * (api_idem_add). */
    struct booking_caller caller = api_booking_caller(&answer);
    struct booking made;
    return booking_create(&r->svc, &caller, &order, &made);
}

/* ---- reading ---- */

/* By start, with `status` as the only filter; a customer has few bookings. */
struct list_query {
    struct api_page page;
    int status;
    bool has_status;
};
static const struct schema_row api_booking_list_rows[] = {
    {SCHEMA_ENUM(struct list_query, status, booking_state_names),
     SCHEMA_HAS(struct list_query, has_status)},
    API_PAGE_PARAMS(struct list_query, page),
    SCHEMA_END,
};

/* As a customer sees it: without what staff have noted. */
static json_t *api_booking_list_item(struct api_request *r, struct db_rows rows, int i,
                                     const char **next)
{
    return api_booking_item(r, rows, i, next, api_booking_json);
}

/* A bad cursor is told after authentication: a stranger gets 401 whatever else is wrong. */
static enum err api_booking_get_list(struct api_request *r)
{
    const struct list_query *q = r->query_input;
    const char *after[2];
    bool good = api_time_cursor(r, q->page.after, after);
    int64_t limit = api_page_limit(&q->page);
    struct booking_list list = {
        .state = (enum booking_state)q->status,
        .has_state = q->has_status,
        .after_start = after[0],
        .after_id = after[1],
        .limit = limit + 1,
    };
    struct db_batch *b = api_first_batch(r);
    int listed = booking_add_list_mine(b, r->auth_hash, &list);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    api_reply_page(r, db_result(b, listed), limit, api_booking_list_item);
    return ERR_OK;
}

/* Another customer's booking is 404, like one that does not exist. The ETag is for If-Match of a
 * later change. */
static enum err api_booking_get(struct api_request *r)
{
    struct db_batch *b = api_first_batch(r);
    int found = booking_add_find_mine(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;
    struct booking bk;
    booking_read(db_result(b, found), 0, &bk);
    api_reply(r, 200, api_booking_json(r, &bk));
    api_etag(r, bk.version);
    /* Expired by the clock: the row, and so its version, is older. */
    r->always_whole = bk.dead_hold;
    return ERR_OK;
}

/* ---- changing ---- */

/* The reason is shown to staff, and is part of the booking's history. */
struct cancel_input {
    const char *reason;
};
static const struct schema_row api_booking_cancel_rows[] = {
    {SCHEMA_NOTE(struct cancel_input, reason, 500)},
    SCHEMA_END,
};

/* A paid booking is refunded first, so a cancellation may fail at the gateway; the booking then
 * stays. The request's name goes along, so that a repeat finds its refund. */
static enum err api_booking_post_cancel(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct cancel_input *in = r->input;
    struct booking_transition t = {.id = r->ids[0].s,
                                   .to = BOOKING_CANCELLED,
                                   .reason = in ? in->reason : NULL,
                                   .request_key = api_idem_name(r)};
    struct api_booking_change change;
    e = api_booking_begin_change(r, api_booking_json, &t.match, &change);
    if (e != ERR_OK)
        return e;
    struct payment_fault fault;
    const struct refund_cancelling how = {
        .caller = &change.caller, .transition = &t, .kind = REFUND_FULL};
    e = refund_request_cancel(&r->svc, &how, &change.after, &fault);
    return api_payment_fault(r, e, &fault);
}

/* resource_id: see api_booking_choice(). */
struct move_input {
    struct wall starts_at;
    struct uuid resource_id;
    bool has_resource;
};
static const struct schema_row api_booking_move_rows[] = {
    {SCHEMA_TIME(struct move_input, starts_at), .required = true},
    {SCHEMA_UUID(struct move_input, resource_id), .nullable = true,
     SCHEMA_HAS(struct move_input, has_resource)},
    SCHEMA_END,
};

/* The move keeps the booking's identifier and history; price and payment stay as they were. */
static enum err api_booking_post_reschedule(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct move_input *in = r->input;
    struct booking_move m = {
        .id = r->ids[0].s,
        .starts_at = in->starts_at,
        .choice = api_booking_choice(r, in->has_resource),
        .resource_id = in->has_resource ? in->resource_id.s : NULL,
    };
    struct api_booking_change change;
    e = api_booking_begin_change(r, api_booking_json, &m.match, &change);
    return e != ERR_OK ? e : booking_reschedule(&r->svc, &change.caller, &m, &change.after);
}

/* Idempotent: a phone that loses the answer in a tunnel asks again, and must not book twice. */
const struct api_route api_route_booking_post = {
    .http = {HTTP_POST, "/v1/bookings", 201, NULL},
    .handler = api_booking_post,
    .auth = AUTH_CUSTOMER,
    .body = BODY_REQUIRED,
    .members = api_booking_order_rows,
    .input_size = sizeof(struct order_input),
    .idempotent = true,
};
const struct api_route api_route_booking_get_list = {
    .http = {HTTP_GET, "/v1/bookings", 200, NULL},
    .handler = api_booking_get_list,
    .auth = AUTH_CUSTOMER,
    .query = api_booking_list_rows,
    .query_size = sizeof(struct list_query),
};
const struct api_route api_route_booking_get = {
    .http = {HTTP_GET, "/v1/bookings/{booking_id}", 200, NULL},
    .handler = api_booking_get,
    .auth = AUTH_CUSTOMER,
};
const struct api_route api_route_booking_post_cancel = {
    .http = {HTTP_POST, "/v1/bookings/{booking_id}/cancel", 200, NULL},
    .handler = api_booking_post_cancel,
    .auth = AUTH_CUSTOMER,
    .body = BODY_OPTIONAL,
    .members = api_booking_cancel_rows,
    .input_size = sizeof(struct cancel_input),
    .idempotent = true,
};
const struct api_route api_route_booking_post_reschedule = {
    .http = {HTTP_POST, "/v1/bookings/{booking_id}/reschedule", 200, NULL},
    .handler = api_booking_post_reschedule,
    .auth = AUTH_CUSTOMER,
    .body = BODY_REQUIRED,
    .members = api_booking_move_rows,
    .input_size = sizeof(struct move_input),
    .idempotent = true,
};
