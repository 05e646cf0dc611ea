/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What all changes of a booking share: who may act on it, its locks, and what each change ends with
 * (history, audit, notification). Called by the other booking_*.c files. A change is two batches:
 * the first begins the transaction, locks and loads; the second writes and commits through
 * booking_finish(). */
#include "svc/booking.h"

#include "base/ensure.h"
#include "booking_priv.h"
#include "svc/audit.h"
#include "svc/notification.h"
#include "svc/svc_sql.h"

/* NULL members do not limit: the keeper and staff of all venues may act on every booking. */
struct booking_scope booking_scope_of(const struct principal *who, const char *id)
{
    struct booking_scope sc = {.id = id};
    if (who && who->kind == WHO_CUSTOMER)
        sc.customer_id = who->id.s;
    if (who && who->kind == WHO_STAFF && who->one_venue)
        sc.venue_id = who->venue_id.s;
    return sc;
}

/* Lock and load are two statements: one that waited for a lock would show other tables as they were
 * before it waited. */
int booking_add_lock(struct db_batch *b, const struct booking_scope *sc)
{
    return DB_ADD(b, &stmt_booking_lock, SCOPE_PARAMS(*sc));
}

/* The columns that booking_read() reads. */
int booking_add_load(struct db_batch *b, const struct booking_scope *sc)
{
    return DB_ADD(b, &stmt_booking_load, SCOPE_PARAMS(*sc));
}

/* ---- the end of every change ---- */

/* An erased customer has no phone, and a guest may have none. */
bool booking_notification(const struct booking *bk, enum notification_template t, int64_t number,
                          struct notification *n)
{
    if (t == NOTIFICATION_TEMPLATE_COUNT || !bk->phone)
        return false;
    *n = (struct notification){
        .template = t,
        .venue_id = bk->venue_id.s,
        .booking_id = bk->id.s,
        .booking_version = number,
        .locale = bk->locale,
        .recipient = bk->phone,
        .service = booking_name_for(&bk->service, bk->locale, bk->venue_locale),
        .venue = booking_name_for(&bk->venue, bk->locale, bk->venue_locale),
        .resource = booking_name_for(&bk->resource, bk->locale, bk->venue_locale),
        .starts_at = bk->starts_wall,
        .ends_at = bk->ends_wall,
        .party_size = bk->party_size,
    };
    return true;
}

/* *bk follows the statement, so that the answer needs no second read. */
void booking_set_state(struct db_batch *b, struct booking *bk, enum booking_state to,
                       const char *reason)
{
    DB_ADD(b, &stmt_booking_set_state, bk->venue_id.s, bk->id.s, booking_state_names[to], reason);
    bk->state = to;
    bk->version++;
    bk->reason = reason;
    bk->has_hold = bk->dead_hold = false;
    bk->has_cancelled = to == BOOKING_CANCELLED;
    bk->cancelled_at = bk->read_at; /* now() is the transaction's */
    bk->has_ended = to == BOOKING_COMPLETED || to == BOOKING_NO_SHOW;
    bk->ended_at = bk->read_at;
}

/* History, audit, notification and the caller's answer commit together, or none of them does. */
enum err booking_finish(struct svc *s, struct db_batch *b, const struct booking_change *c)
{
    const struct booking *bk = c->now;
    const struct principal *who = c->caller ? c->caller->who : NULL;
    const char *actor = who ? who->actor : c->actor ? c->actor : actor_names[ACTOR_KEEPER];

    DB_ADD(b, &stmt_booking_event, bk->venue_id.s, bk->id.s, db_int(b, bk->version), c->from,
           booking_state_names[bk->state], actor, c->reason, s->request_id);
    if (who && who->kind == WHO_STAFF) {
        audit_add(s, b,
                  &(struct audit){.actor = actor,
                                  .action = c->audit,
                                  .subject = bk->id.s,
                                  .venue_id = bk->venue_id.s});
    }
    struct notification n;
    bool told = booking_notification(bk, c->notification, bk->version, &n);
    /* After the commit: no provider is called inside a transaction (BEHAVIOUR §3). */
    if (told)
        notification_enqueue(s, b, &n);
    if (c->caller && c->caller->on_commit)
        c->caller->on_commit(c->caller->arg, b, bk);

    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (c->outcome != BOOKING_OUTCOME_COUNT)
        METRIC_INC(M_BOOKINGS, c->outcome);
    if (told)
        notification_deliver(s, &n);
    return ERR_OK;
}
