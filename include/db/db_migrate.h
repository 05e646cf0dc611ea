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
    /* Statements that are run outside a transaction, each of which can be repeated, up to NULL.
     * NULL: sql is one transaction. */
    const char *const *alone;
};
extern const struct db_migration db_migrations[];
/* All, and those up to the last that is no contract: without these this program cannot work. */
extern const int db_migrations_n, db_migrations_needed;
/* src/db/sql/NAME.sql */
extern const char db_migrate_begin_sql[], db_migrate_grant_sql[];

/* Expand: up to the last migration that this program needs, contracts of earlier releases among
 * them. Contract: the rest, once no older program runs. */
enum db_migrate_phase { DB_MIGRATE_ALL, DB_MIGRATE_EXPAND, DB_MIGRATE_CONTRACT };
struct db_migrate_order {
    enum db_migrate_phase phase;
    void (*tell)(const char *text); /* what it waits for, and what takes long; NULL */
};
struct db_migrate_report {
    int from, to, applied;
    int left;          /* contracts that are still to be run */
    const char *fault; /* what went wrong, for stderr; NULL */
    const char *hint;  /* what mends it; NULL */
};
/*
 * Brings the schema forward, as `order` says (NULL: to the newest version, in silence), under an
 * advisory lock: a second one waits for the first. Each migration is a transaction, or statements
 * that are run alone. A changed checksum of an applied one, a newer version that this program
 * cannot work with, and whatever waiting does not mend are ERR_DB_SCHEMA. A lock that is not had
 * within 1 s is let go and tried again until the deadline, so that nobody waits for long behind
 * this.
 */
enum err db_migrate(struct db *db, struct arena *a, struct deadline d,
                    const struct db_migrate_order *order,
                    struct db_migrate_report *report) MUST_CHECK;
/* Gives a role what serving needs, and no more (BEHAVIOUR §8): it owns nothing, and cannot change
 * what is history. The schema is there. */
enum err db_migrate_grant(struct db *db, struct arena *a, struct deadline d, const char *role,
                          struct db_migrate_report *report) MUST_CHECK;

#endif
