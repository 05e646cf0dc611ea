/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Settling: the gateway is asked without a lock, then the rows are locked, payment_decide() says
 * what follows, and that is stored. Webhook, browser return, invoice callback, a repeated create
 * and the keeper all come here, because only what the gateway answers to our own question counts.
 * Doing it twice changes nothing the second time.
 */
#include <string.h>

#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/booking_pay.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

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

/* Decides under the locks. The booking's slot is taken when the plan depends on it: that is a
 * question to the database, which only the units' constraint can answer. */
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

/* Nothing of the payment changes: a person has to look. The audit log is told once, the metric
 * counts each time. */
static enum err settle_commit_mismatch(struct svc *s, const struct payment *p, enum actor actor)
{
    METRIC_INC(M_PAYMENT_ACTS, PAYMENT_ACT_MISMATCH);
    LOG(LOG_LEVEL_ERROR, "payment.mismatch", F_STR("payment", p->id.s),
        F_STR("actor", actor_names[actor]),
        F_STR("hint", "amount, currency or reference at the gateway is not ours: nothing was "
                      "changed"));
    struct uuid id = uuid_new();
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(b, &stmt_payment_mismatch, p->venue_id.s, p->id.s, id.s, actor_names[actor],
           s->request_id);
    return db_run(b, s->deadline);
}

static enum err settle_commit_plan(struct svc *s, const struct payment_plan *plan,
                                   struct booking *bk, enum actor actor)
{
    const char *name = actor_names[actor];
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    payment_add_plan(s, b, plan, name);
    /* Staff see in the audit log what happened without anybody asking for it. */
    if (plan->audit == PLAN_AUDIT_REFUNDED_ELSEWHERE)
        payment_add_audit(s, b, &plan->after, name, "payment.refunded_elsewhere", NULL);
    else if (plan->audit == PLAN_AUDIT_SETTLED && actor == ACTOR_KEEPER)
        payment_add_audit(s, b, &plan->after, name, "payment.settle", NULL);
    /* The booking's part ends the same transaction: a paid payment without its booking, or the
     * other way round, can be seen by nobody. */
    switch (plan->booking) {
    case PLAN_BOOKING_CONFIRM:
        return booking_commit_paid(s, b, bk, name);
    case PLAN_BOOKING_EXPIRE:
        return booking_commit_lost(s, b, bk, name);
    case PLAN_BOOKING_STAYS:
        break;
    }
    return db_run(b, s->deadline);
}

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
    return e == ERR_OK ? settle_apply(s, &seen, &view, actor, out) : e;
}
