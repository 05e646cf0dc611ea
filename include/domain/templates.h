/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Languages, and the templates of notifications (templates.def). */
#ifndef BOOKINGD_DOMAIN_TEMPLATES_H
#define BOOKINGD_DOMAIN_TEMPLATES_H

enum locale { LOCALE_AR, LOCALE_EN, LOCALE_COUNT };
extern const char *const locale_names[LOCALE_COUNT]; /* "ar", "en" */

enum notice_template {
#define NOTICE(symbol, name, ar, en) NOTICE_##symbol,
#include "domain/templates.def"
    NOTICE_COUNT
};
extern const char *const notice_names[NOTICE_COUNT]; /* "booking_confirmed", ... */
/* Built-in texts. */
extern const char *const notice_texts[NOTICE_COUNT][LOCALE_COUNT];

#endif
