/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* providers.NAME, and the keys that name one. */
#include "base/chars.h"
#include "base/names.h"
#include "config_priv.h"

#define NAME_LEN_MAX 32
#define TIMEOUT_SMS_MS 5000
#define TIMEOUT_PAYMENT_MS 8000

const char *const provider_type_names[PROVIDER_TYPE_COUNT] = {
    [PROVIDER_TAQNYAT] = "taqnyat", [PROVIDER_UNIFONIC] = "unifonic",
    [PROVIDER_MSEGAT] = "msegat",   [PROVIDER_TWILIO] = "twilio",
    [PROVIDER_HTTP] = "http",       [PROVIDER_MOYASAR] = "moyasar",
};
/* The same for config_choice. */
static const char *const type_choices[] = {"taqnyat", "unifonic", "msegat", "twilio",
                                           "http",    "moyasar",  NULL};

/* A label of metrics and logs. */
static bool name_valid(struct str s)
{
    return chars_all(s, char_is_id) && s.n <= NAME_LEN_MAX;
}

/* The type that the mapping names, without a fault; PROVIDER_TYPE_COUNT when there is none. */
static enum provider_type peek_type(const struct node *map)
{
    const struct node *n = node_member(map, STR("type"));
    if (!n || n->kind != NODE_SCALAR)
        return PROVIDER_TYPE_COUNT;
    const int v = name_find(provider_type_names, PROVIDER_TYPE_COUNT, str_of(n->text));
    return v >= 0 ? (enum provider_type)v : PROVIDER_TYPE_COUNT;
}

void config_read_provider_type(const struct slot *s)
{
    int v = config_choice(s->l, s->node, type_choices);
    enum provider_type type = v < 0 ? PROVIDER_TYPE_COUNT : (enum provider_type)v;
    slot_set(s, &type, sizeof type);
}

static bool mentions(const struct provider_config *p, const char *placeholder)
{
    bool found =
        (p->path && strstr(p->path, placeholder)) || (p->body && strstr(p->body, placeholder));
    for (size_t i = 0; i < p->headers_n; i++)
        found |= strstr(p->headers[i].value, placeholder) != NULL;
    return found;
}

/* What a template must say to be of use. Only when its parts were read without fault, else this
 * would be noise. */
static void check_http(struct loader *l, const struct node *map, struct provider_config *p)
{
    if (!mentions(p, "{to}"))
        config_fault_key(l, map, "neither path nor body nor headers have {to}");
    if (!mentions(p, "{text}"))
        config_fault_key(l, map, "neither path nor body nor headers have {text}");
    if (mentions(p, "{sender}") && !p->sender)
        config_fault_key(l, map, "a template has {sender}, but sender is missing");
    if (p->body && str_eq(str_of(p->method), STR("GET")))
        config_fault_key(l, map, "method GET takes no body");
}

/* Limits that depend on others. */
static void finish(struct loader *l, const struct node *map, struct provider_config *p)
{
    int64_t workers = l->cfg->server.workers;
    const struct node *limit = node_member(map, STR("max_concurrent"));
    if (!p->timeout_ms)
        p->timeout_ms = p->type == PROVIDER_MOYASAR ? TIMEOUT_PAYMENT_MS : TIMEOUT_SMS_MS;
    if (!p->max_concurrent)
        p->max_concurrent = workers * 3 / 4 > 0 ? workers * 3 / 4 : 1;
    if (limit && p->max_concurrent > workers)
        config_fault(l, limit, "must not be above server.workers (%lld)", (long long)workers);
    if (p->body && !p->content_type)
        p->content_type = "application/json";
}

static void read_provider(struct loader *l, const struct node *n, struct provider_config *p)
{
    p->name = arena_strdup(l->arena, n->key);
    p->type = PROVIDER_TYPE_COUNT;
    if (!name_valid(str_of(n->key)))
        config_fault_key(l, n, "a provider's name is 1 to %d of A-Z a-z 0-9 - _", NAME_LEN_MAX);
    if (n->kind == NODE_REFUSED)
        return;
    if (n->kind != NODE_MAP && !node_null(n)) {
        config_fault(l, n, "must be a mapping");
        return;
    }
    enum provider_type type = peek_type(n);
    bool unsure = type == PROVIDER_TYPE_COUNT;
    if (unsure && !node_member(n, STR("type")))
        config_fault_at(l, n->key_line, n->key_column,
                        arena_printf(l->scratch, "%s.type", node_path(l, n)), "is missing");
    struct scope scope = {config_provider_keys, config_provider_keys_n,
                          unsure ? P_ALL : P_BIT(type), unsure, (char *)p};
    size_t faults = l->faults_n;
    config_read_scope(l, &scope, n->kind == NODE_MAP ? n : NULL);
    finish(l, n, p);
    if (type == PROVIDER_HTTP && l->faults_n == faults && !l->offline)
        check_http(l, n, p);
}

void config_read_providers(const struct slot *s)
{
    if (s->node->kind != NODE_MAP) {
        config_fault(s->l, s->node, "must be a mapping of names to providers");
        return;
    }
    if (s->node->n > PROVIDERS_MAX) {
        config_fault(s->l, s->node, "must have at most %d providers", PROVIDERS_MAX);
        return;
    }
    struct provider_config *providers = arena_array(s->l->arena, s->node->n, sizeof *providers);
    size_t n = 0;
    for (const struct node *item = s->node->first; item; item = item->next)
        read_provider(s->l, item, &providers[n++]);
    slot_set_list(s, providers, n);
}

/* ---- references ---- */

static void read_reference(const struct slot *s, unsigned kinds, const char *does)
{
    const char *name = slot_scalar(s, "the name of a provider");
    if (!name)
        return;
    int i = config_provider_find(s->l->cfg, name);
    if (i < 0) {
        config_fault(s->l, s->node, "names no provider of this file: '%s'", name);
        return;
    }
    enum provider_type type = s->l->cfg->providers[i].type;
    if (type == PROVIDER_TYPE_COUNT) /* its own fault is reported */
        return;
    if (kinds & P_BIT(type))
        slot_set(s, &i, sizeof i);
    else
        config_fault(s->l, s->node, "'%s' is of type %s, which %s", name, provider_type_names[type],
                     does);
}

void config_read_sms_provider(const struct slot *s)
{
    read_reference(s, P_SMS, "sends no SMS");
}

void config_read_payment_provider(const struct slot *s)
{
    read_reference(s, P_MOYASAR, "takes no payments");
}
