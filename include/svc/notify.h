/*
 * The notification ledger (contract 4). A row is written in the transaction of its booking change; after
 * the commit the message is sent inside the request and the row becomes SENT or FAILED. Nothing here ever
 * fails towards the caller: delivery returns void.
 */
#ifndef BOOKINGD_SVC_NOTIFY_H
#define BOOKINGD_SVC_NOTIFY_H

#include "svc/svc.h"

struct notice {
    enum notice_template template;
    const char *venue_id, *booking_id;
    int64_t booking_version; /* with the template: the event, written once */
    enum locale locale;
    const char *recipient; /* E.164 */
    /* for the text; starts_at and ends_at already in the venue's wall time, "2026-01-02 15:04" */
    const char *service, *venue, *resource, *starts_at, *ends_at;
    int64_t party_size;
    struct uuid id; /* out: set by notify_enqueue */
    const char *body; /* out: the rendered text */
};
/* Adds the PENDING row to the caller's transaction. */
void notify_enqueue(struct svc *s, struct db_batch *b, struct notice *n);
/* After the commit: sends and stores the result (one round trip). Leaves 100 ms of the request's deadline alone. */
void notify_deliver(struct svc *s, const struct notice *n);
/* Results that could not be stored (database away) wait in this process; tries them again. Returns how many are left. */
unsigned notify_flush(struct svc *s);

#endif
