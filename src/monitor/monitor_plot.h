/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* A plot of facts over an hour or a day, as SVG. */
#ifndef BOOKINGD_MONITOR_MONITOR_PLOT_H
#define BOOKINGD_MONITOR_MONITOR_PLOT_H

#include "base/str.h"
#include "monitor_history.h"

/* What a line shows. */
enum plot_kind {
    PLOT_RATE,    /* growth per second */
    PLOT_MINUTE,  /* growth per minute */
    PLOT_LEVEL,   /* the value itself */
    PLOT_MEDIAN,  /* of the latencies, in milliseconds; the fact does not matter */
    PLOT_SLOWEST, /* what one request in twenty exceeds: the same */
};
struct plot_line {
    enum plot_kind kind;
    enum fact fact;
};

/* Value of a line from two samples `seconds` apart. */
double monitor_plot_value(const struct plot_line *l, const struct facts *before,
                          const struct facts *after, double seconds);
struct plot {
    enum history_span span;
    struct mono at; /* its end */
    const struct plot_line *lines;
    unsigned n;        /* one or two */
    const char *label; /* for readers of the screen; free of markup */
};
/* Appends the plot; returns the highest value shown, or -1 when nothing was sampled. */
double monitor_plot_svg(struct sb *sb, const struct plot *p);

#endif
