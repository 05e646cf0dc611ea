/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a payment does to its booking. For svc/payment alone, in an open transaction that has locked
 * the booking (booking_add_lock_any); the functions named commit end that transaction and send the
 * notification. Database errors pass through; after one the transaction is gone.
 */
#ifndef BOOKINGD_SVC_BOOKING_PAY_H
#define BOOKINGD_SVC_BOOKING_PAY_H

#include "svc/booking.h"
#include "svc/notification.h"

/* Loads a booking by id, whosever it is. */
int booking_add_find_any(struct db_batch *b, const char *id);
/* Locks and loads it: indices of the two results. */
void booking_add_lock_any(struct db_batch *b, const char *id, int *locked, int *loaded);

/*
 * Takes the slot of a booking that is pending or expired for good: from a live hold, or from a dead
 * one when the slot is still free and ahead (BEHAVIOUR §5: a late payment). *taken: whether it has
 * all its units; then booking_commit_paid must follow. Set when ERR_OK is returned.
 */
enum err booking_take_slot(struct svc *s, const struct booking *bk, bool *taken) MUST_CHECK;
/* Confirms it: state, history, notification, COMMIT of `b`, the SMS. *bk becomes what it is then.
 * actor: of the history. */
enum err booking_commit_paid(struct svc *s, struct db_batch *b, struct booking *bk,
                             const char *actor) MUST_CHECK;
/* In its place for a live hold whose slot another has, which only a clock that was stepped can
 * bring about: it ends as expired. */
enum err booking_commit_lost(struct svc *s, struct db_batch *b, struct booking *bk,
                             const char *actor) MUST_CHECK;

/* A hold that stays until staff decide about its money: no time ends it. */
void booking_add_keep_hold(struct db_batch *b, struct booking *bk);
/* A row of the booking's history that changes nothing of it but its version. */
void booking_add_remark(struct svc *s, struct db_batch *b, struct booking *bk, const char *actor,
                        const char *reason);

/* Whether `who` may cancel it now, as booking_move_on decides. */
enum err booking_cancel_check(const struct principal *who, const struct booking *bk,
                              const struct booking_transition *t) MUST_CHECK;

struct booking_refunded {
    const struct booking_caller *caller; /* NULL: `actor` did it */
    const char *actor, *reason;
    const char *refund_id; /* tells the booking's refunds apart: one notification each */
    int64_t amount;        /* of this refund, in minor units of: */
    const char *currency;
};
/* Cancels it after its refund: state, history, audit, both notifications, COMMIT of `b`, the SMS.
 */
enum err booking_commit_cancelled(struct svc *s, struct db_batch *b, struct booking *bk,
                                  const struct booking_refunded *how) MUST_CHECK;
/* Adds the notification that says where the booking is to be paid, for notification_deliver() after
 * the commit. Each call makes another one. False: nobody is to be told, because it has no phone. */
struct booking_link {
    int64_t amount; /* minor units */
    const char *currency, *url;
};
bool booking_add_link(struct svc *s, struct db_batch *b, const struct booking *bk,
                      const struct booking_link *link, struct notification *n);
/* A refund that leaves the booking alone: notification, COMMIT of `b`, the SMS. */
enum err booking_commit_refunded(struct svc *s, struct db_batch *b, const struct booking *bk,
                                 const struct booking_refunded *how) MUST_CHECK;

#endif
