/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the indices of a metric's dimensions mean: names and numbers of the labels' values. Values
 * known at build time come from labels.def; routes, statuses and providers are kept here. Called by
 * metrics.c and metrics_page.c.
 */
#include <string.h>

#include "base/cdefs.h"
#include "base/ensure.h"
#include "domain/provider.h"
#include "domain/scoreboard.h"
#include "domain/templates.h"
#include "metrics_priv.h"
#include "sys/name_rows.h"

/* Every status that BEHAVIOUR, the parser or a handler can answer with; others count as "other". */
/* clang-format off */
#define STATUSES(X) \
    X(200) X(201) X(202) X(204) X(302) X(303) X(304) X(400) X(401) X(402) X(403) \
    X(404) X(405) X(406) X(408) X(409) X(410) X(411) X(412) X(413) X(414) X(415) \
    X(417) X(421) X(422) X(423) X(425) X(428) X(429) X(431) X(500) X(501) X(502) \
    X(503) X(504) X(505)
/* clang-format on */
#define STATUS_NUMBER(status) status,
#define STATUS_TEXT(status) #status,
static const short statuses[] = {STATUSES(STATUS_NUMBER)};
static const char *const status_texts[] = {STATUSES(STATUS_TEXT) "other"};

/* Rows of the route table, and a last one for requests that no route takes. */
static const struct metric_route *routes;
static size_t routes_n;
static const char *route_of_row[METRIC_ROUTES_MAX + 1];
/* The distinct routes, and the index of each row's. */
static const char *route_names[METRIC_ROUTES_MAX + 1];
static unsigned route_index[METRIC_ROUTES_MAX];

/* Rows of DIM_PROVIDER belong to names, while indices belong to a configuration. */
static struct name_row provider_rows[METRIC_PROVIDER_ROWS];
static struct name_rows providers;
static const char *provider_names[METRIC_PROVIDER_ROWS];
static uint32_t provider_ops[METRIC_PROVIDER_ROWS];
static unsigned provider_row[PROVIDERS_MAX]; /* by index of the configuration in use */
static size_t providers_in_use;
_Static_assert(METRIC_PROVIDER_ROWS >= 2 * PROVIDERS_MAX, "no room for both configurations");

/* Each dimension: its label, the texts of its values, and how many there are. */
static struct metric_label_set {
    const char *label;
    const char *const *names;
    unsigned n;
} label_sets[] = {
    [DIM_NONE] = {NULL, NULL, 1},
    [DIM_PROVIDER] = {"provider", provider_names, METRIC_PROVIDER_ROWS},
    [DIM_ROUTE_METHOD] = {"route", route_of_row, 0}, /* counted by metric_labels_init() */
    [DIM_ROUTE] = {"route", route_names, 0},
    [DIM_STATUS] = {"status", status_texts, ARRAY_LEN(status_texts)},
#define SET(set, PREFIX, label) [DIM_##PREFIX] = {(label), set##_names, PREFIX##_COUNT},
#define SET_OF(PREFIX, names, label) [DIM_##PREFIX] = {(label), (names), PREFIX##_COUNT},
#define ROW(ID, text)
#define END(set, PREFIX)
#include "domain/labels.def"
#undef SET
#undef SET_OF
#undef ROW
#undef END
};
_Static_assert(ARRAY_LEN(label_sets) == DIM_COUNT, "a dimension has no row");

/* Several methods share a route: durations are kept per route, counts per row. */
static unsigned metric_labels_add_route(const char *route)
{
    struct metric_label_set *set = &label_sets[DIM_ROUTE];
    for (unsigned i = 0; i < set->n; i++)
        if (strcmp(route_names[i], route) == 0)
            return i;
    route_names[set->n] = route;
    return set->n++;
}

/* The table is the API's; it stays valid as long as the program runs. */
void metric_labels_init(const struct metric_route *table, size_t n)
{
    ENSURE(n <= METRIC_ROUTES_MAX);
    routes = table;
    routes_n = n;
    label_sets[DIM_ROUTE].n = 0;
    for (size_t i = 0; i < n; i++) {
        route_of_row[i] = table[i].route;
        route_index[i] = metric_labels_add_route(table[i].route);
    }
    /* Paths that no route takes count together: their texts come from strangers and have no
     * bound. */
    route_of_row[n] = "none";
    label_sets[DIM_ROUTE_METHOD].n = (unsigned)n + 1;
    (void)metric_labels_add_route("none"); /* the last */
    for (unsigned i = 0; i < METRIC_PROVIDER_ROWS; i++)
        provider_names[i] = provider_rows[i].name;
}

/* For tests; see metrics_forget(). */
void metric_labels_forget(void)
{
    memset(provider_rows, 0, sizeof(provider_rows));
    memset(&providers, 0, sizeof(providers));
    providers_in_use = 0;
}

/* A short list, looked through once per request. */
unsigned metric_status_index(int status)
{
    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++)
        if (statuses[i] == status)
            return i;
    return ARRAY_LEN(statuses);
}

unsigned metric_route_index(size_t row)
{
    return row < routes_n ? route_index[row] : label_sets[DIM_ROUTE].n - 1;
}

/* The index of the status that a row of the route table answers with when all is well. This series
 * exists from the start, so that a rate can be computed before the first request. */
unsigned metric_labels_success(unsigned row)
{
    if (row >= routes_n)
        return metric_status_index(404); /* the row of requests that no route takes */
    return metric_status_index(routes[row].success_status ? routes[row].success_status : 200);
}

/* After a reload old workers still count under the old configuration. A name keeps its row, and a
 * row that nobody wants is reused last, which is when the old workers are gone. */
void metric_labels_use_providers(const char *const *names, const uint32_t *ops, size_t n,
                                 void (*clear)(unsigned row))
{
    ENSURE(n <= PROVIDERS_MAX);
    providers.rows = provider_rows;
    providers.max = METRIC_PROVIDER_ROWS;
    providers.clear = clear;
    name_rows_next(&providers, names, n);
    for (size_t i = 0; i < n; i++) {
        int row = name_rows_take(&providers, names[i]);
        ENSURE(row >= 0);
        provider_row[i] = (unsigned)row;
        /* Without the set of operations every combination is printed. */
        provider_ops[row] = ops ? ops[i] : UINT32_MAX;
    }
    providers_in_use = n;
}

unsigned metric_labels_provider_row(unsigned provider)
{
    ENSURE(provider < providers_in_use);
    return provider_row[provider];
}

uint32_t metric_labels_provider_ops(unsigned row)
{
    return provider_ops[row];
}

unsigned metric_labels_count(enum metric_dim dim)
{
    return label_sets[dim].n;
}

const char *metric_labels_name(enum metric_dim dim)
{
    return label_sets[dim].label;
}

const char *metric_labels_method(unsigned row)
{
    return row < routes_n ? routes[row].method : "other";
}

const char *metric_labels_text(enum metric_dim dim, unsigned i)
{
    ENSURE(i < label_sets[dim].n && label_sets[dim].names);
    return label_sets[dim].names[i];
}
