/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * How many connections each address has, for disp_accept.c and disp_conn.c. A chained table,
 * counted whether or not there is a cap at the moment: a reload may bring one, and those who are
 * here already count then.
 */
#include "disp_peers.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "sys/addrs.h"
#include "sys/net.h"

/* Connections beyond the cap that get a 503; those beyond these are closed without an answer. A few
 * answers are enough for a person to find the cause, and an attacker is not worth more. */
#define PEERS_ANSWERED 16

/* Untouched pages cost nothing, so the table can be as large as it may ever have to be. */
static void *disp_peers_map(size_t n, size_t size)
{
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE, flags, -1,
                   0);                 // cppcheck-suppress invalidFunctionArg
    return p == MAP_FAILED ? NULL : p; // cppcheck-suppress memleak ; the caller's
}

bool disp_peers_init(struct disp *d)
{
    struct peers *t = &d->peers;
    uint32_t buckets = 64;
    /* A bucket per possible connection: chains stay short. */
    while (buckets < d->conns_cap)
        buckets *= 2;
    t->mask = buckets - 1;
    t->all = disp_peers_map(d->conns_cap + 1, sizeof(*t->all)); /* [0]: nobody */
    t->buckets = disp_peers_map(buckets, sizeof(*t->buckets));
    rng_bytes(&t->seed,
              sizeof(t->seed)); /* nobody outside can choose addresses that meet in one bucket */
    return t->all && t->buckets;
}

/*
 * IPv4: the address. IPv6: the first 64 bits, since whoever has one address there has them all.
 * False: a unix socket, which has no address.
 */
static bool disp_peers_key(const struct sockaddr_storage *from, uint64_t *key)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint32_t address;
    if (from->ss_family == AF_INET6) {
        memcpy(&v6, from, sizeof(v6));
        memcpy(key, v6.sin6_addr.s6_addr, sizeof(*key));
        if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            return true;
        memcpy(&address, &v6.sin6_addr.s6_addr[12], sizeof(address));
    } else if (from->ss_family == AF_INET) {
        memcpy(&v4, from, sizeof(v4));
        address = v4.sin_addr.s_addr;
    } else {
        return false;
    }
    *key = UINT64_C(0xffff00000000) | address;
    return true;
}

/* The finalizer of splitmix64. */
static uint32_t *disp_peers_bucket(const struct peers *t, uint64_t key)
{
    uint64_t x = key ^ t->seed;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return &t->buckets[(x ^ x >> 31) & t->mask];
}

void disp_peers_join(struct disp *d, struct conn *c, const struct sockaddr_storage *from)
{
    struct peers *t = &d->peers;
    uint64_t key;
    if (!disp_peers_key(from, &key))
        return;
    uint32_t *bucket = disp_peers_bucket(t, key), i = *bucket;
    while (i != 0 && t->all[i].key != key)
        i = t->all[i].next;
    if (i == 0) {
        i = t->free ? t->free : ++t->used; /* one each connection at most: they cannot run out */
        t->free = t->free ? t->all[i].next : 0;
        t->all[i] = (struct peer){.key = key, .next = *bucket};
        *bucket = i;
    }
    t->all[i].n++;
    c->peer = i;
}

void disp_peers_leave(struct disp *d, struct conn *c)
{
    struct peers *t = &d->peers;
    struct peer *p = &t->all[c->peer];
    if (c->peer == 0 || --p->n > 0)
        return;
    uint32_t *at = disp_peers_bucket(t, p->key);
    while (*at != c->peer)
        at = &t->all[*at].next;
    *at = p->next;
    p->next = t->free;
    t->free = c->peer;
}

/* A trusted proxy carries all clients; only looked up when the cap is reached. */
static bool disp_peers_trusts(const struct disp *d, int fd)
{
    char text[ADDR_TEXT_MAX];
    return policy_trusts(&d->policy, net_peer_address(fd, text, sizeof(text)));
}

enum peer_room disp_peers_room(const struct disp *d, const struct conn *c)
{
    const int64_t cap = d->limits.max_connections_per_address;
    const struct peer *p = &d->peers.all[c->peer];
    if (cap == 0 || c->peer == 0 || p->n <= cap || disp_peers_trusts(d, c->fd))
        return PEER_ROOM;
    return p->n <= cap + PEERS_ANSWERED ? PEER_FULL : PEER_FLOOD;
}
