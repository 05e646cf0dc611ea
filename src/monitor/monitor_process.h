/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The figures process_* of the master. */
#ifndef BOOKINGD_MONITOR_MONITOR_PROCESS_H
#define BOOKINGD_MONITOR_MONITOR_PROCESS_H

#include "domain/metrics_page.h"

/* process_* of the master, as the client libraries name them. */
void monitor_process_metrics(struct metrics_page *page);

#endif
