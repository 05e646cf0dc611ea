/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Chunked bodies on any bytes: at once, in parts, and decoded as a second, simpler decoder does it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {.max_head = 64, .max_body = 256};

/* Decodes what is known to be well-formed into out; returns the length. */
static size_t decode_simply(const char *p, char *out)
{
    size_t n = 0;

    for (;;) {
        char *end;
        unsigned long size = strtoul(p, &end, 16);

        if (size == 0)
            return n;
        ENSURE(n + size <= limits.max_body);
        end = strchr(end, '\n') + 1; /* past an extension */
        memcpy(out + n, end, size);
        n += size;
        p = end + size + 2;
    }
}

static void check_in_parts(const char *buf, size_t len, size_t step, enum http_result whole,
                           size_t whole_used)
{
    enum http_result r = HTTP_MORE;
    struct http_fault fault;
    struct http_chunked c;
    size_t used = 0;

    http_chunked_init(&c);
    for (size_t n = 0; r == HTTP_MORE && n < len;) {
        n = len - n < step ? len : n + step;
        r = http_chunked_scan(&c, (struct str){buf, n}, &limits, &used, &fault);
    }
    ENSURE(r == whole && used == whole_used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *buf = malloc(size > 0 ? size : 1);
    char want[256];
    struct http_fault fault = {0};
    struct http_chunked c;
    size_t used = 0, want_n;
    enum http_result r;

    ENSURE(buf);
    if (size > 0)
        memcpy(buf, data, size);
    http_chunked_init(&c);
    r = http_chunked_scan(&c, (struct str){buf, size}, &limits, &used, &fault);
    ENSURE(r != HTTP_BAD || (fault.err != ERR_OK && fault.detail));
    ENSURE(r != HTTP_MORE || size <= http_chunked_raw_max(&limits));
    check_in_parts(buf, size, 1, r, used);
    check_in_parts(buf, size, 2 + size % 31, r, used);
    if (r == HTTP_DONE) {
        ENSURE(used <= size && used <= http_chunked_raw_max(&limits));
        want_n = decode_simply(buf, want);
        ENSURE(want_n == c.total && want_n <= limits.max_body);
        ENSURE(http_chunked_join(buf, used) == want_n && memcmp(buf, want, want_n) == 0);
    }
    free(buf);
    return 0;
}
