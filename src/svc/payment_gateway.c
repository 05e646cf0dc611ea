/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The gateway as the payment service sees it: builds the view that payment_decide.c judges, and
 * creates invoices. It reads no rows and stores nothing. Called by payment_settle.c and
 * payment_open.c, never within a transaction.
 */
#include <string.h>

#include "domain/metrics.h"
#include "payment_priv.h"

/* Storing what the gateway said takes the locks, a slot, and the commit: three round trips, each of
 * which may take what SVC_STORE_MS allows for one. */
#define GATEWAY_STORE_MS (3 * SVC_STORE_MS)

/* s->ext is NULL in commands that call no provider. */
bool payment_configured(const struct svc *s)
{
    return s->cfg->payments.provider >= 0 && s->ext != NULL;
}

/* Every call of a request ends early enough to store what it found. */
struct pay_call payment_call(struct svc *s)
{
    return (struct pay_call){.ext = s->ext,
                             .arena = s->arena,
                             .cfg = s->cfg,
                             .provider = s->cfg->payments.provider,
                             .request_id = s->request_id,
                             .traceparent = s->traceparent,
                             .hint = s->hint,
                             .deadline = deadline_before(s->deadline, GATEWAY_STORE_MS)};
}

/* ---- asking ---- */

/* Replaces what the list said of an invoice by what the invoice itself says. */
static void gateway_refresh_invoice(const struct pay_call *c, struct pay_invoice *v,
                                    struct ext_result *o)
{
    struct pay_invoice fresh;
    *o = pay_fetch(c, v->id, &fresh);
    if (o->err == ERR_OK)
        *v = fresh;
}

/* Paid, and its charge is not to be seen; or some row of the list is not to be read. */
static bool gateway_misses_charges(const struct pay_invoice *v)
{
    return v->charges_odd || (v->state == PAY_PAID && v->charges_n == 0);
}

/* Lists may show an invoice as paid before they show its charge, and the charge is what counts: the
 * invoice itself is asked, then the list of charges that carry our reference. */
static void gateway_complete_invoice(const struct pay_call *c, const struct payment *p,
                                     struct pay_invoice *v, struct ext_result *o)
{
    if (!gateway_misses_charges(v))
        return;
    gateway_refresh_invoice(c, v, o);
    if (o->err != ERR_OK || !gateway_misses_charges(v))
        return;
    const struct pay_charge *listed;
    size_t listed_n;
    *o = pay_charges(c, p->id.s, &listed, &listed_n);
    if (o->err == ERR_OK && listed_n >= v->charges_n) {
        v->charges = listed;
        v->charges_n = listed_n;
    }
    if (o->not_understood) /* what the invoice itself says stands */
        *o = (struct ext_result){.err = ERR_OK};
    if (o->err == ERR_NOT_FOUND)
        *o = (struct ext_result){.err = ERR_OK};
}

/* A search by our reference finds what an unanswered create left; the invoice that the row names is
 * asked for when the search finds nothing, because lists lag behind. */
static void gateway_fetch_invoices(const struct pay_call *c, const struct payment *p,
                                   enum payment_search search, struct pay_invoices *found,
                                   struct ext_result *o)
{
    bool known = p->gateway_id != NULL;
    *o = (struct ext_result){.err = ERR_NOT_FOUND, .outcome = OUTCOME_FAILED};
    if (search == SEARCH_ALL_INVOICES || !known)
        *o = pay_find(c, p->id.s, found);
    if ((o->err == ERR_NOT_FOUND || o->not_understood) && known) {
        found->items = ARENA_NEW(c->arena, struct pay_invoice);
        found->items[0].id = p->gateway_id;
        gateway_refresh_invoice(c, &found->items[0], o);
        found->n = o->err == ERR_OK;
    }
    /* One that cannot be completed ends the look: half a view could hide a charge that paid. */
    for (size_t i = 0; i < found->n && o->err == ERR_OK; i++)
        gateway_complete_invoice(c, p, &found->items[i], o);
}

/* There is more than one invoice when a create was done twice. The one that counts: one that was
 * paid, else the one that the customer was sent to, else one that can be paid, else the newest.
 * Returns found->n when there is none. */
static size_t gateway_choose_invoice(const struct payment *p, const struct pay_invoices *found)
{
    enum { RANK_ENDED, RANK_OPEN, RANK_KNOWN, RANK_REFUNDED, RANK_PAID };
    static const int ranks[] = {
        [PAY_OPEN] = RANK_OPEN,     [PAY_PAID] = RANK_PAID,      [PAY_FAILED] = RANK_ENDED,
        [PAY_EXPIRED] = RANK_ENDED, [PAY_CANCELED] = RANK_ENDED, [PAY_REFUNDED] = RANK_REFUNDED,
        [PAY_ODD] = RANK_OPEN};
    size_t best = found->n;
    int best_rank = -1;
    for (size_t i = 0; i < found->n; i++) {
        const struct pay_invoice *v = &found->items[i];
        bool known = p->gateway_id != NULL && strcmp(v->id, p->gateway_id) == 0;
        int rank = known && ranks[v->state] < RANK_KNOWN ? RANK_KNOWN : ranks[v->state];
        if (rank > best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

/* Ends invoices that could still be paid, so that nobody pays in vain; all but `spared`. The payer
 * may be faster than our cancel, so each is read again afterwards. */
static void gateway_cancel_open(const struct pay_call *c, const struct pay_invoices *found,
                                size_t spared, struct ext_result *o)
{
    for (size_t i = 0; i < found->n && o->err == ERR_OK; i++) {
        if (found->items[i].state != PAY_OPEN || i == spared)
            continue;
        struct ext_result cancelled = pay_cancel(c, found->items[i].id);
        if (cancelled.err == ERR_OK)
            METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_INVOICE_CANCELLED);
        gateway_refresh_invoice(c, &found->items[i], o);
    }
}

/* ---- the view ---- */

/* Compared here, where both sides are known in the gateway's form, so that decisions need no
 * knowledge of it. What is not understood (-1, NULL) does not equal what we asked for. */
static unsigned gateway_money_differs(const struct payment *p, int64_t amount, const char *currency)
{
    bool same = currency != NULL && pay_currency_same(currency, p->currency);
    return (amount != p->amount ? DIFFERS_AMOUNT : 0) | (same ? 0 : DIFFERS_CURRENCY);
}

/* An invoice only says what was asked for; its charges say what was paid. So here what is not
 * understood is no difference. */
static unsigned gateway_invoice_differs(const struct payment *p, const struct pay_invoice *v)
{
    bool known = p->gateway_id != NULL && strcmp(v->id, p->gateway_id) == 0;
    bool ours = v->reference != NULL ? strcmp(v->reference, p->id.s) == 0 : known;
    return gateway_money_differs(p, v->amount < 0 ? p->amount : v->amount,
                                 v->currency != NULL ? v->currency : p->currency) |
           (unsigned)(ours ? 0 : DIFFERS_REFERENCE);
}

static enum charge_state gateway_charge_state(const struct pay_charge *c)
{
    if (c->charged)
        return CHARGE_PAID;
    if (c->pending)
        return CHARGE_PENDING;
    return c->odd ? CHARGE_UNKNOWN : CHARGE_FAILED;
}

static struct gateway_charge gateway_read_charge(const struct payment *p,
                                                 const struct pay_charge *c)
{
    return (struct gateway_charge){.id = c->id,
                                   .state = gateway_charge_state(c),
                                   .amount = c->amount,
                                   .refunded = c->refunded,
                                   .currency = c->currency,
                                   .differs = gateway_money_differs(p, c->amount, c->currency)};
}

/* Charges are listed flat, each with its invoice: decisions are about charges, and a payer may have
 * used two invoices. */
static void gateway_fill_view(struct arena *a, const struct payment *p,
                              const struct pay_invoices *found, size_t current,
                              struct gateway_view *out)
{
    size_t charges_max = 0, charges_n = 0;
    for (size_t i = 0; i < found->n; i++)
        charges_max += found->items[i].charges_n;
    struct gateway_invoice *invoices = arena_array(a, found->n + 1, sizeof *invoices);
    struct gateway_charge *charges = arena_array(a, charges_max + 1, sizeof *charges);
    for (size_t i = 0; i < found->n; i++) {
        const struct pay_invoice *v = &found->items[i];
        invoices[i] = (struct gateway_invoice){.id = v->id,
                                               .url = v->url,
                                               .state = v->state,
                                               .differs = gateway_invoice_differs(p, v)};
        for (size_t n = 0; n < v->charges_n; n++) {
            charges[charges_n] = gateway_read_charge(p, &v->charges[n]);
            charges[charges_n++].invoice = &invoices[i];
        }
    }
    *out = (struct gateway_view){.invoices = invoices,
                                 .invoices_n = found->n,
                                 .charges = charges,
                                 .charges_n = charges_n,
                                 .current = current < found->n ? &invoices[current] : NULL,
                                 .odds = out->odds};
}

enum err payment_gateway_look(struct svc *s, const struct payment *p, bool payable,
                              enum payment_search search, struct gateway_view *out)
{
    *out = (struct gateway_view){.current = NULL};
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    struct pay_call call = payment_call(s);
    call.odds = &out->odds;
    struct pay_invoices found = {.n = 0};
    struct ext_result o;
    gateway_fetch_invoices(&call, p, search, &found, &o);
    size_t current = gateway_choose_invoice(p, &found);
    if (o.err == ERR_OK)
        gateway_cancel_open(&call, &found, payable ? current : found.n, &o);
    if (o.err == ERR_NOT_FOUND && found.n > 0)
        return ERR_PROVIDER_FAILED; /* listed, and then not known */
    if (o.err != ERR_OK && o.err != ERR_NOT_FOUND)
        return o.err;
    gateway_fill_view(s->arena, p, &found, current, out);
    return ERR_OK;
}

/* ---- creating ---- */

void payment_gateway_create(struct svc *s, const struct payment *p, const char *description,
                            struct gateway_made *out)
{
    /* These addresses name the payment only: whoever calls them learns nothing, and what they
     * report is asked of the gateway again. */
    const char *url =
        arena_printf(s->arena, "%s/v1/payments/%s", s->cfg->server.public_url, p->id.s);
    const char *return_url = arena_printf(s->arena, "%s/return", url);
    const struct pay_create in = {
        .reference = p->id.s,
        .booking_id = p->booking_id.s,
        .amount = p->amount,
        .currency = p->currency,
        .description = description,
        .callback_url = arena_printf(s->arena, "%s/gateway", url),
        .success_url = return_url,
        .back_url = return_url,
        .expires_at = p->invoice_expires_at,
    };
    struct pay_call call = payment_call(s);
    out->result = pay_create(&call, &in, &out->invoice);
}

enum err payment_gateway_fault(struct svc *s, const struct ext_result *o, const struct payment *p,
                               struct payment_fault *fault)
{
    *fault = (struct payment_fault){.unknown = o->outcome == OUTCOME_UNKNOWN,
                                    .retry_after_s = o->retry_after_s};
    if (o->outcome == OUTCOME_UNKNOWN)
        fault->payment_id = arena_strdup(s->arena, p->id.s);
    /* We asked by an identifier that the gateway gave us: not to know it contradicts itself. */
    return o->err == ERR_NOT_FOUND ? ERR_PROVIDER_FAILED : o->err;
}
