/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* GET /v1/services/{service_id}/slots */
#include "api/api_handler.h"
#include "svc/avail.h"

struct slots_query {
    const char *from, *to;
    struct uuid resource_id;
    bool has_resource;
    int64_t party_size;
    bool has_party;
};

static const struct schema_row api_slots_rows[] = {
    {SCHEMA_STRING(struct slots_query, from, 1, 10)},
    {SCHEMA_STRING(struct slots_query, to, 1, 10)},
    {SCHEMA_UUID(struct slots_query, resource_id), SCHEMA_HAS(struct slots_query, has_resource)},
    {SCHEMA_INT(struct slots_query, party_size, 1, 1000),
     SCHEMA_HAS(struct slots_query, has_party)},
    SCHEMA_END,
};

static json_t *api_slots_json(struct arena *a, const struct slot *s)
{
    json_t *j = json_obj(a);
    json_put_time(a, j, "starts_at", s->starts_at);
    json_put_time(a, j, "ends_at", s->ends_at);
    json_put_str(a, j, "resource_id", s->resource_id.s);
    json_put_int(a, j, "available", s->available);
    return j;
}

static void api_slots_check_date(struct api_request *r, const char *pointer, const char *date)
{
    if (date != NULL && !wall_date_valid(str_of(date)))
        api_fault(r, pointer, "must be a date, YYYY-MM-DD");
}

static enum err api_slots_get_list(struct api_request *r)
{
    const struct slots_query *in = r->query_input;
    api_slots_check_date(r, "query:from", in->from);
    api_slots_check_date(r, "query:to", in->to);
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    struct avail_query q = {
        .service_id = r->ids[0].s,
        .from = in->from,
        .to = in->to,
        .resource_id = in->has_resource ? in->resource_id.s : NULL,
        .party_size = in->has_party ? in->party_size : 1,
    };
    struct avail_answer answer;
    enum err e = avail_slots(&r->svc, &q, &answer);
    if (e == ERR_VALIDATION)
        api_fault(r, "query:to", "must be 0 to %d days after `from`", AVAIL_DAYS_MAX);
    if (e != ERR_OK)
        return e;
    struct arena *a = r->svc.arena;
    json_t *items = json_arr(a);
    for (size_t i = 0; i < answer.n; i++)
        json_push(a, items, api_slots_json(a, &answer.slots[i]));
    json_t *body = json_obj(a);
    json_put(a, body, "items", items);
    api_reply(r, 200, body);
    return ERR_OK;
}

const struct api_route api_route_slots_get_list = {
    .http = {HTTP_GET, "/v1/services/{service_id}/slots", 200},
    .handler = api_slots_get_list,
    .query = api_slots_rows,
    .query_size = sizeof(struct slots_query),
};
