/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Chunked bodies, for the dispatcher, which finds their end, and for the worker, which joins them.
 *
 * chunked-body = *( size CRLF data CRLF ) "0" CRLF *( field CRLF ) CRLF (RFC 9112 7.1). Each state
 * names what comes next. Chunk extensions are refused, though RFC 9112 7.1.1 says
 * to ignore unknown ones within a limit: clients do not send them, and attackers use them to find
 * two parsers that disagree. White space and bare LF are refused as well.
 */
#include <string.h>

#include "base/chars.h"
#include "base/ensure.h"
#include "http_priv.h"

enum chunked_state {
    CHUNKED_SIZE,      /* first digit of a size */
    CHUNKED_SIZE_MORE, /* further digits, or CR */
    CHUNKED_SIZE_LF,
    CHUNKED_DATA,
    CHUNKED_DATA_CR,
    CHUNKED_DATA_LF,
    CHUNKED_TRAILER, /* a field name's first character, or CR of the last line */
    CHUNKED_TRAILER_NAME,
    CHUNKED_TRAILER_VALUE,
    CHUNKED_TRAILER_LF,
    CHUNKED_LAST_LF,
    CHUNKED_DONE,
};

/* 16 digits hold any size of 64 bits, and no known sender pads sizes further. */
#define DIGITS_MAX 16

void http_chunked_init(struct http_chunked *c)
{
    *c = (struct http_chunked){.state = CHUNKED_SIZE};
}

static bool chunked_take_digit(struct http_chunked *c, char ch, const struct http_limits *limits,
                               struct http_fault *fault)
{
    int v = char_hex_value(ch);

    if (v < 0 || ++c->digits > DIGITS_MAX)
        return http_refuse(fault, ERR_BAD_REQUEST, "A chunk's size is malformed.");
    c->left = c->left * 16 + (uint64_t)v;
    /* judged at each digit, so that the number stays far below where it would run over */
    if (c->left > limits->max_body - c->total)
        return http_refuse(fault, ERR_CONTENT_TOO_LARGE, "The request's body is too large.");
    c->state = CHUNKED_SIZE_MORE;
    return true;
}

/* The size line is whole. What is not data is bounded as well: many tiny chunks are only a way to
 * cost memory. */
static bool chunked_end_size(struct http_chunked *c, const struct http_limits *limits,
                             struct http_fault *fault)
{
    /* A chunk of one byte costs five bytes of frame; such a body may be twice as long as its data,
     * plus a head. */
    if (c->at - c->total > limits->max_body + limits->max_head)
        return http_refuse(fault, ERR_CONTENT_TOO_LARGE,
                           "The request's body is cut into too many chunks.");
    c->state = c->left > 0 ? CHUNKED_DATA : CHUNKED_TRAILER;
    c->total += c->left;
    c->digits = 0;
    return true;
}

/* The byte that must come, and the state after it. */
static bool chunked_expect(struct http_chunked *c, char ch, char wanted, int next,
                           struct http_fault *fault)
{
    if (ch != wanted)
        return http_refuse(fault, ERR_BAD_REQUEST,
                           "A line of the chunked body does not end with CRLF.");
    c->state = next;
    return true;
}

/* Trailer fields have the form of fields and are ignored (RFC 9112 7.1.2). */
static bool chunked_take_trailer(struct http_chunked *c, char ch, const struct http_limits *limits,
                                 struct http_fault *fault)
{
    if (++c->trailers > limits->max_head)
        return http_refuse(fault, ERR_HEADERS_TOO_LARGE, "The trailer section is too large.");
    if (ch == '\r' && c->state != CHUNKED_TRAILER_NAME) {
        c->state = c->state == CHUNKED_TRAILER ? CHUNKED_LAST_LF : CHUNKED_TRAILER_LF;
        return true;
    }
    if (c->state == CHUNKED_TRAILER_VALUE)
        return !http_is_control(ch) ||
               http_refuse(fault, ERR_BAD_REQUEST, "A trailer field has a control character.");
    if (ch == ':' && c->state == CHUNKED_TRAILER_NAME)
        c->state = CHUNKED_TRAILER_VALUE;
    else if (char_is_token(ch))
        c->state = CHUNKED_TRAILER_NAME;
    else
        return http_refuse(fault, ERR_BAD_REQUEST, "A trailer field is malformed.");
    return true;
}

/* One byte outside of chunk data; c->at already counts it. */
static bool chunked_step(struct http_chunked *c, char ch, const struct http_limits *limits,
                         struct http_fault *fault)
{
    switch ((enum chunked_state)c->state) {
    case CHUNKED_SIZE:
        return chunked_take_digit(c, ch, limits, fault);
    case CHUNKED_SIZE_MORE:
        return ch == '\r' ? chunked_expect(c, ch, '\r', CHUNKED_SIZE_LF, fault)
                          : chunked_take_digit(c, ch, limits, fault);
    case CHUNKED_SIZE_LF:
        return chunked_expect(c, ch, '\n', CHUNKED_SIZE_LF, fault) &&
               chunked_end_size(c, limits, fault);
    case CHUNKED_DATA_CR:
        return chunked_expect(c, ch, '\r', CHUNKED_DATA_LF, fault);
    case CHUNKED_DATA_LF:
        return chunked_expect(c, ch, '\n', CHUNKED_SIZE, fault);
    case CHUNKED_TRAILER:
    case CHUNKED_TRAILER_NAME:
    case CHUNKED_TRAILER_VALUE:
        return chunked_take_trailer(c, ch, limits, fault);
    case CHUNKED_TRAILER_LF:
        return chunked_expect(c, ch, '\n', CHUNKED_TRAILER, fault);
    case CHUNKED_LAST_LF:
        return chunked_expect(c, ch, '\n', CHUNKED_DONE, fault);
    case CHUNKED_DATA:
    case CHUNKED_DONE:
        break;
    }
    ENSURE(c->state == CHUNKED_SIZE); /* http_chunked_scan() asks in no other state */
    return false;
}

/* The only state that takes more than one byte per step: bodies are scanned at the speed of
 * memory. */
static void chunked_skip_data(struct http_chunked *c, size_t len)
{
    size_t n = len - c->at;

    if (c->left < n)
        n = (size_t)c->left;
    c->at += n;
    c->left -= n;
    if (c->left == 0)
        c->state = CHUNKED_DATA_CR;
}

/* Continues where it stopped: each byte is looked at once, however small the pieces are. */
enum http_result http_chunked_scan(struct http_chunked *c, const char *body, size_t len,
                                   const struct http_limits *limits, size_t *used,
                                   struct http_fault *fault)
{
    while (c->state != CHUNKED_DONE && c->at < len) {
        if (c->state == CHUNKED_DATA)
            chunked_skip_data(c, len);
        else if (!chunked_step(c, body[c->at++], limits, fault))
            return HTTP_BAD;
    }
    if (c->state != CHUNKED_DONE)
        return HTTP_MORE;
    *used = c->at;
    return HTTP_DONE;
}

/* In place, after http_chunked_scan() has found the whole body valid; sizes are read without
 * checks. */
size_t http_chunked_join(char *body, size_t used)
{
    size_t at = 0, out = 0;

    for (;;) {
        size_t size = 0;

        for (; at < used && body[at] != '\r'; at++)
            size = size * 16 + (size_t)char_hex_value(body[at]);
        at += 2;
        ENSURE(at <= used && size <= used - at);
        if (size == 0)
            return out;
        memmove(body + out, body + at, size);
        out += size;
        at += size + 2;
    }
}
