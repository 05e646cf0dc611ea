/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One batch: what is sent around its statements, and what its end means. Called by every service
 * function through db_run(). The rule for a commit in doubt: once anything that commits was handed
 * to the socket only the server's own word makes the outcome known.
 */
#include <string.h>

#include "base/ensure.h"
#include "db_batch_priv.h"
#include "sys/log.h"

/* The server ends an overdue statement by itself (statement_timeout) and keeps the connection, so
 * it gets this much longer than its limit: more than its answer takes on the way. */
#define GRACE_MS 250

/* What each kind of batch is; the enum in db/db.h says what callers use them for. */
static const struct {
    bool begins, ends; /* BEGIN in front, COMMIT behind */
    bool inside;       /* needs an open transaction */
    bool commits;      /* when it has run something is committed */
    bool repeatable;   /* a lost connection takes back what it did */
} kinds[] = {
    [DB_READ] = {.repeatable = true},
    [DB_WRITE] = {.commits = true},
    [DB_BEGIN] = {.begins = true, .repeatable = true},
    [DB_IN_TX] = {.inside = true},
    [DB_COMMIT] = {.inside = true, .ends = true, .commits = true},
    [DB_WHOLE_TX] = {.begins = true, .ends = true, .commits = true},
};

/* Set before the COMMIT is queued: from there on libpq may send it at any time. */
static bool db_run_queue(struct db_batch *b)
{
    if (kinds[b->kind].begins && !db_queue(b, PART_BEGIN, "BEGIN"))
        return false;
    /* A node that freezes must not keep a row locked. What only reads locks nothing. */
    if (b->db->pooled && !kinds[b->kind].inside && b->kind != DB_READ && !db_queue_limits(b))
        return false;
    for (int i = 0; i < b->n; i++)
        if (!db_queue_statement(b, i))
            return false;
    b->may_have_committed = kinds[b->kind].commits;
    if (kinds[b->kind].ends && !db_queue(b, PART_END, "COMMIT"))
        return false;
    return db_queue_sync(b);
}

/* NULL also when the connection broke without a word of the server. */
static const char *db_run_error_field(const struct db_batch *b, int field)
{
    return b->error ? PQresultErrorField(b->error, field) : NULL;
}

/* Did the server say that the transaction failed? FATAL at its very end may have come after the
 * commit. */
static bool db_run_surely_failed(const struct db_batch *b)
{
    if (!db_run_error_field(b, PG_DIAG_SQLSTATE) || b->error_at >= b->parts_n)
        return false;
    enum db_part_kind k = b->parts[b->error_at].kind;
    const char *severity = db_run_error_field(b, PG_DIAG_SEVERITY_NONLOCALIZED);
    return (k != PART_END && k != PART_SYNC) || (severity && strcmp(severity, "ERROR") == 0);
}

/* Which failed, or whose answer was awaited. */
static const char *db_run_failed_statement(const struct db_batch *b)
{
    int at = b->error ? b->error_at : b->at;
    int i = at < b->parts_n ? b->parts[at].i : -1;

    return i >= 0                                             ? b->items[i].stmt->name
           : at < b->parts_n && b->parts[at].kind == PART_END ? "COMMIT"
                                                              : "";
}

/* Messages of the classes 22, 23 and P0 quote values; those of these are about SQL, names and the
 * server (PostgreSQL manual, appendix A). */
static bool db_run_quotes_no_data(const char *state)
{
    static const char *const classes[] = {"08", "0A", "25", "26", "28", "3D", "3F",
                                          "40", "42", "53", "54", "55", "57", "58"};

    for (size_t i = 0; state && i < ARRAY_LEN(classes); i++)
        if (strncmp(state, classes[i], 2) == 0)
            return true;
    return false;
}

/* The statement by its name, never by its text or parameters. */
static void db_run_log_failure(const struct db_batch *b, const char *event, enum err e)
{
    const char *state = db_run_error_field(b, PG_DIAG_SQLSTATE);
    const char *text =
        db_run_quotes_no_data(state) ? db_run_error_field(b, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    LOG(e == ERR_INTERNAL ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, event, F_STR("code", err_code(e)),
        F_STR("sqlstate", state ? state : ""), F_STR("statement", db_run_failed_statement(b)),
        F_STR("reason", text ? text : ""));
}

/* Whose limit was it? The request's own time is `deadline`; the statement's limit alone is trouble
 * of the database. */
static enum err db_run_end_timeout(struct db_batch *b, struct deadline d)
{
    bool unknown = b->may_have_committed && !db_run_surely_failed(b);
    enum err e = unknown              ? ERR_COMMIT_UNKNOWN
                 : deadline_passed(d) ? ERR_DEADLINE
                                      : ERR_DB_UNAVAILABLE;

    b->db->suspect = b->db->suspect || unknown;
    db_count_error(unknown ? DB_ERROR_CLASS_COMMIT_UNKNOWN : DB_ERROR_CLASS_TIMEOUT);
    db_run_log_failure(b, "db.timeout", e);
    return e;
}

/* The socket broke, or the server said FATAL. */
static enum err db_run_end_lost(struct db_batch *b)
{
    const struct db_fault *f = db_fault_of(db_run_error_field(b, PG_DIAG_SQLSTATE));
    bool unknown = b->may_have_committed && !db_run_surely_failed(b);
    enum err e = unknown ? ERR_COMMIT_UNKNOWN : ERR_DB_UNAVAILABLE;

    b->broken = true;
    db_count_error(unknown         ? DB_ERROR_CLASS_COMMIT_UNKNOWN
                   : f->class >= 0 ? (enum db_error_class)f->class
                                   : DB_ERROR_CLASS_CONNECTION);
    db_run_log_failure(b, "db.connection_lost", e);
    return e;
}

/* All answers are there, one of them an error. */
static enum err db_run_end_refused(struct db_batch *b, struct deadline d)
{
    const struct db_fault *f = db_fault_of(db_run_error_field(b, PG_DIAG_SQLSTATE));

    /* A unique violation is an answer and is not logged; callers expect it. */
    if (f->class >= 0) {
        db_count_error((enum db_error_class)f->class);
        db_run_log_failure(b, "db.statement_failed", f->err);
    }
    b->broken = f->reconnect;
    if (f->reconnect)
        db_lost(b->db);
    else if (b->db->in_tx)
        db_rollback(b->db, d);
    return f->err;
}

/* After a timeout the connection is dropped: its answers would be taken for those of the next
 * batch. */
static enum err db_run_settle(struct db_batch *b, enum db_end end, struct deadline d)
{
    struct db *db = b->db;

    db->running = false;
    if (end != DB_END_DONE) {
        db_lost(db);
        /* The commit is known even when only the rest of the answer was lost. */
        b->ok = b->ended && !b->error;
        if (b->ok)
            return ERR_OK;
        return end == DB_END_TIMEOUT ? db_run_end_timeout(b, d) : db_run_end_lost(b);
    }
    db->in_tx = PQtransactionStatus(db->conn) != PQTRANS_IDLE;
    if (b->error)
        return db_run_end_refused(b, d);
    b->ok = !kinds[b->kind].ends || b->ended;
    /* COMMIT that answered ROLLBACK without an error before: cannot happen with these
     * statements. */
    return b->ok ? ERR_OK : ERR_INTERNAL;
}

/* The server's limit counts per statement, so ours is the sum. */
static enum err db_run_once(struct db_batch *b, struct deadline d)
{
    int64_t each = b->db->cfg->database.statement_timeout_ms;
    int count = b->n + kinds[b->kind].begins + kinds[b->kind].ends + b->db->pooled;
    enum db_end end = DB_END_LOST;

    db_batch_reset(b);
    b->db->running = true;
    if (db_run_queue(b))
        end = db_exchange(b, deadline_cap(d, each * count + GRACE_MS));
    return db_run_settle(b, end, d);
}

/* Nothing is sent on a connection that has ended already: what is not sent is not in doubt. */
static enum err db_run_connect(struct db *db, struct deadline d)
{
    if (db->state == DB_READY && !db_alive(db))
        db_lost(db);
    return db_connect(db, d);
}

/* Runs a batch once; a second time only when the first left nothing behind and the connection was
 * what failed. */
enum err db_run(struct db_batch *b, struct deadline d)
{
    struct db *db = b->db;
    bool inside = kinds[b->kind].inside;

    /* A batch inside a transaction without one, or the other way round, is a bug of the caller. */
    ENSURE(!b->has_run && inside == db->in_tx);
    b->has_run = true;
    if (deadline_passed(d)) {
        if (inside)
            db_lost(db); /* no time for a ROLLBACK; the server does it for a connection that ends */
        return ERR_DEADLINE;
    }
    enum err e = inside ? ERR_OK : db_run_connect(db, d);
    if (e != ERR_OK)
        return e;
    e = db_run_once(b, d);
    /* The connection broke under a batch that left nothing behind: the server was restarted, or is
     * another now. */
    if (e == ERR_OK || !b->broken || !kinds[b->kind].repeatable || deadline_passed(d))
        return e;
    e = db_connect(db, d);
    return e == ERR_OK ? db_run_once(b, d) : e;
}

/* Without a deadline check: an open transaction holds locks, and its end is short. */
void db_rollback(struct db *db, struct deadline d)
{
    arena_reset(db->scratch);
    struct db_batch *b = db_batch(db, db->scratch, DB_IN_TX);
    int64_t limit = db->cfg->database.statement_timeout_ms;
    enum db_end end = DB_END_LOST;

    db->running = true;
    if (db_queue(b, PART_END, "ROLLBACK") && db_queue_sync(b))
        end = db_exchange(b, deadline_cap(d, limit));
    db->running = false;
    if (end != DB_END_DONE || b->error)
        db_lost(db);
    else
        db->in_tx = false;
}
