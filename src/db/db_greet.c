/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The first round trip of a connection: are we talking to the process that greeted us, or is a
 * pooler in between; if not, the session's settings; and whether the database is one to work with.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "db/db_fit.h"
#include "db/db_sql.h"
#include "db_batch_priv.h"

/* What the database must be, and its version. Last in the batch, since the error of a missing table
 * takes back what the batch did. */
static bool db_greet_send_checks(struct db *db)
{
    char version[16];
    const char *params[] = {version}, *not_before_migrations[] = {"f"};

    snprintf(version, sizeof(version), "%d", db_schema_version());
    return PQsendQueryParams(db->conn, stmt_db_fit.sql, 1, NULL, not_before_migrations, NULL, NULL,
                             0) &&
           PQsendQueryParams(db->conn, stmt_db_version.sql, 1, NULL, params, NULL, NULL, 0);
}

/* A transaction that stays open over the end of a batch: PgBouncer's statement mode refuses it, and
 * would otherwise refuse the first booking. In the same round trip as the rest. */
static bool db_greet_send_probe(struct db *db)
{
    return PQsendQueryParams(db->conn, "BEGIN", 0, NULL, NULL, NULL, NULL, 0) &&
           PQpipelineSync(db->conn) == 1 &&
           PQsendQueryParams(db->conn, "COMMIT", 0, NULL, NULL, NULL, NULL, 0);
}

/* In PgBouncer's words: "transaction blocks not allowed in statement pooling mode". */
static bool db_greet_is_statement_mode(const PGresult *r)
{
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);

    return text && strstr(text, "statement pooling");
}

/* Apart from the rest, in the same round trip: a server that has no such functions (some of the
 * clouds' own) is used without the fence. */
static bool db_greet_send_timeline(struct db *db)
{
    return PQsendQueryParams(db->conn, stmt_db_timeline.sql, 0, NULL, NULL, NULL, NULL, 0) &&
           PQpipelineSync(db->conn) == 1;
}

/* Between two batches of a transaction a worker only computes. 3 s: whoever is frozen in one keeps
 * its rows from others for less than 5 s, the time in which they give up included. */
#define IDLE_MAX_MS 3000

/* lock_timeout is three quarters of the statement's time, so that a lock is named as the reason; a
 * transaction may be idle for two statements and a second. */
void db_limits_of(const struct config *cfg, struct db_limits *l)
{
    const int64_t ms = cfg->database.statement_timeout_ms;
    const int64_t idle = ms * 2 + 1000 < IDLE_MAX_MS ? ms * 2 + 1000 : IDLE_MAX_MS;

    l->statement = num_text(ms, l->text[0]);
    l->lock = num_text(ms - ms / 4, l->text[1]);
    l->idle = num_text(idle, l->text[2]);
}

bool db_greet_send(struct db *db)
{
    char pid[NUM_TEXT_MAX];
    struct db_limits limits;

    db_limits_of(db->cfg, &limits);
    const char *values[] = {num_text(PQbackendPID(db->conn), pid), limits.statement, limits.lock,
                            limits.idle};
    db->pooled = true; /* until rows say otherwise */
    db->want = POLLIN | POLLOUT;
    db->round_trips++;
    db->asks_timeline = db->attempt.hosts->one_primary && !db->reader;
    db->timeline = (struct db_timeline){0};
    db->greet_batches = (db->require_schema ? 2 : 1) + db->asks_timeline;
    if (PQsetnonblocking(db->conn, 1) != 0 || !PQenterPipelineMode(db->conn) ||
        (db->require_schema && !db_greet_send_probe(db)) ||
        !PQsendQueryParams(db->conn, stmt_db_settings.sql, 4, NULL, values, NULL, NULL, 0))
        return false;
    if (db->require_schema && !db_greet_send_checks(db))
        return false;
    return PQpipelineSync(db->conn) == 1 && (!db->asks_timeline || db_greet_send_timeline(db));
}

/* What one result says; MORE: nothing final yet. */
static enum db_greet db_greet_take(struct db *db, const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);

    if (status == PGRES_PIPELINE_SYNC)
        return --db->greet_batches > 0 ? DB_GREET_MORE : DB_GREET_DONE;
    if (status == PGRES_COMMAND_OK)
        return DB_GREET_MORE;
    if (db->asks_timeline && db->greet_batches == 1) {
        db_fence_take(db, r);
        return DB_GREET_MORE;
    }
    if (db_greet_is_statement_mode(r)) {
        (void)db_fit_set(&db->unfit, "pooler_mode", PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
        return DB_GREET_SCHEMA;
    }
    if (status != PGRES_TUPLES_OK)
        return DB_GREET_LOST;
    const char *first = PQfname(r, 0);
    bool fits = true;
    if (strcmp(first, "set_config") == 0)
        db->pooled = PQntuples(r) == 0;
    else if (strcmp(first, "fault") == 0)
        fits = db_fit_take_faults(&db->unfit, r);
    else
        fits = db_fit_take_version(&db->unfit, r);
    return fits ? DB_GREET_MORE : DB_GREET_SCHEMA;
}

enum db_greet db_greet_read(struct db *db)
{
    int unsent = PQflush(db->conn);

    if (unsent < 0 || !PQconsumeInput(db->conn))
        return DB_GREET_LOST;
    db->want = unsent ? POLLIN | POLLOUT : POLLIN;
    for (int ends = 0; !PQisBusy(db->conn);) {
        PGresult *r = PQgetResult(db->conn);
        if (!r && (ends++ > 1 || PQstatus(db->conn) == CONNECTION_BAD))
            return DB_GREET_LOST;
        if (!r)
            continue; /* a statement's end */
        ends = 0;
        enum db_greet g = db_greet_take(db, r);
        PQclear(r);
        if (g != DB_GREET_MORE)
            return g;
    }
    return DB_GREET_MORE;
}
