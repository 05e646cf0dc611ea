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

/* A deadlock cannot come from here (one lock order); other writers may bring one. */
#define ATTEMPTS_MAX 3
/* Customers that staff make get the notices in this language until they choose. */
#define NEW_CUSTOMER_LOCALE LOCALE_AR

/*
 * Continues a WITH whose first part is ask (venue_id or NULL, service_id, resource_id or NULL,
 * starts_at, party, prefer or NULL). `pick` becomes one resource and its units, or nothing. service
 * what is asked for, when it is active served   resources that can serve it span     its time,
 * empty when too soon, too far, or the amount is beyond a bigint offered  resources that open for
 * this start and are large enough; it carries the time, so that the search for taken units is one
 * condition on one index whatever the planner knows of the tables
 */
#define SQL_PICK                                                                                   \
    " service AS (SELECT s.*, v.time_zone, v.currency FROM ask JOIN services s ON s.id = "         \
    "ask.service_id"                                                                               \
    "   AND (ask.venue_id IS NULL OR s.venue_id = ask.venue_id) JOIN venues v ON v.id = "          \
    "s.venue_id"                                                                                   \
    "   WHERE s.active AND v.active),"                                                             \
    " served AS (SELECT r.venue_id, r.id, r.capacity FROM ask, service s JOIN service_resources "  \
    "sr"                                                                                           \
    "   ON sr.venue_id = s.venue_id AND sr.service_id = s.id"                                      \
    "   JOIN resources r ON r.venue_id = sr.venue_id AND r.id = sr.resource_id"                    \
    "   WHERE r.active AND (ask.resource_id IS NULL OR r.id = ask.resource_id)),"                  \
    " span AS (SELECT t.ends_at, (ask.starts_at AT TIME ZONE s.time_zone)::date AS day,"           \
    "   tstzrange(ask.starts_at - s.buffer_before_minutes * interval '1 minute',"                  \
    "             t.ends_at + s.buffer_after_minutes * interval '1 minute') AS occupied"           \
    "   FROM ask, service s,"                                                                      \
    "   LATERAL (SELECT ask.starts_at + s.duration_minutes * interval '1 minute' AS ends_at) t"    \
    "   WHERE ask.starts_at BETWEEN now() + s.min_notice_minutes * interval '1 minute'"            \
    "                           AND now() + s.max_advance_days * interval '24 hours'"              \
    "     AND s.price::numeric * ask.party <= 9223372036854775807),"                               \
    " offered AS (SELECT r.venue_id, r.id, r.capacity, span.occupied FROM ask, service s, span, "  \
    "served r"                                                                                     \
    "   WHERE r.capacity >= ask.party AND EXISTS (SELECT 1 FROM resource_starts(s.venue_id, "      \
    "r.id, s.time_zone,"                                                                           \
    "     s.duration_minutes, coalesce(s.slot_step_minutes, s.duration_minutes), span.day, "       \
    "span.day) t"                                                                                  \
    "     WHERE t.starts_at = ask.starts_at)),"                                                    \
    " taken AS (SELECT u.resource_id, u.unit FROM offered o JOIN booking_units u"                  \
    "   ON u.venue_id = o.venue_id AND u.resource_id = o.id AND u.occupied && o.occupied),"        \
    " available AS (SELECT o.id, n.unit FROM offered o, generate_series(1, o.capacity) AS n "      \
    "(unit)"                                                                                       \
    "   WHERE NOT EXISTS (SELECT 1 FROM taken t WHERE t.resource_id = o.id AND t.unit = n.unit))," \
    " pick AS (SELECT a.id, (array_agg(a.unit ORDER BY a.unit))[1:ask.party] AS units FROM ask, "  \
    "available a"                                                                                  \
    "   GROUP BY a.id, ask.party, ask.prefer HAVING count(*) >= ask.party"                         \
    "   ORDER BY a.id = ask.prefer DESC NULLS LAST, count(*), a.id LIMIT 1),"
#define SQL_PICK_VERDICT                                                           \
    " EXISTS (SELECT 1 FROM service) AS service_found,"                            \
    " ask.resource_id IS NULL OR EXISTS (SELECT 1 FROM served) AS resource_found," \
    " EXISTS (SELECT 1 FROM offered) AS offered,"                                  \
    " EXISTS (SELECT 1 FROM pick) AS available"

/* ---- making ---- */

/* Serialises one customer's bookings, so that the limit cannot be outrun. */
static const struct db_stmt lock_customer_stmt = {
    "booking_lock_customer",
    "SELECT c.id FROM customers c WHERE c.id = $1::uuid AND c.erased_at IS NULL FOR NO KEY UPDATE"};

/* Finds or makes the customer of a phone, and locks the row; a name that is there already is the
 * customer's own. */
static const struct db_stmt claim_customer_stmt = {
    "booking_claim_customer",
    "INSERT INTO customers AS c (id, phone, name, locale) VALUES ($1::uuid, $2::text, $3::text, "
    "$4::text)"
    " ON CONFLICT (phone) DO UPDATE SET name = coalesce(c.name, excluded.name) RETURNING c.id"};

static const struct db_stmt lock_served_stmt = {
    "booking_lock_served",
    "SELECT r.id FROM resources r WHERE (r.venue_id, r.id) IN (SELECT sr.venue_id, sr.resource_id"
    " FROM service_resources sr WHERE sr.service_id = $1::uuid AND ($3::uuid IS NULL OR "
    "sr.venue_id = $3::uuid))"
    " AND ($2::uuid IS NULL OR r.id = $2::uuid) ORDER BY r.id FOR NO KEY UPDATE OF r"};

/* Units of holds that died, out of the way; under the resources' locks, so nobody else deletes the
 * same rows. */
#define SQL_DROP_DEAD(service_id, venue_id, resource_id, starts_at)          \
    "DELETE FROM booking_units u USING services s WHERE s.id = " service_id  \
    " AND u.venue_id = s.venue_id"                                           \
    " AND (" venue_id " IS NULL OR s.venue_id = " venue_id ")"               \
    " AND u.resource_id IN (SELECT sr.resource_id FROM service_resources sr" \
    "   WHERE sr.venue_id = s.venue_id AND sr.service_id = s.id)"            \
    " AND (" resource_id " IS NULL OR u.resource_id = " resource_id ")"      \
    " AND u.held_until <= clock_timestamp()"                                 \
    " AND u.occupied && tstzrange(" starts_at                                \
    " - s.buffer_before_minutes * interval '1 minute', " starts_at           \
    "   + (s.duration_minutes + s.buffer_after_minutes) * interval '1 minute')"

static const struct db_stmt drop_dead_stmt = {
    "booking_drop_dead", SQL_DROP_DEAD("$1::uuid", "$3::uuid", "$2::uuid", "$4::timestamptz")};

/* No service lasts longer than a week: the bound on the start of what counts for the limit is for
 * the index. */
static const struct db_stmt place_stmt = {
    "booking_place",
    "WITH ask AS (SELECT $1::uuid AS service_id, $2::uuid AS resource_id, $3::uuid AS venue_id,"
    "   $4::timestamptz AS starts_at, $5::integer AS party, NULL::uuid AS prefer)," SQL_PICK
    " who AS (SELECT c.id, c.erased_at IS NULL AND ($9::bigint IS NULL OR (SELECT count(*) FROM "
    "bookings b"
    "     WHERE b.customer_id = c.id AND b.ends_at > now() AND b.starts_at > now() - interval '8 "
    "days'"
    "     AND booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed')) < "
    "$9::bigint) AS may"
    "   FROM customers c WHERE c.id = coalesce($7::uuid, (SELECT p.id FROM customers p WHERE "
    "p.phone = $8::text))),"
    " made AS (INSERT INTO bookings (venue_id, id, service_id, resource_id, customer_id, status, "
    "starts_at, ends_at,"
    "     occupied, party_size, amount, currency, payment, note, hold_expires_at)"
    "   SELECT s.venue_id, $6::uuid, s.id, pick.id, who.id,"
    "     CASE WHEN h.held THEN 'pending_payment' ELSE 'confirmed' END, ask.starts_at, "
    "span.ends_at, span.occupied,"
    "     ask.party, s.price * ask.party, s.currency, s.payment, $10::text,"
    "     CASE WHEN h.held THEN now() + $11::bigint * interval '1 millisecond' END"
    "   FROM ask, service s, span, pick, who, LATERAL (SELECT s.payment = 'online' AND s.price > 0 "
    "AS held) h"
    "   WHERE who.may RETURNING venue_id, id, resource_id, occupied, hold_expires_at),"
    " units AS (INSERT INTO booking_units (venue_id, resource_id, unit, booking_id, occupied, "
    "held_until)"
    "   SELECT m.venue_id, m.resource_id, n.unit, m.id, m.occupied, m.hold_expires_at"
    "   FROM made m, pick, unnest(pick.units) AS n (unit))"
    "SELECT" SQL_PICK_VERDICT ", coalesce((SELECT may FROM who), false) AS may FROM ask"};

/* Why nothing was placed, in the order in which a caller can do something about it; ERR_OK when it
 * was.
 */
static enum err verdict(struct db_rows rows, enum err limit, bool exists)
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
static enum err refused(struct svc *s, enum err e)
{
    if (e == ERR_DB_EXCLUSION)
        e = ERR_SLOT_TAKEN;
    db_clean(s->db, s->deadline);
    if (e == ERR_SLOT_TAKEN)
        METRIC_INC(M_BOOKINGS, BOOKING_OUTCOME_CONFLICT);
    return e;
}

static void add_customer(struct db_batch *b, const struct principal *who,
                         const struct booking_order *o, const struct uuid *new_id)
{
    if (who->kind == WHO_CUSTOMER)
        DB_ADD(b, &lock_customer_stmt, who->id.s);
    else
        DB_ADD(b, &claim_customer_stmt, new_id->s, o->phone, o->name,
               locale_names[NEW_CUSTOMER_LOCALE]);
}

/* Leaves the transaction open when it returns ERR_OK. */
static enum err place(struct svc *s, const struct principal *who, const struct booking_order *o,
                      struct booking *out)
{
    bool customer = who->kind == WHO_CUSTOMER;
    struct uuid ids[2] = {uuid_new(), uuid_new()};
    struct booking_scope scope = {.id = ids[0].s};
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const char *at = db_time(b, o->starts_at);

    add_customer(b, who, o, &ids[1]);
    DB_ADD(b, &lock_served_stmt, o->service_id, o->resource_id, o->venue_id);
    DB_ADD(b, &drop_dead_stmt, o->service_id, o->resource_id, o->venue_id, at);
    int placed = DB_ADD(b, &place_stmt, o->service_id, o->resource_id, o->venue_id, at,
                        db_int(b, o->party_size), ids[0].s, customer ? who->id.s : NULL, o->phone,
                        customer ? db_int(b, s->cfg->bookings.max_active_per_customer) : NULL,
                        o->note, db_int(b, s->cfg->bookings.hold_ms));
    int loaded = booking_add_load(b, &scope);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_OK)
        e = verdict(db_result(b, placed), ERR_BOOKING_LIMIT, false);
    if (e == ERR_DB_RETRY)
        return e;
    if (e != ERR_OK)
        return refused(s, e);
    booking_read(db_result(b, loaded), 0, out);
    return ERR_OK;
}

enum err booking_create(struct svc *s, const struct booking_caller *c,
                        const struct booking_order *o, struct booking *out)
{
    enum err e;
    int attempt = 0;
    do {
        e = place(s, c->who, o, out);
    } while (e == ERR_DB_RETRY && ++attempt < ATTEMPTS_MAX && !deadline_passed(s->deadline));
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

#define SCOPED_BOOKING "scoped AS (SELECT b.* FROM bookings b WHERE" BOOKING_IN_SCOPE ")"

/* The present resource and all that could take its place, in the one order. */
static const struct db_stmt lock_both_stmt = {
    "booking_lock_both",
    "WITH " SCOPED_BOOKING " SELECT r.id FROM resources r WHERE (r.venue_id, r.id) IN"
    " (SELECT b.venue_id, b.resource_id FROM scoped b UNION SELECT sr.venue_id, sr.resource_id "
    "FROM scoped b"
    "  JOIN service_resources sr ON sr.venue_id = b.venue_id AND sr.service_id = b.service_id)"
    " ORDER BY r.id FOR NO KEY UPDATE OF r"};

static const struct db_stmt move_drop_dead_stmt = {
    "booking_move_drop_dead",
    SQL_DROP_DEAD("(SELECT b.service_id FROM bookings b WHERE" BOOKING_IN_SCOPE ")", "$3::uuid",
                  "$4::uuid", "$5::timestamptz")};

static const struct db_stmt move_leave_stmt = {
    "booking_move_leave", "DELETE FROM booking_units u USING bookings b WHERE" BOOKING_IN_SCOPE
                          " AND u.venue_id = b.venue_id AND u.booking_id = b.id"};

static const struct db_stmt move_stmt = {
    "booking_move",
    "WITH " SCOPED_BOOKING ", ask AS (SELECT b.venue_id, b.service_id, $4::uuid AS resource_id,"
    "   $5::timestamptz AS starts_at, b.party_size AS party, b.resource_id AS prefer FROM scoped "
    "b)," SQL_PICK " moved AS (UPDATE bookings b SET resource_id = pick.id, starts_at = "
    "ask.starts_at, ends_at = span.ends_at,"
    "     occupied = span.occupied, version = b.version + 1, updated_at = now()"
    "   FROM ask, span, pick, scoped WHERE b.venue_id = scoped.venue_id AND b.id = scoped.id"
    "   RETURNING b.venue_id, b.id, b.resource_id, b.occupied, b.hold_expires_at),"
    " units AS (INSERT INTO booking_units (venue_id, resource_id, unit, booking_id, occupied, "
    "held_until)"
    "   SELECT m.venue_id, m.resource_id, n.unit, m.id, m.occupied, m.hold_expires_at"
    "   FROM moved m, pick, unnest(pick.units) AS n (unit))"
    "SELECT" SQL_PICK_VERDICT " FROM ask"};

/* May this booking be moved at all? One that has begun may not. */
static enum err movable(const struct booking *old, const struct versions *match)
{
    enum err e = versions_check(match, old->version);
    if (e != ERR_OK)
        return e;
    bool live = old->state == BOOKING_CONFIRMED || old->state == BOOKING_PENDING_PAYMENT;
    return live && old->starts_at.us > old->read_at.us ? ERR_OK : ERR_BOOKING_NOT_ACTIVE;
}

static enum err replace(struct svc *s, const struct principal *who, const struct booking_move *m,
                        struct booking *out)
{
    struct booking_scope sc = booking_scope_of(who, m->id);
    struct db_batch *b = db_batch(s->db, s->arena, DB_BEGIN);
    const char *at = db_time(b, m->starts_at);

    int locked = booking_add_lock(b, &sc);
    int before = booking_add_load(b, &sc);
    DB_ADD(b, &lock_both_stmt, SCOPE_PARAMS(sc));
    DB_ADD(b, &move_drop_dead_stmt, SCOPE_PARAMS(sc), m->resource_id, at);
    DB_ADD(b, &move_leave_stmt, SCOPE_PARAMS(sc));
    int moved = DB_ADD(b, &move_stmt, SCOPE_PARAMS(sc), m->resource_id, at);
    int after = booking_add_load(b, &sc);
    enum err e = db_run(b, s->deadline);
    if (e == ERR_DB_RETRY)
        return e;
    struct booking old;
    if (e == ERR_OK && db_count(db_result(b, locked)) == 0)
        e = ERR_NOT_FOUND;
    if (e == ERR_OK) {
        booking_read(db_result(b, before), 0, &old);
        e = movable(&old, &m->match);
    }
    if (e == ERR_OK)
        e = verdict(db_result(b, moved), ERR_OK, true);
    if (e != ERR_OK)
        return refused(s, e);
    booking_read(db_result(b, after), 0, out);
    return ERR_OK;
}

enum err booking_reschedule(struct svc *s, const struct booking_caller *c,
                            const struct booking_move *m, struct booking *out)
{
    enum err e;
    int attempt = 0;
    do {
        e = replace(s, c->who, m, out);
    } while (e == ERR_DB_RETRY && ++attempt < ATTEMPTS_MAX && !deadline_passed(s->deadline));
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
