/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Takes the wrapping off a provider's answer: content coding, character set, marks around the text.
 * Providers add these unasked, and an answer that cannot be read because of them would stand for a
 * message or an invoice whose fate is unknown. Called by ext_call() for every answer.
 */
#include "ext_decode.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "base/chars.h"
#include "ext/ext_result.h"

/* ---- content codings (RFC 9110 section 8.4) ---- */

#define EXT_GZIP_MAGIC "\x1f\x8b"
#define EXT_WINDOW_BITS 15 /* the largest that zlib knows: reads all smaller ones */
#define EXT_WINDOW_AUTO 32 /* added: gzip and zlib headers are told apart by zlib */
enum { EXT_DAMAGED = -1, EXT_TOO_LARGE = -2 };

/* Inflates into out, which has EXT_ANSWER_MAX bytes; how many it took, or why not. */
static long ext_decode_inflate(struct str in, char *out, int window_bits)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.p,
                  .avail_in = (uInt)in.n,
                  .next_out = (Bytef *)out,
                  .avail_out = EXT_ANSWER_MAX};
    if (inflateInit2(&z, window_bits) != Z_OK)
        return EXT_DAMAGED;
    int rc = inflate(&z, Z_FINISH);
    size_t left = z.avail_out;
    (void)inflateEnd(&z);
    if (rc == Z_STREAM_END)
        return (long)(EXT_ANSWER_MAX - left);
    return left == 0 ? EXT_TOO_LARGE : EXT_DAMAGED;
}

bool ext_decode_coding(struct arena *a, const char *coding, struct str *body)
{
    bool gzip = body->n > 2 && memcmp(body->p, EXT_GZIP_MAGIC, 2) == 0;
    bool deflate = coding && str_eq_nocase(str_trim(str_of(coding)), STR("deflate"));
    if (!gzip && !deflate)
        return true; /* a coding that the bytes do not show is a server's wrong header */
    /* Bounded by the same limit as an answer without a coding: a small file can inflate to
     * gigabytes. */
    char *out = arena_alloc(a, EXT_ANSWER_MAX);
    long n = ext_decode_inflate(*body, out, EXT_WINDOW_BITS + EXT_WINDOW_AUTO);
    if (n == EXT_DAMAGED && deflate) /* some servers leave zlib's header out */
        n = ext_decode_inflate(*body, out, -EXT_WINDOW_BITS);
    if (n >= 0)
        *body = (struct str){out, (size_t)n};
    return n != EXT_TOO_LARGE;
}

/* ---- character sets ---- */

/* What a driver needs of an answer (codes, words, identifiers) is ASCII, and JSON's own characters
 * are. So other characters of a set that is not UTF-8 become '?', and no set has to be known. */
#define EXT_OTHER_CHAR '?'

/* UTF-16 by its mark, or by its name and the zero byte beside the first, ASCII, character (RFC 4627
 * section 3). */
static size_t ext_decode_utf16(char *p, size_t n, const char *content_type)
{
    bool big = n >= 2 && memcmp(p, "\xfe\xff", 2) == 0;
    bool little = n >= 2 && memcmp(p, "\xff\xfe", 2) == 0;
    if (!big && !little && n >= 2 && strcasestr(content_type, "utf-16")) {
        big = p[0] == '\0';
        little = p[1] == '\0';
    }
    if (!big && !little)
        return n;
    for (size_t i = 0; i < n / 2; i++) {
        char high = p[2 * i + (big ? 0 : 1)], low = p[2 * i + (big ? 1 : 0)];
        p[i] = high == '\0' && (unsigned char)low < 0x80 ? low : EXT_OTHER_CHAR;
    }
    if (n >= 2)
        p[0] = p[0] == EXT_OTHER_CHAR ? ' ' : p[0]; /* the mark */
    return n / 2;
}

static void ext_decode_mend_bytes(char *p, size_t n)
{
    for (size_t at = 0; (at += str_utf8_prefix((struct str){p + at, n - at})) < n; at++)
        p[at] = EXT_OTHER_CHAR;
}

static bool ext_decode_hex4(const char *p, unsigned *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int digit = char_hex_value(p[i]);
        if (digit < 0)
            return false;
        *unit = *unit << 4 | (unsigned)digit;
    }
    return true;
}

/* An escape \uD83D whose other half is missing (a text cut in the middle of a character) is no JSON
 * for the parser; it becomes U+FFFD. */
static void ext_decode_mend_escapes(char *p, size_t n)
{
    for (size_t i = 0; i + 5 < n; i++) {
        unsigned unit, low;
        if (p[i] != '\\')
            continue;
        if (p[i + 1] != 'u' || !ext_decode_hex4(p + i + 2, &unit)) {
            i++; /* the escaped character, which may be a backslash */
            continue;
        }
        bool half = unit >= 0xd800 && unit <= 0xdfff;
        bool pair = unit < 0xdc00 && i + 11 < n && p[i + 6] == '\\' && p[i + 7] == 'u' &&
                    ext_decode_hex4(p + i + 8, &low) && low >= 0xdc00 && low <= 0xdfff;
        if (half && !pair)
            memcpy(p + i + 2, "fffd", 4);
        i += half && pair ? 11 : 5;
    }
}

/* ---- marks ---- */

/* Length of what carries no meaning at the front of s: blanks, zero bytes, a mark U+FEFF. */
static size_t ext_decode_mark(struct str s)
{
    if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
        return 3;
    return s.n > 0 && (unsigned char)s.p[0] <= 0x20 ? 1 : 0;
}

static struct str ext_decode_trim(struct str s)
{
    for (size_t n; (n = ext_decode_mark(s)) > 0;)
        s = (struct str){s.p + n, s.n - n};
    while (s.n > 0 && (unsigned char)s.p[s.n - 1] <= 0x20)
        s.n--;
    return s;
}

struct str ext_decode_text(struct arena *a, const char *content_type, struct str body)
{
    char *p = arena_strndup(a, body.n > 0 ? body.p : "", body.n);
    size_t n = ext_decode_utf16(p, body.n, content_type);
    struct str text = ext_decode_trim((struct str){p, n});
    char *begin = p + (text.p - p);
    ext_decode_mend_bytes(begin, text.n);
    ext_decode_mend_escapes(begin, text.n);
    begin[text.n] = '\0';
    return text;
}
