/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The text of a notification, from its template and the booking. Called by notification.c when
 * the row is written. */
#include "base/str.h"
#include "base/template.h"
#include "base/text_rules.h"
#include "domain/date_text.h"
#include "domain/money.h"
#include "notification_priv.h"

/* Names of venues and services are written by people: no control characters, a limited length. */
static void notification_text_add_value(struct sb *sb, const char *value, const void *ctx)
{
    (void)ctx;
    text_add_plain(sb, value, NOTIFICATION_TEXT_MAX);
}

/* Cuts at a code point. */
static void notification_text_cut(char *text)
{
    size_t points = 0;
    for (char *p = text; *p; p++) {
        bool starts = ((unsigned char)*p & 0xc0) != 0x80;
        if (starts && points++ == NOTIFICATION_TEXT_MAX) {
            *p = '\0';
            return;
        }
    }
}

/* The configuration's text for the customer's language; checked when it was read. */
const char *notification_render(const struct config *cfg, struct arena *a,
                                const struct notification *n)
{
    const struct wall now = wall_now(); /* only for whether a year is said */
    const struct template_var vars[] = {
        {"service", n->service},
        {"venue", n->venue},
        {"resource", n->resource},
        {"starts_at", date_text(a, n->starts_at, n->locale, now)},
        {"ends_at", date_text(a, n->ends_at, n->locale, now)},
        {"party_size", arena_printf(a, "%lld", (long long)n->party_size)},
        {"amount", n->currency ? money_amount_text(a, n->amount, n->currency) : ""},
        {"currency", n->currency ? money_currency_text(n->currency, n->locale) : ""},
        {"link", n->link ? n->link : ""},
    };
    const struct template_values values = {
        .vars = vars, .n = ARRAY_LEN(vars), .add = notification_text_add_value};
    /* By the configuration of now. The result is stored with the row, so that a message that is
     * sent again says the same. */
    const char *template = cfg->notifications.messages[n->template][n->locale];
    struct sb sb;
    sb_init(&sb, a, 256);
    template_add(&sb, template ? template : "", &values);
    notification_text_cut(sb.p);
    return sb.p;
}
