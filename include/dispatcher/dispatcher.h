/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The dispatcher: owns every client connection. The master's fork calls it (ipc/child.h says in
 * which state). */
#ifndef BOOKINGD_DISPATCHER_DISPATCHER_H
#define BOOKINGD_DISPATCHER_DISPATCHER_H

#include "ipc/child.h"

/* Returns the exit code. */
int dispatcher_main(const struct child_env *env);

#endif
