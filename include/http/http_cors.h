/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Pages of other origins (the CORS protocol of the Fetch standard, BEHAVIOUR §12): which of them
 * may read an answer. Tokens travel in Authorization, never in cookies, so there is no credentials
 * mode. Pure.
 */
#ifndef BOOKINGD_HTTP_HTTP_CORS_H
#define BOOKINGD_HTTP_HTTP_CORS_H

#include <stddef.h>

#include "http/http_resp.h"

/* The listed origin that equals `origin`, the value of the request's Origin field; NULL: none. */
const char *http_cors_find(const char *const *origins, size_t n, struct str origin);
/* What every answer to a page of a listed origin carries; allowed NULL: nothing. */
void http_cors_add(struct http_resp *resp, const char *allowed);
/* What the answer to OPTIONS carries beyond that: the methods and fields that a page may use. */
void http_cors_add_preflight(struct http_resp *resp, const char *methods);

#endif
