/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Customers as staff see and change them. A key of one venue sees those who have a booking there,
 * keeps notes of its own about them, and changes the account itself only while no other venue knows
 * the customer.
 */
#ifndef BOOKINGD_SVC_CUSTOMER_STAFF_H
#define BOOKINGD_SVC_CUSTOMER_STAFF_H

#include "svc/booking_reads.h"
#include "svc/svc.h"

struct customer_seen {
    const char *id, *phone, *name, *guest_name, *note; /* names and note may be NULL */
    const char *locale;
    struct wall created_at, blocked_at;
    const char *created_us; /* for cursors */
    bool blocked;
    bool elsewhere; /* the key is of one venue, and another one knows the customer too */
};
/* For the first batch of a request; the statement's index. */
int customer_add_find_staff(struct db_batch *b, const char *key_hash, const char *id);
int customer_add_counts(struct db_batch *b, const char *key_hash, const char *id);
/* Rows for booking_read(), latest start first. */
int customer_add_bookings(struct db_batch *b, const char *key_hash, const char *id, int64_t rows);
struct customer_search {
    const char *phones; /* of phone_prefixes(); NULL: by name alone */
    const char *name;   /* a beginning; both NULL: everybody */
    const char *after_us, *after_id;
    int64_t rows;
};
int customer_add_search(struct db_batch *b, const char *key_hash, const struct customer_search *q);
void customer_read_seen(struct db_rows rows, int row, struct customer_seen *out);

struct customer_edit {
    const char *key_hash, *id;
    const char *name, *locale; /* NULL: stays */
    const bool *blocked;       /* NULL: stays. True ends all sessions at once */
    bool has_note;
    const char *note; /* NULL: none from now on */
};
/* Stores and audits; *out is what the key sees then. ERR_NOT_FOUND: erased meanwhile. */
enum err customer_edit(struct svc *s, const struct principal *who, const struct customer_edit *e,
                       struct customer_seen *out) MUST_CHECK;
/*
 * Bookings, notes and a block of `from` go to `into`, which keeps its phone, and its name if it has
 * one. Sessions of `from` end, its phone is free again, and it can be neither found nor used.
 * ERR_NOT_FOUND: one of them was erased or merged meanwhile.
 */
enum err customer_merge(struct svc *s, const struct principal *who, const char *from,
                        const char *into) MUST_CHECK;

#endif
