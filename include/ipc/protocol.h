/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Packets between dispatcher, worker and master, over SEQPACKET pairs: a packet is a struct, then
 * bytes, or a memfd holding the bytes when they are many. All three are forks of one binary, so the
 * structs need no wire format.
 *
 *   dispatcher -> worker   struct protocol_request, the request's bytes; fds: the client's
 * connection [, memfd] worker -> dispatcher   struct protocol_report, the bytes that the client's
 * socket did not take; fds: [memfd] master -> dispatcher   struct protocol_order, networks; fd: the
 * dispatcher's end of a worker's pair, or a listening socket
 */
#ifndef BOOKINGD_IPC_PROTOCOL_H
#define BOOKINGD_IPC_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "base/clock.h"
#include "domain/config.h"
#include "sys/addrs.h"

/* More bytes than this travel in a memfd: well below the default socket buffer. */
#define PROTOCOL_INLINE_MAX (48 * 1024)
#define PROTOCOL_PACKET_MAX (PROTOCOL_INLINE_MAX + 512)
#define PROTOCOL_ID_MAX 64

struct protocol_request {
    uint64_t seq;        /* of this handing over; never 0 */
    struct mono arrived; /* its last byte */
    struct deadline deadline;
    double queue_seconds;
    uint64_t len;
    bool close; /* the answer says Connection: close, whatever the request wishes */
    char request_id[PROTOCOL_ID_MAX + 1];
    char peer[ADDR_TEXT_MAX];
};

enum protocol_news {
    PROTOCOL_READY,   /* fit for requests; sent once, first */
    PROTOCOL_DONE,    /* the request in hand is answered */
    PROTOCOL_RETIRE,  /* give me no more; the dispatcher closes the pair when nothing is in hand */
    PROTOCOL_REFUSED, /* the request in hand never came through: it was lost on the way in, and
                         nothing of it was done */
};
struct protocol_report {
    enum protocol_news news;
    uint64_t seq;
    int status;
    bool keep_alive;
    bool broken; /* the client's socket failed: only closing is left */
    bool retire; /* DONE, and RETIRE with it */
    uint64_t unsent_len;
};

/* What the dispatcher needs of the configuration, which it does not keep: it outlives many of them.
 */
struct protocol_limits {
    int64_t queue, max_connections, max_connections_per_address, max_requests_per_address, max_head,
        max_body, min_rate;
    int64_t request_budget_ms, queue_timeout_ms, head_timeout_ms, body_timeout_ms, idle_timeout_ms,
        drain_timeout_ms;
    int log_format, log_level;
    unsigned log_skip;
};
struct protocol_limits protocol_limits_of(const struct config *cfg);

#define LISTENERS_MAX 32 /* one bit each */
enum protocol_do {
    PROTOCOL_WORKER, /* here is one more, of an epoch that has begun or will */
    PROTOCOL_LISTEN, /* a socket, to be accepted from when its epoch begins */
    PROTOCOL_BEGIN,  /* the epoch begins: its workers alone get requests; its limits; its sockets */
};
struct protocol_order {
    enum protocol_do what;
    uint32_t epoch;
    unsigned slot; /* WORKER: on the scoreboard; LISTEN: the socket's number, below LISTENERS_MAX */
    int index;
    uint32_t generation;
    uint32_t listeners;         /* BEGIN: a bit for each socket that is used from now on */
    uint32_t listeners_systemd; /* and which of them are systemd's */
    uint64_t len;               /* of what follows; BEGIN: the policy (ipc/policy.h) */
    struct protocol_limits limits;
};

/* A packet as received. bytes: inside `packet` or, when big, a private mapping of the memfd;
 * protocol_drop() gives that back. */
struct protocol_packet {
    char *bytes;
    size_t len;
    void *map; /* NULL: inline */
    int fd;    /* the first descriptor that is not the memfd; -1; the receiver's to close */
    bool lost; /* there are no descriptors, or no memory, for what came: there is a head and nothing
                  more */
};

/* Sends head and bytes; fd -1: none. False with errno: EAGAIN when the peer's buffer is full, EPIPE
 * when it is gone. */
bool protocol_send(int sock, const void *head, size_t head_size,
                   struct protocol_packet *p) MUST_CHECK;
/*
 * Receives into buf (PROTOCOL_PACKET_MAX bytes) and takes the head off. 1; 0 at the end of file; -1
 * with errno (EAGAIN). The number of bytes is read from the head at offset len_at (a uint64_t). A
 * packet that contradicts itself counts as the end of the file.
 */
int protocol_recv(int sock, char *buf, void *head, size_t head_size, size_t len_at,
                  struct protocol_packet *p) MUST_CHECK;
void protocol_drop(struct protocol_packet *p);

/* ---- the part of the shared memory that belongs to handing over ---- */

/* Bytes of shared memory for so many scoreboard slots. */
size_t protocol_shared_size(unsigned slots);
void protocol_shared_init(unsigned slots); /* master, before fork */
/* The worker, before the first byte of an answer is written: from now on nobody else may answer
 * this request. */
struct protocol_answer {
    uint64_t len;    /* of the whole answer */
    bool keep_alive; /* as it says */
};
void protocol_mark(unsigned slot, uint64_t seq, struct protocol_answer a);
/* The seq of the last mark, 0 before the first; *a: of that answer. */
uint64_t protocol_marked(unsigned slot, struct protocol_answer *a);
/*
 * The dispatcher, before it hands a request to the worker of a slot: when, and until when it may
 * take. The master sees by it a worker that never took its request up: nothing on the scoreboard is
 * younger than the handing over.
 */
struct protocol_given {
    struct mono at; /* 0: never */
    struct deadline until;
};
void protocol_give(unsigned slot, struct protocol_given g);
struct protocol_given protocol_given(unsigned slot);

#endif
