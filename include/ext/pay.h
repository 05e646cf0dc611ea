/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Taking payments through a gateway's hosted invoices: the interface that a gateway's file
 * implements (pay_moyasar.c). Amounts are integers in minor units end to end. No card data passes
 * through here. Every answer is schema-checked and size-capped; statuses are judged by HTTP status
 * and `status` field, never by texts.
 */
#ifndef BOOKINGD_EXT_PAY_H
#define BOOKINGD_EXT_PAY_H

#include "base/clock.h"
#include "ext/ext_client.h"

/* PAY_ODD: a status that is not known. */
enum pay_invoice_state {
    PAY_OPEN,
    PAY_PAID,
    PAY_FAILED,
    PAY_EXPIRED,
    PAY_CANCELED,
    PAY_REFUNDED,
    PAY_ODD
};
/* A charge: the gateway's `payment`. What of it is not understood is NULL, or -1 of an amount. */
struct pay_charge {
    const char *id;
    bool pending;             /* begun: the payer's bank has not answered yet */
    bool charged;             /* money was taken: paid, captured, refunded, voided */
    bool odd;                 /* its status, or one of its amounts, is not understood */
    int64_t amount, refunded; /* of a voided one all is given back */
    const char *currency;
    const char *invoice_id; /* NULL: of none */
    const char *reference;  /* our payment id from its metadata; NULL */
};
/* What of it is not understood is NULL, or -1 of the amount. */
struct pay_invoice {
    const char *id, *url, *currency;
    const char *reference; /* our payment id from its metadata; NULL */
    int64_t amount;
    enum pay_invoice_state state;
    const struct pay_charge *charges;
    size_t charges_n;
    bool charges_odd; /* its list of charges is not understood: the charges are to be asked for */
};
struct pay_invoices {
    struct pay_invoice *items;
    size_t n;
};

/* A charge of which money went back, by the list of those that changed. */
struct pay_change {
    const char *charge_id;
    int64_t refunded;
};
struct pay_changes {
    const struct pay_change *items;
    size_t n;
    struct wall newest; /* change on the page; us 0: none is told */
    bool more;          /* there is a next page */
    bool filtered;      /* the page shows no change that was not asked for */
};

struct pay_create {
    const char *reference; /* our payment id: metadata.payment_id */
    const char *booking_id;
    int64_t amount;
    const char *currency, *description;
    const char *callback_url, *success_url, *back_url;
    struct wall expires_at;
};

/* What was not understood in whole answers: which thing, and what stood there (JSON text, cut). */
struct pay_odd {
    enum payment_odd thing;
    const char *value;
};
/* More than this in one look tells nobody more. */
#define PAY_ODDS_MAX 12
struct pay_odds {
    struct pay_odd items[PAY_ODDS_MAX];
    size_t n;
};

struct pay_call { /* what every call needs */
    struct ext *ext;
    struct arena *arena;
    const struct config *cfg;
    int provider;
    const char *request_id;
    const char *traceparent; /* may be NULL */
    struct deadline deadline;
    bool hint;             /* see ext_request.hint */
    struct pay_odds *odds; /* collects what is not understood; NULL: nobody asks */
};

/* Currencies in whichever case. */
bool pay_currency_same(const char *a, const char *b) MUST_CHECK;

/*
 * Each fills *out with ERR_OK. ERR_NOT_FOUND: the gateway knows no such thing. An answer to a
 * create with another amount, currency or a foreign URL is ERR_PROVIDER_FAILED, OUTCOME_UNKNOWN.
 */
struct ext_result pay_create(const struct pay_call *c, const struct pay_create *in,
                             struct pay_invoice *out) MUST_CHECK;
struct ext_result pay_fetch(const struct pay_call *c, const char *invoice_id,
                            struct pay_invoice *out) MUST_CHECK;
/*
 * All that carry our reference, the newest first; ERR_NOT_FOUND when the gateway has none. There is
 * more than one when a create was done twice. The filter is not trusted: the row's own metadata
 * must say so.
 */
struct ext_result pay_find(const struct pay_call *c, const char *reference,
                           struct pay_invoices *out) MUST_CHECK;
/* All charges that carry our reference, of whichever invoice: what the books are held against. */
struct ext_result pay_charges(const struct pay_call *c, const char *reference,
                              const struct pay_charge **out, size_t *n) MUST_CHECK;
struct ext_result pay_fetch_charge(const struct pay_call *c, const char *charge_id,
                                   struct pay_charge *out) MUST_CHECK;
/* One page (1, 2, ...) of the charges that changed after `since`, of whoever uses the account. */
struct ext_result pay_changed(const struct pay_call *c, struct wall since, int64_t page,
                              struct pay_changes *out) MUST_CHECK;
/* ERR_PROVIDER_REJECTED when it can no longer be cancelled (paid, expired, canceled already): fetch
 * then tells. */
struct ext_result pay_cancel(const struct pay_call *c, const char *invoice_id) MUST_CHECK;
/* out->refunded is the gateway's new total. */
struct ext_result pay_refund(const struct pay_call *c, const char *charge_id, int64_t amount,
                             struct pay_charge *out) MUST_CHECK;

/* An event that the gateway sent us. */
struct pay_event {
    const char *id, *kind;
    const char *charge_id, *invoice_id; /* NULL when it speaks of none */
    const char *reference;              /* our payment id from its metadata; NULL */
};
/* ERR_UNAUTHORIZED: the secret is wrong or missing (compared in constant time). ERR_MALFORMED_JSON:
 * what came is no JSON, so that there is no secret to judge it by. */
enum err pay_event_read(const struct config *cfg, int provider, struct arena *a, struct str body,
                        struct pay_event *out) MUST_CHECK;

#endif
