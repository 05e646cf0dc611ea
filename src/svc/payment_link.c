/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The link by which a caller pays for what staff booked: a payment of the booking, and an SMS with
 * its address. Called by the handlers of staff bookings. The payment's failures reach the caller,
 * as any payment's do; those of the SMS never do (BEHAVIOUR §1).
 */
#include "svc/payment_link.h"

#include "svc/booking_pay.h"

/* What is sent, and whether its row is written: it commits with the payment that it tells of, so
 * that no link is sent to a payment that was not stored. */
struct link_message {
    struct svc *s;
    const struct payment_link_order *order;
    bool told;
    struct notification notification;
};

static void link_add_message(void *arg, struct db_batch *b, const struct payment *p)
{
    struct link_message *m = arg;
    const struct booking_link link = {
        .amount = p->amount, .currency = p->currency, .url = p->redirect_url};
    /* Paid meanwhile: there is nothing to ask for. */
    if (p->state == PAYMENT_INITIATED)
        m->told = booking_add_link(m->s, b, m->order->booking, &link, &m->notification);
    if (m->order->on_commit)
        m->order->on_commit(m->order->arg, b, p);
}

/* The payment was open before, so nothing is committed for it: the message's row has a transaction
 * of its own. */
static enum err link_commit_again(struct svc *s, struct link_message *m,
                                  struct payment_opened *opened)
{
    if (payment_was_paid(opened->payment.state))
        return ERR_BOOKING_NOT_PAYABLE;
    if (opened->payment.state != PAYMENT_INITIATED) { /* another request is making its invoice */
        opened->fault = (struct payment_fault){.retry_after_s = 1, .retryable = true};
        return ERR_PROVIDER_UNAVAILABLE;
    }
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    link_add_message(m, b, &opened->payment);
    return db_run(b, s->deadline);
}

enum err payment_send_link(struct svc *s, const struct payment_link_order *o,
                           struct payment_opened *out)
{
    *out = (struct payment_opened){.existed = false};
    if (!o->booking->phone)
        return ERR_BOOKING_NOT_PAYABLE;
    struct link_message m = {.s = s, .order = o};
    const struct payment_order order = {.who = o->who,
                                        .booking_id = o->booking->id.s,
                                        .return_url = o->return_url,
                                        .on_commit = link_add_message,
                                        .arg = &m};
    enum err e = payment_open(s, &order, out);
    if (e == ERR_OK && out->existed)
        e = link_commit_again(s, &m, out);
    if (e == ERR_OK && m.told)
        notification_deliver(s, &m.notification);
    return e;
}
