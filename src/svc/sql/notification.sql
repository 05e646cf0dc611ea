-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Notifications: their rows, for src/svc/notification.c and src/svc/notification_store.c, and what
-- staff do with them, for src/svc/notification_list.c and src/svc/notification_resend.c.

-- ---- sending ----

-- The event makes a repeat of one change a no-op. Without a time until which it must be sent the
-- row waits for a courier. So it does while an earlier one of the booking is the couriers': it must
-- not be sent before that one is final.
-- name: notification_enqueue
-- params: $1 uuid venue, $2 uuid notification, $3 uuid booking, $4 text event, $5 text template,
-- params: $6 text locale, $7 text phone, $8 text body, $9 bigint ms until it must be sent
-- params: or NULL, $10 bigint ms until it expires, $11 text subject of the phone's quota,
-- params: $12 integer[] limits of the phone and of the customer, $13 bigint[] their windows in ms
-- returns: throttled, waits
-- index: notifications_unfinished
WITH denied AS MATERIALIZED (
    SELECT r.denied
      FROM bookings b,
           rate_take(ARRAY[$11::text, 'notification-customer:' || COALESCE(b.customer_id, b.id)],
                     $12::integer[], $13::bigint[]) r
     WHERE b.venue_id = $1::uuid
       AND b.id = $3::uuid
)
INSERT INTO notifications
       (venue_id, id, booking_id, event, template, locale, recipient, body, claim, due_at, send_by,
        expires_at, status, error_code, error_detail)
SELECT $1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::text, $7::text, $8::text,
       CASE WHEN w.waits THEN 0 ELSE 1 END,
       CASE WHEN w.waits AND d.denied IS NULL THEN clock_timestamp() END,
       CASE WHEN w.waits THEN 'infinity'
            ELSE now() + $9::bigint * interval '1 millisecond' END,
       now() + $10::bigint * interval '1 millisecond',
       CASE WHEN d.denied IS NULL THEN 'PENDING' ELSE 'FAILED' END,
       CASE WHEN d.denied IS NULL THEN NULL ELSE 'throttled' END,
       CASE d.denied WHEN 1 THEN 'too many to this phone'
                     WHEN 2 THEN 'too many to this customer' END
  FROM (SELECT $9::bigint IS NULL OR EXISTS (
                   SELECT
                     FROM notifications e
                    WHERE e.booking_id = $3::uuid
                      AND e.status NOT IN ('SENT', 'FAILED')
                      AND (e.due_at IS NOT NULL OR e.claimed_by IS NOT NULL)) AS waits) w
  LEFT JOIN denied d ON true
    ON CONFLICT (venue_id, booking_id, event) DO NOTHING
RETURNING status = 'FAILED' AS throttled, due_at IS NOT NULL AS waits;

-- Only the claim that the row is at may report, and only once: the row is still PENDING, or the
-- keeper took its sender for dead. `was` tells the two apart, since the keeper has counted the
-- attempt then.
-- name: notification_store
-- params: $1 uuid venue, $2 uuid notification, $3 integer claim, $4 text outcome,
-- params: $5 text detail or NULL, $6 text provider or NULL, $7 text its message or NULL,
-- params: $8 boolean the provider was called
-- returns: was
UPDATE notifications n
   SET status = CASE WHEN $4::text = 'sent' THEN 'SENT' ELSE 'FAILED' END,
       error_code = CASE WHEN $4::text = 'sent' THEN NULL ELSE $4::text END,
       error_detail = $5::text,
       provider = $6::text,
       provider_message_id = $7::text,
       attempts = CASE WHEN $8::boolean THEN greatest(n.attempts, 1) ELSE n.attempts END,
       updated_at = now()
  FROM (SELECT o.venue_id, o.id, o.status AS was
          FROM notifications o
         WHERE o.venue_id = $1::uuid
           AND o.id = $2::uuid
           AND o.claim = $3::integer
           AND (o.status = 'PENDING' OR o.error_code = 'interrupted')
           FOR NO KEY UPDATE) o
 WHERE n.venue_id = o.venue_id
   AND n.id = o.id
RETURNING o.was;

-- ---- for staff ----

-- fragment: notification_columns
-- returns: id, venue_id, booking_id, template, channel, locale, recipient, status, attempts,
-- returns: error_code, error_detail, provider, provider_message_id, acknowledged_us, created_us,
-- returns: updated_us
n.id, n.venue_id, n.booking_id, n.template, n.channel, n.locale, n.recipient, n.status,
n.attempts, n.error_code, n.error_detail, n.provider, n.provider_message_id,
(extract(epoch FROM n.acknowledged_at) * 1000000)::bigint AS acknowledged_us,
(extract(epoch FROM n.created_at) * 1000000)::bigint AS created_us,
(extract(epoch FROM n.updated_at) * 1000000)::bigint AS updated_us

-- $1 is the only venue that the actor sees, or NULL.
-- fragment: notification_seen
($1::uuid IS NULL OR n.venue_id = $1::uuid)

-- fragment: notification_filter
($2::text IS NULL OR n.status = $2::text)
AND ($3::uuid IS NULL OR n.booking_id = $3::uuid)
AND ($4::text IS NULL OR n.template = $4::text)
AND ($5::text IS NULL OR n.error_code = $5::text)
AND ($6::timestamptz IS NULL OR n.created_at >= $6::timestamptz)
AND ($7::timestamptz IS NULL OR n.created_at <= $7::timestamptz)

-- What a page of staff's narrows further: whether somebody has acknowledged it, and a venue.
-- fragment: notification_narrow
(:ack::boolean IS NULL OR (n.acknowledged_at IS NOT NULL) = :ack::boolean)
AND (:venue::uuid IS NULL OR n.venue_id = :venue::uuid)

-- fragment: notification_among
(:ids::jsonb IS NULL
 OR n.id IN (SELECT i.id::uuid FROM jsonb_array_elements_text(:ids::jsonb) AS i (id)))

-- Behind the last row that was tried, oldest first.
-- fragment: notification_behind
(n.created_at, n.id) > (COALESCE($8::timestamptz, '-infinity'),
                        COALESCE($9::uuid, '00000000-0000-0000-0000-000000000000'))

-- The plan that is kept knows no values. Bounds of time are there also when nothing was asked for,
-- so that it reads an index from one to the other. What may not be asked for is a CASE, of which
-- the planner expects half of the rows; of `$4 IS NULL OR ...` it expects next to none, and would
-- sort all that there is rather than follow the index.
-- fragment: notification_page
n.created_at >= COALESCE($6::timestamptz, '-infinity')
AND (n.created_at, n.id) < (COALESCE($8::timestamptz, $7::timestamptz, 'infinity'),
                            COALESCE($9::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
AND CASE WHEN $4::text IS NULL THEN true ELSE n.template = $4::text END
AND CASE WHEN $5::text IS NULL THEN true ELSE n.error_code = $5::text END
AND CASE WHEN :ack::boolean IS NULL THEN true
         ELSE (n.acknowledged_at IS NOT NULL) = :ack::boolean END
ORDER BY n.created_at DESC, n.id DESC
LIMIT $10::integer

-- There are six ways to list, each with an index of its own, and one of them is taken: of the
-- others the conditions without a column are false, so that their parts are not run. `scope` has no
-- row for whoever sees nothing, and venue_id NULL for whoever sees all venues. What is PENDING is
-- little at any time, and is sorted.
-- fragment: notification_picked
(
    SELECT n.*
      FROM (SELECT o.*
              FROM bookings b
              JOIN notifications o ON o.venue_id = b.venue_id AND o.booking_id = b.id
             WHERE b.id = $3::uuid
            OFFSET 0) n
     WHERE $3::uuid IS NOT NULL
       AND ($2::text IS NULL OR n.status = $2::text)
       AND EXISTS (
               SELECT
                 FROM scope c
                WHERE c.venue_id IS NULL
                   OR c.venue_id = n.venue_id)
       AND
           -- include: notification_page(ack = :ack)
) UNION ALL (
    SELECT n.*
      FROM notifications n
     WHERE $3::uuid IS NULL
       AND $2::text = 'FAILED'
       AND n.status = 'FAILED'
       AND EXISTS (SELECT FROM scope c WHERE c.venue_id IS NOT NULL)
       AND n.venue_id = (SELECT c.venue_id FROM scope c)
       AND
           -- include: notification_page(ack = :ack)
) UNION ALL (
    SELECT n.*
      FROM notifications n
     WHERE $3::uuid IS NULL
       AND $2::text = 'FAILED'
       AND n.status = 'FAILED'
       AND EXISTS (SELECT FROM scope c WHERE c.venue_id IS NULL)
       AND
           -- include: notification_page(ack = :ack)
) UNION ALL (
    SELECT n.*
      FROM notifications n
     WHERE $3::uuid IS NULL
       AND COALESCE($2::text, 'SENT') = 'SENT'
       AND EXISTS (SELECT FROM scope c WHERE c.venue_id IS NOT NULL)
       AND n.venue_id = (SELECT c.venue_id FROM scope c)
       AND CASE WHEN $2::text IS NULL THEN true ELSE n.status = $2::text END
       AND
           -- include: notification_page(ack = :ack)
) UNION ALL (
    SELECT n.*
      FROM notifications n
     WHERE $3::uuid IS NULL
       AND COALESCE($2::text, 'SENT') = 'SENT'
       AND EXISTS (SELECT FROM scope c WHERE c.venue_id IS NULL)
       AND CASE WHEN $2::text IS NULL THEN true ELSE n.status = $2::text END
       AND
           -- include: notification_page(ack = :ack)
) UNION ALL (
    SELECT n.*
      FROM (SELECT p.* FROM notifications p WHERE p.status = 'PENDING' OFFSET 0) n
     WHERE $3::uuid IS NULL
       AND $2::text = 'PENDING'
       AND EXISTS (
               SELECT
                 FROM scope c
                WHERE c.venue_id IS NULL
                   OR c.venue_id = n.venue_id)
       AND
           -- include: notification_page(ack = :ack)
)

-- What is too old is not sent again, what was erased cannot be, and a reminder of a booking that
-- was cancelled or moved would be wrong.
-- fragment: notification_sendable
n.status = 'FAILED'
AND n.expires_at > now()
AND n.expires_at > '-infinity'
AND n.recipient IS NOT NULL
AND n.body IS NOT NULL
AND NOT
    -- include: courier_stale

-- Makes a FAILED row one of the caller, for `ms` milliseconds.
-- fragment: notification_claim_set
UPDATE notifications n
   SET status = 'PENDING',
       error_code = NULL,
       error_detail = NULL,
       provider = NULL,
       provider_message_id = NULL,
       acknowledged_at = NULL,
       acknowledged_by = NULL,
       attempts = n.attempts + 1,
       claim = n.claim + 1,
       claimed_by = NULL,
       updated_at = now(),
       send_by = now() + :ms::bigint * interval '1 millisecond'

-- fragment: notification_claimed
-- returns: venue_id, id, booking_id, template, recipient, body, claim, created
RETURNING n.venue_id, n.id, n.booking_id, n.template, n.recipient, n.body, n.claim,
          n.created_at::text AS created

-- name: notification_list_key
-- params: $1 text hash of the key, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 text template or NULL, $5 text error code or NULL, $6 timestamptz since or NULL,
-- params: $7 timestamptz until or NULL, $8 timestamptz cursor's time or NULL, $9 uuid cursor's id,
-- params: $10 integer most rows, $11 boolean acknowledged or NULL, $12 uuid venue or NULL
-- returns: notification_columns
-- index: notifications_venue_newest
WITH scope AS MATERIALIZED (
    -- include: staff_scope(venue = $12)
)
SELECT
       -- include: notification_columns
  FROM (
       -- include: notification_picked(ack = $11)
       ) n
 ORDER BY n.created_at DESC, n.id DESC
 LIMIT $10::integer;

-- name: notification_list
-- params: $1 uuid venue or NULL, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 text template or NULL, $5 text error code or NULL, $6 timestamptz since or NULL,
-- params: $7 timestamptz until or NULL, $8 timestamptz cursor's time or NULL, $9 uuid cursor's id,
-- params: $10 integer most rows
-- returns: notification_columns
-- index: notifications_newest
WITH scope AS MATERIALIZED (
    SELECT $1::uuid AS venue_id
)
SELECT
       -- include: notification_columns
  FROM (
       -- include: notification_picked(ack = NULL)
       ) n
 ORDER BY n.created_at DESC, n.id DESC
 LIMIT $10::integer;

-- name: notification_of_booking
-- params: $1 text hash of the key, $2 uuid booking
-- returns: notification_columns
SELECT
       -- include: notification_columns
  FROM bookings b
  JOIN notifications n ON n.venue_id = b.venue_id AND n.booking_id = b.id
 WHERE b.id = $2::uuid
   AND
       -- include: staff_sees(venue = b.venue_id)
 ORDER BY n.created_at, n.id;

-- name: notification_find
-- params: $1 uuid venue or NULL, $2 uuid notification
-- returns: notification_columns
-- index: notifications_id
SELECT
       -- include: notification_columns
  FROM notifications n
 WHERE
       -- include: notification_seen
   AND n.id = $2::uuid;

-- Another resend of the same row waits here, and then finds it claimed or sent.
-- name: notification_state
-- params: $1 uuid venue or NULL, $2 uuid notification
-- returns: failed
SELECT n.status = 'FAILED' AS failed
  FROM notifications n
 WHERE
       -- include: notification_seen
   AND n.id = $2::uuid
   FOR NO KEY UPDATE;

-- name: notification_claim
-- params: $1 uuid venue or NULL, $2 uuid notification, $3 bigint ms until it must be sent
-- returns: notification_claimed
-- include: notification_claim_set(ms = $3)
 WHERE
       -- include: notification_seen
   AND n.id = $2::uuid
   AND
       -- include: notification_sendable
-- include: notification_claimed;

-- The oldest that matches, is behind the last one tried, and that nobody else works on.
-- name: notification_claim_next
-- params: $1 uuid venue or NULL, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 text template or NULL, $5 text error code or NULL, $6 timestamptz since or NULL,
-- params: $7 timestamptz until or NULL, $8 timestamptz time of the last one or NULL,
-- params: $9 uuid the last one, $10 bigint ms until it must be sent,
-- params: $11 boolean acknowledged or NULL, $12 uuid venue or NULL,
-- params: $13 jsonb array of identifiers or NULL for any
-- returns: notification_claimed
-- index: notifications_failed
-- include: notification_claim_set(ms = $10)
 WHERE (n.venue_id, n.id) = (
       SELECT n.venue_id, n.id
         FROM notifications n
        WHERE
              -- include: notification_seen
          AND
              -- include: notification_sendable
          AND
              -- include: notification_filter
          AND
              -- include: notification_narrow(ack = $11, venue = $12)
          AND
              -- include: notification_among(ids = $13)
          AND
              -- include: notification_behind
        ORDER BY n.created_at, n.id
        LIMIT 1
          FOR NO KEY UPDATE SKIP LOCKED)
-- include: notification_claimed;

-- What a resend would try: behind the last one tried.
-- fragment: notification_matching
       -- include: notification_seen
   AND
       -- include: notification_sendable
   AND
       -- include: notification_filter
   AND
       -- include: notification_narrow(ack = $10, venue = $11)
   AND
       -- include: notification_among(ids = $12)
   AND
       -- include: notification_behind

-- `first`: a run begins there, and not with what was too old for it.
-- name: notification_count
-- params: $1 uuid venue or NULL, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 text template or NULL, $5 text error code or NULL, $6 timestamptz since or NULL,
-- params: $7 timestamptz until or NULL, $8 timestamptz time of the last one or NULL,
-- params: $9 uuid the last one, $10 boolean acknowledged or NULL, $11 uuid venue or NULL,
-- params: $12 jsonb array of identifiers or NULL for any
-- returns: matched, first
SELECT count(*) AS matched, min(n.created_at)::text AS first
  FROM notifications n
 WHERE
       -- include: notification_matching;

-- The texts of a dry run, whose SMS parts are counted.
-- name: notification_bodies
-- params: $1 uuid venue or NULL, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 text template or NULL, $5 text error code or NULL, $6 timestamptz since or NULL,
-- params: $7 timestamptz until or NULL, $8 timestamptz time of the last one or NULL,
-- params: $9 uuid the last one, $10 boolean acknowledged or NULL, $11 uuid venue or NULL,
-- params: $12 jsonb array of identifiers or NULL for any, $13 integer most rows
-- returns: id, created, body
SELECT n.id, n.created_at::text AS created, n.body
  FROM notifications n
 WHERE
       -- include: notification_matching
 ORDER BY n.created_at, n.id
 LIMIT $13::integer;

-- fragment: notification_group_kind
($2::text IS NULL OR n.template = $2::text)
AND ($3::text IS NULL OR n.error_code = $3::text)
AND n.created_at >= COALESCE($4::timestamptz, '-infinity')
AND n.created_at <= COALESCE($5::timestamptz, 'infinity')

-- FAILED ones by what they have in common, the most first. What is open has an index of its own.
-- name: notification_groups
-- params: $1 text hash of the key, $2 text template or NULL, $3 text error code or NULL,
-- params: $4 timestamptz since or NULL, $5 timestamptz until or NULL,
-- params: $6 boolean acknowledged or NULL, $7 uuid venue or NULL
-- returns: template, error_code, n, sendable, oldest_us, newest_us
WITH scope AS MATERIALIZED (
    -- include: staff_scope(venue = $7)
)
SELECT n.template, n.error_code, count(*) AS n,
       count(*) FILTER (WHERE
       -- include: notification_sendable
       ) AS sendable,
       (extract(epoch FROM min(n.created_at)) * 1000000)::bigint AS oldest_us,
       (extract(epoch FROM max(n.created_at)) * 1000000)::bigint AS newest_us
  FROM (
    SELECT n.*
      FROM (SELECT o.*
              FROM notifications o
             WHERE o.status = 'FAILED'
               AND o.acknowledged_at IS NULL
            OFFSET 0) n
     WHERE $6::boolean IS DISTINCT FROM true
       AND EXISTS (SELECT FROM scope c WHERE c.venue_id IS NULL OR c.venue_id = n.venue_id)
       AND
           -- include: notification_group_kind
     UNION ALL
    SELECT n.*
      FROM notifications n
     WHERE n.status = 'FAILED'
       AND $6::boolean IS DISTINCT FROM false
       AND n.acknowledged_at IS NOT NULL
       AND n.venue_id = (SELECT c.venue_id FROM scope c)
       AND
           -- include: notification_group_kind
     UNION ALL
    SELECT n.*
      FROM notifications n
     WHERE n.status = 'FAILED'
       AND $6::boolean IS DISTINCT FROM false
       AND n.acknowledged_at IS NOT NULL
       AND EXISTS (SELECT FROM scope c WHERE c.venue_id IS NULL)
       AND
           -- include: notification_group_kind
       ) n
 GROUP BY n.template, n.error_code
 ORDER BY count(*) DESC, n.template, n.error_code;

-- fragment: notification_open
n.status = 'FAILED'
AND n.acknowledged_at IS NULL
AND ($9::uuid IS NULL OR n.venue_id = $9::uuid)

-- name: notification_count_open
-- params: $1 uuid venue or NULL, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 text template or NULL, $5 text error code or NULL, $6 timestamptz since or NULL,
-- params: $7 timestamptz until or NULL, $8 jsonb array of identifiers or NULL for any,
-- params: $9 uuid venue or NULL
-- returns: matched
SELECT count(*) AS matched
  FROM notifications n
 WHERE
       -- include: notification_seen
   AND
       -- include: notification_open
   AND
       -- include: notification_filter
   AND
       -- include: notification_among(ids = $8);

-- name: notification_acknowledge
-- params: $1 uuid venue or NULL, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 text template or NULL, $5 text error code or NULL, $6 timestamptz since or NULL,
-- params: $7 timestamptz until or NULL, $8 jsonb array of identifiers or NULL for any,
-- params: $9 uuid venue or NULL, $10 text actor
-- returns: nothing
UPDATE notifications n
   SET acknowledged_at = now(),
       acknowledged_by = $10::text,
       updated_at = now()
 WHERE
       -- include: notification_seen
   AND
       -- include: notification_open
   AND
       -- include: notification_filter
   AND
       -- include: notification_among(ids = $8);
