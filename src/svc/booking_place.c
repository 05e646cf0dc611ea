/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Taking a place in time: making a booking and moving one. Everything that decides is one statement
 * run after the locks, so nothing can change between the question and the taking; the EXCLUDE
 * constraint holds whatever writes without the locks.
 */
#include "booking_priv.h"

#include "base/ensure.h"
#include "svc/notification.h"
#include "svc/svc_sql.h"

/* Customers that staff make get their messages in this language until they choose. */
#define NEW_CUSTOMER_LOCALE LOCALE_AR

/* ---- making ---- */

/* Why nothing was placed, in the order in which a caller can do something about it; ERR_OK when it
 * was.
 */
static enum err booking_place_judge(struct db_rows rows, enum err limit, bool exists)
{
    ENSURE(db_count(rows) == 1);
    if (!db_get_bool(rows, 0, "service_found"))
        return exists ? ERR_SLOT_NOT_OFFERED : ERR_NOT_FOUND;
    if (!db_get_bool(rows, 0, "resource_found"))
        return ERR_NOT_FOUND;
    if (!db_get_bool(rows, 0, "offered"))
        return ERR_SLOT_NOT_OFFERED;
    if (limit != ERR_OK && !db_get_bool(rows, 0, "may"))
        return limit;
    return db_get_bool(rows, 0, "available") ? ERR_OK : ERR_SLOT_TAKEN;
}

/* Ends a transaction that placed nothing, or whose placing met a unit that was taken past the
 * locks. */
static enum err booking_place_refuse(struct svc *s, enum err e)
{
    if (e == ERR_DB_EXCLUSION)
        e = ERR_SLOT_TAKEN;
    db_clean(s->db, s->deadline);
    if (e == ERR_SLOT_TAKEN)
        METRIC_INC(M_BOOKINGS, BOOKING_OUTCOME_CONFLICT);
    return e;
}

static void booking_place_add_customer(struct db_batch *b, const struct principal *who,
                                       const struct booking_order *o, const struct uuid *new_id)
{
    if (who->kind == WHO_CUSTOMER)
        DB_ADD(b, &stmt_booking_lock_customer, who->id.s);
    else
        DB_ADD(b, &stmt_customer_upsert, new_id->s, o->phone, o->name,
               locale_names[NEW_CUSTOMER_LOCALE]);
}

/* Leaves the transaction open when it returns ERR_OK. */
static enum err booking_place_try(struct svc *s, const struct principal *who,
                                  const struct booking_order *o, struct booking *out)
{
    bool customer = who->kind == WHO_CUSTOMER;
    struct uuid ids[2] = {uuid_new(), uuid_new()};
    struct booking_scope scope = {.id = ids[0].s};
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const char *at = db_time(b, o->starts_at);

    booking_place_add_customer(b, who, o, &ids[1]);
    DB_ADD(b, &stmt_booking_lock_served, o->service_id, o->resource_id, o->venue_id);
    DB_ADD(b, &stmt_booking_drop_dead, o->service_id, o->resource_id, o->venue_id, at);
    int placed = DB_ADD(b, &stmt_booking_place, o->service_id, o->resource_id, o->venue_id, at,
                        db_int(b, o->party_size), ids[0].s, customer ? who->id.s : NULL, o->phone,
                        customer ? db_int(b, s->cfg->bookings.max_active_per_customer) : NULL,
                        o->note, db_int(b, s->cfg->bookings.hold_ms));
    int loaded = booking_add_load(b, &scope);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        e = booking_place_judge(db_result(b, placed), ERR_BOOKING_LIMIT, false);
    if (e == ERR_DB_RETRY)
        return e;
    if (e != ERR_OK)
        return booking_place_refuse(s, e);
    booking_read(db_result(b, loaded), 0, out);
    return ERR_OK;
}

enum err booking_create(struct svc *s, const struct booking_caller *c,
                        const struct booking_order *o, struct booking *out)
{
    enum err e;
    int attempts = 0;
    do {
        e = booking_place_try(s, c->who, o, out);
    } while (svc_may_retry(s, e, &attempts));
    if (e != ERR_OK)
        return e;
    bool held = out->state == BOOKING_PENDING_PAYMENT;
    struct booking_change made = {
        .caller = c,
        .now = out,
        .audit = "booking.create",
        .notice = held ? NOTICE_COUNT : NOTICE_BOOKING_CONFIRMED,
        .outcome = held ? BOOKING_OUTCOME_HELD : BOOKING_OUTCOME_CONFIRMED,
    };
    return booking_finish(s, db_batch(s->db, s->arena, DB_COMMIT), &made);
}

/* ---- moving ---- */

/* May this booking be moved at all? One that has begun may not. */
static enum err booking_place_may_move(const struct booking *old, const struct versions *match)
{
    enum err e = versions_check(match, old->version);
    if (e != ERR_OK)
        return e;
    bool live = old->state == BOOKING_CONFIRMED || old->state == BOOKING_PENDING_PAYMENT;
    return live && old->starts_at.us > old->read_at.us ? ERR_OK : ERR_BOOKING_NOT_ACTIVE;
}

static enum err booking_place_try_move(struct svc *s, const struct principal *who,
                                       const struct booking_move *m, struct booking *out)
{
    struct booking_scope sc = booking_scope_of(who, m->id);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const char *at = db_time(b, m->starts_at);

    int locked = booking_add_lock(b, &sc);
    int before = booking_add_load(b, &sc);
    DB_ADD(b, &stmt_booking_lock_both, SCOPE_PARAMS(sc));
    DB_ADD(b, &stmt_booking_move_drop_dead, SCOPE_PARAMS(sc), m->resource_id, at);
    DB_ADD(b, &stmt_booking_free_units, SCOPE_PARAMS(sc));
    int moved = DB_ADD(b, &stmt_booking_move, SCOPE_PARAMS(sc), m->resource_id, at);
    int after = booking_add_load(b, &sc);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_DB_RETRY)
        return e;
    struct booking old;
    if (e == ERR_OK && db_count(db_result(b, locked)) == 0)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK) {
        booking_read(db_result(b, before), 0, &old);
        e = booking_place_may_move(&old, &m->match);
    }
    if (e == ERR_OK)
        e = booking_place_judge(db_result(b, moved), ERR_OK, true);
    if (e != ERR_OK)
        return booking_place_refuse(s, e);
    booking_read(db_result(b, after), 0, out);
    return ERR_OK;
}

enum err booking_reschedule(struct svc *s, const struct booking_caller *c,
                            const struct booking_move *m, struct booking *out)
{
    enum err e;
    int attempts = 0;
    do {
        e = booking_place_try_move(s, c->who, m, out);
    } while (svc_may_retry(s, e, &attempts));
    if (e != ERR_OK)
        return e;
    struct booking_change moved = {
        .caller = c,
        .now = out,
        .from = booking_state_names[out->state],
        .reason = "rescheduled",
        .audit = "booking.reschedule",
        .notice = out->state == BOOKING_CONFIRMED ? NOTICE_BOOKING_RESCHEDULED : NOTICE_COUNT,
        .outcome = BOOKING_OUTCOME_RESCHEDULED,
    };
    return booking_finish(s, db_batch(s->db, s->arena, DB_COMMIT), &moved);
}
