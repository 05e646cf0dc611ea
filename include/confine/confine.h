/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a process may ask of the kernel. Each role has a list of system calls (seccomp, where the
 * build has libseccomp) and of files (Landlock, where the kernel has it): confine/confine_calls.def
 * and confine/confine_files.c are the tables. A call that is not on the list ends the process with
 * SIGSYS, and its last words on the scoreboard name the call's number; a file that is not on the
 * list is refused. Nobody may execute anything, send signals to others, or gain privileges.
 *
 * All of it is inherited and cannot be taken back. Builds with sanitizers or coverage are not
 * confined.
 */
#ifndef BOOKINGD_CONFINE_CONFINE_H
#define BOOKINGD_CONFINE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"
#include "domain/config.h"
#include "domain/scoreboard.h"

/* The master, first of all: no new privileges ever, no core dumps, nothing of its memory for other
 * processes of the user. */
bool confine_basics(void) MUST_CHECK;
/*
 * The master, before it forks: makes the filters of all roles, says in the log what this kernel and
 * build can do, and takes from itself and its children what no role needs (exec, ptrace, mount ...:
 * EPERM). False after saying why.
 */
bool confine_prepare(const struct config *cfg) MUST_CHECK;
/* The child, after it has closed what is not its own, before it does anything. False after saying
 * why: it must end. */
bool confine_role(enum role role, const struct config *cfg) MUST_CHECK;

#endif
