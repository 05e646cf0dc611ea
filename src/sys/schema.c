/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reads JSON members and query parameters into structs, by tables. Called by the api layer before a
 * handler runs, by handlers for items of arrays, and by the sandbox. Each row names a member, its
 * type, its limits and the field that takes it. Readers add a fault and go on, so that one answer
 * lists all that is wrong. A struct is filled only as far as its members were good; callers look at
 * the faults before they use it.
 */
#include "sys/schema.h"

#include <string.h>

#include "base/ensure.h"
#include "base/names.h"
#include "base/num.h"

/* Beyond 2^53 a double is not exact, so what it stands for is not known. */
#define EXACT_DOUBLE_MAX 9007199254740992.0

const char *const schema_locales[] = {"ar", "en", NULL};

/* One value on its way into the caller's struct. */
struct schema_value {
    const struct schema_row *row;
    const json_t *json; /* NULL: text from a query, in which numbers and booleans are text too */
    struct str text;    /* absent: JSON that is no string */
    char *out;
    const char *pointer;
    struct faults *faults;
};

/* Always false, so that a reader can end with it. */
static bool schema_refuse(const struct schema_value *v, const char *detail)
{
    fault_add(v->faults, v->pointer, "%s", detail);
    return false;
}

/* memcpy(): the row knows the offset, not the type, of the caller's field. */
static bool schema_store(const struct schema_value *v, const void *value, size_t size)
{
    memcpy(v->out + v->row->offset, value, size);
    return true;
}

/* False after a fault: "must have 1 to 120 characters". */
static bool schema_in_bounds(const struct schema_value *v, int64_t n, const char *verb,
                             const char *unit)
{
    const struct schema_row *row = v->row;
    if ((row->min == 0 && row->max == 0) || (n >= row->min && n <= row->max))
        return true;
    /* "exactly 3" reads better than "3 to 3". */
    if (row->min == row->max)
        fault_add(v->faults, v->pointer, "must %s exactly %lld%s", verb, (long long)row->min, unit);
    else
        fault_add(v->faults, v->pointer, "must %s %lld to %lld%s", verb, (long long)row->min,
                  (long long)row->max, unit);
    return false;
}

/* Lengths count code points, as openapi.yaml's maxLength does (JSON Schema, 6.3.1). */
static bool schema_store_text(const struct schema_value *v, struct str text)
{
    if (!schema_in_bounds(v, (int64_t)str_utf8_len(text), "have", " characters"))
        return false;
    const char *z = arena_strndup(v->faults->arena, text.p, text.n);
    return schema_store(v, &z, sizeof z);
}

static bool schema_is_text(const struct schema_value *v)
{
    if (!v->text.p)
        return schema_refuse(v, "must be a string");
    /* C strings and PostgreSQL's text both end at a NUL. */
    if (memchr(v->text.p, '\0', v->text.n))
        return schema_refuse(v, "must not contain a NUL character");
    return true;
}

/* As it was sent: for identifiers, codes and URLs, in which blanks at the ends mean something. */
static bool schema_read_string(const struct schema_value *v)
{
    return schema_is_text(v) && schema_store_text(v, v->text);
}

/* Names and notes: trimmed, and held to the rules for texts that people read (BEHAVIOUR §5). */
static bool schema_read_clean(const struct schema_value *v)
{
    struct str clean;
    if (!schema_is_text(v))
        return false;
    const enum text_kind kind = v->row->type == SCHEMA_TYPE_NOTE ? TEXT_NOTE : TEXT_NAME;
    const char *wrong = text_clean(v->faults->arena, v->text, kind, &clean);
    return wrong ? schema_refuse(v, wrong) : schema_store_text(v, clean);
}

/* 1.0 is an integer in JSON Schema (6.1.1). */
static bool schema_whole_number(const json_t *j, int64_t *out)
{
    if (json_is_integer(j)) {
        *out = json_integer_value(j);
        return true;
    }
    double d = json_is_real(j) ? json_real_value(j) : 0.5;
    if (!(d >= -EXACT_DOUBLE_MAX && d <= EXACT_DOUBLE_MAX))
        return false;
    *out = (int64_t)d;
    return (double)*out == d; /* NOLINT: exact on purpose */
}

static bool schema_read_int(const struct schema_value *v)
{
    int64_t n;
    if (!(v->json ? schema_whole_number(v->json, &n) : num_i64(v->text, &n)))
        return schema_refuse(v, "must be an integer");
    return schema_in_bounds(v, n, "be", "") && schema_store(v, &n, sizeof n);
}

/* In a query "1" and "yes" are refused: a word that one client takes for true, another may not. */
static bool schema_read_bool(const struct schema_value *v)
{
    bool yes = v->json ? json_is_true(v->json) : str_eq(v->text, STR("true"));
    bool no = v->json ? json_is_false(v->json) : str_eq(v->text, STR("false"));
    if (!yes && !no)
        return schema_refuse(v, "must be true or false");
    return schema_store(v, &yes, sizeof yes);
}

/* Stored in lower case, whatever was sent: identifiers are compared as text. */
static bool schema_read_uuid(const struct schema_value *v)
{
    struct uuid u;
    if (!v->text.p || !uuid_parse(v->text, &u))
        return schema_refuse(v, "must be a UUID");
    return schema_store(v, &u, sizeof u);
}

/* Without an offset a time is not known; no zone is guessed. */
static bool schema_read_time(const struct schema_value *v)
{
    struct wall w;
    if (!v->text.p || !wall_parse(v->text, &w))
        return schema_refuse(v, "must be an RFC 3339 date-time with an offset");
    return schema_store(v, &w, sizeof w);
}

/* The fault lists the words: there are few, and the client needs them. */
static bool schema_read_enum(const struct schema_value *v)
{
    const char *const *values = v->row->values;
    const int found = v->row->type == SCHEMA_TYPE_LANGUAGE
                          ? name_find_language(values, NAMES_UNTIL_NULL, v->text)
                          : name_find(values, NAMES_UNTIL_NULL, v->text);
    if (found >= 0)
        return schema_store(v, &found, sizeof found);
    struct sb b;
    sb_init(&b, v->faults->arena, 128);
    for (int i = 0; values[i]; i++)
        sb_printf(&b, "%s\"%s\"", i ? ", " : "", values[i]);
    fault_add(v->faults, v->pointer, "must be one of %.*s", STR_ARG(sb_str(&b)));
    return false;
}

/* The JSON itself, for handlers that read its elements with a schema of their own. It lives as long
 * as the request. */
static bool schema_borrow(const struct schema_value *v)
{
    void *j = (void *)(uintptr_t)v->json; /* the caller's field is not const */
    return schema_store(v, &j, sizeof j);
}

/* Only that it is an array, and how long; its elements are the handler's. */
static bool schema_read_array(const struct schema_value *v)
{
    if (!json_is_array(v->json))
        return schema_refuse(v, "must be an array");
    return schema_in_bounds(v, (int64_t)json_array_size(v->json), "have", " items") &&
           schema_borrow(v);
}

static bool schema_borrow_object(const struct schema_value *v)
{
    return json_is_object(v->json) ? schema_borrow(v) : schema_refuse(v, "must be an object");
}

static bool (*const schema_readers[SCHEMA_TYPE_COUNT])(const struct schema_value *v) = {
    [SCHEMA_TYPE_STRING] = schema_read_string,   [SCHEMA_TYPE_NAME] = schema_read_clean,
    [SCHEMA_TYPE_NOTE] = schema_read_clean,      [SCHEMA_TYPE_INT] = schema_read_int,
    [SCHEMA_TYPE_BOOL] = schema_read_bool,       [SCHEMA_TYPE_UUID] = schema_read_uuid,
    [SCHEMA_TYPE_TIME] = schema_read_time,       [SCHEMA_TYPE_ENUM] = schema_read_enum,
    [SCHEMA_TYPE_LANGUAGE] = schema_read_enum,   [SCHEMA_TYPE_ARRAY] = schema_read_array,
    [SCHEMA_TYPE_OBJECT] = schema_borrow_object, [SCHEMA_TYPE_ANY] = schema_borrow,
};

/* The has_ field is set after the value was good, so it never vouches for a bad one. */
static bool schema_read(const struct schema_value *v)
{
    if (!schema_readers[v->row->type](v))
        return false;
    if (v->row->present > 0) {
        const bool yes = true;
        memcpy(v->out + v->row->present - 1, &yes, sizeof yes);
    }
    return true;
}

bool schema_read_json(const struct schema_row *row, const json_t *v, void *out, const char *pointer,
                      struct faults *f)
{
    struct schema_value value = {row, v, {NULL, 0}, out, pointer, f};
    /* A null leaves the field and its has_ flag alone: a handler that cares looks at the JSON. */
    if (json_is_null(v))
        return row->nullable || schema_refuse(&value, "must not be null");
    if (json_is_string(v))
        value.text = (struct str){json_string_value(v), json_string_length(v)};
    return schema_read(&value);
}

/* Arrays and objects have no form in a query. */
bool schema_read_text(const struct schema_row *row, struct str text, void *out, const char *pointer,
                      struct faults *f)
{
    ENSURE(row->type < SCHEMA_TYPE_ARRAY);
    return schema_read(&(struct schema_value){row, NULL, text, out, pointer, f});
}

/* NULL for an unknown name, and for a route that has no table at all. */
const struct schema_row *schema_find(const struct schema_row *rows, const char *name)
{
    for (; rows && rows->name; rows++)
        if (strcmp(rows->name, name) == 0)
            return rows;
    return NULL;
}

/* Unknown members are faults: a misspelt optional member would otherwise be ignored without a
 * word. */
bool schema_read_object(const struct schema *schema, const json_t *j, void *out, const char *base,
                        struct faults *f)
{
    const struct schema_row *rows = schema->rows;
    bool good = true; /* not by the count of faults, which stops at FAULTS_MAX */
    if (!json_is_object(j)) {
        fault_add(f, base, "must be an object");
        return false;
    }
    for (const struct schema_row *row = rows; row->name; row++) {
        const json_t *v = json_object_get(j, row->name);
        const char *pointer = fault_pointer(f->arena, base, row->name);
        if (v) {
            good &= schema_read_json(row, v, out, pointer, f);
        } else if (row->required && !schema->partial) {
            fault_add(f, pointer, "is required");
            good = false;
        }
    }
    /* jansson's iterators want a mutable object, but only read it */
    json_t *object = (json_t *)(uintptr_t)j;
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        if (schema_find(rows, json_object_iter_key(i)))
            continue;
        fault_add(f, fault_pointer(f->arena, base, json_object_iter_key(i)),
                  "is not a known member");
        good = false;
    }
    return good;
}
