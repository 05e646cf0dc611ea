/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Refunds that somebody asks for, for the handlers: staff, and a customer who cancels what was
 * paid. Here it is decided under the locks whether a refund may be made, and its row is written;
 * refund.c carries it out.
 */
#include <string.h>

#include "refund_priv.h"
#include "svc/booking_pay.h"
#include "svc/booking_reads.h"
#include "svc/ratelimit.h"
#include "svc/svc_sql.h"

/* What is asked for: staff give an amount or 0, a customer's cancelling all. */
struct refund_request {
    const struct principal *who;
    const struct payment *payment;
    int64_t amount; /* 0: all that is left */
    const char *reason;
    const char *key;                             /* NULL: without a key */
    const struct booking_transition *cancelling; /* NULL: the booking stays */
    struct refund_caller caller;
};

enum request_way {
    REQUEST_MAKE,    /* a new refund: its row is written */
    REQUEST_RESOLVE, /* find out about the earlier one */
    REQUEST_WAIT,    /* the keeper asks for the earlier one again: its outcome is still open */
    REQUEST_REPORT   /* it was done under the same key: answer as the first call would have */
};
struct request_work {
    enum request_way way;
    struct refund refund;
};

/* Another refund is under way. When it is the same that is asked for again, and no process is
 * calling the gateway for it, its outcome can be found out. */
static bool request_is_repeat(const struct refund_request *q, const struct refund *r)
{
    bool same = q->amount == 0 ? r->whole : !r->whole && r->amount == q->amount;
    return same && !r->locked_by_caller && r->cancels_booking == (q->cancelling != NULL);
}

/* May it be given back, and how much of it? `earlier`: the refund that is under way, or was done
 * under the same key; NULL: none. No I/O. */
static enum err request_decide(const struct refund_request *q, const struct payment_locked *ours,
                               const struct refund *earlier, enum request_way *way, bool *retryable)
{
    /* The order matters: what is done already is told before it is asked whether it could be
     * done. */
    const struct payment *p = &ours->payment;
    const bool wanted = earlier != NULL && earlier->state == REFUND_WANTED;
    const bool repeat = earlier != NULL && request_is_repeat(q, earlier);
    /* Staff are quicker than the keeper: what it would ask for again is theirs to ask for. */
    const bool taken_over = wanted && q->who->kind == WHO_STAFF;
    *way = earlier == NULL || taken_over   ? REQUEST_MAKE
           : earlier->state == REFUND_DONE ? REQUEST_REPORT
           : wanted                        ? REQUEST_WAIT
                                           : REQUEST_RESOLVE;
    if (*way == REQUEST_REPORT) /* also when nothing could be refunded any more: it was done */
        return ERR_OK;
    /* The keeper gives an unmatched charge back whole; staff cannot be quicker than that. */
    if (p->charge_id == NULL || p->unmatched ||
        (p->state != PAYMENT_PAID && p->state != PAYMENT_PARTIALLY_REFUNDED &&
         p->state != PAYMENT_MISMATCH))
        return ERR_PAYMENT_NOT_REFUNDABLE;
    /* What is not what was asked for goes back whole, or is accepted. */
    if (p->state == PAYMENT_MISMATCH ? q->amount != 0 : q->amount > p->amount - p->refunded)
        return ERR_VALIDATION;
    /* The deadline was judged when it was first asked for: a repeat is no new wish. */
    if (*way != REQUEST_MAKE && repeat)
        return ERR_OK;
    enum err e =
        q->cancelling ? booking_cancel_check(q->who, &ours->booking, q->cancelling) : ERR_OK;
    if (e != ERR_OK || *way == REQUEST_MAKE)
        return e;
    *retryable = true;
    return ERR_PAYMENT_NOT_REFUNDABLE;
}

/* Committed before the gateway is asked: from here on a process that dies leaves a row from which
 * the keeper finds out what happened. */
static enum err request_write_row(struct svc *s, const struct refund_request *q,
                                  const struct payment *p, struct refund *r)
{
    *r = (struct refund){.id = uuid_new(),
                         .venue_id = p->venue_id,
                         .payment_id = p->id,
                         .state = REFUND_CALLING,
                         .charge_id = p->charge_id,
                         .amount = q->amount > 0 ? q->amount : payment_whole(p) - p->refunded,
                         .before = p->refunded,
                         .whole = q->amount == 0,
                         .actor = q->who->actor,
                         .reason = q->reason,
                         .cancels_booking = q->cancelling != NULL || p->state == PAYMENT_MISMATCH};
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(b, &stmt_refund_add, r->venue_id.s, r->id.s, r->payment_id.s, r->charge_id,
           db_int(b, r->amount), db_int(b, r->before), db_bool(r->whole),
           db_bool(r->cancels_booking), r->actor, r->reason, s->request_id,
           db_int(b, payment_claim_s(s)), q->key);
    return db_run(b, s->deadline);
}

/* One transaction: what is to be done. With REQUEST_MAKE the row is written; with REQUEST_REPORT
 * the caller's answer is stored. */
static enum err request_begin(struct svc *s, const struct refund_request *q, struct request_work *w,
                              struct payment_fault *fault)
{
    /* The caller's copy of the payment may be old: what counts is read again under the locks. */
    struct payment_locked ours;
    enum err e = payment_lock_rows(s, q->payment, &ours);
    if (e != ERR_OK)
        return e;
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    int change = q->cancelling ? rate_add_change(s, b, q->who, RATE_CHANGE_BOOKING) : -1;
    int i = DB_ADD(b, &stmt_refund_earlier, ours.payment.venue_id.s, ours.payment.id.s, q->key);
    e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    /* Under the payment's lock: a refund that another process begins now waits for this one's
     * row. */
    bool earlier = db_count(db_result(b, i)) > 0;
    if (earlier)
        refund_read(db_result(b, i), &w->refund);
    e = request_decide(q, &ours, earlier ? &w->refund : NULL, &w->way, &fault->retryable);
    if (e == ERR_PAYMENT_NOT_REFUNDABLE && fault->retryable)
        s->detail = "Another refund of this payment is under way, and its outcome is not known.";
    if (e == ERR_OK && w->way == REQUEST_MAKE) /* a repeat is no second change */
        e = rate_change_allowed(s, b, change);
    if (e == ERR_OK && w->way == REQUEST_MAKE && earlier) {
        b = db_batch(s->db, s->arena, DB_IN_TX);
        DB_ADD(b, &stmt_refund_take_over, w->refund.venue_id.s, w->refund.id.s);
        e = db_run(b, s->deadline);
    }
    if (e == ERR_OK && w->way == REQUEST_MAKE)
        return request_write_row(s, q, &ours.payment, &w->refund);
    if (e == ERR_OK && w->way == REQUEST_REPORT) {
        b = db_batch(s->db, s->arena, DB_COMMIT);
        refund_add_answer(&q->caller, b, &ours.payment, w->refund.amount, &ours.booking);
        return db_run(b, s->deadline);
    }
    db_clean(s->db, s->deadline);
    return e;
}

/* The row is committed before the gateway is called, and no transaction is open during the call. */
static enum err request_carry_out(struct svc *s, const struct refund_request *q,
                                  struct payment_fault *fault)
{
    /* Before a row is written: it would wait for a gateway that is not there. */
    if (!payment_configured(s))
        return ERR_PROVIDER_UNAVAILABLE;
    struct request_work w;
    struct ext_result o = {.err = ERR_OK};
    enum err e = request_begin(s, q, &w, fault);
    /* The keeper was quicker after all: its refund of the payment is under way. */
    if (e == ERR_DB_UNIQUE)
        return ERR_PAYMENT_NOT_REFUNDABLE;
    if (e != ERR_OK || w.way == REQUEST_REPORT)
        return e;
    if (w.way == REQUEST_WAIT)
        o = (struct ext_result){
            .err = ERR_PROVIDER_FAILED, .outcome = OUTCOME_UNKNOWN, .detail = "asked for again"};
    else
        e = w.way == REQUEST_RESOLVE ? refund_resolve(s, &w.refund, &q->caller, q->payment, &o)
                                     : refund_make(s, &w.refund, &q->caller, q->payment, &o);
    /* What the gateway said comes first; what could not be stored of it, the keeper finds out. */
    return o.err != ERR_OK ? payment_gateway_fault(s, &o, q->payment, fault) : e;
}

/* What staff ask for leaves the booking as it is; they cancel it separately. */
enum err refund_request_staff(struct svc *s, const struct principal *who,
                              const struct refund_order *o, struct payment_fault *fault)
{
    *fault = (struct payment_fault){.unknown = false};
    const struct refund_request q = {.who = who,
                                     .payment = o->payment,
                                     .amount = o->amount,
                                     .reason = o->reason,
                                     .key = o->request_key,
                                     .caller = {.order = o}};
    return request_carry_out(s, &q, fault);
}

/* ---- cancelling ---- */

/* Whether the caller may see the booking at all. */
static bool request_is_theirs(const struct principal *who, const struct booking *bk)
{
    if (who->kind == WHO_STAFF)
        return !who->one_venue || strcmp(bk->venue_id.s, who->venue_id.s) == 0;
    return strcmp(bk->customer_id.s, who->id.s) == 0;
}

/* Without a refund. Money that arrives now must not be lost: the condition is checked under the
 * booking's lock. Staff that keep the money know of it. */
static enum err request_cancel_unpaid(struct svc *s, const struct refund_cancelling *how,
                                      struct booking *out)
{
    struct booking_transition unpaid = *how->transition;
    /* A part of nothing cannot be given back: whoever asks for it believes that it was paid. */
    if (how->kind == REFUND_PART)
        return ERR_PAYMENT_NOT_REFUNDABLE;
    if (how->kind == REFUND_FULL)
        unpaid.unless = &stmt_payment_paid_of;
    return booking_move_on(s, how->caller, &unpaid, out);
}

/* The same request began it, and the keeper ended it: the answer is owed. */
static enum err request_tell_done(struct svc *s, const struct refund_caller *caller,
                                  struct db_rows done, const struct booking *bk)
{
    struct payment p;
    payment_read(done, 0, &p);
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    refund_add_answer(caller, b, &p, db_get_int(done, 0, "refund_amount"), bk);
    return db_run(b, s->deadline);
}

/* Which way a cancelling goes depends on whether the booking is paid, and that may change between
 * looking and locking. One attempt. ERR_DB_RETRY: it was paid while we looked. */
static enum err request_cancel_once(struct svc *s, const struct refund_cancelling *how,
                                    struct booking *out, struct payment_fault *fault)
{
    const struct booking_transition *t = how->transition;
    const struct principal *who = how->caller->who;
    const struct refund_caller caller = {
        .canceller = how->caller, .booking = out, .told = how->told};
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int loaded = booking_add_find_any(b, t->id);
    int found = DB_ADD(b, &stmt_payment_paid_of, t->id);
    int done = DB_ADD(b, &stmt_refund_done_under, t->id, t->request_key);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct booking bk = {.version = 0};
    if (db_count(db_result(b, loaded)) == 1)
        booking_read(db_result(b, loaded), 0, &bk);
    /* One answer for both: nobody learns of a booking that is not theirs. */
    if (bk.version == 0 || !request_is_theirs(who, &bk))
        return ERR_NOT_FOUND;
    if (db_count(db_result(b, done)) > 0)
        return request_tell_done(s, &caller, db_result(b, done), &bk);
    struct payment p;
    bool paid = db_count(db_result(b, found)) > 0;
    if (paid) {
        payment_read(db_result(b, found), 0, &p);
        refund_tell(&caller, &p, 0);
    }
    if (!paid || how->kind == REFUND_NONE)
        return request_cancel_unpaid(s, how, out);
    /* A customer gets the whole of what is left, whatever staff have refunded before. */
    const struct refund_request q = {.who = who,
                                     .payment = &p,
                                     .amount = how->kind == REFUND_PART ? how->amount : 0,
                                     .reason = t->reason,
                                     .key = t->request_key,
                                     .cancelling = t,
                                     .caller = caller};
    e = request_carry_out(s, &q, fault);
    /* To a customer the booking is being cancelled, or its money goes back. */
    return e == ERR_PAYMENT_NOT_REFUNDABLE && who->kind == WHO_CUSTOMER ? ERR_BOOKING_NOT_ACTIVE
                                                                        : e;
}

enum err refund_request_cancel(struct svc *s, const struct refund_cancelling *how,
                               struct booking *out, struct payment_fault *fault)
{
    *fault = (struct payment_fault){.unknown = false};
    if (how->told)
        *how->told = (struct refund_told){.paid = false};
    enum err e;
    int attempt = 0;
    do {
        e = request_cancel_once(s, how, out, fault);
    } while (svc_may_retry(s, e, &attempt));
    return e;
}

/* For the page of one booking: a booking has few refunds, so there are no pages. */
int refund_add_list(struct db_batch *b, const char *key_hash, const char *booking_id)
{
    return DB_ADD(b, &stmt_refund_list, key_hash, booking_id);
}
