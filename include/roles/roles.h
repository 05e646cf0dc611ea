/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The roles without a folder of their own: worker, courier, keeper, resolver. The master's fork
 * calls them (ipc/child.h says in which state); what they return is the exit code.
 */
#ifndef BOOKINGD_ROLES_ROLES_H
#define BOOKINGD_ROLES_ROLES_H

#include "ipc/child.h"

/* Each is the whole life of a child after fork() and returns its exit code: 0, or one of
 * ipc/child.h and sysexits.h. */
int worker_main(const struct child_env *env);
int courier_main(const struct child_env *env);
int keeper_main(const struct child_env *env);
int resolver_main(const struct child_env *env);

#endif
