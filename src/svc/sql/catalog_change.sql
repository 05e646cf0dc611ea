-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What a change of the catalogue does to bookings, for src/svc/catalog_conflicts.c, and the hours
-- of dates, for src/svc/catalog_special.c. Whoever changes what bookings depend on holds the locks
-- of the resources concerned from before the change until its commit, as whoever books does: so a
-- booking is either in the list of conflicts or refused.

-- The first of the future active bookings that no longer fit, and how many there are. What staff
-- forced into closed hours never did, and is not listed for them. Openings that touch or overlap
-- are one, as for src/domain/slots.c; range_agg() would say that in a word, from PostgreSQL 14 on.
-- The bound on what is occupied is for the index: nothing is for longer than 216 hours.
-- name: catalog_conflicts
-- params: $1 text identifiers of resources, $2 boolean hours set, $3 boolean capacity set,
-- params: $4 boolean active set, $5 uuid service whose resources were set or NULL
-- returns: id, total
WITH future AS MATERIALIZED (
    SELECT b.id, b.venue_id, b.service_id, b.resource_id, b.starts_at, b.ends_at, b.occupied,
           b.forced, v.time_zone
      FROM (SELECT f.*
              FROM bookings f
             WHERE f.resource_id = ANY (string_to_array($1, ',')::uuid[])
               AND f.status NOT IN ('cancelled', 'expired')
               AND f.starts_at > now()
               AND lower(f.occupied) > now() - interval '216 hours'
            OFFSET 0) b
      JOIN venues v ON v.id = b.venue_id
     WHERE booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed')
), spans AS (
    SELECT f.resource_id, min(f.time_zone) AS zone,
           min((f.starts_at AT TIME ZONE f.time_zone)::date) - 1 AS first_day,
           max((f.ends_at AT TIME ZONE f.time_zone)::date) AS last_day
      FROM future f
     WHERE $2::boolean
     GROUP BY f.resource_id
), days AS (
    SELECT s.resource_id, s.first_day + n AS day
      FROM spans s
      CROSS JOIN generate_series(0, s.last_day - s.first_day) AS n
), hours AS (
    -- include: hours_of_days
), openings AS (
    SELECT h.resource_id,
           wall_instant(h.day + h.opens_minute * interval '1 minute', s.zone) AS opens_at,
           wall_instant(h.day + (h.closes_minute
                                 + CASE WHEN h.closes_minute <= h.opens_minute THEN 1440 ELSE 0 END)
                                * interval '1 minute', s.zone) AS closes_at
      FROM hours h
      JOIN spans s ON s.resource_id = h.resource_id
), reached AS (
    SELECT o.resource_id, o.opens_at, o.closes_at,
           max(o.closes_at) OVER (PARTITION BY o.resource_id ORDER BY o.opens_at, o.closes_at
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
      FROM openings o
     WHERE o.opens_at < o.closes_at
), numbered AS (
    SELECT o.resource_id, o.opens_at, o.closes_at,
           sum(CASE WHEN o.opens_at <= o.reach THEN 0 ELSE 1 END)
               OVER (PARTITION BY o.resource_id ORDER BY o.opens_at, o.closes_at) AS opening
      FROM reached o
), opened AS MATERIALIZED (
    SELECT o.resource_id, min(o.opens_at) AS opens_at, max(o.closes_at) AS closes_at
      FROM numbered o
     GROUP BY o.resource_id, o.opening
)
SELECT f.id, count(*) OVER () AS total
  FROM future f
  JOIN resources r ON r.venue_id = f.venue_id AND r.id = f.resource_id
 WHERE ($2::boolean
        AND f.forced !~ 'hours'
        AND NOT EXISTS (
            SELECT 1
              FROM opened o
             WHERE o.resource_id = f.resource_id
               AND o.opens_at <= f.starts_at
               AND o.closes_at >= f.ends_at))
    OR CASE WHEN $3::boolean
            THEN resource_peak(f.resource_id, f.occupied, NULL) > r.capacity
            ELSE false
       END
    OR ($4::boolean AND NOT r.active)
    OR (f.service_id = $5::uuid
        AND NOT EXISTS (
            SELECT 1
              FROM service_resources sr
             WHERE sr.venue_id = f.venue_id
               AND sr.service_id = f.service_id
               AND sr.resource_id = f.resource_id))
 ORDER BY f.starts_at, f.id
 LIMIT 100;

-- The same for a closure: active bookings whose own time it meets.
-- name: catalog_closure_conflicts
-- params: $1 uuid venue, $2 uuid resource or NULL, $3 timestamptz from, $4 timestamptz to
-- returns: id, total
-- index: bookings_calendar
SELECT b.id, count(*) OVER () AS total
  FROM bookings b
 WHERE b.venue_id = $1::uuid
   AND ($2::uuid IS NULL OR b.resource_id = $2::uuid)
   AND b.starts_at < $4::timestamptz
   AND b.starts_at > $3::timestamptz - interval '8 days'
   AND b.ends_at > $3::timestamptz
   AND booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed')
 ORDER BY b.starts_at, b.id
 LIMIT 100;

-- name: catalog_conflict_bookings
-- params: $1 text identifiers of bookings, separated by commas
-- returns: booking_whole
-- include: booking_whole
 WHERE b.id = ANY (string_to_array($1, ',')::uuid[])
 ORDER BY b.starts_at, b.id;

-- ---- hours of dates ----

-- name: catalog_special_seen
-- params: $1 text hash of the key, $2 uuid resource
-- returns: id, first_day, last_day, opens, closes, note
SELECT h.id, h.first_day::text AS first_day, h.last_day::text AS last_day,
       array_to_string(h.opens_minutes, ',') AS opens,
       array_to_string(h.closes_minutes, ',') AS closes, h.note
  FROM special_hours h
 WHERE h.resource_id = $2::uuid
   AND
       -- include: staff_sees(venue = h.venue_id)
 ORDER BY h.first_day;

-- name: catalog_special_add
-- params: $1 uuid venue, $2 uuid special hours, $3 uuid resource, $4 date first, $5 date last,
-- params: $6 text minutes of opening, $7 text minutes of closing, $8 text note or NULL
-- returns: nothing
INSERT INTO special_hours
       (venue_id, id, resource_id, first_day, last_day, opens_minutes, closes_minutes, note)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::date, $5::date,
        string_to_array($6, ',')::integer[], string_to_array($7, ',')::integer[], $8);

-- name: catalog_special_clear
-- params: $1 uuid venue, $2 uuid resource
-- returns: nothing
DELETE FROM special_hours
 WHERE venue_id = $1::uuid
   AND resource_id = $2::uuid;

-- name: catalog_special_delete
-- params: $1 uuid venue, $2 uuid resource, $3 uuid special hours
-- returns: id
DELETE FROM special_hours
 WHERE venue_id = $1::uuid
   AND resource_id = $2::uuid
   AND id = $3::uuid
RETURNING id;
