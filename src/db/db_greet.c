/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The first round trip of a connection: are we talking to the process that greeted us, or is a
 * pooler in between; if not, the session's settings; and the schema's version. Called by
 * db_connect.c.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "db_priv.h"

/*
 * Behind a transaction pooler settings would stick to a server connection that others share, so
 * they are made only where pg_backend_pid() is what the greeting said. current_setting(): older
 * servers lack some.
 *   lock_timeout                       below statement_timeout, so that a lock is named as the
 *                                      reason
 *   idle_in_transaction...             a frozen client does not hold its locks for ever
 *   client_connection_check_interval   a killed client's statement ends, and its locks with it
 *   jit                                the planner overrates set-returning functions; compiling
 *                                      costs more than they do
 */
static const char settings_sql[] =
    "SELECT set_config(s.name, s.value, false) FROM (VALUES"
    " ('statement_timeout', $2), ('lock_timeout', $3), ('idle_in_transaction_session_timeout', $4),"
    " ('client_connection_check_interval', '500'), ('timezone', 'UTC'), ('datestyle', 'ISO, YMD'),"
    " ('default_transaction_isolation', 'read committed'), ('jit', 'off')) AS s (name, value)"
    " WHERE pg_backend_pid() = $1::integer AND current_setting(s.name, true) IS NOT NULL";

static const char version_sql[] = "SELECT coalesce(max(version), 0) FROM schema_migrations";

/* lock_timeout is three quarters of the statement's time; a transaction may be idle for two
 * statements and a second. */
bool db_greet_send(struct db *db)
{
    char pid[16], statement[24], lock[24], idle[24];
    int64_t ms = db->cfg->database.statement_timeout_ms;
    const char *values[] = {pid, statement, lock, idle};

    snprintf(pid, sizeof(pid), "%d", PQbackendPID(db->conn));
    snprintf(statement, sizeof(statement), "%lld", (long long)ms);
    snprintf(lock, sizeof(lock), "%lld", (long long)(ms - ms / 4));
    snprintf(idle, sizeof(idle), "%lld", (long long)ms * 2 + 1000);
    db->pooled = true; /* until rows say otherwise */
    db->want = POLLIN | POLLOUT;
    db->round_trips++;
    if (PQsetnonblocking(db->conn, 1) != 0 || !PQenterPipelineMode(db->conn) ||
        !PQsendQueryParams(db->conn, settings_sql, 4, NULL, values, NULL, NULL, 0))
        return false;
    /* Last, since the error of a missing table takes back what the batch did. */
    if (db->require_schema &&
        !PQsendQueryParams(db->conn, version_sql, 0, NULL, NULL, NULL, NULL, 0))
        return false;
    return PQpipelineSync(db->conn) == 1;
}

/* embed.py numbers migrations from 1 without gaps. */
extern const int db_migrations_n;

/* The number of migrations that were built in. */
int db_schema_version(void)
{
    return db_migrations_n;
}

/* Exactly ours: a newer schema may have columns that must be filled. */
static bool db_greet_is_our_schema(const char *version)
{
    int64_t v;

    return num_i64(str_of(version), &v) && v == db_schema_version();
}

/* What one result says; MORE: nothing final yet. */
static enum db_greet db_greet_take(struct db *db, const PGresult *r)
{
    ExecStatusType status = PQresultStatus(r);

    if (status == PGRES_PIPELINE_SYNC)
        return DB_GREET_DONE;
    if (status == PGRES_TUPLES_OK) {
        if (strcmp(PQfname(r, 0), "set_config") == 0)
            db->pooled = PQntuples(r) == 0;
        else if (!db_greet_is_our_schema(PQgetvalue(r, 0, 0)))
            return DB_GREET_SCHEMA;
        return DB_GREET_MORE;
    }
    const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    /* No table of migrations: an empty database. The hint is the same as for an old one. */
    bool undefined_table = state && strcmp(state, "42P01") == 0;
    return undefined_table ? DB_GREET_SCHEMA : DB_GREET_LOST;
}

enum db_greet db_greet_read(struct db *db)
{
    int unsent = PQflush(db->conn);

    if (unsent < 0 || !PQconsumeInput(db->conn))
        return DB_GREET_LOST;
    db->want = unsent ? POLLIN | POLLOUT : POLLIN;
    for (int ends = 0; !PQisBusy(db->conn);) {
        PGresult *r = PQgetResult(db->conn);
        if (!r && (ends++ > 0 || PQstatus(db->conn) == CONNECTION_BAD))
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
