/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What surrounds the text of a provider's answer, and is no part of it: content coding, character
 * set, marks. */
#ifndef BOOKINGD_EXT_EXT_DECODE_H
#define BOOKINGD_EXT_EXT_DECODE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/cdefs.h"
#include "base/str.h"

/*
 * Undoes gzip (seen by its first bytes, whatever the header says) and deflate (by `coding`, the
 * value of Content-Encoding, or NULL). What cannot be undone stays as it is. False: the text has
 * more than EXT_ANSWER_MAX bytes.
 */
bool ext_decode_coding(struct arena *a, const char *coding, struct str *body) MUST_CHECK;
/*
 * A copy, as valid UTF-8 that ends with a NUL, without blanks and byte order marks around it.
 * Characters of other sets than UTF-8, and halves of surrogate pairs, are replaced.
 */
struct str ext_decode_text(struct arena *a, const char *content_type, struct str body);

#endif
