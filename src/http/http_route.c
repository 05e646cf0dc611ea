/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Finds the row of the route table for a request. The worker calls it once per request, with the
 * parsed head; the dispatcher only for answers that it gives itself.
 */
#include "http/http_route.h"

/* Every GET answers HEAD as well. */
static bool http_route_serves(const struct http_route *route, enum http_method method)
{
    return route->method == method || (method == HTTP_HEAD && route->method == HTTP_GET);
}

/* In the order of the table: literal segments stand before parameters. About fifty rows; a tree
 * would not be measurable. */
size_t http_route_find(const struct http_route_table *t, enum http_method method, struct str path,
                       struct http_params *params)
{
    for (size_t i = 0; i < t->n; i++) {
        if (http_route_serves(t->rows[i], method) &&
            http_path_match(t->rows[i]->pattern, path, params))
            return i;
    }
    return t->n;
}

/* Any method: whether there is something to ask OPTIONS of. */
bool http_route_has_path(const struct http_route_table *t, struct str path)
{
    struct http_params ignored;
    for (size_t i = 0; i < t->n; i++) {
        if (http_path_match(t->rows[i]->pattern, path, &ignored))
            return true;
    }
    return false;
}

/* Asked for each request that needs a worker, hence of a table of its own: it has two rows. */
bool http_route_is_search(const struct http_route_table *t, enum http_method method,
                          struct str path)
{
    struct http_params ignored;
    for (size_t i = 0; i < t->searches_n; i++) {
        if (http_route_serves(t->searches[i], method) &&
            http_path_match(t->searches[i]->pattern, path, &ignored))
            return true;
    }
    return false;
}

/* RFC 9110 15.5.6: a 405 lists what is allowed. */
const char *http_route_allowed(const struct http_route_table *t, struct arena *a, struct str path)
{
    struct http_params ignored;
    struct sb list;

    sb_init(&list, a, 64);
    for (int m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (http_route_find(t, (enum http_method)m, path, &ignored) < t->n)
            sb_printf(&list, "%s%s", list.n ? ", " : "", http_method_names[m]);
    }
    return list.n ? sb_str(&list).p : NULL;
}

const char *http_route_pattern(const struct http_route_table *t, size_t row)
{
    return row < t->n ? t->rows[row]->pattern : "none";
}
