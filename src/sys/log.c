/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Writes log records to stderr without ever blocking. Called by every process; the text of a record
 * is made by log_line.c.
 */
#include "sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/num.h"
#include "sys/log_line.h"

#define ROLE_MAX 24 /* longer than any role's name */

/* What stderr is decides how to write without waiting: a file never blocks, a socket has
 * MSG_DONTWAIT, a pipe can be opened anew, and anything else (a terminal) is polled first. */
enum sink { SINK_PLAIN, SINK_POLLED, SINK_PIPE, SINK_SOCKET };

static struct {
    enum log_format format;
    enum log_level level;
    enum sink sink;
    int fd;         /* where records go: 2, or our own description of the same pipe */
    bool prefixed;  /* journald reads: "<N>" in front */
    bool line_open; /* the last record went out in part: end it first */
    dev_t dev;      /* of the pipe behind fd, when that is not 2 */
    ino_t ino;
    char role[ROLE_MAX];
    int slot;
    const char *request;
    uint64_t dropped, dropped_told;
    void (*on_drop)(void);
    bool holding;
    size_t held_n;
    char held[LOG_LINE_MAX]; /* of whole records; no more, so that a pipe takes all or nothing */
} g_log = {.level = LOG_LEVEL_INFO, .fd = STDERR_FILENO, .slot = -1, .sink = SINK_POLLED};

static const char *const level_names[] = {[LOG_LEVEL_ERROR] = "error",
                                          [LOG_LEVEL_WARN] = "warn",
                                          [LOG_LEVEL_INFO] = "info",
                                          [LOG_LEVEL_DEBUG] = "debug"};
/* sd-daemon(3): <3> error, <4> warning, <6> info, <7> debug. */
static const char level_priority[] = {[LOG_LEVEL_ERROR] = '3',
                                      [LOG_LEVEL_WARN] = '4',
                                      [LOG_LEVEL_INFO] = '6',
                                      [LOG_LEVEL_DEBUG] = '7'};

/* systemd.exec(5): JOURNAL_STREAM is "device:inode" of the stream it connected; stderr may be
 * another by now. */
static bool log_is_read_by_journal(const struct stat *st)
{
    struct str ino = str_of(getenv("JOURNAL_STREAM")), dev = str_cut(&ino, ':');
    int64_t d, i;
    return num_i64(dev, &d) && num_i64(ino, &i) && (dev_t)d == st->st_dev && (ino_t)i == st->st_ino;
}

/*
 * A pipe is opened anew through /proc: O_NONBLOCK on the inherited description would be shared with
 * whoever else writes there (a shell, its other jobs). Where that is not allowed, poll() before
 * each write has to do.
 */
static void log_open_pipe(const struct stat *st)
{
    if (g_log.fd != STDERR_FILENO) {
        if (g_log.dev == st->st_dev && g_log.ino == st->st_ino)
            return;
        close(g_log.fd);
    }
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0) {
        g_log.fd = fd;
        g_log.sink = SINK_PIPE;
    } else {
        g_log.fd = STDERR_FILENO;
        g_log.sink = SINK_POLLED;
    }
    g_log.dev = st->st_dev;
    g_log.ino = st->st_ino;
}

/* Called again at a reload and after logrotate moved the pipe: stderr may be another by then. */
void log_init(enum log_format format, enum log_level level)
{
    struct stat st;
    g_log.format = format;
    g_log.level = level;
    if (fstat(STDERR_FILENO, &st) < 0)
        return;
    g_log.prefixed = log_is_read_by_journal(&st);
    if (S_ISFIFO(st.st_mode)) {
        log_open_pipe(&st);
        return;
    }
    if (g_log.fd != STDERR_FILENO)
        close(g_log.fd);
    g_log.fd = STDERR_FILENO;
    g_log.sink = S_ISSOCK(st.st_mode)  ? SINK_SOCKET
                 : S_ISREG(st.st_mode) ? SINK_PLAIN
                                       : SINK_POLLED;
}

/* In a child, and after a reload: where records go stays as it is. */
void log_set(enum log_format format, enum log_level level)
{
    g_log.format = format;
    g_log.level = level;
}

/* -1: there is one process of that role, so its number says nothing. */
void log_set_role(const char *role, int slot)
{
    (void)snprintf(g_log.role, sizeof(g_log.role), "%s", role ? role : "");
    g_log.slot = slot;
}

/* Borrowed: the caller sets NULL before the id's memory goes. */
void log_set_request(const char *request_id)
{
    g_log.request = request_id;
}

/* For the master, which closes all descriptors but this one in a child. */
int log_fd(void)
{
    return g_log.fd;
}

/* The counter of dropped records is above this layer. */
void log_set_drop_hook(void (*fn)(void))
{
    g_log.on_drop = fn;
}

/* Bytes taken, or -1: nothing. Never waits. */
static ssize_t log_put(const char *p, size_t n)
{
    struct pollfd ready = {.fd = g_log.fd, .events = POLLOUT};
    ssize_t w;
    do {
        if (g_log.sink == SINK_SOCKET)
            w = send(g_log.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        else if (g_log.sink == SINK_POLLED &&
                 (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT)))
            return -1;
        else
            w = write(g_log.fd, p, n);
    } while (w < 0 && errno == EINTR);
    return w;
}

/* Whole lines. False: not all of it went out, and *taken bytes did. */
static bool log_emit(const char *p, size_t n, size_t *taken)
{
    ssize_t w = -1;
    /* A reader must never see two records in one line. */
    if (!g_log.line_open || log_put("\n", 1) == 1) {
        g_log.line_open = false;
        w = log_put(p, n);
    }
    *taken = w > 0 ? (size_t)w : 0;
    /* Only a socket takes a part: a pipe takes PIPE_BUF or nothing. */
    if (*taken > 0)
        g_log.line_open = p[*taken - 1] != '\n';
    return *taken == n;
}

/* Each line feed that did not go out is a record that nobody can read. */
static void log_put_records(const char *p, size_t n)
{
    size_t taken;
    if (log_emit(p, n, &taken))
        return;
    for (size_t i = taken; i < n; i++) {
        if (p[i] != '\n')
            continue;
        g_log.dropped++;
        if (g_log.on_drop)
            g_log.on_drop();
    }
}

void log_hold(void)
{
    g_log.holding = true;
}

void log_flush(void)
{
    const size_t n = g_log.held_n;
    g_log.held_n = 0;
    if (n > 0)
        log_put_records(g_log.held, n);
}

static void log_keep(const struct log_line *line)
{
    if (line->n > sizeof g_log.held - g_log.held_n)
        log_flush();
    memcpy(g_log.held + g_log.held_n, line->buf, line->n);
    g_log.held_n += line->n;
}

/* The fields that every record has, in a fixed order, so that people can read a log without a
 * tool. */
static void log_start(struct log_line *line, enum log_level level, const char *event)
{
    char now[WALL_RFC3339_MAX];
    log_line_start(line, g_log.format == LOG_FORMAT_JSON,
                   g_log.prefixed ? level_priority[level] : '\0');
    log_line_str(line, "ts", str_of(wall_format(wall_now(), now)));
    log_line_str(line, "level", str_of(level_names[level]));
    log_line_str(line, "event", str_of(event));
    if (g_log.role[0])
        log_line_str(line, "role", str_of(g_log.role));
    if (g_log.slot >= 0)
        log_line_int(line, "slot", g_log.slot);
    if (g_log.request)
        log_line_str(line, "request_id", str_of(g_log.request));
}

/* A phone number has a kind of its own, so that no caller can forget to mask it. */
static void log_add_field(struct log_line *line, const struct log_field *f)
{
    char masked[LOG_PHONE_MAX];
    switch (f->kind) {
    case LOG_F_STR:
        log_line_str(line, f->key, str_of(f->z));
        break;
    case LOG_F_INT:
        log_line_int(line, f->key, f->i);
        break;
    case LOG_F_MS:
        log_line_ms(line, f->key, f->f);
        break;
    case LOG_F_PHONE:
        log_line_str(line, f->key,
                     str_of(f->z ? log_mask_phone(f->z, masked, sizeof(masked)) : NULL));
        break;
    }
}

/* Once there is room again, say what is missing. */
static void log_tell_dropped(void)
{
    struct log_line line;
    log_start(&line, LOG_LEVEL_WARN, "log.dropped");
    size_t taken;
    log_line_int(&line, "records", (int64_t)(g_log.dropped - g_log.dropped_told));
    log_line_end(&line);
    if (log_emit(line.buf, line.n, &taken))
        g_log.dropped_told = g_log.dropped;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
    struct log_line line;
    /* Callers log first and look at errno afterwards. */
    int saved = errno;
    if (level > g_log.level)
        return;
    if (g_log.dropped != g_log.dropped_told) {
        log_flush();
        log_tell_dropped();
    }
    log_start(&line, level, event);
    for (size_t i = 0; i < n; i++)
        log_add_field(&line, &fields[i]);
    log_line_end(&line);
    if (g_log.holding)
        log_keep(&line);
    else
        log_put_records(line.buf, line.n);
    errno = saved;
}

const char *log_mask_phone(const char *phone, char *buf, size_t size)
{
    /* Country and operator stay readable for support; five digits or more are hidden (BEHAVIOUR
     * §10). */
    enum { HEAD = 5, TAIL = 4 };
    size_t n = strlen(phone);
    /* Too short to hide anything: nothing is shown. */
    if (n < HEAD + TAIL + 2 || size < HEAD + 4 + TAIL + 1)
        (void)snprintf(buf, size, "****");
    else
        (void)snprintf(buf, size, "%.*s****%s", HEAD, phone, phone + n - TAIL);
    return buf;
}
