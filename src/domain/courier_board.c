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
#include "domain/roles.h"
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

/* Each courier's own record, in the pages of its scoreboard slot. */
struct courier_record {
    SEQLOCK(struct courier_hand) hand;
};
static unsigned char *records;
static size_t record_stride;
/* Written by the master. The three stay NULL where no service runs: the keeper's tasks are also run
 * by tests, for which nobody died. */
static struct courier_board {
    SEQLOCK(struct courier_grave) graves[COURIER_GRAVES];
    _Atomic uint32_t deaths;
} * board;
/* By the keeper: 1 or 0; no bool, which must not hold anything else. */
static atomic_uchar *wanted;
/* This process's own record; it is never read back. */
static struct courier_hand mine;

size_t courier_board_size(unsigned slots)
{
    return slots * shm_round(sizeof(struct courier_record)) + shm_round(sizeof(*board)) +
           shm_round(sizeof(*wanted));
}

void courier_board_init(void)
{
    record_stride = shm_round(sizeof(struct courier_record));
    records = shm_alloc_slots(sizeof(struct courier_record), scoreboard_slots());
    board = shm_alloc(sizeof(*board), SHM_MASTER);
    wanted = shm_alloc(sizeof(*wanted), ROLE_BIT(ROLE_KEEPER));
}

static struct courier_record *courier_board_record(unsigned slot)
{
    ENSURE(records && scoreboard_role(slot) == ROLE_COURIER);
    return (struct courier_record *)(void *)(records + slot * record_stride);
}

static void courier_board_store(void)
{
    struct courier_record *r = courier_board_record((unsigned)scoreboard_self());
    SEQLOCK_STORE(&r->hand, &mine);
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
    struct courier_record *r = courier_board_record(slot);
    if (!SEQLOCK_LOAD(&r->hand, &g.hand) || g.hand.process.s[0] == '\0')
        return;
    const uint32_t n = atomic_load_explicit(&board->deaths, memory_order_relaxed);
    SEQLOCK_STORE(&board->graves[n % COURIER_GRAVES], &g);
    SEQLOCK_STORE(&r->hand, &none);
    atomic_store_explicit(&board->deaths, n + 1, memory_order_release);
}

uint32_t courier_board_deaths(void)
{
    return board ? atomic_load_explicit(&board->deaths, memory_order_acquire) : 0;
}

bool courier_board_grave(unsigned i, struct courier_hand *out)
{
    struct courier_grave g;
    ENSURE(i < COURIER_GRAVES);
    if (!board || !SEQLOCK_LOAD(&board->graves[i], &g) || deadline_passed(g.until))
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
    if (wanted)
        atomic_store_explicit(wanted, 1, memory_order_relaxed);
}

bool courier_board_wanted(void)
{
    return wanted && atomic_load_explicit(wanted, memory_order_relaxed) == 1;
}
