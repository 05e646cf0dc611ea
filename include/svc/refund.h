/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Refunds (BEHAVIOUR §6): staff ask for one, or a customer cancels what was paid. A row is written
 * before the gateway is asked, and one refund per payment is under way at a time.
 */
#ifndef BOOKINGD_SVC_REFUND_H
#define BOOKINGD_SVC_REFUND_H

#include "svc/payment.h"

struct refund_order {
    const struct payment *payment; /* as the caller has read it */
    int64_t amount;                /* minor units; 0: all that is left */
    const char *reason;
    /* Names the request's Idempotency-Key: a refund that was made under it is reported, not made
     * again. NULL: none. */
    const char *request_key;
    payment_commit_fn on_commit; /* called with the payment afterwards when it is done */
    void *arg;
};
/*
 * Gives money back for staff; the booking stays as it is. A repeat of a refund whose outcome is
 * unknown finds out at the gateway. ERR_PAYMENT_NOT_REFUNDABLE (nothing paid, or another refund is
 * under way); ERR_VALIDATION: more than is left; provider errors with *fault; database errors.
 */
enum err refund_request_staff(struct svc *s, const struct principal *who,
                              const struct refund_order *o, struct payment_fault *fault) MUST_CHECK;

/*
 * A customer cancels: as booking_move_on, but what was paid is refunded first, whole. When the
 * refund fails, provider errors with *fault: the booking stays as it was; while its outcome is
 * unknown, a repeat (and the keeper) finds out and then cancels.
 */
enum err refund_request_cancel(struct svc *s, const struct booking_caller *c,
                               const struct booking_transition *t, struct booking *out,
                               struct payment_fault *fault) MUST_CHECK;

/* The keeper's task: makes the refunds that are wanted, resolves those whose outcome is unknown.
 * Database errors. */
enum err refund_task_due(struct svc *s) MUST_CHECK;

#endif
