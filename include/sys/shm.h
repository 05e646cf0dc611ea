/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One shared mapping made by the master before the first fork. Its parts are handed out once, never
 * freed, and each says who may write it; all others map it read-only and cannot change that. What a
 * part holds is input to whoever reads it: its writer may have been taken over by an attacker.
 */
#ifndef BOOKINGD_SYS_SHM_H
#define BOOKINGD_SYS_SHM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cdefs.h"

/* Who may write a part: a bit per role (domain/roles.h). The master may write everything. */
#define SHM_MASTER 0u
#define SHM_ANYBODY ~0u

/* Reserves `size` bytes, the sum of all parts as rounded by shm_round(), and some pages more; false
 * with errno when the kernel refuses. */
bool shm_init(size_t size) MUST_CHECK;
/* Bytes rounded up to whole pages: what a part, or a slot's piece of one, takes. */
size_t shm_round(size_t n);
/* n zeroed bytes, at the beginning of a page; running out is a bug (the parts' sizes are known
 * before). */
void *shm_alloc(size_t n, unsigned writers);
/* A piece of n bytes per slot of the scoreboard, shm_round(n) apart; the process in the slot writes
 * it. */
void *shm_alloc_slots(size_t n, unsigned slots);
/* A child, once, right after the fork: from here on it may write its slot's pieces and the parts of
 * its role. False with errno: it must not go on. */
bool shm_confine(unsigned role_bit, unsigned slot) MUST_CHECK;
/* Tests: gives the mapping back. */
void shm_fini(void);

#endif
