/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The checks of db_fit.c on a connection that is up: the schema may have changed under it, and what
 * could be written to may be read-only now. For /readyz (api_health.c).
 */
#include <stdio.h>

#include "db/db_fit.h"
#include "db/db_sql.h"
#include "db_priv.h"

/* Two round trips: the second statement reads a table that the first has found. */
enum err db_check_fit(struct db *db, struct arena *a, struct deadline d, bool *read_only)
{
    char version[16];
    const char *params[] = {version}, *not_before_migrations[] = {"f"};

    *read_only = false;
    (void)snprintf(version, sizeof(version), "%d", db_schema_version());
    enum err e = db_connect(db, d);
    if (e != ERR_OK)
        return e;
    struct db_batch *b = db_batch(db, a, DB_READ);
    int at = db_add(b, &stmt_db_fit, not_before_migrations, 1);
    e = db_run(b, d);
    if (e != ERR_OK)
        return e;
    if (!db_fit_take_faults(&db->unfit, db_result(b, at).res))
        return ERR_DB_SCHEMA;
    b = db_batch(db, a, DB_READ);
    at = db_add(b, &stmt_db_version, params, 1);
    e = db_run(b, d);
    if (e == ERR_OK && !db_fit_take_version(&db->unfit, db_result(b, at).res))
        e = ERR_DB_SCHEMA;
    *read_only = e == ERR_OK && db->unfit.read_only;
    return e;
}
