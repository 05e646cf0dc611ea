/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For db_migrate.c and db_setup.c: plain statements, one after the other, under a deadline. */
#ifndef BOOKINGD_DB_DB_MIGRATE_PRIV_H
#define BOOKINGD_DB_DB_MIGRATE_PRIV_H

#include "db/db_migrate.h"
#include "db_priv.h"

/* What one run carries around; on the stack of its caller. */
struct migrator {
    struct db *db;
    struct arena *arena;
    struct deadline deadline;
    void (*waits)(const char *text);
    struct db_migrate_report *report;
    PGresult *last; /* of what was sent last: the first error, else the last result */
};

/* Sets the report's fault, "what: reason", and returns e, whatever error it is. */
enum err db_migrate_fail(struct migrator *m, enum err e, const char *what, const char *reason);
/* Several statements in one text, by the simple protocol. ERR_DEADLINE, database errors, and
 * ERR_DB_SCHEMA for what will be the same the next time. */
enum err db_migrate_run_text(struct migrator *m, const char *what, const char *sql,
                             PGresult **last) MUST_CHECK;
/* One statement with parameters; its result is m->last. Errors as db_migrate_run_text(). */
enum err db_migrate_run_params(struct migrator *m, const char *what, const char *sql, int n,
                               const char *const *params) MUST_CHECK;

#endif
