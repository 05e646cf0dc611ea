/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Resources of a venue, for staff. */
#include "api/api_catalog.h"
#include "api/api_page.h"
#include "svc/svc_sql.h"

struct resource_input {
    const char *name;
    int64_t capacity;
    bool has_name, has_capacity, active, has_active;
};
static const struct schema_row api_resources_rows[] = {
    {SCHEMA_NAME(struct resource_input, name, 120), .required = true,
     SCHEMA_HAS(struct resource_input, has_name)},
    {SCHEMA_INT(struct resource_input, capacity, 1, 1000),
     SCHEMA_HAS(struct resource_input, has_capacity)},
    {SCHEMA_BOOL(struct resource_input, active), SCHEMA_HAS(struct resource_input, has_active)},
    SCHEMA_END,
};

static json_t *api_resources_item(struct api_request *r, struct db_rows rows, int i,
                                  const char **next)
{
    struct resource v;
    catalog_read_resource(rows, i, &v);
    if (next)
        *next = api_cursor_make(r, (const char *const[]){v.name, v.id.s}, 2);
    return api_resource_json(r->svc.arena, &v);
}

static enum err api_resources_get_list(struct api_request *r)
{
    struct catalog_page page;
    if (!api_catalog_page(r, r->query_input, &page))
        page = (struct catalog_page){.limit = 0}; /* who is asking comes before what is wrong */
    struct db_batch *b = api_first_batch(r);
    int venue = DB_ADD(b, &stmt_catalog_venue_seen, r->auth_hash, r->ids[0].s);
    int list = DB_ADD(b, &stmt_catalog_resources_seen, r->auth_hash, r->ids[0].s,
                      db_int(b, page.limit), page.after_name, page.after_id);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    if (db_count(db_result(b, venue)) == 0)
        return ERR_NOT_FOUND;
    api_reply_page(r, db_result(b, list), page.limit - 1, api_resources_item);
    return ERR_OK;
}

static enum err api_resources_save(struct api_request *r, struct resource *v, bool is_new)
{
    const struct resource_input *in = r->input;
    if (in->has_name)
        v->name = in->name;
    if (in->has_capacity)
        v->capacity = in->capacity;
    if (in->has_active)
        v->active = in->active;
    enum err e = catalog_save_resource(&r->svc, r->who.actor, v, is_new);
    if (e == ERR_OK)
        api_reply(r, is_new ? 201 : 200, api_resource_json(r->svc.arena, v));
    return e;
}

static enum err api_resources_post(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_venue_seen, &seen);
    if (e != ERR_OK)
        return e;
    struct resource v = {.id = uuid_new(), .venue_id = r->ids[0], .capacity = 1, .active = true};
    return api_resources_save(r, &v, true);
}

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
const struct api_route api_route_resources_get_list = {
    .http = {HTTP_GET, LIST_PATTERN, 200},
    .handler = api_resources_get_list,
    .auth = AUTH_VIEWER,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_resources_post = {
    .http = {HTTP_POST, LIST_PATTERN, 201},
    .handler = api_resources_post,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_resources_rows,
    .input_size = sizeof(struct resource_input),
};
const struct api_route api_route_resources_patch = {
    .http = {HTTP_PATCH, "/v1/staff/resources/{resource_id}", 200},
    .handler = api_resources_patch,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_resources_rows,
    .input_size = sizeof(struct resource_input),
    .partial = true,
};
