/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Who holds a place in shared memory (a place of a bulkhead, the probe of a breaker): scoreboard
 * slot and generation, so that the place of a killed process is seen to be free without anybody
 * cleaning up. A process without a slot (command line, tests) is named by its pid.
 */
#ifndef BOOKINGD_EXT_EXT_HOLDER_H
#define BOOKINGD_EXT_EXT_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/roles.h"

#define EXT_HOLDER_SLOTS_MAX 4095 /* a slot, counted from 1, fits into the breaker's 12 bits */
#define EXT_HOLDER_SHORT_BITS 26

/* The bits of a holder's word that say nothing about who it is: one who takes places can count
 * here, so that no two takings have the same word. */
#define EXT_HOLDER_MARK UINT64_C(0x000fffff00000000)
#define EXT_HOLDER_MARK_ONE UINT64_C(0x0000000100000000)
/* This process, with the mark 0; never 0. */
uint64_t ext_holder_self(void);
/* Whether that very process still lives, as far as the scoreboard knows, and says itself that it
 * has the place (scoreboard_hold()): until the master has reaped it, it does. */
bool ext_holder_alive(uint64_t holder, uint64_t place);
/* Whether the holder's slot is one of that role; false for a process without a slot. */
bool ext_holder_has_role(uint64_t holder, enum role role);
/* Twelve bits of slot and fourteen of generation, for the breaker's word. */
uint32_t ext_holder_short(uint64_t holder);
/* The same question of the short form; true for a process without a slot, whose life the short form
 * cannot tell. */
bool ext_holder_short_alive(uint32_t holder);

#endif
