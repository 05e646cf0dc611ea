/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What every service function works with: the process's parts and the request's limits. Services
 * know nothing of HTTP. One service function is one use case: it runs its transactions and calls
 * providers between them, never inside one.
 */
#ifndef BOOKINGD_SVC_SVC_H
#define BOOKINGD_SVC_SVC_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/uuid.h"
#include "db/db.h"
#include "domain/actors.h"
#include "domain/config.h"
#include "domain/states.h"
#include "ext/ext_client.h"

struct svc {
    const struct config *cfg;
    struct db *db;
    struct ext *ext; /* NULL in processes that call no provider */
    struct arena *arena;
    struct deadline deadline;
    const char *request_id;
    /* The caller may choose the one above, also twice the same; this one is always our own. NULL
     * outside requests. */
    const char *own_request_id;
    long retry_after_s; /* out: when a limit has room again; 0: nothing to add */
    const char *detail; /* out: why a refusal, in a sentence for the caller; NULL: nothing to add */
    bool hint;          /* calls to providers are made for a hint: see ext_request.hint */
    const char *traceparent; /* the caller's (W3C), as it came; NULL: none */
};

/* Kept back of a request's time before a provider is called, for storing what it said: one round
 * trip to the database with a commit, which takes 1 to 20 ms on a loaded server. */
#define SVC_STORE_MS 100

enum principal_kind { WHO_NOBODY, WHO_CUSTOMER, WHO_STAFF };
struct principal {
    enum principal_kind kind;
    struct uuid id; /* customer or staff key */
    /* customers */
    const char *phone, *customer_name; /* name may be NULL */
    enum locale locale;
    struct wall customer_since;
    /* staff */
    enum staff_role role;
    const char *staff_name;
    bool one_venue; /* bound to venue_id */
    struct uuid venue_id;
    /* "customer:ID" or "staff:NAME": the actor of history and audit rows */
    const char *actor;
};

/* Whether a transaction that ended with e is to be run again: PostgreSQL ended it for another one's
 * sake, and there is time. *attempts counts and begins at 0; three are made. */
bool svc_may_retry(const struct svc *s, enum err e, int *attempts);

/* Versions of a thing that a change may be made against (If-Match); zeroed: any. */
#define VERSIONS_MAX 8
struct versions {
    bool limited; /* only those below; none at all when n is 0 */
    unsigned n;
    int64_t v[VERSIONS_MAX];
};
/* ERR_VERSION_MISMATCH when the thing's version is none of the wanted. */
enum err versions_check(const struct versions *wanted, int64_t version) MUST_CHECK;

#endif
