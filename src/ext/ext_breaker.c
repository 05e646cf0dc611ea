/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The circuit breaker of a provider: one atomic word in shared memory, changed by compare-and-swap,
 * so that all processes agree without a lock (BEHAVIOUR §3). Called by ext_client.c around each
 * call; read by the monitor and the staff's list of providers.
 */
#include "ext/ext_breaker.h"

#include "base/ensure.h"
#include "ext/ext_holder.h"

const char *const circuit_names[3] = {
    [CIRCUIT_CLOSED] = "closed", [CIRCUIT_OPEN] = "open", [CIRCUIT_HALF_OPEN] = "half_open"};

/*
 * The word: 2 bits of state, 26 of weight (closed, open) or the probe's holder (half open), 36 of
 * monotonic milliseconds: since when. 36 bits wrap after two years of uptime; only differences are
 * used.
 */
#define MS_BITS 36
#define MS_MASK ((UINT64_C(1) << MS_BITS) - 1)
#define WHO_MASK ((UINT64_C(1) << EXT_HOLDER_SHORT_BITS) - 1)
#define AHEAD_MS 1000 /* no process is stopped for as long between its clock and its write */
/* Exchanges fail when another process changed the word: a few times at most, unless somebody does
 * nothing else. */
#define TRIES_MAX 1000
/* Longer without a call nobody knows whether the provider is still away. */
#define UNTRIED_MS 60000
/* The last fault: 8 bits of error, 56 of wall microseconds. */
#define FAULT_US_BITS 56
_Static_assert(ERR_COUNT <= 256, "an error fits into eight bits");

static uint64_t ext_breaker_pack_word(enum circuit state, uint64_t who, int64_t ms)
{
    return (uint64_t)state << 62 | (who & WHO_MASK) << MS_BITS | ((uint64_t)ms & MS_MASK);
}
/* The fourth value is written by nobody who is well: open, so that the next probe puts it right. */
static enum circuit state_of(uint64_t word)
{
    const unsigned state = (unsigned)(word >> 62);
    return state <= CIRCUIT_HALF_OPEN ? (enum circuit)state : CIRCUIT_OPEN;
}
static uint32_t who_of(uint64_t word)
{
    return (uint32_t)(word >> MS_BITS & WHO_MASK);
}
static int64_t now_ms(void)
{
    return mono_now().ns / 1000000;
}
/* A word that another process wrote a moment after our clock reading lies in the future: no time
 * has passed. One further ahead was never a time, and must not keep a circuit open for a year. */
static int64_t elapsed_ms(uint64_t word, int64_t now)
{
    const uint64_t d = ((uint64_t)now - word) & MS_MASK, ahead = (word - (uint64_t)now) & MS_MASK;
    return ahead > 0 && ahead <= AHEAD_MS ? 0 : (int64_t)d;
}

/* Open, and the time is not over; or somebody else is probing right now. */
static bool ext_breaker_refuses_call(uint64_t word, const struct ext_breaker_limits *l, int64_t now)
{
    switch (state_of(word)) {
    case CIRCUIT_OPEN:
        return elapsed_ms(word, now) < l->open_for_ms;
    case CIRCUIT_HALF_OPEN:
        return elapsed_ms(word, now) < l->probe_limit_ms && ext_holder_short_alive(who_of(word));
    case CIRCUIT_CLOSED:
    default:
        return false;
    }
}

/* Without taking the probe: asked before a place in the bulkhead is taken. */
bool ext_breaker_would_enter(const struct ext_breaker *b, const struct ext_breaker_limits *l)
{
    return !ext_breaker_refuses_call(atomic_load_explicit(&b->word, memory_order_relaxed), l,
                                     now_ms());
}

/* A failed exchange means that another process changed the word; the new word is judged. */
bool ext_breaker_enter(struct ext_breaker *b, const struct ext_breaker_limits *l,
                       struct ext_ticket *t)
{
    uint64_t word = atomic_load(&b->word);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        int64_t now = now_ms();
        *t = (struct ext_ticket){.probe = state_of(word) != CIRCUIT_CLOSED,
                                 .takeover = state_of(word) == CIRCUIT_HALF_OPEN};
        if (!t->probe)
            return true;
        if (ext_breaker_refuses_call(word, l, now))
            return false;
        t->word =
            ext_breaker_pack_word(CIRCUIT_HALF_OPEN, ext_holder_short(ext_holder_self()), now);
        if (atomic_compare_exchange_weak(&b->word, &word, t->word))
            return true;
    }
    return false;
}

enum ext_breaker_change ext_breaker_success(struct ext_breaker *b, const struct ext_ticket *t)
{
    atomic_store_explicit(&b->consecutive, 0, memory_order_relaxed);
    uint64_t word = t->word;
    if (t->probe)
        return atomic_compare_exchange_strong(&b->word, &word,
                                              ext_breaker_pack_word(CIRCUIT_CLOSED, 0, 0))
                   ? BREAKER_CLOSED
                   : BREAKER_SAME;
    /* Only the probe may close: a call that began before the trip says nothing about now. */
    word = atomic_load(&b->word);
    for (int i = 0; i < TRIES_MAX && state_of(word) == CIRCUIT_CLOSED && who_of(word) > 0; i++)
        if (atomic_compare_exchange_weak(&b->word, &word,
                                         ext_breaker_pack_word(CIRCUIT_CLOSED, 0, 0)))
            break;
    return BREAKER_SAME;
}

/* For people who look at the status; nothing decides by it, so it need not agree with the word. */
static void note_fault(struct ext_breaker *b, enum err fault)
{
    uint64_t us = (uint64_t)wall_now().us & ((UINT64_C(1) << FAULT_US_BITS) - 1);
    atomic_store_explicit(&b->last_fault, (uint64_t)fault << FAULT_US_BITS | us,
                          memory_order_relaxed);
    atomic_fetch_add_explicit(&b->consecutive, 1, memory_order_relaxed);
}

enum ext_breaker_change ext_breaker_failure(struct ext_breaker *b,
                                            const struct ext_breaker_limits *l,
                                            const struct ext_ticket *t, unsigned weight,
                                            enum err fault)
{
    ENSURE(fault != ERR_OK);
    note_fault(b, fault);
    uint64_t word = t->word;
    if (t->probe)
        return atomic_compare_exchange_strong(&b->word, &word,
                                              ext_breaker_pack_word(CIRCUIT_OPEN, 0, now_ms()))
                   ? BREAKER_OPENED
                   : BREAKER_SAME;
    word = atomic_load(&b->word);
    /* Late news does not prolong an open circuit. */
    for (int i = 0; i < TRIES_MAX && state_of(word) == CIRCUIT_CLOSED; i++) {
        uint32_t sum = who_of(word) + weight;
        bool trips = (int64_t)sum >= l->failures;
        if (atomic_compare_exchange_weak(
                &b->word, &word,
                ext_breaker_pack_word(trips ? CIRCUIT_OPEN : CIRCUIT_CLOSED, sum, now_ms())))
            return trips ? BREAKER_OPENED : BREAKER_SAME;
    }
    return BREAKER_SAME;
}

/* As if the time were over: the next call probes at once. */
void ext_breaker_abandon(struct ext_breaker *b, const struct ext_breaker_limits *l,
                         const struct ext_ticket *t)
{
    uint64_t word = t->word;
    if (t->probe)
        (void)atomic_compare_exchange_strong(
            &b->word, &word, ext_breaker_pack_word(CIRCUIT_OPEN, 0, now_ms() - l->open_for_ms));
}

void ext_breaker_read(const struct ext_breaker *b, const struct ext_breaker_limits *l,
                      struct ext_state *out)
{
    uint64_t word = atomic_load_explicit(&b->word, memory_order_relaxed);
    uint64_t fault = atomic_load_explicit(&b->last_fault, memory_order_relaxed);
    out->circuit = state_of(word);
    out->consecutive_failures = atomic_load_explicit(&b->consecutive, memory_order_relaxed);
    const unsigned e = (unsigned)(fault >> FAULT_US_BITS);
    out->last_fault = fault == 0 ? NULL : e < ERR_COUNT ? err_code((enum err)e) : "unknown";
    out->last_fault_at = (struct wall){(int64_t)(fault & ((UINT64_C(1) << FAULT_US_BITS) - 1))};
    if (out->last_fault_at.us > wall_now().us)
        out->last_fault_at = wall_now(); /* of a clock that was ahead, or of nobody's */
    /* At least one second while it is not closed: 0 would invite an immediate repeat. */
    out->retry_after_s = 0;
    out->down = out->circuit != CIRCUIT_CLOSED;
    if (!out->down)
        return;
    int64_t left = out->circuit == CIRCUIT_OPEN ? l->open_for_ms - elapsed_ms(word, now_ms()) : 0;
    /* Without calls there is no probe: an alert would stay for a whole night after a minute's
     * fault. */
    out->down = left > -UNTRIED_MS;
    out->retry_after_s = left > 1000 ? (long)((left + 999) / 1000) : 1;
}
