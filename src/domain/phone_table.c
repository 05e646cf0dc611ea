/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The table of mobile numbers and the matching of its ranges. Called by svc/phone.c for each number
 * that somebody types, and by the configuration for `otp.regions` and `otp.ranges`.
 */
#include "domain/phone_table.h"

#include <string.h>

#include "base/cdefs.h"

#define PHONE_METADATA(version, date) const char phone_metadata[] = version " of " date;
#define PHONE_REGION(code, calling, trunk, ranges)
#include "domain/phone_ranges.def"
#undef PHONE_METADATA
#undef PHONE_REGION

#define PHONE_METADATA(version, date)
#define PHONE_REGION(code, calling, trunk, ranges) {#code, calling, trunk, ranges},
const struct phone_region phone_regions[] = {
#include "domain/phone_ranges.def"
};
#undef PHONE_METADATA
#undef PHONE_REGION

/* E.164 6.2.1: at most 15 digits, the calling code included. */
#define PHONE_DIGITS_MAX 15

const size_t phone_regions_n = ARRAY_LEN(phone_regions);
/* A generated file that lost rows would refuse customers of whole countries. */
_Static_assert(ARRAY_LEN(phone_regions) > 200, "phone_ranges.def has lost regions");

const struct phone_region *phone_region_find(struct str code)
{
    for (size_t i = 0; i < phone_regions_n; i++)
        if (str_eq(str_of(phone_regions[i].code), code))
            return &phone_regions[i];
    return NULL;
}

/* Not isdigit(): that depends on the locale, and is undefined for negative characters. */
static bool phone_table_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * Reads one element of a prefix: a digit, x, or a class. Sets *digits to the set of digits that it
 * stands for (bit 0 is the digit 0) and moves *at behind it; false when it is none.
 */
static bool phone_table_read_element(struct str s, size_t *at, unsigned *digits)
{
    if (phone_table_is_digit(s.p[*at]) || s.p[*at] == 'x') {
        *digits = s.p[*at] == 'x' ? 0x3ffU : 1U << (s.p[*at] - '0');
        ++*at;
        return true;
    }
    if (s.p[*at] != '[')
        return false;
    *digits = 0;
    for (++*at; *at < s.n && phone_table_is_digit(s.p[*at]); ++*at) {
        int first = s.p[*at] - '0', last = first;
        if (*at + 2 < s.n && s.p[*at + 1] == '-' && phone_table_is_digit(s.p[*at + 2])) {
            *at += 2;
            last = s.p[*at] - '0';
        }
        for (int d = first; d <= last; d++)
            *digits |= 1U << d;
        if (last < first)
            return false;
    }
    if (*digits == 0 || *at == s.n || s.p[*at] != ']')
        return false;
    ++*at;
    return true;
}

/* One or two digits, 1 to PHONE_DIGITS_MAX. */
static bool phone_table_read_length(struct str s, size_t *at, size_t *length)
{
    const size_t begin = *at;
    *length = 0;
    for (; *at < s.n && *at - begin < 2 && phone_table_is_digit(s.p[*at]); ++*at)
        *length = *length * 10 + (size_t)(s.p[*at] - '0');
    return *length >= 1 && *length <= PHONE_DIGITS_MAX;
}

/*
 * Reads one range, and tells whether `national` lies in it. *at moves behind the range, or stays at
 * the fault.
 */
static bool phone_table_read_range(struct str s, size_t *at, struct str national, bool *inside)
{
    size_t n = 0, least, most;
    unsigned digits;
    *inside = true;
    while (*at < s.n && s.p[*at] != '/') {
        if (!phone_table_read_element(s, at, &digits))
            return false;
        if (n >= national.n || !phone_table_is_digit(national.p[n]) ||
            !(digits >> (national.p[n] - '0') & 1U))
            *inside = false;
        n++;
    }
    /* The length is required: a prefix alone would accept numbers that are too short or too
     * long. */
    if (n == 0 || *at == s.n)
        return false;
    ++*at;
    if (!phone_table_read_length(s, at, &least))
        return false;
    most = least;
    if (*at < s.n && s.p[*at] == '-') {
        ++*at;
        if (!phone_table_read_length(s, at, &most) || most < least)
            return false;
    }
    /* A number cannot be shorter than its own prefix. */
    if (least < n || (*at < s.n && s.p[*at] != ' '))
        return false;
    if (national.n < least || national.n > most)
        *inside = false;
    return true;
}

static void phone_table_skip_blanks(struct str s, size_t *at)
{
    while (*at < s.n && s.p[*at] == ' ')
        ++*at;
}

/* A fault in the text matches nothing: the text was checked when it was read, so this cannot
 * happen. */
bool phone_ranges_match(const char *ranges, struct str national)
{
    const struct str s = str_of(ranges);
    bool inside;
    size_t at = 0;
    for (size_t i = 0; i < national.n; i++)
        if (!phone_table_is_digit(national.p[i]))
            return false;
    for (phone_table_skip_blanks(s, &at); at < s.n; phone_table_skip_blanks(s, &at)) {
        if (!phone_table_read_range(s, &at, national, &inside))
            return false;
        if (inside)
            return true;
    }
    return false;
}

bool phone_ranges_valid(struct str ranges, size_t *at)
{
    bool inside, any = false;
    *at = 0;
    for (phone_table_skip_blanks(ranges, at); *at < ranges.n; phone_table_skip_blanks(ranges, at)) {
        if (!phone_table_read_range(ranges, at, (struct str){"", 0}, &inside))
            return false;
        any = true;
    }
    return any;
}

const struct phone_region *phone_region_calling(struct str digits)
{
    for (size_t i = 0; i < phone_regions_n; i++) /* no calling code begins with another one */
        if (str_starts(digits, str_of(phone_regions[i].calling)))
            return &phone_regions[i];
    return NULL;
}
