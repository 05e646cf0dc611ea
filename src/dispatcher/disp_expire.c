/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Limits of time and speed: who is over them is closed or answered; and what was put off (accepting
 * again, the steps of a drain) begins when its time has come. Called once per turn of the loop. */
#include "disp_expire.h"

#include "disp_conn.h"
#include "disp_drive.h"
#include "disp_listen.h"
#include "disp_queue.h"
#include "domain/metrics.h"

/* Speed is looked at once per second: often enough for limits that are given per second. */
#define RATE_EVERY_MS 1000
/* A client is given this long to get under way: TCP's slow start, one lost packet. */
#define RATE_AFTER_MS 3000

/* 408, and the end of the connection. */
static void disp_expire_answer(struct disp *d, struct conn *c, enum conn_closed reason,
                               const char *detail)
{
    METRIC_INC(M_HTTP_CLOSED, reason);
    disp_drive(d, c, DISP_PROBLEM(.err = ERR_REQUEST_TIMEOUT, .detail = detail, .close = true));
}

/* Without an answer: the client waits for none, or could not read it. */
static void disp_expire_close(struct disp *d, struct conn *c, enum conn_closed reason)
{
    METRIC_INC(M_HTTP_CLOSED, reason);
    disp_drive(d, c, DISP_EVENT(CE_CLOSE));
}

/* Bytes of this phase that have gone through. */
static size_t disp_expire_moved(const struct conn *c)
{
    if (c->phase == CP_WRITING)
        return c->out_at;
    return c->phase == CP_BODY ? c->len - c->req->head_len : c->len;
}

/* The list is in the order of time, so those behind the first young one are young too. */
static void disp_expire_slow(struct disp *d, enum conn_phase p)
{
    for (struct conn *next, *c = d->phases[p].head; c; c = next) {
        const int64_t ms = mono_ms_between(c->since, d->now);
        next = c->next;
        if (ms < RATE_AFTER_MS)
            return;
        if ((int64_t)disp_expire_moved(c) * 1000 / ms >= d->limits.min_rate)
            continue;
        /* In the middle of an answer there is no way to say 408. */
        if (p == CP_WRITING)
            disp_expire_close(d, c, CONN_CLOSED_RATE);
        else
            disp_expire_answer(d, c, CONN_CLOSED_RATE, "The request came too slowly.");
    }
}

/* Off by default (min_rate 0): the limits of time bound a slow client already. */
static void disp_expire_rate(struct disp *d)
{
    if (d->limits.min_rate == 0 || mono_ms_between(d->rated, d->now) < RATE_EVERY_MS)
        return;
    d->rated = d->now;
    disp_expire_slow(d, CP_HEAD);
    disp_expire_slow(d, CP_BODY);
    disp_expire_slow(d, CP_WRITING);
}

static void disp_expire_phases(struct disp *d)
{
    static const char late[] = "The request was not complete in time.";
    struct conn *c;
    while ((c = disp_conn_expired(d, CP_IDLE)))
        disp_expire_close(d, c, CONN_CLOSED_IDLE);
    while ((c = disp_conn_expired(d, CP_HEAD)))
        disp_expire_answer(d, c, CONN_CLOSED_HEAD, late);
    while ((c = disp_conn_expired(d, CP_BODY)))
        disp_expire_answer(d, c, CONN_CLOSED_BODY, late);
    /* Who has lost a worker before is older, and is shed first. */
    while ((c = disp_conn_expired(d, CP_RETRY)) || (c = disp_conn_expired(d, CP_QUEUED)))
        disp_drive(d, c, disp_queue_shed(SHED_REASON_QUEUE_TIMEOUT));
    while ((c = disp_conn_expired(d, CP_WRITING)))
        disp_expire_close(d, c, CONN_CLOSED_UNREAD);
    while ((c = disp_conn_expired(d, CP_LINGER)))
        disp_drive(d, c, DISP_EVENT(CE_CLOSE));
}

/* The steps of a drain: newcomers have had their time; the queue is turned away. */
static void disp_expire_drain(struct disp *d)
{
    if (d->phases[CP_IDLE].head && deadline_passed(d->newcomers_by))
        disp_drive_idle(d);
    if (d->queue_cut || !deadline_passed(d->queue_cut_at))
        return;
    d->queue_cut = true;
    for (enum conn_phase p = CP_QUEUED; p <= CP_RETRY; p++) {
        while (d->phases[p].head)
            disp_drive(d, d->phases[p].head, disp_queue_shed(SHED_REASON_DRAINING));
    }
}

void disp_expire(struct disp *d)
{
    disp_expire_phases(d);
    disp_expire_rate(d);
    disp_listen_resume(d);
    if (d->draining)
        disp_expire_drain(d);
}
