/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Two rings of samples in shared memory: an hour in steps of ten seconds, a day in steps of five
 * minutes. A sample's place follows from its time, so that an old and a new monitor, side by side
 * in a reload, write the same place with nearly the same values, and no lock is needed. Memory is
 * fixed, and survives the monitor's restart. Called by monitor.c, the plots, and the master for the
 * memory.
 */
#include "monitor_history.h"

#include <stdatomic.h>

#include "base/ensure.h"
#include "domain/roles.h"
#include "monitor/monitor_shared.h"
#include "sys/shm.h"

#define HISTORY_ROOM 361 /* the longer ring: an hour of differences, and where the first begins */

static const struct {
    unsigned n;      /* samples */
    int64_t step_ms; /* between two of them */
} history_spans[HISTORY_SPANS] = {
    [HISTORY_HOUR] = {HISTORY_ROOM, FACT_TICK_MS}, [HISTORY_DAY] = {289, 5 * INT64_C(60000)}};

/* tick 0: empty, or being written. Plain numbers in shared memory are atomics throughout, so that a
 * reader sees old or new ones and nothing between. */
struct history_sample {
    _Atomic int64_t tick;
    _Atomic int64_t at[FACT_COUNT];
};
static struct history {
    struct history_sample samples[HISTORY_SPANS][HISTORY_ROOM];
} * history;

size_t monitor_shared_size(void)
{
    return shm_round(sizeof(*history));
}

void monitor_shared_init(void)
{
    history = shm_alloc(sizeof(*history), ROLE_BIT(ROLE_MONITOR));
}

unsigned monitor_history_length(enum history_span span)
{
    return history_spans[span].n - 1;
}

int64_t monitor_history_step_s(enum history_span span)
{
    return history_spans[span].step_ms / 1000;
}

int64_t monitor_history_tick(enum history_span span, struct mono at)
{
    return at.ns / 1000000 / history_spans[span].step_ms + 1; /* 0 means none */
}

static struct history_sample *monitor_history_place(enum history_span span, int64_t tick)
{
    ENSURE(tick > 0);
    return &history->samples[span][(uint64_t)tick % history_spans[span].n];
}

/* False when the place holds another time's sample: that tick was missed, or is overwritten. */
bool monitor_history_get(enum history_span span, int64_t tick, struct facts *out)
{
    if (!history || tick <= 0)
        return false;
    const struct history_sample *s = monitor_history_place(span, tick);
    if (atomic_load_explicit(&s->tick, memory_order_acquire) != tick)
        return false;
    for (unsigned i = 0; i < FACT_COUNT; i++)
        out->at[i] = atomic_load_explicit(&s->at[i], memory_order_relaxed);
    return true;
}

/* The first writer of a tick wins; a second one changes nothing. The tick is cleared first and set
 * last, so a reader in between sees an empty place. */
static void monitor_history_put(enum history_span span, int64_t tick, const struct facts *f)
{
    struct history_sample *s = monitor_history_place(span, tick);
    if (atomic_load_explicit(&s->tick, memory_order_relaxed) == tick)
        return;
    atomic_store_explicit(&s->tick, 0, memory_order_release);
    for (unsigned i = 0; i < FACT_COUNT; i++)
        atomic_store_explicit(&s->at[i], f->at[i], memory_order_relaxed);
    atomic_store_explicit(&s->tick, tick, memory_order_release);
}

/* A peak between two samples of the day must not be lost: each level is the highest of its five
 * minutes. */
static void monitor_history_raise_levels(int64_t tick, struct facts *f)
{
    const int64_t ticks = history_spans[HISTORY_DAY].step_ms / history_spans[HISTORY_HOUR].step_ms;
    struct facts earlier;
    for (int64_t t = tick - ticks; t < tick; t++) {
        if (!monitor_history_get(HISTORY_HOUR, t, &earlier))
            continue;
        for (unsigned i = 0; i < FACT_COUNT; i++)
            if (!fact_is_counted((enum fact)i) && earlier.at[i] > f->at[i])
                f->at[i] = earlier.at[i];
    }
}

/* The hour takes every sample, the day only the first of its step. */
void monitor_history_add(struct mono at, const struct facts *f)
{
    const int64_t day_tick = monitor_history_tick(HISTORY_DAY, at);
    struct facts highest, known;
    if (!history)
        return;
    monitor_history_put(HISTORY_HOUR, monitor_history_tick(HISTORY_HOUR, at), f);
    if (monitor_history_get(HISTORY_DAY, day_tick, &known))
        return;
    highest = *f;
    monitor_history_raise_levels(monitor_history_tick(HISTORY_HOUR, at), &highest);
    monitor_history_put(HISTORY_DAY, day_tick, &highest);
}

/* For each window the sample at its start. Where that is missing, as after a start, the oldest one
 * within the window stands for it; with none at all, now itself, so that differences are 0. */
void monitor_history_look_back(struct mono at, const struct facts *now, struct facts_seen *out)
{
    const int64_t tick = monitor_history_tick(HISTORY_HOUR, at);
    out->now = *now;
    for (unsigned w = 0; w < WINDOW_COUNT; w++) {
        int64_t t = tick - (int64_t)fact_window_ticks[w];
        while (t < tick && !monitor_history_get(HISTORY_HOUR, t, &out->past[w]))
            t++;
        if (t >= tick && !monitor_history_get(HISTORY_HOUR, tick, &out->past[w]))
            out->past[w] = *now;
    }
}
