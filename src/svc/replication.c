/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Judges how the primary replicates, for `bookingd doctor` and the monitor. It only reads, and what
 * it reads depends on the rights of the role: names and states of standbys are for those who may
 * read all statistics, settings are for everybody.
 */
#include "svc/replication.h"

#include "svc/svc_sql.h"

/* In the order of what is certain: a setting needs no rights, and no standby at all is seen without
 * them, too. */
static struct replication replication_judge(struct db_rows rows)
{
    if (!db_get_bool(rows, 0, "wanted"))
        return (struct replication){"commits wait for no standby",
                                    "set synchronous_standby_names (Patroni: synchronous_mode), "
                                    "and synchronous_commit = on"};
    if (db_get_int(rows, 0, "standbys") == 0)
        return (struct replication){"no standby is connected, and commits wait for one",
                                    "start a standby, or look at its log"};
    if (db_get_int(rows, 0, "visible") == 0)
        return (struct replication){"cannot see: this role may not read the state of standbys",
                                    "GRANT pg_read_all_stats TO the role of database.url"};
    if (db_get_int(rows, 0, "synchronous") == 0)
        return (struct replication){"no standby is synchronous",
                                    "see whether synchronous_standby_names names a connected one"};
    return (struct replication){0};
}

enum err replication_read(struct svc *s, struct replication *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    const int at = db_add(b, &stmt_replication_state, NULL, 0);
    const enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        *out = replication_judge(db_result(b, at));
    return e;
}
