/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Matches paths with patterns and decodes paths and queries, for the route table and handlers.
 * Patterns are those of openapi.yaml: "/v1/bookings/{booking_id}". Values of parameters stay
 * encoded until a handler asks for them; most are identifiers, which have nothing to decode. */
#include "http/http_path.h"

#include <string.h>

#include "base/chars.h"
#include "base/ensure.h"

/* -- patterns ------------------------------------------------------------------- */

/* "{name}" -> "name"; absent when the segment is literal. */
static struct str path_param_of(struct str segment)
{
    if (segment.n < 3 || segment.p[0] != '{' || segment.p[segment.n - 1] != '}')
        return (struct str){NULL, 0};
    return (struct str){segment.p + 1, segment.n - 2};
}

/* Segments are compared as they are sent: no dot segments are resolved and nothing is decoded, so
 * one resource has one path. */
bool http_path_match(const char *pattern, struct str path, struct http_params *params)
{
    size_t same = 0;

    params->n = 0;
    /* Most rows of a table differ before their first parameter: no segment needs to be cut. */
    while (same < path.n && pattern[same] == path.p[same] && pattern[same] != '{' && pattern[same])
        same++;
    if (pattern[same] != '{')
        return same == path.n && !pattern[same];
    struct str want = str_of(pattern);
    while (want.p && path.p) {
        struct str segment = str_cut(&want, '/'), given = str_cut(&path, '/');

        if (!path_param_of(segment).p) {
            if (!str_eq(segment, given))
                return false;
            continue;
        }
        if (given.n == 0)
            return false;
        ENSURE(params->n < HTTP_PARAMS_MAX);
        params->value[params->n++] = given;
    }
    return !want.p && !path.p;
}

/* For the detail of a problem: which parameter is no id. */
struct str http_path_param_name(const char *pattern, size_t i)
{
    struct str rest = str_of(pattern);

    while (rest.p) {
        struct str name = path_param_of(str_cut(&rest, '/'));

        if (name.p && i-- == 0)
            return name;
    }
    return (struct str){NULL, 0};
}

/* -- percent-encoding (RFC 3986 2.1) --------------------------------------------- */

/* Decodes the first byte of s. Returns how many characters it took: 1, 3 (%XX), or 0 for a broken
 * encoding. */
static size_t path_decode_one(struct str s, char *out)
{
    int high, low;

    *out = s.p[0];
    if (s.p[0] != '%')
        return 1;
    if (s.n < 3)
        return 0;
    high = char_hex_value(s.p[1]);
    low = char_hex_value(s.p[2]);
    if (high < 0 || low < 0)
        return 0;
    *out = (char)(high * 16 + low);
    return 3;
}

/* What handlers get is text: valid UTF-8, and no NUL that would cut it short. */
static bool path_decode(struct arena *a, struct str s, bool plus_is_space, const char **out)
{
    char *text = arena_alloc(a, s.n + 1);
    size_t n = 0;

    while (s.n > 0) {
        size_t took = path_decode_one(s, &text[n]);

        if (took == 0 || text[n] == '\0')
            return false;
        if (plus_is_space && took == 1 && text[n] == '+')
            text[n] = ' ';
        n++;
        s.p += took;
        s.n -= took;
    }
    text[n] = '\0';
    *out = text;
    return str_utf8_valid((struct str){text, n});
}

/* In a path a plus is a plus; in a query it is a space (WHATWG URL, form encoding). */
bool http_segment_decode(struct arena *a, struct str segment, const char **out)
{
    return path_decode(a, segment, false, out);
}

/* False for a broken encoding and for more parameters than any route has. A name without "=" has
 * the value "". Repeated names stay, in order; the schema's reader decides about them. */
bool http_query_parse(struct arena *a, struct str query, struct http_query *out)
{
    out->n = 0;
    while (query.p) {
        struct str value = str_cut(&query, '&'), name;
        struct http_query_item item;

        /* "a=1&&b=2": browsers and scripts leave empty parts. */
        if (value.n == 0)
            continue;
        name = str_cut(&value, '=');
        if (out->n == HTTP_QUERY_MAX || !path_decode(a, name, true, &item.name) ||
            !path_decode(a, value, true, &item.value))
            return false;
        out->items[out->n++] = item;
    }
    return true;
}

/* For a path segment or a query value: all but unreserved characters become %XX. */
const char *http_encode(struct arena *a, struct str s)
{
    struct sb b;

    sb_init(&b, a, s.n + 1);
    chars_add_percent(&b, s);
    return b.p;
}
