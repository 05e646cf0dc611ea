/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The listening sockets: which are used, and when accepting pauses. */
#ifndef BOOKINGD_DISPATCHER_DISP_LISTEN_H
#define BOOKINGD_DISPATCHER_DISP_LISTEN_H

#include "disp_state.h"

/* Whether the place has a socket that is in use. */
bool disp_listen_used(const struct disp *d, unsigned listener);
/* Asks epoll for news of one listening socket, or no more. */
bool disp_listen_watch(struct disp *d, unsigned listener, bool on);
/* The same for all that are used; accepting begins or ends. */
bool disp_listen_all(struct disp *d, bool on);
/* Accepting pauses for a moment; disp_listen_resume() ends that when its time has come. */
void disp_listen_pause(struct disp *d);
void disp_listen_resume(struct disp *d);
void disp_listen_close(struct disp *d, unsigned listener);

#endif
