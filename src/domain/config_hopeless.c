/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What check-config refuses though the service could start with it: it would run, and protect
 * nothing or take no money. `serve` is not held to it, so that an update stops no running service.
 * Called when all keys have been read.
 */
#include <string.h>
#include <sys/socket.h>

#include "config_priv.h"

/* RFC 6750 and NIST SP 800-63B ask for 112 bits and more of what cannot be guessed: 16 bytes. */
#define WEBHOOK_SECRET_MIN 16

/* At the value, or at the beginning of a file that leaves the key to its default. */
static void config_hopeless_fault(struct config_loader *l, const struct config_node *root,
                                  const char *path, const char *what)
{
    const struct config_node *n = config_node_at(root, path);
    config_fault_at(l, n ? n->at : CONFIG_FILE_START, path, "%s", what);
}

/* With a /0, whoever connects could claim any address, and no limit per address would hold. */
static void config_hopeless_judge_proxies(struct config_loader *l, const struct config_node *root)
{
    const struct config *c = config_of(l);
    for (size_t i = 0; i < c->server.trusted_proxies_n; i++) {
        const struct cidr *net = &c->server.trusted_proxies[i];
        if (net->family != AF_UNIX && net->prefix == 0)
            config_hopeless_fault(l, root, "server.trusted_proxies", "a /0 trusts everybody");
    }
}

/* Moyasar's keys say what they are: pk_ can take no payment of ours, and what a live key is used
 * for is real money. */
static void config_hopeless_judge_gateway(struct config_loader *l, const struct config_node *root,
                                          const struct provider_config *p)
{
    const char *key = arena_printf(l->scratch, "providers.%s.secret_key", p->name);
    const char *hook = arena_printf(l->scratch, "providers.%s.webhook_secret", p->name);
    bool live = p->secret_key && str_starts(str_of(p->secret_key), STR("sk_live_"));
    if (p->secret_key && str_starts(str_of(p->secret_key), STR("pk_")))
        config_hopeless_fault(l, root, key, "is a publishable key (pk_); the secret one is sk_...");
    if (live && p->base_url && str_starts(str_of(p->base_url), STR("http:")))
        config_hopeless_fault(l, root, arena_printf(l->scratch, "providers.%s.base_url", p->name),
                              "must be https: secret_key is a live one");
    if (live && config_url_is_local(config_of(l)->server.public_url))
        config_hopeless_fault(l, root, "server.public_url",
                              "is on loopback: with a live key payers cannot come back");
    if (p->webhook_secret && strlen(p->webhook_secret) < WEBHOOK_SECRET_MIN)
        config_hopeless_fault(l, root, hook, "must have at least 16 bytes");
}

void config_check_hopeless(struct config_loader *l, const struct config_node *root)
{
    const struct config *c = config_of(l);
    config_hopeless_judge_proxies(l, root);
    for (size_t i = 0; i < c->providers_n; i++)
        config_hopeless_judge_gateway(l, root, &c->providers[i]);
}
