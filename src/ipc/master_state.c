/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What the master tells about itself in shared memory: the state of reloads and its own figures.
 * Written by the master, read by the monitor. Nobody can look into the master through /proc, since
 * it is not dumpable.
 */
#include "ipc/master_state.h"

#include <string.h>

#include "base/ensure.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

/* Seqlocks: a reader sees one reload's figures, never half of two. */
static struct {
    SEQLOCK(struct reload_view) reload;
    SEQLOCK(struct process_view) process;
} * state;

size_t master_state_size(void)
{
    return shm_round(sizeof(*state));
}

void master_state_init(void)
{
    state = shm_alloc(sizeof(*state), SHM_MASTER);
}

/* Called at each change, which is a few times per reload. */
void master_state_set_reload(const struct reload_view *v)
{
    ENSURE(state != NULL);
    SEQLOCK_STORE(&state->reload, v);
}

/* Before the first word: the configuration in force was read without a fault, or nobody would
 * run. */
void master_state_reload(struct reload_view *out)
{
    memset(out, 0, sizeof(*out));
    if (!state || !SEQLOCK_LOAD(&state->reload, out))
        out->good = true;
}

void master_state_set_process(const struct process_view *v)
{
    ENSURE(state != NULL);
    SEQLOCK_STORE(&state->process, v);
}

bool master_state_process(struct process_view *out)
{
    memset(out, 0, sizeof(*out));
    return state && SEQLOCK_LOAD(&state->process, out);
}
