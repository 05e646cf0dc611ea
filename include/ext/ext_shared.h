/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Breakers and bulkheads of all providers in shared memory: who makes them, who looks at them. */
#ifndef BOOKINGD_EXT_EXT_SHARED_H
#define BOOKINGD_EXT_EXT_SHARED_H

#include <stddef.h>

#include "domain/config.h"
#include "ext/ext_breaker.h"

/* Bytes of shared memory for breakers and bulkheads of all providers; before fork. */
size_t ext_shared_size(const struct config *cfg);
/*
 * Before fork. Called again for a new configuration (reload) it takes no more memory: a provider of
 * the same name keeps its circuit and its calls in flight, and processes of the old generation go
 * on with theirs.
 */
void ext_shared_init(const struct config *cfg, unsigned slots);
/* State of a provider, by its index in the configuration. */
void ext_read_state(int provider, struct ext_state *out);

#endif
