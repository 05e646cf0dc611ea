/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Places inside a provider: an array of atomic words in shared memory, each naming its holder.
 * Called by ext_client.c before and after each call. The limit is exact, and the place of a killed
 * process is free as soon as the master has reaped it.
 */
#include "ext/ext_bulkhead.h"

#include <stdbool.h>

#include "base/ensure.h"
#include "ext/ext_holder.h"

/* Takes a place that is free, or whose holder died (asked only in the second round: the scoreboard
 * is costly to read). */
static int ext_bulkhead_take_place(struct ext_bulkhead *b, unsigned max, uint64_t self,
                                   bool from_the_dead)
{
    for (unsigned i = 0; i < max; i++) {
        uint64_t holder = atomic_load(&b->place[i]);
        if (holder != 0 && !(from_the_dead && !ext_holder_alive(holder)))
            continue;
        if (atomic_compare_exchange_strong(&b->place[i], &holder, self))
            return (int)i;
    }
    return -1;
}

int ext_bulkhead_enter(struct ext_bulkhead *b, unsigned max)
{
    ENSURE(max >= 1 && max <= EXT_PLACES_MAX);
    uint64_t self = ext_holder_self();
    int place = ext_bulkhead_take_place(b, max, self, false);
    return place >= 0 ? place : ext_bulkhead_take_place(b, max, self, true);
}

/* Only our own: the master may have given it to another while this process was believed dead. */
void ext_bulkhead_leave(struct ext_bulkhead *b, int place)
{
    ENSURE(place >= 0 && place < EXT_PLACES_MAX);
    uint64_t self = ext_holder_self();
    (void)atomic_compare_exchange_strong(&b->place[place], &self, 0);
}

/* For the gauge. A snapshot: places change while it is taken. */
unsigned ext_bulkhead_count(const struct ext_bulkhead *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < EXT_PLACES_MAX; i++) {
        uint64_t holder = atomic_load_explicit(&b->place[i], memory_order_relaxed);
        n += holder != 0 && ext_holder_alive(holder);
    }
    return n;
}
