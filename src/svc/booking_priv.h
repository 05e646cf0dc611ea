/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Shared by the files of the booking service. */
#ifndef BOOKINGD_SVC_BOOKING_PRIV_H
#define BOOKINGD_SVC_BOOKING_PRIV_H

#include "domain/metrics.h"
#include "svc/booking.h"
#include "svc/notification.h"

/* A whole booking with what notices and views say of it, for booking_read(): SELECT BOOKING_COLUMNS
 * BOOKING_TABLES WHERE ... */
#define BOOKING_COLUMNS                                                                            \
    " b.id, b.venue_id, b.service_id, b.resource_id, b.customer_id, b.version, b.party_size, "     \
    "b.amount, b.currency,"                                                                        \
    " b.note, booking_status(b.status, b.hold_expires_at) AS state, b.status AS stored,"           \
    " " DB_US("b.starts_at") " AS starts_us, " DB_US(                                              \
        "b.ends_at") " AS ends_us,"                                                                \
                     " " DB_US("b.hold_expires_at") " AS hold_us, " DB_US(                         \
                         "b.cancelled_at") " AS cancelled_us,"                                     \
                                           " " DB_US("b.created_at") " AS created_us, " DB_US(     \
                                               "now()") " AS read_us,"                             \
                                                        " " DB_US(                                 \
                                                            "b.starts_at - "                       \
                                                            "s.free_cancellation_minutes * "       \
                                                            "interval '1 "                         \
                                                            "minute'") " AS free_us,"              \
                                                                       " to_char(b.starts_at AT "  \
                                                                       "TIME ZONE "                \
                                                                       "v.time_zone, 'YYYY-MM-DD " \
                                                                       "HH24:MI') AS "             \
                                                                       "starts_wall,"              \
                                                                       " to_char(b.ends_at AT "    \
                                                                       "TIME ZONE v.time_zone, "   \
                                                                       "'YYYY-MM-DD HH24:MI') AS " \
                                                                       "ends_wall,"                \
                                                                       " c.phone, c.name AS "      \
                                                                       "customer_name, c.locale, " \
                                                                       "s.name AS service, "       \
                                                                       "v.name AS venue, r.name "  \
                                                                       "AS resource"
#define BOOKING_TABLES                                                                             \
    " FROM bookings b JOIN customers c ON c.id = b.customer_id JOIN venues v ON v.id = b.venue_id" \
    " JOIN services s ON s.venue_id = b.venue_id AND s.id = b.service_id"                          \
    " JOIN resources r ON r.venue_id = b.venue_id AND r.id = b.resource_id"

/* The booking that a caller may change: $1 its id, $2 its customer or NULL, $3 the only venue or
 * NULL. */
#define BOOKING_IN_SCOPE                                                                         \
    " b.id = $1::uuid AND ($2::uuid IS NULL OR b.customer_id = $2::uuid) AND ($3::uuid IS NULL " \
    "OR b.venue_id = "                                                                           \
    "$3::uuid)"
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
    const struct booking_caller *caller; /* NULL: the keeper */
    const struct booking *now;           /* as it is after the change */
    const char *actor;                   /* when there is no caller; NULL: the keeper */
    const char *from, *reason;           /* state before, NULL: made now; reason may be NULL */
    const char *audit;                   /* action, for staff */
    enum notice_template notice;         /* NOTICE_COUNT: none */
    enum booking_outcome outcome;
};
/* The units of a booking: every change of them is made under the resource's lock. Parameters: a
 * scope. */
extern const struct db_stmt booking_lock_resource, booking_free_units;
/* $1 venue, $2 id, $3 state */
extern const struct db_stmt booking_set_state;
/* Fills a notice about the booking; `number` tells events of one template apart. False: an erased
 * customer, who is told nothing. */
bool booking_notification(const struct booking *bk, enum notice_template t, int64_t number,
                          struct notification *n);
/* Adds history, audit, notice and the caller's own to the committing batch, runs it, counts, sends
 * the notice. */
enum err booking_finish(struct svc *s, struct db_batch *b,
                        const struct booking_change *c) MUST_CHECK;

#endif
