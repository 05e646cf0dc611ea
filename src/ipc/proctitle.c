/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Process titles, as `ps` and `top` show them (BEHAVIOUR §2). Called by main() once, then by each
 * process. libbsd has setproctitle(); it is not worth a library.
 */
#include "ipc/proctitle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Terminals show less; the area of argv and environ is usually larger. */
#define TITLE_MAX 256

/* The strings of argv and environ lie one behind the other on the stack of a new process; ps reads
 * them from there. */
static char *area;
static size_t area_len;
static size_t dirty;          /* bytes of it that are not zero */
static char **volatile moved; /* where the environment went: setenv(3) takes its strings over, and
                                 forgets this array */

/* How far the strings go on without a gap from `end`. */
static char *end_of(char **strings, char *end)
{
    for (; *strings && *strings == end; strings++)
        end += strlen(*strings) + 1;
    return end;
}

/* Copies n strings and the NULL behind them; NULL when memory is out. getenv() and getopt() must go
 * on working when the original strings are overwritten. */
static char **copy_of(char **strings, size_t n)
{
    char **copy = calloc(n + 1, sizeof(*copy));
    for (size_t i = 0; copy && i < n; i++) {
        copy[i] = strdup(strings[i]);
        if (copy[i])
            continue;
        while (i > 0)
            free(copy[--i]);
        free(copy);
        return NULL;
    }
    return copy;
}

void proctitle_init(int argc, char **argv)
{
    size_t env_n = 0;
    if (argc < 1)
        return;
    while (environ[env_n])
        env_n++;
    char *first = argv[0];
    char *end = end_of(environ, end_of(argv, first));
    char **env = copy_of(environ, env_n);
    char **args = copy_of(argv, (size_t)argc);
    if (!env || !args) { /* a title is not worth ending for */
        free(env);
        free(args);
        return;
    }
    memcpy(argv, args, (size_t)argc * sizeof(*argv));
    free(args);
    environ = moved = env;
    area = first;
    area_len = (size_t)(end - first);
    dirty = area_len;
}

void proctitle_set(const char *fmt, ...)
{
    if (!area || area_len == 0)
        return;
    char text[TITLE_MAX];
    /* The program's name stays in front, so that ps -C and killall find all processes. */
    int n = snprintf(text, sizeof(text), "bookingd: ");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    size_t len = strlen(text);
    if (len > area_len - 1)
        len = area_len - 1;
    text[len] = '\0';
    memcpy(area, text, len + 1);
    /* ps prints NULs as blanks; nothing of a longer, earlier title may show. */
    if (dirty > len)
        memset(area + len, 0, dirty - len);
    dirty = len;
}
