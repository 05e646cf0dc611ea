/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For db_migrate.c, db_migrate_alone.c and db_setup.c: plain statements, one after the other, under
 * a deadline. */
#ifndef BOOKINGD_DB_DB_MIGRATE_PRIV_H
#define BOOKINGD_DB_DB_MIGRATE_PRIV_H

#include "db/db_migrate.h"
#include "db_priv.h"

/* What one run carries around; on the stack of its caller. */
struct migrator {
    struct db *db;
    struct arena *arena;
    struct deadline deadline;
    const struct db_migrate_order *order;
    struct db_migrate_report *report;
    PGresult *last; /* of what was sent last: the first error, else the last result */
    int tries;      /* for the lock that is waited for now */
    int done_alone; /* the version whose statements were all run alone; not recorded yet */
    bool locked;    /* the session holds the lock of `migrate` until it ends */
};

/* ---- db_migrate_run.c ---- */

/* Sets the report's fault, "what: reason", and returns e, whatever error it is. */
enum err db_migrate_fail(struct migrator *m, enum err e, const char *what, const char *reason);
/* Several statements in one text, by the simple protocol. ERR_DEADLINE, database errors, and
 * ERR_DB_SCHEMA for what will be the same the next time. */
enum err db_migrate_run_text(struct migrator *m, const char *what, const char *sql,
                             PGresult **last) MUST_CHECK;
/* One statement with parameters; its result is m->last. Errors as db_migrate_run_text(). */
enum err db_migrate_run_params(struct migrator *m, const char *what, const char *sql, int n,
                               const char *const *params) MUST_CHECK;

/* NULL, which stands for nothing yet, is none. */
bool db_migrate_is_error(const PGresult *r);
/* To whoever runs the command, at once. */
void db_migrate_tell(const struct migrator *m, const char *text);
/* Ends the transaction, says who holds the lock that `what` did not get, and waits a moment. other:
 * it is the lock of another `migrate`. ERR_DEADLINE: no more time. */
enum err db_migrate_wait(struct migrator *m, const char *what, bool other) MUST_CHECK;

/* ---- db_migrate_alone.c ---- */

/* Runs the statements of g->alone, outside a transaction. They may be run again after any fault.
 * Errors as db_migrate_run_text(). */
enum err db_migrate_alone(struct migrator *m, const struct db_migration *g) MUST_CHECK;

#endif
