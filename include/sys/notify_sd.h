/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* sd_notify(3) without libsystemd: datagrams to $NOTIFY_SOCKET; all do nothing when it is unset. */
#ifndef BOOKINGD_SYS_NOTIFY_SD_H
#define BOOKINGD_SYS_NOTIFY_SD_H

#include <stdint.h>

#include "base/cdefs.h"

/* Remembers the socket; only the master calls these. */
void notify_sd_init(void);
void notify_sd_ready(void);
void notify_sd_reloading(void); /* with MONOTONIC_USEC */
void notify_sd_stopping(void);
void notify_sd_watchdog(void);
void notify_sd_status(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Half of WATCHDOG_USEC in ms, 0 when no watchdog is wanted of this pid. */
int64_t notify_sd_watchdog_ms(void);

#endif
