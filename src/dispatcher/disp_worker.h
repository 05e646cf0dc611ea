/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The dispatcher's side of the workers' pairs: who is free, and who has which request. */
#ifndef BOOKINGD_DISPATCHER_DISP_WORKER_H
#define BOOKINGD_DISPATCHER_DISP_WORKER_H

#include "disp_state.h"

/* Once, at the start. False: no memory. */
bool disp_workers_init(struct disp *d) MUST_CHECK;
/* The worker of a tag; NULL: gone since. */
struct disp_worker *disp_worker_find(struct disp *d, uint64_t tag);
/* The slot is from now on that worker's, of this epoch or one to come. Takes fd. The one before it
 * is gone. */
void disp_worker_join(struct disp *d, const struct protocol_order *o, int fd);

/* What a worker's pair brought for a connection. */
struct disp_report {
    struct conn *conn; /* NULL: for none */
    struct disp_event event;
    struct protocol_packet packet; /* the event's bytes are inside: protocol_drop() after use */
};
/* Takes one report, or the news of its death. False: there is no more for the moment. */
bool disp_worker_take(struct disp *d, struct disp_worker *w, struct disp_report *r) MUST_CHECK;
/* Whatever happened to it, it is gone, and its request is looked after. */
void disp_worker_bury(struct disp *d, struct disp_worker *w, struct disp_report *r);

/* Whether some worker could take a request now. */
bool disp_worker_any_free(struct disp *d);
/* Another epoch has begun: its workers that are ready are free. */
void disp_workers_epoch(struct disp *d);
/* Gives the request of c to a free worker. False: none took it; if one is free all the same,
 * descriptors or memory ran out here. */
bool disp_worker_give(struct disp *d, struct conn *c) MUST_CHECK;
/* Descriptors or memory ran out on the way to a worker, and nothing of the request was done.
 * Requests that need neither go on. */
struct disp_event disp_worker_refuse(void) MUST_CHECK;

#endif
