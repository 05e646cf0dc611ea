/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The page that Prometheus reads, in text 0.0.4 or OpenMetrics 1.0.0: first the registry's
 * families, then those that the caller computes (rows of tables, process_*), each as one block.
 * Memory comes from the arena of the page's sb.
 */
#ifndef BOOKINGD_DOMAIN_METRICS_PAGE_H
#define BOOKINGD_DOMAIN_METRICS_PAGE_H

#include "base/str.h"
#include "domain/metrics.h"

enum metrics_format { METRICS_TEXT, METRICS_OPENMETRICS };
/* The value of Content-Type; a constant. */
const char *metrics_content_type(enum metrics_format f);

struct metrics_page {
    struct sb *sb;
    enum metrics_format format;
};
/* All families of the registry. */
void metrics_print(struct metrics_page *page);
/* The families that the caller computes. */
enum metric_computed {
#define METRIC(id, ...)
#define COMPUTED(ID, ...) COMPUTED_##ID,
#include "domain/metrics.def"
#undef METRIC
#undef COMPUTED
    COMPUTED_COUNT
};
struct metric_computed_family {
    enum metric_kind kind;
    const char *name, *help, *labels; /* labels: names, for doc/METRICS.md */
};
extern const struct metric_computed_family metric_computed[COMPUTED_COUNT];
/* A computed family: its header, then its samples. `labels` is NULL or ready text:
 * template="x",error_code="y" (escape values with metrics_label). */
void metrics_computed_header(struct metrics_page *page, enum metric_computed id);
void metrics_computed_sample(struct metrics_page *page, enum metric_computed id, const char *labels,
                             double value);
/* The same for a family by name. */
void metrics_family(struct metrics_page *page, const char *name, enum metric_kind kind,
                    const char *help);
void metrics_sample(struct metrics_page *page, const char *name, const char *labels, double value);
/* Appends name="value" escaped, with a comma before it when sb is not empty. */
void metrics_label(struct sb *sb, const char *name, const char *value);
/* Value as the formats want it: whole numbers plain, "+Inf", else the shortest text that reads back
 * the same. */
void metrics_value(struct sb *sb, double v);
/* "# EOF" for OpenMetrics. */
void metrics_end(struct metrics_page *page);

#endif
