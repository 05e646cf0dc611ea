/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Places inside a provider: an array of atomic words in shared memory, each naming its holder.
 * Called by ext_client.c before and after each call. The limit is exact, and the place of a killed
 * process is free as soon as the master has reaped it. A name that another process wrote there, as
 * one that was taken over might, counts for nothing: its owner does not claim the place.
 */
#include "ext/ext_bulkhead.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/ensure.h"
#include "domain/scoreboard.h"
#include "ext/ext_holder.h"

/* The same in all processes, since all are forks with one mapping. */
static uint64_t ext_bulkhead_number(const struct ext_bulkhead *b, unsigned i)
{
    return (uint64_t)(uintptr_t)&b->place[i];
}

/* Claimed before it is taken: from the first moment on others see both. */
static bool ext_bulkhead_claim(struct ext_bulkhead *b, unsigned i, uint64_t seen, uint64_t self)
{
    if (!scoreboard_hold(ext_bulkhead_number(b, i)))
        return false;
    if (atomic_compare_exchange_strong(&b->place[i], &seen, self))
        return true;
    scoreboard_let_go(ext_bulkhead_number(b, i));
    return false;
}

/* Takes a place that is free, or whose holder died (asked only in the second round: the scoreboard
 * is costly to read). */
static int ext_bulkhead_take_place(struct ext_bulkhead *b, unsigned max, uint64_t self,
                                   bool from_the_dead)
{
    for (unsigned i = 0; i < max; i++) {
        uint64_t holder = atomic_load(&b->place[i]);
        if (holder != 0 && !(from_the_dead && !ext_holder_alive(holder, ext_bulkhead_number(b, i))))
            continue;
        if (ext_bulkhead_claim(b, i, holder, self))
            return (int)i;
    }
    return -1;
}

int ext_bulkhead_enter(struct ext_bulkhead *b, unsigned max)
{
    ENSURE(max >= 1 && max <= EXT_PLACES_MAX);
    /* Another word each time: who saw this process leave a place, and then take it again, must not
     * take the second word for the first. */
    static uint64_t takings;
    takings += EXT_HOLDER_MARK_ONE;
    const uint64_t self = ext_holder_self() | (takings & EXT_HOLDER_MARK);
    int place = ext_bulkhead_take_place(b, max, self, false);
    return place >= 0 ? place : ext_bulkhead_take_place(b, max, self, true);
}

/* Only our own: the master may have given it to another while this process was believed dead. */
void ext_bulkhead_leave(struct ext_bulkhead *b, int place)
{
    ENSURE(place >= 0 && place < EXT_PLACES_MAX);
    uint64_t holder = atomic_load(&b->place[place]);
    if ((holder & ~EXT_HOLDER_MARK) == ext_holder_self())
        (void)atomic_compare_exchange_strong(&b->place[place], &holder, 0);
    scoreboard_let_go(ext_bulkhead_number(b, (unsigned)place));
}

/* For the gauge. A snapshot: places change while it is taken. */
unsigned ext_bulkhead_count(const struct ext_bulkhead *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < EXT_PLACES_MAX; i++) {
        uint64_t holder = atomic_load_explicit(&b->place[i], memory_order_relaxed);
        n += holder != 0 && ext_holder_alive(holder, ext_bulkhead_number(b, i));
    }
    return n;
}

bool ext_bulkhead_has_role(const struct ext_bulkhead *b, enum role role)
{
    for (unsigned i = 0; i < EXT_PLACES_MAX; i++) {
        uint64_t holder = atomic_load_explicit(&b->place[i], memory_order_relaxed);
        if (ext_holder_has_role(holder, role) &&
            ext_holder_alive(holder, ext_bulkhead_number(b, i)))
            return true;
    }
    return false;
}
