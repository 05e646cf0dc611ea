/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * GET /v1/services/{service_id}/slots and /days: the free starts, a page at a time or a row per
 * day. Public; a bearer token matters only for `exclude_booking`.
 */
#include "api/api_booking_json.h"
#include "api/api_handler.h"
#include "api/api_page.h"
#include "base/num.h"
#include "svc/slot_search.h"

/* A page of slots is longer than one of other lists: a week of one resource fits in it. */
#define SLOTS_LIMIT_MAX 500
#define SLOTS_LIMIT_DEFAULT 200
#define SLOT_TEXT_MAX 160 /* a row with whole seconds has 140 bytes; longer ones let it grow */

struct slots_input {
    const char *from, *to;
    struct uuid resource_id, exclude_booking;
    bool has_resource, has_excluded, has_party, has_limit;
    int64_t party_size, limit;
    const char *after;
};

static const struct schema_row api_slots_rows[] = {
    {SCHEMA_STRING(struct slots_input, from, 1, 10)},
    {SCHEMA_STRING(struct slots_input, to, 1, 10)},
    {SCHEMA_UUID(struct slots_input, resource_id), SCHEMA_HAS(struct slots_input, has_resource)},
    {SCHEMA_UUID(struct slots_input, exclude_booking),
     SCHEMA_HAS(struct slots_input, has_excluded)},
    {SCHEMA_INT(struct slots_input, party_size, 1, 1000),
     SCHEMA_HAS(struct slots_input, has_party)},
    {SCHEMA_INT(struct slots_input, limit, 1, SLOTS_LIMIT_MAX),
     SCHEMA_HAS(struct slots_input, has_limit)},
    {SCHEMA_STRING(struct slots_input, after, 1, 512)},
    SCHEMA_END,
};
/* A range of days is a bounded answer: it has no pages. */
static const struct schema_row api_slots_days_rows[] = {
    {SCHEMA_STRING(struct slots_input, from, 1, 10)},
    {SCHEMA_STRING(struct slots_input, to, 1, 10)},
    {SCHEMA_UUID(struct slots_input, resource_id), SCHEMA_HAS(struct slots_input, has_resource)},
    {SCHEMA_UUID(struct slots_input, exclude_booking),
     SCHEMA_HAS(struct slots_input, has_excluded)},
    {SCHEMA_INT(struct slots_input, party_size, 1, 1000),
     SCHEMA_HAS(struct slots_input, has_party)},
    SCHEMA_END,
};

/* As text, not as a tree: a week has hundreds of rows of one form, and a tree of them would cost
 * most of the request. Times, identifiers and numbers have nothing to escape. `available` is how
 * many people still fit at every moment of the slot. */
static void api_slots_write(struct sb *out, const struct slot_item *s)
{
    char time[WALL_RFC3339_MAX], number[NUM_TEXT_MAX];
    sb_puts(out, "{\"starts_at\":\"");
    sb_puts(out, wall_format(s->starts_at, time));
    sb_puts(out, "\",\"ends_at\":\"");
    sb_puts(out, wall_format(s->ends_at, time));
    sb_puts(out, "\",\"resource_id\":\"");
    sb_puts(out, s->resource_id.s);
    sb_puts(out, "\",\"available\":");
    sb_puts(out, num_text(s->available, number));
    sb_puts(out, "}");
}

/* The page in the form of api_reply_list(). A cursor is base64url, so it needs no escaping. */
static struct str api_slots_text(struct arena *a, const struct slot_page *page, const char *next)
{
    struct sb out;
    sb_init(&out, a, SLOT_TEXT_MAX * (page->n + 1) + API_CURSOR_MAX);
    sb_puts(&out, "{\"items\":[");
    for (size_t i = 0; i < page->n; i++) {
        if (i > 0)
            sb_add(&out, ",", 1);
        api_slots_write(&out, &page->items[i]);
    }
    sb_puts(&out, "],\"next\":");
    if (next)
        sb_printf(&out, "\"%s\"}", next);
    else
        sb_puts(&out, "null}");
    return sb_str(&out);
}

/* The query of both routes; false when a fault was added. For /days the members of paging stay
 * zero. */
static bool api_slots_read_query(struct api_request *r, struct slot_query *q)
{
    const struct slots_input *in = r->query_input;
    const char *after[2];
    /* A text that is no date must not reach the database, whose message would not name the
     * parameter. */
    const char *from = api_query_date(r, in->from, "query:from"),
               *to = api_query_date(r, in->to, "query:to");
    *q = (struct slot_query){
        .service_id = r->ids[0].s,
        .from = from,
        .to = to,
        .resource_id = in->has_resource ? in->resource_id.s : NULL,
        .exclude_booking = in->has_excluded ? in->exclude_booking.s : NULL,
        .auth_hash = r->auth_hash,
        .party_size = in->has_party ? in->party_size : 1,
        .limit = (size_t)(in->has_limit ? in->limit : SLOTS_LIMIT_DEFAULT),
    };
    /* The cursor comes last, so that faults of all parameters are in one answer. */
    if (!api_time_cursor(r, in->after, after) || r->faults.n > 0)
        return false;
    q->after_resource = after[1];
    /* api_time_cursor() checked the time already; this only converts it. */
    return after[0] == NULL || wall_parse(str_of(after[0]), &q->after_start);
}

/* The range is judged by the service, in the venue's own days; only the pointer is added here. */
static enum err api_slots_fail(struct api_request *r, enum err e)
{
    if (e == ERR_VALIDATION)
        api_fault(r, "query:to", "must be 0 to %d days after `from`", SLOT_DAYS_MAX);
    return e;
}

/* Slots have no identifiers: start and resource together name one, so they are the cursor. */
static enum err api_slots_get_list(struct api_request *r)
{
    struct slot_query q;
    struct slot_page page;
    if (!api_slots_read_query(r, &q))
        return ERR_VALIDATION;
    enum err e = slot_search(&r->svc, &q, &page);
    if (e != ERR_OK)
        return api_slots_fail(r, e);
    const char *next = NULL;
    if (page.more) {
        const struct slot_item *last = &page.items[page.n - 1];
        next = api_time_cursor_make(r, last->starts_at, &last->resource_id);
    }
    api_reply_text(r, 200, api_slots_text(r->svc.arena, &page, next));
    return ERR_OK;
}

/* An overview for a calendar: days without a free start are in it with 0, so that a page need not
 * know which days it asked for. */
static enum err api_slots_get_days(struct api_request *r)
{
    struct slot_query q;
    struct slot_day *days;
    size_t n;
    if (!api_slots_read_query(r, &q))
        return ERR_VALIDATION;
    enum err e = slot_search_days(&r->svc, &q, &days, &n);
    if (e != ERR_OK)
        return api_slots_fail(r, e);
    struct arena *a = r->svc.arena;
    json_t *items = json_arr(a);
    for (size_t i = 0; i < n; i++) {
        json_t *j = json_obj(a);
        json_put_str(a, j, "date", days[i].date);
        json_put_int(a, j, "starts", days[i].starts);
        json_put_time_if(a, j, "first_starts_at", days[i].starts > 0, days[i].first);
        json_push(a, items, j);
    }
    json_t *body = json_obj(a);
    json_put(a, body, "items", items);
    api_reply(r, 200, body);
    return ERR_OK;
}

/* Tagged: a page that shows a calendar asks often, and most of the time nothing has changed. */
const struct api_route api_route_slots_get_list = {
    .http = {HTTP_GET, "/v1/services/{service_id}/slots", 200, NULL},
    .handler = api_slots_get_list,
    .standby = true,
    .tagged = true,
    .query = api_slots_rows,
    .query_size = sizeof(struct slots_input),
};
const struct api_route api_route_slots_get_days = {
    .http = {HTTP_GET, "/v1/services/{service_id}/days", 200, NULL},
    .handler = api_slots_get_days,
    .standby = true,
    .tagged = true,
    .query = api_slots_days_rows,
    .query_size = sizeof(struct slots_input),
};
