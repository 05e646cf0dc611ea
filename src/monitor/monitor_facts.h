/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Where each fact comes from. */
#ifndef BOOKINGD_MONITOR_MONITOR_FACTS_H
#define BOOKINGD_MONITOR_MONITOR_FACTS_H

#include "domain/facts.h"
#include "monitor_page.h"

/* The facts of this moment, from shared memory and the last read of the database. */
void monitor_facts(const struct monitor_view *v, struct facts *f);

#endif
