/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What a gateway's file implements; for pay*.c alone. */
#ifndef BOOKINGD_EXT_PAY_PRIV_H
#define BOOKINGD_EXT_PAY_PRIV_H

#include "ext/pay.h"

struct pay_gateway {
    enum provider_type type;
    void (*create)(const struct pay_call *c, const struct pay_create *in, struct pay_invoice *out,
                   struct pay_outcome *o);
    void (*fetch)(const struct pay_call *c, const char *invoice_id, struct pay_invoice *out,
                  struct pay_outcome *o);
    void (*find)(const struct pay_call *c, const char *reference, struct pay_invoices *out,
                 struct pay_outcome *o);
    void (*charges)(const struct pay_call *c, const char *reference, const struct pay_charge **out,
                    size_t *n, struct pay_outcome *o);
    void (*fetch_charge)(const struct pay_call *c, const char *charge_id, struct pay_charge *out,
                         struct pay_outcome *o);
    void (*cancel)(const struct pay_call *c, const char *invoice_id, struct pay_outcome *o);
    void (*refund)(const struct pay_call *c, const char *charge_id, int64_t amount,
                   struct pay_charge *out, struct pay_outcome *o);
    void (*void_charge)(const struct pay_call *c, const char *charge_id, struct pay_charge *out,
                        struct pay_outcome *o);
    enum err (*event)(const struct provider_config *p, struct arena *a, struct str body,
                      struct pay_event *out);
};
extern const struct pay_gateway pay_moyasar;

/* One exchange: the request as built, and who judges a whole answer. pay_exchange() fills *outcome,
 * logs and counts. */
struct pay_exchange {
    struct ext_request request;
    struct pay_outcome *outcome;
    void (*judge)(const struct pay_call *c, struct pay_exchange *x, const struct ext_reply *reply);
    void *out; /* the judge's */
    const void *in;
};
void pay_exchange(const struct pay_call *c, struct pay_exchange *x);

#endif
