/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Queries and paths on any bytes: what is let through is text, and encoding it again gives the
 * same. */
#include <stdint.h>

#include "base/ensure.h"
#include "http/http_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const patterns[] = {"/", "/v1/{a}", "/v1/{a}/x/{b}", "/{a}/{b}/{c}/{d}"};

static void check_round_trip(struct arena *a, const struct http_query *q)
{
    struct http_query again;
    struct sb b;

    sb_init(&b, a, 64);
    for (size_t i = 0; i < q->n; i++)
        sb_printf(&b, "%s%s=%s", i > 0 ? "&" : "", http_encode(a, str_of(q->items[i].name)),
                  http_encode(a, str_of(q->items[i].value)));
    ENSURE(http_query_parse(a, sb_str(&b), &again) && again.n == q->n);
    for (size_t i = 0; i < q->n; i++) {
        ENSURE(str_utf8_valid(str_of(q->items[i].name)) &&
               str_utf8_valid(str_of(q->items[i].value)));
        ENSURE(strcmp(again.items[i].name, q->items[i].name) == 0);
        ENSURE(strcmp(again.items[i].value, q->items[i].value) == 0);
    }
}

static void check_segment(struct arena *a, struct str s)
{
    const char *text, *again;

    if (!http_segment_decode(a, s, &text))
        return;
    ENSURE(strlen(text) <= s.n && str_utf8_valid(str_of(text)));
    ENSURE(http_segment_decode(a, str_of(http_encode(a, str_of(text))), &again) &&
           strcmp(text, again) == 0);
}

static void check_patterns(struct str path)
{
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        struct http_params params;

        if (!http_path_match(patterns[i], path, &params))
            continue;
        for (size_t k = 0; k < params.n; k++) {
            ENSURE(params.value[k].n > 0 && !memchr(params.value[k].p, '/', params.value[k].n));
            ENSURE(params.value[k].p >= path.p &&
                   params.value[k].p + params.value[k].n <= path.p + path.n);
            ENSURE(http_path_param_name(patterns[i], k).n == 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = {(const char *)data, size};
    struct arena *a = arena_new(4096);
    struct http_query q;

    ENSURE(a);
    if (http_query_parse(a, s, &q))
        check_round_trip(a, &q);
    check_segment(a, s);
    check_patterns(s);
    arena_free(a);
    return 0;
}
