/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Orders of the master: a new worker, a new listening socket, and the beginning of an epoch, which
 * is how a reload reaches the dispatcher. Called by the loop when the control socket is ready. */
#include "disp_order.h"

#include <unistd.h>

#include "disp_accept.h"
#include "disp_conn.h"
#include "disp_drive.h"
#include "disp_worker.h"
#include "http/http_access.h"
#include "sys/log.h"

/* A lower limit applies at once: the oldest idle connections go until it is kept. */
void disp_order_limits(struct disp *d, const struct protocol_limits *l)
{
    d->limits = *l;
    http_access_skip(l->log_skip);
    d->http =
        (struct http_limits){.max_head = (size_t)l->max_head, .max_body = (size_t)l->max_body};
    disp_conns_limits(d);
    while (d->conns_n > d->conns_max && disp_drive_evict(d))
        ;
}

/* From here on the new workers, limits and sockets; the connections, and the requests under way,
 * stay. */
static void disp_order_begin(struct disp *d, const struct protocol_order *o,
                             const struct protocol_packet *policy)
{
    d->epoch = o->epoch;
    log_set((enum log_format)o->limits.log_format, (enum log_level)o->limits.log_level);
    disp_order_limits(d, &o->limits);
    d->listen_systemd = o->listeners_systemd;
    if (policy->lost || !policy_unpack(&d->policy, policy->bytes, policy->len))
        LOG(LOG_LEVEL_ERROR, "dispatcher.policy_lost",
            F_STR("hint", "the old trusted proxies and origins stay in force; reload again"));
    disp_accept_only(d, o->listeners);
    disp_workers_epoch(d);
    LOG(LOG_LEVEL_INFO, "dispatcher.epoch", F_INT("epoch", d->epoch),
        F_INT("connections", d->conns_n));
}

/* A worker of a new generation may be announced before the end of the old one was seen. */
static void disp_order_worker(struct disp *d, const struct protocol_order *o, int fd)
{
    disp_drive_lost(d, &d->workers[o->slot]);
    disp_worker_join(d, o, fd);
}

/* An order without its descriptor is passed over here; disp_order_lost() has logged it. */
static void disp_order_carry_out(struct disp *d, const struct protocol_order *o,
                                 const struct protocol_packet *p)
{
    const int fd = p->fd;
    if (o->what == PROTOCOL_WORKER && fd >= 0 && o->slot < d->workers_n) {
        disp_order_worker(d, o, fd);
    } else if (o->what == PROTOCOL_LISTEN && fd >= 0 && o->slot < LISTENERS_MAX && !d->draining) {
        if (d->listen_fds[o->slot] >= 0) /* of a reload that was given up */
            close(d->listen_fds[o->slot]);
        d->listen_fds[o->slot] = fd;
    } else {
        if (o->what == PROTOCOL_BEGIN && !d->draining)
            disp_order_begin(d, o, p);
        if (fd >= 0)
            close(fd);
    }
}

/* What came with the order did not come through. A worker ends by itself and is started again; a
 * socket is missing until the next reload. Closing a connection makes room for the next. */
static void disp_order_lost(struct disp *d, const struct protocol_order *o)
{
    static const char *const names[] = {
        [PROTOCOL_WORKER] = "worker", [PROTOCOL_LISTEN] = "listen", [PROTOCOL_BEGIN] = "begin"};
    LOG(LOG_LEVEL_ERROR, "dispatcher.order_lost", F_STR("order", names[o->what]),
        F_STR("reason", "no_descriptors_or_memory"));
    (void)disp_drive_evict(d);
}

/* All that are there: a reload sends several, and the last one begins the epoch. */
void disp_order_read(struct disp *d)
{
    struct protocol_order o;
    struct protocol_packet p;
    while (protocol_recv(d->env->control_fd, &protocol_orders, d->packet, &o, &p) > 0) {
        if (p.lost)
            disp_order_lost(d, &o);
        disp_order_carry_out(d, &o, &p);
        protocol_drop(&p);
    }
}
