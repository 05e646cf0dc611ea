/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/th_unit.h"
#include "http_parse_cases.h"

static const struct http_limits limits = {.max_head = 512, .max_body = 1000};

/* -- a buffer that ends at memory which may not be touched ---------------------------- */

static char *guard;

static void set_up(void)
{
    long page = sysconf(_SC_PAGESIZE);
    char *p =
        mmap(NULL, (size_t)page * 17, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(p, MAP_FAILED);
    guard = p + page * 16;
    ck_assert_int_eq(mprotect(guard, (size_t)page, PROT_NONE), 0);
}

static char *before_guard(struct str s)
{
    return memcpy(guard - s.n, s.p, s.n);
}

static void describe(const struct http_head *h, char *out, size_t size)
{
    int n = snprintf(out, size, "%s %.*s%s%.*s %d", http_method_names[h->method], STR_ARG(h->path),
                     h->query.p ? "?" : "", STR_ARG(h->query), h->minor);

    ck_assert(str_eq(h->method_text, str_of(http_method_names[h->method])));
    if (!h->keep_alive)
        n += snprintf(out + n, size - (size_t)n, " close");
    if (h->has_length)
        n += snprintf(out + n, size - (size_t)n, " length=%llu",
                      (unsigned long long)h->content_length);
    if (h->chunked)
        n += snprintf(out + n, size - (size_t)n, " chunked");
    if (h->expect_continue)
        snprintf(out + n, size - (size_t)n, " expect");
}

static const char *fail_text(int i)
{
    static char text[512];
    struct str in = parse_cases[i].input;
    size_t n = (size_t)snprintf(text, sizeof(text), "case %d (%s): ", i, parse_cases[i].section);

    for (size_t k = 0; k < in.n && n < sizeof(text) - 8; k++)
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              in.p[k] >= ' ' && in.p[k] < 0x7f ? "%c" : "\\x%02x",
                              (unsigned char)in.p[k]);
    return text;
}

START_TEST(each_case_at_once)
{
    const struct parse_case *c = &parse_cases[_i];
    struct http_head head;
    struct http_fault fault = {0};
    char got[256];
    enum http_result r = http_parse_head((struct str){before_guard(c->input), c->input.n}, 0,
                                         &limits, &head, &fault);

    ck_assert_msg(r == (c->err == ERR_OK ? HTTP_DONE : HTTP_BAD), "%s: result %d %s", fail_text(_i),
                  (int)r, err_code(fault.err));
    if (r == HTTP_BAD) {
        ck_assert_msg(fault.err == c->err, "%s: %s", fail_text(_i), err_code(fault.err));
        ck_assert_ptr_nonnull(fault.detail);
        return;
    }
    describe(&head, got, sizeof(got));
    ck_assert_msg(strcmp(got, c->want) == 0, "%s: got %s", fail_text(_i), got);
}
END_TEST

/* The bytes come one at a time, and lie elsewhere each time: MORE until the answer, then the same
 * answer for ever. */
START_TEST(each_case_byte_by_byte)
{
    const struct parse_case *c = &parse_cases[_i];
    enum http_result answer = HTTP_MORE;
    struct http_fault first = {0};
    size_t at = 0;

    for (size_t n = 0; n <= c->input.n; n++) {
        struct http_head head, whole;
        struct http_fault fault = {0}, other = {0};
        char *p = before_guard((struct str){c->input.p, n});
        enum http_result r = http_parse_head(
            (struct str){p, n}, answer == HTTP_MORE && n > 0 ? n - 1 : 0, &limits, &head, &fault);

        ck_assert_msg(http_parse_head((struct str){p, n}, 0, &limits, &whole, &other) == r,
                      "%s: at %zu", fail_text(_i), n);
        ck_assert_int_eq(fault.err, other.err);
        if (answer == HTTP_MORE && r != HTTP_MORE) {
            answer = r;
            first = fault;
            at = n;
        }
        ck_assert_msg(r == answer, "%s: %d at %zu, %d before", fail_text(_i), (int)r, n,
                      (int)answer);
        ck_assert_ptr_eq(fault.detail, first.detail);
        if (r == HTTP_DONE) {
            ck_assert_uint_eq(head.head_len, at);
            ck_assert(head.headers_n == whole.headers_n && head.path.p == whole.path.p);
        }
    }
    ck_assert_msg(answer == (c->err == ERR_OK ? HTTP_DONE : HTTP_BAD), "%s", fail_text(_i));
    ck_assert_msg(first.err == c->err, "%s: %s", fail_text(_i), err_code(first.err));
}
END_TEST

START_TEST(there_are_enough_cases)
{
    ck_assert_uint_ge(ARRAY_LEN(parse_cases), 150);
    for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++)
        ck_assert_msg(strspn(parse_cases[i].section, "0123456789") > 0, "case %zu names no section",
                      i);
}
END_TEST

/* -- slices --------------------------------------------------------------------------- */

START_TEST(slices_point_into_the_buffer)
{
    static const char text[] = "GET http://b/v1/x?y=1 HTTP/1.1\r\nHost: a\r\nX-One:  1 2 "
                               "\t\r\nx-one: 3\r\nEmpty:\r\n\r\nrest";
    struct http_head h;
    struct http_fault fault;

    ck_assert_int_eq(http_parse_head((struct str){text, sizeof(text) - 1}, 0, &limits, &h, &fault),
                     HTTP_DONE);
    ck_assert_uint_eq(h.head_len, sizeof(text) - 1 - 4);
    ck_assert_uint_eq(h.headers_n, 4);
    th_assert_str(h.target, STR("/v1/x?y=1"));
    ck_assert_ptr_eq(h.target.p, text + 12);
    th_assert_str(h.path, STR("/v1/x"));
    th_assert_str(h.query, STR("y=1"));
    th_assert_str(http_header(&h, "X-ONE"), STR("1 2"));
    ck_assert_uint_eq(http_header_count(&h, "x-One"), 2);
    th_assert_str(h.headers[2].value, STR("3"));
    ck_assert_ptr_nonnull(http_header(&h, "Empty").p);
    ck_assert_uint_eq(http_header(&h, "Empty").n, 0);
    ck_assert_ptr_null(http_header(&h, "X-On").p);
    ck_assert_uint_eq(http_header_count(&h, "X-On"), 0);
}
END_TEST

START_TEST(pipelined_requests_are_found_one_by_one)
{
    static const char text[] = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                               "\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                               "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const char *p = text, *end = text + sizeof(text) - 1;

    for (int i = 1; i <= 3; i++) {
        char path[3] = {'/', (char)('0' + i), '\0'};
        struct http_head h;
        struct http_fault fault;

        ck_assert_int_eq(
            http_parse_head((struct str){p, (size_t)(end - p)}, 0, &limits, &h, &fault), HTTP_DONE);
        th_assert_str(h.path, str_of(path));
        ck_assert(h.keep_alive == (i < 3));
        p += h.head_len + h.content_length;
    }
    ck_assert_ptr_eq(p, end);
}
END_TEST

/* -- limits --------------------------------------------------------------------------- */

/* A head of exactly n bytes: the filling is in the target, or in a field. */
static struct str head_of(size_t n, bool in_target)
{
    static char buf[2048];
    const char *before = in_target ? "GET /" : "GET / HTTP/1.1\r\nHost: a\r\nX: ";
    const char *after = in_target ? " HTTP/1.1\r\nHost: a\r\n\r\n" : "\r\n\r\n";
    size_t fill = n - strlen(before) - strlen(after);

    memset(buf, 'x', sizeof(buf));
    memcpy(buf, before, strlen(before));
    memcpy(buf + strlen(before) + fill, after, strlen(after) + 1);
    ck_assert_uint_eq(strlen(buf), n);
    return (struct str){buf, n};
}

static enum err verdict(struct str s, size_t seen)
{
    struct http_head h;
    struct http_fault fault = {0};
    enum http_result r =
        http_parse_head((struct str){before_guard(s), s.n}, seen, &limits, &h, &fault);

    return r == HTTP_DONE ? ERR_OK : r == HTTP_BAD ? fault.err : ERR_COUNT;
}

START_TEST(the_head_may_fill_its_limit_and_no_more)
{
    for (int in_target = 0; in_target < 2; in_target++) {
        struct str s = head_of(512, in_target);

        ck_assert_int_eq(verdict(s, 0), ERR_OK);
        ck_assert_int_eq(verdict(s, 511), ERR_OK);
        ck_assert_int_eq(verdict((struct str){s.p, 511}, 0), ERR_COUNT);
        s = head_of(513, in_target);
        ck_assert_int_eq(verdict((struct str){s.p, 511}, 0), ERR_COUNT);
        /* told as soon as the limit is reached: a buffer of just that size must not be asked for
         * more */
        ck_assert_int_eq(verdict((struct str){s.p, 512}, 511), ERR_HEADERS_TOO_LARGE);
        ck_assert_int_eq(verdict(s, 511), ERR_HEADERS_TOO_LARGE);
        ck_assert_int_eq(verdict(s, 0), ERR_HEADERS_TOO_LARGE);
    }
}
END_TEST

START_TEST(a_request_line_over_the_limit_is_414)
{
    struct str s = head_of(1024, true);

    ck_assert_int_eq(verdict(s, 0), ERR_URI_TOO_LONG);
    ck_assert_int_eq(verdict((struct str){s.p, 512}, 500), ERR_URI_TOO_LONG);
    ck_assert_int_eq(verdict((struct str){s.p, 511}, 500), ERR_COUNT);
}
END_TEST

START_TEST(an_empty_line_before_does_not_hide_a_long_request_line)
{
    char buf[700] = "\r\nGET /";

    memset(buf + 7, 'x', sizeof(buf) - 7);
    ck_assert_int_eq(verdict((struct str){buf, sizeof(buf)}, 0), ERR_URI_TOO_LONG);
}
END_TEST

START_TEST(faults_inside_the_limit_come_before_the_limit)
{
    struct str s = head_of(1024, false);
    char copy[1024];

    memcpy(copy, s.p, s.n);
    copy[100] = '\0';
    ck_assert_int_eq(verdict((struct str){copy, sizeof(copy)}, 0), ERR_BAD_REQUEST);
}
END_TEST

START_TEST(as_many_fields_as_fit)
{
    static const struct http_limits wide = {.max_head = 16384, .max_body = 1000};
    char buf[2048];
    struct http_head h;
    struct http_fault fault;

    for (int extra = HTTP_HEADERS_MAX - 1; extra <= HTTP_HEADERS_MAX; extra++) {
        size_t n = (size_t)snprintf(buf, sizeof(buf), "GET / HTTP/1.1\r\nHost: a\r\n");
        enum http_result r;

        for (int i = 0; i < extra; i++)
            n += (size_t)snprintf(buf + n, sizeof(buf) - n, "X%d: y\r\n", i);
        n += (size_t)snprintf(buf + n, sizeof(buf) - n, "\r\n");
        r = http_parse_head((struct str){buf, n}, 0, &wide, &h, &fault);
        if (extra < HTTP_HEADERS_MAX) {
            ck_assert_int_eq(r, HTTP_DONE);
            ck_assert_uint_eq(h.headers_n, HTTP_HEADERS_MAX);
            th_assert_str(http_header(&h, "X62"), STR("y"));
        } else {
            ck_assert_int_eq(r, HTTP_BAD);
            ck_assert_int_eq(fault.err, ERR_HEADERS_TOO_LARGE);
        }
    }
}
END_TEST

START_TEST(nothing_is_not_yet_a_request)
{
    ck_assert_int_eq(verdict((struct str){"", 0}, 0), ERR_COUNT);
    ck_assert_int_eq(verdict(STR("\r"), 0), ERR_COUNT);
    ck_assert_int_eq(verdict(STR("\r\n"), 1), ERR_COUNT);
    ck_assert_int_eq(verdict(STR("\r\n\r"), 2), ERR_COUNT);
    ck_assert_int_eq(verdict(STR("\r\n\r\n"), 3), ERR_BAD_REQUEST);
}
END_TEST

START_TEST(a_field_is_found_in_what_is_no_head)
{
    static const struct {
        struct str bytes, want;
    } cases[] = {
        {STR("GARBAGE\r\nX-Id: a \r\n\r\n"), STR("a")},
        {STR("FOO / HTTP/9.9\nHost x\nx-ID:b\n"), STR("b")},
        {STR("\r\nGET / HTTP/1.1\r\nX-Id: c\r\n"), STR("c")},
        {STR("GET / HTTP/1.1\r\nX-Id:\r\n\r\n"), STR("")},
        {STR("GET / HTTP/1.1\r\nX-Id: not who"), {NULL, 0}},
        {STR("GET / HTTP/1.1\r\nX-Id: a\r\nX-Id: a\r\n\r\n"), {NULL, 0}},
        {STR("POST / HTTP/1.1\r\n\r\nX-Id: of the body\r\n"), {NULL, 0}},
        {STR("GET / HTTP/1.1\r\nX-Id : a\r\nX-Ident: a\r\nX-Id\r\n\r\n"), {NULL, 0}},
        {{NULL, 0}, {NULL, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str got = http_peek_field(cases[i].bytes, "X-Id");
        ck_assert_msg((got.p != NULL) == (cases[i].want.p != NULL), "case %zu", i);
        th_assert_str(got, cases[i].want);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_parse");
    TCase *cases = th_case(s, "cases"), *c = th_case(s, "parser");

    tcase_add_checked_fixture(cases, set_up, NULL);
    tcase_add_loop_test(cases, each_case_at_once, 0, (int)ARRAY_LEN(parse_cases));
    tcase_add_loop_test(cases, each_case_byte_by_byte, 0, (int)ARRAY_LEN(parse_cases));
    tcase_add_checked_fixture(c, set_up, NULL);
    tcase_add_test(c, there_are_enough_cases);
    tcase_add_test(c, slices_point_into_the_buffer);
    tcase_add_test(c, pipelined_requests_are_found_one_by_one);
    tcase_add_test(c, the_head_may_fill_its_limit_and_no_more);
    tcase_add_test(c, a_request_line_over_the_limit_is_414);
    tcase_add_test(c, an_empty_line_before_does_not_hide_a_long_request_line);
    tcase_add_test(c, faults_inside_the_limit_come_before_the_limit);
    tcase_add_test(c, as_many_fields_as_fit);
    tcase_add_test(c, nothing_is_not_yet_a_request);
    tcase_add_test(c, a_field_is_found_in_what_is_no_head);
    return th_run(s);
}
