/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The table of routes as far as every process needs it: method and path. What serves a route
 * stands in the api layer; the dispatcher only names routes, in access records and metrics. Pure.
 */
#ifndef BOOKINGD_HTTP_HTTP_ROUTE_H
#define BOOKINGD_HTTP_HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "http/http_parse.h"
#include "http/http_path.h"

struct http_route {
    enum http_method method; /* GET serves HEAD too */
    const char *pattern;     /* "/v1/bookings/{booking_id}" */
    int success_status;
    const char *fixed; /* JSON of an answer that never changes: the dispatcher gives it; NULL */
};
/* Borrowed; it lives as long as the program. */
struct http_route_table {
    const struct http_route *const *rows;
    size_t n;
    /* Of these the reads that look through many rows: they never have all workers at once. */
    const struct http_route *const *searches;
    size_t searches_n;
};

/* The row that serves method and path; t->n when there is none. *params: the path's parameters. */
size_t http_route_find(const struct http_route_table *t, enum http_method method, struct str path,
                       struct http_params *params);
/* Whether any row has this path. */
bool http_route_has_path(const struct http_route_table *t, struct str path);
/* Whether a row of t->searches serves method and path. */
bool http_route_is_search(const struct http_route_table *t, enum http_method method,
                          struct str path);
/* The methods that the rows of a path serve, for the field Allow (RFC 9110 10.2.1), on the arena:
 * "GET, HEAD, PATCH". NULL when no row has this path. */
const char *http_route_allowed(const struct http_route_table *t, struct arena *a, struct str path);
/* The pattern of a row; "none" for t->n. Never the path itself, which holds identifiers. */
const char *http_route_pattern(const struct http_route_table *t, size_t row);

#endif
