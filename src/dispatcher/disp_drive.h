/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The one place where connections move from phase to phase: events in, actions out. */
#ifndef BOOKINGD_DISPATCHER_DISP_DRIVE_H
#define BOOKINGD_DISPATCHER_DISP_DRIVE_H

#include "disp_state.h"

/* Handles the event and all that follow from it. The connection may be closed afterwards. */
void disp_drive(struct disp *d, struct conn *c, struct disp_event e);
/* Closes the oldest idle connection; false: there is none. */
bool disp_drive_evict(struct disp *d);
/* One that has sent nothing is closed in a drain, unless it has just connected. */
void disp_drive_idle(struct disp *d);
/* Takes what has come over a worker's pair. False: no more for the moment. */
bool disp_drive_report(struct disp *d, struct disp_worker *w);
/* Another worker has its slot: what came from it before is handled, then it is buried. */
void disp_drive_lost(struct disp *d, struct disp_worker *w);
/* Gives waiting requests to free workers. */
void disp_drive_queue(struct disp *d);

#endif
