/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Changing a booking without moving it: from state to state by the table of what may follow what,
 * and what staff may edit. Called by the API's booking routes; the keeper ends holds here.
 */
#include <string.h>

#include "base/ensure.h"
#include "booking_priv.h"
#include "svc/booking_pay.h"
#include "svc/booking_reads.h"
#include "svc/ratelimit.h"
#include "svc/svc_sql.h"

/* BEHAVIOUR §5: for how long staff may take back a completed or no-show. */
#define BOOKING_REOPEN_US ((int64_t)7 * 24 * 3600 * 1000000)

/* What else must be true of a step. */
enum booking_step_kind {
    BOOKING_STEP_PLAIN,
    BOOKING_STEP_STARTED, /* the booking has begun */
    BOOKING_STEP_REOPEN,  /* asked for as such, soon enough, and the place is still there */
};
struct booking_step {
    enum booking_state from, to;
    enum booking_step_kind kind;
    const char *audit;
    enum notification_template notification;
    enum booking_outcome outcome; /* BOOKING_OUTCOME_COUNT: not counted */
};
/* BEHAVIOUR §5. An expired booking becomes confirmed only by a late payment, which is not a step of
 * this table. Nobody is told of an undone completed or no-show: nobody was told of the mark. */
static const struct booking_step booking_steps[] = {
    {BOOKING_PENDING_PAYMENT, BOOKING_CONFIRMED, BOOKING_STEP_PLAIN, "booking.confirm",
     NOTIFICATION_TEMPLATE_BOOKING_CONFIRMED, BOOKING_OUTCOME_CONFIRMED},
    {BOOKING_PENDING_PAYMENT, BOOKING_CANCELLED, BOOKING_STEP_PLAIN, "booking.cancel",
     NOTIFICATION_TEMPLATE_BOOKING_CANCELLED, BOOKING_OUTCOME_CANCELLED},
    {BOOKING_CONFIRMED, BOOKING_CANCELLED, BOOKING_STEP_PLAIN, "booking.cancel",
     NOTIFICATION_TEMPLATE_BOOKING_CANCELLED, BOOKING_OUTCOME_CANCELLED},
    {BOOKING_CONFIRMED, BOOKING_COMPLETED, BOOKING_STEP_STARTED, "booking.complete",
     NOTIFICATION_TEMPLATE_COUNT, BOOKING_OUTCOME_COMPLETED},
    {BOOKING_CONFIRMED, BOOKING_NO_SHOW, BOOKING_STEP_STARTED, "booking.no_show",
     NOTIFICATION_TEMPLATE_COUNT, BOOKING_OUTCOME_NO_SHOW},
    {BOOKING_COMPLETED, BOOKING_CONFIRMED, BOOKING_STEP_REOPEN, "booking.reopen",
     NOTIFICATION_TEMPLATE_COUNT, BOOKING_OUTCOME_COUNT},
    {BOOKING_NO_SHOW, BOOKING_CONFIRMED, BOOKING_STEP_REOPEN, "booking.reopen",
     NOTIFICATION_TEMPLATE_COUNT, BOOKING_OUTCOME_COUNT},
};
/* A hold whose time has passed reads as expired; the keeper makes that so. */
static const struct booking_step booking_expiry = {BOOKING_EXPIRED,
                                                   BOOKING_EXPIRED,
                                                   BOOKING_STEP_PLAIN,
                                                   NULL,
                                                   NOTIFICATION_TEMPLATE_BOOKING_EXPIRED,
                                                   BOOKING_OUTCOME_EXPIRED};

/* `reopen` must be asked for by name: a repeated "confirm" of a completed booking must not undo
 * it. */
static const struct booking_step *booking_find_step(const struct booking_transition *t,
                                                    enum booking_state from)
{
    for (size_t i = 0; i < ARRAY_LEN(booking_steps); i++) {
        const struct booking_step *step = &booking_steps[i];
        if (step->from == from && step->to == t->to &&
            (step->kind == BOOKING_STEP_REOPEN) == t->reopen)
            return step;
    }
    return NULL;
}

/* A hold may be given up until it starts; a confirmed booking until free cancellation ends. */
enum err booking_customer_may(const struct booking *bk)
{
    const bool held = bk->state == BOOKING_PENDING_PAYMENT;
    if (!held && bk->state != BOOKING_CONFIRMED)
        return ERR_BOOKING_NOT_ACTIVE;
    const struct wall until = held ? bk->starts_at : bk->free_cancel_until;
    return bk->read_at.us <= until.us ? ERR_OK : ERR_CANCELLATION_CLOSED;
}

/* The clock's part of a step; *detail says what is against it. */
static enum err booking_check_time(const struct booking_step *step, const struct booking *old,
                                   const char **detail)
{
    if (step->kind == BOOKING_STEP_STARTED && old->starts_at.us > old->read_at.us) {
        *detail = "The booking has not started yet.";
        return ERR_BOOKING_NOT_ACTIVE;
    }
    if (step->kind == BOOKING_STEP_REOPEN &&
        (!old->has_ended || old->read_at.us - old->ended_at.us > BOOKING_REOPEN_US)) {
        *detail = "A booking can be reopened for 7 days after it was marked.";
        return ERR_BOOKING_NOT_ACTIVE;
    }
    return ERR_OK;
}

/* The version comes first: a caller who has an old picture should learn that, not a consequence of
 * it. */
static enum err booking_choose_step(const struct principal *who, const struct booking *old,
                                    const struct booking_transition *t,
                                    const struct booking_step **step, const char **detail)
{
    enum err e = versions_check(&t->match, old->version);
    if (e != ERR_OK)
        return e;
    *step = booking_find_step(t, old->state);
    if (!*step)
        return ERR_BOOKING_NOT_ACTIVE;
    return who->kind == WHO_CUSTOMER ? booking_customer_may(old)
                                     : booking_check_time(*step, old, detail);
}

/* The same decision without the change, for a cancellation that must refund first. */
enum err booking_cancel_check(const struct principal *who, const struct booking *bk,
                              const struct booking_transition *t)
{
    const struct booking_step *step;
    const char *detail;
    return booking_choose_step(who, bk, t, &step, &detail);
}

/* The last round trip: the row, then what every change ends with. *bk becomes what was made of it.
 */
static enum err booking_take_step(struct svc *s, const struct booking_caller *c,
                                  const struct booking_step *step, const char *reason,
                                  struct booking *bk)
{
    /* History has what is stored, and a dead hold is stored as pending until this very change. */
    const char *from = bk->dead_hold ? booking_state_names[BOOKING_PENDING_PAYMENT]
                                     : booking_state_names[bk->state];
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    booking_set_state(b, bk, step->to, c ? reason : NULL);
    struct booking_change change = {
        .caller = c,
        .now = bk,
        .from = from,
        .reason = reason,
        .audit = step->audit,
        .notification = step->notification,
        .outcome = step->outcome,
    };
    enum err e = booking_finish(s, b, &change);
    /* A hold that died while the lock was waited for, and whose place another has by now. */
    return e == ERR_DB_EXCLUSION ? ERR_BOOKING_NOT_ACTIVE : e;
}

/* Two round trips: locks and reads, then the step. Nothing is decided before the lock is held. A
 * reopened booking takes its place again, so the resource is locked and its room is asked for. */
enum err booking_move_on(struct svc *s, const struct booking_caller *c,
                         const struct booking_transition *t, struct booking *out)
{
    const struct booking_scope sc = booking_scope_of(c->who, t->id);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const int locked = booking_add_lock(b, &sc);
    const int loaded = booking_add_load(b, &sc);
    const int change = rate_add_change(s, b, c->who, RATE_CHANGE_BOOKING);
    /* A statement that finds what forbids the step; read under the same lock. */
    const int against = t->unless ? DB_ADD(b, t->unless, t->id) : -1;
    if (t->reopen)
        DB_ADD(b, &stmt_booking_lock_resource, SCOPE_PARAMS(sc));
    const int room = t->reopen ? DB_ADD(b, &stmt_booking_room, SCOPE_PARAMS(sc)) : -1;
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;

    const struct booking_step *step = NULL;
    if (db_count(db_result(b, locked)) == 0) {
        e = ERR_NOT_FOUND;
    } else {
        booking_read(db_result(b, loaded), 0, out);
        e = booking_choose_step(c->who, out, t, &step, &s->detail);
    }
    /* The caller decided on an older picture: it begins again, and takes the other way. */
    if (e == ERR_OK && against >= 0 && db_count(db_result(b, against)) > 0)
        e = ERR_DB_RETRY;
    if (e == ERR_OK)
        e = rate_change_allowed(s, b, change);
    if (e == ERR_OK && room >= 0 && !db_get_bool(db_result(b, room), 0, "room"))
        e = ERR_SLOT_TAKEN;
    if (e != ERR_OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    return booking_take_step(s, c, step, t->reason, out);
}

/* ---- what staff edit ---- */

/* The price follows the party until it is paid online; what was paid is not made another amount. */
static bool booking_edit_party(struct booking *bk, int64_t party)
{
    /* Confirmed and with a price: only a payment, or staff who vouch for one, confirm such a
     * booking. */
    const bool paid_online =
        bk->state == BOOKING_CONFIRMED && strcmp(bk->payment, "online") == 0 && bk->amount > 0;
    int64_t amount = bk->amount;
    if (!paid_online && __builtin_mul_overflow(bk->amount / bk->party_size, party, &amount))
        return false;
    /* The deposit grows or shrinks with the price, rounded up. */
    if (bk->deposit >= 0 && !paid_online) {
        int64_t each = bk->deposit / bk->party_size, left = bk->deposit % bk->party_size;
        bk->deposit = each * party + (left * party + bk->party_size - 1) / bk->party_size;
        bk->deposit = bk->deposit < amount ? bk->deposit : amount;
    }
    bk->amount = amount;
    bk->party_size = party;
    return true;
}

bool booking_edit_is_nameless(const struct booking_edit *edit, const struct booking *bk)
{
    return edit->has_guest_name && !edit->guest_name && !bk->has_customer;
}

/* Notes may be edited at any time; the party only while the booking is live, as it takes room. */
static enum err booking_edit_check(struct svc *s, const struct booking_edit *edit,
                                   struct db_rows most, struct booking *bk)
{
    enum err e = versions_check(&edit->match, bk->version);
    /* Staff could not tell who comes. */
    if (e == ERR_OK && booking_edit_is_nameless(edit, bk))
        return ERR_VALIDATION;
    /* The same size is no change: a form that sends all its fields must not be refused for that. */
    if (e != ERR_OK || !edit->has_party_size || edit->party_size == bk->party_size)
        return e;
    if (bk->state != BOOKING_CONFIRMED && bk->state != BOOKING_PENDING_PAYMENT)
        return ERR_BOOKING_NOT_ACTIVE;
    /* Nobody books more for it; a party that was agreed before may stay, or shrink. */
    if (edit->party_size > bk->party_size && !db_is_null(most, 0, "max_party_size") &&
        edit->party_size > db_get_int(most, 0, "max_party_size")) {
        s->detail = "The party is larger than the service takes.";
        return ERR_SLOT_NOT_OFFERED;
    }
    return booking_edit_party(bk, edit->party_size) ? ERR_OK : ERR_VALIDATION;
}

/* The trigger bookings_capacity judges a larger party, so no lock of the resource is needed
 * here. */
enum err booking_edit(struct svc *s, const struct booking_caller *c,
                      const struct booking_edit *edit, struct booking *out)
{
    const struct booking_scope sc = booking_scope_of(c->who, edit->id);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const int locked = booking_add_lock(b, &sc);
    const int loaded = booking_add_load(b, &sc);
    const int most = DB_ADD(b, &stmt_booking_party_limit, edit->id);
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    if (db_count(db_result(b, locked)) == 0) {
        e = ERR_NOT_FOUND;
    } else {
        booking_read(db_result(b, loaded), 0, out);
        e = booking_edit_check(s, edit, db_result(b, most), out);
    }
    if (e != ERR_OK) {
        db_clean(s->db, s->deadline);
        return e;
    }
    if (edit->has_note)
        out->note = edit->note;
    if (edit->has_staff_note)
        out->staff_note = edit->staff_note;
    if (edit->has_guest_name)
        out->guest_name = edit->guest_name;
    out->version++;
    struct db_batch *w = db_batch(s->db, s->arena, DB_COMMIT);
    DB_ADD(w, &stmt_booking_edit, out->venue_id.s, out->id.s, out->note, out->staff_note,
           out->guest_name, db_int(w, out->party_size), db_int(w, out->amount),
           out->deposit >= 0 ? db_int(w, out->deposit) : NULL);
    struct booking_change change = {
        .caller = c,
        .now = out,
        .from = booking_state_names[out->state],
        .reason = "edited",
        .audit = "booking.edit",
        .notification = NOTIFICATION_TEMPLATE_COUNT,
        .outcome = BOOKING_OUTCOME_COUNT,
    };
    e = booking_finish(s, w, &change);
    return e == ERR_DB_EXCLUSION ? ERR_SLOT_TAKEN : e;
}

/* ---- holds whose time has passed ---- */

/* With less than this left the next hold waits for the next run, so that its customer's
 * notification is not tried in a hurry: a provider's usual answer takes below a second. */
#define BOOKING_EXPIRY_NEEDS_MS 2000

/* *done false: it was paid or cancelled between the list and the lock. */
static enum err booking_expire_one(struct svc *s, const char *id, bool *done)
{
    const struct booking_scope sc = {.id = id};
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const int locked = DB_ADD(b, &stmt_booking_lock_due, id);
    const int loaded = booking_add_load(b, &sc);
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
    return booking_take_step(s, NULL, &booking_expiry, "hold expired", &bk);
}

/* One transaction per hold: a notification is sent after each commit, and one bad row stops only
 * itself. */
enum err booking_expire_due(struct svc *s, unsigned limit, unsigned *done)
{
    *done = 0;
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    const int due = DB_ADD(b, &stmt_booking_due, db_int(b, limit));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, due);
    for (int i = 0; e == ERR_OK && i < db_count(rows) &&
                    deadline_left_ms(s->deadline) >= BOOKING_EXPIRY_NEEDS_MS;
         i++) {
        /* The list was read without locks: each is looked at again under its own. */
        bool one = false;
        e = booking_expire_one(s, db_get_str(rows, i, "id"), &one);
        *done += one;
    }
    return e;
}
