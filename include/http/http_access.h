/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The access record and the request metrics (BEHAVIOUR §9, §10), the same for answers of a worker
 * and of the dispatcher.
 */
#ifndef BOOKINGD_HTTP_HTTP_ACCESS_H
#define BOOKINGD_HTTP_HTTP_ACCESS_H

#include "base/err.h"
#include "http/http_route.h"
#include "sys/log.h"

struct http_access {
    const struct http_route_table *routes;
    size_t row;         /* in routes; routes->n: none */
    const char *method; /* NULL: no request line was read */
    int status;
    enum err err;       /* ERR_OK, or what the problem document names */
    const char *client; /* address */
    const char *who;    /* "staff:NAME", "customer:ID"; NULL: nobody who is known */
    double seconds;     /* from the request's last byte to its answer */
    double queue_seconds;
};

/* How many fields of its own a caller may add; room for one per provider. */
#define HTTP_ACCESS_MORE_MAX 24

/* Records of these routes (bits of log.skip) are left out while they are answered well. */
void http_access_skip(unsigned routes);

/* Counts the answer, observes both durations, and writes the record with the caller's own fields
 * at its end. The request's id comes from log_set_request(). */
void http_access_write(const struct http_access *x, const struct log_field *more, size_t n);

#endif
