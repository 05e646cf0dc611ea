/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the dispatcher needs of the configuration that has no fixed size: trusted proxies, and the
 * origins whose pages may call the API. The master packs it into the order that begins an epoch.
 */
#ifndef BOOKINGD_IPC_POLICY_H
#define BOOKINGD_IPC_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"
#include "domain/config.h"

struct policy {
    void *memory; /* one block, which all others point into */
    struct cidr_list proxies;
    const char *const *origins;
    size_t origins_n;
};

/* The bytes of a configuration's policy, for policy_unpack(); free(3) gives them back. NULL: no
 * memory. */
char *policy_pack(const struct config *cfg, size_t *n) MUST_CHECK;
/* False, with *p unchanged: no memory, or the bytes are no policy. */
bool policy_unpack(struct policy *p, const char *bytes, size_t n) MUST_CHECK;
void policy_free(struct policy *p);

#endif
