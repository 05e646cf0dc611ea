-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Venues, services, resources, opening hours and closures, for src/svc/catalog.c and
-- src/svc/catalog_staff.c. Names with _seen: what the staff key with the hash $1 may read.

-- fragment: catalog_words
-- The texts and the place in lists of a venue, service or resource.
:t.name_ar, :t.name_en, :t.description_ar, :t.description_en, :t.category, :t.position,
:t.photo_url

-- fragment: catalog_venue_columns
-- returns: id, name, time_zone, currency, active, locale, address, phone, map_url, reminders,
-- returns: name_ar, name_en, description_ar, description_en, category, position, photo_url
v.id, v.name, v.time_zone, v.currency, v.active, v.locale, v.address, v.phone, v.map_url,
v.reminders,
-- include: catalog_words(t = v)

-- fragment: catalog_service_columns
-- returns: id, venue_id, name, currency, duration_minutes, slot_step_minutes,
-- returns: buffer_before_minutes, buffer_after_minutes, price, payment, min_notice_minutes,
-- returns: max_advance_days, free_cancellation_minutes, active, grid_follows, max_party_size,
-- returns: deposit_amount, deposit_percent,
-- returns: locale, name_ar, name_en, description_ar, description_en, category, position, photo_url,
-- returns: resource_ids
s.id, s.venue_id, s.name, v.currency, s.duration_minutes,
COALESCE(s.slot_step_minutes, s.duration_minutes) AS slot_step_minutes,
s.buffer_before_minutes, s.buffer_after_minutes, s.price, s.payment, s.min_notice_minutes,
s.max_advance_days, s.free_cancellation_minutes,
:active AS active,
s.slot_step_minutes IS NULL AS grid_follows, s.max_party_size,
s.deposit_amount, s.deposit_percent, v.locale,
-- include: catalog_words(t = s),
COALESCE((
    SELECT string_agg(sr.resource_id::text, ',' ORDER BY sr.resource_id)
      FROM service_resources sr
     WHERE sr.venue_id = s.venue_id
       AND sr.service_id = s.id), '') AS resource_ids

-- fragment: catalog_resource_columns
-- returns: id, venue_id, name, capacity, active, listed, locale, name_ar, name_en, description_ar,
-- returns: description_en, category, position, photo_url
r.id, r.venue_id, r.name, r.capacity, r.active, r.listed,
(SELECT v.locale FROM venues v WHERE v.id = r.venue_id) AS locale,
-- include: catalog_words(t = r)

-- fragment: catalog_closure_columns
-- returns: id, venue_id, resource_id, reason, starts_us, ends_us
c.id, c.venue_id, c.resource_id, c.reason,
(extract(epoch FROM c.starts_at) * 1000000)::bigint AS starts_us,
(extract(epoch FROM c.ends_at) * 1000000)::bigint AS ends_us

-- ---- what everybody may read ----

-- A cursor of these lists is the position in ten digits with the name behind it, and the id.
-- fragment: catalog_after
(:cursor::text IS NULL
 OR (:t.position, :t.name, :t.id)
    > (left(:cursor, 10)::integer, substr(:cursor, 11), :cursor_id::uuid))

-- fragment: catalog_order
ORDER BY :t.position, :t.name, :t.id

-- What is retired stays readable for customers who hold a booking of it.
-- fragment: catalog_booked
EXISTS (
    SELECT
      FROM bookings b
     WHERE :column = :id
       AND b.customer_id = (
               SELECT x.customer_id
                 FROM sessions x
                WHERE x.token_hash = $2
                  AND x.expires_at > now()))

-- name: catalog_venues
-- params: $1 integer most rows, $2 text cursor's name or NULL, $3 uuid cursor's id
-- returns: catalog_venue_columns
SELECT
       -- include: catalog_venue_columns
  FROM venues v
 WHERE v.active
   AND
       -- include: catalog_after(t = v, cursor = $2, cursor_id = $3)
       -- include: catalog_order(t = v)
 LIMIT $1::int;

-- name: catalog_venue
-- params: $1 uuid venue, $2 text hash of the token or NULL
-- returns: catalog_venue_columns
SELECT
       -- include: catalog_venue_columns
  FROM venues v
 WHERE v.id = $1::uuid
   AND (v.active
        OR
        -- include: catalog_booked(column = b.venue_id, id = v.id)
        );

-- name: catalog_services
-- params: $1 uuid venue, $2 integer most rows, $3 text cursor's name or NULL, $4 uuid cursor's id
-- returns: catalog_service_columns
SELECT
       -- include: catalog_service_columns(active = s.active)
  FROM services s
  JOIN venues v ON v.id = s.venue_id
 WHERE v.id = $1::uuid
   AND v.active
   AND s.active
   AND
       -- include: catalog_after(t = s, cursor = $3, cursor_id = $4)
       -- include: catalog_order(t = s)
 LIMIT $2::int;

-- name: catalog_service
-- params: $1 uuid service, $2 text hash of the token or NULL
-- returns: catalog_service_columns
-- index: services_id
SELECT
       -- include: catalog_service_columns(active = (s.active AND v.active))
  FROM services s
  JOIN venues v ON v.id = s.venue_id
 WHERE s.id = $1::uuid
   AND ((s.active AND v.active)
        OR
        -- include: catalog_booked(column = b.service_id, id = s.id)
        );

-- name: catalog_resources
-- params: $1 uuid venue, $2 integer most rows, $3 text cursor's name or NULL, $4 uuid cursor's id
-- returns: catalog_resource_columns
SELECT
       -- include: catalog_resource_columns
  FROM resources r
 WHERE r.venue_id = $1::uuid
   AND r.active
   AND r.listed
   AND
       -- include: catalog_after(t = r, cursor = $3, cursor_id = $4)
       -- include: catalog_order(t = r)
 LIMIT $2::int;

-- ---- what a staff key may read ----

-- name: catalog_venue_seen
-- params: $1 text hash of the key, $2 uuid venue
-- returns: catalog_venue_columns
SELECT
       -- include: catalog_venue_columns
  FROM venues v
 WHERE v.id = $2::uuid
   AND
       -- include: staff_sees(venue = v.id);

-- name: catalog_service_seen
-- params: $1 text hash of the key, $2 uuid service
-- returns: catalog_service_columns
SELECT
       -- include: catalog_service_columns(active = s.active)
  FROM services s
  JOIN venues v ON v.id = s.venue_id
 WHERE s.id = $2::uuid
   AND
       -- include: staff_sees(venue = s.venue_id);

-- name: catalog_resource_seen
-- params: $1 text hash of the key, $2 uuid resource
-- returns: catalog_resource_columns
SELECT
       -- include: catalog_resource_columns
  FROM resources r
 WHERE r.id = $2::uuid
   AND
       -- include: staff_sees(venue = r.venue_id);

-- name: catalog_resources_seen
-- params: $1 text hash of the key, $2 uuid venue, $3 integer most rows,
-- params: $4 text cursor's name or NULL, $5 uuid cursor's id
-- returns: catalog_resource_columns
SELECT
       -- include: catalog_resource_columns
  FROM resources r
 WHERE r.venue_id = $2::uuid
   AND
       -- include: staff_sees(venue = r.venue_id)
   AND
       -- include: catalog_after(t = r, cursor = $4, cursor_id = $5)
       -- include: catalog_order(t = r)
 LIMIT $3::int;

-- name: catalog_venues_seen
-- params: $1 text hash of the key, $2 integer most rows, $3 text cursor's name or NULL,
-- params: $4 uuid cursor's id
-- returns: catalog_venue_columns
SELECT
       -- include: catalog_venue_columns
  FROM venues v
 WHERE
       -- include: staff_sees(venue = v.id)
   AND
       -- include: catalog_after(t = v, cursor = $3, cursor_id = $4)
       -- include: catalog_order(t = v)
 LIMIT $2::int;

-- name: catalog_services_seen
-- params: $1 text hash of the key, $2 uuid venue, $3 integer most rows,
-- params: $4 text cursor's name or NULL, $5 uuid cursor's id
-- returns: catalog_service_columns
SELECT
       -- include: catalog_service_columns(active = s.active)
  FROM services s
  JOIN venues v ON v.id = s.venue_id
 WHERE s.venue_id = $2::uuid
   AND
       -- include: staff_sees(venue = s.venue_id)
   AND
       -- include: catalog_after(t = s, cursor = $4, cursor_id = $5)
       -- include: catalog_order(t = s)
 LIMIT $3::int;

-- name: catalog_hours_seen
-- params: $1 text hash of the key, $2 uuid resource
-- returns: weekday, opens_minute, closes_minute
-- index: opening_hours_resource
SELECT h.weekday, h.opens_minute, h.closes_minute
  FROM opening_hours h
 WHERE h.resource_id = $2::uuid
   AND
       -- include: staff_sees(venue = h.venue_id)
 ORDER BY h.position;

-- name: catalog_closures_seen
-- params: $1 text hash of the key, $2 uuid venue, $3 integer most rows,
-- params: $4 timestamptz cursor's start or NULL, $5 uuid cursor's id
-- returns: catalog_closure_columns
SELECT
       -- include: catalog_closure_columns
  FROM closures c
 WHERE c.venue_id = $2::uuid
   AND c.ends_at > now()
   AND
       -- include: staff_sees(venue = c.venue_id)
   AND ($4::timestamptz IS NULL OR (c.starts_at, c.id) > ($4::timestamptz, $5::uuid))
 ORDER BY c.starts_at, c.id
 LIMIT $3::int;

-- name: catalog_closure_seen
-- params: $1 text hash of the key, $2 uuid closure
-- returns: catalog_closure_columns
-- index: closures_id
SELECT
       -- include: catalog_closure_columns
  FROM closures c
 WHERE c.id = $2::uuid
   AND
       -- include: staff_sees(venue = c.venue_id);

-- ---- writes of staff ----

-- name: catalog_venue_lock
-- params: $1 uuid venue
-- returns: locked
SELECT 1 AS locked
  FROM venues
 WHERE id = $1::uuid
   FOR NO KEY UPDATE;

-- name: catalog_service_lock
-- params: $1 uuid service
-- returns: locked
SELECT 1 AS locked
  FROM services
 WHERE id = $1::uuid
   FOR NO KEY UPDATE;

-- name: catalog_resource_lock
-- params: $1 uuid resource
-- returns: locked
SELECT 1 AS locked
  FROM resources
 WHERE id = $1::uuid
   FOR NO KEY UPDATE;

-- PostgreSQL's own zones serve this check and the arithmetic with time zones. Left out are other
-- spellings of the same zones, and zones that depend on the server's settings.
-- name: catalog_zone_known
-- params: $1 text name of a time zone
-- returns: known
SELECT 1 AS known
 WHERE $1 !~ '^(posix/|right/|(posixrules|localtime|Factory)$)'
   AND zone_known($1);

-- name: catalog_venue_save
-- params: $1 uuid venue, $2 text name, $3 text time zone, $4 text currency, $5 boolean active,
-- params: $6 text locale, $7 text address or NULL, $8 text phone or NULL, $9 text map or NULL,
-- params: $10 text name ar or NULL, $11 text name en or NULL, $12 text description ar,
-- params: $13 text description en or NULL, $14 text category or NULL, $15 integer position,
-- params: $16 text photo or NULL, $17 integer[] leads of reminders in s or NULL
-- returns: nothing
INSERT INTO venues
       (id, name, time_zone, currency, active, locale, address, phone, map_url,
        name_ar, name_en, description_ar, description_en, category, position, photo_url, reminders)
VALUES ($1::uuid, $2, $3, $4, $5::boolean, $6, $7, $8, $9,
        $10, $11, $12, $13, $14, $15::int, $16, $17::integer[])
    ON CONFLICT (id) DO UPDATE
   SET name = excluded.name,
       time_zone = excluded.time_zone,
       currency = excluded.currency,
       active = excluded.active,
       locale = excluded.locale,
       address = excluded.address,
       phone = excluded.phone,
       map_url = excluded.map_url,
       name_ar = excluded.name_ar,
       name_en = excluded.name_en,
       description_ar = excluded.description_ar,
       description_en = excluded.description_en,
       category = excluded.category,
       position = excluded.position,
       photo_url = excluded.photo_url,
       reminders = excluded.reminders;

-- The clock and the money of a venue may change only while nobody relies on them. Bookings are made
-- under the lock of their resource and refer to the venue; services refer to it as well.
-- name: catalog_venue_resources_lock
-- params: $1 uuid venue
-- returns: id
SELECT r.id
  FROM resources r
 WHERE r.venue_id = $1::uuid
 ORDER BY r.id
   FOR NO KEY UPDATE;

-- name: catalog_venue_lock_whole
-- params: $1 uuid venue
-- returns: locked
SELECT 1 AS locked
  FROM venues
 WHERE id = $1::uuid
   FOR UPDATE;

-- name: catalog_venue_use
-- params: $1 uuid venue
-- returns: bookings, services
SELECT (SELECT count(*)
          FROM bookings b
         WHERE b.venue_id = $1::uuid
           AND b.starts_at > now() - interval '8 days'
           AND b.ends_at > now()
           AND booking_status(b.status, b.hold_expires_at) IN ('pending_payment', 'confirmed'))
           AS bookings,
       (SELECT count(*) FROM services s WHERE s.venue_id = $1::uuid AND s.price > 0) AS services;

-- name: catalog_service_save
-- params: $1 uuid venue, $2 uuid service, $3 text name, $4 integer duration in minutes,
-- params: $5 integer step in minutes or NULL, $6 integer buffer before, $7 integer buffer after,
-- params: $8 bigint price in minor units, $9 text payment, $10 integer least notice in minutes,
-- params: $11 integer most days ahead, $12 integer minutes of free cancellation,
-- params: $13 boolean active, $14 integer largest party or NULL,
-- params: $15 text name ar or NULL, $16 text name en or NULL, $17 text description ar,
-- params: $18 text description en or NULL, $19 text category or NULL, $20 integer position,
-- params: $21 text photo or NULL, $22 bigint deposit per person or NULL,
-- params: $23 integer percent of the deposit or NULL
-- returns: nothing
INSERT INTO services AS s
       (venue_id, id, name, duration_minutes, slot_step_minutes, buffer_before_minutes,
        buffer_after_minutes, price, payment, min_notice_minutes, max_advance_days,
        free_cancellation_minutes, active, max_party_size,
        name_ar, name_en, description_ar, description_en, category, position, photo_url,
        deposit_amount, deposit_percent)
VALUES ($1::uuid, $2::uuid, $3, $4::int, $5::int, $6::int, $7::int, $8::bigint, $9, $10::int,
        $11::int, $12::int, $13::boolean, $14::int,
        $15, $16, $17, $18, $19, $20::int, $21, $22::bigint, $23::int)
    ON CONFLICT (venue_id, id) DO UPDATE
   SET name = excluded.name,
       duration_minutes = excluded.duration_minutes,
       slot_step_minutes = excluded.slot_step_minutes,
       buffer_before_minutes = excluded.buffer_before_minutes,
       buffer_after_minutes = excluded.buffer_after_minutes,
       price = excluded.price,
       payment = excluded.payment,
       min_notice_minutes = excluded.min_notice_minutes,
       max_advance_days = excluded.max_advance_days,
       free_cancellation_minutes = excluded.free_cancellation_minutes,
       active = excluded.active,
       max_party_size = excluded.max_party_size,
       name_ar = excluded.name_ar,
       name_en = excluded.name_en,
       description_ar = excluded.description_ar,
       description_en = excluded.description_en,
       category = excluded.category,
       position = excluded.position,
       photo_url = excluded.photo_url,
       deposit_amount = excluded.deposit_amount,
       deposit_percent = excluded.deposit_percent;

-- name: catalog_service_unlink
-- params: $1 uuid venue, $2 uuid service
-- returns: nothing
DELETE FROM service_resources
 WHERE venue_id = $1::uuid
   AND service_id = $2::uuid;

-- name: catalog_service_link
-- params: $1 uuid venue, $2 uuid service, $3 text identifiers of resources, separated by commas
-- returns: nothing
INSERT INTO service_resources (venue_id, service_id, resource_id)
SELECT DISTINCT r.venue_id, $2::uuid, r.id
  FROM unnest(string_to_array($3, ',')::uuid[]) AS wanted (id)
  JOIN resources r ON r.venue_id = $1::uuid AND r.id = wanted.id;

-- The position (from 0) of the first identifier that names no resource of the venue.
-- name: catalog_resources_unknown
-- params: $1 uuid venue, $2 text identifiers of resources, separated by commas
-- returns: n
SELECT wanted.n - 1 AS n
  FROM unnest(string_to_array($2, ',')::uuid[]) WITH ORDINALITY AS wanted (id, n)
 WHERE NOT EXISTS (
           SELECT 1
             FROM resources r
            WHERE r.venue_id = $1::uuid
              AND r.id = wanted.id)
 ORDER BY 1
 LIMIT 1;

-- name: catalog_resource_save
-- params: $1 uuid venue, $2 uuid resource, $3 text name, $4 integer capacity, $5 boolean active,
-- params: $6 boolean listed,
-- params: $7 text name ar or NULL, $8 text name en or NULL, $9 text description ar,
-- params: $10 text description en or NULL, $11 text category or NULL, $12 integer position,
-- params: $13 text photo or NULL
-- returns: nothing
INSERT INTO resources
       (venue_id, id, name, capacity, active, listed,
        name_ar, name_en, description_ar, description_en, category, position, photo_url)
VALUES ($1::uuid, $2::uuid, $3, $4::int, $5::boolean, $6::boolean,
        $7, $8, $9, $10, $11, $12::int, $13)
    ON CONFLICT (venue_id, id) DO UPDATE
   SET name = excluded.name,
       capacity = excluded.capacity,
       active = excluded.active,
       listed = excluded.listed,
       name_ar = excluded.name_ar,
       name_en = excluded.name_en,
       description_ar = excluded.description_ar,
       description_en = excluded.description_en,
       category = excluded.category,
       position = excluded.position,
       photo_url = excluded.photo_url;

-- name: catalog_hours_clear
-- params: $1 uuid venue, $2 uuid resource
-- returns: nothing
DELETE FROM opening_hours
 WHERE venue_id = $1::uuid
   AND resource_id = $2::uuid;

-- name: catalog_hours_put
-- params: $1 uuid venue, $2 uuid resource, $3 text weekdays, separated by commas,
-- params: $4 text minutes of opening, $5 text minutes of closing
-- returns: nothing
INSERT INTO opening_hours
       (venue_id, resource_id, position, weekday, opens_minute, closes_minute)
SELECT $1::uuid, $2::uuid, h.n, h.weekday, h.opens, h.closes
  FROM unnest(string_to_array($3, ',')::int[],
              string_to_array($4, ',')::int[],
              string_to_array($5, ',')::int[])
       WITH ORDINALITY AS h (weekday, opens, closes, n);

-- name: catalog_closure_add
-- params: $1 uuid venue, $2 uuid closure, $3 uuid resource or NULL, $4 timestamptz start,
-- params: $5 timestamptz end, $6 text reason or NULL
-- returns: nothing
INSERT INTO closures (venue_id, id, resource_id, starts_at, ends_at, reason)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::timestamptz, $5::timestamptz, $6);

-- name: catalog_closure_delete
-- params: $1 uuid venue, $2 uuid closure
-- returns: nothing
DELETE FROM closures
 WHERE venue_id = $1::uuid
   AND id = $2::uuid;
