/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "ext/pay.h"

#include "base/ensure.h"
#include "pay_priv.h"
#include "sys/log.h"

static const struct pay_gateway *const gateways[] = {&pay_moyasar, NULL};

static const struct pay_gateway *gateway_find(enum provider_type type)
{
    size_t i = 0;
    while (gateways[i] != NULL && gateways[i]->type != type)
        i++;
    ENSURE(gateways[i] != NULL); /* the configuration was checked */
    return gateways[i];
}

static const struct pay_gateway *gateway_of(const struct pay_call *c)
{
    return gateway_find(c->cfg->providers[c->provider].type);
}

static enum provider_outcome outcome_of(enum err e)
{
    switch ((int)e) {
    case ERR_OK:
        return PROVIDER_OUTCOME_OK;
    case ERR_PROVIDER_REJECTED:
    case ERR_NOT_FOUND:
        return PROVIDER_OUTCOME_REJECTED;
    case ERR_PROVIDER_UNAVAILABLE:
        return PROVIDER_OUTCOME_UNAVAILABLE;
    default:
        return PROVIDER_OUTCOME_FAILED;
    }
}

void pay_exchange(const struct pay_call *c, struct pay_exchange *x)
{
    struct pay_outcome *o = x->outcome;
    *o = (struct pay_outcome){0};
    x->request.provider = c->provider;
    x->request.request_id = c->request_id;
    x->request.traceparent = c->traceparent;
    struct ext_reply reply;
    o->err = ext_call(c->ext, c->arena, &x->request, c->deadline, &reply);
    o->unknown = reply.certainty == EXT_UNKNOWN && !x->request.idempotent;
    o->detail = reply.detail;
    o->retry_after_s = reply.retry_after_s;
    if (o->err != ERR_OK)
        return;
    x->judge(c, x, &reply);
    if (x->request.idempotent)
        o->unknown = false; /* a read that failed has done nothing */
    ext_judge(c->ext, &x->request, &reply, outcome_of(o->err));
    if (o->err != ERR_OK)
        LOG(LOG_LEVEL_WARN, "payment.refused",
            F_STR("provider", c->cfg->providers[c->provider].name),
            F_STR("operation", provider_op_names[x->request.op]), F_ERR(o->err),
            F_STR("detail", o->detail), F_INT("status", reply.status),
            F_STR("outcome", o->unknown ? "unknown" : "failed"),
            F_MS("took", reply.seconds * 1000));
}

void pay_create(const struct pay_call *c, const struct pay_create *in, struct pay_invoice *out,
                struct pay_outcome *o)
{
    gateway_of(c)->create(c, in, out, o);
}

void pay_fetch(const struct pay_call *c, const char *invoice_id, struct pay_invoice *out,
               struct pay_outcome *o)
{
    gateway_of(c)->fetch(c, invoice_id, out, o);
}

void pay_find(const struct pay_call *c, const char *reference, struct pay_invoices *out,
              struct pay_outcome *o)
{
    gateway_of(c)->find(c, reference, out, o);
}

void pay_charges(const struct pay_call *c, const char *reference, const struct pay_charge **out,
                 size_t *n, struct pay_outcome *o)
{
    gateway_of(c)->charges(c, reference, out, n, o);
}

void pay_fetch_charge(const struct pay_call *c, const char *charge_id, struct pay_charge *out,
                      struct pay_outcome *o)
{
    gateway_of(c)->fetch_charge(c, charge_id, out, o);
}

void pay_cancel(const struct pay_call *c, const char *invoice_id, struct pay_outcome *o)
{
    gateway_of(c)->cancel(c, invoice_id, o);
}

void pay_refund(const struct pay_call *c, const char *charge_id, int64_t amount,
                struct pay_charge *out, struct pay_outcome *o)
{
    gateway_of(c)->refund(c, charge_id, amount, out, o);
}

void pay_void(const struct pay_call *c, const char *charge_id, struct pay_charge *out,
              struct pay_outcome *o)
{
    gateway_of(c)->void_charge(c, charge_id, out, o);
}

enum err pay_event_read(const struct config *cfg, int provider, struct arena *a, struct str body,
                        struct pay_event *out)
{
    return gateway_find(cfg->providers[provider].type)
        ->event(&cfg->providers[provider], a, body, out);
}
