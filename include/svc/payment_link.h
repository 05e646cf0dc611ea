/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Links by which callers pay for what staff booked (BEHAVIOUR §6). */
#ifndef BOOKINGD_SVC_PAYMENT_LINK_H
#define BOOKINGD_SVC_PAYMENT_LINK_H

#include "svc/payment.h"

/* What staff order when a caller shall pay by a link. */
struct payment_link_order {
    const struct principal *who;
    const struct booking *booking; /* as read or made: the text speaks of it */
    const char *return_url;        /* or NULL: see struct payment_order */
    payment_commit_fn on_commit;   /* called with what is about to be committed */
    void *arg;
};
/*
 * Opens the booking's payment, as payment_open(), and sends its address in an SMS (template
 * payment_link). Each call sends one. That the SMS was not sent is no error: its notification says
 * so. ERR_BOOKING_NOT_PAYABLE also for a guest without a phone.
 */
enum err payment_send_link(struct svc *s, const struct payment_link_order *o,
                           struct payment_opened *out) MUST_CHECK;

#endif
