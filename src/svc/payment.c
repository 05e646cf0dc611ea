/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * The states of payments and their rows as the handlers read them. What changes a payment is in
 * payment_open.c, payment_settle.c and refund.c.
 */
#include "svc/payment.h"

#include "base/ensure.h"
#include "base/names.h"
#include "payment_priv.h"
#include "svc/svc_sql.h"

#define TO(state) (1u << PAYMENT_##state)
/* A failed or expired payment can still turn out to be paid: money that arrived late is never
 * ignored. */
static const unsigned payment_next_states[PAYMENT_STATE_COUNT] = {
    [PAYMENT_CREATING] =
        TO(INITIATED) | TO(UNKNOWN) | TO(PAID) | TO(FAILED) | TO(EXPIRED) | TO(MISMATCH),
    [PAYMENT_INITIATED] = TO(UNKNOWN) | TO(PAID) | TO(FAILED) | TO(EXPIRED) | TO(MISMATCH),
    [PAYMENT_UNKNOWN] =
        TO(CREATING) | TO(INITIATED) | TO(PAID) | TO(FAILED) | TO(EXPIRED) | TO(MISMATCH),
    [PAYMENT_PAID] = TO(PARTIALLY_REFUNDED) | TO(REFUNDED),
    [PAYMENT_FAILED] = TO(PAID) | TO(MISMATCH),
    [PAYMENT_EXPIRED] = TO(PAID) | TO(MISMATCH),
    [PAYMENT_MISMATCH] = TO(PAID) | TO(REFUNDED) | TO(PARTIALLY_REFUNDED),
    [PAYMENT_PARTIALLY_REFUNDED] = TO(PARTIALLY_REFUNDED) | TO(REFUNDED),
    [PAYMENT_REFUNDED] = 0,
};

/* payment_store.c holds every step that it stores against this table. */
bool payment_may_become(enum payment_state from, enum payment_state to)
{
    return (payment_next_states[from] & 1u << to) != 0;
}

/* Open ones keep others of the same booking away (the index payments_one_open), and the keeper asks
 * about them until they are not open any more. */
bool payment_is_open(enum payment_state state)
{
    return state == PAYMENT_CREATING || state == PAYMENT_INITIATED || state == PAYMENT_UNKNOWN;
}

/* From these states no way leads back to unpaid: what the gateway has charged is a fact, whatever
 * it says of the invoice later. */
bool payment_was_paid(enum payment_state state)
{
    return state == PAYMENT_PAID || state == PAYMENT_REFUNDED ||
           state == PAYMENT_PARTIALLY_REFUNDED;
}

/* `amount` of a mismatch is what was asked for. */
int64_t payment_whole(const struct payment *p)
{
    return p->state == PAYMENT_MISMATCH && p->paid_amount > 0 ? p->paid_amount : p->amount;
}

/* ---- reading ---- */

static enum payment_state payment_state_of(const char *name)
{
    const int i = name_find(payment_state_names, PAYMENT_STATE_COUNT, str_of(name));
    ENSURE(i >= 0); /* the table's CHECK lists the same names */
    return (enum payment_state)i;
}

/* -1 for NULL: 0 is an amount. */
static int64_t payment_get_amount(struct db_rows rows, int row, const char *column)
{
    return db_get(rows, row, column) != NULL ? db_get_int(rows, row, column) : -1;
}

/* read_at is the database's clock at the moment of reading; all comparisons of times use it. */
void payment_read(struct db_rows rows, int row, struct payment *out)
{
    *out = (struct payment){
        .id = db_get_uuid(rows, row, "id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .booking_id = db_get_uuid(rows, row, "booking_id"),
        .state = payment_state_of(db_get_str(rows, row, "status")),
        .amount = db_get_int(rows, row, "amount"),
        .refunded = db_get_int(rows, row, "refunded_amount"),
        .rest = db_get_int(rows, row, "rest"),
        .currency = db_get_str(rows, row, "currency"),
        .gateway_id = db_get(rows, row, "gateway_id"),
        .charge_id = db_get(rows, row, "charge_id"),
        .redirect_url = db_get(rows, row, "redirect_url"),
        .return_url = db_get_str(rows, row, "return_url"),
        .paid_amount = payment_get_amount(rows, row, "paid_amount"),
        .paid_currency = db_get(rows, row, "paid_currency"),
        .expected_amount = payment_get_amount(rows, row, "expected_amount"),
        .expected_currency = db_get(rows, row, "expected_currency"),
        .unmatched = db_get_bool(rows, row, "unmatched"),
        .locked_by_caller = db_get_bool(rows, row, "locked_by_caller"),
        .checks = db_get_int(rows, row, "checks"),
        .created_at = db_get_time(rows, row, "created_us"),
        .invoice_expires_at = db_get_time(rows, row, "expires_us"),
        .read_at = db_get_time(rows, row, "read_us"),
    };
}

/* As for bookings: what a caller may see is a predicate of the statement. */
int payment_add_find_mine(struct db_batch *b, const char *token_hash, const char *id)
{
    return DB_ADD(b, &stmt_payment_find_mine, token_hash, id);
}

int payment_add_list_mine(struct db_batch *b, const char *token_hash, const char *booking_id)
{
    return DB_ADD(b, &stmt_payment_list_mine, token_hash, booking_id);
}

int payment_add_find_staff(struct db_batch *b, const char *key_hash, const char *id)
{
    return DB_ADD(b, &stmt_payment_find_staff, key_hash, id);
}

int payment_add_list_staff(struct db_batch *b, const char *key_hash, const char *booking_id)
{
    return DB_ADD(b, &stmt_payment_list_staff, key_hash, booking_id);
}

int payment_add_list_odd(struct db_batch *b, const char *key_hash, const char *booking_id)
{
    return DB_ADD(b, &stmt_payment_odd_list, key_hash, booking_id);
}

/* Without a predicate of who asks: for the services, which know the caller already. */
enum err payment_find(struct svc *s, const char *id, struct payment *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int i = DB_ADD(b, &stmt_payment_find, id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, i)) == 0)
        return ERR_NOT_FOUND;
    payment_read(db_result(b, i), 0, out);
    return ERR_OK;
}
