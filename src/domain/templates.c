/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Names and built-in texts of notification templates, from templates.def. Read by the
 * configuration, which may replace the texts, and by svc, which fills them in.
 */
#include "domain/templates.h"

const char *const locale_names[LOCALE_COUNT] = {[LOCALE_AR] = "ar", [LOCALE_EN] = "en"};

const char *const notification_template_names[NOTIFICATION_TEMPLATE_COUNT] = {
#define NOTIFICATION_TEMPLATE(symbol, name, ar, en) [NOTIFICATION_TEMPLATE_##symbol] = (name),
#include "domain/templates.def"
};

const char *const notification_template_texts[NOTIFICATION_TEMPLATE_COUNT][LOCALE_COUNT] = {
#define NOTIFICATION_TEMPLATE(symbol, name, ar, en) \
    [NOTIFICATION_TEMPLATE_##symbol] = {[LOCALE_AR] = (ar), [LOCALE_EN] = (en)},
#include "domain/templates.def"
};
