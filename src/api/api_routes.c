/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The route table, one .def an area, so that a row stands beside its handler and schema; and
 * finding a row. */
#include "api_priv.h"

#define ROUTE(row) extern const struct api_route row;
#include "api_routes_all.def"
#undef ROUTE

#define ROUTE(row) &row,
const struct api_route *const api_routes[] = {
#include "api_routes_all.def"
    NULL,
};
#undef ROUTE

const size_t api_routes_n = ARRAY_LEN(api_routes) - 1;

static bool serves(const struct api_route *route, enum http_method method)
{
    return route->method == method || (method == HTTP_HEAD && route->method == HTTP_GET);
}

size_t api_route_row(enum http_method method, struct str path, struct http_params *params)
{
    for (size_t i = 0; i < api_routes_n; i++) {
        if (serves(api_routes[i], method) && http_path_match(api_routes[i]->pattern, path, params))
            return i;
    }
    return api_routes_n;
}

/* "GET, HEAD, PATCH": what the rows of this path serve; NULL when there is none. */
static const char *allowed(struct arena *a, struct str path)
{
    struct http_params ignored;
    struct sb list;
    sb_init(&list, a, 64);
    for (int m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (api_route_row((enum http_method)m, path, &ignored) < api_routes_n)
            sb_printf(&list, "%s%s", list.n ? ", " : "", http_method_names[m]);
    }
    return list.n ? sb_str(&list).p : NULL;
}

enum err api_route(struct api_request *r)
{
    struct http_params params;
    r->row = api_routes_n;
    if (r->head->method == HTTP_OTHER)
        return ERR_NOT_IMPLEMENTED;
    r->row = api_route_row(r->head->method, r->head->path, &params);
    if (r->row < api_routes_n) {
        r->route = api_routes[r->row];
        for (size_t i = 0; i < params.n; i++)
            r->params[i] = params.value[i];
        return ERR_OK;
    }
    r->allow = allowed(r->svc.arena, r->head->path);
    return r->allow ? ERR_METHOD_NOT_ALLOWED : ERR_NOT_FOUND;
}
