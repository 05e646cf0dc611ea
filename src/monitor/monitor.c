/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The monitor's loop: scrapes, reading the notifications at monitor.poll_interval, and the end.
 * Forked by the master as a role. Scrapes are answered at any moment, also while the database is
 * frozen, since waiting for the database serves them, too.
 */
#include "config.h"

#include "monitor/monitor.h"

#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "domain/conditions.h"
#include "domain/scoreboard.h"
#include "ipc/master_state.h"
#include "monitor_facts.h"
#include "monitor_history.h"
#include "monitor_http.h"
#include "monitor_page.h"
#include "monitor_status.h"
#include "roles/role_loop.h"
#include "svc/replication.h"
#include "sys/log.h"

/* The rows of a read; it is reset before each. */
#define ARENA_CHUNK ((size_t)64 * 1024)
#define READ_FLOOR_MS 1000 /* reading what was counted may always take this long */
/* And this many times what the last read took, up to database.statement_timeout. */
#define READ_FACTOR 4
/* The server ends a count at database.statement_timeout, and says so a moment later. */
#define COUNT_GRACE_MS 1000
/* A part falls due a little before the next look: a single node then counts at every look. */
#define COUNT_EARLY 0.8
/* Answers in progress are some 100 kB. */
#define DRAIN_MS 2000
/* Conditions show within seconds; a sum over all counters takes about a millisecond. */
#define JUDGE_MS 2000
/* A new monitor has not read the database yet: what its predecessor saw stands meanwhile. */
#define BLIND_MS 3000

struct monitor {
    const struct child_env *env;
    struct role_loop loop;
    struct monitor_view view;
    struct monitor_http *http;
    struct db *db;
    struct arena *arena; /* of the read */
    bool ending;
    bool connected;         /* as last seen */
    bool good;              /* the last read succeeded */
    struct mono read_begun; /* of the last good one */
    int64_t look_took_ms;
    bool counting;  /* for all nodes; the figures of before stand meanwhile */
    bool uncounted; /* the last count failed: said once */
    struct deadline next_read, next_judged;
    struct deadline blind_until;
    struct conditions conditions;
};

/* A read that hangs makes the database as good as gone after this long. */
static int64_t limit_ms(const struct monitor *m, int64_t took_ms)
{
    const int64_t most = m->env->cfg->database.statement_timeout_ms;
    int64_t ms = took_ms * READ_FACTOR;
    if (ms < READ_FLOOR_MS)
        ms = READ_FLOOR_MS;
    return ms < most ? ms : most;
}

/* The view is made fresh for each turn, so that no page shows figures older than an interval and a
 * read. Figures are left out rather than shown old (BEHAVIOUR §9). */
static void refresh_view(struct monitor *m)
{
    const struct config *cfg = m->env->cfg;
    const int64_t counts_ms =
        m->counting ? DB_GAUGES_PARTS * (cfg->database.statement_timeout_ms + COUNT_GRACE_MS) : 0;
    const int64_t oldest_ms =
        cfg->monitor.poll_interval_ms + 2 * limit_ms(m, m->look_took_ms) + counts_ms;
    const bool connected = db_connected(m->db);
    m->view.database_up =
        connected && m->good && mono_ms_between(m->read_begun, mono_now()) <= oldest_ms;
    if (connected != m->connected) {
        m->connected = connected;
        scoreboard_database(connected);
    }
}

/* What changed is news for the log, too: without Prometheus it is the only record. */
static void monitor_log_changes(const struct conditions *before, const struct conditions *now)
{
    for (unsigned i = 0; i < CONDITION_COUNT; i++)
        if (now->at[i].holds != before->at[i].holds)
            LOG(now->at[i].holds ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
                now->at[i].holds ? "condition.began" : "condition.ended",
                F_STR("condition", condition_rows[i].name),
                F_STR("severity", severity_names[condition_rows[i].severity]));
}

/* Between two reads as well: most facts come from shared memory and change at any moment. */
static void monitor_judge(struct monitor *m)
{
    struct facts now;
    struct facts_seen seen;
    const struct mono at = mono_now();
    const struct conditions before = m->conditions;
    if (m->ending || !deadline_passed(m->next_judged) ||
        (!m->view.database_up && !deadline_passed(m->blind_until)))
        return;
    m->next_judged = deadline_after(at, JUDGE_MS);
    monitor_facts(&m->view, &now);
    monitor_history_look_back(at, &now, &seen);
    monitor_history_add(at, &now);
    conditions_judge(&m->conditions, &seen, at, wall_now());
    conditions_publish(&m->conditions);
    monitor_log_changes(&before, &m->conditions);
}

/*
 * One turn of the loop, which answers scrapes. `fd`: what db waits for (db_set_wait), so that a
 * frozen database delays no answer; -1: the database is not in use. Returns whether fd is ready.
 */
static bool monitor_run_turn(struct monitor *m, int fd, short events, struct deadline d)
{
    struct pollfd polls[ROLE_POLLS + 1 + MONITOR_LISTEN_MAX + MONITOR_CONNS_MAX];
    struct pollfd *http = &polls[ROLE_POLLS];
    struct deadline until = d;
    const size_t n = monitor_http_polls(m->http, http, &until);
    struct pollfd *busy = &http[n]; /* the last: poll(2) refuses more entries than RLIMIT_NOFILE */
    *busy = (struct pollfd){.fd = fd, .events = events};
    const struct role_wait w = {.polls = polls,
                                .polls_n = ROLE_POLLS + n + (fd >= 0),
                                .until = deadline_min(d, until),
                                .db_busy = fd >= 0};
    if (role_loop_turn(&m->loop, &w) != ROLE_TURNED)
        m->ending = true;
    refresh_view(m);
    monitor_judge(m);
    monitor_http_serve(m->http, http, n);
    return fd >= 0 && busy->revents != 0;
}

/* For db: 1 ready, 0 time is up (or the process ends). */
static int wait_serving(void *ctx, int fd, short events, struct deadline d)
{
    struct monitor *m = ctx;
    for (;;) {
        if (monitor_run_turn(m, fd, events, d))
            return 1;
        if (m->ending || deadline_passed(d))
            return 0;
    }
}

static struct svc monitor_svc(struct monitor *m, int64_t within_ms)
{
    arena_reset(m->arena);
    return (struct svc){.cfg = m->env->cfg,
                        .db = m->db,
                        .arena = m->arena,
                        .deadline = deadline_in_ms(within_ms),
                        .request_id = "monitor"};
}

/* A read that ran out of time gets more the next time, up to the statement limit. */
static enum err monitor_look(struct monitor *m, struct db_gauges *out, bool due[DB_GAUGES_PARTS])
{
    const struct mono begun = mono_now();
    struct svc s = monitor_svc(m, limit_ms(m, m->look_took_ms));
    enum err e = db_gauges_look(&s, out, due);
    m->look_took_ms = mono_ms_between(begun, mono_now());
    return e;
}

/* A table so long that it cannot be counted within the statement limit is no database that is away:
 * the last figures stand, and their age shows (bookingd_ledger_read_timestamp_seconds). */
static bool monitor_count(struct monitor *m, enum db_gauges_part part)
{
    const struct config *cfg = m->env->cfg;
    const struct mono begun = mono_now();
    struct svc s = monitor_svc(m, cfg->database.statement_timeout_ms + COUNT_GRACE_MS);
    bool counted = false;
    m->counting = true;
    enum err e =
        db_gauges_count(&s, part, (int64_t)((double)cfg->monitor.poll_interval_ms * COUNT_EARLY),
                        cfg->database.statement_timeout_ms, &counted);
    m->counting = false;
    if (e != ERR_OK && !m->uncounted && !m->ending)
        LOG(LOG_LEVEL_WARN, "monitor.gauges_uncounted", F_STR("part", db_gauges_part_names[part]),
            F_ERR(e), F_MS("took", mono_ms_since(begun)));
    if (e != ERR_OK || counted)
        m->uncounted = e != ERR_OK;
    return counted;
}

/* Counts each part that is due, unless another node has just done so. What is owed comes first,
 * since alerts depend on it. A server that takes no writes is not counted on: the result could not
 * be stored. */
static enum err monitor_look_and_count(struct monitor *m, struct db_gauges *out)
{
    bool due[DB_GAUGES_PARTS] = {false}, counted = false;
    enum err e = monitor_look(m, out, due);
    for (enum db_gauges_part part = DB_GAUGES_DEBT; e == ERR_OK && part < DB_GAUGES_PARTS; part++)
        if (due[part] && out->writable && db_connected(m->db))
            counted |= monitor_count(m, part);
    return e == ERR_OK && counted ? monitor_look(m, out, due) : e;
}

/* Three looks that are missed, and a node counts as gone. */
#define NODE_LOOKS 3

/* Who else is alive; others learn it of this one. It fails for reasons that the read of the gauges
 * finds as well, so nothing is said of them here. */
static void monitor_tell_nodes(struct monitor *m)
{
    struct process_view master;
    const int64_t poll_ms = m->env->cfg->monitor.poll_interval_ms;
    if (!master_state_process(&master))
        return;
    struct svc s = monitor_svc(m, READ_FLOOR_MS);
    const struct node_self self = {.pid = m->view.master,
                                   .started_at = {(int64_t)(master.started_s * 1e6)},
                                   .version = PACKAGE_VERSION,
                                   .gone_after_ms = NODE_LOOKS * (poll_ms + READ_FLOOR_MS)};
    const size_t differing = m->view.nodes.differing;
    if (nodes_tell(&s, &self, &m->view.nodes) != ERR_OK)
        return;
    if (m->view.nodes.differing > differing)
        LOG(LOG_LEVEL_WARN, "monitor.nodes_differ",
            F_INT("nodes", (int64_t)m->view.nodes.differing),
            F_STR("detail", "other nodes on this database have other providers"));
}

static void monitor_read_gauges(struct monitor *m)
{
    struct db_gauges fresh = m->view.gauges;
    const struct mono begun = mono_now();
    const bool was_good = m->good;
    m->next_read = deadline_after(begun, m->env->cfg->monitor.poll_interval_ms);
    enum err e = monitor_look_and_count(m, &fresh);
    m->good = e == ERR_OK;
    if (m->good && fresh.writable && db_connected(m->db))
        monitor_tell_nodes(m);
    if (m->good) {
        /* Rows of a template or status that this version does not know: another version writes to
         * this database. */
        if (fresh.unknown != m->view.gauges.unknown)
            LOG(LOG_LEVEL_WARN, "monitor.unknown_rows", F_INT("rows", fresh.unknown));
        m->view.gauges = fresh;
        if (fresh.age_ms >= 0)
            m->view.read_at.us = wall_now().us - fresh.age_ms * 1000;
        m->read_begun = begun;
        scoreboard_served();
    }
    /* Once per change: a database that is down for an hour is two lines and not a thousand. */
    if (m->good != was_good && !m->ending)
        LOG(m->good ? LOG_LEVEL_INFO : LOG_LEVEL_WARN,
            m->good ? "monitor.gauges_read" : "monitor.gauges_unread", F_ERR(e),
            F_MS("took", mono_ms_since(begun)));
}

/* Once per change, at most once per interval: a primary that lost its last standby acknowledges
 * bookings which only it has. */
static void monitor_look_at_replication(struct monitor *m)
{
    struct replication r;
    if (!m->env->cfg->database.require_synchronous || !m->good)
        return;
    struct svc s = monitor_svc(m, READ_FLOOR_MS);
    if (replication_read(&s, &r) != ERR_OK)
        return;
    m->view.replication_known = true;
    if (r.fault == m->view.replication_fault)
        return;
    m->view.replication_fault = r.fault;
    if (r.fault)
        LOG(LOG_LEVEL_WARN, "db.not_synchronous", F_STR("reason", r.fault), F_STR("hint", r.todo));
    else
        LOG(LOG_LEVEL_INFO, "db.synchronous");
}

/* When the connection comes back the notifications are read at once, not an interval later. */
static void database_step(struct monitor *m)
{
    if (m->loop.db_due)
        role_loop_tend(&m->loop);
    const bool came = db_connected(m->db) && !m->connected;
    if (!db_connected(m->db))
        m->good = false;
    if (db_connected(m->db) && (came || deadline_passed(m->next_read))) {
        refresh_view(m);
        monitor_read_gauges(m);
        monitor_look_at_replication(m);
    }
    refresh_view(m);
}

/* The database is optional here: /metrics and /status answer without it. */
static void monitor_run_loop(struct monitor *m)
{
    scoreboard_stage(STAGE_IDLE, "");
    while (!m->ending) {
        const struct deadline beat = deadline_in_ms(SCOREBOARD_BEAT_MS);
        (void)monitor_run_turn(m, -1, 0,
                               db_connected(m->db) ? deadline_min(beat, m->next_read) : beat);
        database_step(m);
    }
    scoreboard_stage(STAGE_DRAINING, "");
    for (struct deadline d = deadline_in_ms(DRAIN_MS);
         monitor_http_drain(m->http) && !deadline_passed(d);)
        (void)monitor_run_turn(m, -1, 0, d);
}

/* A database that does not fit counts as away, as it does for those who serve. */
int monitor_main(const struct child_env *env)
{
    struct monitor m = {.env = env, .view = {.cfg = env->cfg, .master = getppid()}};
    m.arena = arena_new(ARENA_CHUNK);
    m.db = db_new(env->cfg);
    m.http = monitor_http_new(env->listen_fds, env->listen_n, monitor_answer, &m.view);
    const bool opened = role_loop_open(&m.loop, env, m.db, "monitor.schema_refused");
    ENSURE(opened && m.arena && m.db && m.http);
    db_require_schema(m.db, true);
    db_set_wait(m.db, wait_serving, &m);
    m.blind_until = deadline_in_ms(BLIND_MS);
    conditions_read(&m.conditions); /* those of the monitor before this one go on */
    monitor_run_loop(&m);
    monitor_http_free(m.http);
    db_free(m.db);
    arena_free(m.arena);
    role_loop_close(&m.loop);
    return 0;
}
