/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The end of a process that found a bug in itself. Called by ENSURE() only; the master reports the
 * last words and starts another process.
 */
#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Set in each process of the service: writes the text to the process's scoreboard slot, where it
 * survives. */
static ensure_hook_fn g_hook;

void ensure_set_hook(ensure_hook_fn hook)
{
    g_hook = hook;
}

/* Without a hook (tests, command line) standard error is the only place where the words can go. */
static void ensure_print(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
        return;
}

/* No allocation and no log record: either may be what is broken. The buffer is static, since the
 * stack may be nearly used up. */
void ensure_failed(const char *cond, const char *file, int line)
{
    static char text[256];

    snprintf(text, sizeof(text), "%s:%d: cannot happen: !(%s)", file, line, cond);
    if (g_hook)
        g_hook(text);
    else
        ensure_print(text);
    abort();
}
