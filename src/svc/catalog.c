/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Venues, services and resources as everybody may read them, and the readers of their rows. Called
 * by the handlers of the catalog and of staff. Lists come in the order that staff chose
 * (`position`), then by name. Texts of a row are not copied: they live as long as the batch's rows,
 * which is as long as the request. */
#include "svc/catalog.h"

#include "base/names.h"
#include "svc/svc_sql.h"

/* Ten digits hold every position; then names sort as text. The SQL builds the same key. */
const char *catalog_sort_key(struct arena *a, int64_t position, const char *name)
{
    return arena_printf(a, "%010lld%s", (long long)position, name);
}

/* A locale that this version does not know reads as Arabic, like everywhere else. */
static void catalog_read_words(struct db_rows rows, int row, struct catalog_words *out)
{
    *out = (struct catalog_words){
        .names = {[LOCALE_AR] = db_get(rows, row, "name_ar"),
                  [LOCALE_EN] = db_get(rows, row, "name_en")},
        .descriptions = {[LOCALE_AR] = db_get(rows, row, "description_ar"),
                         [LOCALE_EN] = db_get(rows, row, "description_en")},
        .category = db_get(rows, row, "category"),
        .photo_url = db_get(rows, row, "photo_url"),
        .position = db_get_int(rows, row, "position"),
    };
    const int locale =
        name_find(locale_names, LOCALE_COUNT, str_of(db_get_str(rows, row, "locale")));
    out->locale = locale >= 0 ? (enum locale)locale : LOCALE_AR;
}

/* Names of columns are those of the statements in catalog.sql; check_statements holds the two
 * together. */
void catalog_read_venue(struct db_rows rows, int row, struct venue *out)
{
    *out = (struct venue){
        .id = db_get_uuid(rows, row, "id"),
        .name = db_get_str(rows, row, "name"),
        .time_zone = db_get_str(rows, row, "time_zone"),
        .currency = db_get_str(rows, row, "currency"),
        .address = db_get(rows, row, "address"),
        .phone = db_get(rows, row, "phone"),
        .map_url = db_get(rows, row, "map_url"),
        .reminders = db_get(rows, row, "reminders"),
        .active = db_get_bool(rows, row, "active"),
    };
    catalog_read_words(rows, row, &out->words);
}

/* resource_ids come as one text with commas: libpq has no reader of arrays in text form. */
static void catalog_read_resource_ids(struct arena *a, const char *text, struct service *out)
{
    struct str left = str_of(text);
    out->resource_ids = NULL;
    out->resources_n = 0;
    if (left.n == 0)
        return;
    /* With its comma each takes more than UUID_LEN, but for the last. */
    size_t room = left.n / UUID_LEN;
    struct uuid *ids = arena_array(a, room, sizeof *ids);
    while (left.p != NULL && out->resources_n < room) {
        struct str one = str_cut(&left, ',');
        if (uuid_parse(one, &ids[out->resources_n]))
            out->resources_n++;
    }
    out->resource_ids = ids;
}

/* The table's CHECK lists the same names; a newer one would read as "not paid online". */
static int catalog_find_payment(const char *name)
{
    const int i = name_find(service_payment_names, SERVICE_PAYMENT_COUNT, str_of(name));
    return i >= 0 ? i : SERVICE_PAYMENT_NONE;
}

/* Unlike the others it needs an arena: resource_ids become an array. */
void catalog_read_service(struct arena *a, struct db_rows rows, int row, struct service *out)
{
    *out = (struct service){
        .id = db_get_uuid(rows, row, "id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .name = db_get_str(rows, row, "name"),
        .currency = db_get_str(rows, row, "currency"),
        .duration_minutes = db_get_int(rows, row, "duration_minutes"),
        .slot_step_minutes = db_get_int(rows, row, "slot_step_minutes"),
        .buffer_before_minutes = db_get_int(rows, row, "buffer_before_minutes"),
        .buffer_after_minutes = db_get_int(rows, row, "buffer_after_minutes"),
        .price = db_get_int(rows, row, "price"),
        .payment = catalog_find_payment(db_get_str(rows, row, "payment")),
        .min_notice_minutes = db_get_int(rows, row, "min_notice_minutes"),
        .max_advance_days = db_get_int(rows, row, "max_advance_days"),
        .free_cancellation_minutes = db_get_int(rows, row, "free_cancellation_minutes"),
        .active = db_get_bool(rows, row, "active"),
        .grid_follows = db_get_bool(rows, row, "grid_follows"),
    };
    /* NULL in the table is 0 here: no limit. */
    if (!db_is_null(rows, row, "max_party_size"))
        out->max_party_size = db_get_int(rows, row, "max_party_size");
    if (!db_is_null(rows, row, "deposit_amount"))
        out->deposit_amount = db_get_int(rows, row, "deposit_amount");
    if (!db_is_null(rows, row, "deposit_percent"))
        out->deposit_percent = db_get_int(rows, row, "deposit_percent");
    catalog_read_words(rows, row, &out->words);
    catalog_read_resource_ids(a, db_get_str(rows, row, "resource_ids"), out);
}

void catalog_read_resource(struct db_rows rows, int row, struct resource *out)
{
    *out = (struct resource){
        .id = db_get_uuid(rows, row, "id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .name = db_get_str(rows, row, "name"),
        .capacity = db_get_int(rows, row, "capacity"),
        .active = db_get_bool(rows, row, "active"),
        .listed = db_get_bool(rows, row, "listed"),
    };
    catalog_read_words(rows, row, &out->words);
}

/* Minutes of the venue's clock. A closing time that is not after the opening one is on the next
 * day. */
void catalog_read_opening(struct db_rows rows, int row, struct opening *out)
{
    *out = (struct opening){
        .weekday = db_get_int(rows, row, "weekday"),
        .opens_minute = db_get_int(rows, row, "opens_minute"),
        .closes_minute = db_get_int(rows, row, "closes_minute"),
    };
}

/* A closure without a resource is of the whole venue; its resource_id stays "". */
void catalog_read_closure(struct db_rows rows, int row, struct closure *out)
{
    *out = (struct closure){
        .id = db_get_uuid(rows, row, "id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .starts_at = db_get_time(rows, row, "starts_us"),
        .ends_at = db_get_time(rows, row, "ends_us"),
        .reason = db_get(rows, row, "reason"),
    };
    if (!db_is_null(rows, row, "resource_id"))
        out->resource_id = db_get_uuid(rows, row, "resource_id");
}

/* ---- public reads ---- */

/* The caller asks for one row more than its page, and learns from it whether there is a next
 * page. */
enum err catalog_venues(struct svc *s, const struct catalog_page *page, struct venue **out,
                        size_t *n)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i =
        DB_ADD(b, &stmt_catalog_venues, db_int(b, page->limit), page->after_name, page->after_id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    *n = (size_t)db_count(rows);
    *out = arena_array(s->arena, *n, sizeof **out);
    for (int row = 0; row < (int)*n; row++)
        catalog_read_venue(rows, row, &(*out)[row]);
    return ERR_OK;
}

/* The token is a predicate of the statement: no other code decides who sees what is retired. */
enum err catalog_venue(struct svc *s, const char *id, const char *token_hash, struct venue *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_catalog_venue, id, token_hash);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, i)) == 0)
        return ERR_NOT_FOUND;
    catalog_read_venue(db_result(b, i), 0, out);
    return ERR_OK;
}

/* The rows of a list of a venue. The venue is read in the same round trip, to tell an empty list
 * from no such venue. */
static enum err catalog_run_list(struct svc *s, const char *venue_id, const struct db_stmt *list,
                                 const struct catalog_page *page, struct db_rows *rows)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int venue = DB_ADD(b, &stmt_catalog_venue, venue_id, NULL);
    int i = DB_ADD(b, list, venue_id, db_int(b, page->limit), page->after_name, page->after_id);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK && db_count(db_result(b, venue)) == 0)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK)
        *rows = db_result(b, i);
    return e;
}

enum err catalog_services(struct svc *s, const char *venue_id, const struct catalog_page *page,
                          struct service **out, size_t *n)
{
    struct db_rows rows;
    enum err e = catalog_run_list(s, venue_id, &stmt_catalog_services, page, &rows);
    if (e != ERR_OK)
        return e;
    *n = (size_t)db_count(rows);
    *out = arena_array(s->arena, *n, sizeof **out);
    for (int row = 0; row < (int)*n; row++)
        catalog_read_service(s->arena, rows, row, &(*out)[row]);
    return ERR_OK;
}

/* As for a venue: retired services are seen by customers who have booked them. */
enum err catalog_service(struct svc *s, const char *id, const char *token_hash, struct service *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_catalog_service, id, token_hash);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, i)) == 0)
        return ERR_NOT_FOUND;
    catalog_read_service(s->arena, db_result(b, i), 0, out);
    return ERR_OK;
}

/* Only resources that are `listed` are public. */
enum err catalog_resources(struct svc *s, const char *venue_id, const struct catalog_page *page,
                           struct resource **out, size_t *n)
{
    struct db_rows rows;
    enum err e = catalog_run_list(s, venue_id, &stmt_catalog_resources, page, &rows);
    if (e != ERR_OK)
        return e;
    *n = (size_t)db_count(rows);
    *out = arena_array(s->arena, *n, sizeof **out);
    for (int row = 0; row < (int)*n; row++)
        catalog_read_resource(rows, row, &(*out)[row]);
    return ERR_OK;
}
