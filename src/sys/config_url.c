/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* URLs of providers, of this server and of front ends: a strict subset of RFC 3986, no user info,
 * query or fragment. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/url.h"
#include "sys/config_read.h"

/* Why a text is no URL that a configuration may have; the parsed URL in *u otherwise. Scheme and
 * host come out in lower case. Without a slash at the end, since every path that is appended begins
 * with one. */
static bool config_url_parse_text(struct arena *a, const char *text, struct url *u,
                                  const char **out, const char **reason)
{
    struct str s = str_of(text);
    *reason = "must not contain a user name or password";
    /* Before the parsing, which would accept it: credentials in a URL end up in logs. */
    if (memchr(s.p, '@', s.n))
        return false;
    *reason = "must be an http or https URL";
    if (!url_parse(s, u))
        return false;
    *reason = "must not have a query or fragment";
    if (u->rest.n && (memchr(u->rest.p, '?', u->rest.n) || memchr(u->rest.p, '#', u->rest.n)))
        return false;
    *reason = NULL;
    *out = url_origin(a, u);
    return true;
}

/* A path is allowed: some providers serve their API below one. */
bool config_url(struct arena *a, const char *text, const char **out, const char **reason)
{
    struct url u;
    const char *origin;
    if (!config_url_parse_text(a, text, &u, &origin, reason))
        return false;
    struct str path = u.rest;
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    *out = arena_printf(a, "%s%.*s", origin, STR_ARG(path));
    return true;
}

/* Exactly what browsers send in Origin (RFC 6454 7), so that comparing texts is enough. */
bool config_origin(struct arena *a, const char *text, const char **out, const char **reason)
{
    struct url u;
    if (!config_url_parse_text(a, text, &u, out, reason))
        return false;
    *reason = "must be an origin, scheme://host[:port] without a path";
    return u.rest.n == 0;
}

void config_read_url(const struct config_entry *e)
{
    const char *text = config_entry_scalar(e, "an http or https URL"), *url, *reason;
    if (!text)
        return;
    if (!config_url(e->l->arena, text, &url, &reason))
        config_fault(e->l, e->node, "%s", reason);
    else
        config_entry_set(e, &url, sizeof url);
}

/* Each bad entry is a fault of its own, so that one check names them all. */
void config_read_origins(const struct config_entry *e)
{
    if (!config_entry_is_list(e, "a list of origins like [\"https://book.example.com\"]"))
        return;
    const char **origins = arena_array(e->l->arena, e->node->n, sizeof *origins);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next) {
        const char *reason = "must be an origin like https://book.example.com";
        if (item->kind == CONFIG_SCALAR &&
            config_origin(e->l->arena, item->text, &origins[n], &reason))
            n++;
        else if (item->kind != CONFIG_REFUSED)
            config_fault(e->l, item, "%s", reason);
    }
    config_entry_set_list(e, origins, n);
}

/* By the text alone: names are not looked up, since this also runs without a network. A name below
 * localhost is this machine by RFC 6761 6.3, and 0.0.0.0 is nobody else's address. */
bool config_url_is_local(const char *url)
{
    char host[256];
    unsigned char at[sizeof(struct in6_addr)];
    if (!url || !url_host(url, host, sizeof host))
        return false;
    const char *top = strrchr(host, '.');
    if (strcmp(top ? top + 1 : host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, at) == 1)
        return at[0] == 127 || at[0] == 0;
    if (inet_pton(AF_INET6, host, at) != 1)
        return false;
    const struct in6_addr *v6 = (const struct in6_addr *)(const void *)at;
    return IN6_IS_ADDR_LOOPBACK(v6) || IN6_IS_ADDR_UNSPECIFIED(v6) ||
           (IN6_IS_ADDR_V4MAPPED(v6) && at[12] == 127);
}
