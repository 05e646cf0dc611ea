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

/* "Any": without a predicate of who may see it. Only for callers that check that themselves. */
int booking_add_find_any(struct db_batch *b, const char *id)
{
    struct booking_scope sc = {.id = id};
    return booking_add_load(b, &sc);
}

/* Two statements: what is read after the lock is what others have committed before it. */
void booking_add_lock_any(struct db_batch *b, const char *id, int *locked, int *loaded)
{
    struct booking_scope sc = {.id = id};
    *locked = booking_add_lock(b, &sc);
    *loaded = booking_add_load(b, &sc);
}

/* A dead hold may have lost its place; a live one has it. Past starts are not taken again. */
enum err booking_take_slot(struct svc *s, const struct booking *bk, bool *taken)
{
    const bool live = bk->state == BOOKING_PENDING_PAYMENT;
    const struct booking_scope sc = {.id = bk->id.s};
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    DB_ADD(b, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    const int room = DB_ADD(b, &stmt_booking_room, SCOPE_PARAMS(sc));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        *taken = db_get_bool(db_result(b, room), 0, "room") &&
                 (live || db_get_bool(db_result(b, room), 0, "ahead"));
    return e;
}

/* Returns the name of the state before: of a dead hold, the one that is stored. */
static const char *booking_pay_add_state(struct db_batch *b, struct booking *bk,
                                         enum booking_state to, const char *reason)
{
    enum booking_state from = bk->dead_hold ? BOOKING_PENDING_PAYMENT : bk->state;
    booking_set_state(b, bk, to, reason);
    return booking_state_names[from];
}

/* `b` holds the payment's part already; both are committed by booking_finish(). */
enum err booking_commit_paid(struct svc *s, struct db_batch *b, struct booking *bk,
                             const char *actor)
{
    const char *from = booking_pay_add_state(b, bk, BOOKING_CONFIRMED, NULL);
    struct booking_change paid = {.actor = actor,
                                  .now = bk,
                                  .from = from,
                                  .reason = "paid",
                                  .notification = NOTIFICATION_TEMPLATE_BOOKING_CONFIRMED,
                                  .outcome = BOOKING_OUTCOME_CONFIRMED};
    return booking_finish(s, b, &paid);
}

/* The payer's money goes back by a refund row of the same transaction (payment_store.c). */
enum err booking_commit_lost(struct svc *s, struct db_batch *b, struct booking *bk,
                             const char *actor)
{
    const char *from = booking_pay_add_state(b, bk, BOOKING_EXPIRED, NULL);
    struct booking_change lost = {.actor = actor,
                                  .now = bk,
                                  .from = from,
                                  .reason = "slot gone",
                                  .notification = NOTIFICATION_TEMPLATE_BOOKING_EXPIRED,
                                  .outcome = BOOKING_OUTCOME_EXPIRED};
    return booking_finish(s, b, &lost);
}

/* While staff decide about another amount, the hold must not end by itself. */
void booking_add_keep_hold(struct db_batch *b, struct booking *bk)
{
    DB_ADD(b, &stmt_booking_keep_hold, bk->venue_id.s, bk->id.s);
}

/* A line of history without a change of state: staff see what happened to the money. It takes a
 * version, since clients that hold an old one have an old picture. */
void booking_add_remark(struct svc *s, struct db_batch *b, struct booking *bk, const char *actor,
                        const char *reason)
{
    /* As stored: of a dead hold, what it was. */
    const char *state = booking_state_names[bk->dead_hold ? BOOKING_PENDING_PAYMENT : bk->state];
    DB_ADD(b, &stmt_booking_next_version, bk->venue_id.s, bk->id.s);
    bk->version++;
    DB_ADD(b, &stmt_booking_event, bk->venue_id.s, bk->id.s, db_int(b, bk->version), state, state,
           actor, reason, s->request_id);
}

/* ---- refunds ---- */

/* Notifications of one template and booking are told apart by a number, and a booking may have more
 * than one refund or link: the random part of an identifier makes it. */
static int64_t booking_pay_number(const char *uuid)
{
    int64_t n = 0;
    for (const char *p = uuid + strlen(uuid) - 12; *p != '\0'; p++)
        n = n * 16 + (*p <= '9' ? *p - '0' : *p - 'a' + 10);
    return n;
}

/* False: nobody is to be told, because the customer was erased. */
static bool booking_pay_add_notification(struct svc *s, struct db_batch *b,
                                         const struct booking *bk,
                                         const struct booking_refunded *how, struct notification *n)
{
    bool told = booking_notification(bk, NOTIFICATION_TEMPLATE_PAYMENT_REFUNDED,
                                     booking_pay_number(how->refund_id), n);
    if (!told)
        return false;
    n->amount = how->amount;
    n->currency = how->currency;
    notification_enqueue(s, b, n);
    return true;
}

/* False: as above. Its row commits with the payment that it asks for. */
bool booking_add_link(struct svc *s, struct db_batch *b, const struct booking *bk,
                      const struct booking_link *link, struct notification *n)
{
    const struct uuid id = uuid_new();
    if (!booking_notification(bk, NOTIFICATION_TEMPLATE_PAYMENT_LINK, booking_pay_number(id.s), n))
        return false;
    n->amount = link->amount;
    n->currency = link->currency;
    n->link = link->url;
    notification_enqueue(s, b, n);
    return true;
}

/* The booking stays as it is; its customer is told of the money. */
enum err booking_commit_refunded(struct svc *s, struct db_batch *b, const struct booking *bk,
                                 const struct booking_refunded *how)
{
    struct notification n;
    bool told = booking_pay_add_notification(s, b, bk, how, &n);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && told)
        notification_deliver(s, &n);
    return e;
}

/* Two messages, of the cancelling and of the money: a customer who deletes one still has the
 * other. */
enum err booking_commit_cancelled(struct svc *s, struct db_batch *b, struct booking *bk,
                                  const struct booking_refunded *how)
{
    const char *from =
        booking_pay_add_state(b, bk, BOOKING_CANCELLED, how->caller ? how->reason : NULL);
    struct notification n;
    bool told = booking_pay_add_notification(s, b, bk, how, &n);
    struct booking_change change = {.caller = how->caller,
                                    .actor = how->actor,
                                    .now = bk,
                                    .from = from,
                                    .reason = how->reason,
                                    .audit = "booking.cancel",
                                    .notification = NOTIFICATION_TEMPLATE_BOOKING_CANCELLED,
                                    .outcome = BOOKING_OUTCOME_CANCELLED};
    enum err e = booking_finish(s, b, &change);
    if (e == ERR_OK && told)
        notification_deliver(s, &n);
    return e;
}
