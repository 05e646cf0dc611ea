/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The route table, from one .def per area, so that a row stands beside its handler and schema; and
 * the row of a request, for api.c. The dispatcher gets method and path of the same rows.
 */
#include "api_priv.h"

#define ROUTE(row) extern const struct api_route row;
#include "api_routes_all.def"
#undef ROUTE

#define ROUTE(row) &row,
const struct api_route *const api_routes[] = {
#include "api_routes_all.def"
};
#undef ROUTE

#define ROUTE(row) &row.http,
static const struct http_route *const api_routes_http[] = {
#include "api_routes_all.def"
};
#undef ROUTE

/* What these cost follows from resources times days, and anybody may ask. */
static const struct http_route *const api_routes_searches[] = {
    &api_route_slots_get_list.http,
    &api_route_slots_get_days.http,
};

const struct http_route_table api_route_table = {
    .rows = api_routes_http,
    .n = ARRAY_LEN(api_routes_http),
    .searches = api_routes_searches,
    .searches_n = ARRAY_LEN(api_routes_searches),
};

/* 405 with Allow where the path exists under another method, and 501 for a method that this server
 * does not know at all (RFC 9110 15.5.6 and 15.6.2). */
enum err api_route(struct api_request *r)
{
    struct http_params params;
    /* No row until one is found: whatever is refused before that is recorded without a route. */
    r->row = api_route_table.n;
    if (r->head->method == HTTP_OTHER)
        return ERR_NOT_IMPLEMENTED;
    r->row = http_route_find(&api_route_table, r->head->method, r->head->path, &params);
    if (r->row < api_route_table.n) {
        r->route = api_routes[r->row];
        for (size_t i = 0; i < params.n; i++)
            r->params[i] = params.value[i];
        return ERR_OK;
    }
    r->allow = http_route_allowed(&api_route_table, r->svc.arena, r->head->path);
    return r->allow ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND;
}
