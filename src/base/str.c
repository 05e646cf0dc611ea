/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Slices and string builders; called everywhere. A slice borrows: it is valid as long as what it
 * points into. A builder grows in an arena and never frees; sb_str() stays valid until the arena is
 * reset.
 */
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"

/* ASCII only, whatever the locale: header names, units and codes are ASCII by their standards. */
static char str_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (str_lower(a.p[i]) != str_lower(b.p[i]))
            return false;
    return true;
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq((struct str){s.p, prefix.n}, prefix);
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase((struct str){s.p, prefix.n}, prefix);
}

/* Space and tab: the optional whitespace of RFC 9110 5.6.3. */
static bool str_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && str_is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && str_is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}

/* The rest becomes {NULL, 0} when there is no separator, which tells "nothing follows" from "an
 * empty part follows". */
struct str str_cut(struct str *s, char sep)
{
    const char *at = s->n > 0 ? memchr(s->p, sep, s->n) : NULL;
    struct str before = *s;

    if (!at) {
        *s = (struct str){NULL, 0};
        return before;
    }
    before.n = (size_t)(at - s->p);
    s->p = at + 1;
    s->n -= before.n + 1;
    return before;
}

/*
 * Well-formed sequences (RFC 3629 4, Unicode table 3-7): by lead byte the length and the range
 * of the second byte; this one range is what rules out overlong forms, surrogates and > U+10FFFF.
 */
static const struct utf8_form {
    unsigned char lead_min, lead_max, len, second_min, second_max;
} utf8_forms[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

/* Length of the well-formed sequence at the start of s; 0 when there is none. */
static size_t str_utf8_sequence(const unsigned char *p, size_t n)
{
    for (size_t f = 0; f < ARRAY_LEN(utf8_forms); f++) {
        const struct utf8_form *form = &utf8_forms[f];

        if (p[0] < form->lead_min || p[0] > form->lead_max)
            continue;
        if (form->len > n ||
            (form->len > 1 && (p[1] < form->second_min || p[1] > form->second_max)))
            return 0;
        for (size_t i = 2; i < form->len; i++)
            if ((p[i] & 0xc0) != 0x80)
                return 0;
        return form->len;
    }
    return 0;
}

/* How many bytes at the front are well-formed; a fault can then say where the text breaks. */
size_t str_utf8_prefix(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t at = 0, len = 1;
    /* Most bytes are ASCII and need no look at the table. */
    for (; at < s.n && len > 0; at += len)
        len = p[at] < 0x80 ? 1 : str_utf8_sequence(p + at, s.n - at);
    return at;
}

bool str_utf8_valid(struct str s)
{
    return str_utf8_prefix(s) == s.n;
}

/* Code points, not bytes: limits in the contract count characters. Only for text that
 * str_utf8_valid() has passed. */
size_t str_utf8_len(struct str s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.n; i++)
        if (((unsigned char)s.p[i] & 0xc0) != 0x80)
            count++;
    return count;
}

/* 0: no memory is taken before the first byte. */
void sb_init(struct sb *b, struct arena *a, size_t first_size)
{
    *b = (struct sb){.arena = a};
    if (first_size > 0) {
        b->p = arena_alloc(a, first_size);
        b->cap = first_size;
    }
}

/* Room for n bytes more and the NUL. Doubles, so that n appended bytes cost O(n). The old buffer
 * stays in the arena unused. */
static void sb_reserve(struct sb *b, size_t n)
{
    size_t cap, need;
    char *p;

    if (__builtin_add_overflow(b->n, n, &need) || __builtin_add_overflow(need, 1, &need))
        arena_oom(b->arena);
    if (need <= b->cap)
        return;
    cap = b->cap < 32 ? 64 : b->cap * 2;
    if (cap < need)
        cap = need;
    p = arena_alloc(b->arena, cap);
    if (b->n > 0)
        memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
}

/* Terminated after each step, so that b->p can be handed to C functions at any time. */
void sb_add(struct sb *b, const char *p, size_t n)
{
    sb_reserve(b, n);
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void sb_puts(struct sb *b, const char *z)
{
    sb_add(b, z, strlen(z));
}

void sb_putc(struct sb *b, char c)
{
    sb_add(b, &c, 1);
}

/* Into the room that is there; once more when that was too small, since a builder has no limit of
 * its own. */
void sb_printf(struct sb *b, const char *fmt, ...)
{
    const size_t room = b->cap - b->n;
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(room > 0 ? b->p + b->n : NULL, room, fmt, ap);
    va_end(ap);
    ENSURE(n >= 0);
    if ((size_t)n >= room) {
        sb_reserve(b, (size_t)n);
        va_start(ap, fmt);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    b->n += (size_t)n;
}

/* Valid until the arena is reset; a later sb_add() may move the builder elsewhere. */
struct str sb_str(const struct sb *b)
{
    return (struct str){b->p, b->n};
}
