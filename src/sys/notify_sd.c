/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Talks to systemd (sd_notify(3), sd_watchdog_enabled(3)) without libsystemd: it is a datagram with
 * a line of text. Called by the master only.
 */
#include "sys/notify_sd.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"

/* systemd cuts a status at about this length anyway. */
#define MESSAGE_MAX 512

/* -1 without systemd: all functions then do nothing, so that callers need not ask. */
static int sock = -1;
static struct sockaddr_un to;
static socklen_t to_len;
static int64_t watchdog_ms;

/* 0 for what is missing or no number: no watchdog then. */
static int64_t notify_sd_env_number(const char *name)
{
    const char *v = getenv(name);
    int64_t n;
    return v && num_range(str_of(v), 0, INT64_MAX, &n) ? n : 0;
}

/* Anything but a path or an abstract name is ignored, as sd_notify() does. */
void notify_sd_init(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t n = path ? strlen(path) : 0;
    if (sock >= 0)
        close(sock);
    sock = -1;
    watchdog_ms = 0;
    if (n < 2 || n >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memset(&to, 0, sizeof(to));
    to.sun_family = AF_UNIX;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* abstract: no NUL at the end belongs to the name */
    to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int64_t pid = notify_sd_env_number("WATCHDOG_PID");
    if (pid == 0 || pid == (int64_t)getpid())
        /* Half the time that systemd allows, as sd_watchdog_enabled(3) recommends; microseconds
         * there. */
        watchdog_ms = notify_sd_env_number("WATCHDOG_USEC") / 2000;
}

static void notify_sd_send_text(const char *text)
{
    if (sock >= 0) /* systemd may be busy: a lost word is better than a stuck master */
        (void)sendto(sock, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                     (const struct sockaddr *)&to, to_len);
}

/* Also after each reload (Type=notify-reload). */
void notify_sd_ready(void)
{
    notify_sd_send_text("READY=1");
}

/* The time lets systemd tell this reload's READY=1 from an earlier one (Type=notify-reload). */
void notify_sd_reloading(void)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
                   (long long)(mono_now().ns / 1000));
    notify_sd_send_text(text);
}

/* systemd then waits for TimeoutStopSec and restarts nothing. */
void notify_sd_stopping(void)
{
    notify_sd_send_text("STOPPING=1");
}

void notify_sd_watchdog(void)
{
    notify_sd_send_text("WATCHDOG=1");
}

/* The line that `systemctl status` shows. */
void notify_sd_status(const char *fmt, ...)
{
    char text[MESSAGE_MAX] = "STATUS=";
    size_t head = strlen(text);
    va_list ap;
    va_start(ap, fmt);
    // NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is, the line above
    (void)vsnprintf(text + head, sizeof(text) - head, fmt, ap);
    va_end(ap);
    for (char *p = text + head; *p; p++)
        if (*p == '\n')
            *p = ' '; /* a line break would start another assignment */
    notify_sd_send_text(text);
}

/* 0: systemd expects no sign of life. */
int64_t notify_sd_watchdog_ms(void)
{
    return watchdog_ms;
}
