/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The facts of facts.def: what the monitor samples. Conditions are judged, and plots drawn, from
 * these alone. */
#ifndef BOOKINGD_DOMAIN_FACTS_H
#define BOOKINGD_DOMAIN_FACTS_H

#include <stdbool.h>
#include <stdint.h>

enum fact {
#define COUNTED(id) FACT_##id,
#define LEVEL(id) FACT_##id,
#include "domain/facts.def"
#undef COUNTED
#undef LEVEL
    FACT_COUNT
};
#define FACT_LATENCIES 14
_Static_assert(FACT_LATENCY_13 - FACT_LATENCY_0 + 1 == FACT_LATENCIES, "a latency has no fact");
/* Of a counted fact differences are of interest, of the others the value. */
bool fact_is_counted(enum fact id);

struct facts {
    int64_t at[FACT_COUNT];
};

/*
 * Windows that conditions look back over. Short enough that a condition ends within two minutes
 * after what caused it did; the longer ones keep a single bad minute of a quiet day from counting.
 */
enum fact_window { WINDOW_SHORT, WINDOW_MIDDLE, WINDOW_LONG, WINDOW_COUNT };
#define FACT_TICK_MS 10000 /* between two samples */
/* The windows in samples: 90 s, 5 minutes, an hour. */
extern const unsigned fact_window_ticks[WINDOW_COUNT];

/* What conditions are judged by: the facts now, and those at the beginning of each window. */
struct facts_seen {
    struct facts now, past[WINDOW_COUNT];
};

/* Value of a level. */
double fact_now(const struct facts_seen *s, enum fact id);
/* By how much a counted fact grew in a window; 0 when it seems to have shrunk. */
double fact_rose(const struct facts_seen *s, enum fact id, enum fact_window w);
/* Growth of `part` as a share of that of `whole`; 0 when that did not grow. */
double fact_share(const struct facts_seen *s, enum fact part, enum fact whole, enum fact_window w);
/* Share of the requests of a window that took longer than bound `bucket` of BUCKETS_HTTP. */
double fact_slower(const struct facts_seen *s, unsigned bucket, enum fact_window w);

#endif
