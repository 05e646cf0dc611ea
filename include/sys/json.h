/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * JSON through jansson: bodies parsed strictly (UTF-8, no duplicate members, depth and size capped
 * by the caller), and answers built. What an object must look like is schema.h's.
 */
#ifndef BOOKINGD_SYS_JSON_H
#define BOOKINGD_SYS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "base/uuid.h"

/* Parses a whole text; NULL for anything but one valid JSON value. Freed with the arena. */
json_t *json_parse(struct arena *a, struct str text) MUST_CHECK;
/*
 * As json_parse, for what a provider sent: a byte order mark and NULs around it are skipped, bytes
 * that are not UTF-8 become '?', of a member that stands twice the last counts.
 */
json_t *json_parse_foreign(struct arena *a, struct str text) MUST_CHECK;
/* Ties the life of a value that came from jansson itself to the arena (never one of json_obj,
 * json_arr, json_parse); NULL (out of memory) takes the arena's way out. */
json_t *json_adopt(struct arena *a, json_t *owned);
/* Compact text on the arena. */
struct str json_text(struct arena *a, const json_t *j);

/*
 * Builders that take the arena's way out when memory is out. Objects and arrays belong to the arena
 * (json_obj, json_arr, json_parse, json_adopt) and may be put anywhere, also twice; a string,
 * number or other scalar that is put or pushed is handed over. Text that is not UTF-8 gets '?' for
 * its bad bytes.
 */
json_t *json_obj(struct arena *a);
json_t *json_arr(struct arena *a);
void json_put(struct arena *a, json_t *obj, const char *key, json_t *value);
void json_put_str(struct arena *a, json_t *obj, const char *key,
                  const char *z); /* NULL becomes null */
void json_put_int(struct arena *a, json_t *obj, const char *key, int64_t v);
/* Null without one: members are always there, so that a client need not tell missing from null. */
void json_put_int_if(struct arena *a, json_t *obj, const char *key, bool has, int64_t v);
void json_put_time_if(struct arena *a, json_t *obj, const char *key, bool has, struct wall w);
void json_put_bool(struct arena *a, json_t *obj, const char *key, bool v);
void json_put_null(struct arena *a, json_t *obj, const char *key);
void json_put_time(struct arena *a, json_t *obj, const char *key, struct wall w);
void json_push(struct arena *a, json_t *arr, json_t *value);
void json_push_str(struct arena *a, json_t *arr, const char *z);

#endif
