/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For confine*.c alone. */
#ifndef BOOKINGD_CONFINE_CONFINE_PRIV_H
#define BOOKINGD_CONFINE_CONFINE_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/config.h"
#include "domain/scoreboard.h"

/* confine_calls.c. Filters are made once, by the master. */
bool confine_calls_prepare(void);
/* The system call by which confine_calls_prepare() failed; "" when it was another reason. */
extern const char *confine_calls_failed;
/* What no role needs is refused with EPERM from now on, in all processes to come. */
bool confine_calls_deny(void);
bool confine_calls_role(enum role role);

/* confine_files.c */
/* Version of the kernel's Landlock; 0: none, errno says why. */
int confine_files_version(void);
bool confine_files_role(enum role role, const struct config *cfg, int version);

#endif
