/*
 * The dispatcher: the only process that reads clients' sockets. One epoll loop over all connections; whole requests
 * go to whichever worker is free. It knows no secret, no database and no provider, and waits for nobody.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cdefs.h"
#include "disp_priv.h"
#include "proc/child.h"
#include "sys/board.h"
#include "sys/log.h"
#include "sys/metrics.h"
#include "sys/sig.h"

#define EVENTS 256
#define BEAT_MS 1000
#define ARENA_CHUNK 8192
#define SPARE_FDS 64 /* log, epoll, pairs' control, memfds in flight */

/* No more connections than descriptors: each needs one, each worker needs one. */
static void cap_connections(struct disp *d)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == RLIM_INFINITY)
        return;
    rlim_t kept = SPARE_FDS + d->workers_n + d->env->listen_n;
    rlim_t room = r.rlim_cur > kept + 16 ? r.rlim_cur - kept : 16;
    if (d->conns_max <= room)
        return;
    LOG(LOG_WARN, "dispatcher.connections_capped", F_INT("wanted", d->conns_max), F_INT("connections", room),
        F_STR("hint", "raise the limit of open files"));
    d->conns_max = (unsigned)room;
}

static bool watch(struct disp *d, enum watch kind, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WATCH_KEY(kind, 0, 0)};
    return epoll_ctl(d->ep, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static bool init(struct disp *d, const struct child_env *env)
{
    d->env = env;
    d->cfg = env->cfg;
    d->limits =
        (struct http_limits){.max_head = (size_t)d->cfg->server.max_head, .max_body = (size_t)d->cfg->server.max_body};
    d->now = mono_now();
    d->ep = epoll_create1(EPOLL_CLOEXEC);
    d->sig_fd = sig_open((const int[]){SIGTERM, 0});
    d->arena = arena_new(ARENA_CHUNK);
    d->packet = malloc(HANDOVER_PACKET_MAX);
    if (d->ep < 0 || d->sig_fd < 0 || !d->arena || !d->packet || !disp_conns_init(d) || !disp_workers_init(d))
        return false;
    cap_connections(d);
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

/* TERM: no new connections, but those that are here already, and what they have sent, are served. */
static void drain(struct disp *d)
{
    if (d->draining)
        return;
    const int64_t all = d->cfg->server.drain_timeout_ms;
    if (d->accepting)
        disp_accept_all(d);
    if (d->accepting && !d->listening_paused)
        (void)disp_listen(d, false);
    d->accepting = d->listening_paused = false;
    for (size_t i = 0; i < d->env->listen_n; i++)
        close(d->env->listen_fds[i]);
    d->draining = true;
    d->cut_at = deadline_in_ms(all - all / 10);
    d->end_at = deadline_in_ms(all - all / 20);
    LOG(LOG_INFO, "dispatcher.draining", F_INT("connections", d->conns_n), F_INT("idle", d->phases[CP_IDLE].n));
    board_stage(STAGE_DRAINING, "");
    for (struct conn *next, *c = d->phases[CP_IDLE].head; c; c = next) {
        next = c->next;
        disp_readable(d, c); /* closes it unless a request has arrived this moment */
    }
}

static void expire(struct disp *d)
{
    struct conn *c;
    while ((c = disp_conn_expired(d, CP_IDLE)))
        disp_conn_close(d, c);
    for (enum phase p = CP_HEAD; p <= CP_BODY; p++) {
        while ((c = disp_conn_expired(d, p)))
            disp_answer_problem(d, c,
                                &(struct disp_problem){.err = ERR_REQUEST_TIMEOUT,
                                                       .detail = "The request was not complete in time.",
                                                       .close = true});
    }
    disp_queue_expire(d);
    for (enum phase p = CP_WRITING; p <= CP_LINGER; p++) {
        while ((c = disp_conn_expired(d, p)))
            disp_conn_close(d, c);
    }
    if (d->listening_paused && deadline_passed(d->listen_again)) {
        d->listening_paused = false;
        (void)disp_listen(d, true);
    }
    if (d->draining && !d->cut && deadline_passed(d->cut_at)) {
        d->cut = true;
        disp_queue_shed_all(d);
    }
}

static void publish(const struct disp *d)
{
    const struct phase_list *p = d->phases;
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_IDLE].n, CONN_IDLE);
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_HEAD].n + p[CP_BODY].n, CONN_READING);
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_QUEUED].n + p[CP_RETRY].n, CONN_QUEUED);
    METRIC_SET(M_HTTP_CONNECTIONS, p[CP_ACTIVE].n + p[CP_WRITING].n + p[CP_LINGER].n, CONN_ACTIVE);
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
        disp_control_readable(d);
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
        int n =
            epoll_wait(d->ep, events, EVENTS, disp_conn_wait_ms(d, d->listening_paused || d->draining ? 20 : BEAT_MS));
        if (n < 0 && errno != EINTR)
            return 1;
        d->now = mono_now();
        handover_beat();
        for (int i = 0; i < n; i++) {
            if (!handle(d, &events[i]))
                return 0;
        }
        expire(d);
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
        LOG(LOG_ERROR, "dispatcher.start_failed", F_INT("errno", errno));
        return 1;
    }
    board_stage(STAGE_IDLE, "");
    return loop(&d);
}
