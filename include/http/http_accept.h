/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The Accept field (RFC 9110 12.5.1), asked about one format at a time. Pure. */
#ifndef BOOKINGD_HTTP_HTTP_ACCEPT_H
#define BOOKINGD_HTTP_HTTP_ACCEPT_H

#include "base/str.h"
#include "domain/metrics_page.h"

struct http_preference {
    int q;     /* thousandths; 0: not wanted */
    int exact; /* 2: named as a media type, 1: as "text/" and an asterisk, 0: as any type */
    int order; /* of its range in the field; -1: no range fits */
};

/* How much `type` ("text/plain") is wanted; a range with another version parameter does not fit.
 * version: NULL for any. */
struct http_preference http_accept(struct str accept, const char *type, const char *version);
/* Accept-Language (RFC 9110 12.5.4): index of the most wanted of the languages, each by the
 * language of its tag; -1 when none is wanted. */
int http_accept_language(struct str accept, const char *const *names, size_t n);
/* OpenMetrics 1.0.0 only when named with the higher quality (or with the same and more closely or
 * earlier than text), else text 0.0.4. */
enum metrics_format http_accept_metrics(struct str accept);

#endif
