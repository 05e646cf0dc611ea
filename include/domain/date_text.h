/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Dates as people write them. */
#ifndef BOOKINGD_DOMAIN_DATE_TEXT_H
#define BOOKINGD_DOMAIN_DATE_TEXT_H

#include "base/arena.h"
#include "base/clock.h"
#include "domain/templates.h"

/*
 * A wall time "2026-11-30 17:30" in the reader's language: "Monday, 30 November, 17:30". The year
 * is named when the date is so far from `now` that the weekday alone would not tell: 300 days. Text
 * of another form is returned as it is. In the arena.
 */
const char *date_text(struct arena *a, const char *wall_time, enum locale reader, struct wall now);

#endif
