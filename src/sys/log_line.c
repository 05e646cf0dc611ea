/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The text of one log record, as logfmt or JSON, in a buffer of fixed size. Called by log.c only. A
 * record never allocates: it must be possible to say that memory ran out.
 */
#include "sys/log_line.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/num.h"

#define RESERVE 24 /* room for `,"truncated":true}` and the line feed */
/* Keys are constants of ours, all below 40 characters. */
#define KEY_SUFFIX_MAX 96

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* RESERVE stays free, so that every record can be ended. */
static bool log_line_has_room(const struct log_line *l, size_t n)
{
    return n <= LOG_LINE_MAX - RESERVE - l->n;
}

/* All or nothing: half of an escape sequence would break the reader. */
static bool log_line_put_bytes(struct log_line *l, const char *p, size_t n)
{
    if (!log_line_has_room(l, n))
        return false;
    memcpy(l->buf + l->n, p, n);
    l->n += n;
    return true;
}

static bool puts_line(struct log_line *l, const char *z)
{
    return log_line_put_bytes(l, z, strlen(z));
}

/* Length of the valid UTF-8 sequence at the front of s, 0 when it is none. */
static size_t log_line_utf8_length(struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n <= s.n && str_utf8_valid((struct str){s.p, n}) ? n : 0;
}

/* C0, DEL, and C1 (0xC2 0x80..0x9F in UTF-8), which terminals obey too. */
static int control_code(const char *p, size_t n)
{
    unsigned char c = (unsigned char)p[0];
    if (n == 1)
        return c < 0x20 || c == 0x7f ? c : -1;
    unsigned char d = (unsigned char)p[1];
    return n == 2 && c == 0xc2 && d < 0xa0 ? d : -1;
}

/* A line break in a value would begin a record that nobody wrote. */
static bool put_escaped(struct log_line *l, const char *p, size_t n)
{
    char code[16]; /* of any int: compilers count what cannot be */
    int control = control_code(p, n);
    if (n == 1 && (*p == '"' || *p == '\\'))
        return log_line_put_bytes(l, (const char[]){'\\', *p}, 2);
    if (control < 0)
        return log_line_put_bytes(l, p, n);
    if (control == '\n')
        return log_line_put_bytes(l, "\\n", 2);
    if (control == '\t')
        return log_line_put_bytes(l, "\\t", 2);
    (void)snprintf(code, sizeof(code), "\\u%04x", (unsigned)control);
    return puts_line(l, code);
}

/* In quotes, escaped as JSON has it; invalid bytes become U+FFFD. */
static bool put_quoted(struct log_line *l, struct str v)
{
    if (!log_line_put_bytes(l, "\"", 1))
        return false;
    while (v.n > 0) {
        size_t n = log_line_utf8_length(v);
        bool fits = n ? put_escaped(l, v.p, n) : puts_line(l, replacement);
        if (!fits)
            return false;
        v.p += n ? n : 1;
        v.n -= n ? n : 1;
    }
    return log_line_put_bytes(l, "\"", 1);
}

/* What logfmt readers take without quotes. Anything else is quoted, so no value can look like
 * another field. */
static bool log_line_is_plain(struct str v)
{
    for (size_t i = 0; i < v.n; i++) {
        unsigned char c = (unsigned char)v.p[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == '=' || c == '\\')
            return false;
    }
    return v.n > 0;
}

/* A half-written key is taken back by log_line_finish_pair(). */
static bool put_key(struct log_line *l, const char *key)
{
    if (!l->json)
        return (!l->any || log_line_put_bytes(l, " ", 1)) && puts_line(l, key) &&
               log_line_put_bytes(l, "=", 1);
    return (!l->any || log_line_put_bytes(l, ",", 1)) && log_line_put_bytes(l, "\"", 1) &&
           puts_line(l, key) && log_line_put_bytes(l, "\":", 2);
}

/* A field goes in as a whole or not at all. */
static void log_line_finish_pair(struct log_line *l, size_t before, bool whole)
{
    if (whole)
        l->any = true;
    else {
        l->n = before;
        l->truncated = true;
    }
}

/* The priority comes before everything else, as journald wants it (sd-daemon(3)). */
void log_line_start(struct log_line *l, bool json, char priority)
{
    l->n = 0;
    l->json = json;
    l->truncated = l->any = false;
    /* 0: not under systemd, where the mark would only disturb. */
    if (priority)
        (void)log_line_put_bytes(l, (const char[]){'<', priority, '>'}, 3);
    if (json)
        (void)log_line_put_bytes(l, "{", 1);
}

/* Cut at the limit, but never inside a character. */
static struct str log_line_shorten_value(struct str v)
{
    if (v.n <= LOG_VALUE_MAX)
        return v;
    v.n = LOG_VALUE_MAX;
    while (v.n > LOG_VALUE_MAX - 4 && ((unsigned char)v.p[v.n] & 0xc0) == 0x80)
        v.n--;
    return v;
}

/* NULL: `key=` in logfmt, null in JSON. */
void log_line_str(struct log_line *l, const char *key, struct str v)
{
    size_t before = l->n;
    bool cut = v.n > LOG_VALUE_MAX;
    bool whole = put_key(l, key);
    if (!v.p)
        whole = whole && (!l->json || puts_line(l, "null"));
    else if (!l->json && log_line_is_plain(log_line_shorten_value(v)))
        whole = whole && log_line_put_bytes(l, v.p, log_line_shorten_value(v).n);
    else
        whole = whole && put_quoted(l, log_line_shorten_value(v));
    log_line_finish_pair(l, before, whole);
    l->truncated |= cut;
}

void log_line_int(struct log_line *l, const char *key, int64_t v)
{
    char text[NUM_TEXT_MAX];
    size_t before = l->n;
    log_line_finish_pair(l, before, put_key(l, key) && puts_line(l, num_text(v, text)));
}

/* Always with the unit in the name (style: _ms), three decimals: microseconds. */
void log_line_ms(struct log_line *l, const char *key, double ms)
{
    char name[KEY_SUFFIX_MAX], text[NUM_TEXT_MAX];
    const size_t before = l->n, n = strlen(key);
    ENSURE(n + sizeof "_ms" <= sizeof(name));
    memcpy(name, key, n);
    memcpy(name + n, "_ms", sizeof "_ms");
    /* JSON has no NaN; a huge number would not fit. Neither can be a time. Whole microseconds,
     * since printf() of a double costs more than the rest of a record. */
    const int64_t us = isfinite(ms) && fabs(ms) < 1e12 ? llround(ms * 1000) : 0;
    const int64_t left = us < 0 ? -us : us;
    const char fraction[] = {'.', (char)('0' + left / 100 % 10), (char)('0' + left / 10 % 10),
                             (char)('0' + left % 10)};
    log_line_finish_pair(l, before,
                         put_key(l, name) && (us >= 0 || log_line_put_bytes(l, "-", 1)) &&
                             puts_line(l, num_text(left / 1000, text)) &&
                             log_line_put_bytes(l, fraction, sizeof fraction));
}

/* The mark tells a reader that a field is missing, and not only empty. */
void log_line_end(struct log_line *l)
{
    const char *tail = l->json ? (l->truncated ? ",\"truncated\":true}\n" : "}\n")
                               : (l->truncated ? " truncated=true\n" : "\n");
    size_t n = strlen(tail);
    memcpy(l->buf + l->n, tail, n); /* RESERVE kept room for it */
    l->n += n;
}
