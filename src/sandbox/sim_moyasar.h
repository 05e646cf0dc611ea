/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The simulated gateway: its books, shared by the API (sim_moyasar*.c), the hosted page
 * (sim_checkout.c) and the webhooks (sim_hook.c), and what all its calls share.
 */
#ifndef BOOKINGD_SANDBOX_SIM_MOYASAR_H
#define BOOKINGD_SANDBOX_SIM_MOYASAR_H

#include "sim.h"

/* ---- the books (sim_moyasar_books.c): the newest of both, the oldest are forgotten ---- */

struct sim_payment {
    struct sim_payment *next, *prev;             /* next is older */
    char id[SIM_ID_MAX], invoice_id[SIM_ID_MAX]; /* invoice_id "" : of none */
    const char *status; /* initiated, paid, failed, authorized, captured, refunded, voided */
    int64_t amount, refunded, captured;
    char currency[4];
    char *description, *callback_url, *name;
    char masked[32], reference[13], authorization[7];
    const char *company, *message, *response_code;
    bool manual; /* authorized only, to be captured */
    json_t *metadata;
    struct wall created, updated, refunded_at, captured_at, voided_at; /* us 0: never */
};

struct sim_invoice {
    struct sim_invoice *next, *prev;
    char id[SIM_ID_MAX];
    const char *status; /* initiated, paid, refunded, voided, canceled, expired */
    int64_t amount;
    char currency[4];
    char *description, *callback_url, *success_url, *back_url;
    struct wall expires; /* us 0: never */
    json_t *metadata;
    struct wall created, updated;
};

extern struct sim_invoice *sim_invoices; /* newest first */
extern struct sim_payment *sim_payments;

/* NULL: no such. What time has done to them is done by then. */
struct sim_invoice *sim_invoice_find(const char *id);
struct sim_payment *sim_payment_find(const char *id);
/* The status after its time has passed: an invoice is `expired`, a payment that nobody finished
 * `failed`. */
void sim_invoice_refresh(struct sim_invoice *v);
void sim_payment_refresh(struct sim_payment *p);

/* A new invoice in the books, initiated; the caller fills it in. */
struct sim_invoice *sim_invoice_new(void);

/* The documented test cards. */
struct sim_card {
    const char *number, *company;
    const char *decline; /* NULL: approved; else the bank's words */
    const char *response_code;
    bool frictionless; /* no 3-D Secure step */
};
/* NULL for a number that is not on the list: any such fails. */
const struct sim_card *sim_card_find(const char *number);

/* A new attempt to pay, initiated. */
struct sim_attempt {
    const char *given_id; /* NULL: made here */
    struct sim_invoice *invoice;
    int64_t amount;
    const char *currency, *card_number, *name;
    bool manual;
};
/* NULL: not a card number at all. */
struct sim_payment *sim_payment_new(const struct sim_attempt *in);
/* The bank's word about a payment that is initiated: moves it (and its invoice) on, with an event
 * and the invoice's callback. */
void sim_payment_settle(struct sim_payment *p, bool approved, const char *message,
                        const char *response_code);
/* The card decides at once: true when it did, false when the 3-D Secure step must. */
bool sim_payment_decide(struct sim_payment *p, const char *card_number, bool secure);
/* The money of an invoice's payment went back: `refunded` or `voided` is the invoice, too. */
void sim_invoice_undo(const struct sim_payment *p);

/* Objects as the gateway shows them. */
json_t *sim_invoice_json(struct arena *a, struct sim_invoice *v);
json_t *sim_payment_json(struct arena *a, const struct sim_payment *p);
/* The sandbox's own URL for links: by the Host of the request in hand. */
void sim_base_set(const struct http_head *head);
const char *sim_base_url(void);

/* ---- what all calls share (sim_moyasar.c) ---- */

/* {"type", "message", "errors": null} */
void sim_refuse(struct sim_request *r, struct sim_reply *out, int status, const char *type,
                const char *message);
void sim_not_found(struct sim_request *r, struct sim_reply *out);
/* Adds a sentence about a field to a map of lists of sentences. */
void sim_complain(struct sim_request *r, json_t *errors, const char *field, const char *sentence);
/* True, and answered with 400, when the map has anything. */
bool sim_complained(struct sim_request *r, struct sim_reply *out, json_t *errors);
/* What was sent, JSON or a form with name[key] and name[]; no body is an empty object. NULL:
 * nonsense, and answered. */
json_t *sim_sent(struct sim_request *r, struct sim_reply *out);
/* A member that is text; NULL. */
const char *sim_text(const json_t *j, const char *key);
/* The metadata of what was sent, within the documented bounds, or NULL; complains. */
json_t *sim_metadata(struct sim_request *r, const json_t *in, json_t *errors);
/* "2026-01-02T03:04:05.678Z", with an offset, or a date, which means its first moment. */
bool sim_time_parse(struct arena *a, const char *text, struct wall *out);

/* ---- the calls; sim_moyasar_calls.c has their table ---- */

typedef void (*sim_call_fn)(struct sim_request *r, struct sim_reply *out);
void sim_invoice_create(struct sim_request *r, struct sim_reply *out);
void sim_invoice_bulk(struct sim_request *r, struct sim_reply *out);
void sim_invoice_list(struct sim_request *r, struct sim_reply *out);
void sim_invoice_fetch(struct sim_request *r, struct sim_reply *out);
void sim_invoice_update(struct sim_request *r, struct sim_reply *out);
void sim_invoice_cancel(struct sim_request *r, struct sim_reply *out);
void sim_payment_create(struct sim_request *r, struct sim_reply *out);
void sim_payment_list(struct sim_request *r, struct sim_reply *out);
void sim_payment_fetch(struct sim_request *r, struct sim_reply *out);
void sim_payment_update(struct sim_request *r, struct sim_reply *out);
void sim_payment_refund(struct sim_request *r, struct sim_reply *out);
void sim_payment_capture(struct sim_request *r, struct sim_reply *out);
void sim_payment_void(struct sim_request *r, struct sim_reply *out);
void sim_webhook_create(struct sim_request *r, struct sim_reply *out);
void sim_webhook_list(struct sim_request *r, struct sim_reply *out);
void sim_webhook_fetch(struct sim_request *r, struct sim_reply *out);
void sim_webhook_delete(struct sim_request *r, struct sim_reply *out);
void sim_webhook_events(struct sim_request *r, struct sim_reply *out);
void sim_webhook_attempts(struct sim_request *r, struct sim_reply *out);
void sim_webhook_attempt(struct sim_request *r, struct sim_reply *out);

#endif
