/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reads on standbys (database.read_url). Called by the worker's api for slots, days and the public
 * catalogue. A standby is an offer and never a need: each step here has a small limit of its own,
 * and its fault sends the request to the primary.
 */
#include "db/db_reader.h"

#include <stdlib.h>

#include "base/ensure.h"
#include "db/db_fit.h"
#include "db/db_sql.h"
#include "db_priv.h"
#include "sys/log.h"

/* A connection on one continent comes in less; a request does not wait longer for it. */
#define CONNECT_WAIT_MS 100
/* Two round trips and a loaded server; a frozen one is found out by this. */
#define CHECK_WAIT_MS 250
/* A standby's lag changes by at most this much between two looks, so it adds little to the
 * bound. */
#define CHECK_EVERY_MS 1000
/* Long enough that a standby which hangs costs one request in some hundred, and short enough that
 * nobody misses it when it is back. */
#define PAUSE_MS 5000
/* A standby that was cut off from its primary cannot know what it misses. It notices after
 * wal_receiver_timeout, by default 60 s; for as long again it is used, since a primary that is down
 * misses nothing either. */
#define CUT_OFF_MS 60000

struct db_reader {
    struct db *db;
    int64_t max_lag_ms;
    struct deadline checked_until; /* the last look at the lag holds */
    struct deadline cut_off_at;    /* when a standby that receives nothing is too old */
    bool followed;                 /* in this session it has received from its primary */
    bool failed;                   /* and nothing has succeeded since */
};

struct db_reader *db_reader_new(const struct config *cfg)
{
    if (!cfg->database.read_url)
        return NULL;
    struct db_reader *r = calloc(1, sizeof(*r));
    ENSURE(r); /* at the start of a process, as db_new() */
    *r = (struct db_reader){.db = db_new(cfg), .max_lag_ms = cfg->database.read_max_lag_ms};
    r->db->reader = true;
    db_require_schema(r->db, true);
    return r;
}

void db_reader_free(struct db_reader *r)
{
    if (!r)
        return;
    db_free(r->db);
    free(r);
}

struct db *db_reader_db(struct db_reader *r)
{
    return r ? r->db : NULL;
}

void db_reader_succeeded(struct db_reader *r)
{
    r->failed = false;
    if (db_reads_resume())
        LOG(LOG_LEVEL_INFO, "db.standby_used", F_STR("reason", "it answers again"));
}

/* With several standbys the first fault moves this process to another one; the second in a row is
 * no fault of one server. */
void db_reader_failed(struct db_reader *r, const char *reason)
{
    const bool again = r->failed || r->db->hosts_n < 2;

    r->failed = true;
    r->db->suspect = true;
    if (r->db->conn)
        db_lost(r->db);
    if (again && db_reads_pause(PAUSE_MS))
        LOG(LOG_LEVEL_WARN, "db.standby_left", F_STR("reason", reason));
}

/* Connecting goes on from request to request; only the first waits for it. */
static bool db_reader_connect(struct db_reader *r, struct deadline d)
{
    struct db *db = r->db;
    const bool under_way = db->state == DB_CONNECTING || db->state == DB_GREETING;

    if (db->state == DB_READY && !db_alive(db))
        db_lost(db);
    if (db->state == DB_READY)
        return true;
    const enum err e =
        db_connect(db, under_way ? deadline_in_ms(0) : deadline_cap(d, CONNECT_WAIT_MS));
    if (e != ERR_OK && db->state == DB_DOWN)
        db_reader_failed(r, e == ERR_DB_SCHEMA ? db->unfit.sentence : "no connection");
    r->followed = false;
    r->checked_until = deadline_in_ms(0);
    return e == ERR_OK;
}

/* NULL, or why the server is too far behind. One that is no standby is behind nobody. */
static const char *db_reader_judge(struct db_reader *r, struct db_rows rows)
{
    if (!db_get_bool(rows, 0, "standby"))
        return NULL;
    if (db_get_bool(rows, 0, "receiving")) {
        r->followed = true;
        r->cut_off_at = deadline_in_ms(CUT_OFF_MS);
    }
    if (!r->followed || deadline_passed(r->cut_off_at))
        return "it receives nothing from its primary";
    return db_get_int(rows, 0, "lag_ms") > r->max_lag_ms ? "it is behind its primary" : NULL;
}

/* Every second, a round trip of its own. */
static bool db_reader_check(struct db_reader *r, struct arena *a, struct deadline d)
{
    if (!deadline_passed(r->checked_until))
        return true;
    struct db_batch *b = db_batch(r->db, a, DB_READ);
    const int at = db_add(b, &stmt_db_lag, NULL, 0);
    const enum err e = db_run(b, deadline_cap(d, CHECK_WAIT_MS));
    const char *fault = e == ERR_OK ? db_reader_judge(r, db_result(b, at)) : "it does not answer";
    if (fault)
        db_reader_failed(r, fault);
    r->checked_until = deadline_in_ms(CHECK_EVERY_MS);
    return fault == NULL;
}

struct db *db_reader_take(struct db_reader *r, struct arena *a, struct deadline d)
{
    if (!db_reads_allowed(PAUSE_MS) || !db_reader_connect(r, d) || !db_reader_check(r, a, d))
        return NULL;
    return r->db;
}
