/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Lists of payments for staff, newest first. */
#ifndef BOOKINGD_SVC_PAYMENT_LIST_H
#define BOOKINGD_SVC_PAYMENT_LIST_H

#include "svc/payment.h"

/* What is listed; what is NULL does not limit it. */
struct payment_filter {
    const char *status; /* its word */
    const char *booking_id, *venue_id;
    const char *from, *to; /* the venue's dates of the day on which it was opened, both included */
    const char *after_created, *after_id; /* cursor */
    int64_t limit;                        /* most rows */
};
/* Adds the list that the staff key with the hash may see; returns the result's index. Each row is
 * for payment_read() and payment_read_listed(). */
int payment_add_list(struct db_batch *b, const char *key_hash, const struct payment_filter *f);

/* What a row tells beside the payment; texts live as long as the batch's arena. */
struct payment_listed {
    const char *booking_state, *service;
    struct wall starts_at;
};
void payment_read_listed(struct db_rows rows, int row, struct payment_listed *out);

#endif
