/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The socket of a connection and what this connection knows: waiting, reading and writing, prepared
 * statements, its end. Everything above stands on it: opening (db_connect.c), batches
 * (db_exchange.c, db_run.c) and migrations (db_migrate.c).
 */
#include <poll.h>

#include "base/ensure.h"
#include "db_priv.h"
#include "sys/net.h"

/* PQfinish() sends a farewell without waiting for an answer. */
void db_disconnect(struct db *db)
{
    PQfinish(db->conn);
    db->conn = NULL;
    db->state = DB_DOWN;
    db->in_tx = db->running = db->dying = db->pooled = false;
    db->prepared = (struct db_prepared){0};
}

/* At once: a lost connection says nothing about the server. db_connect_fail() adds the pauses. */
void db_lost(struct db *db)
{
    db_disconnect(db);
    db->next_try = deadline_in_ms(0);
}

/* The waiting is measured here and nowhere else: it is what a request spends on the database. */
int db_wait(struct db *db, short events, struct deadline d)
{
    struct mono from = mono_now();
    const int fd = PQsocket(db->conn);
    int ready = db->wait ? db->wait(db->wait_ctx, fd, events, d) : net_wait(fd, events, d);

    db->spent_s += mono_seconds_since(from);
    return ready;
}

bool db_is_elsewhere(const struct db *db)
{
    return db->one_primary && (db_primary_moved(db->host_id) || db_fence_outdated(db));
}

/* A server that shuts down says so between batches. Whoever sends before reading that cannot tell
 * whether its statement was run. */
bool db_alive(struct db *db)
{
    struct pollfd p = {.fd = PQsocket(db->conn), .events = POLLIN};

    while (!db->dying && PQstatus(db->conn) == CONNECTION_OK && poll(&p, 1, 0) > 0) {
        if (!PQconsumeInput(db->conn))
            return false;
        (void)PQisBusy(db->conn); /* parses, which calls the notice receiver */
    }
    if (db_is_elsewhere(db))
        return false; /* it may stay silent for ever: somebody has found the new primary */
    return !db->dying && PQstatus(db->conn) == CONNECTION_OK;
}

static void db_conn_clear_result(void *r)
{
    PQclear(r);
}

/* Results live as long as the request: their texts are used without copies. */
void db_own_result(struct arena *a, PGresult *r)
{
    arena_defer(a, db_conn_clear_result, r);
}

/* Reads while it writes: neither side then waits for the other to empty its buffer. */
enum db_end db_pump(struct db *db, db_gather_fn gather, void *ctx, struct deadline d)
{
    bool open = true;

    for (;;) {
        const int unsent = PQflush(db->conn);
        /* Before a fault is reported: what has come may hold the answer. */
        enum db_end e = gather(ctx);
        if (e != DB_END_MORE)
            return e;
        if (!open || unsent < 0)
            return DB_END_LOST;
        if (deadline_passed(d) || db_wait(db, unsent ? POLLIN | POLLOUT : POLLIN, d) == 0)
            return DB_END_TIMEOUT;
        open = PQconsumeInput(db->conn) == 1;
    }
}

/* Open addressing by address: where the statement is, or would be. */
static const struct db_stmt **db_conn_find_prepared(struct db *db, const struct db_stmt *stmt)
{
    size_t i = ((uintptr_t)stmt / sizeof(*stmt)) & (DB_PREPARED_MAX - 1);

    while (db->prepared.stmts[i] && db->prepared.stmts[i] != stmt)
        i = (i + 1) & (DB_PREPARED_MAX - 1);
    return &db->prepared.stmts[i];
}

bool db_is_prepared(struct db *db, const struct db_stmt *stmt)
{
    return *db_conn_find_prepared(db, stmt) != NULL;
}

void db_set_prepared(struct db *db, const struct db_stmt *stmt)
{
    const struct db_stmt **place = db_conn_find_prepared(db, stmt);

    if (*place)
        return;
    db->prepared.n++;
    /* One place must stay empty, or the search would not end. Statements are known at build time,
     * so a full table is a bug. */
    ENSURE(db->prepared.n < DB_PREPARED_MAX);
    *place = stmt;
}

/* auto: not behind a pooler that hands the server connection to others between transactions. */
bool db_prepared_in_use(const struct db *db)
{
    if (db->cfg->database.prepared == PREPARED_AUTO)
        return !db->pooled;
    return db->cfg->database.prepared == PREPARED_ON;
}

void db_count_error(enum db_error_class class)
{
    METRIC_INC(M_DB_ERRORS, class);
}
