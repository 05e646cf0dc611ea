/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The route of a request by its first line alone: for titles, the scoreboard, and answers that no
 * handler gives. */
#ifndef BOOKINGD_API_ROUTE_H
#define BOOKINGD_API_ROUTE_H

#include <stddef.h>

#include "base/str.h"

/* Row of api_routes; api_routes_n when none fits. `request` begins with a request line that was
 * parsed already. */
size_t route_row(struct str request);
/* "POST /v1/bookings" in buf: the template, never the path itself, which holds identifiers. */
const char *route_name(struct str request, char *buf, size_t size);

#endif
