/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Opening hours of a resource, for staff: read the week, replace it as a whole. Handlers of
 * /v1/staff/resources/{id}/opening-hours. Replacing needs no identifiers of rows, and a repeat of
 * the same request changes nothing. Times are those of the venue's clock, in minutes since
 * midnight; which moments they are is computed by PostgreSQL for each date (daylight saving).
 */
#include "api/api_hours.h"

#include "api/api_catalog_json.h"
#include "svc/svc_sql.h"

/* Far more than a week of shifts; the body's limit is near it. */
#define OPENINGS_MAX 500

/* An object with one member, not a bare list: members can be added later without a new route. */
struct hours_input {
    json_t *items;
};
static const struct schema_row api_hours_rows[] = {
    {SCHEMA_ARRAY(struct hours_input, items, 0, OPENINGS_MAX), .required = true},
    SCHEMA_END,
};

struct opening_input {
    int64_t weekday;
    const char *opens, *closes;
};
static const struct schema_row api_hours_opening_rows[] = {
    {SCHEMA_INT(struct opening_input, weekday, 1, 7), .required = true},
    /* Length first: what is not five bytes long is no "HH:MM", and the message says so. */
    {SCHEMA_STRING(struct opening_input, opens, 5, 5), .required = true},
    {SCHEMA_STRING(struct opening_input, closes, 5, 5), .required = true},
    SCHEMA_END,
};

/* isdigit() depends on the locale. */
static bool api_hours_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HH:MM" to minutes since midnight, at most `max`; -1 for anything else. 24:00 is a closing time
 * only: an opening at that time belongs to the next day. */
static int64_t api_hours_minute(const char *z, int64_t max)
{
    if (strlen(z) != 5 || !api_hours_digit(z[0]) || !api_hours_digit(z[1]) || z[2] != ':' ||
        !api_hours_digit(z[3]) || !api_hours_digit(z[4]) || z[3] > '5')
        return -1;
    int64_t minute = ((z[0] - '0') * 10 + (z[1] - '0')) * 60 + (z[3] - '0') * 10 + (z[4] - '0');
    return minute <= max ? minute : -1;
}

/* Shared with the hours of certain dates (api_special_hours.c). A closing time that is not after
 * the opening one belongs to the next day, so that is no fault. */
struct opening api_opening_read(struct api_request *r, const char *base, const char *opens,
                                const char *closes)
{
    const struct opening o = {.opens_minute = api_hours_minute(opens, 23 * 60 + 59),
                              .closes_minute = api_hours_minute(closes, 24 * 60)};
    if (o.opens_minute < 0)
        api_fault(r, fault_pointer(r->svc.arena, base, "opens"),
                  "must be a time of day, 00:00 to 23:59");
    if (o.closes_minute < 0)
        api_fault(r, fault_pointer(r->svc.arena, base, "closes"),
                  "must be a time of day, 00:00 to 24:00");
    return o;
}

/* The inverse of api_opening_read(): what was read is written back the same. */
void api_opening_put(struct arena *a, json_t *j, const struct opening *o)
{
    json_put_str(
        a, j, "opens",
        arena_printf(a, "%02d:%02d", (int)(o->opens_minute / 60), (int)(o->opens_minute % 60)));
    json_put_str(
        a, j, "closes",
        arena_printf(a, "%02d:%02d", (int)(o->closes_minute / 60), (int)(o->closes_minute % 60)));
}

static void api_hours_read_opening(struct api_request *r, const json_t *j, size_t i,
                                   struct opening *out)
{
    const char *base = arena_printf(r->svc.arena, "/items/%zu", i);
    struct opening_input in = {0};
    if (!schema_read_object(&(struct schema){.rows = api_hours_opening_rows}, j, &in, base,
                            &r->faults))
        return;
    *out = api_opening_read(r, base, in.opens, in.closes);
    out->weekday = in.weekday;
}

/* The answers of GET and PUT, so that a client may compare them. */
static json_t *api_hours_json(struct arena *a, const struct opening *items, size_t n)
{
    json_t *list = json_arr(a);
    for (size_t i = 0; i < n; i++) {
        json_t *j = json_obj(a);
        json_put_int(a, j, "weekday", items[i].weekday);
        api_opening_put(a, j, &items[i]);
        json_push(a, list, j);
    }
    json_t *body = json_obj(a);
    json_put(a, body, "items", list);
    return body;
}

/* The resource is read too: without it an empty week and a foreign resource look the same. */
static enum err api_hours_get(struct api_request *r)
{
    struct db_batch *b = api_first_batch(r);
    int resource = DB_ADD(b, &stmt_catalog_resource_seen, r->auth_hash, r->ids[0].s);
    int hours = DB_ADD(b, &stmt_catalog_hours_seen, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, resource)) == 0)
        return ERR_NOT_FOUND;
    struct db_rows rows = db_result(b, hours);
    size_t n = (size_t)db_count(rows);
    struct opening *items = arena_array(r->svc.arena, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        catalog_read_opening(rows, (int)i, &items[i]);
    api_reply(r, 200, api_hours_json(r->svc.arena, items, n));
    return ERR_OK;
}

/* All faults of all openings are reported before anything is written. Bookings outside the new
 * hours stay, and the answer lists them. */
static enum err api_hours_put(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_resource_seen, &seen);
    if (e != ERR_OK)
        return e;
    struct resource resource;
    catalog_read_resource(seen, 0, &resource);
    const struct hours_input *in = r->input;
    size_t n = json_array_size(in->items);
    struct opening *items = arena_array(r->svc.arena, n, sizeof *items);
    for (size_t i = 0; i < n; i++)
        api_hours_read_opening(r, json_array_get(in->items, i), i, &items[i]);
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    struct catalog_conflicts conflicts;
    e = catalog_save_hours(&r->svc, r->who.actor, &resource, &(struct opening_list){items, n},
                           &conflicts);
    if (e != ERR_OK)
        return e;
    json_t *body = api_hours_json(r->svc.arena, items, n);
    api_conflicts_put(r, body, &conflicts);
    api_reply(r, 200, body);
    return ERR_OK;
}

#define HOURS_PATTERN "/v1/staff/resources/{resource_id}/opening-hours"
const struct api_route api_route_hours_get = {
    .http = {HTTP_GET, HOURS_PATTERN, 200, NULL},
    .handler = api_hours_get,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_hours_put = {
    .http = {HTTP_PUT, HOURS_PATTERN, 200, NULL},
    .handler = api_hours_put,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_hours_rows,
    .input_size = sizeof(struct hours_input),
};
