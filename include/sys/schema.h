/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Input held to a schema, which is a table: members of a JSON object and parameters of a query are
 * read into a struct by the same rows. One fault per breach.
 *
 *     static const struct schema_row order_rows[] = {
 *         {SCHEMA_UUID(struct order, service_id), .required = true},
 *         {SCHEMA_INT(struct order, party_size, 1, 1000), SCHEMA_HAS(struct order, has_party)},
 *         SCHEMA_END,
 *     };
 */
#ifndef BOOKINGD_SYS_SCHEMA_H
#define BOOKINGD_SYS_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/text_rules.h"
#include "base/uuid.h"
#include "sys/fault.h"

enum schema_type {                     /* and the C type that a value is stored as */
                   SCHEMA_TYPE_STRING, /* const char *, without NUL characters, on the arena */
                   SCHEMA_TYPE_NAME,   /* the same, held to TEXT_NAME of base/text_rules.h */
                   SCHEMA_TYPE_NOTE,   /* the same, held to TEXT_NOTE */
                   SCHEMA_TYPE_INT, /* int64_t; 2.0 counts as an integer, as JSON Schema has it */
                   SCHEMA_TYPE_BOOL,
                   SCHEMA_TYPE_UUID,     /* struct uuid */
                   SCHEMA_TYPE_TIME,     /* struct wall */
                   SCHEMA_TYPE_ENUM,     /* int: the index in values */
                   SCHEMA_TYPE_LANGUAGE, /* the same, by the language of a tag: "ar-SA" is "ar" */
                   SCHEMA_TYPE_ARRAY, /* json_t *, borrowed; never of a query, as SCHEMA_TYPE_OBJECT
                                       */
                   SCHEMA_TYPE_OBJECT,
                   SCHEMA_TYPE_ANY, /* json_t *, borrowed: the handler judges it */
                   SCHEMA_TYPE_COUNT
};

/* Zero is the safe value of each member but the first two. */
struct schema_row {
    const char *name;
    enum schema_type type;
    bool required; /* in an object: absence is a fault */
    bool nullable;
    int64_t min, max;          /* value, code points, or items; both 0: no bounds */
    const char *const *values; /* NULL-terminated */
    size_t offset;             /* of the field in the caller's struct */
    size_t present; /* 1 + offset of a bool that is set when a value was read; 0: there is none */
};

/* The inner part of a row. The field's type is checked when this is compiled. */
#define SCHEMA_FIELD(kind, ctype, owner, field) \
    .type = SCHEMA_TYPE_##kind,                 \
    .offset = offsetof(owner, field) + 0 * sizeof(_Generic(((owner *)0)->field, ctype : 0))
#define SCHEMA_STRING(owner, field, low, high) \
    .name = #field, SCHEMA_FIELD(STRING, const char *, owner, field), .min = (low), .max = (high)
/* Bounds of these two count after trimming. */
#define SCHEMA_NAME(owner, field, high) \
    .name = #field, SCHEMA_FIELD(NAME, const char *, owner, field), .min = 1, .max = (high)
#define SCHEMA_NOTE(owner, field, high) \
    .name = #field, SCHEMA_FIELD(NOTE, const char *, owner, field), .min = 0, .max = (high)
#define SCHEMA_INT(owner, field, low, high) \
    .name = #field, SCHEMA_FIELD(INT, int64_t, owner, field), .min = (low), .max = (high)
#define SCHEMA_BOOL(owner, field) .name = #field, SCHEMA_FIELD(BOOL, bool, owner, field)
#define SCHEMA_UUID(owner, field) .name = #field, SCHEMA_FIELD(UUID, struct uuid, owner, field)
#define SCHEMA_TIME(owner, field) .name = #field, SCHEMA_FIELD(TIME, struct wall, owner, field)
#define SCHEMA_ENUM(owner, field, names) \
    .name = #field, SCHEMA_FIELD(ENUM, int, owner, field), .values = (names)
#define SCHEMA_LOCALE(owner, field) \
    .name = #field, SCHEMA_FIELD(LANGUAGE, int, owner, field), .values = schema_locales
#define SCHEMA_ARRAY(owner, field, low, high) \
    .name = #field, SCHEMA_FIELD(ARRAY, json_t *, owner, field), .min = (low), .max = (high)
#define SCHEMA_OBJECT(owner, field) .name = #field, SCHEMA_FIELD(OBJECT, json_t *, owner, field)
#define SCHEMA_ANY(owner, field) .name = #field, SCHEMA_FIELD(ANY, json_t *, owner, field)
#define SCHEMA_HAS(owner, flag) \
    .present = 1 + offsetof(owner, flag) + 0 * sizeof(_Generic(((owner *)0)->flag, bool : 0))
#define SCHEMA_END   \
    {                \
        .name = NULL \
    }

extern const char *const schema_locales[]; /* in the order of enum locale */

/* The row of a name; NULL when there is none. */
const struct schema_row *schema_find(const struct schema_row *rows, const char *name);
/* What an object must look like. */
struct schema {
    const struct schema_row *rows;
    bool partial; /* nothing is required (PATCH) */
};
/* Reads an object into *out: unknown and missing members, wrong types and bounds are faults below
 * `base` ("" for the root). True when no fault was added. */
bool schema_read_object(const struct schema *schema, const json_t *j, void *out, const char *base,
                        struct faults *f) MUST_CHECK;
/* One value; for items of an array as well. `pointer` is its own. */
bool schema_read_json(const struct schema_row *row, const json_t *v, void *out, const char *pointer,
                      struct faults *f) MUST_CHECK;
/* The same from text that has no types of its own: a query parameter, which is valid UTF-8. */
bool schema_read_text(const struct schema_row *row, struct str text, void *out, const char *pointer,
                      struct faults *f) MUST_CHECK;

#endif
