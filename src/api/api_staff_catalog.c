/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The staff's catalog: venues and services. Handlers of /v1/staff/venues and /v1/staff/services. A
 * PATCH takes the stored object, changes the members that were sent, and saves the whole. So POST
 * and PATCH share one schema, one check and one save; they differ only in what they begin with. */
#include "api/api_catalog_json.h"
#include "api/api_catalog_words.h"

#include <stdlib.h>

#include "api/api_reminders.h"
#include "base/num.h"
#include "domain/money.h"
#include "domain/templates.h"
#include "svc/svc_sql.h"

/* ---- venues ---- */

/* has_X: the member was sent. A PATCH must tell a missing member from one with the value 0 or
 * false. */
struct venue_input {
    const char *name, *time_zone, *currency, *address, *phone, *map_url;
    json_t *reminders;
    struct words_input words;
    int locale;
    bool has_locale;
    bool has_name, has_zone, has_currency, active, has_active;
};
static const struct schema_row staff_catalog_venue_rows[] = {
    {SCHEMA_NAME(struct venue_input, name, 120), .required = true,
     SCHEMA_HAS(struct venue_input, has_name)},
    {SCHEMA_STRING(struct venue_input, time_zone, 1, 64), .required = true,
     SCHEMA_HAS(struct venue_input, has_zone)},
    {SCHEMA_STRING(struct venue_input, currency, 3, 3), .required = true,
     SCHEMA_HAS(struct venue_input, has_currency)},
    {SCHEMA_BOOL(struct venue_input, active), SCHEMA_HAS(struct venue_input, has_active)},
    {SCHEMA_LOCALE(struct venue_input, locale), SCHEMA_HAS(struct venue_input, has_locale)},
    {SCHEMA_NOTE(struct venue_input, address, 500), .nullable = true},
    {SCHEMA_NAME(struct venue_input, phone, 64), .nullable = true},
    {SCHEMA_STRING(struct venue_input, map_url, 1, API_URL_MAX), .nullable = true},
    {SCHEMA_ANY(struct venue_input, reminders)},
    API_WORDS_ROWS(struct venue_input, words),
    SCHEMA_END,
};

/* The currency is checked on the result, not on the input: a stored one that has become wrong is
 * reported as well. */
static void staff_catalog_take_venue(struct api_request *r, struct venue *v)
{
    const struct venue_input *in = r->input;
    if (in->has_name)
        v->name = in->name;
    if (in->has_zone)
        v->time_zone = in->time_zone;
    if (in->has_currency)
        v->currency = in->currency;
    if (in->has_active)
        v->active = in->active;
    if (in->has_locale)
        v->words.locale = in->locale == LOCALE_EN ? LOCALE_EN : LOCALE_AR;
    api_take_text(r, "address", in->address, &v->address);
    api_take_text(r, "phone", in->phone, &v->phone);
    api_take_url(r, "map_url", in->map_url, &v->map_url);
    api_reminders_take(r, in->reminders, &v->reminders);
    api_words_take(r, &in->words, &v->words);
    if (!num_currency_known(str_of(v->currency)))
        api_fault(r, "/currency", "is not an ISO 4217 code");
}

/* Prices and times that are stored already would change their meaning, so the refusal says how many
 * stand against it (BEHAVIOUR §5, venue_in_use). */
static void staff_catalog_tell_use(struct api_request *r, const struct venue_use *use)
{
    r->problem.in_use = true;
    r->problem.bookings = use->bookings;
    r->problem.services = use->services;
    r->problem.detail =
        arena_printf(r->svc.arena,
                     "Future bookings: %lld. Services with a price, which count for the currency: "
                     "%lld.",
                     (long long)use->bookings, (long long)use->services);
}

/* old: as it was; NULL: it is new. Only the database knows which time zones it can compute with, so
 * that check comes back from the save. */
static enum err staff_catalog_save_venue(struct api_request *r, struct venue *v,
                                         const struct venue *old)
{
    struct venue_use use = {0};
    staff_catalog_take_venue(r, v);
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    enum err e = catalog_save_venue(&r->svc, r->who.actor, v, old, &use);
    if (e == ERR_VALIDATION)
        api_fault(r, "/time_zone", "is not an IANA time zone that the database knows");
    if (e == ERR_VENUE_IN_USE)
        staff_catalog_tell_use(r, &use);
    if (e == ERR_OK)
        api_reply(r, old ? 200 : 201, api_venue_json(r, v));
    return e;
}

/* A key of one venue cannot make another venue: it could not read it afterwards. Arabic is the
 * language of most venues, as it is of templates. */
static enum err api_staff_post_venue(struct api_request *r)
{
    enum err e = api_first(r, api_first_batch(r));
    if (e != ERR_OK)
        return e;
    if (r->who.one_venue)
        return ERR_FORBIDDEN;
    struct venue v = {.id = uuid_new(), .active = true, .words.locale = LOCALE_AR};
    http_resp_headerf(&r->resp, "Location", "/v1/venues/%s", v.id.s);
    return staff_catalog_save_venue(r, &v, NULL);
}

/* The first batch authenticates and says 404; the row is then read again under a lock. Two changes
 * of different members at the same time both count. */
static enum err api_staff_patch_venue(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_venue_seen, &seen);
    if (e == ERR_OK)
        e = catalog_hold(&r->svc, CATALOG_VENUE, r->auth_hash, r->ids[0].s, &seen);
    if (e != ERR_OK)
        return e;
    struct venue v;
    catalog_read_venue(seen, 0, &v);
    const struct venue old = v;
    return staff_catalog_save_venue(r, &v, &old);
}

/* For a list (with a cursor) and for a single venue (next NULL), so that both show the same
 * members. */
static json_t *api_staff_venue_item(struct api_request *r, struct db_rows rows, int i,
                                    const char **next)
{
    struct venue v;
    catalog_read_venue(rows, i, &v);
    if (next)
        *next = api_catalog_cursor(r, v.words.position, v.name, &v.id);
    return api_venue_json(r, &v);
}

/* Staff see inactive venues too. A bad cursor still runs the batch, for no rows: a stranger gets
 * 401 whatever else is wrong. */
static enum err api_staff_get_venue_list(struct api_request *r)
{
    struct catalog_page page;
    if (!api_catalog_page(r, r->query_input, &page))
        page = (struct catalog_page){.limit = 0}; /* who is asking comes before what is wrong */
    struct db_batch *b = api_first_batch(r);
    int list = DB_ADD(b, &stmt_catalog_venues_seen, r->auth_hash, db_int(b, page.limit),
                      page.after_name, page.after_id);
    enum err e = api_first(r, b);
    if (e != ERR_OK)
        return e;
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    api_reply_page(r, db_result(b, list), page.limit - 1, api_staff_venue_item);
    return ERR_OK;
}

static enum err api_staff_get_venue(struct api_request *r)
{
    return api_catalog_reply_one_seen(r, &stmt_catalog_venue_seen, api_staff_venue_item);
}

/* ---- services ---- */

/* As for venues. `payment`, an enum, has no value that means "not sent", so it has a flag too. */
struct service_input {
    const char *name;
    int64_t duration_minutes, slot_step_minutes, buffer_before_minutes, buffer_after_minutes, price,
        min_notice_minutes, max_advance_days, free_cancellation_minutes;
    int payment;
    json_t *resource_ids, *deposit;
    int64_t max_party_size;
    struct words_input words;
    bool active, has_max;
    bool has_name, has_duration, has_step, has_before, has_after, has_price, has_payment,
        has_notice, has_advance, has_free, has_resources, has_active;
};
/* The largest price whose product with the largest party still fits. */
#define PRICE_MAX (INT64_MAX / 1000)
/* The gateway refuses invoices below this many minor units (Moyasar, "Create invoice"). */
#define ONLINE_PRICE_MIN 100
static const struct schema_row staff_catalog_service_rows[] = {
    {SCHEMA_NAME(struct service_input, name, 120), .required = true,
     SCHEMA_HAS(struct service_input, has_name)},
    {SCHEMA_INT(struct service_input, duration_minutes, 5, 10080), .required = true,
     SCHEMA_HAS(struct service_input, has_duration)},
    {SCHEMA_INT(struct service_input, slot_step_minutes, 5, 1440), .nullable = true,
     SCHEMA_HAS(struct service_input, has_step)},
    {SCHEMA_INT(struct service_input, max_party_size, 1, 1000), .nullable = true,
     SCHEMA_HAS(struct service_input, has_max)},
    API_WORDS_ROWS(struct service_input, words),
    {SCHEMA_INT(struct service_input, buffer_before_minutes, 0, 1440),
     SCHEMA_HAS(struct service_input, has_before)},
    {SCHEMA_INT(struct service_input, buffer_after_minutes, 0, 1440),
     SCHEMA_HAS(struct service_input, has_after)},
    {SCHEMA_INT(struct service_input, price, 0, PRICE_MAX),
     SCHEMA_HAS(struct service_input, has_price)},
    {SCHEMA_ENUM(struct service_input, payment, service_payment_names),
     SCHEMA_HAS(struct service_input, has_payment)},
    {SCHEMA_OBJECT(struct service_input, deposit), .nullable = true},
    {SCHEMA_INT(struct service_input, min_notice_minutes, 0, INT32_MAX),
     SCHEMA_HAS(struct service_input, has_notice)},
    {SCHEMA_INT(struct service_input, max_advance_days, 1, 730),
     SCHEMA_HAS(struct service_input, has_advance)},
    {SCHEMA_INT(struct service_input, free_cancellation_minutes, 0, INT32_MAX),
     SCHEMA_HAS(struct service_input, has_free)},
    {SCHEMA_ARRAY(struct service_input, resource_ids, 0, 1000),
     SCHEMA_HAS(struct service_input, has_resources)},
    {SCHEMA_BOOL(struct service_input, active), SCHEMA_HAS(struct service_input, has_active)},
    SCHEMA_END,
};

/* The schema knows arrays, not what is in them: each element is checked here, and a fault names its
 * place. */
static void staff_catalog_read_ids(struct api_request *r, const json_t *list, struct service *v)
{
    size_t n = json_array_size(list);
    struct uuid *ids = arena_array(r->svc.arena, n, sizeof *ids);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        struct str text = {json_string_value(one), json_string_length(one)};
        if (text.p == NULL || !uuid_parse(text, &ids[i]))
            api_fault(r, arena_printf(r->svc.arena, "/resource_ids/%zu", i), "must be a UUID");
    }
    v->resource_ids = ids;
    v->resources_n = n;
}

/* {"amount": N} or {"percent": P}; null takes it away. */
static void staff_catalog_take_deposit(struct api_request *r, const json_t *in, struct service *v)
{
    if (!in && !api_member_is_null(r, "deposit"))
        return;
    const json_t *amount = json_object_get(in, "amount"), *percent = json_object_get(in, "percent");
    v->deposit_amount = v->deposit_percent = 0;
    if (json_object_size(in) == 1 && json_is_integer(amount) && json_integer_value(amount) > 0)
        v->deposit_amount = json_integer_value(amount);
    else if (json_object_size(in) == 1 && json_is_integer(percent) &&
             json_integer_value(percent) > 0 && json_integer_value(percent) <= 100)
        v->deposit_percent = json_integer_value(percent);
    else if (in)
        api_fault(r, "/deposit",
                  "must have one member: amount in minor units, or percent from 1 to 100");
}

/* A price, or a part of one, that the gateway would refuse each time. */
static void staff_catalog_check_price(struct api_request *r, const struct service *v)
{
    const struct service_input *in = r->input;
    bool online = v->payment == SERVICE_PAYMENT_ONLINE;
    bool deposit = v->deposit_amount > 0 || v->deposit_percent > 0;
    if (online && v->price > 0 && v->price < ONLINE_PRICE_MIN)
        api_fault(r, in->has_price ? "/price" : "/payment",
                  "a service that is paid online must cost nothing, or at least %d",
                  ONLINE_PRICE_MIN);
    else if (deposit && (!online || v->price == 0))
        api_fault(r, in->deposit ? "/deposit" : "/payment",
                  "a deposit is of a service with a price that is paid online");
    else if (deposit && v->deposit_amount > v->price)
        api_fault(r, in->deposit ? "/deposit" : "/price", "the deposit is more than the price");
    else if (deposit &&
             money_deposit(v->price, 1, v->deposit_amount, v->deposit_percent) < ONLINE_PRICE_MIN)
        api_fault(r, in->deposit ? "/deposit" : "/price", "the deposit comes to less than %d",
                  ONLINE_PRICE_MIN);
}

/* Copies what was sent over the stored service. The plain numbers are a table; what follows it
 * depends on other members. */
static void staff_catalog_take_input(struct api_request *r, struct service *v)
{
    const struct service_input *in = r->input;
    const struct {
        bool has;
        int64_t from;
        int64_t *to;
    } ints[] = {
        {in->has_duration, in->duration_minutes, &v->duration_minutes},
        {in->has_before, in->buffer_before_minutes, &v->buffer_before_minutes},
        {in->has_after, in->buffer_after_minutes, &v->buffer_after_minutes},
        {in->has_price, in->price, &v->price},
        {in->has_notice, in->min_notice_minutes, &v->min_notice_minutes},
        {in->has_advance, in->max_advance_days, &v->max_advance_days},
        {in->has_free, in->free_cancellation_minutes, &v->free_cancellation_minutes},
    };
    for (size_t i = 0; i < ARRAY_LEN(ints); i++)
        if (ints[i].has)
            *ints[i].to = ints[i].from;
    /* null, or never chosen: starts are one duration apart, also when the duration changes
     * later. */
    v->grid_follows =
        (v->grid_follows && !in->has_step) || api_member_is_null(r, "slot_step_minutes");
    if (in->has_step)
        v->slot_step_minutes = in->slot_step_minutes;
    else if (v->grid_follows)
        v->slot_step_minutes = v->duration_minutes;
    if (in->has_name)
        v->name = in->name;
    if (in->has_payment)
        v->payment = in->payment;
    if (in->has_active)
        v->active = in->active;
    /* null reads as 0, which stands for "no limit". */
    if (in->has_max || api_member_is_null(r, "max_party_size"))
        v->max_party_size = in->max_party_size;
    if (in->has_resources)
        staff_catalog_read_ids(r, in->resource_ids, v);
    api_words_take(r, &in->words, &v->words);
    /* Checked on the result: either member may have made the pair impossible. The fault points at
     * one that was sent. */
    staff_catalog_take_deposit(r, in->deposit, v);
    staff_catalog_check_price(r, v);
}

static int staff_catalog_by_id(const void *a, const void *b)
{
    return strcmp(((const struct uuid *)a)->s, ((const struct uuid *)b)->s);
}

/* The answer must show what a later GET shows. The table holds a set and reads it in order; what
 * was sent may have repeats and any order. */
static void staff_catalog_tidy_ids(struct api_request *r, struct service *v)
{
    if (v->resources_n < 2)
        return;
    struct uuid *ids = arena_array(r->svc.arena, v->resources_n, sizeof *ids);
    size_t n = 0;
    memcpy(ids, v->resource_ids, v->resources_n * sizeof *ids);
    qsort(ids, v->resources_n, sizeof *ids, staff_catalog_by_id);
    for (size_t i = 0; i < v->resources_n; i++) {
        if (n == 0 || strcmp(ids[n - 1].s, ids[i].s) != 0)
            ids[n++] = ids[i];
    }
    v->resource_ids = ids;
    v->resources_n = n;
}

/* A changed service may leave bookings that it no longer fits: they stay, and the answer lists them
 * (BEHAVIOUR §5). */
static enum err staff_catalog_save_service(struct api_request *r, struct service *v, bool is_new)
{
    staff_catalog_take_input(r, v);
    if (r->faults.n > 0)
        return ERR_VALIDATION;
    const struct service_input *in = r->input;
    const struct service_change change = {v, is_new, in->has_resources};
    struct catalog_conflicts conflicts;
    size_t bad = 0;
    enum err e = catalog_save_service(&r->svc, r->who.actor, &change, &bad, &conflicts);
    if (e == ERR_VALIDATION)
        api_fault(r, arena_printf(r->svc.arena, "/resource_ids/%zu", bad),
                  "is not a resource of this venue");
    if (e != ERR_OK)
        return e;
    staff_catalog_tidy_ids(r, v);
    json_t *body = api_service_json(r, v);
    if (!is_new)
        api_conflicts_put(r, body, &conflicts);
    api_reply(r, is_new ? 201 : 200, body);
    return ERR_OK;
}

/* Currency and language are the venue's. 90 days ahead is the usual horizon of a booking page; all
 * other rules start at "none". */
static enum err api_staff_post_service(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_venue_seen, &seen);
    if (e != ERR_OK)
        return e;
    struct venue venue;
    catalog_read_venue(seen, 0, &venue);
    struct service v = {.id = uuid_new(),
                        .venue_id = venue.id,
                        .currency = venue.currency,
                        .active = true,
                        .max_advance_days = 90,
                        .words.locale = venue.words.locale,
                        .grid_follows = true};
    http_resp_headerf(&r->resp, "Location", "/v1/services/%s", v.id.s);
    return staff_catalog_save_service(r, &v, true);
}

/* As for a venue: authenticate first, then lock and read again. */
static enum err api_staff_patch_service(struct api_request *r)
{
    struct db_rows seen;
    enum err e = api_first_seen(r, &stmt_catalog_service_seen, &seen);
    if (e == ERR_OK)
        e = catalog_hold(&r->svc, CATALOG_SERVICE, r->auth_hash, r->ids[0].s, &seen);
    if (e != ERR_OK)
        return e;
    struct service v;
    catalog_read_service(r->svc.arena, seen, 0, &v);
    return staff_catalog_save_service(r, &v, false);
}

/* As for venues: one function for lists and single reads. */
static json_t *api_staff_service_item(struct api_request *r, struct db_rows rows, int i,
                                      const char **next)
{
    struct service v;
    catalog_read_service(r->svc.arena, rows, i, &v);
    if (next)
        *next = api_catalog_cursor(r, v.words.position, v.name, &v.id);
    return api_service_json(r, &v);
}

/* Of one venue. Whether the key may see the venue is decided by the statements, in one batch. */
static enum err api_staff_get_service_list(struct api_request *r)
{
    return api_catalog_reply_seen(r, &stmt_catalog_services_seen, api_staff_service_item);
}

static enum err api_staff_get_service(struct api_request *r)
{
    return api_catalog_reply_one_seen(r, &stmt_catalog_service_seen, api_staff_service_item);
}

const struct api_route api_route_staff_get_venue_list = {
    .http = {HTTP_GET, "/v1/staff/venues", 200, NULL},
    .handler = api_staff_get_venue_list,
    .auth = AUTH_VIEWER,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_staff_get_venue = {
    .http = {HTTP_GET, "/v1/staff/venues/{venue_id}", 200, NULL},
    .handler = api_staff_get_venue,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_staff_get_service_list = {
    .http = {HTTP_GET, "/v1/staff/venues/{venue_id}/services", 200, NULL},
    .handler = api_staff_get_service_list,
    .auth = AUTH_VIEWER,
    .query = api_page_params,
    .query_size = sizeof(struct api_page),
};
const struct api_route api_route_staff_get_service = {
    .http = {HTTP_GET, "/v1/staff/services/{service_id}", 200, NULL},
    .handler = api_staff_get_service,
    .auth = AUTH_VIEWER,
};
const struct api_route api_route_staff_post_venue = {
    .http = {HTTP_POST, "/v1/staff/venues", 201, NULL},
    .handler = api_staff_post_venue,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = staff_catalog_venue_rows,
    .input_size = sizeof(struct venue_input),
};
const struct api_route api_route_staff_patch_venue = {
    .http = {HTTP_PATCH, "/v1/staff/venues/{venue_id}", 200, NULL},
    .handler = api_staff_patch_venue,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = staff_catalog_venue_rows,
    .input_size = sizeof(struct venue_input),
    .partial = true,
};
const struct api_route api_route_staff_post_service = {
    .http = {HTTP_POST, "/v1/staff/venues/{venue_id}/services", 201, NULL},
    .handler = api_staff_post_service,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = staff_catalog_service_rows,
    .input_size = sizeof(struct service_input),
};
const struct api_route api_route_staff_patch_service = {
    .http = {HTTP_PATCH, "/v1/staff/services/{service_id}", 200, NULL},
    .handler = api_staff_patch_service,
    .auth = AUTH_ADMIN,
    .body = BODY_REQUIRED,
    .members = staff_catalog_service_rows,
    .input_size = sizeof(struct service_input),
    .partial = true,
};
