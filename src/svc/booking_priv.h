/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by the files of the booking service. Database errors pass through. */
#ifndef BOOKINGD_SVC_BOOKING_PRIV_H
#define BOOKINGD_SVC_BOOKING_PRIV_H

#include "domain/metrics.h"
#include "svc/booking.h"
#include "svc/notification.h"

/* The booking that a caller may change: its id, its customer or NULL, the only venue or NULL. The
 * parameters $1 to $3 of statements with the fragment booking_in_scope. */
struct booking_scope {
    const char *id, *customer_id, *venue_id;
};
#define SCOPE_PARAMS(sc) (sc).id, (sc).customer_id, (sc).venue_id
/* What `who` may change; NULL is the keeper. */
struct booking_scope booking_scope_of(const struct principal *who, const char *id);
/* Locks the row; a result row when there is one in scope. Joins come in a statement of their own:
 * one that waited for the lock would test a join on the resource of before. */
int booking_add_lock(struct db_batch *b, const struct booking_scope *sc);
int booking_add_load(struct db_batch *b, const struct booking_scope *sc);

/* What all changes have in common at their end. */
struct booking_change {
    const struct booking_caller *caller;     /* NULL: the keeper */
    const struct booking *now;               /* as it is after the change */
    const char *actor;                       /* when there is no caller; NULL: the keeper */
    const char *from, *reason;               /* state before, NULL: made now; reason may be NULL */
    const char *audit;                       /* action, for staff */
    enum notification_template notification; /* NOTIFICATION_TEMPLATE_COUNT: none */
    enum booking_outcome outcome;            /* BOOKING_OUTCOME_COUNT: not counted */
};
/* Adds the change of state to a batch; *bk becomes what it is then. `reason` is what people gave;
 * or NULL. */
void booking_set_state(struct db_batch *b, struct booking *bk, enum booking_state to,
                       const char *reason);
/* Fills a notification about the booking; `number` tells events of one template apart. False: an
 * erased customer, who is told nothing. */
bool booking_notification(const struct booking *bk, enum notification_template t, int64_t number,
                          struct notification *n);
/* Adds history, audit, notification and the caller's own to the committing batch, runs it, counts,
 * sends the notification. */
enum err booking_finish(struct svc *s, struct db_batch *b,
                        const struct booking_change *c) MUST_CHECK;

#endif
