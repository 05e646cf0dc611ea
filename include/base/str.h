/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Slices of bytes that somebody else owns, and a string builder whose memory is an arena's.
 */
#ifndef BOOKINGD_BASE_STR_H
#define BOOKINGD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/cdefs.h"

/* Borrowed bytes, not NUL-terminated. {NULL, 0} means absent. */
struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

/* Borrows z; NULL becomes {NULL, 0}. */
static inline struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

/* Byte by byte; two empty slices are equal, whatever they point to. */
bool str_eq(struct str a, struct str b);
/* ASCII case only, as HTTP field names and tokens compare (RFC 9110 5.1). */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_starts_nocase(struct str s, struct str prefix);
/* Without spaces and tabs at both ends (OWS of RFC 9110 5.6.3). */
struct str str_trim(struct str s);
/* Cuts at the first `sep`: returns the part before it and leaves the rest in *s; the whole, and *s
 * absent, when there is none. */
struct str str_cut(struct str *s, char sep);
/* Valid UTF-8: shortest form, no surrogates, no code point above U+10FFFF (RFC 3629). */
bool str_utf8_valid(struct str s);
/* Bytes before the first that belong to no well-formed character; s.n when there is none. */
size_t str_utf8_prefix(struct str s);
/* Code points in valid UTF-8. */
size_t str_utf8_len(struct str s);

struct sb {
    struct arena *arena;
    char *p; /* NUL-terminated once anything was added */
    size_t n, cap;
};

/* A text that grows in the arena. first_size: bytes to begin with, 0 for none. Out of memory jumps
 * (base/arena.h), so nothing here fails. sb_str() is valid until the next addition. */
void sb_init(struct sb *b, struct arena *a, size_t first_size);
void sb_add(struct sb *b, const char *p, size_t n);
void sb_puts(struct sb *b, const char *z);
void sb_putc(struct sb *b, char c);
void sb_printf(struct sb *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct str sb_str(const struct sb *b);

#endif
