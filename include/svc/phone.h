/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Phone numbers to E.164. Arabic-Indic and Persian digits become ASCII; spaces, dashes, dots,
 * brackets and bidirectional marks are dropped; "00" is "+"; a national number ("0551234567",
 * "551234567") belongs to the default region (otp.regions' first). What remains is checked against
 * the region's rule: a table row a region.
 */
#ifndef BOOKINGD_SVC_PHONE_H
#define BOOKINGD_SVC_PHONE_H

#include "svc/svc.h"

/* *out on the arena. ERR_PHONE_INVALID: no mobile number; ERR_PHONE_REGION: of a region that
 * otp.regions leaves out. */
enum err phone_normalise(const struct config *cfg, struct arena *a, struct str text,
                         const char **out) MUST_CHECK;

#endif
