/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* New connections, as long as there is room for them. */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "disp_priv.h"
#include "domain/metrics.h"
#include "sys/log.h"

#define ACCEPT_BATCH 64 /* then the others get their turn */
#define LAST_BATCHES 1024
#define PAUSE_MS 100 /* when descriptors or memory have run out */

static bool in_use(const struct disp *d, unsigned i)
{
    return d->listen_fds[i] >= 0 && (d->listen_on >> i & 1u) != 0;
}

static bool watch(struct disp *d, unsigned i, bool on)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WATCH_KEY(WATCH_LISTEN, 0, i)};
    return epoll_ctl(d->ep, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, d->listen_fds[i], &ev) == 0;
}

bool disp_listen(struct disp *d, bool on)
{
    bool good = true;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (in_use(d, i))
            good &= watch(d, i, on);
    }
    d->accepting = on;
    return good;
}

static void refuse(struct disp *d, struct conn *c, const char *detail)
{
    METRIC_INC(M_HTTP_SHED, SHED_REASON_CONNECTIONS);
    disp_answer_problem(
        d, c,
        &(struct disp_problem){
            .err = ERR_OVERLOADED, .detail = detail, .retry_after_s = 1, .close = true});
}

/*
 * When there is no room the oldest idle connection makes some; without one the client is told so.
 * An address at its cap makes nobody else go.
 */
static void admit(struct disp *d, int fd, const struct sockaddr_storage *from)
{
    struct conn *c = disp_conn_new(d, fd);
    if (!c) {
        METRIC_INC(M_HTTP_SHED, SHED_REASON_CONNECTIONS);
        close(fd);
        return;
    }
    disp_peer_join(d, c, from);
    enum peer_room room = disp_peer_room(d, c);
    if (room != PEER_ROOM)
        METRIC_INC(M_HTTP_CLOSED, CONN_CLOSED_ADDRESS);
    if (room == PEER_FLOOD) {
        METRIC_INC(M_HTTP_SHED, SHED_REASON_CONNECTIONS);
        disp_conn_close(d, c);
    } else if (room == PEER_FULL) {
        refuse(d, c, "Too many connections from this address.");
    } else if (d->conns_n > d->conns_max && (d->phases[CP_IDLE].head == c || !disp_conn_evict(d))) {
        refuse(d, c, "Too many connections.");
    } else {
        /* The request is often here already: one try saves a turn of the loop. */
        disp_readable(d, c);
    }
}

/* accept4() wants a descriptor before it looks whether there is anybody to take it. */
static bool somebody_waits(int listen_fd)
{
    struct pollfd p = {.fd = listen_fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void pause_listening(struct disp *d)
{
    if (!d->accept_failing)
        LOG(LOG_LEVEL_WARN, "dispatcher.accept_failed",
            F_STR("why", errno == EMFILE || errno == ENFILE ? "descriptors" : "memory"),
            F_INT("connections", d->conns_n));
    d->accept_failing = true; /* said once, until it works again */
    (void)disp_listen(d, false);
    d->accepting = true;
    d->listening_paused = true;
    d->listen_again = deadline_in_ms(PAUSE_MS);
    (void)disp_conn_evict(d);
}

/* True: there may be more. */
static bool accept_batch(struct disp *d, unsigned listener)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof(from);
        int fd = accept4(d->listen_fds[listener], (struct sockaddr *)&from, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            d->accept_failing = false;
            admit(d, fd, &from);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            if (somebody_waits(d->listen_fds[listener]))
                pause_listening(d);
            return false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return false; /* EAGAIN; a network fault of one client is no fault of the listener */
        }
    }
    return true;
}

void disp_accept(struct disp *d, unsigned listener)
{
    if (in_use(d, listener)) /* it may have been closed in this turn of the loop */
        (void)accept_batch(d, listener);
}

/* What waits in the socket's queue would be reset when the socket is closed. */
static void accept_last(struct disp *d, unsigned listener)
{
    for (int i = 0; i < LAST_BATCHES && accept_batch(d, listener); i++)
        ;
}

void disp_accept_all(struct disp *d)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (in_use(d, i) && !(d->listen_kept >> i & 1u))
            accept_last(d, i);
    }
}

static void close_one(struct disp *d, unsigned i)
{
    close(d->listen_fds[i]); /* not watched any more: epoll would go on reporting it as long as the
                                master has a copy */
    d->listen_fds[i] = -1;
}

void disp_listen_only(struct disp *d, uint32_t bits)
{
    const bool watched = d->accepting && !d->listening_paused;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        const bool was = in_use(d, i), will = (bits >> i & 1u) != 0;
        if (d->listen_fds[i] < 0)
            continue;
        if (was && !will) {
            accept_last(d, i);
            if (watched)
                (void)watch(d, i, false);
        }
        if (!will)
            close_one(d, i);
        else if (!was && watched && !watch(d, i, true))
            LOG(LOG_LEVEL_ERROR, "dispatcher.listen_failed", F_INT("errno", errno));
    }
    d->listen_on = bits;
}

void disp_listen_close(struct disp *d)
{
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (d->listen_fds[i] >= 0)
            close_one(d, i);
    }
}
