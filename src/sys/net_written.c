/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * How much of an answer has left this machine. The dispatcher asks after a worker's death, to tell
 * an answer that is out from one that is not (doc/ARCHITECTURE.md, Life of a crash).
 *
 * A file of its own, since <linux/tcp.h>, which has the newer fields, does not go with
 * <netinet/tcp.h>.
 */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>

#include "sys/net.h"

int64_t net_written(int fd)
{
    struct tcp_info i = {.tcpi_bytes_sent = 0};
    socklen_t len = sizeof(i);
    /* Older kernels fill a shorter struct; unix sockets have none. -1: unknown. */
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &len) != 0 ||
        len < offsetof(struct tcp_info, tcpi_dsack_dups))
        return -1;
    return (int64_t)(i.tcpi_bytes_sent - i.tcpi_bytes_retrans) + i.tcpi_notsent_bytes;
}
