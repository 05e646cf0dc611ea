/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sets of ASCII characters, each defined by one RFC. No locale: a byte above 127 is in none. */
#ifndef BOOKINGD_BASE_CHARS_H
#define BOOKINGD_BASE_CHARS_H

#include <stdbool.h>
#include <string.h>

#include "base/str.h"

/* ASCII only, whatever the locale; so are the two that follow. */
static inline bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A letter of ASCII. */
static inline bool char_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A letter or a digit of ASCII. */
static inline bool char_is_alnum(char c)
{
    return char_is_alpha(c) || char_is_digit(c);
}

/* Whether c is in `set`. NUL is in no set. */
static inline bool char_in(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* tchar: characters of a token, such as a field name (RFC 9110 5.6.2). */
static inline bool char_is_token(char c)
{
    return char_is_alnum(c) || char_in(c, "!#$%&'*+-.^_`|~");
}

/* unreserved: characters that no part of a URI needs to encode (RFC 3986 2.3). */
static inline bool char_is_unreserved(char c)
{
    return char_is_alnum(c) || char_in(c, "-._~");
}

/* Characters of identifiers: a letter, a digit, "-" or "_"; also the base64url set (RFC 4648 5). */
static inline bool char_is_id(char c)
{
    return char_is_alnum(c) || c == '-' || c == '_';
}

/* The same and "." : request ids and references that providers accept. */
static inline bool char_is_id_or_dot(char c)
{
    return char_is_id(c) || c == '.';
}

/* A control character of ASCII, DEL included. */
static inline bool char_is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* 0 to 15; -1 when c is no hexadecimal digit. */
static inline int char_hex_value(char c)
{
    if (char_is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Whether s has at least one character, and each is in the set. */
bool chars_all(struct str s, bool (*in_set)(char)) MUST_CHECK;
/* Whether any byte of s is a control character. */
bool chars_have_control(struct str s) MUST_CHECK;
/* Adds s percent-encoded: all but unreserved characters become "%XX" (RFC 3986 2.1). */
void chars_add_percent(struct sb *b, struct str s);

#endif
