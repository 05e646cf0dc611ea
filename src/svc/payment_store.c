/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Rows of payments: the locks that every change takes, and the statements that carry out a plan of
 * payment_decide.c. Used by payment_open.c, payment_settle.c and the refunds.
 */
#include "base/ensure.h"
#include "base/rng.h"
#include "domain/metrics.h"
#include "payment_priv.h"
#include "svc/audit.h"
#include "svc/booking_pay.h"
#include "svc/booking_reads.h"
#include "svc/svc_sql.h"
#include "sys/json.h"
#include "sys/log.h"

/* A caller that has not reported this long after its deadline is dead: it ends its calls at the
 * deadline, and storing the result takes less than this. */
#define STORE_CLAIM_GRACE_S 3

int64_t payment_claim_s(const struct svc *s)
{
    return deadline_left_ms(s->deadline) / 1000 + 1 + STORE_CLAIM_GRACE_S;
}

int64_t payment_wait_ms(int64_t wait_s)
{
    if (wait_s <= 0)
        return wait_s;
    int64_t tenth_ms = wait_s < 86400 ? wait_s * 100 : 86400 * 100; /* within rng_below's range */
    return wait_s * 1000 + (int64_t)rng_below((uint32_t)tenth_ms);
}

enum err payment_lock_rows(struct svc *s, const struct payment *p, struct payment_locked *out)
{
    /* The booking comes first, because cancelling and expiring lock it too and know no payment. The
     * loads follow the locks as statements of their own: a statement that waited for a lock would
     * show other tables as they were before. */
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked, booking;
    booking_add_lock_any(b, p->booking_id.s, &locked, &booking);
    DB_ADD(b, &stmt_payment_lock, p->id.s);
    int payment = DB_ADD(b, &stmt_payment_find, p->id.s);
    int others = DB_ADD(b, &stmt_payment_other_paid, p->venue_id.s, p->booking_id.s, p->id.s);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    /* Neither is ever deleted. */
    ENSURE(db_count(db_result(b, payment)) == 1 && db_count(db_result(b, booking)) == 1);
    *out = (struct payment_locked){
        .other_paid = db_get_bool(db_result(b, others), 0, "other_paid"),
        .refund_in_flight = db_get_bool(db_result(b, others), 0, "refund_in_flight"),
        .slot = SLOT_NOT_ASKED,
    };
    booking_read(db_result(b, booking), 0, &out->booking);
    payment_read(db_result(b, payment), 0, &out->payment);
    return ERR_OK;
}

void payment_add_new(struct svc *s, struct db_batch *b, const struct payment *p, const char *actor)
{
    const char *provider = s->cfg->providers[s->cfg->payments.provider].name;
    DB_ADD(b, &stmt_payment_insert, p->venue_id.s, p->id.s, p->booking_id.s, db_int(b, p->amount),
           p->currency, provider, p->return_url, db_time(b, p->invoice_expires_at),
           db_int(b, payment_claim_s(s)), db_int(b, p->rest));
    DB_ADD(b, &stmt_payment_history_add, p->venue_id.s, p->id.s, NULL,
           payment_state_names[PAYMENT_CREATING], actor, NULL, s->request_id);
}

/* CREATING is not counted: it is not known yet whether the gateway has anything. */
static void store_count_state(enum payment_state state)
{
    static const int acts[PAYMENT_STATE_COUNT] = {[PAYMENT_CREATING] = -1,
                                                  [PAYMENT_INITIATED] = PAYMENT_ACT_CREATED,
                                                  [PAYMENT_UNKNOWN] = PAYMENT_ACT_UNKNOWN,
                                                  [PAYMENT_PAID] = PAYMENT_ACT_PAID,
                                                  [PAYMENT_FAILED] = PAYMENT_ACT_FAILED,
                                                  [PAYMENT_EXPIRED] = PAYMENT_ACT_EXPIRED,
                                                  [PAYMENT_MISMATCH] = PAYMENT_ACT_MISMATCH,
                                                  [PAYMENT_REFUNDED] = PAYMENT_ACT_REFUNDED,
                                                  [PAYMENT_PARTIALLY_REFUNDED] =
                                                      PAYMENT_ACT_REFUNDED};
    if (acts[state] >= 0)
        METRIC_INC(M_PAYMENT_ACTS, (unsigned)acts[state]);
}

/* Counted and logged when it is added, before the commit: a commit whose acknowledgement is lost
 * has most probably happened. */
static void store_add_move(struct svc *s, struct db_batch *b, const struct payment *p,
                           const struct payment_move *m, const char *actor)
{
    const char *from = payment_state_names[m->from], *to = payment_state_names[m->to];
    ENSURE(payment_may_become(m->from, m->to));
    DB_ADD(b, &stmt_payment_history_add, p->venue_id.s, p->id.s, from, to, actor, m->reason,
           s->request_id);
    store_count_state(m->to);
    /* Why a person wants the money back is that person's text: it is for the history, not for the
     * log. */
    bool personal = m->to == PAYMENT_REFUNDED || m->to == PAYMENT_PARTIALLY_REFUNDED;
    LOG(LOG_LEVEL_INFO, "payment.changed", F_STR("payment", p->id.s), F_STR("from", from),
        F_STR("to", to), F_STR("actor", actor), F_STR("reason", personal ? NULL : m->reason));
}

/* One statement for all of them, because a batch holds a fixed number of statements and the gateway
 * may list any number of charges. */
static void store_add_refunds(struct svc *s, struct db_batch *b, const struct payment_plan *plan)
{
    const struct payment *p = &plan->after;
    struct arena *a = s->arena;
    json_t *list = json_arr(a);
    for (size_t i = 0; i < plan->refunds_n; i++) {
        const struct planned_refund *r = &plan->refunds[i];
        struct uuid id = uuid_new(), audit = uuid_new();
        json_t *j = json_obj(a);
        json_put_str(a, j, "id", id.s);
        json_put_str(a, j, "audit", audit.s);
        json_put_str(a, j, "charge", r->charge_id);
        json_put_int(a, j, "amount", r->amount);
        json_put_int(a, j, "refunded", r->refunded_before);
        json_put_str(a, j, "reason", r->reason);
        json_push(a, list, j);
    }
    DB_ADD(b, &stmt_refund_add_unmatched, p->venue_id.s, p->id.s, db_str(b, json_text(a, list)),
           s->request_id);
}

void payment_add_plan(struct svc *s, struct db_batch *b, const struct payment_plan *plan,
                      const char *actor)
{
    const struct payment *p = &plan->after;
    DB_ADD(b, &stmt_payment_save, p->venue_id.s, p->id.s, payment_state_names[p->state],
           p->gateway_id, p->charge_id, p->redirect_url, db_int(b, p->refunded),
           db_bool(p->unmatched), db_int(b, payment_wait_ms(plan->next_check_s)),
           db_int(b, p->amount), p->currency,
           p->paid_currency && p->paid_amount >= 0 ? db_int(b, p->paid_amount) : NULL,
           p->paid_currency, p->expected_currency ? db_int(b, p->expected_amount) : NULL,
           p->expected_currency);
    /* The row is written also without a move: the next check and the invoice's names change. */
    for (unsigned i = 0; i < plan->moves_n; i++)
        store_add_move(s, b, p, &plan->moves[i], actor);
    if (plan->refunds_n > 0)
        store_add_refunds(s, b, plan);
}

void payment_add_audit(struct svc *s, struct db_batch *b, const struct payment *p,
                       struct audit entry)
{
    entry.subject = p->id.s;
    entry.venue_id = p->venue_id.s;
    audit_add(s, b, &entry);
}
