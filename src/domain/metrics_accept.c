/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Which format a scraper wants: the Accept field, RFC 9110 12.5.1. */
#include "domain/metrics_page.h"

struct wish {
    int q;     /* thousandths; 0: not wanted */
    int exact; /* 2 a media type, 1 type/ *, 0 any */
    int order;
};

/* qvalue of RFC 9110 12.4.2 in thousandths; -1 for other text. */
static int quality(struct str s)
{
    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
        return -1;
    int q = (s.p[0] - '0') * 1000, weight = 100;
    for (size_t i = 2; i < s.n; i++, weight /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        q += (s.p[i] - '0') * weight;
    }
    return q <= 1000 ? q : -1;
}

static struct str unquote(struct str s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        return (struct str){s.p + 1, s.n - 2};
    return s;
}

/* The more closely named range decides a format's quality; among equals the higher one. */
static void note(struct wish *w, int q, int exact, int order)
{
    if (w->order >= 0 && (exact < w->exact || (exact == w->exact && q <= w->q)))
        return;
    *w = (struct wish){q, exact, order};
}

static void range(struct str part, int order, struct wish *text, struct wish *open)
{
    struct str rest = part, type = str_trim(str_cut(&rest, ';')), version = {0};
    int q = 1000;
    while (rest.p) {
        struct str value = str_cut(&rest, ';'), name = str_trim(str_cut(&value, '='));
        value = unquote(str_trim(value));
        if (str_eq_nocase(name, STR("q")))
            q = quality(value);
        else if (str_eq_nocase(name, STR("version")))
            version = value;
    }
    if (q < 0)
        return; /* junk asks for nothing */
    if (str_eq_nocase(type, STR("application/openmetrics-text")) &&
        (!version.p || str_eq(version, STR("1.0.0"))))
        note(open, q, 2, order);
    else if (str_eq_nocase(type, STR("text/plain")) &&
             (!version.p || str_eq(version, STR("0.0.4"))))
        note(text, q, 2, order);
    else if (str_eq_nocase(type, STR("text/*")))
        note(text, q, 1, order);
    else if (str_eq(type, STR("*/*")))
        note(text, q, 0, order);
}

enum metrics_format metrics_negotiate(struct str accept)
{
    struct wish text = {.order = -1}, open = {.order = -1};
    for (int order = 0; accept.p; order++)
        range(str_cut(&accept, ','), order, &text, &open);
    if (open.q <= 0 || open.q < text.q)
        return METRICS_TEXT;
    if (open.q == text.q && text.exact == 2 && text.order < open.order)
        return METRICS_TEXT;
    return METRICS_OPENMETRICS;
}
