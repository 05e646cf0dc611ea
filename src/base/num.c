/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Strict numbers, for the configuration, the command line, JSON and query parameters. strtoll() and
 * its relatives are not used: they skip blanks, take a sign and a 0x, and stop silently at the
 * first letter.
 */
#include "base/num.h"

#include <string.h>

#include "base/cdefs.h"

struct unit {
    const char *name;
    int64_t factor;
};

/* No weeks or months: a month has no fixed length, and 7d says the same as a week. */
static const struct unit durations[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}, {"d", 24 * 3600 * 1000},
};
/* Binary units under their IEC names only: "KB" means 1000 to some and 1024 to others. */
static const struct unit sizes[] = {
    {"", 1}, {"B", 1}, {"KiB", 1024}, {"MiB", 1024 * 1024}, {"GiB", 1024 * 1024 * 1024},
};

bool num_i64(struct str s, int64_t *out)
{
    bool negative = s.n > 0 && s.p[0] == '-';
    int64_t v = 0;

    if (negative) {
        s.p++;
        s.n--;
    }
    /* One spelling per number: no leading zeros, no "-0". Cursors and entity tags rely on that. */
    if (s.n == 0 || (s.p[0] == '0' && (s.n > 1 || negative)))
        return false;
    for (size_t i = 0; i < s.n; i++) {
        int digit = s.p[i] - '0';

        /* summed up below zero when negative, since INT64_MIN has no positive counterpart */
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, negative ? -digit : digit, &v))
            return false;
    }
    *out = v;
    return true;
}

const char *num_text(int64_t v, char buf[NUM_TEXT_MAX])
{
    /* As unsigned: INT64_MIN has no positive counterpart. */
    uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;
    char *p = buf + NUM_TEXT_MAX - 1;

    *p = '\0';
    do
        *--p = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (v < 0)
        *--p = '-';
    return p;
}

/* *out stays as it was after a failure. */
bool num_range(struct str s, int64_t min, int64_t max, int64_t *out)
{
    int64_t v;

    if (!num_i64(s, &v) || v < min || v > max)
        return false;
    *out = v;
    return true;
}

/* No sign, no fraction, no blank before the unit: one way to write each value. */
static bool num_read_unit(struct str s, const struct unit *units, size_t units_n, int64_t *out)
{
    struct str digits = {s.p, 0}, name;
    int64_t v;

    while (digits.n < s.n && s.p[digits.n] >= '0' && s.p[digits.n] <= '9')
        digits.n++;
    if (!num_i64(digits, &v))
        return false;
    name = (struct str){s.p + digits.n, s.n - digits.n};
    for (size_t i = 0; i < units_n; i++)
        if (str_eq(name, str_of(units[i].name))) {
            if (__builtin_mul_overflow(v, units[i].factor, &v))
                return false;
            *out = v;
            return true;
        }
    return false;
}

/* 0 needs no unit. Any other number without a unit is refused, as it would be read as whatever unit
 * its writer had in mind. */
bool num_duration_ms(struct str s, int64_t *out)
{
    if (str_eq(s, STR("0"))) {
        *out = 0;
        return true;
    }
    return num_read_unit(s, durations, ARRAY_LEN(durations), out);
}

bool num_size(struct str s, int64_t *out)
{
    return num_read_unit(s, sizes, ARRAY_LEN(sizes), out);
}

/* "5/1h": at most five within any hour. */
bool num_rate(struct str s, int64_t *count, int64_t *per_ms)
{
    struct str left = str_cut(&s, '/');
    int64_t n, per;

    if (!s.p || !num_range(left, 1, INT64_MAX, &n) || !num_duration_ms(s, &per) || per == 0)
        return false;
    *count = n;
    *per_ms = per;
    return true;
}

/* ISO 4217 list one by digits of the minor unit; codes without one (metals, funds of banks, tests)
 * are left out. */
static const struct {
    int digits;
    const char *codes;
} currencies[] = {
    {0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"},
    {2, "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD "
        "CAD CDF CHE CHF CHW "
        "CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
        "GYD HKD HNL HTG HUF "
        "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT "
        "MOP MRU MUR MVR MWK "
        "MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD "
        "SCR SDG SEK SGD SHP "
        "SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED "
        "VES WST XCD XCG YER "
        "ZAR ZMW ZWG"},
    {3, "BHD IQD JOD KWD LYD OMR TND"},
    {4, "CLF UYW"},
};

/* -1 when the list has no such code. */
static int num_find_digits(struct str code)
{
    for (size_t i = 0; i < ARRAY_LEN(currencies); i++) {
        struct str rest = str_of(currencies[i].codes);

        while (rest.p)
            if (str_eq(str_cut(&rest, ' '), code))
                return currencies[i].digits;
    }
    return -1;
}

/* 2 for an unknown code: used for display only; what enters the database was checked with
 * num_currency_known(). */
int num_currency_digits(const char *code)
{
    int digits = num_find_digits(str_of(code));

    return digits < 0 ? 2 : digits;
}

bool num_currency_known(struct str code)
{
    return num_find_digits(code) >= 0;
}
