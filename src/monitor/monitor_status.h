/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The scoreboard as a page, and which path shows which page. */
#ifndef BOOKINGD_MONITOR_MONITOR_STATUS_H
#define BOOKINGD_MONITOR_MONITOR_STATUS_H

#include "http/http_parse.h"
#include "http/http_resp.h"
#include "monitor_page.h"

/* The scoreboard as JSON, or as lines of text. */
struct str monitor_status_json(const struct monitor_view *v, struct arena *a);
struct str monitor_status_text(const struct monitor_view *v, struct arena *a);
/* Routes a request to its page. ctx is a struct monitor_view. */
void monitor_answer(void *ctx, const struct http_head *head, struct http_resp *resp);

#endif
