/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What a non-blocking socket does at once, for loops that poll: dispatcher, worker, monitor. */
#include <errno.h>
#include <sys/socket.h>

#include "sys/net.h"

/* The slice moves on by what was taken, so a caller keeps nothing but the slice. */
enum net_io net_send_some(int fd, struct str *bytes)
{
    while (bytes->n > 0) {
        ssize_t n = send(fd, bytes->p, bytes->n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0) {
            bytes->p += n;
            bytes->n -= (size_t)n;
        } else if (errno == EAGAIN) {
            return NET_IO_WAIT;
        } else if (errno != EINTR) {
            return NET_IO_BROKEN;
        }
    }
    return NET_IO_DONE;
}

/* 0 bytes from recv() are the end of the stream; size is never 0. */
enum net_io net_recv_some(int fd, char *buf, size_t size, size_t *got)
{
    ssize_t n;
    *got = 0;
    do {
        n = recv(fd, buf, size, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        *got = (size_t)n;
        return NET_IO_DONE;
    }
    if (n == 0)
        return NET_IO_END;
    return errno == EAGAIN ? NET_IO_WAIT : NET_IO_BROKEN;
}
