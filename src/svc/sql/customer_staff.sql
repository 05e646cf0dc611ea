-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Customers as staff see and change them, for src/svc/customer_staff.c. A key of one venue sees
-- those who have a booking there, and an account's name only if its customer booked there
-- themselves (BEHAVIOUR §5).

-- The key, and the customers c that it sees.
-- fragment: customer_seen
  FROM staff_keys k
  JOIN customers c ON k.venue_id IS NULL
                   OR EXISTS (
                          SELECT
                            FROM bookings b
                           WHERE b.customer_id = c.id
                             AND b.venue_id = k.venue_id)
 WHERE k.key_hash = $1
   AND k.revoked_at IS NULL
   AND c.erased_at IS NULL

-- fragment: customer_named
(k.venue_id IS NULL
 OR EXISTS (
        SELECT
          FROM bookings m
         WHERE m.customer_id = c.id
           AND m.venue_id = k.venue_id
           AND m.made_by = 'customer'))

-- fragment: customer_staff_columns
-- returns: id, phone, name, guest_name, locale, created_us, blocked_us, note, elsewhere
c.id, c.phone,
CASE WHEN
          -- include: customer_named
     THEN c.name END AS name,
(SELECT g.guest_name
   FROM bookings g
  WHERE g.customer_id = c.id
    AND g.guest_name IS NOT NULL
    AND (k.venue_id IS NULL OR g.venue_id = k.venue_id)
  ORDER BY g.created_at DESC, g.id DESC
  LIMIT 1) AS guest_name,
c.locale,
(extract(epoch FROM c.created_at) * 1000000)::bigint AS created_us,
(extract(epoch FROM c.blocked_at) * 1000000)::bigint AS blocked_us,
CASE WHEN k.venue_id IS NULL THEN c.note
     ELSE (SELECT n.note FROM customer_notes n
            WHERE n.venue_id = k.venue_id AND n.customer_id = c.id) END AS note,
k.venue_id IS NOT NULL
    AND EXISTS (
            SELECT
              FROM bookings o
             WHERE o.customer_id = c.id
               AND o.venue_id <> k.venue_id) AS elsewhere

-- name: customer_find_staff
-- params: $1 text hash of the key, $2 uuid customer
-- returns: customer_staff_columns
-- index: customers_pkey
SELECT
       -- include: customer_staff_columns
       -- include: customer_seen
   AND c.id = $2::uuid;

-- name: customer_counts
-- params: $1 text hash of the key, $2 uuid customer
-- returns: completed, cancelled, no_show
-- index: bookings_customer
SELECT count(*) FILTER (WHERE b.status = 'completed') AS completed,
       count(*) FILTER (WHERE b.status = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE b.status = 'no_show') AS no_show
  FROM bookings b
 WHERE b.customer_id = $2::uuid
   AND
       -- include: staff_sees(venue = b.venue_id);

-- name: customer_bookings
-- params: $1 text hash of the key, $2 uuid customer, $3 integer most rows
-- returns: booking_whole
-- index: bookings_customer
-- include: booking_whole
 WHERE b.customer_id = $2::uuid
   AND
       -- include: staff_sees(venue = b.venue_id)
 ORDER BY b.starts_at DESC, b.id DESC
 LIMIT $3::integer;

-- fragment: customer_page
AND ($2::bigint IS NULL
     OR (c.created_at, c.id)
        < (timestamptz 'epoch' + $2::bigint * interval '1 microsecond', $3::uuid))
 ORDER BY c.created_at DESC, c.id DESC
 LIMIT $4::integer

-- name: customer_list_staff
-- params: $1 text hash of the key, $2 bigint cursor's time in us or NULL, $3 uuid cursor's id,
-- params: $4 integer most rows
-- returns: customer_staff_columns
-- index: customers_newest
SELECT
       -- include: customer_staff_columns
       -- include: customer_seen
   -- include: customer_page;

-- Ranges of bytes, not LIKE: an index serves them whatever the parameter is. chr(1114111) is the
-- highest character.
-- name: customer_search_staff
-- params: $1 text hash of the key, $2 bigint cursor's time in us or NULL, $3 uuid cursor's id,
-- params: $4 integer most rows, $5 text[] beginnings of phones or NULL,
-- params: $6 text beginning of a name or NULL
-- returns: customer_staff_columns
WITH found AS MATERIALIZED (
    SELECT p.id
      FROM unnest($5::text[]) AS t (prefix)
      JOIN customers p ON p.phone ~>=~ t.prefix AND p.phone ~<~ (t.prefix || chr(1114111))
     UNION
    SELECT c.id
      FROM customers c
      JOIN staff_keys k ON k.key_hash = $1
     WHERE lower(c.name) ~>=~ lower($6::text)
       AND lower(c.name) ~<~ (lower($6::text) || chr(1114111))
       AND
           -- include: customer_named
     UNION
    SELECT g.customer_id
      FROM bookings g
      JOIN staff_keys k ON k.key_hash = $1 AND (k.venue_id IS NULL OR g.venue_id = k.venue_id)
     WHERE g.guest_name IS NOT NULL
       AND lower(g.guest_name) ~>=~ lower($6::text)
       AND lower(g.guest_name) ~<~ (lower($6::text) || chr(1114111))
)
SELECT
       -- include: customer_staff_columns
       -- include: customer_seen
   AND c.id IN (SELECT f.id FROM found f)
   -- include: customer_page;

-- ---- changes ----

-- name: customer_set_account
-- params: $1 uuid customer, $2 text name or NULL, $3 text locale or NULL,
-- params: $4 boolean blocked or NULL
-- returns: nothing
UPDATE customers
   SET name = COALESCE($2::text, name),
       locale = COALESCE($3::text, locale),
       blocked_at = CASE WHEN $4::boolean IS NULL THEN blocked_at
                         WHEN $4::boolean THEN COALESCE(blocked_at, now()) END
 WHERE id = $1::uuid
   AND erased_at IS NULL;

-- name: customer_set_note
-- params: $1 uuid customer, $2 text note or NULL
-- returns: nothing
UPDATE customers
   SET note = $2::text
 WHERE id = $1::uuid
   AND erased_at IS NULL;

-- name: customer_set_venue_note
-- params: $1 uuid customer, $2 text note, $3 uuid venue
-- returns: nothing
INSERT INTO customer_notes (customer_id, note, venue_id)
VALUES ($1::uuid, $2::text, $3::uuid)
    ON CONFLICT (venue_id, customer_id) DO UPDATE SET note = excluded.note;

-- name: customer_drop_venue_note
-- params: $1 uuid customer, $2 uuid venue
-- returns: nothing
DELETE FROM customer_notes
 WHERE customer_id = $1::uuid
   AND venue_id = $2::uuid;

-- ---- merging: $1 gives, $2 takes ----

-- name: customer_lock_two
-- params: $1 uuid customer, $2 uuid other customer
-- returns: id, phone
SELECT c.id, c.phone
  FROM customers c
 WHERE c.id IN ($1::uuid, $2::uuid)
   AND c.erased_at IS NULL
 ORDER BY c.id
   FOR UPDATE;

-- name: customer_merge_bookings
-- params: $1 uuid customer, $2 uuid customer who takes
-- returns: nothing
UPDATE bookings
   SET customer_id = $2::uuid
 WHERE customer_id = $1::uuid;

-- name: customer_merge_notes
-- params: $1 uuid customer, $2 uuid customer who takes
-- returns: nothing
INSERT INTO customer_notes (venue_id, customer_id, note)
SELECT n.venue_id, $2::uuid, n.note
  FROM customer_notes n
 WHERE n.customer_id = $1::uuid
    ON CONFLICT (venue_id, customer_id) DO NOTHING;

-- One who was blocked stays so under the other number.
-- name: customer_merge_account
-- params: $1 uuid customer, $2 uuid customer who takes
-- returns: nothing
UPDATE customers t
   SET name = COALESCE(t.name, g.name),
       note = COALESCE(t.note, g.note),
       blocked_at = COALESCE(t.blocked_at, g.blocked_at)
  FROM customers g
 WHERE g.id = $1::uuid
   AND t.id = $2::uuid;

-- name: customer_merge_end_blocked
-- params: $1 uuid customer who takes
-- returns: nothing
DELETE FROM sessions s
 USING customers c
 WHERE s.customer_id = $1::uuid
   AND c.id = $1::uuid
   AND c.blocked_at IS NOT NULL;

-- name: customer_merge_mark
-- params: $1 uuid customer, $2 uuid customer who took
-- returns: nothing
UPDATE customers
   SET merged_into = $2::uuid
 WHERE id = $1::uuid;
