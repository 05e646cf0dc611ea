/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Problem documents (RFC 9457), and the one table from an error to what a client sees of it:
 * status, title, Retry-After. For the api layer, and for whoever answers without a handler.
 */
#ifndef BOOKINGD_HTTP_HTTP_PROBLEM_H
#define BOOKINGD_HTTP_HTTP_PROBLEM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "http/http_resp.h"
#include "sys/json.h"

struct http_problem {
    enum err err;
    const char *detail; /* NULL: none */
    const char *request_id;
    long retry_after_s;   /* 0: as the table says */
    bool outcome_unknown; /* adds "outcome": "unknown" */
    /* Of http_problem_bytes() alone: */
    const char *allow_origin; /* the listed origin that asks (http_cors.h); NULL */
    bool keep_alive;
    bool head_only; /* answers HEAD */
};

/* The error that a client sees for e: e itself, or ERR_INTERNAL when e has no row. */
enum err http_problem_public(enum err e);
/* HTTP status of an error; any value of e is allowed. */
int http_problem_status(enum err e);

/* The document, on the arena; the caller may add members of its own. */
json_t *http_problem_document(struct arena *a, const struct http_problem *p);
/* Starts *resp anew with status, body and Retry-After. */
void http_problem_respond(struct http_resp *resp, struct arena *a, const struct http_problem *p,
                          const json_t *document);
/* A whole answer, X-Request-Id included, on the arena; leaves by arena_oom() when memory is out. */
struct str http_problem_bytes(struct arena *a, const struct http_problem *p);
/* The 503 of a request for which memory ran out, with Connection: close. What it takes fits into
 * an arena's first chunk, so it cannot fail on an arena that was just reset. */
struct str http_problem_oom_bytes(struct arena *a, const char *request_id, const char *allow_origin,
                                  bool head_only);

#endif
