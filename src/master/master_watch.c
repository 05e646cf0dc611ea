/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the scoreboard says about the children, and what the master does and tells about it: ends
 * whoever is overdue, decides whether the service is ready and healthy, writes the status. Called
 * from the turns of master.c.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "domain/scoreboard.h"
#include "ipc/protocol.h"
#include "master_priv.h"
#include "sys/addrs.h"
#include "sys/log.h"
#include "sys/notify_sd.h"

/* All limits are far above what a healthy process needs: a false alarm costs a request, a late one
 * only time. OVERDUE_MS is promised in BEHAVIOUR §2. */
#define OVERDUE_MS 5000   /* beyond a budget: the child's own limits have failed */
#define STARTING_MS 60000 /* to check in */
#define DRAINING_MS 10000 /* to end, once told and with nothing in hand */
#define QUIET_MS 10000    /* without a turn of the loop, and with nothing in hand */
#define ABORT_MS 1000     /* from ABRT (a core for the reader) to KILL */
#define NAMES_MS 1000     /* READY waits this long for the resolver's first pass */

/* The stage's age as well: a request may reach its worker late, and then the worker is not to
 * blame. */
static bool busy_overdue(const struct child *c, const struct scoreboard_view *v)
{
    /* Of a worker's request the dispatcher knows the end: it holds, whatever the worker says. */
    const struct protocol_given g =
        c->role == ROLE_WORKER ? protocol_given(c->slot) : (struct protocol_given){.at = {0}};
    if (v->stage == STAGE_BUSY && g.at.ns > c->started.ns &&
        mono_ms_between(g.until.at, mono_now()) > OVERDUE_MS && mono_ms_since(g.at) > OVERDUE_MS)
        return true;
    return v->stage == STAGE_BUSY && v->budget.at.ns != 0 &&
           mono_ms_between(v->budget.at, mono_now()) > OVERDUE_MS &&
           mono_ms_between(v->since, mono_now()) > OVERDUE_MS;
}

/* It was given a request and has not begun with it: stopped, or stuck outside of any request. */
static bool never_began(const struct child *c, const struct scoreboard_view *v)
{
    if (c->role != ROLE_WORKER || v->stage == STAGE_BUSY)
        return false;
    const struct protocol_given g = protocol_given(c->slot);
    /* Given after its last word on the scoreboard, and the word has not changed since. */
    return g.at.ns > v->since.ns && mono_ms_between(g.at, mono_now()) > OVERDUE_MS &&
           mono_ms_between(g.until.at, mono_now()) > OVERDUE_MS;
}

/* Who only waits must turn its loop; a worker may sit idle in poll() for as long as it likes. */
static bool master_watch_is_overdue(const struct child *c, const struct scoreboard_view *v)
{
    if (c->state == CHILD_STARTING)
        return mono_ms_since(c->started) > STARTING_MS;
    if (c->state != CHILD_UP)
        return false;
    if (v->stage == STAGE_BUSY)
        return busy_overdue(c, v);
    return c->role == ROLE_WORKER ? never_began(c, v) : mono_ms_since(v->turned) > QUIET_MS;
}

/* One of the role is in a state to work, or has something in hand that still has time. */
static bool one_well(const struct master *m, enum role role)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        const struct child *c = &m->children[i];
        struct scoreboard_view v;
        if (c->role != role || (c->state != CHILD_UP && c->state != CHILD_STARTING))
            continue;
        scoreboard_read(i, &v);
        if (!master_watch_is_overdue(c, &v))
            return true;
    }
    return false;
}

/* One that was told to end and does not: with nothing in hand it gets DRAINING_MS, with something
 * the time that this may take, and in any case not more than the drain timeout. A stop of the whole
 * service has its own limits. */
static bool drain_overdue(const struct master *m, const struct child *c,
                          const struct scoreboard_view *v)
{
    const double ms = mono_ms_since(c->signalled);
    if (c->state != CHILD_DRAINING || m->stopping || ms < ABORT_MS)
        return false;
    if (ms > DRAINING_MS &&
        (v->stage != STAGE_BUSY || ms > (double)m->cfg->server.drain_timeout_ms))
        return true;
    return busy_overdue(c, v);
}

/* Logged before the signal: afterwards the scoreboard slot may say something else. */
static void log_overdue(const struct child *c, const struct scoreboard_view *v)
{
    LOG(LOG_LEVEL_ERROR, "child.overdue", F_STR("child", role_names[c->role]),
        F_INT("index", c->index), F_INT("pid", c->pid), F_STR("state", child_state_names[c->state]),
        F_STR("stage", stage_names[v->stage]), F_STR("what", v->what),
        F_STR("request_id", v->request), F_STR("provider", v->call),
        F_MS("stage_age", mono_ms_since(v->since)));
}

/* ABRT first: the process's last words and its core say where it hung. A stopped process hears only
 * KILL. */
static void watch_one(const struct master *m, struct child *c)
{
    struct scoreboard_view v;
    scoreboard_read(c->slot, &v);
    if (c->state == CHILD_STARTING && v.generation == c->generation && v.stage > STAGE_STARTING)
        c->state = child_next(c->state, CHILD_EV_CHECKED_IN);
    if (master_watch_is_overdue(c, &v)) {
        log_overdue(c, &v);
        c->state = child_next(c->state, CHILD_EV_OVERDUE);
        c->signalled = mono_now();
        kill(c->pid, SIGABRT);
    } else if (drain_overdue(m, c, &v)) {
        log_overdue(c, &v);
        c->signalled = mono_now();
        kill(c->pid, SIGKILL);
    } else if (c->state == CHILD_KILLED && mono_ms_since(c->signalled) > ABORT_MS) {
        c->signalled = mono_now();
        kill(c->pid, SIGKILL);
    }
}

/* Every turn. Reading a slot costs a copy of some hundred bytes, so nothing is saved by doing it
 * less often. */
void master_watch(struct master *m)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        if (child_alive(m->children[i].state))
            watch_one(m, &m->children[i]);
    }
}

/* READY=1 means: a request that comes now is served (BEHAVIOUR §2). */
bool master_serving(const struct master *m)
{
    if (!addrs_first_pass() && mono_ms_since(m->started) < NAMES_MS)
        return false;
    for (unsigned i = 0; i < m->children_n; i++) {
        struct scoreboard_view v;
        if (m->children[i].role != ROLE_WORKER || m->children[i].state != CHILD_UP)
            continue;
        scoreboard_read(i, &v);
        if (v.database)
            return master_in_state(m, ROLE_DISPATCHER, CHILD_UP) > 0;
    }
    return false;
}

/* For the watchdog. The database does not count: a restart would not bring it back. */
bool master_healthy(const struct master *m)
{
    return m->ready && (m->stopping || (one_well(m, ROLE_DISPATCHER) && one_well(m, ROLE_WORKER)));
}

/* For the status line alone. */
static unsigned busy_workers(const struct master *m)
{
    unsigned n = 0;
    for (unsigned i = 0; i < m->children_n; i++) {
        struct scoreboard_view v;
        if (m->children[i].role != ROLE_WORKER || !child_alive(m->children[i].state))
            continue;
        scoreboard_read(i, &v);
        n += v.stage == STAGE_BUSY;
    }
    return n;
}

/* Only when it changed: systemd writes each status to its journal. */
void master_tell_status(struct master *m)
{
    char text[sizeof(m->status)];
    const char *phase = m->stopping                      ? "stopping"
                        : m->reload.phase != RELOAD_NONE ? "reloading"
                        : m->ready                       ? "serving"
                                                         : "starting, waiting for the database";
    const bool bad = !m->reload.view.good && m->reload.phase == RELOAD_NONE && !m->stopping;
    snprintf(text, sizeof(text), "%s; %u workers, %u busy, %u down, %u refused%s%.*s", phase,
             master_alive(m, ROLE_WORKER), busy_workers(m),
             master_in_state(m, ROLE_WORKER, CHILD_DOWN),
             master_in_state(m, ROLE_WORKER, CHILD_REFUSED), bad ? "; reload refused: " : "",
             bad ? 160 : 0, m->reload.view.reason);
    if (strcmp(text, m->status) == 0)
        return;
    memcpy(m->status, text, sizeof(text));
    notify_sd_status("%s", text);
}

/* USR1: the same figures as /status, for when the monitor does not answer. */
void master_scoreboard(const struct master *m)
{
    for (unsigned i = 0; i < m->children_n; i++) {
        const struct child *c = &m->children[i];
        struct scoreboard_view v;
        if (c->state == CHILD_OFF)
            continue;
        scoreboard_read(i, &v);
        LOG(LOG_LEVEL_INFO, "scoreboard", F_STR("child", role_names[c->role]),
            F_INT("index", c->index), F_INT("pid", c->pid), F_INT("generation", c->generation),
            F_STR("state", child_state_names[c->state]), F_STR("stage", stage_names[v.stage]),
            F_STR("what", v.what), F_MS("stage_age", v.since.ns ? mono_ms_since(v.since) : 0),
            F_INT("served", v.served), F_INT("database", v.database), F_INT("failures", c->fails));
    }
}
