/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The facts of the last hour (every 10 s) and of the last day (every 5 minutes), in shared memory,
 * so that plots and conditions go on over a reload or the death of a monitor. The monitor alone
 * reads and writes.
 */
#ifndef BOOKINGD_MONITOR_MONITOR_HISTORY_H
#define BOOKINGD_MONITOR_MONITOR_HISTORY_H

#include "base/cdefs.h"
#include "base/clock.h"
#include "domain/facts.h"

enum history_span { HISTORY_HOUR, HISTORY_DAY, HISTORY_SPANS };
/* Differences that a span shows: 360 and 288. There is one sample more. */
unsigned monitor_history_length(enum history_span span);
/* Seconds between two samples of a span: 10 and 300. */
int64_t monitor_history_step_s(enum history_span span);

/* Number of the sample that belongs to a moment, in a span. */
int64_t monitor_history_tick(enum history_span span, struct mono at);
/* Keeps the facts of a moment. More than one call in 10 s: the first is kept. */
void monitor_history_add(struct mono at, const struct facts *f);
/* A kept sample; false when there is none of this number (any more). */
bool monitor_history_get(enum history_span span, int64_t tick, struct facts *out) MUST_CHECK;
/* The facts now and at the beginning of each window. Where the history does not reach back so far
 * its oldest sample stands. */
void monitor_history_look_back(struct mono at, const struct facts *now, struct facts_seen *out);

#endif
