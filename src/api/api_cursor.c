/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Cursors: base64url over a short keyed hash and the fields. The hash covers the list's route, so
 * that a cursor that was not made here for the same list is a fault, and never a value that reaches
 * SQL.
 */
#include "api_priv.h"

/* 64 bits: a client gets a few guesses per second, and a cursor gives no rights. */
#define MAC_LEN 8
#define CURSOR_BYTES_MAX (API_CURSOR_MAX / 4 * 3)

/* The key of one-time codes, by HMAC: no second secret to configure, and all workers and nodes
 * agree. */
void api_cursor_init(struct api *api)
{
    const struct config *cfg = api->cfg;
    struct str secret =
        cfg->otp.secret ? (struct str){cfg->otp.secret, cfg->otp.secret_len} : STR("");
    digest_hmac_sha256(secret, STR("list cursors"), api->cursor_key);
}

static void cursor_make_mac(const struct api_request *r, struct str payload,
                            unsigned char out[SHA256_LEN])
{
    struct sb text;
    sb_init(&text, r->svc.arena, payload.n + 64);
    sb_puts(&text, r->route->http.pattern);
    sb_putc(&text, '\n');
    sb_add(&text, payload.p, payload.n);
    digest_hmac_sha256((struct str){(const char *)r->api->cursor_key, SHA256_LEN}, sb_str(&text),
                       out);
}

/* Fields end with NUL, which no value contains. */
const char *api_cursor_make(const struct api_request *r, const char *const *fields, size_t n)
{
    struct arena *a = r->svc.arena;
    struct sb payload;
    sb_init(&payload, a, 96);
    for (size_t i = 0; i < n; i++) {
        sb_puts(&payload, fields[i]);
        sb_putc(&payload, '\0');
    }
    struct str p = sb_str(&payload);
    unsigned char mac[SHA256_LEN];
    cursor_make_mac(r, p, mac);
    unsigned char *bytes = arena_alloc(a, MAC_LEN + p.n);
    memcpy(bytes, mac, MAC_LEN);
    memcpy(bytes + MAC_LEN, p.p, p.n);
    char *text = arena_alloc(a, 4 * ((MAC_LEN + p.n + 2) / 3) + 1);
    digest_base64url(bytes, MAC_LEN + p.n, text);
    return text;
}

/* The payload of a genuine cursor; absent otherwise. */
static struct str cursor_check(const struct api_request *r, const char *after)
{
    size_t n = CURSOR_BYTES_MAX;
    char *bytes = arena_alloc(r->svc.arena, n + 1);
    unsigned char mac[SHA256_LEN];
    const struct str none = {NULL, 0};
    if (strlen(after) > CURSOR_BYTES_MAX / 3 * 4 ||
        !digest_base64url_decode(str_of(after), (unsigned char *)bytes, &n) || n <= MAC_LEN)
        return none;
    struct str payload = {bytes + MAC_LEN, n - MAC_LEN};
    cursor_make_mac(r, payload, mac);
    /* In constant time, so that the hash cannot be guessed byte by byte. */
    bool same =
        digest_equal((struct str){bytes, MAC_LEN}, (struct str){(const char *)mac, MAC_LEN});
    return same ? payload : none;
}

bool api_cursor_read(struct api_request *r, const char *after, const char **fields, size_t n,
                     size_t *found)
{
    *found = 0;
    if (!after)
        return true;
    struct str rest = cursor_check(r, after);
    while (rest.n > 0 && *found < n) {
        const char *end = memchr(rest.p, '\0', rest.n);
        if (!end)
            break;
        fields[(*found)++] = rest.p;
        rest.n -= (size_t)(end - rest.p) + 1;
        rest.p = end + 1;
    }
    if (*found == n && rest.n == 0)
        return true;
    *found = 0;
    api_fault(r, "query:after", "is not a cursor of this list");
    return false;
}
