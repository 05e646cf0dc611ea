/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The dispatcher's side of the workers' pairs: who is free, who has which request, and what happens
 * to a request whose worker died. A pair is a socketpair of packets (ipc/protocol.h). End-of-file
 * on it says that a worker is gone; nothing else has to. disp_drive.c and disp_order.c call this
 * file and act on the events that it returns. No function here waits.
 */
#include "disp_worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/digest.h"
#include "disp_tag.h"
#include "domain/scoreboard.h"
#include "sys/log.h"
#include "sys/net.h"

#define REFUSED_RETRY_S 1 /* meanwhile other requests end, and free memory or descriptors */

/* By scoreboard slot, for all slots: then a worker's number is its index here too. */
bool disp_workers_init(struct disp *d)
{
    d->workers_n = scoreboard_slots();
    d->workers = calloc(d->workers_n, sizeof(*d->workers));
    d->free_slots = calloc(d->workers_n, sizeof(*d->free_slots));
    for (unsigned i = 0; d->workers && i < d->workers_n; i++)
        d->workers[i].fd = -1;
    return d->workers && d->free_slots;
}

/* The place in the table is the slot of the scoreboard. */
static unsigned disp_worker_slot(const struct disp *d, const struct disp_worker *w)
{
    return (unsigned)(w - d->workers);
}

/* A slot is pushed once at most; whether it is free is asked again when it is popped. */
static void disp_worker_push(struct disp *d, struct disp_worker *w)
{
    if (!w->listed)
        d->free_slots[d->free_slots_n++] = disp_worker_slot(d, w);
    w->listed = true;
}

/* A worker of a later epoch waits for that to begin; one of an earlier epoch gets nothing more. */
static bool disp_worker_is_free(const struct disp *d, const struct disp_worker *w)
{
    return w->fd >= 0 && w->ready && !w->retiring && !w->conn && w->epoch == d->epoch;
}

/* Entries that are not free any more are dropped on the way. */
bool disp_worker_any_free(struct disp *d)
{
    while (d->free_slots_n > 0) {
        struct disp_worker *w = &d->workers[d->free_slots[d->free_slots_n - 1]];
        if (disp_worker_is_free(d, w))
            return true;
        w->listed = false;
        d->free_slots_n--;
    }
    return false;
}

/*
 * The one that gets the next request, taken off the list: the last that became free, for its memory
 * is warm. One that cannot reach the database answers sooner than the others and so would draw all
 * requests: it comes after them. disp_worker_any_free() was true.
 */
static struct disp_worker *disp_worker_pop(struct disp *d)
{
    unsigned best = d->free_slots_n - 1;
    for (unsigned i = d->free_slots_n; i-- > 0;) {
        if (disp_worker_is_free(d, &d->workers[d->free_slots[i]]) &&
            scoreboard_has_database(d->free_slots[i])) {
            best = i;
            break;
        }
    }
    struct disp_worker *w = &d->workers[d->free_slots[best]];
    d->free_slots_n--;
    memmove(d->free_slots + best, d->free_slots + best + 1,
            (d->free_slots_n - best) * sizeof(*d->free_slots));
    w->listed = false;
    return w;
}

/* Wiped, since an answer may hold personal data or a token. */
static void disp_worker_drop_parts(struct disp_worker *w)
{
    if (w->parts)
        digest_wipe(w->parts, w->parts_n);
    free(w->parts);
    w->parts = NULL;
    w->parts_n = 0;
    w->parts_lost = false;
}

/* Closing our end is how a worker learns that it may end. */
static void disp_worker_detach(struct disp *d, struct disp_worker *w)
{
    (void)epoll_ctl(d->ep, EPOLL_CTL_DEL, w->fd, NULL);
    close(w->fd);
    w->fd = -1;
    w->ready = w->retiring = false;
    w->conn = NULL;
    disp_worker_drop_parts(w);
}

/* What becomes of a read whose worker died before it answered: nothing was changed by it, so
 * another worker may have it, but only once, since the request itself may be what kills workers. */
static struct disp_event disp_worker_lost_read(struct request *r)
{
    if (deadline_passed(r->deadline))
        return DISP_PROBLEM(.err = ERR_DEADLINE,
                            .detail = "The process that served this request took too long.");
    if (r->retried)
        return DISP_PROBLEM(.err = ERR_INTERRUPTED,
                            .detail = "The process that served this request ended.");
    r->retried = true;
    return DISP_EVENT(CE_LOST);
}

/* The request of a worker that died, or of an answer that was lost on its way: nobody knows how far
 * it came, but no byte of an answer has left, since only this process writes to clients. */
static struct disp_event disp_worker_lost(struct request *r)
{
    if (r->method == HTTP_GET || r->method == HTTP_HEAD)
        return disp_worker_lost_read(r);
    return DISP_PROBLEM(.err = ERR_INTERRUPTED,
                        .detail = "The process that served this request ended.", .unknown = true);
}

/* What is counted of a request with a worker. */
static void disp_worker_count(struct disp *d, const struct request *r, int more)
{
    d->searches_n += (unsigned)(r->search ? more : 0);
    /* Without an address there is no row to count in. */
    if (r->peer != 0)
        d->peers.all[r->peer].given += (uint32_t)more;
}

/* The connection whose request the worker had, and has no more; NULL: it had none. */
static struct conn *disp_worker_take_back(struct disp *d, struct disp_worker *w)
{
    struct conn *c = w->conn;
    if (c)
        disp_worker_count(d, c->req, -1);
    w->conn = NULL;
    return c;
}

void disp_worker_bury(struct disp *d, struct disp_worker *w, struct disp_report *r)
{
    *r = (struct disp_report){.conn = disp_worker_take_back(d, w), .packet = {.fd = -1}};
    if (r->conn) {
        LOG(LOG_LEVEL_WARN, "dispatcher.worker_lost", F_INT("worker", w->index),
            F_STR("method", http_method_names[r->conn->req->method]),
            F_STR("request_id", r->conn->req->id));
        r->event = disp_worker_lost(r->conn->req);
    }
    disp_worker_detach(d, w);
}

/* 503 and not 502: nothing was begun. */
struct disp_event disp_worker_refuse(void)
{
    return DISP_PROBLEM(.err = ERR_OVERLOADED,
                        .detail = "No process has descriptors or memory for this request.",
                        .retry_after_s = REFUSED_RETRY_S);
}

/* The connection whose request the report is about; the worker is free again. */
static struct conn *disp_worker_release(struct disp *d, struct disp_worker *w)
{
    struct conn *c = disp_worker_take_back(d, w);
    disp_worker_push(d, w);
    return c;
}

/* Answers of several packets are rare and few packets long: a new buffer for each is cheap enough.
 * False: longer than any answer. */
static bool disp_worker_add_part(struct disp_worker *w, const struct protocol_packet *p)
{
    const size_t n = w->parts_n + p->len;
    if (p->len == 0 || n > PROTOCOL_ANSWER_MAX)
        return false;
    char *all = w->parts_lost ? NULL : malloc(n);
    if (!all) { /* for one client: the others go on */
        disp_worker_drop_parts(w);
        w->parts_lost = true;
        return true;
    }
    if (w->parts_n > 0)
        memcpy(all, w->parts, w->parts_n);
    memcpy(all + w->parts_n, p->bytes, p->len);
    disp_worker_drop_parts(w);
    w->parts = all;
    w->parts_n = n;
    return true;
}

/* The whole answer as one packet, on the heap when it came in parts. */
static bool disp_worker_join_parts(struct disp_worker *w, struct protocol_packet *p)
{
    if (!w->parts && !w->parts_lost)
        return p->len > 0;
    if (!disp_worker_add_part(w, p))
        return false;
    *p = (struct protocol_packet){
        .bytes = w->parts, .heap = w->parts, .len = w->parts_n, .fd = -1, .lost = w->parts_lost};
    w->parts = NULL; /* the packet's now */
    disp_worker_drop_parts(w);
    return true;
}

/* The connection stays open only when the worker's answer says so and the client has not closed. */
static struct disp_event disp_worker_answer(const struct protocol_report *in, struct conn *c,
                                            const struct protocol_packet *p)
{
    if (p->lost)
        return disp_worker_lost(c->req);
    c->close = c->eof || (in->flags & PROTOCOL_KEEP_ALIVE) == 0;
    return (struct disp_event){.what = CE_ANSWER, .bytes = {p->bytes, p->len}};
}

/* Acts on one report. `seq` ties it to the request in hand: a report about an earlier one would be
 * a fault. False: a report that no worker of ours would send at this point. */
static bool disp_worker_report(struct disp *d, struct disp_worker *w,
                               const struct protocol_report *in, struct disp_report *out)
{
    const bool in_hand = w->conn && in->seq == w->seq;
    switch (in->news) {
    case PROTOCOL_READY:
        if (w->ready)
            return false;
        w->ready = true;
        disp_worker_push(d, w);
        return true;
    case PROTOCOL_PART:
        return in_hand && disp_worker_add_part(w, &out->packet);
    case PROTOCOL_DONE:
        if (!in_hand || !disp_worker_join_parts(w, &out->packet))
            return false;
        w->retiring = w->retiring || (in->flags & PROTOCOL_RETIRING);
        out->conn = disp_worker_release(d, w);
        out->event = disp_worker_answer(in, out->conn, &out->packet);
        return true;
    case PROTOCOL_REFUSED:
        if (!in_hand || w->parts || w->parts_lost)
            return false;
        out->conn = disp_worker_release(d, w);
        out->event = disp_worker_refuse();
        return true;
    case PROTOCOL_RETIRE:
        w->retiring = true;
        return true;
    default:
        return false;
    }
}

bool disp_worker_take(struct disp *d, struct disp_worker *w, struct disp_report *r)
{
    struct protocol_report in;
    *r = (struct disp_report){.packet = {.fd = -1}};
    int got = protocol_recv(w->fd, &protocol_reports, d->packet, &in, &r->packet);
    if (got < 0 && (errno == EAGAIN || net_pause_after_error(errno)))
        return false;
    /* Workers send no descriptors that anybody here wants: one that comes all the same must not
     * stay open. */
    if (got > 0 && r->packet.fd >= 0)
        close(r->packet.fd);
    /* End of file, or a report that contradicts itself: the worker is not trusted any more. */
    if (got <= 0 || !disp_worker_report(d, w, &in, r)) {
        if (got > 0)
            LOG(LOG_LEVEL_ERROR, "dispatcher.report_refused", F_INT("worker", w->index),
                F_STR("hint",
                      "this worker sent a report that makes no sense; it gets no more requests"));
        protocol_drop(&r->packet);
        disp_worker_bury(d, w, r);
        return false;
    }
    if (w->retiring && !w->conn)
        disp_worker_detach(d, w); /* nothing is under way: the closed pair lets it end */
    return w->fd >= 0;
}

/* NULL for an event about a worker that has left the slot meanwhile. */
struct disp_worker *disp_worker_find(struct disp *d, uint64_t tag)
{
    struct disp_worker *w = &d->workers[DISP_TAG_INDEX(tag)];
    return w->fd >= 0 && (w->generation & 0xffffff) == DISP_TAG_GENERATION(tag) ? w : NULL;
}

/* Hands the request to a worker. Its bytes stay in the connection's buffer until the answer, so
 * that a read can be given to another worker when this one dies. False: nobody took it; the caller
 * queues or refuses the request. */
bool disp_worker_give(struct disp *d, struct conn *c)
{
    struct request *r = c->req;
    struct protocol_request q = {.seq = ++d->seq,
                                 .arrived = r->arrived,
                                 .deadline = r->deadline,
                                 .queue_seconds = mono_seconds_between(r->arrived, d->now),
                                 .len = r->total,
                                 .close = d->draining || c->eof};
    /* The worker has no client's socket, so everything about the client goes along. */
    memcpy(q.request_id, r->id, sizeof(q.request_id));
    memcpy(q.peer, c->address, sizeof(q.peer));
    while (disp_worker_any_free(d)) {
        struct disp_worker *w = disp_worker_pop(d);
        struct protocol_packet p = {.bytes = c->buf, .len = r->total, .fd = -1};
        protocol_give(disp_worker_slot(d, w), (struct protocol_given){mono_now(), r->deadline});
        if (protocol_send(w->fd, &q, sizeof(q), &p)) {
            w->conn = c;
            w->seq = q.seq;
            r->given = d->now;
            disp_worker_count(d, r, 1);
            return true;
        }
        /* A dead worker: its end of file will be read in a moment; the next one is asked. */
        if (errno != EPIPE && errno != ECONNRESET && errno != ECONNREFUSED) {
            /* No memory or descriptors for the packet: the worker is fine, it stays the next to be
             * asked. */
            LOG(LOG_LEVEL_WARN, "dispatcher.handover_failed", F_INT("worker", w->index),
                F_STR("reason", strerror(errno)));
            disp_worker_push(d, w);
            return false;
        }
        disp_worker_detach(d, w);
    }
    return false;
}

/* It gets requests once it has said that it is ready. */
void disp_worker_join(struct disp *d, const struct protocol_order *o, int fd)
{
    struct disp_worker *w = &d->workers[o->slot];
    /* The place on the list of free slots is the slot's and not the worker's: it is kept. */
    const bool listed = w->listed;
    *w = (struct disp_worker){.fd = fd,
                              .index = o->index,
                              .generation = o->generation,
                              .epoch = o->epoch,
                              .listed = listed};
    struct epoll_event ev = {.events = EPOLLIN,
                             .data.u64 = DISP_TAG(TAG_WORKER, w->generation, o->slot)};
    if (epoll_ctl(d->ep, EPOLL_CTL_ADD, fd, &ev) != 0)
        disp_worker_detach(d, w);
}

/* Workers of the new epoch were ready before it began, and were not on the list. */
void disp_workers_epoch(struct disp *d)
{
    for (unsigned i = 0; i < d->workers_n; i++) {
        if (disp_worker_is_free(d, &d->workers[i]))
            disp_worker_push(d, &d->workers[i]);
    }
}
