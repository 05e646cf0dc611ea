/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The end of a process that found a bug in itself. */
#include "base/ensure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
