/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Which roles have a process, for the page of metrics and for conditions. */
#ifndef BOOKINGD_MONITOR_MONITOR_ROLES_H
#define BOOKINGD_MONITOR_MONITOR_ROLES_H

#include <stdbool.h>

#include "domain/config.h"
#include "domain/roles.h"

/* Whether a process of the role is there, or none should be. */
bool monitor_roles_up(const struct config *cfg, enum role role);

#endif
