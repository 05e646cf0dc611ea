/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The keeper's look at the other hosts of database.url. With synchronous replication an old primary
 * is found out by a commit that does not end. Without it commits there succeed, and are lost: then
 * only somebody who asks the others learns that one of them was promoted. What is found goes into
 * shared memory by db_fence_keep(), and every session of this node leaves the old primary.
 */
#include <stdlib.h>

#include "db_priv.h"

/* Hosts of a list and their options, as for the main connection. */
#define SCRATCH ((size_t)16 * 1024)

/* Kept: what it was told by servers is a fence for it, too. NULL: out of memory. */
static struct db *db_look_scout(struct db *db)
{
    if (db->scout)
        return db->scout;
    struct db *scout = calloc(1, sizeof(*scout));
    struct arena *scratch = arena_new(SCRATCH);
    if (!scout || !scratch) {
        free(scout);
        arena_free(scratch);
        return NULL;
    }
    *scout = (struct db){.cfg = db->cfg, .scratch = scratch, .scouting = true};
    db->scout = scout;
    return scout;
}

/* The standbys say no within a round trip each; the host of the session is asked last. */
void db_look_around(struct db *db, struct deadline d)
{
    if (db->state != DB_READY || !db->one_primary || db->timeline.number == 0)
        return;
    struct db *scout = db_look_scout(db);
    if (!scout)
        return;
    scout->fence = db->fence;
    scout->host_id = db->host_id;
    scout->suspect = true;
    scout->fails = 0;
    scout->next_try = deadline_in_ms(0);
    /* Whether it was good is of no interest: the session that is there goes on. */
    (void)!db_connect(scout, d);
    db_disconnect(scout);
}
