-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Taking a place in time, for src/svc/booking_place.c. Everything that decides is one statement run
-- after the locks, so that nothing can change between the question and the taking; the EXCLUDE
-- constraint holds whatever writes without the locks.

-- Continues a WITH whose first part is `ask` (venue_id or NULL, service_id, resource_id or NULL,
-- starts_at, party, prefer or NULL). `pick` becomes one resource and its units, or nothing.
--   service    what is asked for, when it is active
--   served     resources that can serve it
--   span       its time; empty when too soon, too far, or the amount is beyond a bigint
--   offered    resources that open for this start and are large enough; it carries the time, so
--              that the search for taken units is one condition on one index whatever the planner
--              knows of the tables
-- fragment: booking_pick
service AS (
    SELECT s.*, v.time_zone, v.currency
      FROM ask
      JOIN services s ON s.id = ask.service_id
                     AND (ask.venue_id IS NULL OR s.venue_id = ask.venue_id)
      JOIN venues v ON v.id = s.venue_id
     WHERE s.active
       AND v.active
), served AS (
    SELECT r.venue_id, r.id, r.capacity
      FROM ask, service s
      JOIN service_resources sr ON sr.venue_id = s.venue_id AND sr.service_id = s.id
      JOIN resources r ON r.venue_id = sr.venue_id AND r.id = sr.resource_id
     WHERE r.active
       AND (ask.resource_id IS NULL OR r.id = ask.resource_id)
), span AS (
    SELECT t.ends_at,
           (ask.starts_at AT TIME ZONE s.time_zone)::date AS day,
           tstzrange(ask.starts_at - s.buffer_before_minutes * interval '1 minute',
                     t.ends_at + s.buffer_after_minutes * interval '1 minute') AS occupied
      FROM ask, service s,
           LATERAL (
               SELECT ask.starts_at + s.duration_minutes * interval '1 minute' AS ends_at) t
     WHERE ask.starts_at BETWEEN now() + s.min_notice_minutes * interval '1 minute'
                             AND now() + s.max_advance_days * interval '24 hours'
       AND s.price::numeric * ask.party <= 9223372036854775807
), offered AS (
    SELECT r.venue_id, r.id, r.capacity, span.occupied
      FROM ask, service s, span, served r
     WHERE r.capacity >= ask.party
       AND EXISTS (
               SELECT 1
                 FROM resource_starts(s.venue_id, r.id, s.time_zone, s.duration_minutes,
                                      COALESCE(s.slot_step_minutes, s.duration_minutes),
                                      span.day, span.day) t
                WHERE t.starts_at = ask.starts_at)
), taken AS (
    SELECT u.resource_id, u.unit
      FROM offered o
      JOIN booking_units u ON u.venue_id = o.venue_id
                          AND u.resource_id = o.id
                          AND u.occupied && o.occupied
), available AS (
    SELECT o.id, n.unit
      FROM offered o, generate_series(1, o.capacity) AS n (unit)
     WHERE NOT EXISTS (SELECT 1 FROM taken t WHERE t.resource_id = o.id AND t.unit = n.unit)
), pick AS (
    SELECT a.id, (array_agg(a.unit ORDER BY a.unit))[1:ask.party] AS units
      FROM ask, available a
     GROUP BY a.id, ask.party, ask.prefer
    HAVING count(*) >= ask.party
     ORDER BY a.id = ask.prefer DESC NULLS LAST, count(*), a.id
     LIMIT 1
)

-- Why nothing was picked.
-- fragment: booking_pick_verdict
EXISTS (SELECT 1 FROM service) AS service_found,
ask.resource_id IS NULL OR EXISTS (SELECT 1 FROM served) AS resource_found,
EXISTS (SELECT 1 FROM offered) AS offered,
EXISTS (SELECT 1 FROM pick) AS available

-- The units that `pick` chose, for the row that `booking` made or moved.
-- fragment: booking_insert_units
INSERT INTO booking_units (venue_id, resource_id, unit, booking_id, occupied, held_until)
SELECT m.venue_id, m.resource_id, n.unit, m.id, m.occupied, m.hold_expires_at
  FROM :booking m, pick, unnest(pick.units) AS n (unit)

-- Removes units of holds that died from what is asked for; under the resources' locks, so that
-- nobody else deletes the same rows. Needs `ask` as above, without party and prefer.
-- fragment: booking_drop_dead_units
DELETE FROM booking_units u
 USING ask, services s
 WHERE s.id = ask.service_id
   AND u.venue_id = s.venue_id
   AND (ask.venue_id IS NULL OR s.venue_id = ask.venue_id)
   AND u.resource_id IN (
           SELECT sr.resource_id
             FROM service_resources sr
            WHERE sr.venue_id = s.venue_id
              AND sr.service_id = s.id)
   AND (ask.resource_id IS NULL OR u.resource_id = ask.resource_id)
   AND u.held_until <= clock_timestamp()
   AND u.occupied && tstzrange(
           ask.starts_at - s.buffer_before_minutes * interval '1 minute',
           ask.starts_at + (s.duration_minutes + s.buffer_after_minutes) * interval '1 minute')

-- ---- making ----

-- Serialises one customer's bookings, so that the limit cannot be outrun.
-- name: booking_lock_customer
-- params: $1 uuid customer
-- returns: id
SELECT c.id
  FROM customers c
 WHERE c.id = $1::uuid
   AND c.erased_at IS NULL
   FOR NO KEY UPDATE;

-- name: booking_lock_served
-- params: $1 uuid service, $2 uuid resource or NULL, $3 uuid venue or NULL
-- returns: id
SELECT r.id
  FROM resources r
 WHERE (r.venue_id, r.id) IN (
           SELECT sr.venue_id, sr.resource_id
             FROM service_resources sr
            WHERE sr.service_id = $1::uuid
              AND ($3::uuid IS NULL OR sr.venue_id = $3::uuid))
   AND ($2::uuid IS NULL OR r.id = $2::uuid)
 ORDER BY r.id
   FOR NO KEY UPDATE OF r;

-- name: booking_drop_dead
-- params: $1 uuid service, $2 uuid resource or NULL, $3 uuid venue or NULL, $4 timestamptz start
-- returns: nothing
WITH ask AS (
    SELECT $1::uuid AS service_id, $2::uuid AS resource_id, $3::uuid AS venue_id,
           $4::timestamptz AS starts_at
)
-- include: booking_drop_dead_units;

-- No service lasts longer than a week: the bound on the start of what counts for the limit is for
-- the index.
-- name: booking_place
-- params: $1 uuid service, $2 uuid resource or NULL, $3 uuid venue or NULL, $4 timestamptz start,
-- params: $5 integer party, $6 uuid new booking, $7 uuid customer or NULL, $8 text phone or NULL,
-- params: $9 bigint most active bookings or NULL, $10 text note or NULL, $11 bigint hold in ms
-- returns: service_found, resource_found, offered, available, may
WITH ask AS (
    SELECT $1::uuid AS service_id, $2::uuid AS resource_id, $3::uuid AS venue_id,
           $4::timestamptz AS starts_at, $5::integer AS party, NULL::uuid AS prefer
),
-- include: booking_pick,
who AS (
    SELECT c.id,
           c.erased_at IS NULL AND ($9::bigint IS NULL OR (
               SELECT count(*)
                 FROM bookings b
                WHERE b.customer_id = c.id
                  AND b.ends_at > now()
                  AND b.starts_at > now() - interval '8 days'
                  AND booking_status(b.status, b.hold_expires_at)
                      IN ('pending_payment', 'confirmed')) < $9::bigint) AS may
      FROM customers c
     WHERE c.id = COALESCE($7::uuid, (SELECT p.id FROM customers p WHERE p.phone = $8::text))
), made AS (
    INSERT INTO bookings
           (venue_id, id, service_id, resource_id, customer_id, status, starts_at, ends_at,
            occupied, party_size, amount, currency, payment, note, hold_expires_at)
    SELECT s.venue_id, $6::uuid, s.id, pick.id, who.id,
           CASE WHEN h.held THEN 'pending_payment' ELSE 'confirmed' END,
           ask.starts_at, span.ends_at, span.occupied, ask.party, s.price * ask.party, s.currency,
           s.payment, $10::text,
           CASE WHEN h.held THEN now() + $11::bigint * interval '1 millisecond' END
      FROM ask, service s, span, pick, who,
           LATERAL (SELECT s.payment = 'online' AND s.price > 0 AS held) h
     WHERE who.may
    RETURNING venue_id, id, resource_id, occupied, hold_expires_at
), units AS (
    -- include: booking_insert_units(booking = made)
)
SELECT
       -- include: booking_pick_verdict,
       COALESCE((SELECT may FROM who), false) AS may
  FROM ask;

-- ---- moving ----

-- fragment: booking_scoped
SELECT b.*
  FROM bookings b
 WHERE
       -- include: booking_in_scope

-- The present resource and all that could take its place, in the one order of locks.
-- name: booking_lock_both
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL
-- returns: id
WITH scoped AS (
    -- include: booking_scoped
)
SELECT r.id
  FROM resources r
 WHERE (r.venue_id, r.id) IN (
           SELECT b.venue_id, b.resource_id
             FROM scoped b
            UNION
           SELECT sr.venue_id, sr.resource_id
             FROM scoped b
             JOIN service_resources sr ON sr.venue_id = b.venue_id
                                      AND sr.service_id = b.service_id)
 ORDER BY r.id
   FOR NO KEY UPDATE OF r;

-- name: booking_move_drop_dead
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL,
-- params: $4 uuid resource or NULL, $5 timestamptz start
-- returns: nothing
WITH scoped AS (
    -- include: booking_scoped
), ask AS (
    SELECT b.venue_id, b.service_id, $4::uuid AS resource_id, $5::timestamptz AS starts_at
      FROM scoped b
)
-- include: booking_drop_dead_units;

-- name: booking_move
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL,
-- params: $4 uuid resource or NULL, $5 timestamptz start
-- returns: service_found, resource_found, offered, available
WITH scoped AS (
    -- include: booking_scoped
), ask AS (
    SELECT b.venue_id, b.service_id, $4::uuid AS resource_id, $5::timestamptz AS starts_at,
           b.party_size AS party, b.resource_id AS prefer
      FROM scoped b
),
-- include: booking_pick,
moved AS (
    UPDATE bookings b
       SET resource_id = pick.id,
           starts_at = ask.starts_at,
           ends_at = span.ends_at,
           occupied = span.occupied,
           version = b.version + 1,
           updated_at = now()
      FROM ask, span, pick, scoped
     WHERE b.venue_id = scoped.venue_id
       AND b.id = scoped.id
    RETURNING b.venue_id, b.id, b.resource_id, b.occupied, b.hold_expires_at
), units AS (
    -- include: booking_insert_units(booking = moved)
)
SELECT
       -- include: booking_pick_verdict
  FROM ask;
