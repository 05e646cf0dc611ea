/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What one process learnt about the hosts of the URL and spares the others. Called by db_connect.c
 * and db_conn.c. Single words: the newest that was said holds, so no lock is needed.
 */
#include <stdatomic.h>

#include "db_priv.h"
#include "domain/roles.h"
#include "sys/shm.h"

struct shared {
    _Atomic uint32_t silent; /* bit i: list[i] said nothing the last time */
    _Atomic uint32_t at;     /* where the newest session is: db_host_id(), 0 before the first */
};
static struct shared own; /* of a process that has nobody to share with */
static struct shared *shared = &own;

size_t db_shared_size(void)
{
    return shm_round(sizeof(*shared));
}

void db_shared_init(void)
{
    shared = shm_alloc(sizeof(*shared), ~(ROLE_BIT(ROLE_DISPATCHER) | ROLE_BIT(ROLE_RESOLVER)));
}

bool db_host_silent(int i)
{
    return atomic_load(&shared->silent) >> i & 1;
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

/* Another process has a session with another writable server: there is only one, so ours is not it
 * any more. */
bool db_primary_moved(uint32_t id)
{
    const uint32_t at = atomic_load(&shared->at);

    return at != 0 && at != id;
}
