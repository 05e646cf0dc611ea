/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a payment does to its booking, for payment_settle.c and the refunds. Each function works in
 * the transaction that locked the booking before the payment; a notification goes out only after
 * the commit, because a provider is never called within a transaction.
 */
#include "svc/booking_pay.h"

#include "svc/svc_sql.h"
#include <string.h>

#include "booking_priv.h"

int booking_add_find_any(struct db_batch *b, const char *id)
{
    struct booking_scope sc = {.id = id};
    return booking_add_load(b, &sc);
}

void booking_add_lock_any(struct db_batch *b, const char *id, int *locked, int *loaded)
{
    struct booking_scope sc = {.id = id};
    *locked = booking_add_lock(b, &sc);
    *loaded = booking_add_load(b, &sc);
}

enum err booking_take_slot(struct svc *s, const struct booking *bk, bool *taken)
{
    /* A live hold may be confirmed at any time, a dead one only while its start is ahead. */
    bool live = bk->state == BOOKING_PENDING_PAYMENT;
    struct booking_scope sc = {.id = bk->id.s};
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    DB_ADD(b, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    /* Its own units are put away first, so that a live hold, which has them, and a dead one, which
     * may have lost them, go one way: all units are taken anew, or none. */
    DB_ADD(b, &stmt_booking_free_units, SCOPE_PARAMS(sc));
    DB_ADD(b, &stmt_booking_pay_drop_dead, bk->venue_id.s, bk->id.s);
    int units = DB_ADD(b, &stmt_booking_take_units, bk->venue_id.s, bk->id.s, db_bool(live));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        *taken = db_affected(db_result(b, units)) == bk->party_size;
    return e;
}

/* Returns the name of the state before: of a dead hold, the one that is stored. */
static const char *booking_pay_add_state(struct db_batch *b, struct booking *bk,
                                         enum booking_state to)
{
    enum booking_state from = bk->dead_hold ? BOOKING_PENDING_PAYMENT : bk->state;
    booking_set_state(b, bk, to);
    return booking_state_names[from];
}

enum err booking_commit_paid(struct svc *s, struct db_batch *b, struct booking *bk,
                             const char *actor)
{
    const char *from = booking_pay_add_state(b, bk, BOOKING_CONFIRMED);
    struct booking_change paid = {.actor = actor,
                                  .now = bk,
                                  .from = from,
                                  .reason = "paid",
                                  .notice = NOTICE_BOOKING_CONFIRMED,
                                  .outcome = BOOKING_OUTCOME_CONFIRMED};
    return booking_finish(s, b, &paid);
}

enum err booking_commit_lost(struct svc *s, struct db_batch *b, struct booking *bk,
                             const char *actor)
{
    const char *from = booking_pay_add_state(b, bk, BOOKING_EXPIRED);
    struct booking_change lost = {.actor = actor,
                                  .now = bk,
                                  .from = from,
                                  .reason = "slot gone",
                                  .notice = NOTICE_BOOKING_EXPIRED,
                                  .outcome = BOOKING_OUTCOME_EXPIRED};
    return booking_finish(s, b, &lost);
}

/* ---- refunds ---- */

/* Notifications of one template and booking are told apart by a number, and a booking may have more
 * than one refund: the random part of the refund's identifier makes it. */
static int64_t booking_pay_refund_number(const char *uuid)
{
    int64_t n = 0;
    for (const char *p = uuid + strlen(uuid) - 12; *p != '\0'; p++)
        n = n * 16 + (*p <= '9' ? *p - '0' : *p - 'a' + 10);
    return n;
}

/* False: nobody is to be told, because the customer was erased. */
static bool booking_pay_add_notification(struct svc *s, struct db_batch *b,
                                         const struct booking *bk, const char *refund_id,
                                         struct notification *n)
{
    bool told =
        booking_notification(bk, NOTICE_PAYMENT_REFUNDED, booking_pay_refund_number(refund_id), n);
    if (told)
        notification_enqueue(s, b, n);
    return told;
}

enum err booking_commit_refunded(struct svc *s, struct db_batch *b, const struct booking *bk,
                                 const char *refund_id)
{
    struct notification n;
    bool told = booking_pay_add_notification(s, b, bk, refund_id, &n);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && told)
        notification_deliver(s, &n);
    return e;
}

enum err booking_commit_cancelled(struct svc *s, struct db_batch *b, struct booking *bk,
                                  const struct booking_refunded *how)
{
    struct booking_scope sc = {.id = bk->id.s};
    /* Units change under the resource's lock alone: whoever looks for a free slot waits there. */
    DB_ADD(b, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    DB_ADD(b, &stmt_booking_free_units, SCOPE_PARAMS(sc));
    const char *from = booking_pay_add_state(b, bk, BOOKING_CANCELLED);
    struct notification n;
    bool told = booking_pay_add_notification(s, b, bk, how->refund_id, &n);
    struct booking_change change = {.caller = how->caller,
                                    .actor = how->actor,
                                    .now = bk,
                                    .from = from,
                                    .reason = how->reason,
                                    .audit = "booking.cancel",
                                    .notice = NOTICE_BOOKING_CANCELLED,
                                    .outcome = BOOKING_OUTCOME_CANCELLED};
    enum err e = booking_finish(s, b, &change);
    if (e == ERR_OK && told)
        notification_deliver(s, &n);
    return e;
}
