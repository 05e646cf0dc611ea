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
    const char *name, *sql, *checksum; /* SHA-256 of sql, hex */
};
extern const struct db_migration db_migrations[];
extern const int db_migrations_n;

struct db_migrate_report {
    int from, to, applied;
    const char *fault; /* what went wrong, for stderr; NULL */
};
/*
 * Brings the schema to the newest version under an advisory lock (a second one waits for the
 * first), each migration in a transaction of its own. A changed checksum of an applied one or a
 * version newer than the binary's is refused.
 */
enum err db_migrate(struct db *db, struct arena *a, struct deadline d,
                    struct db_migrate_report *report) MUST_CHECK;

#endif
