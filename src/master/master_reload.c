/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * HUP. Called by master.c: master_reload() when the signal comes, master_reload_step() each turn.
 *
 * The new configuration is read and checked, its sockets are bound, its names known; then workers
 * of the next epoch start beside those that serve. When they have proved themselves (all are up,
 * and reach the database) one packet to the dispatcher makes the switch, and the old ones are told
 * to finish. Until that packet everything can be taken back, and is, whatever goes wrong (BEHAVIOUR
 * §2: no request fails and no connection is reset).
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "domain/courier_board.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "ipc/policy.h"
#include "master_priv.h"
#include "sys/addrs.h"
#include "sys/log.h"
#include "sys/notify_sd.h"

/* And database.connect_timeout: for all workers to be up, one of them with its database. */
#define PROVE_MS 15000
#define ALL_MS 3000     /* how long the others' connections are waited for */
#define RESOLVER_MS 500 /* from TERM to KILL: a stopped one does not hear */

/* For `bookingd reload --wait` and the status page, which read it from shared memory: the monitor
 * cannot ask the master anything. */
static void master_reload_tell_state(struct master *m, bool busy)
{
    struct reload_view *v = &m->reload.view;
    v->epoch = m->epoch;
    v->busy = busy;
    v->begun = m->reload.begun;
    master_state_set_reload(v);
}

/* The end of a cycle, good or bad. systemd waits for READY=1 after RELOADING=1 in either case. */
static void master_reload_finish_cycle(struct master *m, bool good)
{
    struct reload *r = &m->reload;
    r->phase = RELOAD_NONE;
    r->view.good = good;
    r->view.reloads++;
    r->view.ended = wall_now();
    memcpy(r->view.reason, r->fault, sizeof(r->view.reason));
    metrics_config_read(good);
    master_reload_tell_state(m, false);
    if (good)
        LOG(LOG_LEVEL_INFO, "reload.done", F_INT("epoch", m->epoch),
            F_INT("workers", m->cfg->server.workers), F_MS("took", mono_ms_since(r->begun)));
    else
        LOG(LOG_LEVEL_ERROR, "reload.refused", F_STR("reason", r->fault), F_INT("epoch", m->epoch),
            F_MS("took", mono_ms_since(r->begun)));
    master_tell_status(m);
    if (m->ready)
        notify_sd_ready();
}

/* Its workers have no request: the dispatcher was never told to give them any. */
static void master_reload_stop_candidate(struct master *m)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        if (m->children[i].epoch == m->reload.epoch)
            master_tell_stop(&m->children[i]);
    }
    master_listen_undo(m);
    master_use_config(m, m->cfg);
    config_free(m->reload.cfg);
    m->reload.cfg = NULL;
    m->reload.epoch = 0;
}

/* The old configuration was never out of force, so there is nothing to go back to. */
static void master_reload_refuse_config(struct master *m)
{
    master_reload_stop_candidate(m);
    master_reload_finish_cycle(m, false);
}

/* ---- before anything is started ---- */

/* All faults go to the log, the first one to the status, which has little room. */
static void log_faults(struct master *m, const struct config_report *report, const char *path)
{
    struct reload *r = &m->reload;
    char line[512];
    for (size_t i = 0; i < report->n; i++) {
        const struct config_fault *f = &report->faults[i];
        (void)snprintf(line, sizeof(line), "%s:%d:%d: %s%s%s", path ? path : "(defaults)", f->line,
                       f->column, f->key, *f->key ? ": " : "", f->what);
        LOG(LOG_LEVEL_ERROR, "config.fault", F_STR("fault", line));
        if (i == 0)
            (void)snprintf(r->fault, sizeof(r->fault), "%.200s%s", line,
                           report->n > 1 ? " (and more)" : "");
    }
}

/* What was decided once for the life of the process. User and filters are laid down once and cannot
 * be changed from inside; shared memory cannot grow. */
static bool master_reload_check_fixed_keys(struct master *m)
{
    const struct config *now = m->cfg, *next = m->reload.cfg;
    if (strcmp(now->server.user, next->server.user) != 0)
        (void)snprintf(m->reload.fault, sizeof(m->reload.fault),
                       "server.user changes only with a restart");
    else if (now->server.confine != next->server.confine)
        (void)snprintf(m->reload.fault, sizeof(m->reload.fault),
                       "server.confine changes only with a restart");
    else if (next->server.workers > (int64_t)m->workers_room)
        (void)snprintf(m->reload.fault, sizeof(m->reload.fault),
                       "server.workers: there is room for %u; more need a restart",
                       m->workers_room);
    else
        return true;
    return false;
}

/* It may be inside getaddrinfo() and deaf to TERM, hence KILL after a moment. It holds nothing. */
static void stop_resolver(struct master *m)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        struct child *c = &m->children[i];
        if (c->role != ROLE_RESOLVER)
            continue;
        master_tell_stop(c);
        if (child_alive(c->state) && mono_ms_since(c->signalled) > RESOLVER_MS)
            kill(c->pid, SIGKILL);
    }
}

/* At the start an empty file means the defaults; over a running service it is an accident. An
 * editor or a copy that was interrupted leaves an empty file. */
static bool master_reload_is_file_empty(struct master *m)
{
    struct stat st;
    if (!m->cfg->file || stat(m->cfg->file, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > 0)
        return false;
    (void)snprintf(m->reload.fault, sizeof(m->reload.fault), "%.200s is empty", m->cfg->file);
    return true;
}

/* Sockets are bound before anything starts: a port in use is the commonest reason to refuse. */
static void master_reload_begin_cycle(struct master *m)
{
    struct reload *r = &m->reload;
    struct config_report *report = NULL;
    r->begun = mono_now();
    r->fault[0] = '\0';
    r->again = false;
    r->up_since = (struct mono){0};
    r->epoch = ++m->epoch_last;
    LOG(LOG_LEVEL_INFO, "reload.begun", F_STR("file", m->cfg->file));
    if (m->ready)
        notify_sd_reloading();
    master_reload_tell_state(m, true);
    if (master_reload_is_file_empty(m)) {
        master_reload_refuse_config(m);
        return;
    }
    r->cfg = config_load(m->cfg->file, &report);
    if (!r->cfg) {
        log_faults(m, report, m->cfg->file);
        config_report_free(report);
        master_reload_refuse_config(m);
    } else if (!master_reload_check_fixed_keys(m) || !master_listen_next(m)) {
        master_reload_refuse_config(m);
    } else {
        r->phase = RELOAD_NAMES;
        r->prove_by = deadline_in_ms(PROVE_MS + r->cfg->database.connect_timeout_ms);
    }
}

/* ---- the candidate configuration ---- */

/* The table of names has one writer, the resolver: it is changed while there is none. Names of both
 * configurations: the old workers serve on until the switch, or for good. */
static void names_step(struct master *m)
{
    stop_resolver(m);
    if (master_alive(m, ROLE_RESOLVER) > 0)
        return;
    addrs_anew();
    if (!master_register_names(m->cfg) || !master_register_names(m->reload.cfg)) {
        (void)snprintf(m->reload.fault, sizeof(m->reload.fault),
                       "too many host names, or one that is too long");
        master_reload_refuse_config(m);
        return;
    }
    m->reload.phase = RELOAD_PROVING;
}

struct candidate {
    int64_t n, up, database;
};

/* How far the workers of the next epoch have come, by the scoreboard. */
static struct candidate master_reload_count_candidate(const struct master *m)
{
    struct candidate t = {0};
    for (unsigned i = 0; i < m->children_n; i++) {
        const struct child *c = &m->children[i];
        struct scoreboard_view v;
        if (c->role != ROLE_WORKER || c->epoch != m->reload.epoch || c->state == CHILD_OFF ||
            c->state == CHILD_DRAINING)
            continue;
        t.n++;
        if (c->state != CHILD_UP)
            continue;
        scoreboard_read(i, &v);
        t.up++;
        t.database += v.database;
    }
    return t;
}

/* From here on there is no way back. False: the dispatcher takes nothing at the moment. Everything
 * goes in one packet: the dispatcher uses the new limits, networks and sockets from one request to
 * the next. */
static bool master_reload_commit_config(struct master *m)
{
    struct reload *r = &m->reload;
    size_t policy_len;
    char *policy = policy_pack(r->cfg, &policy_len);
    const struct protocol_order o = {.what = PROTOCOL_BEGIN,
                                     .epoch = r->epoch,
                                     .listeners = master_listen_bits(m),
                                     .listeners_systemd = master_listen_systemd(m),
                                     .len = policy_len,
                                     .limits = protocol_limits_of(r->cfg)};
    const bool told = policy && master_listen_tell(m) && master_send(m, &o, policy, -1);
    free(policy);
    if (!told)
        return false;
    /* From here on there is no way back: the dispatcher gives requests to the new workers. */
    struct config *old = m->cfg;
    m->cfg = r->cfg;
    m->epoch = r->epoch;
    /* The dispatcher goes along; so would its replacement. */
    m->children[scoreboard_first(ROLE_DISPATCHER)].epoch = m->epoch;
    r->cfg = NULL;
    r->epoch = 0;
    master_use_config(m, m->cfg);
    master_listen_commit(m);
    log_set((enum log_format)m->cfg->log.format, (enum log_level)m->cfg->log.level);
    /* Children have copies of their own since their fork. */
    config_free(old);
    master_reload_finish_cycle(m, true);
    return true;
}

/* In words: it is what `bookingd reload` and `systemctl status` print. */
static void out_of_time(struct master *m, const struct candidate *t)
{
    const char *reason = t->n < m->reload.cfg->server.workers
                             ? "workers of earlier configurations still finish their requests"
                         : t->up < t->n     ? "its workers did not start in time"
                         : t->database == 0 ? "none of its workers reached the database"
                                            : "the dispatcher took no orders";
    (void)snprintf(m->reload.fault, sizeof(m->reload.fault), "%s", reason);
}

/* Workers start as slots come free: some may still belong to the configuration before. */
static void proving_step(struct master *m)
{
    struct reload *r = &m->reload;
    struct candidate t = master_reload_count_candidate(m);
    struct child *c;
    for (; t.n < r->cfg->server.workers && !r->fault[0] && (c = master_free_slot(m, ROLE_WORKER));
         t.n++)
        master_want(c, r->epoch);
    if (t.up < r->cfg->server.workers)
        r->up_since = (struct mono){0};
    else if (r->up_since.ns == 0)
        r->up_since = mono_now();
    const bool good =
        r->up_since.ns != 0 &&
        /* One that reaches the database proves the URL. The others get a moment, so that the first
         * requests after the switch find their connections. */
        (t.database == t.n || (t.database > 0 && mono_ms_since(r->up_since) > ALL_MS));
    if (good && !r->fault[0] && master_reload_commit_config(m))
        return;
    if (!r->fault[0] && deadline_passed(r->prove_by))
        out_of_time(m, &t);
    if (r->fault[0])
        master_reload_refuse_config(m);
}

/* ---- what follows the configuration in force, every turn ---- */

/* Of each of these roles there is one child, of the epoch. child_replace() decides; this carries it
 * out. */
static void replace_single(struct master *m, enum role role, uint32_t epoch,
                           enum child_handover how)
{
    struct child *all = &m->children[scoreboard_first(role)], *c;
    const unsigned n = scoreboard_count(role);
    const struct child_plan plan = child_replace(all, n, epoch, how);
    for (unsigned i = 0; i < n; i++) {
        if (plan.stop >> i & 1u)
            master_tell_stop(&all[i]);
    }
    if (plan.start && (c = master_free_slot(m, role)))
        master_want(c, epoch);
}

/* Every turn, since a worker may have been in a state that could not be told to stop. */
static void retire_workers(struct master *m)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        struct child *c = &m->children[i];
        if (c->role == ROLE_WORKER && c->epoch != m->epoch && c->epoch != m->reload.epoch)
            master_tell_stop(c);
    }
}

/* Deferred notifications and reminders need them; also what is left of either after a reload, which
 * the keeper tells. */
static unsigned master_reload_couriers_wanted(const struct master *m)
{
    const struct config *cfg = m->cfg;
    const bool needed = cfg->notifications.delivery == DELIVERY_DEFERRED ||
                        cfg->notifications.reminders_n > 0 || courier_board_wanted();
    return needed ? (unsigned)cfg->notifications.couriers : 0;
}

/* Those of earlier configurations finish their message while the new ones start: a row has one
 * courier whoever that is. */
static void master_reload_replace_couriers(struct master *m)
{
    const unsigned wanted = master_reload_couriers_wanted(m);
    unsigned n = 0;
    for (unsigned i = 0; i < m->children_n; i++) {
        struct child *c = &m->children[i];
        if (c->role != ROLE_COURIER || c->state == CHILD_OFF || c->state == CHILD_DRAINING)
            continue;
        if (c->epoch != m->epoch || n == wanted)
            master_tell_stop(c);
        else
            n++;
    }
    for (struct child *c; n < wanted && (c = master_free_slot(m, ROLE_COURIER)); n++)
        master_want(c, m->epoch);
}

void master_reload(struct master *m)
{
    if (m->reload.phase == RELOAD_NONE)
        master_reload_begin_cycle(m);
    else
        m->reload.again = true; /* the file may have changed since it was read */
}

/* The monitor overlaps, so scrapes find one; the keeper never runs twice at a time; the resolver is
 * started only when its table may be written. */
void master_reload_step(struct master *m)
{
    if (m->reload.phase == RELOAD_NONE && m->reload.again)
        master_reload_begin_cycle(m);
    if (m->reload.phase == RELOAD_NAMES)
        names_step(m);
    if (m->reload.phase == RELOAD_PROVING)
        proving_step(m);
    retire_workers(m);
    replace_single(m, ROLE_MONITOR, m->epoch, CHILD_HANDOVER_OVERLAP);
    replace_single(m, ROLE_KEEPER, m->epoch, CHILD_HANDOVER_DRAIN);
    master_reload_replace_couriers(m);
    if (m->reload.phase != RELOAD_NAMES)
        replace_single(m, ROLE_RESOLVER,
                       m->reload.phase == RELOAD_PROVING ? m->reload.epoch : m->epoch,
                       CHILD_HANDOVER_AFTER);
}

/* A stop of the service: the candidate configuration is dropped. */
void master_reload_cancel(struct master *m)
{
    if (m->reload.phase == RELOAD_NONE)
        return;
    (void)snprintf(m->reload.fault, sizeof(m->reload.fault), "the service was told to stop");
    master_reload_stop_candidate(m);
    m->reload.phase = RELOAD_NONE;
    m->reload.again = false;
    master_reload_tell_state(m, false);
}
