/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The face of one connection: making it, ending it, and its figures. Called by every process that
 * uses the database; what happens inside is in the other files of this folder. */
#include "db/db.h"
#include "db/db_fit.h"

#include <poll.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "db_priv.h"

/* Room for a whole list of hosts with its options, and for a ROLLBACK: neither may need memory when
 * there is none left. */
#define SCRATCH ((size_t)16 * 1024)

struct db *db_make(const struct config *cfg)
{
    struct db *db = calloc(1, sizeof(*db));
    struct arena *scratch = arena_new(SCRATCH);
    if (!db || !scratch) {
        free(db);
        arena_free(scratch);
        return NULL;
    }
    *db = (struct db){.cfg = cfg,
                      .scratch = scratch,
                      .next_try = deadline_in_ms(0),
                      .reason = ERR_DB_UNAVAILABLE};
    return db;
}

/* Nothing can be served without it, so the process ends and the master tries again later. */
struct db *db_new(const struct config *cfg)
{
    struct db *db = db_make(cfg);
    ENSURE(db); /* at the start of a process */
    return db;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    db_free(db->scout);
    PQfinish(db->conn);
    arena_free(db->scratch);
    free(db);
}

/* Whether it was when somebody last looked. Only a round trip can tell whether it still is. */
bool db_connected(const struct db *db)
{
    return db->state == DB_READY;
}

/* Stays true while the next attempt is under way: only its end says something new. */
bool db_refused(const struct db *db)
{
    return db->state != DB_READY && db->fails > 0 && db->reason == ERR_DB_SCHEMA;
}

/* For event loops: while it connects the events change with each step. */
int db_fd(const struct db *db, short *events)
{
    if (!db->conn)
        return -1;
    *events = db->state == DB_READY ? POLLIN : db->want;
    return PQsocket(db->conn);
}

/* Safe at any moment, also in the middle of a batch: after out of memory nobody knows where it
 * stopped. */
void db_drop(struct db *db)
{
    if (db->conn)
        db_lost(db);
}

/* Called when a request ends, however it ended: the next one must not find an open transaction. */
void db_clean(struct db *db, struct deadline d)
{
    if (db->state != DB_READY)
        return;
    if (db->running)
        db_lost(db);
    else if (db->in_tx)
        db_rollback(db, d);
}

/* The dispatcher's tests and the keeper wait in ways of their own; NULL is net_wait(). */
void db_set_wait(struct db *db, db_wait_fn wait, void *ctx)
{
    db->wait = wait;
    db->wait_ctx = ctx;
}

/* Off for `migrate` alone, which is there to change the schema. */
void db_require_schema(struct db *db, bool wanted)
{
    db->require_schema = wanted;
}

uint64_t db_round_trips(const struct db *db)
{
    return db->round_trips;
}

/* For the access record. */
double db_seconds_spent(const struct db *db)
{
    return db->spent_s;
}

void db_reset_spent(struct db *db)
{
    db->spent_s = 0;
}
