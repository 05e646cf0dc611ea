/* The keeper's part: what no hint ever came for, and invoices of bookings that can no longer be paid for. */
#include "payment_priv.h"
#include "sys/log.h"

#define PAYMENTS_A_RUN 20
/* A look costs one to three calls: not begun with less than this left. */
#define LOOK_MS 2000
/* Looks at one payment, over its life: at 45 s apart about a day. */
#define CHECKS_MAX "2000"

/*
 * Takes one in hand by putting its next check off. Open payments of bookings that are no longer held come at once (their
 * invoice must end), but not more often than every few seconds.
 */
static const struct db_stmt due_stmt = {
    "payment_due",
    "UPDATE payments p SET checks = p.checks + 1, next_check_at = now() + $1::bigint * interval '1 second'"
    " FROM (SELECT o.venue_id, o.id FROM payments o WHERE o.next_check_at <= now() AND o.checks < " CHECKS_MAX
    "   ORDER BY o.next_check_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) due"
    " WHERE p.venue_id = due.venue_id AND p.id = due.id RETURNING p.id"};
static const struct db_stmt orphans_stmt = {
    "payment_orphans",
    "UPDATE payments p SET next_check_at = now() FROM bookings b"
    " WHERE p.status = 'initiated' AND p.updated_at < now() - interval '2 seconds' AND p.next_check_at > now() + interval '5 seconds'"
    " AND b.venue_id = p.venue_id AND b.id = p.booking_id AND booking_status(b.status, b.hold_expires_at) <> 'pending_payment'"};

static enum err one(struct svc *s, bool *found)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int i = DB_ADD(b, &due_stmt, db_int(b, 20));
    enum err e = db_run(b, s->deadline);
    *found = e == OK && db_count(db_result(b, i)) == 1;
    if (!*found)
        return e;
    const char *id = db_get_str(db_result(b, i), 0, "id");
    struct payment p;
    enum settled how;
    e = payment_settle_wide(s, id, "keeper", &p, &how);
    switch ((int)e) {
    case ERR_PROVIDER_FAILED:
    case ERR_PROVIDER_TIMEOUT:
    case ERR_PROVIDER_REJECTED:
        LOG(LOG_WARN, "payment.not_settled", F_STR("payment", id), F_ERR(e));
        return OK; /* the next one may go better; this one comes again */
    default:
        return e;
    }
}

enum err payment_job_settle(struct svc *s)
{
    if (!payment_configured(s))
        return OK;
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    db_add(b, &orphans_stmt, NULL, 0);
    enum err e = db_run(b, s->deadline);
    bool found = true;
    for (int i = 0; e == OK && found && i < PAYMENTS_A_RUN && deadline_left_ms(s->deadline) > LOOK_MS; i++)
        e = one(s, &found);
    return e;
}
