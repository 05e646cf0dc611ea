/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Answers that no worker gives; the rest of those that a worker could not write at once; and the
 * orderly end. */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/digest.h"
#include "disp_priv.h"
#include "http/http_access.h"
#include "http/http_problem.h"
#include "sys/log.h"
#include "sys/net.h"

/* Bytes that a client may still send after its last answer before it is cut off. */
#define LINGER_BYTES (4 * 1024 * 1024)

/* The same record and metrics as an answer from a worker has. A request that never became whole has
 * not waited for a worker. */
static void account(struct disp *d, struct conn *c, const struct disp_problem *p, const char *id)
{
    const struct request *r = c->req;
    const struct http_route_table *routes = d->env->routes;
    const bool whole = r && r->arrived.ns;
    const struct mono begun = whole ? r->arrived : c->since;
    const struct mono given = whole && r->given.ns ? r->given : d->now;
    char peer[ADDR_TEXT_MAX];

    log_set_request(id);
    http_access_write(
        &(struct http_access){
            .routes = routes,
            .row = r ? http_route_find_line(routes, (struct str){c->buf, c->len}) : routes->n,
            .method = r ? http_method_names[r->method] : NULL,
            .status = http_problem_status(p->err),
            .err = p->err,
            .client = net_peer_address(c->fd, peer, sizeof(peer)),
            .seconds = mono_seconds_between(begun, d->now),
            .queue_seconds = whole ? mono_seconds_between(begun, given) : 0,
        },
        NULL, 0);
    log_set_request(NULL);
}

/* Memory may run out here too, and one client's answer is no reason to end all connections. */
static struct str problem_bytes(struct disp *d, struct conn *c, const struct disp_problem *p,
                                const char *id)
{
    const bool head_only =
        c->req ? c->req->method == HTTP_HEAD : c->len >= 5 && memcmp(c->buf, "HEAD ", 5) == 0;
    struct str bytes;
    jmp_buf oom;
    arena_reset(d->arena);
    if (setjmp(oom) == 0) {
        arena_on_oom(d->arena, &oom);
        bytes =
            http_problem_bytes(d->arena, &(struct http_problem){.err = p->err,
                                                                .detail = p->detail,
                                                                .request_id = id,
                                                                .retry_after_s = p->retry_after_s,
                                                                .outcome_unknown = p->unknown,
                                                                .keep_alive = !c->close,
                                                                .head_only = head_only});
    } else {
        arena_on_oom(d->arena, NULL);
        arena_reset(d->arena);
        c->close = true;
        bytes = http_problem_oom_bytes(d->arena, id, head_only);
    }
    arena_on_oom(d->arena, NULL);
    return bytes;
}

void disp_answer_problem(struct disp *d, struct conn *c, const struct disp_problem *p)
{
    char peeked[HANDOVER_ID_MAX + 1];
    const char *id = c->req ? c->req->id : peeked;
    if (!c->req) /* what was not read as a request may still say how it is called */
        disp_request_id(http_peek_field((struct str){c->buf, c->len}, "X-Request-Id"), peeked);
    c->close = p->close || d->draining || c->eof || !c->req || !c->req->keep_alive;
    account(d, c, p, id);
    struct str bytes = problem_bytes(d, c, p, id);
    disp_answer_bytes(d, c, bytes.p, bytes.n);
}

void disp_answer_bytes(struct disp *d, struct conn *c, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = send(c->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (w >= 0) {
            p += w;
            n -= (size_t)w;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        } else if (errno != EINTR) {
            disp_conn_close(d, c);
            return;
        }
    }
    if (n == 0) {
        disp_answered(d, c);
        return;
    }
    c->out = malloc(n);
    if (!c->out) {
        disp_conn_close(d, c);
        return;
    }
    memcpy(c->out, p, n);
    c->out_len = n;
    c->out_at = 0;
    disp_conn_phase(d, c, CP_WRITING);
    disp_conn_want(d, c, EPOLLOUT);
}

void disp_answer_writable(struct disp *d, struct conn *c)
{
    while (c->out_at < c->out_len) {
        ssize_t w =
            send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (w >= 0) {
            c->out_at += (size_t)w;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            disp_conn_want(d, c, EPOLLOUT);
            return;
        } else if (errno != EINTR) {
            disp_conn_close(d, c);
            return;
        }
    }
    disp_conn_drop_output(c);
    disp_answered(d, c);
    disp_advance(d, c);
}

/* Drops the answered request from the buffer; what is behind it was pipelined and comes next. */
static void consume(struct conn *c)
{
    size_t used = c->req && c->req->total && c->req->total < c->len ? c->req->total : c->len;
    free(c->req);
    c->req = NULL;
    c->seen = 0;
    c->len -= used;
    if (c->len > 0) {
        memmove(c->buf, c->buf + used, c->len);
        digest_wipe(c->buf + c->len, used);
        return;
    }
    disp_conn_drop_input(c);
}

void disp_answered(struct disp *d, struct conn *c)
{
    consume(c);
    c->close = c->close || (d->draining && c->len == 0);
    if (!c->close) {
        disp_conn_phase(d, c, CP_IDLE);
        return;
    }
    if (c->eof || shutdown(c->fd, SHUT_WR) != 0) {
        disp_conn_close(d, c);
        return;
    }
    disp_conn_drop_input(c);
    disp_conn_phase(d, c, CP_LINGER);
    disp_conn_want(d, c, EPOLLIN);
}

void disp_linger_readable(struct disp *d, struct conn *c)
{
    char sink[16 * 1024];
    for (;;) {
        ssize_t n = recv(c->fd, sink, sizeof(sink), 0);
        if (n > 0 && (c->seen += (size_t)n) <= LINGER_BYTES)
            continue;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            disp_conn_want(d, c, EPOLLIN);
        else
            disp_conn_close(d, c);
        return;
    }
}
