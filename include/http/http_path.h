/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Paths and queries: pattern match, percent-decoding, parameters. Pure. */
#ifndef BOOKINGD_HTTP_HTTP_PATH_H
#define BOOKINGD_HTTP_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

#define HTTP_PARAMS_MAX 4
#define HTTP_QUERY_MAX 32

struct http_params {
    struct str value[HTTP_PARAMS_MAX]; /* in the pattern's order, still encoded */
    size_t n;
};

/* "/v1/bookings/{booking_id}/cancel" against a path: whole segments, no trailing slash forgiven, a
 * parameter is never empty. */
bool http_path_match(const char *pattern, struct str path, struct http_params *params) MUST_CHECK;
/* Name of the i-th parameter of a pattern. */
struct str http_path_param_name(const char *pattern, size_t i);

struct http_query_item {
    const char *name, *value; /* decoded, valid UTF-8 without NUL, NUL-terminated, on the arena */
};
struct http_query {
    struct http_query_item items[HTTP_QUERY_MAX];
    size_t n;
};
/* application/x-www-form-urlencoded parsing of a query; false for broken percent-encoding, invalid
 * UTF-8, NUL, or more than HTTP_QUERY_MAX items. */
bool http_query_parse(struct arena *a, struct str query, struct http_query *out) MUST_CHECK;
/* Percent-decodes a path segment onto the arena; false as above. */
bool http_segment_decode(struct arena *a, struct str segment, const char **out) MUST_CHECK;
/* Percent-encodes all but unreserved characters (RFC 3986 2.3). */
const char *http_encode(struct arena *a, struct str s);

#endif
