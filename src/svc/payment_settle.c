/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Settling: the gateway is asked without a lock, then the rows are locked, payment_decide() says
 * what follows, and that is stored. Webhook, browser return, invoice callback, a repeated create
 * and the keeper all come here, because only what the gateway answers to our own question counts.
 * Doing it twice changes nothing the second time.
 */
#include <poll.h>
#include <string.h>

#include "base/names.h"
#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/booking_pay.h"
#include "svc/svc_sql.h"
#include "sys/json.h"
#include "sys/log.h"

/* How long a hint waits for another one's look at the gateway: most looks take less. A person waits
 * here, in front of a browser. */
#define SETTLE_AWAIT_MS 600
/* About 20 reads of one row at most; a shorter step gains nothing that a person sees. */
#define SETTLE_AWAIT_STEP_MS 30

/* Without a lock, because the gateway is asked next and no lock is held during a call. What is read
 * here may be old by then; settle_apply() reads it again. *payable: its booking still waits to be
 * paid. */
static enum err settle_read_payment(struct svc *s, const char *id, struct payment *out,
                                    bool *payable)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_payment_look, id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, i);
    if (db_count(rows) == 0)
        return ERR_NOT_FOUND;
    payment_read(rows, 0, out);
    const char *booking = db_get_str(rows, 0, "booking_state");
    *payable = payment_is_open(out->state) &&
               strcmp(booking, booking_state_names[BOOKING_PENDING_PAYMENT]) == 0;
    return ERR_OK;
}

/* Decides under the locks. When the plan depends on the booking's slot, the slot is asked for and
 * the decision made again: whether there is room only the database can say, under the resource's
 * lock. */
static enum err settle_plan(struct svc *s, struct payment_locked *ours,
                            const struct gateway_view *view, struct payment_plan *plan)
{
    struct wall now = ours->payment.read_at;
    *plan = payment_decide(s->arena, ours, view, now);
    if (plan->verdict != PLAN_ASK_SLOT)
        return ERR_OK;
    bool taken;
    enum err e = booking_take_slot(s, &ours->booking, &taken);
    if (e != ERR_OK)
        return e;
    ours->slot = taken ? SLOT_TAKEN : SLOT_GONE;
    *plan = payment_decide(s->arena, ours, view, now);
    return ERR_OK;
}

/* Nothing of the payment changes: a person has to look. It is told and counted once. */
static enum err settle_commit_mismatch(struct svc *s, const struct payment *p, enum actor actor)
{
    struct uuid id = uuid_new();
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    int marked = DB_ADD(b, &stmt_payment_mismatch, p->venue_id.s, p->id.s, id.s, actor_names[actor],
                        s->request_id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK || db_affected(db_result(b, marked)) == 0)
        return e;
    METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_MISMATCH);
    LOG(LOG_LEVEL_ERROR, "payment.mismatch", F_STR("payment", p->id.s),
        F_STR("actor", actor_names[actor]),
        F_STR("hint", "amount, currency or reference at the gateway is not ours: nothing was "
                      "changed"));
    return e;
}

/* The figures by which staff decide: what was asked for, and what was paid. */
static const char *settle_mismatch_detail(struct svc *s, struct db_batch *b,
                                          const struct payment *p)
{
    json_t *j = json_obj(s->arena);
    json_put_int(s->arena, j, "expected_amount", p->amount);
    json_put_str(s->arena, j, "expected_currency", p->currency);
    if (p->paid_amount >= 0)
        json_put_int(s->arena, j, "paid_amount", p->paid_amount);
    json_put_str(s->arena, j, "paid_currency", p->paid_currency);
    json_put_str(s->arena, j, "charge", p->charge_id);
    return db_str(b, json_text(s->arena, j));
}

/* What of the gateway's answers was not understood: stored once per payment and value; in the log
 * and the metric when it is new. A failure to store it must not fail the settling. */
static void settle_note_odds(struct svc *s, const struct payment *p, const struct pay_odds *odds)
{
    struct arena *a = s->arena;
    if (odds->n == 0)
        return;
    json_t *list = json_arr(a);
    for (size_t i = 0; i < odds->n; i++) {
        json_t *j = json_obj(a);
        json_put_str(a, j, "thing", payment_odd_names[odds->items[i].thing]);
        json_put_str(a, j, "value", odds->items[i].value);
        json_push(a, list, j);
    }
    struct db_batch *b = db_batch(s->db, a, DB_WRITE);
    int i = DB_ADD(b, &stmt_payment_odd_add, p->venue_id.s, p->id.s, db_str(b, json_text(a, list)));
    if (db_run(b, s->deadline) != ERR_OK)
        return;
    struct db_rows rows = db_result(b, i);
    for (int row = 0; row < db_count(rows); row++) {
        const char *thing = db_get_str(rows, row, "thing");
        int known = name_find(payment_odd_names, PAYMENT_ODD_COUNT, str_of(thing));
        if (known >= 0)
            METRIC_INC(M_PAYMENT_ODD, (unsigned)known);
        LOG(LOG_LEVEL_WARN, "payment.not_understood", F_STR("payment", p->id.s),
            F_STR("thing", thing), F_STR("detail", db_get_str(rows, row, "value")));
    }
}

static enum err settle_commit_plan(struct svc *s, const struct payment_plan *plan,
                                   struct booking *bk, enum actor actor)
{
    const char *name = actor_names[actor];
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    payment_add_plan(s, b, plan, name);
    /* Staff see in the audit log what happened without anybody asking for it. */
    if (plan->audit == PLAN_AUDIT_REFUNDED_ELSEWHERE) {
        METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_REFUNDED_ELSEWHERE);
        payment_add_audit(s, b, &plan->after,
                          (struct audit){.actor = name, .action = "payment.refunded_elsewhere"});
        if (plan->booking != PLAN_BOOKING_CANCEL) /* that has a row of its own */
            booking_add_remark(s, b, bk, name, "refunded at the gateway");
    } else if (plan->audit == PLAN_AUDIT_MISMATCH) {
        LOG(LOG_LEVEL_ERROR, "payment.mismatch", F_STR("payment", plan->after.id.s),
            F_STR("actor", name), F_STR("hint", "staff accept or refund it"));
        payment_add_audit(s, b, &plan->after,
                          (struct audit){.actor = name,
                                         .action = "payment.mismatch",
                                         .detail = settle_mismatch_detail(s, b, &plan->after)});
    }
    if (plan->audit == PLAN_AUDIT_SETTLED && actor == ACTOR_KEEPER)
        payment_add_audit(s, b, &plan->after,
                          (struct audit){.actor = name, .action = "payment.settle"});
    /* The booking's part ends the same transaction: a paid payment without its booking, or the
     * other way round, can be seen by nobody. */
    switch (plan->booking) {
    case PLAN_BOOKING_CONFIRM:
        return booking_commit_paid(s, b, bk, name);
    case PLAN_BOOKING_EXPIRE:
        return booking_commit_lost(s, b, bk, name);
    case PLAN_BOOKING_HOLD:
        booking_add_keep_hold(b, bk);
        booking_add_remark(s, b, bk, name, "paid in another amount or currency");
        break;
    case PLAN_BOOKING_CANCEL:
        return booking_commit_cancelled(s, b, bk,
                                        &(struct booking_refunded){
                                            .actor = name,
                                            .reason = "refunded at the gateway",
                                            .refund_id = plan->after.id.s,
                                            .amount = plan->after.refunded,
                                            .currency = plan->after.currency,
                                        });
    case PLAN_BOOKING_STAYS:
        break;
    }
    return db_run(b, s->deadline);
}

/* The decision uses the rows as they are under the locks, not as they were before the gateway was
 * asked. */
static enum err settle_apply(struct svc *s, const struct payment *seen,
                             const struct gateway_view *view, enum actor actor,
                             struct settlement *out)
{
    struct payment_locked ours;
    struct payment_plan plan;
    enum err e = payment_lock_rows(s, seen, &ours);
    if (e == ERR_OK)
        e = settle_plan(s, &ours, view, &plan);
    if (e != ERR_OK)
        return e;
    /* Set before the commit: when that fails, the caller has an error and shows neither. */
    out->payment = plan.after;
    out->result = plan.result;
    if (plan.verdict == PLAN_MISMATCH)
        return settle_commit_mismatch(s, &plan.after, actor);
    if (plan.verdict == PLAN_STORE)
        return settle_commit_plan(s, &plan, &ours.booking, actor);
    db_clean(s->db, s->deadline);
    return ERR_OK;
}

/* Read, ask, apply: three steps with no lock held during the call. Odd values are noted also when
 * the settling failed, because they may be the reason. */
enum err payment_settle(struct svc *s, const char *id, enum actor actor, enum payment_search search,
                        struct settlement *out)
{
    out->result = SETTLED_NOTHING;
    struct payment seen;
    bool payable;
    enum err e = settle_read_payment(s, id, &seen, &payable);
    if (e != ERR_OK)
        return e;
    out->payment = seen;
    struct gateway_view view;
    e = payment_gateway_look(s, &seen, payable, search, &view);
    if (e == ERR_OK)
        e = settle_apply(s, &seen, &view, actor, out);
    settle_note_odds(s, &seen, &view.odds);
    return e;
}

/* The gateway's callback and the payer's browser come at the same moment: the one that does not
 * look waits a little for what the other finds, so that who has paid is not told otherwise. */
static enum err settle_await_look(struct svc *s, struct payment *p)
{
    struct deadline until = deadline_cap(s->deadline, SETTLE_AWAIT_MS);
    const enum payment_state before = p->state;
    enum err e = ERR_OK;
    while (e == ERR_OK && p->state == before && !deadline_passed(until)) {
        (void)poll(NULL, 0, SETTLE_AWAIT_STEP_MS);
        struct payment seen;
        e = payment_find(s, p->id.s, &seen);
        if (e == ERR_OK)
            *p = seen;
    }
    return e;
}

/* Most hints ask about what cannot change any more, or was looked at a moment ago: the row answers
 * those. What hints meet at the gateway says nothing about the payers, so it is kept apart from
 * their calls (ext_request.hint). */
enum err payment_settle_hint(struct svc *s, const char *id, enum actor actor,
                             struct settlement *out)
{
    out->result = SETTLED_NOTHING;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int claimed = DB_ADD(b, &stmt_payment_hint_claim, id);
    int found = DB_ADD(b, &stmt_payment_find, id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, found)) == 0)
        return ERR_NOT_FOUND;
    payment_read(db_result(b, found), 0, &out->payment);
    struct db_rows claim = db_result(b, claimed);
    if (db_count(claim) == 0)
        return ERR_OK;
    if (!db_get_bool(claim, 0, "due"))
        return db_get_bool(claim, 0, "fresh") ? settle_await_look(s, &out->payment) : ERR_OK;
    s->hint = true;
    e = payment_settle(s, id, actor, SEARCH_KNOWN_INVOICE, out);
    s->hint = false;
    return e;
}

/* ---- staff's word ---- */

/* A hold whose time has passed takes its place again if there is room; else the money has to go
 * back. */
enum err payment_accept(struct svc *s, const struct principal *who, const struct payment *p,
                        payment_commit_fn on_commit, void *arg)
{
    struct payment_locked ours;
    enum err e = payment_lock_rows(s, p, &ours);
    if (e != ERR_OK)
        return e;
    if (ours.payment.state != PAYMENT_MISMATCH || ours.refund_in_flight)
        e = ERR_PAYMENT_NOT_MISMATCHED;
    struct payment_plan plan = {.verdict = PLAN_LEAVE};
    if (e == ERR_OK)
        plan = payment_decide_accepted(&ours, &e);
    if (e == ERR_OK && plan.verdict == PLAN_ASK_SLOT) {
        bool taken;
        e = booking_take_slot(s, &ours.booking, &taken);
        ours.slot = e == ERR_OK && taken ? SLOT_TAKEN : SLOT_GONE;
        if (e == ERR_OK)
            plan = payment_decide_accepted(&ours, &e);
    }
    if (e != ERR_OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    payment_add_plan(s, b, &plan, who->actor);
    payment_add_audit(s, b, &plan.after,
                      (struct audit){.actor = who->actor,
                                     .action = "payment.accept",
                                     .detail = settle_mismatch_detail(s, b, &ours.payment)});
    on_commit(arg, b, &plan.after);
    return plan.booking == PLAN_BOOKING_CONFIRM
               ? booking_commit_paid(s, b, &ours.booking, who->actor)
               : db_run(b, s->deadline);
}
