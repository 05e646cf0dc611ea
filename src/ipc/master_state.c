/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "ipc/master_state.h"

#include <string.h>

#include "base/ensure.h"
#include "sys/shm.h"
#include "sys/twin.h"

static struct {
    TWIN(struct reload_view) reload;
    TWIN(struct process_view) process;
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
    TWIN_STORE(&state->reload, v);
}

void master_state_reload(struct reload_view *out)
{
    memset(out, 0, sizeof(*out));
    if (!state || !TWIN_LOAD(&state->reload, out))
        out->good = true;
}

void master_state_set_process(const struct process_view *v)
{
    ENSURE(state != NULL);
    TWIN_STORE(&state->process, v);
}

bool master_state_process(struct process_view *out)
{
    memset(out, 0, sizeof(*out));
    return state && TWIN_LOAD(&state->process, out);
}
