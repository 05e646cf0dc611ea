#include "sim_conn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <poll.h>
#include <unistd.h>

#include "http/http_resp.h"

#define REQUEST_MAX (256 * 1024)
#define HUGE_BYTES (10u * 1024 * 1024)

static const struct http_limits limits = {.max_head = 32 * 1024, .max_body = REQUEST_MAX / 2};

struct sim_conn *sim_conn_new(int fd)
{
    struct sim_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->fd = fd;
    c->in = malloc(REQUEST_MAX);
    c->arena = arena_new(16 * 1024);
    http_chunked_init(&c->chunked);
    if (c->in == NULL || c->arena == NULL) {
        c->fd = -1;
        sim_conn_free(c);
        return NULL;
    }
    return c;
}

void sim_conn_free(struct sim_conn *c)
{
    if (c->fd >= 0)
        close(c->fd);
    arena_free(c->arena);
    free(c->in);
    free(c);
}

short sim_conn_events(const struct sim_conn *c)
{
    switch (c->state) {
    case SIM_READING:
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
static void make_reset(int fd)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1, .l_linger = 0}, sizeof(struct linger));
}

static void put_reply(struct sim_conn *c, const struct sim_reply *reply, bool head_only)
{
    struct http_resp resp;
    http_resp_init(&resp, c->arena);
    resp.status = reply->status;
    resp.content_type = reply->content_type;
    resp.body = reply->body;
    if (reply->location != NULL)
        http_resp_header(&resp, "Location", reply->location);
    struct str bytes = http_resp_bytes(&resp, c->keep_alive, head_only);
    c->out = bytes.p;
    c->out_n = c->out_until = bytes.n;
    c->out_at = 0;
}

static size_t head_length(const struct sim_conn *c)
{
    for (size_t i = 4; i <= c->out_n; i++)
        if (memcmp(c->out + i - 4, "\r\n\r\n", 4) == 0)
            return i;
    return c->out_n;
}

static void put_spoilt(struct sim_conn *c, enum sim_fault_kind kind)
{
    static const char garbage[] = "\x16\x03\x01\x02 this is no HTTP \x00\xff\xfe\r\n\r\n";
    struct sim_reply reply = {.status = 200, .content_type = "application/json"};
    switch ((int)kind) {
    case SIM_GARBAGE:
        c->out = garbage;
        c->out_n = c->out_until = sizeof garbage - 1;
        c->keep_alive = false;
        return;
    case SIM_HUGE: {
        char *big = arena_alloc(c->arena, HUGE_BYTES);
        memset(big, ' ', HUGE_BYTES);
        reply.body = (struct str){big, HUGE_BYTES};
        break;
    }
    case SIM_REDIRECT:
        reply = (struct sim_reply){.status = 302, .content_type = "text/html", .body = STR("<a href=\"/elsewhere\">moved</a>"), .location = "/elsewhere"};
        break;
    case SIM_HTML:
        reply = (struct sim_reply){.status = 403, .content_type = "text/html; charset=UTF-8",
                                   .body = STR("<!doctype html><title>Access denied</title><h1>Error 1010</h1>")};
        break;
    default:
        return;
    }
    put_reply(c, &reply, false);
}

/* What the ordered fault makes of an answer that is ready. False: close now. */
static bool strike(struct sim_conn *c, const struct sim_fault *f)
{
    c->kind = f->kind;
    c->state = SIM_WRITING;
    switch (f->kind) {
    case SIM_RESET:
        make_reset(c->fd);
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
        c->wake = deadline_in_ms(1000).at;
        break;
    case SIM_HEADERS:
        c->out_until = head_length(c);
        break;
    case SIM_BODY:
        c->out_until = head_length(c) + (c->out_n - head_length(c)) / 2;
        break;
    case SIM_GARBAGE:
    case SIM_HUGE:
    case SIM_REDIRECT:
    case SIM_HTML:
        put_spoilt(c, f->kind);
        break;
    case SIM_NONE:
    case SIM_STATUS:
    case SIM_DECLINED:
    case SIM_KIND_COUNT:
        break;
    }
    return true;
}

static bool serve(struct sim_conn *c, const struct http_head *head, struct str body, size_t used)
{
    struct sim_request request = {.arena = c->arena, .head = head, .body = body};
    struct sim_reply reply = {.status = 500};
    sim_serve(&request, &reply);
    c->keep_alive = head->keep_alive;
    put_reply(c, &reply, head->method == HTTP_HEAD);
    /* What follows is the next request: kept until this one is answered. */
    memmove(c->in, c->in + used, c->in_n - used);
    c->in_n -= used;
    c->seen = 0;
    http_chunked_init(&c->chunked);
    return strike(c, &request.fault);
}

static bool refuse(struct sim_conn *c, const struct http_fault *fault)
{
    struct sim_reply reply = {.status = 400, .content_type = "text/plain", .body = str_of(fault->detail)};
    c->keep_alive = false;
    put_reply(c, &reply, false);
    c->state = SIM_WRITING;
    return true;
}

/* Serves the request in the buffer when it is whole. */
static bool try_serve(struct sim_conn *c)
{
    struct http_head head;
    struct http_fault fault;
    enum http_result got = http_parse_head(c->in, c->in_n, c->seen, &limits, &head, &fault);
    c->seen = got == HTTP_MORE ? c->in_n : 0; /* while the body comes, the head's end lies before */
    if (got == HTTP_BAD)
        return refuse(c, &fault);
    if (got == HTTP_MORE)
        return c->in_n < REQUEST_MAX;
    char *body = c->in + head.head_len;
    size_t have = c->in_n - head.head_len;
    if (!head.chunked) {
        if (have < head.content_length)
            return true;
        return serve(c, &head, (struct str){body, (size_t)head.content_length}, head.head_len + (size_t)head.content_length);
    }
    size_t used;
    got = http_chunked_scan(&c->chunked, body, have, &limits, &used, &fault);
    if (got == HTTP_BAD)
        return refuse(c, &fault);
    if (got == HTTP_MORE)
        return c->in_n < REQUEST_MAX;
    /* Joining overwrites the framing: the copy on the arena keeps the next request's bytes where they are. */
    char *copy = arena_strndup(c->arena, body, used);
    size_t n = http_chunked_join(copy, used);
    return serve(c, &head, (struct str){copy, n}, head.head_len + used);
}

static bool step_read(struct sim_conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_n, REQUEST_MAX - c->in_n, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    if (n == 0)
        return false;
    c->in_n += (size_t)n;
    return try_serve(c);
}

static bool answered(struct sim_conn *c)
{
    if (!c->keep_alive)
        return false;
    arena_reset(c->arena);
    c->out = NULL;
    c->out_n = c->out_at = c->out_until = 0;
    c->state = SIM_READING;
    c->kind = SIM_NONE;
    c->wake.ns = 0;
    return c->in_n == 0 || try_serve(c);
}

static bool step_write(struct sim_conn *c)
{
    if (c->out_at < c->out_until) {
        ssize_t n = send(c->fd, c->out + c->out_at, c->out_until - c->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->out_at += (size_t)n;
    }
    return c->out_at < c->out_n || answered(c);
}

static bool step_clock(struct sim_conn *c)
{
    if (c->wake.ns == 0 || !deadline_passed((struct deadline){c->wake}))
        return true;
    c->wake.ns = 0;
    if (c->state == SIM_WAITING)
        c->state = SIM_WRITING;
    if (c->kind == SIM_DRIP && c->out_until < c->out_n) {
        c->out_until++;
        c->wake = deadline_in_ms(1000).at;
    }
    return true;
}

bool sim_conn_step(struct sim_conn *c, short revents)
{
    if (!step_clock(c))
        return false;
    if (revents & (POLLERR | POLLHUP | POLLNVAL))
        return false;
    if (c->state == SIM_READING)
        return (revents & POLLIN) == 0 || step_read(c);
    if (revents & POLLRDHUP)
        return false; /* the client gave up */
    if (c->state == SIM_WRITING)
        return step_write(c);
    return true;
}
