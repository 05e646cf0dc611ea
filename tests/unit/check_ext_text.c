/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Paths into answers, and text put into requests. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/th_unit.h"
#include "ext/ext_escape.h"
#include "ext/ext_jsonpath.h"
#include "sys/json.h"

static struct arena *a;

static void set_up(void)
{
    a = arena_new(4096);
}
static void tear_down(void)
{
    arena_free(a);
}

/* ---- paths ---- */

#define DOC                                                                                       \
    "{\"s\":\"x\",\"i\":1,\"big\":12345678901234567,\"r\":1.5,\"t\":true,\"f\":false,\"n\":null," \
    "\"e\":\"\",\"ea\":[],"                                                                       \
    "\"eo\":{},\"a\":[{\"id\":\"m\"},[7,8]],\"o\":{\"p\":{\"q\":\"deep\"}},\"message-id\":\"h\"," \
    "\"nul\":"                                                                                    \
    "\"a\\u0000b\"}"

START_TEST(values_become_text)
{
    static const struct {
        const char *path, *text;
    } cases[] = {{"s", "x"},        {"i", "1"},        {"big", "12345678901234567"},
                 {"r", "1.5"},      {"t", "true"},     {"f", "false"},
                 {"n", ""},         {"e", ""},         {"ea", ""},
                 {"eo", ""},        {"a", NULL},       {"o", NULL},
                 {"a[0].id", "m"},  {"a[1][1]", "8"},  {"a[2]", NULL},
                 {"o.p.q", "deep"}, {"o.p.q.r", NULL}, {"o[0]", NULL},
                 {"a.id", NULL},    {"S", NULL},       {"message-id", "h"},
                 {"nul", NULL},     {"a[0", NULL},     {"a[0].id.", NULL},
                 {"", NULL}};
    json_t *j = json_parse(a, STR(DOC));
    ck_assert_ptr_nonnull(j);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = ext_json_text(a, ext_jsonpath_get(j, cases[i].path));
        ck_assert_msg(cases[i].text ? got && strcmp(got, cases[i].text) == 0 : !got, "%s: %s",
                      cases[i].path, got);
    }
    ck_assert_ptr_null(ext_jsonpath_get(NULL, "a"));
    ck_assert_ptr_null(ext_json_text(a, NULL));
    ck_assert_str_eq(ext_json_text(a, ext_jsonpath_get(json_parse(a, STR("[[1]]")), "[0][0]")),
                     "1");
}
END_TEST

/* ---- escaping ---- */

START_TEST(the_media_type_decides)
{
    static const struct {
        const char *type;
        enum ext_escape how;
    } cases[] = {{NULL, EXT_ESCAPE_JSON},
                 {"application/json", EXT_ESCAPE_JSON},
                 {"Application/JSON ; charset=utf-8", EXT_ESCAPE_JSON},
                 {"application/vnd.api+json", EXT_ESCAPE_JSON},
                 {"application/x-www-form-urlencoded", EXT_ESCAPE_PERCENT},
                 {"application/x-www-form-urlencoded; charset=UTF-8", EXT_ESCAPE_PERCENT},
                 {"text/xml", EXT_ESCAPE_XML},
                 {"application/soap+xml; charset=utf-8", EXT_ESCAPE_XML},
                 {"text/plain", EXT_ESCAPE_NONE},
                 {"", EXT_ESCAPE_NONE}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        ck_assert_int_eq(ext_escape_for(cases[i].type), cases[i].how);
}
END_TEST

static struct str escaped(enum ext_escape how, const char *z)
{
    struct sb b;
    sb_init(&b, a, 16);
    ext_escape_add(&b, how, z);
    return sb_str(&b);
}

START_TEST(special_characters_lose_their_meaning)
{
    th_assert_str(escaped(EXT_ESCAPE_JSON, "a\"b\\c\nd\x01\x7f/\xd8\xb1"),
                  str_of("a\\\"b\\\\c\\u000ad\\u0001\\u007f/\xd8\xb1"));
    th_assert_str(escaped(EXT_ESCAPE_PERCENT, "aZ09-._~ +&=/?#%\r\n\xd8\xb1"),
                  str_of("aZ09-._~%20%2B%26%3D%2F%3F%23%25%0D%0A%D8%B1"));
    th_assert_str(escaped(EXT_ESCAPE_XML, "<a b=\"c\" d='e'>&\n\x01"),
                  str_of("&#60;a b=&#34;c&#34; d=&#39;e&#39;&#62;&#38;&#10;"));
    th_assert_str(escaped(EXT_ESCAPE_NONE, "a\"\n%"), str_of("a\"\n%"));
    th_assert_str(escaped(EXT_ESCAPE_JSON, NULL), str_of(""));
}
END_TEST

/* All bytes go through JSON and come back. */
START_TEST(json_round_trip)
{
    char text[128] = {0};
    for (int c = 1; c < 128; c++)
        text[c - 1] = (char)c;
    struct str e = escaped(EXT_ESCAPE_JSON, text);
    json_t *j = json_parse(a, str_of(arena_printf(a, "[\"%.*s\"]", STR_ARG(e))));
    ck_assert_str_eq(json_string_value(json_array_get(j, 0)), text);
}
END_TEST

START_TEST(only_known_placeholders_are_replaced)
{
    const struct template_var vars[] = {{"to", "+9\""}, {"text", "{to}"}, {"sender", NULL}};

    th_assert_str(ext_template(a, "{\"to\":\"{to}\",\"x\":{\"{text}\":\"{sender}\"},\"{tox}{to\"}",
                               EXT_ESCAPE_JSON, vars, 3),
                  str_of("{\"to\":\"+9\\\"\",\"x\":{\"{to}\":\"\"},\"{tox}{to\"}"));
    th_assert_str(ext_template(a, "", EXT_ESCAPE_JSON, vars, 3), str_of(""));
    th_assert_str(ext_template(a, "{to}{to}", EXT_ESCAPE_PERCENT, vars, 3),
                  str_of("%2B9%22%2B9%22"));
}
END_TEST

START_TEST(form_fields_are_joined)
{
    struct sb b;
    sb_init(&b, a, 16);
    ext_form_add(&b, "a", "1&2");
    ext_form_add(&b, "b", NULL);
    th_assert_str(sb_str(&b), str_of("a=1%262&b="));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ext_text");
    TCase *c = th_case(s, "text");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, values_become_text);
    tcase_add_test(c, the_media_type_decides);
    tcase_add_test(c, special_characters_lose_their_meaning);
    tcase_add_test(c, json_round_trip);
    tcase_add_test(c, only_known_placeholders_are_replaced);
    tcase_add_test(c, form_fields_are_joined);
    return th_run(s);
}
