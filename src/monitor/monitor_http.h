/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* GET and HEAD over HTTP/1.1, bounded in connections, bytes and time. The caller owns the poll
 * loop. */
#ifndef BOOKINGD_MONITOR_MONITOR_HTTP_H
#define BOOKINGD_MONITOR_MONITOR_HTTP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"
#include "base/clock.h"
#include "http/http_parse.h"
#include "http/http_resp.h"

#define MONITOR_CONNS_MAX 64
#define MONITOR_LISTEN_MAX 8

struct monitor_http;
/* Fills the answer to a request for a path; the arena is the connection's. */
typedef void (*monitor_answer_fn)(void *ctx, const struct http_head *head, struct http_resp *resp);

/* A server on n listening sockets, which stay the caller's. NULL: out of memory. Ended by
 * monitor_http_free(), which closes its connections. */
struct monitor_http *monitor_http_new(const int *listen_fds, size_t n, monitor_answer_fn answer,
                                      void *ctx) MUST_CHECK;
void monitor_http_free(struct monitor_http *h);
/* Fills at most MONITOR_LISTEN_MAX + MONITOR_CONNS_MAX entries; returns how many. *until: not later
 * than this, serve.
 */
size_t monitor_http_polls(struct monitor_http *h, struct pollfd *polls, struct deadline *until);
/* After poll(): reads, answers, writes, closes what is late. The same entries. */
void monitor_http_serve(struct monitor_http *h, const struct pollfd *polls, size_t n);
/* No new connections, idle ones are closed; false once all are gone. */
bool monitor_http_drain(struct monitor_http *h);

#endif
