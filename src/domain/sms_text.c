/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Length of a text as an SMS: a phone's network charges per part. Called for the metric of parts
 * and by check-config. The figures are those of 3GPP TS 23.040: a part has 140 bytes. */
#include "domain/sms_text.h"

#include <string.h>
#include <wchar.h>

#include "base/cdefs.h"

/* 140 bytes are 160 septets of the default alphabet, or 70 units of UCS-2. A text of several parts
 * has a header of 6 bytes in each. */
#define GSM_SINGLE 160
#define GSM_PART 153 /* 7 septets less: a header of 6 bytes, filled up */
#define UCS2_SINGLE 70
#define UCS2_PART 67

/* The default alphabet beside letters and digits (3GPP TS 23.038 section 6.2.1), and its extension
 * table, whose characters take two septets. */
static const wchar_t sms_text_basic[] =
    L"\n\r !\"#%&'()*+,-./:;<=>?@_$"
    L"\u00a3\u00a5\u00e8\u00e9\u00f9\u00ec\u00f2\u00c7\u00d8\u00f8\u00c5\u00e5\u0394\u03a6\u0393"
    L"\u039b\u03a9\u03a0\u03a8\u03a3\u0398\u039e\u00c6\u00e6\u00df\u00c9\u00a4\u00a1\u00c4\u00d6"
    L"\u00d1\u00dc\u00a7\u00bf\u00e4\u00f6\u00f1\u00fc\u00e0";
static const wchar_t sms_text_extension[] = L"\f^{}\\[~]|\u20ac";

/* The next code point of valid UTF-8; what is not valid counts a byte as one. */
static wchar_t sms_text_next(const unsigned char **p)
{
    const unsigned char *s = *p;
    unsigned more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
    unsigned code = more ? s[0] & (0x3fu >> more) : s[0];
    (*p)++;
    for (; more > 0 && (**p & 0xc0) == 0x80; more--, (*p)++)
        code = code << 6 | (**p & 0x3fu);
    return (wchar_t)code;
}

/* Septets of a character; 0: not in the alphabet. */
static size_t sms_text_septets(wchar_t c)
{
    if ((c >= L'0' && c <= L'9') || (c >= L'A' && c <= L'Z') || (c >= L'a' && c <= L'z') ||
        wcschr(sms_text_basic, c))
        return 1;
    return wcschr(sms_text_extension, c) ? 2 : 0;
}

/* Beyond the basic plane a character is a surrogate pair: two units. */
static size_t sms_text_units(wchar_t c, bool ucs2)
{
    return ucs2 ? (c > 0xffff ? 2 : 1) : sms_text_septets(c);
}

/* Two passes: one character outside the alphabet changes the coding of the whole text. A part never
 * ends inside a character, so parts are counted one character at a time. */
struct sms_text_size sms_text_size(const char *text)
{
    struct sms_text_size size = {.parts = 1};
    const unsigned char *p = (const unsigned char *)text;
    while (*p)
        size.ucs2 |= sms_text_septets(sms_text_next(&p)) == 0;
    const size_t single = size.ucs2 ? UCS2_SINGLE : GSM_SINGLE;
    const size_t part = size.ucs2 ? UCS2_PART : GSM_PART;
    size_t parts = 1, filled = 0;
    for (p = (const unsigned char *)text; *p;) {
        size_t units = sms_text_units(sms_text_next(&p), size.ucs2);
        size.units += units;
        if (filled + units > part) {
            parts++;
            filled = 0;
        }
        filled += units;
    }
    if (size.units > single)
        size.parts = parts;
    return size;
}
