/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What all processes share about providers: a cell per provider with its breaker and bulkhead, and
 * the common bulkhead. The master makes it and hands cells to names; a reload keeps the cell of a
 * name. Read by ext_client.c and the monitor.
 */
#include <string.h>

#include "base/ensure.h"
#include "domain/roles.h"
#include "ext/ext_holder.h"
#include "ext/ext_shared.h"
#include "ext_priv.h"
#include "sys/name_rows.h"
#include "sys/shm.h"

/* Room for two generations of configuration; pages that nobody touches cost nothing. */
#define CELLS (2 * PROVIDERS_MAX)
/* All but the roles that never call a provider. */
#define CALLERS ~(ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_RESOLVER) | ROLE_BIT(ROLE_MONITOR))
/* Beyond the provider's own time limit: what a probe may lose before and after the transfer. */
#define PROBE_GRACE_MS 2000

static struct shared {
    struct ext_cell cells[CELLS];
    struct ext_bulkhead common;
} * shared;
/* Which provider's a cell is. The master alone hands cells out. */
static struct name_row cell_rows[CELLS];
static struct name_rows cell_names = {.rows = cell_rows, .max = CELLS};
/* Of the configuration that this process runs with; inherited by fork. */
static struct ext_cell *cell_of[PROVIDERS_MAX];
static const struct config *config;

size_t ext_shared_size(const struct config *cfg)
{
    (void)cfg; /* the same for every configuration: a reload must fit too */
    return shm_round(sizeof(struct shared));
}

static void ext_shared_clear_cell(unsigned row)
{
    memset(&shared->cells[row], 0, sizeof(shared->cells[row]));
}

void ext_shared_init(const struct config *cfg, unsigned slots)
{
    const char *names[PROVIDERS_MAX];
    ENSURE(slots <= EXT_HOLDER_SLOTS_MAX && cfg->providers_n <= PROVIDERS_MAX);
    if (!shared)
        shared = shm_alloc(sizeof(*shared), CALLERS);
    for (size_t i = 0; i < cfg->providers_n; i++)
        names[i] = cfg->providers[i].name;
    cell_names.clear = ext_shared_clear_cell;
    name_rows_next(&cell_names, names, cfg->providers_n);
    for (size_t i = 0; i < cfg->providers_n; i++) {
        int cell = name_rows_take(&cell_names, names[i]);
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

/* For pages and lists: reading changes nothing. */
void ext_read_state(int provider, struct ext_state *out)
{
    const struct ext_cell *cell = ext_cell(provider);
    struct ext_breaker_limits limits = ext_breaker_limits_of(&config->providers[provider]);
    ext_breaker_read(&cell->breaker, &limits, out);
    out->in_flight = ext_bulkhead_count(&cell->bulkhead);
}
