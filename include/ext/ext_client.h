/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The one HTTP client for providers, over a libcurl easy handle that is reused with its
 * connections. Bounded in every direction: connect, TLS and total time inside the caller's
 * deadline, answer size, no redirects, http(s) only, addresses from the resolver (a worker never
 * waits for DNS). The outcome has three sides: done, failed, unknown (contract 3).
 */
#ifndef BOOKINGD_EXT_EXT_CLIENT_H
#define BOOKINGD_EXT_EXT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "domain/config.h"
#include "domain/metrics.h"

#define EXT_ANSWER_MAX (256 * 1024)
#define EXT_HEADERS_MAX 16

struct ext; /* the process's client: curl handle, and its place in the breakers */

/* Bytes of shared memory for breakers and bulkheads of all providers; before fork. */
size_t ext_shared_size(const struct config *cfg);
/*
 * Before fork. Called again for a new configuration (reload) it takes no more memory: a provider of
 * the same name keeps its circuit and its calls in flight, and processes of the old generation go
 * on with theirs.
 */
void ext_shared_init(const struct config *cfg, unsigned slots);
/*
 * After fork and scoreboard_attach; NULL when curl cannot start. Certificates are checked against
 * the system's authorities, or SSL_CERT_FILE / SSL_CERT_DIR where the environment names them.
 */
struct ext *ext_new(const struct config *cfg) MUST_CHECK;
void ext_free(struct ext *x);
/* The provider's configuration. */
const struct provider_config *ext_provider(const struct ext *x, int provider);

struct ext_request {
    int provider; /* index in the configuration */
    enum provider_op op;
    const char *method;                      /* "GET", "POST", "PUT" */
    const char *url;                         /* whole, on the provider's base_url */
    const char *headers[EXT_HEADERS_MAX];    /* "Name: value", NULL-terminated; User-Agent,
                                                X-Request-Id and traceparent    are added */
    const char *basic_user, *basic_password; /* HTTP Basic; NULL: none */
    struct str body;
    const char *content_type; /* with a body */
    const char *request_id;
    const char *traceparent; /* the caller's (W3C), whose trace goes on; NULL: one made from the
                                request id */
    bool idempotent; /* a read: may be sent anew by curl when a reused connection died; a write
                        never is */
};

/*
 * How a call ended. Every call to a provider, at each level (ext_call, sms_send, pay_*), returns
 * one, and fills what it was asked for only with ERR_OK.
 */
struct ext_result {
    enum err err;         /* ERR_OK; ERR_PROVIDER_REJECTED, _FAILED, _TIMEOUT, _UNAVAILABLE;
                             ERR_DEADLINE; pay_*: ERR_NOT_FOUND */
    enum outcome outcome; /* OUTCOME_OK exactly with ERR_OK; a read is never OUTCOME_UNKNOWN */
    const char *detail; /* fixed words or the provider's code, for log and error_detail: "connection
                           refused"; never a text or number of a customer; NULL with ERR_OK */
    long retry_after_s; /* the provider's wish, or until the circuit lets a probe through; 0 */
};

/* A whole answer. */
struct ext_reply {
    int status; /* HTTP, 0 when there was no whole answer */
    struct str body;
    const char *content_type; /* "" when absent */
    long retry_after_s;       /* from Retry-After; 0 */
    double seconds;           /* what the call took */
};

/*
 * One call at a time in a process. ERR_OK: a whole HTTP answer is in *r, whatever its status: the
 * provider's file judges it and reports with ext_judge(). ERR_PROVIDER_UNAVAILABLE: not tried
 * (circuit open, bulkhead full). ERR_PROVIDER_TIMEOUT, ERR_PROVIDER_FAILED: the outcome says
 * whether it may have happened. ERR_DEADLINE: no time was left to try. Faults are reported to
 * breaker and metrics here.
 */
struct ext_result ext_call(struct ext *x, struct arena *a, const struct ext_request *q,
                           struct deadline d, struct ext_reply *r) MUST_CHECK;
/*
 * The driver's result of a whole answer, exactly once after ERR_OK: counts for metrics and breaker
 * (ERR_OK, a refusal and ERR_NOT_FOUND are healthy), and logs a refusal or fault as `event`.
 */
void ext_judge(struct ext *x, const struct ext_request *q, const struct ext_reply *reply,
               const struct ext_result *r, const char *event);
/* Seconds spent in calls of this process since the last reset, for the access record; per provider.
 */
double ext_seconds_spent(const struct ext *x, int provider);
void ext_reset_spent(struct ext *x);

/* ---- breaker and bulkhead, for staff and monitor ---- */
enum circuit { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN };
extern const char *const circuit_names[3]; /* "closed", "open", "half_open" */
struct ext_state {
    enum circuit circuit;
    unsigned in_flight, consecutive_failures;
    const char *last_fault; /* error code; NULL when there was none */
    struct wall last_fault_at;
    long retry_after_s; /* until a probe, when open */
};
void ext_read_state(int provider, struct ext_state *out);

#endif
