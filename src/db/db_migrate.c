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

/* Between two tries for a lock: longer than what waited behind the first takes. */
#define LOCK_PAUSE_MS 1000

/* Only the first line of the server's words: the rest quotes the statement. The connection is
 * dropped, since a transaction of it may be open. */
enum err db_migrate_fail(struct migrator *m, enum err e, const char *what, const char *reason)
{
    m->report->fault = arena_printf(m->arena, "%s: %.*s", what, (int)strcspn(reason, "\n"), reason);
    return e;
}

/* What db_fit.def says of a fault. */
static enum err db_migrate_fail_unfit(struct migrator *m)
{
    m->report->fault = arena_strdup(m->arena, m->db->unfit.sentence);
    m->report->hint = arena_strdup(m->arena, m->db->unfit.command);
    return ERR_DB_SCHEMA;
}

/* NULL is no error: nothing has come yet. */
static bool db_migrate_is_error(const PGresult *r)
{
    return r && PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK;
}

/* Takes what has come. DONE: all of it. */
static enum db_end db_migrate_gather(void *ctx)
{
    struct migrator *m = ctx;

    while (!PQisBusy(m->db->conn)) {
        PGresult *r = PQgetResult(m->db->conn);
        if (!r)
            return DB_END_DONE;
        db_own_result(m->arena, r);
        /* The first error is kept: those after it only say that the transaction is aborted. */
        if (!db_migrate_is_error(m->last))
            m->last = r;
        if (PQstatus(m->db->conn) == CONNECTION_BAD)
            return DB_END_DONE;
    }
    return DB_END_MORE;
}

/* The server's words, with its HINT, which tells what to do. */
static enum err db_migrate_fail_statement(struct migrator *m, const char *what)
{
    const char *hint = PQresultErrorField(m->last, PG_DIAG_MESSAGE_HINT);
    const char *state = PQresultErrorField(m->last, PG_DIAG_SQLSTATE);
    /* Rights, read-only, what this server cannot do: the same the next time. */
    static const char *const lasting[] = {"42", "25006", "0A", "3F", "58P01"};
    enum err e = db_fault_of(state)->err;

    for (size_t i = 0; state && i < ARRAY_LEN(lasting); i++)
        if (strncmp(state, lasting[i], strlen(lasting[i])) == 0)
            e = ERR_DB_SCHEMA;
    m->report->hint = hint ? arena_strdup(m->arena, hint) : NULL;
    return db_migrate_fail(m, e, what, PQresultErrorMessage(m->last));
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
    return db_migrate_is_error(m->last) ? db_migrate_fail_statement(m, what) : ERR_OK;
}

/* Simple protocol: several statements in one text. */
enum err db_migrate_run_text(struct migrator *m, const char *what, const char *sql, PGresult **last)
{
    m->db->round_trips++;
    if (!PQsendQuery(m->db->conn, sql))
        return db_migrate_fail(m, ERR_DB_UNAVAILABLE, what, PQerrorMessage(m->db->conn));
    return db_migrate_read_results(m, what, last);
}

/* With parameters the server takes one statement only, and nothing has to be quoted. */
enum err db_migrate_run_params(struct migrator *m, const char *what, const char *sql, int n,
                               const char *const *params)
{
    m->db->round_trips++;
    if (!PQsendQueryParams(m->db->conn, sql, n, NULL, params, NULL, NULL, 0))
        return db_migrate_fail(m, ERR_DB_UNAVAILABLE, what, PQerrorMessage(m->db->conn));
    PGresult *last;
    return db_migrate_read_results(m, what, &last);
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

/* One transaction: *at is the version before it, *done says that it was the newest already. */
static enum err db_migrate_step(struct migrator *m, int *at, bool *done)
{
    PGresult *r;
    enum err e = db_migrate_run_text(m, "bookingd_schema", db_migrate_begin_sql, &r);

    if (e == ERR_OK)
        e = db_migrate_check_applied(m, r, at);
    if (e != ERR_OK)
        return e;
    *done = *at == db_migrations_n;
    /* COMMIT follows in both cases: with nothing to do it ends the transaction that held the
     * lock. */
    if (!*done)
        e = db_migrate_apply(m, &db_migrations[*at]);
    if (e == ERR_OK)
        e = db_migrate_run_text(m, "COMMIT", "COMMIT", &r);
    return e;
}

/* Says who holds the lock that was not to be had, and lets those go on who waited behind us. */
static enum err db_migrate_wait_for_lock(struct migrator *m)
{
    PGresult *r;
    enum err e = db_migrate_run_text(m, "ROLLBACK", "ROLLBACK", &r);

    if (e == ERR_OK)
        e = db_migrate_run_text(m, "pg_locks", stmt_db_lock_holders.sql, &r);
    if (e != ERR_OK)
        return e;
    const char *who = PQntuples(r) ? "" : " by somebody who has let it go meanwhile";
    for (int i = 0; i < PQntuples(r); i++)
        who = arena_printf(m->arena, "%s%s process %s (%s, role %s) on %s", who, i ? "," : "",
                           PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), PQgetvalue(r, i, 2),
                           PQgetvalue(r, i, 3));
    const char *text = arena_printf(m->arena, "waiting for a lock, held:%s", who);
    if (m->waits)
        m->waits(text);
    (void)poll(NULL, 0, deadline_left_ms(deadline_cap(m->deadline, LOCK_PAUSE_MS)));
    return deadline_passed(m->deadline) ? db_migrate_fail(m, ERR_DEADLINE, "not done in time", text)
                                        : ERR_OK;
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

/* report->from is the version before the first step, whoever else migrates at the same time. */
static enum err db_migrate_all(struct migrator *m)
{
    struct db_migrate_report *report = m->report;
    bool first = true, done = false;

    while (!done) {
        int at;
        enum err e = db_migrate_step(m, &at, &done);
        /* lock_timeout ran out (db_err.c). Every other fault ends the command. */
        if (e == ERR_OVERLOADED)
            e = db_migrate_wait_for_lock(m);
        else if (e == ERR_OK) {
            report->from = first ? at : report->from;
            report->applied += !done;
            report->to = done ? at : at + 1;
            first = false;
        }
        if (e != ERR_OK)
            return db_migrate_explain(m, e);
    }
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
                    void (*waits)(const char *text), struct db_migrate_report *report)
{
    struct migrator m = {.db = db, .arena = a, .deadline = d, .waits = waits, .report = report};
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
