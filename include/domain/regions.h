/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What is known of telephone numbers, a row a region: calling code, trunk prefix and the leading
 * digits and lengths of mobile numbers. One place for configuration check (otp.regions) and for
 * svc/phone. Sources: the national numbering plans as the ITU publishes them (E.164, operational
 * bulletins); only mobile ranges are listed, since a code goes by SMS.
 */
#ifndef BOOKINGD_DOMAIN_REGIONS_H
#define BOOKINGD_DOMAIN_REGIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"
#include "base/str.h"

struct region {
    const char *code;         /* ISO 3166-1 alpha-2, upper case: "SA" */
    const char *calling_code; /* digits without +: "966"; regions may share one (US, CA) */
    const char *trunk; /* put before a national number at home and dropped abroad: "0", or "" */
    /* Words "prefix/digits" or "prefix/least-most": leading digits and length of the national
     * number. */
    const char *mobile;
    const char *except; /* words: leading digits that are not this region's after all; "" */
};

extern const struct region regions[];
extern const size_t regions_n;

/* By code; NULL when unknown. */
const struct region *region_find(struct str code);
/* Whether digits (national number: no calling code, no trunk prefix) are a mobile number of the
 * region. */
bool region_mobile(const struct region *r, struct str digits) MUST_CHECK;
/*
 * The region whose mobile number these digits (with calling code, no +) are; *national is the part
 * behind the calling code. NULL: none. *calling_code_known tells "unknown country" from "no mobile
 * number of it".
 */
const struct region *region_of(struct str digits, struct str *national, bool *calling_code_known);

#endif
