/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Signals come as data through a signalfd; handlers do nothing. */
#ifndef BOOKINGD_SYS_SIG_H
#define BOOKINGD_SYS_SIG_H

#include <signal.h>

#include "base/cdefs.h"

/* Blocks the given signals (0-terminated list) and ignores PIPE and XFSZ; returns a signalfd for
 * them (CLOEXEC, NONBLOCK) or -1. */
int sig_open(const int *signals) MUST_CHECK;
/* Next signal number from the fd; 0 when none waits. *pid gets the sender. */
int sig_next(int fd, int *pid);
/* After fork: default dispositions, empty mask, PIPE and XFSZ ignored. Call before the child's own
 * sig_open. */
void sig_reset_child(void);
/* "TERM"; "SIG64" style numbers for the unnamed. */
const char *sig_name(int signo);

#endif
