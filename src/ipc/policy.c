/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The policy as bytes and back. Packed by the master, and by the dispatcher at its start; unpacked
 * by the dispatcher, which outlives many configurations and therefore keeps a copy.
 */
#include "ipc/policy.h"

#include <stdlib.h>
#include <string.h>

/* The bytes: this head, the networks, the origins one after another, each with its NUL. */
struct policy_head {
    size_t trusted_n, origins_n;
};

char *policy_pack(const struct config *cfg, size_t *n)
{
    const struct policy_head head = {cfg->server.trusted_proxies_n, cfg->server.cors_origins_n};
    const size_t networks = head.trusted_n * sizeof(struct cidr);
    *n = sizeof(head) + networks;
    for (size_t i = 0; i < head.origins_n; i++)
        *n += strlen(cfg->server.cors_origins[i]) + 1;
    char *bytes = malloc(*n);
    if (!bytes)
        return NULL;
    memcpy(bytes, &head, sizeof(head));
    char *at = bytes + sizeof(head);
    if (networks > 0)
        memcpy(at, cfg->server.trusted_proxies, networks);
    at += networks;
    for (size_t i = 0; i < head.origins_n; i++)
        at = stpcpy(at, cfg->server.cors_origins[i]) + 1;
    return bytes;
}

/* Points `origins` at the texts that follow one another in [at, end). */
static bool policy_read_origins(const char *at, const char *end, const char **origins, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;
        /* A text without its end would be read on into memory that is not the packet's. */
        if (!nul)
            return false;
        origins[i] = at;
        at = nul + 1;
    }
    return at == end;
}

/* Sizes are checked before they are used, although the sender is the master: one reader for every
 * packet. */
bool policy_unpack(struct policy *p, const char *bytes, size_t n)
{
    struct policy_head head;
    if (n < sizeof(head))
        return false;
    memcpy(&head, bytes, sizeof(head));
    const size_t rest = n - sizeof(head);
    if (head.trusted_n > rest / sizeof(struct cidr) || head.origins_n > rest)
        return false;
    const size_t networks = head.trusted_n * sizeof(struct cidr);
    /* The pointers first, since malloc(3) aligns them; a cidr needs less. */
    char *memory = malloc(head.origins_n * sizeof(char *) + rest + 1);
    if (!memory)
        return false;
    const char **origins = (const char **)(void *)memory;
    char *copy = memory + head.origins_n * sizeof(char *);
    memcpy(copy, bytes + sizeof(head), rest);
    if (!policy_read_origins(copy + networks, copy + rest, origins, head.origins_n)) {
        free(memory);
        return false;
    }
    /* Only now: when the new one cannot be read, the old one stays in force. */
    policy_free(p);
    *p = (struct policy){.memory = memory,
                         .proxies = {(const struct cidr *)(const void *)copy, head.trusted_n},
                         .origins = origins,
                         .origins_n = head.origins_n};
    return true;
}

void policy_free(struct policy *p)
{
    free(p->memory);
    *p = (struct policy){.memory = NULL};
}
