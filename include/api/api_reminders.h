/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The member `reminders` of a venue, and the text that struct venue carries. */
#ifndef BOOKINGD_API_API_REMINDERS_H
#define BOOKINGD_API_API_REMINDERS_H

#include "api/api_handler.h"

/* "inherit", "off", or a list like ["24h", "2h"]. */
json_t *api_reminders_json(struct arena *a, const char *leads);
/* Faults are the request's; `in` NULL: *out stays as it is. */
void api_reminders_take(struct api_request *r, const json_t *in, const char **out);

#endif
