/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What a worker's access record says beyond that of the dispatcher: where the time went. Called by
 * api.c once per request, also for refused ones. */
#include "api_priv.h"
#include "http/http_access.h"
#include "sys/log.h"

/* db, db_round_trips, own_request_id, idempotency; and the time spent with each provider. */
#define FIELDS_MAX (4 + PROVIDERS_MAX)
_Static_assert(FIELDS_MAX <= HTTP_ACCESS_MORE_MAX, "every provider has a field");

/* Only providers that took time: most requests call none. */
static size_t api_log_providers(const struct api *api, struct log_field *fields)
{
    size_t n = 0;
    for (size_t i = 0; api->ext && i < api->cfg->providers_n; i++) {
        double seconds = ext_seconds_spent(api->ext, (int)i);
        if (seconds > 0)
            fields[n++] = F_MS(api->provider_keys[i], seconds * 1000);
    }
    return n;
}

/* `who` and not a token or a phone: records are kept for long, and are read by many. */
void api_record(struct api *api, int status, enum err e)
{
    const struct api_request *r = &api->r;
    struct log_field fields[FIELDS_MAX];
    size_t n = 0;
    double seconds = db_seconds_spent(api->db);
    uint64_t round_trips = db_round_trips(api->db);
    if (api->reader) {
        seconds += db_seconds_spent(db_reader_db(api->reader));
        round_trips += db_round_trips(db_reader_db(api->reader));
    }
    fields[n++] = F_MS("db", seconds * 1000);
    fields[n++] = F_INT("db_round_trips", round_trips - api->round_trips_before);
    n += api_log_providers(api, fields + n);
    /* Only where the caller chose the other one: it leads from the audit log to this record. */
    if (r->head && http_header_count(r->head, "X-Request-Id") > 0)
        fields[n++] = F_STR("own_request_id", r->svc.own_request_id);
    if (r->idem)
        fields[n++] = F_STR("idempotency", r->idem->mine || r->idem->added ? "first" : "repeat");
    http_access_write(
        &(struct http_access){
            .routes = &api_route_table,
            .row = r->row,
            .method = r->head ? http_method_names[r->head->method] : NULL,
            .status = status,
            .err = e,
            .client = r->client,
            .who = r->authenticated ? r->who.actor : NULL,
            .seconds = api->in->queue_seconds + mono_seconds_since(api->started),
            .queue_seconds = api->in->queue_seconds,
        },
        fields, n);
}
