/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/* Moving a booking from state to state: the table of what may follow what, and who may do it. */
#include "booking_priv.h"

#include "base/ensure.h"
#include "svc/booking_pay.h"
#include "svc/svc_sql.h"

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

static const struct step *booking_change_find_step(enum booking_state from, enum booking_state to)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        if (steps[i].from == from && steps[i].to == to)
            return &steps[i];
    }
    return NULL;
}

/* A confirmed booking may be cancelled by its customer while that is free; an unpaid one until it
 * begins. */
static bool booking_change_may_cancel(const struct principal *who, const struct booking *bk)
{
    if (who->kind != WHO_CUSTOMER)
        return true;
    struct wall until =
        bk->state == BOOKING_PENDING_PAYMENT ? bk->starts_at : bk->free_cancel_until;
    return bk->read_at.us <= until.us;
}

static enum err booking_change_choose_step(const struct principal *who, const struct booking *old,
                                           const struct booking_transition *t,
                                           const struct step **step)
{
    enum err e = versions_check(&t->match, old->version);
    if (e != ERR_OK)
        return e;
    *step = booking_change_find_step(old->state, t->to);
    if (!*step)
        return ERR_BOOKING_NOT_ACTIVE;
    return t->to == BOOKING_CANCELLED && !booking_change_may_cancel(who, old)
               ? ERR_CANCELLATION_CLOSED
               : ERR_OK;
}

enum err booking_cancel_check(const struct principal *who, const struct booking *bk,
                              const struct booking_transition *t)
{
    const struct step *step;
    return booking_change_choose_step(who, bk, t, &step);
}

/* The last round trip: the row, then what every change ends with. *bk becomes what was made of it.
 */
static enum err booking_change_take_step(struct svc *s, const struct booking_caller *c,
                                         const struct step *step, const char *reason,
                                         struct booking *bk)
{
    const char *from = bk->dead_hold ? booking_state_names[BOOKING_PENDING_PAYMENT]
                                     : booking_state_names[bk->state];
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    booking_set_state(b, bk, step->to);
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
    DB_ADD(b, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    bool keeps = t->to == BOOKING_CONFIRMED;
    int units =
        DB_ADD(b, keeps ? &stmt_booking_keep_units : &stmt_booking_free_units, SCOPE_PARAMS(sc));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;

    const struct step *step = NULL;
    if (db_count(db_result(b, locked)) == 0) {
        e = ERR_NOT_FOUND;
    } else {
        booking_read(db_result(b, loaded), 0, out);
        e = booking_change_choose_step(c->who, out, t, &step);
    }
    if (e == ERR_OK && against >= 0 && db_count(db_result(b, against)) > 0)
        e = ERR_DB_RETRY;
    if (e == ERR_OK && keeps && db_affected(db_result(b, units)) < out->party_size)
        e = ERR_BOOKING_NOT_ACTIVE;
    if (e != ERR_OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    return booking_change_take_step(s, c, step, t->reason, out);
}

/* ---- holds whose time has passed ---- */

/* With less than this left the next hold waits for the next run, so that its customer's notice is
 * not tried in a hurry.
 */
#define EXPIRY_NEEDS_MS 2000

static enum err booking_change_expire(struct svc *s, const char *id, bool *done)
{
    struct booking_scope sc = {.id = id};
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    int locked = DB_ADD(b, &stmt_booking_lock_due, id);
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
    DB_ADD(u, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    DB_ADD(u, &stmt_booking_free_units, SCOPE_PARAMS(sc));
    e = db_run(u, s->deadline);
    return e == ERR_OK ? booking_change_take_step(s, NULL, &expiry, "hold expired", &bk) : e;
}

enum err booking_expire_due(struct svc *s, unsigned limit, unsigned *done)
{
    *done = 0;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int due = DB_ADD(b, &stmt_booking_due, db_int(b, limit));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, due);
    for (int i = 0;
         e == ERR_OK && i < db_count(rows) && deadline_left_ms(s->deadline) >= EXPIRY_NEEDS_MS;
         i++) {
        bool one = false;
        e = booking_change_expire(s, db_get_str(rows, i, "id"), &one);
        *done += one;
    }
    return e;
}
