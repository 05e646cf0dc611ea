/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The free starts of a resource, as pure functions. Called by svc/slot_search.c for lists and by
 * svc/booking_place.c for one start, so that what is listed and what can be booked never differ.
 *
 * A walk costs the openings, closures and bookings of the period plus the starts on the grid: each
 * index into a sorted list only moves forward. Openings that touch are joined first, so a service
 * may run on from one into the next; each row keeps its own grid, so no start that a row offers
 * alone is lost by the joining.
 */
#include "domain/slots.h"

#include <stdlib.h>

const char *const slot_force_names[SLOT_FORCE_COUNT + 1] = {"hours", "notice", "horizon", "grid",
                                                            "closure"};

/* No subtraction: the difference of two times may not fit into an int. */
static int slots_compare_times(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int slots_compare_openings(const void *a, const void *b)
{
    const struct slot_opening *x = a, *y = b;
    int order = slots_compare_times(x->from_us, y->from_us);
    return order ? order : slots_compare_times(x->to_us, y->to_us);
}

static int slots_compare_ranges(const void *a, const void *b)
{
    const struct slot_range *x = a, *y = b;
    return slots_compare_times(x->from_us, y->from_us);
}

/* An end comes before a start at the same moment: who leaves makes room for who comes. */
static int slots_compare_levels(const void *a, const void *b)
{
    const struct slot_level *x = a, *y = b;
    int order = slots_compare_times(x->at_us, y->at_us);
    return order ? order : x->people - y->people;
}

/* Joins openings that touch or overlap: each row learns where the whole of them ends. */
static void slots_join_openings(struct slot_resource *r)
{
    size_t first = 0;
    while (first < r->openings_n) {
        int64_t until = r->openings[first].to_us;
        size_t end = first + 1;
        while (end < r->openings_n && r->openings[end].from_us <= until) {
            if (r->openings[end].to_us > until)
                until = r->openings[end].to_us;
            end++;
        }
        for (; first < end; first++)
            r->openings[first].until_us = until;
    }
}

/* Closures that overlap become one, so that the walk needs to look at one at a time. */
static void slots_join_closures(struct slot_resource *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->closures_n; i++) {
        const struct slot_range c = r->closures[i];
        /* An empty range closes nothing, and would break the order of those that follow. */
        if (c.from_us >= c.to_us)
            continue;
        if (kept > 0 && c.from_us <= r->closures[kept - 1].to_us) {
            if (c.to_us > r->closures[kept - 1].to_us)
                r->closures[kept - 1].to_us = c.to_us;
        } else {
            r->closures[kept++] = c;
        }
    }
    r->closures_n = kept;
}

/* Turns bookings into steps: comings and goings in order of time, then summed up. */
static void slots_sum_people(struct slot_resource *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->busy_n; i++) {
        const struct slot_busy *b = &r->busy[i];
        /* It takes room for no time at all. */
        if (b->from_us >= b->to_us)
            continue;
        r->levels[n++] = (struct slot_level){b->from_us, b->people};
        r->levels[n++] = (struct slot_level){b->to_us, -b->people};
    }
    if (n > 0)
        qsort(r->levels, n, sizeof(*r->levels), slots_compare_levels);
    /* From steps to sums: the level at a moment is then found by looking, without adding. */
    int32_t people = 0;
    for (size_t i = 0; i < n; i++) {
        people += r->levels[i].people;
        r->levels[i].people = people;
    }
    r->levels_n = n;
}

/* Must be called once after the lists are filled; all other functions rely on the order. */
void slot_resource_prepare(struct slot_resource *r)
{
    if (r->openings_n > 0)
        qsort(r->openings, r->openings_n, sizeof(*r->openings), slots_compare_openings);
    if (r->closures_n > 0)
        qsort(r->closures, r->closures_n, sizeof(*r->closures), slots_compare_ranges);
    slots_join_openings(r);
    slots_join_closures(r);
    slots_sum_people(r);
}

/* The first level in force after `at`, from `first` on; levels before it have ended by then. */
static size_t slots_skip_levels(const struct slot_resource *r, size_t first, int64_t at_us)
{
    while (first + 1 < r->levels_n && r->levels[first + 1].at_us <= at_us)
        first++;
    return first;
}

/* Levels from `first` on that meet [from, to). Levels of the same moment follow one another with
 * the sum of all of them last; those before the last one hold for no time at all. */
static int32_t slots_peak_from(const struct slot_resource *r, size_t first, int64_t from_us,
                               int64_t to_us)
{
    int32_t peak = 0;
    for (size_t i = first; i < r->levels_n && r->levels[i].at_us < to_us; i++) {
        const bool holds = i + 1 == r->levels_n || r->levels[i + 1].at_us > r->levels[i].at_us;
        const bool over = i + 1 < r->levels_n && r->levels[i + 1].at_us <= from_us;
        if (holds && !over && r->levels[i].people > peak)
            peak = r->levels[i].people;
    }
    return peak;
}

/* Highest number of people at any moment of [from, to). */
int32_t slot_peak(const struct slot_resource *r, int64_t from_us, int64_t to_us)
{
    return slots_peak_from(r, 0, from_us, to_us);
}

/* Whether the start lies on the grid of a row, and which opening holds the whole of its time. */
static void slots_find_opening(const struct slot_resource *r, const struct slot_rule *rule,
                               int64_t starts_us, bool *open, bool *on_grid)
{
    *open = *on_grid = false;
    for (size_t i = 0; i < r->openings_n && r->openings[i].from_us <= starts_us; i++) {
        const struct slot_opening *o = &r->openings[i];
        if (starts_us >= o->until_us || o->until_us - starts_us < rule->duration_us)
            continue;
        *open = true;
        if (starts_us < o->to_us && (starts_us - o->from_us) % rule->step_us == 0)
            *on_grid = true;
    }
}

/* The booking itself must not meet a closure; its buffers may. */
static bool slots_meets_closure(const struct slot_resource *r, int64_t from_us, int64_t to_us)
{
    for (size_t i = 0; i < r->closures_n && r->closures[i].from_us < to_us; i++)
        if (r->closures[i].to_us > from_us)
            return true;
    return false;
}

/* The order of the tests is the order of the answers that a client can act on: time first, then
 * hours, then room. */
enum slot_verdict slot_judge(const struct slot_resource *r, const struct slot_rule *rule,
                             unsigned force, int64_t starts_us, struct slot *out)
{
    bool open, on_grid;
    const int64_t ends_us = starts_us + rule->duration_us;
    *out = (struct slot){.starts_us = starts_us};
    if (starts_us < rule->earliest_us && !(force & SLOT_FORCE_NOTICE))
        return SLOT_TOO_SOON;
    if (starts_us > rule->latest_us && !(force & SLOT_FORCE_HORIZON))
        return SLOT_TOO_FAR;
    slots_find_opening(r, rule, starts_us, &open, &on_grid);
    if (!open && !(force & SLOT_FORCE_HOURS))
        return SLOT_CLOSED;
    if (slots_meets_closure(r, starts_us, ends_us) && !(force & SLOT_FORCE_CLOSURE))
        return SLOT_IN_CLOSURE;
    /* Outside the openings there is no grid that the start could miss. */
    if (open && !on_grid && !(force & SLOT_FORCE_GRID))
        return SLOT_OFF_GRID;
    if (rule->party > r->capacity)
        return SLOT_TOO_LARGE;
    out->available =
        r->capacity - slot_peak(r, starts_us - rule->before_us, ends_us + rule->after_us);
    return out->available >= rule->party ? SLOT_FREE : SLOT_TAKEN;
}

/* One microsecond behind the latest start, as the end of a period is exclusive and the horizon is
 * not. */
void slot_walk_begin(struct slot_walk *w, const struct slot_resource *r,
                     const struct slot_rule *rule, int64_t from_us, int64_t to_us)
{
    /* Notice and horizon are cut off here once, so that the walk need not ask at each start. */
    const bool late = from_us < rule->earliest_us;
    const bool far = rule->latest_us < to_us;
    *w = (struct slot_walk){
        .resource = r,
        .rule = rule,
        .next_us = late ? rule->earliest_us : from_us,
        .to_us = far ? rule->latest_us + 1 : to_us,
    };
    if (rule->party > r->capacity)
        w->to_us = w->next_us;
}

/* The next start on any row's grid, at or after w->next_us; false when no row has one. */
static bool slots_find_start(struct slot_walk *w, int64_t *starts_us, int64_t *until_us)
{
    const struct slot_resource *r = w->resource;
    const int64_t step = w->rule->step_us;
    bool found = false;
    while (w->opening < r->openings_n && r->openings[w->opening].to_us <= w->next_us)
        w->opening++;
    for (size_t i = w->opening; i < r->openings_n; i++) {
        const struct slot_opening *o = &r->openings[i];
        /* Openings are in order: those behind this one begin too late to offer an earlier start. */
        if (found && o->from_us >= *starts_us)
            break;
        int64_t at = o->from_us;
        if (at < w->next_us)
            at += (w->next_us - at + step - 1) / step * step;
        if (at >= o->to_us || (found && at >= *starts_us))
            continue;
        found = true;
        *starts_us = at;
        *until_us = o->until_us;
    }
    return found;
}

/* All indices of the walk only move forward, so the whole walk costs no more than its lists. */
bool slot_walk_next(struct slot_walk *w, struct slot *out)
{
    const struct slot_resource *r = w->resource;
    const struct slot_rule *rule = w->rule;
    int64_t starts_us, until_us;
    while (w->next_us < w->to_us && slots_find_start(w, &starts_us, &until_us)) {
        if (starts_us >= w->to_us)
            break;
        /* Two rows may offer the same start: it is found once. */
        w->next_us = starts_us + 1;
        if (until_us - starts_us < rule->duration_us)
            continue;
        const int64_t ends_us = starts_us + rule->duration_us;
        while (w->closure < r->closures_n && r->closures[w->closure].to_us <= starts_us)
            w->closure++;
        if (w->closure < r->closures_n && r->closures[w->closure].from_us < ends_us) {
            /* Nothing starts inside a closure: go on behind it. */
            if (r->closures[w->closure].from_us <= starts_us)
                w->next_us = r->closures[w->closure].to_us;
            continue;
        }
        const int64_t from_us = starts_us - rule->before_us;
        w->level = slots_skip_levels(r, w->level, from_us);
        const int32_t peak = slots_peak_from(r, w->level, from_us, ends_us + rule->after_us);
        if (r->capacity - peak < rule->party)
            continue;
        *out = (struct slot){.starts_us = starts_us, .available = r->capacity - peak};
        return true;
    }
    return false;
}
