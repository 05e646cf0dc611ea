/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Reads the Accept field (RFC 9110 12.5.1) for the monitor's pages, which exist in two formats,
 * and Accept-Language for texts. */
#include "http/http_accept.h"

#include "base/names.h"

/* qvalue of RFC 9110 12.4.2 in thousandths; -1 for other text. At most three digits behind the
 * point. Integers, since fractions of ten have no exact double. */
static int accept_quality(struct str s)
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

/* A parameter may be a token or a quoted string (RFC 9110 5.6.6); escapes do not occur in
 * versions. */
static struct str accept_unquote(struct str s)
{
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        return (struct str){s.p + 1, s.n - 2};
    return s;
}

/* How closely a range names a type, as in http_preference; -1: not at all. */
static int accept_fit(struct str range, struct str type)
{
    struct str rest = type, group = str_cut(&rest, '/');
    if (str_eq_nocase(range, type))
        return 2;
    if (range.n == group.n + 2 && range.p[range.n - 1] == '*' && range.p[group.n] == '/' &&
        str_eq_nocase((struct str){range.p, group.n}, group))
        return 1;
    return str_eq(range, STR("*/*")) ? 0 : -1;
}

/* The more closely named range decides a format's quality; among equals the higher one. */
static void accept_note(struct http_preference *best, struct http_preference one)
{
    if (best->order < 0 || one.exact > best->exact || (one.exact == best->exact && one.q > best->q))
        *best = one;
}

/* One range with its parameters. Junk asks for nothing. */
static void accept_range(struct str part, int order, const char *type, const char *version,
                         struct http_preference *best)
{
    struct str rest = part, range = str_trim(str_cut(&rest, ';')), asked = {0};
    struct http_preference one = {1000, accept_fit(range, str_of(type)), order};
    while (rest.p) {
        struct str value = str_cut(&rest, ';'), name = str_trim(str_cut(&value, '='));
        value = accept_unquote(str_trim(value));
        if (str_eq_nocase(name, STR("q")))
            one.q = accept_quality(value);
        else if (str_eq_nocase(name, STR("version")))
            asked = value;
    }
    if (one.q < 0 || one.exact < 0)
        return;
    if (one.exact == 2 && version && asked.p && !str_eq(asked, str_of(version)))
        return;
    accept_note(best, one);
}

/* An absent field names nothing: order stays -1, and the caller has its own default. */
struct http_preference http_accept(struct str accept, const char *type, const char *version)
{
    struct http_preference best = {.order = -1};
    for (int order = 0; accept.p; order++)
        accept_range(str_cut(&accept, ','), order, type, version, &best);
    return best;
}

/* Text unless OpenMetrics is asked for by name and is at least as welcome: a wildcard from a
 * browser or curl gets what people read. Prometheus asks for OpenMetrics first, with text at a
 * lower quality. */
enum metrics_format http_accept_metrics(struct str accept)
{
    const struct http_preference text = http_accept(accept, "text/plain", "0.0.4");
    const struct http_preference open =
        http_accept(accept, "application/openmetrics-text", "1.0.0");
    if (open.exact < 2 || open.q <= 0 || open.q < text.q)
        return METRICS_TEXT;
    if (open.q == text.q && text.exact == 2 && text.order < open.order)
        return METRICS_TEXT;
    return METRICS_OPENMETRICS;
}

/* -1: none of the names is wanted. "ar-SA" names Arabic (RFC 4647 3.4). */
int http_accept_language(struct str accept, const char *const *names, size_t n)
{
    int best = -1, best_q = 0;
    while (accept.p) {
        struct str rest = str_cut(&accept, ','), tag = str_trim(str_cut(&rest, ';'));
        struct str value = rest, name = str_trim(str_cut(&value, '='));
        int q = str_eq_nocase(name, STR("q")) ? accept_quality(str_trim(value)) : 1000;
        int found = name_find_language(names, n, tag);
        if (found < 0 || q <= best_q)
            continue;
        best = found;
        best_q = q;
    }
    return best;
}
