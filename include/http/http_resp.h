/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* A response being made: status, fields, body; written out as one block of bytes. */
#ifndef BOOKINGD_HTTP_HTTP_RESP_H
#define BOOKINGD_HTTP_HTTP_RESP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"

#define HTTP_RESP_HEADERS_MAX 16

struct http_resp {
    struct arena *arena;
    int status;
    const char *content_type; /* NULL: no body */
    struct str body;
    struct {
        const char *name, *value;
    } headers[HTTP_RESP_HEADERS_MAX];
    size_t headers_n;
};

/* 200 without headers and body. Everything that is added later lives in the arena, or is
 * borrowed. */
void http_resp_init(struct http_resp *r, struct arena *a);
/* A value with CR, LF or NUL is a bug and aborts. The strings are borrowed. */
void http_resp_header(struct http_resp *r, const char *name, const char *value);
void http_resp_headerf(struct http_resp *r, const char *name, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* Vary (RFC 9110 12.5.5): the answer depends on this field of the request. Several make one
 * list. */
void http_resp_vary(struct http_resp *r, const char *field);
/* Reason phrase of RFC 9110 15. */
const char *http_reason(int status);
/*
 * The bytes to send. Date, Content-Length (none for 204 and 304), Connection,
 * X-Content-Type-Options and Cache-Control: no-store (unless the response has its own) are added.
 * head_only: the answer to HEAD, same fields, no body.
 */
struct str http_resp_bytes(const struct http_resp *r, bool keep_alive, bool head_only);

#endif
