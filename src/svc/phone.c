/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Phone numbers as people write them, made E.164. Called by every handler that takes a phone. */
#include "svc/phone.h"

#include "domain/regions.h"

#define DIGITS_MIN 7  /* E.164 numbers that exist */
#define DIGITS_MAX 15 /* E.164 6 */
#define TEXT_MAX 128  /* bytes; nobody writes a number longer than that */

/* One character of what people write: a digit, '+', dropped, or not part of a phone number. */
enum { CH_DROP = -1, CH_BAD = -2, CH_PLUS = 10 };

static int phone_meaning(uint32_t c)
{
    if (c >= '0' && c <= '9')
        return (int)(c - '0');
    if (c >= 0x0660 && c <= 0x0669) /* Arabic-Indic */
        return (int)(c - 0x0660);
    if (c >= 0x06F0 && c <= 0x06F9) /* Persian */
        return (int)(c - 0x06F0);
    if (c == '+' || c == 0xFF0B)
        return CH_PLUS;
    if (c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '[' || c == ']' ||
        c == '/')
        return CH_DROP;
    if (c == 0x00A0 || c == 0x202F ||
        (c >= 0x2010 && c <= 0x2015)) /* fixed spaces, typographic dashes */
        return CH_DROP;
    /* marks of the bidirectional algorithm, which come along with copied numbers */
    if (c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
        (c >= 0x2066 && c <= 0x2069))
        return CH_DROP;
    return CH_BAD;
}

/* The next code point of valid UTF-8. */
static uint32_t phone_next_char(const char **p)
{
    const unsigned char *u = (const unsigned char *)*p;
    size_t more = u[0] < 0x80 ? 0 : u[0] < 0xE0 ? 1 : u[0] < 0xF0 ? 2 : 3;
    uint32_t c = more == 0 ? u[0] : u[0] & (0x3FU >> more);
    for (size_t i = 1; i <= more; i++)
        c = c << 6 | (u[i] & 0x3FU);
    *p += more + 1;
    return c;
}

struct dialled {                 /* what was written, as digits */
    char digits[DIGITS_MAX + 4]; /* room for an access code and a trunk prefix */
    size_t n;
    bool plus;
};

static bool phone_read_dialled(struct str text, struct dialled *d)
{
    if (text.n > TEXT_MAX || !str_utf8_valid(text))
        return false;
    for (const char *p = text.p, *end = text.p + text.n; p < end;) {
        int m = phone_meaning(phone_next_char(&p));
        if (m == CH_DROP)
            continue;
        if (m == CH_PLUS && !d->plus && d->n == 0) {
            d->plus = true;
            continue;
        }
        if (m < 0 || m > 9 || d->n == sizeof d->digits)
            return false;
        d->digits[d->n++] = (char)('0' + m);
    }
    if (!d->plus && d->n > 2 && d->digits[0] == '0' && d->digits[1] == '0') {
        d->plus = true;
        d->n -= 2;
        memmove(d->digits, d->digits + 2, d->n);
    }
    return d->n > 0;
}

static bool phone_is_allowed(const struct config *cfg, const struct region *r)
{
    for (size_t i = 0; i < cfg->otp.regions_n; i++) {
        if (str_eq(str_of(cfg->otp.regions[i]), str_of(r->code)))
            return true;
    }
    return false;
}

static enum err phone_finish(struct arena *a, struct str calling_code, struct str national,
                             const char **out)
{
    size_t n = calling_code.n + national.n;
    if (n < DIGITS_MIN || n > DIGITS_MAX)
        return ERR_PHONE_INVALID;
    *out = arena_printf(a, "+%.*s%.*s", STR_ARG(calling_code), STR_ARG(national));
    return ERR_OK;
}

/* With its calling code. */
static enum err phone_read_international(const struct config *cfg, struct arena *a,
                                         struct str digits, const char **out)
{
    struct str national;
    bool known;
    const struct region *r = region_of(digits, &national, &known);
    /* "+966 (0)55..." : a trunk prefix that was left in */
    if (!r && known) {
        for (size_t i = 0; i < regions_n && !r; i++) {
            struct str calling = str_of(regions[i].calling_code), trunk = str_of(regions[i].trunk);
            struct str rest = {digits.p + calling.n, digits.n - calling.n};
            if (trunk.n == 0 || !str_starts(digits, calling) || !str_starts(rest, trunk))
                continue;
            national = (struct str){rest.p + trunk.n, rest.n - trunk.n};
            r = region_mobile(&regions[i], national) ? &regions[i] : NULL;
        }
    }
    if (!r) /* a country without a row cannot be in otp.regions: refused, and nothing is said about
               the number */
        return known || digits.n < DIGITS_MIN || digits.n > DIGITS_MAX || digits.p[0] == '0'
                   ? ERR_PHONE_INVALID
                   : ERR_PHONE_REGION;
    if (!phone_is_allowed(cfg, r))
        return ERR_PHONE_REGION;
    return phone_finish(a, str_of(r->calling_code), national, out);
}

/* Of the default region, as dialled at home: with or without trunk prefix, or with the calling code
 * and no sign. */
static enum err phone_read_national(const struct config *cfg, struct arena *a, struct str digits,
                                    const char **out)
{
    const struct region *r = cfg->otp.regions_n ? region_find(str_of(cfg->otp.regions[0])) : NULL;
    if (!r)
        return ERR_PHONE_INVALID;
    struct str trunk = str_of(r->trunk), calling = str_of(r->calling_code);
    const struct str forms[] = {
        trunk.n && str_starts(digits, trunk) ? (struct str){digits.p + trunk.n, digits.n - trunk.n}
                                             : (struct str){NULL, 0},
        digits,
        str_starts(digits, calling) ? (struct str){digits.p + calling.n, digits.n - calling.n}
                                    : (struct str){NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (forms[i].n && region_mobile(r, forms[i]))
            return phone_finish(a, calling, forms[i], out);
    }
    return ERR_PHONE_INVALID;
}

enum err phone_normalise(const struct config *cfg, struct arena *a, struct str text,
                         const char **out)
{
    struct dialled d = {.n = 0};
    if (!phone_read_dialled(text, &d))
        return ERR_PHONE_INVALID;
    struct str digits = {d.digits, d.n};
    return d.plus ? phone_read_international(cfg, a, digits, out)
                  : phone_read_national(cfg, a, digits, out);
}
