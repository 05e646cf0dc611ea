/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Results of attempts on their way into their rows, and where they wait while the database is away.
 * Called by notification.c after each attempt, and between requests to store what waits. The list
 * is this process's; when it dies, the keeper marks the rows `interrupted`.
 */
#include "notification_priv.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* While the database is away nothing new commits, so only results of calls that were under way come
 * here: a few. When the list is full the oldest is given up: the keeper will call that row
 * interrupted. */
#define WAITING_MAX 64
/* Per row, between requests: a worker that waits longer is missing from the queue. */
#define FLUSH_MS 500

static struct notification_result waiting[WAITING_MAX];
static unsigned waiting_n;

/* Columns are NULL where there is nothing to say; the fixed buffers cannot be. */
static const char *notification_store_none_if_empty(const char *z)
{
    return *z ? z : NULL;
}

static enum err notification_store_write(struct svc *s, const struct notification_result *r,
                                         struct deadline d)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i =
        DB_ADD(b, &stmt_notification_store, r->venue_id.s, r->id.s, db_int(b, r->claim),
               notification_outcome_names[r->outcome], notification_store_none_if_empty(r->detail),
               notification_store_none_if_empty(r->provider),
               notification_store_none_if_empty(r->message_id), db_bool(r->tried));
    enum err e = db_run(b, d);
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
static void notification_store_queue_result(const struct notification_result *r, enum err reason)
{
    if (waiting_n == WAITING_MAX) {
        memmove(waiting, waiting + 1, (WAITING_MAX - 1) * sizeof waiting[0]);
        waiting_n--;
    }
    waiting[waiting_n] = *r;
    waiting[waiting_n++].in_doubt = r->in_doubt || reason == ERR_COMMIT_UNKNOWN;
    LOG(LOG_LEVEL_WARN, "notification.result_waits", F_STR("notification", r->id.s), F_ERR(reason),
        F_INT("waiting", waiting_n));
}

void notification_store(struct svc *s, const struct notification_result *r)
{
    enum err e = notification_store_write(s, r, s->deadline);
    if (e != ERR_OK)
        notification_store_queue_result(r, e);
}

/* In the order in which they came, and no further than the first failure: the database is away for
 * all of them. */
unsigned notification_flush(struct svc *s)
{
    while (waiting_n > 0 && !deadline_passed(s->deadline)) {
        enum err e = notification_store_write(s, &waiting[0], deadline_cap(s->deadline, FLUSH_MS));
        if (e != ERR_OK) {
            waiting[0].in_doubt |= e == ERR_COMMIT_UNKNOWN;
            break;
        }
        memmove(waiting, waiting + 1, (waiting_n - 1) * sizeof waiting[0]);
        waiting_n--;
    }
    return waiting_n;
}
