/* Faults on order: one place a route, the newest order wins. */
#include <string.h>

#include "sim.h"

const char *const sim_route_names[SIM_ROUTE_COUNT] = {
    "taqnyat", "unifonic", "msegat", "twilio", "http", "invoice_create", "invoice_fetch", "invoice_list",
    "invoice_cancel", "payment_fetch", "payment_list", "refund", "void"};

/* Names that stand for several routes. */
static const struct {
    const char *name;
    int first, end;
} groups[] = {{"all", 0, SIM_ROUTE_COUNT}, {"sms", 0, SIM_SMS_COUNT}, {"moyasar", SIM_SMS_COUNT, SIM_ROUTE_COUNT}};
const char *const sim_fault_names[SIM_KIND_COUNT] = {"none", "delay", "hang", "headers", "body", "drip", "reset", "close",
                                                     "garbage", "huge", "redirect", "status", "html", "declined"};

/* Whether a fault strikes after the thing was done, when the order does not say. */
static const bool done_by_nature[SIM_KIND_COUNT] = {
    [SIM_NONE] = true, [SIM_DELAY] = true, [SIM_HANG] = true, [SIM_HEADERS] = true, [SIM_BODY] = true, [SIM_DRIP] = true};

static struct {
    struct sim_fault fault;
    int64_t left; /* calls; -1: until cleared */
} orders[SIM_ROUTE_COUNT];

struct sim_fault sim_fault_take(enum sim_route route)
{
    struct sim_fault none = {.kind = SIM_NONE, .done = true};
    if (orders[route].left == 0)
        return none;
    struct sim_fault f = orders[route].fault;
    if (orders[route].left > 0)
        orders[route].left--;
    return f;
}

static int name_index(const char *name, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

static int64_t int_or(const json_t *order, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(order, key);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

const char *sim_fault_order(const json_t *order)
{
    const char *route = json_string_value(json_object_get(order, "route"));
    const char *kind_name = json_string_value(json_object_get(order, "kind"));
    if (route == NULL || kind_name == NULL)
        return "route and kind are needed";
    int kind = name_index(kind_name, sim_fault_names, SIM_KIND_COUNT);
    if (kind < 0)
        return "kind: none of the known ones";
    int first = name_index(route, sim_route_names, SIM_ROUTE_COUNT), end = first + 1;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (strcmp(groups[i].name, route) == 0) {
            first = groups[i].first;
            end = groups[i].end;
        }
    }
    if (first < 0)
        return "route: none of the known ones";
    struct sim_fault f = {.kind = (enum sim_fault_kind)kind, .done = done_by_nature[kind]};
    f.status = (int)int_or(order, "status", 500);
    f.delay_ms = int_or(order, "delay_ms", 1000);
    if (f.status < 200 || f.status > 599 || f.delay_ms < 0 || f.delay_ms > 600000)
        return "status is 200 to 599, delay_ms 0 to 600000";
    const json_t *done = json_object_get(order, "done");
    if (json_is_boolean(done))
        f.done = json_is_true(done);
    int64_t times = int_or(order, "times", -1);
    for (int i = first; i < end; i++) {
        orders[i].fault = f;
        orders[i].left = kind == SIM_NONE ? 0 : times;
    }
    return NULL;
}

void sim_fault_clear(void)
{
    memset(orders, 0, sizeof orders);
}

json_t *sim_fault_list(struct arena *a)
{
    json_t *items = json_arr(a);
    for (int i = 0; i < SIM_ROUTE_COUNT; i++) {
        json_t *j = json_obj(a);
        bool on = orders[i].left != 0;
        json_put_str(a, j, "route", sim_route_names[i]);
        json_put_str(a, j, "kind", sim_fault_names[on ? orders[i].fault.kind : SIM_NONE]);
        if (on) {
            json_put_int(a, j, "status", orders[i].fault.status);
            json_put_int(a, j, "delay_ms", orders[i].fault.delay_ms);
            json_put_bool(a, j, "done", orders[i].fault.done);
            json_put_int(a, j, "times", orders[i].left);
        }
        json_push(a, items, j);
    }
    return items;
}
