/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Questions about sampled facts: how much a counter rose in a window, which share of a whole, how
 * slow requests were. Pure; called by conditions.c and the monitor's pages. A window begins at its
 * oldest sample; after a start, when there is none that old, it is shorter and its counts
 * smaller. */
#include "domain/facts.h"

#include "base/cdefs.h"

/* In ticks of ten seconds: 90 seconds, five minutes, an hour. */
const unsigned fact_window_ticks[WINDOW_COUNT] = {
    [WINDOW_SHORT] = 9, [WINDOW_MIDDLE] = 30, [WINDOW_LONG] = 360};

static const bool fact_counted[FACT_COUNT] = {
#define COUNTED(id) [FACT_##id] = true,
#define LEVEL(id)
#include "domain/facts.def"
#undef COUNTED
#undef LEVEL
};

bool fact_is_counted(enum fact id)
{
    return fact_counted[id];
}

double fact_now(const struct facts_seen *s, enum fact id)
{
    return (double)s->now.at[id];
}

/* A provider's counts are cleared when its row goes to another name, so a sum may fall. */
double fact_rose(const struct facts_seen *s, enum fact id, enum fact_window w)
{
    int64_t n = s->now.at[id] - s->past[w].at[id];
    return n > 0 ? (double)n : 0;
}

/* 0 when nothing happened at all: no requests are not a failure. */
double fact_share(const struct facts_seen *s, enum fact part, enum fact whole, enum fact_window w)
{
    double all = fact_rose(s, whole, w);
    return all > 0 ? fact_rose(s, part, w) / all : 0;
}

/* The share of requests in buckets above `bucket`. */
double fact_slower(const struct facts_seen *s, unsigned bucket, enum fact_window w)
{
    double all = 0, slow = 0;
    for (unsigned i = 0; i < FACT_LATENCIES; i++) {
        double n = fact_rose(s, (enum fact)(FACT_LATENCY_0 + i), w);
        all += n;
        slow += i > bucket ? n : 0;
    }
    return all > 0 ? slow / all : 0;
}
