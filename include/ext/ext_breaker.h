/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Circuit breaker of one provider, shared by all processes: one atomic word that holds state,
 * weight of consecutive failures or the probe's holder, and a time. No lock, so no rule for a dead
 * holder of one: a probe whose process died, or that outlived probe_limit_ms, is simply taken over.
 *
 *     closed --weight >= failures--> open --open_for--> half open (one probe) --ok--> closed
 *                                      ^------------------failure--------------'
 */
#ifndef BOOKINGD_EXT_EXT_BREAKER_H
#define BOOKINGD_EXT_EXT_BREAKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "base/clock.h"
#include "base/err.h"

enum circuit { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN };
extern const char *const circuit_names[3]; /* "closed", "open", "half_open" */
struct ext_state {
    enum circuit circuit;
    unsigned in_flight, consecutive_failures;
    const char *last_fault; /* error code; NULL when there was none */
    struct wall last_fault_at;
    long retry_after_s; /* until a probe, when open */
    bool down; /* not closed, unless nobody has called for a minute since a probe is let through */
};

struct ext_breaker { /* all zero: closed, nothing ever failed */
    _Atomic uint64_t word;
    _Atomic uint64_t last_fault;  /* error and wall time of the last failure; 0: none */
    _Atomic uint32_t consecutive; /* failures since the last success, for people */
};
struct ext_breaker_limits {
    int64_t failures;       /* weight that opens it */
    int64_t open_for_ms;    /* then one probe */
    int64_t probe_limit_ms; /* no honest probe takes longer */
};

/* The right to make one call; filled by enter, used up by one of the three verdicts. */
struct ext_ticket {
    bool probe;
    bool takeover; /* of a probe that died or was lost */
    uint64_t word; /* the probe's own word: a verdict counts only while it still stands */
};
enum ext_breaker_change { BREAKER_SAME, BREAKER_OPENED, BREAKER_CLOSED };

/* false: open, or somebody else probes. */
bool ext_breaker_enter(struct ext_breaker *b, const struct ext_breaker_limits *l,
                       struct ext_ticket *t) MUST_CHECK;
/* What enter would say now, without taking the probe. */
bool ext_breaker_would_enter(const struct ext_breaker *b, const struct ext_breaker_limits *l);
enum ext_breaker_change ext_breaker_success(struct ext_breaker *b, const struct ext_ticket *t);
/* weight: 1, or 2 for time-outs and connection faults. */
enum ext_breaker_change ext_breaker_failure(struct ext_breaker *b,
                                            const struct ext_breaker_limits *l,
                                            const struct ext_ticket *t, unsigned weight,
                                            enum err fault);
/* No verdict came: the next one may probe at once. */
void ext_breaker_abandon(struct ext_breaker *b, const struct ext_breaker_limits *l,
                         const struct ext_ticket *t);

/* Fills all but in_flight. */
void ext_breaker_read(const struct ext_breaker *b, const struct ext_breaker_limits *l,
                      struct ext_state *out);

#endif
