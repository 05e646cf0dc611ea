/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Calls a route's handler, on a standby where the route allows it. Called by api.c once per
 * request. Only what anybody may read goes there, and only without a token: who has just changed
 * something, staff above all, reads it from the primary. A start that is taken meanwhile ends as
 * slot_taken when it is booked, since bookings are made at the primary.
 */
#include "api_priv.h"

/* What the first try has set would stand in the answer of the second. */
static void api_standby_forget(struct api_request *r, const struct svc *svc)
{
    r->svc = *svc;
    r->problem.detail = NULL;
    r->problem.retry_after_s = 0;
}

/* A standby that has not replayed it yet does not know a thing that was just made, so "not found"
 * is asked again, and is no fault of the standby. */
static bool api_standby_decides(struct api_request *r, enum err e)
{
    if (e == ERR_OK || e == ERR_VALIDATION || e == ERR_NOT_FOUND)
        db_reader_succeeded(r->api->reader);
    else
        db_reader_failed(r->api->reader, err_code(e));
    return e == ERR_OK || e == ERR_VALIDATION;
}

/* Half of the time at most: the primary must have the other half. */
enum err api_call_handler(struct api_request *r)
{
    const struct svc svc = r->svc;
    struct db *standby = NULL;

    if (r->api->reader && r->route->standby && !r->auth_hash)
        standby = db_reader_take(r->api->reader, r->svc.arena, r->svc.deadline);
    if (standby) {
        r->svc.db = standby;
        r->svc.deadline = deadline_cap(svc.deadline, deadline_left_ms(svc.deadline) / 2);
        const enum err e = r->route->handler(r);
        r->svc.db = svc.db;
        r->svc.deadline = svc.deadline;
        if (api_standby_decides(r, e))
            return e;
        api_standby_forget(r, &svc);
    }
    return r->route->handler(r);
}
