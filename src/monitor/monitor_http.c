/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The monitor's HTTP server: few callers, one loop, and no caller can hold another up. Called by
 * monitor.c, which polls. Not the dispatcher's code: that hands requests to workers, and this one
 * must answer when no worker can. Each connection has a time limit, and the number of connections
 * is limited too; when all are in use, the one that has waited longest gives way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/ensure.h"
#include "http/http_problem.h"
#include "monitor_http.h"
#include "sys/log.h"
#include "sys/net.h"

/* A scraper's request has some 300 bytes. */
#define HEAD_MAX 8192
#define IO_MS 5000    /* a whole head, or a whole answer, takes no longer */
#define IDLE_MS 75000 /* between requests: above the usual scrape intervals */
#define ARENA_CHUNK ((size_t)16 * 1024)
/* A burst of connections must not keep answers waiting. */
#define ACCEPTS_PER_TURN 16

/* The connection of one caller, with one request at a time; allocated, because `in` is large. */
struct conn {
    int fd;              /* -1: free */
    struct arena *arena; /* of the answer */
    struct deadline until;
    struct str out; /* what is left to write */
    bool close_after;
    bool served; /* a request, at least */
    bool more;   /* `in` may hold another whole request, of which poll(2) knows nothing */
    size_t in_n, seen;
    char in[HEAD_MAX];
};

struct monitor_http {
    int listen_fds[MONITOR_LISTEN_MAX];
    size_t listen_n;
    monitor_answer_fn answer;
    void *ctx;
    bool draining;
    struct deadline accept_again; /* descriptors ran out: listen no earlier */
    struct conn *conns[MONITOR_CONNS_MAX];
    size_t conns_n;
    struct conn *polled[MONITOR_CONNS_MAX]; /* whose entries the last monitor_http_polls made */
    size_t polled_n;
};

/* NULL without memory. The listeners stay the caller's: monitor_http_free() closes none. */
struct monitor_http *monitor_http_new(const int *listen_fds, size_t n, monitor_answer_fn answer,
                                      void *ctx)
{
    struct monitor_http *h = calloc(1, sizeof(*h));
    ENSURE(n <= MONITOR_LISTEN_MAX);
    if (!h)
        return NULL;
    if (n)
        memcpy(h->listen_fds, listen_fds, n * sizeof(listen_fds[0]));
    h->listen_n = n;
    h->answer = answer;
    h->ctx = ctx;
    return h;
}

/* The last one takes the freed place, so the list has no gaps. */
static void conn_free(struct monitor_http *h, size_t i)
{
    struct conn *c = h->conns[i];
    ENSURE(c != NULL);
    for (size_t p = 0; p < h->polled_n; p++)
        if (h->polled[p] == c)
            h->polled[p] = NULL; /* evicted before its entry was looked at */
    close(c->fd);
    arena_free(c->arena);
    free(c);
    h->conns[i] = h->conns[--h->conns_n];
}

/* By pointer, because the place in the list changes whenever another connection is freed. */
static void conn_close(struct monitor_http *h, const struct conn *c)
{
    for (size_t i = 0; i < h->conns_n; i++)
        if (h->conns[i] == c) {
            conn_free(h, i);
            return;
        }
}

void monitor_http_free(struct monitor_http *h)
{
    while (h && h->conns_n)
        conn_free(h, h->conns_n - 1);
    free(h);
}

/* Nothing to write and nothing read: such a connection may be closed without harm. */
static bool between_requests(const struct conn *c)
{
    return c->out.n == 0 && c->in_n == 0;
}

/* Closes the connection that has waited longest without a request in hand; false when there is
 * none. Whoever holds connections open without a request must not lock Prometheus out. */
static bool monitor_http_evict_oldest(struct monitor_http *h)
{
    /* A connection with an answer to write is spared: its caller has asked, and is served soon. */
    size_t oldest = MONITOR_CONNS_MAX;
    for (size_t i = 0; i < h->conns_n; i++)
        if (h->conns[i]->out.n == 0 && (oldest == MONITOR_CONNS_MAX ||
                                        h->conns[i]->until.at.ns < h->conns[oldest]->until.at.ns))
            oldest = i;
    if (oldest == MONITOR_CONNS_MAX)
        return false;
    conn_free(h, oldest);
    return true;
}

/* Without memory or room the new client is closed; the others go on. */
static void monitor_http_adopt_client(struct monitor_http *h, int fd)
{
    struct conn *c = h->conns_n < MONITOR_CONNS_MAX || monitor_http_evict_oldest(h)
                         ? calloc(1, sizeof(*c))
                         : NULL;
    if (c && !(c->arena = arena_new(ARENA_CHUNK))) {
        free(c);
        c = NULL;
    }
    if (!c) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->until = deadline_in_ms(IO_MS);
    h->conns[h->conns_n++] = c;
}

/* The listeners do not block, so the loop ends when nobody is waiting. */
static void accept_some(struct monitor_http *h, int listen_fd)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            monitor_http_adopt_client(h, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            const int e = errno;
            struct pollfd p = {.fd = listen_fd, .events = POLLIN};
            /* accept4() wants a descriptor before it looks whether anybody waits. */
            if (poll(&p, 1, 0) != 1)
                return;
            LOG(LOG_LEVEL_WARN, "monitor.accept_failed", F_STR("reason", strerror(e)));
            /* The listener stays readable: polling it would spin. */
            h->accept_again = deadline_in_ms(1000);
            (void)monitor_http_evict_oldest(h);
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            return;
        }
    }
}

/* ---- one request ---- */

/* Short answers are plain text: they are read by a person with curl, or by nobody. */
static void monitor_http_say_text(struct http_resp *resp, int status, const char *text)
{
    resp->status = status;
    resp->content_type = "text/plain; charset=utf-8";
    resp->body = str_of(text);
}

/* "Content-Length: 0" announces no bytes: nothing of it is left unread. */
static bool has_body(const struct http_head *head)
{
    return head->chunked || (head->has_length && head->content_length > 0);
}

/* A body is not read, so the connection cannot be used again after one. */
static void monitor_http_answer_request(struct monitor_http *h, struct conn *c,
                                        const struct http_head *head)
{
    struct http_resp resp;
    const bool head_only = head->method == HTTP_HEAD;
    http_resp_init(&resp, c->arena);
    c->served = true;
    c->close_after = h->draining || !head->keep_alive;
    if (head->method != HTTP_GET && !head_only) {
        http_resp_header(&resp, "Allow", "GET, HEAD");
        monitor_http_say_text(&resp, 405, "only GET and HEAD\n");
        c->close_after |= has_body(head);
    } else if (has_body(head)) {
        monitor_http_say_text(&resp, 413, "no body is expected\n");
        c->close_after = true;
    } else {
        h->answer(h->ctx, head, &resp);
    }
    c->out = http_resp_bytes(&resp, !c->close_after, head_only);
}

/* What cannot be parsed ends the connection: where the next request begins is not known. */
static void monitor_http_refuse_request(struct conn *c, enum err e, const char *detail)
{
    struct http_resp resp;
    http_resp_init(&resp, c->arena);
    monitor_http_say_text(&resp, http_problem_status(e), arena_printf(c->arena, "%s\n", detail));
    c->close_after = true;
    c->out = http_resp_bytes(&resp, false, false);
}

/* Takes the next request out of the buffer, if it is whole, and makes its answer. A pipelined
 * request stays in the buffer until its turn. */
static void next_request(struct monitor_http *h, struct conn *c)
{
    const struct http_limits limits = {.max_head = HEAD_MAX - 1, .max_body = HEAD_MAX};
    struct http_head head;
    struct http_fault fault = {.err = ERR_BAD_REQUEST, .detail = "bad request"};
    enum http_result r =
        http_parse_head((struct str){c->in, c->in_n}, c->seen, &limits, &head, &fault);
    c->more = false;
    if (r == HTTP_MORE) {
        c->seen = c->in_n;
        return;
    }
    arena_reset(c->arena);
    if (r == HTTP_BAD) {
        monitor_http_refuse_request(c, fault.err, fault.detail);
        c->in_n = 0;
    } else {
        monitor_http_answer_request(h, c, &head);
        c->in_n -= head.head_len;
        memmove(c->in, c->in + head.head_len, c->in_n);
        c->more = c->in_n > 0;
    }
    c->seen = 0;
    c->until = deadline_in_ms(IO_MS);
}

/* ---- input and output ---- */

/* What an attempt to read or write came to: the socket would block, go on, or close it. */
enum step { STEP_WAIT, STEP_ON, STEP_CLOSE };

/* The time for a head begins with its first byte. */
static enum step monitor_http_read_some(struct conn *c)
{
    const bool first = c->in_n == 0;
    size_t got;
    enum net_io io = net_recv_some(c->fd, c->in + c->in_n, sizeof(c->in) - c->in_n, &got);
    if (io != NET_IO_DONE)
        return io == NET_IO_WAIT ? STEP_WAIT : STEP_CLOSE;
    c->in_n += got;
    if (first)
        c->until = deadline_in_ms(IO_MS);
    return STEP_ON;
}

/* A slow reader keeps its own answer waiting, and nobody else's. */
static enum step write_some(struct conn *c)
{
    enum net_io io = net_send_some(c->fd, &c->out);
    if (io != NET_IO_DONE)
        return io == NET_IO_WAIT ? STEP_WAIT : STEP_CLOSE;
    arena_reset(c->arena);
    c->out = (struct str){NULL, 0};
    if (c->close_after) {
        /* What is unread in our buffer must not turn the answer into a reset. */
        (void)shutdown(c->fd, SHUT_WR);
        char waste[512];
        while (recv(c->fd, waste, sizeof(waste), 0) > 0)
            ;
        return STEP_CLOSE;
    }
    c->until = deadline_in_ms(c->in_n ? IO_MS : IDLE_MS);
    return STEP_ON;
}

/* A request and its answer take one turn. Of pipelined ones each gets its own: fifty pages for one
 * reader would keep all others waiting. */
static enum step monitor_http_advance_client(struct monitor_http *h, struct conn *c)
{
    enum step s = c->out.n || c->more ? STEP_ON : monitor_http_read_some(c);
    if (s == STEP_ON && c->out.n == 0)
        next_request(h, c);
    if (s == STEP_ON && c->out.n)
        s = write_some(c);
    return s == STEP_CLOSE ? s : STEP_WAIT;
}

/* An entry of -1 is ignored by poll(2): the listener rests while descriptors are short. */
size_t monitor_http_polls(struct monitor_http *h, struct pollfd *polls, struct deadline *until)
{
    size_t n = 0;
    const bool accepting = !h->draining && deadline_passed(h->accept_again);
    for (; n < h->listen_n; n++)
        polls[n] = (struct pollfd){.fd = accepting ? h->listen_fds[n] : -1, .events = POLLIN};
    if (!accepting && !h->draining)
        *until = deadline_min(*until, h->accept_again);
    for (size_t i = 0; i < h->conns_n; i++, n++) {
        struct conn *c = h->conns[i];
        polls[n] = (struct pollfd){.fd = c->fd, .events = c->out.n || c->more ? POLLOUT : POLLIN};
        *until = deadline_min(*until, c->until);
        h->polled[i] = c;
    }
    h->polled_n = h->conns_n;
    return n;
}

/* Old connections before new ones: those may need the descriptors. */
void monitor_http_serve(struct monitor_http *h, const struct pollfd *polls, size_t n)
{
    ENSURE(n == h->listen_n + h->polled_n);
    for (size_t i = 0; i < h->polled_n; i++) {
        struct conn *c = h->polled[i];
        const short ready = polls[h->listen_n + i].revents;
        if (c && ((ready && monitor_http_advance_client(h, c) == STEP_CLOSE) ||
                  deadline_passed(c->until)))
            conn_close(h, c);
    }
    for (size_t i = 0; i < h->listen_n; i++)
        if (polls[i].revents)
            accept_some(h, h->listen_fds[i]);
    h->polled_n = 0;
}

/* A connection that was accepted gets its first answer; one between requests is closed if nothing
 * has come this moment.
 */
bool monitor_http_drain(struct monitor_http *h)
{
    h->draining = true;
    for (size_t i = h->conns_n; i-- > 0;) {
        struct conn *c = h->conns[i];
        if (between_requests(c) &&
            (monitor_http_advance_client(h, c) == STEP_CLOSE || (between_requests(c) && c->served)))
            conn_free(h, i);
    }
    return h->conns_n > 0;
}
