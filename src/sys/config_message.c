/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Texts that customers get: templates by language. */
#include "base/names.h"
#include "config_priv.h"

#define MESSAGE_CHARS_MAX 640 /* about ten parts of an Arabic SMS */

static const char *const otp_placeholders[] = {"code", NULL};
static const char *const notice_placeholders[] = {"service", "venue",      "resource", "starts_at",
                                                  "ends_at", "party_size", NULL};

const char *const locale_names[LOCALE_COUNT] = {[LOCALE_AR] = "ar", [LOCALE_EN] = "en"};

const char *const notice_names[NOTICE_COUNT] = {
#define NOTICE(symbol, name, ar, en) [symbol] = (name),
#include "config.def"
};

static const char *const notice_texts[NOTICE_COUNT][LOCALE_COUNT] = {
#define NOTICE(symbol, name, ar, en) [symbol] = {[LOCALE_AR] = (ar), [LOCALE_EN] = (en)},
#include "config.def"
};

static const char *const otp_texts[LOCALE_COUNT] = {
    [LOCALE_AR] = "رمز الدخول: {code}",
    [LOCALE_EN] = "Your code: {code}",
};

/* NULL after a fault. */
static const char *message_text(struct loader *l, const struct node *n,
                                const char *const *placeholders)
{
    if (n->kind == NODE_REFUSED)
        return NULL;
    if (n->kind != NODE_SCALAR || node_null(n)) {
        config_fault(l, n, "must be a string");
        return NULL;
    }
    size_t chars = str_utf8_len(str_of(n->text));
    if (chars == 0 || chars > MESSAGE_CHARS_MAX) {
        config_fault(l, n, "must have 1 to %d characters", MESSAGE_CHARS_MAX);
        return NULL;
    }
    if (!config_placeholders(l, n, n->text, placeholders, true))
        return NULL;
    return arena_strdup(l->arena, n->text);
}

/* A mapping of languages to texts over `out`; what the file leaves out stays as it is. */
static void read_locales(struct loader *l, const struct node *map, const char *const *placeholders,
                         const char **out)
{
    if (map->kind == NODE_REFUSED || node_null(map))
        return;
    if (map->kind != NODE_MAP) {
        config_fault(l, map, "must be a mapping of languages (ar, en) to texts");
        return;
    }
    for (const struct node *n = map->first; n; n = n->next) {
        const int locale = name_find(locale_names, LOCALE_COUNT, str_of(n->key));
        if (locale < 0) {
            config_fault_key(l, n, "unknown key: the languages are ar and en");
            continue;
        }
        const char *text = message_text(l, n, placeholders);
        if (text && placeholders == otp_placeholders && !strstr(text, "{code}"))
            config_fault(l, n, "must have {code}");
        else if (text)
            out[locale] = text;
    }
}

void config_read_otp_messages(const struct slot *s)
{
    read_locales(s->l, s->node, otp_placeholders, s->l->cfg->otp.messages);
}

void config_read_notice_messages(const struct slot *s)
{
    if (s->node->kind != NODE_MAP) {
        config_fault(s->l, s->node, "must be a mapping of templates to texts");
        return;
    }
    for (const struct node *n = s->node->first; n; n = n->next) {
        const int t = name_find(notice_names, NOTICE_COUNT, str_of(n->key));
        if (t >= 0)
            read_locales(s->l, n, notice_placeholders, s->l->cfg->notifications.messages[t]);
        else
            config_fault_key(s->l, n,
                             "unknown key: the templates are booking_confirmed, booking_cancelled, "
                             "booking_rescheduled, booking_expired, payment_refunded");
    }
}

void config_default_messages(struct config *c)
{
    memcpy(c->otp.messages, otp_texts, sizeof otp_texts);
    memcpy(c->notifications.messages, notice_texts, sizeof notice_texts);
}
