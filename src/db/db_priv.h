/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the files of the db layer share: the connection's state, and what each offers the others. */
#ifndef BOOKINGD_DB_DB_PRIV_H
#define BOOKINGD_DB_DB_PRIV_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/db.h"
#include "db/db_fit.h"
#include "db_hosts.h"
#include "domain/metrics.h"

enum db_state {
    DB_DOWN,       /* no connection; next_try says when there may be one */
    DB_CONNECTING, /* PQconnectPoll */
    DB_GREETING,   /* settings sent, answers awaited */
    DB_READY
};

/* A power of two, four times the number of statements and more: places are found at once. */
#define DB_PREPARED_MAX 1024
struct db_prepared {
    const struct db_stmt *stmts[DB_PREPARED_MAX]; /* open addressing by address */
    int n;
};

/* One attempt to connect; hosts and their texts are on the scratch arena. */
struct db_attempt {
    const struct db_hosts *hosts;
    int host_now; /* the one of hosts that libpq is at */
    struct deadline host_until;
    struct mono begun;
    struct deadline until;
    struct deadline patience; /* of requests, when the attempt before this one failed */
};

/* What this process knows of it (db_fence.c). */
struct db_fence {
    struct db_timeline newest;      /* of the servers that it had sessions with */
    struct deadline believed_until; /* a newer one that shared memory tells */
    bool doubts, disbelieves;
};

struct db {
    const struct config *cfg;
    PGconn *conn;
    enum db_state state;
    short want; /* poll events while connecting or greeting */
    struct arena *scratch;
    struct db_attempt attempt;
    unsigned fails; /* attempts since the last good connection */
    struct deadline next_try;
    enum err reason;  /* of the last failed attempt */
    uint32_t host_id; /* of the session */
    bool one_primary; /* of the hosts only one can be right: where the newest session is */
    struct db_timeline timeline; /* of the session */
    struct db_fence fence;
    bool suspect;     /* a commit there ran out of time: the other hosts are asked first */
    bool reader;      /* of database.read_url (db_reader.c): any of its hosts will do */
    int hosts_n;      /* of the last attempt */
    struct db *scout; /* the keeper's second one (db_look.c), NULL before the first look */
    bool scouting;    /* this is such a one */
    bool require_schema;
    bool asks_timeline; /* in the greeting */
    int greet_batches;  /* of the greeting whose end has not come yet */
    struct db_unfit unfit;
    bool pooled;  /* the backend is not the process that we greeted */
    bool in_tx;   /* BEGIN was answered, its end was not */
    bool running; /* inside db_run: a jump out of it leaves unread answers */
    bool dying;   /* the server said that it ends this connection */
    struct db_prepared prepared;
    db_wait_fn wait; /* NULL: net_wait */
    void *wait_ctx;
    uint64_t round_trips;
    double spent_s;
};

struct db *db_make(const struct config *cfg) MUST_CHECK; /* db_free() frees; NULL: no memory */

/* ---- db_conn.c: the socket, and what this connection knows ---- */

/* Ends the connection; the caller sets when to try again. */
void db_disconnect(struct db *db);
void db_lost(struct db *db); /* the same, and the next attempt may begin at once */
/* Waits for the socket, counting the time. 1 ready, 0 time is up, -1 lost. */
int db_wait(struct db *db, short events, struct deadline d) MUST_CHECK;
/* Another server of the list is the primary by now. */
bool db_is_elsewhere(const struct db *db);
/* Reads what came unasked between batches; false when the connection has ended. */
bool db_alive(struct db *db) MUST_CHECK;
/* Sends what is queued and reads until `gather`, which takes what has come, says something other
 * than DB_END_MORE, the connection is lost, or d passes. */
enum db_end { DB_END_MORE, DB_END_DONE, DB_END_LOST, DB_END_TIMEOUT };
typedef enum db_end (*db_gather_fn)(void *ctx);
enum db_end db_pump(struct db *db, db_gather_fn gather, void *ctx, struct deadline d) MUST_CHECK;
/* The result lives as long as the arena. */
void db_own_result(struct arena *a, PGresult *r);
void db_count_error(enum db_error_class class);
bool db_is_prepared(struct db *db, const struct db_stmt *stmt);
void db_set_prepared(struct db *db, const struct db_stmt *stmt);

/* ---- db_greet.c: the first round trip ---- */

/* Queues it; false when the connection is lost. */
bool db_greet_send(struct db *db) MUST_CHECK;
enum db_greet { DB_GREET_MORE, DB_GREET_DONE, DB_GREET_LOST, DB_GREET_SCHEMA };
/* Takes what has come; db->want says what to wait for. */
enum db_greet db_greet_read(struct db *db) MUST_CHECK;

/* ---- db_fence.c: is it an old primary ---- */

/* Reads the answer of db_timeline, whatever it is. */
void db_fence_take(struct db *db, const PGresult *r);
/* Whether the server that is greeted is on an older timeline than one that was seen. */
bool db_fence_refuses(struct db *db) MUST_CHECK;
/* The session is begun: its timeline is the newest. */
void db_fence_keep(struct db *db);
/* Another server was promoted after that of the session. */
bool db_fence_outdated(const struct db *db);

/* ---- db_fit.c: is it a database to work with ---- */

/* Notes the fault of src/db/db_fit.def by its name; always false. */
bool db_fit_set(struct db_unfit *u, const char *name, const char *detail);
/* Judge the answers of db_fit (or db_fit_create) and db_version. False: *u says what is wrong. */
bool db_fit_take_faults(struct db_unfit *u, const PGresult *r) MUST_CHECK;
bool db_fit_take_version(struct db_unfit *u, const PGresult *r) MUST_CHECK;

/* ---- db_run.c ---- */

void db_rollback(struct db *db, struct deadline d); /* or the connection is dropped, after d */

/* ---- db_err.c: the only place that knows SQLSTATEs ---- */

struct db_fault {
    const char *sqlstate; /* or its beginning */
    enum err err;
    int class;      /* enum db_error_class; -1: an answer, not an error */
    bool reconnect; /* this connection is of no more use */
};
/* A row of a constant table, never NULL; sqlstate may be NULL (the connection broke). */
const struct db_fault *db_fault_of(const char *sqlstate);

#endif
