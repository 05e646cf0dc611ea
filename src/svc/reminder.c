/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reminders (BEHAVIOUR §13): made when they are due, from bookings as they are then, so that one of
 * a cancelled or moved booking is never planned and need not be taken back. A task of the keeper;
 * couriers send the rows, whatever the delivery of other notifications.
 */
#include "booking_priv.h"
#include "svc/booking_reads.h"
#include "svc/courier.h"
#include "svc/svc_sql.h"
#include "sys/log.h"
#include "sys/wake.h"

/* Of one transaction: each needs a statement, and a batch has DB_BATCH_MAX. */
#define REMINDER_BATCH 20
/* A run is followed by a pause of this many times its length, so that looking for reminders takes
 * a twentieth of one session at most, however many bookings there are. */
#define REMINDER_PAUSE 20
/* Of a run: the keeper's other tasks wait meanwhile. Hundreds are made in this time. */
#define REMINDER_RUN_MS 2000

static struct deadline reminder_next; /* of this process, the only keeper of its host */

/* {86400,7200}, for an integer[]. */
static const char *reminder_leads_text(struct svc *s)
{
    struct sb sb;
    sb_init(&sb, s->arena, 128);
    sb_putc(&sb, '{');
    for (size_t i = 0; i < s->cfg->notifications.reminders_n; i++)
        sb_printf(&sb, "%s%lld", i ? "," : "",
                  (long long)(s->cfg->notifications.reminders[i].before_ms / 1000));
    sb_putc(&sb, '}');
    return sb.p;
}

/* One parameter for any number of bookings: the statement stays the same, and stays prepared. */
static const char *reminder_ids_text(struct svc *s, struct db_rows due)
{
    struct sb sb;
    sb_init(&sb, s->arena, 1024);
    for (int i = 0; i < db_count(due); i++)
        sb_printf(&sb, "%c%s", i ? ',' : '{', db_get_str(due, i, "id"));
    sb_putc(&sb, '}');
    return sb.p;
}

/* Without quiet hours both are NULL, and the statement moves no reminder. */
static int reminder_lock(struct svc *s, struct db_batch *b)
{
    const struct time_of_day from = s->cfg->notifications.quiet_from,
                             to = s->cfg->notifications.quiet_to;
    return DB_ADD(b, &stmt_reminder_lock, reminder_leads_text(s),
                  from.set ? db_int(b, from.minutes) : NULL, to.set ? db_int(b, to.minutes) : NULL,
                  db_int(b, REMINDER_BATCH));
}

/* The booking of that id among those that were loaded. */
static bool reminder_find_booking(struct db_rows loaded, const char *id, struct booking *bk)
{
    for (int i = 0; i < db_count(loaded); i++) {
        booking_read(loaded, i, bk);
        if (strcmp(bk->id.s, id) == 0)
            return true;
    }
    return false;
}

/* A booking may be there twice, with two leads. */
static enum err reminder_write(struct svc *s, struct db_rows due, struct db_rows loaded)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    for (int i = 0; i < db_count(due); i++) {
        struct booking *bk = arena_alloc(s->arena, sizeof *bk);
        struct notification *n = arena_alloc(s->arena, sizeof *n);
        if (!reminder_find_booking(loaded, db_get_str(due, i, "id"), bk) ||
            !booking_notification(bk, NOTIFICATION_TEMPLATE_BOOKING_REMINDER, 0, n))
            continue;
        n->event = db_get_str(due, i, "event");
        n->expires_ms = db_get_int(due, i, "left_ms");
        n->by_courier = true;
        /* Less than half of its lead is left, or the quiet hours have begun: too late to be of use.
         */
        if (n->expires_ms > 0)
            notification_enqueue(s, b, n);
    }
    return db_run(b, s->deadline);
}

/* One transaction: locks, loads, writes. *n: how many were due. */
static enum err reminder_make_some(struct svc *s, int *n)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked = reminder_lock(s, b);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows due = db_result(b, locked);
    *n = db_count(due);
    if (*n == 0) {
        db_clean(s->db, s->deadline);
        return ERR_OK;
    }
    struct db_batch *l = db_batch(s->db, s->arena, DB_IN_TX);
    int loaded = DB_ADD(l, &stmt_reminder_load, reminder_ids_text(s, due));
    e = db_run(l, s->deadline);
    if (e == ERR_OK)
        e = reminder_write(s, due, db_result(l, loaded));
    return e;
}

enum err reminder_task_due(struct svc *s)
{
    /* Without couriers here nobody would send them; another host with couriers makes them. */
    if (s->cfg->notifications.couriers == 0 || s->cfg->notifications.provider < 0 ||
        !deadline_passed(reminder_next))
        return ERR_OK;
    const struct mono begun = mono_now();
    const struct deadline until = deadline_cap(s->deadline, REMINDER_RUN_MS);
    int made = 0, n = REMINDER_BATCH;
    enum err e = ERR_OK;
    while (e == ERR_OK && n == REMINDER_BATCH && !deadline_passed(until)) {
        e = reminder_make_some(s, &n);
        made += e == ERR_OK ? n : 0;
    }
    if (made > 0) {
        wake_signal((unsigned)made);
        LOG(LOG_LEVEL_INFO, "reminders.made", F_INT("rows", made));
    } else {
        reminder_next = deadline_in_ms(REMINDER_PAUSE * mono_ms_between(begun, mono_now()));
    }
    return e;
}
