/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The monitor's parts, for monitor/monitor*.c and their tests: its loop, its small HTTP server and
 * its pages. It calls no provider and never waits for the database with its face to the wall: while
 * a statement is under way the same loop answers scrapes.
 */
#ifndef BOOKINGD_MONITOR_MONITOR_H
#define BOOKINGD_MONITOR_MONITOR_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/clock.h"
#include "domain/config.h"
#include "domain/metrics_page.h"
#include "http/http_parse.h"
#include "http/http_resp.h"
#include "ipc/child.h"
#include "svc/db_gauges.h"

/* The master's fork calls it (ipc/child.h says in which state). Returns the exit code. */
int monitor_main(const struct child_env *env);

/* ---- monitor_http.c: GET and HEAD over HTTP/1.1, bounded in connections, bytes and time ---- */

#define MONITOR_CONNS_MAX 64
#define MONITOR_LISTEN_MAX 8

struct monitor_http;
/* Fills the answer to a request for a path; the arena is the connection's. */
typedef void (*monitor_answer_fn)(void *ctx, const struct http_head *head, struct http_resp *resp);

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

/* ---- monitor_page.c, monitor_process.c, monitor_status.c: what the pages say ---- */

struct monitor_view { /* what a page is made of, beside shared memory */
    const struct config *cfg;
    pid_t master;
    bool database_up;        /* connected, and the last read is good and not old */
    struct db_gauges ledger; /* meaningful when database_up */
    struct wall read_at;     /* us 0: never */
};

/* The whole page in the format that the Accept field asks for. */
struct str monitor_metrics_page(const struct monitor_view *v, struct arena *a,
                                enum metrics_format format);
/* process_* of the master, as the client libraries name them. */
void monitor_process_metrics(struct metrics_page *page);
/* The scoreboard as JSON, or as lines of text. */
struct str monitor_status_json(const struct monitor_view *v, struct arena *a);
struct str monitor_status_text(const struct monitor_view *v, struct arena *a);
/* Routes a request to its page. ctx is a struct monitor_view. */
void monitor_answer(void *ctx, const struct http_head *head, struct http_resp *resp);

#endif
