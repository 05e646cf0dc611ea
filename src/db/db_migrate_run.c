/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Statements outside of batches: one after the other, under one deadline, with their faults in
 * words. Called by db_migrate.c, db_migrate_alone.c and db_setup.c. The protocol of batches would
 * not do: a migration is a text of many statements.
 */
#include <poll.h>
#include <string.h>

#include "base/num.h"
#include "base/rng.h"
#include "db/db_sql.h"
#include "db_migrate_priv.h"

/* Between two tries for a lock of a table: longer than what waited behind the first takes. */
#define LOCK_PAUSE_MS 1000
/* For the lock of another `migrate`, behind which nobody waits. */
#define OTHER_PAUSE_MS 200
/* Two that wait for the same do not meet again at each try. */
#define LOCK_PAUSE_JITTER 0.3

/* Only the first line of the server's words: the rest quotes the statement. The connection is
 * dropped, since a transaction of it may be open. */
enum err db_migrate_fail(struct migrator *m, enum err e, const char *what, const char *reason)
{
    m->report->fault = arena_printf(m->arena, "%s: %.*s", what, (int)strcspn(reason, "\n"), reason);
    return e;
}

bool db_migrate_is_error(const PGresult *r)
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

/* Who is in the way: "process 4711 (pg_dump, role postgres) on bookings". */
static const char *db_migrate_name_holders(struct migrator *m, const PGresult *r)
{
    const char *who = PQntuples(r) ? "" : " by somebody who has let it go meanwhile";

    for (int i = 0; i < PQntuples(r); i++)
        who = arena_printf(m->arena, "%s%s process %s (%s, role %s) on %s", who, i ? "," : "",
                           PQgetvalue(r, i, 0), PQgetvalue(r, i, 1), PQgetvalue(r, i, 2),
                           PQgetvalue(r, i, 3));
    return who;
}

/* The ROLLBACK lets those go on who waited behind us. */
enum err db_migrate_wait(struct migrator *m, const char *what, bool other)
{
    PGresult *r;
    enum err e = db_migrate_run_text(m, "ROLLBACK", "ROLLBACK", &r);

    if (e == ERR_OK)
        e = db_migrate_run_text(m, "pg_locks", stmt_db_lock_holders.sql, &r);
    if (e != ERR_OK)
        return e;
    const char *text = arena_printf(m->arena, "%s, try %d: waiting for a lock, held:%s", what,
                                    ++m->tries, db_migrate_name_holders(m, r));
    db_migrate_tell(m, text);
    int64_t pause = rng_jitter_ms(other ? OTHER_PAUSE_MS : LOCK_PAUSE_MS, LOCK_PAUSE_JITTER);
    (void)poll(NULL, 0, deadline_left_ms(deadline_cap(m->deadline, pause)));
    return deadline_passed(m->deadline) ? db_migrate_fail(m, ERR_DEADLINE, "not done in time", text)
                                        : ERR_OK;
}

void db_migrate_tell(const struct migrator *m, const char *text)
{
    if (m->order->tell)
        m->order->tell(text);
}
