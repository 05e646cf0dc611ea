/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by metrics*.c alone: where a family's cells are. */
#ifndef BOOKINGD_SYS_METRICS_PRIV_H
#define BOOKINGD_SYS_METRICS_PRIV_H

#include "sys/metrics.h"

#define METRIC_DIMS_MAX 3
#define BUCKETS_MAX 24

struct metric_family {
    const char *name, *help;
    enum metric_kind kind;
    enum metric_buckets buckets;
    enum metric_dim dims[METRIC_DIMS_MAX];
};
extern const struct metric_family metric_families[METRIC_COUNT];

struct metric_bounds {
    unsigned n;
    double at[BUCKETS_MAX];
};

/* How many dimensions a family has. */
unsigned metric_dims_n(enum metric_id id);
/* Size of a dimension under the setup in force: counted anew, and as kept by metrics_init. */
unsigned metric_dim_count(enum metric_dim dim);
unsigned metric_dim_size(enum metric_dim dim);
/* Number of label combinations of a family. */
unsigned metric_combinations(enum metric_id id);
const struct metric_bounds *metric_bounds(enum metric_id id);
/* Sum over all slots of a cell: counters, gauges, buckets (0..n, n is above the last bound). */
uint64_t metric_cell(enum metric_id id, unsigned combination, unsigned part);
/* The sum of the observed seconds. */
double metric_seconds(enum metric_id id, unsigned combination);
/* Combination number of label indices, row-major. */
unsigned metric_combination(enum metric_id id, const unsigned *at, size_t at_n);
const struct metrics_setup *metrics_current(void);
/* Status of an index; 0 for "other". */
int metric_status_of(unsigned index);
/* The template of an index of DIM_ROUTE. */
const char *metric_route_name(unsigned index);
/* metrics_rows.c: rows of DIM_PROVIDER, by name. */
unsigned metric_provider_row(unsigned provider); /* of the configuration in use */
const char *metric_provider_name(unsigned row);  /* "": nobody's */
uint32_t metric_provider_ops(unsigned row);
void metric_providers_forget(void);
/* All cells of a row of DIM_PROVIDER become zero, in every slot. */
void metric_provider_clear(unsigned row);
/* Values of a dimension with a fixed set; NULL for the others. */
const char *const *metric_dim_values(enum metric_dim dim);

#endif
