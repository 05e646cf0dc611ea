/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sums over label values: METRIC_ANY for a label adds up all of its values. The monitor calls them
 * every two seconds, so only cells that are asked for are read: the families per route have
 * thousands. Cells are read one by one while others count, so a sum is no exact moment. */
#include "domain/metrics_sum.h"

#include "base/ensure.h"
#include "metrics_priv.h"

/* First and one past the last value of dimension d that is meant. */
static void metrics_sum_range(enum metric_dim dim, int wanted, unsigned *from, unsigned *to)
{
    const unsigned n = metric_labels_count(dim);
    ENSURE(wanted == METRIC_ANY || ((unsigned)wanted < n && dim != DIM_PROVIDER));
    *from = wanted == METRIC_ANY ? 0 : (unsigned)wanted;
    *to = wanted == METRIC_ANY ? n : (unsigned)wanted + 1;
}

/* Dimensions that a family does not have count as one value, so three loops serve all families. */
int64_t metric_sum(enum metric_id id, int first, int second, int third)
{
    const enum metric_dim *dims = metric_families[id].dims;
    const unsigned second_n = metric_labels_count(dims[1]), third_n = metric_labels_count(dims[2]);
    unsigned from[METRIC_DIMS_MAX], to[METRIC_DIMS_MAX];
    uint64_t sum = 0;
    ENSURE(metric_families[id].kind != METRIC_HISTOGRAM);
    metrics_sum_range(dims[0], first, &from[0], &to[0]);
    metrics_sum_range(dims[1], second, &from[1], &to[1]);
    metrics_sum_range(dims[2], third, &from[2], &to[2]);
    for (unsigned i = from[0]; i < to[0]; i++)
        for (unsigned j = from[1]; j < to[1]; j++)
            for (unsigned k = from[2]; k < to[2]; k++)
                sum += metric_cell(id, (i * second_n + j) * third_n + k, 0);
    return (int64_t)sum;
}

/* Statuses of the table alone; those that share the cell "other" cannot be told apart. */
int64_t metric_sum_statuses(int from, int to)
{
    int64_t sum = 0;
    const int other = (int)metric_status_index(0);
    for (int status = from; status <= to; status++) {
        const int at = (int)metric_status_index(status);
        if (at != other)
            sum += metric_sum(M_HTTP_REQUESTS, METRIC_ANY, at, METRIC_ANY);
    }
    return sum;
}

/* One bucket of a histogram over all label values, not the cumulated count that a page shows. */
int64_t metric_sum_bucket(enum metric_id id, unsigned part)
{
    uint64_t sum = 0;
    ENSURE(metric_families[id].kind == METRIC_HISTOGRAM && part <= metric_bounds(id)->n);
    for (unsigned c = 0; c < metric_combinations(id); c++)
        sum += metric_cell(id, c, part);
    return (int64_t)sum;
}
