/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Closures of a venue or one of its resources, for staff: a span of time without bookings, such as
 * a holiday or a repair. Handlers of /v1/staff/venues/{id}/closures and /v1/staff/closures.
 * Bookings that a new one overlaps stay; the answer lists them, and staff decide about each. Lists
 * hold closures that have not ended, and come by their start. */
#include "api/api_booking_json.h"
#include "api/api_catalog_json.h"
#include "api/api_page.h"
#include "svc/booking.h"
#include "svc/svc_sql.h"

/* Without a resource_id the whole venue is closed. */
struct closure_input {
    struct uuid resource_id;
    bool has_resource;
    struct wall starts_at, ends_at;
    const char *reason;
};
/* The reason is for staff alone: the public routes show free slots, and no closures. */
static const struct schema_row api_closures_rows[] = {
    {SCHEMA_UUID(struct closure_input, resource_id),
     SCHEMA_HAS(struct closure_input, has_resource)},
    {SCHEMA_TIME(struct closure_input, starts_at), .required = true},
    {SCHEMA_TIME(struct closure_input, ends_at), .required = true},
    {SCHEMA_NOTE(struct closure_input, reason, 200)},
    SCHEMA_END,
};

/* Lists are sorted by start, so the cursor holds start and id. */
static json_t *api_closures_item(struct api_request *r, struct db_rows rows, int i,
                                 const char **next)
{
    struct closure c;
    catalog_read_closure(rows, i, &c);
    if (next)
        *next = api_time_cursor_make(r, c.starts_at, &c.id);
    return api_closure_json(r->svc.arena, &c);
}

/* The venue is read in the same batch, to tell "no closures" from "no such venue". */
static enum err api_closures_get_list(struct api_request *r)
{
    const struct api_page *page = r->query_input;
    const char *after[2] = {NULL, NULL};
    bool good = api_time_cursor(r, page->after, after); /* told after authentication */
    int64_t limit = api_page_limit(page);
    struct db_batch *b = api_first_batch(r);
    int venue = DB_ADD(b, &stmt_catalog_venue_seen, r->auth_hash, r->ids[0].s);
    int list = DB_ADD(b, &stmt_catalog_closures_seen, r->auth_hash, r->ids[0].s,
                      db_int(b, limit + 1), after[0], after[1]);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    if (db_count(db_result(b, venue)) == 0)
        return ERR_NOT_FOUND;
    api_reply_page(r, db_result(b, list), limit, api_closures_item);
    return ERR_OK;
}

/* What an agent may close: one resource, for a day at most, as for a colleague who is ill. Longer
 * ones, and the whole venue, are for administrators. */
#define AGENT_CLOSURE_US (24 * 3600 * INT64_C(1000000))
static bool api_closures_permitted(const struct api_request *r, const struct closure *c)
{
    return r->who.role >= STAFF_ADMIN ||
           (c->resource_id.s[0] != '\0' && c->ends_at.us - c->starts_at.us <= AGENT_CLOSURE_US);
}

/* The role is checked after the input: only the span says which role is needed. */
static enum err api_closures_post(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_venue_seen, &seen);
    if (e != ERR_OK)
        return e;
    const struct closure_input *in = r->input;
    /* Checked here: the schema looks at one member at a time. */
    if (in->ends_at.us <= in->starts_at.us) {
        api_fault(r, "/ends_at", "must be after starts_at");
        return ERR_VALIDATION;
    }
    struct closure c = {.id = uuid_new(),
                        .venue_id = r->ids[0],
                        .starts_at = in->starts_at,
                        .ends_at = in->ends_at,
                        .reason = in->reason};
    if (in->has_resource)
        c.resource_id = in->resource_id;
    if (!api_closures_permitted(r, &c))
        return ERR_FORBIDDEN;
    struct catalog_conflicts conflicts;
    e = catalog_add_closure(&r->svc, r->who.actor, &c, &conflicts);
    if (e == ERR_VALIDATION)
        api_fault(r, "/resource_id", "is not a resource of this venue");
    if (e != ERR_OK)
        return e;
    json_t *body = api_closure_json(r->svc.arena, &c);
    api_conflicts_put(r, body, &conflicts);
    api_reply(r, 201, body);
    return ERR_OK;
}

/* The same limit as for making one: an agent must not undo what an administrator closed. */
static enum err api_closures_delete(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_closure_seen, &seen);
    if (e != ERR_OK)
        return e;
    struct closure c;
    catalog_read_closure(seen, 0, &c);
    if (!api_closures_permitted(r, &c))
        return ERR_FORBIDDEN;
    e = catalog_delete_closure(&r->svc, r->who.actor, &c);
    if (e == ERR_OK)
        api_reply_empty(r, 204);
    return e;
}

#define LIST_PATTERN "/v1/staff/venues/{venue_id}/closures"
/* Agents may post and delete, within the limit above; whoever only reads needs no more than
 * viewer. */
const struct api_route api_route_closures_get_list = {
    .http = {HTTP_GET, LIST_PATTERN, 200, NULL},
    .handler = api_closures_get_list,
    .auth = AUTH_VIEWER,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_closures_post = {
    .http = {HTTP_POST, LIST_PATTERN, 201, NULL},
    .handler = api_closures_post,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_closures_rows,
    .input_size = sizeof(struct closure_input),
};
const struct api_route api_route_closures_delete = {
    .http = {HTTP_DELETE, "/v1/staff/closures/{closure_id}", 204, NULL},
    .handler = api_closures_delete,
    .auth = AUTH_AGENT,
};
