/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The one HTTP client for providers, over a libcurl easy handle that is reused with its
 * connections. Bounded in every direction: connect, TLS and total time inside the caller's
 * deadline, answer size, no redirects, http(s) only, addresses from the resolver (a worker never
 * waits for DNS). The outcome has three sides: done, failed, unknown (BEHAVIOUR §3).
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
#include "ext/ext_result.h"

struct ext; /* the process's client: curl handle, and its place in the breakers */

/*
 * After fork and scoreboard_attach; NULL when curl cannot start. Certificates are checked against
 * the system's authorities, or SSL_CERT_FILE / SSL_CERT_DIR where the environment names them.
 */
struct ext *ext_new(const struct config *cfg) MUST_CHECK;
void ext_free(struct ext *x);
/* The provider's configuration. */
const struct provider_config *ext_provider(const struct ext *x, int provider);

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

#endif
