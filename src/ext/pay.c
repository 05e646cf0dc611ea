/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Payment gateways: calls the driver of the configured type, and does for all drivers what does not
 * differ between them. Called by svc/payment_gateway.c, svc/refund.c and svc/payment_event.c. A
 * driver builds requests and reads answers; it knows nothing of bookings. */
#include "ext/pay.h"

#include <string.h>

#include "base/ensure.h"
#include "base/text_rules.h"
#include "pay_priv.h"

/* The rows of kind PAYMENT. A row without a driver does not link, so none can be forgotten. */
#define PAY_DRIVER_SMS(name)
#define PAY_DRIVER_PAYMENT(name) &pay_##name,
static const struct pay_gateway *const pay_gateways[] = {
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) PAY_DRIVER_##kind(name)
#include "domain/providers.def"
    NULL};

/* A handful of rows, searched once per call of a gateway that takes milliseconds. */
static const struct pay_gateway *gateway_find(enum provider_type type)
{
    size_t i = 0;
    while (pay_gateways[i] != NULL && pay_gateways[i]->type != type)
        i++;
    ENSURE(pay_gateways[i] != NULL); /* the configuration was checked */
    return pay_gateways[i];
}

/* By the configuration of the call, which a reload may have changed since the last one. */
static const struct pay_gateway *gateway_of(const struct pay_call *c)
{
    return gateway_find(c->cfg->providers[c->provider].type);
}

/* Characters of a value that is shown to people: enough to recognise it, too few for a text of the
 * gateway to fill a log. */
#define PAY_ODD_VALUE_MAX 64

/* ISO 4217 codes are upper case; some gateways answer in lower case. */
bool pay_currency_same(const char *a, const char *b)
{
    return str_eq_nocase(str_of(a), str_of(b));
}

/* Each thing and value once per look: an odd status of a hundred charges is one finding. */
void pay_note_odd(const struct pay_call *c, enum payment_odd thing, const char *value)
{
    struct sb sb;
    if (c->odds == NULL)
        return;
    sb_init(&sb, c->arena, PAY_ODD_VALUE_MAX);
    text_add_plain(&sb, value, PAY_ODD_VALUE_MAX);
    const char *shown = sb.p != NULL ? sb.p : "";
    for (size_t i = 0; i < c->odds->n; i++)
        if (c->odds->items[i].thing == thing && strcmp(c->odds->items[i].value, shown) == 0)
            return;
    /* Beyond the limit nothing is noted: a person has enough to look at by then. */
    if (c->odds->n < PAY_ODDS_MAX)
        c->odds->items[c->odds->n++] = (struct pay_odd){.thing = thing, .value = shown};
}

/* The frame around each request of a driver. The breaker hears of an answer only after the driver
 * has judged it, since a refusal says that the gateway works. */
struct ext_result pay_exchange(const struct pay_call *c, struct pay_exchange *x)
{
    x->request.provider = c->provider;
    x->request.request_id = c->request_id;
    x->request.traceparent = c->traceparent;
    x->request.hint = c->hint;
    struct ext_reply reply;
    struct ext_result r = ext_call(c->ext, c->arena, &x->request, c->deadline, &reply);
    bool whole = r.err == ERR_OK;
    if (whole)
        r = x->judge(c, x, &reply);
    if (r.err != ERR_OK && x->request.idempotent)
        r.outcome = OUTCOME_FAILED; /* a read that failed has done nothing */
    if (whole)
        ext_judge(c->ext, &x->request, &reply, &r, "payment.refused");
    return r;
}

/* The driver's functions. Each ends in pay_exchange(), so time limit, circuit breaker, log and
 * metrics are the same for every gateway. */
struct ext_result pay_create(const struct pay_call *c, const struct pay_create *in,
                             struct pay_invoice *out)
{
    return gateway_of(c)->create(c, in, out);
}

struct ext_result pay_fetch(const struct pay_call *c, const char *invoice_id,
                            struct pay_invoice *out)
{
    return gateway_of(c)->fetch(c, invoice_id, out);
}

struct ext_result pay_find(const struct pay_call *c, const char *reference,
                           struct pay_invoices *out)
{
    return gateway_of(c)->find(c, reference, out);
}

struct ext_result pay_charges(const struct pay_call *c, const char *reference,
                              const struct pay_charge **out, size_t *n)
{
    return gateway_of(c)->charges(c, reference, out, n);
}

struct ext_result pay_fetch_charge(const struct pay_call *c, const char *charge_id,
                                   struct pay_charge *out)
{
    return gateway_of(c)->fetch_charge(c, charge_id, out);
}

struct ext_result pay_changed(const struct pay_call *c, struct wall since, int64_t page,
                              struct pay_changes *out)
{
    return gateway_of(c)->changed(c, since, page, out);
}

struct ext_result pay_cancel(const struct pay_call *c, const char *invoice_id)
{
    return gateway_of(c)->cancel(c, invoice_id);
}

struct ext_result pay_refund(const struct pay_call *c, const char *charge_id, int64_t amount,
                             struct pay_charge *out)
{
    return gateway_of(c)->refund(c, charge_id, amount, out);
}

/* An event comes in, so no circuit and no bulkhead is involved. */
enum err pay_event_read(const struct config *cfg, int provider, struct arena *a, struct str body,
                        struct pay_event *out)
{
    return gateway_find(cfg->providers[provider].type)
        ->event(&cfg->providers[provider], a, body, out);
}
