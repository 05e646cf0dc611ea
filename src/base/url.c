/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * URLs of providers and return addresses, for the configuration and the API. http and https only.
 * libcurl's parser sees provider URLs again before each call; this one decides what a configuration
 * or a client may name.
 */
#include "base/url.h"

#include <string.h>

#include "base/chars.h"
#include "base/num.h"

/* 253 characters is the longest name that DNS can carry (RFC 1035 3.1 in text form). Underscores
 * are no part of host names, but names of containers have them. */
static bool url_is_host_name(struct str s)
{
    if (s.n == 0 || s.n > 253 || !char_is_alnum(s.p[0]))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!char_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_' &&
            (s.p[i] != '.' || s.p[i - 1] == '.'))
            return false;
    }
    return true;
}

/* Only the shape: who connects to it parses the address. */
static bool url_is_bracketed(struct str s)
{
    return s.n >= 4 && s.p[0] == '[' && s.p[s.n - 1] == ']' &&
           strspn(s.p + 1, "0123456789abcdefABCDEF:.") == s.n - 2;
}

/* The last colon outside brackets separates the port: an IPv6 address has colons of its own. There
 * is no user part: "@" is no host character, so credentials in a URL are refused. */
static bool url_read_authority(struct str s, struct url *out)
{
    size_t host = s.n;
    for (size_t i = s.n; i > 0 && s.p[i - 1] != ']'; i--)
        if (s.p[i - 1] == ':')
            host = i - 1;
    int64_t port = out->https ? 443 : 80;
    if (host < s.n && !num_range((struct str){s.p + host + 1, s.n - host - 1}, 1, 65535, &port))
        return false;
    out->port = (uint16_t)port;
    out->host = (struct str){s.p, host};
    return url_is_host_name(out->host) || url_is_bracketed(out->host);
}

/* Characters that RFC 3986 excludes would have to be encoded by somebody; refusing them leaves one
 * reading. */
bool url_parse(struct str text, struct url *out)
{
    size_t scheme = 0;
    if (text.n > 7 && str_eq_nocase((struct str){text.p, 7}, STR("http://")))
        scheme = 7;
    else if (text.n > 8 && str_eq_nocase((struct str){text.p, 8}, STR("https://")))
        scheme = 8;
    if (scheme == 0)
        return false;
    size_t end = scheme;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= 0x20 || (unsigned char)text.p[i] >= 0x7f ||
            strchr("\"<>\\^`{|}", text.p[i]) != NULL)
            return false;
    while (end < text.n && strchr("/?#", text.p[end]) == NULL)
        end++;
    out->https = scheme == 8;
    out->rest = (struct str){text.p + end, text.n - end};
    return url_read_authority((struct str){text.p + scheme, end - scheme}, out);
}

/* RFC 6454 6.2: scheme and host in lower case, the port only when it is not the scheme's own.
 * Return addresses are compared by it. */
const char *url_origin(struct arena *a, const struct url *u)
{
    bool usual = u->port == (u->https ? 443 : 80);
    char *origin = usual
                       ? arena_printf(a, "%s://%.*s", u->https ? "https" : "http", STR_ARG(u->host))
                       : arena_printf(a, "%s://%.*s:%u", u->https ? "https" : "http",
                                      STR_ARG(u->host), u->port);
    for (char *p = origin; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
    return origin;
}

/* The parameter goes before the fragment, which a browser does not send. */
const char *url_with(struct arena *a, const char *url, const char *name, const char *value)
{
    size_t before = strcspn(url, "#");
    struct str head = {url, before};
    char mark = memchr(url, '?', before) != NULL ? '&' : '?';
    return arena_printf(a, "%.*s%c%s=%s%s", STR_ARG(head), mark, name, value, url + before);
}

/* Without the brackets of an IPv6 literal: what the resolver and the connection want. */
bool url_host(const char *text, char *buf, size_t size)
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
