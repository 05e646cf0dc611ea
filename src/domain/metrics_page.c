/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The metrics page in its two formats: Prometheus text 0.0.4 and OpenMetrics 1.0. Called by the
 * monitor.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "domain/metrics_page.h"
#include "metrics_priv.h"

#define LABELS_SIZE 512      /* a first guess: the buffer grows */
#define SAMPLE_NAME_SIZE 128 /* the longest family name has 53 characters, "_bucket" is added */

static const char suffix_total[] = "_total";
static const char suffix_info[] = "_info";

/* The two differ in names of families, in escapes, and in the line at the end. */
static bool metrics_page_is_openmetrics(const struct metrics_page *page)
{
    return page->format == METRICS_OPENMETRICS;
}

/* The texts are those that Prometheus compares with. */
const char *metrics_content_type(enum metrics_format f)
{
    return f == METRICS_OPENMETRICS ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                    : "text/plain; version=0.0.4; charset=utf-8";
}

/* ---- pieces ---- */

/* Text 0.0.4 escapes quotes in label values only; OpenMetrics in help texts too. */
static void metrics_page_put_escaped(struct sb *sb, const char *z, bool quotes)
{
    for (; *z; z++) {
        if (*z == '\\')
            sb_puts(sb, "\\\\");
        else if (*z == '\n')
            sb_puts(sb, "\\n");
        else if (*z == '"' && quotes)
            sb_puts(sb, "\\\"");
        else
            sb_putc(sb, *z);
    }
}

/* Appends to a list of labels; names are constants, values may be anybody's text. */
void metrics_label(struct sb *sb, const char *name, const char *value)
{
    if (sb->n)
        sb_putc(sb, ',');
    sb_puts(sb, name);
    sb_puts(sb, "=\"");
    metrics_page_put_escaped(sb, value, true);
    sb_putc(sb, '"');
}

/* The shortest text that reads back as the same number. */
void metrics_value(struct sb *sb, double v)
{
    char text[40];
    if (isnan(v)) {
        sb_puts(sb, "NaN");
    } else if (isinf(v)) {
        sb_puts(sb, v > 0 ? "+Inf" : "-Inf");
        /* Whole numbers without an exponent up to where a double holds every integer. */
    } else if (fabs(v) < 1e15 && v >= trunc(v) && v <= trunc(v)) {
        sb_printf(sb, "%.0f", v + 0.0); /* + 0.0: never "-0" */
    } else {
        /* 15 digits are always printable without noise; 17 always read back as the same double. */
        (void)snprintf(text, sizeof(text), "%.15g", v);
        double back = strtod(text, NULL);
        if (back < v || back > v)
            (void)snprintf(text, sizeof(text), "%.17g", v);
        sb_puts(sb, text);
    }
}

/* Length of a name without `suffix`, if it has it. */
static size_t metrics_page_length_without(const char *name, const char *suffix)
{
    size_t n = strlen(name), s = strlen(suffix);
    return n > s && strcmp(name + n - s, suffix) == 0 ? n - s : n;
}

/*
 * OpenMetrics names a counter's family without _total. There is a gauge
 * bookingd_notifications (rows of notifications) beside the counter bookingd_notifications_total
 * (what this node did): two families of one name, which strict parsers refuse. There the counter
 * goes as unknown, whose family keeps the whole name; its samples are the same.
 */
static bool metrics_page_name_is_taken(const char *counter)
{
    return strcmp(counter, "bookingd_notifications_total") == 0;
}

/* HELP and TYPE, once per family and before its samples: strict readers refuse another order. */
void metrics_family(struct metrics_page *page, const char *name, enum metric_kind kind,
                    const char *help)
{
    static const char *const types[] = {[METRIC_COUNTER] = "counter",
                                        [METRIC_GAUGE] = "gauge",
                                        [METRIC_HISTOGRAM] = "histogram",
                                        [METRIC_INFO] = "gauge"};
    const char *type = types[kind];
    size_t n = strlen(name);
    if (metrics_page_is_openmetrics(page) && kind == METRIC_INFO) {
        type = "info";
        n = metrics_page_length_without(name, suffix_info);
    } else if (metrics_page_is_openmetrics(page) && kind == METRIC_COUNTER &&
               metrics_page_name_is_taken(name)) {
        type = "unknown";
    } else if (metrics_page_is_openmetrics(page) && kind == METRIC_COUNTER) {
        /* A family's name there lacks the suffix that its samples keep. */
        n = metrics_page_length_without(name, suffix_total);
    }
    sb_printf(page->sb, "# HELP %.*s ", (int)n, name);
    metrics_page_put_escaped(page->sb, help, metrics_page_is_openmetrics(page));
    sb_printf(page->sb, "\n# TYPE %.*s %s\n", (int)n, name, type);
}

static void metrics_page_put_sample_head(struct metrics_page *page, const char *name,
                                         const char *labels)
{
    sb_puts(page->sb, name);
    if (labels && labels[0]) {
        sb_putc(page->sb, '{');
        sb_puts(page->sb, labels);
        sb_putc(page->sb, '}');
    }
    sb_putc(page->sb, ' ');
}

void metrics_sample(struct metrics_page *page, const char *name, const char *labels, double value)
{
    metrics_page_put_sample_head(page, name, labels);
    metrics_value(page->sb, value);
    sb_putc(page->sb, '\n');
}

const struct metric_computed_family metric_computed[COMPUTED_COUNT] = {
#define METRIC(id, ...)
#define COMPUTED(ID, kind, name, help, labels) [COMPUTED_##ID] = {kind, name, help, labels},
#include "domain/metrics.def"
#undef METRIC
#undef COMPUTED
};

void metrics_computed_header(struct metrics_page *page, enum metric_computed id)
{
    const struct metric_computed_family *f = &metric_computed[id];
    metrics_family(page, f->name, f->kind, f->help);
}

void metrics_computed_sample(struct metrics_page *page, enum metric_computed id, const char *labels,
                             double value)
{
    metrics_sample(page, metric_computed[id].name, labels, value);
}

/* OpenMetrics 1.0 requires the mark, so that a page that was cut off is not taken for whole. */
void metrics_end(struct metrics_page *page)
{
    if (metrics_page_is_openmetrics(page))
        sb_puts(page->sb, "# EOF\n");
}

/* ---- the registry ---- */

static void metrics_page_put_label(struct sb *labels, enum metric_dim dim, unsigned i)
{
    if (dim == DIM_ROUTE_METHOD)
        metrics_label(labels, "method", metric_labels_method(i));
    metrics_label(labels, metric_labels_name(dim), metric_labels_text(dim, i));
}

/* The reverse of metrics_combination(): the last dimension varies fastest. */
static void metrics_page_split(enum metric_id id, unsigned combination, unsigned *at)
{
    for (unsigned d = metric_dims_n(id); d-- > 0;) {
        unsigned size = metric_labels_count(metric_families[id].dims[d]);
        at[d] = combination % size;
        combination /= size;
    }
}

/*
 * Whether a combination becomes a series. All do from the start, with exceptions that keep a
 * node below 2000 series: a route's statuses but its success appear when first counted (some 50
 * rows times 36 statuses would be 1800 series, nearly all of them impossible), and operations that
 * a provider's type does not have, and scopes of codes that were not throttled, never do.
 */
static bool metrics_page_is_series(enum metric_id id, const unsigned *at, uint64_t value)
{
    const enum metric_dim *dims = metric_families[id].dims;
    if (dims[0] == DIM_ROUTE_METHOD)
        return value != 0 || at[1] == metric_labels_success(at[0]);
    if (dims[1] == DIM_OTP_SCOPE)
        return value != 0 || (at[0] == OTP_OUTCOME_THROTTLED) == (at[1] != OTP_SCOPE_NONE);
    if (dims[0] == DIM_PROVIDER && dims[1] == DIM_PROVIDER_OP)
        return value != 0 || (metric_labels_provider_ops(at[0]) >> at[1] & 1u) != 0;
    if (dims[0] == DIM_PROVIDER && dims[1] == DIM_WEBHOOK_OUTCOME)
        return value != 0 || (metric_labels_provider_ops(at[0]) & METRIC_OPS_PAYMENT) != 0;
    return true;
}

/* le in its canonical form: "0.1", "1.0" (OpenMetrics 1.0; text takes it too). */
static void metrics_page_format_bound(double bound, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%.15g", bound);
    if (!strpbrk(buf, ".e"))
        (void)snprintf(buf + strlen(buf), size - strlen(buf), ".0");
}

/* Buckets are cumulative on the page and plain in memory, so that counting touches one cell. */
static void metrics_page_put_histogram(struct metrics_page *page, enum metric_id id,
                                       unsigned combination, const char *labels)
{
    const struct metric_bounds *b = metric_bounds(id);
    const char *name = metric_families[id].name;
    const char *comma = labels[0] ? "," : "";
    char le[40], part[SAMPLE_NAME_SIZE];
    uint64_t n = 0;
    for (unsigned i = 0; i <= b->n; i++) {
        if (i < b->n)
            metrics_page_format_bound(b->at[i], le, sizeof(le));
        else
            (void)snprintf(le, sizeof(le), "+Inf");
        n += metric_cell(id, combination, i);
        sb_printf(page->sb, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", name, labels, comma, le, n);
    }
    (void)snprintf(part, sizeof(part), "%s_sum", name);
    metrics_sample(page, part, labels, metric_seconds(id, combination));
    (void)snprintf(part, sizeof(part), "%s_count", name);
    metrics_page_put_sample_head(page, part, labels);
    sb_printf(page->sb, "%" PRIu64 "\n", n); /* what +Inf said, though others count on meanwhile */
}

/* One series: a sample, or a histogram's. A family without any (no provider has webhooks) has no
 * header either. */
static void metrics_page_put_series(struct metrics_page *page, enum metric_id id,
                                    unsigned combination, bool *headed)
{
    const struct metric_family *f = &metric_families[id];
    unsigned at[METRIC_DIMS_MAX] = {0};
    struct sb labels;
    uint64_t value = 0;
    metrics_page_split(id, combination, at);
    if (f->dims[0] == DIM_PROVIDER && metric_labels_text(DIM_PROVIDER, at[0])[0] == '\0')
        return; /* a row that no provider has */
    for (unsigned part = 0; part <= metric_bounds(id)->n; part++)
        value += metric_cell(id, combination, part);
    if (!metrics_page_is_series(id, at, value))
        return;
    if (!*headed)
        metrics_family(page, f->name, f->kind, f->help);
    *headed = true;
    sb_init(&labels, page->sb->arena, LABELS_SIZE);
    for (unsigned d = 0; d < metric_dims_n(id); d++)
        metrics_page_put_label(&labels, f->dims[d], at[d]);
    const char *text = labels.n ? labels.p : "";
    if (f->kind == METRIC_HISTOGRAM) {
        metrics_page_put_histogram(page, id, combination, text);
        return;
    }
    metrics_page_put_sample_head(page, f->name, text);
    if (f->kind == METRIC_GAUGE)
        sb_printf(page->sb, "%" PRId64 "\n", (int64_t)value);
    else
        sb_printf(page->sb, "%" PRIu64 "\n", value);
}

/* In the order of metrics.def, so that two pages can be compared line by line. */
void metrics_print(struct metrics_page *page)
{
    for (unsigned i = 0; i < METRIC_COUNT; i++) {
        enum metric_id id = (enum metric_id)i;
        bool headed = false;
        for (unsigned c = 0; c < metric_combinations(id); c++)
            metrics_page_put_series(page, id, c, &headed);
    }
}
