/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The dispatcher: the only process that reads clients' sockets. One epoll loop over all
 * connections; whole requests go to whichever worker is free. It knows no secret, no database and
 * no provider, and waits for nobody.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cdefs.h"
#include "disp_priv.h"
#include "dispatcher/dispatcher.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "sys/log.h"
#include "sys/sig.h"

#define EVENTS 256
#define NEWCOMERS_MS 500 /* in a drain: for the first request of who has just connected */
#define ARENA_CHUNK 8192

static bool watch(struct disp *d, enum watch kind, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WATCH_KEY(kind, 0, 0)};
    return epoll_ctl(d->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static void use_limits(struct disp *d, const struct handover_limits *l)
{
    d->limits = *l;
    d->http =
        (struct http_limits){.max_head = (size_t)l->max_head, .max_body = (size_t)l->max_body};
    disp_conns_limits(d);
}

static bool init(struct disp *d, const struct child_env *env)
{
    d->env = env;
    d->epoch = env->epoch;
    d->now = mono_now();
    for (unsigned i = 0; i < LISTENERS_MAX; i++) {
        d->listen_fds[i] = i < env->listen_n ? env->listen_fds[i] : -1;
        d->listen_on |= d->listen_fds[i] >= 0 ? 1u << i : 0;
    }
    d->listen_kept = env->listen_kept;
    d->ep = epoll_create1(EPOLL_CLOEXEC);
    d->sig_fd = sig_open((const int[]){SIGTERM, 0});
    d->arena = arena_new(ARENA_CHUNK);
    d->packet = malloc(HANDOVER_PACKET_MAX);
    if (d->ep < 0 || d->sig_fd < 0 || !d->arena || !d->packet || !disp_workers_init(d) ||
        !disp_conns_init(d))
        return false;
    const struct handover_limits limits = handover_limits_of(env->cfg);
    use_limits(d, &limits);
    disp_peers_trust(d, env->cfg->server.trusted_proxies,
                     env->cfg->server.trusted_proxies_n * sizeof(struct cidr));
    return watch(d, WATCH_SIGNAL, d->sig_fd) && watch(d, WATCH_LIFE, env->life_fd) &&
           watch(d, WATCH_CONTROL, env->control_fd) && disp_listen(d, true);
}

static void conn_ready(struct disp *d, uint64_t key)
{
    struct conn *c = disp_conn_find(d, key);
    if (!c)
        return;
    if (c->phase == CP_WRITING)
        disp_answer_writable(d, c);
    else if (c->phase == CP_LINGER)
        disp_linger_readable(d, c);
    else if (c->phase == CP_IDLE || c->phase == CP_HEAD || c->phase == CP_BODY)
        disp_readable(d, c);
}

/* A reload: from here on the new workers, limits and sockets; the connections, and the requests
 * under way, stay. */
static void begin_epoch(struct disp *d, const struct handover_order *o,
                        const struct handover_packet *trusted)
{
    d->epoch = o->epoch;
    log_set((enum log_format)o->limits.log_format, (enum log_level)o->limits.log_level);
    use_limits(d, &o->limits);
    d->listen_kept = o->listeners_kept;
    if (!trusted->lost)
        disp_peers_trust(d, trusted->bytes, trusted->len);
    disp_listen_only(d, o->listeners);
    disp_workers_epoch(d);
    LOG(LOG_LEVEL_INFO, "dispatcher.epoch", F_INT("epoch", d->epoch),
        F_INT("connections", d->conns_n));
}

static void obey(struct disp *d, const struct handover_order *o, const struct handover_packet *p)
{
    const int fd = p->fd;
    if (o->what == HANDOVER_WORKER && fd >= 0 && o->slot < d->workers_n) {
        disp_worker_announced(d, o, fd);
    } else if (o->what == HANDOVER_LISTEN && fd >= 0 && o->slot < LISTENERS_MAX && !d->draining) {
        if (d->listen_fds[o->slot] >= 0) /* of a reload that was given up */
            close(d->listen_fds[o->slot]);
        d->listen_fds[o->slot] = fd;
    } else {
        if (o->what == HANDOVER_BEGIN && !d->draining)
            begin_epoch(d, o, p);
        if (fd >= 0)
            close(fd);
    }
}

/* What came with it did not come through. A worker ends by itself and is started again; a socket is
 * missed until the next reload. */
static void order_lost(struct disp *d, const struct handover_order *o)
{
    static const char *const names[] = {
        [HANDOVER_WORKER] = "worker", [HANDOVER_LISTEN] = "listen", [HANDOVER_BEGIN] = "begin"};
    LOG(LOG_LEVEL_ERROR, "dispatcher.order_lost", F_STR("order", names[o->what]),
        F_STR("why", "no descriptors or memory to take it"));
    if (d->phases[CP_IDLE].head)
        disp_conn_close(d, d->phases[CP_IDLE].head);
}

static void control_readable(struct disp *d)
{
    struct handover_order o;
    struct handover_packet p;
    while (handover_recv(d->env->control_fd, d->packet, &o, sizeof(o),
                         offsetof(struct handover_order, len), &p) > 0) {
        if (p.lost)
            order_lost(d, &o);
        obey(d, &o, &p);
        handover_drop(&p);
    }
}

/* TERM: no new connections, but those that are here already, and what they have sent, are served.
 */
static void drain(struct disp *d)
{
    if (d->draining)
        return;
    const int64_t all = d->limits.drain_timeout_ms;
    if (d->accepting)
        disp_accept_all(d);
    if (d->accepting && !d->listening_paused)
        (void)disp_listen(d, false);
    d->accepting = d->listening_paused = false;
    disp_listen_close(d);
    d->draining = true;
    d->cut_at = deadline_in_ms(all - all / 10);
    d->end_at = deadline_in_ms(all - all / 20);
    LOG(LOG_LEVEL_INFO, "dispatcher.draining", F_INT("connections", d->conns_n),
        F_INT("idle", d->phases[CP_IDLE].n));
    scoreboard_stage(STAGE_DRAINING, "");
    d->newcomers_by = deadline_in_ms(NEWCOMERS_MS < all / 4 ? NEWCOMERS_MS : all / 4);
    disp_read_idle(d);
}

static void publish(const struct disp *d)
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
static bool handle(struct disp *d, const struct epoll_event *ev)
{
    switch (WATCH_KIND(ev->data.u64)) {
    case WATCH_LISTEN:
        if (d->accepting && !d->listening_paused)
            disp_accept(d, WATCH_INDEX(ev->data.u64));
        return true;
    case WATCH_CONN:
        conn_ready(d, ev->data.u64);
        return true;
    case WATCH_WORKER:
        disp_worker_readable(d, ev->data.u64);
        return true;
    case WATCH_CONTROL:
        control_readable(d);
        return true;
    case WATCH_SIGNAL:
        if (sig_next(d->sig_fd, NULL) == SIGTERM)
            drain(d);
        return true;
    case WATCH_LIFE:
        return false;
    }
    return false;
}

static int loop(struct disp *d)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        const int most_ms = d->listening_paused || d->draining ? 20 : SCOREBOARD_BEAT_MS;
        int n = epoll_wait(d->ep, events, EVENTS, disp_conn_wait_ms(d, most_ms));
        if (n < 0 && errno != EINTR)
            return 1;
        d->now = mono_now();
        scoreboard_beat();
        for (int i = 0; i < n; i++) {
            if (!handle(d, &events[i]))
                return 0;
        }
        disp_expire(d);
        disp_queue_run(d);
        publish(d);
        if (d->draining && (d->conns_n == 0 || deadline_passed(d->end_at)))
            return 0;
    }
}

int dispatcher_main(const struct child_env *env)
{
    static struct disp d;
    if (!init(&d, env)) {
        LOG(LOG_LEVEL_ERROR, "dispatcher.start_failed", F_INT("errno", errno));
        return 1;
    }
    scoreboard_stage(STAGE_IDLE, "");
    return loop(&d);
}
