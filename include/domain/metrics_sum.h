/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sums over the registry, for the monitor's facts. As metric_read(), they add up all slots. */
#ifndef BOOKINGD_DOMAIN_METRICS_SUM_H
#define BOOKINGD_DOMAIN_METRICS_SUM_H

#include "domain/metrics.h"

#define METRIC_ANY (-1)
/* A family of counters or gauges, added up over each dimension whose place in `at` is METRIC_ANY.
 * DIM_PROVIDER can only be METRIC_ANY. */
int64_t metric_sum(enum metric_id id, int first, int second, int third);
/* Requests answered with a status from `from` to `to`, both included, on any route. */
int64_t metric_sum_statuses(int from, int to);
/* A histogram's observations in bucket `part`, over all its series. The bucket above the last
 * bound has the bounds' number. */
int64_t metric_sum_bucket(enum metric_id id, unsigned part);

#endif
