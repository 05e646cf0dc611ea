/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The keeper's task "payments": settles payments that no hint came for, and ends the invoices of
 * bookings that can no longer be paid for. Run by the keeper every second.
 */
#include "payment_priv.h"
#include "svc/svc_sql.h"
#include "sys/log.h"

/* Payments per run. A look takes some 100 ms, so that a run of this many ends well within the
 * task's time, and the others get their turn. */
#define KEEPER_PAYMENTS_MAX 20

/* The gateway could not tell: again, less and less often. */
static enum err keeper_put_off(struct svc *s, const char *id, int64_t checks, const char *reason)
{
    LOG(LOG_LEVEL_WARN, "payment.not_settled", F_STR("payment", id), F_STR("reason", reason));
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &stmt_payment_put_off, id, db_int(b, payment_wait_ms(payment_backoff_s(checks))),
           reason);
    return db_run(b, s->deadline);
}

/* *more false: nothing is due, or the gateway cannot be asked about others either. */
static enum err keeper_settle_next(struct svc *s, bool *more)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &stmt_payment_due, db_int(b, payment_claim_s(s)), s->request_id,
                   db_int(b, PAYMENT_CHECKS_MAX));
    enum err e = db_run(b, s->deadline);
    *more = e == ERR_OK && db_count(db_result(b, i)) == 1;
    if (!*more)
        return e;
    const char *id = db_get_str(db_result(b, i), 0, "id");
    int64_t checks = db_get_int(db_result(b, i), 0, "checks");
    struct settlement now;
    e = payment_settle(s, id, ACTOR_KEEPER, SEARCH_ALL_INVOICES, &now);
    if (e == ERR_OK && now.result == SETTLED_MISMATCH && now.payment.state != PAYMENT_MISMATCH)
        return keeper_put_off(s, id, checks, "mismatch");
    if (!err_is_provider(e))
        return e;
    *more = e != ERR_PROVIDER_UNAVAILABLE;
    return keeper_put_off(s, id, checks, err_code(e));
}

/* Orphans first: bookings that ended while their invoice was open are due at once. */
enum err payment_task_settle(struct svc *s)
{
    if (!payment_configured(s))
        return ERR_OK;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    db_add(b, &stmt_payment_orphans, NULL, 0);
    enum err e = db_run(b, s->deadline);
    bool more = true;
    for (int i = 0; e == ERR_OK && more && i < KEEPER_PAYMENTS_MAX &&
                    deadline_left_ms(s->deadline) > PAYMENT_LOOK_MS;
         i++)
        e = keeper_settle_next(s, &more);
    return e;
}
