/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Draws the rings of samples as lines of SVG. Called by monitor_html.c. Coordinates are small whole
 * numbers, and of a level stretch only the ends are written: the page has 22 plots in 50 KiB. The
 * browser stretches the picture to the space that it has; the lines keep their width (html_style).
 */
#include "monitor_plot.h"

#include <math.h>

/* Samples per point: 90 points for the hour, 72 for the day. A point is the highest of its
 * samples, so that no peak is lost. */
#define PLOT_MERGE 4
#define PLOT_POINTS 90
#define PLOT_HEIGHT 30

/* Upper bounds of BUCKETS_HTTP in milliseconds; what is above the last counts as twice that. */
static const double plot_bounds_ms[FACT_LATENCIES] = {1,   2.5, 5,    10,   25,   50,    100,
                                                      250, 500, 1000, 2500, 5000, 10000, 20000};

/* Linear inside its bucket, as histogram_quantile() of Prometheus does. */
static double monitor_plot_quantile(const struct facts *before, const struct facts *after, double q)
{
    double all = 0, seen = 0;
    for (unsigned i = 0; i < FACT_LATENCIES; i++)
        all += (double)(after->at[FACT_LATENCY_0 + i] - before->at[FACT_LATENCY_0 + i]);
    if (all <= 0)
        return 0;
    for (unsigned i = 0; i < FACT_LATENCIES; i++) {
        const double n = (double)(after->at[FACT_LATENCY_0 + i] - before->at[FACT_LATENCY_0 + i]);
        const double from = i > 0 ? plot_bounds_ms[i - 1] : 0;
        if (n > 0 && seen + n >= q * all)
            return from + (plot_bounds_ms[i] - from) * (q * all - seen) / n;
        seen += n;
    }
    return plot_bounds_ms[FACT_LATENCIES - 1];
}

/* What a line shows between two samples. A count that fell (a restart, or a provider's row that
 * went to another name) reads as 0 and not as a negative rate. */
double monitor_plot_value(const struct plot_line *l, const struct facts *before,
                          const struct facts *after, double seconds)
{
    const double grown = (double)(after->at[l->fact] - before->at[l->fact]);
    switch (l->kind) {
    case PLOT_MEDIAN:
        return monitor_plot_quantile(before, after, 0.5);
    case PLOT_SLOWEST:
        return monitor_plot_quantile(before, after, 0.95);
    case PLOT_LEVEL:
        return (double)after->at[l->fact];
    case PLOT_MINUTE:
        return grown > 0 ? grown * 60 / seconds : 0;
    case PLOT_RATE:
        break;
    }
    return grown > 0 ? grown / seconds : 0;
}

/* The points of a line, oldest first; -1 where nothing was sampled. Returns how many. */
static unsigned monitor_plot_points(enum history_span span, struct mono at,
                                    const struct plot_line *l, double *points)
{
    const int64_t length = monitor_history_length(span);
    const int64_t last = monitor_history_tick(span, at);
    const double step_s = (double)monitor_history_step_s(span);
    struct facts before, after;
    unsigned n = (unsigned)(length / PLOT_MERGE);
    bool has_before = monitor_history_get(span, last - length, &before);
    for (int64_t i = 0; i < length; i++) {
        const bool has_after = monitor_history_get(span, last - length + i + 1, &after);
        double *point = &points[i / PLOT_MERGE];
        if (i % PLOT_MERGE == 0)
            *point = -1;
        if (has_before && has_after) {
            const double value = monitor_plot_value(l, &before, &after, step_s);
            *point = value > *point ? value : *point;
        }
        before = after;
        has_before = has_after;
    }
    return n;
}

/* SVG counts downwards: 0 is at the lower edge, the highest value just below the upper one. */
static int monitor_plot_y(double value, double top)
{
    return PLOT_HEIGHT - (int)lround(value / top * (PLOT_HEIGHT - 1));
}

/* A gap where nothing was sampled: the pen is lifted ('M') and not drawn across ('L'). */
static void monitor_plot_path(struct sb *sb, const double *points, unsigned n, double top,
                              unsigned number)
{
    bool open = false;
    sb_printf(sb, "<path class=l%u d=\"", number);
    for (unsigned i = 0; i < n; i++) {
        if (points[i] < 0) {
            open = false;
            continue;
        }
        const int y = monitor_plot_y(points[i], top);
        /* In the middle of a level stretch. */
        if (open && i + 1 < n && points[i + 1] >= 0 && points[i - 1] >= 0 &&
            monitor_plot_y(points[i - 1], top) == y && monitor_plot_y(points[i + 1], top) == y)
            continue;
        /* A point alone is a dot. */
        sb_printf(sb, open ? "L%u %d" : "M%u %dh0", i, y);
        open = true;
    }
    sb_puts(sb, "\"/>");
}

/* Both lines of a plot share one scale. The first is drawn last, on top of the second. */
double monitor_plot_svg(struct sb *sb, const struct plot *p)
{
    double points[2][PLOT_POINTS], top = -1;
    unsigned length = 0;
    for (unsigned i = 0; i < p->n; i++) {
        length = monitor_plot_points(p->span, p->at, &p->lines[i], points[i]);
        for (unsigned k = 0; k < length; k++)
            top = points[i][k] > top ? points[i][k] : top;
    }
    sb_printf(sb, "<svg viewBox=\"0 0 %u %d\" preserveAspectRatio=none role=img aria-label=\"%s\">",
              length - 1, PLOT_HEIGHT + 1, p->label);
    for (unsigned i = p->n; i-- > 0;)
        monitor_plot_path(sb, points[i], length, top > 0 ? top : 1, i);
    sb_puts(sb, "</svg>");
    return top;
}
