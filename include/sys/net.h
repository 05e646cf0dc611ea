/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sockets: listening, whole-operation deadlines, descriptors and bytes between processes. */
#ifndef BOOKINGD_SYS_NET_H
#define BOOKINGD_SYS_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/cdefs.h"
#include "base/clock.h"
#include "base/str.h"
#include "sys/config_values.h"

/* Binds and listens (NONBLOCK, CLOEXEC; TCP: REUSEADDR, NODELAY on accepted). -1 and *reason on
 * failure. A stale unix path is replaced only if nobody answers on it. */
int net_listen(const struct listen_addr *at, int backlog, const char **reason) MUST_CHECK;
/* Gives the file of a unix socket the owner and mode that are configured. False and *reason. */
bool net_unix_own(const struct listen_addr *at, const char **reason) MUST_CHECK;
/* How many sockets systemd passed, whatever their names. */
int net_systemd_count(void);
/* Sockets that systemd passed (LISTEN_FDS/LISTEN_PID); fills fds, returns how many. name NULL: all;
 * else those of that FileDescriptorName. */
int net_systemd_fds(const char *name, int *fds, int max);
/* "127.0.0.1:8080", "[::1]:80", "unix:/path" of the local or peer address, into buf. */
const char *net_local_name(int fd, char *buf, size_t size);
/* Only the address, as accept() gave it, for rate limits and logs: "192.0.2.7"; "unix" for a unix
 * socket, "unknown" for one that is neither. Returns buf. */
const char *net_address_text(const struct sockaddr_storage *from, char *buf, size_t size);
/* Is the text a literal address of the network? */
bool net_cidr_contains(const struct cidr *c, const char *address);

/*
 * Whether a system call that failed with errno `e` is worth another try: it was interrupted, or the
 * kernel is short of memory for the moment. In the latter case a few milliseconds have passed when
 * this returns, so that no loop spins.
 */
bool net_pause_after_error(int e) MUST_CHECK;
/* Waits until fd is ready for `events` or the deadline: 1 ready, 0 time is up, -1 error. */
int net_wait(int fd, short events, struct deadline d) MUST_CHECK;
/* What a connected socket has done at once, without waiting. On Linux EWOULDBLOCK is EAGAIN, and
 * only the latter is asked for anywhere. */
enum net_io {
    NET_IO_DONE,   /* sent: all; received: something */
    NET_IO_WAIT,   /* no more for the moment */
    NET_IO_END,    /* received: the peer sends no more */
    NET_IO_BROKEN, /* the connection failed; errno says how */
};
/* Sends what the socket takes and moves *bytes past it. */
enum net_io net_send_some(int fd, struct str *bytes) MUST_CHECK;
/* Receives once, at most `size` bytes; *got is 0 unless NET_IO_DONE. */
enum net_io net_recv_some(int fd, char *buf, size_t size, size_t *got) MUST_CHECK;
/* Writes all before the deadline. */
bool net_write_all(int fd, const void *p, size_t n, struct deadline d) MUST_CHECK;

/* Connected SEQPACKET pair, CLOEXEC. */
bool net_seqpacket_pair(int fd[2]) MUST_CHECK;
#define NET_FDS_MAX 4
/* One packet with up to NET_FDS_MAX descriptors. Bytes sent; -1 with errno (EAGAIN when the peer's
 * buffer is full). */
ssize_t net_send_fds(int sock, const struct iovec *iov, size_t iov_n, const int *fds,
                     size_t fds_n) MUST_CHECK;
/*
 * Receives one packet, without waiting for it; *fds_n: in capacity, out count (CLOEXEC). 0 at end
 * of file, -1 with errno. A truncated packet is EMSGSIZE and its fds are closed. NET_FDS_LOST: the
 * bytes are whole, but this process has no descriptors left for what came with them.
 */
#define NET_FDS_LOST SIZE_MAX
ssize_t net_recv_fds(int sock, void *buf, size_t size, int *fds, size_t *fds_n) MUST_CHECK;
/* A memfd holding the bytes, for packets that a socket buffer cannot take. -1 on failure. */
int net_memfd(const void *p, size_t n) MUST_CHECK;

#endif
