/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Bulkhead of one provider: so many places, and a call needs one. Each place is an atomic word that
 * names its holder, so that the limit is exact, and a killed process's place is taken over, not
 * lost.
 */
#ifndef BOOKINGD_EXT_EXT_BULKHEAD_H
#define BOOKINGD_EXT_EXT_BULKHEAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "domain/roles.h"

#define EXT_PLACES_MAX 1024 /* the configuration's limit of max_concurrent */

struct ext_bulkhead { /* all zero: empty */
    _Atomic uint64_t place[EXT_PLACES_MAX];
};

/* A place among the first `max`; -1 when living processes hold them all. */
int ext_bulkhead_enter(struct ext_bulkhead *b, unsigned max) MUST_CHECK;
void ext_bulkhead_leave(struct ext_bulkhead *b, int place);
/* Places that living processes hold. */
unsigned ext_bulkhead_count(const struct ext_bulkhead *b);
/* Whether a living process of that role holds a place. */
bool ext_bulkhead_has_role(const struct ext_bulkhead *b, enum role role);

#endif
