/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The table of a connection's phases. disp_drive.c is the only user; check_conn_table.c repeats
 * every cell. */
#include "dispatcher/conn_table.h"

#include "base/ensure.h"

const char *const conn_phase_names[CP_COUNT] = {
    [CP_FREE] = "free",     [CP_IDLE] = "idle",       [CP_HEAD] = "head",
    [CP_BODY] = "body",     [CP_QUEUED] = "queued",   [CP_RETRY] = "retry",
    [CP_ACTIVE] = "active", [CP_WRITING] = "writing", [CP_LINGER] = "linger",
};

/* Zero (CP_FREE, CA_NONE) cannot mean "no cell", so `set` tells. */
struct conn_cell {
    unsigned char set, next, action;
};
#define GO(phase, act)              \
    {                               \
        1, (CP_##phase), (CA_##act) \
    }

/* What every phase in which a request is under way has in common: it can be answered here, and the
 * connection can end. */
#define ENDS [CE_PROBLEM] = GO(WRITING, COMPOSE), [CE_CLOSE] = GO(FREE, CLOSE)

/* An event that has no cell changes nothing: news about a connection may arrive after its phase has
 * changed. */
static const struct conn_cell conn_cells[CP_COUNT][CE_COUNT] = {
    [CP_IDLE] = {[CE_READY] = GO(IDLE, FILL),
                 [CE_BYTES] = GO(HEAD, PARSE_HEAD),
                 [CE_MORE] = GO(IDLE, AWAIT),
                 ENDS},
    [CP_HEAD] = {[CE_READY] = GO(HEAD, FILL),
                 [CE_BYTES] = GO(HEAD, PARSE_HEAD),
                 [CE_MORE] = GO(HEAD, AWAIT),
                 [CE_HEAD] = GO(BODY, PARSE_BODY),
                 ENDS},
    [CP_BODY] = {[CE_READY] = GO(BODY, FILL),
                 [CE_BYTES] = GO(BODY, PARSE_BODY),
                 [CE_MORE] = GO(BODY, AWAIT),
                 [CE_REQUEST] = GO(QUEUED, OFFER),
                 ENDS},
    [CP_QUEUED] = {[CE_READY] = GO(QUEUED, MUTE),
                   [CE_GIVEN] = GO(ACTIVE, NONE),
                   [CE_ANSWER] = GO(WRITING, WRITE),
                   ENDS},
    [CP_RETRY] = {[CE_READY] = GO(RETRY, MUTE), [CE_GIVEN] = GO(ACTIVE, NONE), ENDS},
    [CP_ACTIVE] = {[CE_READY] = GO(ACTIVE, MUTE),
                   [CE_ANSWER] = GO(WRITING, WRITE),
                   [CE_LOST] = GO(RETRY, NONE),
                   ENDS},
    [CP_WRITING] = {[CE_READY] = GO(WRITING, WRITE),
                    [CE_ANSWER] = GO(WRITING, WRITE),
                    [CE_SENT] = GO(IDLE, NEXT),
                    [CE_SENT_LAST] = GO(LINGER, AWAIT),
                    [CE_CLOSE] = GO(FREE, CLOSE)},
    [CP_LINGER] = {[CE_READY] = GO(LINGER, DISCARD),
                   [CE_MORE] = GO(LINGER, AWAIT),
                   [CE_CLOSE] = GO(FREE, CLOSE)},
};

struct conn_step conn_step_of(enum conn_phase now, enum conn_event ev)
{
    ENSURE(now < CP_COUNT && ev < CE_COUNT);
    const struct conn_cell *cell = &conn_cells[now][ev];
    if (!cell->set)
        return (struct conn_step){now, CA_NONE};
    return (struct conn_step){(enum conn_phase)cell->next, (enum conn_action)cell->action};
}
