/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Limits of time: what is over by them is closed, answered or begun again. */
#include "disp_priv.h"
#include "domain/metrics.h"

#define RATE_EVERY_MS 1000
#define RATE_AFTER_MS 3000 /* a client is given this long to get under way */

/* 408, and the end of the connection. */
static void too_late(struct disp *d, struct conn *c, enum conn_closed reason, const char *detail)
{
    METRIC_INC(M_HTTP_CLOSED, reason);
    disp_answer_problem(
        d, c, &(struct disp_problem){.err = ERR_REQUEST_TIMEOUT, .detail = detail, .close = true});
}

static void close_late(struct disp *d, enum phase p, enum conn_closed reason)
{
    for (struct conn *c; (c = disp_conn_expired(d, p));) {
        METRIC_INC(M_HTTP_CLOSED, reason);
        disp_conn_close(d, c);
    }
}

/* Bytes of this phase that have gone through. */
static size_t moved(const struct conn *c)
{
    if (c->phase == CP_WRITING)
        return c->out_at;
    return c->phase == CP_BODY ? c->len - c->req->head_len : c->len;
}

/* The list is in the order of time: those who are not looked at yet are behind the first of them.
 */
static void cut_slow(struct disp *d, enum phase p)
{
    for (struct conn *next, *c = d->phases[p].head; c; c = next) {
        const int64_t ms = mono_ms_between(c->since, d->now);
        next = c->next;
        if (ms < RATE_AFTER_MS)
            return;
        if ((int64_t)moved(c) * 1000 / ms >= d->limits.min_rate)
            continue;
        if (p != CP_WRITING) {
            too_late(d, c, CONN_CLOSED_RATE, "The request came too slowly.");
            continue;
        }
        METRIC_INC(M_HTTP_CLOSED, CONN_CLOSED_RATE);
        disp_conn_close(d, c);
    }
}

static void hold_to_rate(struct disp *d)
{
    if (d->limits.min_rate == 0 || mono_ms_between(d->rated, d->now) < RATE_EVERY_MS)
        return;
    d->rated = d->now;
    cut_slow(d, CP_HEAD);
    cut_slow(d, CP_BODY);
    cut_slow(d, CP_WRITING);
}

void disp_expire(struct disp *d)
{
    struct conn *c;
    close_late(d, CP_IDLE, CONN_CLOSED_IDLE);
    for (enum phase p = CP_HEAD; p <= CP_BODY; p++) {
        while ((c = disp_conn_expired(d, p)))
            too_late(d, c, p == CP_HEAD ? CONN_CLOSED_HEAD : CONN_CLOSED_BODY,
                     "The request was not complete in time.");
    }
    disp_queue_expire(d);
    close_late(d, CP_WRITING, CONN_CLOSED_UNREAD);
    while ((c = disp_conn_expired(d, CP_LINGER)))
        disp_conn_close(d, c);
    hold_to_rate(d);
    if (d->listening_paused && deadline_passed(d->listen_again)) {
        d->listening_paused = false;
        (void)disp_listen(d, true);
    }
    if (d->draining && d->phases[CP_IDLE].head && deadline_passed(d->newcomers_by))
        disp_read_idle(d);
    if (d->draining && !d->cut && deadline_passed(d->cut_at)) {
        d->cut = true;
        disp_queue_shed_all(d);
    }
}
