/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The grammar of paths into JSON: member names joined by dots, items of arrays as [n]:
 * "data.MessageID", "messages[0].status", "[0].id". A name is any text without ".", "[" and "]".
 * The configuration check and the reader of providers' answers both use it, so that a path that
 * check-config accepts never fails at run time.
 */
#ifndef BOOKINGD_BASE_JSONPATH_H
#define BOOKINGD_BASE_JSONPATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct jsonpath_step {
    struct str name; /* a member; absent: the item at `index` */
    size_t index;    /* counts from 0; at most INT32_MAX */
};

/* Where reading stands in a path. Start with {path}. */
struct jsonpath {
    const char *rest; /* borrowed */
    bool begun;       /* a step was read: a name needs a dot before it */
};

/* Whether the whole path has that form; "" has not. */
bool jsonpath_valid(const char *path) MUST_CHECK;
/* Whether a step is left to read. */
bool jsonpath_more(const struct jsonpath *p) MUST_CHECK;
/* Reads the next step; false when the rest of the path has no valid form. The name points into the
 * path. */
bool jsonpath_next(struct jsonpath *p, struct jsonpath_step *out) MUST_CHECK;

#endif
