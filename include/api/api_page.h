/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Lists in pages, for handlers: the query's members, cursors, and the answer. */
#ifndef BOOKINGD_API_API_PAGE_H
#define BOOKINGD_API_API_PAGE_H

#include "api/api_handler.h"

/*
 * Cursors: opaque text over up to 2 fields (sort key and id), base64url; a foreign or broken one is
 * a fault at query:after. api_cursor_read returns false after adding it; absent (NULL) is true with
 * *n 0.
 */
const char *api_cursor_make(const struct api_request *r, const char *const *fields, size_t n);
bool api_cursor_read(struct api_request *r, const char *after, const char **fields, size_t n,
                     size_t *found) MUST_CHECK;

/* Characters: a name of 120 code points of 4 bytes, an identifier, the hash. */
#define API_CURSOR_MAX 768

/* Shared members of query structs: `limit` and `after` (BEHAVIOUR §2). */
#define API_PAGE_LIMIT_MAX 100
#define API_PAGE_LIMIT_DEFAULT 50
struct api_page {
    int64_t limit;
    bool has_limit;
    const char *after;
};
#define API_PAGE_PARAMS(owner, place)                                                      \
    {SCHEMA_FIELD(INT, int64_t, owner, place.limit), .name = "limit", .min = 1,            \
     .max = API_PAGE_LIMIT_MAX, SCHEMA_HAS(owner, place.has_limit)},                       \
    {                                                                                      \
        SCHEMA_FIELD(STRING, const char *, owner, place.after), .name = "after", .min = 1, \
                                                                .max = API_CURSOR_MAX      \
    }
/* The query of a list that takes no more than these two: the struct is api_page itself. */
extern const struct schema_row api_page_params[];
/* limit or its default */
int64_t api_page_limit(const struct api_page *p);
/* Texts of the query that no schema row reads. The text when it is a date of the calendar, or NULL;
 * NULL after a fault at `pointer`, too. */
const char *api_query_date(struct api_request *r, const char *text, const char *pointer);
/* "a,b" of ?status= as a literal of text[], on the arena; NULL when absent, or after a fault. */
const char *api_query_states(struct api_request *r, const char *text, const char *const *names);
/*
 * The page of a short list that is whole in memory; keys: what tells its n items apart. Behind a
 * cursor whose item is gone there is nothing. False after adding a fault at query:after.
 */
struct api_span {
    size_t first, end; /* items first to end - 1 */
    const char *next;  /* cursor, or NULL */
};
bool api_page_of(struct api_request *r, const struct api_page *p, const char *const *keys, size_t n,
                 struct api_span *out) MUST_CHECK;

/*
 * Answers 200 with a page of rows, of which limit + 1 were asked for, so that the row too many
 * tells of others. `item` makes row i's JSON, and its cursor where `next` is not NULL.
 */
typedef json_t *api_item_fn(struct api_request *r, struct db_rows rows, int i, const char **next);
void api_reply_page(struct api_request *r, struct db_rows rows, int64_t limit, api_item_fn *item);

#endif
