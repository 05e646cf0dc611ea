/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * JSON in a request's memory: jansson's values tied to an arena, so that nobody calls json_decref()
 * and no builder can fail. Used by handlers, by services for stored answers, and by the drivers of
 * providers.
 */
#include "sys/json.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

/* U+FEFF in UTF-8, which some servers put before their answers (RFC 8259 section 8.1 lets a reader
 * skip it). */
#define JSON_BOM "\xef\xbb\xbf"

/* ---- parsing ---- */

static void json_drop(void *j)
{
    json_decref(j);
}

/* Takes the caller's reference. NULL means that memory ran out inside jansson. */
json_t *json_adopt(struct arena *a, json_t *owned)
{
    if (!owned)
        arena_oom(a);
    arena_defer(a, json_drop, owned);
    return owned;
}

/*
 * jansson's parser calls a token for which there is no memory invalid, or worse, goes on with a
 * part of it (a text cut short is a text too): only its allocator knows better.
 */
static bool memory_ran_out;

/* What clients sent may be a code or a token. */
static void json_wiping_free(void *p)
{
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *json_watched_malloc(size_t n)
{
    void *p = malloc(n);
    memory_ran_out |= !p;
    return p;
}

static json_t *json_parse_with(struct arena *a, struct str text, size_t flags)
{
    /* The allocator is jansson's for the whole process; it is set at each parse, since tests set
     * others. */
    memory_ran_out = false;
    json_set_alloc_funcs(json_watched_malloc, json_wiping_free);
    json_error_t error;
    json_t *j = json_loadb(text.p ? text.p : "", text.n, flags, &error);
    /* An integer beyond 64 bits is valid JSON; as a real it fails the schema (422) and not the
     * parser (400). */
    if (!j && json_error_code(&error) == json_error_numeric_overflow)
        j = json_loadb(text.p, text.n, flags | JSON_DECODE_INT_AS_REAL, &error);
    /* Whatever it returned is not to be trusted. */
    if (memory_ran_out) {
        json_decref(j);
        arena_oom(a);
    }
    return j ? json_adopt(a, j) : NULL;
}

json_t *json_parse(struct arena *a, struct str text)
{
    /* A NUL character is let through here, since schema_read_object names the member that has it.
     */
    return json_parse_with(a, text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL);
}

/* ---- builders ---- */

json_t *json_obj(struct arena *a)
{
    return json_adopt(a, json_object());
}

json_t *json_arr(struct arena *a)
{
    return json_adopt(a, json_array());
}

/* Containers are the arena's: what they are put into takes a reference of its own. */
static json_t *json_hand_over(struct arena *a, json_t *value)
{
    if (!value)
        arena_oom(a);
    return json_is_object(value) || json_is_array(value) ? json_incref(value) : value;
}

/* Names are constants of ours or keys of the configuration: UTF-8 either way. */
void json_put(struct arena *a, json_t *obj, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(obj, key, json_hand_over(a, value)) != 0)
        arena_oom(a);
}

void json_push(struct arena *a, json_t *arr, json_t *value)
{
    if (json_array_append_new(arr, json_hand_over(a, value)) != 0)
        arena_oom(a);
}

/* Length of the valid character at p, 0 when there is none. */
static size_t json_utf8_char(const char *p, size_t left)
{
    for (size_t n = 1; n <= 4 && n <= left; n++)
        if (str_utf8_valid((struct str){p, n}))
            return n;
    return 0;
}

/* Text from a database or a provider may be broken; an answer must be valid JSON all the same, so a
 * broken byte becomes "?". */
static struct str json_clean(struct arena *a, struct str s)
{
    if (str_utf8_valid(s))
        return s;
    char *clean = arena_strndup(a, s.p, s.n);
    for (size_t i = 0; i < s.n;) {
        size_t n = json_utf8_char(s.p + i, s.n - i);
        if (n == 0)
            clean[i] = '?';
        i += n ? n : 1;
    }
    return (struct str){clean, s.n};
}

json_t *json_parse_foreign(struct arena *a, struct str text)
{
    struct str s = text.p ? text : STR("");
    if (str_starts(s, STR(JSON_BOM)))
        s = (struct str){s.p + strlen(JSON_BOM), s.n - strlen(JSON_BOM)};
    while (s.n > 0 && s.p[0] == '\0')
        s = (struct str){s.p + 1, s.n - 1};
    while (s.n > 0 && s.p[s.n - 1] == '\0')
        s.n--;
    return json_parse_with(a, json_clean(a, s), JSON_DECODE_ANY | JSON_ALLOW_NUL);
}

static json_t *json_str_or_null(struct arena *a, const char *z)
{
    if (!z)
        return json_null();
    struct str s = json_clean(a, str_of(z));
    return json_stringn_nocheck(s.p, s.n); /* json_clean() has checked */
}

void json_put_str(struct arena *a, json_t *obj, const char *key, const char *z)
{
    json_put(a, obj, key, json_str_or_null(a, z));
}

void json_push_str(struct arena *a, json_t *arr, const char *z)
{
    json_push(a, arr, json_str_or_null(a, z));
}

void json_put_int(struct arena *a, json_t *obj, const char *key, int64_t v)
{
    json_put(a, obj, key, json_integer(v));
}

void json_put_int_if(struct arena *a, json_t *obj, const char *key, bool has, int64_t v)
{
    json_put(a, obj, key, has ? json_integer(v) : json_null());
}

void json_put_bool(struct arena *a, json_t *obj, const char *key, bool v)
{
    json_put(a, obj, key, json_boolean(v));
}

void json_put_null(struct arena *a, json_t *obj, const char *key)
{
    json_put(a, obj, key, json_null());
}

void json_put_time(struct arena *a, json_t *obj, const char *key, struct wall w)
{
    char text[WALL_RFC3339_MAX];
    json_put_str(a, obj, key, wall_format(w, text));
}

void json_put_time_if(struct arena *a, json_t *obj, const char *key, bool has, struct wall w)
{
    char text[WALL_RFC3339_MAX];
    json_put_str(a, obj, key, has ? wall_format(w, text) : NULL);
}
