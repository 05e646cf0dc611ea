/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Phone numbers to E.164. Digits of any script become ASCII; spaces, dashes, dots, brackets and
 * invisible characters are dropped; "00" is "+", which may also stand at the end, where some
 * right-to-left fields put it. What remains is checked against the ranges of mobile numbers
 * (domain/phone_table.h, changed by otp.ranges).
 */
#ifndef BOOKINGD_SVC_PHONE_H
#define BOOKINGD_SVC_PHONE_H

#include "svc/svc.h"

/* Whose numbers are taken: those of otp.regions (sign-in), or of all regions (what staff enter). */
enum phone_scope { PHONE_SERVED, PHONE_ANY_REGION };

/*
 * A number without "+" or "00" is one of the first of otp.regions, with or without its trunk
 * prefix, or has the calling code of a served region. *out on the arena. ERR_PHONE_INVALID: no
 * mobile number; ERR_PHONE_REGION: of a region that the scope leaves out.
 */
enum err phone_normalise(const struct config *cfg, struct arena *a, struct str text,
                         enum phone_scope scope, const char **out) MUST_CHECK;

/*
 * Whether the text is one of otp.test_numbers, which need not be valid: with its calling code, or
 * as dialled at home in the first region. *out and *code are the configuration's.
 */
bool phone_find_test(const struct config *cfg, struct arena *a, struct str text, const char **out,
                     const char **code) MUST_CHECK;

/*
 * For searches while somebody types: how E.164 numbers begin that were begun like this, as a
 * literal of text[]. Without "+" the digits may be national or have a calling code. NULL: no
 * beginning of a number.
 */
const char *phone_prefixes(const struct config *cfg, struct arena *a, struct str text);

#endif
