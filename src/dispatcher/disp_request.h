/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One request in the dispatcher, from its head's end until it is answered. For its files alone. */
#ifndef BOOKINGD_DISPATCHER_DISP_REQUEST_H
#define BOOKINGD_DISPATCHER_DISP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "http/http_parse.h"
#include "ipc/protocol.h"

/* A request from its head's end until it is answered. */
struct request {
    enum http_method method;
    size_t head_len, total; /* total: bytes of the whole, 0 until known */
    bool chunked, keep_alive, retried;
    bool local;             /* answered by disp_local.c */
    bool search;            /* one that leaves workers to the others (http_route.h) */
    bool has_client;        /* there is an address to count it under */
    uint64_t client;        /* that address, as a key of the table of addresses */
    uint32_t peer;          /* in that table while it waits or is with a worker; else 0 */
    size_t row;             /* of a local one: in the route table, beyond it for OPTIONS */
    size_t path_at, path_n; /* in the connection's buffer */
    uint64_t content_length;
    struct http_chunked scan;
    struct mono arrived, given; /* whole; to a worker: 0 when none has got it */
    struct deadline deadline;
    char id[PROTOCOL_ID_MAX + 1];
};

#endif
