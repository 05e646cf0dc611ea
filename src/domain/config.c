/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Loads the configuration: the table of keys, what depends on more than one of them, and who may
 * keep which secret. Called by the master for the service, and by the commands.
 */
#include "domain/config.h"

#include "base/digest.h"
#include "config_priv.h"

/* A code's hash without a key could be reversed by trying all codes, so there is no default
 * secret. */
static void config_check_otp(struct config_loader *l, const struct config_node *root)
{
    struct config *c = config_of(l);
    const struct config_node *otp = config_node_member(root, STR("otp"));
    const struct config_node *provider = config_node_member(otp, STR("provider"));
    c->otp.secret_len = c->otp.secret ? strlen(c->otp.secret) : 0;
    if (c->otp.per_network.count == 0)
        c->otp.per_network = c->otp.per_address;
    for (size_t i = 0; i < c->otp.test_numbers_n; i++)
        if (strlen(c->otp.test_numbers[i].code) != (size_t)c->otp.code_length)
            config_fault(l, config_node_at(root, "otp.test_numbers"),
                         "%s: the code must have %lld digits, as otp.code_length says",
                         c->otp.test_numbers[i].phone, (long long)c->otp.code_length);
    if (provider && !config_node_member(otp, STR("secret")))
        config_fault_at(l, provider->key_at, "otp.secret",
                        "is missing: otp.provider needs it to hash codes");
}

/* Time bounds the queue (server.queue_timeout), so the number need not be tight: a request that
 * takes a tenth of a second leaves a queue of 16 per worker within the usual two seconds. */
static int64_t config_default_queue(int64_t workers)
{
    return workers > 16 ? 16 * workers : 256;
}

/* Found here, and not by the second bind(2) of a start. */
static void config_check_listens(struct config_loader *l, const struct config_node *root)
{
    const struct config *c = config_of(l);
    const struct config_node *monitor = config_node_member(root, STR("monitor"));
    const struct config_node *listen = config_node_member(monitor, STR("listen"));
    for (size_t i = 0; i < c->server.listen_n && c->monitor.listen.text; i++) {
        if (config_listen_same(&c->server.listen[i], &c->monitor.listen))
            config_fault_at(l, listen ? listen->at : CONFIG_FILE_START, "monitor.listen",
                            "is the same as server.listen");
    }
}

static void config_read_root(struct config_loader *l, const struct config_node *root)
{
    struct config *c = config_of(l);
    struct config_scope scope = {config_keys, config_keys_n, CONFIG_GROUP_ANY, 0, (char *)c};
    if (l->path)
        c->file = arena_strdup(l->arena, l->path);
    /* An index, of which 0 is a provider. */
    c->otp.provider = c->payments.provider = c->notifications.provider = -1;
    c->alerts.provider = c->alerts.sms_provider = -1;
    config_default_messages(c);
    if (root && root->kind != CONFIG_MAP && !config_node_null(root)) {
        config_fault(l, root, "must be a mapping of sections");
        return;
    }
    config_read_scope(l, &scope, root && root->kind == CONFIG_MAP ? root : NULL);
    /* Depends on another key, so it cannot be a fallback in the table. */
    if (!c->server.queue)
        c->server.queue = config_default_queue(c->server.workers);
    config_check_otp(l, root);
    config_check_reminders(l, root);
    config_check_listens(l, root);
    config_check_alerts(l, root);
    if (l->on_key) /* check-config, which alone shows the keys */
        config_check_hopeless(l, root);
}

struct config *config_load_any(const char *path, bool offline, config_on_key on_key,
                               struct config_report **report)
{
    const struct config_file_job job = {.path = path,
                                        .offline = offline,
                                        .on_key = on_key,
                                        .size = sizeof(struct config),
                                        .read = config_read_root};
    return config_file_load(&job, report);
}

struct config *config_load(const char *path, struct config_report **report)
{
    return config_load_any(path, false, NULL, report);
}

/* For commands that send nothing, such as migrate: secrets that cannot be read are no fault. */
struct config *config_load_offline(const char *path, struct config_report **report)
{
    return config_load_any(path, true, NULL, report);
}

/* CONFIG_KEEP_* of a secret. Told by the pointer: each secret was stored once, and the
 * configuration points at that copy. */
static unsigned config_secret_kind(const struct config *c, const struct config_secret *s)
{
    if (s->p == c->database.url || s->p == c->database.read_url)
        return CONFIG_KEEP_DATABASE;
    if (s->p == c->database.migrate_url)
        return CONFIG_KEEP_OWNER;
    return s->p == c->otp.secret ? CONFIG_KEEP_OTP : CONFIG_KEEP_PROVIDERS;
}

void config_each_secret(const struct config *c, unsigned kinds,
                        void (*fn)(void *ctx, const char *p, size_t n), void *ctx)
{
    for (const struct config_secret *s = c->memory.secrets; s; s = s->next) {
        if (kinds & config_secret_kind(c, s))
            fn(ctx, s->p, s->n);
    }
}

/* Overwrites this process's copy. Called once per child, right after the fork; the master keeps its
 * own, since it forks again. */
void config_forget_secrets(struct config *c, unsigned keep)
{
    for (const struct config_secret *s = c->memory.secrets; s; s = s->next) {
        if (!(keep & config_secret_kind(c, s)))
            digest_wipe(s->p, s->n);
    }
    if (!(keep & CONFIG_KEEP_OTP)) {
        c->otp.secret = NULL;
        c->otp.secret_len = 0;
    }
}

void config_free(struct config *c)
{
    if (c)
        config_memory_free(&c->memory);
}

int config_provider_find(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->providers_n; i++)
        if (strcmp(c->providers[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* Routes of webhooks carry the gateway's type in their path, also while none is configured: the
 * path must exist to answer 404 in a defined way. */
const char *config_gateway_name(const struct config *c)
{
    if (c->payments.provider >= 0)
        return provider_type_names[c->providers[c->payments.provider].type];
    size_t i = 0;
    while (provider_types[i].kind != PROVIDER_KIND_PAYMENT)
        i++;
    return provider_type_names[i];
}
