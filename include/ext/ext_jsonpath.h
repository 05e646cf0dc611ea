/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Values in a provider's JSON answer, named by a path (base/jsonpath.h). Values compare as text, so
 * that true and "true", 1 and "1" are equal.
 */
#ifndef BOOKINGD_EXT_EXT_JSONPATH_H
#define BOOKINGD_EXT_EXT_JSONPATH_H

#include <jansson.h>

#include "base/arena.h"
#include "base/cdefs.h"

/* What the path names; NULL when there is no such thing, or the path is not valid. Borrowed from
 * root. */
const json_t *ext_jsonpath_get(const json_t *root, const char *path);
/* A scalar as text; "" for null, an empty array or object; NULL for a filled one, a string with a
 * NUL inside, or v NULL. */
const char *ext_json_text(struct arena *a, const json_t *v);

#endif
