/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Sockets for all processes: listening, names of addresses, waiting and writing under a deadline.
 * Called by the master (listening), dispatcher and monitor (clients), and whoever waits for a
 * descriptor. Every wait has a deadline; nothing here blocks without one.
 */
#include "sys/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "net_priv.h"

/* Long enough for the kernel to free memory, short enough to go unnoticed in a request of
 * seconds. */
#define AGAIN_NS 10000000L /* 10 ms */
#define SYSTEMD_FIRST_FD 3 /* sd_listen_fds(3) */

/* A union instead of casts: the compiler may assume that pointers of two types do not meet. */
union any_addr {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

/* ---- listening ---- */

/* The socket's address of a configured place; 0 when it has none. */
static socklen_t net_fill_address(const struct listen_addr *at, union any_addr *a)
{
    memset(a, 0, sizeof(*a));
    /* Literal addresses alone: names are not looked up, since a listener must not depend on DNS. */
    if (at->kind == LISTEN_UNIX) {
        return net_unix_address(at->path, &a->un);
    }
    if (inet_pton(AF_INET, at->host, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(at->port);
        return sizeof(a->v4);
    }
    if (inet_pton(AF_INET6, at->host, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons(at->port);
        return sizeof(a->v6);
    }
    return 0;
}

/* SO_REUSEADDR: a restart must not wait for connections of the process before to time out. */
static bool set_options(int fd, int family)
{
    const int on = 1;
    if (family == AF_UNIX)
        return true;
    /* v6 only: [::] beside 0.0.0.0 must not clash. Accepted sockets inherit NODELAY. */
    return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
           (family != AF_INET6 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0);
}

/* Non-blocking: a client that goes away between poll() and accept() must not stop the acceptor. */
int net_listen(const struct listen_addr *at, int backlog, const char **reason)
{
    union any_addr a;
    socklen_t len = at->kind == LISTEN_SYSTEMD ? 0 : net_fill_address(at, &a);
    if (len == 0) {
        *reason = at->kind == LISTEN_UNIX ? "path is empty or too long for a socket"
                                          : "not a literal address";
        return -1;
    }
    int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *reason = NULL;
    if (fd >= 0 && set_options(fd, a.sa.sa_family) &&
        (at->kind == LISTEN_UNIX ? net_unix_bind(fd, at, reason) : bind(fd, &a.sa, len) == 0) &&
        listen(fd, backlog) == 0)
        return fd;
    if (!*reason)
        *reason = strerror(errno);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* -1: not set, or no number. */
static int64_t net_env_number(const char *name)
{
    const char *v = getenv(name);
    int64_t n;
    return v && num_range(str_of(v), 0, INT32_MAX, &n) ? n : -1;
}

/* How many sockets systemd passed to this very process; 0 without systemd. */
int net_systemd_count(void)
{
    const int64_t count = net_env_number("LISTEN_FDS");
    return count > 0 && net_env_number("LISTEN_PID") == (int64_t)getpid() ? (int)count : 0;
}

/* sd_listen_fds(3). LISTEN_PID protects against variables that were inherited by mistake.
 * Close-on-exec and non-blocking are set here, since systemd sets neither. */
int net_systemd_fds(const char *name, int *fds, int max)
{
    const int64_t count = net_env_number("LISTEN_FDS");
    struct str names = str_of(getenv("LISTEN_FDNAMES"));
    int n = 0;
    if (net_env_number("LISTEN_PID") != (int64_t)getpid())
        return 0;
    for (int i = 0; i < count && n < max; i++) {
        struct str mine = str_cut(&names, ':');
        int fd = SYSTEMD_FIRST_FD + i;
        if (name && !str_eq(mine, str_of(name)))
            continue;
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
            fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
            continue;
        fds[n++] = fd;
    }
    return n;
}

/* ---- names ---- */

/* Text of an address; a v4 client on a v6 socket is the v4 client. */
static const char *address_text(const union any_addr *a, char *buf, size_t size)
{
    static const char unknown[] = "unknown";
    const char *text = NULL;
    if (a->sa.sa_family == AF_UNIX) {
        (void)snprintf(buf, size, "unix");
        return buf;
    }
    if (a->sa.sa_family == AF_INET)
        text = inet_ntop(AF_INET, &a->v4.sin_addr, buf, (socklen_t)size);
    else if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
        text = inet_ntop(AF_INET, &a->v6.sin6_addr.s6_addr[12], buf, (socklen_t)size);
    else if (a->sa.sa_family == AF_INET6)
        text = inet_ntop(AF_INET6, &a->v6.sin6_addr, buf, (socklen_t)size);
    if (!text)
        (void)snprintf(buf, size, "%s", unknown);
    return buf;
}

/* For logs and the status page; tests read the port that port 0 became. */
const char *net_local_name(int fd, char *buf, size_t size)
{
    union any_addr a;
    socklen_t len = sizeof(a);
    char text[INET6_ADDRSTRLEN];
    memset(&a, 0, sizeof(a));
    if (getsockname(fd, &a.sa, &len) < 0)
        (void)snprintf(buf, size, "unknown");
    else if (a.sa.sa_family == AF_UNIX)
        (void)snprintf(buf, size, "unix:%s%s", a.un.sun_path[0] ? "" : "@",
                       a.un.sun_path + (a.un.sun_path[0] ? 0 : 1));
    else if (a.sa.sa_family == AF_INET6)
        (void)snprintf(buf, size, "[%s]:%u",
                       inet_ntop(AF_INET6, &a.v6.sin6_addr, text, sizeof(text)),
                       (unsigned)ntohs(a.v6.sin6_port));
    else
        (void)snprintf(buf, size, "%s:%u", address_text(&a, text, sizeof(text)),
                       (unsigned)ntohs(a.v4.sin_port));
    return buf;
}

const char *net_address_text(const struct sockaddr_storage *from, char *buf, size_t size)
{
    union any_addr a;
    memset(&a, 0, sizeof(a));
    memcpy(&a, from, sizeof(a) < sizeof(*from) ? sizeof(a) : sizeof(*from));
    return address_text(&a, buf, size);
}

/* A v4 client that came over a v6 socket is compared as v4 (RFC 4291 2.5.5.2). */
bool net_cidr_contains(const struct cidr *c, const char *address)
{
    unsigned char raw[sizeof(struct in6_addr)];
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const unsigned char *p = raw;
    int family = AF_INET;
    if (inet_pton(AF_INET, address, raw) != 1) {
        if (inet_pton(AF_INET6, address, raw) != 1)
            return false;
        family = AF_INET6;
        if (memcmp(raw, mapped, sizeof(mapped)) == 0) {
            family = AF_INET;
            p = raw + sizeof(mapped);
        }
    }
    if (family != c->family || c->prefix > (family == AF_INET ? 32u : 128u))
        return false;
    const unsigned whole = c->prefix / 8, rest = c->prefix % 8;
    if (memcmp(p, c->addr, whole) != 0)
        return false;
    const unsigned mask = (0xff00u >> rest) & 0xffu;
    return rest == 0 || ((p[whole] ^ c->addr[whole]) & mask) == 0;
}

/* ---- waiting and writing ---- */

/* Out of kernel memory is no reason to end a process: pause, so that the loop does not spin, and go
 * on. */
bool net_pause_after_error(int e)
{
    if (e != ENOMEM && e != ENOBUFS)
        return e == EINTR;
    (void)nanosleep(&(struct timespec){.tv_nsec = AGAIN_NS}, NULL);
    return true;
}

/* 1 ready, 0 the deadline passed, -1 the descriptor is none. */
int net_wait(int fd, short events, struct deadline d)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int left = deadline_left_ms(d);
        int n = poll(&p, 1, left);
        if (n > 0)
            /* ERR and HUP: the next read or write says what it is. */
            return (p.revents & POLLNVAL) ? -1 : 1;
        if (n < 0 && !net_pause_after_error(errno))
            return -1;
        /* Asked again after EINTR: signals must not prolong a wait. */
        if (n <= 0 && deadline_passed(d))
            return 0;
    }
}

/* False when the deadline passed or the other side is gone; how much went out is then unknown. */
bool net_write_all(int fd, const void *p, size_t n, struct deadline d)
{
    const char *at = p;
    while (n > 0) {
        ssize_t w = send(fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        /* send() for MSG_NOSIGNAL; pipes take only write(). */
        if (w < 0 && errno == ENOTSOCK)
            w = write(fd, at, n);
        if (w >= 0) {
            at += w;
            n -= (size_t)w;
        } else if (errno == EAGAIN) {
            if (net_wait(fd, POLLOUT, d) != 1)
                return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}
