/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Judges the conditions of conditions.def, and keeps them in shared memory. The monitor judges and
 * publishes; its pages and the keeper's alerts read. Each row of the table becomes data and one
 * function here, so a new condition is one new row. The Prometheus rules in etc/ hold the same
 * rows.
 */
#include "domain/conditions.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/str.h"
#include "domain/roles.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

#define VALUE_MAX 1e15 /* counts, seconds and shares are far below */

const char *const severity_names[SEVERITY_COUNT + 1] = {
    [SEVERITY_TICKET] = "ticket", [SEVERITY_PAGE] = "page"};

const struct condition_row condition_rows[CONDITION_COUNT] = {
#define CONDITION(id, name, severity, for_s, value, above, en, ar, do_en, do_ar) \
    [CONDITION_##id] = {                                                         \
        (name),                                                                  \
        SEVERITY_##severity,                                                     \
        (for_s),                                                                 \
        (above),                                                                 \
        {[LOCALE_AR] = (ar), [LOCALE_EN] = (en)},                                \
        {[LOCALE_AR] = (do_ar), [LOCALE_EN] = (do_en)},                          \
    },
#include "domain/conditions.def"
#undef CONDITION
};

/* Each row's expression sees the facts as `s`. */
#define CONDITION(id, name, severity, for_s, value, ...)           \
    static double condition_value_##id(const struct facts_seen *s) \
    {                                                              \
        return (value);                                            \
    }
#include "domain/conditions.def"
#undef CONDITION

static double (*const condition_values[CONDITION_COUNT])(const struct facts_seen *s) = {
#define CONDITION(id, ...) [CONDITION_##id] = condition_value_##id,
#include "domain/conditions.def"
#undef CONDITION
};

/* For the tests too, which give each expression facts of their own. */
double condition_value(enum condition id, const struct facts_seen *s)
{
    return condition_values[id](s);
}

/* A condition holds when its value has been above the threshold without a gap for `for_s`. One
 * value below ends it at once. Durations use the monotonic clock; only the shown time of the
 * beginning is wall time. */
void conditions_judge(struct conditions *c, const struct facts_seen *s, struct mono now,
                      struct wall at)
{
    for (unsigned i = 0; i < CONDITION_COUNT; i++) {
        const struct condition_row *row = &condition_rows[i];
        const double value = condition_value((enum condition)i, s);
        const bool seen = value > row->above;
        if (seen && !c->at[i].seen)
            c->at[i].seen_since = now;
        const bool holds =
            seen && mono_ms_between(c->at[i].seen_since, now) >= (int64_t)row->for_s * 1000;
        if (holds && !c->at[i].holds)
            c->at[i].since = at;
        c->at[i].seen = seen;
        c->at[i].holds = holds;
        c->at[i].value = value;
    }
}

/* Whole numbers, but for small shares: "0.7 %" must not read as "1 %". */
static void conditions_put_value(struct sb *sb, double value)
{
    sb_printf(sb, value < 10 && value > (double)(int64_t)value ? "%.1f" : "%.0f", value);
}

/* The table's text with {n} replaced by the value. */
const char *condition_summary(struct arena *a, enum condition id, double value, enum locale l)
{
    static const char mark[] = "{n}";
    const char *text = condition_rows[id].summary[l];
    struct sb sb;
    sb_init(&sb, a, 160);
    for (const char *p; (p = strstr(text, mark)) != NULL; text = p + sizeof(mark) - 1) {
        sb_add(&sb, text, (size_t)(p - text));
        conditions_put_value(&sb, value);
    }
    sb_puts(&sb, text);
    return sb.p;
}

/* ---- shared memory ---- */

/* After a reload the new monitor writes while the old one drains, and that one has stopped judging
 * by then. */
static struct conditions_judged {
    SEQLOCK(struct conditions) newest;
} * conditions_judged;
/* Written by the keeper. */
static struct conditions_told {
    _Alignas(64) unsigned char keeper[CONDITIONS_KEEPER_BYTES];
    atomic_uchar unsent; /* 1 or 0; no bool, which must not hold anything else */
} * conditions_told;

size_t conditions_size(void)
{
    return shm_round(sizeof(*conditions_judged)) + shm_round(sizeof(*conditions_told));
}

void conditions_init(void)
{
    conditions_judged = shm_alloc(sizeof(*conditions_judged), ROLE_BIT(ROLE_MONITOR));
    conditions_told = shm_alloc(sizeof(*conditions_told), ROLE_BIT(ROLE_KEEPER));
}

/* As a whole: a reader never sees a condition's new value beside its old time. */
void conditions_publish(const struct conditions *c)
{
    ENSURE(conditions_judged != NULL);
    SEQLOCK_STORE(&conditions_judged->newest, c);
}

/* What the monitor cannot have written is as if it had not been: the keeper sends it to people. */
static void conditions_check(struct conditions *c)
{
    const struct wall now = wall_now();
    for (unsigned i = 0; i < CONDITION_COUNT; i++) {
        c->at[i].holds = c->at[i].holds == 1;
        c->at[i].seen = c->at[i].seen == 1;
        if (!isfinite(c->at[i].value) || fabs(c->at[i].value) > VALUE_MAX)
            c->at[i].value = 0;
        if (c->at[i].since.us < 0 || c->at[i].since.us > now.us)
            c->at[i].since = now;
    }
}

/* Before the first judgement, and while a writer is in the middle for too long: nothing holds. */
void conditions_read(struct conditions *out)
{
    memset(out, 0, sizeof(*out));
    if (!conditions_judged || !SEQLOCK_LOAD(&conditions_judged->newest, out))
        return;
    conditions_check(out);
}

void conditions_set_unsent(bool unsent)
{
    if (conditions_told)
        atomic_store_explicit(&conditions_told->unsent, unsent ? 1 : 0, memory_order_relaxed);
}

bool conditions_unsent(void)
{
    return conditions_told &&
           atomic_load_explicit(&conditions_told->unsent, memory_order_relaxed) == 1;
}

void *conditions_keeper_area(void)
{
    return conditions_told ? conditions_told->keeper : NULL;
}
