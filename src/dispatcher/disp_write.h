/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Writes answers as fast as clients take them, and the orderly end of a connection. */
#ifndef BOOKINGD_DISPATCHER_DISP_WRITE_H
#define BOOKINGD_DISPATCHER_DISP_WRITE_H

#include "disp_state.h"

/* Writes what the socket takes: of `bytes`, or, when those are none, of what was left earlier. What
 * it does not take is copied. */
struct disp_event disp_write_some(struct disp *d, struct conn *c, struct str bytes) MUST_CHECK;
/* After the last answer: reads what still comes and drops it. */
struct disp_event disp_write_discard(struct conn *c) MUST_CHECK;

#endif
