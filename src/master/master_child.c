/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Starting children, and what is done when one has ended. What follows from an event is decided in
 * child_table.c. Called from the turns of master.c and by master_reload.c.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "api/api.h"
#include "base/cdefs.h"
#include "base/ensure.h"
#include "confine/confine.h"
#include "confine/confine_calls.h"
#include "confine/forget.h"
#include "dispatcher/dispatcher.h"
#include "domain/courier_board.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "ipc/proctitle.h"
#include "ipc/protocol.h"
#include "master_priv.h"
#include "monitor/monitor.h"
#include "roles/roles.h"
#include "sys/log.h"
#include "sys/net.h"
#include "sys/shm.h"
#include "sys/sig.h"
#include "sys/wake.h"

/* Out of processes or memory: both come back within seconds, and a tighter loop would make it
 * worse. */
#define FORK_FAILED_MS 1000

/* The master has no main: nobody forks it. */
#define master_main NULL

/* From roles.def: a new role is a row there and a function NAME_main(). */
static const struct role_kind {
    int (*main)(const struct child_env *env);
    unsigned secrets; /* kept; the others are wiped */
} kinds[ROLE_COUNT] = {
#define ROLE(ID, name, slots, secrets) [ROLE_##ID] = {name##_main, (secrets)},
#include "domain/roles.def"
#undef ROLE
};

void master_children_init(struct master *m)
{
    for (unsigned slot = 0; slot < m->children_n; slot++) {
        enum role role = scoreboard_role(slot);
        m->children[slot] = (struct child){.state = CHILD_OFF,
                                           .role = role,
                                           .slot = slot,
                                           .index = (int)(slot - scoreboard_first(role))};
    }
}

/* Only a wish: master_launch_due() forks in its own part of the turn. */
void master_want(struct child *c, uint32_t epoch)
{
    c->state = child_next(c->state, CHILD_EV_WANT);
    c->epoch = epoch;
    c->fails = 0;
    c->next_start = (struct mono){0};
}

/* OFF: not wanted by any configuration. NULL while a reload overlaps another. */
struct child *master_free_slot(struct master *m, enum role role)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        if (m->children[i].role == role && m->children[i].state == CHILD_OFF)
            return &m->children[i];
    }
    return NULL;
}

unsigned master_alive(const struct master *m, enum role role)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->children_n; i++)
        n += m->children[i].role == role && child_alive(m->children[i].state);
    return n;
}

unsigned master_in_state(const struct master *m, enum role role, enum child_state state)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->children_n; i++)
        n += m->children[i].role == role && m->children[i].state == state;
    return n;
}

/* Children of a new epoch have the candidate configuration. */
static struct config *config_of(const struct master *m, uint32_t epoch)
{
    return epoch == m->epoch ? m->cfg : m->reload.cfg;
}

/* A child of the next configuration, while that is still on trial. */
static bool master_child_is_candidate(const struct master *m, const struct child *c)
{
    return m->reload.phase != RELOAD_NONE && c->epoch == m->reload.epoch;
}

/* ---- in the child ---- */

/* Everything that this role was not given is closed: a listener kept open by a worker would outlive
 * a drain. close_range() between the descriptors that stay, in ascending order. */
static void keep_only(const int *keep, size_t n)
{
    unsigned from = STDERR_FILENO + 1;
    for (;;) {
        unsigned next = ~0u;
        for (size_t i = 0; i < n; i++) {
            if (keep[i] >= 0 && (unsigned)keep[i] >= from && (unsigned)keep[i] < next)
                next = (unsigned)keep[i];
        }
        if (next > from)
            (void)close_range(from, next == ~0u ? next : next - 1, 0);
        if (next == ~0u)
            return;
        from = next + 1;
    }
}

/* The master's signals, in case they come to the whole group (a terminal's interrupt, killall): its
 * children wait for its word. */
static void ignore_the_masters(void)
{
    static const int signals[] = {SIGINT, SIGHUP, SIGUSR1, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        (void)signal(signals[i], SIG_IGN);
}

/* Of the configurations only its own, of that only the secrets of its role. The log's format and
 * level are the configuration's, too. */
static void keep_config(const struct master *m, const struct child *c)
{
    struct config *mine = config_of(m, c->epoch), *other = mine == m->cfg ? m->reload.cfg : m->cfg;
    config_free(other);
    forget_secrets(mine, kinds[c->role].secrets);
    log_set((enum log_format)mine->log.format, (enum log_level)mine->log.level);
}

/* What the child is from here on: no descriptor, secret, right or signal handler of the master is
 * left when its main is called. The order matters: descriptors, secrets, scoreboard, and rights
 * last, since the steps before need more of them. */
static NORETURN void run_child(const struct master *m, const struct child *c, struct child_env *env)
{
    int keep[LISTENERS_MAX + 5];
    size_t n = 0;
    sig_reset_child();
    ignore_the_masters();
    /* A worker in a long call cannot look at its parent_fd; and a master that is gone before this
     * line is asked after.
     */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != m->pid)
        _exit(1);
    /* The first thing of all that can go wrong: nothing is read from outside before. */
    if (!shm_confine(ROLE_BIT(c->role), c->slot))
        _exit(1);
    keep[n++] = log_fd();
    keep[n++] = env->parent_fd;
    keep[n++] = env->queue_fd;
    keep[n++] = env->control_fd;
    /* who makes work for couriers, and they */
    if (c->role == ROLE_WORKER || c->role == ROLE_KEEPER || c->role == ROLE_COURIER)
        keep[n++] = wake_fd();
    for (size_t i = 0; i < env->listen_n; i++)
        keep[n++] = env->listen_fds[i];
    keep_only(keep, n);
    keep_config(m, c);

    /* More than two slots: the role has several processes, which are told apart by their index. */
    const bool many = scoreboard_count(c->role) > 2;
    scoreboard_attach(c->slot);
    metrics_attach(c->slot);
    scoreboard_stage(STAGE_STARTING, "");
    ensure_set_hook(scoreboard_panic);
    log_set_role(role_names[c->role], many ? c->index : -1);
    if (many)
        proctitle_set("%s %d starting", role_names[c->role], c->index);
    else
        proctitle_set("%s", role_names[c->role]);
    exit(confine_role(c->role, env->cfg) ? kinds[c->role].main(env) : 1);
}

/* ---- in the master ---- */

/* Gives the role what it needs. theirs: the other end of a new pair, or -1. False: no descriptors.
 * Pairs are new for each process: a socket of a dead worker may still hold packets. */
static bool master_child_equip_env(struct master *m, const struct child *c, struct child_env *env,
                                   int *theirs)
{
    static int listen_fds[LISTENERS_MAX];
    int pair[2] = {-1, -1};
    *env = (struct child_env){.cfg = config_of(m, c->epoch),
                              .routes = &api_route_table,
                              .epoch = c->epoch,
                              .slot = c->slot,
                              .index = c->index,
                              .on_trial = !m->ready || master_child_is_candidate(m, c),
                              .parent_fd = m->parent_pipe[0],
                              .queue_fd = -1,
                              .control_fd = -1};
    *theirs = -1;
    if (c->role == ROLE_DISPATCHER) {
        master_listen_fds(m, listen_fds);
        env->listen_fds = listen_fds;
        env->listen_n = LISTENERS_MAX;
        env->listen_systemd = master_listen_systemd(m);
    } else if (c->role == ROLE_MONITOR) {
        env->listen_fds = &m->monitor.fd;
        env->listen_n = 1;
    }
    if (c->role != ROLE_DISPATCHER && c->role != ROLE_WORKER)
        return true;
    if (!net_seqpacket_pair(pair))
        return false;
    *theirs = pair[1];
    if (c->role == ROLE_DISPATCHER)
        env->control_fd = pair[0];
    else
        env->queue_fd = pair[0];
    return true;
}

/* -1 for what this role does not have. */
static void close_if_open(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* The dispatcher learns of a worker by getting its end of the pair. When that fails the worker sees
 * end-of-file. */
static void master_child_announce_worker(struct master *m, const struct child *c, int fd)
{
    const struct protocol_order o = {.what = PROTOCOL_WORKER,
                                     .epoch = c->epoch,
                                     .slot = c->slot,
                                     .index = c->index,
                                     .generation = c->generation};
    if (!master_send(m, &o, NULL, fd))
        LOG(LOG_LEVEL_WARN, "master.announce_failed", F_INT("worker", c->index),
            F_STR("reason", strerror(errno)));
    close(fd);
}

/* The child stays DOWN, so master_launch_due() tries again. */
static void not_started(struct child *c, struct child_env *env, int theirs)
{
    LOG(LOG_LEVEL_ERROR, "master.fork_failed", F_STR("child", role_names[c->role]),
        F_STR("reason", strerror(errno)));
    c->next_start = mono_after_ms(mono_now(), FORK_FAILED_MS);
    close_if_open(env->queue_fd);
    close_if_open(env->control_fd);
    close_if_open(theirs);
}

/* Everything that can fail comes before fork(): a child that exists is complete. */
static void master_child_launch_process(struct master *m, struct child *c)
{
    struct child_env env;
    int theirs;
    if (!master_child_equip_env(m, c, &env, &theirs)) {
        not_started(c, &env, theirs);
        return;
    }
    /* Indices of providers in shared memory must mean what the child's configuration says. */
    master_use_config(m, env.cfg);
    c->generation = scoreboard_assign(c->slot);
    (void)fflush(NULL); /* or the child would print it again */
    pid_t pid = fork();
    if (pid < 0) {
        not_started(c, &env, theirs);
        return;
    }
    if (pid == 0)
        run_child(m, c, &env);
    c->pid = pid;
    c->started = mono_now();
    c->state = child_next(c->state, CHILD_EV_FORKED);
    scoreboard_set_pid(c->slot, pid);
    close_if_open(env.queue_fd);
    close_if_open(env.control_fd);
    if (c->role == ROLE_DISPATCHER)
        m->control = theirs;
    else if (c->role == ROLE_WORKER)
        master_child_announce_worker(m, c, theirs);
}

/* Without a dispatcher nobody could give a worker anything; one that is busy learns of it a little
 * later. A full socket: wait for the next turn instead of starting a worker that nobody knows
 * of. */
static bool can_announce(const struct master *m)
{
    struct pollfd p = {.fd = m->control, .events = POLLOUT};
    return m->control >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

void master_launch_due(struct master *m)
{
    struct mono now = mono_now();
    for (unsigned i = 0; i < m->children_n; i++) {
        struct child *c = &m->children[i];
        if (c->state != CHILD_DOWN || mono_ms_between(now, c->next_start) > 0)
            continue;
        if (c->role != ROLE_WORKER || can_announce(m))
            master_child_launch_process(m, c);
    }
}

/* Only among the living: a pid of the past may have been given again to another child. */
static struct child *find_pid(struct master *m, pid_t pid)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        if (m->children[i].pid == pid && child_alive(m->children[i].state))
            return &m->children[i];
    }
    return NULL;
}

/* In the words of the shell: what an operator would look up in signal(7). */
static void cause_of_death(int status, char *how, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(how, size, "signal %s%s", sig_name(WTERMSIG(status)),
                 WCOREDUMP(status) ? ", core dumped" : "");
    else
        snprintf(how, size, "exit %d", WEXITSTATUS(status));
}

/* One that was to prove the next configuration has ended: the configuration has failed. */
static void master_child_end_candidate(struct master *m, struct child *c, int status)
{
    char how[64];
    cause_of_death(status, how, sizeof(how));
    if (!m->reload.fault[0])
        snprintf(m->reload.fault, sizeof(m->reload.fault),
                 "a %s with the new configuration ended: %s%s", role_names[c->role], how,
                 WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG ? " (its log says why)"
                                                                       : "");
    c->state = child_next(c->state, CHILD_EV_STOP);
}

/* The record of its end: every part of the status, and the last words. */
static void master_child_log_death(const struct child *c, int status, bool recycled,
                                   const struct scoreboard_view *v, const char *last_words)
{
    const bool orderly = c->state == CHILD_DRAINING || recycled;
    char how[64];
    cause_of_death(status, how, sizeof(how));
    LOG(orderly ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "child.ended",
        F_STR("child", role_names[c->role]), F_INT("index", c->index), F_INT("slot", c->slot),
        F_INT("pid", c->pid), F_INT("generation", c->generation), F_INT("epoch", c->epoch),
        F_STR("how", how), F_STR("state", child_state_names[c->state]),
        F_STR("stage", stage_names[v->stage]), F_STR("what", v->what),
        F_STR("request_id", v->request), F_STR("provider", v->call), F_INT("served", v->served),
        F_MS("lived", mono_ms_since(c->started)), F_STR("last_words", last_words));
}

/* The handler of SIGSYS left the call's number as the last words (confine/confine_calls.c). */
static void log_violation(const struct child *c, const char *last_words)
{
    char call[64];
    LOG(LOG_LEVEL_ERROR, "child.violation", F_STR("child", role_names[c->role]),
        F_INT("index", c->index),
        F_STR("system_call", confine_calls_violation(last_words, call, sizeof(call))),
        F_STR("hint", "this role never makes this call; either it is under attack, or a library "
                      "behaves differently here (see server.confine)"));
}

/* Reads what the dead process left in shared memory before its slot is released for the next. */
static void master_child_bury_process(struct master *m, struct child *c, int status)
{
    struct scoreboard_view v;
    char last_words[SCOREBOARD_LAST_WORDS_MAX];
    const bool overdue = c->state == CHILD_KILLED;
    const bool refused = WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG;
    const bool recycled = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_RECYCLE_CODE;
    const bool orphaned = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_ORPHAN_CODE;
    scoreboard_read(c->slot, &v);
    scoreboard_release(c->slot, last_words, sizeof(last_words));
    metrics_release(c->slot);
    if (c->role == ROLE_COURIER)
        courier_board_bury(c->slot);
    master_child_log_death(c, status, recycled || orphaned, &v, last_words);
    const bool violation = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    if (violation)
        log_violation(c, last_words);
    if (master_child_is_candidate(m, c) && c->state != CHILD_DRAINING)
        master_child_end_candidate(m, c, status); /* and no other takes its place */
    child_ended(c, mono_now(), refused);
    /* Not failures: the worker had served its number of requests, or its dispatcher died. */
    if ((recycled || orphaned) && c->state == CHILD_DOWN) {
        c->next_start = (struct mono){0};
        c->fails = 0;
    }
    if (c->role == ROLE_DISPATCHER) {
        close_if_open(m->control);
        m->control = -1;
    }
    if (c->state == CHILD_REFUSED) {
        METRIC_INC(M_PROCESS_RESTARTS, (unsigned)c->role, EXIT_REASON_REFUSED);
        LOG(LOG_LEVEL_ERROR, "child.refused", F_STR("child", role_names[c->role]),
            F_INT("index", c->index),
            F_STR("hint",
                  "it cannot work with this configuration or schema and is not started again"));
    }
    if (c->state != CHILD_DOWN)
        return;
    METRIC_INC(M_PROCESS_RESTARTS, (unsigned)c->role,
               overdue               ? EXIT_REASON_OVERDUE
               : recycled            ? EXIT_REASON_RECYCLE
               : violation           ? EXIT_REASON_VIOLATION
               : WIFSIGNALED(status) ? EXIT_REASON_SIGNAL
                                     : EXIT_REASON_EXIT);
    int64_t wait = mono_ms_between(mono_now(), c->next_start);
    if (wait > 0)
        LOG(LOG_LEVEL_WARN, "child.backoff", F_STR("child", role_names[c->role]),
            F_INT("index", c->index), F_INT("failures", c->fails), F_MS("wait", (double)wait));
}

/* Every turn, not only after SIGCHLD: signals of one kind merge. */
void master_reap(struct master *m)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        struct child *c = find_pid(m, pid);
        if (!c)
            continue;
        /* In a drain workers end by themselves once the dispatcher is gone: that is an order
         * carried out early. */
        if (m->stopping && WIFEXITED(status) &&
            (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == EXIT_ORPHAN_CODE))
            c->state = child_next(c->state, CHILD_EV_STOP);
        master_child_bury_process(m, c, status);
    }
}

/* Sent once; whoever does not end is ended by master_watch() or the drain's time limit. */
void master_tell_stop(struct child *c)
{
    enum child_state before = c->state;
    c->state = child_next(before, CHILD_EV_STOP);
    if (c->state != CHILD_DRAINING || before == CHILD_DRAINING)
        return;
    kill(c->pid, SIGTERM);
    c->signalled = mono_now();
    LOG(LOG_LEVEL_INFO, "child.stopping", F_STR("child", role_names[c->role]),
        F_INT("index", c->index), F_INT("slot", c->slot), F_INT("pid", c->pid),
        F_INT("epoch", c->epoch));
}
