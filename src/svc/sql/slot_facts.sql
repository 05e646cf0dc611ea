-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- The facts from which src/domain/slots.c works out the free starts, for src/svc/slot_facts.c. All
-- statements take the same parameters and go out in one batch:
--
--   $1 service, or NULL for that of the booking
--   $2 booking to be left out of account (the one that moves), or NULL
--   $3 resource, or NULL for all that serve
--   $4 the one start that is asked for, or NULL for a range of days
--   $5 first day or NULL (today), $6 last day or NULL (six days after the first), venue's dates

-- One row: the service and the time that the question is about. [from_at, to_at) is all that a
-- start in the range may occupy.
-- fragment: slot_asked
SELECT s.*, $3::uuid AS resource_id, v.time_zone, v.currency, v.name AS venue_name,
       v.name_ar AS venue_ar, v.name_en AS venue_en, v.locale AS venue_locale,
       v.active AS venue_active, t.first_day, t.last_day, i.begins_at, i.ends_at,
       i.begins_at - s.buffer_before_minutes * interval '1 minute' AS from_at,
       i.ends_at + (s.duration_minutes + s.buffer_after_minutes) * interval '1 minute' AS to_at
  FROM services s
  JOIN venues v ON v.id = s.venue_id,
       LATERAL (
           SELECT ($4::timestamptz AT TIME ZONE v.time_zone)::date AS start_day,
                  (now() AT TIME ZONE v.time_zone)::date AS today) d,
       LATERAL (
           SELECT COALESCE(d.start_day, $5::date, d.today) AS first_day) f,
       LATERAL (
           SELECT f.first_day, COALESCE(d.start_day, $6::date, f.first_day + 6) AS last_day) t,
       LATERAL (
           SELECT COALESCE($4::timestamptz, wall_instant(t.first_day, v.time_zone)) AS begins_at,
                  COALESCE($4::timestamptz, wall_instant(t.last_day + 1, v.time_zone))
                      AS ends_at) i
 WHERE s.id = COALESCE($1::uuid, (SELECT b.service_id FROM bookings b WHERE b.id = $2::uuid))

-- No answer covers more than 31 days after the first one.
-- fragment: slot_asked_bounded
SELECT a.*
  FROM (
       -- include: slot_asked
       ) a
 WHERE a.last_day - a.first_day BETWEEN 0 AND 31

-- The resources in question.
-- fragment: slot_served
SELECT r.venue_id, r.id, r.name, r.name_ar, r.name_en, r.capacity
  FROM asked a
  JOIN service_resources sr ON sr.venue_id = a.venue_id AND sr.service_id = a.id
  JOIN resources r ON r.venue_id = sr.venue_id AND r.id = sr.resource_id
 WHERE r.active
   AND (a.resource_id IS NULL OR r.id = a.resource_id)

-- What is open on the days of `days` (resource_id, day). Hours of dates replace the weekly ones.
-- fragment: hours_of_days
SELECT d.resource_id, d.day, h.opens_minute, h.closes_minute
  FROM days d
  JOIN opening_hours h ON h.resource_id = d.resource_id
                      AND h.weekday = extract(isodow FROM d.day)::integer
 WHERE NOT EXISTS (
           SELECT 1
             FROM special_hours sp
            WHERE sp.resource_id = d.resource_id
              AND d.day BETWEEN sp.first_day AND sp.last_day)
 UNION ALL
SELECT d.resource_id, d.day, h.opens_minute, h.closes_minute
  FROM days d
  JOIN special_hours sp ON sp.resource_id = d.resource_id
                       AND d.day BETWEEN sp.first_day AND sp.last_day,
       LATERAL unnest(sp.opens_minutes, sp.closes_minutes) AS h (opens_minute, closes_minute)

-- name: slot_service
-- params: $1 uuid service, $2 uuid booking, $3 uuid resource, $4 timestamptz start, $5 date first,
-- params: $6 date last
-- returns: venue_id, id, service, service_ar, service_en, venue, venue_ar, venue_en,
-- returns: venue_locale, active, duration_us, step_us, before_us, after_us, price,
-- returns: deposit_amount, deposit_percent,
-- returns: currency, payment, free_cancellation_minutes, max_party_size, days, now_us, earliest_us,
-- returns: latest_us, begins_us, ends_us, starts_wall, ends_wall, resource_known
WITH asked AS (
    -- include: slot_asked
)
SELECT a.venue_id, a.id, a.name AS service, a.name_ar AS service_ar, a.name_en AS service_en,
       a.venue_name AS venue, a.venue_ar, a.venue_en, a.venue_locale,
       a.active AND a.venue_active AS active,
       a.duration_minutes * 60000000::bigint AS duration_us,
       COALESCE(a.slot_step_minutes, a.duration_minutes) * 60000000::bigint AS step_us,
       a.buffer_before_minutes * 60000000::bigint AS before_us,
       a.buffer_after_minutes * 60000000::bigint AS after_us,
       a.price, COALESCE(a.deposit_amount, 0) AS deposit_amount,
       COALESCE(a.deposit_percent, 0) AS deposit_percent,
       a.currency, a.payment, a.free_cancellation_minutes, a.max_party_size,
       a.last_day - a.first_day AS days,
       (extract(epoch FROM now()) * 1000000)::bigint AS now_us,
       (extract(epoch FROM now() + a.min_notice_minutes * interval '1 minute')
           * 1000000)::bigint AS earliest_us,
       (extract(epoch FROM now() + a.max_advance_days * interval '24 hours')
           * 1000000)::bigint AS latest_us,
       (extract(epoch FROM a.begins_at) * 1000000)::bigint AS begins_us,
       (extract(epoch FROM a.ends_at) * 1000000)::bigint AS ends_us,
       to_char($4::timestamptz AT TIME ZONE a.time_zone, 'YYYY-MM-DD HH24:MI') AS starts_wall,
       to_char(($4::timestamptz + a.duration_minutes * interval '1 minute')
                   AT TIME ZONE a.time_zone, 'YYYY-MM-DD HH24:MI') AS ends_wall,
       a.resource_id IS NULL OR EXISTS (
           SELECT 1
             FROM resources r
            WHERE r.venue_id = a.venue_id
              AND r.id = a.resource_id
              AND r.active) AS resource_known
  FROM asked a;

-- booked_us is what is booked on the local day of the one start: "any" goes where least is.
-- name: slot_resources
-- params: $1 uuid service, $2 uuid booking, $3 uuid resource, $4 timestamptz start, $5 date first,
-- params: $6 date last
-- returns: id, name, name_ar, name_en, capacity, booked_us
WITH asked AS (
    -- include: slot_asked_bounded
), served AS (
    -- include: slot_served
), day AS (
    SELECT wall_instant(a.first_day, a.time_zone) AS begins_at,
           wall_instant(a.first_day + 1, a.time_zone) AS ends_at
      FROM asked a
     WHERE $4::timestamptz IS NOT NULL
)
SELECT r.id, r.name, r.name_ar, r.name_en, r.capacity,
       COALESCE((
           SELECT sum(extract(epoch FROM least(b.ends_at, day.ends_at)
                                         - greatest(b.starts_at, day.begins_at)) * 1000000)
             FROM day
             JOIN bookings b ON b.resource_id = r.id
                            AND lower(b.occupied) > day.begins_at - interval '216 hours'
                            AND lower(b.occupied) < day.ends_at
            WHERE b.starts_at < day.ends_at
              AND b.ends_at > day.begins_at
              AND b.id IS DISTINCT FROM $2::uuid
              AND b.status NOT IN ('cancelled', 'expired')
              AND booking_is_live(b.status, b.hold_expires_at)), 0)::bigint AS booked_us
  FROM served r
 ORDER BY r.id;

-- All that has a place in time, in one statement: who serves is found once. kind is 'o' for an
-- opening, 'c' for a closure (without resource: of the whole venue), 'b' for a booking.
--
-- A row of hours may begin on the day before the first and end in it; a service may run on into the
-- days after the last.
-- name: slot_times
-- params: $1 uuid service, $2 uuid booking, $3 uuid resource, $4 timestamptz start, $5 date first,
-- params: $6 date last
-- returns: kind, resource_id, from_us, to_us, people
-- index: bookings_resource
WITH asked AS (
    -- include: slot_asked_bounded
), served AS (
    -- include: slot_served
), days AS (
    SELECT r.id AS resource_id, a.first_day - 1 + n AS day
      FROM asked a
      CROSS JOIN served r,
           generate_series(0, a.last_day - a.first_day + a.duration_minutes / 1440 + 2) AS n
), hours AS (
    -- include: hours_of_days
), walls AS (
    SELECT h.resource_id, a.time_zone,
           h.day + h.opens_minute * interval '1 minute' AS opens,
           h.day + (h.closes_minute
                    + CASE WHEN h.closes_minute <= h.opens_minute THEN 1440 ELSE 0 END)
                   * interval '1 minute' AS closes
      FROM asked a, hours h
), times AS (
    SELECT 'o' AS kind, w.resource_id, wall_instant(w.opens, w.time_zone) AS from_at,
           wall_instant(w.closes, w.time_zone) AS to_at, 0 AS people
      FROM walls w
     UNION ALL
    SELECT 'c', c.resource_id, c.starts_at, c.ends_at, 0
      FROM asked a
      JOIN closures c ON c.venue_id = a.venue_id
                     AND tstzrange(c.starts_at, c.ends_at) && tstzrange(a.from_at, a.to_at)
     WHERE c.resource_id IS NULL
        OR a.resource_id IS NULL
        OR c.resource_id = a.resource_id
     UNION ALL
    SELECT 'b', b.resource_id, lower(b.occupied), upper(b.occupied), b.party_size
      FROM asked a
      CROSS JOIN served r
      JOIN bookings b ON b.resource_id = r.id
                     AND lower(b.occupied) > a.from_at - interval '216 hours'
                     AND lower(b.occupied) < a.to_at
     WHERE b.status NOT IN ('cancelled', 'expired')
       AND b.occupied && tstzrange(a.from_at, a.to_at)
       AND b.id IS DISTINCT FROM $2::uuid
       AND booking_is_live(b.status, b.hold_expires_at)
)
SELECT t.kind, t.resource_id,
       (extract(epoch FROM t.from_at) * 1000000)::bigint AS from_us,
       (extract(epoch FROM t.to_at) * 1000000)::bigint AS to_us,
       t.people
  FROM times t
 ORDER BY t.kind, t.resource_id;

-- The instants at which the days of the range begin, and the end of the last one.
-- name: slot_days
-- params: $1 uuid service, $2 uuid booking, $3 uuid resource, $4 timestamptz start, $5 date first,
-- params: $6 date last
-- returns: day, begins_us
WITH asked AS (
    -- include: slot_asked_bounded
)
SELECT (a.first_day + n)::text AS day,
       (extract(epoch FROM wall_instant(a.first_day + n, a.time_zone)) * 1000000)::bigint
           AS begins_us
  FROM asked a, generate_series(0, a.last_day - a.first_day + 1) AS n
 ORDER BY n;

-- Whether the bearer may have the booking left out of account: its customer, or staff who see it.
-- name: slot_exclude
-- params: $1 text hash of the bearer's token or key, $2 uuid booking
-- returns: id
SELECT b.id
  FROM bookings b
 WHERE b.id = $2::uuid
   AND (b.customer_id =
            -- include: customer_of_token
        OR
            -- include: staff_sees(venue = b.venue_id)
       );
