/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* How many messages a text costs. */
#ifndef BOOKINGD_DOMAIN_SMS_TEXT_H
#define BOOKINGD_DOMAIN_SMS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct sms_text_size {
    bool ucs2;    /* a character is outside of the GSM 7 bit alphabet */
    size_t units; /* septets, or 16 bit units: as the operator counts */
    size_t parts;
};
/* Of UTF-8, by 3GPP TS 23.038 and 23.040: 160 septets or 70 units, or parts of 153 or 67 since each
 * then has a header. A character of two units is not split between parts. */
struct sms_text_size sms_text_size(const char *text);

#endif
