/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Tests and encodings over the character sets of chars.h, for parsers and builders of requests. */
#include "base/chars.h"

/* An empty text is in no set: every caller reads a name or a token, which must have a character. */
bool chars_all(struct str s, bool (*in_set)(char))
{
    for (size_t i = 0; i < s.n; i++)
        if (!in_set(s.p[i]))
            return false;
    return s.n > 0;
}

/* Values that go into a header field are tested with this: a CR or LF would start another field. */
bool chars_have_control(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (char_is_control(s.p[i]))
            return true;
    return false;
}

/* Everything but RFC 3986's unreserved set is encoded. That is more than a query needs, but right
 * in each part of a URL and in form bodies, too. */
void chars_add_percent(struct sb *b, struct str s)
{
    static const char hex[] = "0123456789ABCDEF"; /* upper case: RFC 3986 2.1 recommends it */

    for (size_t i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];

        if (char_is_unreserved(s.p[i]))
            sb_putc(b, s.p[i]);
        else
            sb_add(b, (const char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
    }
}
