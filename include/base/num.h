/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Strict parsing of numbers, durations, sizes and rates: the whole text or nothing. And one back.
 */
#ifndef BOOKINGD_BASE_NUM_H
#define BOOKINGD_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Decimal, optional leading '-', no '+', no spaces, no leading zeros but "0"; false on overflow or
 * other text. */
bool num_i64(struct str s, int64_t *out) MUST_CHECK;
#define NUM_TEXT_MAX 21 /* INT64_MIN and the NUL */
/* The decimal text that num_i64() reads; it lies somewhere in buf. */
const char *num_text(int64_t v, char buf[NUM_TEXT_MAX]);
/* As num_i64(), within [min, max]. */
bool num_range(struct str s, int64_t min, int64_t max, int64_t *out) MUST_CHECK;
/* "250ms" "5s" "15m" "24h" "30d" -> milliseconds. A bare "0" is allowed. */
bool num_duration_ms(struct str s, int64_t *out) MUST_CHECK;
/* "64KiB" "1MiB" "512B" or a bare number -> bytes. */
bool num_size(struct str s, int64_t *out) MUST_CHECK;
/* "5/1h" -> count 5, per 3 600 000 ms. */
bool num_rate(struct str s, int64_t *count, int64_t *per_ms) MUST_CHECK;
/* Digits after the decimal point of an ISO 4217 currency ("SAR" 2, "KWD" 3, "JPY" 0); 2 for codes
 * that the list leaves out. */
int num_currency_digits(const char *code);
/* Whether ISO 4217 knows the code. */
bool num_currency_known(struct str code);

#endif
