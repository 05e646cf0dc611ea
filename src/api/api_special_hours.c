/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Hours of certain dates of a resource, for staff. Handlers of
 * /v1/staff/resources/{id}/special-hours. They replace the weekly hours on each of their dates; an
 * empty list closes the day. Every change answers with the bookings that no longer fit. */
#include "api/api_catalog_json.h"
#include "api/api_hours.h"
#include "base/num.h"
#include "svc/svc_sql.h"

#define SPECIAL_OPENINGS_MAX 20 /* shifts of one day */
#define SPECIAL_RANGES_MAX 200  /* of one resource: some years of holidays */

/* `from` and `to` are both included; one day has the same date twice. */
struct special_input {
    const char *from, *to, *note;
    json_t *hours;
};
static const struct schema_row api_special_rows[] = {
    {SCHEMA_STRING(struct special_input, from, 10, 10), .required = true},
    {SCHEMA_STRING(struct special_input, to, 10, 10), .required = true},
    {SCHEMA_ARRAY(struct special_input, hours, 0, SPECIAL_OPENINGS_MAX), .required = true},
    {SCHEMA_NOTE(struct special_input, note, 200), .nullable = true},
    SCHEMA_END,
};
/* Texts such as "09:30", in the clock of the venue. */
struct special_opening_input {
    const char *opens, *closes;
};
static const struct schema_row api_special_opening_rows[] = {
    {SCHEMA_STRING(struct special_opening_input, opens, 5, 5), .required = true},
    {SCHEMA_STRING(struct special_opening_input, closes, 5, 5), .required = true},
    SCHEMA_END,
};
struct special_list_input {
    json_t *items;
};
static const struct schema_row api_special_list_rows[] = {
    {SCHEMA_ARRAY(struct special_list_input, items, 0, SPECIAL_RANGES_MAX), .required = true},
    SCHEMA_END,
};

/* ---- in ---- */

/* `base` is where the range stands in the body, so that a fault points at the very member. */
static void api_special_read_openings(struct api_request *r, const json_t *list, const char *base,
                                      struct special_hours *h)
{
    struct arena *a = r->svc.arena;
    h->n = json_array_size(list);
    h->items = arena_array(a, h->n, sizeof *h->items);
    for (size_t i = 0; i < h->n; i++) {
        const char *at = fault_pointer_index(a, fault_pointer(a, base, "hours"), i);
        struct special_opening_input in = {0};
        if (schema_read_object(&(struct schema){.rows = api_special_opening_rows},
                               json_array_get(list, i), &in, at, &r->faults))
            h->items[i] = api_opening_read(r, at, in.opens, in.closes);
    }
}

/* The dates stay text from here to the database: no time zone is involved in a date, and text in
 * this form sorts by time. */
static void api_special_take(struct api_request *r, const struct special_input *in,
                             const char *base, struct special_hours *h)
{
    struct arena *a = r->svc.arena;
    *h = (struct special_hours){
        .id = uuid_new(), .first_day = in->from, .last_day = in->to, .note = in->note};
    if (!wall_date_valid(str_of(in->from)))
        api_fault(r, fault_pointer(a, base, "from"), "must be a date, YYYY-MM-DD");
    if (!wall_date_valid(str_of(in->to)))
        api_fault(r, fault_pointer(a, base, "to"), "must be a date, YYYY-MM-DD");
    else if (strcmp(in->to, in->from) < 0)
        api_fault(r, fault_pointer(a, base, "to"), "must not be before `from`");
    api_special_read_openings(r, in->hours, base, h);
}

/* ---- out ---- */

/* The answer of a POST and the items of a GET are made here, so they cannot differ. */
static json_t *api_special_json(struct arena *a, const struct special_hours *h)
{
    json_t *j = json_obj(a), *hours = json_arr(a);
    json_put_str(a, j, "id", h->id.s);
    json_put_str(a, j, "from", h->first_day);
    json_put_str(a, j, "to", h->last_day);
    for (size_t i = 0; i < h->n; i++) {
        json_t *one = json_obj(a);
        api_opening_put(a, one, &h->items[i]);
        json_push(a, hours, one);
    }
    json_put(a, j, "hours", hours);
    /* For staff, such as "Eid": customers see the hours alone. */
    json_put_str(a, j, "note", h->note);
    return j;
}

/* "540,900" of the statement; false when there is no further minute. */
static bool api_special_next_minute(struct str *text, int64_t *minute)
{
    return text->n > 0 && num_i64(str_cut(text, ','), minute);
}

/* The statement returns all openings of a range as two lists of minutes in one row: one row per
 * range keeps the page simple. n/2 + 1 is enough room: each minute but the last takes a digit and a
 * comma. */
static void api_special_read_row(struct arena *a, struct db_rows rows, int row,
                                 struct special_hours *h)
{
    struct str opens = str_of(db_get_str(rows, row, "opens"));
    struct str closes = str_of(db_get_str(rows, row, "closes"));
    *h = (struct special_hours){
        .id = db_get_uuid(rows, row, "id"),
        .first_day = db_get_str(rows, row, "first_day"),
        .last_day = db_get_str(rows, row, "last_day"),
        .note = db_get(rows, row, "note"),
        .items = arena_array(a, opens.n / 2 + 1, sizeof *h->items),
    };
    struct opening one = {0};
    while (api_special_next_minute(&opens, &one.opens_minute) &&
           api_special_next_minute(&closes, &one.closes_minute))
        h->items[h->n++] = one;
}

/* ---- handlers ---- */

/* Authenticates, and reads the resource if the key may see it: 404 otherwise. */
static enum err api_special_find_resource(struct api_request *r, struct resource *out)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_resource_seen, &seen);
    if (e == ERR_OK)
        catalog_read_resource(seen, 0, out);
    return e;
}

/* The database's exclusion constraint finds ranges that share a date; the sentence is the same
 * whichever handler met it. */
static enum err api_special_reply(struct api_request *r, enum err e, int status, json_t *body,
                                  const struct catalog_conflicts *conflicts)
{
    if (e == ERR_VALIDATION)
        api_fault(r, "", "two of the ranges share a date");
    if (e != ERR_OK)
        return e;
    api_conflicts_put(r, body, conflicts);
    api_reply(r, status, body);
    return ERR_OK;
}

/* All ranges in one answer: SPECIAL_RANGES_MAX bounds them. The resource is read in the same batch,
 * to tell an empty list from a foreign resource. */
static enum err api_special_get(struct api_request *r)
{
    struct arena *a = r->svc.arena;
    struct db_batch *b = api_first_batch(r);
    int resource = DB_ADD(b, &stmt_catalog_resource_seen, r->auth_hash, r->ids[0].s);
    int list = DB_ADD(b, &stmt_catalog_special_seen, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, resource)) == 0)
        return ERR_NOT_FOUND;
    json_t *items = json_arr(a), *body = json_obj(a);
    for (int row = 0; row < db_count(db_result(b, list)); row++) {
        struct special_hours h;
        api_special_read_row(a, db_result(b, list), row, &h);
        json_push(a, items, api_special_json(a, &h));
    }
    json_put(a, body, "items", items);
    api_reply(r, 200, body);
    return ERR_OK;
}

/* A new range with an identifier of its own, which the answer shows: DELETE takes it. */
static enum err api_special_post(struct api_request *r)
{
    struct resource resource;
    struct special_hours h;
    struct catalog_conflicts conflicts;
    enum err e = api_special_find_resource(r, &resource);
    if (e != ERR_OK)
        return e;
    api_special_take(r, r->input, "", &h);
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    e = catalog_special_add(&r->svc, r->who.actor, &resource, &h, &conflicts);
    return api_special_reply(r, e, 201, api_special_json(r->svc.arena, &h), &conflicts);
}

/* Replaces all ranges at once, so that a repeat of the request changes nothing. Every fault of
 * every range is reported before anything is written. */
static enum err api_special_put(struct api_request *r)
{
    struct arena *a = r->svc.arena;
    struct resource resource;
    struct catalog_conflicts conflicts;
    enum err e = api_special_find_resource(r, &resource);
    if (e != ERR_OK)
        return e;
    const json_t *in = ((const struct special_list_input *)r->input)->items;
    struct special_list list = {.n = json_array_size(in)};
    list.items = arena_array(a, list.n, sizeof *list.items);
    json_t *items = json_arr(a), *body = json_obj(a);
    for (size_t i = 0; i < list.n; i++) {
        const char *base = fault_pointer_index(a, "/items", i);
        struct special_input one = {0};
        if (!schema_read_object(&(struct schema){.rows = api_special_rows}, json_array_get(in, i),
                                &one, base, &r->faults))
            continue;
        api_special_take(r, &one, base, &list.items[i]);
        json_push(a, items, api_special_json(a, &list.items[i]));
    }
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    json_put(a, body, "items", items);
    e = catalog_special_replace(&r->svc, r->who.actor, &resource, &list, &conflicts);
    return api_special_reply(r, e, 200, body, &conflicts);
}

/* 200 with a body, not 204: the dates fall back to the weekly hours, which may leave bookings
 * outside. */
static enum err api_special_delete(struct api_request *r)
{
    struct resource resource;
    struct catalog_conflicts conflicts;
    enum err e = api_special_find_resource(r, &resource);
    if (e != ERR_OK)
        return e;
    e = catalog_special_delete(&r->svc, r->who.actor, &resource, r->ids[1].s, &conflicts);
    return api_special_reply(r, e, 200, json_obj(r->svc.arena), &conflicts);
}

#define SPECIAL_PATTERN "/v1/staff/resources/{resource_id}/special-hours"
/* Changes are for administrators, as the weekly hours are: they decide what can be sold. */
const struct api_route api_route_special_get = {
    .http = {HTTP_GET, SPECIAL_PATTERN, 200, NULL},
    .handler = api_special_get,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_special_post = {
    .http = {HTTP_POST, SPECIAL_PATTERN, 201, NULL},
    .handler = api_special_post,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_special_rows,
    .input_size = sizeof(struct special_input),
};
const struct api_route api_route_special_put = {
    .http = {HTTP_PUT, SPECIAL_PATTERN, 200, NULL},
    .handler = api_special_put,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_special_list_rows,
    .input_size = sizeof(struct special_list_input),
};
const struct api_route api_route_special_delete = {
    .http = {HTTP_DELETE, SPECIAL_PATTERN "/{special_hours_id}", 200, NULL},
    .handler = api_special_delete,
    .auth = AUTH_ADMIN,
};
