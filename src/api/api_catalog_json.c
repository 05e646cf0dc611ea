/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "api/api_catalog.h"
#include "api/api_page.h"

json_t *api_venue_json(struct arena *a, const struct venue *v)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id.s);
    json_put_str(a, j, "name", v->name);
    json_put_str(a, j, "time_zone", v->time_zone);
    json_put_str(a, j, "currency", v->currency);
    json_put_bool(a, j, "active", v->active);
    return j;
}

json_t *api_service_json(struct arena *a, const struct service *v)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id.s);
    json_put_str(a, j, "venue_id", v->venue_id.s);
    json_put_str(a, j, "name", v->name);
    json_put_int(a, j, "duration_minutes", v->duration_minutes);
    json_put_int(a, j, "slot_step_minutes", v->slot_step_minutes);
    json_put_int(a, j, "buffer_before_minutes", v->buffer_before_minutes);
    json_put_int(a, j, "buffer_after_minutes", v->buffer_after_minutes);
    json_put_int(a, j, "price", v->price);
    json_put_str(a, j, "currency", v->currency);
    json_put_str(a, j, "payment", service_payment_names[v->payment]);
    json_put_int(a, j, "min_notice_minutes", v->min_notice_minutes);
    json_put_int(a, j, "max_advance_days", v->max_advance_days);
    json_put_int(a, j, "free_cancellation_minutes", v->free_cancellation_minutes);
    json_t *ids = json_arr(a);
    for (size_t i = 0; i < v->resources_n; i++)
        json_push(a, ids, json_string(v->resource_ids[i].s));
    json_put(a, j, "resource_ids", ids);
    json_put_bool(a, j, "active", v->active);
    return j;
}

json_t *api_resource_json(struct arena *a, const struct resource *v)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id.s);
    json_put_str(a, j, "venue_id", v->venue_id.s);
    json_put_str(a, j, "name", v->name);
    json_put_int(a, j, "capacity", v->capacity);
    json_put_bool(a, j, "active", v->active);
    return j;
}

/* Members that may be absent by the schema but not null are left out. */
json_t *api_closure_json(struct arena *a, const struct closure *v)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id.s);
    json_put_str(a, j, "venue_id", v->venue_id.s);
    if (v->resource_id.s[0] != '\0')
        json_put_str(a, j, "resource_id", v->resource_id.s);
    json_put_time(a, j, "starts_at", v->starts_at);
    json_put_time(a, j, "ends_at", v->ends_at);
    if (v->reason != NULL)
        json_put_str(a, j, "reason", v->reason);
    return j;
}

bool api_catalog_page(struct api_request *r, const struct api_page *page, struct catalog_page *out)
{
    const char *fields[2] = {NULL, NULL};
    size_t found = 0;
    if (!api_cursor_read(r, page->after, fields, 2, &found))
        return false;
    struct uuid id;
    if (found > 0 && (found != 2 || !uuid_parse(str_of(fields[1]), &id))) {
        api_fault(r, "query:after", "is not a cursor of this list");
        return false;
    }
    *out = (struct catalog_page){
        .limit = api_page_limit(page) + 1, .after_name = fields[0], .after_id = fields[1]};
    return true;
}
