/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * How many connections each address has, for disp_accept.c and disp_conn.c. A chained table,
 * counted whether or not there is a cap at the moment: a reload may bring one, and those who are
 * here already count then.
 */
#include "disp_peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "http/http_client.h"
#include "sys/addrs.h"
#include "sys/log.h"
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
    /* A power of two, so that a bucket is found by a mask and not by a division. */
    t->mask = buckets - 1;
    t->all = disp_peers_map(2 * d->conns_cap + 1, sizeof(*t->all)); /* [0]: nobody */
    t->buckets = disp_peers_map(buckets, sizeof(*t->buckets));
    /* Nobody outside can choose addresses that meet in one bucket. */
    rng_bytes(&t->seed, sizeof(t->seed));
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
    /* The same form for IPv4 whether it came by an IPv4 or an IPv6 socket. */
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

/* The row of an address; a new one with nothing counted. One per connection and one per request at
 * most are in use, so they cannot run out. */
static uint32_t disp_peers_find(struct peers *t, uint64_t key)
{
    uint32_t *bucket = disp_peers_bucket(t, key), i = *bucket;
    while (i != 0 && t->all[i].key != key)
        i = t->all[i].next;
    if (i == 0) {
        i = t->free ? t->free : ++t->used;
        t->free = t->free ? t->all[i].next : 0;
        t->all[i] = (struct peer){.key = key, .next = *bucket};
        *bucket = i;
    }
    return i;
}

/* Frees the row when nothing is counted in it any more. */
static void disp_peers_tidy(struct peers *t, uint32_t i)
{
    struct peer *p = &t->all[i];
    if (p->n > 0 || p->requests > 0)
        return;
    uint32_t *at = disp_peers_bucket(t, p->key);
    while (*at != i)
        at = &t->all[*at].next;
    *at = p->next;
    p->next = t->free;
    t->free = i;
}

/* Clients of a unix socket have no address and are not counted. */
void disp_peers_join(struct disp *d, struct conn *c, const struct sockaddr_storage *from)
{
    uint64_t key;
    if (!disp_peers_key(from, &key))
        return;
    c->peer = disp_peers_find(&d->peers, key);
    d->peers.all[c->peer].n++;
}

void disp_peers_leave(struct disp *d, struct conn *c)
{
    if (c->peer == 0)
        return;
    d->peers.all[c->peer].n--;
    disp_peers_tidy(&d->peers, c->peer);
    c->peer = 0;
}

/* The key of an address that came as text. */
static bool disp_peers_key_of_text(const char *text, uint64_t *key)
{
    struct sockaddr_storage at = {.ss_family = AF_UNSPEC};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        memcpy(&at, &v4, sizeof(v4));
    else if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1)
        memcpy(&at, &v6, sizeof(v6));
    return disp_peers_key(&at, key);
}

/* A trusted proxy carries all clients; only looked up when the cap is reached. */
static bool disp_peers_trusts(const struct disp *d, const struct conn *c)
{
    return http_client_trusts(&d->policy.proxies, c->address);
}

/* A proxy that nobody declared: all its clients count as one, which its operator should know. */
static void disp_peers_warn(struct disp *d, const char *peer)
{
    struct peers *t = &d->peers;
    for (unsigned i = 0; i < t->warned_n; i++) {
        if (strcmp(t->warned[i], peer) == 0)
            return;
    }
    /* Once per address, and for few of them: strangers can send the header as well. */
    if (t->warned_n == PEERS_WARNED_MAX)
        return;
    (void)snprintf(t->warned[t->warned_n++], ADDR_TEXT_MAX, "%s", peer);
    LOG(LOG_LEVEL_WARN, "dispatcher.forwarded_for_ignored", F_STR("client", peer),
        F_STR("hint", "if this is your proxy, name it in server.trusted_proxies"));
}

/* Behind a proxy the client is in a header, so it differs per request and not per connection. */
void disp_peers_identify(struct disp *d, const struct conn *c, struct request *r)
{
    char client[ADDR_TEXT_MAX];
    if (http_header_count(&d->head, "X-Forwarded-For") > 0 && !disp_peers_trusts(d, c))
        disp_peers_warn(d, c->address);
    /* Nobody to believe: the connection's own address is the client's. */
    if (d->policy.proxies.n == 0) {
        r->has_client = c->peer != 0;
        r->client = d->peers.all[c->peer].key;
        return;
    }
    http_client_address(&d->policy.proxies, &d->head, c->address, client);
    r->has_client = !http_client_trusts(&d->policy.proxies, client) &&
                    disp_peers_key_of_text(client, &r->client);
}

/* False: the address has as many requests under way as it may have. */
bool disp_peers_begin(struct disp *d, struct request *r)
{
    const int64_t cap = d->limits.max_requests_per_address;
    if (!r->has_client)
        return true;
    const uint32_t i = disp_peers_find(&d->peers, r->client);
    if (cap > 0 && d->peers.all[i].requests >= cap) {
        disp_peers_tidy(&d->peers, i);
        return false;
    }
    d->peers.all[i].requests++;
    r->peer = i;
    return true;
}

/* Also for a request that was never counted, so that every way out may call it. */
void disp_peers_end(struct disp *d, struct request *r)
{
    if (!r || r->peer == 0)
        return;
    d->peers.all[r->peer].requests--;
    disp_peers_tidy(&d->peers, r->peer);
    r->peer = 0;
}

/* Asked after the connection was counted, so a cap of N admits N. */
enum peer_room disp_peers_room(const struct disp *d, const struct conn *c)
{
    const int64_t cap = d->limits.max_connections_per_address;
    const struct peer *p = &d->peers.all[c->peer];
    if (cap == 0 || c->peer == 0 || p->n <= cap || disp_peers_trusts(d, c))
        return PEER_ROOM;
    return p->n <= cap + PEERS_ANSWERED ? PEER_FULL : PEER_FLOOD;
}
