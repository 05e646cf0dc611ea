/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Openings as text, for the week's hours and for those of certain dates. */
#ifndef BOOKINGD_API_API_HOURS_H
#define BOOKINGD_API_API_HOURS_H

#include "api/api_handler.h"
#include "svc/catalog_write.h"

/* "HH:MM" of an opening's two ends; faults at `base`. */
struct opening api_opening_read(struct api_request *r, const char *base, const char *opens,
                                const char *closes);
void api_opening_put(struct arena *a, json_t *j, const struct opening *o);

#endif
