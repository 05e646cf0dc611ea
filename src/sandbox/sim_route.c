/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Which simulated route a request is for: providers, inbox, faults, pages. */
#include <string.h>

#include "http/http_path.h"
#include "sim.h"
#include "sim_hook.h"
#include "sim_inbox.h"
#include "sim_serve.h"
#include "sim_sms.h"

static void route_put_error(struct sim_request *r, struct sim_reply *out, int status,
                            const char *detail)
{
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "error", detail);
    sim_reply_json(r, out, status, j);
}

static void route_faults_get(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena);
    json_put(r->arena, j, "items", sim_fault_list(r->arena));
    sim_reply_json(r, out, 200, j);
}

static void route_faults_post(struct sim_request *r, struct sim_reply *out)
{
    json_t *order = json_parse(r->arena, r->body);
    const char *wrong = order == NULL ? "the body is not JSON" : sim_fault_order(r->arena, order);
    if (wrong != NULL)
        route_put_error(r, out, 422, wrong);
    else
        route_faults_get(r, out);
}

static void route_faults_delete(struct sim_request *r, struct sim_reply *out)
{
    sim_fault_clear();
    *out = (struct sim_reply){.status = 204};
    (void)r;
}

static void route_inbox_delete(struct sim_request *r, struct sim_reply *out)
{
    sim_inbox_clear();
    *out = (struct sim_reply){.status = 204};
    (void)r;
}

static void route_inbox_page(struct sim_request *r, struct sim_reply *out)
{
    *out = (struct sim_reply){
        .status = 200, .content_type = "text/html; charset=utf-8", .body = str_of(sim_inbox_page)};
    (void)r;
}

static void route_health(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "status", "ok");
    sim_reply_json(r, out, 200, j);
}

/* {"url", "secret", "factor", "copies", "callbacks"}: where webhooks go; without a url they are
 * kept only. NULL, or what is wrong.
 */
static const char *route_read_hook_order(const json_t *j, struct sim_hook_order *order)
{
    const char *name;
    json_t *value;
    if (!json_is_object(j))
        return "an object is needed";
    json_object_foreach((json_t *)(uintptr_t)j, name, value)
    {
        struct str key = str_of(name);
        if (str_eq(key, STR("url")) && (json_is_string(value) || json_is_null(value)))
            order->url = json_string_value(value);
        else if (str_eq(key, STR("secret")) && json_is_string(value))
            order->secret = json_string_value(value);
        else if (str_eq(key, STR("factor")) && json_is_number(value) &&
                 json_number_value(value) >= 0 && json_number_value(value) <= 100)
            order->factor = json_number_value(value);
        else if (str_eq(key, STR("copies")) && json_integer_value(value) >= 1 &&
                 json_integer_value(value) <= 100)
            order->copies = (unsigned)json_integer_value(value);
        else if (str_eq(key, STR("callbacks")) && json_is_boolean(value))
            order->no_callbacks = json_is_false(value);
        else
            return "url and secret are texts, factor is 0 to 100, copies 1 to 100, callbacks true "
                   "or false; no more";
    }
    return NULL;
}

static void route_webhooks_post(struct sim_request *r, struct sim_reply *out)
{
    struct sim_hook_order order = {.factor = 1, .copies = 1};
    const char *wrong = route_read_hook_order(json_parse(r->arena, r->body), &order);
    if (wrong == NULL && !sim_hook_configure(&order))
        wrong = "url: plain HTTP on loopback only";
    if (wrong != NULL)
        route_put_error(r, out, 422, wrong);
    else
        *out = (struct sim_reply){.status = 204};
}

static void route_events_get(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena);
    json_put(r->arena, j, "items", sim_hook_events(r->arena));
    sim_reply_json(r, out, 200, j);
}

static const struct {
    const char *method, *path;
    void (*serve)(struct sim_request *r, struct sim_reply *out);
} desk[] = {
    {"GET", "/", route_inbox_page},
    {"GET", "/inbox", route_inbox_page},
    {"GET", "/inbox.json", sim_inbox_get},
    {"DELETE", "/inbox.json", route_inbox_delete},
    {"GET", "/control/faults", route_faults_get},
    {"POST", "/control/faults", route_faults_post},
    {"DELETE", "/control/faults", route_faults_delete},
    {"POST", "/control/webhooks", route_webhooks_post},
    {"GET", "/control/events", route_events_get},
    {"GET", "/healthz", route_health},
};

static void route_serve_provider(const struct sim_sms *p, struct sim_request *r,
                                 struct sim_reply *out)
{
    r->fault = sim_fault_take(p->route, NULL);
    if (r->fault.done || r->fault.kind == SIM_DECLINED)
        p->serve(r, out);
    if (r->fault.kind == SIM_STATUS)
        p->error(r, r->fault.status, out);
    else if (r->fault.kind == SIM_ACCOUNT)
        p->account(r, out);
    else if (!r->fault.done && r->fault.kind != SIM_DECLINED)
        p->error(r, 503, out); /* what can be read of it says that nothing was done */
}

static bool route_serve_sms(struct sim_request *r, struct sim_reply *out)
{
    struct http_params params;
    bool any = r->head->method == HTTP_GET ||
               r->head->method == HTTP_PUT; /* the templated one may be called so, too */
    for (size_t i = 0; i < SIM_SMS_COUNT; i++) {
        if ((r->head->method == HTTP_POST || (any && sim_sms_providers[i].route == SIM_HTTP)) &&
            http_path_match(sim_sms_providers[i].path, r->head->path, &params)) {
            route_serve_provider(&sim_sms_providers[i], r, out);
            return true;
        }
    }
    return false;
}

void sim_serve(struct sim_request *r, struct sim_reply *out)
{
    r->fault = (struct sim_fault){.kind = SIM_NONE, .done = true};
    if (route_serve_sms(r, out) || sim_moyasar_serve(r, out) || sim_checkout_serve(r, out)) {
        sim_bend(r, out);
        return;
    }
    const char *method = r->head->method == HTTP_HEAD ? "GET" : http_method_names[r->head->method];
    bool known = false;
    for (size_t i = 0; i < ARRAY_LEN(desk); i++) {
        if (!str_eq(r->head->path, str_of(desk[i].path)))
            continue;
        known = true;
        if (strcmp(desk[i].method, method) == 0) {
            desk[i].serve(r, out);
            return;
        }
    }
    route_put_error(r, out, known ? 405 : 404,
                    known ? "not with this method" : "no such route in the sandbox");
}
