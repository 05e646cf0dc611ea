/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * From the bytes of one whole request to the bytes of its answer: what a worker calls. The frame
 * (api.c) does for all routes: routing, media type, JSON and query schemas, authentication, roles,
 * idempotency keys, problem documents, access record, metrics. api_handler.h is for handlers.
 */
#ifndef BOOKINGD_API_API_H
#define BOOKINGD_API_API_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/str.h"
#include "http/http_route.h"

struct api; /* one per worker process */
struct config;
struct db;
struct ext;

/* NULL: out of memory. All three are borrowed and must live as long as the result, which api_free()
 * ends. Once per worker process. */
struct api *api_new(const struct config *cfg, struct db *db, struct ext *ext) MUST_CHECK;
void api_free(struct api *api);

struct api_input {
    char *bytes; /* a whole request; a chunked body is joined in place */
    size_t len;
    const char *peer;       /* address of the socket's other end */
    const char *request_id; /* chosen by the dispatcher: the caller's, or a new one */
    struct deadline deadline;
    double queue_seconds;
    size_t answer_max; /* bytes; a longer answer becomes a 500. 0: no limit */
    /* Called once with "POST /v1/bookings" (the pattern, never the path itself, which holds
     * identifiers) as soon as the request's route is known; NULL: nobody wants to know. */
    void (*on_route)(void *ctx, const char *name);
    void *ctx;
    bool close; /* the process drains: the answer says Connection: close whatever the request wishes
                 */
};
struct api_output {
    struct str bytes; /* lives until api_release() */
    int status;
    bool keep_alive;
};
/* Always answers. Never returns before the access record was written. */
void api_serve(struct api *api, const struct api_input *in, struct api_output *out);
/* Wipes and releases all memory of the request, the answer's bytes included: call it as soon as
 * they are sent. */
void api_release(struct api *api);
/* Between requests: results that could not be stored (database away) are tried again. True when
 * some are left. */
bool api_idle(struct api *api, struct deadline d);

/* Method, path and usual status of every route, for the dispatcher and the metrics. */
extern const struct http_route_table api_route_table;

#endif
