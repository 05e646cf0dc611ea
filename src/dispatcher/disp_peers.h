/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* How many connections each client address has, and the cap on them. */
#ifndef BOOKINGD_DISPATCHER_DISP_PEERS_H
#define BOOKINGD_DISPATCHER_DISP_PEERS_H

#include <sys/socket.h>

#include "disp_state.h"

/* The table of addresses; false: no memory. Then counting a connection in, and out again. */
bool disp_peers_init(struct disp *d) MUST_CHECK;
void disp_peers_join(struct disp *d, struct conn *c, const struct sockaddr_storage *from);
void disp_peers_leave(struct disp *d, struct conn *c);
enum peer_room {
    PEER_ROOM,
    PEER_FULL,  /* its address has too many: to be told */
    PEER_FLOOD, /* so many that telling them would cost others their place */
};
enum peer_room disp_peers_room(const struct disp *d, const struct conn *c);

/* Notes in *r whose request it is, while its head is in d->head: the forwarded address behind a
 * trusted proxy. What comes from a proxy itself, or a unix socket, is nobody's. */
void disp_peers_identify(struct disp *d, const struct conn *c, struct request *r);
/* Counts a whole request; false: its client has as many as one may have. */
bool disp_peers_begin(struct disp *d, struct request *r) MUST_CHECK;
/* It neither waits nor is with a worker any more; r may be NULL, or not counted. */
void disp_peers_end(struct disp *d, struct request *r);

#endif
