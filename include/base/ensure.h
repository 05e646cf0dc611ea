/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Always-on assertions for what cannot happen. A failed one is a bug: it hands its text to
 * the panic hook (domain/scoreboard stores it for the obituary), then aborts the process; the
 * master reports it and starts another. Never use it on anything that came from outside.
 */
#ifndef BOOKINGD_BASE_ENSURE_H
#define BOOKINGD_BASE_ENSURE_H

#include "base/cdefs.h"

#define ENSURE(cond) ((cond) ? (void)0 : ensure_failed(#cond, __FILE__, __LINE__))

/* Called with the text of a failed assertion, just before abort(). May be NULL. Must not allocate.
 */
typedef void (*ensure_hook_fn)(const char *text);

void ensure_set_hook(ensure_hook_fn hook);
NORETURN void ensure_failed(const char *cond, const char *file, int line);

#endif
