/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Couriers and reminders as they are configured: bounds, and the leads of reminders. */
#ifndef BOOKINGD_DOMAIN_REMINDER_H
#define BOOKINGD_DOMAIN_REMINDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "base/str.h"

/* Couriers of one host: each holds one message at a time, so that 32 send some 100 per second
 * through a provider that takes a third of a second. */
#define COURIERS_MAX 32

/* How long before a booking's start it is reminded of. More than two or three would annoy. */
#define REMINDERS_MAX 8
struct reminder_lead {
    int64_t before_ms;
};
/* The range of a lead, for the configuration and for venues. */
#define REMINDER_LEAD_MIN_MS ((int64_t)60 * 1000)
#define REMINDER_LEAD_MAX_MS ((int64_t)30 * 24 * 3600 * 1000)
/* "24h", "90m": false, or a lead within the range. */
bool reminder_lead_parse(struct str text, struct reminder_lead *out) MUST_CHECK;

struct time_of_day { /* of a venue's clock; zeroed: not set */
    bool set;
    int minutes; /* since midnight */
};

#endif
