/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Which starts of a service a resource can offer (BEHAVIOUR §5). Pure: the facts go in, the starts
 * come out; no database, no clock, no time zone. The slot search, the days' overview, the making
 * and the moving of a booking all ask here, so that they cannot disagree.
 *
 * Instants are microseconds since 1970 UTC; ranges include their start and exclude their end.
 */
#ifndef BOOKINGD_DOMAIN_SLOTS_H
#define BOOKINGD_DOMAIN_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slot_range {
    int64_t from_us, to_us;
};
/* One row of the opening hours on one date. Its grid of starts counts from from_us. */
struct slot_opening {
    int64_t from_us, to_us;
    int64_t until_us; /* end of the opening that it is part of; set by slot_resource_prepare() */
};
/* What a live booking takes, buffers included. */
struct slot_busy {
    int64_t from_us, to_us;
    int32_t people;
};
/* From at_us on, until the next one: so many people. */
struct slot_level {
    int64_t at_us;
    int32_t people;
};

struct slot_resource {
    int32_t capacity; /* people at one moment */
    struct slot_opening *openings;
    size_t openings_n;
    struct slot_range *closures;
    size_t closures_n;
    struct slot_busy *busy;
    size_t busy_n;
    struct slot_level *levels; /* room for 2 * busy_n; filled by slot_resource_prepare() */
    size_t levels_n;
};

/* What a service asks of a start. All of it is the service's own but `party`. */
struct slot_rule {
    int64_t duration_us, step_us; /* both above 0 */
    int64_t before_us, after_us; /* buffers: taken, but neither opening nor closure matters there */
    int64_t earliest_us;         /* minimum notice: no start before it */
    int64_t latest_us;           /* horizon: no start after it */
    int32_t party;               /* people who come */
};

/* Rules that staff may pass over by name; the capacity is none of them. */
enum slot_force {
    SLOT_FORCE_HOURS = 1,
    SLOT_FORCE_NOTICE = 2,
    SLOT_FORCE_HORIZON = 4,
    SLOT_FORCE_GRID = 8,
    SLOT_FORCE_CLOSURE = 16,
};

/* "hours", ... in the order of the bits, and a NULL. */
#define SLOT_FORCE_COUNT 5
extern const char *const slot_force_names[SLOT_FORCE_COUNT + 1];

/* Why a start is not offered, in the order in which the rules are asked. */
enum slot_verdict {
    SLOT_FREE,
    SLOT_TOO_SOON,
    SLOT_TOO_FAR,
    SLOT_CLOSED, /* no opening holds the whole of the service's time */
    SLOT_IN_CLOSURE,
    SLOT_OFF_GRID,
    SLOT_TOO_LARGE, /* the party is larger than the resource */
    SLOT_TAKEN,
    SLOT_VERDICT_COUNT
};

struct slot {
    int64_t starts_us;
    int32_t available; /* capacity less the peak of people inside the occupied time */
};

/* Sorts the facts, joins openings that touch or overlap, and sums the people up. Call it once,
 * before the functions below. */
void slot_resource_prepare(struct slot_resource *r);

/* The highest number of people at any moment of [from, to). */
int32_t slot_peak(const struct slot_resource *r, int64_t from_us, int64_t to_us);

/* Judges one start. `force` is a set of enum slot_force. out->available is set for SLOT_FREE and
 * SLOT_TAKEN. */
enum slot_verdict slot_judge(const struct slot_resource *r, const struct slot_rule *rule,
                             unsigned force, int64_t starts_us, struct slot *out);

/* Walks over the free starts of one resource in [from, to), ascending, each once. */
struct slot_walk {
    const struct slot_resource *resource;
    const struct slot_rule *rule;
    int64_t next_us, to_us;
    size_t opening, closure, level; /* the first ones that can still matter */
};
void slot_walk_begin(struct slot_walk *w, const struct slot_resource *r,
                     const struct slot_rule *rule, int64_t from_us, int64_t to_us);
/* False when there is none left. */
bool slot_walk_next(struct slot_walk *w, struct slot *out);

#endif
