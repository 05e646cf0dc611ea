/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Periodic tasks, as a table that the keeper runs. Each run is bounded in rows and in time,
 * takes only rows that nobody else is at work on, and may be repeated or skipped at any time
 * without harm.
 */
#ifndef BOOKINGD_SVC_KEEPER_TASKS_H
#define BOOKINGD_SVC_KEEPER_TASKS_H

#include <stddef.h>
#include <stdint.h>

#include "svc/svc.h"

struct keeper_task {
    const char *name; /* for the log: "expired_holds" */
    int64_t interval_ms;
    /* s->arena is reset by the caller between runs; s->deadline bounds the whole run, its provider
     * calls included. */
    enum err (*run)(struct svc *s);
    bool offline; /* runs without a database, too */
};
extern const struct keeper_task keeper_tasks[];
extern const size_t keeper_tasks_n;
/* The deadline that the keeper gives a run. */
#define KEEPER_TASK_RUN_MS 8000

#endif
