/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Judges whether a database is one that the service can work with. db_greet.c asks on each new
 * connection, db_ready.c for load balancers, db_migrate.c before it changes anything. A fault that
 * waiting does not mend is ERR_DB_SCHEMA, which ends a starting process with exit code 78.
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "db/db_fit.h"
#include "db_priv.h"

static const struct {
    const char *name, *sentence, *command;
} db_fit_faults[] = {
#define DB_FAULT(name, sentence, command) {#name, sentence, command},
#include "db_fit.def"
#undef DB_FAULT
};

/* embed.py numbers migrations from 1 without gaps, and knows which are contracts. */
extern const int db_migrations_n, db_migrations_needed;

/* The number of migrations that were built in. */
int db_schema_version(void)
{
    return db_migrations_n;
}

/* Contracts at the end may be left out: they take away what this program does without. */
int db_schema_needed(void)
{
    return db_migrations_needed;
}

/* The formats are those of db_fit.def, each with one %s. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
bool db_fit_set(struct db_unfit *u, const char *name, const char *detail)
{
    size_t i = 0;

    while (i < ARRAY_LEN(db_fit_faults) - 1 && strcmp(db_fit_faults[i].name, name) != 0)
        i++;
    u->reason = db_fit_faults[i].name;
    (void)snprintf(u->sentence, sizeof(u->sentence), db_fit_faults[i].sentence, detail);
    (void)snprintf(u->command, sizeof(u->command), db_fit_faults[i].command, detail);
    return false;
}
#pragma GCC diagnostic pop

bool db_fit_take_faults(struct db_unfit *u, const PGresult *r)
{
    return PQntuples(r) == 0 || db_fit_set(u, PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));
}

bool db_fit_take_version(struct db_unfit *u, const PGresult *r)
{
    int64_t version = 0, works_from = 0;
    char text[64];

    bool read = num_i64(str_of(PQgetvalue(r, 0, 0)), &version) &&
                num_i64(str_of(PQgetvalue(r, 0, 1)), &works_from);
    /* Its last column, for db_ready.c, is whether nothing can be written. */
    u->read_only = *PQgetvalue(r, 0, 2) == 't';
    (void)snprintf(text, sizeof(text), "version %lld, this program: %d", (long long)version,
                   db_schema_version());
    if (!read || version < db_schema_needed())
        return db_fit_set(u, "too_old", text);
    return works_from <= db_schema_version() || db_fit_set(u, "too_new", text);
}

const struct db_unfit *db_unfit(const struct db *db)
{
    return &db->unfit;
}
