/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Keeps a session away from an old primary. After a failover one may be alive and still take
 * writes: its machine was frozen, or what watches over it was killed. PostgreSQL counts promotions:
 * each begins a new timeline, so of two servers that take writes the one on the lower timeline is
 * old. Called by db_connect.c for each new session, and by db_conn.c for the one that is there.
 *
 * What this process was told by a server itself is a fence without an end. What shared memory says
 * is one for half a minute only: whoever wrote it may have been taken over by an attacker, and a
 * timeline that no server has must not keep the service away from its database for longer.
 */
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "db_priv.h"
#include "sys/log.h"

/* A failover by Patroni with its default times takes up to 45 s from end to end, but a new primary
 * that somebody has seen is away again for moments only. */
#define BELIEVED_MS 30000
/* Nobody promotes servers so often while a process lives. */
#define PROMOTIONS_MAX 10000

/* Whether `a` began after `b` in the same cluster; pg_upgrade and a new initdb begin at 1 again,
 * with another identifier. */
static bool db_fence_is_newer(struct db_timeline a, struct db_timeline b)
{
    return b.number != 0 && a.cluster == b.cluster && a.number > b.number;
}

/* The answer of db_timeline; anything else leaves the timeline unknown, which fences nothing. */
void db_fence_take(struct db *db, const PGresult *r)
{
    int64_t cluster = 0, number = 0;

    db->timeline = (struct db_timeline){0};
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1 || PQnfields(r) != 2 ||
        !num_i64(str_of(PQgetvalue(r, 0, 0)), &cluster) ||
        !num_i64(str_of(PQgetvalue(r, 0, 1)), &number))
        return;
    if (number > 0 && number <= UINT32_MAX && cluster >= 0 && cluster <= UINT32_MAX)
        db->timeline = (struct db_timeline){(uint32_t)cluster, (uint32_t)number};
}

/* Of shared memory, and possible: 0 when there is none newer. */
static uint32_t db_fence_told(const struct db *db)
{
    const struct db_timeline told = db_timeline_told();

    if (db->fence.disbelieves || !db_fence_is_newer(told, db->timeline) ||
        told.number - db->timeline.number > PROMOTIONS_MAX)
        return 0;
    return told.number;
}

bool db_fence_outdated(const struct db *db)
{
    return db_fence_told(db) != 0;
}

/* One record per node and promotion: the server is met again and again. */
static void db_fence_log(const struct db *db, uint32_t newest)
{
    const struct db_host *h = &db->attempt.hosts->list[db->attempt.host_now];

    if (db_host_passed_over(newest))
        LOG(LOG_LEVEL_WARN, "db.host_passed_over", F_STR("host", h->host), F_STR("port", h->port),
            F_STR("reason", "it takes writes, but another server was promoted after it"),
            F_INT("timeline", db->timeline.number), F_INT("newest_timeline", newest));
}

/* The half minute begins with the first server that is refused for it. */
static bool db_fence_believes(struct db *db, uint32_t told)
{
    if (!db->fence.doubts) {
        db->fence.doubts = true;
        db->fence.believed_until = deadline_in_ms(BELIEVED_MS);
    }
    if (!deadline_passed(db->fence.believed_until))
        return true;
    db->fence.disbelieves = true;
    LOG(LOG_LEVEL_ERROR, "db.timeline_refused", F_INT("timeline", db->timeline.number),
        F_INT("told", told), F_STR("reason", "no server of database.url is on it"));
    return false;
}

bool db_fence_refuses(struct db *db)
{
    const uint32_t told = db_fence_told(db);

    if (db_fence_is_newer(db->fence.newest, db->timeline))
        db_fence_log(db, db->fence.newest.number);
    else if (told != 0 && db_fence_believes(db, told))
        db_fence_log(db, told);
    else
        return false;
    return true;
}

/* Another cluster takes the place of the one that was known: that server was set up anew. */
void db_fence_keep(struct db *db)
{
    if (db->timeline.number == 0)
        return;
    db->fence.newest = db->timeline;
    db->fence.doubts = false;
    db_timeline_tell(db->timeline);
}
