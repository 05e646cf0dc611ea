-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Bookings: reading and changing them, for src/svc/booking.c, booking_change.c and booking_pay.c.

-- A whole booking with what notifications and views say of it.
-- fragment: booking_whole
-- returns: id, venue_id, service_id, resource_id, customer_id, version, party_size, amount,
-- returns: currency, note, state, stored, starts_us, ends_us, hold_us, cancelled_us, created_us,
-- returns: read_us, free_us, starts_wall, ends_wall, phone, customer_name, locale, service, venue,
-- returns: resource
SELECT b.id, b.venue_id, b.service_id, b.resource_id, b.customer_id, b.version, b.party_size,
       b.amount, b.currency, b.note,
       booking_status(b.status, b.hold_expires_at) AS state,
       b.status AS stored,
       (extract(epoch FROM b.starts_at) * 1000000)::bigint AS starts_us,
       (extract(epoch FROM b.ends_at) * 1000000)::bigint AS ends_us,
       (extract(epoch FROM b.hold_expires_at) * 1000000)::bigint AS hold_us,
       (extract(epoch FROM b.cancelled_at) * 1000000)::bigint AS cancelled_us,
       (extract(epoch FROM b.created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM now()) * 1000000)::bigint AS read_us,
       (extract(epoch FROM b.starts_at - s.free_cancellation_minutes * interval '1 minute')
           * 1000000)::bigint AS free_us,
       to_char(b.starts_at AT TIME ZONE v.time_zone, 'YYYY-MM-DD HH24:MI') AS starts_wall,
       to_char(b.ends_at AT TIME ZONE v.time_zone, 'YYYY-MM-DD HH24:MI') AS ends_wall,
       c.phone, c.name AS customer_name, c.locale,
       s.name AS service, v.name AS venue, r.name AS resource
  FROM bookings b
  JOIN customers c ON c.id = b.customer_id
  JOIN venues v ON v.id = b.venue_id
  JOIN services s ON s.venue_id = b.venue_id AND s.id = b.service_id
  JOIN resources r ON r.venue_id = b.venue_id AND r.id = b.resource_id

-- The booking that a caller may change: $1 its id, $2 its customer or NULL, $3 the only venue or
-- NULL.
-- fragment: booking_in_scope
b.id = $1::uuid
AND ($2::uuid IS NULL OR b.customer_id = $2::uuid)
AND ($3::uuid IS NULL OR b.venue_id = $3::uuid)

-- ---- reading ----

-- name: booking_find_mine
-- params: $1 text hash of the token, $2 uuid booking
-- returns: booking_whole
-- include: booking_whole
 WHERE b.id = $2::uuid
   AND b.customer_id =
       -- include: customer_of_token;

-- name: booking_find_staff
-- params: $1 text hash of the key, $2 uuid booking
-- returns: booking_whole
-- index: bookings_id
-- include: booking_whole
 WHERE b.id = $2::uuid
   AND
       -- include: staff_sees(venue = b.venue_id);

-- name: booking_list_mine
-- params: $1 text hash of the token, $2 text state or NULL, $3 timestamptz cursor's start or NULL,
-- params: $4 uuid cursor's id, $5 integer most rows
-- returns: booking_whole
-- index: bookings_customer
-- include: booking_whole
 WHERE b.customer_id =
       -- include: customer_of_token
   AND ($2::text IS NULL OR booking_status(b.status, b.hold_expires_at) = $2::text)
   AND ($3::timestamptz IS NULL OR (b.starts_at, b.id) < ($3::timestamptz, $4::uuid))
 ORDER BY b.starts_at DESC, b.id DESC
 LIMIT $5::integer;

-- The bounds in UTC, a day wider than any zone's offset, are for the index; the local date decides.
-- name: booking_list_staff
-- params: $1 text hash of the key, $2 uuid venue, $3 text state or NULL, $4 date first or NULL,
-- params: $5 date last or NULL, $6 timestamptz cursor's start or NULL, $7 uuid cursor's id,
-- params: $8 integer most rows
-- returns: booking_whole
-- index: bookings_calendar
-- include: booking_whole
 WHERE b.venue_id = $2::uuid
   AND
       -- include: staff_sees(venue = $2::uuid)
   AND ($3::text IS NULL OR booking_status(b.status, b.hold_expires_at) = $3::text)
   AND ($4::date IS NULL
        OR b.starts_at >= ($4::date - 1)::timestamp AT TIME ZONE 'UTC'
           AND (b.starts_at AT TIME ZONE v.time_zone)::date >= $4::date)
   AND ($5::date IS NULL
        OR b.starts_at < ($5::date + 2)::timestamp AT TIME ZONE 'UTC'
           AND (b.starts_at AT TIME ZONE v.time_zone)::date <= $5::date)
   AND ($6::timestamptz IS NULL OR (b.starts_at, b.id) > ($6::timestamptz, $7::uuid))
 ORDER BY b.starts_at, b.id
 LIMIT $8::integer;

-- name: booking_overlapping
-- params: $1 uuid venue, $2 uuid resource or NULL, $3 timestamptz from, $4 timestamptz to
-- returns: booking_whole
-- index: bookings_calendar
-- include: booking_whole
 WHERE b.venue_id = $1::uuid
   AND ($2::uuid IS NULL OR b.resource_id = $2::uuid)
   AND b.starts_at < $4::timestamptz
   AND b.ends_at > $3::timestamptz
   AND booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed')
 ORDER BY b.starts_at, b.id;

-- name: booking_venue_seen
-- params: $1 text hash of the key, $2 uuid venue
-- returns: id
SELECT v.id
  FROM venues v
 WHERE v.id = $2::uuid
   AND
       -- include: staff_sees(venue = v.id);

-- name: booking_history
-- params: $1 text hash of the key, $2 uuid booking
-- returns: at_us, from_status, to_status, actor, reason, request_id
SELECT (extract(epoch FROM h.at) * 1000000)::bigint AS at_us,
       h.from_status, h.to_status, h.actor, h.reason, h.request_id
  FROM bookings b
  JOIN booking_history h ON h.venue_id = b.venue_id AND h.booking_id = b.id
 WHERE b.id = $2::uuid
   AND
       -- include: staff_sees(venue = b.venue_id)
 ORDER BY h.version;

-- ---- changing ----

-- name: booking_lock
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL
-- returns: id
-- index: bookings_id
SELECT b.id
  FROM bookings b
 WHERE
       -- include: booking_in_scope
   FOR NO KEY UPDATE;

-- name: booking_load
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL
-- returns: booking_whole
-- index: bookings_id
-- include: booking_whole
 WHERE
       -- include: booking_in_scope;

-- name: booking_event
-- params: $1 uuid venue, $2 uuid booking, $3 integer version, $4 text state before or NULL,
-- params: $5 text state after, $6 text actor, $7 text reason or NULL, $8 text request
-- returns: nothing
INSERT INTO booking_history
       (venue_id, booking_id, version, from_status, to_status, actor, reason, request_id)
VALUES ($1::uuid, $2::uuid, $3::integer, $4::text, $5::text, $6::text, $7::text, $8::text);

-- Every change of units is made under the resource's lock, so that two of them never meet in
-- another order.
-- name: booking_lock_resource
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL
-- returns: id
SELECT r.id
  FROM resources r
 WHERE (r.venue_id, r.id) IN (
           SELECT b.venue_id, b.resource_id
             FROM bookings b
            WHERE
                  -- include: booking_in_scope
       )
   FOR NO KEY UPDATE OF r;

-- name: booking_free_units
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL
-- returns: nothing
DELETE FROM booking_units u
 USING bookings b
 WHERE
       -- include: booking_in_scope
   AND u.venue_id = b.venue_id
   AND u.booking_id = b.id;

-- Fewer than the party says that the hold died while the locks were waited for.
-- name: booking_keep_units
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL
-- returns: nothing
UPDATE booking_units u
   SET held_until = NULL
  FROM bookings b
 WHERE
       -- include: booking_in_scope
   AND u.venue_id = b.venue_id
   AND u.booking_id = b.id;

-- name: booking_set_state
-- params: $1 uuid venue, $2 uuid booking, $3 text state
-- returns: nothing
UPDATE bookings
   SET status = $3::text,
       version = version + 1,
       updated_at = now(),
       hold_expires_at = NULL,
       cancelled_at = CASE WHEN $3::text = 'cancelled' THEN now() END
 WHERE venue_id = $1::uuid
   AND id = $2::uuid;

-- ---- holds whose time has passed, for the keeper ----

-- name: booking_due
-- params: $1 integer most rows
-- returns: id
-- index: bookings_holds
SELECT b.id
  FROM bookings b
 WHERE b.status = 'pending_payment'
   AND b.hold_expires_at <= now()
 ORDER BY b.hold_expires_at
 LIMIT $1::integer;

-- The keeper does not wait for somebody who works on the booking.
-- name: booking_lock_due
-- params: $1 uuid booking
-- returns: id
SELECT b.id
  FROM bookings b
 WHERE b.id = $1::uuid
   AND b.status = 'pending_payment'
   AND b.hold_expires_at <= now()
   FOR NO KEY UPDATE SKIP LOCKED;

-- ---- bookings that are paid ----

-- Takes units for the booking anew: its own were put away by the statement before, so that a live
-- hold, which still has them, and a dead one, which may have lost them, go one way. All of the
-- party or none.
-- name: booking_take_units
-- params: $1 uuid venue, $2 uuid booking, $3 boolean the hold is live
-- returns: nothing
WITH bk AS (
    SELECT b.*
      FROM bookings b
     WHERE b.venue_id = $1::uuid
       AND b.id = $2::uuid
), free AS (
    SELECT n.unit
      FROM bk
      JOIN resources r ON r.venue_id = bk.venue_id AND r.id = bk.resource_id,
           generate_series(1, greatest(r.capacity, bk.party_size)) AS n (unit)
     WHERE NOT EXISTS (
               SELECT 1
                 FROM booking_units u
                WHERE u.venue_id = bk.venue_id
                  AND u.resource_id = bk.resource_id
                  AND u.unit = n.unit
                  AND u.occupied && bk.occupied)
     ORDER BY n.unit
     LIMIT (SELECT party_size FROM bk)
)
INSERT INTO booking_units (venue_id, resource_id, unit, booking_id, occupied)
SELECT bk.venue_id, bk.resource_id, free.unit, bk.id, bk.occupied
  FROM bk, free
 WHERE (SELECT count(*) FROM free) = bk.party_size
   AND ($3::boolean OR bk.starts_at > now());

-- name: booking_pay_drop_dead
-- params: $1 uuid venue, $2 uuid booking
-- returns: nothing
DELETE FROM booking_units u
 USING bookings b
 WHERE b.venue_id = $1::uuid
   AND b.id = $2::uuid
   AND u.venue_id = b.venue_id
   AND u.resource_id = b.resource_id
   AND u.occupied && b.occupied
   AND u.held_until <= clock_timestamp();
