/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The dispatcher: the only process that reads clients' sockets. One epoll loop over all
 * connections; whole requests go to whichever worker is free. It knows no secret, no database and
 * no provider, and waits for nobody. This file is the loop; disp_drive.c moves the connections.
 */
#include "dispatcher/dispatcher.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/cdefs.h"
#include "disp_accept.h"
#include "disp_conn.h"
#include "disp_drive.h"
#include "disp_expire.h"
#include "disp_listen.h"
#include "disp_order.h"
#include "disp_tag.h"
#include "disp_worker.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "sys/log.h"
#include "sys/sig.h"

#define EVENTS 256 /* per turn of the loop: a page of memory; the others come in the next turn */
/* While accepting pauses or a drain is under way, time matters more than a few idle turns. */
#define SHORT_TURN_MS 20
/* In a drain: for the first request of a client that has just connected. A round trip, twice. */
#define NEWCOMERS_MS 500
#define ARENA_CHUNK 8192 /* a problem document and its head fit into it */

/* Level-triggered: what is not read in this turn is reported again. */
static bool dispatcher_watch(struct disp *d, enum disp_tag kind, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = DISP_TAG(kind, 0, 0)};
    return epoll_ctl(d->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* By the same bytes that a reload sends: one reader for both ways. */
static bool dispatcher_set_policy(struct disp *d, const struct config *cfg)
{
    size_t n;
    char *bytes = policy_pack(cfg, &n);
    const bool good = bytes && policy_unpack(&d->policy, bytes, n);
    free(bytes);
    return good;
}

/* Everything that can fail is done before the first connection is accepted. */
static bool dispatcher_init(struct disp *d, const struct child_env *env)
{
    d->env = env;
    d->epoch = env->epoch;
    d->now = mono_now();
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        d->listen_fds[i] = i < env->listen_n ? env->listen_fds[i] : -1;
        d->listen_on |= d->listen_fds[i] >= 0 ? 1u << i : 0;
    }
    d->listen_systemd = env->listen_systemd;
    d->ep = epoll_create1(EPOLL_CLOEXEC);
    d->sig_fd = sig_open((const int[]){SIGTERM, 0});
    d->arena = arena_new(ARENA_CHUNK);
    /* One buffer for all packets: each is dealt with before the next is read. */
    d->packet = malloc(PROTOCOL_PACKET_MAX);
    if (d->ep < 0 || d->sig_fd < 0 || !d->arena || !d->packet || !disp_workers_init(d) ||
        !disp_conns_init(d))
        return false;
    const struct protocol_limits limits = protocol_limits_of(env->cfg);
    disp_order_limits(d, &limits);
    return dispatcher_set_policy(d, env->cfg) && dispatcher_watch(d, TAG_SIGNAL, d->sig_fd) &&
           dispatcher_watch(d, TAG_PARENT, env->parent_fd) &&
           dispatcher_watch(d, TAG_CONTROL, env->control_fd) && disp_listen_all(d, true);
}

/* TERM: no new connections, but those that are here already, and what they have sent, are served.
 * The queue is turned away at 90 % of the drain time and the process ends at 95 %, so that clients
 * still get answers and the master need not use force. */
static void dispatcher_drain(struct disp *d)
{
    /* A second TERM must not begin the drain's time anew. */
    if (d->draining)
        return;
    const int64_t all = d->limits.drain_timeout_ms;
    disp_accept_end(d);
    d->draining = true;
    d->queue_cut_at = deadline_in_ms(all - all / 10);
    d->end_at = deadline_in_ms(all - all / 20);
    LOG(LOG_LEVEL_INFO, "dispatcher.draining", F_INT("connections", d->conns_n),
        F_INT("idle", d->phases[CP_IDLE].n));
    scoreboard_stage(STAGE_DRAINING, "");
    d->newcomers_by = deadline_in_ms(NEWCOMERS_MS < all / 4 ? NEWCOMERS_MS : all / 4);
    disp_drive_idle(d);
}

/* Gauges, once per turn: cheaper than at each change, and as true as a scrape can tell. */
static void dispatcher_publish(const struct disp *d)
{
    const struct phase_list *p = d->phases;
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_IDLE].n, CONN_STATE_IDLE);
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_HEAD].n + p[CP_BODY].n, CONN_STATE_READING);
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_QUEUED].n + p[CP_RETRY].n, CONN_STATE_QUEUED);
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_ACTIVE].n + p[CP_WRITING].n + p[CP_LINGER].n,
               CONN_STATE_ACTIVE);
    METRIC_SET0(M_HTTP_QUEUE_LENGTH, p[CP_QUEUED].n + p[CP_RETRY].n);
}

/* False: the process is to end. */
static bool dispatcher_handle(struct disp *d, uint64_t tag)
{
    struct conn *c;
    struct disp_worker *w;
    switch (DISP_TAG_KIND(tag)) {
    case TAG_LISTENER:
        if (d->accepting && !d->listening_paused)
            disp_accept(d, DISP_TAG_INDEX(tag));
        return true;
    case TAG_CONN:
        if ((c = disp_conn_find(d, tag)))
            disp_drive(d, c, DISP_EVENT(CE_READY));
        return true;
    case TAG_WORKER:
        if ((w = disp_worker_find(d, tag)))
            (void)disp_drive_report(d, w);
        return true;
    case TAG_CONTROL:
        disp_order_read(d);
        return true;
    case TAG_SIGNAL:
        if (sig_next(d->sig_fd, NULL) == SIGTERM)
            dispatcher_drain(d);
        return true;
    /* The pipe's other end is closed: the master is gone, and nobody would ever stop this
     * process. */
    case TAG_PARENT:
        return false;
    }
    return false;
}

/* The order of a turn: events, limits, queue, gauges. A worker that became free by an event gets
 * the next request in the same turn. */
static int dispatcher_loop(struct disp *d)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        const int most_ms = d->listening_paused || d->draining ? SHORT_TURN_MS : SCOREBOARD_BEAT_MS;
        log_flush();
        int n = epoll_wait(d->ep, events, EVENTS, disp_conn_wait_ms(d, most_ms));
        /* Only a fault of the program ends here; the master starts another dispatcher. */
        if (n < 0 && errno != EINTR)
            return 1;
        /* One clock reading per turn: all limits of the turn are judged by it. */
        d->now = mono_now();
        scoreboard_beat();
        for (int i = 0; i < n; i++) {
            if (!dispatcher_handle(d, events[i].data.u64))
                return 0;
        }
        disp_expire(d);
        disp_drive_queue(d);
        dispatcher_publish(d);
        if (d->draining && (d->conns_n == 0 || deadline_passed(d->end_at)))
            return 0;
    }
}

int dispatcher_main(const struct child_env *env)
{
    /* Static: it is large, and it is there once. */
    static struct disp d;
    if (!dispatcher_init(&d, env)) {
        LOG(LOG_LEVEL_ERROR, "dispatcher.start_failed", F_STR("reason", strerror(errno)));
        return 1;
    }
    scoreboard_stage(STAGE_IDLE, "");
    /* One write for the records of a turn, in which many requests may be answered here. */
    log_hold();
    const int code = dispatcher_loop(&d);
    log_flush();
    return code;
}
