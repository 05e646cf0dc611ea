/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The master: a loop over signals and time. Called by main.c through `serve`. It touches no client,
 * no database and no lock, so nothing that it supervises can hold it up.
 *
 * Everything happens in turns: reap the dead, watch the living, go one step on with a stop or a
 * reload, start who is due. A turn never waits.
 */
#include "master/master.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "ipc/proctitle.h"
#include "master_priv.h"
#include "sys/log.h"
#include "sys/net.h"
#include "sys/notify_sd.h"
#include "sys/sig.h"

/* How long poll() may wait with nothing going on: limits that are watched are seconds, so one
 * second is fine enough. */
#define TICK_MS 1000       /* nothing going on */
#define TICK_SOON_MS 20    /* something starts or ends */
#define FORCED_KILL_MS 500 /* from QUIT to KILL */

/* Signals go by pid, and only to children that are not reaped yet: their pids cannot belong to
 * others. */
static void signal_all(const struct master *m, int signo)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        if (child_alive(m->children[i].state))
            kill(m->children[i].pid, signo);
    }
}

/* QUIT first, whose default leaves a core that shows what a process was doing; then KILL. */
static void force_stop(struct master *m)
{
    m->forced = true;
    m->forced_at = mono_now();
    signal_all(m, SIGQUIT);
}

/* The second TERM means that somebody does not want to wait. */
static void begin_stop(struct master *m)
{
    if (m->stopping) {
        LOG(LOG_LEVEL_WARN, "master.stop_now");
        force_stop(m);
        return;
    }
    m->stopping = true;
    m->stop_by = deadline_in_ms(m->cfg->server.drain_timeout_ms);
    LOG(LOG_LEVEL_INFO, "master.stopping");
    master_reload_cancel(m);
    notify_sd_stopping();
    scoreboard_stage(STAGE_DRAINING, "");
    master_close_listeners(m); /* the dispatcher's copies are its own to close, after a last look */
}

/* Workers that serve or will, of the configuration in force. */
static bool master_counts_child(const struct master *m, const struct child *c)
{
    return c->role == ROLE_WORKER && c->epoch == m->epoch && c->state != CHILD_OFF &&
           c->state != CHILD_DRAINING;
}

/* One worker more, up to twice as many as are configured. Twice: that many slots there are, and a
 * reload needs half of them. */
static void add_worker(struct master *m)
{
    int64_t n = 0;
    for (unsigned i = 0; i < m->children_n; i++)
        n += master_counts_child(m, &m->children[i]);
    struct child *c = master_free_slot(m, ROLE_WORKER);
    if (!c || n >= 2 * m->cfg->server.workers || n >= (int64_t)m->workers_room) {
        LOG(LOG_LEVEL_WARN, "master.workers_at_limit", F_INT("workers", n));
        return;
    }
    master_want(c, m->epoch);
    LOG(LOG_LEVEL_INFO, "master.worker_added", F_INT("index", c->index));
}

/* One fewer: the last; the only one stays. */
static void remove_worker(struct master *m)
{
    struct child *last = NULL;
    unsigned n = 0;
    for (unsigned i = 0; i < m->children_n; i++) {
        if (!master_counts_child(m, &m->children[i]))
            continue;
        last = &m->children[i];
        n++;
    }
    if (n <= 1) {
        LOG(LOG_LEVEL_WARN, "master.last_worker_stays");
        return;
    }
    LOG(LOG_LEVEL_INFO, "master.worker_removed", F_INT("index", last->index));
    master_tell_stop(last);
}

/* Signals arrive as data from signalfd, so this is ordinary code and may log. */
static void on_signal(struct master *m, int signo)
{
    switch (signo) {
    case SIGTERM:
    case SIGINT:
        begin_stop(m);
        break;
    case SIGUSR1:
        master_scoreboard(m);
        break;
    case SIGTTIN:
        if (!m->stopping)
            add_worker(m);
        break;
    case SIGTTOU:
        if (!m->stopping)
            remove_worker(m);
        break;
    case SIGHUP:
        if (!m->stopping)
            master_reload(m);
        break;
    default: /* CHLD: reaped every turn */
        break;
    }
}

/* May be called every turn: who was told already is not told again. */
static void stop_role(struct master *m, enum role role)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        if (m->children[i].role == role)
            master_tell_stop(&m->children[i]);
    }
}

/* The order of a drain: who takes work in, who does it, who watches. One step per turn: each
 * condition is looked at anew until all processes are gone. */
static void stop_step(struct master *m)
{
    if (!m->forced && deadline_passed(m->stop_by)) {
        LOG(LOG_LEVEL_WARN, "master.drain_timeout", F_INT("workers", master_alive(m, ROLE_WORKER)));
        force_stop(m);
    }
    /* QUIT may be blocked, or be held up by a core that is being written; KILL is not. */
    if (m->forced) {
        for (enum role r = ROLE_DISPATCHER; r < ROLE_COUNT; r++)
            stop_role(m, r); /* none of them is started again */
        if (mono_ms_since(m->forced_at) > FORCED_KILL_MS)
            signal_all(m, SIGKILL);
        return;
    }
    stop_role(m, ROLE_DISPATCHER);
    stop_role(m, ROLE_KEEPER);
    stop_role(m, ROLE_COURIER);
    if (master_alive(m, ROLE_DISPATCHER) > 0)
        return;
    stop_role(m, ROLE_WORKER); /* they end by themselves: their pairs are closed */
    if (master_alive(m, ROLE_WORKER) + master_alive(m, ROLE_KEEPER) +
            master_alive(m, ROLE_COURIER) >
        0)
        return;
    stop_role(m, ROLE_MONITOR);
    stop_role(m, ROLE_RESOLVER);
}

/* The master ends last: it tells how each of the others ended. */
static bool all_gone(const struct master *m)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        if (child_alive(m->children[i].state))
            return false;
    }
    return true;
}

/* Exit code 78 of a child: before the service is ready it is the service's; later the others go on
 * while there are any.
 */
static void check_refusals(struct master *m)
{
    unsigned refused = 0;
    for (enum role r = ROLE_DISPATCHER; r < ROLE_COUNT; r++)
        refused += master_in_state(m, r, CHILD_REFUSED);
    if (refused == 0 || m->stopping)
        return;
    /* Without a dispatcher nobody is served; without a worker that lives or will, neither. */
    bool nobody =
        master_in_state(m, ROLE_DISPATCHER, CHILD_REFUSED) > 0 ||
        (master_alive(m, ROLE_WORKER) == 0 && master_in_state(m, ROLE_WORKER, CHILD_DOWN) == 0);
    if (m->ready && !nobody)
        return;
    LOG(LOG_LEVEL_ERROR, "master.refused",
        F_STR("reason",
              m->ready ? "no process is left that could serve" : "a process cannot work"));
    m->exit_code = EX_CONFIG;
    begin_stop(m);
    force_stop(m);
}

/* READY=1 once, when the first worker has its database connection (master_watch.c). */
static void check_ready(struct master *m)
{
    if (m->ready || m->stopping || !master_serving(m))
        return;
    m->ready = true;
    m->watchdog_due = deadline_in_ms(0);
    LOG(LOG_LEVEL_INFO, "master.ready", F_MS("took", mono_ms_since(m->started)));
    notify_sd_ready();
}

/* No word while unhealthy: then systemd restarts the service. That is the only thing that helps
 * when the master's own repairs do not. */
static void master_ping_watchdog(struct master *m)
{
    int64_t every = notify_sd_watchdog_ms();
    if (every <= 0 || !master_healthy(m) || !deadline_passed(m->watchdog_due))
        return;
    notify_sd_watchdog();
    m->watchdog_due = deadline_in_ms(every);
}

/* The shortest of what is due. 1 ms at least: a wait of 0 would spin if a condition never came
 * true. */
static int master_wait_ms(const struct master *m)
{
    int64_t wait = TICK_MS;
    struct mono now = mono_now();
    if (notify_sd_watchdog_ms() > 0 && m->ready && deadline_left_ms(m->watchdog_due) < wait)
        wait = deadline_left_ms(m->watchdog_due);
    if (!m->ready || m->stopping || m->reload.phase != RELOAD_NONE || m->reload.again)
        return TICK_SOON_MS;
    for (unsigned i = 0; i < m->children_n; i++) {
        const struct child *c = &m->children[i];
        if (c->state == CHILD_STARTING && wait > TICK_SOON_MS)
            wait = TICK_SOON_MS;
        if (c->state == CHILD_DOWN && mono_ms_between(now, c->next_start) < wait)
            wait = mono_ms_between(now, c->next_start);
    }
    return wait < 1 ? 1 : (int)wait;
}

/* Deaths first, so that what follows sees only the living; status last, so that it tells the
 * result. */
static void master_run_turn(struct master *m)
{
    master_reap(m);
    master_watch(m);
    check_refusals(m);
    if (m->stopping)
        stop_step(m);
    else
        master_reload_step(m);
    master_launch_due(m);
    check_ready(m);
    master_ping_watchdog(m);
    master_tell_status(m);
    master_publish_process(m);
}

static int master_run_loop(struct master *m)
{
    master_run_turn(m);
    while (!(m->stopping && all_gone(m))) {
        struct pollfd p = {.fd = m->sig_fd, .events = POLLIN};
        if (poll(&p, 1, master_wait_ms(m)) < 0 && !net_pause_after_error(errno))
            return 1;
        for (int signo; (signo = sig_next(m->sig_fd, NULL)) != 0;)
            on_signal(m, signo);
        master_run_turn(m);
    }
    LOG(LOG_LEVEL_INFO, "master.stopped", F_INT("exit", m->exit_code),
        F_MS("lived", mono_ms_since(m->started)));
    return m->exit_code;
}

/* The dispatcher first: workers are announced to it. */
static void want_all(struct master *m)
{
    static const enum role single[] = {ROLE_DISPATCHER, ROLE_RESOLVER, ROLE_MONITOR, ROLE_KEEPER};
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        master_want(&m->children[scoreboard_first(single[i])], m->epoch);
    for (unsigned i = 0; i < (unsigned)m->cfg->server.workers; i++)
        master_want(&m->children[scoreboard_first(ROLE_WORKER) + i], m->epoch);
}

/* The order: signals, log, shared memory and sockets, children. A child that starts must find
 * everything that it inherits. */
int master_run(struct config *cfg)
{
    static struct master m; /* outlives the stack frame for the children that exit through exit() */
    m = (struct master){.cfg = cfg,
                        .epoch = 1,
                        .epoch_last = 1,
                        .pid = getpid(),
                        .control = -1,
                        .parent_pipe = {-1, -1},
                        .started = mono_now(),
                        .started_wall_s = (double)wall_now().us / 1e6};
    log_set_role("master", -1);
    /* Before the first record: whoever read the log may be gone. */
    m.sig_fd =
        sig_open((const int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGTTIN, SIGTTOU, SIGCHLD, 0});
    notify_sd_init();
    /* Its exit code says whether a restart can help (78: no). */
    if (!master_setup(&m))
        return m.exit_code;
    m.children_n = scoreboard_slots();
    m.children = calloc(m.children_n, sizeof(*m.children));
    if (m.sig_fd < 0 || !m.children)
        return 1;
    /* What a start has read counts as the first reload, so that the metric has a value from the
     * start. */
    metrics_config_read(true);
    m.reload.view = (struct reload_view){.epoch = 1, .good = true};
    master_state_set_reload(&m.reload.view);
    scoreboard_set_pid(scoreboard_first(ROLE_MASTER), m.pid);
    scoreboard_stage(STAGE_IDLE, "");
    proctitle_set("master");
    master_children_init(&m);
    want_all(&m);
    int rc = master_run_loop(&m);
    free(m.children);
    config_free(m.cfg);
    return rc;
}
