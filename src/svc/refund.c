/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Carrying refunds out, for refund_request.c and the keeper. The gateway gives refunds no
 * identifier and knows no idempotency. So the row is written first and keeps all other refunds of
 * its payment away; then the gateway's running total is read, then the refund is asked for. After
 * an unknown outcome the total tells what happened, and time.
 */
#include <string.h>

#include "base/ensure.h"
#include "base/names.h"
#include "domain/metrics.h"
#include "refund_priv.h"
#include "svc/audit.h"
#include "svc/booking_pay.h"
#include "svc/svc_sql.h"
#include "sys/json.h"
#include "sys/log.h"

/* Refunds per run of the task: each costs two to three calls, and as many more come a second
 * later. */
#define REFUND_RUN_MAX 10
/* Two calls and storing; not begun with less than this left. */
#define REFUND_TIME_MIN_MS 2000

/* ---- rows ---- */

void refund_read(struct db_rows rows, struct refund *r)
{
    const char *status = db_get_str(rows, 0, "status");
    int state = name_find(refund_state_names, REFUND_STATE_COUNT, str_of(status));
    ENSURE(state >= 0); /* the table's CHECK lists the same names */
    *r = (struct refund){
        .id = db_get_uuid(rows, 0, "id"),
        .venue_id = db_get_uuid(rows, 0, "venue_id"),
        .payment_id = db_get_uuid(rows, 0, "payment_id"),
        .state = (enum refund_state)state,
        .charge_id = db_get_str(rows, 0, "charge_id"),
        .actor = db_get_str(rows, 0, "actor"),
        .reason = db_get(rows, 0, "reason"),
        .amount = db_get_int(rows, 0, "amount"),
        .before = db_get_int(rows, 0, "refunded_before"),
        .checks = db_get_int(rows, 0, "checks"),
        .whole = db_get_bool(rows, 0, "whole"),
        .cancels_booking = db_get_bool(rows, 0, "cancels_booking"),
        .unmatched = db_get_bool(rows, 0, "unmatched"),
        .total_is_final = db_get_bool(rows, 0, "total_is_final"),
        .locked_by_caller = db_get_bool(rows, 0, "locked_by_caller"),
    };
}

static int refund_add_state(struct db_batch *b, const struct refund *r, enum refund_state state,
                            const char *fault, int64_t next_check_s)
{
    return DB_ADD(b, &stmt_refund_set, r->venue_id.s, r->id.s, refund_state_names[state], fault,
                  db_int(b, next_check_s));
}

/* ---- the end of a refund ---- */

void refund_tell(const struct refund_caller *caller, const struct payment *p, int64_t amount)
{
    if (caller->told)
        *caller->told = (struct refund_told){.paid = true, .payment = *p, .amount = amount};
}

void refund_add_answer(const struct refund_caller *caller, struct db_batch *b,
                       const struct payment *p, int64_t amount, const struct booking *bk)
{
    refund_tell(caller, p, amount);
    if (caller->order && caller->order->on_commit)
        caller->order->on_commit(caller->order->arg, b, p);
    if (caller->canceller && caller->canceller->on_commit)
        caller->canceller->on_commit(caller->canceller->arg, b, bk);
    if (caller->booking)
        *caller->booking = *bk;
}

/* One row per refund, whoever asked for it: the history of the payment does not name the charge. */
static void refund_add_audit(struct svc *s, struct db_batch *b, const struct refund *r,
                             const struct payment *p)
{
    json_t *detail = json_obj(s->arena);
    json_put_int(s->arena, detail, "amount", r->amount);
    json_put_str(s->arena, detail, "charge", r->charge_id);
    payment_add_audit(s, b, p,
                      (struct audit){.actor = r->actor,
                                     .action = "payment.refund",
                                     .detail = db_str(b, json_text(s->arena, detail))});
}

/* Under the locks: marks the row as done. *mine false: somebody else has ended it meanwhile. */
static enum err refund_take_row(struct svc *s, const struct refund *r, bool *mine)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_IN_TX);
    int i = refund_add_state(b, r, REFUND_DONE, NULL, PAYMENT_DONE);
    enum err e = db_run(b, s->deadline);
    *mine = e == ERR_OK && db_affected(db_result(b, i)) == 1;
    return e;
}

/* In one transaction, so that a booking is never cancelled without its money going back. Stores one
 * that was done: the payment, the booking that ends with it, the caller's answer. */
static enum err refund_commit_done(struct svc *s, const struct refund *r, int64_t total,
                                   const struct refund_caller *caller, const struct payment *p)
{
    struct payment_locked ours;
    bool mine = false;
    enum err e = payment_lock_rows(s, p, &ours);
    if (e == ERR_OK)
        e = refund_take_row(s, r, &mine);
    if (e != ERR_OK)
        return e;
    if (!mine) {
        db_clean(s->db, s->deadline);
        return ERR_PAYMENT_NOT_REFUNDABLE;
    }
    struct booking *bk = &ours.booking;
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    struct payment_plan plan =
        payment_decide_refunded(&ours.payment, r->charge_id, total, r->reason);
    if (plan.verdict == PLAN_STORE)
        payment_add_plan(s, b, &plan, r->actor);
    if (r->unmatched)
        METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_SURPLUS);
    refund_add_audit(s, b, r, &plan.after);
    const struct booking_refunded how = {.caller = caller->canceller,
                                         .actor = r->actor,
                                         .reason = r->reason,
                                         .refund_id = r->id.s,
                                         .amount = r->amount,
                                         .currency = plan.after.currency};
    if (!r->cancels_booking ||
        (bk->state != BOOKING_CONFIRMED && bk->state != BOOKING_PENDING_PAYMENT)) {
        refund_add_answer(caller, b, &plan.after, r->amount, bk);
        return booking_commit_refunded(s, b, bk, &how);
    }
    /* The canceller's answer is added there, because it shows the booking as cancelled. */
    if (caller->order && caller->order->on_commit)
        caller->order->on_commit(caller->order->arg, b, &plan.after);
    refund_tell(caller, &plan.after, r->amount);
    e = booking_commit_cancelled(s, b, bk, &how);
    if (caller->booking)
        *caller->booking = *bk;
    return e;
}

/* For whoever asked: nobody waits for the answer any more. */
static void refund_add_failure_audit(struct svc *s, struct db_batch *b, const struct refund *r,
                                     const char *fault)
{
    json_t *detail = json_obj(s->arena);
    json_put_int(s->arena, detail, "amount", r->amount);
    json_put_str(s->arena, detail, "charge", r->charge_id);
    json_put_str(s->arena, detail, "fault", fault);
    json_put_bool(s->arena, detail, "cancels_booking", r->cancels_booking);
    audit_add(s, b,
              &(struct audit){.actor = actor_names[ACTOR_KEEPER],
                              .action = "payment.refund_failed",
                              .subject = r->payment_id.s,
                              .venue_id = r->venue_id.s,
                              .detail = db_str(b, json_text(s->arena, detail))});
}

/* Definitely not done: the booking stays as it was. `again`: the keeper asks for it once more,
 * after a look at the total. What was never in doubt is for the person who asked to ask for. */
static enum err refund_commit_failed(struct svc *s, const struct refund *r, const char *fault,
                                     bool again)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    again |= r->unmatched;
    if (!again || r->unmatched)
        METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_REFUND_FAILED);
    refund_add_state(b, r, again ? REFUND_WANTED : REFUND_FAILED, fault,
                     again ? payment_backoff_s(r->checks) : PAYMENT_DONE);
    if (!again && r->again)
        refund_add_failure_audit(s, b, r, fault);
    LOG(LOG_LEVEL_WARN, "refund.failed", F_STR("payment", r->payment_id.s),
        F_STR("refund", r->id.s), F_STR("reason", fault), F_INT("unmatched", r->unmatched),
        F_INT("again", again));
    return db_run(b, s->deadline);
}

/* It stays in flight and keeps others away: a second refund now could give the money back twice. */
static enum err refund_commit_unknown(struct svc *s, const struct refund *r, const char *fault)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    refund_add_state(b, r, REFUND_UNKNOWN, fault, payment_backoff_s(r->checks));
    LOG(LOG_LEVEL_WARN, "refund.unknown", F_STR("payment", r->payment_id.s),
        F_STR("refund", r->id.s), F_STR("reason", fault));
    return db_run(b, s->deadline);
}

/* ---- the gateway ---- */

/* Whether the charge's total contains this refund. The total never falls, so at least this much
 * means that it was done. */
static bool refund_is_shown(const struct refund *r, const struct pay_charge *charge)
{
    return charge->refunded >= r->before + r->amount;
}

/* Asks for it, and looks once when the outcome is unknown. charge->refunded: the gateway's new
 * total when o->err is ERR_OK. */
static void refund_call_gateway(struct svc *s, const struct refund *r, struct pay_charge *charge,
                                struct ext_result *o)
{
    struct pay_call c = payment_call(s);
    *o = pay_refund(&c, r->charge_id, r->amount, charge);
    if (o->err == ERR_OK && !refund_is_shown(r, charge))
        *o = (struct ext_result){.err = ERR_PROVIDER_FAILED,
                                 .outcome = OUTCOME_UNKNOWN,
                                 .detail = "answer with another total"};
    if (o->err == ERR_OK || o->outcome != OUTCOME_UNKNOWN)
        return;
    /* Most unknown outcomes are known a moment later, and this spares the client a repeat. */
    struct ext_result look = pay_fetch_charge(&c, r->charge_id, charge);
    if (look.err == ERR_OK && refund_is_shown(r, charge))
        *o = look;
}

/* Before the gateway is asked, the row must say what is asked for and what the total was: without
 * that, nobody could tell afterwards whether it was done. Sets both in *r. ERR_OK: go on. */
static enum err refund_prepare(struct svc *s, struct refund *r, const struct pay_charge *charge)
{
    int64_t left = charge->amount - charge->refunded;
    enum err e = ERR_OK;
    if (!charge->charged || left <= 0)
        e = ERR_PAYMENT_NOT_REFUNDABLE;
    else if (!r->whole && r->amount > left)
        e = ERR_VALIDATION;
    if (e != ERR_OK) {
        enum err stored = refund_commit_failed(s, r, err_code(e), false);
        return stored == ERR_OK ? e : stored;
    }
    /* The row of an unmatched charge was written when the charge was seen, perhaps hours ago: the
     * time from which an unknown outcome counts must begin now, so it is always written again. */
    int64_t amount = r->whole ? left : r->amount;
    bool as_written =
        !r->unmatched && !r->again && amount == r->amount && charge->refunded == r->before;
    r->amount = amount;
    r->before = charge->refunded;
    if (as_written)
        return ERR_OK;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &stmt_refund_ready, r->venue_id.s, r->id.s, db_int(b, r->amount),
                   db_int(b, r->before));
    e = db_run(b, s->deadline);
    if (e == ERR_OK && db_affected(db_result(b, i)) == 0)
        e = ERR_PAYMENT_NOT_REFUNDABLE; /* this caller was taken for dead, and the row has ended */
    return e;
}

/* Reads the total, writes it into the row, asks for the refund. So a process that dies at any point
 * leaves a row from which the outcome can be found. */
enum err refund_make(struct svc *s, const struct refund *r, const struct refund_caller *caller,
                     const struct payment *p, struct ext_result *o)
{
    struct pay_call c = payment_call(s);
    struct pay_charge charge;
    *o = pay_fetch_charge(&c, r->charge_id, &charge);
    if (o->err != ERR_OK) /* nothing was asked for */
        return refund_commit_failed(s, r, err_code(o->err), r->again);
    if (r->whole && charge.charged && charge.refunded >= charge.amount) /* at the gateway's desk */
        return refund_commit_done(s, r, charge.refunded, caller, p);
    /* A copy, because the amount becomes what is left at the gateway. */
    struct refund ready = *r;
    enum err e = refund_prepare(s, &ready, &charge);
    if (e != ERR_OK)
        return e;
    refund_call_gateway(s, &ready, &charge, o);
    if (o->err == ERR_OK)
        return refund_commit_done(s, &ready, charge.refunded, caller, p);
    /* A refusal is the gateway's last word, whatever was in doubt before. */
    bool again = r->again && o->err != ERR_PROVIDER_REJECTED;
    return o->outcome == OUTCOME_UNKNOWN ? refund_commit_unknown(s, &ready, err_code(o->err))
                                         : refund_commit_failed(s, &ready, err_code(o->err), again);
}

enum err refund_resolve(struct svc *s, const struct refund *r, const struct refund_caller *caller,
                        const struct payment *p, struct ext_result *o)
{
    /* The total never falls, so a total that contains the refund proves it. One that does not
     * proves nothing until it is final: the gateway may still be working on it. */
    struct pay_call c = payment_call(s);
    struct pay_charge charge;
    *o = pay_fetch_charge(&c, r->charge_id, &charge);
    bool answered = o->err == ERR_OK;
    if (answered && refund_is_shown(r, &charge))
        return refund_commit_done(s, r, charge.refunded, caller, p);
    bool final = answered && r->total_is_final;
    const char *fault = answered ? "not_seen_yet" : err_code(o->err);
    /* To whoever asks it stays unknown: it was asked for in time, and is asked for again. */
    *o = (struct ext_result){.err = answered ? ERR_PROVIDER_FAILED : o->err,
                             .outcome = OUTCOME_UNKNOWN,
                             .detail = "not seen at the gateway"};
    return final ? refund_commit_failed(s, r, "not_done", true)
                 : refund_commit_unknown(s, r, fault);
}

/* ---- the keeper ---- */

/* The claim is a commit of its own: two keepers (during a reload) never carry out the same
 * refund. */
static enum err refund_keep_next(struct svc *s, bool *more)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &stmt_refund_due, db_int(b, payment_claim_s(s)));
    enum err e = db_run(b, s->deadline);
    *more = e == ERR_OK && db_count(db_result(b, i)) == 1;
    if (e == ERR_DB_UNIQUE) /* two wanted ones of one payment were due: one after the other */
        return ERR_OK;
    if (!*more)
        return e;
    /* A claimed row that was not wanted has lost its caller, or its outcome is unknown: then the
     * gateway may have done it, and it is never asked for again. */
    const struct refund_caller nobody = {.order = NULL};
    struct refund r;
    struct payment p;
    struct ext_result o;
    refund_read(db_result(b, i), &r);
    bool wanted = db_get_bool(db_result(b, i), 0, "wanted");
    r.again = wanted && !r.unmatched;
    e = payment_find(s, r.payment_id.s, &p);
    if (e == ERR_OK)
        e = wanted ? refund_make(s, &r, &nobody, &p, &o) : refund_resolve(s, &r, &nobody, &p, &o);
    /* Its row says that it cannot be done: the task itself has not failed. */
    return e == ERR_PAYMENT_NOT_REFUNDABLE || e == ERR_VALIDATION ? ERR_OK : e;
}

/* Stops early enough that a refund which was begun can also be stored. */
enum err refund_task_due(struct svc *s)
{
    if (!payment_configured(s))
        return ERR_OK;
    bool more = true;
    enum err e = ERR_OK;
    for (int i = 0; e == ERR_OK && more && i < REFUND_RUN_MAX &&
                    deadline_left_ms(s->deadline) > REFUND_TIME_MIN_MS;
         i++)
        e = refund_keep_next(s, &more);
    return e;
}
