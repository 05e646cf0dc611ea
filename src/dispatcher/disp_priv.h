/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The dispatcher's inside, shared by dispatcher.c and disp_*.c alone.
 *
 * A connection is always in exactly one phase, and in that phase's list. All members of a list have
 * the same limit and join at its tail, so the head is the next to expire and the oldest: one
 * structure serves as timer, as queue (CP_QUEUED) and as the choice of whom to close first
 * (CP_IDLE).
 */
#ifndef BOOKINGD_DISPATCHER_DISP_PRIV_H
#define BOOKINGD_DISPATCHER_DISP_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "http/http_parse.h"
#include "ipc/child.h"
#include "ipc/protocol.h"

enum phase {
    CP_FREE,    /* no connection in this place */
    CP_IDLE,    /* no byte of a request yet: closed silently when it lasts */
    CP_HEAD,    /* a head has begun */
    CP_BODY,    /* a body is under way */
    CP_QUEUED,  /* a whole request waits for a worker */
    CP_RETRY,   /* the same, after its first worker died: served before all others */
    CP_ACTIVE,  /* with a worker */
    CP_WRITING, /* the client takes its answer slowly */
    CP_LINGER,  /* answered for the last time: what still comes in is dropped, so that no reset eats
                   the answer */
    CP_COUNT
};

/* A request from its head's end until it is answered. */
struct request {
    enum http_method method;
    size_t head_len, total; /* total: bytes of the whole, 0 until known */
    bool chunked, keep_alive, retried;
    uint64_t content_length;
    struct http_chunked scan;
    struct mono arrived, given; /* whole; to a worker: 0 when none has got it */
    struct deadline deadline;
    int64_t written; /* to this client before a worker got it; -1: not known */
    char id[HANDOVER_ID_MAX + 1];
};

/* An idle one costs this struct and nothing more. */
struct conn {
    struct conn *prev, *next; /* in the list of its phase */
    struct mono since;        /* in this phase */
    struct request *req;
    char *buf; /* what was read and is not answered yet; NULL when that is nothing */
    size_t len, cap, seen;
    char *out; /* what an answer still has to write */
    size_t out_len, out_at;
    int fd;
    uint32_t generation;
    uint32_t peer; /* whose it is in the table of addresses; 0: nobody's */
    enum phase phase;
    bool eof;   /* the client sends no more */
    bool used;  /* a request has begun on it, once */
    bool close; /* after this answer */
};

struct phase_list {
    struct conn *head, *tail;
    unsigned n;
    int64_t limit_ms; /* 0: none */
};

struct peer {
    uint64_t key; /* of the address */
    uint32_t n;   /* its connections */
    uint32_t next;
};

struct peers {
    struct peer *all;  /* by number, from 1 on */
    uint32_t *buckets; /* heads of chains through next */
    uint32_t mask, used, free;
    uint64_t seed;
};

struct disp_worker {
    int fd; /* -1: nobody */
    int index;
    uint32_t generation, epoch;
    bool ready, retiring, listed;
    struct conn *conn; /* the request in hand */
    uint64_t seq;
};

/* What epoll hands back: kind, generation and index, so that news of a closed descriptor is told
 * apart. */
enum watch { WATCH_LISTEN, WATCH_CONN, WATCH_WORKER, WATCH_CONTROL, WATCH_SIGNAL, WATCH_LIFE };
#define WATCH_KEY(kind, generation, index) \
    ((uint64_t)(kind) << 56 | ((uint64_t)(generation)&0xffffff) << 32 | (uint64_t)(uint32_t)(index))
#define WATCH_KIND(key) ((enum watch)((key) >> 56))
#define WATCH_GENERATION(key) ((uint32_t)((key) >> 32) & 0xffffff)
#define WATCH_INDEX(key) ((uint32_t)(key))

struct disp {
    const struct child_env *env;
    uint32_t epoch; /* workers of this one get requests */
    struct handover_limits limits;
    struct http_limits http;
    int ep, sig_fd;
    struct mono now;     /* of this turn of the loop */
    struct arena *arena; /* of one own answer */
    struct http_head head;
    char *packet; /* HANDOVER_PACKET_MAX bytes */

    struct conn *conns; /* as many as there can be descriptors; untouched pages cost nothing */
    unsigned conns_max, conns_cap,
        conns_used; /* max: as configured, cap: places, used: places ever taken */
    unsigned conns_n;
    struct conn *free; /* through next */
    struct phase_list phases[CP_COUNT];
    struct mono rated; /* when slow clients were last looked for */
    struct peers peers;
    struct cidr *trusted; /* proxies: no cap for them */
    size_t trusted_n;

    struct disp_worker *workers; /* by slot */
    unsigned workers_n;
    unsigned *spare; /* stack of slots that were free when pushed */
    unsigned spare_n;
    uint64_t seq;

    int listen_fds[LISTENERS_MAX]; /* by number; -1 */
    uint32_t listen_on;            /* bits: those in use; the others wait for their epoch */
    uint32_t listen_kept; /* bits: systemd's, which outlive this service: nobody is lost who waits
                             in them */
    bool accepting, listening_paused, accept_failing;
    struct deadline listen_again;
    bool draining, cut; /* cut: drain time is up, the queue was turned away */
    struct deadline cut_at, end_at, newcomers_by;
};

/* disp_conn.c: places, phases, buffers */
bool disp_conns_init(struct disp *d);
/* New limits: what is over by them is closed or answered in the next turn. */
void disp_conns_limits(struct disp *d);
struct conn *disp_conn_new(struct disp *d, int fd); /* takes fd; NULL: no place */
void disp_conn_close(struct disp *d, struct conn *c);
bool disp_conn_evict(struct disp *d); /* the oldest idle one goes; false: there is none */
void disp_conn_phase(struct disp *d, struct conn *c, enum phase to);
void disp_conn_want(struct disp *d, struct conn *c, uint32_t events); /* one event, then silence */
uint64_t disp_conn_key(const struct disp *d, const struct conn *c);
/* What was read of a client, or is still to be written to it, is wiped and gone: it has tokens and
 * codes in it. */
void disp_conn_drop_input(struct conn *c);
void disp_conn_drop_output(struct conn *c);
struct conn *disp_conn_find(struct disp *d, uint64_t key); /* NULL: gone since */
/* Milliseconds until the first limit of all phases is over; at most `most`. */
int disp_conn_wait_ms(const struct disp *d, int most);
/* The first connection of a phase whose limit is over; NULL. */
struct conn *disp_conn_expired(struct disp *d, enum phase p);

/* disp_peers.c: the cap of connections of one address */
bool disp_peers_init(struct disp *d);
void disp_peer_join(struct disp *d, struct conn *c, const struct sockaddr_storage *from);
void disp_peer_leave(struct disp *d, struct conn *c);
enum peer_room {
    PEER_ROOM,
    PEER_FULL,  /* its address has too many: to be told */
    PEER_FLOOD, /* so many that telling them would cost others their place */
};
enum peer_room disp_peer_room(const struct disp *d, const struct conn *c);
/* These networks, struct cidr, are proxies: their clients are not one. */
void disp_peers_trust(struct disp *d, const void *networks, size_t bytes);

/* disp_expire.c: what every turn of the loop closes, answers or begins again since its time has
 * come */
void disp_expire(struct disp *d);

/* disp_accept.c */
bool disp_listen(struct disp *d, bool on);
void disp_accept(struct disp *d, unsigned listener);
/* For the last time: all who wait, but in sockets that stay. */
void disp_accept_all(struct disp *d);
/* Those in use are the ones of `bits` from now on; what waits in a socket that goes is taken in
 * first. */
void disp_listen_only(struct disp *d, uint32_t bits);
void disp_listen_close(struct disp *d);

/* disp_read.c: from bytes to whole requests */
void disp_readable(struct disp *d, struct conn *c);
void disp_read_idle(
    struct disp *d); /* one that has sent nothing is closed in a drain, unless it is a newcomer */
/* The caller's own name for the request when it is 1 to 64 of [A-Za-z0-9._-], else a new one; to
 * out[HANDOVER_ID_MAX + 1]. */
void disp_request_id(struct str id, char *out);
/* Parses what is buffered and moves on as far as it goes; every path that ends an answer calls it
 * at its end. */
void disp_advance(struct disp *d, struct conn *c);

/* disp_answer.c: answers that no worker gives, and the rest of those that one gave */
struct disp_problem {
    enum err err;
    const char *detail;
    long retry_after_s;
    bool unknown;
    bool close;
};
void disp_answer_problem(struct disp *d, struct conn *c, const struct disp_problem *p);
/* Writes bytes; the rest is copied and written as the client takes it. */
void disp_answer_bytes(struct disp *d, struct conn *c, const char *p, size_t n);
void disp_answer_writable(struct disp *d, struct conn *c);
/* The answer is out: on to the next request, or towards the end. */
void disp_answered(struct disp *d, struct conn *c);
void disp_linger_readable(struct disp *d, struct conn *c);

/* disp_queue.c */
void disp_queue_add(struct disp *d, struct conn *c); /* a whole request */
void disp_queue_run(struct disp *d);                 /* as long as workers are free */
void disp_queue_expire(struct disp *d);
void disp_queue_shed_all(struct disp *d); /* the drain's time is up */
/* 503 to a request for which descriptors or memory ran out on its way to a worker: others need none
 * and go on. */
void disp_refuse_short(struct disp *d, struct conn *c);

/* disp_worker.c */
bool disp_workers_init(struct disp *d);
/* A worker of its epoch or one to come: from now on it has this slot. Takes fd. */
void disp_worker_announced(struct disp *d, const struct handover_order *o, int fd);
void disp_worker_readable(struct disp *d, uint64_t key);
bool disp_worker_any_free(struct disp *d);
/* Another epoch has begun: its workers that are ready are free. */
void disp_workers_epoch(struct disp *d);
/* Gives the request of c to a free worker. False: none took it; one is free all the same when
 * descriptors or memory ran out here. */
bool disp_worker_give(struct disp *d, struct conn *c);

#endif
