/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Payments (BEHAVIOUR §6). A row is committed before the gateway is called, and no transaction is
 * open during a call. Only payment_settle() applies what the gateway says: it fetches, compares and
 * stores, whoever gave the hint. Amounts are integers in minor units. Database errors pass through.
 */
#ifndef BOOKINGD_SVC_PAYMENT_H
#define BOOKINGD_SVC_PAYMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/actors.h"
#include "domain/states.h"
#include "svc/booking.h"
#include "svc/svc.h"

/* The state machine: what may follow what. */
bool payment_may_become(enum payment_state from, enum payment_state to);
/* Its outcome is still to come. */
bool payment_is_open(enum payment_state state);
/* It was paid once, whatever was refunded since. */
bool payment_was_paid(enum payment_state state);

struct payment {
    struct uuid id, venue_id, booking_id;
    enum payment_state state;
    int64_t amount, refunded; /* minor units */
    int64_t rest;             /* due on site beside it */
    const char *currency;
    const char *gateway_id, *charge_id, *redirect_url; /* NULL while unknown */
    const char *return_url;
    /* Of one that was paid in another amount or currency; what is not known is -1 or NULL. Once
     * staff have decided, `amount` is what was paid, and `expected` what was asked for. */
    int64_t paid_amount, expected_amount;
    const char *paid_currency, *expected_currency;
    bool unmatched;        /* paid, but no booking stands for it */
    int64_t checks;        /* how often the keeper has asked about it */
    bool locked_by_caller; /* a process is calling the gateway, or died less than a budget ago */
    struct wall created_at, invoice_expires_at, read_at;
};

/* What was paid, or would be, in minor units. */
int64_t payment_whole(const struct payment *p);

/* Why a payment call failed, as the client is told. */
struct payment_fault {
    bool unknown;           /* it may have happened: show payment_id */
    const char *payment_id; /* on the arena; NULL unless unknown */
    long retry_after_s;
    bool retryable; /* another request is at work on it: a repeat may have another answer */
};

/* ---- reads for a request's first batch ---- */

/* Each adds a statement and returns its index. The hash of the caller's token or key is a predicate
 * of it: what the caller may not see is not found. */
int payment_add_find_mine(struct db_batch *b, const char *token_hash, const char *id);
int payment_add_list_mine(struct db_batch *b, const char *token_hash, const char *booking_id);
int payment_add_find_staff(struct db_batch *b, const char *key_hash, const char *id);
int payment_add_list_staff(struct db_batch *b, const char *key_hash, const char *booking_id);
/* Texts of *out live as long as the batch's arena. */
void payment_read(struct db_rows rows, int row, struct payment *out);
/* Reads one payment without asking the gateway. ERR_NOT_FOUND; database errors. */
enum err payment_find(struct svc *s, const char *id, struct payment *out) MUST_CHECK;

/* ---- opening ---- */

/* Called with the payment of the answer when it is about to be committed: see booking_commit_fn. */
typedef void (*payment_commit_fn)(void *arg, struct db_batch *b, const struct payment *p);

struct payment_order {
    const struct principal *who;
    const char *booking_id;
    /* Where the payer ends up. Of an open payment the newest one counts; NULL (staff): as it is, or
     * the first of payments.return_origins. */
    const char *return_url;
    payment_commit_fn on_commit; /* called for a new payment only */
    void *arg;
};
struct payment_opened {
    struct payment payment;
    bool existed; /* it was open before; on_commit was not called */
    struct payment_fault fault;
};
/*
 * Opens a payment for the customer's own booking, or for one that the staff key may change, or
 * returns the one that is open. One whose outcome is unknown is looked up at the gateway first.
 * ERR_NOT_FOUND, ERR_BOOKING_NOT_PAYABLE, provider errors with out->fault, database errors.
 */
enum err payment_open(struct svc *s, const struct payment_order *o,
                      struct payment_opened *out) MUST_CHECK;

/* ---- settling ---- */

enum settle_result { SETTLED_NOTHING, SETTLED_APPLIED, SETTLED_MISMATCH };
struct settlement {
    struct payment payment; /* afterwards; on a provider error as it was */
    enum settle_result result;
};
/* Every invoice with our reference costs one call more than the one that we know. */
enum payment_search { SEARCH_KNOWN_INVOICE, SEARCH_ALL_INVOICES };
/*
 * Asks the gateway and applies what it says; idempotent. ERR_NOT_FOUND: no such payment; provider
 * errors when the gateway cannot be asked now; database errors.
 */
enum err payment_settle(struct svc *s, const char *id, enum actor actor, enum payment_search search,
                        struct settlement *out) MUST_CHECK;

/*
 * The same for a hint of an unknown sender (return, callback), which is cheap however often it
 * comes: at most one look per payment in 3 seconds, none for a payment that is paid, given back or
 * waits for staff; else out->payment is the row.
 */
enum err payment_settle_hint(struct svc *s, const char *id, enum actor actor,
                             struct settlement *out) MUST_CHECK;

/*
 * An event of the gateway; its secret is checked here (ERR_UNAUTHORIZED). ERR_OK: taken, *outcome
 * says how (an enum webhook_outcome, for the metric); another error: it could not be verified now,
 * the gateway must send it again. *payment_id: which payment it is about; NULL when that is not
 * known (yet).
 */
enum err payment_event(struct svc *s, struct str body, int *outcome,
                       const char **payment_id) MUST_CHECK;

/*
 * Staff take what was paid as enough: the payment is paid, its booking confirmed.
 * ERR_PAYMENT_NOT_MISMATCHED: there is nothing to decide; ERR_SLOT_TAKEN: the hold had ended, and
 * others have the place; ERR_BOOKING_NOT_ACTIVE; database errors.
 */
enum err payment_accept(struct svc *s, const struct principal *who, const struct payment *p,
                        payment_commit_fn on_commit, void *arg) MUST_CHECK;

/* Looks of the keeper at one payment over its life: at 45 s apart about a day. One that is open
 * after that is a thing for people (bookingd_payments_unsettled). */
#define PAYMENT_CHECKS_MAX 2000

/* What was not understood of the payments of a booking, for its detail: rows of payment_id, thing,
 * value, seen_us. */
int payment_add_list_odd(struct db_batch *b, const char *key_hash, const char *booking_id);

/* The keeper's task: settles payments that no hint came for. Database errors. */
enum err payment_task_settle(struct svc *s) MUST_CHECK;
/* The keeper's task: notices money that the gateway's own desk gave back. Database errors. */
enum err payment_task_desk(struct svc *s) MUST_CHECK;

#endif
