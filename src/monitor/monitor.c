/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The monitor's loop: scrapes, reading the notifications at monitor.poll_interval, and the end.
 * Forked by the master as a role. Scrapes are answered at any moment, also while the database is
 * frozen, since waiting for the database serves them, too.
 */
#include "monitor/monitor.h"

#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "db/db.h"
#include "domain/conditions.h"
#include "domain/scoreboard.h"
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
#define READ_FLOOR_MS 1000 /* a read of the notifications may always take this long */
/* And this many times what the last one took, up to database.statement_timeout. */
#define READ_FACTOR 4
/* Counting what was sent reads the whole table: a twentieth of the time at most. */
#define SENT_SHARE 20
/* A count that ran out of time would run out of it again: a minute later is soon enough. */
#define SENT_RETRY_MS 60000
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
    int64_t debt_took_ms, sent_took_ms;
    bool sent_too_slow;
    const char *replication_fault; /* as last logged; one of the constants of svc/replication.c */
    struct deadline next_read, next_sent, next_judged;
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
    const int64_t oldest_ms = m->env->cfg->monitor.poll_interval_ms + limit_ms(m, m->debt_took_ms) +
                              limit_ms(m, m->sent_took_ms);
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

/* Two reads of different cost, each with a limit of its own. */
typedef enum err (*read_fn)(struct svc *s, struct db_gauges *out);

/* One of the reads, within its limit. One that ran out of time gets more the next time, up to the
 * statement limit. */
static enum err read_part(struct monitor *m, read_fn read, int64_t *took_ms, struct db_gauges *out)
{
    const struct mono begun = mono_now();
    struct svc s = {.cfg = m->env->cfg,
                    .db = m->db,
                    .arena = m->arena,
                    .deadline = deadline_in_ms(limit_ms(m, *took_ms)),
                    .request_id = "monitor"};
    arena_reset(m->arena);
    enum err e = read(&s, out);
    *took_ms = mono_ms_between(begun, mono_now());
    return e;
}

/* A table so long that it cannot be counted within the statement limit leaves out the sent ones,
 * not the debt. Counting sent rows is the only read whose cost grows with the age of the
 * installation. */
static void read_sent(struct monitor *m, struct db_gauges *out)
{
    const struct config *cfg = m->env->cfg;
    out->has_sent = read_part(m, db_gauges_read_sent, &m->sent_took_ms, out) == ERR_OK;
    m->sent_too_slow = !out->has_sent && m->sent_took_ms >= cfg->database.statement_timeout_ms;
    int64_t pause_ms = m->sent_too_slow ? SENT_RETRY_MS : m->sent_took_ms * SENT_SHARE;
    if (pause_ms < cfg->monitor.poll_interval_ms)
        pause_ms = cfg->monitor.poll_interval_ms;
    m->next_sent = deadline_in_ms(pause_ms);
    if (m->sent_too_slow)
        LOG(LOG_LEVEL_WARN, "monitor.sent_uncounted", F_MS("took", (double)m->sent_took_ms));
}

/* What failed and what is owed come first: alerts depend on them. */
static void monitor_read_gauges(struct monitor *m)
{
    struct db_gauges fresh = m->view.gauges;
    const struct mono begun = mono_now();
    const bool was_good = m->good;
    m->next_read = deadline_after(begun, m->env->cfg->monitor.poll_interval_ms);
    enum err e = read_part(m, db_gauges_read_debt, &m->debt_took_ms, &fresh);
    if (e == ERR_OK && (deadline_passed(m->next_sent) || (!was_good && !m->sent_too_slow)))
        read_sent(m, &fresh);
    m->good = e == ERR_OK;
    if (m->good) {
        const int64_t unknown = fresh.unknown + fresh.unknown_sent;
        /* Rows of a template or status that this version does not know: another version writes to
         * this database. */
        if (unknown != m->view.gauges.unknown + m->view.gauges.unknown_sent)
            LOG(LOG_LEVEL_WARN, "monitor.unknown_rows", F_INT("rows", unknown));
        m->view.gauges = fresh;
        m->view.read_at = wall_now();
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
    struct svc s = {.cfg = m->env->cfg,
                    .db = m->db,
                    .arena = m->arena,
                    .deadline = deadline_in_ms(READ_FLOOR_MS),
                    .request_id = "monitor"};
    if (!m->env->cfg->database.require_synchronous || !m->good)
        return;
    arena_reset(m->arena);
    if (replication_read(&s, &r) != ERR_OK || r.fault == m->replication_fault)
        return;
    m->replication_fault = r.fault;
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

/* No deadline for a schema of another version: figures that cannot be read are left out. */
int monitor_main(const struct child_env *env)
{
    struct monitor m = {.env = env, .view = {.cfg = env->cfg, .master = getppid()}};
    m.arena = arena_new(ARENA_CHUNK);
    m.db = db_new(env->cfg);
    m.http = monitor_http_new(env->listen_fds, env->listen_n, monitor_answer, &m.view);
    const bool opened = role_loop_open(&m.loop, env, m.db);
    ENSURE(opened && m.arena && m.db && m.http);
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
