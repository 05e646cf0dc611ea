/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The head of a request as http_parse_head() reads it, and how fields are looked up in it. */
#ifndef BOOKINGD_HTTP_HTTP_HEAD_H
#define BOOKINGD_HTTP_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HTTP_HEADERS_MAX 64

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER, /* a valid token that no route knows: 501 */
    HTTP_METHOD_COUNT
};
extern const char *const http_method_names[HTTP_METHOD_COUNT];

struct http_header {
    struct str name, value; /* value without surrounding OWS */
};

struct http_head {
    enum http_method method;
    struct str method_text,
        target; /* origin-form target as sent; absolute-form is reduced to its path and query */
    struct str path, query; /* query absent (NULL) when there is no '?' */
    int minor;              /* HTTP/1.minor: 0 or 1 */
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t headers_n;
    size_t head_len; /* bytes up to and with the empty line */
    bool chunked;
    bool has_length;
    uint64_t content_length;
    bool keep_alive; /* by version and Connection */
    bool expect_continue;
};

/* First field of that name (ASCII case-insensitive); absent when there is none. */
struct str http_header(const struct http_head *head, const char *name);
/* How many fields have that name. */
size_t http_header_count(const struct http_head *head, const char *name);
/* The same as http_header() in bytes that are no whole or no valid head; absent when there is none,
 * or more than one. */
struct str http_peek_field(struct str bytes, const char *name);

#endif
