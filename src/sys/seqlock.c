/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* A seqlock with two copies. Used by the scoreboard, the addresses and the master's state. */
#include "sys/seqlock.h"

#include <string.h>

/* The record is copied by whole atomic words: a torn word is impossible, a torn record is seen. */
#define WORD sizeof(uint64_t)
/* A writer stores a few times per request, a load takes less than a microsecond: a second try is
 * rare. Who moves the version on without end must not hold its readers. */
#define TRIES_MAX 1000

static size_t seqlock_words(size_t size)
{
    return (size + WORD - 1) / WORD;
}

static size_t seqlock_part(size_t size, size_t word)
{
    return size - word * WORD < WORD ? size - word * WORD : WORD;
}

void seqlock_store(_Atomic uint64_t *version, _Atomic uint64_t *words, const void *value,
                   size_t size)
{
    size_t n = seqlock_words(size);
    uint64_t next = atomic_load_explicit(version, memory_order_relaxed) + 1;
    _Atomic uint64_t *copy = words + (next & 1) * n;
    /* Whoever sees one of the stores below sees the version before it as well, and so knows its
     * copy is being reused.
     */
    atomic_thread_fence(memory_order_release);
    for (size_t w = 0; w < n; w++) {
        uint64_t word = 0;
        memcpy(&word, (const char *)value + w * WORD, seqlock_part(size, w));
        atomic_store_explicit(&copy[w], word, memory_order_relaxed);
    }
    atomic_store_explicit(version, next, memory_order_release);
}

bool seqlock_load(const _Atomic uint64_t *version, const _Atomic uint64_t *words, void *value,
                  size_t size)
{
    size_t n = seqlock_words(size);
    uint64_t before = atomic_load_explicit(version, memory_order_acquire);
    for (int tries = 0; before != 0 && tries < TRIES_MAX; tries++) {
        const _Atomic uint64_t *copy = words + (before & 1) * n;
        for (size_t w = 0; w < n; w++) {
            uint64_t word = atomic_load_explicit(&copy[w], memory_order_relaxed);
            memcpy((char *)value + w * WORD, &word, seqlock_part(size, w));
        }
        atomic_thread_fence(memory_order_acquire);
        uint64_t after = atomic_load_explicit(version, memory_order_relaxed);
        if (after == before)
            return true;
        before = after; /* a store was finished meanwhile: the next try reads that one */
    }
    return false;
}
