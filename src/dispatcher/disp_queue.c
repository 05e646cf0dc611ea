/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Whole requests that wait for a worker: bounded in number and in time. */
#include "disp_priv.h"
#include "domain/metrics.h"

#define RETRY_AFTER_S 1

static unsigned waiting(const struct disp *d)
{
    return d->phases[CP_QUEUED].n + d->phases[CP_RETRY].n;
}

static void shed(struct disp *d, struct conn *c, enum shed_reason reason, const char *detail)
{
    METRIC_INC(M_HTTP_SHED, reason);
    disp_answer_problem(d, c,
                        &(struct disp_problem){.err = ERR_OVERLOADED,
                                               .detail = detail,
                                               .retry_after_s = RETRY_AFTER_S});
}

void disp_queue_add(struct disp *d, struct conn *c)
{
    struct request *r = c->req;
    r->arrived = d->now;
    r->deadline = deadline_after(d->now, d->limits.request_budget_ms);
    if (waiting(d) == 0 && disp_worker_give(d, c))
        return;
    if (d->cut)
        shed(d, c, SHED_REASON_DRAINING, "The server is shutting down.");
    else if (waiting(d) >= (unsigned)d->limits.queue)
        shed(d, c, SHED_REASON_QUEUE_FULL, "Too many requests are waiting.");
    else
        disp_conn_phase(d, c, CP_QUEUED);
}

void disp_queue_run(struct disp *d)
{
    while (waiting(d) > 0 && disp_worker_any_free(d)) {
        struct conn *c =
            d->phases[CP_RETRY].head ? d->phases[CP_RETRY].head : d->phases[CP_QUEUED].head;
        if (disp_worker_give(d, c))
            continue;
        if (!disp_worker_any_free(d))
            return;
        disp_refuse_short(d, c);
    }
}

void disp_refuse_short(struct disp *d, struct conn *c)
{
    disp_answer_problem(
        d, c,
        &(struct disp_problem){.err = ERR_OVERLOADED,
                               .detail = "No process has descriptors or memory for this request.",
                               .retry_after_s = RETRY_AFTER_S});
    disp_advance(d, c);
}

static void expire_phase(struct disp *d, enum phase p)
{
    for (struct conn *c; (c = disp_conn_expired(d, p));) {
        shed(d, c, SHED_REASON_QUEUE_TIMEOUT, "No worker became free in time.");
        disp_advance(d, c);
    }
}

void disp_queue_expire(struct disp *d)
{
    expire_phase(d, CP_RETRY);
    expire_phase(d, CP_QUEUED);
}

void disp_queue_shed_all(struct disp *d)
{
    for (enum phase p = CP_QUEUED; p <= CP_RETRY; p++) {
        while (d->phases[p].head)
            shed(d, d->phases[p].head, SHED_REASON_DRAINING, "The server is shutting down.");
    }
}
