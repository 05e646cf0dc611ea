/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The venue's calendar, booking for a customer, and moving bookings on, for staff. */
#include "api/api_booking.h"
#include "api/api_page.h"
#include "api/api_payment.h"
#include "api_customer.h"
#include "svc/phone.h"

/* ---- the calendar ---- */

struct calendar_query {
    struct api_page page;
    const char *from, *to;
    int status;
    bool has_status;
};
static const struct schema_row api_staff_calendar_rows[] = {
    {SCHEMA_STRING(struct calendar_query, from, 10, 10)},
    {SCHEMA_STRING(struct calendar_query, to, 10, 10)},
    {SCHEMA_ENUM(struct calendar_query, status, booking_state_names),
     SCHEMA_HAS(struct calendar_query, has_status)},
    API_PAGE_PARAMS(struct calendar_query, page),
    SCHEMA_END,
};

/* A date that the calendar has, or NULL: a text that is none is a fault and must not reach the
 * database. */
static const char *api_staff_date(struct api_request *r, const char *text, const char *pointer)
{
    if (!text || wall_date_valid(str_of(text)))
        return text;
    api_fault(r, pointer, "must be a date, YYYY-MM-DD");
    return NULL;
}

static json_t *api_staff_calendar_item(struct api_request *r, struct db_rows rows, int i,
                                       const char **next)
{
    return api_booking_item(r, rows, i, next, api_staff_booking_json);
}

static enum err api_staff_get_calendar(struct api_request *r)
{
    const struct calendar_query *q = r->query_input;
    const char *after[2];
    bool good = api_time_cursor(r, q->page.after, after);
    int64_t limit = api_page_limit(&q->page);
    struct booking_list list = {
        .state = (enum booking_state)q->status,
        .has_state = q->has_status,
        .venue_id = r->ids[0].s,
        .from = api_staff_date(r, q->from, "query:from"),
        .to = api_staff_date(r, q->to, "query:to"),
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
    api_reply_page(r, db_result(b, listed), limit, api_staff_calendar_item);
    return ERR_OK;
}

/* ---- booking for a customer ---- */

struct staff_order_input {
    const char *phone, *name, *note;
    struct uuid service_id, resource_id;
    struct wall starts_at;
    int64_t party_size;
    bool has_resource, has_party;
};
static const struct schema_row api_staff_order_rows[] = {
    {SCHEMA_STRING(struct staff_order_input, phone, 0, 64), .required = true},
    {SCHEMA_NAME(struct staff_order_input, name, 120)},
    {SCHEMA_UUID(struct staff_order_input, service_id), .required = true},
    {SCHEMA_UUID(struct staff_order_input, resource_id),
     SCHEMA_HAS(struct staff_order_input, has_resource)},
    {SCHEMA_TIME(struct staff_order_input, starts_at), .required = true},
    {SCHEMA_INT(struct staff_order_input, party_size, 1, INT32_MAX),
     SCHEMA_HAS(struct staff_order_input, has_party)},
    {SCHEMA_NOTE(struct staff_order_input, note, 500)},
    SCHEMA_END,
};

static enum err api_staff_post_booking(struct api_request *r)
{
    struct db_batch *b = api_first_batch(r);
    int seen = booking_add_venue_seen(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, seen)) == 0)
        return ERR_NOT_FOUND;
    const struct staff_order_input *in = r->input;
    const char *phone = NULL;
    e = phone_normalise(r->svc.cfg, r->svc.arena, str_of(in->phone), PHONE_SERVED, &phone);
    if (e != ERR_OK) {
        api_phone_fault(r, e);
        return e;
    }
    struct booking_order order = {
        .venue_id = r->ids[0].s,
        .service_id = in->service_id.s,
        .resource_id = in->has_resource ? in->resource_id.s : NULL,
        .starts_at = in->starts_at,
        .party_size = in->has_party ? in->party_size : 1,
        .note = in->note,
        .phone = phone,
        .guest_name = in->name,
    };
    struct api_booking_answer answer = {
        .r = r, .status = 201, .view = api_staff_booking_json, .location = "/v1/staff/bookings/"};
    struct booking_caller caller = {
        .who = &r->who, .on_commit = api_booking_on_commit, .arg = &answer};
    struct booking made;
    return booking_create(&r->svc, &caller, &order, &made);
}

/* ---- one booking, whole ---- */

static json_t *api_staff_event_json(struct arena *a, const struct booking_event *h)
{
    json_t *j = json_obj(a);
    json_put_time(a, j, "at", h->at);
    json_put_str(a, j, "from", h->from);
    json_put_str(a, j, "to", h->to);
    json_put_str(a, j, "actor", h->actor);
    json_put_str(a, j, "reason", h->reason);
    json_put_str(a, j, "request_id", h->request_id);
    return j;
}

static enum err api_staff_get_booking(struct api_request *r)
{
    struct db_batch *b = api_first_batch(r);
    int found = booking_add_find_staff(b, r->auth_hash, r->ids[0].s);
    int told = notification_add_of_booking(b, r->auth_hash, r->ids[0].s);
    int paid = payment_add_list_staff(b, r->auth_hash, r->ids[0].s);
    int past = booking_add_history(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;

    struct arena *a = r->svc.arena;
    struct booking bk;
    booking_read(db_result(b, found), 0, &bk);
    json_t *notifications = json_arr(a), *history = json_arr(a);
    for (int i = 0; i < db_count(db_result(b, told)); i++) {
        struct notification_item n;
        notification_read(a, db_result(b, told), i, &n);
        json_push(a, notifications, api_notification_json(a, &n));
    }
    for (int i = 0; i < db_count(db_result(b, past)); i++) {
        struct booking_event h;
        booking_read_event(db_result(b, past), i, &h);
        json_push(a, history, api_staff_event_json(a, &h));
    }
    json_t *body = api_staff_booking_json(a, &bk);
    json_put(a, body, "payments", api_payments_json(r, db_result(b, paid)));
    json_put(a, body, "notifications", notifications);
    json_put(a, body, "history", history);
    api_reply(r, 200, body);
    api_etag(r, bk.version);
    return ERR_OK;
}

/* ---- transitions ---- */

struct transition_input {
    const char *reason;
};
static const struct schema_row api_staff_transition_rows[] = {
    {SCHEMA_NOTE(struct transition_input, reason, 500)},
    SCHEMA_END,
};

static bool api_staff_find_transition(struct str name, struct booking_transition *t)
{
    static const struct {
        const char *name;
        enum booking_state to;
        bool reopen;
    } known[] = {
        {"confirm", BOOKING_CONFIRMED, false},  {"cancel", BOOKING_CANCELLED, false},
        {"complete", BOOKING_COMPLETED, false}, {"no-show", BOOKING_NO_SHOW, false},
        {"reopen", BOOKING_CONFIRMED, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(str_of(known[i].name), name)) {
            t->to = known[i].to;
            t->reopen = known[i].reopen;
            return true;
        }
    }
    return false;
}

static enum err api_staff_post_transition(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct transition_input *in = r->input;
    struct booking_transition t = {.id = r->ids[0].s, .reason = in ? in->reason : NULL};
    if (!api_staff_find_transition(r->params[1], &t))
        return ERR_NOT_FOUND;
    e = api_if_match(r, &t.match);
    if (e != ERR_OK)
        return e;
    struct api_booking_answer answer = {.r = r, .status = 200, .view = api_staff_booking_json};
    struct booking_caller caller = {
        .who = &r->who, .on_commit = api_booking_on_commit, .arg = &answer};
    struct booking after;
    return booking_move_on(&r->svc, &caller, &t, &after);
}

#define CALENDAR_PATTERN "/v1/staff/venues/{venue_id}/bookings"
const struct api_route api_route_staff_get_calendar = {
    .http = {HTTP_GET, CALENDAR_PATTERN, 200},
    .handler = api_staff_get_calendar,
    .auth = AUTH_VIEWER,
    .query = api_staff_calendar_rows,
    .query_size = sizeof(struct calendar_query),
};
const struct api_route api_route_staff_post_booking = {
    .http = {HTTP_POST, CALENDAR_PATTERN, 201},
    .handler = api_staff_post_booking,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_staff_order_rows,
    .input_size = sizeof(struct staff_order_input),
    .idempotent = true,
};
const struct api_route api_route_staff_get_booking = {
    .http = {HTTP_GET, "/v1/staff/bookings/{booking_id}", 200},
    .handler = api_staff_get_booking,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_staff_post_transition = {
    .http = {HTTP_POST, "/v1/staff/bookings/{booking_id}/{transition}", 200},
    .handler = api_staff_post_transition,
    .auth = AUTH_AGENT,
    .body = BODY_OPTIONAL,
    .members = api_staff_transition_rows,
    .input_size = sizeof(struct transition_input),
};
