/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* UUIDs: version 7 made here (RFC 9562 5.7), any version accepted. */
#ifndef BOOKINGD_BASE_UUID_H
#define BOOKINGD_BASE_UUID_H

#include "base/str.h"

#define UUID_LEN 36

/* Text form, lower case, NUL-terminated. */
struct uuid {
    char s[UUID_LEN + 1];
};

/* A new version 7 UUID: milliseconds of wall time, a counter within one process, randomness. */
struct uuid uuid_new(void);
/* Canonical 8-4-4-4-12 hex in either case, made lower case; false for anything else. */
bool uuid_parse(struct str s, struct uuid *out) MUST_CHECK;

#endif
