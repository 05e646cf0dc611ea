/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "base/str.h"
#include "notification_priv.h"

/* Appends the value of a place; false when the template names none of ours (it stays as it stands).
 */
static bool add_value(struct sb *sb, const struct notification *n, struct str name)
{
    const struct {
        struct str name;
        const char *value;
    } places[] = {
        {STR("service"), n->service},   {STR("venue"), n->venue},
        {STR("resource"), n->resource}, {STR("starts_at"), n->starts_at},
        {STR("ends_at"), n->ends_at},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (str_eq(places[i].name, name)) {
            sb_add_plain(sb, places[i].value ? places[i].value : "", NOTIFICATION_TEXT_MAX);
            return true;
        }
    }
    if (!str_eq(name, STR("party_size")))
        return false;
    sb_printf(sb, "%lld", (long long)n->party_size);
    return true;
}

/* Cuts at a code point. */
static void cap(char *text)
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

const char *notification_render(const struct config *cfg, struct arena *a,
                                const struct notification *n)
{
    const char *p = cfg->notifications.messages[n->template][n->locale];
    struct sb sb;
    sb_init(&sb, a, 256);
    sb_puts(&sb, "");
    while (p && *p) {
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        if (close && add_value(&sb, n, (struct str){p + 1, (size_t)(close - p - 1)})) {
            p = close + 1;
        } else {
            sb_putc(&sb, *p++);
        }
    }
    char *text = arena_strndup(a, sb_str(&sb).p ? sb_str(&sb).p : "", sb_str(&sb).n);
    cap(text);
    return text;
}
