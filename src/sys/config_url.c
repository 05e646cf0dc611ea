/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* URLs of providers, of this server and of front ends: a strict subset of RFC 3986, no user info,
 * query or fragment. */
#include "base/url.h"
#include "config_priv.h"

/* Why a text is no URL that a configuration may have; the parsed URL in *u otherwise. Scheme and
 * host come out in lower case. */
static bool parsed(struct arena *a, const char *text, struct url *u, const char **out,
                   const char **why)
{
    struct str s = str_of(text);
    *why = "must not contain a user name or password";
    if (memchr(s.p, '@', s.n))
        return false;
    *why = "must be an http or https URL";
    if (!url_parse(s, u))
        return false;
    *why = "must not have a query or fragment";
    if (u->rest.n && (memchr(u->rest.p, '?', u->rest.n) || memchr(u->rest.p, '#', u->rest.n)))
        return false;
    *why = NULL;
    *out = url_origin(a, u);
    return true;
}

bool config_url(struct arena *a, const char *text, const char **out, const char **why)
{
    struct url u;
    const char *origin;
    if (!parsed(a, text, &u, &origin, why))
        return false;
    struct str path = u.rest;
    while (path.n > 0 && path.p[path.n - 1] == '/')
        path.n--;
    *out = arena_printf(a, "%s%.*s", origin, STR_ARG(path));
    return true;
}

bool config_origin(struct arena *a, const char *text, const char **out, const char **why)
{
    struct url u;
    if (!parsed(a, text, &u, out, why))
        return false;
    *why = "must be an origin, scheme://host[:port] without a path";
    return u.rest.n == 0;
}

void config_read_url(const struct slot *s)
{
    const char *text = slot_scalar(s, "an http or https URL"), *url, *why;
    if (!text)
        return;
    if (!config_url(s->l->arena, text, &url, &why))
        config_fault(s->l, s->node, "%s", why);
    else
        slot_set(s, &url, sizeof url);
}

void config_read_origins(const struct slot *s)
{
    if (!slot_list(s, "a list of origins like [\"https://book.example.com\"]"))
        return;
    const char **origins = arena_array(s->l->arena, s->node->n, sizeof *origins);
    size_t n = 0;
    for (const struct node *item = s->node->first; item; item = item->next) {
        const char *why = "must be an origin like https://book.example.com";
        if (item->kind == NODE_SCALAR && config_origin(s->l->arena, item->text, &origins[n], &why))
            n++;
        else if (item->kind != NODE_REFUSED)
            config_fault(s->l, item, "%s", why);
    }
    slot_set_list(s, origins, n);
}

bool config_url_host(const char *text, char *buf, size_t size)
{
    struct url u;
    if (!url_parse(str_of(text), &u))
        return false;
    struct str host = u.host;
    if (host.p[0] == '[')
        host = (struct str){host.p + 1, host.n - 2};
    if (host.n >= size)
        return false;
    memcpy(buf, host.p, host.n);
    buf[host.n] = '\0';
    return true;
}

/* ---- database.url ---- */

bool (*config_url_check)(const char *url);

void config_set_url_check(bool (*valid)(const char *url))
{
    config_url_check = valid;
}

/* What cannot be a URL or conninfo at all; libpq, through the check, judges the details. It may
 * hold a password. */
static bool database_url_valid(const char *text)
{
    struct str url = str_of(text);
    if (!str_starts(url, STR("postgresql://")) && !str_starts(url, STR("postgres://")) &&
        (!strchr(text, '=') || strstr(text, "://")))
        return false;
    return !config_url_check || config_url_check(text);
}

void config_read_database(const struct slot *s)
{
    bool offline = s->l->offline;
    s->l->offline = false; /* nothing works without it */
    const char *text = config_secret(s->l, s->node);
    s->l->offline = offline;
    if (text && *text == '\0')
        config_fault(s->l, s->node, "is empty");
    else if (text && !database_url_valid(text))
        config_fault(s->l, s->node,
                     "must be a postgresql:// URI or libpq conninfo (host=... dbname=...)");
    else if (text)
        slot_set(s, &text, sizeof text);
}
