/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The keeper's look at the other hosts of database.url. With synchronous replication an old primary
 * is found out by a commit that does not end. Without it commits there succeed, and are lost: then
 * only somebody who asks the others learns that one of them was promoted. What is found goes into
 * shared memory by db_fence_keep(), and every session of this node leaves the old primary.
 */
#include "db_priv.h"

/* The standbys say no within a round trip each; the host of the session is asked last. */
void db_look_around(struct db *db, struct deadline d)
{
    if (db->state != DB_READY || !db->one_primary || db->timeline.number == 0)
        return;
    /* Kept: what it was told by servers is a fence for it, too. */
    struct db *scout = db->scout ? db->scout : db_make(db->cfg);
    if (!scout) /* out of memory: at the next look */
        return;
    db->scout = scout;
    scout->scouting = true;
    scout->fence = db->fence;
    scout->host_id = db->host_id;
    scout->suspect = true;
    scout->fails = 0;
    scout->next_try = deadline_in_ms(0);
    /* Whether it was good is of no interest: the session that is there goes on. */
    (void)!db_connect(scout, d);
    db_disconnect(scout);
}
