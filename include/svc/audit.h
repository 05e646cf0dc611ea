/* Who did what: a row in the transaction of the deed. */
#ifndef BOOKINGD_SVC_AUDIT_H
#define BOOKINGD_SVC_AUDIT_H

#include "svc/svc.h"

struct audit {
    const char *actor;    /* "staff:NAME", "customer", "keeper", "gateway" */
    const char *action;   /* "booking.cancel", "service.update" */
    const char *subject;  /* identifier of what was acted on */
    const char *venue_id; /* NULL: not of one venue */
    const char *detail;   /* JSON object text without personal data, or NULL */
};
/* Adds the insert to a batch that writes. */
void audit_add(struct svc *s, struct db_batch *b, const struct audit *entry);

#endif
