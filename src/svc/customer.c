/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "svc/customer.h"

#include "svc/audit.h"
#include "svc/otp.h"
#include "svc/ratelimit.h"

static const struct db_stmt customer_upsert = {
    "customer_upsert",
    "INSERT INTO customers AS c (id, phone, name, locale) VALUES ($1::uuid, $2, $3, $4)"
    " ON CONFLICT (phone) DO UPDATE SET name = COALESCE(c.name, excluded.name)"
    " RETURNING " CUSTOMER_COLUMNS("c"),
};
static const struct db_stmt customer_change = {
    "customer_change",
    "UPDATE customers AS c SET name = COALESCE($2, c.name), locale = COALESCE($3, c.locale)"
    " WHERE c.id = $1::uuid AND c.erased_at IS NULL RETURNING " CUSTOMER_COLUMNS("c"),
};
/* The lock keeps bookings away: they lock the same row first. */
static const struct db_stmt customer_lock = {
    "customer_lock",
    "SELECT c.phone FROM customers c WHERE c.id = $1::uuid AND c.erased_at IS NULL FOR UPDATE",
};
static const struct db_stmt customer_active = {
    "customer_active",
    "SELECT count(*) AS n FROM bookings b WHERE b.customer_id = $1::uuid AND b.ends_at > now()"
    " AND booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed')",
};

/* What a person left behind, a statement a place. All take $1: the customer. */
static const struct db_stmt erase_stmts[] = {
    {"customer_erase_sessions", "DELETE FROM sessions WHERE customer_id = $1::uuid"},
    {"customer_erase_notifications",
     "UPDATE notifications n SET recipient = NULL, body = NULL FROM bookings b"
     " WHERE b.customer_id = $1::uuid AND n.venue_id = b.venue_id AND n.booking_id = b.id"},
    {"customer_erase_notes",
     "UPDATE bookings SET note = NULL WHERE customer_id = $1::uuid AND note IS NOT NULL"},
    {"customer_erase_reasons",
     "UPDATE booking_history h SET reason = NULL FROM bookings b WHERE b.customer_id = $1::uuid"
     " AND h.venue_id = b.venue_id AND h.booking_id = b.id AND (h.actor = 'customer' OR h.actor "
     "LIKE 'staff:%')"
     " AND h.reason IS NOT NULL"},
    {"customer_erase_refunds", "UPDATE refunds r SET reason = NULL FROM payments p JOIN bookings b "
                               "ON b.venue_id = p.venue_id AND b.id = p.booking_id"
                               " WHERE b.customer_id = $1::uuid AND r.venue_id = p.venue_id AND "
                               "r.payment_id = p.id AND r.reason IS NOT NULL"},
    {"customer_erase_payment_reasons",
     "UPDATE payment_history h SET reason = NULL FROM payments p JOIN bookings b ON b.venue_id = "
     "p.venue_id"
     " AND b.id = p.booking_id WHERE b.customer_id = $1::uuid AND h.venue_id = p.venue_id AND "
     "h.payment_id = p.id"
     " AND h.to_status IN ('refunded', 'partially_refunded') AND h.reason IS NOT NULL"},
    {"customer_erase_answers", "DELETE FROM idempotency_keys WHERE caller = 'customer:' || "
                               "$1::uuid OR customer_id = $1::uuid"},
    {"customer_erase_row",
     "UPDATE customers SET phone = NULL, name = NULL, erased_at = now() WHERE id = $1::uuid"},
};
static const struct db_stmt erase_challenges = {
    "customer_erase_challenges",
    "DELETE FROM otp_challenges WHERE phone = $1",
};
static const struct db_stmt erase_rates = {
    "customer_erase_rates",
    "DELETE FROM rate_limits WHERE subject IN ($1, $2)",
};

enum locale customer_locale(const char *name)
{
    return strcmp(name, locale_names[LOCALE_EN]) == 0 ? LOCALE_EN : LOCALE_AR;
}

void customer_read(struct db_rows rows, int row, struct customer *out)
{
    *out = (struct customer){
        .id = db_get_str(rows, row, "id"),
        .phone = db_get_str(rows, row, "phone"),
        .name = db_get(rows, row, "name"),
        .locale = customer_locale(db_get_str(rows, row, "locale")),
        .created_at = db_get_time(rows, row, "created_us"),
    };
}

int customer_upsert_add(struct svc *s, struct db_batch *b, const char *phone_e164, const char *name,
                        enum locale locale)
{
    struct uuid id = uuid_new();
    return DB_ADD(b, &customer_upsert, arena_strdup(s->arena, id.s), phone_e164, name,
                  locale_names[locale]);
}

enum err customer_update(struct svc *s, const char *id, const char *name, const enum locale *locale,
                         struct customer *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &customer_change, id, name, locale ? locale_names[*locale] : NULL);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, at)) == 0)
        return ERR_UNAUTHORIZED;
    customer_read(db_result(b, at), 0, out);
    return ERR_OK;
}

static enum err erase_locked(struct svc *s, const char *id, const char *phone)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    for (size_t i = 0; i < ARRAY_LEN(erase_stmts); i++)
        DB_ADD(b, &erase_stmts[i], id);
    DB_ADD(b, &erase_challenges, phone);
    DB_ADD(b, &erase_rates, rate_subject(s, OTP_RATE_COOLDOWN, phone),
           rate_subject(s, OTP_RATE_PHONE, phone));
    audit_add(s, b,
              &(struct audit){.actor = "customer", .action = "customer.erase", .subject = id});
    return db_run(b, s->deadline);
}

enum err customer_erase(struct svc *s, const char *id)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int lock = DB_ADD(b, &customer_lock, id);
    int active = DB_ADD(b, &customer_active, id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, lock)) == 0) {
        db_clean(s->db, s->deadline);
        return ERR_UNAUTHORIZED;
    }
    if (db_get_int(db_result(b, active), 0, "n") > 0) {
        db_clean(s->db, s->deadline);
        return ERR_BOOKINGS_ACTIVE;
    }
    return erase_locked(s, id, db_get_str(db_result(b, lock), 0, "phone"));
}
