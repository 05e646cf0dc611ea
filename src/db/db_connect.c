/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Opening the connection: attempts at the hosts of the URL, each with its share of the time, and
 * the pauses between attempts. Requests call db_connect(), which waits; event loops call db_idle(),
 * which never does. Callers: db_run.c, db_migrate.c and the roles' loops.
 */
#include <poll.h>
#include <string.h>

#include "base/rng.h"
#include "db_priv.h"
#include "domain/scoreboard.h"
#include "sys/log.h"

/* First pause: a server that is restarted is back within some 100 ms. */
#define BACKOFF_FIRST_MS 100
/* With its jitter and a connect this stays below the second of BEHAVIOUR §11. */
#define BACKOFF_MAX_MS 640
/* A fifth: enough to spread the processes of one machine over a pause. */
#define BACKOFF_JITTER 0.2
/* How long requests wait for an attempt when the one before failed, counted from its start: many
 * requests during a long attempt would otherwise wait for it one after the other. */
#define KNOWN_AWAY_WAIT_MS 50
/* A connect with TLS and SCRAM within one continent takes less. */
#define HOST_SHARE_MIN_MS 250
/* Every so many attempts a silent host has its whole share again: it may be slow and not dead. */
#define SILENCE_KEPT 16
/* "Not before something happens": any time that is longer than every other timer will do. */
#define FAR_MS 3600000

/* 8: beyond that the shift is above the maximum anyway. */
static void db_connect_fail(struct db *db, enum err reason, const char *text)
{
    int64_t wait = BACKOFF_FIRST_MS << (db->fails < 8 ? db->fails : 8);

    if (db->fails++ == 0 && !db->scouting) /* once, not at each attempt of each process */
        LOG(LOG_LEVEL_WARN, "db.connect_failed", F_STR("reason", text ? text : err_code(reason)));
    if (!db->scouting)
        db_count_error(DB_ERROR_CLASS_CONNECTION);
    db->reason = reason;
    db_disconnect(db);
    /* The pause counts from the start of an attempt, so the time that this took is part of it. */
    wait = rng_jitter_ms(wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS, BACKOFF_JITTER);
    wait -= (int64_t)mono_ms_since(db->attempt.begun);
    db->next_try = deadline_in_ms(wait > BACKOFF_FIRST_MS ? wait : BACKOFF_FIRST_MS);
}

/* The reason as libpq has it: the first line, which names host and fault but no password. */
static void db_connect_refuse(struct db *db)
{
    const char *text = PQerrorMessage(db->conn);

    arena_reset(db->scratch);
    db_connect_fail(db, ERR_DB_UNAVAILABLE, arena_strndup(db->scratch, text, strcspn(text, "\n")));
}

/* A notice that comes outside of an answer: only the server's farewell matters. */
static void db_connect_take_notice(void *arg, const PGresult *r)
{
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

    if (state && db_fault_of(state)->reconnect)
        ((struct db *)arg)->dying = true;
}

/* Notes about hosts go by their place in database.url; those of readers are in no list of it. */
static bool db_connect_was_silent(const struct db *db)
{
    return !db->reader && db_host_silent(db->attempt.hosts->list[db->attempt.host_now].place);
}

static void db_connect_note_silence(const struct db *db, bool silent)
{
    if (!db->reader)
        db_host_silence(db->attempt.hosts->list[db->attempt.host_now].place, silent);
}

/*
 * Gives each host of the list its share of the time. One that was silent before gets little: a
 * primary that lost its power must not delay each look at the standby, which may be promoted by
 * now.
 */
static void db_connect_begin_host(struct db *db)
{
    int left = db->attempt.hosts->n - db->attempt.host_now;
    int64_t share = deadline_left_ms(db->attempt.until) / (left > 0 ? left : 1);

    bool brief = db->attempt.hosts->n > 1 && db->fails % SILENCE_KEPT != SILENCE_KEPT - 1 &&
                 db_connect_was_silent(db);
    if (share < HOST_SHARE_MIN_MS || brief)
        share = HOST_SHARE_MIN_MS;
    db->attempt.host_until = deadline_cap(db->attempt.until, share);
}

/* The text of an attempt lives in `scratch` until the next one begins. */
static void db_connect_begin_at(struct db *db, int first)
{
    db->attempt.host_now = first;
    db->conn = db_hosts_start(db->scratch, db->attempt.hosts, first);
    if (!db->conn) {
        db_connect_fail(db, ERR_DB_UNAVAILABLE, "out of memory");
        return;
    }
    PQsetNoticeReceiver(db->conn, db_connect_take_notice, db);
    db->state = DB_CONNECTING;
    db->want = POLLOUT; /* libpq: as if PQconnectPoll had said writing */
    db_connect_begin_host(db);
    if (PQstatus(db->conn) == CONNECTION_BAD)
        db_connect_refuse(db);
}

/*
 * Which host is asked first matters in two cases. After a commit that ran out of time its host is
 * asked last: a primary whose standby was promoted still serves reads, and only commits wait. And
 * when another process has found the primary, its host is asked first.
 */
static void db_connect_order_hosts(struct db *db)
{
    const struct db_hosts *h = db->attempt.hosts;
    const bool moved = db->host_id != 0 && db_primary_moved(db->host_id);
    int first = 0;

    if (!h->one_primary && !db->reader)
        return;
    if (db->suspect)
        first = db_hosts_find(h, db->host_id) + 1;
    else if (db->reader)
        first = (scoreboard_self() + 1) % h->n; /* processes spread over the standbys */
    else if (moved)
        first = db_hosts_find(h, db_host_newest());
    if (first > 0 && first < h->n)
        db_hosts_turn(h, first);
}

/* Read anew for each attempt: the resolver may know other addresses by now. */
static void db_connect_begin(struct db *db)
{
    const char *reason = NULL;

    arena_reset(db->scratch);
    db->attempt.begun = mono_now();
    db->attempt.until = deadline_in_ms(db->cfg->database.connect_timeout_ms);
    db->attempt.patience = deadline_in_ms(KNOWN_AWAY_WAIT_MS);
    db->attempt.hosts = db_hosts_read(
        db->scratch, db->reader ? db->cfg->database.read_url : db->cfg->database.url, &reason);
    if (!db->attempt.hosts) {
        db_connect_fail(db, ERR_DB_UNAVAILABLE, reason);
        return;
    }
    db->hosts_n = db->attempt.hosts->n;
    db_connect_order_hosts(db);
    db_connect_begin_at(db, 0);
}

/* On to the next host, if there is one and time for it. */
static void db_connect_begin_next(struct db *db, const char *fault)
{
    const int next = db->attempt.host_now + 1;

    if (next < db->attempt.hosts->n && !deadline_passed(db->attempt.until)) {
        db_disconnect(db);
        db_connect_begin_at(db, next);
    } else {
        db_connect_fail(db, ERR_DB_UNAVAILABLE, fault);
    }
}

/* libpq gives NULL or "" for what it does not know. */
static bool db_connect_is_same(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* libpq goes through the list by itself when a host refuses; follow it. */
static void db_connect_follow_host(struct db *db)
{
    for (int i = db->attempt.host_now; i < db->attempt.hosts->n; i++) {
        const struct db_host *h = &db->attempt.hosts->list[i];
        bool here = (!h->hostaddr[0] || db_connect_is_same(h->hostaddr, PQhostaddr(db->conn))) &&
                    (!h->host[0] || db_connect_is_same(h->host, PQhost(db->conn))) &&
                    (!h->port[0] || db_connect_is_same(h->port, PQport(db->conn)));
        if (!here)
            continue;
        if (i == db->attempt.host_now)
            return;
        for (; db->attempt.host_now < i; db->attempt.host_now++)
            db_connect_note_silence(db, false); /* it refused, which is an answer */
        db_connect_begin_host(db);
        return;
    }
}

/* PQconnectPoll() says what it waits for next; the socket itself may change with it. */
static void db_connect_step_connecting(struct db *db)
{
    PostgresPollingStatusType s = PQconnectPoll(db->conn);

    if (s == PGRES_POLLING_FAILED) {
        db_connect_refuse(db);
    } else if (s == PGRES_POLLING_OK) {
        db_connect_follow_host(db);
        db->state = DB_GREETING;
        if (!db_greet_send(db))
            db_connect_refuse(db);
    } else {
        db->want = s == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        db_connect_follow_host(db);
    }
}

/* Others learn where the session is only after the fence. */
static void db_connect_accept(struct db *db)
{
    if (db->fails > 0)
        LOG(LOG_LEVEL_INFO, "db.connected", F_INT("attempts", db->fails + 1));
    db->state = DB_READY;
    db->one_primary = db->attempt.hosts->one_primary && !db->reader;
    db->host_id = db_host_id(&db->attempt.hosts->list[db->attempt.host_now]);
    if (!db->reader)
        db_fence_keep(db);
    if (!db->reader && !db->scouting)
        db_host_used(db->host_id);
    db->suspect = false;
    db->fails = 0;
}

/* The greeting checks schema and writability in one round trip (db_greet.c): only then is the
 * connection of use. */
static void db_connect_step_greeting(struct db *db)
{
    switch (db_greet_read(db)) {
    case DB_GREET_MORE:
        break;
    case DB_GREET_LOST:
        db_connect_refuse(db);
        break;
    /* Tried again like any failure: somebody may be running `migrate` at this moment. */
    case DB_GREET_SCHEMA:
        db_connect_fail(db, ERR_DB_SCHEMA, db->unfit.sentence);
        break;
    case DB_GREET_DONE:
        db_connect_note_silence(db, false);
        if (db_fence_refuses(db))
            db_connect_begin_next(db, "every server that takes writes is an old primary");
        else
            db_connect_accept(db);
        break;
    }
}

/* Time is up for this host. */
static void db_connect_step_overdue(struct db *db)
{
    db_connect_note_silence(db, true);
    db_connect_begin_next(db, "the server does not answer in time");
}

/* Does what can be done without waiting. */
static void db_connect_step(struct db *db)
{
    struct pollfd p = {.fd = db->conn ? PQsocket(db->conn) : -1, .events = db->want};

    if (db->state == DB_DOWN || db->state == DB_READY)
        return;
    /* libpq takes an unfinished connect for a finished one when it is asked too early. */
    if (poll(&p, 1, 0) > 0) {
        if (db->state == DB_CONNECTING)
            db_connect_step_connecting(db);
        else
            db_connect_step_greeting(db);
    } else if (deadline_passed(db->attempt.host_until)) {
        db_connect_step_overdue(db);
    }
}

/* One attempt belongs to the connection, not to a request: a request that gives up leaves it going,
 * and the next request goes on with it. */
enum err db_connect(struct db *db, struct deadline d)
{
    if (db->state == DB_READY)
        return ERR_OK;
    if (db->state == DB_DOWN) {
        if (db->fails > 0 && !deadline_passed(db->next_try))
            return db->reason;
        db_connect_begin(db);
    }
    if (db->fails > 0) /* known to be away: the attempt goes on, the request does not wait for it */
        d = deadline_min(d, db->attempt.patience);
    for (db_connect_step(db); db->state == DB_CONNECTING || db->state == DB_GREETING;
         db_connect_step(db)) {
        if (deadline_passed(d))
            return ERR_DB_UNAVAILABLE;
        if (db_wait(db, db->want, deadline_min(d, db->attempt.host_until)) < 0) {
            db_connect_refuse(db);
            break;
        }
    }
    return db->state == DB_READY ? ERR_OK : db->reason;
}

/* When an event loop must call db_idle() at the latest. */
struct deadline db_idle_at(const struct db *db)
{
    switch (db->state) {
    case DB_DOWN:
        return db->next_try;
    case DB_CONNECTING:
    case DB_GREETING:
        return db->attempt.host_until;
    case DB_READY:
        break;
    }
    return deadline_in_ms(FAR_MS);
}

/* Between requests: notices that the server went away before a request has to. */
void db_idle(struct db *db)
{
    if (db->state == DB_READY && !db_alive(db)) {
        LOG(LOG_LEVEL_WARN, "db.connection_lost",
            F_STR("reason",
                  db_is_elsewhere(db) ? "another is the primary" : "closed by the server"));
        db_count_error(DB_ERROR_CLASS_CONNECTION);
        db_lost(db);
    }
    if (db->state == DB_DOWN && deadline_passed(db->next_try))
        db_connect_begin(db);
    db_connect_step(db);
}
