/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One access record per answer, and its metrics. Called by the worker after each request and by the
 * dispatcher for the answers that it gives itself, so that both look alike to whoever reads logs.
 */
#include "http/http_access.h"

#include "base/ensure.h"
#include "base/names.h"
#include "domain/config.h"
#include "domain/metrics.h"
#include "http/http_problem.h"

/* As many as are set below. */
#define OWN_FIELDS_MAX 8

static unsigned http_access_skipped; /* of this process; see http_access_skip() */

void http_access_skip(unsigned routes)
{
    http_access_skipped = routes;
}

/* A probe that fails is what its reader looks for, so it is never left out. */
static bool http_access_is_skipped(const struct http_access *x)
{
    if (http_access_skipped == 0 || x->status >= 400)
        return false;
    const struct str path = str_of(http_route_pattern(x->routes, x->row));
    if (path.n < 2)
        return false;
    const int i = name_find(config_log_skips, LOG_SKIP_COUNT, (struct str){path.p + 1, path.n - 1});
    return i >= 0 && (http_access_skipped & 1U << i) != 0;
}

/* The metrics are counted here too, so that no answer is logged and not counted. */
void http_access_write(const struct http_access *x, const struct log_field *more, size_t n)
{
    struct log_field fields[OWN_FIELDS_MAX + HTTP_ACCESS_MORE_MAX];
    size_t at = 0;

    ENSURE(n <= HTTP_ACCESS_MORE_MAX);
    METRIC_INC(M_HTTP_REQUESTS, (unsigned)x->row, metric_status_index(x->status));
    METRIC_OBSERVE0(M_HTTP_QUEUE, x->queue_seconds);
    METRIC_OBSERVE(M_HTTP_DURATION, x->seconds, metric_route_index(x->row));

    if (http_access_is_skipped(x))
        return;
    fields[at++] = F_STR("method", x->method ? x->method : "none");
    fields[at++] = F_STR("route", http_route_pattern(x->routes, x->row));
    fields[at++] = F_INT("status", x->status);
    if (x->err != ERR_OK)
        fields[at++] = F_STR("code", err_code(http_problem_public(x->err)));
    fields[at++] = F_STR("client", x->client);
    fields[at++] = F_STR("who", x->who ? x->who : "-");
    fields[at++] = F_MS("took", x->seconds * 1000);
    fields[at++] = F_MS("queue", x->queue_seconds * 1000);
    if (n > 0)
        memcpy(fields + at, more, n * sizeof fields[0]);
    log_write(LOG_LEVEL_INFO, "http.request", fields, at + n);
}
