/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Facts about free starts, from the database to domain/slots.h. For svc/slot_search.c and
 * svc/booking_place.c alone. */
#ifndef BOOKINGD_SVC_SLOT_FACTS_H
#define BOOKINGD_SVC_SLOT_FACTS_H

#include "domain/slots.h"
#include "svc/booking_reads.h"

/* What the facts are asked for. Times are text for the statements. */
struct slot_question {
    const char *service_id;  /* NULL: that of the booking */
    const char *booking_id;  /* left out of account; NULL: none */
    const char *resource_id; /* NULL: all that serve it */
    const char *starts_at;   /* one start; NULL: the days */
    const char *from, *to;   /* the venue's dates; NULL: today, and six days on */
};
/* Indices of the results in the batch. */
struct slot_results {
    int service, resources, times;
};

struct slot_candidate {
    struct uuid id;
    struct booking_name name;
    int64_t booked_us; /* on the local day of the one start */
    struct slot_resource facts;
};
struct slot_facts {
    struct uuid venue_id, service_id;
    struct booking_name service, venue;
    enum locale venue_locale;
    const char *currency, *payment;
    bool active, resource_known;
    int64_t price, free_cancellation_minutes;
    int64_t deposit_amount, deposit_percent; /* see money_deposit() */
    int64_t max_party_size;                  /* 0: no limit */
    int64_t days;                            /* of the range, the first one not counted */
    int64_t now_us;                          /* of the transaction */
    int64_t begins_us, ends_us;              /* the range, or the one start twice */
    const char *starts_wall, *ends_wall;     /* of the one start, local; NULL without one */
    struct slot_rule rule;                   /* party 1: the caller sets it */
    struct slot_candidate *candidates;       /* by id */
    size_t candidates_n;
};

/* Adds the three statements; they cost no round trip of their own. */
void slot_facts_add(struct db_batch *b, const struct slot_question *q, struct slot_results *out);
/* Reads them after the batch has run; all on the arena. ERR_NOT_FOUND: no such service, whether
 * active or not. */
enum err slot_facts_read(struct arena *a, struct db_batch *b, const struct slot_results *r,
                         struct slot_facts *out) MUST_CHECK;

#endif
