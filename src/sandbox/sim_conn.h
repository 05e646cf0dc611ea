/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* One client of the sandbox: bytes in, bytes out at the pace that the ordered fault sets. */
#ifndef BOOKINGD_SANDBOX_SIM_CONN_H
#define BOOKINGD_SANDBOX_SIM_CONN_H

#include "sim.h"

struct sim_conn {
    int fd;
    struct arena *arena; /* of the request in hand */
    char *in;            /* grows with what comes */
    size_t in_n, in_room, seen;
    struct http_chunked chunked;
    const char *out; /* on the arena */
    size_t out_n, out_at;
    size_t out_until; /* bytes that may leave now: SIM_DRIP, SIM_HEADERS, SIM_BODY hold the rest
                         back */
    struct mono wake; /* when something is due; ns 0: nothing */
    enum sim_fault_kind kind;
    enum { SIM_READING, SIM_WAITING, SIM_WRITING, SIM_STUCK, SIM_LINGERING } state;
    struct mono since; /* when it last had something to say: the longest silent one gives way when
                          there are too many */
    bool keep_alive, continued;
};

/* Called to refuse connections for so many milliseconds; the loop sets it before the first client.
 */
extern void (*sim_conn_shut)(int64_t ms);

struct sim_conn *sim_conn_new(int fd);
void sim_conn_free(struct sim_conn *c);
/* Events to poll for. */
short sim_conn_events(const struct sim_conn *c);
/* The socket or the clock has something; false: close it. */
bool sim_conn_step(struct sim_conn *c, short revents);

#endif
