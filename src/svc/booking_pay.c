/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
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
    bool live = bk->state == BOOKING_PENDING_PAYMENT;
    struct booking_scope sc = {.id = bk->id.s};
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    DB_ADD(b, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    DB_ADD(b, &stmt_booking_free_units, SCOPE_PARAMS(sc));
    DB_ADD(b, &stmt_booking_pay_drop_dead, bk->venue_id.s, bk->id.s);
    int units = DB_ADD(b, &stmt_booking_take_units, bk->venue_id.s, bk->id.s, db_bool(live));
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        *taken = db_affected(db_result(b, units)) == bk->party_size;
    return e;
}

enum err booking_commit_paid(struct svc *s, struct db_batch *b, struct booking *bk,
                             const char *actor)
{
    bool stored_hold = bk->state == BOOKING_PENDING_PAYMENT || bk->dead_hold;
    const char *from = booking_state_names[stored_hold ? BOOKING_PENDING_PAYMENT : bk->state];
    DB_ADD(b, &stmt_booking_set_state, bk->venue_id.s, bk->id.s,
           booking_state_names[BOOKING_CONFIRMED]);
    bk->state = BOOKING_CONFIRMED;
    bk->version++;
    bk->has_hold = bk->dead_hold = false;
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
    DB_ADD(b, &stmt_booking_set_state, bk->venue_id.s, bk->id.s,
           booking_state_names[BOOKING_EXPIRED]);
    bk->state = BOOKING_EXPIRED;
    bk->version++;
    bk->has_hold = bk->dead_hold = false;
    struct booking_change lost = {.actor = actor,
                                  .now = bk,
                                  .from = booking_state_names[BOOKING_PENDING_PAYMENT],
                                  .reason = "slot gone",
                                  .notice = NOTICE_BOOKING_EXPIRED,
                                  .outcome = BOOKING_OUTCOME_EXPIRED};
    return booking_finish(s, b, &lost);
}

/* ---- refunds ---- */

/* The random part of a refund's identifier: notices of one booking are told apart by a number. */
static int64_t number_of(const char *uuid)
{
    int64_t n = 0;
    for (const char *p = uuid + strlen(uuid) - 12; *p != '\0'; p++)
        n = n * 16 + (*p <= '9' ? *p - '0' : *p - 'a' + 10);
    return n;
}

static bool add_notice(struct svc *s, struct db_batch *b, const struct booking *bk,
                       const char *refund_id, struct notification *n)
{
    bool told = booking_notification(bk, NOTICE_PAYMENT_REFUNDED, number_of(refund_id), n);
    if (told)
        notification_enqueue(s, b, n);
    return told;
}

enum err booking_commit_refunded(struct svc *s, struct db_batch *b, const struct booking *bk,
                                 const char *refund_id)
{
    struct notification n;
    bool told = add_notice(s, b, bk, refund_id, &n);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && told)
        notification_deliver(s, &n);
    return e;
}

enum err booking_commit_cancelled(struct svc *s, struct db_batch *b, struct booking *bk,
                                  const struct booking_refunded *how)
{
    struct booking_scope sc = {.id = bk->id.s};
    const char *from = booking_state_names[bk->state];
    DB_ADD(b, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    DB_ADD(b, &stmt_booking_free_units, SCOPE_PARAMS(sc));
    DB_ADD(b, &stmt_booking_set_state, bk->venue_id.s, bk->id.s,
           booking_state_names[BOOKING_CANCELLED]);
    bk->state = BOOKING_CANCELLED;
    bk->version++;
    bk->has_hold = bk->dead_hold = false;
    bk->has_cancelled = true;
    bk->cancelled_at = bk->read_at;
    struct notification n;
    bool told = add_notice(s, b, bk, how->refund_id, &n);
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
