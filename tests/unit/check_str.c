/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>

#include "../lib/th_unit.h"
#include "base/str.h"
#include "base/url.h"

static struct arena *arena;

static void set_up(void)
{
    arena = arena_new(256);
    ck_assert_ptr_nonnull(arena);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(equality)
{
    struct str absent = {NULL, 0};

    ck_assert(str_eq(STR("abc"), STR("abc")));
    ck_assert(!str_eq(STR("abc"), STR("abC")));
    ck_assert(!str_eq(STR("abc"), STR("ab")));
    ck_assert(str_eq(absent, STR("")));
    ck_assert(str_eq(STR("a\0b"), STR("a\0b")));
    ck_assert(!str_eq(STR("a\0b"), STR("a\0c")));
    ck_assert(str_eq_nocase(STR("Content-LENGTH"), STR("content-length")));
    ck_assert(!str_eq_nocase(STR("a@"), STR("a`")));
    ck_assert(!str_eq_nocase(STR("a["), STR("a{")));
    ck_assert(str_eq_nocase(absent, absent));
    ck_assert(str_starts(STR("Bearer x"), STR("Bearer ")));
    ck_assert(!str_starts(STR("Bear"), STR("Bearer ")));
    ck_assert(str_starts(STR("x"), absent));
    ck_assert(str_starts_nocase(STR("<HTML lang"), STR("<html")));
    ck_assert(!str_starts_nocase(STR("<HTM"), STR("<html")));
}
END_TEST

START_TEST(trim_takes_spaces_and_tabs_alone)
{
    th_assert_str(str_trim(STR(" \t a b \t ")), STR("a b"));
    th_assert_str(str_trim(STR("   ")), STR(""));
    th_assert_str(str_trim(STR("")), STR(""));
    th_assert_str(str_trim(STR("\na\n")), STR("\na\n"));
}
END_TEST

START_TEST(cut_gives_every_part)
{
    struct str s = STR("a,,b");

    th_assert_str(str_cut(&s, ','), STR("a"));
    th_assert_str(str_cut(&s, ','), STR(""));
    ck_assert_ptr_nonnull(s.p);
    th_assert_str(str_cut(&s, ','), STR("b"));
    ck_assert_ptr_null(s.p);
    s = STR("a,");
    th_assert_str(str_cut(&s, ','), STR("a"));
    ck_assert_ptr_nonnull(s.p);
    th_assert_str(str_cut(&s, ','), STR(""));
    ck_assert_ptr_null(s.p);
    th_assert_str(str_cut(&s, ','), STR(""));
}
END_TEST

static const struct {
    struct str text;
    bool valid;
    size_t len;
} utf8[] = {
    {STR(""), true, 0},
    {STR("plain"), true, 5},
    {STR("\0"), true, 1},
    {STR("رمز"), true, 3},
    {STR("€"), true, 1},
    {STR("\xf0\x9f\x98\x80"), true, 1},
    {STR("\xf4\x8f\xbf\xbf"), true, 1},  /* U+10FFFF */
    {STR("\xed\x9f\xbf"), true, 1},      /* U+D7FF */
    {STR("\xee\x80\x80"), true, 1},      /* U+E000 */
    {STR("\x80"), false, 0},             /* lone continuation */
    {STR("\xc0\xaf"), false, 0},         /* overlong / */
    {STR("\xc1\xbf"), false, 0},         /* overlong */
    {STR("\xe0\x9f\xbf"), false, 0},     /* overlong */
    {STR("\xf0\x8f\xbf\xbf"), false, 0}, /* overlong */
    {STR("\xed\xa0\x80"), false, 0},     /* surrogate */
    {STR("\xf4\x90\x80\x80"), false, 0}, /* above U+10FFFF */
    {STR("\xf5\x80\x80\x80"), false, 0}, /* no such lead */
    {STR("\xff"), false, 0},
    {STR("a\xe2\x82"), false, 0}, /* cut short */
    {STR("\xe2\x82 "), false, 0}, /* continuation missing */
    {STR("\xf0\x9f\x98"
         "a"),
     false, 0},
};

START_TEST(utf8_as_the_standard_says)
{
    ck_assert_msg(str_utf8_valid(utf8[_i].text) == utf8[_i].valid, "case %d", _i);
    if (utf8[_i].valid)
        ck_assert_uint_eq(str_utf8_len(utf8[_i].text), utf8[_i].len);
}
END_TEST

START_TEST(builder_grows_and_ends_with_nul)
{
    struct sb b;

    sb_init(&b, arena, 0);
    ck_assert_ptr_null(sb_str(&b).p);
    sb_puts(&b, "");
    ck_assert_str_eq(b.p, "");
    for (int i = 0; i < 1000; i++) {
        sb_putc(&b, 'x');
        ck_assert_uint_eq(strlen(b.p), b.n);
    }
    sb_printf(&b, "-%04d", 7);
    sb_add(&b, "\0y", 2);
    ck_assert_uint_eq(b.n, 1007);
    ck_assert_mem_eq(b.p + 1000, "-0007\0y", 8);
}
END_TEST

START_TEST(builder_fills_exactly)
{
    struct sb b;

    sb_init(&b, arena, 4);
    sb_puts(&b, "abc");
    ck_assert_uint_eq(b.cap, 4);
    sb_puts(&b, "d");
    ck_assert_str_eq(b.p, "abcd");
}
END_TEST

START_TEST(a_parameter_joins_the_query)
{
    ck_assert_str_eq(url_with(arena, "https://a/b", "x", "1"), "https://a/b?x=1");
    ck_assert_str_eq(url_with(arena, "https://a/b?c", "x", "1"), "https://a/b?c&x=1");
    ck_assert_str_eq(url_with(arena, "https://a/b?c#d?e", "x", "1"), "https://a/b?c&x=1#d?e");
    ck_assert_str_eq(url_with(arena, "https://a/#d?e", "x", "1"), "https://a/?x=1#d?e");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("str");
    TCase *c = th_case(s, "str");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, equality);
    tcase_add_test(c, trim_takes_spaces_and_tabs_alone);
    tcase_add_test(c, cut_gives_every_part);
    tcase_add_loop_test(c, utf8_as_the_standard_says, 0, (int)ARRAY_LEN(utf8));
    tcase_add_test(c, builder_grows_and_ends_with_nul);
    tcase_add_test(c, builder_fills_exactly);
    tcase_add_test(c, a_parameter_joins_the_query);
    return th_run(s);
}
