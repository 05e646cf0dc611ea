/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Faults on order: one place a route, the newest order wins. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "sim.h"

const char *const sim_route_names[SIM_ROUTE_COUNT] = {
#define SIM_NAME_SMS(symbol, name) [SIM_##symbol] = #name,
#define SIM_NAME_PAYMENT(symbol, name)
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) SIM_NAME_##kind(symbol, name)
#include "domain/providers.def"
    [SIM_INVOICE_CREATE] = "invoice_create",
    "invoice_bulk",
    "invoice_fetch",
    "invoice_list",
    "invoice_update",
    "invoice_cancel",
    "payment_create",
    "payment_fetch",
    "payment_list",
    "payment_update",
    "refund",
    "capture",
    "void",
    "webhooks"};

/* Names that stand for several routes. */
static const struct {
    const char *name;
    int first, end;
} groups[] = {{"all", 0, SIM_ROUTE_COUNT},
              {"sms", 0, SIM_SMS_COUNT},
              {"moyasar", SIM_SMS_COUNT, SIM_ROUTE_COUNT}};
const char *const sim_fault_names[SIM_KIND_COUNT] = {
    "none",       "delay",    "hang", "headers",  "body",         "drip",         "reset",
    "close",      "garbage",  "huge", "redirect", "status",       "html",         "declined",
    "unfiltered", "bare",     "shut", "account",  "text_numbers", "real_numbers", "exponents",
    "members",    "stranger", "bom",  "gzip",     "identity"};

/* Whether a fault takes effect after the thing was done, when the order does not say. */
static const bool done_by_nature[SIM_KIND_COUNT] = {
    [SIM_NONE] = true,         [SIM_DELAY] = true,        [SIM_HANG] = true,
    [SIM_HEADERS] = true,      [SIM_BODY] = true,         [SIM_DRIP] = true,
    [SIM_SHUT] = true,         [SIM_UNFILTERED] = true,   [SIM_BARE] = true,
    [SIM_TEXT_NUMBERS] = true, [SIM_REAL_NUMBERS] = true, [SIM_EXPONENTS] = true,
    [SIM_MEMBERS] = true,      [SIM_STRANGER] = true,     [SIM_BOM] = true,
    [SIM_GZIP] = true,         [SIM_IDENTITY] = true};

#define ORDERS_MAX 5000

struct order {
    struct order *next;
    enum sim_route route;
    char *only; /* NULL: for every call */
    struct sim_fault fault;
    int64_t skip, left; /* calls; left -1: until cleared */
    int64_t struck;
};
static struct order *orders; /* the newest first; one about a thing comes before one for all */
static size_t orders_n;

static struct order *fault_find_order(enum sim_route route, const char *about)
{
    struct order *general = NULL;
    for (struct order *o = orders; o != NULL; o = o->next) {
        if (o->route != route)
            continue;
        if (o->only != NULL && about != NULL && strstr(about, o->only) != NULL)
            return o;
        if (o->only == NULL && general == NULL)
            general = o;
    }
    return general;
}

bool sim_fault_is_choosy(enum sim_route route)
{
    for (const struct order *o = orders; o != NULL; o = o->next)
        if (o->route == route && o->only != NULL)
            return true;
    return false;
}

static void fault_remove(struct order **at)
{
    struct order *o = *at;
    *at = o->next;
    free(o->only);
    free(o);
    orders_n--;
}

static void fault_remove_one(const struct order *o)
{
    for (struct order **at = &orders; *at != NULL; at = &(*at)->next) {
        if (*at == o) {
            fault_remove(at);
            return;
        }
    }
}

struct sim_fault sim_fault_take(enum sim_route route, const char *about)
{
    struct sim_fault fault = {.kind = SIM_NONE, .done = true};
    struct order *o = fault_find_order(route, about);
    if (o == NULL)
        return fault;
    if (o->skip > 0) {
        o->skip--;
        return fault;
    }
    fault = o->fault;
    o->struck++;
    if (o->left > 0 && --o->left == 0)
        fault_remove_one(o);
    return fault;
}

/* A newer order takes the place of an older one about the same; one of no fault only takes that
 * away. */
static bool fault_keep_order(const struct order *values)
{
    for (struct order **at = &orders; *at != NULL;) {
        const char *only = (*at)->only;
        if ((*at)->route == values->route &&
            (only == NULL ? values->only == NULL
                          : values->only != NULL && strcmp(only, values->only) == 0))
            fault_remove(at);
        else
            at = &(*at)->next;
    }
    if (values->fault.kind == SIM_NONE)
        return true;
    struct order *o = orders_n < ORDERS_MAX ? calloc(1, sizeof *o) : NULL;
    if (o == NULL)
        return false;
    *o = *values;
    o->only = sim_copy(values->only);
    o->next = orders;
    orders = o;
    orders_n++;
    return true;
}

static bool fault_find_routes(const char *name, int *first, int *end)
{
    *first = name_find(sim_route_names, SIM_ROUTE_COUNT, str_of(name));
    *end = *first + 1;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        if (strcmp(groups[i].name, name) == 0) {
            *first = groups[i].first;
            *end = groups[i].end;
        }
    }
    return *first >= 0;
}

/* An order as it is sent; `there` members say which were. */
struct sent {
    const char *route, *kind, *only;
    int64_t times, skip, status, delay_ms;
    bool done, done_there, times_there, skip_there, status_there, delay_there, only_there;
};

static const struct schema_row sent_rows[] = {
    {SCHEMA_STRING(struct sent, route, 0, 0), .required = true},
    {SCHEMA_STRING(struct sent, kind, 0, 0), .required = true},
    {SCHEMA_STRING(struct sent, only, 1, 500), .nullable = true,
     SCHEMA_HAS(struct sent, only_there)},
    {SCHEMA_INT(struct sent, times, 1, 1000000), SCHEMA_HAS(struct sent, times_there)},
    {SCHEMA_INT(struct sent, skip, 0, 1000000), SCHEMA_HAS(struct sent, skip_there)},
    {SCHEMA_INT(struct sent, status, 200, 599), SCHEMA_HAS(struct sent, status_there)},
    {SCHEMA_INT(struct sent, delay_ms, 1, 600000), SCHEMA_HAS(struct sent, delay_there)},
    {SCHEMA_BOOL(struct sent, done), SCHEMA_HAS(struct sent, done_there)},
    SCHEMA_END,
};

const char *sim_fault_order(struct arena *a, const json_t *j)
{
    struct sent in = {.status = 500, .delay_ms = 1000};
    struct faults faults;
    int first, end;
    faults_init(&faults, a);
    if (!schema_read_object(&(struct schema){.rows = sent_rows}, j, &in, "", &faults))
        return arena_printf(a, "%s: %s", faults.first->pointer, faults.first->detail);
    int kind = name_find(sim_fault_names, SIM_KIND_COUNT, str_of(in.kind));
    if (kind < 0)
        return "/kind: none of the known ones";
    if (!fault_find_routes(in.route, &first, &end))
        return "/route: none of the known ones";
    struct order values = {.fault = {.kind = (enum sim_fault_kind)kind,
                                     .status = (int)in.status,
                                     .delay_ms = in.delay_ms,
                                     .done = in.done_there ? in.done : done_by_nature[kind]},
                           .only = in.only_there ? sim_copy(in.only) : NULL,
                           .skip = in.skip,
                           .left = in.times_there ? in.times : -1};
    bool good = true;
    for (int i = first; i < end && good; i++) {
        values.route = (enum sim_route)i;
        good = fault_keep_order(&values);
    }
    free(values.only);
    return good ? NULL : "there are too many orders";
}

void sim_fault_clear(void)
{
    while (orders != NULL)
        fault_remove(&orders);
}

static json_t *fault_order_json(struct arena *a, enum sim_route route, const struct order *o)
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
    json_put_int(a, j, "struck", o->struck);
    json_put_int(a, j, "skip", o->skip);
    json_put_str(a, j, "only", o->only);
    return j;
}

/* Every route, with the order for all its calls; then those about one thing. */
json_t *sim_fault_list(struct arena *a)
{
    json_t *items = json_arr(a);
    for (int i = 0; i < SIM_ROUTE_COUNT; i++)
        json_push(
            a, items,
            fault_order_json(a, (enum sim_route)i, fault_find_order((enum sim_route)i, NULL)));
    for (const struct order *o = orders; o != NULL; o = o->next)
        if (o->only != NULL)
            json_push(a, items, fault_order_json(a, o->route, o));
    return items;
}
