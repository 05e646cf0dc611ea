/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Whether a courier may call a provider now. Couriers have three quarters of a provider's places
 * between them and keep to its `rate`, so that a sign-in code waits for neither. A courier asks
 * before it claims a row: what could not be sent now is better left to be claimed later.
 */
#ifndef BOOKINGD_EXT_EXT_COURIER_H
#define BOOKINGD_EXT_EXT_COURIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "domain/config.h"

struct ext_pass {
    int provider; /* index in the configuration */
    int place;    /* among the couriers'; -1: none */
    bool call;    /* one call is paid for with the rate */
};

/* Nothing held yet. */
struct ext_pass ext_pass_none(int provider);
/*
 * True: the circuit would let a call through, and the pass has a place and one call. False:
 * *wait_ms says when to ask again; the pass may keep its place only until ext_pass_give_back().
 */
bool ext_pass_take(const struct config *cfg, struct ext_pass *p, int64_t *wait_ms) MUST_CHECK;
/* The call was made: the next one must be paid for again. */
void ext_pass_use(struct ext_pass *p);
/* Place and unused call go back. Harmless without either. */
void ext_pass_give_back(const struct config *cfg, struct ext_pass *p);

#endif
