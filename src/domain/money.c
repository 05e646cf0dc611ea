/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Sums of money as people read them. Called when the text of a notification is made. Digits are
 * those of the Latin script in both languages: that is how prices, invoices and bank messages of
 * the region write them.
 */
#include "domain/money.h"

#include <inttypes.h>
#include <string.h>

#include "base/cdefs.h"
#include "base/num.h"

const char *money_amount_text(struct arena *a, int64_t minor, const char *currency)
{
    int digits = num_currency_digits(currency);
    uint64_t unit = 1, sum = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    const char *sign = minor < 0 ? "-" : "";
    if (digits == 0)
        return arena_printf(a, "%s%" PRIu64, sign, sum);
    return arena_printf(a, "%s%" PRIu64 ".%0*" PRIu64, sign, sum / unit, digits, sum % unit);
}

const char *money_currency_text(const char *currency, enum locale reader)
{
    /* CLDR 44, locale ar; without the direction marks, which cost a character of an SMS each. */
    static const struct {
        const char *code, *sign;
    } arabic[] = {
        {"AED", "د.إ."}, {"BHD", "د.ب."}, {"DZD", "د.ج."}, {"EGP", "ج.م."}, {"IQD", "د.ع."},
        {"JOD", "د.أ."}, {"KWD", "د.ك."}, {"LBP", "ل.ل."}, {"LYD", "د.ل."}, {"MAD", "د.م."},
        {"OMR", "ر.ع."}, {"QAR", "ر.ق."}, {"SAR", "ر.س."}, {"SDG", "ج.س."}, {"SYP", "ل.س."},
        {"TND", "د.ت."}, {"YER", "ر.ي."},
    };
    for (size_t i = 0; reader == LOCALE_AR && i < ARRAY_LEN(arabic); i++)
        if (strcmp(arabic[i].code, currency) == 0)
            return arabic[i].sign;
    return currency;
}

/* Rounded up, so that a deposit is never nothing, and never less than was asked for. */
int64_t money_deposit(int64_t total, int64_t party, int64_t per_person, int64_t percent)
{
    int64_t sum = total;
    if (per_person > 0) {
        if (__builtin_mul_overflow(per_person, party, &sum))
            return total;
    } else if (percent > 0) {
        sum = total / 100 * percent + (total % 100 * percent + 99) / 100;
    }
    return sum < total ? sum : total;
}
