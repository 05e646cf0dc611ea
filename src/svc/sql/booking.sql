-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Bookings: reading and changing them, for src/svc/booking.c, booking_change.c and booking_pay.c.

-- A whole booking with what notifications and views say of it.
-- fragment: booking_whole
-- returns: id, venue_id, service_id, resource_id, customer_id, version, party_size, amount,
-- returns: deposit, currency, payment, note, staff_note, guest_name, reason, made_by, forced,
-- returns: resource_chosen, free_cancellation_minutes, state, stored, starts_us, ends_us, hold_us,
-- returns: cancelled_us, ended_us, created_us, read_us, starts_wall, ends_wall, phone,
-- returns: customer_name, booked_here, locale, venue_locale, service, service_ar, service_en,
-- returns: venue, venue_ar, venue_en, resource, resource_ar, resource_en
SELECT b.id, b.venue_id, b.service_id, b.resource_id, b.customer_id, b.version, b.party_size,
       b.amount, b.deposit, b.currency, b.payment, b.note, b.staff_note, b.guest_name, b.reason,
       b.made_by, b.forced, b.resource_chosen, b.free_cancellation_minutes,
       booking_status(b.status, b.hold_expires_at) AS state,
       b.status AS stored,
       (extract(epoch FROM b.starts_at) * 1000000)::bigint AS starts_us,
       (extract(epoch FROM b.ends_at) * 1000000)::bigint AS ends_us,
       (extract(epoch FROM b.hold_expires_at) * 1000000)::bigint AS hold_us,
       (extract(epoch FROM b.cancelled_at) * 1000000)::bigint AS cancelled_us,
       (extract(epoch FROM b.ended_at) * 1000000)::bigint AS ended_us,
       (extract(epoch FROM b.created_at) * 1000000)::bigint AS created_us,
       (extract(epoch FROM now()) * 1000000)::bigint AS read_us,
       to_char(b.starts_at AT TIME ZONE v.time_zone, 'YYYY-MM-DD HH24:MI') AS starts_wall,
       to_char(b.ends_at AT TIME ZONE v.time_zone, 'YYYY-MM-DD HH24:MI') AS ends_wall,
       c.phone, c.name AS customer_name,
       b.made_by = 'customer' OR EXISTS (
           SELECT
             FROM bookings m
            WHERE m.customer_id = b.customer_id
              AND m.venue_id = b.venue_id
              AND m.made_by = 'customer') AS booked_here,
       COALESCE(b.locale, c.locale, v.locale) AS locale,
       v.locale AS venue_locale,
       s.name AS service, s.name_ar AS service_ar, s.name_en AS service_en,
       v.name AS venue, v.name_ar AS venue_ar, v.name_en AS venue_en,
       r.name AS resource, r.name_ar AS resource_ar, r.name_en AS resource_en
  FROM bookings b
  LEFT JOIN customers c ON c.id = b.customer_id
  JOIN venues v ON v.id = b.venue_id
  JOIN services s ON s.venue_id = b.venue_id AND s.id = b.service_id
  JOIN resources r ON r.venue_id = b.venue_id AND r.id = b.resource_id

-- An account's name is shown to a key of one venue if the customer booked there themselves.
-- fragment: booking_customer_named
(EXISTS (
     SELECT
       FROM staff_keys k
      WHERE k.key_hash = $1
        AND k.venue_id IS NULL)
 OR EXISTS (
     SELECT
       FROM bookings m
      WHERE m.customer_id = b.customer_id
        AND m.venue_id = b.venue_id
        AND m.made_by = 'customer'))

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

-- The bounds in UTC, a day wider than any zone's offset, are for the index, and so are the 8 days
-- that no booking outlasts; the local time decides. Why CASE: see notification_page. Customers are
-- read by searches alone: joined, each row would cost a look at their table.
-- fragment: booking_list_page
b.venue_id = $2::uuid
AND
    -- include: staff_sees(venue = $2::uuid)
AND (b.starts_at, b.id) > (COALESCE($6::timestamptz, ($4::date - 9)::timestamp AT TIME ZONE 'UTC',
                                    '-infinity'),
                           COALESCE($7::uuid, '00000000-0000-0000-0000-000000000000'))
AND b.starts_at < COALESCE(($5::date + 2)::timestamp AT TIME ZONE 'UTC', 'infinity')
AND CASE WHEN $4::date IS NULL THEN true
         ELSE (b.ends_at AT TIME ZONE v.time_zone) > $4::date::timestamp END
AND CASE WHEN $5::date IS NULL THEN true
         ELSE (b.starts_at AT TIME ZONE v.time_zone)::date <= $5::date END
AND CASE WHEN $9::uuid IS NULL THEN true ELSE b.resource_id = $9::uuid END
AND CASE WHEN $11::text[] IS NULL THEN true
         ELSE EXISTS (
             SELECT
               FROM customers c
               CROSS JOIN unnest($11::text[]) AS t (prefix)
              WHERE c.id = b.customer_id
                AND starts_with(c.phone, t.prefix)) END
AND CASE WHEN $12::text IS NULL THEN true
         ELSE strpos(lower(concat_ws(' ', b.guest_name, b.note, b.staff_note)),
                     lower($12::text)) > 0
              OR EXISTS (
                     SELECT
                       FROM customers c
                      WHERE c.id = b.customer_id
                        AND strpos(lower(c.name), lower($12::text)) > 0)
                 AND
                     -- include: booking_customer_named
         END
ORDER BY b.starts_at, b.id
LIMIT $8::integer

-- fragment: booking_list_from
SELECT b.id, b.starts_at
  FROM bookings b
  JOIN venues v ON v.id = b.venue_id

-- As in payment_list, one of three ways is taken: all of a venue, those of some states, or those of
-- one customer. The states are looked for one by one, since each is in the order of time by itself;
-- a hold whose time has passed is stored as pending_payment and has expired.
-- name: booking_list_staff
-- params: $1 text hash of the key, $2 uuid venue, $3 text[] states or NULL, $4 date first or NULL,
-- params: $5 date last or NULL, $6 timestamptz cursor's start or NULL, $7 uuid cursor's id,
-- params: $8 integer most rows, $9 uuid resource or NULL, $10 uuid customer or NULL,
-- params: $11 text[] beginnings of phones or NULL, $12 text in names and notes or NULL
-- returns: booking_whole
-- index: bookings_venue_status
WITH stored AS (
    SELECT s.status FROM unnest($3::text[]) AS s (status)
     UNION
    SELECT 'pending_payment' WHERE 'expired' = ANY ($3::text[])
), picked AS MATERIALIZED (
    (
    -- include: booking_list_from
     WHERE $3::text[] IS NULL
       AND $10::uuid IS NULL
       AND
           -- include: booking_list_page
    ) UNION ALL (
    SELECT p.id, p.starts_at
      FROM stored s
      CROSS JOIN LATERAL (
           -- include: booking_list_from
            WHERE $10::uuid IS NULL
              AND b.status = s.status
              AND CASE WHEN b.status <> 'pending_payment' THEN true
                       ELSE booking_status(b.status, b.hold_expires_at) = ANY ($3::text[]) END
              AND
                  -- include: booking_list_page
           ) p
    ) UNION ALL (
    -- include: booking_list_from
     WHERE $10::uuid IS NOT NULL
       AND b.customer_id = $10::uuid
       AND ($3::text[] IS NULL
            OR booking_status(b.status, b.hold_expires_at) = ANY ($3::text[]))
       AND
           -- include: booking_list_page
    )
    ORDER BY 2, 1
    LIMIT $8::integer
)
-- include: booking_whole
 WHERE b.id = ANY (ARRAY(SELECT p.id FROM picked p))
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

-- Whoever asks for room holds this lock, so that nobody takes it meanwhile.
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

-- Whether the booking fits beside the others, whatever it takes itself.
-- name: booking_room
-- params: $1 uuid booking, $2 uuid customer or NULL, $3 uuid venue or NULL
-- returns: room, ahead
SELECT resource_peak(b.resource_id, b.occupied, b.id) + b.party_size <= r.capacity AS room,
       b.starts_at > now() AS ahead
  FROM bookings b
  JOIN resources r ON r.venue_id = b.venue_id AND r.id = b.resource_id
 WHERE
       -- include: booking_in_scope;

-- A change without a reason keeps none: the reason is that of the present state.
-- name: booking_set_state
-- params: $1 uuid venue, $2 uuid booking, $3 text state, $4 text reason or NULL
-- returns: nothing
UPDATE bookings
   SET status = $3::text,
       version = version + 1,
       updated_at = now(),
       reason = $4::text,
       hold_expires_at = NULL,
       cancelled_at = CASE WHEN $3::text = 'cancelled' THEN now() END,
       ended_at = CASE WHEN $3::text IN ('completed', 'no_show') THEN now() END
 WHERE venue_id = $1::uuid
   AND id = $2::uuid;

-- name: booking_party_limit
-- params: $1 uuid booking
-- returns: max_party_size
SELECT s.max_party_size
  FROM bookings b
  JOIN services s ON s.venue_id = b.venue_id AND s.id = b.service_id
 WHERE b.id = $1::uuid;

-- name: booking_edit
-- params: $1 uuid venue, $2 uuid booking, $3 text note or NULL, $4 text staff note or NULL,
-- params: $5 text guest name or NULL, $6 integer party, $7 bigint amount,
-- params: $8 bigint deposit or NULL
-- returns: nothing
UPDATE bookings
   SET note = $3::text,
       staff_note = $4::text,
       guest_name = $5::text,
       party_size = $6::integer,
       amount = $7::bigint,
       deposit = $8::bigint,
       version = version + 1,
       updated_at = now()
 WHERE venue_id = $1::uuid
   AND id = $2::uuid;

-- name: booking_keep_hold
-- Of a booking that was paid in another amount: no time ends its hold, staff do. The year is one
-- that no clock reaches and every client can read.
-- params: $1 uuid venue, $2 uuid booking
-- returns: nothing
UPDATE bookings
   SET hold_expires_at = timestamptz '2200-01-01 00:00:00+00'
 WHERE venue_id = $1::uuid
   AND id = $2::uuid
   AND status = 'pending_payment';

-- name: booking_next_version
-- For a row of history that tells of something beside the booking.
-- params: $1 uuid venue, $2 uuid booking
-- returns: nothing
UPDATE bookings
   SET version = version + 1, updated_at = now()
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

-- ---- limits ----

-- No row: one more was taken.
-- name: rate_change
-- params: $1 text subject, $2 integer most, $3 bigint in so many ms
-- returns: retry_after_s
SELECT r.retry_after_s
  FROM rate_take(ARRAY[$1::text], ARRAY[$2::integer], ARRAY[$3::bigint]) r;
