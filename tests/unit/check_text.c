/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Names, character sets, templates and JSON paths of base. */
#include <check.h>

#include "../lib/th_unit.h"
#include "base/chars.h"
#include "base/jsonpath.h"
#include "base/names.h"
#include "base/template.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(1024);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(names_are_found_whole)
{
    static const char *const names[] = {"ar", "en", "", NULL, "fr"};

    ck_assert_int_eq(name_find(names, 2, STR("ar")), 0);
    ck_assert_int_eq(name_find(names, 2, STR("en")), 1);
    ck_assert_int_eq(name_find(names, 1, STR("en")), -1);
    ck_assert_int_eq(name_find(names, 2, STR("e")), -1);
    ck_assert_int_eq(name_find(names, 2, STR("en ")), -1);
    ck_assert_int_eq(name_find(names, 2, STR("EN")), -1);
    ck_assert_int_eq(name_find(names, 2, STR("en\0")), -1);
    ck_assert_int_eq(name_find(names, NAMES_UNTIL_NULL, STR("")), 2);
    ck_assert_int_eq(name_find(names, NAMES_UNTIL_NULL, (struct str){NULL, 0}), -1);
    ck_assert_int_eq(name_find(names, NAMES_UNTIL_NULL, STR("fr")), -1);
}
END_TEST

static void assert_set(bool (*in_set)(char), const char *want)
{
    char got[257];
    size_t n = 0;

    for (int c = 0; c < 256; c++)
        if (in_set((char)c))
            got[n++] = (char)c;
    got[n] = '\0';
    ck_assert_str_eq(got, want);
}

#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LOWER "abcdefghijklmnopqrstuvwxyz"

START_TEST(character_sets)
{
    assert_set(char_is_digit, "0123456789");
    assert_set(char_is_alpha, UPPER LOWER);
    assert_set(char_is_alnum, "0123456789" UPPER LOWER);
    assert_set(char_is_token, "!#$%&'*+-.0123456789" UPPER "^_`" LOWER "|~");
    assert_set(char_is_unreserved, "-.0123456789" UPPER "_" LOWER "~");
    assert_set(char_is_id, "-0123456789" UPPER "_" LOWER);
    assert_set(char_is_id_or_dot, "-.0123456789" UPPER "_" LOWER);
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *at = c ? strchr(digits, c) : NULL;
        int want = at ? (int)(at - digits) : -1;
        ck_assert_int_eq(char_hex_value((char)c), want > 15 ? want - 6 : want);
        ck_assert_int_eq(char_is_control((char)c), c < 32 || c == 127);
    }
    ck_assert(chars_all(STR("09"), char_is_digit));
    ck_assert(!chars_all(STR("0x"), char_is_digit));
    ck_assert(!chars_all(STR(""), char_is_digit));
    ck_assert(chars_have_control(STR("a\tb")));
    ck_assert(!chars_have_control(STR("a b\xd8\xb1")));
}
END_TEST

START_TEST(percent_encoding)
{
    struct sb b;

    sb_init(&b, arena, 0);
    chars_add_percent(&b, STR("aZ09-._~ +&=/%\r\n\0\xd8\xb1"));
    th_assert_str(sb_str(&b), STR("aZ09-._~%20%2B%26%3D%2F%25%0D%0A%00%D8%B1"));
}
END_TEST

static void add_in_brackets(struct sb *b, const char *value, const void *ctx)
{
    sb_printf(b, "%s[%s]", (const char *)ctx, value);
}

START_TEST(templates)
{
    static const struct template_var vars[] = {
        {"to", "+9\""}, {"text", "{to}"}, {"sender", NULL}, {"party_size", "4"}};
    static const struct {
        const char *text, *plain, *bracketed;
    } cases[] = {{"", "", ""},
                 {"no place", "no place", "no place"},
                 {"{to}{to}", "+9\"+9\"", "=[+9\"]=[+9\"]"},
                 {"{\"{text}\":\"{sender}\"}", "{\"{to}\":\"\"}", "{\"=[{to}]\":\"=[]\"}"},
                 {"{{party_size}}", "{4}", "{=[4]}"},
                 {"{tox}{to{t}{}{To}{to }{", "{tox}{to{t}{}{To}{to }{", "{tox}{to{t}{}{To}{to }{"}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct template_values values = {.vars = vars, .n = ARRAY_LEN(vars)};
        struct sb b;

        sb_init(&b, arena, 1);
        template_add(&b, cases[i].text, &values);
        th_assert_str(sb_str(&b), str_of(cases[i].plain));
        values.add = add_in_brackets;
        values.ctx = "=";
        sb_init(&b, arena, 1);
        template_add(&b, cases[i].text, &values);
        th_assert_str(sb_str(&b), str_of(cases[i].bracketed));
    }
    th_assert_str(template_placeholder("{a_b}c"), STR("a_b"));
    ck_assert_ptr_null(template_placeholder("{a1}").p);
    ck_assert_ptr_null(template_placeholder("a{b}").p);
}
END_TEST

START_TEST(json_paths_have_one_form)
{
    static const char *const good[] = {"a",      "a.b",        "a[0]",  "a[0].b",        "[1]",
                                       "[0][1]", "message-id", "a b.c", "a[2147483647]", "$"};
    static const char *const bad[] = {"",
                                      ".",
                                      ".a",
                                      "a.",
                                      "a..b",
                                      "a[",
                                      "a[]",
                                      "a[-1]",
                                      "a[01]",
                                      "a[00]",
                                      "a[x]",
                                      "a]b",
                                      "a[0]b",
                                      "]",
                                      "[0]a",
                                      "a.[0]",
                                      "a[0]..b",
                                      "data.[0].status",
                                      "a[2147483648]",
                                      "a[99999999999999999999]"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(jsonpath_valid(good[i]), "%s", good[i]);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!jsonpath_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(json_paths_are_read_step_by_step)
{
    struct jsonpath p = {.rest = "data.items[12].id"};
    struct jsonpath_step step;

    ck_assert(jsonpath_more(&p) && jsonpath_next(&p, &step));
    th_assert_str(step.name, STR("data"));
    ck_assert(jsonpath_more(&p) && jsonpath_next(&p, &step));
    th_assert_str(step.name, STR("items"));
    ck_assert(jsonpath_more(&p) && jsonpath_next(&p, &step));
    ck_assert_ptr_null(step.name.p);
    ck_assert_uint_eq(step.index, 12);
    ck_assert(jsonpath_more(&p) && jsonpath_next(&p, &step));
    th_assert_str(step.name, STR("id"));
    ck_assert(!jsonpath_more(&p));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("text");
    TCase *c = th_case(s, "text");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, names_are_found_whole);
    tcase_add_test(c, character_sets);
    tcase_add_test(c, percent_encoding);
    tcase_add_test(c, templates);
    tcase_add_test(c, json_paths_have_one_form);
    tcase_add_test(c, json_paths_are_read_step_by_step);
    return th_run(s);
}
