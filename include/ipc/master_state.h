/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the master tells the monitor, and through it whoever asks: how the last reload went, and its
 * own process_* figures, which no other process may read from /proc. In shared memory; the master
 * writes, everybody reads.
 */
#ifndef BOOKINGD_IPC_MASTER_STATE_H
#define BOOKINGD_IPC_MASTER_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cdefs.h"
#include "base/clock.h"

#define RELOAD_REASON_MAX 240

struct reload_view {
    uint32_t epoch;                 /* of the configuration in force; 1 until the first reload */
    uint32_t reloads;               /* that ended, well or not */
    bool busy;                      /* one is under way */
    bool good;                      /* the last that ended was; true until the first */
    struct mono begun;              /* the one under way, or the last; ns 0: there was none */
    struct wall ended;              /* us 0: there was none */
    char reason[RELOAD_REASON_MAX]; /* the last was refused; "" */
};

struct process_view {
    double cpu_s;
    double started_s; /* since 1970 */
    int64_t virtual_bytes, resident_bytes, open_fds, max_fds;
};

/* Bytes of shared memory. */
size_t master_state_size(void);
void master_state_init(void); /* master, before fork */
void master_state_set_reload(const struct reload_view *v);
/* Zeroes before the first set. */
void master_state_reload(struct reload_view *out);

/* What the master says about its own process, since no other process may read it. */
void master_state_set_process(const struct process_view *v);
/* False: not known yet. */
bool master_state_process(struct process_view *out) MUST_CHECK;

#endif
