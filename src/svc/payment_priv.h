/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by the files of the payment service. */
#ifndef BOOKINGD_SVC_PAYMENT_PRIV_H
#define BOOKINGD_SVC_PAYMENT_PRIV_H

#include "ext/pay.h"
#include "svc/payment.h"

/* For payment_read(): SELECT PAYMENT_COLUMNS FROM payments p */
#define PAYMENT_COLUMNS                                                                    \
    " p.id, p.venue_id, p.booking_id, p.status, p.amount, p.refunded_amount, p.currency, " \
    "p.gateway_id, p.charge_id,"                                                           \
    " p.redirect_url, p.return_url, p.surplus, p.checks, p.status = 'creating' AND "       \
    "p.next_check_at > now() AS in_hand,"                                                  \
    " " DB_US("p.created_at") " AS created_us, " DB_US(                                    \
        "p.invoice_expires_at") " AS expires_us, " DB_US("now()") " AS read_us"

/* A call to the gateway, within the deadline less what storing the result takes. */
struct pay_call payment_call(struct svc *s);
/* Whether a gateway is configured. */
bool payment_configured(const struct svc *s);

/* Locks a payment's booking, then the payment, in a transaction that stays open; loads both. The
 * order of all payment transactions. */
struct payment_locked {
    struct booking booking;
    struct payment payment;
    bool other_paid; /* another payment stands for the booking */
};
enum err payment_begin(struct svc *s, const struct payment *p,
                       struct payment_locked *out) MUST_CHECK;

/* Adds the new state (with its fields as they are in *p) and the row of its history. next_check_s
 * from now; < 0: nothing is left to ask. */
struct payment_change {
    enum payment_state from;
    const char *actor, *reason;
    int64_t next_check_s;
    bool again; /* a row of history also when the state stays: a further refund */
};
void payment_add_change(struct svc *s, struct db_batch *b, const struct payment *p,
                        const struct payment_change *c);
/* What the service did by itself, for staff to see. detail: JSON text or NULL. */
void payment_add_audit(struct svc *s, struct db_batch *b, const struct payment *p,
                       const char *actor, const char *action, const char *detail);

/* A provider's failure as the client is told: sets *fault, returns the error. */
enum err payment_fail(struct svc *s, const struct ext_result *o, const struct payment *p,
                      struct payment_fault *fault);

/* Settles; wide: looks for every invoice with our reference, not just for the one that we know. */
enum err payment_settle_wide(struct svc *s, const char *id, const char *actor, struct payment *out,
                             enum settled *how) MUST_CHECK;

/*
 * Seconds until the keeper asks again: 2, 4, 8 ... at most 45, so that what no hint came for is
 * settled within 60 s.
 */
int64_t payment_backoff_s(int64_t checks);
/* The same in milliseconds, up to a tenth longer, so that what began together does not stay
 * together. Not above 0: as it is. */
int64_t payment_wait_ms(int64_t s);
#define PAYMENT_DONE (-1)
/* When the keeper looks at it next. pending: a charge was begun and not answered; it may end well
 * after the invoice has ended. */
int64_t payment_next_look_s(const struct payment *p, bool pending);

/* ---- refunds: payment_giveback.c ---- */

/* Only after this long may a refund that the gateway's total does not show be called not done. */
#define REFUND_SETTLED "15 minutes"

/* For refund_read(): of refunds r. */
#define REFUND_COLUMNS                                                                           \
    " r.id, r.venue_id, r.payment_id, r.charge_id, r.amount, r.refunded_before, r.whole, "       \
    "r.cancels_booking, r.surplus,"                                                              \
    " r.actor, r.reason, r.checks, r.created_at < now() - interval '" REFUND_SETTLED "' AS old," \
    " r.status = 'calling' AND r.next_check_at > now() AS in_hand"

struct refund {
    struct uuid id, venue_id, payment_id;
    const char *charge_id, *actor, *reason;
    int64_t amount, before, checks; /* before: the gateway's total before the call */
    bool whole;                     /* all that is left */
    bool cancels_booking, surplus;
    bool old;     /* long enough under way for the gateway's total to be the last word */
    bool in_hand; /* somebody is calling the gateway now */
};
void refund_read(struct db_rows rows, struct refund *r);
int refund_add_set(struct db_batch *b, const struct refund *r, const char *status,
                   const char *fault, int64_t next_s);
/* How long a caller has it in hand. */
int64_t refund_claim_s(const struct svc *s);

/* Who hears that it is done, and what else commits with it. All NULL: the keeper's. */
struct refund_end {
    const struct refund_order *order;       /* staff */
    const struct booking_caller *canceller; /* the customer whose answer is the booking */
    struct booking *booking;                /* what became of it */
};

/*
 * Makes one whose row is CALLING: reads what is left, asks, stores what became of it. The error is
 * ours (the row, the database); how the gateway answered is in *o. ERR_VALIDATION: more than is
 * left; ERR_PAYMENT_NOT_REFUNDABLE: nothing is.
 */
enum err refund_make(struct svc *s, struct refund *r, const struct refund_end *end,
                     struct payment *p, struct ext_result *o) MUST_CHECK;
/* Finds out about one whose outcome is not known; as refund_make. */
enum err refund_resolve(struct svc *s, const struct refund *r, const struct refund_end *end,
                        struct payment *p, struct ext_result *o) MUST_CHECK;

enum err refund_finish_done(struct svc *s, const struct refund *r, int64_t total,
                            const struct refund_end *end, struct payment *p) MUST_CHECK;
enum err refund_finish_failed(struct svc *s, const struct refund *r, const char *fault) MUST_CHECK;
enum err refund_finish_unknown(struct svc *s, const struct refund *r, const char *fault) MUST_CHECK;

#endif
