/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by the ext_*.c files alone: the providers' cells in shared memory, and one transfer
 * through curl. */
#ifndef BOOKINGD_EXT_EXT_PRIV_H
#define BOOKINGD_EXT_EXT_PRIV_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "domain/config.h"
#include "ext/ext_breaker.h"
#include "ext/ext_bulkhead.h"
#include "ext/ext_result.h"

/* ---- ext_shared.c ---- */
struct ext_cell {
    struct ext_breaker breaker;
    struct ext_bulkhead bulkhead;
    struct ext_bulkhead hints;    /* those of its places that calls for hints have */
    struct ext_bulkhead couriers; /* and couriers; held from before a claim until after its call */
    _Atomic int64_t paid_until;   /* the couriers' rate: see ext_courier.c */
};
/* The cell of a provider of the current configuration. */
struct ext_cell *ext_cell(int provider);
struct ext_breaker_limits ext_breaker_limits_of(const struct provider_config *p);
/* The bulkhead that the calls of workers to all providers share. */
struct ext_bulkhead *ext_common(void);

/* ---- ext_tls.c ---- */
/*
 * Sets OpenSSL up, which libcurl speaks TLS with, before there is a call. OpenSSL would do it piece
 * by piece in the first one, and a piece that memory ran out in may be marked as done although it
 * failed: every later call of the process fails then too. Here most such failures are seen: false,
 * and the process does not start. curl_global_init() sets up only a part of it.
 */
bool ext_tls_init(void) MUST_CHECK;

/* ---- ext_transfer.c ---- */
#define EXT_HEADER_BYTES_MAX (32 * 1024) /* of an answer, 1xx answers included */

/* What curl works with: kept for the life of the process, so that connections and addresses are
 * reused. */
struct ext_curl {
    CURL *easy;
    CURLU *url;
    const char *ca_file, *ca_path; /* NULL: the system's */
    bool sessions;                 /* TLS sessions are reused too */
    char *body;                    /* grows up to EXT_ANSWER_MAX */
    size_t body_cap;
};
struct ext_transfer {
    struct ext_curl *c;
    const struct ext_request *q;
    const struct provider_config *p;
    struct curl_slist *headers;
    struct curl_slist resolve; /* one entry; data NULL: the host is a literal address */
    /* the transfer's course */
    size_t body_n, header_n;
    unsigned begun;  /* how often curl began to send the request */
    bool head_whole; /* the answer's */
    bool too_large;
    bool no_memory;
    unsigned weight; /* of a fault, for the breaker */
};

/* The process's curl handle, made and ended. False: out of memory, and nothing is left to end. */
bool ext_curl_init(struct ext_curl *c) MUST_CHECK;
void ext_curl_fini(struct ext_curl *c);
/* Checks the request and makes ready what curl wants, on the arena. NULL: it can be sent; else
 * fixed words that say why not. */
const char *ext_transfer_prepare(struct ext_transfer *t, struct arena *a) MUST_CHECK;
/* Runs it, until then at the latest; allocates nothing on the arena. Fills r->status and
 * retry_after_s; not the body. */
struct ext_result ext_transfer_run(struct ext_transfer *t, struct deadline until,
                                   struct ext_reply *r) MUST_CHECK;
/* Its result when the answer, decoded, is larger than EXT_ANSWER_MAX. */
struct ext_result ext_transfer_too_large(struct ext_transfer *t);

#endif
