/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Members that venues, services and resources share: their words per language, and nullable texts.
 */
#ifndef BOOKINGD_API_API_CATALOG_WORDS_H
#define BOOKINGD_API_API_CATALOG_WORDS_H

#include "api/api_handler.h"
#include "svc/catalog_write.h"

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

#endif
