/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Customers: one row per phone number, made at the first sign-in or the first booking by staff,
 * emptied on erasure. */
#ifndef BOOKINGD_SVC_CUSTOMER_H
#define BOOKINGD_SVC_CUSTOMER_H

#include "svc/svc.h"

struct customer {
    const char *id, *phone;
    const char *name; /* NULL: not known */
    enum locale locale;
    struct wall created_at;
};

/* From a row with the columns of the fragment customer_columns. */
void customer_read(struct db_rows rows, int row, struct customer *out);

/* Arabic for a name that is not known. */
enum locale customer_locale(const char *name);

/* Changes what is not NULL. ERR_UNAUTHORIZED: erased meanwhile. */
enum err customer_update(struct svc *s, const char *id, const char *name, const enum locale *locale,
                         struct customer *out) MUST_CHECK;
/*
 * Removes name and phone from every table, ends all sessions. ERR_BOOKINGS_ACTIVE while a booking
 * that is confirmed or held lies ahead. Bookings and payments stay, without them.
 */
enum err customer_erase(struct svc *s, const char *id) MUST_CHECK;

#endif
