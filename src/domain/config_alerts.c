/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * alerts: where the keeper says what is wrong. Readers named by rows of config.def. The webhook is
 * called like a provider, with a time limit and a breaker, so it becomes a row of the providers
 * under the name "alerts", which no file gives.
 */
#include <string.h>

#include "base/chars.h"
#include "base/url.h"
#include "config_priv.h"
#include "domain/conditions.h"

/* Receivers of alerts answer at once; a slow one must not hold the keeper's other tasks up. */
#define WEBHOOK_TIMEOUT_MS 5000
#define WEBHOOK_CONNECT_MS 2000
#define SECRET_PREFIX "whsec_" /* Standard Webhooks, "Signature scheme" */
#define BREAKER_FAILURES 5
#define BREAKER_OPEN_MS 15000

const char *const alert_forms[ALERT_FORM_COUNT + 1] = {
    [ALERT_STANDARD] = "standard", [ALERT_TEXT] = "text"};

void config_read_alert_form(const struct config_entry *e)
{
    int form = config_choice(e->l, e->node, alert_forms);
    if (form >= 0)
        config_entry_set(e, &form, sizeof form);
}

/* ticket or page: the least that phones are told. */
void config_read_severity(const struct config_entry *e)
{
    int severity = config_choice(e->l, e->node, severity_names);
    if (severity >= 0)
        config_entry_set(e, &severity, sizeof severity);
}

/* Of some receivers the address is itself the secret, so it may come from a file, and has a
 * query. */
void config_read_alert_webhook(const struct config_entry *e)
{
    struct url u;
    const char *text = config_secret(e->l, e->node);
    if (!text)
        return;
    if (*text == '\0')
        return; /* as if it were not there */
    if (strchr(text, '@') || strchr(text, '#') || !url_parse(str_of(text), &u))
        config_fault(e->l, e->node, "must be an http or https URL without user name or fragment");
    else
        config_entry_set(e, &text, sizeof text);
}

static bool config_alerts_is_base64(char c)
{
    return char_is_id(c) || c == '+' || c == '/';
}

/* Empty: not signed. With the prefix, receivers read it as base64 (RFC 4648 4 or 5) and nothing
 * else. */
void config_read_alert_secret(const struct config_entry *e)
{
    const char *text = config_secret(e->l, e->node);
    if (!text || !*text)
        return;
    struct str key = str_of(text);
    while (key.n > 0 && key.p[key.n - 1] == '=')
        key.n--;
    if (str_starts(key, STR(SECRET_PREFIX))) {
        key = (struct str){key.p + sizeof SECRET_PREFIX - 1, key.n - (sizeof SECRET_PREFIX - 1)};
        if (!chars_all(key, config_alerts_is_base64) || key.n % 4 == 1) {
            config_fault(e->l, e->node, "must have base64 behind " SECRET_PREFIX);
            return;
        }
    }
    config_entry_set(e, &text, sizeof text);
}

/* E.164, as phone.c makes it: these numbers are not typed by customers, so nothing is guessed. */
static bool config_alerts_is_phone(const struct config_node *n)
{
    if (n->kind != CONFIG_SCALAR || n->text[0] != '+' || n->text[1] == '0')
        return false;
    size_t digits = strspn(n->text + 1, "0123456789");
    return digits >= 7 && digits <= 15 && n->text[digits + 1] == '\0';
}

void config_read_alert_phones(const struct config_entry *e)
{
    if (!config_entry_is_list(e, "a list of numbers like [\"+966500000000\"]"))
        return;
    const char **phones = arena_array(e->l->arena, e->node->n, sizeof *phones);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next) {
        if (config_alerts_is_phone(item))
            phones[n++] = arena_strdup(e->l->arena, item->text);
        else if (item->kind != CONFIG_REFUSED)
            config_fault(e->l, item, "must be a number like \"+966500000000\"");
    }
    config_entry_set_list(e, phones, n);
}

/* A provider of this name would share metrics and circuit breaker with the webhook. */
static bool config_alerts_name_taken(const struct config *c)
{
    for (size_t i = 0; i < c->providers_n; i++)
        if (strcmp(c->providers[i].name, CONFIG_ALERTS) == 0)
            return true;
    return false;
}

/* Called when all providers are read: it is the last, so the indices of the others stay. */
static void config_alerts_add_provider(struct config_loader *l, const struct config_node *root)
{
    struct config *c = config_of(l);
    const struct config_node *at = config_node_at(root, "alerts.webhook");
    struct url u;
    if (config_alerts_name_taken(c)) {
        config_fault(l, at, "needs the name '" CONFIG_ALERTS "', which a provider has");
        return;
    }
    if (c->providers_n >= PROVIDERS_MAX || !url_parse(str_of(c->alerts.webhook), &u)) {
        config_fault(l, at, "counts as a provider, and there are %d already", PROVIDERS_MAX);
        return;
    }
    struct provider_config *all = arena_array(l->arena, c->providers_n + 1, sizeof *all);
    if (c->providers_n)
        memcpy(all, c->providers, c->providers_n * sizeof *all);
    all[c->providers_n] = (struct provider_config){.name = CONFIG_ALERTS,
                                                   .type = PROVIDER_HTTP,
                                                   .base_url = url_origin(l->arena, &u),
                                                   .connect_timeout_ms = WEBHOOK_CONNECT_MS,
                                                   .timeout_ms = WEBHOOK_TIMEOUT_MS,
                                                   .max_concurrent = 1,
                                                   .breaker_failures = BREAKER_FAILURES,
                                                   .breaker_open_for_ms = BREAKER_OPEN_MS};
    c->alerts.provider = (int)c->providers_n;
    c->providers = all;
    c->providers_n++;
}

/* An alert by SMS needs a provider that is named; the one of notifications may be what is
 * failing. */
void config_check_alerts(struct config_loader *l, const struct config_node *root)
{
    const struct config *c = config_of(l);
    if (c->alerts.webhook)
        config_alerts_add_provider(l, root);
    const struct config_node *alerts = config_node_member(root, STR("alerts"));
    const struct config_node *sms = config_node_member(alerts, STR("sms"));
    if (c->alerts.sms_to_n > 0 && !config_node_member(sms, STR("provider")))
        config_fault_at(l, sms ? sms->key_at : CONFIG_FILE_START, "alerts.sms.provider",
                        "is missing: alerts.sms.to needs it");
}
