/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* The keeper's part: what no hint ever came for, and invoices of bookings that can no longer be
 * paid for. */
#include "payment_priv.h"
#include "svc/keeper_tasks.h"
#include "sys/log.h"

#define PAYMENTS_A_RUN 20
/* A look costs one to three calls: not begun with less than this left. */
#define LOOK_MS 2000
/* Longer than a run of the job: nobody else takes one that is in hand. */
#define CLAIM_S (KEEPER_TASK_RUN_MS / 1000 + 2)
/* Looks at one payment, over its life: at 45 s apart about a day. */
#define CHECKS_MAX "2000"

/*
 * Takes one in hand by putting its next check off. A CREATING one that is due has lost its caller:
 * what that one did is not known, and from here on it is nobody's.
 */
static const struct db_stmt due_stmt = {
    "payment_due", "WITH due AS (SELECT o.venue_id, o.id, o.status FROM payments o WHERE "
                   "o.next_check_at <= now() AND o.checks < " CHECKS_MAX
                   "   ORDER BY o.next_check_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED),"
                   " taken AS (UPDATE payments p SET checks = p.checks + 1, next_check_at = now() "
                   "+ $1::bigint * interval '1 second',"
                   "     status = CASE p.status WHEN 'creating' THEN 'unknown' ELSE p.status END"
                   "   FROM due WHERE p.venue_id = due.venue_id AND p.id = due.id RETURNING "
                   "p.venue_id, p.id, p.checks),"
                   " told AS (INSERT INTO payment_history (venue_id, payment_id, from_status, "
                   "to_status, actor, reason, request_id)"
                   "   SELECT d.venue_id, d.id, 'creating', 'unknown', 'keeper', 'its caller "
                   "ended', $2 FROM due d WHERE d.status = 'creating')"
                   "SELECT id, checks FROM taken"};
/* Open payments of bookings that changed since and are no longer held come at once: their invoices
 * must end. */
static const struct db_stmt orphans_stmt = {
    "payment_orphans",
    "UPDATE payments p SET next_check_at = now(), updated_at = now() FROM bookings b"
    " WHERE p.status IN ('initiated', 'unknown') AND p.updated_at <= b.updated_at AND "
    "p.next_check_at > now()"
    " AND b.venue_id = p.venue_id AND b.id = p.booking_id AND b.status <> 'pending_payment'"};
static const struct db_stmt put_off_stmt = {"payment_put_off",
                                            "UPDATE payments p SET next_check_at = now() + "
                                            "$2::bigint * interval '1 millisecond', fault = $3"
                                            " WHERE p.id = $1::uuid AND p.next_check_at > now()"};

/* The gateway could not tell: again, by and by later. */
static enum err put_off(struct svc *s, const char *id, int64_t checks, const char *why)
{
    LOG(LOG_LEVEL_WARN, "payment.not_settled", F_STR("payment", id), F_STR("error", why));
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    DB_ADD(b, &put_off_stmt, id, db_int(b, payment_wait_ms(payment_backoff_s(checks))), why);
    return db_run(b, s->deadline);
}

static enum err one(struct svc *s, bool *found)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &due_stmt, db_int(b, CLAIM_S), s->request_id);
    enum err e = db_run(b, s->deadline);
    *found = e == ERR_OK && db_count(db_result(b, i)) == 1;
    if (!*found)
        return e;
    const char *id = db_get_str(db_result(b, i), 0, "id");
    int64_t checks = db_get_int(db_result(b, i), 0, "checks");
    struct payment p;
    enum settled how;
    e = payment_settle_wide(s, id, "keeper", &p, &how);
    if (e == ERR_OK && how == SETTLED_MISMATCH)
        return put_off(s, id, checks, "mismatch");
    if (!err_is_provider(e))
        return e;
    /* With the gateway out of reach the others would not be told either; else the next may be. */
    *found = e != ERR_PROVIDER_UNAVAILABLE;
    return put_off(s, id, checks, err_code(e));
}

enum err payment_job_settle(struct svc *s)
{
    if (!payment_configured(s))
        return ERR_OK;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    db_add(b, &orphans_stmt, NULL, 0);
    enum err e = db_run(b, s->deadline);
    bool found = true;
    for (int i = 0;
         e == ERR_OK && found && i < PAYMENTS_A_RUN && deadline_left_ms(s->deadline) > LOOK_MS; i++)
        e = one(s, &found);
    return e;
}
