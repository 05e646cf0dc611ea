/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * ETag, If-Match and If-None-Match (RFC 9110 8.8.3, 13.1): the tag of a booking is its version in
 * quotes, that of a catalogue answer is made of its bytes. Called by the handlers of bookings, and
 * by the frame. A change that was prepared on an old version is refused (412) instead of
 * overwriting somebody's work.
 */
#include <inttypes.h>

#include "api_priv.h"
#include "base/digest.h"
#include "base/num.h"

void api_etag(struct api_request *r, int64_t version)
{
    http_resp_headerf(&r->resp, "ETag", "\"%" PRId64 "\"", version);
}

/* Reads one entity-tag at the front of *s. */
static bool etag_read_tag(struct str *s, struct versions *out)
{
    /* If-Match compares strongly: a weak tag is read, and matches nothing. */
    bool weak = str_starts(*s, STR("W/"));
    if (weak)
        *s = (struct str){s->p + 2, s->n - 2};
    if (s->n == 0 || s->p[0] != '"')
        return false;
    const char *end = memchr(s->p + 1, '"', s->n - 1);
    if (!end)
        return false;
    struct str opaque = {s->p + 1, (size_t)(end - s->p) - 1};
    *s = (struct str){end + 1, s->n - opaque.n - 2};
    int64_t version;
    if (!weak && num_range(opaque, 1, INT32_MAX, &version)) {
        /* More versions than a client can hold at once: a fault, rather than a list cut short. */
        if (out->n == VERSIONS_MAX)
            return false;
        out->v[out->n++] = version;
    }
    return true;
}

bool api_if_match_parse(struct str value, struct versions *out)
{
    struct str s = str_trim(value);
    if (str_eq(s, STR("*")))
        return true;
    out->limited = true;
    bool any = false;
    for (;;) {
        /* Empty elements are allowed (RFC 9110 5.6.1.2). */
        while (s.n && (s.p[0] == ',' || s.p[0] == ' ' || s.p[0] == '\t'))
            s = (struct str){s.p + 1, s.n - 1};
        if (s.n == 0)
            return any;
        if (!etag_read_tag(&s, out))
            return false;
        s = str_trim(s);
        if (s.n && s.p[0] != ',')
            return false;
        any = true;
    }
}

/* Whether a field value names the tag; weak comparison (RFC 9110 8.8.3.2, 13.1.2). */
static bool etag_listed(struct str value, struct str tag)
{
    while (value.p) {
        struct str one = str_trim(str_cut(&value, ','));
        if (str_starts(one, STR("W/")))
            one = (struct str){one.p + 2, one.n - 2};
        if (str_eq(one, tag) || str_eq(one, STR("*")))
            return true;
    }
    return false;
}

/* Of the bytes, so it differs with the language too. Caches may keep such an answer and must ask
 * each time; one that a token may have widened is for its bearer alone. */
static void etag_of_bytes(struct api_request *r)
{
    char hex[SHA256_HEX_MAX];
    digest_sha256_hex(r->resp.body, hex);
    /* 128 bits: two answers of one resource never meet. */
    http_resp_headerf(&r->resp, "ETag", "\"%.32s\"", hex);
    http_resp_header(&r->resp, "Cache-Control", r->auth_hash ? "private, no-cache" : "no-cache");
}

/* Only for reads that succeeded: a change must say what it did. */
void api_if_none_match(struct api_request *r)
{
    const bool read = r->head->method == HTTP_GET || r->head->method == HTTP_HEAD;
    if (r->route->tagged && r->resp.status == 200)
        etag_of_bytes(r);
    for (size_t i = 0; read && !r->always_whole && r->resp.status == 200 && i < r->resp.headers_n;
         i++)
        if (strcmp(r->resp.headers[i].name, "ETag") == 0 &&
            etag_listed(http_header(r->head, "If-None-Match"), str_of(r->resp.headers[i].value)))
            api_reply_empty(r, 304);
}

/* Without the field any version will do. */
enum err api_if_match(struct api_request *r, struct versions *out)
{
    *out = (struct versions){.limited = false};
    size_t n = http_header_count(r->head, "If-Match");
    if (n == 0)
        return ERR_OK;
    if (n == 1 && api_if_match_parse(http_header(r->head, "If-Match"), out))
        return ERR_OK;
    api_fault(r, "header:If-Match", "must be * or a list of entity tags such as \"3\"");
    return ERR_VALIDATION;
}
