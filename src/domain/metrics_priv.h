/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Shared by metrics*.c alone. Each file calls only those before it: metrics_labels.c (what indices
 * mean), metrics.c (the cells), metrics_page.c (the page).
 */
#ifndef BOOKINGD_DOMAIN_METRICS_PRIV_H
#define BOOKINGD_DOMAIN_METRICS_PRIV_H

#include "domain/metrics.h"

#define METRIC_DIMS_MAX 3
#define BUCKETS_MAX 24

/* ---- metrics_labels.c ---- */

/* The routes as a dimension; the table is borrowed for good. metric_labels_forget(): for tests. */
void metric_labels_init(const struct metric_route *table, size_t n);
void metric_labels_forget(void);
/* How many values a dimension has. */
unsigned metric_labels_count(enum metric_dim dim);
/* The label's name, and the text of a value. "": a provider's row that no name has.
 * DIM_ROUTE_METHOD: of its route; metric_labels_method() has the other label. */
const char *metric_labels_name(enum metric_dim dim);
const char *metric_labels_text(enum metric_dim dim, unsigned i);
const char *metric_labels_method(unsigned row);
/* In DIM_STATUS, what a row of the route table answers with when all is well. */
unsigned metric_labels_success(unsigned row);
/* Rows of DIM_PROVIDER: that of an index of the configuration in use, and its operations. */
unsigned metric_labels_provider_row(unsigned provider);
uint32_t metric_labels_provider_ops(unsigned row);
/* clear(row) is called for a row that goes to another name. */
void metric_labels_use_providers(const char *const *names, const uint32_t *ops, size_t n,
                                 void (*clear)(unsigned row));

/* ---- metrics.c ---- */

struct metric_family {
    enum metric_kind kind;
    enum metric_buckets buckets;
    const char *name, *help;
    enum metric_dim dims[METRIC_DIMS_MAX];
};
extern const struct metric_family metric_families[METRIC_COUNT];

struct metric_bounds {
    unsigned n;
    double at[BUCKETS_MAX];
};

/* How many dimensions a family has. */
unsigned metric_dims_n(enum metric_id id);
/* Number of label combinations of a family; row-major. */
unsigned metric_combinations(enum metric_id id);
/* Upper bounds of a histogram's buckets; valid for the life of the process. */
const struct metric_bounds *metric_bounds(enum metric_id id);
/* Sum over all slots of a cell: counters, gauges, buckets (0..n, n is above the last bound). */
uint64_t metric_cell(enum metric_id id, unsigned combination, unsigned part);
/* The sum of the observed seconds. */
double metric_seconds(enum metric_id id, unsigned combination);

#endif
