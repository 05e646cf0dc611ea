/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The bytes of a batch: queueing its parts, and one round trip under a deadline. Called by
 * db_run.c. Uses libpq's pipeline mode: all statements of a batch leave together, and their answers
 * come in order.
 */
#include <poll.h>
#include <string.h>

#include "db/db_sql.h"
#include "db_batch_priv.h"

/*
 * True: memory is out, which libpq tells only in the text of its error. The connection cannot be
 * trusted after that. When something may have been committed, the batch ends as lost instead, since
 * that is what the caller must know first.
 */
static bool db_exchange_is_out_of_memory(struct db_batch *b, const char *message)
{
    if (!strstr(message, "out of memory") && !strstr(message, "allocate memory"))
        return false;
    if (b->may_have_committed)
        return true;
    db_lost(b->db);
    arena_oom(b->arena);
}

static bool db_exchange_add_part(struct db_batch *b, enum db_part_kind kind, int i, int sent)
{
    if (!sent) {
        (void)db_exchange_is_out_of_memory(b, PQerrorMessage(b->db->conn));
        return false;
    }
    b->parts[b->parts_n++] = (struct db_part){kind, i};
    return true;
}

/* BEGIN, COMMIT and the like: never prepared, since poolers treat them themselves. */
bool db_queue(struct db_batch *b, enum db_part_kind kind, const char *sql)
{
    return db_exchange_add_part(b, kind, -1,
                                PQsendQueryParams(b->db->conn, sql, 0, NULL, NULL, NULL, NULL, 0));
}

/* One statement, in the round trip of the batch. Never prepared: its plan costs less than a name
 * that a pooler has to keep. */
bool db_queue_limits(struct db_batch *b)
{
    struct db_limits limits;

    db_limits_of(b->db->cfg, &limits);
    const char *params[] = {limits.statement, limits.lock, limits.idle};
    return db_exchange_add_part(b, PART_LIMITS, -1,
                                PQsendQueryParams(b->db->conn, stmt_db_limits.sql,
                                                  ARRAY_LEN(params), NULL, params, NULL, NULL, 0));
}

bool db_queue_sync(struct db_batch *b)
{
    return db_exchange_add_part(b, PART_SYNC, -1, PQpipelineSync(b->db->conn));
}

/* Whether an earlier part of this batch prepares it. */
static bool db_exchange_prepares(const struct db_batch *b, const struct db_stmt *stmt)
{
    for (int i = 0; i < b->parts_n; i++)
        if (b->parts[i].kind == PART_PREPARE && b->items[b->parts[i].i].stmt == stmt)
            return true;
    return false;
}

/* A statement is prepared with its first use on a connection, in the same round trip. */
bool db_queue_statement(struct db_batch *b, int i)
{
    const struct db_item *it = &b->items[i];
    PGconn *c = b->db->conn;

    if (!db_prepared_in_use(b->db))
        return db_exchange_add_part(
            b, PART_STATEMENT, i,
            PQsendQueryParams(c, it->stmt->sql, it->params_n, NULL, it->params, NULL, NULL, 0));
    if (!db_is_prepared(b->db, it->stmt) && !db_exchange_prepares(b, it->stmt) &&
        !db_exchange_add_part(b, PART_PREPARE, i,
                              PQsendPrepare(c, it->stmt->name, it->stmt->sql, 0, NULL)))
        return false;
    return db_exchange_add_part(
        b, PART_STATEMENT, i,
        PQsendQueryPrepared(c, it->stmt->name, it->params_n, it->params, NULL, NULL, 0));
}

/* Only now is the statement known to exist on the server: an aborted pipeline prepares nothing. */
static void db_exchange_keep_result(struct db_batch *b, const PGresult *r)
{
    if (b->at >= b->parts_n)
        return;
    struct db_part p = b->parts[b->at];
    if (p.kind == PART_PREPARE)
        db_set_prepared(b->db, b->items[p.i].stmt);
    else if (p.kind == PART_STATEMENT)
        b->results[p.i] = r;
    else if (p.kind == PART_END)
        /* The COMMIT of a failed transaction is answered with ROLLBACK. */
        b->ended = strcmp(PQcmdStatus((PGresult *)(uintptr_t)r), "COMMIT") == 0;
}

static enum db_end db_exchange_take(struct db_batch *b, PGresult *r)
{
    b->answered = true;
    db_own_result(b->arena, r);
    ExecStatusType status = PQresultStatus(r);
    if (status == PGRES_PIPELINE_SYNC)
        return DB_END_DONE;
    /* What follows an error is skipped by the server; the error itself is kept. */
    if (status == PGRES_PIPELINE_ABORTED)
        return DB_END_MORE;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        db_exchange_keep_result(b, r);
        return DB_END_MORE;
    }
    bool from_server = PQresultErrorField(r, PG_DIAG_SQLSTATE) != NULL;
    if (!from_server)
        (void)db_exchange_is_out_of_memory(b, PQresultErrorMessage(r));
    if (!b->error) {
        b->error = r;
        b->error_at = b->at;
    }
    return from_server ? DB_END_MORE : DB_END_LOST;
}

/* NULL ends the results of one part; a second NULL in a row is the end of the connection. */
static enum db_end db_exchange_gather(void *ctx)
{
    struct db_batch *b = ctx;

    while (!PQisBusy(b->db->conn)) {
        PGresult *r = PQgetResult(b->db->conn);
        if (r) {
            enum db_end e = db_exchange_take(b, r);
            if (e != DB_END_MORE)
                return e;
        } else if (b->answered) {
            b->at++;
            b->answered = false;
        } else {
            return DB_END_LOST;
        }
    }
    /* A message for which there is no memory may be dropped by libpq, which then waits for it for
     * ever: only the words are left. */
    bool dropped = !b->error && db_exchange_is_out_of_memory(b, PQerrorMessage(b->db->conn));
    return dropped ? DB_END_LOST : DB_END_MORE;
}

/* The only place that counts round trips of requests; tests hold their number per request. */
enum db_end db_exchange(struct db_batch *b, struct deadline d)
{
    struct mono from = mono_now();

    b->db->round_trips++;
    enum db_end e = db_pump(b->db, db_exchange_gather, b, d);
    METRIC_OBSERVE0(M_DB_DURATION, mono_seconds_since(from));
    return e;
}
