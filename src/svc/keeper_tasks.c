/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The periodic tasks of the keeper, which runs them by the table at the end of this file. */
#include "svc/keeper_tasks.h"

#include "domain/metrics.h"
#include "svc/booking.h"
#include "svc/notification.h"
#include "svc/payment.h"
#include "svc/refund.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

#define HOLDS_A_RUN 50

/* ---- rows whose sender is dead ---- */

static enum err keeper_tasks_fail_interrupted(struct svc *s)
{
    (void)notification_flush(s); /* the keeper's own results first: they are no dead sender's */
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = db_add(b, &stmt_keeper_interrupted, NULL, 0);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    for (int row = 0; row < db_count(rows); row++) {
        enum notification_template t =
            notification_template_find(db_get_str(rows, row, "template"));
        if (t < NOTIFICATION_TEMPLATE_COUNT)
            METRIC_INC(M_NOTIFICATIONS, t, NOTIFICATION_OUTCOME_INTERRUPTED);
    }
    if (db_count(rows) > 0)
        LOG(LOG_LEVEL_WARN, "notifications.interrupted", F_INT("rows", db_count(rows)));
    return ERR_OK;
}

/* ---- holds whose time has passed ---- */

static enum err keeper_tasks_expire_holds(struct svc *s)
{
    unsigned done = 0;
    enum err e = booking_expire_due(s, HOLDS_A_RUN, &done);
    if (done > 0)
        LOG(LOG_LEVEL_INFO, "bookings.expired", F_INT("rows", done));
    return e;
}

/* ---- what nobody needs any more ---- */

static const struct db_stmt *const purges[] = {
    &stmt_keeper_idempotency_keys, &stmt_keeper_rate_limits,    &stmt_keeper_otp_challenges,
    &stmt_keeper_sessions,         &stmt_keeper_webhook_events,
};

static enum err keeper_tasks_purge(struct svc *s)
{
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(purges); i++) {
        struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
        db_add(b, purges[i], NULL, 0);
        e = db_run(b, s->deadline);
    }
    return e;
}

/* send_by is at most 50 s away and a run of the longest job at most KEEPER_TASK_RUN_MS: FAILED
 * within the 60 s of the contract. */
const struct keeper_task keeper_tasks[] = {
    {"interrupted_notifications", 1000, keeper_tasks_fail_interrupted},
    {"expired_holds", 1000, keeper_tasks_expire_holds},
    {"payments", 1000, payment_task_settle},
    {"refunds", 1000, refund_task_due},
    {"purge", 60000, keeper_tasks_purge},
};
const size_t keeper_tasks_n = ARRAY_LEN(keeper_tasks);
