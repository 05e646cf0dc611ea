/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * JSON values as compact text (RFC 8259). Called for every answer, by api_reply(), and for what is
 * stored or sent as JSON.
 *
 * jansson could do it, but it decodes each character, and it would have to be run twice: its own
 * memory is not wiped, so the length must be known first. Here the text grows on the arena.
 */
#include <string.h>

#include "base/ensure.h"
#include "base/num.h"
#include "sys/json.h"

#define JSON_TEXT_FIRST 1024 /* one booking fits; a list doubles a few times */
#define JSON_REAL_MAX 40     /* "%.17g" with sign, point and exponent is below 30 */

static void json_text_any(struct sb *out, const json_t *j);

/* RFC 8259 7: what must be escaped, and nothing else. */
static bool json_text_is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

/* The two-character forms where RFC 8259 has one, as most writers do; else \u00XX. */
static void json_text_escape(struct sb *out, unsigned char c)
{
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i + 1 < sizeof(short_forms); i += 2) {
        if ((unsigned char)short_forms[i] == c) {
            sb_add(out, (const char[]){'\\', short_forms[i + 1]}, 2);
            return;
        }
    }
    sb_add(out, (const char[]){'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]}, 6);
}

/* In runs: most texts have nothing to escape and are one copy. Whoever made the value has seen to
 * UTF-8. */
static void json_text_string(struct sb *out, const char *p, size_t n)
{
    sb_add(out, "\"", 1);
    for (size_t from = 0, at = 0; at <= n; at++) {
        if (at < n && json_text_is_plain((unsigned char)p[at]))
            continue;
        sb_add(out, p + from, at - from);
        if (at < n)
            json_text_escape(out, (unsigned char)p[at]);
        from = at + 1;
    }
    sb_add(out, "\"", 1);
}

static void json_text_object(struct sb *out, const json_t *j)
{
    json_t *object = (json_t *)(uintptr_t)j; /* jansson's iterators forgot the const */
    const char *between = "{";
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        const char *name = json_object_iter_key(i);
        sb_add(out, between, 1);
        json_text_string(out, name, strlen(name));
        sb_add(out, ":", 1);
        json_text_any(out, json_object_iter_value(i));
        between = ",";
    }
    sb_puts(out, *between == '{' ? "{}" : "}");
}

static void json_text_array(struct sb *out, const json_t *j)
{
    sb_add(out, "[", 1);
    for (size_t i = 0; i < json_array_size(j); i++) {
        if (i > 0)
            sb_add(out, ",", 1);
        json_text_any(out, json_array_get(j, i));
    }
    sb_add(out, "]", 1);
}

/* Reals are rare, and their shortest form is an art: that one is jansson's. */
static void json_text_real(struct sb *out, const json_t *j)
{
    char text[JSON_REAL_MAX];
    const size_t n = json_dumpb(j, text, sizeof(text), JSON_ENCODE_ANY);
    ENSURE(n > 0 && n <= sizeof(text));
    sb_add(out, text, n);
}

static void json_text_any(struct sb *out, const json_t *j)
{
    char number[NUM_TEXT_MAX];
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        json_text_object(out, j);
        break;
    case JSON_ARRAY:
        json_text_array(out, j);
        break;
    case JSON_STRING:
        json_text_string(out, json_string_value(j), json_string_length(j));
        break;
    /* Not by printf(): nearly every answer has integers, and reading a format takes time for
     * each. */
    case JSON_INTEGER:
        sb_puts(out, num_text(json_integer_value(j), number));
        break;
    case JSON_REAL:
        json_text_real(out, j);
        break;
    case JSON_TRUE:
        sb_add(out, "true", 4);
        break;
    case JSON_FALSE:
        sb_add(out, "false", 5);
        break;
    case JSON_NULL:
        sb_add(out, "null", 4);
        break;
    }
}

/* Without a limit of depth: what is written was built by this program, or parsed by jansson,
 * which bounds the depth. */
struct str json_text(struct arena *a, const json_t *j)
{
    struct sb out;
    sb_init(&out, a, JSON_TEXT_FIRST);
    json_text_any(&out, j);
    return sb_str(&out);
}
