/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Clocks, deadlines, and time as text; called everywhere. Tests put clocks of their own in place.
 *
 * Two clocks, two types. `struct mono` measures how long something takes; it never steps, and means
 * nothing in another process's memory after a reboot. `struct wall` is the time of day in UTC, for
 * rows, logs and answers; it may step, so no wait is ever computed from it.
 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/ensure.h"

#define NS_PER_MS INT64_C(1000000)
#define US_PER_MS INT64_C(1000)
#define US_PER_S INT64_C(1000000)
#define S_PER_DAY INT64_C(86400)
/* The range of four-digit years, which RFC 3339 and PostgreSQL both write without a sign. */
#define WALL_MIN_S (INT64_C(-62135596800))             /* 0001-01-01T00:00:00Z */
#define WALL_MAX_US (INT64_C(253402300800) * US_PER_S) /* 10000-01-01T00:00:00Z */

/* NULL in the service; set by tests, which then decide what time it is. */
static struct mono (*mono_source)(void);
static struct wall (*wall_source)(void);

void clock_set_source(struct mono (*mono)(void), struct wall (*wall)(void))
{
    mono_source = mono;
    wall_source = wall;
}

struct mono mono_now(void)
{
    struct timespec t;

    if (mono_source)
        return mono_source();
    const int failed = clock_gettime(CLOCK_MONOTONIC, &t);
    /* It fails for an unknown clock only, which would be a bug of ours. */
    ENSURE(failed == 0);
    return (struct mono){(int64_t)t.tv_sec * 1000 * NS_PER_MS + t.tv_nsec};
}

struct wall wall_now(void)
{
    struct timespec t;

    if (wall_source)
        return wall_source();
    const int failed = clock_gettime(CLOCK_REALTIME, &t);
    ENSURE(failed == 0);
    return (struct wall){(int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000};
}

/* Rounded towards zero: a caller that asks "did it take a second?" wants whole milliseconds. */
int64_t mono_ms_between(struct mono from, struct mono to)
{
    return (to.ns - from.ns) / NS_PER_MS;
}

double mono_ms_since(struct mono from)
{
    return mono_seconds_since(from) * 1e3;
}

double mono_seconds_since(struct mono from)
{
    return mono_seconds_between(from, mono_now());
}

double mono_seconds_between(struct mono from, struct mono to)
{
    return (double)(to.ns - from.ns) / 1e9;
}

/* A sum that leaves the range stays at its end: "for ever" must not turn into "long ago". */
struct mono mono_after_ms(struct mono t, int64_t ms)
{
    int64_t ns;

    if (__builtin_mul_overflow(ms, NS_PER_MS, &ns) || __builtin_add_overflow(t.ns, ns, &ns))
        ns = ms < 0 ? INT64_MIN : INT64_MAX;
    return (struct mono){ns};
}

int64_t wall_us_between(struct wall from, struct wall to)
{
    return to.us - from.us;
}

/* No overflow check: callers add days at most, and the range ends in the year 10000. */
struct wall wall_after_ms(struct wall w, int64_t ms)
{
    return (struct wall){w.us + ms * US_PER_MS};
}

/* Answers carry whole seconds (openapi.yaml), and what is compared with them must be cut the same
 * way. */
struct wall wall_whole_seconds(struct wall w)
{
    return (struct wall){w.us / US_PER_S * US_PER_S};
}

/* -- deadlines ---------------------------------------------------------------- */

struct deadline deadline_after(struct mono from, int64_t ms)
{
    return (struct deadline){mono_after_ms(from, ms)};
}

struct deadline deadline_in_ms(int64_t ms)
{
    return deadline_after(mono_now(), ms);
}

struct deadline deadline_min(struct deadline a, struct deadline b)
{
    return a.at.ns <= b.at.ns ? a : b;
}

/* The usual form of a wait: its own limit, but never more than what is left of the request. */
struct deadline deadline_cap(struct deadline outer, int64_t ms)
{
    return deadline_min(outer, deadline_in_ms(ms));
}

/* A deadline that leaves time for what must still be done after the wait. */
struct deadline deadline_before(struct deadline d, int64_t ms)
{
    return deadline_after(d.at, -ms);
}

bool deadline_passed(struct deadline d)
{
    return mono_now().ns >= d.at.ns;
}

/* For poll() and libcurl. Rounded up: a wait of 0 ms before the deadline would make its caller
 * spin. */
int deadline_left_ms(struct deadline d)
{
    int64_t now = mono_now().ns, left_ns;

    if (now >= d.at.ns)
        return 0;
    if (__builtin_sub_overflow(d.at.ns, now, &left_ns) || left_ns / NS_PER_MS >= INT_MAX)
        return INT_MAX;
    return (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* -- calendar ----------------------------------------------------------------- */

struct civil {
    int year, month, day;
};

/*
 * Days since 1970-01-01 of a date of the Gregorian calendar, and back. Years are counted from
 * March, so that the leap day is the last of its year; 719468 days lie between 0000-03-01 and
 * 1970-01-01.
 */
static int64_t clock_days_of(struct civil c)
{
    int64_t y = c.month <= 2 ? c.year - 1 : c.year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t month = (c.month + 9) % 12;
    int64_t day_of_year = (153 * month + 2) / 5 + c.day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* No gmtime_r(): it takes a time_t and a struct tm with other origins, and is bound to the
 * process's time zone setting. Names as in the published algorithm ("days from civil"): doe, doy
 * are day of era and of year, yoe is year of era, mp is the month counted from March. */
static struct civil clock_civil_of(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);

    return (struct civil){
        .year = (int)(yoe + era * 400) + (month <= 2),
        .month = month,
        .day = (int)(doy - (153 * mp + 2) / 5) + 1,
    };
}

static int clock_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* -- RFC 3339 ------------------------------------------------------------------ */

/* n digits and what stands behind them; the end of both. Not snprintf(): an answer with slots holds
 * hundreds of times. */
static char *clock_put_digits(char *to, int64_t v, int n, char behind)
{
    for (int i = n - 1; i >= 0; i--, v /= 10)
        to[i] = (char)('0' + v % 10);
    to[n] = behind;
    return to + n + 1;
}

/* A moment outside the years that RFC 3339 has is written as the first or the last of them: "never"
 * stays readable. Always UTC with a Z. A fraction is printed only where there is one, as six
 * digits: PostgreSQL stores microseconds, and whole seconds stay short. */
const char *wall_format(struct wall w, char *buf)
{
    const int64_t first = WALL_MIN_S * US_PER_S, last = WALL_MAX_US - US_PER_S;
    const int64_t at = w.us < first ? first : w.us >= WALL_MAX_US ? last : w.us;
    int64_t s = at / US_PER_S, us = at % US_PER_S, days, of_day;
    struct civil c;
    char *p = buf;

    /* Before 1970 the remainder of a division is negative; the calendar wants it counted
     * upwards. */
    if (us < 0) {
        us += US_PER_S;
        s--;
    }
    days = s / S_PER_DAY;
    of_day = s % S_PER_DAY;
    if (of_day < 0) {
        of_day += S_PER_DAY;
        days--;
    }
    c = clock_civil_of(days);
    p = clock_put_digits(p, c.year, 4, '-');
    p = clock_put_digits(p, c.month, 2, '-');
    p = clock_put_digits(p, c.day, 2, 'T');
    p = clock_put_digits(p, of_day / 3600, 2, ':');
    p = clock_put_digits(p, of_day / 60 % 60, 2, ':');
    p = clock_put_digits(p, of_day % 60, 2, us == 0 ? 'Z' : '.');
    if (us != 0)
        p = clock_put_digits(p, us, 6, 'Z');
    *p = '\0';
    return buf;
}

/* Takes exactly n digits off the front. */
static bool clock_take_digits(struct str *s, size_t n, int min, int max, int *out)
{
    int v = 0;

    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    s->p += n;
    s->n -= n;
    *out = v;
    return v >= min && v <= max;
}

/* Takes one of the characters off the front. strchr() finds the terminating NUL as well, so a NUL
 * in the input must be ruled out first. */
static bool clock_take_one(struct str *s, const char *of, char *out)
{
    if (s->n == 0 || s->p[0] == '\0' || !strchr(of, s->p[0]))
        return false;
    if (out)
        *out = s->p[0];
    s->p++;
    s->n--;
    return true;
}

static bool clock_take_date(struct str *s, struct civil *c)
{
    return clock_take_digits(s, 4, 1, 9999, &c->year) && clock_take_one(s, "-", NULL) &&
           clock_take_digits(s, 2, 1, 12, &c->month) && clock_take_one(s, "-", NULL) &&
           clock_take_digits(s, 2, 1, clock_month_days(c->year, c->month), &c->day);
}

/* Any number of digits; what is finer than a microsecond is cut off. */
static bool clock_take_fraction(struct str *s, int64_t *us)
{
    int64_t unit = US_PER_S / 10;
    size_t digits = 0;

    *us = 0;
    if (!clock_take_one(s, ".", NULL))
        return true;
    for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; digits++, unit /= 10) {
        *us += unit * (s->p[0] - '0');
        s->p++;
        s->n--;
    }
    return digits > 0;
}

/* "Z" or "+03:00", as seconds east of UTC; it ends the text. */
static bool clock_take_offset(struct str *s, int *east)
{
    int hours, minutes;
    char sign;

    *east = 0;
    if (clock_take_one(s, "Zz", NULL))
        return s->n == 0;
    if (!clock_take_one(s, "+-", &sign) || !clock_take_digits(s, 2, 0, 23, &hours) ||
        !clock_take_one(s, ":", NULL) || !clock_take_digits(s, 2, 0, 59, &minutes))
        return false;
    *east = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return s->n == 0;
}

/* A leap second comes at the end of a month, 23:59:60 UTC (RFC 3339 5.7): the second after it
 * starts a month. */
static bool clock_leap_possible(int64_t next_s)
{
    return next_s % S_PER_DAY == 0 && clock_civil_of(next_s / S_PER_DAY).day == 1;
}

/* RFC 3339 5.6, with lower-case t and z allowed as 5.6 says. The offset is applied, so "+03:00" and
 * "Z" texts of one moment are equal. */
bool wall_parse(struct str s, struct wall *out)
{
    int hour, minute, second, east;
    int64_t fraction, utc_s;
    struct civil c;

    if (!clock_take_date(&s, &c) || !clock_take_one(&s, "Tt", NULL) ||
        !clock_take_digits(&s, 2, 0, 23, &hour) || !clock_take_one(&s, ":", NULL) ||
        !clock_take_digits(&s, 2, 0, 59, &minute) || !clock_take_one(&s, ":", NULL) ||
        !clock_take_digits(&s, 2, 0, 60, &second) || !clock_take_fraction(&s, &fraction) ||
        !clock_take_offset(&s, &east))
        return false;
    utc_s = clock_days_of(c) * S_PER_DAY + hour * 3600 + minute * 60 + second - east;
    if (utc_s < WALL_MIN_S || utc_s >= WALL_MAX_US / US_PER_S ||
        /* A leap second is stored as the first second after it: neither POSIX time nor PostgreSQL
         * has it. */
        (second == 60 && !clock_leap_possible(utc_s)))
        return false;
    out->us = utc_s * US_PER_S + fraction;
    return true;
}

bool wall_date_valid(struct str s)
{
    struct civil c;

    return clock_take_date(&s, &c) && s.n == 0;
}
