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

/* What of a paid booking's money goes back when it is cancelled. */
enum refund_kind { REFUND_FULL /* all that is left */, REFUND_NONE, REFUND_PART };
/* What became of it, for the answer; set before the canceller's on_commit is called. */
struct refund_told {
    bool paid;              /* `payment` stands for the booking, or did */
    struct payment payment; /* afterwards */
    int64_t amount;         /* of the refund that was made; 0: none */
};
struct refund_cancelling {
    const struct booking_caller *caller;
    const struct booking_transition *transition;
    enum refund_kind kind;    /* customers: REFUND_FULL */
    int64_t amount;           /* REFUND_PART: minor units */
    struct refund_told *told; /* or NULL */
};
/*
 * Cancels a booking: as booking_move_on, but what was paid is refunded first, unless staff say
 * otherwise. When the refund fails, provider errors with *fault: the booking stays as it was; while
 * its outcome is unknown, a repeat (and the keeper) finds out and then cancels. Of staff's own also
 * ERR_VALIDATION: more than is left; ERR_PAYMENT_NOT_REFUNDABLE: a part of what was not paid, or
 * another refund is under way.
 */
enum err refund_request_cancel(struct svc *s, const struct refund_cancelling *how,
                               struct booking *out, struct payment_fault *fault) MUST_CHECK;

/* Adds the list of a booking's refunds, as the staff key may see them; returns the result's index.
 * Rows of id, payment_id, amount, status, actor, reason, fault, cancels_booking, asked_us. */
int refund_add_list(struct db_batch *b, const char *key_hash, const char *booking_id);

/* The keeper's task: makes the refunds that are wanted, resolves those whose outcome is unknown.
 * Database errors. */
enum err refund_task_due(struct svc *s) MUST_CHECK;

#endif
