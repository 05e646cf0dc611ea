/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Moving a booking from state to state: the table of what may follow what, and who may do it. */
#include "booking_priv.h"

#include "base/ensure.h"
#include "svc/booking_pay.h"

struct step {
    enum booking_state from, to;
    const char *audit;
    enum notice_template notice;
    enum booking_outcome outcome;
};
/* Contract 5. An expired booking becomes confirmed only by a late payment, which is not a step of
 * this table. */
static const struct step steps[] = {
    {BOOKING_PENDING_PAYMENT, BOOKING_CONFIRMED, "booking.confirm", NOTICE_BOOKING_CONFIRMED,
     BOOKING_OUTCOME_CONFIRMED},
    {BOOKING_PENDING_PAYMENT, BOOKING_CANCELLED, "booking.cancel", NOTICE_BOOKING_CANCELLED,
     BOOKING_OUTCOME_CANCELLED},
    {BOOKING_CONFIRMED, BOOKING_CANCELLED, "booking.cancel", NOTICE_BOOKING_CANCELLED,
     BOOKING_OUTCOME_CANCELLED},
    {BOOKING_CONFIRMED, BOOKING_COMPLETED, "booking.complete", NOTICE_COUNT,
     BOOKING_OUTCOME_COMPLETED},
    {BOOKING_CONFIRMED, BOOKING_NO_SHOW, "booking.no_show", NOTICE_COUNT, BOOKING_OUTCOME_NO_SHOW},
};
/* A hold whose time has passed reads as expired; the keeper makes that so. */
static const struct step expiry = {BOOKING_EXPIRED, BOOKING_EXPIRED, NULL, NOTICE_BOOKING_EXPIRED,
                                   BOOKING_OUTCOME_EXPIRED};

/* Every change of units is made under the resource's lock, so that two of them never meet in
 * another order. */
const struct db_stmt booking_lock_resource = {
    "booking_lock_resource", "SELECT r.id FROM resources r WHERE (r.venue_id, r.id) IN (SELECT "
                             "b.venue_id, b.resource_id FROM bookings b"
                             " WHERE" BOOKING_IN_SCOPE ") FOR NO KEY UPDATE OF r"};

const struct db_stmt booking_free_units = {
    "booking_free_units", "DELETE FROM booking_units u USING bookings b WHERE" BOOKING_IN_SCOPE
                          " AND u.venue_id = b.venue_id AND u.booking_id = b.id"};

/* Fewer than the party says that the hold died while the locks were waited for. */
static const struct db_stmt keep_units_stmt = {
    "booking_keep_units",
    "UPDATE booking_units u SET held_until = NULL FROM bookings b WHERE" BOOKING_IN_SCOPE
    " AND u.venue_id = b.venue_id AND u.booking_id = b.id"};

const struct db_stmt booking_set_state = {"booking_set_state",
                                          "UPDATE bookings SET status = $3::text, version = "
                                          "version + 1, updated_at = now(), hold_expires_at = NULL,"
                                          " cancelled_at = CASE WHEN $3::text = 'cancelled' THEN "
                                          "now() END WHERE venue_id = $1::uuid AND id = $2::uuid"};

static const struct db_stmt due_stmt = {
    "booking_due",
    "SELECT b.id FROM bookings b WHERE b.status = 'pending_payment' AND b.hold_expires_at <= now()"
    " ORDER BY b.hold_expires_at LIMIT $1::integer"};

/* For the keeper: no waiting for somebody who is at work on the booking. */
static const struct db_stmt lock_due_stmt = {
    "booking_lock_due", "SELECT b.id FROM bookings b WHERE b.id = $1::uuid AND b.status = "
                        "'pending_payment' AND b.hold_expires_at <= now()"
                        " FOR NO KEY UPDATE SKIP LOCKED"};

static const struct step *find_step(enum booking_state from, enum booking_state to)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i].from == from && steps[i].to == to)
            return &steps[i];
    }
    return NULL;
}

/* A confirmed booking may be cancelled by its customer while that is free; an unpaid one until it
 * begins. */
static bool cancellation_open(const struct principal *who, const struct booking *bk)
{
    if (who->kind != WHO_CUSTOMER)
        return true;
    struct wall until =
        bk->state == BOOKING_PENDING_PAYMENT ? bk->starts_at : bk->free_cancel_until;
    return bk->read_at.us <= until.us;
}

static enum err choose_step(const struct principal *who, const struct booking *old,
                            const struct booking_transition *t, const struct step **step)
{
    enum err e = versions_check(&t->match, old->version);
    if (e != ERR_OK)
        return e;
    *step = find_step(old->state, t->to);
    if (!*step)
        return ERR_BOOKING_NOT_ACTIVE;
    return t->to == BOOKING_CANCELLED && !cancellation_open(who, old) ? ERR_CANCELLATION_CLOSED
                                                                      : ERR_OK;
}

enum err booking_cancel_check(const struct principal *who, const struct booking *bk,
                              const struct booking_transition *t)
{
    const struct step *step;
    return choose_step(who, bk, t, &step);
}

/* The last round trip: the row, then what every change ends with. *bk becomes what was made of it.
 */
static enum err take_step(struct svc *s, const struct booking_caller *c, const struct step *step,
                          const char *reason, struct booking *bk)
{
    const char *from = bk->dead_hold ? booking_state_names[BOOKING_PENDING_PAYMENT]
                                     : booking_state_names[bk->state];
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(b, &booking_set_state, bk->venue_id.s, bk->id.s, booking_state_names[step->to]);
    bk->state = step->to;
    bk->version++;
    bk->has_hold = bk->dead_hold = false;
    bk->has_cancelled = step->to == BOOKING_CANCELLED;
    bk->cancelled_at = bk->read_at; /* now() is the transaction's */
    struct booking_change change = {
        .caller = c,
        .now = bk,
        .from = from,
        .reason = reason,
        .audit = step->audit,
        .notice = step->notice,
        .outcome = step->outcome,
    };
    return booking_finish(s, b, &change);
}

enum err booking_move_on(struct svc *s, const struct booking_caller *c,
                         const struct booking_transition *t, struct booking *out)
{
    struct booking_scope sc = booking_scope_of(c->who, t->id);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked = booking_add_lock(b, &sc);
    int loaded = booking_add_load(b, &sc);
    int against = t->unless ? DB_ADD(b, t->unless, t->id) : -1;
    DB_ADD(b, &booking_lock_resource, SCOPE_PARAMS(sc));
    bool keeps = t->to == BOOKING_CONFIRMED;
    int units = DB_ADD(b, keeps ? &keep_units_stmt : &booking_free_units, SCOPE_PARAMS(sc));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;

    const struct step *step = NULL;
    if (db_count(db_result(b, locked)) == 0) {
        e = ERR_NOT_FOUND;
    } else {
        booking_read(db_result(b, loaded), 0, out);
        e = choose_step(c->who, out, t, &step);
    }
    if (e == ERR_OK && against >= 0 && db_count(db_result(b, against)) > 0)
        e = ERR_DB_RETRY;
    if (e == ERR_OK && keeps && db_affected(db_result(b, units)) < out->party_size)
        e = ERR_BOOKING_NOT_ACTIVE;
    if (e != ERR_OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    return take_step(s, c, step, t->reason, out);
}

/* ---- holds whose time has passed ---- */

/* With less than this left the next hold waits for the next run, so that its customer's notice is
 * not tried in a hurry.
 */
#define EXPIRY_NEEDS_MS 2000

static enum err expire(struct svc *s, const char *id, bool *done)
{
    struct booking_scope sc = {.id = id};
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked = DB_ADD(b, &lock_due_stmt, id);
    int loaded = booking_add_load(b, &sc);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    *done = db_count(db_result(b, locked)) == 1;
    if (!*done) {
        db_clean(s->db, s->deadline);
        return ERR_OK;
    }
    struct booking bk;
    booking_read(db_result(b, loaded), 0, &bk);
    ENSURE(bk.dead_hold); /* locked by the same words, in the same transaction */

    struct db_batch *u = db_batch(s->db, s->arena, DB_IN_TX);
    DB_ADD(u, &booking_lock_resource, SCOPE_PARAMS(sc));
    DB_ADD(u, &booking_free_units, SCOPE_PARAMS(sc));
    e = db_run(u, s->deadline);
    return e == ERR_OK ? take_step(s, NULL, &expiry, "hold expired", &bk) : e;
}

enum err booking_expire_due(struct svc *s, unsigned limit, unsigned *done)
{
    *done = 0;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int due = DB_ADD(b, &due_stmt, db_int(b, limit));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, due);
    for (int i = 0;
         e == ERR_OK && i < db_count(rows) && deadline_left_ms(s->deadline) >= EXPIRY_NEEDS_MS;
         i++) {
        bool one = false;
        e = expire(s, db_get_str(rows, i, "id"), &one);
        *done += one;
    }
    return e;
}
