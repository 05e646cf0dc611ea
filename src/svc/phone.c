/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Phone numbers as people write them, made E.164 (ITU-T E.164: "+", country code, number, at most
 * 15 digits). Called by every handler that takes a phone, so that one person is one customer
 * however the number was typed. Ranges of mobile numbers come from domain/phone_table.c, which is
 * made from libphonenumber's data; the configuration can add ranges that are newer. */
#include "svc/phone.h"

#include "base/unicode.h"
#include "domain/phone_table.h"

#define DIGITS_MIN 7  /* E.164 numbers that exist */
#define DIGITS_MAX 15 /* E.164 6 */
#define TEXT_MAX 256  /* bytes: every digit of four bytes, with marks around it */

#define PHONE_SCHEME "tel:"

/* What one character of a number means: its digit, or one of these. */
enum { CH_DROP = -1, CH_BAD = -2, CH_PLUS = 10 };

/* Digits of every script, and the marks that people and address books put between them. Anything
 * else is a typo, and no number is guessed from it. */
static int phone_meaning(uint32_t c)
{
    int digit = unicode_digit(c);
    if (digit >= 0)
        return digit;
    switch (c) {
    case '+':
    case 0xFE62: /* small plus */
    case 0xFF0B: /* full-width plus */
        return CH_PLUS;
    case '.':
    case '(':
    case ')':
    case '[':
    case ']':
    case '/':
    case 0x2024: /* one dot leader */
    case 0xFF08: /* full-width forms of the five above */
    case 0xFF09:
    case 0xFF0E:
    case 0xFF0F:
    case 0xFF3B:
    case 0xFF3D:
        return CH_DROP;
    default:
        return unicode_is_filler(c) ? CH_DROP : CH_BAD;
    }
}

struct dialled {                 /* what was written, as digits */
    char digits[DIGITS_MAX + 4]; /* room for an access code and a trunk prefix */
    size_t n;
    bool plus;
};

/* A plus at the end is right-to-left text that was pasted: the sign belongs to the front. */
static bool phone_read_dialled(struct str text, struct dialled *d)
{
    bool ended = false; /* by a plus at the end */
    if (text.n > TEXT_MAX || !str_utf8_valid(text))
        return false;
    if (str_starts_nocase(text, STR(PHONE_SCHEME))) /* a link that was copied (RFC 3966) */
        text = (struct str){text.p + sizeof PHONE_SCHEME - 1, text.n - sizeof PHONE_SCHEME + 1};
    for (const char *p = text.p, *end = text.p + text.n; p < end;) {
        int m = phone_meaning(unicode_next(&p));
        if (m == CH_DROP)
            continue;
        if (m == CH_PLUS && !d->plus) {
            d->plus = true;
            ended = d->n > 0;
            continue;
        }
        if (m < 0 || m > 9 || ended || d->n == sizeof d->digits)
            return false;
        d->digits[d->n++] = (char)('0' + m);
    }
    /* "+00966...": both ways of dialling abroad at once; no calling code begins with 0 */
    if (d->n > 2 && d->digits[0] == '0' && d->digits[1] == '0') {
        d->plus = true;
        d->n -= 2;
        memmove(d->digits, d->digits + 2, d->n);
    }
    return d->n > 0;
}

/* otp.regions: where sign-in codes may go. An SMS to another country may cost many times as much,
 * and is what toll fraud lives on. */
static bool phone_is_served(const struct config *cfg, const struct phone_region *r)
{
    for (size_t i = 0; i < cfg->otp.regions_n; i++)
        if (str_eq(str_of(cfg->otp.regions[i]), str_of(r->code)))
            return true;
    return false;
}

/* Only mobile numbers get an SMS; the configuration may add ranges that are newer than the table,
 * or replace them. */
static bool phone_is_mobile(const struct config *cfg, const struct phone_region *r,
                            struct str national)
{
    for (size_t i = 0; i < cfg->otp.ranges_n; i++) {
        const struct phone_ranges *own = &cfg->otp.ranges[i];
        if (!str_eq(str_of(own->region), str_of(r->code)))
            continue;
        if (phone_ranges_match(own->ranges, national))
            return true;
        if (!own->adds)
            return false;
    }
    return phone_ranges_match(r->ranges, national);
}

/* The mobile number in digits that were dialled at home: as they are, or behind the region's trunk
 * prefix. False: there is none. */
static bool phone_find_national(const struct config *cfg, const struct phone_region *r,
                                struct str digits, struct str *national)
{
    const struct str trunk = str_of(r->trunk);
    *national = digits;
    if (phone_is_mobile(cfg, r, digits))
        return true;
    if (trunk.n == 0 || !str_starts(digits, trunk))
        return false;
    *national = (struct str){digits.p + trunk.n, digits.n - trunk.n};
    return phone_is_mobile(cfg, r, *national);
}

/* The length is checked on the whole number, as E.164 counts it. */
static enum err phone_finish(struct arena *a, const struct phone_region *r, struct str national,
                             const char **out)
{
    size_t n = strlen(r->calling) + national.n;
    if (n < DIGITS_MIN || n > DIGITS_MAX)
        return ERR_PHONE_INVALID;
    *out = arena_printf(a, "+%s%.*s", r->calling, STR_ARG(national));
    return ERR_OK;
}

/* Digits that begin with a calling code. Several regions may share one code, as in North America,
 * and even a number; the first that has the number as mobile and is served is taken.
 * ERR_PHONE_REGION: a mobile number of a region that is not served. ERR_PHONE_INVALID: of none. */
static enum err phone_read_international(const struct config *cfg, struct arena *a,
                                         struct str digits, enum phone_scope scope,
                                         const char **out)
{
    bool known = false, mobile = false;
    for (size_t i = 0; i < phone_regions_n; i++) {
        const struct phone_region *r = &phone_regions[i];
        struct str calling = str_of(r->calling), national;
        if (!str_starts(digits, calling))
            continue;
        known = true;
        if (!phone_find_national(cfg, r, (struct str){digits.p + calling.n, digits.n - calling.n},
                                 &national))
            continue;
        if (scope == PHONE_ANY_REGION || phone_is_served(cfg, r))
            return phone_finish(a, r, national, out);
        mobile = true;
    }
    if (mobile)
        return ERR_PHONE_REGION;
    /* of a calling code that no region has nothing is known but its form */
    return known || digits.n < DIGITS_MIN || digits.n > DIGITS_MAX || digits.p[0] == '0'
               ? ERR_PHONE_INVALID
               : ERR_PHONE_REGION;
}

/* Digits without a sign: as dialled at home in the first configured region, or with the calling
 * code of a served one, which people often write without "+". At home comes first, since a local
 * number may begin with the digits of a calling code. */
static enum err phone_read_unsigned(const struct config *cfg, struct arena *a, struct str digits,
                                    const char **out)
{
    for (size_t i = 0; i < 1 + cfg->otp.regions_n && cfg->otp.regions_n > 0; i++) {
        const struct phone_region *r =
            phone_region_find(str_of(cfg->otp.regions[i == 0 ? 0 : i - 1]));
        struct str calling = i == 0 ? (struct str){"", 0} : str_of(r->calling), national;
        if (str_starts(digits, calling) &&
            phone_find_national(cfg, r, (struct str){digits.p + calling.n, digits.n - calling.n},
                                &national))
            return phone_finish(a, r, national, out);
    }
    return ERR_PHONE_INVALID;
}

/* With a plus (or 00) the country is said; without one it is that of the first configured
 * region. */
enum err phone_normalise(const struct config *cfg, struct arena *a, struct str text,
                         enum phone_scope scope, const char **out)
{
    struct dialled d = {.n = 0};
    if (!phone_read_dialled(text, &d))
        return ERR_PHONE_INVALID;
    struct str digits = {d.digits, d.n};
    return d.plus ? phone_read_international(cfg, a, digits, scope, out)
                  : phone_read_unsigned(cfg, a, digits, out);
}

/* Test numbers (otp.test_numbers) need not exist in any range; they are compared as they would be
 * dialled, at home and from abroad. */
bool phone_find_test(const struct config *cfg, struct arena *a, struct str text, const char **out,
                     const char **code)
{
    struct dialled d = {.n = 0};
    if (cfg->otp.test_numbers_n == 0 || !phone_read_dialled(text, &d))
        return false;
    const struct phone_region *home =
        cfg->otp.regions_n ? phone_region_find(str_of(cfg->otp.regions[0])) : NULL;
    struct str digits = {d.digits, d.n}, bare = digits;
    if (home && home->trunk[0] && str_starts(digits, str_of(home->trunk)))
        bare = (struct str){digits.p + strlen(home->trunk), digits.n - strlen(home->trunk)};
    const char *abroad = arena_printf(a, "+%.*s", STR_ARG(digits));
    const char *at_home =
        home && !d.plus ? arena_printf(a, "+%s%.*s", home->calling, STR_ARG(bare)) : abroad;
    for (size_t i = 0; i < cfg->otp.test_numbers_n; i++) {
        const struct otp_test_number *t = &cfg->otp.test_numbers[i];
        if (strcmp(t->phone, abroad) != 0 && strcmp(t->phone, at_home) != 0)
            continue;
        *out = t->phone;
        *code = t->code;
        return true;
    }
    return false;
}

/* For searches: the first digits of a number, as an array of what may be stored. Digits only, so
 * nothing needs escaping. */
const char *phone_prefixes(const struct config *cfg, struct arena *a, struct str text)
{
    struct dialled d = {.n = 0};
    if (!phone_read_dialled(text, &d) || d.n > DIGITS_MAX)
        return NULL;
    struct str digits = {d.digits, d.n};
    const struct phone_region *home =
        cfg->otp.regions_n > 0 ? phone_region_find(str_of(cfg->otp.regions[0])) : NULL;
    if (d.plus || !home)
        return arena_printf(a, "{+%.*s}", STR_ARG(digits));
    struct str national = digits;
    const struct str trunk = str_of(home->trunk);
    if (trunk.n > 0 && str_starts(digits, trunk))
        national = (struct str){digits.p + trunk.n, digits.n - trunk.n};
    return arena_printf(a, "{+%.*s,+%s%.*s}", STR_ARG(digits), home->calling, STR_ARG(national));
}
