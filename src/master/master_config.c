/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* What follows from a configuration for the whole service, at the start and in a reload: names to
 * be looked up, and what the indices of providers mean in metrics and shared memory. Called by
 * master_setup.c, master_reload.c and, before each fork, by master_child.c. */
#include "base/url.h"
#include "db/db_url.h"
#include "domain/metrics.h"
#include "domain/scoreboard.h"
#include "ext/ext_shared.h"
#include "master_priv.h"
#include "sys/addrs.h"

/* False when a name has no row: it would never get an address. */
bool master_register_names(const struct config *cfg)
{
    bool good = db_register_hosts(cfg->database.url);
    if (cfg->database.read_url)
        good &= db_register_hosts(cfg->database.read_url);
    for (size_t i = 0; i < cfg->providers_n; i++) {
        char host[256]; /* a name has at most 253 characters (RFC 1035) */
        if (url_host(cfg->providers[i].base_url, host, sizeof host))
            good &= addrs_register(host); /* the resolver looks names up */
    }
    return good;
}

/* The strings stay the configuration's. */
void master_describe_providers(const struct config *cfg, struct master_providers *out)
{
    for (size_t i = 0; i < cfg->providers_n; i++) {
        out->names[i] = cfg->providers[i].name;
        out->ops[i] = (int)i == cfg->alerts.provider
                          ? METRIC_OPS_ALERT
                          : provider_types[cfg->providers[i].type].metric_ops;
        out->timeouts_ms[i] = cfg->providers[i].timeout_ms;
    }
}

/* During a reload children of both configurations are started, so this may go back and forth. */
void master_use_config(struct master *m, const struct config *cfg)
{
    struct master_providers p;
    if (m->used == cfg)
        return;
    m->used = cfg;
    master_describe_providers(cfg, &p);
    metrics_use_providers(p.names, p.ops, cfg->providers_n);
    ext_shared_init(cfg, scoreboard_slots());
}
