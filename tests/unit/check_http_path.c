/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>
#include <signal.h>
#include <stdio.h>

#include "../lib/th_unit.h"
#include "http/http_path.h"

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

START_TEST(patterns)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } rows[] = {
        {"/", "/", true},
        {"/healthz", "/healthz", true},
        {"/healthz", "/healthz/", false},
        {"/healthz", "/healthzz", false},
        {"/healthz", "/Healthz", false},
        {"/healthz", "//healthz", false},
        {"/healthz", "", false},
        {"/v1/bookings/{id}", "/v1/bookings/7", true},
        {"/v1/bookings/{id}", "/v1/bookings/", false},
        {"/v1/bookings/{id}", "/v1/bookings", false},
        {"/v1/bookings/{id}", "/v1/bookings/7/", false},
        {"/v1/bookings/{id}", "/v1/bookings/7/cancel", false},
        {"/v1/bookings/{id}/cancel", "/v1/bookings/7/cancel", true},
        {"/v1/bookings/{id}/cancel", "/v1/bookings//cancel", false},
        {"/v1/bookings/{id}/cancel", "/v1/bookings/7/cance", false},
        {"/v1/bookings", "/v1/%62ookings", false},
        {"/v1/bookings", "/v1/./bookings", false},
    };
    struct http_params params;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(http_path_match(rows[i].pattern, str_of(rows[i].path), &params) ==
                          rows[i].match,
                      "%s %s", rows[i].pattern, rows[i].path);
    ck_assert(!http_path_match("/", (struct str){NULL, 0}, &params));
}
END_TEST

START_TEST(parameters_come_in_order)
{
    struct http_params params;

    ck_assert(http_path_match("/v/{a}/s/{b}", STR("/v/1%2F2/s/{b}"), &params));
    ck_assert_uint_eq(params.n, 2);
    th_assert_str(params.value[0], STR("1%2F2"));
    th_assert_str(params.value[1], STR("{b}"));
    th_assert_str(http_path_param_name("/v/{a}/s/{b}", 0), STR("a"));
    th_assert_str(http_path_param_name("/v/{a}/s/{b}", 1), STR("b"));
    ck_assert_ptr_null(http_path_param_name("/v/{a}/s/{b}", 2).p);
    ck_assert_ptr_null(http_path_param_name("/v/{}/x", 0).p);
}
END_TEST

START_TEST(a_pattern_with_too_many_parameters_is_a_bug)
{
    struct http_params params;

    ck_assert(http_path_match("/{a}/{b}/{c}/{d}/{e}", STR("/1/2/3/4/5"), &params));
}
END_TEST

static const struct {
    struct str query;
    const char *want; /* "name=value;" each; NULL: refused */
} queries[] = {
    {{NULL, 0}, ""},
    {STR(""), ""},
    {STR("a=b"), "a=b;"},
    {STR("a=b&c=d"), "a=b;c=d;"},
    {STR("a"), "a=;"},
    {STR("a="), "a=;"},
    {STR("=b"), "=b;"},
    {STR("="), "=;"},
    {STR("a=b=c"), "a=b=c;"},
    {STR("&&a=b&"), "a=b;"},
    {STR("a=b&a=c"), "a=b;a=c;"},
    {STR("a+b=c+d"), "a b=c d;"},
    {STR("a%2Bb=%26%3d"), "a+b=&=;"},
    {STR("a=%d8%b1"), "a=\xd8\xb1;"},
    {STR("a=?/:@"), "a=?/:@;"},
    {STR("a=%"), NULL},
    {STR("a=%4"), NULL},
    {STR("a=%4g"), NULL},
    {STR("a=%g4"), NULL},
    {STR("%=a"), NULL},
    {STR("a=%00"), NULL},
    {STR("a\0=b"), NULL},
    {STR("a=%ff"), NULL},
    {STR("a=%c0%af"), NULL},
    {STR("a=%ed%a0%80"), NULL},
    {STR("%d8=%b1"), NULL},
};

START_TEST(queries_as_forms_send_them)
{
    struct http_query q;
    char got[128] = "";
    bool ok = http_query_parse(arena, queries[_i].query, &q);

    ck_assert_msg(ok == (queries[_i].want != NULL), "'%.*s'", STR_ARG(queries[_i].query));
    if (!ok)
        return;
    for (size_t i = 0; i < q.n; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s=%s;", q.items[i].name,
                 q.items[i].value);
    ck_assert_str_eq(got, queries[_i].want);
}
END_TEST

START_TEST(as_many_items_as_fit)
{
    struct http_query q;
    struct sb b;

    sb_init(&b, arena, 0);
    for (int i = 0; i < HTTP_QUERY_MAX; i++)
        sb_printf(&b, "a%d=%d&", i, i);
    ck_assert(http_query_parse(arena, sb_str(&b), &q));
    ck_assert_uint_eq(q.n, HTTP_QUERY_MAX);
    sb_puts(&b, "x=y");
    ck_assert(!http_query_parse(arena, sb_str(&b), &q));
}
END_TEST

START_TEST(segments)
{
    const char *out;

    ck_assert(http_segment_decode(arena, STR("a%20b+c%2F"), &out));
    ck_assert_str_eq(out, "a b+c/");
    ck_assert(http_segment_decode(arena, STR(""), &out));
    ck_assert_str_eq(out, "");
    ck_assert(!http_segment_decode(arena, STR("a%2"), &out));
    ck_assert(!http_segment_decode(arena, STR("%00"), &out));
    ck_assert(!http_segment_decode(arena, STR("%fe"), &out));
}
END_TEST

START_TEST(encoding_round_trips)
{
    char all[255];
    const char *out, *back;

    ck_assert_str_eq(http_encode(arena, STR("a-Z_0.~ /?+%\xd8\xb1")),
                     "a-Z_0.~%20%2F%3F%2B%25%D8%B1");
    ck_assert_str_eq(http_encode(arena, STR("")), "");
    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    out = http_encode(arena, (struct str){all, 127});
    ck_assert(http_segment_decode(arena, str_of(out), &back));
    ck_assert_uint_eq(strlen(back), 127);
    ck_assert_mem_eq(back, all, 127);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_path");
    TCase *c = th_case(s, "path"), *aborts = th_case(s, "aborts");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, patterns);
    tcase_add_test(c, parameters_come_in_order);
    tcase_add_loop_test(c, queries_as_forms_send_them, 0, (int)ARRAY_LEN(queries));
    tcase_add_test(c, as_many_items_as_fit);
    tcase_add_test(c, segments);
    tcase_add_test(c, encoding_round_trips);
    tcase_set_tags(aborts, TH_TAG_FORK);
    tcase_add_test_raise_signal(aborts, a_pattern_with_too_many_parameters_is_a_bug, SIGABRT);
    return th_run(s);
}
