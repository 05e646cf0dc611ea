/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Results of attempts on their way into their rows, and where they wait while the database is away.
 * Called by notification.c after each attempt, and between requests to store what waits. The list
 * is this process's; when it dies, the keeper marks the rows `interrupted`.
 */
#include "notification_priv.h"
#include "svc/pending.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* While the database is away nothing new commits, so only results of calls that were under way come
 * here: a few. When the list is full the oldest is given up: the keeper will call that row
 * interrupted. */
#define WAITING_MAX 64
/* Per row, between requests: a worker that waits longer is missing from the queue. */
#define FLUSH_MS 500

/* Columns are NULL where there is nothing to say; the fixed buffers cannot be. */
static const char *notification_store_none_if_empty(const char *z)
{
    return *z ? z : NULL;
}

static enum err notification_store_write(struct svc *s, const struct notification_result *r)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i =
        DB_ADD(b, &stmt_notification_store, r->venue_id.s, r->id.s, db_int(b, r->claim),
               notification_outcome_names[r->outcome], notification_store_none_if_empty(r->detail),
               notification_store_none_if_empty(r->provider),
               notification_store_none_if_empty(r->message_id), db_bool(r->tried));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    /* Counted once: a result that was in doubt may be in the row already. */
    bool first =
        db_count(rows) == 1 ? strcmp(db_get_str(rows, 0, "was"), "PENDING") == 0 : r->in_doubt;
    if (first)
        METRIC_INC(M_NOTIFICATIONS, r->template, r->outcome);
    return ERR_OK;
}

/* A commit whose acknowledgement was lost may have happened: then the row may be written already,
 * and must not be counted twice. */
static bool notification_store_again(struct svc *s, void *item)
{
    struct notification_result *r = item;
    enum err e = notification_store_write(s, r);
    r->in_doubt |= e == ERR_COMMIT_UNKNOWN;
    return e == ERR_OK;
}

static struct notification_result notification_waiting[WAITING_MAX];
static struct pending notification_queue = {
    .items = notification_waiting,
    .size = sizeof notification_waiting[0],
    .most = WAITING_MAX,
    .store = notification_store_again,
    .try_ms = FLUSH_MS,
};

void notification_store(struct svc *s, struct notification_result *r)
{
    enum err e = notification_store_write(s, r);
    if (e == ERR_OK)
        return;
    r->in_doubt = e == ERR_COMMIT_UNKNOWN;
    pending_add(&notification_queue, r);
    LOG(LOG_LEVEL_WARN, "notification.result_waits", F_STR("notification", r->id.s), F_ERR(e),
        F_INT("waiting", notification_queue.n));
}

unsigned notification_flush(struct svc *s)
{
    return pending_flush(&notification_queue, s);
}
