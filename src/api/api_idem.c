/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Idempotency-Key: claimed in the first batch, completed in the transaction of the deed
 * (api_idem_add) or after the handler, released when there is no outcome below 500. What the
 * database could not be told waits here until it can. Called by api_auth.c, api.c and the handlers
 * that commit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "api_priv.h"
#include "domain/metrics.h"
#include "sys/log.h"

/* A claim outlives its request's budget by this: the answer, and the worker's end if it overruns.
 */
#define CLAIM_MARGIN_MS 2000
/* For one claim, between requests: others wait for this process. */
#define FLUSH_MS 200

/* Headers of a response that a replay repeats. Others are made anew: a date, a request id, CORS. */
static const char *const kept_headers[] = {"Location", "ETag"};

void api_idem_claim(struct api_request *r, struct db_batch *b, const char *roles)
{
    struct idem_claim *c = &r->idem->claim;
    struct sb text;
    sb_init(&text, r->svc.arena, r->head->target.n + r->raw_body.n + 16);
    /* The same key with another target or body is a mistake of the client (422). */
    sb_printf(&text, "%s %.*s\n", http_method_names[r->head->method], STR_ARG(r->head->target));
    sb_add(&text, r->raw_body.p ? r->raw_body.p : "", r->raw_body.n);
    digest_sha256_hex(sb_str(&text), c->request_hash);
    c->holder = uuid_new();
    (void)snprintf(c->bearer_hash, sizeof c->bearer_hash, "%s", r->auth_hash);
    int64_t ms = deadline_left_ms(r->svc.deadline) + CLAIM_MARGIN_MS;
    r->idem->claim_ends = deadline_in_ms(ms);
    r->idem->look_at = idem_claim_add(b, c, roles, ms);
}

/* "Location: /v1/...\n" lines back to fields. */
static void api_idem_put_headers(struct http_resp *resp, const char *lines)
{
    for (struct str rest = str_of(lines); rest.n;) {
        struct str value = str_cut(&rest, '\n');
        struct str name = str_cut(&value, ':');
        value = str_trim(value);
        const char *n = arena_strndup(resp->arena, name.p, name.n);
        const char *v = arena_strndup(resp->arena, value.p ? value.p : "", value.n);
        /* It has a member of its own, since http_resp_bytes() writes it first. */
        if (strcmp(n, "Content-Type") == 0)
            resp->content_type = v;
        else
            http_resp_header(resp, n, v);
    }
}

/* The stored answer as it was, marked as a repeat. */
static void api_idem_replay(struct api_request *r, const struct idem_outcome *o)
{
    http_resp_init(&r->resp, r->svc.arena);
    r->resp.status = o->status;
    r->resp.body = str_of(o->body);
    api_idem_put_headers(&r->resp, o->headers ? o->headers : "");
    http_resp_header(&r->resp, "Idempotency-Replayed", "true");
    METRIC_INC0(M_IDEMPOTENT_REPLAYS);
}

enum err api_idem_claimed(struct api_request *r, struct db_batch *b)
{
    struct idem_outcome o;
    switch (idem_claim_read(db_result(b, r->idem->look_at), &r->idem->claim, &o)) {
    case IDEM_MINE:
        r->idem->mine = true;
        return ERR_OK;
    case IDEM_DONE:
        api_idem_replay(r, &o);
        return ERR_ANSWERED;
    case IDEM_MISMATCH:
        return ERR_IDEM_MISMATCH;
    case IDEM_IN_FLIGHT:
        break;
    }
    return ERR_IDEM_IN_FLIGHT;
}

void api_idem_customer(struct api_request *r, const char *customer_id)
{
    if (r->idem)
        r->idem->customer_id = customer_id;
}

/* The refusal will not hold for ever, so it must not be replayed: a limit, for instance. */
void api_idem_passing(struct api_request *r)
{
    if (r->idem)
        r->idem->passing = true;
}

const char *api_idem_name(const struct api_request *r)
{
    if (!r->idem || !r->idem->mine)
        return NULL;
    const struct idem_claim *c = &r->idem->claim;
    char *name = arena_alloc(r->svc.arena, SHA256_HEX_MAX);
    digest_sha256_hex(
        str_of(arena_printf(r->svc.arena, "%s %s %s", c->caller, c->key, c->request_hash)), name);
    return name;
}

const char *api_idem_key(const struct api_request *r)
{
    return r->idem ? r->idem->claim.key : NULL;
}

/* The response in hand as an outcome, on the arena. */
static struct idem_outcome api_idem_outcome(const struct api_request *r)
{
    struct arena *a = r->svc.arena;
    struct sb lines;
    sb_init(&lines, a, 128);
    if (r->resp.content_type)
        sb_printf(&lines, "Content-Type: %s\n", r->resp.content_type);
    for (size_t i = 0; i < r->resp.headers_n; i++) {
        for (size_t k = 0; k < ARRAY_LEN(kept_headers); k++) {
            if (strcmp(r->resp.headers[i].name, kept_headers[k]) == 0)
                sb_printf(&lines, "%s: %s\n", r->resp.headers[i].name, r->resp.headers[i].value);
        }
    }
    return (struct idem_outcome){
        .status = r->resp.status,
        .headers = sb_str(&lines).n ? sb_str(&lines).p : NULL,
        .body = r->resp.body.n ? arena_strndup(a, r->resp.body.p, r->resp.body.n) : NULL,
        /* A customer's own keys are found by their caller. Without the column this row's indexes
         * stay as they are. */
        .customer_id = r->who.kind == WHO_CUSTOMER ? NULL : r->idem->customer_id,
    };
}

void api_idem_add(struct api_request *r, struct db_batch *b)
{
    if (!r->idem || !r->idem->mine)
        return;
    struct idem_outcome o = api_idem_outcome(r);
    /* A handler may commit twice, as with a payment: the first outcome is then replaced by the
     * second. */
    if (r->idem->added)
        idem_amend_add(b, &r->idem->claim, &o);
    else
        idem_complete_add(b, &r->idem->claim, &o);
    r->idem->added = true;
}

/* ---- what the database could not be told ---- */

/* NULL stays NULL: an answer may have no body. */
static char *api_idem_copy(const char *z)
{
    return z ? strdup(z) : NULL;
}

/* o NULL: to be released. What a full queue gives up is a claim that dies by itself. strdup(): it
 * outlives the request's arena. */
static void api_idem_remember(struct api *api, const struct api_idem *idem,
                              const struct idem_outcome *o)
{
    struct api_pending p = {.claim = idem->claim, .claim_ends = idem->claim_ends};
    if (o) {
        p.headers = api_idem_copy(o->headers);
        p.body = api_idem_copy(o->body);
        p.customer_id = api_idem_copy(o->customer_id);
        /* No memory for it: rather asked again than answered by half. What is kept here is a
         * refusal; a deed's outcome is stored with the deed. */
        bool whole =
            !o->headers == !p.headers && !o->body == !p.body && !o->customer_id == !p.customer_id;
        p.status = whole ? o->status : 0;
    }
    pending_add(&api->pending, &p);
}

/* The claim may be lost by now, or its outcome stored already: such failures are final. */
static bool api_idem_tell(struct svc *s, void *item)
{
    const struct api_pending *p = item;
    const struct idem_outcome o = {p->status, p->headers, p->body, p->customer_id};
    /* A claim that is over needs no release: the next request with the key takes it. So no claim is
     * tried for ever, whatever the database does with the statement. */
    if (!p->status && deadline_passed(p->claim_ends))
        return true;
    enum err e = p->status ? idem_complete(s, &p->claim, &o) : idem_release(s, &p->claim);
    return e != ERR_DB_UNAVAILABLE && e != ERR_DEADLINE && e != ERR_COMMIT_UNKNOWN &&
           e != ERR_DB_RETRY && e != ERR_DB_SCHEMA;
}

static void api_idem_drop(void *item)
{
    struct api_pending *p = item;
    free(p->headers);
    free(p->body);
    free(p->customer_id);
}

void api_idem_init(struct api *api)
{
    api->pending = (struct pending){
        .items = api->pending_items,
        .size = sizeof api->pending_items[0],
        .most = API_PENDING_MAX,
        .store = api_idem_tell,
        .drop = api_idem_drop,
        .try_ms = FLUSH_MS,
    };
}

/* The batch with the claim ended in doubt; releasing what was never claimed does nothing. */
void api_idem_doubt(struct api_request *r)
{
    r->idem->claim.caller[0] = '\0'; /* known in SQL alone until the look-up was read */
    api_idem_remember(r->api, r->idem, NULL);
}

void api_idem_finish(struct api_request *r, enum err e)
{
    struct api_idem *idem = r->idem;
    if (!idem || !idem->mine || (idem->added && e == ERR_OK))
        return;
    idem->mine = false;
    struct api *api = r->api;
    /* After a 5xx a repeat should be tried again, not be told the same. */
    bool store = r->resp.status < 500 && !idem->passing;
    struct idem_outcome o = store ? api_idem_outcome(r) : (struct idem_outcome){.status = 0};
    api_idem_remember(api, idem, store ? &o : NULL);
    if (!deadline_passed(r->svc.deadline))
        (void)pending_flush(&api->pending, &r->svc);
}
