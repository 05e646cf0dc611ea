/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Places of connections, the lists of phases with their limits of time, and what epoll is asked. */
#ifndef BOOKINGD_DISPATCHER_DISP_CONN_H
#define BOOKINGD_DISPATCHER_DISP_CONN_H

#include <sys/socket.h>

#include "disp_state.h"

/* Once, at the start. False: no memory. */
bool disp_conns_init(struct disp *d) MUST_CHECK;
/* Takes d->limits over. There may be more connections than allowed afterwards: the caller evicts.
 */
void disp_conns_limits(struct disp *d);
/* Takes fd, which is watched for input from now on; NULL: there is no place, and fd stays the
 * caller's. */
struct conn *disp_conn_new(struct disp *d, int fd, const struct sockaddr_storage *from) MUST_CHECK;
/* Closes it and frees its place. */
void disp_conn_close(struct disp *d, struct conn *c);
/* Moves it to the tail of the phase's list; its time in the phase begins. */
void disp_conn_move(struct disp *d, struct conn *c, enum conn_phase to);
/* Lets epoll report these events, and no others. False: the connection is to be closed. */
bool disp_conn_want(struct disp *d, struct conn *c, uint32_t events) MUST_CHECK;
/* Lets epoll report nothing until disp_conn_want(). */
void disp_conn_mute(struct disp *d, struct conn *c);
/* The connection of a tag; NULL: gone since. */
struct conn *disp_conn_find(struct disp *d, uint64_t tag);
/* What was read of a client, or is still to be written to it, is wiped and freed: it has tokens and
 * codes in it. */
void disp_conn_drop_input(struct conn *c);
void disp_conn_drop_output(struct conn *c);
/* The path of the request under way; borrowed until more is read. */
struct str disp_conn_path(const struct conn *c);
/* Milliseconds until the first limit of all phases is over; at most `most_ms`. */
int disp_conn_wait_ms(const struct disp *d, int most_ms);
/* The first connection of a phase whose limit is over; NULL. */
struct conn *disp_conn_expired(struct disp *d, enum conn_phase p);

#endif
