/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The supervisor: binds, makes the shared memory, forks the roles and watches them. No database, no
 * curl. */
#ifndef BOOKINGD_MASTER_MASTER_H
#define BOOKINGD_MASTER_MASTER_H

#include "base/cdefs.h"
#include "domain/config.h"

/*
 * Runs the daemon until TERM or INT; takes *cfg over. Returns the exit code: 0 after a drain,
 * EX_CONFIG when the configuration or the schema does not fit, 1 when a socket cannot be
 * bound. log_init() and proctitle_init() were called before.
 */
int master_run(struct config *cfg) MUST_CHECK;

#endif
