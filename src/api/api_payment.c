/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Payments: the customer's calls, the gateway's hints (browser return, invoice callback, webhook),
 * the staff's refunds. Handlers of /v1/bookings/{id}/payments, /v1/payments, /v1/webhooks and
 * /v1/staff/payments. What becomes of a payment is decided in svc/payment*.c. No state is taken
 * from a request: every hint leads to a question to the gateway, and its answer alone counts. */
#include "api/api_page.h"
#include "api/api_payment_json.h"
#include "svc/booking_reads.h"

#include "base/url.h"
#include "domain/metrics.h"
#include "svc/refund.h"
#include "sys/log.h"

/* What api_payment_answer() needs, handed through the service. The answer is stored in the
 * transaction of the change that it describes, so a repeat can never find one without the other. */
struct answer {
    struct api_request *r;
    int status;
};

static void api_payment_answer(void *arg, struct db_batch *b, const struct payment *p)
{
    struct answer *answer = arg;
    struct api_request *r = answer->r;
    api_reply(r, answer->status, api_payment_json(r, p));
    if (answer->status == 201)
        http_resp_headerf(&r->resp, "Location", "/v1/payments/%s", p->id.s);
    api_idem_add(r, b);
}

/* The payment of the path, as the caller may see it: `find` has the token's hash as a predicate. */
static enum err api_payment_find(struct api_request *r,
                                 int (*find)(struct db_batch *b, const char *hash, const char *id),
                                 struct payment *p)
{
    struct db_batch *b = api_first_batch(r);
    const int found = find(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e == ERR_OK && db_count(db_result(b, found)) == 0)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK)
        payment_read(db_result(b, found), 0, p);
    return e;
}

/* ---- the customer ---- */

struct open_input {
    const char *return_url;
};
static const struct schema_row api_payment_open_rows[] = {
    {SCHEMA_STRING(struct open_input, return_url, 1, 2000), .required = true},
    SCHEMA_END,
};

/* 201 with a new payment, 200 with the one that is open already: a second tab or a repeat must not
 * open a second invoice. */
static enum err api_payment_post(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct open_input *in = r->input;
    if (!api_payment_return_url_fit(r, in->return_url))
        return ERR_RETURN_URL;
    struct answer answer = {r, 201};
    struct payment_order order = {.who = &r->who,
                                  .booking_id = r->ids[0].s,
                                  .return_url = in->return_url,
                                  .on_commit = api_payment_answer,
                                  .arg = &answer};
    struct payment_opened opened;
    e = payment_open(&r->svc, &order, &opened);
    if (e != ERR_OK)
        return api_payment_fault(r, e, &opened.fault);
    if (!opened.existed)
        return ERR_OK;
    api_reply(r, 200, api_payment_json(r, &opened.payment));
    /* Another request is making it, or died while making it. Repeats of this key must not get this
     * answer for ever, so it is not stored as the key's outcome. */
    if (opened.payment.state == PAYMENT_CREATING)
        api_idem_passing(r);
    return ERR_OK;
}

struct list_query {
    struct api_page page;
};
static const struct schema_row api_payment_list_rows[] = {API_PAGE_PARAMS(struct list_query, page),
                                                          SCHEMA_END};

/* All of a booking's payments are read: most have one, and each ended before the next was made. */
static enum err api_payment_get_list(struct api_request *r)
{
    const struct list_query *q = r->query_input;
    struct arena *a = r->svc.arena;
    struct db_batch *b = api_first_batch(r);
    int booking = booking_add_find_mine(b, r->auth_hash, r->ids[0].s);
    int list = payment_add_list_mine(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, booking)) == 0)
        return ERR_NOT_FOUND;
    struct db_rows rows = db_result(b, list);
    struct payment *payments = arena_array(a, (size_t)db_count(rows), sizeof *payments);
    const char **ids = arena_array(a, (size_t)db_count(rows), sizeof *ids);
    struct api_span span;
    for (int i = 0; i < db_count(rows); i++) {
        payment_read(rows, i, &payments[i]);
        ids[i] = payments[i].id.s;
    }
    if (!api_page_of(r, &q->page, ids, (size_t)db_count(rows), &span))
        return ERR_VALIDATION;
    json_t *items = json_arr(a);
    for (size_t i = span.first; i < span.end; i++)
        json_push(a, items, api_payment_json(r, &payments[i]));
    api_reply_list(r, items, span.next);
    return ERR_OK;
}

/* As it is stored: the gateway is not asked here, since clients ask this every few seconds. */
static enum err api_payment_get(struct api_request *r)
{
    struct payment p;
    enum err e = api_payment_find(r, payment_add_find_mine, &p);
    if (e != ERR_OK)
        return e;
    api_reply(r, 200, api_payment_json(r, &p));
    return ERR_OK;
}

/* ---- hints ---- */

/* A hint that is a person: the browser is sent on even when the gateway cannot be reached now, with
 * the state that is known. The keeper settles the payment later. */
static enum err api_payment_get_return(struct api_request *r)
{
    struct settlement now;
    enum err e = payment_settle_hint(&r->svc, r->ids[0].s, ACTOR_CUSTOMER, &now);
    if (e != ERR_OK && !err_is_provider(e))
        return e;
    if (e != ERR_OK)
        LOG(LOG_LEVEL_WARN, "payment.not_settled", F_STR("payment", r->ids[0].s), F_ERR(e));
    /* The stored URL, never one of this request: an attacker can link to this route, but not choose
     * where it leads. 303: the browser follows with GET whatever came. */
    const struct payment p = now.payment;
    struct arena *a = r->svc.arena;
    const char *to = url_with(a, p.return_url, "payment_id", p.id.s);
    to = url_with(a, to, "status", payment_state_names[p.state]);
    api_reply_empty(r, 303);
    http_resp_header(&r->resp, "Location", to);
    return ERR_OK;
}

/*
 * To the gateway its own faults are all one: it could not be asked now, and shall send it again.
 * What became of the payment is unknown; of a hint that leads to none (NULL) nothing came.
 */
static enum err api_payment_hint_taken(struct api_request *r, enum err e, const char *payment_id)
{
    if (e == ERR_OK)
        api_reply_empty(r, 200);
    if (!err_is_provider(e))
        return e;
    r->problem.payment_id = payment_id;
    return api_provider_failed(r, ERR_PROVIDER_FAILED, payment_id != NULL, 0);
}

/* The invoice's callback_url. It is not signed, so nothing of it is read; it only says "look at
 * this payment now". */
static enum err api_payment_post_gateway(struct api_request *r)
{
    struct settlement now;
    enum err e = payment_settle_hint(&r->svc, r->ids[0].s, ACTOR_GATEWAY, &now);
    return api_payment_hint_taken(r, e, r->ids[0].s);
}

/* The body carries our secret (svc/payment_event.c compares it), and is still only a hint: its
 * payment's state is fetched (BEHAVIOUR §6). Counted only when the event itself was judged: faults
 * of the database say nothing about the gateway's events. */
static enum err api_payment_post_webhook(struct api_request *r)
{
    int outcome = WEBHOOK_OUTCOME_UNKNOWN;
    const char *payment_id;
    enum err e = payment_event(&r->svc, r->raw_body, &outcome, &payment_id);
    int provider = r->svc.cfg->payments.provider;
    bool judged = e == ERR_OK || e == ERR_UNAUTHORIZED || e == ERR_MALFORMED_JSON;
    if (provider >= 0 && judged)
        METRIC_INC(M_WEBHOOKS, (unsigned)provider, (unsigned)outcome);
    return api_payment_hint_taken(r, e, payment_id);
}

/* ---- staff ---- */

/* In minor units, as all amounts; the body may be left out. */
struct refund_input {
    int64_t amount;
    bool has_amount;
};
static const struct schema_row api_payment_refund_rows[] = {
    {SCHEMA_INT(struct refund_input, amount, 1, INT64_MAX),
     SCHEMA_HAS(struct refund_input, has_amount)},
    SCHEMA_END,
};

/* Without an amount: all that is left of the payment. The name of the request goes along, so that a
 * repeat is told of its refund instead of making another. */
static enum err api_payment_post_refund(struct api_request *r)
{
    struct payment p;
    enum err e = api_payment_find(r, payment_add_find_staff, &p);
    if (e != ERR_OK)
        return e;
    const struct refund_input *in = r->input;
    struct answer answer = {r, 200};
    struct refund_order order = {.payment = &p,
                                 .amount = in && in->has_amount ? in->amount : 0,
                                 .reason = "staff",
                                 .request_key = api_idem_name(r),
                                 .on_commit = api_payment_answer,
                                 .arg = &answer};
    struct payment_fault fault;
    e = refund_request_staff(&r->svc, &r->who, &order, &fault);
    if (e == ERR_VALIDATION)
        api_fault(r, "/amount", "is more than can still be refunded");
    return api_payment_fault(r, e, &fault);
}

/* Staff take a payment of another amount as it is. No provider is called: the money has arrived
 * already. */
static enum err api_payment_post_accept(struct api_request *r)
{
    struct payment p;
    enum err e = api_payment_find(r, payment_add_find_staff, &p);
    if (e != ERR_OK)
        return e;
    struct answer answer = {r, 200};
    return payment_accept(&r->svc, &r->who, &p, api_payment_answer, &answer);
}

#define OF_BOOKING "/v1/bookings/{booking_id}/payments"
const struct api_route api_route_payment_post = {
    .http = {HTTP_POST, OF_BOOKING, 201, NULL},
    .handler = api_payment_post,
    .auth = AUTH_CUSTOMER,
    .body = BODY_REQUIRED,
    .members = api_payment_open_rows,
    .input_size = sizeof(struct open_input),
    .idempotent = true,
};
const struct api_route api_route_payment_get_list = {
    .http = {HTTP_GET, OF_BOOKING, 200, NULL},
    .handler = api_payment_get_list,
    .auth = AUTH_CUSTOMER,
    .query = api_payment_list_rows,
    .query_size = sizeof(struct list_query),
};
const struct api_route api_route_payment_get = {
    .http = {HTTP_GET, "/v1/payments/{payment_id}", 200, NULL},
    .handler = api_payment_get,
    .auth = AUTH_CUSTOMER,
};
/* No authentication for the hints: a browser that comes back has no header, and the gateway no
 * token. Their query is open, since the gateway adds parameters of its own, which nobody reads. */
const struct api_route api_route_payment_get_return = {
    .http = {HTTP_GET, "/v1/payments/{payment_id}/return", 303, NULL},
    .handler = api_payment_get_return,
    .query_open = true,
};
const struct api_route api_route_payment_post_gateway = {
    .http = {HTTP_POST, "/v1/payments/{payment_id}/gateway", 200, NULL},
    .handler = api_payment_post_gateway,
    .query_open = true,
};
/* One route per gateway, /v1/webhooks/NAME. SMS providers have none: their rows of the table make
 * nothing here. */
#define API_WEBHOOK_SMS(name)
#define API_WEBHOOK_PAYMENT(name)                                    \
    const struct api_route api_route_payment_post_webhook_##name = { \
        .http = {HTTP_POST, "/v1/webhooks/" #name, 200, NULL},       \
        .handler = api_payment_post_webhook,                         \
        .body = BODY_ANY,                                            \
        .query_open = true,                                          \
    };
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) API_WEBHOOK_##kind(name)
#include "domain/providers.def"
/* Idempotent: the gateway has no key for refunds, so a repeat must be recognised here (BEHAVIOUR
 * §6). */
const struct api_route api_route_payment_post_refund = {
    .http = {HTTP_POST, "/v1/staff/payments/{payment_id}/refund", 200, NULL},
    .handler = api_payment_post_refund,
    .auth = AUTH_AGENT,
    .body = BODY_OPTIONAL,
    .members = api_payment_refund_rows,
    .input_size = sizeof(struct refund_input),
    .idempotent = true,
};
const struct api_route api_route_payment_post_accept = {
    .http = {HTTP_POST, "/v1/staff/payments/{payment_id}/accept", 200, NULL},
    .handler = api_payment_post_accept,
    .auth = AUTH_AGENT,
    .idempotent = true,
};
