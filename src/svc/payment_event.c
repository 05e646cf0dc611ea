/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Events of the gateway, for the handler of its webhook. An event is taken once, and it is only a
 * hint: what counts is what the gateway answers when payment_settle() asks.
 */
#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* Kept last, after the payment was settled: an event whose settling failed is unknown to us, so
 * that the gateway's repeat of it is taken. */
static enum err event_store_row(struct svc *s, const char *provider, const struct pay_event *ev,
                                const char *payment_id, const char *outcome)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_webhook_store, provider, ev->id, ev->kind, payment_id, outcome);
    return db_run(b, s->deadline);
}

/* For an event that came before the answer to our create was stored, and that names no reference:
 * the invoice itself has it, or the charge. *id NULL: it is not ours. */
static enum err event_ask_gateway(struct svc *s, const struct pay_event *ev, const char **id)
{
    struct pay_call call = payment_call(s);
    struct pay_invoice invoice = {.reference = NULL};
    struct pay_charge charge = {.reference = NULL};
    struct ext_result o = ev->invoice_id != NULL ? pay_fetch(&call, ev->invoice_id, &invoice)
                                                 : pay_fetch_charge(&call, ev->charge_id, &charge);
    if (o.err != ERR_OK)
        return o.err == ERR_NOT_FOUND || o.not_understood ? ERR_OK : o.err;
    const char *reference = ev->invoice_id != NULL ? invoice.reference : charge.reference;
    struct payment p;
    struct uuid parsed;
    if (reference == NULL || !uuid_parse(str_of(reference), &parsed))
        return ERR_OK;
    enum err e = payment_find(s, parsed.s, &p);
    if (e == ERR_OK)
        *id = arena_strdup(s->arena, p.id.s);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Which payment an event is about; *id NULL: none of ours. *search: an event about another invoice
 * than the row names makes all of them interesting. */
static enum err event_find_payment(struct svc *s, const struct pay_event *ev, const char **id,
                                   enum payment_search *search)
{
    *id = NULL;
    *search = SEARCH_ALL_INVOICES;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_webhook_payment, ev->reference, ev->invoice_id, ev->charge_id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    if (db_count(rows) > 0) {
        *id = db_get_str(rows, 0, "id");
        if (!db_get_bool(rows, 0, "other_invoice"))
            *search = SEARCH_KNOWN_INVOICE;
        return ERR_OK;
    }
    if ((ev->invoice_id == NULL && ev->charge_id == NULL) || !payment_configured(s))
        return ERR_OK;
    return event_ask_gateway(s, ev, id);
}

/* The secret in the event is compared by pay_event_read(), before anything of it is used. */
enum err payment_event(struct svc *s, struct str body, int *outcome, const char **payment_id)
{
    *payment_id = NULL;
    int provider = s->cfg->payments.provider;
    if (provider < 0)
        return ERR_UNAUTHORIZED;
    const char *name = s->cfg->providers[provider].name;
    struct pay_event ev;
    enum err e = pay_event_read(s->cfg, provider, s->arena, body, &ev);
    *outcome = e == ERR_UNAUTHORIZED ? WEBHOOK_OUTCOME_REFUSED : WEBHOOK_OUTCOME_UNREADABLE;
    if (e != ERR_OK)
        return e;
    *outcome = WEBHOOK_OUTCOME_UNKNOWN;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int seen = DB_ADD(b, &stmt_webhook_seen, name, ev.id);
    e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, seen)) > 0) { /* repeats cost the gateway no call */
        *outcome = WEBHOOK_OUTCOME_DUPLICATE;
        return ERR_OK;
    }
    const char *id;
    enum payment_search search;
    e = event_find_payment(s, &ev, &id, &search);
    if (e != ERR_OK)
        return e;
    /* Somebody else's, or of another installation with the same account: a repeat would not help.
     */
    if (id == NULL)
        return event_store_row(s, name, &ev, NULL, "unknown");
    *payment_id = id;
    struct settlement now;
    e = payment_settle(s, id, ACTOR_GATEWAY, search, &now);
    if (e != ERR_OK)
        return e;
    bool mismatch = now.result == SETTLED_MISMATCH;
    *outcome = mismatch ? WEBHOOK_OUTCOME_MISMATCH : WEBHOOK_OUTCOME_APPLIED;
    return event_store_row(s, name, &ev, id, mismatch ? "mismatch" : "applied");
}
