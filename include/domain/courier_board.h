/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What couriers tell the other processes of their host, in shared memory: under which name each
 * claims rows, and the row whose call it began last. When a courier dies the master keeps that as
 * a grave for a while, so that the rows it had claimed and not begun with are given back at once,
 * and the one that it was calling for is not. Also the keeper's word that couriers are needed.
 *
 * The record of a courier is written by it alone, graves by the master alone.
 */
#ifndef BOOKINGD_DOMAIN_COURIER_BOARD_H
#define BOOKINGD_DOMAIN_COURIER_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "base/clock.h"
#include "base/uuid.h"

/* Bytes of shared memory for so many slots of the scoreboard; its parts. Master, before fork. */
size_t courier_board_size(unsigned slots);
void courier_board_init(void);

struct courier_hand {
    struct uuid process;  /* notifications.claimed_by; "": nobody */
    struct uuid called;   /* the row whose call began last; "": none yet */
    int64_t called_claim; /* and the number of that claim */
};

/* A courier, after scoreboard_attach(): its name from now on. */
void courier_board_enter(const struct uuid *process);
/* Before a call begins: from here on it may have happened. */
void courier_board_call(const char *id, int64_t claim);
/* It ends in order and holds no row. */
void courier_board_leave(void);

/* The master, when it has reaped a courier; slot: on the scoreboard. */
void courier_board_bury(unsigned slot);
/* How many were buried: a change means that there is a new grave. */
uint32_t courier_board_deaths(void);
/* The graves that are still kept are among numbers 0 to COURIER_GRAVES - 1. False: none there. */
#define COURIER_GRAVES 64
bool courier_board_grave(unsigned i, struct courier_hand *out) MUST_CHECK;

/* The keeper found rows that wait for couriers though the configuration alone needs none; it stays
 * so until the service ends. */
void courier_board_want(void);
bool courier_board_wanted(void);

#endif
