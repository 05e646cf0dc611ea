/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>
#include <signal.h>

#include "../lib/th_unit.h"
#include "base/clock.h"
#include "http/http_resp.h"

static struct arena *arena;
static struct http_resp resp;

/* RFC 9110 5.6.7: the example of an IMF-fixdate */
static struct wall fixed(void)
{
    return (struct wall){INT64_C(784111777) * 1000000};
}

static void set_up(void)
{
    arena = arena_new(1024);
    ck_assert_ptr_nonnull(arena);
    clock_set_source(NULL, fixed);
    http_resp_init(&resp, arena);
}

static void tear_down(void)
{
    clock_set_source(NULL, NULL);
    arena_free(arena);
}

#define COMMON "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
#define TAIL "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"

START_TEST(a_whole_response)
{
    resp.status = 201;
    resp.content_type = "application/json";
    resp.body = STR("{}\n");
    http_resp_header(&resp, "Location", "/v1/bookings/7");
    http_resp_headerf(&resp, "ETag", "\"%d\"", 3);
    th_assert_str(http_resp_bytes(&resp, true, false),
                  STR("HTTP/1.1 201 Created\r\n" COMMON
                      "Content-Type: application/json\r\nContent-Length: 3\r\n"
                      "Connection: keep-alive\r\n" TAIL
                      "Location: /v1/bookings/7\r\nETag: \"3\"\r\n\r\n{}\n"));
}
END_TEST

START_TEST(the_answer_to_head_has_the_same_fields)
{
    struct str get, head;

    resp.content_type = "text/plain";
    resp.body = STR("hello");
    get = http_resp_bytes(&resp, true, false);
    head = http_resp_bytes(&resp, true, true);
    th_assert_str(head, ((struct str){get.p, get.n - 5}));
}
END_TEST

START_TEST(no_length_where_there_is_no_body)
{
    static const int statuses[] = {100, 204, 304};

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        resp.status = statuses[i];
        ck_assert_ptr_null(strstr(http_resp_bytes(&resp, true, false).p, "Content-Length"));
    }
    resp.status = 303;
    ck_assert_ptr_nonnull(strstr(http_resp_bytes(&resp, false, false).p,
                                 "Content-Length: 0\r\nConnection: close\r\n"));
}
END_TEST

START_TEST(its_own_cache_control_stays_alone)
{
    const char *text;

    http_resp_header(&resp, "cache-control", "max-age=60");
    text = http_resp_bytes(&resp, true, false).p;
    ck_assert_ptr_null(strstr(text, "no-store"));
    ck_assert_ptr_nonnull(strstr(text, "cache-control: max-age=60\r\n"));
}
END_TEST

START_TEST(a_body_may_hold_any_byte)
{
    struct str got;

    resp.content_type = "application/octet-stream";
    resp.body = STR("a\0\r\n\r\nb");
    got = http_resp_bytes(&resp, true, false);
    ck_assert_mem_eq(got.p + got.n - 7, "a\0\r\n\r\nb", 7);
}
END_TEST

START_TEST(reasons)
{
    ck_assert_str_eq(http_reason(200), "OK");
    ck_assert_str_eq(http_reason(431), "Request Header Fields Too Large");
    ck_assert_str_eq(http_reason(299), "Unknown");
}
END_TEST

/* -- bugs: each must abort ---------------------------------------------------------- */

static const struct {
    const char *name, *value;
} splitting[] = {
    {"Location", "/a\r\nSet-Cookie: x=y"},
    {"Location", "/a\n"},
    {"Location", "\r"},
    {"Location", "a\x01"},
    {"Location", "a\x7f"},
    {"Loc\r\nation", "/a"},
    {"Location:", "/a"},
    {"", "/a"},
    {"Loc ation", "/a"},
};

START_TEST(a_field_that_would_split_the_response)
{
    http_resp_header(&resp, splitting[_i].name, splitting[_i].value);
}
END_TEST

START_TEST(a_formatted_field_that_would_split_the_response)
{
    http_resp_headerf(&resp, "Location", "/%s", "a\r\n\r\n<html>");
}
END_TEST

START_TEST(a_content_type_that_would_split_the_response)
{
    resp.content_type = "text/plain\r\nX: y";
    ck_assert_ptr_null(http_resp_bytes(&resp, true, false).p);
}
END_TEST

START_TEST(too_many_fields)
{
    for (int i = 0; i <= HTTP_RESP_HEADERS_MAX; i++)
        http_resp_header(&resp, "X", "y");
}
END_TEST

START_TEST(a_body_where_none_may_be)
{
    resp.status = 204;
    resp.content_type = "text/plain";
    resp.body = STR("x");
    ck_assert_ptr_null(http_resp_bytes(&resp, true, false).p);
}
END_TEST

START_TEST(a_body_without_type)
{
    resp.body = STR("x");
    ck_assert_ptr_null(http_resp_bytes(&resp, true, false).p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_resp");
    TCase *c = th_case(s, "resp"), *aborts = th_case(s, "aborts");

    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_whole_response);
    tcase_add_test(c, the_answer_to_head_has_the_same_fields);
    tcase_add_test(c, no_length_where_there_is_no_body);
    tcase_add_test(c, its_own_cache_control_stays_alone);
    tcase_add_test(c, a_body_may_hold_any_byte);
    tcase_add_test(c, reasons);
    tcase_set_tags(aborts, TH_TAG_FORK);
    tcase_add_checked_fixture(aborts, set_up, tear_down);
    tcase_add_loop_test_raise_signal(aborts, a_field_that_would_split_the_response, SIGABRT, 0,
                                     (int)ARRAY_LEN(splitting));
    tcase_add_test_raise_signal(aborts, a_formatted_field_that_would_split_the_response, SIGABRT);
    tcase_add_test_raise_signal(aborts, a_content_type_that_would_split_the_response, SIGABRT);
    tcase_add_test_raise_signal(aborts, too_many_fields, SIGABRT);
    tcase_add_test_raise_signal(aborts, a_body_where_none_may_be, SIGABRT);
    tcase_add_test_raise_signal(aborts, a_body_without_type, SIGABRT);
    return th_run(s);
}
