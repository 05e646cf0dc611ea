-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Free slots, for src/svc/avail.c.

-- The service, and the days that are asked for, in the venue's time zone.
-- fragment: avail_asked_days
SELECT s.venue_id, s.id, s.duration_minutes, v.time_zone, d.first_day, d.last_day,
       COALESCE(s.slot_step_minutes, s.duration_minutes) AS step,
       s.duration_minutes * interval '1 minute' AS duration,
       s.buffer_before_minutes * interval '1 minute' AS buffer_before,
       s.buffer_after_minutes * interval '1 minute' AS buffer_after,
       now() + s.min_notice_minutes * interval '1 minute' AS earliest,
       now() + s.max_advance_days * interval '24 hours' AS latest
  FROM services s
  JOIN venues v ON v.id = s.venue_id,
       LATERAL (SELECT COALESCE($2::date, (now() AT TIME ZONE v.time_zone)::date) AS first_day) f,
       LATERAL (SELECT f.first_day, COALESCE($3::date, f.first_day + 6) AS last_day) d
 WHERE s.id = $1::uuid
   AND s.active
   AND v.active

-- name: avail_asked
-- params: $1 uuid service, $2 date first day or NULL, $3 date last day or NULL,
-- params: $4 uuid resource or NULL
-- returns: days, resource_known
SELECT a.last_day - a.first_day AS days,
       $4::uuid IS NULL OR EXISTS (
           SELECT 1
             FROM resources r
            WHERE r.venue_id = a.venue_id
              AND r.id = $4::uuid
              AND r.active) AS resource_known
  FROM (
       -- include: avail_asked_days
       ) a;

-- Only units of live bookings count: those of a hold whose time has passed are free.
-- name: avail_slots
-- params: $1 uuid service, $2 date first day or NULL, $3 date last day or NULL,
-- params: $4 uuid resource or NULL, $5 integer party, $6 integer most days
-- returns: starts_us, ends_us, resource_id, available
WITH asked AS (
    -- include: avail_asked_days
)
SELECT (extract(epoch FROM st.starts_at) * 1000000)::bigint AS starts_us,
       (extract(epoch FROM st.starts_at + a.duration) * 1000000)::bigint AS ends_us,
       r.id AS resource_id,
       r.capacity - t.taken AS available
  FROM asked a
  JOIN service_resources sr ON sr.venue_id = a.venue_id AND sr.service_id = a.id
  JOIN resources r ON r.venue_id = sr.venue_id
                  AND r.id = sr.resource_id
                  AND r.active
                  AND ($4::uuid IS NULL OR r.id = $4::uuid),
       LATERAL resource_starts(a.venue_id, r.id, a.time_zone, a.duration_minutes, a.step,
                               a.first_day, a.last_day) st,
       LATERAL (
           SELECT count(DISTINCT u.unit) AS taken
             FROM booking_units u
            WHERE u.venue_id = a.venue_id
              AND u.resource_id = r.id
              AND u.unit <= r.capacity
              AND u.occupied && tstzrange(st.starts_at - a.buffer_before,
                                          st.starts_at + a.duration + a.buffer_after)
              AND (u.held_until IS NULL OR u.held_until > now())) t
 WHERE a.last_day - a.first_day BETWEEN 0 AND $6::int
   AND st.starts_at BETWEEN a.earliest AND a.latest
   AND r.capacity - t.taken >= $5::int
 ORDER BY st.starts_at, r.id;
