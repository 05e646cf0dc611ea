/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
/*
 * Taking a place in time: making a booking and moving one. Called by the API's booking routes.
 *
 * One round trip takes the locks and reads the facts, domain/slots.c decides, the next round trip
 * writes the row and commits. Under the locks nothing can change between the question and the
 * taking, so "taken" is true and no race; the trigger bookings_capacity holds whatever else writes.
 */
#include <string.h>

#include "base/ensure.h"
#include "booking_priv.h"
#include "domain/money.h"
#include "slot_facts.h"
#include "svc/booking_reads.h"
#include "svc/notification.h"
#include "svc/ratelimit.h"
#include "svc/svc_sql.h"

/* BEHAVIOUR §5: how far in the past staff may let a walk-in begin. */
#define BOOKING_WALK_IN_US ((int64_t)24 * 3600 * 1000000)

/* ---- choosing ---- */

/* The problem's detail: which rule it was, so that a front end can offer something else (BEHAVIOUR
 * §5). */
static const char *const booking_place_details[SLOT_VERDICT_COUNT] = {
    [SLOT_TOO_SOON] = "The start is too soon: the service needs more notice.",
    [SLOT_TOO_FAR] = "The start is too far ahead for this service.",
    [SLOT_CLOSED] = "Closed: no opening hours cover the whole of this time.",
    [SLOT_IN_CLOSURE] = "Closed: there is a closure at this time.",
    [SLOT_OFF_GRID] = "The start is not one of the service's start times.",
    [SLOT_TOO_LARGE] = "The party is larger than any resource takes.",
};
#define BOOKING_NO_LONGER_OFFERED "The service is no longer offered with this resource."

/* What is asked of the candidates, and what was found. */
struct booking_choice {
    struct slot_facts facts;
    unsigned force;
    const char *only;   /* resource that must be taken; NULL: any */
    const char *prefer; /* taken if it is free; NULL: none */
    const struct slot_candidate *picked;
};

/* Of the free ones: the preferred, else the one with the fewest booked minutes, then the lowest id
 * (candidates are in that order). The verdict is the furthest that any candidate came. */
static enum slot_verdict booking_place_choose(struct booking_choice *c, int64_t starts_us)
{
    enum slot_verdict furthest = SLOT_FREE;
    c->picked = NULL;
    for (size_t i = 0; i < c->facts.candidates_n; i++) {
        const struct slot_candidate *candidate = &c->facts.candidates[i];
        struct slot slot;
        if (c->only && strcmp(c->only, candidate->id.s) != 0)
            continue;
        const enum slot_verdict v =
            slot_judge(&candidate->facts, &c->facts.rule, c->force, starts_us, &slot);
        if (v == SLOT_FREE) {
            if (c->prefer && strcmp(c->prefer, candidate->id.s) == 0) {
                c->picked = candidate;
                return SLOT_FREE;
            }
            if (!c->picked || candidate->booked_us < c->picked->booked_us)
                c->picked = candidate;
        } else if (v > furthest) {
            furthest = v;
        }
    }
    return c->picked ? SLOT_FREE : furthest;
}

/* Staff take a walk-in who is there already: the notice is no question then, but the past has an
 * end. */
static enum err booking_place_admit_past(struct svc *s, const struct principal *who,
                                         struct booking_choice *c, int64_t starts_us)
{
    if (who->kind != WHO_STAFF || starts_us >= c->facts.now_us)
        return ERR_OK;
    c->force |= SLOT_FORCE_NOTICE;
    if (starts_us >= c->facts.now_us - BOOKING_WALK_IN_US)
        return ERR_OK;
    s->detail = "The start is too soon: a walk-in may begin at most 24 hours ago.";
    return ERR_SLOT_NOT_OFFERED;
}

/* ERR_OK and c->picked, ERR_SLOT_TAKEN, or ERR_SLOT_NOT_OFFERED with its detail. */
static enum err booking_place_decide(struct svc *s, const struct principal *who,
                                     struct booking_choice *c, int64_t party, struct wall starts_at)
{
    enum err e = booking_place_admit_past(s, who, c, starts_at.us);
    if (e != ERR_OK)
        return e;
    if (c->facts.max_party_size > 0 && party > c->facts.max_party_size) {
        s->detail = "The party is larger than the service takes.";
        return ERR_SLOT_NOT_OFFERED;
    }
    c->facts.rule.party = (int32_t)party;
    const enum slot_verdict v = booking_place_choose(c, starts_at.us);
    if (v == SLOT_TAKEN)
        return ERR_SLOT_TAKEN;
    if (c->picked)
        return ERR_OK;
    s->detail = v == SLOT_FREE ? BOOKING_NO_LONGER_OFFERED : booking_place_details[v];
    return ERR_SLOT_NOT_OFFERED;
}

/* Ends a transaction that placed nothing. */
static enum err booking_place_refuse(struct svc *s, enum err e)
{
    if (e == ERR_DB_EXCLUSION) /* taken past the locks, by another program */
        e = ERR_SLOT_TAKEN;
    /* The locks go at once; the caller still has an answer to write. */
    db_clean(s->db, s->deadline);
    if (e == ERR_SLOT_TAKEN)
        METRIC_INC(M_BOOKINGS, BOOKING_OUTCOME_CONFLICT);
    return e;
}

/* "hours,grid": for the row, the history and the audit log. */
static const char *booking_force_text(struct arena *a, unsigned force)
{
    struct sb text;
    sb_init(&text, a, 48);
    for (size_t i = 0; i < SLOT_FORCE_COUNT; i++)
        if (force & 1U << i)
            sb_printf(&text, "%s%s", sb_str(&text).n > 0 ? "," : "", slot_force_names[i]);
    return sb_str(&text).n > 0 ? arena_strndup(a, sb_str(&text).p, sb_str(&text).n) : "";
}

/* ---- making ---- */

/* Indices of what the first round trip of a new booking reads. */
struct booking_reads {
    int customer, active, change;
    struct slot_results facts;
};

/* A customer is the one signed in; staff name a phone, and its customer is found or made; a guest
 * without a phone has none. */
static void booking_place_add_customer(struct svc *s, struct db_batch *b,
                                       const struct booking_caller *c,
                                       const struct booking_order *o, struct booking_reads *out)
{
    out->customer = out->active = -1;
    out->change = -1;
    if (c->who->kind == WHO_CUSTOMER) {
        /* The customer's row first, then resources: the order of locks of the whole service. */
        out->customer = DB_ADD(b, &stmt_booking_lock_customer, c->who->id.s);
        out->active = DB_ADD(b, &stmt_booking_count_active, c->who->id.s);
        out->change = rate_add_change(s, b, c->who, RATE_CHANGE_BOOKING);
    } else if (o->phone) {
        const char *id = arena_strdup(s->arena, uuid_new().s);
        out->customer = DB_ADD(b, &stmt_booking_claim_customer, id, o->phone, o->guest_name,
                               o->locale, o->service_id);
    }
}

/* How it is paid: as staff said, else as the service has it. An online service that staff book
 * without a phone, or for a start that has passed, becomes "on_site", since no link could be sent
 * or used. NULL, with s->detail: staff asked for a link that cannot be sent. */
static const char *booking_place_payment(struct svc *s, const struct booking_order *o,
                                         const struct slot_facts *f, bool staff)
{
    if (o->pay == PAY_ON_SITE || o->pay == PAY_NOTHING)
        return o->pay == PAY_ON_SITE ? "on_site" : "none";
    if (!staff || strcmp(f->payment, service_payment_names[SERVICE_PAYMENT_ONLINE]) != 0 ||
        (o->phone && o->starts_at.us > f->now_us))
        return f->payment;
    s->detail = "A payment link needs a phone and a start in the future.";
    return o->pay == PAY_LINK ? NULL : "on_site";
}

/* What the row will be, as booking_load would read it back. */
static bool booking_place_fill(struct svc *s, const struct principal *who,
                               const struct booking_order *o, const struct booking_choice *c,
                               struct booking *bk)
{
    const struct slot_facts *f = &c->facts;
    const bool staff = who->kind == WHO_STAFF;
    *bk = (struct booking){
        .id = uuid_new(),
        .venue_id = f->venue_id,
        .service_id = f->service_id,
        .resource_id = c->picked->id,
        .state = BOOKING_CONFIRMED,
        .version = 1,
        .starts_at = o->starts_at,
        .ends_at = {o->starts_at.us + f->rule.duration_us},
        .created_at = {f->now_us},
        .read_at = {f->now_us},
        .party_size = o->party_size,
        .deposit = -1,
        .currency = f->currency,
        .payment = booking_place_payment(s, o, f, staff),
        .note = o->note,
        .staff_note = o->staff_note,
        .guest_name = o->guest_name,
        .made_by = staff ? "staff" : "customer",
        .forced = staff ? booking_force_text(s->arena, o->force) : "",
        .resource_chosen = o->resource_id != NULL,
        .free_cancellation_minutes = f->free_cancellation_minutes,
        .free_cancel_until = {o->starts_at.us - f->free_cancellation_minutes * 60000000},
        .locale = booking_locale_of(o->locale),
        .service = f->service,
        .venue = f->venue,
        .venue_locale = f->venue_locale,
        .resource = c->picked->name,
        .starts_wall = f->starts_wall,
        .ends_wall = f->ends_wall,
    };
    /* False: no such amount can be paid, or not in this way. */
    if (!bk->payment || __builtin_mul_overflow(f->price, o->party_size, &bk->amount))
        return false;
    if ((f->deposit_amount > 0 || f->deposit_percent > 0) && booking_due_online(bk) > 0)
        bk->deposit =
            money_deposit(bk->amount, o->party_size, f->deposit_amount, f->deposit_percent);
    return true;
}

/* A service that is paid online is held until it is paid; what staff hold ends with the start. */
static void booking_place_hold(struct svc *s, bool staff, struct booking *bk)
{
    if (strcmp(bk->payment, "online") != 0 || bk->amount == 0)
        return;
    bk->state = BOOKING_PENDING_PAYMENT;
    bk->has_hold = true;
    bk->hold_expires_at.us = bk->read_at.us + s->cfg->bookings.hold_ms * 1000;
    if (staff)
        bk->hold_expires_at.us = bk->read_at.us + s->cfg->bookings.staff_hold_ms * 1000;
    /* A place that is held past its start is of use to nobody. */
    if (staff && bk->hold_expires_at.us > bk->starts_at.us)
        bk->hold_expires_at = bk->starts_at;
}

/* The language of the order comes first, then the account's. */
static void booking_place_read_customer(struct db_rows rows, const struct booking_order *o,
                                        struct booking *bk)
{
    bk->has_customer = true;
    bk->customer_id = db_get_uuid(rows, 0, "id");
    bk->phone = db_get(rows, 0, "phone");
    bk->name = db_get(rows, 0, "name");
    bk->booked_here = db_get_bool(rows, 0, "booked_here");
    if (!o->locale)
        bk->locale = booking_locale_of(db_get_str(rows, 0, "locale"));
}

/* Locks, reads and decides. Leaves the transaction open when it returns ERR_OK. */
static enum err booking_place_try(struct svc *s, const struct booking_caller *c,
                                  const struct booking_order *o, struct booking_choice *choice,
                                  struct booking *out)
{
    struct booking_reads reads;
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const struct slot_question q = {.service_id = o->service_id,
                                    .resource_id = o->resource_id,
                                    .starts_at = db_time(b, o->starts_at)};
    booking_place_add_customer(s, b, c, o, &reads);
    DB_ADD(b, &stmt_booking_lock_served, o->service_id, o->resource_id, o->venue_id);
    slot_facts_add(b, &q, &reads.facts);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_DB_RETRY)
        return e;
    *choice = (struct booking_choice){.force = o->force};
    if (e == ERR_OK)
        e = slot_facts_read(s->arena, b, &reads.facts, &choice->facts);
    if (e == ERR_OK && (!choice->facts.active ||
                        (o->venue_id && strcmp(o->venue_id, choice->facts.venue_id.s) != 0) ||
                        (o->resource_id && choice->facts.candidates_n == 0)))
        e = ERR_NOT_FOUND;
    if (e == ERR_OK)
        e = rate_change_allowed(s, b, reads.change);
    if (e != ERR_OK)
        return booking_place_refuse(s, e);
    e = booking_place_decide(s, c->who, choice, o->party_size, o->starts_at);
    /* The customer's own limit is told before "taken": it does not pass by waiting for a place. */
    if ((e == ERR_OK || e == ERR_SLOT_TAKEN) && reads.active >= 0 &&
        db_get_int(db_result(b, reads.active), 0, "active") >=
            s->cfg->bookings.max_active_per_customer)
        e = ERR_BOOKING_LIMIT;
    if (e == ERR_OK && reads.customer >= 0 && db_count(db_result(b, reads.customer)) == 0)
        e = ERR_BOOKING_LIMIT; /* erased while the request was on its way */
    else if (reads.customer >= 0 && db_get_bool(db_result(b, reads.customer), 0, "blocked"))
        e = ERR_CUSTOMER_BLOCKED;
    if (e == ERR_OK && !booking_place_fill(s, c->who, o, choice, out))
        e = ERR_SLOT_NOT_OFFERED;
    if (e != ERR_OK)
        return booking_place_refuse(s, e);
    if (reads.customer >= 0)
        booking_place_read_customer(db_result(b, reads.customer), o, out);
    booking_place_hold(s, c->who->kind == WHO_STAFF, out);
    return ERR_OK;
}

/* The occupied time includes the buffers of the service; start and end are what the customer
 * sees. */
static void booking_place_add_insert(struct db_batch *b, const struct booking_order *o,
                                     const struct slot_rule *rule, const struct booking *bk)
{
    const struct wall from = {bk->starts_at.us - rule->before_us};
    const struct wall to = {bk->ends_at.us + rule->after_us};
    DB_ADD(b, &stmt_booking_insert, bk->venue_id.s, bk->id.s, bk->service_id.s, bk->resource_id.s,
           bk->has_customer ? bk->customer_id.s : NULL, booking_state_names[bk->state],
           db_time(b, bk->starts_at), db_time(b, bk->ends_at), db_time(b, from), db_time(b, to),
           db_int(b, bk->party_size), db_int(b, bk->amount), bk->currency, bk->payment, bk->note,
           bk->has_hold ? db_time(b, bk->hold_expires_at) : NULL, db_bool(bk->resource_chosen),
           db_int(b, bk->free_cancellation_minutes), bk->guest_name, o->locale, bk->staff_note,
           bk->made_by, bk->forced, bk->deposit >= 0 ? db_int(b, bk->deposit) : NULL);
}

/* Three round trips at least: the caller's first batch, this function's question, and its answer
 * (ARCHITECTURE, "Life of a booking"). Row, history, audit entry, notification and the stored
 * answer are one commit: booking_finish() adds what every change has. A held booking sends no
 * message yet; the payment does. */
enum err booking_create(struct svc *s, const struct booking_caller *c,
                        const struct booking_order *o, struct booking *out)
{
    struct booking_choice choice;
    enum err e;
    int attempts = 0;
    do {
        e = booking_place_try(s, c, o, &choice, out);
        /* A deadlock or a lost serialisation is tried again as a whole: nothing was sent yet. */
    } while (svc_may_retry(s, e, &attempts));
    if (e != ERR_OK)
        return e;
    const bool held = out->state == BOOKING_PENDING_PAYMENT;
    struct booking_change made = {
        .caller = c,
        .now = out,
        .reason = out->forced[0] ? arena_printf(s->arena, "forced: %s", out->forced) : NULL,
        .audit = "booking.create",
        .notification =
            held ? NOTIFICATION_TEMPLATE_COUNT : NOTIFICATION_TEMPLATE_BOOKING_CONFIRMED,
        .outcome = held ? BOOKING_OUTCOME_HELD : BOOKING_OUTCOME_CONFIRMED,
    };
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    booking_place_add_insert(b, o, &choice.facts.rule, out);
    e = booking_finish(s, b, &made);
    return e == ERR_DB_EXCLUSION ? booking_place_refuse(s, e) : e;
}

/* ---- moving ---- */

/* Whether this booking may be moved by `who` at all. Customers keep to the booking's deadline,
 * which is never after its start; staff also move one whose customer is late. */
static enum err booking_move_allowed(const struct principal *who, const struct booking *old,
                                     const struct versions *match)
{
    enum err e = versions_check(match, old->version);
    if (e != ERR_OK)
        return e;
    if (who->kind == WHO_CUSTOMER)
        return booking_customer_may(old);
    const bool live = old->state == BOOKING_CONFIRMED || old->state == BOOKING_PENDING_PAYMENT;
    return live ? ERR_OK : ERR_BOOKING_NOT_ACTIVE;
}

/* Which resources a move may take: see enum booking_resource_choice. */
static void booking_move_limit_choice(const struct booking_move *m, const struct booking *old,
                                      struct booking_choice *c)
{
    c->only = m->choice == RESOURCE_THIS                           ? m->resource_id
              : m->choice == RESOURCE_KEEP && old->resource_chosen ? old->resource_id.s
                                                                   : NULL;
    c->prefer = m->choice == RESOURCE_KEEP ? old->resource_id.s : NULL;
}

/* The booking as the move will leave it. */
static void booking_move_fill(struct svc *s, const struct booking_move *m,
                              const struct booking_choice *c, struct booking *bk)
{
    const struct slot_facts *f = &c->facts;
    bk->resource_id = c->picked->id;
    bk->resource = c->picked->name;
    bk->resource_chosen =
        m->choice == RESOURCE_THIS || (m->choice == RESOURCE_KEEP && bk->resource_chosen);
    bk->starts_at = m->starts_at;
    bk->ends_at.us = m->starts_at.us + f->rule.duration_us;
    bk->starts_wall = f->starts_wall;
    bk->ends_wall = f->ends_wall;
    bk->free_cancel_until.us = m->starts_at.us - bk->free_cancellation_minutes * 60000000;
    bk->forced = booking_force_text(s->arena, m->force);
    /* The row's ETag: whoever read it before the move gets 412 for a change that builds on it. */
    bk->version++;
}

/* Locks, reads and decides. Leaves the transaction open when it returns ERR_OK. */
static enum err booking_move_try(struct svc *s, const struct principal *who,
                                 const struct booking_move *m, struct booking_choice *choice,
                                 struct booking *out)
{
    const struct booking_scope sc = booking_scope_of(who, m->id);
    struct slot_results facts;
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const struct slot_question q = {.booking_id = m->id,
                                    .resource_id =
                                        m->choice == RESOURCE_THIS ? m->resource_id : NULL,
                                    .starts_at = db_time(b, m->starts_at)};
    const int locked = booking_add_lock(b, &sc);
    const int before = booking_add_load(b, &sc);
    const int change = rate_add_change(s, b, who, RATE_CHANGE_BOOKING);
    /* The booking before its resources, as in every change: locks in one order never wait in a
     * circle. */
    DB_ADD(b, &stmt_booking_lock_both, SCOPE_PARAMS(sc));
    slot_facts_add(b, &q, &facts);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_DB_RETRY)
        return e;
    *choice = (struct booking_choice){.force = m->force};
    if (e == ERR_OK && db_count(db_result(b, locked)) == 0)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK)
        e = slot_facts_read(s->arena, b, &facts, &choice->facts);
    if (e == ERR_OK) {
        booking_read(db_result(b, before), 0, out);
        e = booking_move_allowed(who, out, &m->match);
    }
    if (e == ERR_OK)
        e = rate_change_allowed(s, b, change);
    if (e == ERR_OK && m->choice == RESOURCE_THIS && choice->facts.candidates_n == 0)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK && who->kind == WHO_CUSTOMER && !choice->facts.active) {
        s->detail = BOOKING_NO_LONGER_OFFERED;
        e = ERR_SLOT_NOT_OFFERED;
    }
    if (e == ERR_OK) {
        choice->facts.max_party_size = 0; /* the party is the booking's and does not change */
        booking_move_limit_choice(m, out, choice);
        e = booking_place_decide(s, who, choice, out->party_size, m->starts_at);
    }
    if (e != ERR_OK)
        return booking_place_refuse(s, e);
    booking_move_fill(s, m, choice, out);
    return ERR_OK;
}

/* The row is updated, not replaced: the old place is free in the moment in which the new one is
 * taken. A held booking keeps the end of its hold. */
enum err booking_reschedule(struct svc *s, const struct booking_caller *c,
                            const struct booking_move *m, struct booking *out)
{
    struct booking_choice choice;
    enum err e;
    int attempts = 0;
    do {
        e = booking_move_try(s, c->who, m, &choice, out);
    } while (svc_may_retry(s, e, &attempts));
    if (e != ERR_OK)
        return e;
    struct booking_change moved = {
        .caller = c,
        .now = out,
        .from = booking_state_names[out->state],
        .reason = "rescheduled",
        .audit = "booking.reschedule",
        .notification = out->state == BOOKING_CONFIRMED ? NOTIFICATION_TEMPLATE_BOOKING_RESCHEDULED
                                                        : NOTIFICATION_TEMPLATE_COUNT,
        .outcome = BOOKING_OUTCOME_RESCHEDULED,
    };
    const struct slot_rule *rule = &choice.facts.rule;
    struct db_batch *b = db_batch(s->db, s->arena, DB_COMMIT);
    const struct wall from = {out->starts_at.us - rule->before_us};
    const struct wall to = {out->ends_at.us + rule->after_us};
    DB_ADD(b, &stmt_booking_move, out->venue_id.s, out->id.s, out->resource_id.s,
           db_time(b, out->starts_at), db_time(b, out->ends_at), db_time(b, from), db_time(b, to),
           db_bool(out->resource_chosen), out->forced);
    e = booking_finish(s, b, &moved);
    return e == ERR_DB_EXCLUSION ? booking_place_refuse(s, e) : e;
}
