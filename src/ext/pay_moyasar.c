/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Moyasar: hosted invoices, their payments, refunds, events. HTTP Basic with the secret key as
 * user. Judged by HTTP status and `status` alone: the same fault has different `type` texts on
 * different pages. A 403 without the JSON envelope is the firewall in front, not a bad key.
 * (docs.moyasar.com: api/invoices, api/payments, api/other/webhooks, docs/api/errors)
 */
#include <string.h>

#include "base/chars.h"
#include "base/digest.h"
#include "base/url.h"
#include "base/uuid.h"
#include "ext/ext_status.h"
#include "pay_priv.h"
#include "sys/json.h"

/* A text that names a thing at the gateway (UUIDs today): it goes into paths. */
static bool id_fit(const char *id)
{
    const struct str s = str_of(id);
    return chars_all(s, char_is_id) && s.n <= 64;
}

/* ---- judging an answer ---- */

static struct ext_result pay_moyasar_make_failure(enum err e, enum outcome outcome,
                                                  const char *detail)
{
    return (struct ext_result){.err = e, .outcome = outcome, .detail = detail};
}

/* A 4xx: with the JSON envelope it is the gateway's own word, and nothing was done. */
static struct ext_result pay_moyasar_judge_refusal(const struct pay_call *c,
                                                   const struct pay_exchange *x, int status,
                                                   bool envelope)
{
    if (status == 404 && envelope && x->request.idempotent)
        return pay_moyasar_make_failure(ERR_NOT_FOUND, OUTCOME_FAILED, "not found");
    if (status == 401 || (status == 403 && envelope))
        return pay_moyasar_make_failure(ERR_PROVIDER_REJECTED, OUTCOME_FAILED,
                                        "credentials refused");
    if (status == 403)
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_FAILED,
                                        "refused by a web firewall");
    const char *detail = arena_printf(c->arena, "status %d", status);
    return envelope ? pay_moyasar_make_failure(ERR_PROVIDER_REJECTED, OUTCOME_FAILED, detail)
                    : pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_UNKNOWN, detail);
}

/* ERR_OK when the answer is a 2xx with a JSON object, which is then *j. */
static struct ext_result judge_status(const struct pay_call *c, const struct pay_exchange *x,
                                      const struct ext_reply *reply, json_t **j)
{
    struct ext_result r;
    if (ext_status_decides(c->arena, reply, &r))
        return r;
    *j = json_parse(c->arena, reply->body);
    bool envelope = json_is_object(*j);
    if (reply->status >= 400)
        return pay_moyasar_judge_refusal(c, x, reply->status, envelope);
    return envelope ? (struct ext_result){.err = ERR_OK} : ext_unreadable();
}

/* ---- reading objects: a member of another type than documented makes the whole unreadable ---- */

/* NULL when it is no string, or one that would be cut short by a NUL inside. */
static const char *text_of(const json_t *j, const char *key)
{
    const json_t *v = json_object_get(j, key);
    const char *z = json_string_value(v);
    return z != NULL && strlen(z) == json_string_length(v) ? z : NULL;
}

static bool amount_of(const json_t *j, const char *key, int64_t *out)
{
    const json_t *v = json_object_get(j, key);
    if (!json_is_integer(v) || json_integer_value(v) < 0)
        return false;
    *out = json_integer_value(v);
    return true;
}

static const struct {
    const char *name;
    enum { CHARGE_NONE, CHARGE_PENDING, CHARGE_TAKEN, CHARGE_VOIDED } kind;
} charge_states[] = {
    {"initiated", CHARGE_PENDING}, {"paid", CHARGE_TAKEN},     {"failed", CHARGE_NONE},
    {"authorized", CHARGE_NONE},   {"captured", CHARGE_TAKEN}, {"refunded", CHARGE_TAKEN},
    {"voided", CHARGE_VOIDED},     {"verified", CHARGE_NONE},  {"expired", CHARGE_NONE}};

static bool read_charge(const json_t *j, struct pay_charge *out)
{
    const char *status = text_of(j, "status");
    *out = (struct pay_charge){.id = text_of(j, "id"),
                               .currency = text_of(j, "currency"),
                               .invoice_id = text_of(j, "invoice_id")};
    if (!id_fit(out->id) || status == NULL || out->currency == NULL ||
        !amount_of(j, "amount", &out->amount) ||
        (json_object_get(j, "refunded") != NULL && !amount_of(j, "refunded", &out->refunded)) ||
        out->refunded > out->amount)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(charge_states); i++) {
        if (strcmp(charge_states[i].name, status) != 0)
            continue;
        out->pending = charge_states[i].kind == CHARGE_PENDING;
        out->charged =
            charge_states[i].kind == CHARGE_TAKEN || charge_states[i].kind == CHARGE_VOIDED;
        bool all_back = charge_states[i].kind == CHARGE_VOIDED ||
                        (strcmp(status, "refunded") == 0 && out->refunded == 0);
        if (all_back)
            out->refunded = out->amount;
        return true;
    }
    return false;
}

static const struct {
    const char *name;
    enum pay_invoice_state state;
} invoice_states[] = {{"initiated", PAY_OPEN},    {"paid", PAY_PAID},
                      {"failed", PAY_FAILED},     {"expired", PAY_EXPIRED},
                      {"canceled", PAY_CANCELED}, {"refunded", PAY_REFUNDED},
                      {"voided", PAY_REFUNDED},   {"on_hold", PAY_OPEN}};

static bool read_invoice_state(const char *status, struct pay_invoice *out)
{
    for (size_t i = 0; status != NULL && i < ARRAY_LEN(invoice_states); i++) {
        if (strcmp(invoice_states[i].name, status) == 0) {
            out->state = invoice_states[i].state;
            return true;
        }
    }
    return false;
}

static bool read_charges(struct arena *a, const json_t *list, const struct pay_charge **out,
                         size_t *n)
{
    *n = json_array_size(list);
    struct pay_charge *charges = arena_array(a, *n, sizeof *charges);
    for (size_t i = 0; i < *n; i++)
        if (!read_charge(json_array_get(list, i), &charges[i]))
            return false;
    *out = charges;
    return list == NULL || json_is_array(list) || json_is_null(list);
}

/* host is name.domain */
static bool host_below(struct str host, struct str domain)
{
    if (host.n <= domain.n + 1)
        return false;
    struct str tail = {host.p + host.n - domain.n, domain.n};
    return tail.p[-1] == '.' && str_eq_nocase(tail, domain);
}

/*
 * Where customers may be sent: to the gateway's own pages over https (checkout.moyasar.com),
 * whichever way its API is reached, or to the host that base_url names (a sandbox).
 */
static bool page_url_fit(const char *text, const char *base_text)
{
    struct url page, base;
    if (text == NULL || !url_parse(str_of(text), &page) || !url_parse(str_of(base_text), &base))
        return false;
    if (page.https && host_below(page.host, STR("moyasar.com")))
        return true;
    return page.https == base.https && str_eq_nocase(page.host, base.host);
}

static bool read_invoice(const struct pay_call *c, const json_t *j, struct pay_invoice *out)
{
    *out = (struct pay_invoice){.id = text_of(j, "id"),
                                .url = text_of(j, "url"),
                                .currency = text_of(j, "currency"),
                                .reference = text_of(json_object_get(j, "metadata"), "payment_id")};
    return id_fit(out->id) && out->currency != NULL && amount_of(j, "amount", &out->amount) &&
           page_url_fit(out->url, c->cfg->providers[c->provider].base_url) &&
           read_invoice_state(text_of(j, "status"), out) &&
           read_charges(c->arena, json_object_get(j, "payments"), &out->charges, &out->charges_n);
}

/* ---- requests ---- */

static void pay_moyasar_begin_exchange(const struct pay_call *c, struct pay_exchange *x,
                                       enum provider_op op, const char *method, const char *path)
{
    const struct provider_config *p = &c->cfg->providers[c->provider];
    x->request = (struct ext_request){
        .op = op,
        .method = method,
        .url = arena_printf(c->arena, "%s/v1%s", p->base_url, path),
        .headers = {"Accept: application/json"},
        .basic_user = p->secret_key,
        .basic_password = "",
        .idempotent = strcmp(method, "GET") == 0,
    };
}

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

static struct ext_result judge_create(const struct pay_call *c, const struct pay_exchange *x,
                                      const struct ext_reply *reply)
{
    const struct pay_create *in = x->in;
    struct pay_invoice *out = x->out;
    json_t *j;
    struct ext_result r = judge_status(c, x, reply, &j);
    if (r.err != ERR_OK)
        return r;
    if (!read_invoice(c, j, out))
        return ext_unreadable();
    if (out->amount != in->amount || strcmp(out->currency, in->currency) != 0)
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_UNKNOWN,
                                        "answer with another amount");
    return r;
}

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
    struct pay_exchange x = {.judge = judge_create, .out = out, .in = in};
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_INVOICE_CREATE, "POST", "/invoices");
    put_body(c, &x, body);
    return pay_exchange(c, &x);
}

/* ---- fetch, find, cancel ---- */

static struct ext_result judge_invoice(const struct pay_call *c, const struct pay_exchange *x,
                                       const struct ext_reply *reply)
{
    json_t *j;
    struct ext_result r = judge_status(c, x, reply, &j);
    return r.err == ERR_OK && !read_invoice(c, j, x->out) ? ext_unreadable() : r;
}

static struct ext_result pay_moyasar_fetch_invoice(const struct pay_call *c, const char *invoice_id,
                                                   struct pay_invoice *out)
{
    struct pay_exchange x = {.judge = judge_invoice, .out = out};
    if (!id_fit(invoice_id))
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
    const char *named = text_of(json_object_get(row, "metadata"), "payment_id");
    return named != NULL && strcmp(named, reference) == 0;
}

static struct ext_result judge_find(const struct pay_call *c, const struct pay_exchange *x,
                                    const struct ext_reply *reply)
{
    struct pay_invoices *out = x->out;
    json_t *j;
    struct ext_result r = judge_status(c, x, reply, &j);
    if (r.err != ERR_OK)
        return r;
    const json_t *list = json_object_get(j, "invoices");
    size_t n = json_array_size(list);
    out->items = arena_array(c->arena, n, sizeof *out->items);
    bool good = json_is_array(list);
    for (size_t i = 0; i < n; i++) {
        const json_t *row = json_array_get(list, i);
        if (names_us(row, x->in))
            good &= read_invoice(c, row, &out->items[out->n++]);
    }
    if (!good)
        return ext_unreadable();
    if (out->n == 0 && goes_on(j, n))
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_FAILED,
                                        "a list that was not filtered");
    return out->n == 0 ? pay_moyasar_make_failure(ERR_NOT_FOUND, OUTCOME_FAILED, "not found") : r;
}

static struct ext_result pay_moyasar_find_invoices(const struct pay_call *c, const char *reference,
                                                   struct pay_invoices *out)
{
    struct pay_exchange x = {.judge = judge_find, .out = out, .in = reference};
    *out = (struct pay_invoices){0};
    if (!id_fit(reference))
        return bad_id();
    pay_moyasar_begin_exchange(
        c, &x, PROVIDER_OP_INVOICE_FIND, "GET",
        arena_printf(c->arena, "/invoices?metadata%%5Bpayment_id%%5D=%s", reference));
    return pay_exchange(c, &x);
}

static struct ext_result judge_cancel(const struct pay_call *c, const struct pay_exchange *x,
                                      const struct ext_reply *reply)
{
    json_t *j;
    return judge_status(c, x, reply, &j);
}

static struct ext_result pay_moyasar_cancel_invoice(const struct pay_call *c,
                                                    const char *invoice_id)
{
    struct pay_exchange x = {.judge = judge_cancel};
    if (!id_fit(invoice_id))
        return bad_id();
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_INVOICE_CANCEL, "PUT",
                               arena_printf(c->arena, "/invoices/%s/cancel", invoice_id));
    return pay_exchange(c, &x);
}

/* ---- charges ---- */

struct charge_list {
    const struct pay_charge *charges;
    size_t n;
};

static struct ext_result judge_charges(const struct pay_call *c, const struct pay_exchange *x,
                                       const struct ext_reply *reply)
{
    struct charge_list *out = x->out;
    json_t *j;
    struct ext_result r = judge_status(c, x, reply, &j);
    if (r.err != ERR_OK)
        return r;
    const json_t *list = json_object_get(j, "payments");
    struct pay_charge *charges = arena_array(c->arena, json_array_size(list), sizeof *charges);
    bool good = json_is_array(list);
    for (size_t i = 0; i < json_array_size(list); i++)
        if (names_us(json_array_get(list, i), x->in))
            good &= read_charge(json_array_get(list, i), &charges[out->n++]);
    out->charges = charges;
    if (!good)
        return ext_unreadable();
    if (out->n == 0 && goes_on(j, json_array_size(list)))
        return pay_moyasar_make_failure(ERR_PROVIDER_FAILED, OUTCOME_FAILED,
                                        "a list that was not filtered");
    return r;
}

static struct ext_result pay_moyasar_list_charges(const struct pay_call *c, const char *reference,
                                                  const struct pay_charge **out, size_t *n)
{
    struct charge_list list = {0};
    struct pay_exchange x = {.judge = judge_charges, .out = &list, .in = reference};
    if (!id_fit(reference))
        return bad_id();
    pay_moyasar_begin_exchange(
        c, &x, PROVIDER_OP_PAYMENT_FIND, "GET",
        arena_printf(c->arena, "/payments?metadata%%5Bpayment_id%%5D=%s", reference));
    struct ext_result r = pay_exchange(c, &x);
    *out = list.charges;
    *n = list.n;
    return r;
}

static struct ext_result judge_charge(const struct pay_call *c, const struct pay_exchange *x,
                                      const struct ext_reply *reply)
{
    json_t *j;
    struct ext_result r = judge_status(c, x, reply, &j);
    return r.err == ERR_OK && !read_charge(j, x->out) ? ext_unreadable() : r;
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

static struct ext_result fetch_charge(const struct pay_call *c, const char *charge_id,
                                      struct pay_charge *out)
{
    struct pay_exchange x = {.judge = judge_charge, .out = out};
    if (!id_fit(charge_id))
        return bad_id();
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_PAYMENT_FETCH, "GET",
                               arena_printf(c->arena, "/payments/%s", charge_id));
    return charge_call(c, &x, charge_id);
}

static struct ext_result pay_moyasar_refund_charge(const struct pay_call *c, const char *charge_id,
                                                   int64_t amount, struct pay_charge *out)
{
    struct pay_exchange x = {.judge = judge_charge, .out = out};
    if (!id_fit(charge_id))
        return bad_id();
    json_t *body = json_obj(c->arena);
    json_put_int(c->arena, body, "amount", amount);
    pay_moyasar_begin_exchange(c, &x, PROVIDER_OP_REFUND, "POST",
                               arena_printf(c->arena, "/payments/%s/refund", charge_id));
    put_body(c, &x, body);
    return charge_call(c, &x, charge_id);
}

/* ---- events: the secret stands in the body ---- */

static enum err pay_moyasar_read_event(const struct provider_config *p, struct arena *a,
                                       struct str body, struct pay_event *out)
{
    json_t *j = json_parse(a, body);
    const json_t *token = json_object_get(j, "secret_token");
    struct str given = {json_string_value(token), json_string_length(token)};
    struct str secret = str_of(p->webhook_secret);
    if (given.p == NULL || secret.n == 0 || !digest_equal(given, secret))
        return ERR_UNAUTHORIZED;
    const json_t *data = json_object_get(j, "data");
    *out =
        (struct pay_event){.id = text_of(j, "id"),
                           .kind = text_of(j, "type"),
                           .charge_id = text_of(data, "id"),
                           .invoice_id = text_of(data, "invoice_id"),
                           .reference = text_of(json_object_get(data, "metadata"), "payment_id")};
    if (out->id == NULL || strlen(out->id) > 100 || out->kind == NULL || strlen(out->kind) > 100)
        return ERR_VALIDATION;
    if (!id_fit(out->charge_id))
        out->charge_id = NULL;
    if (!id_fit(out->invoice_id))
        out->invoice_id = NULL;
    struct uuid ours;
    if (out->reference != NULL && !uuid_parse(str_of(out->reference), &ours))
        out->reference = NULL;
    return ERR_OK;
}

const struct pay_gateway pay_moyasar = {.type = PROVIDER_MOYASAR,
                                        .create = pay_moyasar_create_invoice,
                                        .fetch = pay_moyasar_fetch_invoice,
                                        .find = pay_moyasar_find_invoices,
                                        .charges = pay_moyasar_list_charges,
                                        .fetch_charge = fetch_charge,
                                        .cancel = pay_moyasar_cancel_invoice,
                                        .refund = pay_moyasar_refund_charge,
                                        .event = pay_moyasar_read_event};
