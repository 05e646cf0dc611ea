/* The gateway's API: invoices and payments with its statuses, bounds, error envelopes and list filters. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/num.h"
#include "http/http_path.h"
#include "sim_moyasar.h"

#define PAGE_SIZE 40

/* ---- errors: {"type", "message", "errors"} ---- */

static void refuse(struct sim_request *r, struct sim_reply *out, int status, const char *type, const char *message)
{
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "type", type);
    json_put_str(r->arena, j, "message", message);
    json_put_null(r->arena, j, "errors");
    sim_reply_json(r, out, status, j);
}

/* errors is a map of lists of sentences. */
static void refuse_field(struct sim_request *r, struct sim_reply *out, const char *field, const char *sentence)
{
    struct arena *a = r->arena;
    json_t *list = json_arr(a), *errors = json_obj(a), *j = json_obj(a);
    json_push_str(a, list, sentence);
    json_put(a, errors, field, list);
    json_put_str(a, j, "type", "validation_error");
    json_put_str(a, j, "message", "Validation Failed");
    json_put(a, j, "errors", errors);
    sim_reply_json(r, out, 400, j);
}

static void not_found(struct sim_request *r, struct sim_reply *out)
{
    refuse(r, out, 404, "record_not_found", "Object not found");
}

static void status_fault(struct sim_request *r, struct sim_reply *out)
{
    int s = r->fault.status;
    const char *type = s == 429 ? "rate_limit_error" : s == 401 ? "authentication_error" : s >= 500 ? "api_error" : "invalid_request_error";
    refuse(r, out, s, type, s == 401 ? "Invalid authorization credentials" : "The request failed");
}

/* ---- what a request carries: JSON or a form with metadata[key] ---- */

static json_t *form_object(struct sim_request *r)
{
    struct http_query q;
    json_t *j = json_obj(r->arena), *metadata = json_obj(r->arena);
    if (r->body.n == 0 || !http_query_parse(r->arena, r->body, &q))
        return j;
    for (size_t i = 0; i < q.n; i++) {
        struct str name = str_of(q.items[i].name);
        int64_t number;
        if (str_starts(name, STR("metadata[")) && name.p[name.n - 1] == ']')
            json_put_str(r->arena, metadata, arena_strndup(r->arena, name.p + 9, name.n - 10), q.items[i].value);
        else if (str_eq(name, STR("amount")) && num_i64(str_of(q.items[i].value), &number))
            json_put_int(r->arena, j, "amount", number);
        else
            json_put_str(r->arena, j, q.items[i].name, q.items[i].value);
    }
    if (json_object_size(metadata) > 0)
        json_put(r->arena, j, "metadata", metadata);
    return j;
}

static json_t *sent_object(struct sim_request *r)
{
    json_t *j = r->body.n > 0 ? json_parse(r->arena, r->body) : NULL;
    return json_is_object(j) ? j : form_object(r);
}

static const char *text_of(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

/* HTTP Basic with the secret key as user and no password. */
static bool authenticated(struct sim_request *r, struct sim_reply *out)
{
    struct str field = http_header(r->head, "Authorization");
    char user[256] = "";
    if (field.n > 6 && str_eq_nocase((struct str){field.p, 6}, STR("Basic "))) {
        /* Standard base64 differs from base64url in two letters and the padding. */
        char url[256];
        size_t n = 0;
        for (size_t i = 6; i < field.n && n < sizeof url - 1 && field.p[i] != '='; i++)
            url[n++] = field.p[i] == '+' ? '-' : field.p[i] == '/' ? '_' : field.p[i];
        size_t room = sizeof user - 1;
        if (digest_base64url_decode((struct str){url, n}, (unsigned char *)user, &room))
            user[room] = '\0';
        else
            user[0] = '\0';
    }
    struct str key = str_of(user); /* only its kind matters in a sandbox */
    if (str_starts(key, STR("pk_")))
        refuse(r, out, 403, "authentication_error", "User not authorized");
    else if (!str_starts(key, STR("sk_")) || key.n < 8)
        refuse(r, out, 401, "authentication_error", "Invalid authorization credentials");
    else
        return true;
    return false;
}

const char *sim_base_url(struct sim_request *r)
{
    struct str host = http_header(r->head, "Host");
    return arena_printf(r->arena, "http://%.*s", STR_ARG(host));
}

static void show_invoice(struct sim_request *r, struct sim_reply *out, int status, struct sim_invoice *v)
{
    sim_reply_json(r, out, status, sim_invoice_json(r->arena, v, sim_base_url(r)));
}

static void show_payment(struct sim_request *r, struct sim_reply *out, int status, const struct sim_payment *p)
{
    sim_reply_json(r, out, status, sim_payment_json(r->arena, p, sim_base_url(r)));
}

/* ---- invoices ---- */

static char *copy_or_null(const char *z)
{
    return z != NULL ? strdup(z) : NULL;
}

/* A date alone means its first moment. */
static bool expiry_of(struct arena *a, const char *text, struct wall *out)
{
    if (wall_date_valid(str_of(text)))
        text = arena_printf(a, "%sT00:00:00Z", text);
    return wall_parse(str_of(text), out);
}

static bool invoice_valid(struct sim_request *r, const json_t *in, struct wall *expires, struct sim_reply *out)
{
    const json_t *amount = json_object_get(in, "amount");
    const char *currency = text_of(in, "currency"), *expired_at = text_of(in, "expired_at");
    if (!json_is_integer(amount))
        refuse_field(r, out, "amount", "The amount must be an integer.");
    else if (json_integer_value(amount) < 100)
        refuse_field(r, out, "amount", "The value must be greater than or equal to 100.");
    else if (currency == NULL || !num_currency_known(str_of(currency)))
        refuse_field(r, out, "currency", "The currency is invalid.");
    else if (text_of(in, "description") == NULL)
        refuse_field(r, out, "description", "The description field is required.");
    else if (expired_at != NULL && !expiry_of(r->arena, expired_at, expires))
        refuse_field(r, out, "expired_at", "The expired at is not a valid date.");
    else if (expired_at != NULL && expires->us <= wall_now().us)
        refuse_field(r, out, "expired_at", "The expired at must be in the future.");
    else
        return true;
    return false;
}

static struct sim_invoice *invoice_add(struct arena *a, json_t *in, struct wall expires)
{
    struct sim_invoice *v = calloc(1, sizeof *v);
    if (v == NULL)
        arena_oom(a);
    sim_new_id(v->id);
    v->status = "initiated";
    v->amount = json_integer_value(json_object_get(in, "amount"));
    snprintf(v->currency, sizeof v->currency, "%s", text_of(in, "currency"));
    v->description = copy_or_null(text_of(in, "description"));
    v->callback_url = copy_or_null(text_of(in, "callback_url"));
    v->success_url = copy_or_null(text_of(in, "success_url"));
    v->back_url = copy_or_null(text_of(in, "back_url"));
    v->expired_at = copy_or_null(text_of(in, "expired_at"));
    v->expires = expires;
    json_t *metadata = json_object_get(in, "metadata");
    if (json_is_object(metadata))
        v->metadata = json_incref(metadata);
    v->created = v->updated = wall_now();
    v->next = sim_invoices;
    sim_invoices = v;
    return v;
}

static void invoice_create(struct sim_request *r, struct sim_reply *out)
{
    json_t *in = sent_object(r);
    struct wall expires = {0};
    if (!invoice_valid(r, in, &expires, out))
        return;
    show_invoice(r, out, 201, invoice_add(r->arena, in, expires));
}

static void invoice_fetch(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = sim_invoice_find(r->tail);
    if (v == NULL)
        not_found(r, out);
    else
        show_invoice(r, out, 200, v);
}

static void invoice_update(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = sim_invoice_find(r->tail);
    if (v == NULL) {
        not_found(r, out);
        return;
    }
    json_t *metadata = json_object_get(sent_object(r), "metadata");
    if (json_is_object(metadata)) {
        json_decref(v->metadata);
        v->metadata = json_incref(metadata);
        v->updated = wall_now();
    }
    show_invoice(r, out, 200, v);
}

static void invoice_cancel(struct sim_request *r, struct sim_reply *out)
{
    struct sim_invoice *v = sim_invoice_find(r->tail);
    if (v == NULL) {
        not_found(r, out);
        return;
    }
    if (strcmp(v->status, "initiated") != 0) {
        refuse(r, out, 400, "invalid_request_error", arena_printf(r->arena, "Cancel failed. The Invoice is already %s.", v->status));
        return;
    }
    v->status = "canceled";
    v->updated = wall_now();
    show_invoice(r, out, 200, v);
}

/* ---- lists: page, id, status, metadata[key] ---- */

static bool metadata_match(struct sim_request *r, const json_t *metadata)
{
    struct http_query q;
    if (r->head->query.p == NULL || !http_query_parse(r->arena, r->head->query, &q))
        return true;
    for (size_t i = 0; i < q.n; i++) {
        struct str name = str_of(q.items[i].name);
        if (!str_starts(name, STR("metadata[")) || name.p[name.n - 1] != ']')
            continue;
        const char *has = text_of(metadata, arena_strndup(r->arena, name.p + 9, name.n - 10));
        if (has == NULL || strcmp(has, q.items[i].value) != 0)
            return false;
    }
    return true;
}

static bool filter_match(struct sim_request *r, const char *id, const char *status, const json_t *metadata)
{
    const char *wanted_id = sim_form(r, "id"), *wanted_status = sim_form(r, "status");
    return (wanted_id == NULL || strcmp(wanted_id, id) == 0) && (wanted_status == NULL || strcmp(wanted_status, status) == 0) &&
           metadata_match(r, metadata);
}

struct listing {
    json_t *items;
    int64_t page, seen;
};

static struct listing list_begin(struct sim_request *r)
{
    struct listing l = {.items = json_arr(r->arena), .page = 1};
    const char *page = sim_form(r, "page");
    if (page != NULL && !num_range(str_of(page), 1, 1000000, &l.page))
        l.page = 1;
    return l;
}

/* Whether the next match is on the page asked for. */
static bool list_takes(struct listing *l)
{
    int64_t at = l->seen++;
    return at >= (l->page - 1) * PAGE_SIZE && at < l->page * PAGE_SIZE;
}

static void put_page(struct arena *a, json_t *meta, const char *key, int64_t page, bool there)
{
    if (there)
        json_put_int(a, meta, key, page);
    else
        json_put_null(a, meta, key);
}

static void list_end(struct sim_request *r, struct sim_reply *out, struct listing *l, const char *name)
{
    struct arena *a = r->arena;
    int64_t pages = (l->seen + PAGE_SIZE - 1) / PAGE_SIZE;
    json_t *meta = json_obj(a), *j = json_obj(a);
    json_put_int(a, meta, "current_page", l->page);
    put_page(a, meta, "next_page", l->page + 1, l->page < pages);
    put_page(a, meta, "prev_page", l->page - 1, l->page > 1);
    json_put_int(a, meta, "total_pages", pages > 0 ? pages : 1);
    json_put_int(a, meta, "total_count", l->seen);
    json_put(a, j, name, l->items);
    json_put(a, j, "meta", meta);
    sim_reply_json(r, out, 200, j);
}

static void invoice_list(struct sim_request *r, struct sim_reply *out)
{
    struct listing l = list_begin(r);
    for (struct sim_invoice *v = sim_invoices; v != NULL; v = v->next) {
        sim_invoice_refresh(v);
        if (filter_match(r, v->id, v->status, v->metadata) && list_takes(&l))
            json_push(r->arena, l.items, sim_invoice_json(r->arena, v, sim_base_url(r)));
    }
    list_end(r, out, &l, "invoices");
}

static void payment_list(struct sim_request *r, struct sim_reply *out)
{
    struct listing l = list_begin(r);
    for (struct sim_payment *p = sim_payments; p != NULL; p = p->next)
        if (filter_match(r, p->id, p->status, p->metadata) && list_takes(&l))
            json_push(r->arena, l.items, sim_payment_json(r->arena, p, sim_base_url(r)));
    list_end(r, out, &l, "payments");
}

/* ---- payments ---- */

static void payment_fetch(struct sim_request *r, struct sim_reply *out)
{
    const struct sim_payment *p = sim_payment_find(r->tail);
    if (p == NULL)
        not_found(r, out);
    else
        show_payment(r, out, 200, p);
}

static void payment_create(struct sim_request *r, struct sim_reply *out)
{
    json_t *in = sent_object(r);
    const json_t *source = json_object_get(in, "source");
    const char *number = text_of(source, "number"), *currency = text_of(in, "currency");
    int64_t amount = json_integer_value(json_object_get(in, "amount"));
    if (number == NULL || amount <= 0) {
        refuse_field(r, out, number == NULL ? "source" : "amount", "The value is invalid.");
        return;
    }
    struct sim_payment *p = sim_payment_new(NULL, amount, currency != NULL ? currency : "SAR", number);
    if (p == NULL) {
        refuse_field(r, out, "source.number", "The card number is invalid.");
        return;
    }
    json_t *metadata = json_object_get(in, "metadata");
    p->metadata = json_is_object(metadata) ? json_incref(metadata) : NULL;
    p->description = copy_or_null(text_of(in, "description"));
    p->callback_url = copy_or_null(text_of(in, "callback_url"));
    const struct sim_card *card = sim_card_find(number);
    if (card == NULL || card->decline != NULL)
        sim_payment_settle(p, false, card == NULL ? "UNSPECIFIED FAILURE" : card->decline, sim_base_url(r));
    else if (card->frictionless || json_is_false(json_object_get(source, "3ds")))
        sim_payment_settle(p, true, "APPROVED", sim_base_url(r));
    show_payment(r, out, 201, p);
}

static void payment_update(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = sim_payment_find(r->tail);
    if (p == NULL) {
        not_found(r, out);
        return;
    }
    json_t *in = sent_object(r);
    if (text_of(in, "description") != NULL) {
        free(p->description);
        p->description = copy_or_null(text_of(in, "description"));
    }
    show_payment(r, out, 200, p);
}

static bool is_charged(const struct sim_payment *p)
{
    return strcmp(p->status, "paid") == 0 || strcmp(p->status, "captured") == 0 || strcmp(p->status, "refunded") == 0;
}

/* A partial refund leaves the status alone; the number tells. */
static void payment_refund(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = sim_payment_find(r->tail);
    if (p == NULL) {
        not_found(r, out);
        return;
    }
    const json_t *sent = json_object_get(sent_object(r), "amount");
    int64_t amount = json_is_integer(sent) ? json_integer_value(sent) : p->amount - p->refunded;
    if (!is_charged(p) || amount <= 0 || amount > p->amount - p->refunded) {
        refuse(r, out, 400, "invalid_request_error", "Refund failed. The amount exceeds what is left of the Payment.");
        return;
    }
    p->refunded += amount;
    p->updated = wall_now();
    if (p->refunded == p->amount)
        p->status = "refunded";
    sim_hook_event("payment_refunded", sim_payment_json(r->arena, p, sim_base_url(r)));
    show_payment(r, out, 200, p);
}

static void payment_void(struct sim_request *r, struct sim_reply *out)
{
    struct sim_payment *p = sim_payment_find(r->tail);
    if (p == NULL) {
        not_found(r, out);
        return;
    }
    if (strcmp(p->status, "paid") != 0 || p->refunded > 0) {
        refuse(r, out, 400, "invalid_request_error", "Void failed. The Payment can not be voided.");
        return;
    }
    p->status = "voided";
    p->updated = wall_now();
    sim_hook_event("payment_voided", sim_payment_json(r->arena, p, sim_base_url(r)));
    show_payment(r, out, 200, p);
}

/* ---- the table ---- */

#define NO_FAULTS SIM_ROUTE_COUNT
static const struct {
    const char *method, *pattern;
    enum sim_route route;
    void (*serve)(struct sim_request *r, struct sim_reply *out);
} calls[] = {
    {"POST", "/v1/invoices", SIM_INVOICE_CREATE, invoice_create},
    {"GET", "/v1/invoices", SIM_INVOICE_LIST, invoice_list},
    {"GET", "/v1/invoices/{id}", SIM_INVOICE_FETCH, invoice_fetch},
    {"PUT", "/v1/invoices/{id}", NO_FAULTS, invoice_update},
    {"PUT", "/v1/invoices/{id}/cancel", SIM_INVOICE_CANCEL, invoice_cancel},
    {"POST", "/v1/payments", NO_FAULTS, payment_create},
    {"GET", "/v1/payments", SIM_PAYMENT_LIST, payment_list},
    {"GET", "/v1/payments/{id}", SIM_PAYMENT_FETCH, payment_fetch},
    {"PUT", "/v1/payments/{id}", NO_FAULTS, payment_update},
    {"POST", "/v1/payments/{id}/refund", SIM_REFUND, payment_refund},
    {"POST", "/v1/payments/{id}/void", SIM_VOID, payment_void},
};

/* What a call is about, for faults that are kept to one thing: path, query, body, metadata of what they name. */
static const char *about(struct sim_request *r)
{
    const json_t *metadata = NULL;
    for (const struct sim_invoice *v = sim_invoices; v != NULL && metadata == NULL; v = v->next) {
        const char *ours = text_of(v->metadata, "payment_id");
        bool listed = ours != NULL && r->head->query.p != NULL && strstr(arena_strndup(r->arena, r->head->query.p, r->head->query.n), ours) != NULL;
        if (listed || strcmp(v->id, r->tail) == 0)
            metadata = v->metadata;
    }
    const struct sim_payment *p = sim_payment_find(r->tail);
    if (p != NULL)
        metadata = p->metadata;
    struct str text = json_is_object(metadata) ? json_text(r->arena, metadata) : STR("");
    return arena_printf(r->arena, "%.*s\n%.*s\n%.*s", STR_ARG(r->head->target), STR_ARG(r->body), STR_ARG(text));
}

bool sim_moyasar_serve(struct sim_request *r, struct sim_reply *out)
{
    const char *method = http_method_names[r->head->method];
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct http_params params;
        if (strcmp(calls[i].method, method) != 0 || !http_path_match(calls[i].pattern, r->head->path, &params))
            continue;
        r->tail = params.n > 0 ? arena_strndup(r->arena, params.value[0].p, params.value[0].n) : "";
        if (calls[i].route != NO_FAULTS)
            r->fault = sim_fault_take(calls[i].route, about(r));
        if (!authenticated(r, out))
            return true;
        if (r->fault.done)
            calls[i].serve(r, out);
        if (r->fault.kind == SIM_STATUS)
            status_fault(r, out);
        else if (r->fault.kind == SIM_DECLINED)
            refuse(r, out, 400, "invalid_request_error", "The request was declined");
        return true;
    }
    return false;
}
