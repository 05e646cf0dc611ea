/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Reading bookings, for the first batch of the API's handlers, and from rows into struct booking
 * for everybody. Functions named booking_add_*() only add a statement to the caller's batch: a
 * handler authenticates and reads in one round trip.
 */
#include "svc/booking_reads.h"

#include <string.h>

#include "base/ensure.h"
#include "base/names.h"
#include "svc/svc_sql.h"

/* What a caller may see is a predicate of each statement, over the hash of its token or key: there
 * is no check that could be forgotten. */
int booking_add_find_mine(struct db_batch *b, const char *token_hash, const char *id)
{
    return DB_ADD(b, &stmt_booking_find_mine, token_hash, id);
}

int booking_add_find_staff(struct db_batch *b, const char *key_hash, const char *id)
{
    return DB_ADD(b, &stmt_booking_find_staff, key_hash, id);
}

/* NULL matches every state. */
static const char *booking_wanted_state(const struct booking_list *q)
{
    return q->has_state ? booking_state_names[q->state] : NULL;
}

int booking_add_list_mine(struct db_batch *b, const char *token_hash, const struct booking_list *q)
{
    return DB_ADD(b, &stmt_booking_list_mine, token_hash, booking_wanted_state(q), q->after_start,
                  q->after_id, db_int(b, q->limit));
}

/* Absent filters are NULL, and the statement passes over them: one plan for the calendar in all its
 * forms. */
int booking_add_list_staff(struct db_batch *b, const char *key_hash, const struct booking_list *q)
{
    return DB_ADD(b, &stmt_booking_list_staff, key_hash, q->venue_id, q->states, q->from, q->to,
                  q->after_start, q->after_id, db_int(b, q->limit), q->resource_id, q->customer_id,
                  q->phones, q->text);
}

/* One row when the key may see the venue; handlers answer 404 without it. */
int booking_add_venue_seen(struct db_batch *b, const char *key_hash, const char *venue_id)
{
    return DB_ADD(b, &stmt_booking_venue_seen, key_hash, venue_id);
}

/* All events of one booking, the oldest first. */
int booking_add_history(struct db_batch *b, const char *key_hash, const char *id)
{
    return DB_ADD(b, &stmt_booking_history, key_hash, id);
}

static enum booking_state booking_find_state(const char *name)
{
    const int i = name_find(booking_state_names, BOOKING_STATE_COUNT, str_of(name));
    ENSURE(i >= 0); /* the table's CHECK lists the same names */
    return (enum booking_state)i;
}

/* Arabic for NULL and for a language that this version does not know. */
enum locale booking_locale_of(const char *name)
{
    return name && strcmp(name, locale_names[LOCALE_EN]) == 0 ? LOCALE_EN : LOCALE_AR;
}

/* For every statement that has the fragment booking_columns; so a booking has the same members
 * wherever it comes from. */
void booking_read(struct db_rows rows, int row, struct booking *out)
{
    /* In the order of the columns: each is looked for behind the one before it. */
    *out = (struct booking){
        .id = db_get_uuid(rows, row, "id"),
        .venue_id = db_get_uuid(rows, row, "venue_id"),
        .service_id = db_get_uuid(rows, row, "service_id"),
        .resource_id = db_get_uuid(rows, row, "resource_id"),
        .version = db_get_int(rows, row, "version"),
        .party_size = db_get_int(rows, row, "party_size"),
        .amount = db_get_int(rows, row, "amount"),
        .deposit = db_is_null(rows, row, "deposit") ? -1 : db_get_int(rows, row, "deposit"),
        .currency = db_get_str(rows, row, "currency"),
        .payment = db_get_str(rows, row, "payment"),
        .note = db_get(rows, row, "note"),
        .staff_note = db_get(rows, row, "staff_note"),
        .guest_name = db_get(rows, row, "guest_name"),
        .reason = db_get(rows, row, "reason"),
        .made_by = db_get_str(rows, row, "made_by"),
        .forced = db_get_str(rows, row, "forced"),
        .resource_chosen = db_get_bool(rows, row, "resource_chosen"),
        .free_cancellation_minutes = db_get_int(rows, row, "free_cancellation_minutes"),
        .state = booking_find_state(db_get_str(rows, row, "state")),
        .starts_at = db_get_time(rows, row, "starts_us"),
        .ends_at = db_get_time(rows, row, "ends_us"),
        .created_at = db_get_time(rows, row, "created_us"),
        .read_at = db_get_time(rows, row, "read_us"),
        .starts_wall = db_get_str(rows, row, "starts_wall"),
        .ends_wall = db_get_str(rows, row, "ends_wall"),
        .phone = db_get(rows, row, "phone"),
        .name = db_get(rows, row, "customer_name"),
        .booked_here = db_get_bool(rows, row, "booked_here"),
        .service = BOOKING_READ_NAME(rows, row, "service"),
        .venue = BOOKING_READ_NAME(rows, row, "venue"),
        .resource = BOOKING_READ_NAME(rows, row, "resource"),
        .venue_locale = booking_locale_of(db_get_str(rows, row, "venue_locale")),
    };
    out->has_customer = !db_is_null(rows, row, "customer_id");
    if (out->has_customer)
        out->customer_id = db_get_uuid(rows, row, "customer_id");
    /* Stored as minutes, so that a move of the booking moves the end of free cancellation with
     * it. */
    out->free_cancel_until.us = out->starts_at.us - out->free_cancellation_minutes * 60000000;
    out->locale = booking_locale_of(db_get_str(rows, row, "locale"));
    /* booking_status() says "expired" before the keeper has stored it (BEHAVIOUR §5). */
    out->dead_hold = out->state == BOOKING_EXPIRED &&
                     booking_find_state(db_get_str(rows, row, "stored")) != BOOKING_EXPIRED;
    out->has_hold = out->state == BOOKING_PENDING_PAYMENT;
    if (out->has_hold)
        out->hold_expires_at = db_get_time(rows, row, "hold_us");
    out->has_ended = !db_is_null(rows, row, "ended_us");
    if (out->has_ended)
        out->ended_at = db_get_time(rows, row, "ended_us");
    out->has_cancelled = !db_is_null(rows, row, "cancelled_us");
    if (out->has_cancelled)
        out->cancelled_at = db_get_time(rows, row, "cancelled_us");
}

/* `from` is NULL for the event that made the booking. */
void booking_read_event(struct db_rows rows, int row, struct booking_event *out)
{
    *out = (struct booking_event){
        .at = db_get_time(rows, row, "at_us"),
        .from = db_get(rows, row, "from_status"),
        .to = db_get_str(rows, row, "to_status"),
        .actor = db_get_str(rows, row, "actor"),
        .reason = db_get(rows, row, "reason"),
        .request_id = db_get(rows, row, "request_id"),
    };
}

int64_t booking_due_online(const struct booking *bk)
{
    if (strcmp(bk->payment, service_payment_names[SERVICE_PAYMENT_ONLINE]) != 0)
        return 0;
    return bk->deposit >= 0 ? bk->deposit : bk->amount;
}

/* Nothing is due of what staff gave away (payment: none). */
int64_t booking_due_on_site(const struct booking *bk)
{
    if (strcmp(bk->payment, service_payment_names[SERVICE_PAYMENT_NONE]) == 0)
        return 0;
    return bk->amount - booking_due_online(bk);
}
