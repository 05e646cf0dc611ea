/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Build-time tool: prints doc/METRICS.md from metrics.def and labels.def. `make doc` writes the
 * file; tests/lint/metrics.sh compares it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "domain/metrics_page.h"
#include "metrics_priv.h"

/* The words of Prometheus, but for the last: it has no kind for a gauge whose labels are the
 * news. */
static const char *const kind_names[] = {[METRIC_COUNTER] = "counter",
                                         [METRIC_GAUGE] = "gauge",
                                         [METRIC_HISTOGRAM] = "histogram",
                                         [METRIC_INFO] = "gauge of 1"};

/* One item of a list that is wrapped at 100 columns. *column: where the line is. */
static void mkmetrics_print_item(const char *text, bool first, size_t *column)
{
    const size_t width = strlen(text) + strlen(", ``");
    if (!first)
        *column += (size_t)printf(",");
    if (*column + width > 99)
        *column = (size_t)printf("\n ") - 1;
    *column += (size_t)printf(" `%s`", text);
}

/* The labels of a family, and the values of those that the tables fix. */
static void mkmetrics_print_labels(const struct metric_family *f)
{
    for (unsigned d = 0; d < METRIC_DIMS_MAX && f->dims[d] != DIM_NONE; d++) {
        const enum metric_dim dim = f->dims[d];
        if (dim == DIM_ROUTE_METHOD)
            (void)printf("* label `method`\n");
        size_t column = (size_t)printf("* label `%s`", metric_labels_name(dim));
        /* The others are known when the configuration and the routes are read. */
        if (dim > DIM_STATUS) {
            column += (size_t)printf(":");
            for (unsigned i = 0; i < metric_labels_count(dim); i++)
                mkmetrics_print_item(metric_labels_text(dim, i), i == 0, &column);
        }
        (void)printf("\n");
    }
}

/* In the order of metrics.def, which groups them by what they are about. */
static void mkmetrics_print_registry(void)
{
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        const struct metric_family *f = &metric_families[id];
        (void)printf("### %s\n\n%s\n\n* %s\n", f->name, f->help, kind_names[f->kind]);
        mkmetrics_print_labels(f);
        (void)printf("\n");
    }
}

/* Their labels are words of the table, since their values come from elsewhere. */
static void mkmetrics_print_computed(void)
{
    for (unsigned i = 0; i < COMPUTED_COUNT; i++) {
        const struct metric_computed_family *f = &metric_computed[i];
        (void)printf("### %s\n\n%s\n\n* %s\n", f->name, f->help, kind_names[f->kind]);
        if (f->labels[0])
            (void)printf("* labels: %s\n", f->labels);
        (void)printf("\n");
    }
}

int main(void)
{
    (void)printf(
        "# Metrics\n\n"
        "Generated from `include/domain/metrics.def` and `labels.def` by `make doc`; "
        "do not edit.\n\n"
        "Labels without a list of values: `provider` is the name of a configured provider,\n"
        "`method` and `route` are those of `openapi.yaml` (`other` and `none` for "
        "requests\nthat no route takes), `status` is the HTTP status.\n\n"
        "## Counted by every process\n\n");
    mkmetrics_print_registry();
    /* A part of its own: these have no cell in shared memory, so no process counts them. */
    (void)printf("## Computed when the page is read\n\n");
    mkmetrics_print_computed();
    return fflush(stdout) == 0 ? 0 : 1;
}
