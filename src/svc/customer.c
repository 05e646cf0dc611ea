/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Customers: reading, changing and erasing them. Called by the handlers of /v1/me and by whatever
 * makes a customer: signing in, and bookings of staff. An erased customer's row stays without phone
 * and name, because bookings refer to it. */
#include "svc/customer.h"

#include "svc/audit.h"
#include "svc/ratelimit.h"
#include "svc/svc_sql.h"

/* What a person left behind. All take $1: the customer. */
static const struct db_stmt *const customer_erasures[] = {
    &stmt_customer_erase_sessions,    &stmt_customer_erase_notifications,
    &stmt_customer_erase_notes,       &stmt_customer_erase_reasons,
    &stmt_customer_erase_refunds,     &stmt_customer_erase_payment_reasons,
    &stmt_customer_erase_answers,     &stmt_customer_erase_row,
    &stmt_customer_erase_venue_notes,
};

/* Arabic is the default language of every text here, so an unknown name reads as Arabic. */
enum locale customer_locale(const char *name)
{
    return strcmp(name, locale_names[LOCALE_EN]) == 0 ? LOCALE_EN : LOCALE_AR;
}

/* A name is absent until the customer or staff give one; the phone is there until the erasure. */
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

/* NULL leaves a member as it is. No row: the customer was erased by another request just now. */
enum err customer_update(struct svc *s, const char *id, const char *name, const enum locale *locale,
                         struct customer *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_WRITE);
    int at = DB_ADD(b, &stmt_customer_change, id, name, locale ? locale_names[*locale] : NULL);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, at)) == 0)
        return ERR_UNAUTHORIZED;
    customer_read(db_result(b, at), 0, out);
    return ERR_OK;
}

/* Rows of bookings stay, as the venue's accounts need them; what names a person goes. */
static enum err customer_erase_locked(struct svc *s, const char *id, const char *phone)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    /* All in one commit: no half of a person is left when the connection breaks. */
    for (size_t i = 0; i < ARRAY_LEN(customer_erasures); i++)
        DB_ADD(b, customer_erasures[i], id);
    DB_ADD(b, &stmt_customer_erase_challenges, phone, id);
    DB_ADD(b, &stmt_customer_erase_rates, rate_subject(s, OTP_RATE_COOLDOWN, phone),
           rate_subject(s, OTP_RATE_PHONE, phone), rate_subject(s, OTP_RATE_FAILURES, phone));
    DB_ADD(b, &stmt_customer_erase_addresses, rate_subject(s, OTP_RATE_FAILURES, phone));
    audit_add(s, b,
              &(struct audit){.actor = arena_printf(s->arena, ACTOR_CUSTOMER_PREFIX "%s", id),
                              .action = "customer.erase",
                              .subject = id});
    return db_run(b, s->deadline);
}

/* Under the customer's lock, so that no booking can be made meanwhile. Live ones must be cancelled
 * first: their venue waits for somebody. */
enum err customer_erase(struct svc *s, const char *id)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int lock = DB_ADD(b, &stmt_customer_lock, id);
    int active = DB_ADD(b, &stmt_customer_active, id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    /* Erased by another request just now: its token is worth nothing any more. */
    if (db_count(db_result(b, lock)) == 0) {
        db_clean(s->db, s->deadline);
        return ERR_UNAUTHORIZED;
    }
    if (db_get_int(db_result(b, active), 0, "n") > 0) {
        db_clean(s->db, s->deadline);
        return ERR_BOOKINGS_ACTIVE;
    }
    return customer_erase_locked(s, id, db_get_str(db_result(b, lock), 0, "phone"));
}
