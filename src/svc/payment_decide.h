/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * What becomes of a payment, decided from facts alone: no I/O, no clock, no configuration. The
 * entry points (payment_open.c, payment_settle.c) gather the facts and carry out the plan. For the
 * payment service and its tests only.
 */
#ifndef BOOKINGD_SVC_PAYMENT_DECIDE_H
#define BOOKINGD_SVC_PAYMENT_DECIDE_H

#include "ext/pay.h"
#include "svc/payment.h"

/* What the gateway's object says differently from what we asked for; 0: nothing. */
enum gateway_difference { DIFFERS_AMOUNT = 1, DIFFERS_CURRENCY = 2, DIFFERS_REFERENCE = 4 };

struct gateway_invoice {
    const char *id, *url;
    enum pay_invoice_state state;
    unsigned differs; /* enum gateway_difference */
};
/* CHARGE_UNKNOWN: a status that we do not know. It counts neither as paid nor as pending, and it
 * hides no other charge. */
enum charge_state { CHARGE_PENDING, CHARGE_PAID, CHARGE_FAILED, CHARGE_UNKNOWN };
struct gateway_charge {
    const char *id;
    enum charge_state state;
    int64_t amount, refunded; /* minor units */
    const char *currency;
    const struct gateway_invoice *invoice; /* the one that it was listed under */
    unsigned differs;                      /* enum gateway_difference */
};
/* All that the gateway holds for one payment, the newest first. */
struct gateway_view {
    const struct gateway_invoice *invoices;
    size_t invoices_n;
    const struct gateway_charge *charges;
    size_t charges_n;
    /* The invoice whose state counts unless a charge paid; NULL: the gateway knows none. */
    const struct gateway_invoice *current;
    struct pay_odds odds; /* what of it all was not understood */
};

/* The answer to creating an invoice. */
struct gateway_made {
    struct pay_invoice invoice; /* when result.err is ERR_OK */
    struct ext_result result;
};

/* ---- our side, read under the locks ---- */

enum slot_answer { SLOT_NOT_ASKED, SLOT_TAKEN, SLOT_GONE };
struct payment_locked {
    struct booking booking;
    struct payment payment;
    bool other_paid;       /* another payment stands for the booking */
    bool refund_in_flight; /* of this payment */
    enum slot_answer slot; /* what PLAN_ASK_SLOT found out */
};

/* ---- the plan ---- */

enum plan_verdict {
    PLAN_LEAVE,    /* store nothing: a process is at work on it */
    PLAN_MISMATCH, /* store nothing but the mark: what is there is not ours, and nobody paid */
    PLAN_ASK_SLOT, /* try to take the booking's slot, then decide again with the answer */
    PLAN_STORE
};
/* PLAN_BOOKING_HOLD: its hold stays until staff decide. CANCEL: they did so at the gateway. */
enum plan_booking {
    PLAN_BOOKING_STAYS,
    PLAN_BOOKING_CONFIRM,
    PLAN_BOOKING_EXPIRE,
    PLAN_BOOKING_HOLD,
    PLAN_BOOKING_CANCEL
};
enum plan_audit {
    PLAN_AUDIT_NONE,
    PLAN_AUDIT_MISMATCH,
    PLAN_AUDIT_SETTLED, /* worth a row when nobody but the keeper asked */
    PLAN_AUDIT_REFUNDED_ELSEWHERE
};
/* A row of the history. `from` and `to` may be the same: a further part was refunded. */
struct payment_move {
    enum payment_state from, to;
    const char *reason;
};
/* A charge that no booking stands for, to be refunded by the keeper. */
struct planned_refund {
    const char *charge_id;
    int64_t amount, refunded_before;
    const char *reason;
};
/* Paid and at once found refunded: two rows of history. */
#define PLAN_MOVES_MAX 2
struct payment_plan {
    enum plan_verdict verdict;
    struct payment after; /* the row as it becomes; with PLAN_LEAVE and PLAN_MISMATCH as it is */
    struct payment_move moves[PLAN_MOVES_MAX];
    unsigned moves_n;
    int64_t next_check_s; /* from now; PAYMENT_DONE: nothing is left to ask */
    enum plan_booking booking;
    enum plan_audit audit;
    const struct planned_refund *refunds; /* on the arena */
    size_t refunds_n;
    enum settle_result result;
};
#define PAYMENT_DONE (-1)

/* What the gateway's view makes of the payment. `now` is the database's. The arena holds the
 * plan's refunds. */
struct payment_plan payment_decide(struct arena *a, const struct payment_locked *ours,
                                   const struct gateway_view *view, struct wall now);

/* What the answer to creating its invoice makes of the payment. PLAN_LEAVE: a hint was faster, and
 * what that found stands. */
struct payment_plan payment_decide_created(const struct payment_locked *ours,
                                           const struct gateway_made *made);

/* What a refund that was done makes of the payment; `total`: of the charge, by the gateway's word.
 * PLAN_LEAVE: the charge was not the one that pays, or all of it went back before. */
struct payment_plan payment_decide_refunded(const struct payment *p, const char *charge_id,
                                            int64_t total, const char *reason);

/* What staff's word that it is enough makes of one in MISMATCH. PLAN_ASK_SLOT, PLAN_STORE; *e is
 * ERR_SLOT_TAKEN or ERR_BOOKING_NOT_ACTIVE when the booking cannot stand. */
struct payment_plan payment_decide_accepted(const struct payment_locked *ours, enum err *e);

/* ---- opening ---- */

enum open_way {
    OPEN_CREATE, /* nothing is there: a row, then an invoice */
    OPEN_RESUME, /* an earlier call left something: find out what */
    OPEN_SHOW,   /* it waits to be paid */
    OPEN_WAIT    /* another process is calling the gateway for it */
};
/* `open` is the booking's open payment, NULL: none. ERR_BOOKING_NOT_PAYABLE. */
enum err payment_decide_open(const struct booking *bk, const struct payment *open, int64_t hold_ms,
                             enum open_way *way) MUST_CHECK;
/* When a new invoice for the booking ends: before its hold does. */
struct wall payment_invoice_end(const struct booking *bk, int64_t hold_ms);

/* ---- when the keeper asks ---- */

/* Seconds until it asks again: 2, 4, 8 ... at most 45. */
int64_t payment_backoff_s(int64_t checks);
/* When it looks next. `pending`: a charge was begun and not answered. PAYMENT_DONE: never. */
int64_t payment_next_check_s(const struct payment *p, bool pending, struct wall now);

#endif
