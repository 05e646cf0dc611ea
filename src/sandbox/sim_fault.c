/* Faults on order: one place a route, the newest order wins. */
#include <stdlib.h>
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

struct order {
    struct order *next;
    enum sim_route route;
    char *only;         /* NULL: for every call */
    struct sim_fault fault;
    int64_t skip, left; /* calls; left -1: until cleared */
};
static struct order *orders; /* the newest first; one about a thing comes before one for all */

static struct order *find(enum sim_route route, const char *about)
{
    struct order *general = NULL;
    for (struct order *o = orders; o != NULL; o = o->next) {
        if (o->route != route || o->left == 0)
            continue;
        if (o->only != NULL && about != NULL && strstr(about, o->only) != NULL)
            return o;
        if (o->only == NULL && general == NULL)
            general = o;
    }
    return general;
}

struct sim_fault sim_fault_take(enum sim_route route, const char *about)
{
    struct sim_fault none = {.kind = SIM_NONE, .done = true};
    struct order *o = find(route, about);
    if (o == NULL)
        return none;
    if (o->skip > 0) {
        o->skip--;
        return none;
    }
    if (o->left > 0)
        o->left--;
    return o->fault;
}

/* A newer order takes the place of an older one about the same. */
static bool put(enum sim_route route, const char *only, const struct order *values)
{
    struct order **at = &orders;
    while (*at != NULL && !((*at)->route == route && ((*at)->only == NULL ? only == NULL : only != NULL && strcmp((*at)->only, only) == 0)))
        at = &(*at)->next;
    struct order *o = *at;
    if (o != NULL)
        *at = o->next;
    else if ((o = calloc(1, sizeof *o)) == NULL)
        return false;
    else if (only != NULL && (o->only = strdup(only)) == NULL) {
        free(o);
        return false;
    }
    o->route = route;
    o->fault = values->fault;
    o->skip = values->skip;
    o->left = values->left;
    o->next = orders;
    orders = o;
    return true;
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

static json_t *order_json(struct arena *a, enum sim_route route, const struct order *o)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "route", sim_route_names[route]);
    json_put_str(a, j, "kind", sim_fault_names[o != NULL ? o->fault.kind : SIM_NONE]);
    if (o == NULL)
        return j;
    json_put_int(a, j, "status", o->fault.status);
    json_put_int(a, j, "delay_ms", o->fault.delay_ms);
    json_put_bool(a, j, "done", o->fault.done);
    json_put_int(a, j, "times", o->left);
    if (o->skip > 0)
        json_put_int(a, j, "skip", o->skip);
    if (o->only != NULL)
        json_put_str(a, j, "only", o->only);
    return j;
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
    const struct order values = {.fault = f, .skip = int_or(order, "skip", 0), .left = kind == SIM_NONE ? 0 : times};
    const char *only = json_string_value(json_object_get(order, "only"));
    for (int i = first; i < end; i++)
        if (!put((enum sim_route)i, only, &values))
            return "out of memory";
    return NULL;
}

void sim_fault_clear(void)
{
    while (orders != NULL) {
        struct order *o = orders;
        orders = o->next;
        free(o->only);
        free(o);
    }
}

/* Every route, with the order for all its calls; then those about one thing. */
json_t *sim_fault_list(struct arena *a)
{
    json_t *items = json_arr(a);
    for (int i = 0; i < SIM_ROUTE_COUNT; i++) {
        const struct order *o = find((enum sim_route)i, NULL);
        json_push(a, items, order_json(a, (enum sim_route)i, o));
    }
    for (const struct order *o = orders; o != NULL; o = o->next)
        if (o->only != NULL && o->left != 0)
            json_push(a, items, order_json(a, o->route, o));
    return items;
}
