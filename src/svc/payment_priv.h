/* Shared by the files of the payment service. */
#ifndef BOOKINGD_SVC_PAYMENT_PRIV_H
#define BOOKINGD_SVC_PAYMENT_PRIV_H

#include "ext/pay.h"
#include "svc/payment.h"

#define PAYMENT_COLUMNS                                                                                                \
    " p.id, p.venue_id, p.booking_id, p.status, p.amount, p.refunded_amount, p.currency, p.gateway_id, p.charge_id,"   \
    " p.redirect_url, p.return_url, p.surplus, p.status = 'creating' AND p.next_check_at > now() AS in_hand, " DB_US(  \
        "p.created_at") " AS created_us, " DB_US("p.invoice_expires_at") " AS expires_us, " DB_US("now()") " AS read_us"

/* What every call to the gateway needs, within the deadline less what storing the result takes. */
struct pay_call payment_call(struct svc *s);
/* Adds the row of the payment's history. from NULL: made now. */
void payment_add_history(struct svc *s, struct db_batch *b, const struct payment *p, const char *from, const char *actor, const char *reason);
/* Locks and loads; result rows for payment_read(). */
int payment_add_lock(struct db_batch *b, const char *id);
/* An act of the service itself (no staff key): the audit row. */
void payment_add_audit(struct svc *s, struct db_batch *b, const struct payment *p, const char *actor, const char *action, const char *detail);
/* ERR_DEADLINE of a call that was not tried is the client's provider_timeout? No: its own deadline_exceeded. Fills *fault. */
enum err payment_failed(const struct pay_outcome *o, const char *payment_id, struct payment_fault *fault);

/* Applies to the booking that its payment came (in an open transaction that has locked booking and payment). */
struct paid_effect {
    bool confirmed; /* the booking became confirmed now */
    bool taken;     /* the payment stands for the booking; false: surplus */
};
/* Locks the booking of a payment first, then the payment: the order of all payment transactions. Both loaded. */
struct payment_locked {
    struct booking booking;
    struct payment payment;
    bool other_paid; /* another payment of the booking stands for it */
};
enum err payment_begin(struct svc *s, const char *payment_id, struct payment_locked *out) MUST_CHECK;

#endif
