/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Notifications (BEHAVIOUR §4). A row is written in the transaction of its booking change;
 * after the commit the message is sent inside the request and the row becomes SENT or FAILED, or,
 * with deferred delivery, the row waits for a courier (svc/courier.h).
 * Nothing here ever fails towards the caller: delivery returns void.
 */
#ifndef BOOKINGD_SVC_NOTIFICATION_H
#define BOOKINGD_SVC_NOTIFICATION_H

#include "domain/metrics.h"
#include "svc/svc.h"

struct notification {
    enum notification_template template;
    const char *venue_id, *booking_id;
    int64_t booking_version; /* with the template: the event, written once */
    enum locale locale;
    const char *recipient; /* E.164 */
    /* for the text: names in the language of the recipient; starts_at and ends_at already in the
     * wall time of the venue, "2026-01-02 15:04" */
    const char *service, *venue, *resource, *starts_at, *ends_at;
    int64_t party_size;
    /* The sum that the text speaks of, in minor units, and where to pay it; NULL: of templates that
     * name neither. */
    int64_t amount;
    const char *currency, *link;
    /* A reminder is not of a version of the booking: its event, and for how long it is of use. */
    const char *event;      /* NULL: template and version */
    int64_t expires_ms;     /* at most; 0: as configured */
    bool by_courier;        /* also when delivery is inline */
    struct uuid id;         /* out: set by notification_enqueue */
    const char *body;       /* out: the rendered text */
    struct mono made_at;    /* out */
    struct db_batch *batch; /* out: its transaction, and the row's place in it */
    int batch_at;
};
/* Adds the PENDING row to the caller's transaction. */
void notification_enqueue(struct svc *s, struct db_batch *b, struct notification *n);
/* After the commit: sends and stores the result (one round trip), leaving 100 ms of the request's
 * deadline alone; or wakes a courier when the row waits for one. */
void notification_deliver(struct svc *s, const struct notification *n);
/* Results that could not be stored (database away) wait in this process; tries them again. Returns
 * how many are left.
 */
unsigned notification_flush(struct svc *s);

/* ---- for resends ---- */

/* A claimed (PENDING) row. */
struct notification_try {
    const char *venue_id, *id, *recipient, *body;
    enum notification_template template;
    int64_t claim;       /* its number, without which no result is stored */
    struct mono made_at; /* when it was committed; ns 0: long ago */
    bool expired;        /* notifications.expire_after has passed: not to be sent */
};
/* Sends it and stores the result; says how it went. */
enum notification_outcome notification_attempt(struct svc *s, const struct notification_try *t);
/* Whether enough of the request's time is left to try one more. */
bool notification_has_time(const struct svc *s);
/* How long from now a claimed row may stay PENDING before the keeper calls its sender dead:
 * milliseconds. */
int64_t notification_send_by_ms(const struct svc *s);
/* Template by name; NOTIFICATION_TEMPLATE_COUNT when there is none. */
enum notification_template notification_template_find(const char *name);

#endif
