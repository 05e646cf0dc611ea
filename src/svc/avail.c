/* SPDX-License-Identifier: Apache-2.0 */
/* Copyright the bookingd authors */
#include "svc/avail.h"

/* The service with the days that are asked for, venue-local; parameters $1 service, $2 from, $3 to.
 */
#define ASKED                                                                                     \
    "SELECT s.venue_id, s.id, s.duration_minutes, coalesce(s.slot_step_minutes, "                 \
    "s.duration_minutes) AS step,"                                                                \
    "       s.duration_minutes * interval '1 minute' AS duration, v.time_zone, d.first_day, "     \
    "d.last_day,"                                                                                 \
    "       s.buffer_before_minutes * interval '1 minute' AS buffer_before,"                      \
    "       s.buffer_after_minutes * interval '1 minute' AS buffer_after,"                        \
    "       now() + s.min_notice_minutes * interval '1 minute' AS earliest,"                      \
    "       now() + s.max_advance_days * interval '24 hours' AS latest"                           \
    "  FROM services s JOIN venues v ON v.id = s.venue_id,"                                       \
    "  LATERAL (SELECT coalesce($2::date, (now() AT TIME ZONE v.time_zone)::date) AS first_day) " \
    "f,"                                                                                          \
    "  LATERAL (SELECT f.first_day, coalesce($3::date, f.first_day + 6) AS last_day) d"           \
    " WHERE s.id = $1::uuid AND s.active AND v.active"

static const struct db_stmt asked_stmt = {
    "avail_asked", "SELECT a.last_day - a.first_day AS days,"
                   "       $4::uuid IS NULL OR EXISTS (SELECT 1 FROM resources r WHERE "
                   "r.venue_id = a.venue_id AND r.id = $4::uuid AND r.active)"
                   "       AS resource_known"
                   "  FROM (" ASKED ") a"};

/* Units of live bookings only: those of a hold whose time has passed are as good as gone. */
static const struct db_stmt slots_stmt = {
    "avail_slots",
    "WITH asked AS (" ASKED ") "
    "SELECT " DB_US("st.starts_at") " AS starts_us, " DB_US(
        "st.starts_at + a.duration") " AS ends_us,"
                                     "       r.id AS resource_id, r.capacity - t.taken AS available"
                                     "  FROM asked a"
                                     "  JOIN service_resources sr ON sr.venue_id = a.venue_id AND "
                                     "sr.service_id = a.id"
                                     "  JOIN resources r ON r.venue_id = sr.venue_id AND r.id = "
                                     "sr.resource_id AND "
                                     "r.active"
                                     "   AND ($4::uuid IS NULL OR r.id = $4::uuid),"
                                     "  LATERAL resource_starts(a.venue_id, r.id, a.time_zone, "
                                     "a.duration_minutes, "
                                     "a.step, a.first_day, a.last_day) st,"
                                     "  LATERAL (SELECT count(DISTINCT u.unit) AS taken FROM "
                                     "booking_units u"
                                     "            WHERE u.venue_id = a.venue_id AND u.resource_id "
                                     "= r.id AND u.unit <= "
                                     "r.capacity"
                                     "              AND u.occupied && tstzrange(st.starts_at - "
                                     "a.buffer_before, "
                                     "st.starts_at + a.duration + a.buffer_after)"
                                     "              AND (u.held_until IS NULL OR u.held_until > "
                                     "now())) t"
                                     " WHERE a.last_day - a.first_day BETWEEN 0 AND $6::int"
                                     "   AND st.starts_at BETWEEN a.earliest AND a.latest AND "
                                     "r.capacity - t.taken >= "
                                     "$5::int"
                                     " ORDER BY st.starts_at, r.id"};

static void read_slots(struct svc *s, struct db_rows rows, struct avail_answer *out)
{
    int n = db_count(rows);
    struct slot *slots = arena_array(s->arena, (size_t)n, sizeof *slots);
    for (int i = 0; i < n; i++) {
        slots[i] = (struct slot){
            .starts_at = db_get_time(rows, i, "starts_us"),
            .ends_at = db_get_time(rows, i, "ends_us"),
            .resource_id = db_get_uuid(rows, i, "resource_id"),
            .available = db_get_int(rows, i, "available"),
        };
    }
    out->slots = slots;
    out->n = (size_t)n;
}

enum err avail_slots(struct svc *s, const struct avail_query *q, struct avail_answer *out)
{
    struct db_batch *b = db_batch(s->db, s->arena, DB_READ);
    int asked = DB_ADD(b, &asked_stmt, q->service_id, q->from, q->to, q->resource_id);
    int slots = DB_ADD(b, &slots_stmt, q->service_id, q->from, q->to, q->resource_id,
                       db_int(b, q->party_size), db_int(b, AVAIL_DAYS_MAX));
    enum err e = db_run(b, s->deadline);
    if (e != ERR_OK)
        return e;
    struct db_rows rows = db_result(b, asked);
    if (db_count(rows) == 0)
        return ERR_NOT_FOUND;
    int64_t days = db_get_int(rows, 0, "days");
    if (days < 0 || days > AVAIL_DAYS_MAX)
        return ERR_VALIDATION;
    if (!db_get_bool(rows, 0, "resource_known"))
        return ERR_NOT_FOUND;
    read_slots(s, db_result(b, slots), out);
    return ERR_OK;
}
