/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Customers, for staff: found by phone or name, read with their bookings, changed, blocked, and two
 * of them made one. Handlers of /v1/staff/customers. A key of one venue sees customers with a
 * booking there, and may change only what no other venue shares (BEHAVIOUR §5). */
#include "api/api_booking_json.h"
#include "api/api_page.h"
#include "svc/customer_staff.h"
#include "svc/phone.h"

/* With one customer: enough for a year of weekly visits. The calendar has all of them
 * (?customer_id=). */
#define BOOKINGS_SHOWN 50

/* All members are always there, null where there is no value. */
static json_t *api_customers_json(struct arena *a, const struct customer_seen *c)
{
    json_t *j = json_obj(a);
    json_put_str(a, j, "id", c->id);
    json_put_str(a, j, "phone", c->phone);
    json_put_str(a, j, "name", c->name);
    /* All that a key of one venue has to tell by whom the venue booked for itself. */
    json_put_str(a, j, "guest_name", c->guest_name);
    json_put_str(a, j, "locale", c->locale);
    json_put_bool(a, j, "blocked", c->blocked);
    /* A block is an act of staff against a person: the page says since when. */
    json_put_time_if(a, j, "blocked_at", c->blocked, c->blocked_at);
    json_put_str(a, j, "note", c->note);
    json_put_time(a, j, "created_at", c->created_at);
    return j;
}

/* ---- finding ---- */

/* q searches both; a receptionist types whatever the caller says first. */
struct customers_query {
    struct api_page page;
    const char *q, *phone, *name;
};
/* As long as a phone or a name may be: more cannot match. */
static const struct schema_row api_customers_query_rows[] = {
    {SCHEMA_STRING(struct customers_query, q, 1, 120)},
    {SCHEMA_STRING(struct customers_query, phone, 1, 64)},
    {SCHEMA_STRING(struct customers_query, name, 1, 120)},
    API_PAGE_PARAMS(struct customers_query, page),
    SCHEMA_END,
};

/* The cursor is creation time and identifier, in the text that the statement returned: no
 * conversion can round it. */
static json_t *api_customers_item(struct api_request *r, struct db_rows rows, int i,
                                  const char **next)
{
    struct customer_seen c;
    customer_read_seen(rows, i, &c);
    if (next)
        *next = api_cursor_make(r, (const char *const[]){c.created_us, c.id}, 2);
    return api_customers_json(r->svc.arena, &c);
}

/* With `q`, text that cannot be a phone number is searched as a name alone. With `phone` it is a
 * fault: the caller meant a number. False after adding faults. */
static bool api_customers_read_query(struct api_request *r, struct customer_search *search)
{
    const struct customers_query *q = r->query_input;
    const char *after[2] = {NULL, NULL};
    size_t found;
    bool good = api_cursor_read(r, q->page.after, after, ARRAY_LEN(after), &found);
    const char *phone = q->phone ? q->phone : q->q;
    *search = (struct customer_search){
        .name = q->name ? q->name : q->q,
        .phones = phone ? phone_prefixes(r->svc.cfg, r->svc.arena, str_of(phone)) : NULL,
        .after_us = after[0],
        .after_id = after[1],
        .rows = api_page_limit(&q->page) + 1,
    };
    if (q->phone && !search->phones) {
        api_fault(r, "query:phone", "must be a phone number or its beginning");
        good = false;
    }
    if ((q->q != NULL) + (q->phone != NULL) + (q->name != NULL) > 1) {
        api_fault(r, "query:q", "only one of q, phone and name may be given");
        good = false;
    }
    return good;
}

/* A bad query runs the first batch without the search: who is asking comes before what is wrong. */
static enum err api_customers_get_list(struct api_request *r)
{
    struct customer_search search;
    bool good = api_customers_read_query(r, &search);
    struct db_batch *b = api_first_batch(r);
    int listed = good ? customer_add_search(b, r->auth_hash, &search) : 0;
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (!good)
        return ERR_VALIDATION;
    api_reply_page(r, db_result(b, listed), search.rows - 1, api_customers_item);
    return ERR_OK;
}

/* ---- one ---- */

/* Counts and bookings are those that the key may see, as the statements' predicates have it. */
static enum err api_customers_get(struct api_request *r)
{
    struct arena *a = r->svc.arena;
    struct db_batch *b = api_first_batch(r);
    int found = customer_add_find_staff(b, r->auth_hash, r->ids[0].s);
    int counted = customer_add_counts(b, r->auth_hash, r->ids[0].s);
    int booked = customer_add_bookings(b, r->auth_hash, r->ids[0].s, BOOKINGS_SHOWN);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;
    struct customer_seen c;
    customer_read_seen(db_result(b, found), 0, &c);
    json_t *body = api_customers_json(a, &c), *counts = json_obj(a), *bookings = json_arr(a);
    json_put_int(a, counts, "completed", db_get_int(db_result(b, counted), 0, "completed"));
    json_put_int(a, counts, "cancelled", db_get_int(db_result(b, counted), 0, "cancelled"));
    json_put_int(a, counts, "no_show", db_get_int(db_result(b, counted), 0, "no_show"));
    for (int i = 0; i < db_count(db_result(b, booked)); i++)
        json_push(a, bookings,
                  api_booking_item(r, db_result(b, booked), i, NULL, api_staff_booking_json));
    json_put(a, body, "counts", counts);
    json_put(a, body, "bookings", bookings);
    api_reply(r, 200, body);
    return ERR_OK;
}

/* ---- changes ---- */

/* The first batch of a change; what the key sees of the customer in *c. */
static enum err api_customers_seen(struct api_request *r, struct customer_seen *c)
{
    struct db_batch *b = api_first_batch(r);
    int found = customer_add_find_staff(b, r->auth_hash, r->ids[0].s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;
    customer_read_seen(db_result(b, found), 0, c);
    return ERR_OK;
}

/* Name, language and block belong to the person, not to a venue: one venue must not change them for
 * the others. */
static enum err api_customers_refuse_shared(struct api_request *r)
{
    r->problem.detail = "Other venues know this customer too: use a key for all venues.";
    return ERR_FORBIDDEN;
}

/* A member that is not sent stays as it is. `note` has no has_ flag: null and absent differ in the
 * JSON, which the handler looks at. */
struct customer_input {
    const char *name, *note;
    int locale;
    bool blocked, has_locale, has_blocked;
};
static const struct schema_row api_customers_rows[] = {
    {SCHEMA_NAME(struct customer_input, name, 120)},
    {SCHEMA_LOCALE(struct customer_input, locale), SCHEMA_HAS(struct customer_input, has_locale)},
    {SCHEMA_BOOL(struct customer_input, blocked), SCHEMA_HAS(struct customer_input, has_blocked)},
    {SCHEMA_NOTE(struct customer_input, note, 500), .nullable = true},
    SCHEMA_END,
};

/* The note is the venue's own, so a key of one venue may change it in any case. */
static enum err api_customers_patch(struct api_request *r)
{
    struct customer_seen c;
    enum err e = api_customers_seen(r, &c);
    if (e != ERR_OK)
        return e;
    const struct customer_input *in = r->input;
    const struct customer_edit edit = {
        .key_hash = r->auth_hash,
        .id = r->ids[0].s,
        .name = in->name,
        .locale = in->has_locale ? locale_names[in->locale] : NULL,
        .blocked = in->has_blocked ? &in->blocked : NULL,
        .has_note = json_object_get(r->json, "note") != NULL, /* null: none from now on */
        .note = in->note,
    };
    if (c.elsewhere && (edit.name || edit.locale || edit.blocked))
        return api_customers_refuse_shared(r);
    e = customer_edit(&r->svc, &r->who, &edit, &c);
    if (e == ERR_OK)
        api_reply(r, 200, api_customers_json(r->svc.arena, &c));
    return e;
}

/* The customer who stays. The one who goes is in the path. */
struct merge_input {
    struct uuid into;
};
static const struct schema_row api_customers_merge_rows[] = {
    {SCHEMA_UUID(struct merge_input, into), .required = true},
    SCHEMA_END,
};

/* The customer of the path goes; its bookings go to `into`. Both are looked up in one batch, and
 * each must be one that this key may change. */
static enum err api_customers_post_merge(struct api_request *r)
{
    const struct merge_input *in = r->input;
    struct db_batch *b = api_first_batch(r);
    int gives = customer_add_find_staff(b, r->auth_hash, r->ids[0].s);
    int takes = customer_add_find_staff(b, r->auth_hash, in->into.s);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, gives)) == 0)
        return ERR_NOT_FOUND;
    if (db_count(db_result(b, takes)) == 0 || strcmp(r->ids[0].s, in->into.s) == 0) {
        api_fault(r, "/into", "must be another customer that this key may see");
        return ERR_VALIDATION;
    }
    struct customer_seen from, into;
    customer_read_seen(db_result(b, gives), 0, &from);
    customer_read_seen(db_result(b, takes), 0, &into);
    /* After a merge the bookings of both are one person's, at other venues as well. */
    if (from.elsewhere || into.elsewhere)
        return api_customers_refuse_shared(r);
    e = customer_merge(&r->svc, &r->who, r->ids[0].s, in->into.s);
    if (e != ERR_OK)
        return e;
    /* Read again after the commit: the merge chose which name, note and language stay. */
    b = db_batch(r->svc.db, r->svc.arena, DB_READ);
    int at = customer_add_find_staff(b, r->auth_hash, in->into.s);
    e = db_run(b, r->svc.deadline);
    if (e == ERR_OK && db_count(db_result(b, at)) == 0)
        e = ERR_NOT_FOUND;
    if (e != ERR_OK)
        return e;
    customer_read_seen(db_result(b, at), 0, &into);
    api_reply(r, 200, api_customers_json(r->svc.arena, &into));
    return ERR_OK;
}

const struct api_route api_route_customers_get_list = {
    .http = {HTTP_GET, "/v1/staff/customers", 200, NULL},
    .handler = api_customers_get_list,
    .auth = AUTH_VIEWER,
    .query = api_customers_query_rows,
    .query_size = sizeof(struct customers_query),
};
const struct api_route api_route_customers_get = {
    .http = {HTTP_GET, "/v1/staff/customers/{customer_id}", 200, NULL},
    .handler = api_customers_get,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_customers_patch = {
    .http = {HTTP_PATCH, "/v1/staff/customers/{customer_id}", 200, NULL},
    .handler = api_customers_patch,
    .auth = AUTH_AGENT,
    .body = BODY_REQUIRED,
    .members = api_customers_rows,
    .input_size = sizeof(struct customer_input),
    .partial = true,
};
/* For administrators: it cannot be undone, since the rows do not say whose they were. */
const struct api_route api_route_customers_post_merge = {
    .http = {HTTP_POST, "/v1/staff/customers/{customer_id}/merge", 200, NULL},
    .handler = api_customers_post_merge,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = api_customers_merge_rows,
    .input_size = sizeof(struct merge_input),
};
