/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Whether a database is one that this binary can serve: encoding, schema, rights, and what else the
 * service depends on. */
#ifndef BOOKINGD_DB_DB_FIT_H
#define BOOKINGD_DB_DB_FIT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

struct db; /* db/db.h */

/*
 * This program's own schema version, and the oldest that it can work with. A newer one it accepts
 * where that says so (bookingd_schema.works_from). What the service depends on (encoding, schema,
 * rights, the trigger that keeps capacity) is checked on connect when db_require_schema(db, true)
 * was called; ERR_DB_SCHEMA then means that waiting does not help.
 */
int db_schema_version(void);
int db_schema_needed(void);
void db_require_schema(struct db *db, bool wanted);
/* Why db_connect() or db_check_fit() said ERR_DB_SCHEMA: a word for logs, a sentence, and what
 * mends it. */
struct db_unfit {
    const char *reason; /* NULL: nothing was found */
    char sentence[256], command[160];
    bool read_only; /* as the newest look found it */
};
const struct db_unfit *db_unfit(const struct db *db);
/* The same checks on a connection that is up already, for /readyz; *read_only: nothing can be
 * written now, which may pass. */
enum err db_check_fit(struct db *db, struct arena *a, struct deadline d,
                      bool *read_only) MUST_CHECK;

#endif
