/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* New connections, as long as there is room for them. Called by the loop and, for the last
 * connections of a socket that goes, by the orders of the master and the drain. */
#include "disp_accept.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "disp_conn.h"
#include "disp_drive.h"
#include "disp_listen.h"
#include "disp_peers.h"
#include "domain/metrics.h"
#include "sys/log.h"

#define ACCEPT_BATCH 64 /* then other connections get their turn */
/* Of the last who wait in a socket: 65536 connections, more than net.core.somaxconn usually lets
 * wait. The bound ends a loop that newcomers keep alive. */
#define ACCEPT_LAST_BATCHES 1024

/* An answer even here: a client that is only disconnected cannot tell a full server from a broken
 * one. */
static void disp_accept_refuse(struct disp *d, struct conn *c, const char *detail)
{
    METRIC_INC(M_HTTP_SHED, SHED_REASON_CONNECTIONS);
    disp_drive(
        d, c,
        DISP_PROBLEM(.err = ERR_OVERLOADED, .detail = detail, .retry_after_s = 1, .close = true));
}

/*
 * When there is no room the oldest idle connection makes some; without one the client is told so.
 * An address at its cap makes nobody else go.
 */
static void disp_accept_admit(struct disp *d, int fd, const struct sockaddr_storage *from)
{
    struct conn *c = disp_conn_new(d, fd, from);
    /* No place even for a refusal: closing without an answer is all that is left. */
    if (!c) {
        METRIC_INC(M_HTTP_SHED, SHED_REASON_CONNECTIONS);
        close(fd);
        return;
    }
    disp_peers_join(d, c, from);
    enum peer_room room = disp_peers_room(d, c);
    if (room != PEER_ROOM)
        METRIC_INC(M_HTTP_CLOSED, CONN_CLOSED_ADDRESS);
    if (room == PEER_FLOOD) {
        METRIC_INC(M_HTTP_SHED, SHED_REASON_CONNECTIONS);
        disp_drive(d, c, DISP_EVENT(CE_CLOSE));
    } else if (room == PEER_FULL) {
        disp_accept_refuse(d, c, "Too many connections from this address.");
    } else if (d->conns_n > d->conns_max &&
               (d->phases[CP_IDLE].head == c || !disp_drive_evict(d))) {
        disp_accept_refuse(d, c, "Too many connections.");
    } else {
        /* The request is often here already: one try saves a turn of the loop. */
        disp_drive(d, c, DISP_EVENT(CE_READY));
    }
}

/* accept4() takes a descriptor before it looks whether anybody waits, so its EMFILE alone does not
 * say that somebody does. */
static bool disp_accept_waits(int listen_fd)
{
    struct pollfd p = {.fd = listen_fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* The listener stays readable meanwhile; without a pause epoll would report it in every turn. */
static void disp_accept_pause(struct disp *d, int error)
{
    if (!d->accept_failing)
        LOG(LOG_LEVEL_WARN, "dispatcher.accept_failed",
            F_STR("reason", error == EMFILE || error == ENFILE ? "descriptors" : "memory"),
            F_INT("connections", d->conns_n));
    d->accept_failing = true; /* logged once, until it works again */
    disp_listen_pause(d);
    (void)disp_drive_evict(d);
}

/* True: there may be more. */
static bool disp_accept_batch(struct disp *d, unsigned listener)
{
    for (int i = 0; i < ACCEPT_BATCH; i++) {
        struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof(from);
        int fd = accept4(d->listen_fds[listener], (struct sockaddr *)&from, &len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            d->accept_failing = false;
            disp_accept_admit(d, fd, &from);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            const int error = errno;
            if (disp_accept_waits(d->listen_fds[listener]))
                disp_accept_pause(d, error);
            return false;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return false; /* EAGAIN; a network fault of one client is no fault of the listener */
        }
    }
    return true;
}

void disp_accept(struct disp *d, unsigned listener)
{
    if (disp_listen_used(d, listener)) /* it may have been closed in this turn of the loop */
        (void)disp_accept_batch(d, listener);
}

/* Who waits in the socket's queue would be reset when the socket is closed. */
static void disp_accept_last(struct disp *d, unsigned listener)
{
    for (int i = 0; i < ACCEPT_LAST_BATCHES && disp_accept_batch(d, listener); i++)
        ;
}

/* From one turn to the next: sockets that both configurations have are never taken out of epoll. */
void disp_accept_only(struct disp *d, uint32_t bits)
{
    const bool watched = d->accepting && !d->listening_paused;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        const bool was = disp_listen_used(d, i), will = (bits >> i & 1u) != 0;
        if (d->listen_fds[i] < 0)
            continue;
        if (was && !will) {
            disp_accept_last(d, i);
            if (watched)
                (void)disp_listen_watch(d, i, false);
        }
        if (!will)
            disp_listen_close(d, i);
        else if (!was && watched && !disp_listen_watch(d, i, true))
            LOG(LOG_LEVEL_ERROR, "dispatcher.listen_failed", F_STR("reason", strerror(errno)));
    }
    d->listen_on = bits;
}

/* systemd's sockets keep their queue: the next start serves it. */
void disp_accept_end(struct disp *d)
{
    for (unsigned i = 0; d->accepting && i < LISTENERS_MAX; i++) {
        if (disp_listen_used(d, i) && !(d->listen_systemd >> i & 1u))
            disp_accept_last(d, i);
    }
    if (d->accepting && !d->listening_paused)
        (void)disp_listen_all(d, false);
    d->accepting = d->listening_paused = false;
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        if (d->listen_fds[i] >= 0)
            disp_listen_close(d, i);
    }
}
