/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Each migration is one transaction that takes the lock first and then looks what is left to do, so
 * a second migrator simply waits, finds it done and goes on. A transaction's lock works through any
 * pooler as well.
 */
#include "db/db_migrate.h"

#include <poll.h>
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

struct migrator {
    struct db *db;
    struct arena *arena;
    struct deadline deadline;
    struct db_migrate_report *report;
};

static void clear_result(void *r)
{
    PQclear(r);
}

static enum err fail(struct migrator *m, enum err e, const char *what, const char *why)
{
    m->report->fault = arena_printf(m->arena, "%s: %.*s", what, (int)strcspn(why, "\n"), why);
    db_drop(m->db);
    return e;
}

/* The last result of what was sent; the first error ends it. */
static enum err results(struct migrator *m, const char *what, PGresult **last)
{
    PGconn *c = m->db->conn;
    PGresult *r = NULL;
    bool open = true;

    *last = NULL;
    for (;;) {
        int unsent = PQflush(c);
        while (!PQisBusy(c)) {
            r = PQgetResult(c);
            if (!r)
                return ERR_OK;
            arena_defer(m->arena, clear_result, r);
            *last = r;
            if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
                return fail(m, db_fault_of(PQresultErrorField(r, PG_DIAG_SQLSTATE))->err, what,
                            PQresultErrorMessage(r));
        }
        if (!open || unsent < 0)
            return fail(m, ERR_DB_UNAVAILABLE, what, "the connection broke");
        if (deadline_passed(m->deadline) ||
            db_wait(m->db, unsent ? POLLIN | POLLOUT : POLLIN, m->deadline) == 0)
            return fail(m, ERR_DEADLINE, what, "not done in time");
        open = PQconsumeInput(c) == 1;
    }
}

/* Simple protocol: several statements in one text. */
static enum err run(struct migrator *m, const char *what, const char *sql, PGresult **last)
{
    m->db->round_trips++;
    if (!PQsendQuery(m->db->conn, sql))
        return fail(m, ERR_DB_UNAVAILABLE, what, PQerrorMessage(m->db->conn));
    return results(m, what, last);
}

static enum err record(struct migrator *m, const struct db_migration *g)
{
    const char *version = arena_printf(m->arena, "%d", g->version);
    const char *params[] = {version, g->name, g->checksum};
    PGresult *r;

    if (!PQsendQueryParams(
            m->db->conn,
            "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)", 3, NULL,
            params, NULL, NULL, 0))
        return fail(m, ERR_DB_UNAVAILABLE, g->name, PQerrorMessage(m->db->conn));
    return results(m, g->name, &r);
}

/* Compares what is applied with what is embedded. *at: the newest version that is applied. */
static enum err check_applied(struct migrator *m, const PGresult *applied, int *at)
{
    *at = 0;
    for (int i = 0; i < PQntuples(applied); i++) {
        int64_t version = 0;
        const bool is_number = num_i64(str_of(PQgetvalue(applied, i, 0)), &version);
        ENSURE(is_number); /* an integer column */
        if (version > db_migrations_n)
            return fail(m, ERR_DB_SCHEMA, "the schema is newer than this program",
                        PQgetvalue(applied, i, 0));
        if (version != *at + 1)
            return fail(m, ERR_DB_SCHEMA, "a version is missing in schema_migrations before",
                        PQgetvalue(applied, i, 0));
        if (strcmp(db_migrations[version - 1].checksum, PQgetvalue(applied, i, 1)) != 0)
            return fail(m, ERR_DB_SCHEMA, "an applied migration is not the one of this program",
                        PQgetvalue(applied, i, 0));
        *at = (int)version;
    }
    return ERR_OK;
}

static enum err apply(struct migrator *m, const struct db_migration *g)
{
    const char *what = arena_printf(m->arena, "migration %04d %s", g->version, g->name);
    PGresult *r;
    enum err e = run(m, what, g->sql, &r);

    if (e == ERR_OK)
        e = record(m, g);
    return e;
}

/* One transaction: *at is the version before it, *done says that it was the newest already. */
static enum err step(struct migrator *m, int *at, bool *done)
{
    PGresult *r;
    enum err e = run(m, "schema_migrations", begin_sql, &r);

    if (e == ERR_OK)
        e = check_applied(m, r, at);
    if (e != ERR_OK)
        return e;
    *done = *at == db_migrations_n;
    if (!*done)
        e = apply(m, &db_migrations[*at]);
    if (e == ERR_OK)
        e = run(m, "COMMIT", "COMMIT", &r);
    return e;
}

static enum err migrate(struct migrator *m)
{
    struct db_migrate_report *report = m->report;
    bool first = true, done = false;

    while (!done) {
        int at;
        enum err e = step(m, &at, &done);
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
    struct migrator m = {db, a, d, report};

    *report = (struct db_migrate_report){0};
    ENSURE(!db->require_schema && !db->in_tx);
    enum err e = db_connect(db, d);
    if (e != ERR_OK)
        return fail(&m, e, "connecting", "the database does not answer");
    if (!PQexitPipelineMode(db->conn))
        return fail(&m, ERR_DB_UNAVAILABLE, "connecting", PQerrorMessage(db->conn));
    e = migrate(&m);
    /* The connection's next user expects a pipeline, and no leftover of this. */
    db_drop(db);
    return e;
}
