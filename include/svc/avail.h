/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Free slots of a service: opening hours, closures, grid, notice, horizon, buffers, capacity, all
 * in the venue's time zone. */
#ifndef BOOKINGD_SVC_AVAIL_H
#define BOOKINGD_SVC_AVAIL_H

#include <stddef.h>

#include "svc/svc.h"

/* Days from `from` to `to`, at most. */
#define AVAIL_DAYS_MAX 31

struct avail_query {
    const char *service_id;
    const char *from,
        *to; /* venue-local "YYYY-MM-DD", checked by the caller; NULL: today, and six days on */
    const char *resource_id; /* NULL: every resource that serves it */
    int64_t party_size;
};
struct slot {
    struct wall starts_at, ends_at;
    struct uuid resource_id;
    int64_t available; /* units free for the whole slot */
};
struct avail_answer {
    const struct slot *slots; /* ascending by start, then resource */
    size_t n;
};

/*
 * One round trip. ERR_NOT_FOUND: no such active service, or no such resource in its venue.
 * ERR_VALIDATION: `to` before `from`, or more than AVAIL_DAYS_MAX after it (which depends on the
 * venue's today when one is left out).
 */
enum err avail_slots(struct svc *s, const struct avail_query *q,
                     struct avail_answer *out) MUST_CHECK;

#endif
