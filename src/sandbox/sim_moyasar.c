/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The gateway's API: its calls as a table, keys, error envelopes, and what a request carries. */
#include "sim_moyasar.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/num.h"
#include "http/http_path.h"

#define METADATA_KEYS_MAX 30
#define METADATA_KEY_MAX 40
#define METADATA_VALUE_MAX 500

/* ---- errors: {"type", "message", "errors"} ---- */

static void envelope(struct sim_request *r, struct sim_reply *out, int status, const char *type,
                     const char *message, json_t *errors)
{
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "type", type);
    json_put_str(r->arena, j, "message", message);
    json_put(r->arena, j, "errors", errors);
    sim_reply_json(r, out, status, j);
}

void sim_refuse(struct sim_request *r, struct sim_reply *out, int status, const char *type,
                const char *message)
{
    envelope(r, out, status, type, message, json_null());
}

void sim_not_found(struct sim_request *r, struct sim_reply *out)
{
    sim_refuse(r, out, 404, "record_not_found", "Object not found");
}

void sim_complain(struct sim_request *r, json_t *errors, const char *field, const char *sentence)
{
    json_t *list = json_object_get(errors, field);
    if (list == NULL) {
        list = json_arr(r->arena);
        json_put(r->arena, errors, field, list);
    }
    json_push_str(r->arena, list, sentence);
}

bool sim_complained(struct sim_request *r, struct sim_reply *out, json_t *errors)
{
    if (json_object_size(errors) == 0)
        return false;
    envelope(r, out, 400, "validation_error", "Validation Failed", errors);
    return true;
}

/* What an ordered status looks like. */
static void status_fault(struct sim_request *r, struct sim_reply *out, int status)
{
    static const struct {
        int status;
        const char *type, *message;
    } known[] = {{401, "authentication_error", "Invalid authorization credentials"},
                 {403, "authentication_error", "User not authorized"},
                 {404, "record_not_found", "Object not found"},
                 {405, "account_inactive_error", "Your account is not activated"},
                 {429, "rate_limit_error", "Too many requests"},
                 {503, "api_error", "Service unavailable"}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].status == status) {
            sim_refuse(r, out, status, known[i].type, known[i].message);
            return;
        }
    }
    sim_refuse(r, out, status, status >= 500 ? "api_error" : "invalid_request_error",
               "The request failed");
}

/* ---- what a request carries: JSON or a form ---- */

/* "name[key]" into an object below name, "name[]" into a list, all else as it stands. */
static void put_field(struct sim_request *r, json_t *j, const char *name, const char *value)
{
    struct arena *a = r->arena;
    size_t head = strcspn(name, "["), n = strlen(name);
    int64_t number;
    if (name[head] != '[' || name[n - 1] != ']') {
        if (strcmp(name, "amount") == 0 && num_i64(str_of(value), &number))
            json_put_int(a, j, name, number);
        else
            json_put_str(a, j, name, value);
        return;
    }
    const char *outer = arena_strndup(a, name, head),
               *inner = arena_strndup(a, name + head + 1, n - head - 2);
    json_t *below = json_object_get(j, outer);
    if (below == NULL) {
        below = *inner == '\0' ? json_arr(a) : json_obj(a);
        json_put(a, j, outer, below);
    }
    if (json_is_array(below))
        json_push_str(a, below, value);
    else if (json_is_object(below))
        json_put_str(a, below, inner, value);
}

static json_t *form_object(struct sim_request *r)
{
    struct http_query *q = ARENA_NEW(r->arena, struct http_query);
    if (!http_query_parse(r->arena, r->body, q))
        return NULL;
    json_t *j = json_obj(r->arena);
    for (size_t i = 0; i < q->n; i++)
        put_field(r, j, q->items[i].name, q->items[i].value);
    return j;
}

json_t *sim_sent(struct sim_request *r, struct sim_reply *out)
{
    if (str_trim(r->body).n == 0)
        return json_obj(r->arena);
    struct str type = http_header(r->head, "Content-Type");
    bool form = str_starts(type, STR("application/x-www-form-urlencoded"));
    json_t *j = form ? form_object(r) : json_parse(r->arena, r->body);
    if (j != NULL) /* an empty list is what some clients make of no parameters */
        return json_is_object(j) ? j : json_obj(r->arena);
    /* The one fault whose `errors` is a sentence. */
    envelope(r, out, 400, "invalid_request_error", "Wrong number of parameters",
             json_string("The body is no set of parameters."));
    return NULL;
}

const char *sim_text(const json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

json_t *sim_metadata(struct sim_request *r, const json_t *in, json_t *errors)
{
    json_t *metadata = json_object_get(in, "metadata"), *value;
    const char *key;
    if (metadata == NULL || json_is_null(metadata))
        return NULL;
    if (!json_is_object(metadata) || json_object_size(metadata) > METADATA_KEYS_MAX) {
        sim_complain(r, errors, "metadata", "The value must be an object of at most 30 keys.");
        return NULL;
    }
    json_object_foreach(metadata, key, value)
    {
        const char *text = json_string_value(value);
        bool scalar = text != NULL || json_is_number(value) || json_is_boolean(value);
        if (!scalar || strlen(key) > METADATA_KEY_MAX ||
            (text != NULL && str_utf8_len(str_of(text)) > METADATA_VALUE_MAX))
            sim_complain(r, errors, "metadata",
                         "A key has at most 40 characters, a value at most 500.");
    }
    return json_object_size(metadata) > 0 ? metadata : NULL;
}

/* ---- keys: HTTP Basic, the key as user, no password ---- */

static const char *key_of(struct sim_request *r)
{
    struct str field = http_header(r->head, "Authorization");
    if (field.n <= 6 || !str_eq_nocase((struct str){field.p, 6}, STR("Basic ")))
        return "";
    /* Standard base64 differs from base64url in two letters and the padding. */
    char url[256], user[256];
    size_t n = 0, room = sizeof user - 1;
    for (size_t i = 6; i < field.n && n < sizeof url - 1 && field.p[i] != '='; i++)
        url[n++] = field.p[i] == '+' ? '-' : field.p[i] == '/' ? '_' : field.p[i];
    if (!digest_base64url_decode((struct str){url, n}, (unsigned char *)user, &room))
        return "";
    user[room] = '\0';
    return arena_strndup(r->arena, user, strcspn(user, ":"));
}

/* Only the kind of a key matters in a sandbox: publishable ones create payments, secret ones do
 * everything. */
static bool authenticated(struct sim_request *r, struct sim_reply *out, bool publishable)
{
    struct str key = str_of(key_of(r));
    bool is_publishable = str_starts(key, STR("pk_test_")) || str_starts(key, STR("pk_live_"));
    bool is_secret = str_starts(key, STR("sk_test_")) || str_starts(key, STR("sk_live_"));
    if (is_secret || (is_publishable && publishable))
        return true;
    if (is_publishable)
        sim_refuse(r, out, 403, "authentication_error", "User not authorized");
    else
        sim_refuse(r, out, 401, "authentication_error", "Invalid authorization credentials");
    return false;
}

/* ---- the table; a fixed path stands before one with a parameter ---- */

static const struct {
    const char *method, *pattern;
    sim_call_fn serve;
    enum sim_route route;
    bool publishable;
} calls[] = {
    {"POST", "/v1/invoices", sim_invoice_create, SIM_INVOICE_CREATE, false},
    {"POST", "/v1/invoices/bulk", sim_invoice_bulk, SIM_INVOICE_BULK, false},
    {"GET", "/v1/invoices", sim_invoice_list, SIM_INVOICE_LIST, false},
    {"GET", "/v1/invoices/{id}", sim_invoice_fetch, SIM_INVOICE_FETCH, false},
    {"PUT", "/v1/invoices/{id}", sim_invoice_update, SIM_INVOICE_UPDATE, false},
    {"PUT", "/v1/invoices/{id}/cancel", sim_invoice_cancel, SIM_INVOICE_CANCEL, false},
    {"POST", "/v1/payments", sim_payment_create, SIM_PAYMENT_CREATE, true},
    {"GET", "/v1/payments", sim_payment_list, SIM_PAYMENT_LIST, false},
    {"GET", "/v1/payments/{id}", sim_payment_fetch, SIM_PAYMENT_FETCH, false},
    {"PUT", "/v1/payments/{id}", sim_payment_update, SIM_PAYMENT_UPDATE, false},
    {"POST", "/v1/payments/{id}/refund", sim_payment_refund, SIM_REFUND, false},
    {"POST", "/v1/payments/{id}/capture", sim_payment_capture, SIM_CAPTURE, false},
    {"POST", "/v1/payments/{id}/void", sim_payment_void, SIM_VOID, false},
    {"POST", "/v1/webhooks", sim_webhook_create, SIM_WEBHOOKS, false},
    {"GET", "/v1/webhooks", sim_webhook_list, SIM_WEBHOOKS, false},
    {"GET", "/v1/webhooks/available_events", sim_webhook_events, SIM_WEBHOOKS, false},
    {"GET", "/v1/webhooks/attempts", sim_webhook_attempts, SIM_WEBHOOKS, false},
    {"GET", "/v1/webhooks/attempts/{id}", sim_webhook_attempt, SIM_WEBHOOKS, false},
    {"GET", "/v1/webhooks/{id}", sim_webhook_fetch, SIM_WEBHOOKS, false},
    {"DELETE", "/v1/webhooks/{id}", sim_webhook_delete, SIM_WEBHOOKS, false},
};

/* What a call is about, for faults that are kept to one thing: path, query, body, metadata of what
 * they name. */
static const char *about(struct sim_request *r)
{
    const char *target = arena_strndup(r->arena, r->head->target.p, r->head->target.n);
    const struct sim_payment *p = sim_payment_find(r->tail);
    const json_t *metadata = p != NULL ? p->metadata : NULL;
    for (const struct sim_invoice *v = sim_invoices; v != NULL && metadata == NULL; v = v->next) {
        const char *ours = sim_text(v->metadata, "payment_id");
        if (strcmp(v->id, r->tail) == 0 || (ours != NULL && strstr(target, ours) != NULL))
            metadata = v->metadata;
    }
    struct str text = json_is_object(metadata) ? json_text(r->arena, metadata) : STR("");
    return arena_printf(r->arena, "%s\n%.*s\n%.*s", target, STR_ARG(r->body), STR_ARG(text));
}

/* A call refused for its key meets no fault and uses none up. */
static void serve_call(struct sim_request *r, struct sim_reply *out, size_t i)
{
    if (!authenticated(r, out, calls[i].publishable))
        return;
    enum sim_route route = calls[i].route;
    r->fault = sim_fault_take(route, sim_fault_is_choosy(route) ? about(r) : NULL);
    if (r->fault.done)
        calls[i].serve(r, out);
    if (r->fault.kind == SIM_STATUS)
        status_fault(r, out, r->fault.status);
    else if (r->fault.kind == SIM_DECLINED)
        sim_refuse(r, out, 400, "invalid_request_error", "The request was declined");
    else if (!r->fault.done)
        status_fault(r, out, 503); /* what can be read of it says that nothing was done */
}

bool sim_moyasar_serve(struct sim_request *r, struct sim_reply *out)
{
    const char *method = http_method_names[r->head->method];
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct http_params params;
        if (strcmp(calls[i].method, method) != 0 ||
            !http_path_match(calls[i].pattern, r->head->path, &params))
            continue;
        r->tail = params.n > 0 ? arena_strndup(r->arena, params.value[0].p, params.value[0].n) : "";
        sim_base_set(r->head);
        serve_call(r, out, i);
        return true;
    }
    return false;
}
