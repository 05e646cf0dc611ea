/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "sys/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "metrics_priv.h"
#include "sys/shm.h"

#define CELLS_PER_LINE 8 /* 64 bytes: no two slots share a cache line */

const struct metric_family metric_families[METRIC_COUNT] = {
#define METRIC(id, kind, name, help, buckets, d1, d2, d3) \
    [id] = {name, help, kind, buckets, {d1, d2, d3}},
#include "sys/metrics.def"
#undef METRIC
};

/* Upper bounds in seconds; a limit of a service level stands on a bound. */
static const struct metric_bounds fixed_bounds[BUCKETS_COUNT] = {
    [BUCKETS_HTTP] = {13, {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}},
    [BUCKETS_PROVIDER] = {13, {.025, .05, .1, .15, .2, .3, .5, .75, 1, 1.5, 2, 3, 5}},
    [BUCKETS_DB] = {10, {.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1}},
};

static struct {
    struct metrics_setup setup;
    struct metric_bounds bounds[BUCKETS_COUNT];
    size_t offset[METRIC_COUNT]; /* of a family's first cell within a slot */
    unsigned dim_size[DIM_COUNT];
    size_t stride; /* cells of a slot; the first says whether anybody ever was there */
    _Atomic uint64_t *cells;
    _Atomic uint64_t *mine; /* this process's slot */
} g_metrics;

const struct metrics_setup *metrics_current(void)
{
    return &g_metrics.setup;
}

unsigned metric_dims_n(enum metric_id id)
{
    unsigned n = 0;
    while (n < METRIC_DIMS_MAX && metric_families[id].dims[n] != DIM_NONE)
        n++;
    return n;
}

const struct metric_bounds *metric_bounds(enum metric_id id)
{
    return &g_metrics.bounds[metric_families[id].buckets];
}

unsigned metric_dim_size(enum metric_dim dim)
{
    return g_metrics.dim_size[dim];
}

unsigned metric_combinations(enum metric_id id)
{
    unsigned n = 1;
    for (unsigned d = 0; d < METRIC_DIMS_MAX; d++)
        n *= g_metrics.dim_size[metric_families[id].dims[d]];
    return n;
}

/* A histogram has its buckets, one above the last bound, and the sum of seconds; the count is the
 * buckets' sum. */
static unsigned parts(enum metric_id id)
{
    return metric_families[id].kind == METRIC_HISTOGRAM ? metric_bounds(id)->n + 2 : 1;
}

static void add_bound(struct metric_bounds *b, double at)
{
    unsigned i = 0;
    while (i < b->n && b->at[i] < at)
        i++;
    if ((i < b->n && b->at[i] <= at) || b->n == BUCKETS_MAX)
        return;
    memmove(&b->at[i + 1], &b->at[i], (b->n - i) * sizeof(b->at[0]));
    b->at[i] = at;
    b->n++;
}

static void lay_out(const struct metrics_setup *setup)
{
    g_metrics.setup = *setup;
    memcpy(g_metrics.bounds, fixed_bounds, sizeof(fixed_bounds));
    for (size_t i = 0; setup->provider_timeouts_ms && i < setup->providers_n; i++)
        add_bound(&g_metrics.bounds[BUCKETS_PROVIDER],
                  (double)setup->provider_timeouts_ms[i] / 1000);
    for (unsigned d = 0; d < DIM_COUNT; d++)
        g_metrics.dim_size[d] = metric_dim_count((enum metric_dim)d);
    size_t at = 1;
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        g_metrics.offset[id] = at;
        at += (size_t)metric_combinations((enum metric_id)id) * parts((enum metric_id)id);
    }
    g_metrics.stride = (at + CELLS_PER_LINE - 1) / CELLS_PER_LINE * CELLS_PER_LINE;
}

size_t metrics_size(const struct metrics_setup *setup)
{
    ENSURE(g_metrics.cells == NULL);
    lay_out(setup);
    return g_metrics.stride * setup->slots * sizeof(uint64_t);
}

void metrics_init(const struct metrics_setup *setup)
{
    size_t size = metrics_size(setup);
    g_metrics.cells = shm_alloc(size);
    metrics_use_providers(setup->providers, setup->provider_ops, setup->providers_n);
    g_metrics.setup.providers = NULL; /* the rows have copies */
    g_metrics.setup.provider_ops = NULL;
    g_metrics.setup.provider_timeouts_ms = NULL;
}

void metrics_forget(void)
{
    memset(&g_metrics, 0, sizeof(g_metrics));
    metric_providers_forget();
}

static _Atomic uint64_t *slot_cells(unsigned slot)
{
    ENSURE(g_metrics.cells != NULL && slot < g_metrics.setup.slots);
    return g_metrics.cells + slot * g_metrics.stride;
}

void metrics_release(unsigned slot)
{
    _Atomic uint64_t *cells = slot_cells(slot);
    if (atomic_load_explicit(&cells[0], memory_order_relaxed) == 0)
        return;
    for (unsigned id = 0; id < METRIC_COUNT; id++)
        for (size_t i = 0; metric_families[id].kind == METRIC_GAUGE &&
                           i < metric_combinations((enum metric_id)id);
             i++)
            atomic_store_explicit(&cells[g_metrics.offset[id] + i], 0, memory_order_relaxed);
}

void metrics_attach(unsigned slot)
{
    metrics_release(slot);
    g_metrics.mine = slot_cells(slot);
    atomic_store_explicit(&g_metrics.mine[0], 1, memory_order_relaxed);
}

void metric_provider_clear(unsigned row)
{
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        if (metric_families[id].dims[0] != DIM_PROVIDER)
            continue;
        const size_t n = (size_t)metric_combinations((enum metric_id)id) / METRIC_PROVIDER_ROWS *
                         parts((enum metric_id)id);
        for (unsigned slot = 0; slot < g_metrics.setup.slots; slot++) {
            _Atomic uint64_t *cells = slot_cells(slot);
            for (size_t i = 0; atomic_load_explicit(&cells[0], memory_order_relaxed) != 0 && i < n;
                 i++)
                atomic_store_explicit(&cells[g_metrics.offset[id] + row * n + i], 0,
                                      memory_order_relaxed);
        }
    }
}

void metrics_config_read(bool good)
{
    METRIC_SET0(M_CONFIG_RELOAD_OK, good);
    if (good)
        METRIC_SET0(M_CONFIG_RELOAD_TIME, wall_now().us / 1000000);
}

/* ---- writing: one process a slot, so load and store are enough ---- */

unsigned metric_combination(enum metric_id id, const unsigned *at, size_t at_n)
{
    const struct metric_family *f = &metric_families[id];
    unsigned n = 0;
    ENSURE(at_n == metric_dims_n(id));
    for (size_t d = 0; d < at_n; d++) {
        const unsigned i = f->dims[d] == DIM_PROVIDER ? metric_provider_row(at[d]) : at[d];
        ENSURE(i < g_metrics.dim_size[f->dims[d]]);
        n = n * g_metrics.dim_size[f->dims[d]] + i;
    }
    return n;
}

static _Atomic uint64_t *mine(enum metric_id id, const unsigned *at, size_t at_n)
{
    return g_metrics.mine + g_metrics.offset[id] +
           (size_t)metric_combination(id, at, at_n) * parts(id);
}

static void bump(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

void metric_add(enum metric_id id, uint64_t n, const unsigned *at, size_t at_n)
{
    ENSURE(metric_families[id].kind == METRIC_COUNTER);
    if (g_metrics.mine)
        bump(mine(id, at, at_n), n);
}

void metric_set(enum metric_id id, int64_t value, const unsigned *at, size_t at_n)
{
    ENSURE(metric_families[id].kind == METRIC_GAUGE);
    if (g_metrics.mine)
        atomic_store_explicit(mine(id, at, at_n), (uint64_t)value, memory_order_relaxed);
}

static double bits_to_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static uint64_t double_to_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

void metric_observe(enum metric_id id, double seconds, const unsigned *at, size_t at_n)
{
    const struct metric_bounds *b = metric_bounds(id);
    ENSURE(metric_families[id].kind == METRIC_HISTOGRAM);
    if (!g_metrics.mine || !isfinite(seconds))
        return;
    if (seconds < 0)
        seconds = 0;
    unsigned i = 0;
    while (i < b->n && seconds > b->at[i])
        i++;
    _Atomic uint64_t *cells = mine(id, at, at_n);
    _Atomic uint64_t *sum = &cells[b->n + 1];
    bump(&cells[i], 1);
    double total = bits_to_double(atomic_load_explicit(sum, memory_order_relaxed)) + seconds;
    atomic_store_explicit(sum, double_to_bits(total), memory_order_relaxed);
}

/* ---- reading: the sum of all slots ---- */

/* Slots that nobody had are left alone: reading them would make their pages exist. */
static uint64_t load(unsigned slot, enum metric_id id, unsigned combination, unsigned part)
{
    if (atomic_load_explicit(&g_metrics.cells[slot * g_metrics.stride], memory_order_relaxed) == 0)
        return 0;
    size_t at =
        slot * g_metrics.stride + g_metrics.offset[id] + (size_t)combination * parts(id) + part;
    return atomic_load_explicit(&g_metrics.cells[at], memory_order_relaxed);
}

uint64_t metric_cell(enum metric_id id, unsigned combination, unsigned part)
{
    uint64_t n = 0;
    for (unsigned slot = 0; g_metrics.cells && slot < g_metrics.setup.slots; slot++)
        n += load(slot, id, combination, part);
    return n;
}

double metric_seconds(enum metric_id id, unsigned combination)
{
    double sum = 0;
    for (unsigned slot = 0; g_metrics.cells && slot < g_metrics.setup.slots; slot++)
        sum += bits_to_double(load(slot, id, combination, metric_bounds(id)->n + 1));
    return sum;
}

int64_t metric_read(enum metric_id id, const unsigned *at, size_t at_n)
{
    unsigned combination = metric_combination(id, at, at_n);
    uint64_t n = 0;
    unsigned last = metric_families[id].kind == METRIC_HISTOGRAM ? metric_bounds(id)->n : 0;
    for (unsigned part = 0; part <= last; part++)
        n += metric_cell(id, combination, part);
    return (int64_t)n;
}
