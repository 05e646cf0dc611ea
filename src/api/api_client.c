/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Who is at the other end: the client's address for quotas, audit and logs. Called by api.c.
 * X-Forwarded-For is believed from trusted proxies alone, from right to left: each proxy adds the
 * address that it saw, so the last entry that no trusted proxy wrote is the client.
 */
#include "api_priv.h"
#include "http/http_client.h"

const char *api_client_address(const struct config *cfg, struct arena *a,
                               const struct http_head *head, const char *peer)
{
    const struct cidr_list proxies = {cfg->server.trusted_proxies, cfg->server.trusted_proxies_n};
    char client[ADDR_TEXT_MAX];
    http_client_address(&proxies, head, peer, client);
    return arena_strdup(a, client);
}
