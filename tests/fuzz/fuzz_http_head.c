/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The request parser on any bytes: at once, in parts, and what must hold of every head that it lets
 * pass. */
#include <stdint.h>
#include <stdlib.h>

#include "base/ensure.h"
#include "http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {.max_head = 2048, .max_body = 1000};

static void check_inside(const char *buf, size_t len, struct str s)
{
    ENSURE(!s.p || (s.p >= buf && s.n <= len && s.p <= buf + len - s.n));
}

/* Nothing in a head can be read as a line's end by a laxer reader. */
static void check_bytes(const char *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        ENSURE(buf[i] != '\0');
        ENSURE(buf[i] != '\n' || (i > 0 && buf[i - 1] == '\r'));
        ENSURE(buf[i] != '\r' || (i + 1 < len && buf[i + 1] == '\n'));
    }
}

static void check_head(const char *buf, size_t len, const struct http_head *h)
{
    size_t hosts = http_header_count(h, "host");

    ENSURE(h->head_len <= len && h->head_len <= limits.max_head);
    ENSURE(h->head_len >= 18 && memcmp(buf + h->head_len - 4, "\r\n\r\n", 4) == 0);
    check_bytes(buf, h->head_len);
    ENSURE(h->method < HTTP_OTHER && (h->minor == 0 || h->minor == 1));
    ENSURE(hosts == 1 || (hosts == 0 && h->minor == 0));
    ENSURE(!h->chunked || (!h->has_length && h->minor == 1));
    ENSURE(h->content_length <= limits.max_body);
    ENSURE(http_header_count(h, "content-length") == (h->has_length ? 1 : 0));
    ENSURE(http_header_count(h, "transfer-encoding") == (h->chunked ? 1 : 0));
    ENSURE(h->path.n > 0 && (h->path.p[0] == '/' || str_eq(h->path, STR("*"))));
    ENSURE(h->target.n == h->path.n + (h->query.p ? h->query.n + 1 : 0));
    check_inside(buf, h->head_len, h->method_text);
    check_inside(buf, h->head_len, h->target);
    check_inside(buf, h->head_len, h->path);
    check_inside(buf, h->head_len, h->query);
    ENSURE(h->headers_n <= HTTP_HEADERS_MAX);
    for (size_t i = 0; i < h->headers_n; i++) {
        ENSURE(h->headers[i].name.n > 0 && h->headers[i].value.p);
        check_inside(buf, h->head_len, h->headers[i].name);
        check_inside(buf, h->head_len, h->headers[i].value);
        ENSURE(str_eq(h->headers[i].value, str_trim(h->headers[i].value)));
    }
}

/* The same bytes in steps of `step`: MORE until the answer, which is the one that the whole gets.
 */
static void check_in_parts(const char *buf, size_t len, size_t step, enum http_result whole,
                           const struct http_fault *whole_fault)
{
    enum http_result r = HTTP_MORE;
    size_t seen = 0;

    while (r == HTTP_MORE && seen < len) {
        size_t n = len - seen < step ? len : seen + step;
        struct http_fault fault = {0};
        struct http_head h;

        r = http_parse_head((struct str){buf, n}, seen, &limits, &h, &fault);
        ENSURE(r != HTTP_BAD ||
               (fault.err == whole_fault->err && fault.detail == whole_fault->detail));
        seen = n;
    }
    ENSURE(r == whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *buf = malloc(size > 0 ? size : 1); /* a block that ends where the input does */
    struct http_fault fault = {0};
    struct http_head head;
    enum http_result r;

    ENSURE(buf);
    if (size > 0)
        memcpy(buf, data, size);
    r = http_parse_head((struct str){buf, size}, 0, &limits, &head, &fault);
    ENSURE(r != HTTP_BAD || (fault.err != ERR_OK && fault.detail));
    ENSURE(r != HTTP_MORE || size < limits.max_head);
    if (r == HTTP_DONE)
        check_head(buf, size, &head);
    check_in_parts(buf, size, 1, r, &fault);
    check_in_parts(buf, size, 2 + size % 31, r, &fault);
    free(buf);
    return 0;
}
