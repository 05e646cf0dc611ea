/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The process's one connection to PostgreSQL, opened after fork. Everything is asynchronous libpq
 * and poll() under a deadline: blocking calls cannot be bounded when a server is frozen, and
 * PQcancel blocks as well (both were seen to), so a statement that runs out of time costs the
 * connection; it is never cancelled. A batch is a libpq pipeline: its statements go out
 * together and cost one round trip.
 */
#ifndef BOOKINGD_DB_DB_H
#define BOOKINGD_DB_DB_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/uuid.h"
#include "domain/config.h"

struct db;

/* A statement, defined once in a static table by the module that owns it. Prepared on first use per
 * connection. */
struct db_stmt {
    const char *name; /* unique in the program: "booking_insert" */
    const char *sql;
};
/* What the head of an embedded statement promises (src/db/embed.py); tests/db/check_statements.c
 * holds it against the schema. */
struct db_stmt_head {
    const struct db_stmt *stmt;
    int params_n;
    const char *index;   /* that EXPLAIN must show; NULL: none is promised */
    const char *returns; /* names of the columns, or "nothing" */
};

/* ---- life of the connection ---- */

/* Not connected yet. Lives until db_free(). */
struct db *db_new(const struct config *cfg) MUST_CHECK;
void db_free(struct db *db);
/* Connects if need be, before the deadline (capped by database.connect_timeout): ERR_OK,
 * ERR_DB_UNAVAILABLE or ERR_DB_SCHEMA. Within the backoff after a failure it refuses at once. */
enum err db_connect(struct db *db, struct deadline d) MUST_CHECK;
bool db_connected(const struct db *db);
/* There is no connection, since the database did not fit when it was last asked. */
bool db_refused(const struct db *db);
/*
 * For event loops, between requests: descriptor to poll and its events (-1: none), and when to call
 * db_idle() at the latest. db_idle() notices a closed connection at once and reconnects in the
 * background, with backoff and jitter, never blocking.
 */
int db_fd(const struct db *db, short *events);
struct deadline db_idle_at(const struct db *db);
void db_idle(struct db *db);
/* The keeper's, between tasks: asks the other hosts of the list, over a connection of its own,
 * whether one was promoted since; all sessions of this node then move there. Until d at most; with
 * one host it does nothing. */
void db_look_around(struct db *db, struct deadline d);
/* Drops the connection, e.g. after the arena was reset in the middle of a batch. Safe at any time.
 */
void db_drop(struct db *db);
/* Ends an open transaction if there is one (ROLLBACK, or drops the connection when that fails). For
 * the request's boundary. */
void db_clean(struct db *db, struct deadline d);
/*
 * Who waits: instead of poll(2), `wait` is asked for events on the connection's descriptor until d
 * (the monitor serves scrapes meanwhile). 1 ready, 0 time is up, -1 error, as net_wait(). It must
 * not use this db.
 */
typedef int (*db_wait_fn)(void *ctx, int fd, short events, struct deadline d);
void db_set_wait(struct db *db, db_wait_fn wait, void *ctx);

/* ---- figures ---- */
uint64_t db_round_trips(const struct db *db); /* since db_new */
double
db_seconds_spent(const struct db *db); /* waiting for the database since the last db_reset_spent */
void db_reset_spent(struct db *db);
bool db_prepared_in_use(const struct db *db); /* false behind a transaction pooler */

/* ---- batches ---- */

/* What a lost connection means for the outcome. */
enum db_kind {
    DB_READ,    /* nothing changes: ERR_DB_UNAVAILABLE */
    DB_WRITE,   /* one implicit transaction that commits: ERR_COMMIT_UNKNOWN once it was sent */
    DB_BEGIN,   /* opens a transaction and leaves it open (BEGIN is added in front) */
    DB_IN_TX,   /* inside an open transaction */
    DB_COMMIT,  /* ends it (COMMIT is added behind): ERR_COMMIT_UNKNOWN once it was sent */
    DB_WHOLE_TX /* BEGIN and COMMIT around this one batch */
};

#define DB_BATCH_MAX 24
#define DB_PARAMS_MAX 24

struct db_batch; /* on the arena */

/* An empty batch; it lives in the arena. */
struct db_batch *db_batch(struct db *db, struct arena *a, enum db_kind kind);
/* Adds a statement with `n` text parameters (NULL is NULL; borrowed until the batch has run).
 * Returns its index. */
int db_add(struct db_batch *b, const struct db_stmt *stmt, const char *const *params, int n);
#define DB_ADD(b, stmt, ...)                                \
    db_add((b), (stmt), (const char *const[]){__VA_ARGS__}, \
           (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))
/*
 * Runs it, once: one round trip. Every statement gets min(database.statement_timeout, what is left
 * to `d`). The first failing statement decides: its SQLSTATE becomes an enum err (db_err.c is the
 * only place), and the open transaction, if any, is rolled back (one round trip more). After ERR_OK
 * all results are there. ERR_DEADLINE: `d` passed; the connection is gone. ERR_DB_UNAVAILABLE: no
 * connection, it broke, or a statement took too long. ERR_OVERLOADED: a lock was not to be had in
 * time. ERR_INTERNAL: any SQLSTATE that nobody expects. DB_READ and DB_BEGIN are repeated once by
 * themselves when the connection breaks under them.
 */
enum err db_run(struct db_batch *b, struct deadline d) MUST_CHECK;

/* Parameters made on the batch's arena. */
const char *db_int(struct db_batch *b, int64_t v);
const char *db_bool(bool v); /* "t" "f" */
const char *db_time(struct db_batch *b,
                    struct wall w); /* RFC 3339 in UTC with microseconds: cast with ::timestamptz */
const char *db_str(struct db_batch *b, struct str s); /* NUL-terminated copy; absent becomes NULL */

/* ---- results: typed getters, the only way to read them ---- */
struct db_rows {
    const PGresult *res;
};
/* Result of statement i; lives as long as the arena. */
struct db_rows db_result(const struct db_batch *b, int i);
int db_count(struct db_rows r);
/* Rows changed by an INSERT, UPDATE or DELETE. */
int64_t db_affected(struct db_rows r);
/* Columns by name; a name that the statement does not return is a bug and aborts. A NULL where none
 * is expected aborts too: ask db_is_null first, or use the _or forms. */
bool db_is_null(struct db_rows r, int row, const char *col);
const char *db_get(struct db_rows r, int row, const char *col); /* NULL for NULL */
const char *db_get_str(struct db_rows r, int row, const char *col);
int64_t db_get_int(struct db_rows r, int row, const char *col);
bool db_get_bool(struct db_rows r, int row, const char *col);
struct wall db_get_time(struct db_rows r, int row,
                        const char *col); /* the column is in microseconds since 1970 */
struct uuid db_get_uuid(struct db_rows r, int row, const char *col);

#endif
