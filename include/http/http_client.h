/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Who is at the other end of a request, behind proxies too. Pure. */
#ifndef BOOKINGD_HTTP_HTTP_CLIENT_H
#define BOOKINGD_HTTP_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "http/http_head.h"
#include "sys/addrs.h"
#include "sys/config_values.h"

/* In all of these p is server.trusted_proxies: whose X-Forwarded-For is believed. */

/* Is the address, as text, or "unix" for a unix socket, a trusted proxy's? Any trusted network
 * makes unix sockets trusted: whoever can connect to one is on this machine. */
bool http_client_trusts(const struct cidr_list *p, const char *address);
/*
 * Reads X-Forwarded-For from right to left, up to the first address that is no trusted proxy's,
 * which is the client's; what is not an address ends the reading. out: the client, as text.
 */
void http_client_address(const struct cidr_list *p, const struct http_head *head, const char *peer,
                         char out[ADDR_TEXT_MAX]);

#endif
