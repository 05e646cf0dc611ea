/* The simulated gateway's books, shared by its API (sim_moyasar.c) and its hosted page (sim_checkout.c). */
#ifndef BOOKINGD_SANDBOX_SIM_MOYASAR_H
#define BOOKINGD_SANDBOX_SIM_MOYASAR_H

#include "sim.h"

#define SIM_ID_MAX 37

struct sim_payment {
    char id[SIM_ID_MAX], invoice_id[SIM_ID_MAX]; /* invoice_id "" : of none */
    const char *status; /* initiated, paid, failed, refunded, voided, captured */
    int64_t amount, refunded;
    char currency[4];
    char *description, *callback_url;
    char masked[32];
    const char *company, *message;
    json_t *metadata;
    struct wall created, updated;
    struct sim_payment *next; /* newest first */
};

struct sim_invoice {
    char id[SIM_ID_MAX];
    const char *status; /* initiated, paid, failed, refunded, canceled, expired */
    int64_t amount;
    char currency[4];
    char *description, *callback_url, *success_url, *back_url, *expired_at;
    struct wall expires; /* us 0: never */
    json_t *metadata;
    struct wall created, updated;
    struct sim_invoice *next; /* newest first */
};

extern struct sim_invoice *sim_invoices;
extern struct sim_payment *sim_payments;

/* An id in UUID version 4 form. */
void sim_new_id(char out[SIM_ID_MAX]);
struct sim_invoice *sim_invoice_find(const char *id);
struct sim_payment *sim_payment_find(const char *id);
/* The status after its time has passed is `expired`. */
void sim_invoice_refresh(struct sim_invoice *v);

/* Objects as the gateway shows them; `base` is the sandbox's own URL for links. */
json_t *sim_invoice_json(struct arena *a, struct sim_invoice *v, const char *base);
json_t *sim_payment_json(struct arena *a, const struct sim_payment *p, const char *base);
/* The sandbox's own URL, by the request's Host. */
const char *sim_base_url(struct sim_request *r);

/* The documented test cards. */
struct sim_card {
    const char *number, *company;
    const char *decline; /* NULL: approved; else the bank's words */
    bool frictionless;   /* no 3-D Secure step */
};
/* NULL for a number that is not on the list: any such fails. */
const struct sim_card *sim_card_find(const char *number);
/* A new attempt to pay, initiated; metadata is borrowed. NULL: not a card number at all. */
struct sim_payment *sim_payment_new(struct sim_invoice *invoice, int64_t amount, const char *currency, const char *card_number);
/* The bank's word: moves payment (and invoice) on, with events and the invoice's callback. */
void sim_payment_settle(struct sim_payment *p, bool approved, const char *message, const char *base);

#endif
