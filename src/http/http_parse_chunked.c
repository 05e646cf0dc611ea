/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Chunked bodies, for the dispatcher, which finds their end, and for the worker, which joins them.
 *
 * chunked-body = *( size [ext] CRLF data CRLF ) "0" [ext] CRLF *( field CRLF ) CRLF (RFC 9112 7.1).
 * Each state names what comes next. Chunk extensions are read over when they are well formed and
 * short (7.1.1): *( BWS ";" BWS name [ BWS "=" BWS value ] ). Anything else there is refused, bare
 * CR and LF above all: attackers use them to find two parsers that disagree.
 */
#include <string.h>

#include "base/chars.h"
#include "base/ensure.h"
#include "http_priv.h"

enum chunked_state {
    CHUNKED_SIZE,      /* first digit of a size */
    CHUNKED_SIZE_MORE, /* further digits, or CR */
    CHUNKED_EXT_BLANK, /* white space before ';' */
    CHUNKED_EXT_NAME,  /* a name's first character, or white space before it */
    CHUNKED_EXT_NAME_MORE,
    CHUNKED_EXT_NAME_BLANK, /* white space before '=' or ';' */
    CHUNKED_EXT_VALUE,      /* a value's first character, or white space before it */
    CHUNKED_EXT_VALUE_MORE,
    CHUNKED_EXT_QUOTED,
    CHUNKED_EXT_ESCAPED, /* behind a backslash */
    CHUNKED_EXT_VALUE_END,
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

/* A body begins with a size: there is no body of chunks without at least the last one. */
void http_chunked_init(struct http_chunked *c)
{
    *c = (struct http_chunked){.state = CHUNKED_SIZE};
}

/* The size grows digit by digit; leading zeros count as digits, so they are bounded too. */
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

static bool chunked_is_blank(char ch)
{
    return ch == ' ' || ch == '\t';
}

/* To the next state. Always true, so that a step can end with it. */
static bool chunked_go(struct http_chunked *c, enum chunked_state next)
{
    c->state = (int)next;
    return true;
}

/* In a quoted string all but its own marks and control characters is text (RFC 9110 5.6.4). */
static bool chunked_step_quoted(struct http_chunked *c, char ch)
{
    if (http_is_control(ch) && ch != '\t')
        return false;
    if (c->state == CHUNKED_EXT_ESCAPED)
        return chunked_go(c, CHUNKED_EXT_QUOTED);
    return chunked_go(c, ch == '"'    ? CHUNKED_EXT_VALUE_END
                         : ch == '\\' ? CHUNKED_EXT_ESCAPED
                                      : CHUNKED_EXT_QUOTED);
}

/* Behind a whole size, name or value. White space must lead on: the grammar has none before the
 * end of the line. */
static bool chunked_step_between(struct http_chunked *c, char ch)
{
    const bool after_blank = c->state == CHUNKED_EXT_BLANK || c->state == CHUNKED_EXT_NAME_BLANK;
    const bool after_name = c->state == CHUNKED_EXT_NAME_MORE || c->state == CHUNKED_EXT_NAME_BLANK;

    if (ch == ';')
        return chunked_go(c, CHUNKED_EXT_NAME);
    if (ch == '=' && after_name)
        return chunked_go(c, CHUNKED_EXT_VALUE);
    if (chunked_is_blank(ch))
        return chunked_go(c, after_name ? CHUNKED_EXT_NAME_BLANK : CHUNKED_EXT_BLANK);
    return ch == '\r' && !after_blank && chunked_go(c, CHUNKED_SIZE_LF);
}

/* One byte of a chunk extension; false when the grammar has no such byte there. */
static bool chunked_step_extension(struct http_chunked *c, char ch)
{
    const bool token = char_is_token(ch);

    if (c->state == CHUNKED_EXT_QUOTED || c->state == CHUNKED_EXT_ESCAPED)
        return chunked_step_quoted(c, ch);
    if (c->state == CHUNKED_EXT_NAME)
        return chunked_is_blank(ch) || (token && chunked_go(c, CHUNKED_EXT_NAME_MORE));
    if (c->state == CHUNKED_EXT_VALUE)
        return chunked_is_blank(ch) || (token && chunked_go(c, CHUNKED_EXT_VALUE_MORE)) ||
               (ch == '"' && chunked_go(c, CHUNKED_EXT_QUOTED));
    if (token && (c->state == CHUNKED_EXT_NAME_MORE || c->state == CHUNKED_EXT_VALUE_MORE))
        return true;
    return chunked_step_between(c, ch);
}

/* Bounded over the whole body: nothing of an extension is used, so it must not cost much. */
static bool chunked_take_extension(struct http_chunked *c, char ch,
                                   const struct http_limits *limits, struct http_fault *fault)
{
    if (++c->extensions > limits->max_head)
        return http_refuse(fault, ERR_CONTENT_TOO_LARGE, "The chunk extensions are too long.");
    return chunked_step_extension(c, ch) ||
           http_refuse(fault, ERR_BAD_REQUEST, "A chunk extension is malformed.");
}

/* One byte outside of chunk data; c->at already counts it. */
static bool chunked_step(struct http_chunked *c, char ch, const struct http_limits *limits,
                         struct http_fault *fault)
{
    switch ((enum chunked_state)c->state) {
    case CHUNKED_SIZE:
        return chunked_take_digit(c, ch, limits, fault);
    case CHUNKED_SIZE_MORE:
        if (ch == '\r')
            return chunked_expect(c, ch, '\r', CHUNKED_SIZE_LF, fault);
        if (ch != ';' && !chunked_is_blank(ch))
            return chunked_take_digit(c, ch, limits, fault);
        c->state = CHUNKED_EXT_BLANK;
        return chunked_take_extension(c, ch, limits, fault);
    case CHUNKED_EXT_BLANK:
    case CHUNKED_EXT_NAME:
    case CHUNKED_EXT_NAME_MORE:
    case CHUNKED_EXT_NAME_BLANK:
    case CHUNKED_EXT_VALUE:
    case CHUNKED_EXT_VALUE_MORE:
    case CHUNKED_EXT_QUOTED:
    case CHUNKED_EXT_ESCAPED:
    case CHUNKED_EXT_VALUE_END:
        return chunked_take_extension(c, ch, limits, fault);
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
enum http_result http_chunked_scan(struct http_chunked *c, struct str body,
                                   const struct http_limits *limits, size_t *used,
                                   struct http_fault *fault)
{
    while (c->state != CHUNKED_DONE && c->at < body.n) {
        if (c->state == CHUNKED_DATA)
            chunked_skip_data(c, body.n);
        else if (!chunked_step(c, body.p[c->at++], limits, fault))
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

        for (; at < used && char_hex_value(body[at]) >= 0; at++)
            size = size * 16 + (size_t)char_hex_value(body[at]);
        while (at < used && body[at] != '\r') /* extensions: no CR is in one */
            at++;
        at += 2;
        ENSURE(at <= used && size <= used - at);
        if (size == 0)
            return out;
        /* The frame is left out from front to back, so what is moved never meets what is still to
         * be read. */
        memmove(body + out, body + at, size);
        out += size;
        at += size + 2;
    }
}
