/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Bookings: made, moved, ended and read (BEHAVIOUR §5). A function that changes a booking runs its
 * own transaction (lock order: customer, booking, resources by id), commits, and only then sends
 * the notification. It touches the database at most twice before the notification and once after
 * it. Errors name the reason (ERR_SLOT_TAKEN, ERR_VERSION_MISMATCH ...); database errors pass
 * through.
 */
#ifndef BOOKINGD_SVC_BOOKING_H
#define BOOKINGD_SVC_BOOKING_H

#include <stdbool.h>
#include <stdint.h>

#include "domain/states.h"
#include "svc/booking_row.h"
#include "svc/svc.h"

/*
 * Called when everything of a change but COMMIT is in the batch, with the booking as it will be:
 * the caller adds what must commit together with it (the stored answer of an Idempotency-Key).
 */
typedef void (*booking_commit_fn)(void *arg, struct db_batch *b, const struct booking *bk);
struct booking_caller {
    const struct principal *who;
    booking_commit_fn on_commit; /* NULL: nothing to add */
    void *arg;
};

/* How a booking of staff is paid; a customer's follows the service. PAY_AS_SERVICE: what is paid
 * online by a link where one can be sent (a phone, a start that is ahead), else on site. */
enum booking_pay_mode { PAY_AS_SERVICE, PAY_LINK, PAY_ON_SITE, PAY_NOTHING };

struct booking_order {
    const char *venue_id;                 /* the venue that the service must be of; NULL: any */
    const char *service_id, *resource_id; /* resource NULL: any that is free */
    struct wall starts_at;
    int64_t party_size;
    const char *note; /* or NULL */
    /* staff only */
    const char *phone;      /* E.164 of the customer, who is made when unknown; NULL: a guest */
    const char *guest_name; /* who comes; names a customer who is made; or NULL */
    const char *locale;     /* of the notifications, and of a customer who is made; or NULL */
    const char *staff_note; /* or NULL */
    unsigned force;         /* enum slot_force: rules to pass over */
    enum booking_pay_mode pay;
};
/*
 * One path for customers and staff (who->kind). Staff are not held to
 * bookings.max_active_per_customer, which protects against customers, and may begin up to 24 hours
 * in the past (a walk-in). ERR_NOT_FOUND: no such active service, or a resource that cannot serve
 * it; ERR_SLOT_NOT_OFFERED: a rule is against it, and s->detail says which; ERR_BOOKING_LIMIT;
 * ERR_SLOT_TAKEN: people and party together would exceed the capacity at some moment. Of several
 * free resources it takes the one with the fewest booked minutes on that local day, then the lowest
 * id.
 */
enum err booking_create(struct svc *s, const struct booking_caller *c,
                        const struct booking_order *o, struct booking *out) MUST_CHECK;

enum booking_resource_choice {
    RESOURCE_KEEP, /* a chosen one stays; else the present one if it is free, else any */
    RESOURCE_ANY,
    RESOURCE_THIS
};
struct booking_move {
    const char *id;
    struct versions match; /* If-Match; zeroed: any */
    struct wall starts_at;
    enum booking_resource_choice choice;
    const char *resource_id; /* for RESOURCE_THIS */
    unsigned force;          /* staff: enum slot_force */
};
/* A booking of the customer's own, or one that the staff key may change. ERR_NOT_FOUND,
 * ERR_VERSION_MISMATCH, ERR_BOOKING_NOT_ACTIVE (also once it has begun), ERR_CANCELLATION_CLOSED
 * (customers), then as booking_create. */
enum err booking_reschedule(struct svc *s, const struct booking_caller *c,
                            const struct booking_move *m, struct booking *out) MUST_CHECK;

/* What staff may change of a booking without moving it; what is not set stays. */
struct booking_edit {
    const char *id;
    struct versions match;
    bool has_note, has_staff_note, has_guest_name, has_party_size;
    const char *note, *staff_note, *guest_name; /* NULL: none from now on */
    int64_t party_size;
};
/* Whether the edit would leave nobody who comes: a guest without an account needs a name. */
bool booking_edit_is_nameless(const struct booking_edit *edit, const struct booking *bk);
/* ERR_NOT_FOUND, ERR_VERSION_MISMATCH, ERR_VALIDATION when it is nameless; for the party also
 * ERR_BOOKING_NOT_ACTIVE, ERR_SLOT_NOT_OFFERED, ERR_SLOT_TAKEN, and ERR_VALIDATION when its price
 * is no number any more. */
enum err booking_edit(struct svc *s, const struct booking_caller *c,
                      const struct booking_edit *edit, struct booking *out) MUST_CHECK;

/* What a customer may still do with a booking of theirs: cancel and move, until the deadline for
 * free cancellation; an unpaid hold until its start. ERR_OK, ERR_BOOKING_NOT_ACTIVE,
 * ERR_CANCELLATION_CLOSED. Every route asks here. */
enum err booking_customer_may(const struct booking *bk) MUST_CHECK;

struct booking_transition {
    const char *id;
    struct versions match; /* If-Match; zeroed: any */
    enum booking_state to; /* CONFIRMED, CANCELLED, COMPLETED, NO_SHOW */
    bool reopen;           /* undo a completed or no-show of the last 7 days: to CONFIRMED */
    const char *reason;    /* for the history; or NULL */
    /* A query of the booking's id ($1), run under its lock: rows stand against the step,
     * ERR_DB_RETRY. NULL: none. */
    const struct db_stmt *unless;
    const char *request_key; /* names the request's Idempotency-Key, for refund_request_cancel();
                                NULL: none */
};
/*
 * The customer may only cancel, as booking_customer_may() says. Completed and no-show need the
 * start to have passed. ERR_NOT_FOUND, ERR_VERSION_MISMATCH, ERR_BOOKING_NOT_ACTIVE (s->detail may
 * say why), ERR_SLOT_TAKEN (reopen: others have the place).
 */
enum err booking_move_on(struct svc *s, const struct booking_caller *c,
                         const struct booking_transition *t, struct booking *out) MUST_CHECK;

/* Ends up to `limit` holds whose time has passed, while there is time to tell the customers. Skips
 * what others are at work on. For the keeper. */
enum err booking_expire_due(struct svc *s, unsigned limit, unsigned *done) MUST_CHECK;

#endif
