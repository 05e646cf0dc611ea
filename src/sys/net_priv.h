/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* For src/sys/net*.c alone: unix sockets and their files (net_unix.c). */
#ifndef BOOKINGD_SYS_NET_PRIV_H
#define BOOKINGD_SYS_NET_PRIV_H

#include <stdbool.h>
#include <sys/un.h>

#include "sys/net.h"

/* The address of a path; returns its length, 0 when the path is empty or too long. */
socklen_t net_unix_address(const char *path, struct sockaddr_un *out);
/* Binds and gives the file its mode and owner. False and *reason, or NULL there and errno. */
bool net_unix_bind(int fd, const struct listen_addr *at, const char **reason) MUST_CHECK;

#endif
