/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a text may contain that one person writes and another one reads (BEHAVIOUR §5): names of
 * people and things, and notes about them. One rule for the API and the command line.
 */
#ifndef BOOKINGD_BASE_TEXT_RULES_H
#define BOOKINGD_BASE_TEXT_RULES_H

#include "base/arena.h"
#include "base/str.h"

enum text_kind {
    TEXT_NAME,  /* one line, with a visible character in it */
    TEXT_LABEL, /* a name that must not look like another one: no character without width */
    TEXT_NOTE,  /* any lines; tabs; may be empty */
};

/*
 * Reads valid UTF-8 without NUL characters. Trims white space at both ends (Unicode's White_Space)
 * and, in notes, makes CR LF one line feed; refuses control characters, line separators and
 * characters that embed, override or isolate a direction. NULL and the text on the arena in *out,
 * or what is wrong with it as the end of a sentence ("must ..."). Bounds are the caller's, to be
 * counted in *out.
 */
const char *text_clean(struct arena *a, struct str text, enum text_kind kind,
                       struct str *out) MUST_CHECK;

/* Adds a text of people to a message for other people: what text_clean() refuses becomes a space
 * (rows of an earlier version may hold it), what is beyond so many code points is left out. */
void text_add_plain(struct sb *b, const char *z, size_t points_max);

#endif
