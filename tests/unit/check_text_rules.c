/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* B26, B27, B28: texts of people. */
#include <check.h>
#include <stdint.h>

#include "../lib/th_unit.h"
#include "base/text_rules.h"

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

static const char *clean(const char *text, enum text_kind kind)
{
    struct str out;
    const char *wrong = text_clean(arena, str_of(text), kind, &out);
    ck_assert(wrong == NULL || strncmp(wrong, "must ", 5) == 0);
    return wrong ? NULL : out.p;
}

static const char *of_point(uint32_t c)
{
    char *z = arena_alloc(arena, 5);
    size_t n = 0;
    if (c < 0x80) {
        z[n++] = (char)c;
    } else if (c < 0x800) {
        z[n++] = (char)(0xC0 | c >> 6);
        z[n++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        z[n++] = (char)(0xE0 | c >> 12);
        z[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        z[n++] = (char)(0x80 | (c & 0x3F));
    } else {
        z[n++] = (char)(0xF0 | c >> 18);
        z[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        z[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        z[n++] = (char)(0x80 | (c & 0x3F));
    }
    z[n] = '\0';
    return z;
}

START_TEST(ends_are_trimmed)
{
    static const uint32_t spaces[] = {0x9,    0xA,    0xD,    0x20,   0x85,
                                      0xA0,   0x1680, 0x2000, 0x2003, 0x2009,
                                      0x200A, 0x2028, 0x202F, 0x205F, 0x3000};
    for (size_t i = 0; i < ARRAY_LEN(spaces); i++) {
        const char *space = of_point(spaces[i]);
        const char *text = arena_printf(arena, "%s %sa b%s%s", space, space, space, space);
        ck_assert_str_eq(clean(text, TEXT_NAME), "a b");
        ck_assert_str_eq(clean(text, TEXT_NOTE), "a b");
    }
    ck_assert_str_eq(clean(" \n ", TEXT_NOTE), "");
    ck_assert_str_eq(clean("", TEXT_NOTE), "");
}
END_TEST

START_TEST(a_name_can_be_seen)
{
    static const uint32_t blank[] = {0x20,   0xA0,   0xAD,    0x301,  0x34F,  0x61C,  0x64B,
                                     0x115F, 0x180E, 0x200B,  0x200C, 0x200D, 0x200E, 0x200F,
                                     0x2060, 0x2800, 0x3000,  0x3164, 0xFE0F, 0xFEFF, 0xFFA0,
                                     0x903,  0x20DD, 0xE0001, 0xE0100};
    for (size_t i = 0; i < ARRAY_LEN(blank); i++) {
        const char *point = of_point(blank[i]);
        ck_assert_ptr_null(clean(point, TEXT_NAME));
        ck_assert_ptr_null(clean(arena_printf(arena, " %s%s ", point, point), TEXT_NAME));
        ck_assert_ptr_nonnull(clean(point, TEXT_NOTE));
    }
    ck_assert_ptr_null(clean("", TEXT_NAME));
    static const char *const seen[] = {"a",
                                       "نور",
                                       "é",
                                       "e\u0301",
                                       "👩‍👩‍👧",
                                       "❤️",
                                       "مي‌خواهم",
                                       "\u200fSara\u200e",
                                       "क\u094dष",
                                       "。",
                                       "'"};
    for (size_t i = 0; i < ARRAY_LEN(seen); i++)
        ck_assert_str_eq(clean(seen[i], TEXT_NAME), seen[i]);
}
END_TEST

START_TEST(what_controls_is_refused)
{
    for (uint32_t c = 1; c <= 0x9F; c++) {
        const char *text = arena_printf(arena, "a%sb", of_point(c));
        const bool control = c < 0x20 || c >= 0x7F;
        const bool line = c == '\n' || c == '\t';
        ck_assert_msg((clean(text, TEXT_NAME) == NULL) == control, "%x", c);
        ck_assert_msg((clean(text, TEXT_NOTE) == NULL) == (control && !line), "%x", c);
    }
    for (uint32_t c = 0x2000; c <= 0x2070; c++) {
        const char *text = arena_printf(arena, "a%sb", of_point(c));
        const bool control = (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
        ck_assert_msg((clean(text, TEXT_NAME) == NULL) == control, "%x", c);
        ck_assert_msg((clean(text, TEXT_NOTE) == NULL) == control, "%x", c);
    }
    ck_assert_str_eq(clean("a\r\nb", TEXT_NOTE), "a\nb");
    ck_assert_ptr_null(clean("a\rb", TEXT_NOTE));
    ck_assert_ptr_null(clean("a\r\nb", TEXT_NAME));
}
END_TEST

START_TEST(labels_do_not_look_alike)
{
    static const uint32_t widthless[] = {0xAD, 0x200B, 0x2060, 0xFEFF};
    for (size_t i = 0; i < ARRAY_LEN(widthless); i++) {
        const char *text = arena_printf(arena, "a%sb", of_point(widthless[i]));
        ck_assert_ptr_null(clean(text, TEXT_LABEL));
        ck_assert_str_eq(clean(text, TEXT_NAME), text);
    }
    ck_assert_str_eq(clean(" مي‌خواهم ", TEXT_LABEL), "مي‌خواهم");
}
END_TEST

START_TEST(plain_text_of_people)
{
    struct sb b;

    sb_init(&b, arena, 4);
    text_add_plain(&b, "a\tb\x7f\xd8\xad\r\n", SIZE_MAX);
    ck_assert_str_eq(b.p, "a b \xd8\xad  ");
    sb_init(&b, arena, 4);
    text_add_plain(&b, "a\xd8\xad\xf0\x9f\x98\x80z", 3); /* never in the middle of one */
    ck_assert_str_eq(b.p, "a\xd8\xad\xf0\x9f\x98\x80");
    text_add_plain(&b, "more", 0);
    ck_assert_uint_eq(b.n, 7);
    sb_init(&b, arena, 4);
    text_add_plain(&b, "a\u2028b\u202ec\xc2\x85", SIZE_MAX); /* B27 */
    ck_assert_str_eq(b.p, "a b c ");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("text_rules");
    TCase *c = th_case(s, "text_rules");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, ends_are_trimmed);
    tcase_add_test(c, a_name_can_be_seen);
    tcase_add_test(c, what_controls_is_refused);
    tcase_add_test(c, labels_do_not_look_alike);
    tcase_add_test(c, plain_text_of_people);
    return th_run(s);
}
