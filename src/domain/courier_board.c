/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The couriers' records and graves in shared memory. Called by couriers for their own record, by
 * the master when one has died, and by whoever gives the rows of the dead back (courier, keeper).
 */
#include "domain/courier_board.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "domain/config.h"
#include "domain/scoreboard.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

/* A claim statement of the dead may still be under way in the server, so a grave is visited again
 * and again. After this time the longest claim has run out: a provider's time limit is a minute at
 * most, and 5 s come on top (BEHAVIOUR §13). */
#define COURIER_GRAVE_MS 70000

struct courier_grave {
    struct courier_hand hand;
    struct deadline until;
};

static struct courier_board {
    SEQLOCK(struct courier_hand) hands[2 * COURIERS_MAX];
    SEQLOCK(struct courier_grave) graves[COURIER_GRAVES];
    _Atomic uint32_t deaths;
    atomic_bool wanted;
} * board;
/* This process's own record; it is never read back. */
static struct courier_hand mine;

size_t courier_board_size(void)
{
    return sizeof(*board);
}

void courier_board_init(void)
{
    board = shm_alloc(sizeof(*board));
}

static unsigned courier_board_index(unsigned slot)
{
    const unsigned i = slot - scoreboard_first(ROLE_COURIER);
    ENSURE(board && i < ARRAY_LEN(board->hands));
    return i;
}

static void courier_board_store(void)
{
    const unsigned i = courier_board_index((unsigned)scoreboard_self());
    SEQLOCK_STORE(&board->hands[i], &mine);
}

void courier_board_enter(const struct uuid *process)
{
    mine = (struct courier_hand){.process = *process};
    courier_board_store();
}

void courier_board_call(const char *id, int64_t claim)
{
    (void)snprintf(mine.called.s, sizeof mine.called.s, "%s", id);
    mine.called_claim = claim;
    courier_board_store();
}

void courier_board_leave(void)
{
    mine = (struct courier_hand){.called_claim = 0};
    courier_board_store();
}

/* Terminated by the reader: shared memory is input, whoever wrote it. */
static void courier_board_end_texts(struct courier_hand *h)
{
    h->process.s[UUID_LEN] = '\0';
    h->called.s[UUID_LEN] = '\0';
}

/* The oldest grave gives way: 64 deaths within its time mean that couriers cannot live at all, and
 * then the keeper ends their claims as they run out. */
void courier_board_bury(unsigned slot)
{
    struct courier_grave g = {.until = deadline_in_ms(COURIER_GRAVE_MS)};
    const struct courier_hand none = {.called_claim = 0};
    const unsigned i = courier_board_index(slot);
    if (!SEQLOCK_LOAD(&board->hands[i], &g.hand) || g.hand.process.s[0] == '\0')
        return;
    const uint32_t n = atomic_load_explicit(&board->deaths, memory_order_relaxed);
    SEQLOCK_STORE(&board->graves[n % COURIER_GRAVES], &g);
    SEQLOCK_STORE(&board->hands[i], &none);
    atomic_store_explicit(&board->deaths, n + 1, memory_order_release);
}

uint32_t courier_board_deaths(void)
{
    return atomic_load_explicit(&board->deaths, memory_order_acquire);
}

bool courier_board_grave(unsigned i, struct courier_hand *out)
{
    struct courier_grave g;
    ENSURE(i < COURIER_GRAVES);
    if (!SEQLOCK_LOAD(&board->graves[i], &g) || deadline_passed(g.until))
        return false;
    *out = g.hand;
    courier_board_end_texts(out);
    struct uuid name;
    /* What is no UUID would be a fault of the statement that gives rows back. */
    return uuid_parse(str_of(out->process.s), &name) &&
           (out->called.s[0] == '\0' || uuid_parse(str_of(out->called.s), &name));
}

void courier_board_want(void)
{
    atomic_store_explicit(&board->wanted, true, memory_order_relaxed);
}

bool courier_board_wanted(void)
{
    return atomic_load_explicit(&board->wanted, memory_order_relaxed);
}
