/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the dispatcher remembers, for its own files alone: connections, workers, listening sockets.
 * One struct disp exists per process, and there are no threads.
 *
 * A connection is in exactly one phase and in that phase's list. All members of a list have the
 * same limit of time and join at its tail, so the head is the oldest and the next to expire: the
 * list serves as timer, as queue (CP_QUEUED) and as the choice of whom to close first (CP_IDLE).
 */
#ifndef BOOKINGD_DISPATCHER_DISP_STATE_H
#define BOOKINGD_DISPATCHER_DISP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "disp_request.h"
#include "dispatcher/conn_table.h"
#include "http/http_parse.h"
#include "ipc/child.h"
#include "ipc/policy.h"
#include "ipc/protocol.h"

/* An idle connection costs this struct and nothing more. */
struct conn {
    struct conn *prev, *next; /* in the list of its phase */
    struct mono since;        /* in this phase */
    struct request *req;
    char *buf; /* what was read and is not answered yet; NULL when that is nothing */
    size_t len, cap, seen;
    char *out; /* the part of an answer that the socket did not take at once; NULL */
    size_t out_len, out_at;
    int fd;
    uint32_t generation; /* of this place, so that late news of an earlier connection is ignored */
    uint32_t peer;       /* in the table of addresses; 0: has none */
    uint32_t watched;    /* events that epoll reports; 0: it was muted */
    char address[ADDR_TEXT_MAX]; /* the socket's other end, as logs and workers are told */
    enum conn_phase phase;
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
    uint64_t key;      /* of the address */
    uint32_t n;        /* its connections */
    uint32_t requests; /* its requests that wait or are with a worker, through proxies too */
    uint32_t given;    /* of these, those with a worker */
    uint32_t next;
};

/* Peers that were named in a warning: so many, and no more, for the life of the process. */
#define PEERS_WARNED_MAX 16

struct peers {
    char warned[PEERS_WARNED_MAX][ADDR_TEXT_MAX];
    unsigned warned_n;
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
    uint64_t seq;      /* of its handing over */
    char *parts;       /* of its answer, when that is longer than a packet; NULL */
    size_t parts_n;
    bool parts_lost; /* there was no memory for them */
};

struct disp {
    const struct child_env *env;
    uint32_t epoch; /* workers of this one get requests */
    struct protocol_limits limits;
    struct http_limits http;
    int ep, sig_fd;
    struct mono now;     /* of this turn of the loop */
    struct arena *arena; /* of one problem document */
    struct http_head head;
    char *packet; /* PROTOCOL_PACKET_MAX bytes */

    struct conn *conns;  /* as many as there can be descriptors; untouched pages cost nothing */
    unsigned conns_max;  /* as configured */
    unsigned conns_cap;  /* places */
    unsigned conns_used; /* places that were ever taken */
    unsigned conns_n;
    struct conn *free; /* through next */
    struct phase_list phases[CP_COUNT];
    struct mono rated; /* when slow clients were last looked for */
    struct peers peers;
    struct policy policy;

    struct disp_worker *workers; /* by slot of the scoreboard */
    unsigned workers_n;
    unsigned *free_slots; /* stack of slots whose workers were free when pushed */
    unsigned free_slots_n;
    unsigned searches_n; /* that are with workers */
    uint64_t seq;

    int listen_fds[LISTENERS_MAX]; /* by number; -1 */
    uint32_t listen_on;            /* bits: those in use; the others wait for their epoch */
    uint32_t
        listen_systemd; /* bits: those that systemd keeps open; who waits in them is not lost */
    bool accepting, listening_paused, accept_failing;
    struct deadline listen_again;
    bool draining;
    bool queue_cut; /* most of the drain time is over, and the queue was turned away */
    struct deadline queue_cut_at, end_at, newcomers_by;
};

/* An answer that no worker gives. */
struct disp_problem {
    enum err err;
    const char *detail; /* static, or the parser's */
    long retry_after_s; /* 0: none */
    bool unknown;       /* whether the request was carried out */
    bool close;
};

/* An event with what it brings. */
struct disp_event {
    enum conn_event what;
    struct disp_problem problem; /* CE_PROBLEM */
    struct str bytes;            /* CE_ANSWER: borrowed until the event is handled */
};
#define DISP_EVENT(ce) ((struct disp_event){.what = (ce)})
#define DISP_PROBLEM(...) \
    ((struct disp_event){.what = CE_PROBLEM, .problem = (struct disp_problem){__VA_ARGS__}})

#endif
