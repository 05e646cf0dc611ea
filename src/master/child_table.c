/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What a child does next, without I/O: the table of states and events, and who stays and who goes
 * when the configuration changes. Called by master_child.c and master_reload.c;
 * tests/unit/check_child_table.c goes through every state and event.
 */
#include "master/child_table.h"

#include "base/cdefs.h"
#include "base/ensure.h"
#include "base/rng.h"

const char *const child_state_names[CHILD_STATE_COUNT] = {
    [CHILD_OFF] = "off",         [CHILD_DOWN] = "down",         [CHILD_STARTING] = "starting",
    [CHILD_UP] = "up",           [CHILD_DRAINING] = "draining", [CHILD_KILLED] = "killed",
    [CHILD_REFUSED] = "refused",
};

/* Zero (CHILD_OFF) cannot mean "stay", so the cells hold state + 1. */
#define TO(s) ((s) + 1)
/* An event that means nothing in a state leaves it as it is: signals and deaths cross each
 * other. */
static const unsigned char next_state[CHILD_STATE_COUNT][CHILD_EVENT_COUNT] = {
    [CHILD_OFF] = {[CHILD_EV_WANT] = TO(CHILD_DOWN)},
    [CHILD_DOWN] = {[CHILD_EV_FORKED] = TO(CHILD_STARTING), [CHILD_EV_STOP] = TO(CHILD_OFF)},
    [CHILD_STARTING] = {[CHILD_EV_CHECKED_IN] = TO(CHILD_UP),
                        [CHILD_EV_STOP] = TO(CHILD_DRAINING),
                        [CHILD_EV_OVERDUE] = TO(CHILD_KILLED),
                        [CHILD_EV_EXIT] = TO(CHILD_DOWN),
                        [CHILD_EV_REFUSED] = TO(CHILD_REFUSED)},
    [CHILD_UP] = {[CHILD_EV_STOP] = TO(CHILD_DRAINING),
                  [CHILD_EV_OVERDUE] = TO(CHILD_KILLED),
                  [CHILD_EV_EXIT] = TO(CHILD_DOWN),
                  [CHILD_EV_REFUSED] = TO(CHILD_REFUSED)},
    [CHILD_DRAINING] = {[CHILD_EV_EXIT] = TO(CHILD_OFF), [CHILD_EV_REFUSED] = TO(CHILD_OFF)},
    [CHILD_KILLED] = {[CHILD_EV_STOP] = TO(CHILD_DRAINING),
                      [CHILD_EV_EXIT] = TO(CHILD_DOWN),
                      [CHILD_EV_REFUSED] = TO(CHILD_REFUSED)},
    [CHILD_REFUSED] = {[CHILD_EV_STOP] = TO(CHILD_OFF)},
};

enum child_state child_next(enum child_state now, enum child_event ev)
{
    ENSURE(now < CHILD_STATE_COUNT && ev < CHILD_EVENT_COUNT);
    unsigned cell = next_state[now][ev];
    return cell == 0 ? now : (enum child_state)(cell - 1);
}

/* Has a process. A child that was refused has none, and gets none. */
bool child_alive(enum child_state s)
{
    return s == CHILD_STARTING || s == CHILD_UP || s == CHILD_DRAINING || s == CHILD_KILLED;
}

/* 0, 1 s, 2 s, 4 s ... 60 s (BEHAVIOUR §2). The first death costs nobody a second. */
int64_t child_delay_ms(unsigned fails)
{
    if (fails == 0)
        return 0;
    return fails > 6 ? CHILD_DELAY_MAX_MS : (int64_t)1000 << (fails - 1);
}

/* The child that keeps the role alive until the new one is up: the latest that is up itself. */
static const struct child *child_standing_in(const struct child *all, unsigned n,
                                             const struct child *now)
{
    const struct child *best = NULL;
    if (now && now->state == CHILD_UP)
        return NULL;
    for (const struct child *c = all; c < all + n; c++) {
        if (c != now && c->state == CHILD_UP && (!best || c->epoch > best->epoch))
            best = c;
    }
    return best;
}

/* Decides for one role at a time: which children of it end, and whether a new one is started. */
struct child_plan child_replace(const struct child *all, unsigned n, uint32_t epoch,
                                enum child_handover how)
{
    const struct child *now = NULL;
    struct child_plan plan = {0};
    bool alive = false;
    for (const struct child *c = all; c < all + n; c++) {
        alive = alive || child_alive(c->state);
        if (c->epoch == epoch && c->state != CHILD_OFF && c->state != CHILD_DRAINING)
            now = c;
    }
    const struct child *stays =
        how == CHILD_HANDOVER_OVERLAP ? child_standing_in(all, n, now) : NULL;
    for (unsigned i = 0; i < n; i++) {
        if (&all[i] != now && &all[i] != stays && all[i].state != CHILD_OFF)
            /* Stopping a child twice is harmless: the table ignores the second order. */
            plan.stop |= 1u << i;
    }
    plan.start = !now && (how != CHILD_HANDOVER_AFTER || !alive);
    return plan;
}

/* Healthy for a while: its death is news and not the next of a series. */
void child_ended(struct child *c, struct mono now, bool refused)
{
    c->state = child_next(c->state, refused ? CHILD_EV_REFUSED : CHILD_EV_EXIT);
    c->pid = 0;
    if (mono_ms_between(c->started, now) >= CHILD_HEALTHY_MS)
        c->fails = 0;
    if (c->state != CHILD_DOWN)
        return;
    int64_t delay = child_delay_ms(c->fails);
    /* Jitter of a fifth: workers that died of one cause do not come back at the same moment. */
    c->next_start = mono_after_ms(now, delay == 0 ? 0 : rng_jitter_ms(delay, 0.2));
    c->fails++;
}
