/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The dispatcher's side of the workers' pairs: who is free, who has which request, and what happens
 * to a request whose worker died. End-of-file on the pair is the only news of a death that is
 * needed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disp_priv.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "sys/log.h"
#include "sys/net.h"

bool disp_workers_init(struct disp *d)
{
    d->workers_n = scoreboard_slots();
    d->workers = calloc(d->workers_n, sizeof(*d->workers));
    d->spare = calloc(d->workers_n, sizeof(*d->spare));
    for (unsigned i = 0; d->workers && i < d->workers_n; i++)
        d->workers[i].fd = -1;
    return d->workers && d->spare;
}

static unsigned slot_of(const struct disp *d, const struct disp_worker *w)
{
    return (unsigned)(w - d->workers);
}

/* A slot is pushed once at most; whether it is free is asked again when it is popped. */
static void push_spare(struct disp *d, struct disp_worker *w)
{
    if (!w->listed)
        d->spare[d->spare_n++] = slot_of(d, w);
    w->listed = true;
}

/* One of an epoch to come waits; one of an epoch before gets nothing more. */
static bool is_free(const struct disp *d, const struct disp_worker *w)
{
    return w->fd >= 0 && w->ready && !w->retiring && !w->conn && w->epoch == d->epoch;
}

bool disp_worker_any_free(struct disp *d)
{
    while (d->spare_n > 0) {
        struct disp_worker *w = &d->workers[d->spare[d->spare_n - 1]];
        if (is_free(d, w))
            return true;
        w->listed = false;
        d->spare_n--;
    }
    return false;
}

/*
 * The one that gets the next request, taken off the list: the last that became free, for its memory
 * is warm. One that cannot reach the database answers sooner than the others and so would draw all
 * requests: it comes after them. disp_worker_any_free() was true.
 */
static struct disp_worker *take_spare(struct disp *d)
{
    unsigned best = d->spare_n - 1;
    for (unsigned i = d->spare_n; i-- > 0;) {
        if (is_free(d, &d->workers[d->spare[i]]) && scoreboard_has_database(d->spare[i])) {
            best = i;
            break;
        }
    }
    struct disp_worker *w = &d->workers[d->spare[best]];
    d->spare_n--;
    memmove(d->spare + best, d->spare + best + 1, (d->spare_n - best) * sizeof(*d->spare));
    w->listed = false;
    return w;
}

static void detach(struct disp *d, struct disp_worker *w)
{
    (void)epoll_ctl(d->ep, EPOLL_CTL_DEL, w->fd, NULL);
    close(w->fd);
    w->fd = -1;
    w->ready = w->retiring = false;
    w->conn = NULL;
}

/*
 * A worker that died around its answer: the kernel knows how much of it is in the client's
 * connection. Nothing: the request is like any other that lost its worker. All: it is answered. A
 * part: a second answer would be garbage behind it.
 */
enum reach { REACH_NONE, REACH_PART, REACH_ALL };
static enum reach reach_of(struct disp *d, const struct disp_worker *w, const struct conn *c,
                           struct handover_answer *answer)
{
    if (handover_marked(slot_of(d, w), answer) != w->seq)
        return REACH_NONE; /* it had not begun */
    const int64_t now = net_written(c->fd), before = c->req->written;
    if (now < 0 || before < 0 || now < before)
        return REACH_PART;
    if (now == before)
        return REACH_NONE;
    return (uint64_t)(now - before) == answer->len ? REACH_ALL : REACH_PART;
}

/* The request of a worker that died: nobody knows how far it came. */
static void answer_for(struct disp *d, struct disp_worker *w, struct conn *c)
{
    struct request *r = c->req;
    bool safe = r->method == HTTP_GET || r->method == HTTP_HEAD;
    static const char *const reaches[] = {
        [REACH_NONE] = "no", [REACH_PART] = "partly", [REACH_ALL] = "yes"};
    struct handover_answer answer;
    const enum reach reach = reach_of(d, w, c, &answer);
    LOG(LOG_LEVEL_WARN, "dispatcher.worker_lost", F_INT("worker", w->index),
        F_STR("method", http_method_names[r->method]), F_STR("request_id", r->id),
        F_STR("answered", reaches[reach]));
    if (reach == REACH_PART) {
        disp_conn_close(d, c);
    } else if (reach == REACH_ALL) {
        c->close = c->eof || !answer.keep_alive;
        disp_answered(d, c);
        disp_advance(d, c);
    } else if (safe && deadline_passed(r->deadline)) {
        disp_answer_problem(d, c,
                            &(struct disp_problem){
                                .err = ERR_DEADLINE,
                                .detail = "The process that served this request took too long."});
        disp_advance(d, c);
    } else if (safe && !r->retried) {
        r->retried = true;
        disp_conn_phase(d, c, CP_RETRY);
    } else {
        disp_answer_problem(
            d, c,
            &(struct disp_problem){.err = ERR_INTERRUPTED,
                                   .detail = "The process that served this request ended.",
                                   .unknown = !safe});
        disp_advance(d, c);
    }
}

static void bury(struct disp *d, struct disp_worker *w)
{
    struct conn *c = w->conn;
    detach(d, w);
    if (c)
        answer_for(d, w, c);
}

static void finish(struct disp *d, struct disp_worker *w, const struct handover_report *r,
                   struct handover_packet *p)
{
    struct conn *c = w->conn;
    if (!c || r->seq != w->seq)
        return;
    w->conn = NULL;
    push_spare(d, w);
    c->close = c->eof || !r->keep_alive;
    if (r->broken || p->lost)
        disp_conn_close(d, c);
    else
        disp_answer_bytes(d, c, p->bytes, p->len);
    disp_advance(d, c);
}

/* The worker could not take the request in: it is free, and nothing was done. */
static void refused(struct disp *d, struct disp_worker *w, const struct handover_report *r)
{
    struct conn *c = w->conn;
    if (!c || r->seq != w->seq)
        return;
    w->conn = NULL;
    push_spare(d, w);
    disp_refuse_short(d, c);
}

enum taken { TAKEN_NONE, TAKEN_ONE, TAKEN_END };
static enum taken take_report(struct disp *d, struct disp_worker *w)
{
    struct handover_report r;
    struct handover_packet p;
    int got = handover_recv(w->fd, d->packet, &r, sizeof(r),
                            offsetof(struct handover_report, unsent_len), &p);
    if (got <= 0)
        return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || net_again(errno)) ? TAKEN_NONE
                                                                                        : TAKEN_END;
    w->retiring = w->retiring || r.retire || r.news == HANDOVER_RETIRE;
    if (r.news == HANDOVER_READY) {
        w->ready = true;
        push_spare(d, w);
    } else if (r.news == HANDOVER_DONE) {
        finish(d, w, &r, &p);
    } else if (r.news == HANDOVER_REFUSED) {
        refused(d, w, &r);
    }
    if (p.fd >= 0)
        close(p.fd);
    handover_drop(&p);
    if (w->retiring && !w->conn)
        detach(d, w); /* nothing under way: the closed pair lets it end */
    return TAKEN_ONE;
}

void disp_worker_readable(struct disp *d, uint64_t key)
{
    struct disp_worker *w = &d->workers[WATCH_INDEX(key)];
    if (w->fd < 0 || (w->generation & 0xffffff) != WATCH_GENERATION(key))
        return;
    if (take_report(d, w) == TAKEN_END)
        bury(d, w);
}

bool disp_worker_give(struct disp *d, struct conn *c)
{
    struct request *r = c->req;
    struct handover_request q = {.seq = ++d->seq,
                                 .arrived = r->arrived,
                                 .deadline = r->deadline,
                                 .queue_seconds = mono_seconds_between(r->arrived, d->now),
                                 .len = r->total,
                                 .close = d->draining || c->eof};
    memcpy(q.request_id, r->id, sizeof(q.request_id));
    net_peer_address(c->fd, q.peer, sizeof(q.peer));
    r->written = net_written(c->fd);
    while (disp_worker_any_free(d)) {
        struct disp_worker *w = take_spare(d);
        struct handover_packet p = {.bytes = c->buf, .len = r->total, .fd = c->fd};
        handover_give(slot_of(d, w), (struct handover_given){mono_now(), r->deadline});
        if (handover_send(w->fd, &q, sizeof(q), &p)) {
            w->conn = c;
            w->seq = q.seq;
            r->given = d->now;
            disp_conn_phase(d, c, CP_ACTIVE);
            return true;
        }
        if (errno != EPIPE && errno != ECONNRESET && errno != ECONNREFUSED) {
            /* No memory or descriptors for the packet: the worker is fine, it stays the next to be
             * asked. */
            LOG(LOG_LEVEL_WARN, "dispatcher.handover_failed", F_INT("worker", w->index),
                F_INT("errno", errno));
            push_spare(d, w);
            return false;
        }
        detach(d, w);
    }
    return false;
}

/* A worker of a new generation may be announced before the end of the old one was seen: that is
 * buried first. */
void disp_worker_announced(struct disp *d, const struct handover_order *o, int fd)
{
    struct disp_worker *w = &d->workers[o->slot];
    while (w->fd >= 0 && take_report(d, w) == TAKEN_ONE)
        ;
    if (w->fd >= 0)
        bury(d, w);
    bool listed = w->listed;
    *w = (struct disp_worker){.fd = fd,
                              .index = o->index,
                              .generation = o->generation,
                              .epoch = o->epoch,
                              .listed = listed};
    struct epoll_event ev = {.events = EPOLLIN,
                             .data.u64 = WATCH_KEY(WATCH_WORKER, w->generation, o->slot)};
    if (epoll_ctl(d->ep, EPOLL_CTL_ADD, fd, &ev) != 0)
        detach(d, w);
}

void disp_workers_epoch(struct disp *d)
{
    for (unsigned i = 0; i < d->workers_n; i++) {
        if (is_free(d, &d->workers[i]))
            push_spare(d, &d->workers[i]);
    }
}
