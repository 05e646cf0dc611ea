/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Events of the gateway: each taken once, none believed. */
#include "domain/metrics.h"
#include "payment_priv.h"
#include "sys/log.h"

static const struct db_stmt seen_stmt = {
    "webhook_seen", "SELECT 1 FROM webhook_events WHERE provider = $1 AND event_id = $2"};
static const struct db_stmt whose_stmt = {
    "webhook_whose", "SELECT p.id, $2::text IS NOT NULL AND p.gateway_id IS DISTINCT FROM $2::text "
                     "AS other_invoice FROM payments p"
                     " WHERE p.id = $1::uuid OR p.gateway_id = $2::text OR p.charge_id = $3::text "
                     "ORDER BY p.id = $1::uuid DESC NULLS LAST LIMIT 1"};
static const struct db_stmt keep_stmt = {"webhook_keep",
                                         "INSERT INTO webhook_events (provider, event_id, kind, "
                                         "payment_id, outcome) VALUES ($1, $2, $3, $4::uuid, $5)"
                                         " ON CONFLICT (provider, event_id) DO NOTHING"};

static enum err keep(struct svc *s, const char *provider, const struct pay_event *ev,
                     const char *payment_id, const char *outcome)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &keep_stmt, provider, ev->id, ev->kind, payment_id, outcome);
    return db_run(b, s->deadline);
}

/* The gateway may leave our reference out of a charge; its invoice has it. NULL in *id: not ours.
 * *wide: it is about another invoice than we know. */
static enum err whose(struct svc *s, const struct pay_event *ev, const char **id, bool *wide)
{
    *id = NULL;
    *wide = true;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &whose_stmt, ev->reference, ev->invoice_id, ev->charge_id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, i)) > 0) {
        *id = db_get_str(db_result(b, i), 0, "id");
        *wide = db_get_bool(db_result(b, i), 0, "other_invoice");
        return ERR_OK;
    }
    if (ev->invoice_id == NULL || !payment_configured(s))
        return ERR_OK;
    /* Before the create's answer was stored: the invoice itself knows whose it is. */
    struct pay_call call = payment_call(s);
    struct pay_invoice invoice;
    struct ext_result o;
    o = pay_fetch(&call, ev->invoice_id, &invoice);
    if (o.err == ERR_NOT_FOUND)
        return ERR_OK;
    if (o.err != ERR_OK)
        return o.err;
    struct payment p;
    struct uuid parsed;
    if (invoice.reference == NULL || !uuid_parse(str_of(invoice.reference), &parsed))
        return ERR_OK;
    e = payment_find(s, parsed.s, &p);
    if (e == ERR_OK)
        *id = arena_strdup(s->arena, p.id.s);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err payment_event(struct svc *s, struct str body, int *outcome, const char **payment_id)
{
    *payment_id = NULL;
    int provider = s->cfg->payments.provider;
    if (provider < 0)
        return ERR_UNAUTHORIZED;
    const char *name = s->cfg->providers[provider].name;
    struct pay_event ev;
    enum err e = pay_event_read(s->cfg, provider, s->arena, body, &ev);
    *outcome = e == ERR_UNAUTHORIZED ? WEBHOOK_OUTCOME_REFUSED : WEBHOOK_OUTCOME_UNKNOWN;
    if (e != ERR_OK)
        return e == ERR_VALIDATION ? ERR_OK : e; /* permanent nonsense with the right secret:
                                                counted, and not wanted again */
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int seen = DB_ADD(b, &seen_stmt, name, ev.id);
    e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, seen)) > 0) {
        *outcome = WEBHOOK_OUTCOME_DUPLICATE;
        return ERR_OK;
    }
    const char *id;
    bool wide;
    e = whose(s, &ev, &id, &wide);
    if (e != ERR_OK)
        return e;
    if (id == NULL)
        return keep(s, name, &ev, NULL, "unknown");
    *payment_id = id;
    struct payment p;
    enum settled how;
    e = wide ? payment_settle_wide(s, id, "gateway", &p, &how)
             : payment_settle(s, id, "gateway", &p, &how);
    if (e != ERR_OK)
        return e;
    *outcome = how == SETTLED_MISMATCH ? WEBHOOK_OUTCOME_MISMATCH : WEBHOOK_OUTCOME_APPLIED;
    return keep(s, name, &ev, id, how == SETTLED_MISMATCH ? "mismatch" : "applied");
}
