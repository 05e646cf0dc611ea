/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by the files of the payment service; no other code includes it. */
#ifndef BOOKINGD_SVC_PAYMENT_PRIV_H
#define BOOKINGD_SVC_PAYMENT_PRIV_H

#include "payment_decide.h"
#include "svc/audit.h"
#include "svc/refund.h"

/* ---- reading the gateway: payment_gateway.c ---- */

/* A look costs one to three calls of the gateway: tasks begin none with less than this left. */
#define PAYMENT_LOOK_MS 2000
/* Whether a gateway is configured, and this process may call it. */
bool payment_configured(const struct svc *s);
/* A call to the gateway, within the deadline less what storing the result takes. */
struct pay_call payment_call(struct svc *s);

/*
 * Asks what the gateway holds for the payment, and ends the invoices that can still be paid and
 * should not be; all of them unless `payable`. An empty view: the gateway knows nothing of it.
 * Provider errors: it cannot tell now.
 */
enum err payment_gateway_look(struct svc *s, const struct payment *p, bool payable,
                              enum payment_search search, struct gateway_view *out) MUST_CHECK;
/* Creates the payment's invoice. `description` is what the payer reads. */
void payment_gateway_create(struct svc *s, const struct payment *p, const char *description,
                            struct gateway_made *out);
/* A provider's failure as the client is told: sets *fault, returns the error. */
enum err payment_gateway_fault(struct svc *s, const struct ext_result *o, const struct payment *p,
                               struct payment_fault *fault);

/* ---- storing: payment_store.c ---- */

/* Locks a payment's booking, then the payment, in a transaction that stays open, and loads both.
 * All transactions of payments lock in this order. Only the ids of `p` are read. Database errors;
 * the transaction is gone then. */
enum err payment_lock_rows(struct svc *s, const struct payment *p,
                           struct payment_locked *out) MUST_CHECK;
/* Adds the row of a new payment in CREATING and its history. */
void payment_add_new(struct svc *s, struct db_batch *b, const struct payment *p, const char *actor);
/* Adds what a plan changes of the payment: its row, its history, its refunds. Not its booking and
 * not its audit rows. */
void payment_add_plan(struct svc *s, struct db_batch *b, const struct payment_plan *plan,
                      const char *actor);
/* What the service did by itself, for staff to see: `entry` with its subject and venue set. */
void payment_add_audit(struct svc *s, struct db_batch *b, const struct payment *p,
                       struct audit entry);
/* How long a row belongs to the caller of now: its deadline, and a reserve. */
int64_t payment_claim_s(const struct svc *s);
/* The wait in milliseconds, up to a tenth longer, so that what began together does not stay
 * together. Not above 0: as it is. */
int64_t payment_wait_ms(int64_t wait_s);

#endif
