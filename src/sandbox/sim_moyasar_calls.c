/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The gateway's API: its calls as a table, the keys that may make them, and the faults that they
 * meet. Called by sim_route.c for each request. */
#include <string.h>

#include "base/digest.h"
#include "http/http_path.h"
#include "sim_hook.h"
#include "sim_moyasar.h"
#include "sim_serve.h"

/* What an ordered status looks like. */
static void calls_put_status(struct sim_request *r, struct sim_reply *out, int status)
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

/* ---- keys: HTTP Basic, the key as user, no password ---- */

static const char *calls_read_key(struct sim_request *r)
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
static bool calls_check_key(struct sim_request *r, struct sim_reply *out, bool publishable)
{
    struct str key = str_of(calls_read_key(r));
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
static const char *calls_describe(struct sim_request *r)
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
static void calls_serve_one(struct sim_request *r, struct sim_reply *out, size_t i)
{
    if (!calls_check_key(r, out, calls[i].publishable))
        return;
    enum sim_route route = calls[i].route;
    r->fault = sim_fault_take(route, sim_fault_is_choosy(route) ? calls_describe(r) : NULL);
    if (r->fault.done)
        calls[i].serve(r, out);
    if (r->fault.kind == SIM_STATUS)
        calls_put_status(r, out, r->fault.status);
    else if (r->fault.kind == SIM_ACCOUNT)
        calls_put_status(r, out, 401);
    else if (r->fault.kind == SIM_DECLINED)
        sim_refuse(r, out, 400, "invalid_request_error", "The request was declined");
    else if (!r->fault.done)
        calls_put_status(r, out, 503); /* what can be read of it says that nothing was done */
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
        calls_serve_one(r, out, i);
        return true;
    }
    return false;
}
