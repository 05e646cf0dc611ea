/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <string.h>

#include "base/ensure.h"
#include "http_priv.h"

/*
 * chunked-body = *( size CRLF data CRLF ) "0" CRLF *( field CRLF ) CRLF (RFC 9112 7.1). Each state
 * names what comes next. No chunk extensions (RFC 9112 7.1.1 bids to ignore unknown ones and to
 * limit their length; the limit here is none: nobody sends them but those who look for two parsers
 * that disagree), no white space, no bare LF.
 */
enum state {
    SIZE,      /* first digit of a size */
    SIZE_MORE, /* further digits, or CR */
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER, /* a field name's first character, or CR of the last line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    DONE,
};

/* No sender pads sizes further; 16 digits also hold the largest number there can be. */
#define DIGITS_MAX 16

void http_chunked_init(struct http_chunked *c)
{
    *c = (struct http_chunked){.state = SIZE};
}

static bool on_digit(struct http_chunked *c, char ch, const struct http_limits *limits,
                     struct http_fault *fault)
{
    int v = http_hex_value(ch);

    if (v < 0 || ++c->digits > DIGITS_MAX)
        return http_refuse(fault, ERR_BAD_REQUEST, "A chunk's size is malformed.");
    c->left = c->left * 16 + (uint64_t)v;
    /* judged at each digit, so that the number stays far below where it would run over */
    if (c->left > limits->max_body - c->total)
        return http_refuse(fault, ERR_CONTENT_TOO_LARGE, "The request's body is too large.");
    c->state = SIZE_MORE;
    return true;
}

/* The size line is whole. What is not data is bounded as well: many tiny chunks are only a way to
 * cost memory. */
static bool on_size(struct http_chunked *c, const struct http_limits *limits,
                    struct http_fault *fault)
{
    if (c->at - c->total > limits->max_body + limits->max_head)
        return http_refuse(fault, ERR_CONTENT_TOO_LARGE,
                           "The request's body is cut into too many chunks.");
    c->state = c->left > 0 ? DATA : TRAILER;
    c->total += c->left;
    c->digits = 0;
    return true;
}

static bool expect(struct http_chunked *c, char ch, char wanted, int next, struct http_fault *fault)
{
    if (ch != wanted)
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "A line of the chunked body does not end with CRLF.");
    c->state = next;
    return true;
}

/* Trailer fields have the form of fields and are ignored (RFC 9112 7.1.2). */
static bool on_trailer(struct http_chunked *c, char ch, const struct http_limits *limits,
                       struct http_fault *fault)
{
    if (++c->trailers > limits->max_head)
        return http_refuse(fault, ERR_HEADERS_TOO_LARGE, "The trailer section is too large.");
    if (ch == '\r' && c->state != TRAILER_NAME) {
        c->state = c->state == TRAILER ? LAST_LF : TRAILER_LF;
        return true;
    }
    if (c->state == TRAILER_VALUE)
        return !http_is_control(ch) ||
               http_refuse(fault, ERR_BAD_REQUEST, "A trailer field has a control character.");
    if (ch == ':' && c->state == TRAILER_NAME)
        c->state = TRAILER_VALUE;
    else if (http_is_tchar(ch))
        c->state = TRAILER_NAME;
    else
        return http_refuse(fault, ERR_BAD_REQUEST, "A trailer field is malformed.");
    return true;
}

/* One byte outside of chunk data; c->at already counts it. */
static bool step(struct http_chunked *c, char ch, const struct http_limits *limits,
                 struct http_fault *fault)
{
    switch ((enum state)c->state) {
    case SIZE:
        return on_digit(c, ch, limits, fault);
    case SIZE_MORE:
        return ch == '\r' ? expect(c, ch, '\r', SIZE_LF, fault) : on_digit(c, ch, limits, fault);
    case SIZE_LF:
        return expect(c, ch, '\n', SIZE_LF, fault) && on_size(c, limits, fault);
    case DATA_CR:
        return expect(c, ch, '\r', DATA_LF, fault);
    case DATA_LF:
        return expect(c, ch, '\n', SIZE, fault);
    case TRAILER:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return on_trailer(c, ch, limits, fault);
    case TRAILER_LF:
        return expect(c, ch, '\n', TRAILER, fault);
    case LAST_LF:
        return expect(c, ch, '\n', DONE, fault);
    case DATA:
    case DONE:
        break;
    }
    ENSURE(c->state == SIZE); /* http_chunked_scan() asks in no other state */
    return false;
}

static void skip_data(struct http_chunked *c, size_t len)
{
    size_t n = len - c->at;

    if (c->left < n)
        n = (size_t)c->left;
    c->at += n;
    c->left -= n;
    if (c->left == 0)
        c->state = DATA_CR;
}

enum http_result http_chunked_scan(struct http_chunked *c, const char *body, size_t len,
                                   const struct http_limits *limits, size_t *used,
                                   struct http_fault *fault)
{
    while (c->state != DONE && c->at < len) {
        if (c->state == DATA)
            skip_data(c, len);
        else if (!step(c, body[c->at++], limits, fault))
            return HTTP_BAD;
    }
    if (c->state != DONE)
        return HTTP_MORE;
    *used = c->at;
    return HTTP_DONE;
}

size_t http_chunked_join(char *body, size_t used)
{
    size_t at = 0, out = 0;

    for (;;) {
        size_t size = 0;

        for (; at < used && body[at] != '\r'; at++)
            size = size * 16 + (size_t)http_hex_value(body[at]);
        at += 2;
        ENSURE(at <= used && size <= used - at);
        if (size == 0)
            return out;
        memmove(body + out, body + at, size);
        out += size;
        at += size + 2;
    }
}
