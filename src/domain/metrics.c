/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The registry's cells in shared memory: laid out before the first fork, written by each process in
 * its own slot, summed by readers. Every process counts here; the monitor reads for its page.
 */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "metrics_priv.h"
#include "sys/log.h"
#include "sys/shm.h"

/* A slot has one writer, so a line of its own means that no write waits for another processor. */
#define CELLS_PER_LINE 8              /* 64 bytes: no two slots share a cache line */
#define COUNT_MAX (UINT64_C(1) << 50) /* a million per second for 35 years */
#define SECONDS_MAX 1e15 /* thirty million years of waiting; the sum of all slots stays finite */

const struct metric_family metric_families[METRIC_COUNT] = {
#define METRIC(id, kind, buckets, name, help, ...) \
    [id] = {kind, buckets, name, help, {__VA_ARGS__}},
#define COMPUTED(ID, ...)
#include "domain/metrics.def"
#undef METRIC
#undef COMPUTED
};

/*
 * Upper bounds in seconds. A limit of a service level is itself a bound (BEHAVIOUR §9), so that the
 * share of requests within it can be read without interpolation; the others are about equal steps
 * on a logarithmic scale between the fastest answer and the time limit.
 */
static const struct metric_bounds fixed_bounds[BUCKETS_COUNT] = {
    [BUCKETS_HTTP] = {13, {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}},
    [BUCKETS_PROVIDER] = {13, {.025, .05, .1, .15, .2, .3, .5, .75, 1, 1.5, 2, 3, 5}},
    [BUCKETS_DELAY] = {16,
                       {.005, .01, .02, .05, .1, .15, .25, .5, 1, 2.5, 5, 15, 60, 300, 1800, 7200}},
    [BUCKETS_DB] = {10, {.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1}},
};

/* No locks and no atomic additions: a slot has one writer, readers may see a value one step old. A
 * process that dies leaves its numbers, so counters survive it (BEHAVIOUR §9). */
static struct {
    unsigned slots;
    struct metric_bounds bounds[BUCKETS_COUNT];
    size_t offset[METRIC_COUNT]; /* of a family's first cell within a slot */
    size_t stride;               /* cells of a slot; the first is 1 once a process had the slot */
    _Atomic uint64_t *cells;
    _Atomic uint64_t *mine; /* this process's slot */
} g_metrics;

/* A family's dimensions end with DIM_NONE, which is 0: rows of the table need not say so. */
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

/* DIM_NONE counts as one value, so no case is special. */
unsigned metric_combinations(enum metric_id id)
{
    unsigned n = 1;
    for (unsigned d = 0; d < METRIC_DIMS_MAX; d++)
        n *= metric_labels_count(metric_families[id].dims[d]);
    return n;
}

/* A histogram has its buckets, one above the last bound, and the sum of seconds; the count is the
 * buckets' sum. */
static unsigned metric_parts(enum metric_id id)
{
    return metric_families[id].kind == METRIC_HISTOGRAM ? metric_bounds(id)->n + 2 : 1;
}

/* A provider's own time limit becomes a bound, so that the share of calls that ran into it can be
 * read exactly. */
static void metrics_add_bound(struct metric_bounds *b, double at)
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

/* Providers' rows and bounds are fixed here for the life of the service: a reload cannot move
 * cells. */
static void metrics_lay_out(const struct metrics_setup *setup)
{
    metric_labels_init(setup->routes, setup->routes_n);
    g_metrics.slots = setup->slots;
    memcpy(g_metrics.bounds, fixed_bounds, sizeof(fixed_bounds));
    for (size_t i = 0; setup->provider_timeouts_ms && i < setup->providers_n; i++)
        metrics_add_bound(&g_metrics.bounds[BUCKETS_PROVIDER],
                          (double)setup->provider_timeouts_ms[i] / 1000);
    /* Cell 0 says whether the slot was ever used. */
    size_t at = 1;
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        g_metrics.offset[id] = at;
        at += (size_t)metric_combinations((enum metric_id)id) * metric_parts((enum metric_id)id);
    }
    g_metrics.stride = (at + CELLS_PER_LINE - 1) / CELLS_PER_LINE * CELLS_PER_LINE;
}

/* Only before metrics_init(): the layout must not change once other processes read it. */
size_t metrics_size(const struct metrics_setup *setup)
{
    ENSURE(g_metrics.cells == NULL);
    metrics_lay_out(setup);
    return shm_round(g_metrics.stride * sizeof(uint64_t)) * setup->slots;
}

static void metrics_count_dropped_record(void)
{
    METRIC_INC0(M_LOG_DROPPED);
}

void metrics_init(const struct metrics_setup *setup)
{
    (void)metrics_size(setup);
    g_metrics.cells = shm_alloc_slots(g_metrics.stride * sizeof(uint64_t), setup->slots);
    g_metrics.stride = shm_round(g_metrics.stride * sizeof(uint64_t)) / sizeof(uint64_t);
    metrics_use_providers(setup->providers, setup->provider_ops, setup->providers_n);
    log_set_drop_hook(metrics_count_dropped_record);
}

/* For tests, which make several registries in one process. */
void metrics_forget(void)
{
    memset(&g_metrics, 0, sizeof(g_metrics));
    metric_labels_forget();
}

static _Atomic uint64_t *metrics_slot_cells(unsigned slot)
{
    ENSURE(g_metrics.cells != NULL && slot < g_metrics.slots);
    return g_metrics.cells + slot * g_metrics.stride;
}

/* A slot that no process ever had; reading on would make its pages exist. */
static bool metrics_slot_is_unused(const _Atomic uint64_t *cells)
{
    return atomic_load_explicit(&cells[0], memory_order_relaxed) == 0;
}

static void metrics_zero(_Atomic uint64_t *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&cells[i], 0, memory_order_relaxed);
}

/* The dead process's gauges would stay for ever; its counters are what happened, and stay. */
void metrics_release(unsigned slot)
{
    _Atomic uint64_t *cells = metrics_slot_cells(slot);
    if (metrics_slot_is_unused(cells))
        return;
    for (unsigned id = 0; id < METRIC_COUNT; id++)
        if (metric_families[id].kind == METRIC_GAUGE)
            metrics_zero(cells + g_metrics.offset[id], metric_combinations((enum metric_id)id));
}

/* Its new owner goes on counting where the last one of the slot stopped. */
void metrics_attach(unsigned slot)
{
    metrics_release(slot);
    g_metrics.mine = metrics_slot_cells(slot);
    atomic_store_explicit(&g_metrics.mine[0], 1, memory_order_relaxed);
}

/* All cells of a row of DIM_PROVIDER, in every slot; a provider is always the first dimension. Its
 * name went to another provider after a reload; counts of the old one must not be shown under the
 * new name. Writers of the old configuration may add a count meanwhile: it is lost. */
static void metrics_clear_provider(unsigned row)
{
    for (unsigned id = 0; id < METRIC_COUNT; id++) {
        if (metric_families[id].dims[0] != DIM_PROVIDER)
            continue;
        const size_t n = (size_t)metric_combinations((enum metric_id)id) / METRIC_PROVIDER_ROWS *
                         metric_parts((enum metric_id)id);
        for (unsigned slot = 0; slot < g_metrics.slots; slot++) {
            _Atomic uint64_t *cells = metrics_slot_cells(slot);
            if (!metrics_slot_is_unused(cells))
                metrics_zero(cells + g_metrics.offset[id] + row * n, n);
        }
    }
}

void metrics_use_providers(const char *const *names, const uint32_t *ops, size_t n)
{
    metric_labels_use_providers(names, ops, n, metrics_clear_provider);
}

/* In seconds, as Prometheus's *_timestamp_seconds are. */
void metrics_config_read(bool good)
{
    METRIC_SET0(M_CONFIG_RELOAD_OK, good);
    if (good)
        METRIC_SET0(M_CONFIG_RELOAD_TIME, wall_now().us / 1000000);
}

/* ---- writing: one process per slot, so load and store are enough ---- */

/* Number of a combination of label indices. */
static unsigned metrics_combination(enum metric_id id, const unsigned *at, size_t at_n)
{
    const struct metric_family *f = &metric_families[id];
    unsigned n = 0;
    ENSURE(at_n == metric_dims_n(id));
    for (size_t d = 0; d < at_n; d++) {
        const unsigned size = metric_labels_count(f->dims[d]);
        const unsigned i = f->dims[d] == DIM_PROVIDER ? metric_labels_provider_row(at[d]) : at[d];
        ENSURE(i < size);
        n = n * size + i;
    }
    return n;
}

static _Atomic uint64_t *metrics_my_cell(enum metric_id id, const unsigned *at, size_t at_n)
{
    return g_metrics.mine + g_metrics.offset[id] +
           (size_t)metrics_combination(id, at, at_n) * metric_parts(id);
}

/* Relaxed: cells say nothing about one another. */
static void metrics_add_to_cell(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* Without a slot (a command, a test) nothing is counted. */
void metric_add(enum metric_id id, uint64_t n, const unsigned *at, size_t at_n)
{
    ENSURE(metric_families[id].kind == METRIC_COUNTER);
    if (g_metrics.mine)
        metrics_add_to_cell(metrics_my_cell(id, at, at_n), n);
}

void metric_set(enum metric_id id, int64_t value, const unsigned *at, size_t at_n)
{
    ENSURE(metric_families[id].kind == METRIC_GAUGE);
    if (g_metrics.mine)
        atomic_store_explicit(metrics_my_cell(id, at, at_n), (uint64_t)value, memory_order_relaxed);
}

static double metrics_bits_to_double(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof(v));
    return v;
}

static uint64_t metrics_double_to_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

void metric_observe(enum metric_id id, double seconds, const unsigned *at, size_t at_n)
{
    const struct metric_bounds *b = metric_bounds(id);
    ENSURE(metric_families[id].kind == METRIC_HISTOGRAM);
    /* A process without a slot (a command, a test) counts nothing. NaN would spoil the sum for
     * ever. */
    if (!g_metrics.mine || !isfinite(seconds))
        return;
    if (seconds < 0)
        seconds = 0;
    unsigned i = 0;
    while (i < b->n && seconds > b->at[i])
        i++;
    _Atomic uint64_t *cells = metrics_my_cell(id, at, at_n);
    /* The sum is a double kept as bits: a C11 atomic double would need a lock on some machines. */
    _Atomic uint64_t *sum = &cells[b->n + 1];
    metrics_add_to_cell(&cells[i], 1);
    double total =
        metrics_bits_to_double(atomic_load_explicit(sum, memory_order_relaxed)) + seconds;
    atomic_store_explicit(sum, metrics_double_to_bits(total), memory_order_relaxed);
}

/* ---- reading: the sum of all slots ---- */

static uint64_t metrics_load(unsigned slot, enum metric_id id, unsigned combination, unsigned part)
{
    const _Atomic uint64_t *cells = metrics_slot_cells(slot);
    if (metrics_slot_is_unused(cells))
        return 0;
    size_t at = g_metrics.offset[id] + (size_t)combination * metric_parts(id) + part;
    return atomic_load_explicit(&cells[at], memory_order_relaxed);
}

/* A process that was taken over may write anything into its slot. A value that no count can have is
 * left out, since it would spoil the sum of all slots. Only a gauge's part may be below 0: one
 * process raised the gauge, and another lowered it. */
static uint64_t metrics_count_of(enum metric_id id, uint64_t n)
{
    const bool below_zero = metric_families[id].kind == METRIC_GAUGE && n >= UINT64_MAX - COUNT_MAX;
    return n <= COUNT_MAX || below_zero ? n : 0;
}

/* Slots of one page are read at slightly different moments. Prometheus allows that. */
uint64_t metric_cell(enum metric_id id, unsigned combination, unsigned part)
{
    uint64_t n = 0;
    for (unsigned slot = 0; g_metrics.cells && slot < g_metrics.slots; slot++)
        n += metrics_count_of(id, metrics_load(slot, id, combination, part));
    return n;
}

/* The same of seconds. */
static double metrics_seconds_of(uint64_t bits)
{
    const double v = metrics_bits_to_double(bits);
    return isfinite(v) && v >= 0 && v <= SECONDS_MAX ? v : 0;
}

double metric_seconds(enum metric_id id, unsigned combination)
{
    double sum = 0;
    for (unsigned slot = 0; g_metrics.cells && slot < g_metrics.slots; slot++)
        sum += metrics_seconds_of(metrics_load(slot, id, combination, metric_bounds(id)->n + 1));
    return sum;
}

/* For tests and the status page. Of a histogram: the number of observations. */
int64_t metric_read(enum metric_id id, const unsigned *at, size_t at_n)
{
    unsigned combination = metrics_combination(id, at, at_n);
    uint64_t n = 0;
    unsigned last = metric_families[id].kind == METRIC_HISTOGRAM ? metric_bounds(id)->n : 0;
    for (unsigned part = 0; part <= last; part++)
        n += metric_cell(id, combination, part);
    return (int64_t)n;
}
