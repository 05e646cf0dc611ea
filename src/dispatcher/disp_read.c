/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* From a client's bytes to whole requests. disp_drive.c calls these functions and acts on the
 * events that they return; none of them answers or closes by itself. */
#include "disp_read.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/chars.h"
#include "base/uuid.h"
#include "disp_conn.h"
#include "disp_local.h"
#include "disp_peers.h"
#include "http/http_route.h"
#include "sys/net.h"

#define BUF_FIRST 1024           /* holds most requests; a slow client costs no more */
#define READ_AT_ONCE (64 * 1024) /* then the other connections get their turn */
/* A chunked body has framing too. Honest clients send chunks of hundreds of bytes, for which this
 * is ample; a body of one-byte chunks is refused. */
#define FRAMING_FACTOR 8
#define FRAMING_EXTRA (16 * 1024)

static const char continue_line[] = "HTTP/1.1 100 Continue\r\n\r\n";

/* After a malformed request nobody knows where the next one would begin. */
static struct disp_event disp_read_bad(enum err e, const char *detail)
{
    return DISP_PROBLEM(.err = e, .detail = detail, .close = true);
}

/* Doubles until the length is known, then exactly that. */
static bool disp_read_grow(struct conn *c)
{
    size_t cap = c->cap ? c->cap * 2 : BUF_FIRST;
    if (c->req && c->req->total > cap)
        cap = c->req->total;
    char *p = malloc(cap); /* realloc(3) would leave the old bytes in memory */
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

/* Reads what is there, up to READ_AT_ONCE: one fast client must not keep the others waiting. */
struct disp_event disp_read_fill(struct disp *d, struct conn *c)
{
    (void)d;
    for (size_t got = 0, n = 0; got < READ_AT_ONCE && !c->eof; got += n) {
        if (c->len == c->cap && !disp_read_grow(c))
            return disp_read_bad(ERR_OUT_OF_MEMORY, NULL); /* for one client: the others go on */
        const size_t room = c->cap - c->len;
        const enum net_io io = net_recv_some(c->fd, c->buf + c->len, room, &n);
        if (io == NET_IO_BROKEN)
            return DISP_EVENT(CE_CLOSE);
        /* A client may close its side after the request and still read the answer (RFC 9112
         * 9.6). */
        c->eof = io == NET_IO_END;
        c->len += n;
        if (io == NET_IO_WAIT || n < room)
            break;
    }
    if (c->len > 0)
        return DISP_EVENT(CE_BYTES);
    /* An idle connection holds no buffer: there may be thousands of them. */
    disp_conn_drop_input(c);
    return DISP_EVENT(CE_MORE);
}

/* In a drain an idle connection is closed: its client would otherwise send a request that nobody
 * reads. */
struct disp_event disp_read_await(struct disp *d, struct conn *c)
{
    const bool unwanted = d->draining && (c->used || deadline_passed(d->newcomers_by));
    if (c->phase == CP_IDLE && (c->eof || unwanted))
        return DISP_EVENT(CE_CLOSE);
    return DISP_EVENT(disp_conn_want(d, c, EPOLLIN) ? CE_NONE : CE_CLOSE);
}

/* Only ids that can stand in a header, a log and JSON as they are; else one of ours. */
void disp_read_request_id(struct str id, char *out)
{
    if (chars_all(id, char_is_id_or_dot) && id.n <= PROTOCOL_ID_MAX) {
        memcpy(out, id.p, id.n);
        out[id.n] = '\0';
        return;
    }
    struct uuid fresh = uuid_new();
    memcpy(out, fresh.s, sizeof(fresh.s));
}

/* Tells a client that asked that it may send the body (RFC 9110 10.1.1). False: it is gone, since
 * an empty socket buffer has room for 25 bytes. */
static bool disp_read_continue(struct disp *d, struct conn *c)
{
    const struct http_head *h = &d->head;
    struct str line = {continue_line, sizeof(continue_line) - 1};
    const bool waits = h->expect_continue && h->minor >= 1 &&
                       (c->req->chunked || c->req->content_length > 0) &&
                       c->len == c->req->head_len;
    return !waits || net_send_some(c->fd, &line) == NET_IO_DONE;
}

/* The head is whole: what is known of the request is kept, since the parser's slices are not. */
static struct disp_event disp_read_begin(struct disp *d, struct conn *c)
{
    const struct http_head *h = &d->head;
    struct request *r = calloc(1, sizeof(*r));
    if (!r)
        return disp_read_bad(ERR_OUT_OF_MEMORY, NULL);
    c->req = r;
    r->method = h->method;
    r->head_len = h->head_len;
    r->chunked = h->chunked;
    r->content_length = h->has_length ? h->content_length : 0;
    r->keep_alive = h->keep_alive;
    /* As an offset: the buffer moves when it grows. */
    r->path_at = (size_t)(h->path.p - c->buf);
    r->path_n = h->path.n;
    disp_local_mark(d, r);
    r->search = !r->local && http_route_is_search(d->env->routes, h->method, h->path);
    if (!r->local)
        disp_peers_identify(d, c, r);
    disp_read_request_id(http_header_count(h, "X-Request-Id") == 1 ? http_header(h, "X-Request-Id")
                                                                   : STR(""),
                         r->id);
    if (r->chunked)
        http_chunked_init(&r->scan);
    else
        r->total = r->head_len + (size_t)r->content_length; /* the parser held it under max_body */
    return DISP_EVENT(disp_read_continue(d, c) ? CE_HEAD : CE_CLOSE);
}

/* The client sends no more, and what came is not a request. */
static struct disp_event disp_read_cut_short(void)
{
    return disp_read_bad(ERR_BAD_REQUEST, "The request ended before it was complete.");
}

/* `seen` lets the parser go on where it stopped: a head that comes byte by byte costs no more than
 * one that comes at once. */
struct disp_event disp_read_head(struct disp *d, struct conn *c)
{
    struct http_fault fault = {.err = ERR_OK};
    /* A new request: nothing of it was parsed yet. */
    if (c->phase == CP_IDLE)
        c->seen = 0;
    c->used = true;
    enum http_result r =
        http_parse_head((struct str){c->buf, c->len}, c->seen, &d->http, &d->head, &fault);
    c->seen = c->len;
    if (r == HTTP_DONE)
        return disp_read_begin(d, c);
    if (r == HTTP_BAD)
        return disp_read_bad(fault.err, fault.detail);
    if (c->len > d->http.max_head)
        return disp_read_bad(ERR_HEADERS_TOO_LARGE, "The request's head is too large.");
    return c->eof ? disp_read_cut_short() : DISP_EVENT(CE_MORE);
}

/* Looks for the end of a chunked body; r->total is set when it is found. */
static struct disp_event disp_read_chunks(struct disp *d, struct conn *c)
{
    struct request *r = c->req;
    struct http_fault fault = {.err = ERR_OK};
    size_t used = 0, have = c->len - r->head_len;
    enum http_result got = http_chunked_scan(&r->scan, (struct str){c->buf + r->head_len, have},
                                             &d->http, &used, &fault);
    if (got == HTTP_BAD)
        return disp_read_bad(fault.err, fault.detail);
    if (got == HTTP_DONE)
        r->total = r->head_len + used;
    else if (have > d->http.max_body * FRAMING_FACTOR + FRAMING_EXTRA)
        return disp_read_bad(ERR_CONTENT_TOO_LARGE, "The body has too many small chunks.");
    return DISP_EVENT(CE_NONE);
}

/* Bytes behind the body belong to the next request and stay in the buffer. */
struct disp_event disp_read_body(struct disp *d, struct conn *c)
{
    struct request *r = c->req;
    if (r->chunked && r->total == 0) {
        struct disp_event bad = disp_read_chunks(d, c);
        if (bad.what != CE_NONE)
            return bad;
    }
    if (r->total > 0 && c->len >= r->total)
        return DISP_EVENT(CE_REQUEST);
    return c->eof ? disp_read_cut_short() : DISP_EVENT(CE_MORE);
}
