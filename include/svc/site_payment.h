/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Money that staff were given on site: it is written down, and changes nothing else. */
#ifndef BOOKINGD_SVC_SITE_PAYMENT_H
#define BOOKINGD_SVC_SITE_PAYMENT_H

#include "domain/states.h"
#include "svc/booking.h"

struct site_payment {
    struct uuid id, booking_id, venue_id;
    enum site_method method;
    int64_t amount; /* minor units */
    const char *currency, *actor;
    struct wall created_at;
};

/* Called with the row when it is about to be committed. */
typedef void (*site_payment_commit_fn)(void *arg, struct db_batch *b, const struct site_payment *p);
struct site_payment_order {
    const struct principal *who;
    const char *booking_id;
    enum site_method method;
    int64_t amount; /* minor units of the booking's currency */
    site_payment_commit_fn on_commit;
    void *arg;
};
/* Writes it down, with an audit row. ERR_NOT_FOUND; ERR_BOOKING_NOT_ACTIVE: nothing is owed for a
 * booking that was cancelled or has expired; database errors. */
enum err site_payment_record(struct svc *s, const struct site_payment_order *o) MUST_CHECK;

/* Adds the list of a booking's, oldest first, as the staff key may see it; returns the result's
 * index. */
int site_payment_add_list(struct db_batch *b, const char *key_hash, const char *booking_id);
/* Texts of *out live as long as the batch's arena. */
void site_payment_read(struct db_rows rows, int row, struct site_payment *out);

#endif
