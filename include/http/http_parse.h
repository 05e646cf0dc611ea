/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Strict HTTP/1.1 request parser: pure (no I/O, no allocation), incremental, zero-copy. A head that
 * arrives whole is read in one pass. The dispatcher asks whether a request is whole, a worker asks
 * what it says; both get the same answer from the same bytes. Whatever RFC 9112 calls ambiguous is
 * refused (BEHAVIOUR §11): no bare LF, no folding, no space before the colon, one Host, one length.
 */
#ifndef BOOKINGD_HTTP_HTTP_PARSE_H
#define BOOKINGD_HTTP_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "http/http_head.h"

enum http_result { HTTP_DONE, HTTP_MORE, HTTP_BAD };

struct http_limits {
    size_t max_head; /* bytes of request line and fields together: 431, or 414 when the line alone
                        is over it */
    size_t max_body; /* bytes of decoded body: 413 */
};

/* What is wrong with a request that cannot be served: error code (its status: base/errors.def) and
 * a fixed text. */
struct http_fault {
    enum err err;
    const char *detail;
};

/*
 * Parses the head at the start of `in`. `seen` is the length of the call before (0 at first):
 * reading goes on there, so that a client which sends byte by byte does not cost quadratic time. A
 * head that came in pieces is read a second time, once, when it is whole.
 * MORE: not whole yet. BAD: *fault says why, close after answering. DONE: *head points into `in`.
 * Each line is judged when it is whole, so BAD may come before the end of the head; more bytes
 * never change it. One empty line before the request line is skipped (and counts in head_len).
 * Methods other than those named above are BAD with ERR_NOT_IMPLEMENTED, CONNECT and TRACE among
 * them.
 */
enum http_result http_parse_head(struct str in, size_t seen, const struct http_limits *limits,
                                 struct http_head *head, struct http_fault *fault) MUST_CHECK;

/*
 * Chunked body (RFC 9112 7.1), fed with all bytes after the head each time; keeps its place.
 * DONE: *used bytes belong to the body and its trailer section. http_chunked_join() then moves
 * the data together at the front of the buffer.
 */
struct http_chunked {
    int state;
    size_t at;         /* bytes looked at */
    uint64_t left;     /* of the chunk being read */
    uint64_t total;    /* decoded bytes so far */
    size_t trailers;   /* bytes of trailer section */
    size_t extensions; /* bytes of chunk extensions, in the whole body */
    unsigned digits;   /* of the size being read */
};
/* Longest undecoded body, in bytes, that http_chunked_scan() accepts. */
static inline size_t http_chunked_raw_max(const struct http_limits *limits)
{
    return 2 * (limits->max_body + limits->max_head) + 64;
}
void http_chunked_init(struct http_chunked *c);
enum http_result http_chunked_scan(struct http_chunked *c, struct str body,
                                   const struct http_limits *limits, size_t *used,
                                   struct http_fault *fault) MUST_CHECK;
/* Decodes a body that http_chunked_scan called DONE, in place; returns the decoded length. */
size_t http_chunked_join(char *body, size_t used);

#endif
