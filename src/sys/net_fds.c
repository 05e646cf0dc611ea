/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Packets with descriptors between processes (unix(7), SCM_RIGHTS). Called by ipc for requests and
 * their reports, and by the master to hand out socket pairs.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/ensure.h"
#include "sys/net.h"

/* A packet that the kernel has no memory for is tried again for a fifth of a second. */
#define TRIES_MAX 20

/* Aligned as cmsg(3) wants it. */
union control {
    struct cmsghdr head;
    char space[CMSG_SPACE(sizeof(int) * NET_FDS_MAX)];
};

/* Packets keep their borders, unlike a stream; and the other side's death is seen as end of file,
 * unlike with datagrams. */
bool net_seqpacket_pair(int fd[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) == 0;
}

/* Never waits: a full socket of a worker means that the dispatcher's own count is wrong, or the
 * peer is stuck. */
ssize_t net_send_fds(int sock, const struct iovec *iov, size_t iov_n, const int *fds, size_t fds_n)
{
    ENSURE(fds_n <= NET_FDS_MAX);
    union control control;
    /* sendmsg(2) only reads it; the POSIX type lacks the const. */
    struct iovec *vec = (struct iovec *)(uintptr_t)iov;
    struct msghdr msg = {.msg_iov = vec, .msg_iovlen = iov_n};
    memset(&control, 0, sizeof(control));
    if (fds_n) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds_n);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds_n);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_n);
    }
    ssize_t n;
    int tries = 0;
    do
        n = sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && tries++ < TRIES_MAX && net_pause_after_error(errno));
    return n;
}

/* Moves the descriptors of a packet to fds; those beyond `max` are closed. Returns how many there
 * were. */
static size_t take_fds(struct msghdr *msg, int *fds, size_t max)
{
    size_t n = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t here = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++, n++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (n < max)
                fds[n] = fd;
            else
                close(fd);
        }
    }
    return n;
}

/* NET_FDS_LOST: the packet arrived, its descriptors did not (no free number in this process). The
 * caller can still answer for the request. */
ssize_t net_recv_fds(int sock, void *buf, size_t size, int *fds, size_t *fds_n)
{
    union control control;
    const size_t max = *fds_n;
    struct iovec iov = {.iov_base = buf, .iov_len = size};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ssize_t n;
    do
        n = recvmsg(sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    *fds_n = 0;
    if (n < 0)
        return n;
    size_t got = take_fds(&msg, fds, max);
    /* `control` holds all that a packet may carry: it is cut only when there are no descriptors. */
    const bool whole = (msg.msg_flags & MSG_TRUNC) == 0 && got <= max,
               lost = (msg.msg_flags & MSG_CTRUNC) != 0;
    if (!whole || lost) {
        for (size_t i = 0; i < got && i < max; i++)
            close(fds[i]);
        *fds_n = NET_FDS_LOST;
        errno = EMSGSIZE;
        return whole ? n : -1;
    }
    *fds_n = got;
    return n;
}

/* For a request that is too long for a packet. The descriptor can be sent like any other, and the
 * memory is freed with its last holder. */
int net_memfd(const void *p, size_t n)
{
    int fd = memfd_create("bookingd", MFD_CLOEXEC);
    const char *at = p;
    while (fd >= 0 && n > 0) {
        ssize_t w = write(fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            close(fd);
            return -1;
        }
        at += w;
        n -= (size_t)w;
    }
    if (fd >= 0 && lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}
