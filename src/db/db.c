/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "db/db.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/rng.h"
#include "db/db_migrate.h"
#include "db_priv.h"
#include "sys/log.h"
#include "sys/net.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS \
    640 /* with its jitter and a connect this stays below the second that the contract allows */
#define BACKOFF_JITTER 0.2
/* How long requests wait for an attempt when the one before failed, from its start: many that come
 * during a long attempt would else wait for it one after the other. */
#define KNOWN_AWAY_WAIT_MS 50
#define HOST_SHARE_MIN_MS 250
/* Every so many attempts a silent host has its whole share again: it may be slow and not dead. */
#define SILENCE_KEPT 16
#define TLS_LOOK_MS 20
#define FAR_MS 3600000
/* Room for a whole list of hosts with its options, and for a ROLLBACK: neither needs memory when
 * there is none. */
#define SCRATCH ((size_t)16 * 1024)

struct db *db_new(const struct config *cfg)
{
    struct db *db = calloc(1, sizeof(*db));
    struct arena *scratch = arena_new(SCRATCH);

    ENSURE(db && scratch); /* at the start of a process */
    *db = (struct db){
        .cfg = cfg, .scratch = scratch, .next_try = deadline_in_ms(0), .why = ERR_DB_UNAVAILABLE};
    return db;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    PQfinish(db->conn);
    arena_free(db->scratch);
    free(db);
}

static void disconnect(struct db *db)
{
    PQfinish(db->conn);
    db->conn = NULL;
    db->state = DB_DOWN;
    db->in_tx = db->running = db->dying = db->pooled = false;
    memset(db->prepared, 0, sizeof(db->prepared));
    db->prepared_n = 0;
}

void db_lost(struct db *db)
{
    disconnect(db);
    db->next_try = deadline_in_ms(0);
}

static void attempt_failed(struct db *db, enum err why, const char *text)
{
    int64_t wait = BACKOFF_FIRST_MS << (db->fails < 8 ? db->fails : 8);

    if (db->fails++ == 0) /* once, not at each attempt of each process */
        LOG(LOG_LEVEL_WARN, "db.connect_failed", F_STR("reason", text ? text : err_code(why)));
    db_count_error(DB_ERROR_CLASS_CONNECTION);
    db->why = why;
    disconnect(db);
    /* From one attempt's start to the next: what it took itself was waiting, too. */
    wait = rng_jitter_ms(wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS, BACKOFF_JITTER);
    wait -= (int64_t)mono_ms_since(db->attempt_begun);
    db->next_try = deadline_in_ms(wait > BACKOFF_FIRST_MS ? wait : BACKOFF_FIRST_MS);
}

/* The reason as libpq has it: the first line, which names host and fault but no password. */
static void attempt_refused(struct db *db)
{
    const char *text = PQerrorMessage(db->conn);

    arena_reset(db->scratch);
    attempt_failed(db, ERR_DB_UNAVAILABLE, arena_strndup(db->scratch, text, strcspn(text, "\n")));
}

/* A notice that comes outside of an answer: only the server's farewell matters. */
static void on_notice(void *arg, const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

    if (state && db_fault_of(state)->reconnect)
        ((struct db *)arg)->dying = true;
}

/*
 * Gives each host of the list its share of the time. One that was silent before gets little: a
 * primary that lost its power must not delay each look at the standby, which may be promoted by
 * now.
 */
static void start_host(struct db *db)
{
    int left = db->hosts->n - db->host_now;
    int64_t share = deadline_left_ms(db->attempt_until) / (left > 0 ? left : 1);

    bool brief = db->hosts->n > 1 && db->fails % SILENCE_KEPT != SILENCE_KEPT - 1 &&
                 db_host_silent(db->host_now);
    if (share < HOST_SHARE_MIN_MS || brief)
        share = HOST_SHARE_MIN_MS;
    db->host_until = deadline_cap(db->attempt_until, share);
}

static void start_at(struct db *db, int first)
{
    db->host_first = db->host_now = first;
    db->conn = db_hosts_start(db->scratch, db->hosts, first);
    if (!db->conn) {
        attempt_failed(db, ERR_DB_UNAVAILABLE, "out of memory");
        return;
    }
    PQsetNoticeReceiver(db->conn, on_notice, db);
    db->state = DB_CONNECTING;
    db->want = POLLOUT; /* libpq: as if PQconnectPoll had said writing */
    start_host(db);
    if (PQstatus(db->conn) == CONNECTION_BAD)
        attempt_refused(db);
}

static void start_attempt(struct db *db)
{
    const char *why = NULL;

    arena_reset(db->scratch);
    db->attempt_begun = mono_now();
    db->attempt_until = deadline_in_ms(db->cfg->database.connect_timeout_ms);
    db->patience = deadline_in_ms(KNOWN_AWAY_WAIT_MS);
    db->hosts = db_hosts_read(db->scratch, db->cfg->database.url, &why);
    if (db->hosts)
        start_at(db, 0);
    else
        attempt_failed(db, ERR_DB_UNAVAILABLE, why);
}

static bool same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* libpq goes through the list by itself when a host refuses; follow it. */
static void follow_host(struct db *db)
{
    for (int i = db->host_now; i < db->hosts->n; i++) {
        const struct db_host *h = &db->hosts->list[i];
        bool here = (!h->hostaddr[0] || same(h->hostaddr, PQhostaddr(db->conn))) &&
                    (!h->host[0] || same(h->host, PQhost(db->conn))) &&
                    (!h->port[0] || same(h->port, PQport(db->conn)));
        if (!here)
            continue;
        if (i == db->host_now)
            return;
        for (; db->host_now < i; db->host_now++)
            db_host_silence(db->host_now, false); /* it refused, which is an answer */
        start_host(db);
        return;
    }
}

static void step_connecting(struct db *db)
{
    PostgresPollingStatusType s = PQconnectPoll(db->conn);

    if (s == PGRES_POLLING_FAILED) {
        attempt_refused(db);
    } else if (s == PGRES_POLLING_OK) {
        db->state = DB_GREETING;
        if (!db_greet_send(db))
            attempt_refused(db);
    } else {
        db->want = s == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        follow_host(db);
    }
}

static void step_greeting(struct db *db)
{
    switch (db_greet_read(db)) {
    case DB_GREET_MORE:
        break;
    case DB_GREET_LOST:
        attempt_refused(db);
        break;
    case DB_GREET_SCHEMA:
        attempt_failed(db, ERR_DB_SCHEMA, "the database's schema is of another version");
        break;
    case DB_GREET_DONE:
        if (db->fails > 0)
            LOG(LOG_LEVEL_INFO, "db.connected", F_INT("attempts", db->fails + 1));
        db->state = DB_READY;
        db->one_primary = db->hosts->one_primary;
        db_host_silence(db->host_now, false);
        db->host_id = db_host_id(&db->hosts->list[db->host_now]);
        db_host_used(db->host_id);
        db->fails = 0;
        break;
    }
}

/* Time is up for this host: on to the next one, if there is one and time for it. */
static void step_overdue(struct db *db)
{
    int next = db->host_now + 1;

    db_host_silence(db->host_now, true);
    if (next < db->hosts->n && !deadline_passed(db->attempt_until)) {
        disconnect(db);
        start_at(db, next);
    } else {
        attempt_failed(db, ERR_DB_UNAVAILABLE, "the server does not answer in time");
    }
}

/* Does what can be done without waiting. */
static void step(struct db *db)
{
    struct pollfd p = {.fd = db->conn ? PQsocket(db->conn) : -1, .events = db->want};

    if (db->state == DB_DOWN || db->state == DB_READY)
        return;
    if (poll(&p, 1, 0) >
        0) { /* libpq takes an unfinished connect for a finished one when asked too early */
        if (db->state == DB_CONNECTING)
            step_connecting(db);
        else
            step_greeting(db);
    } else if (deadline_passed(db->host_until)) {
        step_overdue(db);
    }
}

enum err db_connect(struct db *db, struct deadline d)
{
    if (db->state == DB_READY)
        return ERR_OK;
    if (db->state == DB_DOWN) {
        if (db->fails > 0 && !deadline_passed(db->next_try))
            return db->why;
        start_attempt(db);
    }
    if (db->fails > 0) /* known to be away: the attempt goes on, the request does not wait for it */
        d = deadline_min(d, db->patience);
    for (step(db); db->state == DB_CONNECTING || db->state == DB_GREETING; step(db)) {
        if (deadline_passed(d))
            return ERR_DB_UNAVAILABLE;
        if (db_wait(db, db->want, deadline_min(d, db->host_until)) < 0) {
            attempt_refused(db);
            break;
        }
    }
    return db->state == DB_READY ? ERR_OK : db->why;
}

bool db_connected(const struct db *db)
{
    return db->state == DB_READY;
}

int db_fd(const struct db *db, short *events)
{
    if (!db->conn)
        return -1;
    *events = db->state == DB_READY ? POLLIN : db->want;
    return PQsocket(db->conn);
}

struct deadline db_idle_at(const struct db *db)
{
    switch (db->state) {
    case DB_DOWN:
        return db->next_try;
    case DB_CONNECTING:
    case DB_GREETING:
        return db->host_until;
    case DB_READY:
        break;
    }
    return deadline_in_ms(FAR_MS);
}

bool db_alive(struct db *db)
{
    struct pollfd p = {.fd = PQsocket(db->conn), .events = POLLIN};

    while (!db->dying && PQstatus(db->conn) == CONNECTION_OK && poll(&p, 1, 0) > 0) {
        if (!PQconsumeInput(db->conn))
            return false;
        (void)PQisBusy(db->conn); /* parses, which calls on_notice */
    }
    if (db->one_primary && db_primary_moved(db->host_id))
        return false; /* it may stay silent for ever: somebody has found the new primary */
    return !db->dying && PQstatus(db->conn) == CONNECTION_OK;
}

void db_idle(struct db *db)
{
    if (db->state == DB_READY && !db_alive(db)) {
        LOG(LOG_LEVEL_WARN, "db.connection_lost",
            F_STR("reason", db->one_primary && db_primary_moved(db->host_id)
                                ? "another is the primary"
                                : "closed by the server"));
        db_count_error(DB_ERROR_CLASS_CONNECTION);
        db_lost(db);
    }
    if (db->state == DB_DOWN && deadline_passed(db->next_try))
        start_attempt(db);
    step(db);
}

void db_drop(struct db *db)
{
    if (db->conn)
        db_lost(db);
}

void db_clean(struct db *db, struct deadline d)
{
    if (db->state != DB_READY)
        return;
    if (db->running)
        db_lost(db);
    else if (db->in_tx)
        db_rollback(db, d);
}

int db_wait(struct db *db, short events, struct deadline d)
{
    struct mono from = mono_now();
    const int fd = PQsocket(db->conn);
    int ready = db->wait ? db->wait(db->wait_ctx, fd, events, d) : net_wait(fd, events, d);

    db->spent_s += mono_seconds_since(from);
    return ready;
}

void db_set_wait(struct db *db, db_wait_fn wait, void *ctx)
{
    db->wait = wait;
    db->wait_ctx = ctx;
}

int db_schema_version(void)
{
    return db_migrations[db_migrations_n - 1].version;
}

void db_require_schema(struct db *db, bool wanted)
{
    db->require_schema = wanted;
}

uint64_t db_round_trips(const struct db *db)
{
    return db->round_trips;
}

double db_seconds_spent(const struct db *db)
{
    return db->spent_s;
}

void db_reset_spent(struct db *db)
{
    db->spent_s = 0;
}

bool db_prepared_in_use(const struct db *db)
{
    if (db->cfg->database.prepared == PREPARED_AUTO)
        return !db->pooled;
    return db->cfg->database.prepared == PREPARED_ON;
}

/* ---- which statements this connection knows ---- */

static const struct db_stmt **prepared_slot(struct db *db, const struct db_stmt *stmt)
{
    size_t i = ((uintptr_t)stmt / sizeof(*stmt)) & (DB_PREPARED_SLOTS - 1);

    while (db->prepared[i] && db->prepared[i] != stmt)
        i = (i + 1) & (DB_PREPARED_SLOTS - 1);
    return &db->prepared[i];
}

bool db_is_prepared(struct db *db, const struct db_stmt *stmt)
{
    return *prepared_slot(db, stmt) != NULL;
}

void db_set_prepared(struct db *db, const struct db_stmt *stmt)
{
    const struct db_stmt **slot = prepared_slot(db, stmt);

    if (*slot)
        return;
    db->prepared_n++;
    ENSURE(db->prepared_n < DB_PREPARED_SLOTS);
    *slot = stmt;
}

void db_count_error(enum db_error_class class)
{
    METRIC_INC(M_DB_ERRORS, class);
}
