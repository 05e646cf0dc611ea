/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * providers.NAME, and the keys that name one. Readers named by rows of config.def. What a type
 * needs and knows comes from providers.def, so a new provider changes nothing here.
 */
#include "base/chars.h"
#include "base/names.h"
#include "config_priv.h"

/* It is a metric label, and part of the title of a process, which has some 60 columns. */
#define NAME_LEN_MAX 32

#define ROW(path_, type_, field_, count_, fallback_, min_, max_, group_, doc_) \
    {.path = (path_),                                                          \
     .read = config_read_##type_,                                              \
     .offset = offsetof(struct provider_config, field_),                       \
     .count_offset = (count_),                                                 \
     .fallback = (fallback_),                                                  \
     .min = (min_),                                                            \
     .max = (max_),                                                            \
     .group = (group_),                                                        \
     .doc = (doc_)},

/* In the order of reading: the type comes first. */
const struct config_key config_provider_keys[] = {
#define PROVIDER_KEY(path, type, field, fallback, min, max, group, doc) \
    ROW(path, type, field, CONFIG_NO_COUNT, fallback, min, max, CONFIG_GROUP_##group, doc)
#define PROVIDER_KEY_LIST(path, type, field, fallback, min, max, group, doc)                \
    ROW(path, type, field, offsetof(struct provider_config, field##_n), fallback, min, max, \
        CONFIG_GROUP_##group, doc)
#include "config.def"
#define PROVIDER_TEXT(key, max, doc) \
    ROW(#key, secret, key, CONFIG_NO_COUNT, NULL, 0, max, CONFIG_GROUP_TEXT(key), doc)
#include "domain/providers.def"
};
const size_t config_provider_keys_n = ARRAY_LEN(config_provider_keys);

/* For config_choice(): the names, and NULL behind them. */
static const char *const provider_type_choices[PROVIDER_TYPE_COUNT + 1] = {
#define PROVIDER(symbol, name, kind, timeout_ms, needs, knows) [PROVIDER_##symbol] = #name,
#include "domain/providers.def"
};

/* A label of metrics and logs. */
static bool name_valid(struct str s)
{
    return chars_all(s, char_is_id) && s.n <= NAME_LEN_MAX;
}

/* The type that the mapping names, without a fault; PROVIDER_TYPE_COUNT when there is none. Needed
 * before the other keys are read: it decides which of them are known. */
static enum provider_type peek_type(const struct config_node *map)
{
    const struct config_node *n = config_node_member(map, STR("type"));
    if (!n || n->kind != CONFIG_SCALAR)
        return PROVIDER_TYPE_COUNT;
    const int v = name_find(provider_type_names, PROVIDER_TYPE_COUNT, str_of(n->text));
    return v >= 0 ? (enum provider_type)v : PROVIDER_TYPE_COUNT;
}

void config_read_provider_type(const struct config_entry *e)
{
    int v = config_choice(e->l, e->node, provider_type_choices);
    enum provider_type type = v < 0 ? PROVIDER_TYPE_COUNT : (enum provider_type)v;
    config_entry_set(e, &type, sizeof type);
}

/* The number and the text may be anywhere in the request that the template makes. */
static bool config_provider_mentions_placeholder(const struct provider_config *p,
                                                 const char *placeholder)
{
    bool found =
        (p->path && strstr(p->path, placeholder)) || (p->body && strstr(p->body, placeholder));
    for (size_t i = 0; i < p->headers_n; i++)
        found |= strstr(p->headers[i].value, placeholder) != NULL;
    for (size_t i = 0; i < p->params_n; i++)
        found |= strstr(p->params[i].value, placeholder) != NULL;
    return found;
}

/* What a template must say to be of use. Only when its parts were read without fault, else this
 * would be noise. */
static void check_http(struct config_loader *l, const struct config_node *map,
                       struct provider_config *p)
{
    if (!config_provider_mentions_placeholder(p, "{to}") &&
        !config_provider_mentions_placeholder(p, "{to_digits}") &&
        !config_provider_mentions_placeholder(p, "{to_national}"))
        config_fault_key(l, map, "none of path, body, headers and params has {to}");
    if (!config_provider_mentions_placeholder(p, "{text}") &&
        !config_provider_mentions_placeholder(p, "{code}"))
        config_fault_key(l, map, "none of path, body, headers and params has {text}");
    if (config_provider_mentions_placeholder(p, "{sender}") && !p->sender)
        config_fault_key(l, map, "a template has {sender}, but sender is missing");
    if (p->body && str_eq(str_of(p->method), STR("GET")))
        config_fault_key(l, map, "method GET takes no body");
}

/* Limits that depend on others. */
static void config_provider_finish_row(struct config_loader *l, const struct config_node *map,
                                       struct provider_config *p)
{
    int64_t workers = config_of(l)->server.workers;
    const struct config_node *limit = config_node_member(map, STR("max_concurrent"));
    /* A type's usual time is in its row. 1 for an unknown type: the load fails anyway, and 0 would
     * be no time limit. */
    if (!p->timeout_ms)
        p->timeout_ms = p->type < PROVIDER_TYPE_COUNT ? provider_types[p->type].timeout_ms : 1;
    if (!p->max_concurrent)
        /* A quarter of the workers is left for requests that need no provider (BEHAVIOUR §3,
         * bulkhead). */
        p->max_concurrent = workers * 3 / 4 > 0 ? workers * 3 / 4 : 1;
    /* A larger number could never be reached, so whoever wrote it expects something else. */
    if (limit && p->max_concurrent > workers)
        config_fault(l, limit, "must not be above server.workers (%lld)", (long long)workers);
    if (p->body && !p->content_type)
        p->content_type = "application/json";
}

/* The provider keeps its row even after a fault, so that keys which name it give no second
 * fault. */
static void read_provider(struct config_loader *l, const struct config_node *n,
                          struct provider_config *p)
{
    p->name = arena_strdup(l->arena, n->key);
    p->type = PROVIDER_TYPE_COUNT;
    if (!name_valid(str_of(n->key)))
        config_fault_key(l, n, "a provider's name must have 1 to %d characters of A-Z a-z 0-9 - _",
                         NAME_LEN_MAX);
    if (n->kind == CONFIG_REFUSED)
        return;
    if (n->kind != CONFIG_MAP && !config_node_null(n)) {
        config_fault(l, n, "must be a mapping");
        return;
    }
    enum provider_type type = peek_type(n);
    bool unsure = type == PROVIDER_TYPE_COUNT; /* then no key is unknown, and none missing */
    struct config_scope scope = {config_provider_keys, config_provider_keys_n, CONFIG_GROUP_ANY, 0,
                                 (char *)p};
    if (!unsure) {
        const struct provider_type_row *row = &provider_types[type];
        scope.required = row->needs | CONFIG_GROUP_NEEDED;
        scope.known = row->needs | row->knows | CONFIG_GROUP_NEEDED | CONFIG_GROUP_ALL;
    } else if (!config_node_member(n, STR("type"))) {
        config_fault_at(l, n->key_at,
                        arena_printf(l->scratch, "%s.type", config_node_path(l->scratch, n)),
                        "is missing");
    }
    size_t faults = l->faults_n;
    config_read_scope(l, &scope, n->kind == CONFIG_MAP ? n : NULL);
    config_provider_finish_row(l, n, p);
    if (!unsure && (provider_types[type].needs & CONFIG_GROUP_PATH) && l->faults_n == faults &&
        !l->offline)
        check_http(l, n, p);
}

void config_read_providers(const struct config_entry *e)
{
    if (e->node->kind != CONFIG_MAP) {
        config_fault(e->l, e->node, "must be a mapping of names to providers");
        return;
    }
    /* Shared memory has a row per provider; its size is fixed before the first fork. */
    if (e->node->n > PROVIDERS_MAX) {
        config_fault(e->l, e->node, "must have at most %d providers", PROVIDERS_MAX);
        return;
    }
    struct provider_config *providers = arena_array(e->l->arena, e->node->n, sizeof *providers);
    size_t n = 0;
    for (const struct config_node *item = e->node->first; item; item = item->next)
        read_provider(e->l, item, &providers[n++]);
    config_entry_set_list(e, providers, n);
}

/* ---- references ---- */

/* `otp.provider` and the like. They come after `providers` in config.def, so the list is
 * complete. */
static void read_reference(const struct config_entry *e, enum provider_kind kind, const char *does)
{
    const char *name = config_entry_scalar(e, "the name of a provider");
    if (!name)
        return;
    int i = config_provider_find(config_of(e->l), name);
    if (i < 0) {
        config_fault(e->l, e->node, "this file has no provider '%s'", name);
        return;
    }
    enum provider_type type = config_of(e->l)->providers[i].type;
    if (type == PROVIDER_TYPE_COUNT) /* its own fault is reported */
        return;
    if (provider_types[type].kind == kind)
        config_entry_set(e, &i, sizeof i);
    else
        config_fault(e->l, e->node, "'%s' is of type %s, which %s", name, provider_type_names[type],
                     does);
}

void config_read_sms_provider(const struct config_entry *e)
{
    read_reference(e, PROVIDER_KIND_SMS, "sends no SMS");
}

/* A template that only has {code} cannot say what a notification has to say. */
void config_read_notice_provider(const struct config_entry *e)
{
    const struct config *cfg = config_of(e->l);
    config_read_sms_provider(e);
    int i = e->node->kind == CONFIG_SCALAR ? config_provider_find(cfg, e->node->text) : -1;
    const struct provider_config *p = i >= 0 ? &cfg->providers[i] : NULL;
    if (p && p->type == PROVIDER_HTTP && config_provider_mentions_placeholder(p, "{code}") &&
        !config_provider_mentions_placeholder(p, "{text}"))
        config_fault(e->l, e->node,
                     "'%s' has {code} and not {text}, so it sends one-time passwords only",
                     p->name);
}

void config_read_payment_provider(const struct config_entry *e)
{
    read_reference(e, PROVIDER_KIND_PAYMENT, "takes no payments");
}
