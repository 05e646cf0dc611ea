/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by refund.c, which carries refunds out, and refund_request.c, where they are asked for. */
#ifndef BOOKINGD_SVC_REFUND_PRIV_H
#define BOOKINGD_SVC_REFUND_PRIV_H

#include "payment_priv.h"

struct refund {
    struct uuid id, venue_id, payment_id;
    enum refund_state state;
    const char *charge_id, *actor, *reason; /* reason may be NULL */
    int64_t amount, checks;
    int64_t before; /* the gateway's total before the call */
    bool whole;     /* all that is left, whatever that is by then */
    bool cancels_booking;
    bool unmatched;        /* the keeper's, of a charge that no booking stands for */
    bool again;            /* was in doubt and turned out not done: asked for until it is */
    bool total_is_final;   /* so long under way that the gateway's total is the last word */
    bool locked_by_caller; /* a process is calling the gateway for it */
};
void refund_read(struct db_rows rows, struct refund *r);

/* Who waits for the end of a refund, and what else commits with it. All NULL: the keeper. */
struct refund_caller {
    const struct refund_order *order;       /* staff */
    const struct booking_caller *canceller; /* the customer whose answer is the booking */
    struct booking *booking;                /* set to what became of it; NULL: nobody asks */
    struct refund_told *told;               /* set before the canceller's answer; or NULL */
};
/* Adds what the caller commits with the answer, and hands the booking over. `amount`: of the refund
 * that is told of. */
void refund_add_answer(const struct refund_caller *caller, struct db_batch *b,
                       const struct payment *p, int64_t amount, const struct booking *bk);
/* For the canceller's answer. */
void refund_tell(const struct refund_caller *caller, const struct payment *p, int64_t amount);

/*
 * Makes one whose row is CALLING: reads what is left, asks, stores what became of it. `p` is its
 * payment, of which the ids count. The error is ours (the row, the database); how the gateway
 * answered is in *o. ERR_VALIDATION: more than is left; ERR_PAYMENT_NOT_REFUNDABLE: nothing is.
 */
enum err refund_make(struct svc *s, const struct refund *r, const struct refund_caller *caller,
                     const struct payment *p, struct ext_result *o) MUST_CHECK;
/* Finds out about one whose outcome is not known; as refund_make. */
enum err refund_resolve(struct svc *s, const struct refund *r, const struct refund_caller *caller,
                        const struct payment *p, struct ext_result *o) MUST_CHECK;

#endif
