/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <check.h>
#include <stdlib.h>

#include "../lib/th_unit.h"
#include "http/http_parse.h"

static const struct http_limits limits = {.max_head = 64, .max_body = 100};

/* Sections of RFC 9112 unless another is named; `want` is the decoded body of what is DONE. */
static const struct chunked_case {
    const char *section;
    struct str input;
    enum err err; /* ERR_OK: DONE; ERR_COUNT: MORE to the end */
    const char *want;
    size_t rest; /* bytes that belong to what follows */
} cases[] = {
    {"7.1: nothing", STR("0\r\n\r\n"), ERR_OK, "", 0},
    {"7.1: zeros", STR("000\r\n\r\n"), ERR_OK, "", 0},
    {"7.1: one chunk", STR("3\r\nabc\r\n0\r\n\r\n"), ERR_OK, "abc", 0},
    {"7.1: two chunks", STR("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), ERR_OK, "abcde", 0},
    {"7.1: hex in both cases", STR("A\r\n0123456789\r\nb\r\nabcdefghijk\r\n0\r\n\r\n"), ERR_OK,
     "0123456789abcdefghijk", 0},
    {"7.1: leading zeros", STR("0000000000000003\r\nabc\r\n0\r\n\r\n"), ERR_OK, "abc", 0},
    {"7.1: data may be anything", STR("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), ERR_OK, "\r\n0\r\n\r\n",
     0},
    {"9.3.2: a request behind", STR("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), ERR_OK, "a", 16},
    {"7.1.2: trailer", STR("1\r\na\r\n0\r\nX: y\r\n\r\n"), ERR_OK, "a", 0},
    {"7.1.2: two trailers, ignored", STR("1\r\na\r\n0\r\nX:\r\nContent-Length: 9\r\n\r\nG"), ERR_OK,
     "a", 1},
    {"7.1: cut short", STR(""), ERR_COUNT, NULL, 0},
    {"7.1: cut short", STR("3"), ERR_COUNT, NULL, 0},
    {"7.1: cut short", STR("3\r\nab"), ERR_COUNT, NULL, 0},
    {"7.1: no last chunk", STR("3\r\nabc\r\n"), ERR_COUNT, NULL, 0},
    {"7.1: no last line", STR("0\r\n"), ERR_COUNT, NULL, 0},
    {"7.1: no size", STR("\r\nabc\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: minus", STR("-1\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: plus", STR("+1\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: 0x", STR("0x1\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: no hex", STR("g\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: no hex inside", STR("1_0\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: space before", STR(" 1\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: space behind", STR("1 \r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: tab behind", STR("1\t\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: NUL", STR("1\0\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: above ASCII", STR("\xb1\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: extension", STR("1;x\r\na\r\n0\r\n\r\n"), ERR_OK, "a", 0},
    {"7.1.1: with a value", STR("1;x=y\r\na\r\n0\r\n\r\n"), ERR_OK, "a", 0},
    {"7.1.1: quoted", STR("1;x=\"y;z\\\"\"\r\na\r\n0\r\n\r\n"), ERR_OK, "a", 0},
    {"7.1.1: several, white space", STR("1 ; x = y\t;z;w=\"\"\r\na\r\n0\r\n\r\n"), ERR_OK, "a", 0},
    {"7.1.1: hex in a name", STR("1;a1=2\r\na\r\n0\r\n\r\n"), ERR_OK, "a", 0},
    {"7.1.1: of the last chunk", STR("0;x\r\n\r\n"), ERR_OK, "", 0},
    {"7.1.1: cut short", STR("1;x=\"y"), ERR_COUNT, NULL, 0},
    {"7.1.1: no name", STR("1;\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: no name, value", STR("1;=x\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: no value", STR("1;x=\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: two values", STR("1;x=y=z\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: text behind a quoted value", STR("1;x=\"y\"z\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: white space inside a name", STR("1;x y\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: white space at the end", STR("1;x \r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: size behind white space", STR("1 1\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: LF in an extension", STR("1;\n\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: LF in a quoted value", STR("1;x=\"\n\"\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: CR in a quoted value", STR("1;x=\"\r\n\"\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: bare CR behind a name", STR("1;x\ra\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: NUL in a quoted value", STR("1;x=\"\0\"\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.1: longer than a head",
     STR("1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n"),
     ERR_CONTENT_TOO_LARGE, NULL, 0},
    {"2.2: bare LF after size", STR("1\na\r\n0\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"2.2: bare CR after size", STR("1\ra\r\n0\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"2.2: CR CR LF after size", STR("1\r\r\na\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"2.2: bare LF after data", STR("1\r\na\n0\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"2.2: bare CR after data", STR("1\r\na\r0\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: more data than said", STR("1\r\nab\r\n0\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1: less data than said", STR("3\r\na\r\n0\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"2.2: bare LF at the end", STR("0\r\n\n"), ERR_BAD_REQUEST, NULL, 0},
    {"2.2: bare LF after last size", STR("0\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"2.2: bare CR at the end", STR("0\r\n\rG"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: folded trailer", STR("0\r\nX: y\r\n z\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: trailer without name", STR("0\r\n: y\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: trailer without colon", STR("0\r\nX\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: space before the colon", STR("0\r\nX : y\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: control in trailer", STR("0\r\nX: \0\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: bare LF in trailer", STR("0\r\nX: y\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: bare CR in trailer", STR("0\r\nX: y\rz\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"7.1.2: a request in place of the last line", STR("0\r\nGET / HTTP/1.1\r\n\r\n"),
     ERR_BAD_REQUEST, NULL, 0},
    {"7.1: digits without end", STR("00000000000000000\r\n\r\n"), ERR_BAD_REQUEST, NULL, 0},
    {"9110 15.5.14: a byte too many", STR("65\r\n"), ERR_CONTENT_TOO_LARGE, NULL, 0},
    {"9110 15.5.14: in the second chunk", STR("1\r\na\r\n64\r\n"), ERR_CONTENT_TOO_LARGE, NULL, 0},
    {"7.1: 2^64", STR("10000000000000000\r\n"), ERR_CONTENT_TOO_LARGE, NULL, 0},
    {"7.1: 2^64 - 1", STR("ffffffffffffffff\r\n"), ERR_CONTENT_TOO_LARGE, NULL, 0},
    {"7.1: sum over 2^64", STR("1\r\na\r\nffffffffffffffff\r\n"), ERR_CONTENT_TOO_LARGE, NULL, 0},
};

static enum http_result scan_once(struct str in, size_t *used, struct http_fault *fault)
{
    struct http_chunked c;

    http_chunked_init(&c);
    return http_chunked_scan(&c, (struct str){in.p, in.n}, &limits, used, fault);
}

START_TEST(each_case_at_once)
{
    const struct chunked_case *c = &cases[_i];
    char *copy = malloc(c->input.n + 1); /* a block of its own, for the sanitizer's sake */
    struct http_fault fault = {0};
    size_t used = 0;
    enum http_result r;

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, c->input.p, c->input.n);
    r = scan_once((struct str){copy, c->input.n}, &used, &fault);
    if (c->err == ERR_OK) {
        ck_assert_msg(r == HTTP_DONE, "%s", c->section);
        ck_assert_uint_eq(used, c->input.n - c->rest);
        th_assert_str(((struct str){copy, http_chunked_join(copy, used)}), str_of(c->want));
    } else {
        ck_assert_msg(r == (c->err == ERR_COUNT ? HTTP_MORE : HTTP_BAD), "case %d (%s): %d", _i,
                      c->section, (int)r);
        if (r == HTTP_BAD)
            ck_assert_msg(fault.err == c->err, "case %d (%s): %s", _i, c->section,
                          err_code(fault.err));
    }
    free(copy);
}
END_TEST

/* Every way to cut the input in two, and byte by byte. */
START_TEST(each_case_in_parts)
{
    const struct chunked_case *k = &cases[_i];
    struct http_fault whole_fault = {0};
    size_t whole_used = 0;
    enum http_result whole = scan_once(k->input, &whole_used, &whole_fault);

    for (size_t cut = 0; cut <= k->input.n; cut++) {
        size_t step = cut == 0 ? 1 : cut, used = 0;
        struct http_fault fault = {0};
        enum http_result r = HTTP_MORE;
        struct http_chunked c;

        http_chunked_init(&c);
        for (size_t n = step; r == HTTP_MORE; n += step) {
            if (n > k->input.n)
                n = k->input.n;
            r = http_chunked_scan(&c, (struct str){k->input.p, n}, &limits, &used, &fault);
            if (n == k->input.n)
                break;
        }
        ck_assert_msg(r == whole && used == whole_used && fault.err == whole_fault.err,
                      "case %d (%s) cut at %zu", _i, k->section, cut);
    }
}
END_TEST

/* n chunks of one byte each, and the last one. */
static struct str tiny_chunks(int n)
{
    static char text[2048];
    size_t len = 0;

    for (int i = 0; i < n; i++) {
        memcpy(text + len, "1\r\na\r\n", 6);
        len += 6;
    }
    memcpy(text + len, "0\r\n\r\n", 5);
    return (struct str){text, len + 5};
}

START_TEST(tiny_chunks_are_bounded)
{
    struct http_fault fault;
    size_t used = 0;

    /* five bytes of framing each, 164 allowed */
    ck_assert_int_eq(scan_once(tiny_chunks(32), &used, &fault), HTTP_DONE);
    ck_assert_int_eq(scan_once(tiny_chunks(34), &used, &fault), HTTP_BAD);
    ck_assert_int_eq(fault.err, ERR_CONTENT_TOO_LARGE);
}
END_TEST

START_TEST(the_limit_itself_fits)
{
    char text[128] = "64\r\n";
    struct http_fault fault;
    size_t used = 0;

    memset(text + 4, 'x', 100);
    memcpy(text + 104, "\r\n0\r\n\r\n", 7);
    ck_assert_int_eq(scan_once((struct str){text, 111}, &used, &fault), HTTP_DONE);
    ck_assert_uint_eq(http_chunked_join(text, used), 100);
    ck_assert_uint_le(used, http_chunked_raw_max(&limits));
}
END_TEST

START_TEST(trailers_are_bounded)
{
    char text[256] = "0\r\nX: ";
    struct http_fault fault;
    size_t used = 0;

    memset(text + 6, 'y', 250);
    ck_assert_int_eq(scan_once((struct str){text, 67}, &used, &fault), HTTP_MORE);
    ck_assert_int_eq(scan_once((struct str){text, 68}, &used, &fault), HTTP_BAD);
    ck_assert_int_eq(fault.err, ERR_HEADERS_TOO_LARGE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("http_chunked");
    TCase *c = th_case(s, "chunked");

    tcase_add_loop_test(c, each_case_at_once, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(c, each_case_in_parts, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(c, tiny_chunks_are_bounded);
    tcase_add_test(c, the_limit_itself_fits);
    tcase_add_test(c, trailers_are_bounded);
    return th_run(s);
}
