#include "proc/proctitle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TITLE_MAX 256

/* The strings of argv and environ lie one behind the other on the stack of a new process; ps reads them from there. */
static char *area;
static size_t area_len;
static size_t dirty; /* bytes of it that are not zero */

/* How far the strings go on without a gap from `end`. */
static char *end_of(char **strings, char *end)
{
    for (; *strings && *strings == end; strings++)
        end += strlen(*strings) + 1;
    return end;
}

void proctitle_init(int argc, char **argv)
{
    if (argc < 1)
        return;
    char *end = end_of(argv, argv[0]);
    end = end_of(environ, end);

    size_t env_n = 0;
    while (environ[env_n])
        env_n++;
    char **env = calloc(env_n + 1, sizeof(*env));
    if (!env)
        return;
    for (size_t i = 0; i < env_n; i++) {
        env[i] = strdup(environ[i]);
        if (!env[i])
            return; /* a title is not worth ending for; what was copied stays allocated */
    }
    for (int i = 0; i < argc; i++) {
        char *copy = strdup(argv[i]);
        if (!copy)
            return;
        if (i == 0)
            area = argv[0];
        argv[i] = copy;
    }
    environ = env;
    area_len = (size_t)(end - area);
    dirty = area_len;
}

void proctitle_set(const char *fmt, ...)
{
    if (!area || area_len == 0)
        return;
    char text[TITLE_MAX];
    int n = snprintf(text, sizeof(text), "bookingd: ");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
    va_end(ap);
    size_t len = strlen(text);
    if (len > area_len - 1)
        len = area_len - 1;
    memcpy(area, text, len);
    if (dirty > len)
        memset(area + len, 0, dirty - len);
    dirty = len;
}
