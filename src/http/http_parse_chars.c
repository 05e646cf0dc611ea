/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <string.h>

#include "http_priv.h"

bool http_refuse(struct http_fault *fault, enum err err, const char *detail)
{
    *fault = (struct http_fault){.err = err, .detail = detail};
    return false;
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool http_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

bool http_is_tchar(char c)
{
    return is_alpha(c) || http_is_digit(c) || is_one_of(c, "!#$%&'*+-.^_`|~");
}

bool http_is_token(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!http_is_tchar(s.p[i]))
            return false;
    return s.n > 0;
}

bool http_is_control(char c)
{
    unsigned char u = (unsigned char)c;

    return (u < 0x20 && c != '\t') || u == 0x7f;
}

int http_hex_value(char c)
{
    if (http_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* unreserved and sub-delims of RFC 3986 2: what a registered name and a path segment have in
 * common. */
static bool is_plain(char c)
{
    return is_alpha(c) || http_is_digit(c) || is_one_of(c, "-._~!$&'()*+,;=");
}

/* `more`: what may stand there beside plain characters and percent-encoded ones. */
static bool is_encoded_text(struct str s, const char *more)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_plain(s.p[i]) || is_one_of(s.p[i], more))
            continue;
        if (s.p[i] != '%' || s.n - i < 3 || http_hex_value(s.p[i + 1]) < 0 ||
            http_hex_value(s.p[i + 2]) < 0)
            return false;
        i += 2;
    }
    return true;
}

bool http_path_valid(struct str s)
{
    return s.n > 0 && s.p[0] == '/' && is_encoded_text(s, "/:@");
}

static bool is_port(struct str s)
{
    unsigned v = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (!http_is_digit(s.p[i]))
            return false;
        v = v * 10 + (unsigned)(s.p[i] - '0');
        if (v > 65535)
            return false;
    }
    return true;
}

/* The form of an IPv6 literal, brackets left out; whether it is a possible address matters to
 * nobody here. */
static bool is_ipv6_text(struct str s)
{
    bool colon = false;

    for (size_t i = 0; i < s.n; i++) {
        if (http_hex_value(s.p[i]) < 0 && s.p[i] != ':' && s.p[i] != '.')
            return false;
        colon = colon || s.p[i] == ':';
    }
    return colon;
}

bool http_authority_valid(struct str s)
{
    struct str host;

    if (s.n > 0 && s.p[0] == '[') {
        s.p++;
        s.n--;
        host = str_cut(&s, ']');
        if (!s.p || !is_ipv6_text(host))
            return false;
        if (s.n == 0)
            return true;
        if (s.p[0] != ':')
            return false;
        return is_port((struct str){s.p + 1, s.n - 1});
    }
    host = str_cut(&s, ':');
    return host.n > 0 && is_encoded_text(host, "") && is_port(s);
}
