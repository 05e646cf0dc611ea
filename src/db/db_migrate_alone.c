/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Steps of a migration that cannot be part of a transaction: CREATE INDEX CONCURRENTLY, and changes
 * of many rows in small pieces. Called by db_migrate.c. None of them keeps others from reading or
 * writing a table, so they wait for locks without a limit of their own. A run that breaks off in
 * the middle leaves an invalid index behind, which the next one drops and makes again.
 */
#include <string.h>

#include "db/db_sql.h"
#include "db_migrate_priv.h"

/*
 * The session's limits are those of requests. Behind a transaction pooler they would stick to a
 * connection that others share, and so would the lock: what keeps two of us apart is then the lock
 * that the statement takes on its table, and that each can be repeated.
 */
static enum err db_migrate_alone_prepare(struct migrator *m, const char *what)
{
    PGresult *r;

    if (m->locked || m->db->pooled)
        return ERR_OK;
    enum err e =
        db_migrate_run_text(m, what, "SET statement_timeout = 0; SET lock_timeout = 0", &r);
    /* It is tried and not waited for: a wait has a snapshot, which the other one's index waits
     * for. */
    while (e == ERR_OK && !m->locked) {
        e = db_migrate_run_text(m, what, stmt_db_migrate_lock.sql, &r);
        m->locked = e == ERR_OK && *PQgetvalue(r, 0, 0) == 't';
        if (e == ERR_OK && !m->locked)
            e = db_migrate_wait(m, what, true);
    }
    return e;
}

/* Drops what an earlier run left; waits while somebody is building it. *some: there was any. */
static enum err db_migrate_alone_tidy(struct migrator *m, const char *what, bool *some)
{
    PGresult *r, *dropped;
    enum err e = db_migrate_run_text(m, what, stmt_db_migrate_leftovers.sql, &r);

    *some = e == ERR_OK && PQntuples(r) > 0;
    for (int i = 0; e == ERR_OK && i < PQntuples(r); i++) {
        if (*PQgetvalue(r, i, 1) == 't') {
            e = db_migrate_wait(m, what, true);
            continue;
        }
        db_migrate_tell(m, arena_printf(m->arena, "%s: %s, which a broken run left", what,
                                        PQgetvalue(r, i, 0)));
        e = db_migrate_run_text(m, what, PQgetvalue(r, i, 0), &dropped);
    }
    return e;
}

/* Until no invalid index is left: one that another run began, and gave up, counts as there for IF
 * NOT EXISTS. */
static enum err db_migrate_alone_run(struct migrator *m, const char *what, const char *sql)
{
    PGresult *r;
    bool again = true;
    enum err e = ERR_OK;

    while (e == ERR_OK && again) {
        e = db_migrate_alone_tidy(m, what, &again);
        if (e == ERR_OK)
            e = db_migrate_run_text(m, what, sql, &r);
        if (e == ERR_OK)
            e = db_migrate_alone_tidy(m, what, &again);
        /* A limit of the role, or two that wait for each other. */
        if (e == ERR_OVERLOADED || e == ERR_DB_RETRY) {
            e = db_migrate_wait(m, what, false);
            again = true;
        }
    }
    return e;
}

enum err db_migrate_alone(struct migrator *m, const struct db_migration *g)
{
    const char *what = arena_printf(m->arena, "migration %04d %s", g->version, g->name);
    enum err e = db_migrate_alone_prepare(m, what);
    int n = 0;

    while (g->alone[n])
        n++;
    m->tries = 0;
    for (int i = 0; e == ERR_OK && i < n; i++) {
        db_migrate_tell(m, arena_printf(m->arena,
                                        "%s: step %d of %d, beside the service; it waits for "
                                        "transactions that are older",
                                        what, i + 1, n));
        e = db_migrate_alone_run(m, what, g->alone[i]);
    }
    if (e == ERR_OK)
        m->done_alone = g->version;
    return e;
}
