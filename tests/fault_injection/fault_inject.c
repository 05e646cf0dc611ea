/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * LD_PRELOAD: makes the Nth call of a kind fail in one process, as the page says that
 * FAULT_INJECT_PAGE names. Every library's calls are counted too. Steps the wall clock likewise.
 * Where the failure was made to fail, and where the process crashed if it did, is left in the page.
 */
#define _GNU_SOURCE
#include "fault_inject.h"
#include "fault_inject_heap.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FRAMES 24
#define NS 1000000000LL

static struct inject_page nobody, *page = &nobody;
static __thread int inside; /* our own calls are nobody's */

/* first: NULL, or what is said before them. */
static void write_frames(char *to, size_t size, const char *first)
{
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);
    size_t used = first ? (size_t)snprintf(to, size, "heap+0x0 %s\n", first) : 0;
    for (int i = 2; i < n && used + 120 < size; i++) {
        Dl_info info;
        if (dladdr(frames[i], &info) == 0)
            continue;
        const char *slash = strrchr(info.dli_fname, '/');
        used += (size_t)snprintf(to + used, size - used, "%s+0x%lx %s\n",
                                 slash ? slash + 1 : info.dli_fname,
                                 (unsigned long)((char *)frames[i] - (char *)info.dli_fbase),
                                 info.dli_sname ? info.dli_sname : "");
    }
}

static void on_crash(int signo)
{
    inside = 1;
    page->crash = signo;
    write_frames(page->crashed, sizeof page->crashed, heap_fault);
    signal(signo, SIG_DFL);
    raise(signo);
}

/* bookingd gives its children the default handlers back: ours are set when the process is first
 * seen. */
static void watch_crashes(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static pid_t watched;
    if (watched == getpid())
        return;
    watched = getpid();
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        signal(fatal[i], on_crash);
}

/* Whether this call is the one. */
static bool inject_due(enum inject_class class)
{
    if (page->pid == 0 || page->class != (int)class || inside || page->pid != getpid())
        return false;
    inside = 1;
    watch_crashes();
    int64_t n = ++page->seen;
    bool it = page->at > 0 && (n == page->at || (page->mode == INJECT_FROM && n > page->at));
    if (it && page->injected++ == 0)
        write_frames(page->where, sizeof page->where, NULL);
    inside = 0;
    return it;
}

/* A stream's call that does less than it was asked to. Packets are never cut by the kernel. */
static bool cut(int fd)
{
    int type = SOCK_STREAM;
    socklen_t n = sizeof type;
    if (page->mode != INJECT_SHORT)
        return false;
    (void)getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n);
    return type == SOCK_STREAM;
}

static bool fails(void)
{
    if (page->mode == INJECT_SHORT)
        return false;
    errno = page->error;
    return true;
}

/* Another library may call before begin() ran. */
#define REAL(name, ...) \
    (((__typeof__(name) *)(real_##name ? real_##name : dlsym(RTLD_NEXT, #name)))(__VA_ARGS__))
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)

static void *real_read, *real_write, *real_readv, *real_writev, *real_send, *real_sendto,
    *real_sendmsg, *real_recv, *real_recvfrom, *real_recvmsg, *real_connect, *real_open,
    *real_openat, *real_socket, *real_poll, *real_clock_gettime, *real_gettimeofday;

__attribute__((constructor)) static void begin(void)
{
    void *frames[2];
    FIND(read), FIND(write), FIND(readv), FIND(writev), FIND(send), FIND(sendto), FIND(sendmsg),
        FIND(recv), FIND(recvfrom), FIND(recvmsg);
    FIND(connect), FIND(open), FIND(openat), FIND(socket), FIND(poll), FIND(clock_gettime),
        FIND(gettimeofday);
    (void)backtrace(frames, 2); /* loads what it needs now, not in the middle of something */
    const char *path = getenv("FAULT_INJECT_PAGE");
    int fd = path ? REAL(open, path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *p = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p != MAP_FAILED)
        page = p;
    close(fd);
}

/* ---- memory ---- */

static void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t n)
{
    return inject_due(INJECT_ALLOC) ? no_memory() : heap_new(n);
}

void *calloc(size_t n, size_t size)
{
    size_t all;
    if (inject_due(INJECT_ALLOC) || __builtin_mul_overflow(n, size, &all))
        return no_memory();
    void *p = heap_new(all);
    return p ? memset(p, 0, all) : NULL;
}

void free(void *p)
{
    if (p)
        heap_free(p);
}

size_t malloc_usable_size(void *p)
{
    return p ? heap_size(p) : 0;
}

/* Always at another address: who kept the old one goes wrong. */
void *realloc(void *p, size_t n)
{
    if (inject_due(INJECT_ALLOC))
        return no_memory();
    void *q = p && n == 0 ? NULL : heap_new(n);
    if (p && q)
        memcpy(q, p, heap_size(p) < n ? heap_size(p) : n);
    if (p && (q || n == 0))
        heap_free(p);
    return q;
}

void *reallocarray(void *p, size_t n, size_t size)
{
    size_t all;
    if (__builtin_mul_overflow(n, size, &all))
        return no_memory();
    return realloc(p, all);
}

void *memalign(size_t align, size_t n)
{
    return inject_due(INJECT_ALLOC) ? no_memory() : heap_new_aligned(align, n);
}

void *aligned_alloc(size_t align, size_t n)
{
    return memalign(align, n);
}

int posix_memalign(void **out, size_t align, size_t n)
{
    void *p = memalign(align, n);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

/* ---- bytes ---- */

ssize_t read(int fd, void *p, size_t n)
{
    if (inject_due(INJECT_READ)) {
        if (fails())
            return -1;
        n = cut(fd) && n > 1 ? 1 : n;
    }
    return REAL(read, fd, p, n);
}

ssize_t __read_chk(int fd, void *p, size_t n, size_t size);
ssize_t __read_chk(int fd, void *p, size_t n, size_t size)
{
    (void)size;
    return read(fd, p, n);
}

ssize_t readv(int fd, const struct iovec *v, int n)
{
    if (inject_due(INJECT_READ)) {
        if (fails())
            return -1;
        if (cut(fd) && n > 0 && v[0].iov_len > 1)
            return REAL(read, fd, v[0].iov_base, 1);
    }
    return REAL(readv, fd, v, n);
}

ssize_t write(int fd, const void *p, size_t n)
{
    if (inject_due(INJECT_WRITE)) {
        if (fails())
            return -1;
        n = cut(fd) && n > 1 ? 1 : n;
    }
    return REAL(write, fd, p, n);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
    if (inject_due(INJECT_WRITE)) {
        if (fails())
            return -1;
        if (cut(fd) && n > 0 && v[0].iov_len > 1)
            return REAL(write, fd, v[0].iov_base, 1);
    }
    return REAL(writev, fd, v, n);
}

ssize_t sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to, socklen_t len)
{
    if (inject_due(INJECT_SENDTO)) {
        if (fails())
            return -1;
        n = cut(fd) && n > 1 ? 1 : n;
    }
    return REAL(sendto, fd, p, n, flags, to, len);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
    return sendto(fd, p, n, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    if (inject_due(INJECT_SENDTO) && fails())
        return -1;
    return REAL(sendmsg, fd, m, flags);
}

ssize_t recvfrom(int fd, void *p, size_t n, int flags, struct sockaddr *from, socklen_t *len)
{
    if (inject_due(INJECT_RECVFROM)) {
        if (fails())
            return -1;
        n = cut(fd) && n > 1 ? 1 : n;
    }
    return REAL(recvfrom, fd, p, n, flags, from, len);
}

ssize_t recv(int fd, void *p, size_t n, int flags)
{
    return recvfrom(fd, p, n, flags, NULL, NULL);
}

ssize_t __recv_chk(int fd, void *p, size_t n, size_t size, int flags);
ssize_t __recv_chk(int fd, void *p, size_t n, size_t size, int flags)
{
    (void)size;
    return recvfrom(fd, p, n, flags, NULL, NULL);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    if (inject_due(INJECT_RECVFROM) && fails())
        return -1;
    return REAL(recvmsg, fd, m, flags);
}

/* ---- descriptors ---- */

int connect(int fd, const struct sockaddr *to, socklen_t n)
{
    if (inject_due(INJECT_CONNECT) && fails())
        return -1;
    return REAL(connect, fd, to, n);
}

int socket(int domain, int type, int protocol)
{
    if (inject_due(INJECT_SOCKET) && fails())
        return -1;
    return REAL(socket, domain, type, protocol);
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    if (inject_due(INJECT_OPEN) && fails())
        return -1;
    return REAL(open, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int openat(int dir, const char *path, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    if (inject_due(INJECT_OPEN) && fails())
        return -1;
    return REAL(openat, dir, path, flags, mode);
}

int openat64(int dir, const char *path, int flags, ...) __attribute__((alias("openat")));

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
    if (inject_due(INJECT_POLL) && fails())
        return -1;
    return REAL(poll, fds, n, timeout);
}

/* ---- the wall clock ---- */

int clock_gettime(clockid_t clock, struct timespec *ts)
{
    int rc = REAL(clock_gettime, clock, ts);
    int64_t step = page->clock_step_ns;
    if (rc == 0 && step != 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t t = ts->tv_sec * NS + ts->tv_nsec + step;
        *ts = (struct timespec){.tv_sec = t / NS, .tv_nsec = t % NS};
    }
    return rc;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec ts;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
        return -1;
    *tv = (struct timeval){.tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out)
{
    struct timespec ts;
    time_t t = clock_gettime(CLOCK_REALTIME, &ts) == 0 ? ts.tv_sec : (time_t)-1;
    if (out)
        *out = t;
    return t;
}
