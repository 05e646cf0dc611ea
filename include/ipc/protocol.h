/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Packets between dispatcher, worker and master, over SEQPACKET pairs: a packet is a struct, then
 * bytes, or a memfd that holds the bytes when they are many. All three are forks of one binary, so
 * the structs need no wire format; but any of them may have been taken over by an attacker, so the
 * receiver checks each number before it uses it.
 *
 *   dispatcher -> worker      struct protocol_request, the request; fds: [memfd]
 *   worker -> dispatcher      struct protocol_report, the answer or a part of it; no fds
 *   master -> dispatcher      struct protocol_order, networks; fd: the dispatcher's end of a
 *                             worker's pair, or a listening socket
 *
 * A worker never has a client's connection: it could read later requests of other customers in it.
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
/* No answer is longer: a page of 100 rows with all their texts as long as they may be has 2 MiB.
 * This is also what the dispatcher may have to keep for one client that does not read. */
#define PROTOCOL_ANSWER_MAX ((uint64_t)4 * 1024 * 1024)
/* Above the largest head and body with their framing (server.max_body, disp_read.c). */
#define PROTOCOL_REQUEST_MAX ((uint64_t)16 * 1024 * 1024)

struct protocol_request {
    uint64_t seq;        /* of this handing over; never 0 */
    struct mono arrived; /* its last byte */
    struct deadline deadline;
    double queue_seconds;
    uint64_t len;
    uint32_t close; /* not 0: the answer says Connection: close, whatever the request wishes */
    char request_id[PROTOCOL_ID_MAX + 1];
    char peer[ADDR_TEXT_MAX];
};

enum protocol_news {
    PROTOCOL_READY,   /* fit for requests; sent once, first */
    PROTOCOL_PART,    /* a part of the answer to the request in hand; more follow */
    PROTOCOL_DONE,    /* the request in hand is answered: the answer, or its last part */
    PROTOCOL_RETIRE,  /* give me no more; the dispatcher closes the pair when nothing is in hand */
    PROTOCOL_REFUSED, /* the request in hand never came through: it was lost on the way in, and
                         nothing of it was done */
};
#define PROTOCOL_KEEP_ALIVE 1u /* DONE: the connection stays open, as the answer says */
#define PROTOCOL_RETIRING 2u   /* DONE, and RETIRE with it */
struct protocol_report {
    uint32_t news;  /* enum protocol_news */
    uint32_t flags; /* numbers and not bool: an impossible value is one the reader can test */
    uint64_t seq;
    uint64_t len; /* of what follows; PROTOCOL_INLINE_MAX at most */
};

/* What the dispatcher needs of the configuration, which it does not keep: it outlives many of them.
 */
struct protocol_limits {
    int64_t queue, max_connections, max_connections_per_address, max_requests_per_address, max_head,
        max_body, min_rate, searches; /* that may be with workers at once */
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

/* A packet as received. bytes: inside the buffer or, when there are many, a copy on the heap, since
 * the sender could cut the memfd short while it is read. protocol_drop() wipes and frees that. */
struct protocol_packet {
    char *bytes;
    size_t len;
    void *heap; /* NULL: inline */
    int fd;     /* the first descriptor that is not the memfd; -1; the receiver's to close */
    bool lost; /* there are no descriptors, or no memory, for what came: there is a head and nothing
                  more */
};

/* A kind of packet: its head, where the number of bytes is in it (a uint64_t), and the most. */
struct protocol_kind {
    size_t head_size, len_at;
    uint64_t len_max;
};
extern const struct protocol_kind protocol_requests, protocol_reports, protocol_orders;

/* Sends head and bytes; fd -1: none. False with errno: EAGAIN when the peer's buffer is full, EPIPE
 * when it is gone. */
bool protocol_send(int sock, const void *head, size_t head_size,
                   struct protocol_packet *p) MUST_CHECK;
/*
 * Receives into buf (PROTOCOL_PACKET_MAX bytes) and takes the head off. 1; 0 at the end of file; -1
 * with errno (EAGAIN). A packet that contradicts itself, or has more bytes than its kind may have,
 * counts as the end of the file.
 */
int protocol_recv(int sock, const struct protocol_kind *kind, char *buf, void *head,
                  struct protocol_packet *p) MUST_CHECK;
void protocol_drop(struct protocol_packet *p);

/* ---- the part of the shared memory that belongs to handing over ---- */

/* Bytes of shared memory for so many scoreboard slots. */
size_t protocol_shared_size(unsigned slots);
void protocol_shared_init(unsigned slots); /* master, before fork */
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
