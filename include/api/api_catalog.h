/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* JSON of the catalog's objects, as openapi.yaml's schemas Venue, Service, Resource, OpeningHours,
 * Closure. */
#ifndef BOOKINGD_API_API_CATALOG_H
#define BOOKINGD_API_API_CATALOG_H

#include "api/api_page.h"
#include "svc/catalog_write.h"

/* All JSON here is made in the request's arena. The caller's language decides which name is
 * shown. */
json_t *api_venue_json(const struct api_request *r, const struct venue *v);
json_t *api_service_json(const struct api_request *r, const struct service *v);
json_t *api_resource_json(const struct api_request *r, const struct resource *v);
/* What front ends need to name and show a resource; in the request's arena. */
json_t *api_public_resource_json(const struct api_request *r, const struct resource *v);
/* Adds `conflicts`, as staff see bookings, and `conflicts_total`. */
void api_conflicts_put(struct api_request *r, json_t *body, const struct catalog_conflicts *c);
/* "HH:MM" of an opening's two ends; faults at `base`. */
struct opening api_opening_read(struct api_request *r, const char *base, const char *opens,
                                const char *closes);
void api_opening_put(struct arena *a, json_t *j, const struct opening *o);
json_t *api_closure_json(struct arena *a, const struct closure *v);

/* ---- api_catalog_words.c: members that venues, services and resources share ---- */
struct words_input {
    json_t *names, *descriptions;
    const char *category, *photo_url;
    int64_t order;
    bool has_order;
};
#define API_URL_MAX 2000         /* longer ones do not work in every browser */
#define API_POSITION_MAX 1000000 /* more than any list has */
#define API_WORDS_ROWS(owner, place)                                                               \
    {SCHEMA_FIELD(OBJECT, json_t *, owner, place.names), .name = "names"},                         \
        {SCHEMA_FIELD(OBJECT, json_t *, owner, place.descriptions), .name = "descriptions"},       \
        {SCHEMA_FIELD(NAME, const char *, owner, place.category), .name = "category", .min = 1,    \
         .max = 60, .nullable = true},                                                             \
        {SCHEMA_FIELD(STRING, const char *, owner, place.photo_url), .name = "photo_url",          \
         .min = 1, .max = API_URL_MAX, .nullable = true},                                          \
    {                                                                                              \
        SCHEMA_FIELD(INT, int64_t, owner, place.order),                                            \
            .name = "order", .min = 0, .max = API_POSITION_MAX, SCHEMA_HAS(owner, place.has_order) \
    }
/* What was sent changes *w; faults are added. */
void api_words_take(struct api_request *r, const struct words_input *in, struct catalog_words *w);
/* name, description (the caller's language), names, descriptions, category, order, photo_url */
void api_words_put(const struct api_request *r, json_t *j, const char *name,
                   const struct catalog_words *w);
/* A nullable text: NULL and "" take it away, a missing member leaves it. */
void api_take_text(const struct api_request *r, const char *name, const char *in, const char **to);
void api_take_url(struct api_request *r, const char *name, const char *in, const char **to);
bool api_member_is_null(const struct api_request *r, const char *name);

/* A list's page: `limit` + 1 rows are asked for, so that the row too many tells of others. */
bool api_catalog_page(struct api_request *r, const struct api_page *page,
                      struct catalog_page *out) MUST_CHECK;
const char *api_catalog_cursor(const struct api_request *r, int64_t position, const char *name,
                               const struct uuid *id);
/* Answers a staff list of the path's venue: `list` takes the key's hash, the venue and the page.
 * ERR_NOT_FOUND, ERR_VALIDATION (a foreign cursor), and what api_first() returns. */
enum err api_catalog_reply_seen(struct api_request *r, const struct db_stmt *list,
                                api_item_fn *item) MUST_CHECK;

#endif
