/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Header fields that the frame reads by itself, from any bytes: If-Match, Content-Type,
 * X-Forwarded-For, Idempotency-Key, depth of JSON. */
#include <arpa/inet.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../../src/api/api_priv.h"
#include "base/ensure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_if_match(struct str s)
{
    struct versions v = {.limited = false};

    if (!api_if_match_parse(s, &v))
        return;
    ENSURE(v.n <= VERSIONS_MAX);
    for (unsigned i = 0; i < v.n; i++)
        ENSURE(v.v[i] >= 1 && versions_check(&v, v.v[i]) == ERR_OK);
    ENSURE(!v.limited == (versions_check(&v, -1) == ERR_OK));
}

/* The address is the peer's or a literal in its canonical form. */
static void check_client(struct arena *a, struct str s)
{
    static struct cidr all[] = {{AF_INET, {0}, 0}, {AF_INET6, {0}, 0}};
    static const struct config cfg = {
        .server = {.trusted_proxies = all, .trusted_proxies_n = ARRAY_LEN(all)}};
    struct http_head head = {.headers_n = 1};
    unsigned char bin[16];

    head.headers[0] = (struct http_header){STR("X-Forwarded-For"), s};
    const char *client = api_client_address(&cfg, a, &head, "192.0.2.1");
    ENSURE(inet_pton(strchr(client, ':') ? AF_INET6 : AF_INET, client, bin) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(4096);
    struct str s = {size ? (const char *)data : "", size};

    ENSURE(a);
    check_if_match(s);
    check_client(a, s);
    ENSURE(!api_media_type_is_json(s) || size >= sizeof "application/json" - 1);
    ENSURE(!idem_key_valid(s) || (size >= 1 && size <= IDEM_KEY_MAX));
    if (api_json_depth_ok(s)) {
        json_t *j = json_parse(a, s);
        ENSURE(!j || json_text(a, j).n > 0);
    }
    arena_free(a);
    return 0;
}
