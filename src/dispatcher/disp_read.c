/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* From a client's bytes to whole requests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/chars.h"
#include "base/uuid.h"
#include "disp_priv.h"

#define BUF_FIRST 1024           /* holds most requests; a dripping client costs no more */
#define READ_AT_ONCE (64 * 1024) /* then the others get their turn */
/* A chunked body has framing too; more of it than this is not honest. */
#define FRAMING_FACTOR 8
#define FRAMING_SPARE (16 * 1024)

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

static void bad(struct disp *d, struct conn *c, enum err e, const char *detail)
{
    disp_answer_problem(d, c, &(struct disp_problem){.err = e, .detail = detail, .close = true});
}

static bool grow(struct conn *c)
{
    size_t cap = c->cap ? c->cap * 2 : BUF_FIRST;
    if (c->req && c->req->total > cap)
        cap = c->req->total;
    char *p = malloc(cap); /* realloc(3) would leave what was there */
    if (!p)
        return false;
    const size_t len = c->len;
    if (len > 0)
        memcpy(p, c->buf, len);
    disp_conn_drop_input(c);
    c->buf = p;
    c->len = len;
    c->cap = cap;
    return true;
}

/* Reads what is there, bounded. False: the connection is gone. */
static bool fill(struct disp *d, struct conn *c)
{
    for (size_t got = 0; got < READ_AT_ONCE && !c->eof;) {
        if (c->len == c->cap && !grow(c)) {
            bad(d, c, ERR_OUT_OF_MEMORY, NULL); /* for one client: the others go on */
            return false;
        }
        size_t room = c->cap - c->len;
        ssize_t n = recv(c->fd, c->buf + c->len, room, 0);
        if (n > 0) {
            c->len += (size_t)n;
            got += (size_t)n;
            if ((size_t)n < room)
                break;
        } else if (n == 0) {
            c->eof = true;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            disp_conn_close(d, c);
            return false;
        }
    }
    if (c->len == 0)
        disp_conn_drop_input(c);
    return true;
}

void disp_request_id(struct str id, char *out)
{
    if (chars_all(id, char_is_id_or_dot) && id.n <= HANDOVER_ID_MAX) {
        memcpy(out, id.p, id.n);
        out[id.n] = '\0';
        return;
    }
    struct uuid fresh = uuid_new();
    memcpy(out, fresh.s, sizeof(fresh.s));
}

/* The head is whole: what follows it? */
static bool begin_body(struct disp *d, struct conn *c)
{
    const struct http_head *h = &d->head;
    struct request *r = calloc(1, sizeof(*r));
    if (!r) {
        bad(d, c, ERR_OUT_OF_MEMORY, NULL);
        return true;
    }
    c->req = r;
    r->method = h->method;
    r->head_len = h->head_len;
    r->chunked = h->chunked;
    r->content_length = h->has_length ? h->content_length : 0;
    r->keep_alive = h->keep_alive;
    disp_request_id(http_header_count(h, "X-Request-Id") == 1 ? http_header(h, "X-Request-Id")
                                                              : STR(""),
                    r->id);
    if (r->chunked)
        http_chunked_init(&r->scan);
    else
        r->total = r->head_len + (size_t)r->content_length; /* the parser held it under max_body */
    disp_conn_phase(d, c, CP_BODY);
    bool waits = h->expect_continue && h->minor >= 1 && (r->chunked || r->content_length > 0) &&
                 c->len == r->head_len;
    if (waits &&
        send(c->fd, continue_line, sizeof(continue_line) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        disp_conn_close(d, c); /* an empty socket buffer that takes no 25 bytes is a dead one */
        return false;
    }
    return true;
}

/* The client sends no more, and what came is not a request. */
static void cut_short(struct disp *d, struct conn *c)
{
    bad(d, c, ERR_BAD_REQUEST, "The request ended before it was complete.");
}

static bool step_head(struct disp *d, struct conn *c)
{
    struct http_fault fault = {.err = ERR_OK};
    enum http_result r = http_parse_head(c->buf, c->len, c->seen, &d->http, &d->head, &fault);
    c->seen = c->len;
    if (r == HTTP_DONE)
        return begin_body(d, c);
    if (r == HTTP_BAD)
        bad(d, c, fault.err, fault.detail);
    else if (c->len > d->http.max_head)
        bad(d, c, ERR_HEADERS_TOO_LARGE, "The request's head is too large.");
    else if (c->eof)
        cut_short(d, c);
    else
        return false;
    return true;
}

static bool step_body(struct disp *d, struct conn *c)
{
    struct request *r = c->req;
    if (r->chunked && r->total == 0) {
        struct http_fault fault = {.err = ERR_OK};
        size_t used = 0, have = c->len - r->head_len;
        enum http_result got =
            http_chunked_scan(&r->scan, c->buf + r->head_len, have, &d->http, &used, &fault);
        if (got == HTTP_DONE)
            r->total = r->head_len + used;
        else if (got == HTTP_BAD)
            bad(d, c, fault.err, fault.detail);
        else if (have > d->http.max_body * FRAMING_FACTOR + FRAMING_SPARE)
            bad(d, c, ERR_CONTENT_TOO_LARGE, "The body's chunks are too many.");
        if (got == HTTP_BAD || c->phase != CP_BODY)
            return true;
    }
    if (r->total > 0 && c->len >= r->total) {
        disp_queue_add(d, c);
        return true;
    }
    if (!c->eof)
        return false;
    cut_short(d, c);
    return true;
}

/* One step; false: nothing more can be done with the bytes that are here. */
static bool step(struct disp *d, struct conn *c)
{
    if (c->phase == CP_IDLE && c->len > 0) {
        c->seen = 0;
        c->used = true;
        disp_conn_phase(d, c, CP_HEAD);
    }
    if (c->phase == CP_HEAD)
        return step_head(d, c);
    if (c->phase == CP_BODY)
        return step_body(d, c);
    return false;
}

void disp_advance(struct disp *d, struct conn *c)
{
    while (step(d, c))
        ;
    bool reading = c->phase == CP_IDLE || c->phase == CP_HEAD || c->phase == CP_BODY;
    if (!reading)
        return;
    const bool idle = c->phase == CP_IDLE && (c->used || deadline_passed(d->newcomers_by));
    if (c->eof || (d->draining && idle))
        disp_conn_close(d, c);
    else
        disp_conn_want(d, c, EPOLLIN);
}

void disp_readable(struct disp *d, struct conn *c)
{
    if (fill(d, c))
        disp_advance(d, c);
}

void disp_read_idle(struct disp *d)
{
    for (struct conn *next, *c = d->phases[CP_IDLE].head; c; c = next) {
        next = c->next;
        disp_readable(d, c);
    }
}
