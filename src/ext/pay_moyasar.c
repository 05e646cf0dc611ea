/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Moyasar: hosted invoices, their payments, refunds, events. The driver's functions build a request
 * and judge its answer; pay.c makes the call. HTTP Basic with the secret key as user. Judged by
 * HTTP status and `status` alone: the same fault has different `type` texts on different pages. A
 * 403 without the JSON envelope is the firewall in front, not a bad key. (docs.moyasar.com:
 * api/invoices, api/payments, api/other/webhooks, docs/api/errors)
 */
#include <string.h>

#include "base/digest.h"
#include "base/uuid.h"
#include "ext/ext_status.h"
#include "pay_moyasar_read.h"
#include "pay_priv.h"
#include "sys/json.h"

/* Of an event's identifier and kind: the gateway's have at most 40 characters. */
#define EVENT_TEXT_MAX 100

/* ---- judging an answer ---- */

/* The outcome is always said: "failed" only where the gateway cannot have done it. */
static struct ext_result pay_moyasar_make_failure(enum err e, enum outcome outcome,
                                                  const char *detail)
{
    return (struct ext_result){.err = e, .outcome = outcome, .detail = detail};
}

/* No payment will succeed until the operator has put the account right, so it weighs on the
 * breaker. */
static struct ext_result pay_moyasar_refuse_account(const char *detail)
{
    return (struct ext_result){.err = ERR_PROVIDER_REJECTED,
                               .outcome = OUTCOME_FAILED,
                               .detail = detail,
                               .refusal = REFUSAL_ACCOUNT};
}

/* Whole, and not understood: `what` of it is told beside what the payment's answers had before. */
static struct ext_result pay_moyasar_note_unreadable(const struct pay_call *c, const char *what)
{
    pay_note_odd(c, PAYMENT_ODD_ANSWER, what);
    return ext_unreadable();
}

/* A 4xx: with the JSON envelope it is the gateway's own word, and nothing was done. */
static struct ext_result pay_moyasar_judge_refusal(const struct pay_call *c,
                                                   const struct pay_exchange *x, int status,
                                                   bool envelope)
{
    if (status == 404 && envelope && x->request.idempotent)
        return pay_moyasar_make_failure(ERR_NOT_FOUND, OUTCOME_FAILED, "not found");
    /* 405: a live key of an account that is not activated yet (docs.moyasar.com/docs/api/errors).
     */
    if (status == 401 || (status == 403 && envelope) || (status == 405 && envelope))
        return pay_moyasar_refuse_account(status == 405 ? "account not active"
                                                        : "credentials refused");
    if (status == 403)
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_FAILED,
                                        "refused by a web firewall");
    const char *detail = arena_printf(c->arena, "status %d", status);
    return envelope ? pay_moyasar_make_failure(ERR_PROVIDER_REJECTED, OUTCOME_FAILED, detail)
                    : pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_UNKNOWN, detail);
}

/* Only a 2xx with a JSON object is read. */
static struct ext_result pay_moyasar_judge_answer(const struct pay_call *c,
                                                  const struct pay_exchange *x,
                                                  const struct ext_reply *reply)
{
    struct ext_result r;
    if (ext_status_decides(c->arena, reply, &r))
        return r;
    const json_t *j = json_parse_foreign(c->arena, reply->body);
    bool envelope = json_is_object(j);
    if (reply->status >= 400)
        return pay_moyasar_judge_refusal(c, x, reply->status, envelope);
    if (!envelope)
        return pay_moyasar_note_unreadable(c, "no JSON object");
    return x->read ? x->read(c, x, j) : (struct ext_result){.err = ERR_OK};
}

/* ---- requests ---- */

/* The gateway's own documents write the address with the version of its API and without. */
static const char *pay_moyasar_base_url(const struct pay_call *c)
{
    const char *url = c->cfg->providers[c->provider].base_url;
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    if (n > 3 && memcmp(url + n - 3, "/v1", 3) == 0)
        n -= 3;
    return arena_strndup(c->arena, url, n);
}

/* The secret key is the user name, with an empty password (docs.moyasar.com/api/authentication).
 * Only GET may be sent twice. */
static void pay_moyasar_begin_exchange(const struct pay_call *c, struct pay_exchange *x,
                                       enum provider_op op, const char *method, const char *path)
{
    const struct provider_config *p = &c->cfg->providers[c->provider];
    x->judge = pay_moyasar_judge_answer;
    x->request = (struct ext_request){
        .op = op,
        .method = method,
        .url = arena_printf(c->arena, "%s/v1%s", pay_moyasar_base_url(c), path),
        .headers = {"Accept: application/json"},
        .basic_user = p->secret_key,
        .basic_password = "",
        .idempotent = strcmp(method, "GET") == 0,
    };
}

/* The gateway takes forms too; JSON needs no rules for nested metadata. */
static void put_body(const struct pay_call *c, struct pay_exchange *x, const json_t *body)
{
    x->request.content_type = "application/json";
    x->request.body = json_text(c->arena, body);
}

/* Of a path with an identifier that the gateway cannot have given: nothing is sent. */
static struct ext_result bad_id(void)
{
    return pay_moyasar_make_failure(ERR_NOT_FOUND, OUTCOME_FAILED,
                                    "not an identifier of the gateway");
}

/* ---- create ---- */

/* An invoice without an address, or over another amount, is no success: nobody may be sent there,
 * and what exists at the gateway is unknown. */
static struct ext_result pay_moyasar_read_created(const struct pay_call *c,
                                                  const struct pay_exchange *x, const json_t *j)
{
    const struct pay_create *in = x->in;
    struct pay_invoice *out = x->out;
    moyasar_read_invoice(c, j, out);
    if (out->id == NULL || out->url == NULL || out->amount < 0 || out->currency == NULL)
        return pay_moyasar_note_unreadable(c, "no new invoice");
    if (out->amount != in->amount || !pay_currency_same(out->currency, in->currency))
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_UNKNOWN,
                                        "answer with another amount");
    return (struct ext_result){.err = ERR_OK};
}

/* The metadata names our payment: by it the invoice is found again when the answer is lost. The
 * gateway copies it to the invoice's payments. */
static struct ext_result pay_moyasar_create_invoice(const struct pay_call *c,
                                                    const struct pay_create *in,
                                                    struct pay_invoice *out)
{
    struct arena *a = c->arena;
    char at[WALL_RFC3339_MAX];
    json_t *body = json_obj(a), *metadata = json_obj(a);
    json_put_int(a, body, "amount", in->amount);
    json_put_str(a, body, "currency", in->currency);
    json_put_str(a, body, "description", in->description);
    json_put_str(a, body, "callback_url", in->callback_url);
    json_put_str(a, body, "success_url", in->success_url);
    json_put_str(a, body, "back_url", in->back_url);
    json_put_str(a, body, "expired_at", wall_format(in->expires_at, at));
    json_put_str(a, metadata, "payment_id", in->reference);
    json_put_str(a, metadata, "booking_id", in->booking_id);
    json_put(a, body, "metadata", metadata);
    struct pay_exchange x = {.read = pay_moyasar_read_created, .out = out, .in = in};
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_INVOICE_CREATE, "POST", "/invoices");
    put_body(c, &x, body);
    return pay_exchange(c, &x);
}

/* ---- fetch, find, cancel ---- */

/* A state that is not known is kept as such: what it means for the payment is decided elsewhere. */
static struct ext_result pay_moyasar_read_invoice(const struct pay_call *c,
                                                  const struct pay_exchange *x, const json_t *j)
{
    struct pay_invoice *out = x->out;
    moyasar_read_invoice(c, j, out);
    /* It was asked for by its identifier: an answer that does not repeat that is about it. */
    if (out->id == NULL)
        out->id = x->in;
    return (struct ext_result){.err = ERR_OK};
}

/* By the gateway's own identifier, which goes into a path, so its form is checked first. */
static struct ext_result pay_moyasar_fetch_invoice(const struct pay_call *c, const char *invoice_id,
                                                   struct pay_invoice *out)
{
    struct pay_exchange x = {.read = pay_moyasar_read_invoice, .out = out, .in = invoice_id};
    if (!moyasar_id_fit(invoice_id))
        return bad_id();
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_INVOICE_FETCH, "GET",
                               arena_printf(c->arena, "/invoices/%s", invoice_id));
    struct ext_result r = pay_exchange(c, &x);
    if (r.err == ERR_OK && strcmp(out->id, invoice_id) != 0)
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_FAILED,
                                        "answer about another invoice");
    return r;
}

/* More than this fills a page: what is not on it may be on the next. */
#define PAGE_SIZE 40

/* The list may be longer than what is in hand. */
static bool goes_on(const json_t *j, size_t n)
{
    const json_t *meta = json_object_get(j, "meta"), *next = json_object_get(meta, "next_page");
    return meta == NULL || next == NULL ? n >= PAGE_SIZE : !json_is_null(next);
}

/* A list's filter is not trusted: a row counts only when its own metadata names us, and a page of
 * others' rows proves nothing of the next. */
static bool names_us(const json_t *row, const char *reference)
{
    const char *named = moyasar_text(json_object_get(row, "metadata"), "payment_id");
    return named != NULL && strcmp(named, reference) == 0;
}

/* "Not found" is concluded only from a list that was filtered, or that ended: a wrong one leads to
 * a second invoice. */
static struct ext_result pay_moyasar_read_found(const struct pay_call *c,
                                                const struct pay_exchange *x, const json_t *j)
{
    struct pay_invoices *out = x->out;
    const json_t *list = json_object_get(j, "invoices");
    size_t n = json_array_size(list);
    out->items = arena_array(c->arena, n, sizeof *out->items);
    bool good = json_is_array(list);
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(list, i);
        if (!names_us(row, x->in))
            continue;
        moyasar_read_invoice(c, row, &out->items[out->n]);
        good &= out->items[out->n++].id != NULL;
    }
    if (!good)
        return pay_moyasar_note_unreadable(c, "no list of invoices");
    if (out->n == 0 && goes_on(j, n))
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_FAILED,
                                        "a list that was not filtered");
    return out->n == 0 ? pay_moyasar_make_failure(ERR_NOT_FOUND, OUTCOME_FAILED, "not found")
                       : (struct ext_result){.err = ERR_OK};
}

/* %5B and %5D are the brackets of metadata[payment_id]. */
static struct ext_result pay_moyasar_find_invoices(const struct pay_call *c, const char *reference,
                                                   struct pay_invoices *out)
{
    struct pay_exchange x = {.read = pay_moyasar_read_found, .out = out, .in = reference};
    *out = (struct pay_invoices){0};
    if (!moyasar_id_fit(reference))
        return bad_id();
    pay_moyasar_begin_exchange(
        c, &x, PROVIDER_OP_INVOICE_FIND, "GET",
        arena_printf(c->arena, "/invoices?metadata%%5Bpayment_id%%5D=%s", reference));
    return pay_exchange(c, &x);
}

/* A paid invoice cannot be cancelled; the gateway refuses, and the caller finds it paid, since it
 * reads the invoice again in any case. */
static struct ext_result pay_moyasar_cancel_invoice(const struct pay_call *c,
                                                    const char *invoice_id)
{
    struct pay_exchange x = {.read = NULL};
    if (!moyasar_id_fit(invoice_id))
        return bad_id();
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_INVOICE_CANCEL, "PUT",
                               arena_printf(c->arena, "/invoices/%s/cancel", invoice_id));
    return pay_exchange(c, &x);
}

/* ---- charges ---- */

/* What pay_moyasar_read_charges() fills: the charges of one payment of ours. */
struct charge_list {
    const struct pay_charge *charges;
    size_t n;
};

/* A charge that cannot be read is left out and noted; the caller compares how many there should
 * be. */
static struct ext_result pay_moyasar_read_charges(const struct pay_call *c,
                                                  const struct pay_exchange *x, const json_t *j)
{
    struct charge_list *out = x->out;
    const json_t *list = json_object_get(j, "payments");
    struct pay_charge *charges = arena_array(c->arena, json_array_size(list), sizeof *charges);
    bool good = json_is_array(list);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (names_us(json_array_get(list, i), x->in))
            out->n += moyasar_read_charge(c, json_array_get(list, i), NULL, &charges[out->n]);
    out->charges = charges;
    if (!good)
        return pay_moyasar_note_unreadable(c, "no list of payments");
    if (out->n == 0 && goes_on(j, json_array_size(list)))
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_FAILED,
                                        "a list that was not filtered");
    return (struct ext_result){.err = ERR_OK};
}

/* Several charges may belong to one invoice: each failed attempt with a card is one. */
static struct ext_result pay_moyasar_list_charges(const struct pay_call *c, const char *reference,
                                                  const struct pay_charge **out, size_t *n)
{
    struct charge_list list = {0};
    struct pay_exchange x = {.read = pay_moyasar_read_charges, .out = &list, .in = reference};
    if (!moyasar_id_fit(reference))
        return bad_id();
    pay_moyasar_begin_exchange(
        c, &x, PROVIDER_OP_PAYMENT_FIND, "GET",
        arena_printf(c->arena, "/payments?metadata%%5Bpayment_id%%5D=%s", reference));
    struct ext_result r = pay_exchange(c, &x);
    *out = list.charges;
    *n = list.n;
    return r;
}

/* What is not understood of a row is told when its payment is looked at. */
static struct ext_result pay_moyasar_read_changes(const struct pay_call *c,
                                                  const struct pay_exchange *x, const json_t *j)
{
    const struct wall *since = x->in;
    struct pay_changes *out = x->out;
    const json_t *list = json_object_get(j, "payments");
    size_t n = json_array_size(list);
    struct pay_change *items = arena_array(c->arena, n, sizeof *items);
    *out = (struct pay_changes){.items = items, .more = goes_on(j, n), .filtered = true};
    for (size_t i = 0; i < n; i++)
        moyasar_read_change(c, json_array_get(list, i), *since, items, out);
    return json_is_array(list) ? (struct ext_result){.err = ERR_OK}
                               : pay_moyasar_note_unreadable(c, "no list of payments");
}

/* 40 per page (docs.moyasar.com/api/payments/list); %5B and %5D are the brackets of updated[gt]. */
static struct ext_result pay_moyasar_list_changes(const struct pay_call *c, struct wall since,
                                                  int64_t page, struct pay_changes *out)
{
    char at[WALL_RFC3339_MAX];
    struct pay_exchange x = {.read = pay_moyasar_read_changes, .out = out, .in = &since};
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_PAYMENT_FIND, "GET",
                               arena_printf(c->arena, "/payments?updated%%5Bgt%%5D=%s&page=%lld",
                                            wall_format(since, at), (long long)page));
    return pay_exchange(c, &x);
}

static struct ext_result pay_moyasar_read_charge(const struct pay_call *c,
                                                 const struct pay_exchange *x, const json_t *j)
{
    struct pay_charge *out = x->out;
    /* What a refund is decided on must be understood whole: its amount, and what went back. */
    bool read = moyasar_read_charge(c, j, NULL, out);
    return read && out->id != NULL && !out->odd ? (struct ext_result){.err = ERR_OK}
                                                : pay_moyasar_note_unreadable(c, "no payment");
}

/* The answer must be about the charge that was asked about. */
static struct ext_result charge_call(const struct pay_call *c, struct pay_exchange *x,
                                     const char *charge_id)
{
    const struct pay_charge *out = x->out;
    struct ext_result r = pay_exchange(c, x);
    if (r.err == ERR_OK && strcmp(out->id, charge_id) != 0)
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED,
                                        x->request.idempotent ? OUTCOME_FAILED : OUTCOME_UNKNOWN,
                                        "answer about another payment");
    return r;
}

/* The charge and not the invoice: its total of refunds is what a refund is judged by. */
static struct ext_result fetch_charge(const struct pay_call *c, const char *charge_id,
                                      struct pay_charge *out)
{
    struct pay_exchange x = {.read = pay_moyasar_read_charge, .out = out};
    if (!moyasar_id_fit(charge_id))
        return bad_id();
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_PAYMENT_FETCH, "GET",
                               arena_printf(c->arena, "/payments/%s", charge_id));
    return charge_call(c, &x, charge_id);
}

/* The amount is always given: without one the gateway refunds all that is left, which may be more
 * than was asked for here. */
static struct ext_result pay_moyasar_refund_charge(const struct pay_call *c, const char *charge_id,
                                                   int64_t amount, struct pay_charge *out)
{
    struct pay_exchange x = {.read = pay_moyasar_read_charge, .out = out};
    if (!moyasar_id_fit(charge_id))
        return bad_id();
    json_t *body = json_obj(c->arena);
    json_put_int(c->arena, body, "amount", amount);
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_REFUND, "POST",
                               arena_printf(c->arena, "/payments/%s/refund", charge_id));
    put_body(c, &x, body);
    return charge_call(c, &x, charge_id);
}

/* ---- events: the secret stands in the body ---- */

/* The gateway repeats an event under its identifier. One without a usable identifier is known by
 * its bytes, which a repeat has too. */
static const char *pay_moyasar_event_id(struct arena *a, const json_t *j, struct str body)
{
    const char *id = moyasar_text(j, "id");
    if (id != NULL && *id != '\0' && strlen(id) <= EVENT_TEXT_MAX)
        return id;
    char *digest = arena_alloc(a, SHA256_HEX_MAX);
    digest_sha256_hex(body, digest);
    return digest;
}

/* Which thing of ours it is about: in its `data`, else in the event itself, whatever else is odd.
 */
static void pay_moyasar_read_names(const json_t *j, struct pay_event *out)
{
    const json_t *data = json_object_get(j, "data");
    const json_t *places[] = {data, j};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char *invoice = moyasar_text(places[i], "invoice_id");
        const char *ours = moyasar_text(json_object_get(places[i], "metadata"), "payment_id");
        struct uuid parsed;
        if (out->invoice_id == NULL && moyasar_id_fit(invoice))
            out->invoice_id = invoice;
        if (out->reference == NULL && ours != NULL && uuid_parse(str_of(ours), &parsed))
            out->reference = ours;
    }
    const char *charge = moyasar_text(data, "id");
    out->charge_id = moyasar_id_fit(charge) ? charge : NULL;
}

/* The secret is compared in constant time and before anything else is read. */
static enum err pay_moyasar_read_event(const struct provider_config *p, struct arena *a,
                                       struct str body, struct pay_event *out)
{
    json_t *j = json_parse_foreign(a, body);
    if (j == NULL)
        return ERR_MALFORMED_JSON;
    const json_t *token = json_object_get(j, "secret_token");
    struct str given = {json_string_value(token), json_string_length(token)};
    struct str secret = str_of(p->webhook_secret);
    if (given.p == NULL || secret.n == 0 || !digest_equal(given, secret))
        return ERR_UNAUTHORIZED;
    const char *kind = moyasar_text(j, "type");
    *out = (struct pay_event){.id = pay_moyasar_event_id(a, j, body),
                              .kind = kind != NULL ? kind : ""};
    /* Cut and not refused: the event is a hint whatever it is called. */
    if (strlen(out->kind) > EVENT_TEXT_MAX)
        out->kind = arena_strndup(a, out->kind, EVENT_TEXT_MAX);
    pay_moyasar_read_names(j, out);
    return ERR_OK;
}

/* No void: it works before settlement alone, and a refund does the same before and after
 * (ARCHITECTURE, "Life of a payment"). */
const struct pay_gateway pay_moyasar = {.type = PROVIDER_MOYASAR,
                                        .create = pay_moyasar_create_invoice,
                                        .fetch = pay_moyasar_fetch_invoice,
                                        .find = pay_moyasar_find_invoices,
                                        .charges = pay_moyasar_list_charges,
                                        .fetch_charge = fetch_charge,
                                        .changed = pay_moyasar_list_changes,
                                        .cancel = pay_moyasar_cancel_invoice,
                                        .refund = pay_moyasar_refund_charge,
                                        .event = pay_moyasar_read_event};
