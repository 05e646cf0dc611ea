/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Languages, and the templates of notifications (templates.def). */
#ifndef BOOKINGD_DOMAIN_TEMPLATES_H
#define BOOKINGD_DOMAIN_TEMPLATES_H

enum locale { LOCALE_AR, LOCALE_EN, LOCALE_COUNT };
extern const char *const locale_names[LOCALE_COUNT]; /* "ar", "en" */

enum notification_template {
#define NOTIFICATION_TEMPLATE(symbol, name, ar, en) NOTIFICATION_TEMPLATE_##symbol,
#include "domain/templates.def"
    NOTIFICATION_TEMPLATE_COUNT
};
extern const char
    *const notification_template_names[NOTIFICATION_TEMPLATE_COUNT]; /* "booking_confirmed", ... */
/* Built-in texts. */
extern const char *const notification_template_texts[NOTIFICATION_TEMPLATE_COUNT][LOCALE_COUNT];

#endif
