/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Who is at the other end: X-Forwarded-For is believed from trusted proxies alone, from right to
 * left. */
#include <arpa/inet.h>

#include "api_priv.h"
#include "sys/net.h"

static bool client_is_trusted(const struct config *cfg, const char *address)
{
    if (strcmp(address, "unix") == 0) /* a proxy on this machine, if there are proxies at all */
        return cfg->server.trusted_proxies_n > 0;
    for (size_t i = 0; i < cfg->server.trusted_proxies_n; i++) {
        if (net_cidr_contains(&cfg->server.trusted_proxies[i], address))
            return true;
    }
    return false;
}

/* "192.0.2.7", "192.0.2.7:4711", "2001:db8::1", "[2001:db8::1]:4711" to the address alone; NULL for
 * anything else. */
static const char *client_read_literal(struct arena *a, struct str entry)
{
    unsigned char bin[16];
    char text[INET6_ADDRSTRLEN];
    struct str s = str_trim(entry);
    if (s.n > 1 && s.p[0] == '[') {
        s = (struct str){s.p + 1, s.n - 1};
        s = str_cut(&s, ']');
    } else if (s.n && memchr(s.p, ':', s.n) && memchr(s.p, '.', s.n) && s.p[0] != ':') {
        struct str rest = s, first = str_cut(&rest, ':');
        if (memchr(first.p, '.', first.n)) /* IPv4 with a port, not IPv6 that ends in IPv4 */
            s = first;
    }
    const char *z = arena_strndup(a, s.p ? s.p : "", s.n);
    for (size_t i = 0; i < 2; i++) {
        int family = i == 0 ? AF_INET : AF_INET6;
        if (inet_pton(family, z, bin) == 1 && inet_ntop(family, bin, text, sizeof text))
            return arena_strdup(a, text);
    }
    return NULL;
}

/* The last entry of a list; the list becomes the part before it, absent when that was all. */
static struct str client_cut_last(struct str *list)
{
    struct str whole = *list;
    for (size_t i = whole.n; i > 0; i--) {
        if (whole.p[i - 1] == ',') {
            list->n = i - 1;
            return (struct str){whole.p + i, whole.n - i};
        }
    }
    *list = (struct str){NULL, 0};
    return whole;
}

const char *api_client_address(const struct config *cfg, struct arena *a,
                               const struct http_head *head, const char *peer)
{
    const char *client = peer;
    for (size_t i = head->headers_n; i > 0;
         i--) { /* fields of one name are one list, in order (RFC 9110 5.3) */
        if (!str_eq_nocase(head->headers[i - 1].name, STR("X-Forwarded-For")))
            continue;
        for (struct str list = head->headers[i - 1].value; list.p;) {
            if (!client_is_trusted(cfg, client))
                return client;
            const char *before = client_read_literal(a, client_cut_last(&list));
            if (!before) /* what a proxy did not write: nothing left of it is believed either */
                return client;
            client = before;
        }
    }
    return client;
}
