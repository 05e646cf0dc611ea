/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Brings the schema to this program's version. Called by `bookingd migrate` and by tests.
 *
 * Each migration is one transaction that takes the lock first and then looks what is left to do, so
 * a second migrator simply waits, finds it done and goes on. A transaction's lock works through any
 * pooler as well.
 */
#include "db/db_migrate.h"

#include <string.h>

#include "base/ensure.h"
#include "base/num.h"
#include "db_priv.h"

/* The number is "bookingd" in ASCII. */
static const char begin_sql[] =
    "BEGIN;"
    " SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL client_min_messages = "
    "warning;"
    " SELECT pg_advisory_xact_lock(7093009341547702116);"
    " CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT "
    "NULL,"
    " checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
    " SELECT version, checksum FROM schema_migrations ORDER BY version";

/* What one run carries around; on the stack of db_migrate(). */
struct migrator {
    struct db *db;
    struct arena *arena;
    struct deadline deadline;
    struct db_migrate_report *report;
    PGresult *last; /* of what was sent last */
};

/* Only the first line of the server's words: the rest quotes the statement. The connection is
 * dropped, since a transaction of it may be open. */
static enum err db_migrate_fail(struct migrator *m, enum err e, const char *what, const char *why)
{
    m->report->fault = arena_printf(m->arena, "%s: %.*s", what, (int)strcspn(why, "\n"), why);
    db_drop(m->db);
    return e;
}

/* Takes what has come. DONE: all of it, or the first error. */
static enum db_end db_migrate_gather(void *ctx)
{
    struct migrator *m = ctx;

    while (!PQisBusy(m->db->conn)) {
        PGresult *r = PQgetResult(m->db->conn);
        if (!r)
            return DB_END_DONE;
        db_own_result(m->arena, r);
        m->last = r;
        if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
            return DB_END_DONE;
    }
    return DB_END_MORE;
}

/* The last result of what was sent; the first error ends it. */
static enum err db_migrate_read_results(struct migrator *m, const char *what, PGresult **last)
{
    m->last = NULL;
    enum db_end end = db_pump(m->db, db_migrate_gather, m, m->deadline);
    *last = m->last;
    if (end == DB_END_TIMEOUT)
        return db_migrate_fail(m, ERR_DEADLINE, what, "not done in time");
    if (end != DB_END_DONE)
        return db_migrate_fail(m, ERR_DB_UNAVAILABLE, what, "the connection broke");
    ExecStatusType status = m->last ? PQresultStatus(m->last) : PGRES_COMMAND_OK;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return ERR_OK;
    return db_migrate_fail(m, db_fault_of(PQresultErrorField(m->last, PG_DIAG_SQLSTATE))->err, what,
                           PQresultErrorMessage(m->last));
}

/* Simple protocol: several statements in one text. */
static enum err db_migrate_run_text(struct migrator *m, const char *what, const char *sql,
                                    PGresult **last)
{
    m->db->round_trips++;
    if (!PQsendQuery(m->db->conn, sql))
        return db_migrate_fail(m, ERR_DB_UNAVAILABLE, what, PQerrorMessage(m->db->conn));
    return db_migrate_read_results(m, what, last);
}

/* In the same transaction as the change: either both are there or neither. */
static enum err db_migrate_record(struct migrator *m, const struct db_migration *g)
{
    const char *version = arena_printf(m->arena, "%d", g->version);
    const char *params[] = {version, g->name, g->checksum};
    PGresult *r;

    if (!PQsendQueryParams(
            m->db->conn,
            "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)", 3, NULL,
            params, NULL, NULL, 0))
        return db_migrate_fail(m, ERR_DB_UNAVAILABLE, g->name, PQerrorMessage(m->db->conn));
    return db_migrate_read_results(m, g->name, &r);
}

/* Compares what is applied with what is embedded. *at: the newest version that is applied. */
static enum err db_migrate_check_applied(struct migrator *m, const PGresult *applied, int *at)
{
    *at = 0;
    for (int i = 0; i < PQntuples(applied); i++) {
        int64_t version = 0;
        const bool is_number = num_i64(str_of(PQgetvalue(applied, i, 0)), &version);
        ENSURE(is_number); /* an integer column */
        if (version > db_migrations_n)
            /* Going back is not possible: a newer program may have written what this one does not
             * know. */
            return db_migrate_fail(m, ERR_DB_SCHEMA, "the schema is newer than this program",
                                   PQgetvalue(applied, i, 0));
        if (version != *at + 1)
            return db_migrate_fail(m, ERR_DB_SCHEMA,
                                   "a version is missing in schema_migrations before",
                                   PQgetvalue(applied, i, 0));
        if (strcmp(db_migrations[version - 1].checksum, PQgetvalue(applied, i, 1)) != 0)
            return db_migrate_fail(m, ERR_DB_SCHEMA,
                                   "an applied migration is not the one of this program",
                                   PQgetvalue(applied, i, 0));
        *at = (int)version;
    }
    return ERR_OK;
}

static enum err db_migrate_apply(struct migrator *m, const struct db_migration *g)
{
    const char *what = arena_printf(m->arena, "migration %04d %s", g->version, g->name);
    PGresult *r;
    enum err e = db_migrate_run_text(m, what, g->sql, &r);

    if (e == ERR_OK)
        e = db_migrate_record(m, g);
    return e;
}

/* One transaction: *at is the version before it, *done says that it was the newest already. */
static enum err db_migrate_step(struct migrator *m, int *at, bool *done)
{
    PGresult *r;
    enum err e = db_migrate_run_text(m, "schema_migrations", begin_sql, &r);

    if (e == ERR_OK)
        e = db_migrate_check_applied(m, r, at);
    if (e != ERR_OK)
        return e;
    *done = *at == db_migrations_n;
    if (!*done)
        e = db_migrate_apply(m, &db_migrations[*at]);
    if (e == ERR_OK)
        e = db_migrate_run_text(m, "COMMIT", "COMMIT", &r);
    return e;
}

/* One transaction per migration: a failure leaves the schema at a version that has a name. */
static enum err db_migrate_all(struct migrator *m)
{
    struct db_migrate_report *report = m->report;
    bool first = true, done = false;

    while (!done) {
        int at;
        enum err e = db_migrate_step(m, &at, &done);
        if (e != ERR_OK)
            return e;
        if (first)
            report->from = at;
        first = false;
        report->applied += !done;
        report->to = done ? at : at + 1;
    }
    return ERR_OK;
}

enum err db_migrate(struct db *db, struct arena *a, struct deadline d,
                    struct db_migrate_report *report)
{
    struct migrator m = {.db = db, .arena = a, .deadline = d, .report = report};

    *report = (struct db_migrate_report){0};
    ENSURE(!db->require_schema && !db->in_tx);
    enum err e = db_connect(db, d);
    if (e != ERR_OK)
        return db_migrate_fail(&m, e, "connecting", "the database does not answer");
    /* Several statements in one text need the simple protocol, which the pipeline mode refuses. */
    if (!PQexitPipelineMode(db->conn))
        return db_migrate_fail(&m, ERR_DB_UNAVAILABLE, "connecting", PQerrorMessage(db->conn));
    e = db_migrate_all(&m);
    /* The connection's next user expects a pipeline, and no leftover of this. */
    db_drop(db);
    return e;
}
