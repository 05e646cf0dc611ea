/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the configuration says about phone numbers; for config.h. */
#ifndef BOOKINGD_DOMAIN_PHONE_CONFIG_H
#define BOOKINGD_DOMAIN_PHONE_CONFIG_H

#include <stdbool.h>

/* Mobile ranges of a region, beside those of phone_ranges.def or instead of them. */
struct phone_ranges {
    const char *region; /* ISO 3166 */
    const char *ranges; /* as in domain/phone_table.h */
    bool adds;
};

/* A number that gets no message and has a fixed code, for the review of an app. */
struct otp_test_number {
    const char *phone; /* E.164 */
    const char *code;
};

#endif
