/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* A batch and the state of its run: db_batch.c builds it, db_run.c runs it. */
#ifndef BOOKINGD_DB_DB_BATCH_PRIV_H
#define BOOKINGD_DB_DB_BATCH_PRIV_H

#include "base/num.h"
#include "db_priv.h"

enum db_part_kind { PART_BEGIN, PART_LIMITS, PART_PREPARE, PART_STATEMENT, PART_END, PART_SYNC };
/* What was queued, in order: the answers come in the same order. */
struct db_part {
    enum db_part_kind kind;
    int i; /* statement; -1 */
};
#define DB_PARTS_MAX (2 * DB_BATCH_MAX + 4)

struct db_item {
    const struct db_stmt *stmt;
    const char *const *params;
    int params_n;
};

struct db_batch {
    struct db *db;
    struct arena *arena;
    enum db_kind kind;
    struct db_item items[DB_BATCH_MAX];
    int n;
    const PGresult *results[DB_BATCH_MAX];
    bool has_run, ok;
    /* one run */
    struct db_part parts[DB_PARTS_MAX];
    int parts_n;
    int at;                  /* the part whose answer comes next */
    bool answered;           /* parts[at] had its result, its end is to come */
    bool ended;              /* COMMIT was confirmed */
    bool may_have_committed; /* what commits was handed to the socket */
    const PGresult *error;   /* the first */
    int error_at;
    bool broken; /* the connection ended, rather than its time */
};

/* db_greet.c. Milliseconds as text: of a session, or of each transaction behind a pooler. */
struct db_limits {
    const char *statement, *lock, *idle; /* in `text` */
    char text[3][NUM_TEXT_MAX];
};
void db_limits_of(const struct config *cfg, struct db_limits *l);

/* Sends the parts' bytes and takes the answers until the Sync is answered. */
enum db_end db_exchange(struct db_batch *b, struct deadline d) MUST_CHECK;
/* Queues one command without parameters ("BEGIN"); false when the connection is lost. */
bool db_queue(struct db_batch *b, enum db_part_kind kind, const char *sql) MUST_CHECK;
/* The transaction's own time limits, for a connection whose session cannot have them. */
bool db_queue_limits(struct db_batch *b) MUST_CHECK;
/* Statement i, prepared first if this connection does not know it. */
bool db_queue_statement(struct db_batch *b, int i) MUST_CHECK;
bool db_queue_sync(struct db_batch *b) MUST_CHECK;
void db_batch_reset(struct db_batch *b);

#endif
