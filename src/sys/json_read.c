/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "base/names.h"
#include "sys/json.h"

#include <string.h>

#define POINTER_NAME_MAX 64

const char *json_pointer(struct arena *a, const char *base, const char *name)
{
    struct sb b;
    sb_init(&b, a, strlen(base) + strlen(name) + 2);
    sb_puts(&b, base);
    sb_putc(&b, '/');
    size_t n = strlen(name);
    if (n > POINTER_NAME_MAX) {
        n = POINTER_NAME_MAX;
        while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) /* not inside a character */
            n--;
    }
    for (size_t i = 0; i < n; i++) { /* RFC 6901 3 */
        if (name[i] == '~')
            sb_puts(&b, "~0");
        else if (name[i] == '/')
            sb_puts(&b, "~1");
        else
            sb_putc(&b, name[i]);
    }
    return sb_str(&b).p;
}

const char *json_pointer_index(struct arena *a, const char *base, size_t index)
{
    return arena_printf(a, "%s/%zu", base, index);
}

struct reading { /* one value on its way into the caller's struct */
    const json_t *v;
    const struct json_member *m;
    char *field;
    const char *pointer;
    struct faults *f;
};

static bool bounded(const struct json_member *m)
{
    return m->min != 0 || m->max != 0;
}

/* "must have 1 to 120 characters" */
static void out_of_bounds(const struct reading *r, const char *verb, const char *unit)
{
    const struct json_member *m = r->m;
    if (m->min == m->max)
        fault_add(r->f, r->pointer, "must %s exactly %lld%s", verb, (long long)m->min, unit);
    else
        fault_add(r->f, r->pointer, "must %s %lld to %lld%s", verb, (long long)m->min,
                  (long long)m->max, unit);
}

/* A string without NUL characters, copied; NULL after a fault. */
static const char *plain_text(const struct reading *r)
{
    if (!json_is_string(r->v)) {
        fault_add(r->f, r->pointer, "must be a string");
        return NULL;
    }
    const char *z = json_string_value(r->v);
    size_t n = json_string_length(r->v);
    if (memchr(z, '\0', n)) {
        fault_add(r->f, r->pointer, "must not contain a NUL character");
        return NULL;
    }
    return arena_strndup(r->f->arena, z, n);
}

static bool read_string(const struct reading *r)
{
    const char *z = plain_text(r);
    if (!z)
        return false;
    int64_t n = (int64_t)str_utf8_len(str_of(z));
    if (bounded(r->m) && (n < r->m->min || n > r->m->max)) {
        out_of_bounds(r, "have", " characters");
        return false;
    }
    memcpy(r->field, &z, sizeof z);
    return true;
}

static bool whole_number(const json_t *v, int64_t *out)
{
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return true;
    }
    double d = json_is_real(v) ? json_real_value(v) : 0.5;
    if (!(d >= -9007199254740992.0 && d <= 9007199254740992.0)) /* beyond, a double is not exact */
        return false;
    *out = (int64_t)d;
    return (double)*out == d; /* NOLINT: exact on purpose */
}

static bool read_int(const struct reading *r)
{
    int64_t v;
    if (!whole_number(r->v, &v)) {
        fault_add(r->f, r->pointer, "must be an integer");
        return false;
    }
    if (bounded(r->m) && (v < r->m->min || v > r->m->max)) {
        out_of_bounds(r, "be", "");
        return false;
    }
    memcpy(r->field, &v, sizeof v);
    return true;
}

static bool read_bool(const struct reading *r)
{
    if (!json_is_boolean(r->v)) {
        fault_add(r->f, r->pointer, "must be true or false");
        return false;
    }
    bool v = json_is_true(r->v);
    memcpy(r->field, &v, sizeof v);
    return true;
}

static bool read_uuid(const struct reading *r)
{
    struct uuid v;
    if (!json_is_string(r->v) ||
        !uuid_parse((struct str){json_string_value(r->v), json_string_length(r->v)}, &v)) {
        fault_add(r->f, r->pointer, "must be a UUID");
        return false;
    }
    memcpy(r->field, &v, sizeof v);
    return true;
}

static bool read_time(const struct reading *r)
{
    struct wall v;
    if (!json_is_string(r->v) ||
        !wall_parse((struct str){json_string_value(r->v), json_string_length(r->v)}, &v)) {
        fault_add(r->f, r->pointer, "must be an RFC 3339 date-time with an offset");
        return false;
    }
    memcpy(r->field, &v, sizeof v);
    return true;
}

static bool read_choice(const struct reading *r, const char *const *values)
{
    if (json_is_string(r->v)) {
        struct str s = {json_string_value(r->v), json_string_length(r->v)};
        const int i = name_find(values, NAMES_UNTIL_NULL, s);
        if (i >= 0) {
            memcpy(r->field, &i, sizeof i);
            return true;
        }
    }
    struct sb b;
    sb_init(&b, r->f->arena, 128);
    for (int i = 0; values[i]; i++)
        sb_printf(&b, "%s\"%s\"", i ? ", " : "", values[i]);
    fault_add(r->f, r->pointer, "must be one of %.*s", STR_ARG(sb_str(&b)));
    return false;
}

static bool read_locale(const struct reading *r)
{
    static const char *const values[] = {"ar", "en", NULL}; /* in the order of enum locale */
    return read_choice(r, values);
}

static bool read_enum(const struct reading *r)
{
    return read_choice(r, r->m->values);
}

static void set_borrowed(const struct reading *r)
{
    void *v = (void *)(uintptr_t)r->v; /* the caller's field is not const */
    memcpy(r->field, &v, sizeof v);
}

static bool read_array(const struct reading *r)
{
    if (!json_is_array(r->v)) {
        fault_add(r->f, r->pointer, "must be an array");
        return false;
    }
    int64_t n = (int64_t)json_array_size(r->v);
    if (bounded(r->m) && (n < r->m->min || n > r->m->max)) {
        out_of_bounds(r, "have", " items");
        return false;
    }
    set_borrowed(r);
    return true;
}

static bool read_object(const struct reading *r)
{
    if (!json_is_object(r->v)) {
        fault_add(r->f, r->pointer, "must be an object");
        return false;
    }
    set_borrowed(r);
    return true;
}

static bool (*const readers[])(const struct reading *r) = {
    [J_STRING] = read_string, [J_INT] = read_int,     [J_BOOL] = read_bool,
    [J_UUID] = read_uuid,     [J_TIME] = read_time,   [J_LOCALE] = read_locale,
    [J_ENUM] = read_enum,     [J_ARRAY] = read_array, [J_OBJECT] = read_object,
};

bool json_read_value(const json_t *v, const struct json_member *m, void *out, const char *pointer,
                     struct faults *f)
{
    if (json_is_null(v)) {
        if (!m->nullable)
            fault_add(f, pointer, "must not be null");
        return m->nullable;
    }
    struct reading r = {v, m, (char *)out + m->offset, pointer, f};
    if (!readers[m->type](&r))
        return false;
    if (m->present != JSON_NO_PRESENT) {
        const bool yes = true;
        memcpy((char *)out + m->present, &yes, sizeof yes);
    }
    return true;
}

static bool known_member(const struct json_member *members, const char *name)
{
    for (const struct json_member *m = members; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return true;
    return false;
}

bool json_read(const json_t *j, const struct json_member *members, void *out, const char *base,
               struct faults *f)
{
    if (!json_is_object(j)) {
        fault_add(f, base, "must be an object");
        return false;
    }
    bool good = true;
    for (const struct json_member *m = members; m->name; m++) {
        const json_t *v = json_object_get(j, m->name);
        const char *pointer = json_pointer(f->arena, base, m->name);
        if (v) {
            good &= json_read_value(v, m, out, pointer, f);
        } else if (m->required) {
            fault_add(f, pointer, "is required");
            good = false;
        }
    }
    /* jansson's iterators want a mutable object, but only read it */
    json_t *object = (json_t *)(uintptr_t)j;
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        if (known_member(members, json_object_iter_key(i)))
            continue;
        fault_add(f, json_pointer(f->arena, base, json_object_iter_key(i)),
                  "is not a known member");
        good = false;
    }
    return good;
}
