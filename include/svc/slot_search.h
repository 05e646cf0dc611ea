/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The free starts of a service, as customers see them: a page of starts, or a row per day
 * (BEHAVIOUR §5). One round trip each. */
#ifndef BOOKINGD_SVC_SLOT_SEARCH_H
#define BOOKINGD_SVC_SLOT_SEARCH_H

#include <stddef.h>

#include "svc/svc.h"

/* Days from `from` to `to`, at most: the statements' own bound (slot_asked_bounded). */
#define SLOT_DAYS_MAX 31

struct slot_query {
    const char *service_id;
    const char *from, *to;       /* the venue's dates, checked; NULL: today, and six days on */
    const char *resource_id;     /* NULL: every resource that serves it */
    const char *exclude_booking; /* one that moves: its own time counts as free; NULL: none */
    const char *auth_hash;       /* of the bearer, who must see that booking; or NULL */
    int64_t party_size;
    /* The page: behind this start on this resource; NULL: from the beginning. */
    const char *after_resource;
    struct wall after_start;
    size_t limit; /* at least 1 */
};
struct slot_item {
    struct wall starts_at, ends_at;
    struct uuid resource_id;
    int64_t available; /* capacity less the peak of people in its time */
};
struct slot_page {
    const struct slot_item *items; /* by start, then resource */
    size_t n;
    bool more;
};
/* ERR_NOT_FOUND: no such active service, no such resource in its venue, or a booking that the
 * bearer does not see. ERR_VALIDATION: the range is negative or longer than SLOT_DAYS_MAX. */
enum err slot_search(struct svc *s, const struct slot_query *q, struct slot_page *out) MUST_CHECK;

struct slot_day {
    const char *date;
    int64_t starts;    /* what slot_search would list for it */
    struct wall first; /* of these; only when there are any */
};
/* A row per day of the range, without limit and cursor. Errors as slot_search(). */
enum err slot_search_days(struct svc *s, const struct slot_query *q, struct slot_day **days,
                          size_t *n) MUST_CHECK;

#endif
