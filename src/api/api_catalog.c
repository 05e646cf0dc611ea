/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The public catalog: active venues, services and resources. Who holds a booking of a retired one
 * reads it as well. Handlers without authentication; a token that is sent along widens what is
 * seen.
 */
#include "api/api_catalog_json.h"
#include "api/api_page.h"

/* The JSON of element i of a list; where `next` is not NULL also the cursor behind it. */
typedef json_t *api_catalog_item_fn(struct api_request *r, const void *list, size_t i,
                                    const char **next);

static json_t *api_catalog_venue_item(struct api_request *r, const void *list, size_t i,
                                      const char **next)
{
    const struct venue *v = (const struct venue *)list + i;
    if (next)
        *next = api_catalog_cursor(r, v->words.position, v->name, &v->id);
    return api_venue_json(r, v);
}

static json_t *api_catalog_service_item(struct api_request *r, const void *list, size_t i,
                                        const char **next)
{
    const struct service *v = (const struct service *)list + i;
    if (next)
        *next = api_catalog_cursor(r, v->words.position, v->name, &v->id);
    return api_service_json(r, v);
}

static json_t *api_catalog_resource_item(struct api_request *r, const void *list, size_t i,
                                         const char **next)
{
    const struct resource *v = (const struct resource *)list + i;
    if (next)
        *next = api_catalog_cursor(r, v->words.position, v->name, &v->id);
    return api_public_resource_json(r, v);
}

/* The service was asked for one row more than the page has: that one only tells of a next page. */
static void api_catalog_reply_list(struct api_request *r, const struct catalog_page *page,
                                   const void *list, size_t n, api_catalog_item_fn *item)
{
    const size_t most = (size_t)page->limit - 1;
    json_t *items = json_arr(r->svc.arena);
    const char *next = NULL;
    for (size_t i = 0; i < n && i < most; i++)
        json_push(r->svc.arena, items, item(r, list, i, n > most && i + 1 == most ? &next : NULL));
    api_reply_list(r, items, next);
}

/* Active venues only; a list does not depend on who asks, so it may be cached. */
static enum err api_catalog_get_venue_list(struct api_request *r)
{
    struct catalog_page page;
    if (!api_catalog_page(r, r->query_input, &page))
        return ERR_VALIDATION;
    struct venue *venues;
    size_t n;
    enum err e = catalog_venues(&r->svc, &page, &venues, &n);
    if (e == ERR_OK)
        api_catalog_reply_list(r, &page, venues, n, api_catalog_venue_item);
    return e;
}

/* A customer who holds a booking still reads a venue that was retired, to find the way there. */
static enum err api_catalog_get_venue(struct api_request *r)
{
    struct venue v;
    enum err e = catalog_venue(&r->svc, r->ids[0].s, r->auth_hash, &v);
    if (e == ERR_OK)
        api_reply(r, 200, api_venue_json(r, &v));
    return e;
}

/* 404 when the venue is not active: its services are not on sale either. */
static enum err api_catalog_get_service_list(struct api_request *r)
{
    struct catalog_page page;
    if (!api_catalog_page(r, r->query_input, &page))
        return ERR_VALIDATION;
    struct service *services;
    size_t n;
    enum err e = catalog_services(&r->svc, r->ids[0].s, &page, &services, &n);
    if (e == ERR_OK)
        api_catalog_reply_list(r, &page, services, n, api_catalog_service_item);
    return e;
}

/* As for one venue: retired services stay readable for who has booked them. */
static enum err api_catalog_get_service(struct api_request *r)
{
    struct service v;
    enum err e = catalog_service(&r->svc, r->ids[0].s, r->auth_hash, &v);
    if (e == ERR_OK)
        api_reply(r, 200, api_service_json(r, &v));
    return e;
}

/* Only resources that are active and listed. Staff may keep one out of sight (a spare room) and
 * still book it. */
static enum err api_catalog_get_resource_list(struct api_request *r)
{
    struct catalog_page page;
    if (!api_catalog_page(r, r->query_input, &page))
        return ERR_VALIDATION;
    struct resource *list;
    size_t n;
    enum err e = catalog_resources(&r->svc, r->ids[0].s, &page, &list, &n);
    if (e == ERR_OK)
        api_catalog_reply_list(r, &page, list, n, api_catalog_resource_item);
    return e;
}

/* Tagged: the answers have an ETag, so that a page that asks again gets 304 without a body. */
const struct api_route api_route_catalog_get_venue_list = {
    .http = {HTTP_GET, "/v1/venues", 200, NULL},
    .handler = api_catalog_get_venue_list,
    .standby = true,
    .tagged = true,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_catalog_get_venue = {
    .http = {HTTP_GET, "/v1/venues/{venue_id}", 200, NULL},
    .handler = api_catalog_get_venue,
    .standby = true,
    .tagged = true,
};
const struct api_route api_route_catalog_get_service_list = {
    .http = {HTTP_GET, "/v1/venues/{venue_id}/services", 200, NULL},
    .handler = api_catalog_get_service_list,
    .standby = true,
    .tagged = true,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_catalog_get_resource_list = {
    .http = {HTTP_GET, "/v1/venues/{venue_id}/resources", 200, NULL},
    .handler = api_catalog_get_resource_list,
    .standby = true,
    .tagged = true,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_catalog_get_service = {
    .http = {HTTP_GET, "/v1/services/{service_id}", 200, NULL},
    .handler = api_catalog_get_service,
    .standby = true,
    .tagged = true,
};
