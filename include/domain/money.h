/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Sums of money as people read them, for the texts of notifications. */
#ifndef BOOKINGD_DOMAIN_MONEY_H
#define BOOKINGD_DOMAIN_MONEY_H

#include <stdint.h>

#include "base/arena.h"
#include "domain/templates.h"

/* Minor units of a currency (ISO 4217) as a decimal number, on the arena: 12000 SAR is "120.00",
 * 1500 KWD "1.500", 500 JPY "500". */
const char *money_amount_text(struct arena *a, int64_t minor, const char *currency);
/* The currency as it stands beside a sum in the reader's language: its code in English, its usual
 * sign in Arabic where it has one (CLDR). Static, or `currency` itself. */
const char *money_currency_text(const char *currency, enum locale reader);

/* What of `total` is paid online for `party` people, all in minor units. per_person: of each, at
 * most the total; else percent of the total, rounded up; both 0: all of it. */
int64_t money_deposit(int64_t total, int64_t party, int64_t per_person, int64_t percent);

#endif
