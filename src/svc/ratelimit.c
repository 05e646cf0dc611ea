/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Subjects and parameters of rate limits; the counting is the SQL function rate_take(). Called by
 * otp.c, by customer.c, which forgets them, and by whatever a customer does with bookings. */
#include "svc/ratelimit.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>

#include "base/digest.h"
#include "base/ensure.h"
#include "svc/svc_sql.h"

/* Three array literals for one statement: all limits are judged together, and counted only when
 * none of them refuses. */
void rate_params(struct arena *a, const struct rate *rates, size_t n, struct rate_params *out)
{
    ENSURE(n <= RATES_MAX);
    struct sb subjects, limits, windows;
    sb_init(&subjects, a, 128 * n);
    sb_init(&limits, a, 16 * n);
    sb_init(&windows, a, 16 * n);
    for (size_t i = 0; i < n; i++) {
        char sep = i ? ',' : '{';
        sb_printf(&subjects, "%c\"%s\"", sep,
                  rates[i].subject); /* words and hex: nothing to escape */
        sb_printf(&limits, "%c%" PRId64, sep, rates[i].count);
        sb_printf(&windows, "%c%" PRId64, sep, rates[i].per_ms);
    }
    sb_putc(&subjects, '}');
    sb_putc(&limits, '}');
    sb_putc(&windows, '}');
    *out = (struct rate_params){sb_str(&subjects).p, sb_str(&limits).p, sb_str(&windows).p};
}

/* Hashed with a key: the table of limits holds no phone numbers or addresses. */
const char *rate_subject(struct svc *s, const char *kind, const char *value)
{
    unsigned char mac[SHA256_LEN];
    char hex[SHA256_HEX_MAX];
    const char *text = arena_printf(s->arena, "rate %s %s", kind, value);
    /* without sign-in configured there is no secret, and nothing is counted either */
    const struct str key =
        s->cfg->otp.secret ? (struct str){s->cfg->otp.secret, s->cfg->otp.secret_len} : STR("");
    digest_hmac_sha256(key, str_of(text), mac);
    digest_hex(mac, sizeof mac, hex);
    return arena_printf(s->arena, "%s:%s", kind, hex);
}

/* "PREFIX/BITS" of an IPv6 address. */
static const char *rate_prefix(struct arena *a, struct in6_addr v6, unsigned bits)
{
    char text[INET6_ADDRSTRLEN];
    memset(&v6.s6_addr[bits / 8], 0, sizeof v6.s6_addr - bits / 8);
    (void)inet_ntop(AF_INET6, &v6, text, sizeof text);
    return arena_printf(a, "%s/%u", text, bits);
}

/* IPv6 by /64: whoever has one address there has them all (BEHAVIOUR §5). */
const char *rate_address(struct arena *a, const char *address)
{
    struct in6_addr v6;
    if (inet_pton(AF_INET6, address, &v6) != 1)
        return address;
    if (!IN6_IS_ADDR_V4MAPPED(&v6))
        return rate_prefix(a, v6, 64);
    char text[INET6_ADDRSTRLEN]; /* the same client as over IPv4 */
    (void)inet_ntop(AF_INET, &v6.s6_addr[12], text, sizeof text);
    return arena_strdup(a, text);
}

/* /48 is the largest block that one site usually gets (RFC 6177), so it is the next unit to limit.
 * IPv4 has no such unit. */
const char *rate_network(struct arena *a, const char *address)
{
    struct in6_addr v6;
    if (inet_pton(AF_INET6, address, &v6) != 1 || IN6_IS_ADDR_V4MAPPED(&v6))
        return NULL;
    return rate_prefix(a, v6, 48);
}

int rate_add_change(struct svc *s, struct db_batch *b, const struct principal *who,
                    enum rate_change what)
{
    const struct rate_limit *limit = &s->cfg->bookings.changes_per_customer;
    if (who->kind != WHO_CUSTOMER)
        return -1;
    /* An id that means nothing elsewhere: it needs no hash. */
    const char *subject = arena_printf(
        s->arena, "%s:%s", what == RATE_CHANGE_PAYMENT ? "payment" : "change", who->id.s);
    return DB_ADD(b, &stmt_rate_change, subject, db_int(b, limit->count), db_int(b, limit->per_ms));
}

enum err rate_change_allowed(struct svc *s, struct db_batch *b, int index)
{
    if (index < 0 || db_count(db_result(b, index)) == 0)
        return ERR_OK;
    s->retry_after_s = (long)db_get_int(db_result(b, index), 0, "retry_after_s");
    return ERR_TOO_MANY_CHANGES;
}
