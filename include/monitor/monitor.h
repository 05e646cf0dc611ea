/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The monitor: metrics and status pages over HTTP. It calls no provider, and a database that does
 * not answer delays no page: while a statement is under way the same loop answers scrapes.
 */
#ifndef BOOKINGD_MONITOR_MONITOR_H
#define BOOKINGD_MONITOR_MONITOR_H

#include "ipc/child.h"

/* The master's fork calls it (ipc/child.h says in which state). Returns the exit code. */
int monitor_main(const struct child_env *env);

#endif
