/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The status page: GET / of the monitor. */
#ifndef BOOKINGD_MONITOR_MONITOR_HTML_H
#define BOOKINGD_MONITOR_MONITOR_HTML_H

#include "domain/templates.h"
#include "monitor_page.h"

/* The whole page in a language: no script, nothing from elsewhere, no personal data. */
struct str monitor_html_page(const struct monitor_view *v, struct arena *a, enum locale l);

#endif
