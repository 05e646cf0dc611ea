/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Whole requests that wait for a worker, bounded in number and in time: a client that is told 503
 * at once is better off than one that waits for an answer which comes too late. The waiting
 * connections are the lists of CP_QUEUED and CP_RETRY. Called by disp_drive.c and disp_expire.c.
 */
#include "disp_queue.h"

#include "disp_peers.h"
#include "disp_worker.h"

#define RETRY_AFTER_S 1 /* a queue of requests is served or turned away within a second or so */

static unsigned disp_queue_waiting(const struct disp *d)
{
    return d->phases[CP_QUEUED].n + d->phases[CP_RETRY].n;
}

struct disp_event disp_queue_shed(enum shed_reason reason)
{
    static const char *const details[SHED_REASON_COUNT] = {
        [SHED_REASON_QUEUE_FULL] = "Too many requests are waiting.",
        [SHED_REASON_QUEUE_TIMEOUT] = "No worker became free in time.",
        [SHED_REASON_ADDRESS] = "Too many requests from this address are under way.",
        [SHED_REASON_DRAINING] = "The server is shutting down.",
    };
    METRIC_INC(M_HTTP_SHED, reason);
    return DISP_PROBLEM(.err = ERR_OVERLOADED, .detail = details[reason],
                        .retry_after_s = RETRY_AFTER_S);
}

/* A free worker is not for a search when as many as may be are under way. */
static bool disp_queue_may_go(const struct disp *d, const struct request *r)
{
    return !r->search || (int64_t)d->searches_n < d->limits.searches;
}

/* Of one list: whose address has the fewest requests with workers, and of those who came first. So
 * one address that has all of several workers gets the next one after all others. */
static struct conn *disp_queue_fairest(const struct disp *d, enum conn_phase p)
{
    struct conn *best = NULL;
    uint32_t least = UINT32_MAX;
    for (struct conn *c = d->phases[p].head; c && least > 0; c = c->next) {
        const uint32_t given = c->req->peer ? d->peers.all[c->req->peer].given : 0;
        if (given >= least || !disp_queue_may_go(d, c->req))
            continue;
        least = given;
        best = c;
    }
    return best;
}

struct conn *disp_queue_next(struct disp *d)
{
    if (disp_queue_waiting(d) == 0 || !disp_worker_any_free(d))
        return NULL;
    /* A request that lost its worker has waited once already. */
    struct conn *c = disp_queue_fairest(d, CP_RETRY);
    return c ? c : disp_queue_fairest(d, CP_QUEUED);
}

struct disp_event disp_queue_offer(struct disp *d, struct conn *c)
{
    struct request *r = c->req;
    r->arrived = d->now;
    r->deadline = deadline_after(d->now, d->limits.request_budget_ms);
    if (!disp_peers_begin(d, r))
        return disp_queue_shed(SHED_REASON_ADDRESS);
    /* Nobody may overtake those who wait and could be served. */
    if (!disp_queue_next(d) && disp_queue_may_go(d, r) && disp_worker_give(d, c))
        return DISP_EVENT(CE_GIVEN);
    if (d->queue_cut)
        return disp_queue_shed(SHED_REASON_DRAINING);
    if (disp_queue_waiting(d) >= (unsigned)d->limits.queue)
        return disp_queue_shed(SHED_REASON_QUEUE_FULL);
    return DISP_EVENT(CE_NONE);
}

struct disp_event disp_queue_give(struct disp *d, struct conn *c)
{
    if (disp_worker_give(d, c))
        return DISP_EVENT(CE_GIVEN);
    return disp_worker_any_free(d) ? disp_worker_refuse() : DISP_EVENT(CE_NONE);
}
