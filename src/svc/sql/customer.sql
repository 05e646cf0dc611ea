-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Customers, for src/svc/customer.c and for signing in.

-- fragment: customer_columns
-- returns: id, phone, name, locale, created_us
c.id, c.phone, c.name, c.locale,
(extract(epoch FROM c.created_at) * 1000000)::bigint AS created_us

-- Finds or makes the customer of a phone, and locks the row. Needs a part `person (id, phone, name,
-- locale)` of at most one row. A name that the customer has is the customer's own and stays.
-- fragment: customer_find_or_make
INSERT INTO customers AS c (id, phone, name, locale)
SELECT person.id, person.phone, person.name, person.locale
  FROM person
    ON CONFLICT (phone) DO UPDATE SET name = COALESCE(c.name, excluded.name)

-- name: customer_change
-- params: $1 uuid customer, $2 text name or NULL, $3 text locale or NULL
-- returns: customer_columns
UPDATE customers c
   SET name = COALESCE($2, c.name),
       locale = COALESCE($3, c.locale)
 WHERE c.id = $1::uuid
   AND c.erased_at IS NULL
RETURNING
       -- include: customer_columns;

-- The lock keeps bookings away: they lock the same row first.
-- name: customer_lock
-- params: $1 uuid customer
-- returns: phone
SELECT c.phone
  FROM customers c
 WHERE c.id = $1::uuid
   AND c.erased_at IS NULL
   FOR UPDATE;

-- name: customer_active
-- params: $1 uuid customer
-- returns: n
SELECT count(*) AS n
  FROM bookings b
 WHERE b.customer_id = $1::uuid
   AND b.ends_at > now()
   AND booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed');

-- ---- erasure: what a person left behind, one statement per place ----

-- name: customer_erase_sessions
-- params: $1 uuid customer
-- returns: nothing
DELETE FROM sessions
 WHERE customer_id = $1::uuid;

-- name: customer_erase_notifications
-- params: $1 uuid customer
-- returns: nothing
UPDATE notifications n
   SET recipient = NULL,
       body = NULL,
       expires_at = CASE WHEN n.status = 'PENDING' THEN now() ELSE n.expires_at END
  FROM bookings b
 WHERE b.customer_id = $1::uuid
   AND n.venue_id = b.venue_id
   AND n.booking_id = b.id;

-- name: customer_erase_notes
-- params: $1 uuid customer
-- returns: nothing
UPDATE bookings
   SET note = NULL,
       staff_note = NULL,
       guest_name = NULL,
       reason = NULL
 WHERE customer_id = $1::uuid
   AND (note IS NOT NULL OR staff_note IS NOT NULL OR guest_name IS NOT NULL
        OR reason IS NOT NULL);

-- The role that serves may not change history: functions of the owner forget what people wrote.
-- name: customer_erase_reasons
-- params: $1 uuid customer
-- returns: n
SELECT erase_booking_reasons($1::uuid) AS n;

-- name: customer_erase_refunds
-- params: $1 uuid customer
-- returns: nothing
UPDATE refunds r
   SET reason = NULL
  FROM payments p
  JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id
 WHERE b.customer_id = $1::uuid
   AND r.venue_id = p.venue_id
   AND r.payment_id = p.id
   AND r.reason IS NOT NULL;

-- name: customer_erase_payment_reasons
-- params: $1 uuid customer
-- returns: n
SELECT erase_payment_reasons($1::uuid) AS n;

-- name: customer_erase_answers
-- params: $1 uuid customer
-- returns: nothing
DELETE FROM idempotency_keys
 WHERE caller = 'customer:' || $1::uuid
    OR customer_id = $1::uuid;

-- name: customer_erase_row
-- params: $1 uuid customer
-- returns: nothing
UPDATE customers
   SET phone = NULL,
       name = NULL,
       note = NULL,
       erased_at = now()
 WHERE id = $1::uuid;

-- name: customer_erase_venue_notes
-- params: $1 uuid customer
-- returns: nothing
DELETE FROM customer_notes
 WHERE customer_id = $1::uuid;

-- name: customer_erase_challenges
-- params: $1 text phone, $2 uuid customer
-- returns: nothing
DELETE FROM otp_challenges
 WHERE phone = $1
    OR customer_id = $2::uuid;

-- name: customer_erase_rates
-- params: $1 text subject of the cooldown, $2 text subject of the phone's limit,
-- params: $3 text subject of its failures
-- returns: nothing
DELETE FROM rate_limits
 WHERE subject IN ($1, $2, $3);

-- name: customer_erase_addresses
-- params: $1 text phone's key
-- returns: nothing
DELETE FROM known_addresses
 WHERE phone = $1;
