/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The rules for texts of people. Called by the schema reader for members of bodies, by the staff
 * keys of the command line, and by whoever writes such texts into messages.
 */
#include "base/text_rules.h"

#include <stdint.h>

struct text_range {
    uint32_t first, last;
};
#define TEXT_HIDDEN(low, high) {low, high},
static const struct text_range text_hidden[] = {
#include "base/text_ranges.def"
};
/* White_Space of Unicode's PropList. */
static const struct text_range text_spaces[] = {
    {0x9, 0xD},       {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000},
};
/* C0, DEL and C1; line and paragraph separators with the embeddings and overrides of direction
 * behind them; isolates. In an SMS or a log they split or reorder what stands around them. */
static const struct text_range text_refused[] = {
    {0x0, 0x1F}, {0x7F, 0x9F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
/* Soft hyphen, zero width space, word joiner with the invisible operators, byte order mark: two
 * labels that differ in them alone look the same. */
static const struct text_range text_widthless[] = {
    {0xAD, 0xAD}, {0x200B, 0x200B}, {0x2060, 0x2064}, {0xFEFF, 0xFEFF}};

/* Binary search: the list of hidden characters has some hundred ranges. */
static bool text_rules_in(const struct text_range *ranges, size_t n, uint32_t point)
{
    size_t low = 0;
    while (n > 0) {
        const size_t half = n / 2;
        if (point > ranges[low + half].last) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return ranges[low].first <= point && point <= ranges[low].last;
}

/* As above; a point behind the last range is in none. */
#define TEXT_IN(ranges, point)                          \
    ((point) <= (ranges)[ARRAY_LEN(ranges) - 1].last && \
     text_rules_in(ranges, ARRAY_LEN(ranges), point))

/* The code point at the front of valid UTF-8; *n: its bytes. */
static uint32_t text_rules_point(const char *p, size_t *n)
{
    const unsigned char *u = (const unsigned char *)p;
    *n = u[0] < 0x80 ? 1 : u[0] < 0xE0 ? 2 : u[0] < 0xF0 ? 3 : 4;
    uint32_t point = *n == 1 ? u[0] : u[0] & (0xFFU >> (*n + 1));
    for (size_t i = 1; i < *n; i++)
        point = point << 6 | (u[i] & 0x3F);
    return point;
}

/* By Unicode's white space, since phones insert more than blanks. */
static struct str text_rules_trim(struct str s)
{
    size_t used, end = 0, n;
    while (s.n > 0 && TEXT_IN(text_spaces, text_rules_point(s.p, &used)))
        s = (struct str){s.p + used, s.n - used};
    for (size_t at = 0; at < s.n; at += n)
        if (!TEXT_IN(text_spaces, text_rules_point(s.p + at, &n)))
            end = at + n;
    return (struct str){s.p, end};
}

/* Labels are stricter than names: two keys of staff must not look alike. */
static bool text_rules_allows(enum text_kind kind, uint32_t point)
{
    if (kind == TEXT_NOTE && (point == '\n' || point == '\t'))
        return true;
    if (kind == TEXT_LABEL && TEXT_IN(text_widthless, point))
        return false;
    return !TEXT_IN(text_refused, point);
}

const char *text_clean(struct arena *a, struct str text, enum text_kind kind, struct str *out)
{
    const struct str s = text_rules_trim(text);
    char *copy = arena_alloc(a, s.n + 1);
    size_t kept = 0, n;
    bool visible = kind == TEXT_NOTE;
    for (size_t at = 0; at < s.n; at += n) {
        const uint32_t point = text_rules_point(s.p + at, &n);
        /* Text fields of browsers end lines with CR LF. */
        if (kind == TEXT_NOTE && point == '\r' && s.n - at > 1 && s.p[at + 1] == '\n')
            continue;
        if (!text_rules_allows(kind, point))
            return "must not contain control characters, line separators or direction controls";
        visible = visible || !TEXT_IN(text_hidden, point);
        memcpy(copy + kept, s.p + at, n);
        kept += n;
    }
    if (!visible)
        return "must have at least one visible character";
    copy[kept] = '\0';
    *out = (struct str){copy, kept};
    return NULL;
}

/* For texts on their way into an SMS or a log: what was stored before these rules is made
 * harmless. */
void text_add_plain(struct sb *b, const char *z, size_t points_max)
{
    size_t n;
    for (const char *p = z; *p && points_max > 0; p += n, points_max--) {
        if (TEXT_IN(text_refused, text_rules_point(p, &n)))
            sb_putc(b, ' ');
        else
            sb_add(b, p, n);
    }
}
