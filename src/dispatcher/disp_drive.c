/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The driver of all connections. Whoever has news of one (the loop, a limit of time, a worker's
 * report, a new connection) calls disp_drive(); conn_table.c says what follows; disp_drive_act()
 * has it done and gets the next event. Nothing else changes a connection's phase, and no action
 * calls back into this file, so no call is ever made for a connection that is being driven.
 */
#include "disp_drive.h"

#include "base/ensure.h"
#include "disp_answer.h"
#include "disp_conn.h"
#include "disp_queue.h"
#include "disp_read.h"
#include "disp_worker.h"
#include "disp_write.h"
#include "domain/metrics.h"

/* One call per action; what it returns is the next event. */
static struct disp_event disp_drive_act(struct disp *d, struct conn *c, enum conn_action action,
                                        const struct disp_event *e)
{
    switch (action) {
    case CA_FILL:
        return disp_read_fill(d, c);
    case CA_AWAIT:
        return disp_read_await(d, c);
    case CA_PARSE_HEAD:
        return disp_read_head(d, c);
    case CA_PARSE_BODY:
        return disp_read_body(d, c);
    case CA_OFFER:
        return c->req->local ? disp_answer_local(d, c) : disp_queue_offer(d, c);
    case CA_COMPOSE:
        return disp_answer_compose(d, c, &e->problem);
    case CA_WRITE:
        return disp_write_some(d, c, e->bytes);
    case CA_NEXT:
        return DISP_EVENT(c->len > 0 ? CE_BYTES : CE_MORE);
    case CA_DISCARD:
        return disp_write_discard(c);
    case CA_MUTE:
        disp_conn_mute(d, c);
        return DISP_EVENT(CE_NONE);
    case CA_CLOSE:
        disp_conn_close(d, c);
        return DISP_EVENT(CE_NONE);
    case CA_NONE:
    case CA_COUNT:
        break;
    }
    return DISP_EVENT(CE_NONE);
}

/* The action comes before the move: it may need to know the phase that the event was for. */
void disp_drive(struct disp *d, struct conn *c, struct disp_event e)
{
    while (e.what != CE_NONE) {
        const struct conn_step step = conn_step_of(c->phase, e.what);
        e = disp_drive_act(d, c, step.action, &e);
        if (step.next != c->phase)
            disp_conn_move(d, c, step.next);
    }
}

/* Idle connections may be closed at any time (RFC 9112 9.5); clients open another. */
bool disp_drive_evict(struct disp *d)
{
    struct conn *oldest = d->phases[CP_IDLE].head;
    if (!oldest)
        return false;
    METRIC_INC(M_HTTP_CLOSED, CONN_CLOSED_EVICTED);
    disp_drive(d, oldest, DISP_EVENT(CE_CLOSE));
    return true;
}

/* In a drain: each idle connection is looked at once more, in case a request has just arrived. */
void disp_drive_idle(struct disp *d)
{
    for (struct conn *next, *c = d->phases[CP_IDLE].head; c; c = next) {
        next = c->next;
        disp_drive(d, c, DISP_EVENT(CE_READY));
    }
}

/* The packet is dropped last: the rest of an answer lies in it. */
static void disp_drive_handle(struct disp *d, struct disp_report *r)
{
    if (r->conn)
        disp_drive(d, r->conn, r->event);
    protocol_drop(&r->packet);
}

bool disp_drive_report(struct disp *d, struct disp_worker *w)
{
    struct disp_report r;
    const bool more = disp_worker_take(d, w, &r);
    disp_drive_handle(d, &r);
    return more;
}

/* Reports that the worker sent before it died are still in the pair; they come first. */
void disp_drive_lost(struct disp *d, struct disp_worker *w)
{
    struct disp_report r;
    while (w->fd >= 0 && disp_drive_report(d, w))
        ;
    if (w->fd < 0)
        return;
    disp_worker_bury(d, w, &r);
    disp_drive_handle(d, &r);
}

/* Once per turn, after all reports: several workers may have become free. */
void disp_drive_queue(struct disp *d)
{
    for (struct conn *c; (c = disp_queue_next(d));)
        disp_drive(d, c, disp_queue_give(d, c));
}
