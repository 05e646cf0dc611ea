/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Wakes processes that wait for work in poll(2): a counter in the kernel (eventfd) that the master
 * makes before the first fork and all processes share, since a futex in shared memory could not be
 * waited for together with sockets. Whoever has work to give adds one; whoever waits takes it.
 */
#ifndef BOOKINGD_SYS_WAKE_H
#define BOOKINGD_SYS_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cdefs.h"

/* Before the first fork; false with errno. Without it wake_signal() does nothing. */
bool wake_init(void) MUST_CHECK;
/* To be polled for POLLIN; -1: there is none. */
int wake_fd(void);
/* n pieces of work more. Never waits. */
void wake_signal(unsigned n);
/* Takes all that were signalled and says how many. Who finds work then signals the others again. */
uint64_t wake_take(void);

#endif
