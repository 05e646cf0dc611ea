/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * One row a child position, and the pure rules of its life: which state follows which event, and
 * how long a replacement waits. No fork, no signal, no clock of its own: master_child.c does what
 * the rules say.
 */
#ifndef BOOKINGD_MASTER_CHILD_TABLE_H
#define BOOKINGD_MASTER_CHILD_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "domain/scoreboard.h"

enum child_state {
    CHILD_OFF,      /* not wanted */
    CHILD_DOWN,     /* wanted; started when next_start has come */
    CHILD_STARTING, /* forked, has not checked in */
    CHILD_UP,
    CHILD_DRAINING, /* told to end; not replaced */
    CHILD_KILLED,   /* overdue, being ended by force; replaced */
    CHILD_REFUSED,  /* ended with EX_CONFIG: never again */
    CHILD_STATE_COUNT
};
extern const char *const child_state_names[CHILD_STATE_COUNT];

enum child_event {
    CHILD_EV_WANT, /* the position is to be filled */
    CHILD_EV_FORKED,
    CHILD_EV_CHECKED_IN, /* its stage on the scoreboard is past "starting" */
    CHILD_EV_STOP,       /* the position is to be emptied */
    CHILD_EV_OVERDUE,    /* it overran its budget */
    CHILD_EV_EXIT,       /* reaped */
    CHILD_EV_REFUSED,    /* reaped, exit code EX_CONFIG */
    CHILD_EVENT_COUNT
};

/* The state that follows; the same one when the event means nothing there. Every cell is tested. */
enum child_state child_next(enum child_state now, enum child_event ev);
/* Is there a process in this state? */
bool child_alive(enum child_state s);

/* A child that lived this long was healthy: its failures are forgotten. */
#define CHILD_HEALTHY_MS 60000
#define CHILD_DELAY_MAX_MS 60000
/* Wait before replacement number `fails` in a row (0 is the first): 0, 1 s, 2 s, 4 s ... 60 s;
 * before jitter. */
int64_t child_delay_ms(unsigned fails);

struct child {
    enum child_state state;
    enum role role;
    unsigned slot;       /* on the scoreboard */
    int index;           /* among its role */
    pid_t pid;           /* 0: none */
    uint32_t generation; /* beside the pid, so that late news of an old child is told apart */
    uint32_t epoch;      /* of the configuration that it runs with */
    struct mono started, signalled; /* signalled: when the signal in force was sent */
    struct mono next_start;
    unsigned fails; /* ends in a row without a healthy life between them */
};

/* How a role of which there is one process passes from one epoch to the next. */
enum child_handover {
    CHILD_HANDOVER_OVERLAP, /* the old one goes when the new one is up: somebody always watches */
    CHILD_HANDOVER_DRAIN,   /* the old one finishes while the new one starts */
    CHILD_HANDOVER_AFTER,   /* the new one starts when the old one is gone */
};
struct child_plan {
    uint32_t stop; /* bits: of these children */
    bool start;    /* a child of the epoch is missing; it starts as soon as a position is free */
};
/*
 * What is to be done so that of the n (at most 32) positions of a role one has a child of this
 * epoch. Of the earlier ones at most one stays, until the new one is up, so that a position always
 * becomes free, however many reloads follow each other.
 */
struct child_plan child_replace(const struct child *all, unsigned n, uint32_t epoch,
                                enum child_handover how);

/* Books an end at `now`: moves the state, forgets old failures after a healthy life, and sets
 * next_start (jittered by rng_jitter_ms) when the position is to be filled again. */
void child_ended(struct child *c, struct mono now, bool refused);

#endif
