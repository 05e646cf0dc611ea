/* What a payment does to its booking: for svc/payment alone, which holds the locks. */
#ifndef BOOKINGD_SVC_BOOKING_PAY_H
#define BOOKINGD_SVC_BOOKING_PAY_H

#include "svc/booking.h"

/* Locks and loads a booking by id, for the keeper and the gateway: indices of the two results. */
void booking_add_lock_any(struct db_batch *b, const char *id, int *locked, int *loaded);

/*
 * In an open transaction that locked the booking: makes it confirmed, from a live hold, or from a dead one when its slot is
 * still free (contract 5: a late payment). false in *taken when the slot is gone or the booking has ended. *bk becomes what it is then.
 */
enum err booking_take_paid(struct svc *s, struct booking *bk, bool *taken, bool *changed) MUST_CHECK;
/* The end of that transaction: history, notice, COMMIT, the SMS. `changed`: as booking_take_paid said. */
enum err booking_commit_paid(struct svc *s, struct db_batch *b, const struct booking *bk, const char *from, const char *actor) MUST_CHECK;

/* In an open transaction that locked the booking: cancels it after a refund. Adds to `b`, which commits; *bk becomes what it is then. */
void booking_add_cancel(struct svc *s, struct db_batch *b, struct booking *bk);
/* Whether the booking may be cancelled by `who` now: as booking_move_on decides. */
enum err booking_cancel_check(const struct principal *who, const struct booking *bk, const struct booking_transition *t) MUST_CHECK;

/* Ends a transaction that cancelled a refunded booking: history, audit, both notices (cancelled, refunded), COMMIT. */
struct booking_refunded {
    const struct booking_caller *caller; /* NULL: the keeper */
    const char *from, *reason;
    bool cancelled; /* false: a refund that leaves the booking alone */
};
enum err booking_commit_refunded(struct svc *s, struct db_batch *b, const struct booking *bk, const struct booking_refunded *how) MUST_CHECK;

#endif
