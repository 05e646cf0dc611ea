/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Resources of a venue, for staff: what is booked, such as a chair, a table or a doctor. Handlers
 * of /v1/staff/venues/{id}/resources and /v1/staff/resources. As in api_staff_catalog.c, a PATCH is
 * the stored object with the members that were sent. */
#include "api/api_catalog_json.h"
#include "api/api_catalog_words.h"
#include "api/api_page.h"
#include "svc/svc_sql.h"

/* has_X: the member was sent (see struct venue_input in api_staff_catalog.c). */
struct resource_input {
    const char *name;
    int64_t capacity;
    struct words_input words;
    bool has_name, has_capacity, active, has_active, listed, has_listed;
};
static const struct schema_row api_resources_rows[] = {
    {SCHEMA_NAME(struct resource_input, name, 120), .required = true,
     SCHEMA_HAS(struct resource_input, has_name)},
    {SCHEMA_INT(struct resource_input, capacity, 1, 1000),
     SCHEMA_HAS(struct resource_input, has_capacity)},
    {SCHEMA_BOOL(struct resource_input, active), SCHEMA_HAS(struct resource_input, has_active)},
    {SCHEMA_BOOL(struct resource_input, listed), SCHEMA_HAS(struct resource_input, has_listed)},
    API_WORDS_ROWS(struct resource_input, words),
    SCHEMA_END,
};

/* For lists (with a cursor) and single reads (next NULL). */
static json_t *api_resources_item(struct api_request *r, struct db_rows rows, int i,
                                  const char **next)
{
    struct resource v;
    catalog_read_resource(rows, i, &v);
    if (next)
        *next = api_catalog_cursor(r, v.words.position, v.name, &v.id);
    return api_resource_json(r, &v);
}

/* Of one venue, inactive ones and those not listed included: staff must find them to change
 * them. */
static enum err api_resources_get_list(struct api_request *r)
{
    return api_catalog_reply_seen(r, &stmt_catalog_resources_seen, api_resources_item);
}

static enum err api_resources_get(struct api_request *r)
{
    return api_catalog_reply_one_seen(r, &stmt_catalog_resource_seen, api_resources_item);
}

/* A lower capacity, or an inactive resource, may leave bookings that no longer fit. The change is
 * made all the same, and the answer lists them (BEHAVIOUR §5). */
static enum err api_resources_save(struct api_request *r, struct resource *v, bool is_new)
{
    const struct resource_input *in = r->input;
    if (in->has_name)
        v->name = in->name;
    if (in->has_capacity)
        v->capacity = in->capacity;
    if (in->has_active)
        v->active = in->active;
    if (in->has_listed)
        v->listed = in->listed;
    api_words_take(r, &in->words, &v->words);
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    struct catalog_conflicts conflicts;
    const struct resource_change change = {.after = v,
                                           .is_new = is_new,
                                           .set_capacity = in->has_capacity,
                                           .set_active = in->has_active};
    enum err e = catalog_save_resource(&r->svc, r->who.actor, &change, &conflicts);
    if (e != ERR_OK)
        return e;
    /* A new resource has no bookings, so a POST says nothing about conflicts. */
    json_t *body = api_resource_json(r, v);
    if (!is_new)
        api_conflicts_put(r, body, &conflicts);
    api_reply(r, is_new ? 201 : 200, body);
    return ERR_OK;
}

/* Defaults are those of openapi.yaml: one person at a time, active, shown to the public. */
static enum err api_resources_post(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_venue_seen, &seen);
    if (e != ERR_OK)
        return e;
    struct venue venue;
    catalog_read_venue(seen, 0, &venue);
    struct resource v = {.id = uuid_new(),
                         .venue_id = r->ids[0],
                         .capacity = 1,
                         /* The language of `name`: that of the venue, which staff write in. */
                         .words.locale = venue.words.locale,
                         .active = true,
                         .listed = true};
    return api_resources_save(r, &v, true);
}

/* Authenticate and find in the first batch; then lock and read again, so that a change in between
 * is not overwritten. */
static enum err api_resources_patch(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_resource_seen, &seen);
    if (e == ERR_OK)
        e = catalog_hold(&r->svc, CATALOG_RESOURCE, r->auth_hash, r->ids[0].s, &seen);
    if (e != ERR_OK)
        return e;
    struct resource v;
    catalog_read_resource(seen, 0, &v);
    return api_resources_save(r, &v, false);
}

#define LIST_PATTERN "/v1/staff/venues/{venue_id}/resources"
/* An agent works with what there is; only an administrator changes what can be booked. */
const struct api_route api_route_resources_get_list = {
    .http = {HTTP_GET, LIST_PATTERN, 200, NULL},
    .handler = api_resources_get_list,
    .auth = AUTH_VIEWER,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_resources_get = {
    .http = {HTTP_GET, "/v1/staff/resources/{resource_id}", 200, NULL},
    .handler = api_resources_get,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_resources_post = {
    .http = {HTTP_POST, LIST_PATTERN, 201, NULL},
    .handler = api_resources_post,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_resources_rows,
    .input_size = sizeof(struct resource_input),
};
const struct api_route api_route_resources_patch = {
    .http = {HTTP_PATCH, "/v1/staff/resources/{resource_id}", 200, NULL},
    .handler = api_resources_patch,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_resources_rows,
    .input_size = sizeof(struct resource_input),
    .partial = true,
};
