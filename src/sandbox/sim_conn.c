/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Reads requests of one client and writes answers, spoilt as the ordered fault says. Called by the
 * loop. */
#include "sim_conn.h"
#include "sim_serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/uuid.h"
#include "http/http_resp.h"

#define REQUEST_MAX (256 * 1024)
#define HUGE_BYTES (10u * 1024 * 1024)
#define DRIP_MS 1000
#define LINGER_MS 2000

void (*sim_conn_shut)(int64_t ms);

static const struct http_limits limits = {.max_head = 32 * 1024, .max_body = REQUEST_MAX / 2};

struct sim_conn *sim_conn_new(int fd)
{
    struct sim_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->fd = fd;
    c->arena = arena_new(4 * 1024);
    c->since = mono_now();
    http_chunked_init(&c->chunked);
    if (c->arena == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void sim_conn_free(struct sim_conn *c)
{
    close(c->fd);
    arena_free(c->arena);
    free(c->in);
    free(c);
}

short sim_conn_events(const struct sim_conn *c)
{
    switch (c->state) {
    case SIM_READING:
    case SIM_LINGERING:
        return POLLIN;
    case SIM_WRITING:
        return c->out_at < c->out_until ? POLLOUT : POLLRDHUP;
    case SIM_WAITING:
    case SIM_STUCK:
        break;
    }
    return POLLRDHUP;
}

/* An RST in place of an orderly end. */
static void conn_make_reset(int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0},
                     sizeof(struct linger));
}

static void conn_put_reply(struct sim_conn *c, const struct sim_reply *reply, bool head_only)
{
    struct http_resp resp;
    http_resp_init(&resp, c->arena);
    resp.status = reply->status;
    resp.content_type = reply->content_type;
    resp.body = reply->body;
    http_resp_header(&resp, "X-Request-Id", arena_strdup(c->arena, uuid_new().s));
    if (reply->location != NULL)
        http_resp_header(&resp, "Location", reply->location);
    if (reply->coding != NULL)
        http_resp_header(&resp, "Content-Encoding", reply->coding);
    struct str bytes = http_resp_bytes(&resp, c->keep_alive, head_only);
    c->out = bytes.p;
    c->out_n = c->out_until = bytes.n;
    c->out_at = 0;
}

static size_t conn_head_length(const struct sim_conn *c)
{
    for (size_t i = 4; i <= c->out_n; i++)
        if (memcmp(c->out + i - 4, "\r\n\r\n", 4) == 0)
            return i;
    return c->out_n;
}

/* 10 MB of an answer: the same bytes for all who get them. */
static struct str conn_huge_bytes(void)
{
    static struct str bytes;
    static struct arena *a;
    if (a == NULL && (a = arena_new(2 * HUGE_BYTES)) != NULL) {
        struct http_resp resp;
        char *body = arena_alloc(a, HUGE_BYTES);
        memset(body, ' ', HUGE_BYTES);
        http_resp_init(&resp, a);
        resp.content_type = "application/json";
        resp.body = (struct str){body, HUGE_BYTES};
        bytes = http_resp_bytes(&resp, false, false);
    }
    return bytes;
}

static void conn_put_bytes(struct sim_conn *c, struct str bytes)
{
    c->out = bytes.p;
    c->out_n = c->out_until = bytes.n;
    c->out_at = 0;
    c->keep_alive = false;
}

static void conn_put_spoilt(struct sim_conn *c, enum sim_fault_kind kind)
{
    static const char garbage[] = "\x16\x03\x01\x02 this is no HTTP \x00\xff\xfe\r\n\r\n";
    static const char moved[] = "<a href=\"/elsewhere\">moved</a>";
    static const char firewall[] = "<!doctype html><title>Access denied</title><h1>Error 1010</h1>";
    if (kind == SIM_GARBAGE)
        conn_put_bytes(c, (struct str){garbage, sizeof garbage - 1});
    else if (kind == SIM_HUGE)
        conn_put_bytes(c, conn_huge_bytes());
    else if (kind == SIM_REDIRECT)
        conn_put_reply(c,
                       &(struct sim_reply){.status = 302,
                                           .content_type = "text/html",
                                           .body = STR(moved),
                                           .location = "/elsewhere"},
                       false);
    else
        conn_put_reply(c,
                       &(struct sim_reply){.status = 403,
                                           .content_type = "text/html; charset=UTF-8",
                                           .body = STR(firewall)},
                       false);
}

/* What the ordered fault makes of an answer that is ready. False: close now. */
static bool conn_apply_fault(struct sim_conn *c, const struct sim_fault *f)
{
    c->kind = f->kind;
    c->state = SIM_WRITING;
    switch (f->kind) {
    case SIM_RESET:
        conn_make_reset(c->fd);
        return false;
    case SIM_CLOSE:
        return false;
    case SIM_HANG:
        c->state = SIM_STUCK;
        break;
    case SIM_DELAY:
        c->state = SIM_WAITING;
        c->wake = deadline_in_ms(f->delay_ms).at;
        break;
    case SIM_DRIP:
        c->out_until = 1;
        c->wake = deadline_in_ms(DRIP_MS).at;
        break;
    case SIM_HEADERS:
        c->out_until = conn_head_length(c);
        break;
    case SIM_BODY:
        c->out_until = conn_head_length(c) + (c->out_n - conn_head_length(c)) / 2;
        break;
    case SIM_GARBAGE:
    case SIM_HUGE:
    case SIM_REDIRECT:
    case SIM_HTML:
        conn_put_spoilt(c, f->kind);
        break;
    case SIM_SHUT:
        sim_conn_shut(f->delay_ms);
        break;
    case SIM_NONE:
    case SIM_STATUS:
    case SIM_DECLINED:
    case SIM_UNFILTERED:
    case SIM_BARE:
    case SIM_ACCOUNT:
    case SIM_TEXT_NUMBERS:
    case SIM_REAL_NUMBERS:
    case SIM_EXPONENTS:
    case SIM_MEMBERS:
    case SIM_STRANGER:
    case SIM_BOM:
    case SIM_GZIP:
    case SIM_IDENTITY:
    case SIM_KIND_COUNT:
        break;
    }
    return true;
}

static bool conn_serve(struct sim_conn *c, const struct http_head *head, struct str body,
                       size_t used)
{
    struct sim_request request = {.arena = c->arena, .head = head, .body = body};
    struct sim_reply reply = {.status = 500};
    sim_serve(&request, &reply);
    c->keep_alive = head->keep_alive && request.fault.kind != SIM_SHUT;
    conn_put_reply(c, &reply, head->method == HTTP_HEAD);
    /* What follows is the next request: kept until this one is answered. */
    memmove(c->in, c->in + used, c->in_n - used);
    c->in_n -= used;
    c->seen = 0;
    http_chunked_init(&c->chunked);
    return conn_apply_fault(c, &request.fault);
}

static int conn_fault_status(enum err e)
{
    static const struct {
        enum err err;
        int status;
    } known[] = {{ERR_LENGTH_REQUIRED, 411},   {ERR_CONTENT_TOO_LARGE, 413},
                 {ERR_URI_TOO_LONG, 414},      {ERR_EXPECTATION_FAILED, 417},
                 {ERR_HEADERS_TOO_LARGE, 431}, {ERR_NOT_IMPLEMENTED, 501},
                 {ERR_HTTP_VERSION, 505}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (known[i].err == e)
            return known[i].status;
    return 400;
}

static bool conn_refuse(struct sim_conn *c, const struct http_fault *fault)
{
    struct sim_reply reply = {.status = conn_fault_status(fault->err),
                              .content_type = "text/plain",
                              .body = str_of(fault->detail)};
    c->keep_alive = false;
    conn_put_reply(c, &reply, false);
    c->state = SIM_WRITING;
    return true;
}

static bool conn_wait_for_more(struct sim_conn *c, bool expects_continue)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    if (c->in_n >= REQUEST_MAX)
        return conn_refuse(c, &(struct http_fault){ERR_CONTENT_TOO_LARGE, "too much of it"});
    if (expects_continue && !c->continued &&
        send(c->fd, go_on, sizeof go_on - 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return false;
    c->continued = c->continued || expects_continue;
    return true;
}

/* Serves the request in the buffer when it is whole. */
static bool conn_try_serve(struct sim_conn *c)
{
    struct http_head head;
    struct http_fault fault;
    enum http_result got =
        http_parse_head((struct str){c->in, c->in_n}, c->seen, &limits, &head, &fault);
    c->seen = got == HTTP_MORE ? c->in_n : 0; /* while the body comes, the head's end lies before */
    if (got == HTTP_BAD)
        return conn_refuse(c, &fault);
    if (got == HTTP_MORE)
        return conn_wait_for_more(c, false);
    char *body = c->in + head.head_len;
    size_t have = c->in_n - head.head_len;
    if (!head.chunked) {
        if (have < head.content_length)
            return conn_wait_for_more(c, head.expect_continue);
        return conn_serve(c, &head, (struct str){body, (size_t)head.content_length},
                          head.head_len + (size_t)head.content_length);
    }
    size_t used;
    got = http_chunked_scan(&c->chunked, (struct str){body, have}, &limits, &used, &fault);
    if (got == HTTP_BAD)
        return conn_refuse(c, &fault);
    if (got == HTTP_MORE)
        return conn_wait_for_more(c, head.expect_continue);
    /* Joining overwrites the framing: the copy on the arena keeps the next request's bytes where
     * they are. */
    char *copy = arena_strndup(c->arena, body, used);
    size_t n = http_chunked_join(copy, used);
    return conn_serve(c, &head, (struct str){copy, n}, head.head_len + used);
}

static bool conn_grow_input(struct sim_conn *c)
{
    if (c->in_n < c->in_room)
        return true;
    size_t room = c->in_room == 0 ? 4096 : 2 * c->in_room;
    char *in = realloc(c->in, room);
    if (in == NULL)
        return false;
    c->in = in;
    c->in_room = room;
    return true;
}

static bool conn_step_read(struct sim_conn *c)
{
    if (!conn_grow_input(c))
        return false;
    ssize_t n = recv(c->fd, c->in + c->in_n, c->in_room - c->in_n, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    c->in_n += (size_t)n;
    c->since = mono_now();
    return conn_try_serve(c);
}

/* The end is said, and what the client still sends is read away: closing on unread bytes would take
 * the answer back. */
static bool conn_start_linger(struct sim_conn *c)
{
    if (shutdown(c->fd, SHUT_WR) != 0)
        return false;
    c->state = SIM_LINGERING;
    c->wake = deadline_in_ms(LINGER_MS).at;
    return true;
}

static bool conn_step_linger(struct sim_conn *c)
{
    char away[4096];
    ssize_t n = recv(c->fd, away, sizeof away, MSG_DONTWAIT);
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool conn_end_answer(struct sim_conn *c)
{
    if (!c->keep_alive)
        return conn_start_linger(c);
    arena_reset(c->arena);
    c->out = NULL;
    c->out_n = c->out_at = c->out_until = 0;
    c->state = SIM_READING;
    c->kind = SIM_NONE;
    c->wake.ns = 0;
    c->continued = false;
    c->since = mono_now();
    return c->in_n == 0 || conn_try_serve(c);
}

static bool conn_step_write(struct sim_conn *c)
{
    if (c->out_at < c->out_until) {
        ssize_t n =
            send(c->fd, c->out + c->out_at, c->out_until - c->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->out_at += (size_t)n;
    }
    return c->out_at < c->out_n || conn_end_answer(c);
}

static bool conn_step_clock(struct sim_conn *c)
{
    if (c->wake.ns == 0 || !deadline_passed((struct deadline){c->wake}))
        return true;
    c->wake.ns = 0;
    if (c->state == SIM_LINGERING)
        return false;
    if (c->state == SIM_WAITING)
        c->state = SIM_WRITING;
    if (c->kind == SIM_DRIP && c->out_until < c->out_n) {
        c->out_until++;
        c->wake = deadline_in_ms(DRIP_MS).at;
    }
    return true;
}

bool sim_conn_step(struct sim_conn *c, short revents)
{
    if (!conn_step_clock(c))
        return false;
    if (revents & (POLLERR | POLLHUP | POLLNVAL))
        return false;
    if (c->state == SIM_READING)
        return (revents & POLLIN) == 0 || conn_step_read(c);
    if (c->state == SIM_LINGERING)
        return (revents & POLLIN) == 0 || conn_step_linger(c);
    if (revents & POLLRDHUP)
        return false; /* the client gave up */
    if (c->state == SIM_WRITING)
        return conn_step_write(c);
    return true;
}
