/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What a gateway's file implements; for pay*.c alone. */
#ifndef BOOKINGD_EXT_PAY_PRIV_H
#define BOOKINGD_EXT_PAY_PRIV_H

#include <jansson.h>

#include "ext/pay.h"

struct pay_gateway {
    enum provider_type type;
    struct ext_result (*create)(const struct pay_call *c, const struct pay_create *in,
                                struct pay_invoice *out);
    struct ext_result (*fetch)(const struct pay_call *c, const char *invoice_id,
                               struct pay_invoice *out);
    struct ext_result (*find)(const struct pay_call *c, const char *reference,
                              struct pay_invoices *out);
    struct ext_result (*charges)(const struct pay_call *c, const char *reference,
                                 const struct pay_charge **out, size_t *n);
    struct ext_result (*fetch_charge)(const struct pay_call *c, const char *charge_id,
                                      struct pay_charge *out);
    struct ext_result (*changed)(const struct pay_call *c, struct wall since, int64_t page,
                                 struct pay_changes *out);
    struct ext_result (*cancel)(const struct pay_call *c, const char *invoice_id);
    struct ext_result (*refund)(const struct pay_call *c, const char *charge_id, int64_t amount,
                                struct pay_charge *out);
    enum err (*event)(const struct provider_config *p, struct arena *a, struct str body,
                      struct pay_event *out);
};
/* Each gateway's row: pay_NAME, in pay_NAME.c. */
#define PAY_EXTERN_SMS(name)
#define PAY_EXTERN_PAYMENT(name) extern const struct pay_gateway pay_##name;
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) PAY_EXTERN_##kind(name)
#include "domain/providers.def"

/* Notes a part of an answer that is not understood. `value` may be of any length. */
void pay_note_odd(const struct pay_call *c, enum payment_odd thing, const char *value);

/*
 * One exchange: the request as built, and what judges a whole answer; the result of a read is never
 * OUTCOME_UNKNOWN, whatever the judge says.
 */
struct pay_exchange {
    struct ext_request request;
    struct ext_result (*judge)(const struct pay_call *c, const struct pay_exchange *x,
                               const struct ext_reply *reply);
    /* For the judge: reads the JSON object of a good answer; NULL: it does not matter. */
    struct ext_result (*read)(const struct pay_call *c, const struct pay_exchange *x,
                              const json_t *j);
    void *out; /* the reader's */
    const void *in;
};
/* Makes the call; logs and counts. */
struct ext_result pay_exchange(const struct pay_call *c, struct pay_exchange *x) MUST_CHECK;

#endif
