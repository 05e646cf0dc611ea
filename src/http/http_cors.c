/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Fields of the CORS protocol. Called by the frame of the API for each answer, and by the
 * dispatcher for the answers that it gives itself.
 */
#include "http/http_cors.h"

/* How long a browser may keep the answer to a preflight, in seconds: the longest that Chromium
 * took for years, and short enough for a change of the list to get through. */
#define MAX_AGE "600"

const char *http_cors_find(const char *const *origins, size_t n, struct str origin)
{
    for (size_t i = 0; origin.p && i < n; i++) {
        if (str_eq(origin, str_of(origins[i])))
            return origins[i];
    }
    return NULL;
}

void http_cors_add(struct http_resp *resp, const char *allowed)
{
    if (!allowed)
        return;
    http_resp_header(resp, "Access-Control-Allow-Origin", allowed);
    http_resp_vary(resp, "Origin");
    http_resp_header(resp, "Access-Control-Expose-Headers",
                     "ETag, Location, Retry-After, X-Request-Id, Idempotency-Replayed");
}

void http_cors_add_preflight(struct http_resp *resp, const char *methods)
{
    http_resp_header(resp, "Access-Control-Allow-Methods", methods);
    http_resp_header(resp, "Access-Control-Allow-Headers",
                     "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
                     "X-Request-Id");
    http_resp_header(resp, "Access-Control-Max-Age", MAX_AGE);
}
