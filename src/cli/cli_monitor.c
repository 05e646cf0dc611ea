/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reads /status of the running daemon's monitor, for `status` and `reload`. A small HTTP client of
 * its own: the address is local, the answer is ours, and libcurl would need a resolver and shared
 * memory.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "cli_priv.h"
#include "sys/net.h"

/* Room for 1024 workers at 4 KiB each; a bound, should something else answer. */
#define ANSWER_MAX ((size_t)4 * 1024 * 1024)

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

/* monitor.listen was checked when it was read, so the host is a literal address. */
static socklen_t monitor_get_address(const struct listen_addr *at, union address *out)
{
    memset(out, 0, sizeof *out);
    if (at->kind == LISTEN_UNIX) {
        out->un.sun_family = AF_UNIX;
        memcpy(out->un.sun_path, at->path, strlen(at->path) + 1);
        return sizeof out->un;
    }
    if (strchr(at->host, ':')) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(at->port);
        return inet_pton(AF_INET6, at->host, &out->v6.sin6_addr) == 1 ? sizeof out->v6 : 0;
    }
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(at->port);
    return inet_pton(AF_INET, at->host, &out->v4.sin_addr) == 1 ? sizeof out->v4 : 0;
}

/* A connected socket; -1 with errno. Non-blocking, so that an address that drops packets cannot
 * hold the command for minutes. */
static int monitor_connect(const struct listen_addr *at, struct deadline d)
{
    union address to;
    socklen_t len = monitor_get_address(at, &to);
    int fd = socket(to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;
    if (fd < 0)
        return -1;
    if (connect(fd, &to.any, len) != 0) {
        error = errno;
        socklen_t size = sizeof error;
        if (error == EINPROGRESS && net_wait(fd, POLLOUT, d) == 1)
            (void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
        else if (error == EINPROGRESS)
            error = ETIMEDOUT;
    }
    if (error == 0)
        return fd;
    close(fd);
    errno = error;
    return -1;
}

/* To the end of the stream; false when it does not come in time or is too long. `Connection: close`
 * makes the end of the stream the end of the answer. */
static bool monitor_read_all(int fd, struct sb *out, struct deadline d)
{
    char buf[8192];
    for (;;) {
        ssize_t n = net_wait(fd, POLLIN, d) == 1 ? read(fd, buf, sizeof buf) : -1;
        if (n == 0)
            return true;
        if (n < 0 && (errno == EINTR || errno == EAGAIN) && !deadline_passed(d))
            continue;
        if (n < 0 || out->n + (size_t)n > ANSWER_MAX)
            return false;
        sb_add(out, buf, (size_t)n);
    }
}

/* One request per connection, so no length has to be parsed. */
static bool monitor_get_status(int fd, bool json, struct sb *answer, struct deadline d)
{
    static const char request[] =
        "GET /status HTTP/1.1\r\nHost: monitor\r\nConnection: close\r\nAccept: %s\r\n\r\n";
    char text[160];
    int n = snprintf(text, sizeof text, request, json ? "application/json" : "text/plain");
    return n > 0 && net_write_all(fd, text, (size_t)n, d) && monitor_read_all(fd, answer, d);
}

/* The body of a 200; false for any other answer. */
static bool monitor_find_body(struct str answer, struct str *body)
{
    for (size_t i = 0; i + 4 <= answer.n; i++)
        if (memcmp(answer.p + i, "\r\n\r\n", 4) == 0) {
            *body = (struct str){answer.p + i + 4, answer.n - i - 4};
            return str_starts(answer, STR("HTTP/1.1 200 "));
        }
    return false;
}

bool cli_monitor_ask(const struct listen_addr *at, bool json, struct deadline d,
                     struct cli_answer *out)
{
    out->reason = "gave an answer that is not a status";
    int fd = monitor_connect(at, d);
    if (fd < 0) {
        out->reason = NULL;
        return false;
    }
    bool answered = monitor_get_status(fd, json, &out->bytes, d);
    close(fd);
    return answered && monitor_find_body(sb_str(&out->bytes), &out->body);
}
