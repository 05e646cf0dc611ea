/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Payments: the customer's calls, the gateway's hints (browser return, invoice callback, webhook),
 * the staff's refunds. Handlers of /v1/bookings/{id}/payments, /v1/payments, /v1/webhooks and
 * /v1/staff/payments. What becomes of a payment is decided in svc/payment*.c. No state is taken
 * from a request: every hint leads to a question to the gateway, and its answer alone counts. */
#include "api/api_payment.h"
#include "api/api_page.h"
#include "svc/booking_reads.h"

#include "api/api_booking.h"
#include "base/url.h"
#include "domain/metrics.h"
#include "svc/refund.h"
#include "sys/log.h"

/* The same members for customers and staff, for one payment and in lists. */
json_t *api_payment_json(const struct api_request *r, const struct payment *p)
{
    struct arena *a = r->svc.arena;
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", p->id.s);
    json_put_str(a, j, "booking_id", p->booking_id.s);
    json_put_str(a, j, "status", payment_state_names[p->state]);
    json_put_int(a, j, "amount", p->amount);
    json_put_int(a, j, "refunded_amount", p->refunded);
    json_put_int(a, j, "due_on_site", p->rest);
    json_put_str(a, j, "currency", p->currency);
    /* Only where another amount was paid than asked for. Once staff have accepted it, amount holds
     * what was paid, and expected_amount what was asked for. */
    if (p->expected_currency != NULL || p->state == PAYMENT_MISMATCH) {
        /* Staff's decision moves the amounts; before it the row still holds what was asked for. */
        bool decided = p->expected_currency != NULL;
        json_put_int(a, j, "expected_amount", decided ? p->expected_amount : p->amount);
        json_put_str(a, j, "expected_currency", decided ? p->expected_currency : p->currency);
        if (p->paid_amount >= 0)
            json_put_int(a, j, "paid_amount", p->paid_amount);
        else
            json_put_null(a, j, "paid_amount");
        json_put_str(a, j, "paid_currency", p->paid_currency);
    }
    json_put_str(a, j, "gateway", config_gateway_name(r->svc.cfg));
    json_put_str(a, j, "gateway_id", p->gateway_id);
    json_put_str(a, j, "redirect_url", p->redirect_url);
    json_put_time(a, j, "created_at", p->created_at);
    return j;
}

/* payment_id is shown only when the outcome is unknown: then the client asks about that payment
 * before it tries again (BEHAVIOUR §3). */
enum err api_payment_fault(struct api_request *r, enum err e, const struct payment_fault *fault)
{
    if (e != ERR_OK && fault->retryable)
        api_idem_passing(r);
    if (!err_is_provider(e))
        return e;
    r->problem.payment_id = fault->unknown ? fault->payment_id : NULL;
    return api_provider_failed(r, e, fault->unknown, fault->retry_after_s);
}

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

/* Only origins that the operator listed: an open redirect would let anybody send our users, under
 * our name, to a page of theirs. Scheme, host and port are compared, as browsers do. */
bool api_payment_return_url_fit(struct api_request *r, const char *text)
{
    const struct config *cfg = r->svc.cfg;
    struct url url, allowed;
    bool fit = false;
    const char *origin = url_parse(str_of(text), &url) ? url_origin(r->svc.arena, &url) : "";
    for (size_t i = 0; i < cfg->payments.return_origins_n; i++)
        fit |= url_parse(str_of(cfg->payments.return_origins[i]), &allowed) &&
               strcmp(url_origin(r->svc.arena, &allowed), origin) == 0;
    if (!fit)
        api_fault(r, "/return_url", "must be of an origin that payments.return_origins lists");
    return fit;
}

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

/* What of the gateway's answers about it was not understood; NULL: nothing. Staff see the words as
 * they came, so that a person can judge what the program could not (BEHAVIOUR §6). */
static json_t *api_payment_odd_json(const struct api_request *r, struct db_rows odd,
                                    const struct payment *p)
{
    struct arena *a = r->svc.arena;
    json_t *items = NULL;
    for (int i = 0; i < db_count(odd); i++) {
        if (strcmp(db_get_str(odd, i, "payment_id"), p->id.s) != 0)
            continue;
        if (items == NULL)
            items = json_arr(a);
        json_t *j = json_obj(a);
        json_put_str(a, j, "thing", db_get_str(odd, i, "thing"));
        json_put_str(a, j, "value", db_get_str(odd, i, "value"));
        json_put_time(a, j, "first_seen_at", db_get_time(odd, i, "seen_us"));
        json_push(a, items, j);
    }
    return items;
}

/* For staff: each payment of a booking, with what of the gateway's answers was not understood. */
json_t *api_payments_json(const struct api_request *r, struct db_rows rows, struct db_rows odd)
{
    struct arena *a = r->svc.arena;
    json_t *items = json_arr(a);
    for (int i = 0; i < db_count(rows); i++) {
        struct payment p;
        payment_read(rows, i, &p);
        json_t *j = api_payment_json(r, &p), *strange = api_payment_odd_json(r, odd, &p);
        if (strange != NULL)
            json_put(a, j, "not_understood", strange);
        json_push(a, items, j);
    }
    return items;
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

/* Those in doubt and those refused too, each with its fault: staff must see what was not given
 * back. */
json_t *api_refunds_json(struct arena *a, struct db_rows rows)
{
    json_t *items = json_arr(a);
    for (int i = 0; i < db_count(rows); i++) {
        json_t *j = json_obj(a);
        json_put_str(a, j, "id", db_get_str(rows, i, "id"));
        json_put_str(a, j, "payment_id", db_get_str(rows, i, "payment_id"));
        json_put_int(a, j, "amount", db_get_int(rows, i, "amount"));
        json_put_str(a, j, "status", db_get_str(rows, i, "status"));
        json_put_str(a, j, "actor", db_get_str(rows, i, "actor"));
        json_put_str(a, j, "reason", db_get(rows, i, "reason"));
        json_put_str(a, j, "fault", db_get(rows, i, "fault"));
        json_put_bool(a, j, "cancels_booking", db_get_bool(rows, i, "cancels_booking"));
        json_put_time(a, j, "asked_at", db_get_time(rows, i, "asked_us"));
        json_push(a, items, j);
    }
    return items;
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
