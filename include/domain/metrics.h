/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Counters, gauges and histograms in shared memory. metrics.def has one row per family, labels.def
 * the values of labels. Each process writes only the cells of its own scoreboard slot (relaxed
 * atomics, no lock). They outlive the process, so counters never step back; the monitor adds the
 * slots up when it prints. Every label has a closed set of values, fixed before the first fork
 * (BEHAVIOUR §9).
 *
 *     METRIC_INC(M_OTP, OTP_OUTCOME_SENT);
 *     METRIC_INC(M_PROVIDER_REQUESTS, provider_index, op, outcome);
 *     METRIC_OBSERVE(M_HTTP_DURATION, seconds, route);
 */
#ifndef BOOKINGD_DOMAIN_METRICS_H
#define BOOKINGD_DOMAIN_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/labels.h"

/* METRIC_INFO is for computed families: a gauge of 1 in text, an info in OpenMetrics. */
enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

/* Upper bounds of a histogram; metrics.c has the figures. */
enum metric_buckets {
    BUCKETS_NONE,
    BUCKETS_HTTP,
    BUCKETS_PROVIDER,
    BUCKETS_DB,
    BUCKETS_DELAY,
    BUCKETS_COUNT
};

enum metric_id {
#define METRIC(id, ...) id,
#define COMPUTED(ID, ...)
#include "domain/metrics.def"
#undef METRIC
#undef COMPUTED
    METRIC_COUNT
};

/* A dimension of a family: the label and its closed set of values. */
enum metric_dim {
    DIM_NONE,
    /* known when the configuration and the routes are read */
    DIM_PROVIDER,     /* provider=, by index in the configuration in use (metrics_use_providers) */
    DIM_ROUTE_METHOD, /* method=,route=: the route table's rows, then method="other",route="none" */
    DIM_ROUTE,        /* route=: metric_route_index() */
    DIM_STATUS,       /* status=: metric_status_index() */
/* known when the program is built */
#define SET(set, PREFIX, label) DIM_##PREFIX,
#define SET_OF(PREFIX, names, label) DIM_##PREFIX,
#define ROW(ID, text)
#define END(set, PREFIX)
#include "domain/labels.def"
#undef SET
#undef SET_OF
#undef ROW
#undef END
    DIM_COUNT
};

/* Rows of DIM_PROVIDER: both generations of a reload have room. */
#define METRIC_PROVIDER_ROWS 32
/* Rows of the route table that the registry has room for; there are about 60. */
#define METRIC_ROUTES_MAX 128

/* What the registry must know before the first fork. Strings are borrowed for ever, but for the
 * providers' names. */
struct metric_route {
    const char *method, *route;
    int success_status; /* 0: 200 */
};
struct metrics_setup {
    unsigned slots; /* scoreboard_slots() */
    const char *const *providers;
    size_t providers_n;
    /* Per provider: which operations it has, METRIC_OPS_*; NULL: all. Only those become series. */
    const uint32_t *provider_ops;
    /* Per provider: its time limit, which becomes a bucket's bound, so that calls that were cut off
     * can be told; NULL: none. */
    const int64_t *provider_timeouts_ms;
    const struct metric_route *routes; /* rows of the route table */
    size_t routes_n;
};
/* Bytes of shared memory that metrics_init will take. */
size_t metrics_size(const struct metrics_setup *setup);
void metrics_init(const struct metrics_setup *setup);
/*
 * The master, before it forks a child that runs with another configuration: from now on index i of
 * DIM_PROVIDER means names[i]. A name keeps its row, and with it its counters, over reloads
 * (sys/name_rows). ops as in metrics_setup. The buckets' bounds stay those of the start.
 */
void metrics_use_providers(const char *const *names, const uint32_t *ops, size_t n);
/* Tests: as if never initialised. */
void metrics_forget(void);
/* Which slot this process writes. Gauges of the slot are reset, counters stay. */
void metrics_attach(unsigned slot);

/* The master, after a child's end: gauges of its slot go to zero, since nobody is there; counters
 * stay. */
void metrics_release(unsigned slot);
/* The master, at start and after each reload. */
void metrics_config_read(bool good);

/* Index of an HTTP status in DIM_STATUS; unknown ones share the last, "other". */
unsigned metric_status_index(int status);
/* Index in DIM_ROUTE of row i of the route table: rows of one template share it. Rows that the
 * table does not have share the last, "none". */
unsigned metric_route_index(size_t row);

#define METRIC_AT(...) \
    (const unsigned[]){__VA_ARGS__}, sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned)
/* Families without labels: METRIC_INC0, METRIC_SET0, METRIC_OBSERVE0. */
#define METRIC_INC(id, ...) metric_add((id), 1, METRIC_AT(__VA_ARGS__))
#define METRIC_INC0(id) metric_add((id), 1, NULL, 0)
#define METRIC_SET(id, value, ...) metric_set((id), (value), METRIC_AT(__VA_ARGS__))
#define METRIC_SET0(id, value) metric_set((id), (value), NULL, 0)
#define METRIC_OBSERVE(id, seconds, ...) metric_observe((id), (seconds), METRIC_AT(__VA_ARGS__))
#define METRIC_OBSERVE0(id, seconds) metric_observe((id), (seconds), NULL, 0)

/* All three do nothing before metrics_attach() (tests, cli). A wrong number of labels is a bug. */
void metric_add(enum metric_id id, uint64_t n, const unsigned *at, size_t at_n);
void metric_set(enum metric_id id, int64_t value, const unsigned *at, size_t at_n);
void metric_observe(enum metric_id id, double seconds, const unsigned *at, size_t at_n);

/* Sum over all slots; histograms: the count. For tests, status page, log. */
int64_t metric_read(enum metric_id id, const unsigned *at, size_t at_n);

#endif
