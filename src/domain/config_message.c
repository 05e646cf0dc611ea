/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Texts that customers get: templates by language. Readers named by rows of config.def, called
 * while a configuration is loaded.
 */
#include "base/names.h"
#include "config_priv.h"

#define MESSAGE_CHARS_MAX 640 /* about ten parts of an Arabic SMS */

/* What a text may name. A placeholder of another template would be sent to a customer as it is. */
static const char *const otp_placeholders[] = {"code", NULL};
#define MESSAGE_ABOUT_BOOKING "service", "venue", "resource", "starts_at", "ends_at", "party_size"
static const char *const notification_placeholders[] = {MESSAGE_ABOUT_BOOKING, NULL};
static const char *const refund_placeholders[] = {MESSAGE_ABOUT_BOOKING, "amount", "currency",
                                                  NULL};
static const char *const link_placeholders[] = {MESSAGE_ABOUT_BOOKING, "amount", "currency", "link",
                                                NULL};

/* Used for a language that the file has no text for. */
static const char *const otp_texts[LOCALE_COUNT] = {
    [LOCALE_AR] = "رمز الدخول: {code}",
    [LOCALE_EN] = "Your code: {code}",
};

/* One text, copied; NULL after a fault. Texts are checked strictly: any brace that begins no
 * placeholder is a fault, since a customer would read it. */
static const char *message_text(struct config_loader *l, const struct config_node *n,
                                const char *const *placeholders)
{
    if (n->kind == CONFIG_REFUSED)
        return NULL;
    /* An empty text is a fault: no message would be sent, and the provider would refuse it. */
    if (n->kind != CONFIG_SCALAR || config_node_null(n)) {
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
static void read_locales(struct config_loader *l, const struct config_node *map,
                         const char *const *placeholders, const char **out)
{
    if (map->kind == CONFIG_REFUSED || config_node_null(map))
        return;
    if (map->kind != CONFIG_MAP) {
        config_fault(l, map, "must be a mapping of languages (ar, en) to texts");
        return;
    }
    for (const struct config_node *n = map->first; n; n = n->next) {
        const int locale = name_find(locale_names, LOCALE_COUNT, str_of(n->key));
        if (locale < 0) {
            config_fault_key(l, n, "unknown key: the languages are ar and en");
            continue;
        }
        const char *text = message_text(l, n, placeholders);
        /* A sign-in message without its code would cost an SMS and help nobody. */
        if (text && placeholders == otp_placeholders && !strstr(text, "{code}"))
            config_fault(l, n, "must have {code}");
        else if (text && placeholders == link_placeholders && !strstr(text, "{link}"))
            config_fault(l, n, "must have {link}");
        else if (text)
            out[locale] = text;
    }
}

void config_read_otp_messages(const struct config_entry *e)
{
    read_locales(e->l, e->node, otp_placeholders, config_of(e->l)->otp.messages);
}

/* For the fault that lists what is known. */
static const char *config_join(struct arena *a, const char *const *names, size_t n)
{
    struct sb b;
    sb_init(&b, a, 128);
    for (size_t i = 0; i < n; i++)
        sb_printf(&b, "%s%s", i ? ", " : "", names[i]);
    return sb_str(&b).p;
}

/* What a booking has, all texts may name; money and links only those that are about them. */
static const char *const *message_placeholders(int template)
{
    return template == NOTIFICATION_TEMPLATE_PAYMENT_LINK       ? link_placeholders
           : template == NOTIFICATION_TEMPLATE_PAYMENT_REFUNDED ? refund_placeholders
                                                                : notification_placeholders;
}

/* By template, then by language: `messages: {booking_confirmed: {ar: ..., en: ...}}`. */
void config_read_notification_messages(const struct config_entry *e)
{
    if (e->node->kind != CONFIG_MAP) {
        config_fault(e->l, e->node, "must be a mapping of templates to texts");
        return;
    }
    for (const struct config_node *n = e->node->first; n; n = n->next) {
        const int t =
            name_find(notification_template_names, NOTIFICATION_TEMPLATE_COUNT, str_of(n->key));
        if (t >= 0)
            read_locales(e->l, n, message_placeholders(t),
                         config_of(e->l)->notifications.messages[t]);
        else
            config_fault_key(e->l, n, "unknown key: the templates are %s",
                             config_join(e->l->scratch, notification_template_names,
                                         NOTIFICATION_TEMPLATE_COUNT));
    }
}

/* Called before the file is read. */
void config_default_messages(struct config *c)
{
    memcpy(c->otp.messages, otp_texts, sizeof otp_texts);
    memcpy(c->notifications.messages, notification_template_texts,
           sizeof notification_template_texts);
}
