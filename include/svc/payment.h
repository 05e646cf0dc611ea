/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Payments (contract 6). A row is committed before the gateway is called, and no transaction is
 * open while it is. What the gateway did is believed in one place: payment_settle() fetches,
 * compares and applies, whoever gave the hint.
 */
#ifndef BOOKINGD_SVC_PAYMENT_H
#define BOOKINGD_SVC_PAYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/states.h"
#include "svc/booking.h"
#include "svc/svc.h"

/* What may follow what; the table of the state machine, for its users and its test. */
bool payment_may_become(enum payment_state from, enum payment_state to);
/* Whether its outcome is still to come; whether it was paid once, whatever was given back since. */
bool payment_is_open(enum payment_state state);
bool payment_was_paid(enum payment_state state);

struct payment {
    struct uuid id, venue_id, booking_id;
    enum payment_state state;
    int64_t amount, refunded; /* minor units */
    const char *currency;
    const char *gateway_id, *charge_id, *redirect_url; /* NULL while unknown */
    const char *return_url;
    bool surplus;   /* paid, but no booking stands for it */
    int64_t checks; /* how often the keeper has asked about it */
    bool in_hand;   /* its creator is calling the gateway now (or died less than a budget ago) */
    struct wall created_at, invoice_expires_at, read_at;
};

/* Why a payment call failed towards the client. */
struct payment_fault {
    bool unknown; /* it may have happened: show payment_id */
    const char *payment_id;
    long retry_after_s;
    bool passing; /* refused because somebody is at it: a repeat may be told otherwise */
};

/* ---- reads for a request's first batch ---- */
int payment_add_find_mine(struct db_batch *b, const char *token_hash, const char *id);
int payment_add_list_mine(struct db_batch *b, const char *token_hash, const char *booking_id);
int payment_add_find_staff(struct db_batch *b, const char *key_hash, const char *id);
int payment_add_list_staff(struct db_batch *b, const char *key_hash, const char *booking_id);
void payment_read(struct db_rows rows, int row, struct payment *out);

/* ---- paying ---- */

/* Called with the answer's payment when it is about to be committed: see booking_commit_fn. */
typedef void (*payment_commit_fn)(void *arg, struct db_batch *b, const struct payment *p);

struct payment_order {
    const char *booking_id, *return_url;
    payment_commit_fn on_commit; /* called for a new payment alone */
    void *arg;
};
/*
 * Opens a payment for the customer's own booking, or returns the one that is open (*existed;
 * on_commit was not called). One whose outcome is unknown is looked up at the gateway first.
 * ERR_NOT_FOUND, ERR_BOOKING_NOT_PAYABLE, provider errors with *fault, database errors.
 */
enum err payment_open(struct svc *s, const struct principal *who, const struct payment_order *o,
                      struct payment *out, bool *existed, struct payment_fault *fault) MUST_CHECK;

/* ---- the one step that believes ---- */

enum settled { SETTLED_NOTHING, SETTLED_APPLIED, SETTLED_MISMATCH };
/*
 * Asks the gateway and applies what it says; idempotent. actor: "gateway", "customer", "keeper".
 * ERR_NOT_FOUND: no such payment; provider errors when the gateway cannot be asked now. *out is the
 * payment afterwards, also (as it was) on a provider error.
 */
enum err payment_settle(struct svc *s, const char *id, const char *actor, struct payment *out,
                        enum settled *how) MUST_CHECK;

/* Reads one payment without asking anybody. */
enum err payment_find(struct svc *s, const char *id, struct payment *out) MUST_CHECK;

/*
 * An event of the gateway, already authenticated. ERR_OK: taken, *outcome says how (an enum
 * webhook_outcome, for the metric); another error: could not be verified now, the gateway shall
 * send it again. *payment_id: which payment it is about; NULL when that is not known (yet).
 */
enum err payment_event(struct svc *s, struct str body, int *outcome,
                       const char **payment_id) MUST_CHECK;

/* ---- refunds ---- */

struct refund_order {
    int64_t amount; /* 0: all that is left */
    const char *reason;
    const char *request_key; /* names the request's Idempotency-Key: a refund that was made under it
                                is told of, not made again; NULL: none */
    payment_commit_fn on_commit; /* called when it is done */
    void *arg;
};
/*
 * Gives money back for staff; the booking stays as it is. *p: the payment, becomes what it is
 * afterwards. One refund at a time: a repeat of one whose outcome is unknown finds out at the
 * gateway. ERR_PAYMENT_NOT_REFUNDABLE (nothing paid, or another refund is in flight);
 * ERR_VALIDATION: more than is left; provider errors with *fault.
 */
enum err payment_refund(struct svc *s, const struct principal *who, const struct refund_order *o,
                        struct payment *p, struct payment_fault *fault) MUST_CHECK;

/*
 * A customer's cancelling: as booking_move_on, but what was paid is refunded first, whole. When the
 * refund fails, provider errors with *fault: the booking stays as it was; while its outcome is
 * unknown, a repeat (and the keeper) finds out and then cancels.
 */
enum err payment_cancel(struct svc *s, const struct booking_caller *c,
                        const struct booking_transition *t, struct booking *out,
                        struct payment_fault *fault) MUST_CHECK;

/* ---- the keeper's jobs ---- */
enum err payment_job_settle(struct svc *s) MUST_CHECK;
enum err payment_job_refunds(struct svc *s) MUST_CHECK;

#endif
