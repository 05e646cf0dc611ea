/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The staff's catalog: venues and services. A PATCH is the stored object with the members that were
 * sent. */
#include "api/api_catalog.h"

#include <stdlib.h>

#include "base/num.h"

/* ---- venues ---- */

struct venue_input {
    const char *name, *time_zone, *currency;
    bool has_name, has_zone, has_currency, active, has_active;
};
#define VENUE_MEMBERS(need)                                      \
    {.name = "name",                                             \
     .type = J_STRING,                                           \
     .required = (need),                                         \
     .min = 1,                                                   \
     .max = 120,                                                 \
     .offset = offsetof(struct venue_input, name),               \
     .present = offsetof(struct venue_input, has_name)},         \
        {.name = "time_zone",                                    \
         .type = J_STRING,                                       \
         .required = (need),                                     \
         .min = 1,                                               \
         .max = 64,                                              \
         .offset = offsetof(struct venue_input, time_zone),      \
         .present = offsetof(struct venue_input, has_zone)},     \
        {.name = "currency",                                     \
         .type = J_STRING,                                       \
         .required = (need),                                     \
         .min = 3,                                               \
         .max = 3,                                               \
         .offset = offsetof(struct venue_input, currency),       \
         .present = offsetof(struct venue_input, has_currency)}, \
        {.name = "active",                                       \
         .type = J_BOOL,                                         \
         .offset = offsetof(struct venue_input, active),         \
         .present = offsetof(struct venue_input, has_active)},   \
        JSON_MEMBERS_END
static const struct json_member venue_new_members[] = {VENUE_MEMBERS(true)};
static const struct json_member venue_change_members[] = {VENUE_MEMBERS(false)};

static enum err save_venue(struct api_request *r, struct venue *v, bool is_new)
{
    const struct venue_input *in = r->input;
    if (in->has_name)
        v->name = in->name;
    if (in->has_zone)
        v->time_zone = in->time_zone;
    if (in->has_currency)
        v->currency = in->currency;
    if (in->has_active)
        v->active = in->active;
    if (!num_currency_known(str_of(v->currency)))
        api_fault(r, "/currency", "is not an ISO 4217 code");
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    enum err e = catalog_save_venue(&r->svc, r->who.actor, v, is_new);
    if (e == ERR_VALIDATION)
        api_fault(r, "/time_zone", "is not an IANA time zone that the database knows");
    if (e == ERR_OK)
        api_reply(r, is_new ? 201 : 200, api_venue_json(r->svc.arena, v));
    return e;
}

static enum err post_venue(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    if (r->who.one_venue)
        return ERR_FORBIDDEN;
    struct venue v = {.id = uuid_new(), .active = true};
    http_resp_headerf(&r->resp, "Location", "/v1/venues/%s", v.id.s);
    return save_venue(r, &v, true);
}

static enum err patch_venue(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &catalog_venue_seen, &seen);
    if (e == ERR_OK)
        e = catalog_hold(&r->svc, CATALOG_VENUE, r->auth_hash, r->ids[0].s, &seen);
    if (e != ERR_OK)
        return e;
    struct venue v;
    catalog_read_venue(seen, 0, &v);
    return save_venue(r, &v, false);
}

/* ---- services ---- */

struct service_input {
    const char *name;
    int64_t duration, step, before, after, price, notice, advance, free_cancellation;
    int payment;
    json_t *resource_ids;
    bool active;
    bool has_name, has_duration, has_step, has_before, has_after, has_price, has_payment,
        has_notice, has_advance, has_free, has_resources, has_active;
};
/* The largest price whose product with the largest party still fits. */
#define PRICE_MAX (INT64_MAX / 1000)
#define SERVICE_INT(json, field, has, low, high)                  \
    {                                                             \
        .name = json, .type = J_INT, .min = (low), .max = (high), \
        .offset = offsetof(struct service_input, field),          \
        .present = offsetof(struct service_input, has)            \
    }
#define SERVICE_MEMBERS(need)                                                                \
    {.name = "name",                                                                         \
     .type = J_STRING,                                                                       \
     .required = (need),                                                                     \
     .min = 1,                                                                               \
     .max = 120,                                                                             \
     .offset = offsetof(struct service_input, name),                                         \
     .present = offsetof(struct service_input, has_name)},                                   \
        {.name = "duration_minutes",                                                         \
         .type = J_INT,                                                                      \
         .required = (need),                                                                 \
         .min = 5,                                                                           \
         .max = 10080,                                                                       \
         .offset = offsetof(struct service_input, duration),                                 \
         .present = offsetof(struct service_input, has_duration)},                           \
        SERVICE_INT("slot_step_minutes", step, has_step, 5, 1440),                           \
        SERVICE_INT("buffer_before_minutes", before, has_before, 0, 1440),                   \
        SERVICE_INT("buffer_after_minutes", after, has_after, 0, 1440),                      \
        SERVICE_INT("price", price, has_price, 0, PRICE_MAX),                                \
        {.name = "payment",                                                                  \
         .type = J_ENUM,                                                                     \
         .values = service_payment_names,                                                    \
         .offset = offsetof(struct service_input, payment),                                  \
         .present = offsetof(struct service_input, has_payment)},                            \
        SERVICE_INT("min_notice_minutes", notice, has_notice, 0, INT32_MAX),                 \
        SERVICE_INT("max_advance_days", advance, has_advance, 1, 730),                       \
        SERVICE_INT("free_cancellation_minutes", free_cancellation, has_free, 0, INT32_MAX), \
        {.name = "resource_ids",                                                             \
         .type = J_ARRAY,                                                                    \
         .min = 0,                                                                           \
         .max = 1000,                                                                        \
         .offset = offsetof(struct service_input, resource_ids),                             \
         .present = offsetof(struct service_input, has_resources)},                          \
        {.name = "active",                                                                   \
         .type = J_BOOL,                                                                     \
         .offset = offsetof(struct service_input, active),                                   \
         .present = offsetof(struct service_input, has_active)},                             \
        JSON_MEMBERS_END
static const struct json_member service_new_members[] = {SERVICE_MEMBERS(true)};
static const struct json_member service_change_members[] = {SERVICE_MEMBERS(false)};

static void read_resource_ids(struct api_request *r, const json_t *list, struct service *v)
{
    size_t n = json_array_size(list);
    struct uuid *ids = arena_array(r->svc.arena, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        struct str text = {json_string_value(one), json_string_length(one)};
        if (text.p == NULL || !uuid_parse(text, &ids[i]))
            api_fault(r, arena_printf(r->svc.arena, "/resource_ids/%zu", i), "must be a UUID");
    }
    v->resource_ids = ids;
    v->resources_n = n;
}

static void take_service_input(struct api_request *r, struct service *v)
{
    const struct service_input *in = r->input;
    const struct {
        bool has;
        int64_t from;
        int64_t *to;
    } ints[] = {
        {in->has_duration, in->duration, &v->duration_minutes},
        {in->has_before, in->before, &v->buffer_before_minutes},
        {in->has_after, in->after, &v->buffer_after_minutes},
        {in->has_price, in->price, &v->price},
        {in->has_notice, in->notice, &v->min_notice_minutes},
        {in->has_advance, in->advance, &v->max_advance_days},
        {in->has_free, in->free_cancellation, &v->free_cancellation_minutes},
    };
    for (size_t i = 0; i < ARRAY_LEN(ints); i++)
        if (ints[i].has)
            *ints[i].to = ints[i].from;
    v->grid_follows = v->grid_follows && !in->has_step;
    if (in->has_step)
        v->slot_step_minutes = in->step;
    else if (v->grid_follows)
        v->slot_step_minutes = v->duration_minutes;
    if (in->has_name)
        v->name = in->name;
    if (in->has_payment)
        v->payment = in->payment;
    if (in->has_active)
        v->active = in->active;
    if (in->has_resources)
        read_resource_ids(r, in->resource_ids, v);
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct uuid *)a)->s, ((const struct uuid *)b)->s);
}

/* As a reader will find them: a set in its order. */
static void tidy_resource_ids(struct api_request *r, struct service *v)
{
    if (v->resources_n < 2)
        return;
    struct uuid *ids = arena_array(r->svc.arena, v->resources_n, sizeof *ids);
    size_t n = 0;
    memcpy(ids, v->resource_ids, v->resources_n * sizeof *ids);
    qsort(ids, v->resources_n, sizeof *ids, by_id);
    for (size_t i = 0; i < v->resources_n; i++) {
        if (n == 0 || strcmp(ids[n - 1].s, ids[i].s) != 0)
            ids[n++] = ids[i];
    }
    v->resource_ids = ids;
    v->resources_n = n;
}

static enum err save_service(struct api_request *r, struct service *v, bool is_new)
{
    take_service_input(r, v);
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    const struct service_input *in = r->input;
    size_t bad = 0;
    enum err e = catalog_save_service(&r->svc, r->who.actor, v, is_new, in->has_resources, &bad);
    if (e == ERR_VALIDATION)
        api_fault(r, arena_printf(r->svc.arena, "/resource_ids/%zu", bad),
                  "is no resource of the venue");
    if (e != ERR_OK)
        return e;
    tidy_resource_ids(r, v);
    api_reply(r, is_new ? 201 : 200, api_service_json(r->svc.arena, v));
    return ERR_OK;
}

static enum err post_service(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &catalog_venue_seen, &seen);
    if (e != ERR_OK)
        return e;
    struct venue venue;
    catalog_read_venue(seen, 0, &venue);
    struct service v = {.id = uuid_new(),
                        .venue_id = venue.id,
                        .currency = venue.currency,
                        .active = true,
                        .max_advance_days = 90,
                        .grid_follows = true};
    http_resp_headerf(&r->resp, "Location", "/v1/services/%s", v.id.s);
    return save_service(r, &v, true);
}

static enum err patch_service(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &catalog_service_seen, &seen);
    if (e == ERR_OK)
        e = catalog_hold(&r->svc, CATALOG_SERVICE, r->auth_hash, r->ids[0].s, &seen);
    if (e != ERR_OK)
        return e;
    struct service v;
    catalog_read_service(r->svc.arena, seen, 0, &v);
    return save_service(r, &v, false);
}

const struct api_route api_route_staff_venue_post = {
    .http = {HTTP_POST, "/v1/staff/venues", 201},
    .handler = post_venue,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = venue_new_members,
    .input_size = sizeof(struct venue_input),
};
const struct api_route api_route_staff_venue_patch = {
    .http = {HTTP_PATCH, "/v1/staff/venues/{venue_id}", 200},
    .handler = patch_venue,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = venue_change_members,
    .input_size = sizeof(struct venue_input),
    .at_least_one = true,
};
const struct api_route api_route_staff_service_post = {
    .http = {HTTP_POST, "/v1/staff/venues/{venue_id}/services", 201},
    .handler = post_service,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = service_new_members,
    .input_size = sizeof(struct service_input),
};
const struct api_route api_route_staff_service_patch = {
    .http = {HTTP_PATCH, "/v1/staff/services/{service_id}", 200},
    .handler = patch_service,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = service_change_members,
    .input_size = sizeof(struct service_input),
    .at_least_one = true,
};
