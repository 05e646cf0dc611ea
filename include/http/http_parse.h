/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Strict HTTP/1.1 request parser: pure (no I/O, no allocation), incremental, zero-copy. The
 * dispatcher asks "is the request whole?", a worker asks "what does it say?"; both get the same
 * answer from the same bytes. Whatever RFC 9112 calls ambiguous is refused, never guessed at
 * (contract 11): no bare LF, no folding, no space before the colon, one Host, one length.
 */
#ifndef BOOKINGD_HTTP_HTTP_PARSE_H
#define BOOKINGD_HTTP_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
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

enum http_result { HTTP_DONE, HTTP_MORE, HTTP_BAD };

struct http_header {
    struct str name, value; /* value without surrounding OWS */
};

struct http_limits {
    size_t max_head; /* bytes of request line and fields together: 431, or 414 when the line alone
                        is over it */
    size_t max_body; /* bytes of decoded body: 413 */
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

/* What is wrong with a request that cannot be served: error code (its status: api/problem.def) and
 * a fixed text. */
struct http_fault {
    enum err err;
    const char *detail;
};

/*
 * Parses the head at the start of buf[0..len). `seen` is the len of the call before (0 at first):
 * the search for the end starts there, so a client that drips does not cost quadratic time.
 * MORE: not whole yet. BAD: *fault says why, close after answering. DONE: *head points into buf.
 * Each line is judged when it is whole, so BAD may come before the end of the head; more bytes
 * never change it. One empty line before the request line is skipped (and counts in head_len).
 * Methods other than those named above are BAD with ERR_NOT_IMPLEMENTED, CONNECT and TRACE among
 * them.
 */
enum http_result http_parse_head(const char *buf, size_t len, size_t seen,
                                 const struct http_limits *limits, struct http_head *head,
                                 struct http_fault *fault) MUST_CHECK;

/* First field of that name (ASCII case-insensitive); absent when there is none. */
struct str http_header(const struct http_head *head, const char *name);
/* How many fields have that name. */
size_t http_header_count(const struct http_head *head, const char *name);
/* The same as http_header() in bytes that are no whole or no valid head; absent when there is none,
 * or more than one. */
struct str http_peek_field(struct str bytes, const char *name);

/*
 * Chunked body (RFC 9112 7.1), fed with all bytes after the head each time; keeps its place.
 * DONE: *used bytes belong to the body and its trailer section. http_chunked_join() then moves
 * the data together at the front of the buffer.
 */
struct http_chunked {
    int state;
    size_t at;       /* bytes looked at */
    uint64_t left;   /* of the chunk in hand */
    uint64_t total;  /* decoded bytes so far */
    size_t trailers; /* bytes of trailer section */
    unsigned digits; /* of the size in hand */
};
/* No body that scan lets pass, and no part of one, is longer than this before it is decoded. */
static inline size_t http_chunked_raw_max(const struct http_limits *limits)
{
    return 2 * (limits->max_body + limits->max_head) + 64;
}
void http_chunked_init(struct http_chunked *c);
enum http_result http_chunked_scan(struct http_chunked *c, const char *body, size_t len,
                                   const struct http_limits *limits, size_t *used,
                                   struct http_fault *fault) MUST_CHECK;
/* Decodes a body that http_chunked_scan called DONE, in place; returns the decoded length. */
size_t http_chunked_join(char *body, size_t used);

#endif
