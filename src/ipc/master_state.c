/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "ipc/master_state.h"

#include <string.h>

#include "base/ensure.h"
#include "sys/seqlock.h"
#include "sys/shm.h"

static struct {
    SEQLOCK(struct reload_view) reload;
    SEQLOCK(struct process_view) process;
} * state;

size_t master_state_size(void)
{
    return sizeof(*state);
}

void master_state_init(void)
{
    state = shm_alloc(sizeof(*state));
}

void master_state_set_reload(const struct reload_view *v)
{
    ENSURE(state != NULL);
    SEQLOCK_STORE(&state->reload, v);
}

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
