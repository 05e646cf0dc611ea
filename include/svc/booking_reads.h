/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reading bookings: statements for the first batch of a request, so that they cost no round trip of
 * their own. Each returns the index of its result. They hold only for the bearer whose token or key
 * has the hash, so that a stranger's statement finds nothing.
 */
#ifndef BOOKINGD_SVC_BOOKING_READS_H
#define BOOKINGD_SVC_BOOKING_READS_H

#include "svc/booking.h"

/* A booking of the customer, or one that the staff key may see: rows for booking_read(). Returns
 * the statement's index.
 */
int booking_add_find_mine(struct db_batch *b, const char *token_hash, const char *id);
int booking_add_find_staff(struct db_batch *b, const char *key_hash, const char *id);

struct booking_list {
    enum booking_state state;
    bool has_state;
    /* staff only; NULL: any */
    const char *venue_id; /* the calendar's */
    const char *states;   /* literal of text[] */
    const char *resource_id, *customer_id;
    const char *phones;    /* beginnings, as of phone_prefixes() */
    const char *text;      /* somewhere in names and notes */
    const char *from, *to; /* local dates, both included, that the booking's time meets */
    const char *after_start, *after_id; /* cursor; NULL: from the beginning */
    int64_t limit;                      /* rows asked for; ask for one more than a page holds */
};
/* The customer's own, latest start first. */
int booking_add_list_mine(struct db_batch *b, const char *token_hash, const struct booking_list *q);
/* The venue's, by start. */
int booking_add_list_staff(struct db_batch *b, const char *key_hash, const struct booking_list *q);
/* One row when the key may see the venue. */
int booking_add_venue_seen(struct db_batch *b, const char *key_hash, const char *venue_id);
void booking_read(struct db_rows rows, int row, struct booking *out);
/* Initialises a struct booking_name from the columns NAME, NAME_ar and NAME_en. */
#define BOOKING_READ_NAME(rows, row, name)                   \
    {                                                        \
        .plain = db_get_str((rows), (row), (name)), .in = {  \
            [LOCALE_AR] = db_get((rows), (row), name "_ar"), \
            [LOCALE_EN] = db_get((rows), (row), name "_en")  \
        }                                                    \
    }
/* Of a column `locale`; NULL is Arabic, which venues have at first. */
enum locale booking_locale_of(const char *name);

struct booking_event { /* a row of the history */
    struct wall at;
    const char *from, *to, *actor, *reason, *request_id; /* from, reason, request_id may be NULL */
};
int booking_add_history(struct db_batch *b, const char *key_hash, const char *id);
void booking_read_event(struct db_rows rows, int row, struct booking_event *out);

#endif
