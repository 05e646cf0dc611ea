/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Names of what a booking is for. */
#ifndef BOOKINGD_SVC_BOOKING_NAME_H
#define BOOKINGD_SVC_BOOKING_NAME_H

#include "domain/templates.h"

/* What something is called: by its staff, and in each language; NULL where it has no name of its
 * own. */
struct booking_name {
    const char *plain, *in[LOCALE_COUNT];
};
/* In the language that is wanted, else the usual one, else the plain name. */
const char *booking_name_for(const struct booking_name *n, enum locale wanted, enum locale usual);

#endif
