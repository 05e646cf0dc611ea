/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What the parts of a request line and of fields look like; called by the parser alone. */
#include "base/chars.h"
#include "http_priv.h"

/* False, so that a rule can end with `return http_refuse(...)`. */
bool http_refuse(struct http_fault *fault, enum err err, const char *detail)
{
    *fault = (struct http_fault){.err = err, .detail = detail};
    return false;
}

/* The tab is allowed within a field's value (RFC 9110 5.5). */
bool http_is_control(char c)
{
    return c != '\t' && char_is_control(c);
}

/* unreserved and sub-delims of RFC 3986 2: what a registered name and a path segment have in
 * common. */
static bool syntax_is_plain(char c)
{
    return char_is_unreserved(c) || char_in(c, "!$&'()*+,;=");
}

/* `more`: what may stand there beside plain characters and percent-encoded ones. */
static bool syntax_is_encoded(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        if (syntax_is_plain(s.p[i]) || char_in(s.p[i], more))
            continue;
        if (s.p[i] != '%' || s.n - i < 3 || char_hex_value(s.p[i + 1]) < 0 ||
            char_hex_value(s.p[i + 2]) < 0)
            return false;
        i += 2;
    }
    return true;
}

bool http_path_valid(struct str s)
{
    return s.n > 0 && s.p[0] == '/' && syntax_is_encoded(s, "/:@");
}

static bool syntax_is_port(struct str s)
{
    unsigned v = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (!char_is_digit(s.p[i]))
            return false;
        v = v * 10 + (unsigned)(s.p[i] - '0');
        if (v > 65535)
            return false;
    }
    return true;
}

/* The form of an IPv6 literal, brackets left out; whether it is a possible address matters to
 * nobody here. */
static bool syntax_is_ipv6(struct str s)
{
    bool colon = false;

    for (size_t i = 0; i < s.n; i++) {
        if (char_hex_value(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.')
            return false;
        colon = colon || s.p[i] == ':';
    }
    return colon;
}

/* RFC 3986 3.2 without user info, which RFC 9110 4.2.4 forbids. The port may be empty: "host:" is
 * valid. */
bool http_authority_valid(struct str s)
{
    struct str host;

    if (s.n > 0 && s.p[0] == '[') {
        s.p++;
        s.n--;
        host = str_cut(&s, ']');
        if (!s.p || !syntax_is_ipv6(host))
            return false;
        if (s.n == 0)
            return true;
        if (s.p[0] != ':')
            return false;
        return syntax_is_port((struct str){s.p + 1, s.n - 1});
    }
    host = str_cut(&s, ':');
    return host.n > 0 && syntax_is_encoded(host, "") && syntax_is_port(s);
}
