/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The periodic tasks of the keeper, which runs them by the table at the end of this file. */
#include "svc/keeper_tasks.h"

#include "domain/metrics.h"
#include "svc/alert.h"
#include "svc/booking.h"
#include "svc/courier.h"
#include "svc/notification.h"
#include "svc/payment.h"
#include "svc/refund.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* Each costs two round trips and an SMS; the next run is a second later. */
#define HOLDS_A_RUN 50

/* ---- rows whose sender is dead ---- */

/* Never sent again by itself: it may have arrived (BEHAVIOUR §4). */
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
        const int lead = courier_lead_of(db_get_str(rows, row, "event"));
        if (t < NOTIFICATION_TEMPLATE_COUNT)
            METRIC_INC(M_NOTIFICATIONS, t, NOTIFICATION_OUTCOME_INTERRUPTED);
        if (lead >= 0)
            METRIC_INC(M_REMINDERS, (unsigned)lead, REMINDER_OUTCOME_FAILED);
        METRIC_INC(M_NOTIFICATION_ATTEMPTS, ATTEMPT_OUTCOME_INTERRUPTED);
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

/* As in keeper.sql: fewer rows mean that nothing is left. */
#define PURGE_BATCH 500
/* Of one run for each table, so that a backlog of one does not delay holds and payments: with
 * batches of 20 ms this is 50,000 rows in each of the runs, which are 15 s apart. */
#define PURGE_TABLE_MS 2000

/* One kind of rows: batches while they are full and there is time. age_ms 0: the statement knows
 * when its rows have expired. */
static enum err keeper_tasks_purge_one(struct svc *s, const struct db_stmt *stmt, int64_t age_ms)
{
    struct deadline d = deadline_cap(s->deadline, PURGE_TABLE_MS);
    int64_t deleted = PURGE_BATCH;
    while (deleted >= PURGE_BATCH && !deadline_passed(d)) {
        struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
        const char *age = db_int(b, age_ms);
        int at = db_add(b, stmt, &age, age_ms ? 1 : 0);
        enum err e = db_run(b, s->deadline);
        if (e != ERR_OK)
            return e;
        deleted = age_ms ? db_get_int(db_result(b, at), 0, "n") : db_affected(db_result(b, at));
    }
    return ERR_OK;
}

/* In the order of how fast the tables grow. Most statements know by themselves when a row has
 * expired; the last three go by the configured age. */
static enum err keeper_tasks_purge(struct svc *s)
{
    const struct {
        const struct db_stmt *stmt;
        bool by_age;
        int64_t age_ms; /* 0: kept for ever */
    } purges[] = {
        {&stmt_keeper_idempotency_keys, false, 0},
        {&stmt_keeper_rate_limits, false, 0},
        {&stmt_keeper_otp_challenges, false, 0},
        {&stmt_keeper_sessions, false, 0},
        {&stmt_keeper_desk_sessions, false, 0},
        {&stmt_keeper_desk_links, false, 0},
        {&stmt_keeper_known_addresses, false, 0},
        {&stmt_keeper_webhook_events, true, s->cfg->retention.webhook_events_ms},
        {&stmt_keeper_audit, true, s->cfg->retention.audit_ms},
        {&stmt_keeper_notifications, true, s->cfg->retention.notifications_ms},
    };
    enum err e = ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < ARRAY_LEN(purges); i++)
        if (!purges[i].by_age || purges[i].age_ms > 0)
            e = keeper_tasks_purge_one(s, purges[i].stmt, purges[i].age_ms);
    return e;
}

/* ---- where the primary is ---- */

/* Two hosts that are silent take a quarter of a second each. */
#define LOOK_MS 1000

static enum err keeper_tasks_look_around(struct svc *s)
{
    db_look_around(s->db, deadline_cap(s->deadline, LOOK_MS));
    return ERR_OK;
}

/* Two periods ahead, so that a day without a keeper matters nothing; what fits nowhere goes to a
 * default partition. */
static enum err keeper_tasks_keep_partitions(struct svc *s)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &stmt_keeper_partitions, db_int(b, s->cfg->retention.audit_ms),
                    db_int(b, s->cfg->retention.history_ms));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && db_get_int(db_result(b, at), 0, "changed") > 0)
        LOG(LOG_LEVEL_INFO, "partitions.changed",
            F_INT("tables", db_get_int(db_result(b, at), 0, "changed")));
    return e;
}

/* The name of each task is its label in metrics and status. send_by is at most 50 s away and a run
 * of the longest task at most KEEPER_TASK_RUN_MS: FAILED within the 60 s of the contract (BEHAVIOUR
 * §4). Purging can wait; what people wait for runs every second. */
const struct keeper_task keeper_tasks[] = {
    {"alerts", 2000, alert_task, true},
    {"interrupted_notifications", 1000, keeper_tasks_fail_interrupted, false},
    {"couriers", 1000, courier_task_watch, false},
    {"expired_notifications", 1000, courier_task_expire, false},
    {"reminders", 1000, reminder_task_due, false},
    {"expired_holds", 1000, keeper_tasks_expire_holds, false},
    {"payments", 1000, payment_task_settle, false},
    {"gateway_desk", 1000, payment_task_desk, false},
    {"refunds", 1000, refund_task_due, false},
    {"primary", 5000, keeper_tasks_look_around, false},
    {"purge", 15000, keeper_tasks_purge, false},
    {"partitions", 3600000, keeper_tasks_keep_partitions, false},
};
const size_t keeper_tasks_n = ARRAY_LEN(keeper_tasks);
