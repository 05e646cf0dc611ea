/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Whole requests that wait for a worker: bounded in number and in time. */
#ifndef BOOKINGD_DISPATCHER_DISP_QUEUE_H
#define BOOKINGD_DISPATCHER_DISP_QUEUE_H

#include "disp_state.h"
#include "domain/metrics.h"

/* A request became whole: it goes to a worker, waits, or is turned away. */
struct disp_event disp_queue_offer(struct disp *d, struct conn *c) MUST_CHECK;
/* The connection that is served next; NULL when no worker is free for one that waits. */
struct conn *disp_queue_next(struct disp *d);
/* Gives the request of disp_queue_next() to a worker. CE_NONE: the workers are gone, it waits on.
 */
struct disp_event disp_queue_give(struct disp *d, struct conn *c) MUST_CHECK;
/* Counts a request that is turned away, and makes its problem. */
struct disp_event disp_queue_shed(enum shed_reason reason) MUST_CHECK;

#endif
