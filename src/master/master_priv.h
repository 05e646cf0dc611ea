/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The master's inside, shared by master.c and master_*.c alone. */
#ifndef BOOKINGD_MASTER_MASTER_PRIV_H
#define BOOKINGD_MASTER_MASTER_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/clock.h"
#include "domain/config.h"
#include "ipc/master_state.h"
#include "ipc/protocol.h"
#include "master/child_table.h"

/* A listening socket; the dispatcher knows it by its place in the table. */
struct listener {
    int fd;     /* -1: no socket */
    char *key;  /* where it listens: the same place is the same socket, however it is written */
    char *path; /* unix: unlinked when it is closed; NULL */
    bool from_systemd; /* passed by systemd, which keeps it: never closed */
    bool wanted;       /* by the configuration in force */
    bool wanted_next;  /* by the candidate */
    bool announced;    /* the dispatcher has it */
};

/* The candidate configuration. */
enum reload_phase {
    RELOAD_NONE,
    RELOAD_NAMES,   /* the resolver ends, so that its table can be changed */
    RELOAD_PROVING, /* workers of the next epoch start */
};
struct reload {
    enum reload_phase phase;
    uint32_t epoch; /* 0: none */
    struct config *cfg;
    struct mono begun;
    struct deadline prove_by;
    struct mono up_since;          /* ns 0: some have not checked in */
    struct listener monitor;       /* fd -1: the one in force is kept */
    char fault[RELOAD_REASON_MAX]; /* why it fails, as soon as that is known */
    bool again;                    /* asked for once more meanwhile */
    struct reload_view view;       /* what the world knows */
};

struct master {
    struct config *cfg;        /* in force */
    const struct config *used; /* by master_use_config() */
    uint32_t epoch,
        epoch_last; /* its number, from 1; the last that was given out, to a candidate */
    pid_t pid;
    int sig_fd;
    int parent_pipe[2]; /* pipe: its write end is open in the master alone */
    int control;        /* to the dispatcher; -1 while there is none */
    struct listener listeners[LISTENERS_MAX];
    struct listener monitor;
    struct reload reload;

    struct child *children; /* by slot of the scoreboard */
    unsigned children_n;
    unsigned workers_room; /* most workers of one epoch */

    struct mono started;
    double started_wall_s; /* since 1970 */
    bool ready;            /* READY=1 was told */
    bool stopping;
    bool forced; /* a second TERM, or the time is up: by force */
    struct mono forced_at;
    struct deadline stop_by;
    int exit_code;
    struct deadline watchdog_due, process_due;
    char status[256]; /* last told */
};

/* master_setup.c: what is done once, before the first fork. False after saying why; m->exit_code is
 * set. */
bool master_setup(struct master *m);

/* master_config.c */
/* A configuration's providers as the metrics want them; borrowed from it. */
struct master_providers {
    const char *names[PROVIDERS_MAX];
    uint32_t ops[PROVIDERS_MAX];
    int64_t timeouts_ms[PROVIDERS_MAX];
};
void master_describe_providers(const struct config *cfg, struct master_providers *out);
/* Indices of providers mean this configuration's from now on; forks inherit it. */
void master_use_config(struct master *m, const struct config *cfg);
/* Names that resolvers look up; false (logged) when there is no room for them. */
bool master_register_names(const struct config *cfg);

/* master_listen.c: the sockets. */
/* Those of the configuration at the start. False after saying why; m->exit_code is set. */
bool master_listen(struct master *m);
/* What the candidate configuration wants and is not there is opened. False after saying why in
 * m->reload.fault. */
bool master_listen_next(struct master *m);
/* The candidate was refused: what was opened for it is closed. */
void master_listen_undo(struct master *m);
/* Tells the dispatcher of sockets that it does not have. False: not now. */
bool master_listen_tell(struct master *m);
/* The candidate is in force: what it does not want is closed. */
void master_listen_commit(struct master *m);
/* A bit for each socket that the candidate wants. */
uint32_t master_listen_bits(const struct master *m);
/* A bit for each that is systemd's. */
uint32_t master_listen_systemd(const struct master *m);
/* Those in force, by number, -1 where there is none: for a dispatcher that starts. */
void master_listen_fds(struct master *m, int fds[LISTENERS_MAX]);
/* Closes the listening sockets (drain), and removes unix paths that this process made. */
void master_close_listeners(struct master *m);

/* master_control.c: an order to the dispatcher, with o->len bytes, and fd unless that is -1. False
 * with errno: there is no dispatcher, or it takes nothing at the moment. */
bool master_send(struct master *m, const struct protocol_order *o, const void *bytes, int fd);

/* master_child.c: starting and burying. Calls nothing in master.c. */
void master_children_init(struct master *m);
/* The position is to be filled, by a child of that epoch. */
void master_want(struct child *c, uint32_t epoch);
/* The first empty position of a role, in m's own table; NULL: all are in use. */
struct child *master_free_slot(struct master *m, enum role role);
/* Starts what is due. */
void master_launch_due(struct master *m);
void master_reap(struct master *m);
/* Tells a child to end in order; again is harmless. */
void master_tell_stop(struct child *c);
unsigned master_alive(const struct master *m, enum role role);
unsigned master_in_state(const struct master *m, enum role role, enum child_state state);

/* master_reload.c */
void master_reload(struct master *m); /* HUP */
/* One step, every turn: the candidate, and the order in which single roles are replaced. */
void master_reload_step(struct master *m);
/* The end of the service came first. */
void master_reload_cancel(struct master *m);

/* master_process.c: its own process_* figures for the monitor, at most once a second. */
void master_publish_process(struct master *m);

/* master_watch.c: what the scoreboard says about the children: checked in, overdue, scoreboard,
 * status words. */
void master_watch(struct master *m);
bool master_serving(const struct master *m);
void master_scoreboard(const struct master *m);
void master_tell_status(struct master *m);
bool master_healthy(const struct master *m);

#endif
