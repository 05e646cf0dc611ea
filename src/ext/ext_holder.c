/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Names the holder of something in shared memory: scoreboard slot and generation, so that a dead
 * process's things are free as soon as the master has reaped it. Called by ext_breaker.c and
 * ext_bulkhead.c. A process without a slot (a command, a test) is named by its pid.
 */
#include "ext/ext_holder.h"

#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/ensure.h"
#include "domain/scoreboard.h"

/* The breaker's word has room for 26 bits: 12 of slot, 14 of generation. A probe would have to
 * outlive 16384 deaths of one slot to be mistaken. */
#define SHORT_GENERATION_BITS 14
#define SHORT_GENERATION_MASK ((1U << SHORT_GENERATION_BITS) - 1)

/* The word of a holder: 12 bits of slot, counted from 1; 20 that EXT_HOLDER_MARK counts; 32 of
 * generation. Slot 0 says that the lower half is a pid. */
#define SLOT_SHIFT 52

static unsigned ext_holder_slot1(uint64_t holder)
{
    return (unsigned)(holder >> SLOT_SHIFT);
}

uint64_t ext_holder_self(void)
{
    int slot = scoreboard_self();
    if (slot < 0)
        return (uint64_t)(uint32_t)getpid();
    ENSURE(slot < EXT_HOLDER_SLOTS_MAX);
    return (uint64_t)(slot + 1) << SLOT_SHIFT | scoreboard_generation();
}

static bool slot_alive(unsigned slot, uint32_t generation, uint32_t mask)
{
    if (slot >= scoreboard_slots())
        return false;
    struct scoreboard_view view;
    scoreboard_read(slot, &view);
    return view.stage != STAGE_DOWN && (view.generation & mask) == generation;
}

/* Of processes with slots none has a pid for a name: it was written by one that was taken over, and
 * asking the kernel about it is a call that no role may make. EPERM means that there is such a
 * process, of another user. */
bool ext_holder_alive(uint64_t holder, uint64_t place)
{
    unsigned slot1 = ext_holder_slot1(holder);
    uint32_t low = (uint32_t)holder;
    if (slot1 == 0)
        return scoreboard_self() < 0 && low != 0 && (kill((pid_t)low, 0) == 0 || errno != ESRCH);
    return slot_alive(slot1 - 1, low, UINT32_MAX) && scoreboard_holds(slot1 - 1, place);
}

bool ext_holder_has_role(uint64_t holder, enum role role)
{
    const unsigned slot1 = ext_holder_slot1(holder);
    return slot1 > 0 && slot1 <= scoreboard_slots() && scoreboard_role(slot1 - 1) == role;
}

uint32_t ext_holder_short(uint64_t holder)
{
    return ext_holder_slot1(holder) << SHORT_GENERATION_BITS |
           ((uint32_t)holder & SHORT_GENERATION_MASK);
}

bool ext_holder_short_alive(uint32_t holder)
{
    unsigned slot1 = holder >> SHORT_GENERATION_BITS;
    return slot1 == 0
               ? scoreboard_self() < 0
               : slot_alive(slot1 - 1, holder & SHORT_GENERATION_MASK, SHORT_GENERATION_MASK);
}
