/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Payment links, for the handler that makes bookings of staff. */
#ifndef BOOKINGD_API_API_STAFF_LINK_H
#define BOOKINGD_API_API_STAFF_LINK_H

#include "api/api_handler.h"
#include "svc/booking.h"

/* Sends the link of a booking that was made a moment ago and is answered with 201: the answer says
 * how that went. */
void api_link_send_first(struct api_request *r, const struct booking *bk, const char *return_url);

#endif
