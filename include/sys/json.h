/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * JSON through jansson, held to the contract's rules: bodies parsed strictly (UTF-8, no duplicate
 * members, depth and size capped by the caller), objects checked against schemas that are tables,
 * one fault a breach with a JSON pointer.
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

struct fault {           /* an entry of a problem document's `errors` */
    const char *pointer; /* "/starts_at", "query:limit", "header:Idempotency-Key" */
    const char *detail;
    struct fault *next;
};
struct faults {
    struct arena *arena;
    struct fault *first, **tail;
    unsigned n; /* at most FAULTS_MAX are kept */
};
#define FAULTS_MAX 32
void faults_init(struct faults *f, struct arena *a);
void fault_add(struct faults *f, const char *pointer, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Parses a whole text; NULL for anything but one valid JSON value. Freed with the arena. */
json_t *json_parse(struct arena *a, struct str text) MUST_CHECK;
/* Ties the life of a value that came from jansson itself to the arena (never one of json_obj,
 * json_arr, json_parse); NULL (out of memory) takes the arena's way out. */
json_t *json_keep(struct arena *a, json_t *owned);
/* Compact text on the arena. */
struct str json_text(struct arena *a, const json_t *j);

enum json_type_wanted {
    J_STRING,
    J_INT,
    J_BOOL,
    J_UUID,
    J_TIME,
    J_LOCALE,
    J_ENUM,
    J_ARRAY,
    J_OBJECT
};

/* One member of an object. Fields are written into the caller's struct at `offset`. */
struct json_member {
    const char *name;
    enum json_type_wanted type;
    bool required;
    bool nullable;
    int64_t min, max;          /* J_INT: value; J_STRING: code points; J_ARRAY: items */
    const char *const *values; /* J_ENUM: NULL-terminated; the index is stored */
    size_t offset;  /* J_STRING const char *; J_INT int64_t; J_BOOL bool; J_UUID struct uuid; J_TIME
                       struct wall;  J_LOCALE, J_ENUM int; J_ARRAY, J_OBJECT json_t * (borrowed) */
    size_t present; /* offset of a bool that says whether it was there (and not null), or
                       JSON_NO_PRESENT */
};
#define JSON_NO_PRESENT ((size_t)-1)
#define JSON_MEMBERS_END \
    {                    \
        .name = NULL     \
    }

/*
 * Bounds of 0 and 0 are none. A whole number written as 2.0 counts as an integer, as JSON Schema
 * has it. Checks `j` against members: unknown ones, missing ones, wrong types and bounds are faults
 * below `base` ("" for the root). True when none was added. Strings are copied to the arena; a NUL
 * character inside is a fault.
 */
bool json_read(const json_t *j, const struct json_member *members, void *out, const char *base,
               struct faults *f) MUST_CHECK;
/* The same for one value: for items of a J_ARRAY. `pointer` is its own. */
bool json_read_value(const json_t *v, const struct json_member *m, void *out, const char *pointer,
                     struct faults *f) MUST_CHECK;
/* "/a~1b" below base, on the arena; what the name has beyond 64 bytes is cut off. */
const char *json_pointer(struct arena *a, const char *base, const char *name);
const char *json_pointer_index(struct arena *a, const char *base, size_t index);

/*
 * Builders that take the arena's way out when memory is out. Objects and arrays belong to the arena
 * (json_obj, json_arr, json_parse, json_keep) and may be put anywhere, also twice; a string, number
 * or other scalar that is put or pushed is handed over. Text that is not UTF-8 gets '?' for its bad
 * bytes.
 */
json_t *json_obj(struct arena *a);
json_t *json_arr(struct arena *a);
void json_put(struct arena *a, json_t *obj, const char *key, json_t *value);
void json_put_str(struct arena *a, json_t *obj, const char *key,
                  const char *z); /* NULL becomes null */
void json_put_int(struct arena *a, json_t *obj, const char *key, int64_t v);
void json_put_bool(struct arena *a, json_t *obj, const char *key, bool v);
void json_put_null(struct arena *a, json_t *obj, const char *key);
void json_put_time(struct arena *a, json_t *obj, const char *key, struct wall w);
void json_push(struct arena *a, json_t *arr, json_t *value);
void json_push_str(struct arena *a, json_t *arr, const char *z);

#endif
