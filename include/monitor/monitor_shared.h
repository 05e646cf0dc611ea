/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the monitor has sampled lies in shared memory, so that it outlives each monitor. */
#ifndef BOOKINGD_MONITOR_MONITOR_SHARED_H
#define BOOKINGD_MONITOR_MONITOR_SHARED_H

#include <stddef.h>

/* The master, before fork: room for it, in bytes. */
size_t monitor_shared_size(void);
void monitor_shared_init(void);

#endif
