/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* New connections, as long as there is room for them. */
#ifndef BOOKINGD_DISPATCHER_DISP_ACCEPT_H
#define BOOKINGD_DISPATCHER_DISP_ACCEPT_H

#include "disp_state.h"

/* Takes some of the connections that wait in one listening socket. */
void disp_accept(struct disp *d, unsigned listener);
/* Those in use are the ones of `bits` from now on; who waits in a socket that goes is accepted
 * first. */
void disp_accept_only(struct disp *d, uint32_t bits);
/* For the last time: all who wait, but for sockets that systemd keeps; then all are closed. */
void disp_accept_end(struct disp *d);

#endif
