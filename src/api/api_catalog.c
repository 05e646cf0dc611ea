/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The public catalog: active venues, services and resources. Who holds a booking of a retired one
 * reads it as well. Handlers without authentication; a token that is sent along widens what is
 * seen.
 */
#include "api/api_catalog.h"
#include "api/api_page.h"

/* Active venues only; a list does not depend on who asks, so it may be cached. */
static enum err api_catalog_get_venue_list(struct api_request *r)
{
    struct catalog_page page;
    if (!api_catalog_page(r, r->query_input, &page))
        return ERR_VALIDATION;
    struct venue *venues;
    size_t n;
    enum err e = catalog_venues(&r->svc, &page, &venues, &n);
    if (e != ERR_OK)
        return e;
    struct arena *a = r->svc.arena;
    /* The service was asked for one row more than the page has. */
    size_t shown = n < (size_t)page.limit ? n : (size_t)page.limit - 1;
    json_t *items = json_arr(a);
    for (size_t i = 0; i < shown; i++)
        json_push(a, items, api_venue_json(r, &venues[i]));
    const char *next = NULL;
    if (shown < n)
        next = api_catalog_cursor(r, venues[shown - 1].words.position, venues[shown - 1].name,
                                  &venues[shown - 1].id);
    api_reply_list(r, items, next);
    return ERR_OK;
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
    if (e != ERR_OK)
        return e;
    struct arena *a = r->svc.arena;
    size_t shown = n < (size_t)page.limit ? n : (size_t)page.limit - 1;
    json_t *items = json_arr(a);
    for (size_t i = 0; i < shown; i++)
        json_push(a, items, api_service_json(r, &services[i]));
    const char *next = NULL;
    if (shown < n)
        next = api_catalog_cursor(r, services[shown - 1].words.position, services[shown - 1].name,
                                  &services[shown - 1].id);
    api_reply_list(r, items, next);
    return ERR_OK;
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
    if (e != ERR_OK)
        return e;
    struct arena *a = r->svc.arena;
    size_t shown = n < (size_t)page.limit ? n : (size_t)page.limit - 1;
    json_t *items = json_arr(a);
    for (size_t i = 0; i < shown; i++)
        json_push(a, items, api_public_resource_json(r, &list[i]));
    const char *next = NULL;
    if (shown < n)
        next = api_catalog_cursor(r, list[shown - 1].words.position, list[shown - 1].name,
                                  &list[shown - 1].id);
    api_reply_list(r, items, next);
    return ERR_OK;
}

/* Tagged: the answers have an ETag, so that a page that asks again gets 304 without a body. */
const struct api_route api_route_catalog_get_venue_list = {
    .http = {HTTP_GET, "/v1/venues", 200, NULL},
    .handler = api_catalog_get_venue_list,
    .tagged = true,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_catalog_get_venue = {
    .http = {HTTP_GET, "/v1/venues/{venue_id}", 200, NULL},
    .handler = api_catalog_get_venue,
    .tagged = true,
};
const struct api_route api_route_catalog_get_service_list = {
    .http = {HTTP_GET, "/v1/venues/{venue_id}/services", 200, NULL},
    .handler = api_catalog_get_service_list,
    .tagged = true,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_catalog_get_resource_list = {
    .http = {HTTP_GET, "/v1/venues/{venue_id}/resources", 200, NULL},
    .handler = api_catalog_get_resource_list,
    .tagged = true,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_catalog_get_service = {
    .http = {HTTP_GET, "/v1/services/{service_id}", 200, NULL},
    .handler = api_catalog_get_service,
    .tagged = true,
};
