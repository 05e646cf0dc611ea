/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Two clocks with two types, so that wall time never slips into a deadline, and the one
 * type for time limits. Replaceable in tests.
 */
#ifndef BOOKINGD_BASE_CLOCK_H
#define BOOKINGD_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct mono { /* CLOCK_MONOTONIC, the same in all processes of the machine */
    int64_t ns;
};
struct wall { /* CLOCK_REALTIME, microseconds since 1970 UTC */
    int64_t us;
};
/* A moment after which something must not go on. The only way in which a time limit travels. */
struct deadline {
    struct mono at;
};

/* The clock that is never set (CLOCK_MONOTONIC), for limits; and the time of day, for what people
 * read. */
struct mono mono_now(void);
struct wall wall_now(void);
/* Tests only: a source in place of the system's; NULL restores it. */
void clock_set_source(struct mono (*mono)(void), struct wall (*wall)(void));

/* Milliseconds from `from` to `to`; negative when `to` is earlier. */
int64_t mono_ms_between(struct mono from, struct mono to);
/* From `from` to now, with the fraction of a millisecond. */
double mono_ms_since(struct mono from);
double mono_seconds_since(struct mono from);
double mono_seconds_between(struct mono from, struct mono to);
/* `ms` after t, or before it when negative; stays at the end of the range. */
struct mono mono_after_ms(struct mono t, int64_t ms);
/* Microseconds from `from` to `to`; negative when `to` is earlier. */
int64_t wall_us_between(struct wall from, struct wall to);
/* `ms` after w, or before it when negative. */
struct wall wall_after_ms(struct wall w, int64_t ms);
/* w without the fraction of its second. */
struct wall wall_whole_seconds(struct wall w);

/* `ms` from now, or from `from`; an overflow becomes the latest time there is. */
struct deadline deadline_in_ms(int64_t ms);
struct deadline deadline_after(struct mono from, int64_t ms);
/* min(outer, now + ms): a step's own limit inside what is left. */
struct deadline deadline_cap(struct deadline outer, int64_t ms);
/* `ms` earlier than d: keeps that much for what must come after. */
struct deadline deadline_before(struct deadline d, int64_t ms);
struct deadline deadline_min(struct deadline a, struct deadline b);
bool deadline_passed(struct deadline d);
/* Milliseconds left, rounded up, 0 when passed: fit for poll() and curl (where 0 would mean "no
 * limit", check first).
 */
int deadline_left_ms(struct deadline d);

#define WALL_RFC3339_MAX 32
/* "2026-01-02T03:04:05Z", with six digits of fraction when it is not zero; outside the years 1 to
 * 9999 the first or the last second of them. buf holds WALL_RFC3339_MAX bytes. */
const char *wall_format(struct wall w, char *buf);
/* RFC 3339 5.6 date-time with an offset; years 1 to 9999; a leap second counts as the next minute;
 * false for anything else. */
bool wall_parse(struct str s, struct wall *out) MUST_CHECK;
/* "YYYY-MM-DD" that exists in the calendar. */
bool wall_date_valid(struct str s) MUST_CHECK;

#endif
