/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "ext/ext_holder.h"
#include "ext_priv.h"
#include "sys/shm.h"

const char *const circuit_names[3] = {
    [CIRCUIT_CLOSED] = "closed", [CIRCUIT_OPEN] = "open", [CIRCUIT_HALF_OPEN] = "half_open"};

/* Room for two generations of configuration; pages that nobody touches cost nothing. */
#define CELLS (2 * PROVIDERS_MAX)
/* Beyond the provider's own time limit: what a probe may lose before and after the transfer. */
#define PROBE_GRACE_MS 2000

static struct shared {
    struct ext_cell cells[CELLS];
    struct ext_bulkhead common;
} * shared;
/* Whose they are; the master's own knowledge, as only it hands cells out. */
static char *names[CELLS];
/* Of the configuration that this process runs with; inherited by fork. */
static struct ext_cell *cell_of[PROVIDERS_MAX];
static const struct config *config;

size_t ext_shared_size(const struct config *cfg)
{
    (void)cfg; /* the same for every configuration: a reload must fit too */
    return sizeof(struct shared) + 64;
}

static int cell_find(const char *name)
{
    for (int i = 0; i < CELLS; i++)
        if (names[i] && strcmp(names[i], name) == 0)
            return i;
    return -1;
}

/* A cell that neither the new configuration nor the one before it uses, emptied. */
static int cell_take(const struct config *cfg, const char *name)
{
    for (int i = 0; i < CELLS; i++) {
        if (names[i] && (config_provider_find(cfg, names[i]) >= 0 ||
                         (config && config_provider_find(config, names[i]) >= 0)))
            continue;
        free(names[i]);
        names[i] = strdup(name);
        ENSURE(names[i]);
        memset(&shared->cells[i], 0, sizeof(shared->cells[i]));
        return i;
    }
    return -1;
}

void ext_shared_init(const struct config *cfg, unsigned slots)
{
    ENSURE(slots <= EXT_HOLDER_SLOTS_MAX && cfg->providers_n <= PROVIDERS_MAX);
    if (!shared)
        shared = shm_alloc(sizeof(*shared));
    for (size_t i = 0; i < cfg->providers_n; i++) {
        int cell = cell_find(cfg->providers[i].name);
        if (cell < 0)
            cell = cell_take(cfg, cfg->providers[i].name);
        ENSURE(cell >= 0);
        cell_of[i] = &shared->cells[cell];
    }
    config = cfg;
}

struct ext_cell *ext_cell(int provider)
{
    ENSURE(config && provider >= 0 && (size_t)provider < config->providers_n);
    return cell_of[provider];
}

struct ext_bulkhead *ext_common(void)
{
    ENSURE(shared);
    return &shared->common;
}

struct ext_breaker_limits ext_breaker_limits_of(const struct provider_config *p)
{
    return (struct ext_breaker_limits){.failures = p->breaker_failures,
                                       .open_for_ms = p->breaker_open_for_ms,
                                       .probe_limit_ms = p->timeout_ms + PROBE_GRACE_MS};
}

void ext_read_state(int provider, struct ext_state *out)
{
    const struct ext_cell *cell = ext_cell(provider);
    struct ext_breaker_limits limits = ext_breaker_limits_of(&config->providers[provider]);
    ext_breaker_read(&cell->breaker, &limits, out);
    out->in_flight = ext_bulkhead_count(&cell->bulkhead);
}
