/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* A booking with all that is said of it, as every statement with the fragment booking_whole reads
 * it. */
#ifndef BOOKINGD_SVC_BOOKING_ROW_H
#define BOOKINGD_SVC_BOOKING_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/states.h"
#include "svc/booking_name.h"
#include "svc/svc.h"

struct booking {
    struct uuid id, venue_id, service_id, resource_id, customer_id;
    enum booking_state state; /* effective: a dead hold is expired */
    bool dead_hold;           /* expired by the clock, and the keeper has not come by yet */
    int64_t version;
    struct wall starts_at, ends_at, created_at;
    int64_t party_size, amount;
    int64_t deposit;                   /* the part of amount that is paid online; -1: all of it */
    const char *currency, *payment;    /* payment: "none", "online", "on_site" */
    const char *note, *staff_note;     /* may be NULL */
    const char *guest_name;            /* who comes, as staff wrote it; NULL: the customer */
    const char *reason;                /* of the last change that had one; or NULL */
    const char *made_by;               /* "customer", "staff" */
    const char *forced;                /* rules that staff passed over: "hours,grid"; "" */
    bool resource_chosen;              /* or any would have done */
    bool has_customer;                 /* a guest without a phone has none */
    int64_t free_cancellation_minutes; /* before the start; the rule under which it was made */
    bool has_hold, has_cancelled;      /* whether the next two are there */
    struct wall hold_expires_at, cancelled_at;
    const char *phone, *name; /* the customer's; NULL: erased, or never told */
    bool booked_here;   /* the customer has booked in this venue themselves: it knows the name */
    enum locale locale; /* of its notifications */
    struct booking_name service, venue, resource;
    enum locale venue_locale;            /* of a name for who asks for no language */
    const char *starts_wall, *ends_wall; /* for notifications; wall time of the venue */
    struct wall read_at;                 /* now() of the transaction that read it */
    struct wall free_cancel_until;       /* by the rule that the booking keeps */
    bool has_ended;                      /* completed or no-show was marked, at: */
    struct wall ended_at;
};

/* What of its price is paid online, and what on site; minor units. */
int64_t booking_due_online(const struct booking *bk);
int64_t booking_due_on_site(const struct booking *bk);

#endif
