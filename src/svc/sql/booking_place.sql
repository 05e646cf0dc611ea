-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Taking a place in time, for src/svc/booking_place.c: the locks before the facts are read, and the
-- row after the program has decided.

-- ---- making ----

-- Serialises one customer's bookings, so that the limit cannot be outrun.
-- name: booking_lock_customer
-- params: $1 uuid customer
-- returns: id, phone, name, locale, blocked, booked_here
SELECT c.id, c.phone, c.name, c.locale,
       c.blocked_at IS NOT NULL AS blocked,
       true AS booked_here
  FROM customers c
 WHERE c.id = $1::uuid
   AND c.erased_at IS NULL
   FOR NO KEY UPDATE;

-- Finds or makes the customer of a phone, and locks the row. A customer who is there keeps name and
-- language; one who is made gets those of the booking, or the venue's language.
-- name: booking_claim_customer
-- params: $1 uuid new customer, $2 text phone, $3 text name or NULL, $4 text locale or NULL,
-- params: $5 uuid service
-- returns: id, phone, name, locale, blocked, booked_here
INSERT INTO customers AS c (id, phone, name, locale)
SELECT $1::uuid, $2::text, $3::text,
       COALESCE($4::text, (
           SELECT v.locale
             FROM services s
             JOIN venues v ON v.id = s.venue_id
            WHERE s.id = $5::uuid), 'ar')
    ON CONFLICT (phone) DO UPDATE SET phone = excluded.phone
RETURNING c.id, c.phone, c.name, c.locale,
          c.blocked_at IS NOT NULL AS blocked,
          EXISTS (
              SELECT
                FROM bookings m
                JOIN services s ON s.venue_id = m.venue_id
               WHERE m.customer_id = c.id
                 AND s.id = $5::uuid
                 AND m.made_by = 'customer') AS booked_here;

-- No service lasts longer than a week: the bound on the start is for the index.
-- name: booking_count_active
-- params: $1 uuid customer
-- returns: active
-- index: bookings_customer
SELECT count(*) AS active
  FROM bookings b
 WHERE b.customer_id = $1::uuid
   AND b.ends_at > now()
   AND b.starts_at > now() - interval '8 days'
   AND booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed');

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

-- name: booking_insert
-- params: $1 uuid venue, $2 uuid booking, $3 uuid service, $4 uuid resource,
-- params: $5 uuid customer or NULL, $6 text state, $7 timestamptz start, $8 timestamptz end,
-- params: $9 timestamptz occupied from, $10 timestamptz occupied to, $11 integer party,
-- params: $12 bigint amount, $13 text currency, $14 text payment, $15 text note or NULL,
-- params: $16 timestamptz end of the hold or NULL, $17 boolean resource chosen,
-- params: $18 integer minutes of free cancellation, $19 text guest name or NULL,
-- params: $20 text locale or NULL, $21 text staff note or NULL, $22 text made by, $23 text forced,
-- params: $24 bigint deposit or NULL
-- returns: nothing
INSERT INTO bookings
       (venue_id, id, service_id, resource_id, customer_id, status, starts_at, ends_at, occupied,
        party_size, amount, currency, payment, note, hold_expires_at, resource_chosen,
        free_cancellation_minutes, guest_name, locale, staff_note, made_by, forced,
        deposit)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::text, $7::timestamptz,
        $8::timestamptz, tstzrange($9::timestamptz, $10::timestamptz), $11::integer, $12::bigint,
        $13::text, $14::text, $15::text, $16::timestamptz, $17::boolean, $18::integer, $19::text,
        $20::text, $21::text, $22::text, $23::text, $24::bigint);

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

-- name: booking_move
-- params: $1 uuid venue, $2 uuid booking, $3 uuid resource, $4 timestamptz start,
-- params: $5 timestamptz end, $6 timestamptz occupied from, $7 timestamptz occupied to,
-- params: $8 boolean resource chosen, $9 text forced
-- returns: nothing
UPDATE bookings
   SET resource_id = $3::uuid,
       starts_at = $4::timestamptz,
       ends_at = $5::timestamptz,
       occupied = tstzrange($6::timestamptz, $7::timestamptz),
       resource_chosen = $8::boolean,
       forced = $9::text,
       version = version + 1,
       updated_at = now()
 WHERE venue_id = $1::uuid
   AND id = $2::uuid;
