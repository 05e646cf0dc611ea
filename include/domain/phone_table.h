/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Mobile number ranges of all regions, from libphonenumber's metadata (phone_ranges.def).
 *
 * Ranges are written as in `otp.ranges`: PREFIX/DIGITS, separated by blanks. A prefix is made of
 * digits, classes ("[013-6]") and x for any digit; DIGITS counts the whole national number, without
 * trunk prefix, and may be a span: "5[013-689]/9 50/6-10".
 */
#ifndef BOOKINGD_DOMAIN_PHONE_TABLE_H
#define BOOKINGD_DOMAIN_PHONE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct phone_region {
    const char *code;    /* ISO 3166: "SA" */
    const char *calling; /* "966" */
    const char *trunk;   /* what is dialled at home before the number: "0"; "" for none */
    const char *ranges;
};
/* By calling code; of the regions that share one, the main one is first. */
extern const struct phone_region phone_regions[];
extern const size_t phone_regions_n;
/* "8.12.57 of 2022-10-14": for `bookingd version --verbose`. */
extern const char phone_metadata[];

/* Rows of the built-in table, never freed. NULL when there is no such region, or none with mobile
 * numbers. Upper case only. */
const struct phone_region *phone_region_find(struct str code);
/* The main region of the calling code that digits (without +) begin with, a row of the same table;
 * NULL. */
const struct phone_region *phone_region_calling(struct str digits);
/* Whether the digits of a national number lie in one of the ranges. What is malformed in `ranges`
 * matches nothing. */
bool phone_ranges_match(const char *ranges, struct str national);
/* Whether a text is made of ranges, at least one. False: *at is the offset of the first fault. */
bool phone_ranges_valid(struct str ranges, size_t *at) MUST_CHECK;

#endif
