/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Numbered migrations, embedded at build time, run by `bookingd migrate` alone. */
#ifndef BOOKINGD_DB_DB_MIGRATE_H
#define BOOKINGD_DB_DB_MIGRATE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "db/db.h"

struct db_migration {
    int version;
    int works_from; /* the oldest program, by its schema version, that can work with the result */
    const char *name, *sql, *checksum; /* SHA-256 of sql, hex */
};
extern const struct db_migration db_migrations[];
extern const int db_migrations_n;
/* src/db/sql/NAME.sql */
extern const char db_migrate_begin_sql[], db_migrate_grant_sql[];

struct db_migrate_report {
    int from, to, applied;
    const char *fault; /* what went wrong, for stderr; NULL */
    const char *hint;  /* what mends it; NULL */
};
/*
 * Brings the schema to the newest version under an advisory lock (a second one waits for the
 * first), each migration in a transaction of its own. A changed checksum of an applied one, a
 * version newer than the binary's, and whatever waiting does not mend are ERR_DB_SCHEMA. A lock
 * that is not had within 2 s is let go and tried again until the deadline, so that nobody waits for
 * long behind this; `waits` is told each time who holds it.
 */
enum err db_migrate(struct db *db, struct arena *a, struct deadline d,
                    void (*waits)(const char *text), struct db_migrate_report *report) MUST_CHECK;
/* Gives a role what serving needs, and no more (BEHAVIOUR §8): it owns nothing, and cannot change
 * what is history. The schema is there. */
enum err db_migrate_grant(struct db *db, struct arena *a, struct deadline d, const char *role,
                          struct db_migrate_report *report) MUST_CHECK;

#endif
