/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What one process learnt about the hosts of the URL and spares the others. Called by db_connect.c,
 * db_fence.c and db_conn.c. Single words: the newest that was said holds, so no lock is needed.
 * What is impossible in them costs a reconnect at most; db_fence.c bounds what a timeline may cost.
 */
#include <stdatomic.h>

#include "db/db_url.h"
#include "db_priv.h"
#include "domain/roles.h"
#include "domain/scoreboard.h"
#include "sys/shm.h"

struct shared {
    _Atomic uint32_t silent; /* bit i: list[i] said nothing the last time */
    _Atomic uint32_t at;     /* where the newest session is: db_host_id(), 0 before the first */
    /* Standbys are not read before this moment, in milliseconds; 0: they are. */
    _Atomic int64_t reads_from_ms;
    _Atomic uint32_t logged; /* the timeline for which a host was last said to be passed over */
};
/* Written by the keeper alone, which reads no client's bytes: it is what keeps others away from a
 * server. Cluster in the upper half, number in the lower. */
struct shared_timeline {
    _Atomic uint64_t newest;
};
static struct shared own; /* of a process that has nobody to share with */
static struct shared *shared = &own;
static struct shared_timeline own_timeline;
static struct shared_timeline *timeline = &own_timeline;

size_t db_shared_size(void)
{
    return shm_round(sizeof(*shared)) + shm_round(sizeof(*timeline));
}

void db_shared_init(void)
{
    shared = shm_alloc(sizeof(*shared), ~(ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_RESOLVER)));
    timeline = shm_alloc(sizeof(*timeline), ROLE_BIT(ROLE_KEEPER));
}

bool db_host_silent(int i)
{
    return (atomic_load(&shared->silent) >> i & 1) != 0;
}

/* Reads first when the bit is clear: the word's line stays shared between processors. */
void db_host_silence(int i, bool silent)
{
    const uint32_t bit = UINT32_C(1) << i;

    if (silent)
        atomic_fetch_or(&shared->silent, bit);
    else if (db_host_silent(i))
        atomic_fetch_and(&shared->silent, ~bit);
}

/* FNV-1a. By name and not by place: across a reload lists differ. */
uint32_t db_host_id(const struct db_host *h)
{
    const char *parts[] = {h->host, h->hostaddr, h->port};
    uint32_t id = 2166136261u;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (const char *p = parts[i];; p++) {
            id = (id ^ (unsigned char)*p) * 16777619u;
            if (!*p)
                break;
        }
    /* 0 means that no session was opened yet. */
    return id ? id : 1;
}

void db_host_used(uint32_t id)
{
    atomic_store(&shared->at, id);
}

uint32_t db_host_newest(void)
{
    return atomic_load(&shared->at);
}

/* Another process has a session with another writable server: there is only one, so ours is not it
 * any more. */
bool db_primary_moved(uint32_t id)
{
    const uint32_t at = atomic_load(&shared->at);

    return at != 0 && at != id;
}

/* Halves of one word, so that no reader sees the number of another cluster. */
struct db_timeline db_timeline_told(void)
{
    const uint64_t word = atomic_load(&timeline->newest);

    return (struct db_timeline){(uint32_t)(word >> 32), (uint32_t)word};
}

/* All others have it mapped read-only. */
void db_timeline_tell(struct db_timeline t)
{
    const int slot = scoreboard_self();

    if (slot >= 0 && scoreboard_role((unsigned)slot) == ROLE_KEEPER)
        atomic_store(&timeline->newest, (uint64_t)t.cluster << 32 | t.number);
}

bool db_host_passed_over(uint32_t newest)
{
    return atomic_exchange(&shared->logged, newest) != newest;
}

/* A pause is never longer than `ms`, whatever somebody wrote. */
bool db_reads_allowed(int64_t ms)
{
    const int64_t now = mono_now().ns / 1000000;
    int64_t from = atomic_load(&shared->reads_from_ms);

    if (from == 0)
        return true;
    if (from > now && from <= now + ms)
        return false;
    /* One process tries; its success ends the pause for all. */
    return atomic_compare_exchange_strong(&shared->reads_from_ms, &from, now + ms);
}

bool db_reads_pause(int64_t ms)
{
    return atomic_exchange(&shared->reads_from_ms, mono_now().ns / 1000000 + ms) == 0;
}

/* Reads first: the usual answer is that there is no pause. */
bool db_reads_resume(void)
{
    return atomic_load(&shared->reads_from_ms) != 0 &&
           atomic_exchange(&shared->reads_from_ms, 0) != 0;
}
