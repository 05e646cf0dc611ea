/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One access record a request (contract 10), and its metrics. */
#include "api_priv.h"
#include "sys/log.h"
#include "sys/metrics.h"

#define FIELDS_MAX (12 + PROVIDERS_MAX)

static void record_metrics(const struct api *api, int status, double seconds)
{
    METRIC_INC(M_HTTP_REQUESTS, (unsigned)api->r.row, metric_status_index(status));
    METRIC_OBSERVE0(M_HTTP_QUEUE, api->in->queue_seconds);
    METRIC_OBSERVE(M_HTTP_DURATION, seconds, metric_route_index(api->r.row));
}

static size_t provider_fields(const struct api *api, struct log_field *fields)
{
    size_t n = 0;
    for (size_t i = 0; api->ext && i < api->cfg->providers_n; i++) {
        double seconds = ext_seconds_spent(api->ext, (int)i);
        if (seconds > 0)
            fields[n++] = F_MS(api->provider_keys[i], seconds * 1000);
    }
    return n;
}

void api_record(struct api *api, int status)
{
    const struct api_request *r = &api->r;
    double seconds = api->in->queue_seconds + mono_seconds_since(api->started);
    record_metrics(api, status, seconds);

    struct log_field fields[FIELDS_MAX];
    size_t n = 0;
    fields[n++] = F_STR("method", r->head ? http_method_names[r->head->method] : "none");
    fields[n++] = F_STR("route", r->route ? r->route->pattern : "none");
    fields[n++] = F_INT("status", status);
    fields[n++] = F_MS("took", seconds * 1000);
    fields[n++] = F_MS("queue", api->in->queue_seconds * 1000);
    fields[n++] = F_MS("db", db_seconds_spent(api->db) * 1000);
    fields[n++] = F_INT("db_round_trips", db_round_trips(api->db) - api->round_trips_before);
    n += provider_fields(api, fields + n);
    if (r->idem)
        fields[n++] = F_STR("idempotency", r->idem->mine || r->idem->added ? "first" : "repeat");
    log_write(LOG_LEVEL_INFO, "http.request", fields, n);
}
