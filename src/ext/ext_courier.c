/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The couriers' share of a provider: a bulkhead within the bulkhead, and the rate, which is one
 * word in shared memory. Called by the role courier around each claim (roles/courier.c).
 */
#include "ext/ext_courier.h"

#include "base/clock.h"
#include "ext_priv.h"

#define NS_PER_MS INT64_C(1000000)
/* Between two looks for a place: a call lasts a third of a second as a rule. */
#define PLACE_WAIT_MS 20
/* How long to leave an open circuit alone at most: TERM and the database want attention. */
#define CIRCUIT_WAIT_MAX_MS 1000

struct ext_pass ext_pass_none(int provider)
{
    return (struct ext_pass){.provider = provider, .place = -1};
}

static unsigned ext_courier_places(const struct provider_config *p)
{
    const int64_t places = p->max_concurrent * 3 / 4;
    return places > 0 ? (unsigned)places : 1;
}

/*
 * A tenth of the count may go out at once, the rest evenly over the time. So no interval of that
 * length sees more than the count, which a full bucket and a whole refill would exceed.
 */
struct ext_courier_pace {
    int64_t every_ns, ahead_ns; /* between calls; how far the word may be ahead of the clock */
};

static struct ext_courier_pace ext_courier_pace_of(const struct rate_limit *r)
{
    const int64_t burst = r->count / 10 > 1 ? r->count / 10 : 1;
    const int64_t even = burst > 1 ? r->count - burst : r->count;
    const int64_t every = r->per_ms * NS_PER_MS / even;
    return (struct ext_courier_pace){.every_ns = every, .ahead_ns = (burst - 1) * every};
}

/* The word is the moment from which an empty bucket would be full again (GCRA). It moves forward,
 * but for what is given back, and after a reload to a faster rate: what the slower one was ahead is
 * not waited for. */
static bool ext_courier_take_call(struct ext_cell *cell, const struct rate_limit *r,
                                  int64_t *wait_ms)
{
    const struct ext_courier_pace pace = ext_courier_pace_of(r);
    int64_t word = atomic_load(&cell->paid_until);
    for (;;) {
        const int64_t now = mono_now().ns, most = now + pace.ahead_ns + pace.every_ns;
        if (word > most) {
            if (!atomic_compare_exchange_weak(&cell->paid_until, &word, most))
                continue;
            word = most;
        }
        const int64_t from = word > now ? word : now;
        if (from - now > pace.ahead_ns) {
            *wait_ms = (from - now - pace.ahead_ns) / NS_PER_MS + 1;
            return false;
        }
        if (atomic_compare_exchange_weak(&cell->paid_until, &word, from + pace.every_ns))
            return true;
    }
}

/* An open circuit is left alone until it would let a probe through. */
static bool ext_courier_circuit_closed(const struct provider_config *p, struct ext_cell *cell,
                                       int64_t *wait_ms)
{
    const struct ext_breaker_limits l = ext_breaker_limits_of(p);
    struct ext_state state;
    if (ext_breaker_would_enter(&cell->breaker, &l))
        return true;
    ext_breaker_read(&cell->breaker, &l, &state);
    *wait_ms = (int64_t)state.retry_after_s * 1000;
    /* Whole seconds are for clients; a circuit may be open for less. */
    if (*wait_ms > l.open_for_ms)
        *wait_ms = l.open_for_ms;
    if (*wait_ms > CIRCUIT_WAIT_MAX_MS)
        *wait_ms = CIRCUIT_WAIT_MAX_MS;
    return false;
}

bool ext_pass_take(const struct config *cfg, struct ext_pass *p, int64_t *wait_ms)
{
    if (p->provider < 0)
        return true; /* nobody is called: the row says that no provider is configured */
    const struct provider_config *provider = &cfg->providers[p->provider];
    struct ext_cell *cell = ext_cell(p->provider);
    if (!ext_courier_circuit_closed(provider, cell, wait_ms))
        return false;
    if (p->place < 0)
        p->place = ext_bulkhead_enter(&cell->couriers, ext_courier_places(provider));
    if (p->place < 0) {
        *wait_ms = PLACE_WAIT_MS;
        return false;
    }
    if (!p->call && provider->rate.count > 0 &&
        !ext_courier_take_call(cell, &provider->rate, wait_ms))
        return false;
    p->call = true;
    return true;
}

void ext_pass_use(struct ext_pass *p)
{
    p->call = false;
}

void ext_pass_give_back(const struct config *cfg, struct ext_pass *p)
{
    if (p->provider < 0)
        return;
    const struct provider_config *provider = &cfg->providers[p->provider];
    struct ext_cell *cell = ext_cell(p->provider);
    if (p->place >= 0)
        ext_bulkhead_leave(&cell->couriers, p->place);
    if (p->call && provider->rate.count > 0)
        (void)atomic_fetch_sub(&cell->paid_until, ext_courier_pace_of(&provider->rate).every_ns);
    p->place = -1;
    p->call = false;
}
