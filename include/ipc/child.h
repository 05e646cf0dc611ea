/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the master hands to a child. When NAME_main() is
 * called the child is set up already (master/master_child.c): signals at their defaults with an
 * empty mask, SIGPIPE ignored, PR_SET_PDEATHSIG set, scoreboard and metrics attached to `slot`,
 * role and index given to the logger, panic hook set, title "bookingd: NAME" shown, and every
 * descriptor that is not in the env closed. What NAME_main() returns becomes the exit code;
 * EX_CONFIG is never respawned.
 *
 * Every role ends by itself, with 0, when parent_fd shows end-of-file or hang-up (the master is
 * gone) and after SIGTERM (drain: finish what is in hand). SIGQUIT and SIGABRT stay unblocked
 * everywhere: "now".
 */
#ifndef BOOKINGD_IPC_CHILD_H
#define BOOKINGD_IPC_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "domain/config.h"
#include "ipc/protocol.h"

struct http_route_table;

struct child_env {
    const struct config *cfg; /* of its epoch; without the secrets that its role has no need of */
    const struct http_route_table *routes; /* dispatcher: names of routes; borrowed for ever */
    uint32_t epoch;        /* configurations are counted: a reload begins the next */
    unsigned slot;         /* on the scoreboard and in the metrics */
    int index;             /* among its role: worker 3 */
    bool on_trial;         /* the service, or a configuration, has not proved itself yet */
    int parent_fd;         /* end-of-file: the master is gone */
    const int *listen_fds; /* dispatcher: clients, by number, -1 where there is none; monitor: its
                              own; bound and listening, non-blocking */
    size_t listen_n;
    uint32_t listen_systemd; /* dispatcher: bits, those that are systemd's */
    int queue_fd;            /* worker: its end of the pair with the dispatcher; else -1 */
    int control_fd;          /* dispatcher: the master announces new workers here; else -1 */
};

/* A worker that has had its number of requests, a resolver that may not read a new file: replaced
 * at once. */
#define EXIT_RECYCLE_CODE 3
/* A worker whose dispatcher died: nothing is wrong with it; replaced as soon as there is another
 * dispatcher. */
#define EXIT_ORPHAN_CODE 4

#endif
