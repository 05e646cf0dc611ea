/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Always-on assertions for what cannot happen. A failed one is a bug: it hands its text to
 * the panic hook (domain/scoreboard stores it for the record of its end), then aborts the process;
 * the master reports it and starts another. Never use it on anything that came from outside.
 */
#ifndef BOOKINGD_BASE_ENSURE_H
#define BOOKINGD_BASE_ENSURE_H

#include "base/cdefs.h"

/* A condition that only a bug can break: it is checked in every build, and ends the process. */
#define ENSURE(cond) ((cond) ? (void)0 : ensure_failed(#cond, __FILE__, __LINE__))

/* Called with the text of a failed assertion, just before abort(). May be NULL. Must not allocate.
 */
typedef void (*ensure_hook_fn)(const char *text);

/* The hook gets the text just before the process aborts; NULL: none. One per process. */
void ensure_set_hook(ensure_hook_fn hook);
/* For ENSURE() alone. */
NORETURN void ensure_failed(const char *cond, const char *file, int line);

#endif
