/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* GET /v1/staff/providers: each provider's circuit, calls in flight, last fault. It reads shared
 * memory, so it shows what all processes see at this moment, also when the database is slow. */
#include "api/api_page.h"
#include "ext/ext_shared.h"

/* last_fault is a short word of ours, never a provider's text. */
static json_t *api_providers_json(struct arena *a, const struct provider_config *p,
                                  const struct ext_state *state)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "name", p->name);
    json_put_str(a, j, "type", provider_type_names[p->type]);
    json_put_str(a, j, "circuit", circuit_names[state->circuit]);
    json_put_int(a, j, "in_flight", state->in_flight);
    json_put_int(a, j, "max_concurrent", p->max_concurrent);
    json_put_int(a, j, "consecutive_failures", state->consecutive_failures);
    json_put_str(a, j, "last_fault", state->last_fault);
    json_put_time_if(a, j, "last_fault_at", state->last_fault != NULL, state->last_fault_at);
    return j;
}

/* A handful of providers at most, and still in pages: all lists of the API work alike. */
struct list_query {
    struct api_page page;
};
static const struct schema_row api_providers_list_rows[] = {
    API_PAGE_PARAMS(struct list_query, page), SCHEMA_END};

/* The database is asked only who the caller is. */
static enum err api_providers_get_list(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    const struct list_query *q = r->query_input;
    /* The configuration's order is the list's order, and the name is the cursor: both are stable
     * until a reload. */
    const char *names[PROVIDERS_MAX];
    struct api_span span;
    for (size_t i = 0; i < r->svc.cfg->providers_n; i++)
        names[i] = r->svc.cfg->providers[i].name;
    if (!api_page_of(r, &q->page, names, r->svc.cfg->providers_n, &span))
        return ERR_VALIDATION;
    json_t *items = json_arr(r->svc.arena);
    for (size_t i = span.first; i < span.end; i++) {
        struct ext_state state;
        ext_read_state((int)i, &state);
        json_push(r->svc.arena, items,
                  api_providers_json(r->svc.arena, &r->svc.cfg->providers[i], &state));
    }
    api_reply_list(r, items, span.next);
    return ERR_OK;
}

const struct api_route api_route_providers_get_list = {
    .http = {HTTP_GET, "/v1/staff/providers", 200, NULL},
    .handler = api_providers_get_list,
    .auth = AUTH_VIEWER,
    .query = api_providers_list_rows,
    .query_size = sizeof(struct list_query),
};
