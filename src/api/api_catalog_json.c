/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * How venues, services, resources and closures look in answers, and the cursors of their lists.
 * Called by the public handlers and those of staff. Names and descriptions come in the language of
 * the request, and with them the texts of each language as staff entered them (api_words_put).
 */
#include "api/api_catalog_json.h"
#include "svc/booking_reads.h"

#include "api/api_booking_json.h"
#include "api/api_catalog_words.h"
#include "api/api_page.h"
#include "api/api_reminders.h"
#include "domain/templates.h"
#include "svc/svc_sql.h"

/* null for address, phone and map_url that were not given. */
json_t *api_venue_json(const struct api_request *r, const struct venue *v)
{
    struct arena *a = r->svc.arena;
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id.s);
    api_words_put(r, j, v->name, &v->words);
    json_put_str(a, j, "locale", locale_names[v->words.locale]);
    json_put_str(a, j, "address", v->address);
    json_put_str(a, j, "phone", v->phone);
    json_put_str(a, j, "map_url", v->map_url);
    json_put(a, j, "reminders", api_reminders_json(a, v->reminders));
    json_put_str(a, j, "time_zone", v->time_zone);
    json_put_str(a, j, "currency", v->currency);
    json_put_bool(a, j, "active", v->active);
    return j;
}

/* As it was written: of two ways to say it, one. */
static void api_deposit_put(struct arena *a, json_t *j, const struct service *v)
{
    if (v->deposit_amount == 0 && v->deposit_percent == 0) {
        json_put_null(a, j, "deposit");
        return;
    }
    json_t *deposit = json_obj(a);
    if (v->deposit_amount > 0)
        json_put_int(a, deposit, "amount", v->deposit_amount);
    else
        json_put_int(a, deposit, "percent", v->deposit_percent);
    json_put(a, j, "deposit", deposit);
}

/* slot_step_minutes is the step in effect, also where it follows the duration. */
json_t *api_service_json(const struct api_request *r, const struct service *v)
{
    struct arena *a = r->svc.arena;
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id.s);
    json_put_str(a, j, "venue_id", v->venue_id.s);
    api_words_put(r, j, v->name, &v->words);
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
    json_put_int_if(a, j, "max_party_size", v->max_party_size > 0, v->max_party_size);
    api_deposit_put(a, j, v);
    json_t *ids = json_arr(a);
    for (size_t i = 0; i < v->resources_n; i++)
        json_push(a, ids, json_string(v->resource_ids[i].s));
    json_put(a, j, "resource_ids", ids);
    json_put_bool(a, j, "active", v->active);
    return j;
}

/* What the public sees of a resource. Its capacity is the venue's own business. */
json_t *api_public_resource_json(const struct api_request *r, const struct resource *v)
{
    struct arena *a = r->svc.arena;
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", v->id.s);
    json_put_str(a, j, "venue_id", v->venue_id.s);
    api_words_put(r, j, v->name, &v->words);
    return j;
}

/* What staff see beside it: capacity, and whether the public sees the resource at all. */
json_t *api_resource_json(const struct api_request *r, const struct resource *v)
{
    json_t *j = api_public_resource_json(r, v);
    json_put_int(r->svc.arena, j, "capacity", v->capacity);
    json_put_bool(r->svc.arena, j, "listed", v->listed);
    json_put_bool(r->svc.arena, j, "active", v->active);
    return j;
}

/* The list has 100 bookings at most, the total counts all: a change of opening hours may touch
 * thousands. */
void api_conflicts_put(struct api_request *r, json_t *body, const struct catalog_conflicts *c)
{
    struct arena *a = r->svc.arena;
    json_t *list = json_arr(a);
    for (int row = 0; c->total > 0 && row < db_count(c->rows); row++) {
        struct booking bk;
        booking_read(c->rows, row, &bk);
        json_push(a, list, api_booking_view(r, &bk, api_staff_booking_json));
    }
    json_put(a, body, "conflicts", list);
    json_put_int(a, body, "conflicts_total", c->total);
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

/* Lists are sorted by position, then name. Both are in the first field of a cursor, as one text
 * that sorts the same way, so that paging needs no more than one comparison. */
bool api_catalog_page(struct api_request *r, const struct api_page *page, struct catalog_page *out)
{
    const char *fields[2] = {NULL, NULL};
    size_t found = 0;
    if (!api_cursor_read(r, page->after, fields, 2, &found))
        return false;
    struct uuid id;
    /* The first field is of catalog_sort_key(): ten digits, the first of them 0, and the name. */
    if (found > 0 && (found != 2 || strspn(fields[0], "0123456789") < 10 || fields[0][0] != '0' ||
                      !uuid_parse(str_of(fields[1]), &id))) {
        api_fault(r, "query:after", "is not a cursor of this list");
        return false;
    }
    *out = (struct catalog_page){
        .limit = api_page_limit(page) + 1, .after_name = fields[0], .after_id = fields[1]};
    return true;
}

/* The identifier decides between two of one position and name. */
const char *api_catalog_cursor(const struct api_request *r, int64_t position, const char *name,
                               const struct uuid *id)
{
    const char *key = catalog_sort_key(r->svc.arena, position, name);
    return api_cursor_make(r, (const char *const[]){key, id->s}, 2);
}

/* Lists of staff: the venue is read in the same batch, to tell an empty list from a foreign
 * venue. */
enum err api_catalog_reply_seen(struct api_request *r, const struct db_stmt *list,
                                api_item_fn *item)
{
    struct catalog_page page;
    if (!api_catalog_page(r, r->query_input, &page))
        page = (struct catalog_page){.limit = 0}; /* who is asking comes before what is wrong */
    struct db_batch *b = api_first_batch(r);
    int venue = DB_ADD(b, &stmt_catalog_venue_seen, r->auth_hash, r->ids[0].s);
    int rows = DB_ADD(b, list, r->auth_hash, r->ids[0].s, db_int(b, page.limit), page.after_name,
                      page.after_id);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    if (db_count(db_result(b, venue)) == 0)
        return ERR_NOT_FOUND;
    api_reply_page(r, db_result(b, rows), page.limit - 1, item);
    return ERR_OK;
}

/* What the list shows of it, so that a client can use one for the other. */
enum err api_catalog_reply_one_seen(struct api_request *r, const struct db_stmt *one,
                                    api_item_fn *item)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, one, &seen);
    if (e == ERR_OK)
        api_reply(r, 200, item(r, seen, 0, NULL));
    return e;
}
