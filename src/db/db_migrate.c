/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Brings the schema to this program's version. Called by cli_migrate.c and by tests. Each migration
 * is one transaction that takes the lock first and then looks what is left to do, so a second
 * migrator finds it done and goes on. A transaction's lock works through any pooler as well. When a
 * lock cannot be had in time, the transaction ends, so that whoever queued behind it can go on, and
 * the step is tried again. Every failure leaves a sentence in the report, and where it is known, a
 * command that mends it.
 */
#include "db/db_migrate.h"

#include <poll.h>
#include <string.h>

#include "base/ensure.h"
#include "base/num.h"
#include "db/db_sql.h"
#include "db_migrate_priv.h"

/* What db_fit.def says of a fault. */
static enum err db_migrate_fail_unfit(struct migrator *m)
{
    m->report->fault = arena_strdup(m->arena, m->db->unfit.sentence);
    m->report->hint = arena_strdup(m->arena, m->db->unfit.command);
    return ERR_DB_SCHEMA;
}

/* In the same transaction as the migration: a version is recorded if and only if it was applied. */
static enum err db_migrate_record(struct migrator *m, const struct db_migration *g)
{
    const char *params[] = {arena_printf(m->arena, "%d", g->version), g->name, g->checksum,
                            arena_printf(m->arena, "%d", g->works_from)};
    return db_migrate_run_params(m, g->name, stmt_db_migrate_record.sql, ARRAY_LEN(params), params);
}

/* A version that this program does not have. */
static enum err db_migrate_judge_newer(struct migrator *m, const PGresult *applied, int i)
{
    int64_t works_from = 0;

    if (num_i64(str_of(PQgetvalue(applied, i, 2)), &works_from) && works_from <= db_migrations_n)
        return ERR_OK;
    m->report->hint = "run the 'migrate' of the bookingd that made it";
    return db_migrate_fail(m, ERR_DB_SCHEMA, "the schema is newer than this program",
                           PQgetvalue(applied, i, 0));
}

/* Compares what is applied with what is embedded. *at: the newest version that is applied. */
static enum err db_migrate_check_applied(struct migrator *m, const PGresult *applied, int *at)
{
    *at = 0;
    for (int i = 0; i < PQntuples(applied); i++) {
        int64_t version = 0;
        const bool is_number = num_i64(str_of(PQgetvalue(applied, i, 0)), &version);
        ENSURE(is_number); /* an integer column */
        if (version > db_migrations_n) {
            enum err e = db_migrate_judge_newer(m, applied, i);
            if (e != ERR_OK)
                return e;
            continue;
        }
        /* Rows come by version, so a gap is a row that somebody deleted by hand. */
        if (version != *at + 1)
            return db_migrate_fail(m, ERR_DB_SCHEMA,
                                   "a version is missing in bookingd_schema before",
                                   PQgetvalue(applied, i, 0));
        /* Somebody changed a file after it was released: what the tables look like is then not
         * known. */
        if (strcmp(db_migrations[version - 1].checksum, PQgetvalue(applied, i, 1)) != 0)
            return db_migrate_fail(m, ERR_DB_SCHEMA,
                                   "an applied migration is not the one of this program",
                                   PQgetvalue(applied, i, 0));
        *at = (int)version;
    }
    return ERR_OK;
}

/* The transaction is begun and ended by db_migrate_step(). */
static enum err db_migrate_apply(struct migrator *m, const struct db_migration *g)
{
    const char *what = arena_printf(m->arena, "migration %04d %s", g->version, g->name);
    PGresult *r;
    enum err e = db_migrate_run_text(m, what, g->sql, &r);

    if (e == ERR_OK)
        e = db_migrate_record(m, g);
    return e;
}

/* Where this run ends. Contracts alone are run only where everything before them is there. */
static enum err db_migrate_find_end(struct migrator *m, int at, int *end)
{
    *end = m->order->phase == DB_MIGRATE_EXPAND ? db_migrations_needed : db_migrations_n;
    if (m->order->phase != DB_MIGRATE_CONTRACT || at >= db_migrations_needed)
        return ERR_OK;
    m->report->hint = "bookingd migrate --expand, and this version on every node";
    return db_migrate_fail(m, ERR_DB_SCHEMA, "contracts come last",
                           arena_printf(m->arena,
                                        "the schema is at version %d, and this program needs %d",
                                        at, db_migrations_needed));
}

/* Statements that run alone come before the transaction that records them: it is begun anew. */
static enum err db_migrate_go_on(struct migrator *m, const struct db_migration *g, bool *done)
{
    PGresult *r;

    *done = !g->alone || m->done_alone == g->version;
    if (*done)
        return g->alone ? db_migrate_record(m, g) : db_migrate_apply(m, g);
    enum err e = db_migrate_run_text(m, "COMMIT", "COMMIT", &r);
    return e == ERR_OK ? db_migrate_alone(m, g) : e;
}

/* One transaction: *at is the version before it, *end where this run ends, *recorded whether the
 * next one is done now. Somebody who has the lock of `migrate` is waited for. */
static enum err db_migrate_step(struct migrator *m, int *at, int *end, bool *recorded)
{
    PGresult *r;
    enum err e = db_migrate_run_text(m, "bookingd_schema", db_migrate_begin_sql, &r);

    if (e == ERR_OVERLOADED)
        return db_migrate_wait(m, "bookingd_schema", true);
    if (e == ERR_OK)
        e = db_migrate_check_applied(m, r, at);
    if (e == ERR_OK)
        e = db_migrate_find_end(m, *at, end);
    if (e != ERR_OK)
        return e;
    bool done = false;
    if (*at < *end)
        e = db_migrate_go_on(m, &db_migrations[*at], &done);
    /* COMMIT follows in any case: with nothing to do it ends the transaction that held the lock. */
    if (e == ERR_OK && (done || *at >= *end))
        e = db_migrate_run_text(m, "COMMIT", "COMMIT", &r);
    *recorded = done && e == ERR_OK;
    return e;
}

/* A refusal of the server is about rights or what it lacks more often than not: says which. */
static enum err db_migrate_explain(struct migrator *m, enum err e)
{
    const char *said = m->report->fault, *server_hint = m->report->hint;
    PGresult *r;

    if (e != ERR_DB_SCHEMA || !db_migrate_is_error(m->last) ||
        db_migrate_run_text(m, "ROLLBACK", "ROLLBACK", &r) != ERR_OK ||
        db_migrate_run_text(m, "checks", stmt_db_fit_create.sql, &r) != ERR_OK ||
        db_fit_take_faults(&m->db->unfit, r)) {
        m->report->fault = said;
        m->report->hint = server_hint;
        return e;
    }
    (void)db_migrate_fail_unfit(m);
    m->report->fault = arena_printf(m->arena, "%s (%s%s%s)", m->report->fault, said,
                                    server_hint ? "; HINT: " : "", server_hint ? server_hint : "");
    return e;
}

/* The words of one try for a lock name the migration that wants it. */
static enum err db_migrate_try_later(struct migrator *m, int at)
{
    ENSURE(at >= 0 && at < db_migrations_n); /* only a step that had one to do waits for a table */
    const struct db_migration *g = &db_migrations[at];
    return db_migrate_wait(m, arena_printf(m->arena, "migration %04d %s", g->version, g->name),
                           false);
}

/* report->from is the version before the first step, whoever else migrates at the same time. */
static enum err db_migrate_all(struct migrator *m)
{
    struct db_migrate_report *report = m->report;
    int at = -1, end = 0, first = -1;

    while (at < end) {
        bool recorded = false;
        enum err e = db_migrate_step(m, &at, &end, &recorded);
        /* lock_timeout ran out, or it and the service waited for each other (db_err.c). Every other
         * fault ends the command. */
        if (e == ERR_OVERLOADED || e == ERR_DB_RETRY)
            e = db_migrate_try_later(m, at);
        if (e != ERR_OK)
            return db_migrate_explain(m, e);
        first = first < 0 ? at : first;
        report->applied += recorded;
        at += recorded;
        m->tries = recorded ? 0 : m->tries;
    }
    report->from = first;
    report->to = at;
    report->left = at < db_migrations_n ? db_migrations_n - at : 0;
    return ERR_OK;
}

/* A connection for plain statements, to a database that can be worked with. */
static enum err db_migrate_connect(struct migrator *m)
{
    /* The checks that a database must pass before there are any tables of ours. */
    const char *before_migrations[] = {"t"};

    ENSURE(!m->db->require_schema && !m->db->in_tx);
    *m->report = (struct db_migrate_report){0};
    enum err e = db_connect(m->db, m->deadline);
    if (e != ERR_OK)
        return db_migrate_fail(m, e, "connecting", "the database does not answer");
    if (!PQexitPipelineMode(m->db->conn))
        return db_migrate_fail(m, ERR_DB_UNAVAILABLE, "connecting", PQerrorMessage(m->db->conn));
    e = db_migrate_run_params(m, "checks", stmt_db_fit.sql, 1, before_migrations);
    if (e == ERR_OK && !db_fit_take_faults(&m->db->unfit, m->last))
        e = db_migrate_fail_unfit(m);
    return e;
}

enum err db_migrate(struct db *db, struct arena *a, struct deadline d,
                    const struct db_migrate_order *order, struct db_migrate_report *report)
{
    static const struct db_migrate_order all = {DB_MIGRATE_ALL, NULL};
    struct migrator m = {
        .db = db, .arena = a, .deadline = d, .order = order ? order : &all, .report = report};
    enum err e = db_migrate_connect(&m);

    if (e == ERR_OK)
        e = db_migrate_all(&m);
    /* The connection's next user expects a pipeline, and no leftover of this. */
    db_drop(db);
    return e;
}

/* The role's name goes through a setting, which the script quotes as an identifier: DDL takes no
 * parameters. */
enum err db_migrate_grant(struct db *db, struct arena *a, struct deadline d, const char *role,
                          struct db_migrate_report *report)
{
    struct migrator m = {.db = db, .arena = a, .deadline = d, .report = report};
    PGresult *r;
    enum err e = db_migrate_connect(&m);

    if (e == ERR_OK)
        e = db_migrate_run_params(&m, role, stmt_db_migrate_grant_to.sql, 1, &role);
    if (e == ERR_OK)
        e = db_migrate_run_text(&m, "grant", db_migrate_grant_sql, &r);
    db_drop(db);
    return e;
}
