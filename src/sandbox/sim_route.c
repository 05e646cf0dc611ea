/* Which simulated route a request is for: providers, inbox, faults, pages. */
#include <string.h>

#include "sim.h"

void sim_reply_json(struct sim_request *r, struct sim_reply *out, int status, json_t *body)
{
    *out = (struct sim_reply){.status = status, .content_type = "application/json", .body = json_text(r->arena, body)};
}

static void problem(struct sim_request *r, struct sim_reply *out, int status, const char *detail)
{
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "error", detail);
    sim_reply_json(r, out, status, j);
}

static bool path_is(const struct http_head *head, const char *path)
{
    size_t n = strlen(path);
    if (n > 0 && path[n - 1] == '*')
        return str_starts(head->path, (struct str){path, n - 1});
    return str_eq(head->path, str_of(path));
}

static void faults_get(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena);
    json_put(r->arena, j, "items", sim_fault_list(r->arena));
    sim_reply_json(r, out, 200, j);
}

static void faults_post(struct sim_request *r, struct sim_reply *out)
{
    json_t *order = json_parse(r->arena, r->body);
    const char *wrong = order == NULL ? "the body is not JSON" : sim_fault_order(order);
    if (wrong != NULL)
        problem(r, out, 422, wrong);
    else
        faults_get(r, out);
}

static void faults_delete(struct sim_request *r, struct sim_reply *out)
{
    sim_fault_clear();
    *out = (struct sim_reply){.status = 204};
    (void)r;
}

static void inbox_delete(struct sim_request *r, struct sim_reply *out)
{
    sim_inbox_clear();
    *out = (struct sim_reply){.status = 204};
    (void)r;
}

static void inbox_page(struct sim_request *r, struct sim_reply *out)
{
    *out = (struct sim_reply){.status = 200, .content_type = "text/html; charset=utf-8", .body = str_of(sim_inbox_page)};
    (void)r;
}

static void health(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena);
    json_put_str(r->arena, j, "status", "ok");
    sim_reply_json(r, out, 200, j);
}

/* {"url", "secret", "factor", "copies", "callbacks"}: where webhooks go; without a url they are kept only. */
static void webhooks_post(struct sim_request *r, struct sim_reply *out)
{
    const json_t *j = json_parse(r->arena, r->body);
    const json_t *factor = json_object_get(j, "factor"), *copies = json_object_get(j, "copies");
    json_int_t n = json_is_integer(copies) ? json_integer_value(copies) : 1;
    if (!json_is_object(j) || n < 1 || n > 100) {
        problem(r, out, 422, "an object; copies is 1 to 100");
        return;
    }
    sim_hook_configure(json_string_value(json_object_get(j, "url")), json_string_value(json_object_get(j, "secret")),
                       json_is_number(factor) ? json_number_value(factor) : 1, (unsigned)n, !json_is_false(json_object_get(j, "callbacks")));
    *out = (struct sim_reply){.status = 204};
}

static void events_get(struct sim_request *r, struct sim_reply *out)
{
    json_t *j = json_obj(r->arena);
    json_put(r->arena, j, "items", sim_hook_events(r->arena));
    sim_reply_json(r, out, 200, j);
}

static const struct {
    const char *method, *path;
    void (*serve)(struct sim_request *r, struct sim_reply *out);
} desk[] = {
    {"GET", "/", inbox_page},
    {"GET", "/inbox", inbox_page},
    {"GET", "/inbox.json", sim_inbox_get},
    {"DELETE", "/inbox.json", inbox_delete},
    {"GET", "/control/faults", faults_get},
    {"POST", "/control/faults", faults_post},
    {"DELETE", "/control/faults", faults_delete},
    {"POST", "/control/webhooks", webhooks_post},
    {"GET", "/control/events", events_get},
    {"GET", "/healthz", health},
};

static void serve_provider(const struct sim_sms *p, struct sim_request *r, struct sim_reply *out)
{
    r->fault = sim_fault_take(p->route, NULL);
    if (r->fault.kind == SIM_STATUS && !r->fault.done) {
        p->error(r, r->fault.status, out);
        return;
    }
    p->serve(r, out);
    if (r->fault.kind == SIM_STATUS)
        p->error(r, r->fault.status, out);
}

void sim_serve(struct sim_request *r, struct sim_reply *out)
{
    r->fault = (struct sim_fault){.kind = SIM_NONE, .done = true};
    const char *method = http_method_names[r->head->method];
    for (size_t i = 0; i < SIM_SMS_COUNT; i++) {
        const struct sim_sms *p = &sim_sms_providers[i];
        if (strcmp(p->method, method) == 0 && path_is(r->head, p->path)) {
            serve_provider(p, r, out);
            return;
        }
    }
    if (sim_moyasar_serve(r, out) || sim_checkout_serve(r, out))
        return;
    for (size_t i = 0; i < ARRAY_LEN(desk); i++) {
        if (strcmp(desk[i].method, method) == 0 && path_is(r->head, desk[i].path)) {
            desk[i].serve(r, out);
            return;
        }
    }
    problem(r, out, 404, "no such route in the sandbox");
}
