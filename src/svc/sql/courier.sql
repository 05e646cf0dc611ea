-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Notifications that couriers send, for src/svc/courier.c, and what the keeper does for them, for
-- src/svc/keeper_tasks.c. Each statement is a transaction of its own and binds nothing to the
-- session, so a transaction pooler in between changes nothing.

-- A later notification of a booking waits until the earlier ones are final. PENDING is put in other
-- words here, and the venue is left out, so that notifications_unfinished is the only index of use:
-- with a choice, a plan from before there were statistics reads all rows of the venue.
-- fragment: courier_is_next
NOT EXISTS (
    SELECT
      FROM notifications e
     WHERE e.booking_id = c.booking_id
       AND e.status NOT IN ('SENT', 'FAILED')
       AND (e.queued_at, e.id) < (c.queued_at, c.id))

-- Whether a reminder no longer says what is so: its event names the start that it was made for.
-- With a fourth part it was dropped for that, and another may have been made since.
-- fragment: courier_stale
(n.template = 'booking_reminder'
 AND (split_part(n.event, ':', 4) <> '' OR NOT EXISTS (
          SELECT
            FROM bookings b
           WHERE b.venue_id = n.venue_id
             AND b.id = n.booking_id
             AND b.status = 'confirmed'
             AND split_part(n.event, ':', 3) = extract(epoch FROM b.starts_at)::bigint::text)))

-- The result of one row and the claim of the next. The number of the claim is the fence: a result
-- of an earlier one changes nothing. Of a row that the keeper took for interrupted only a final
-- result is stored. `waits` is 0 after an attempt that counts.
-- The claim looks from $14 on: rows that were done lately are still in the index while somebody
-- holds an old snapshot, and stepping over all of them for each row would become slow. due_us: when
-- the row fell due, or now without one: there is none from $14 until then.
-- name: courier_turn
-- params: $1 uuid venue or NULL for no result, $2 uuid notification, $3 integer its claim,
-- params: $4 text status, $5 text error or NULL, $6 text detail or NULL, $7 text provider or NULL,
-- params: $8 text its message or NULL, $9 integer attempts given back,
-- params: $10 bigint ms until due again, $11 boolean the next wait is longer,
-- params: $12 uuid the courier, $13 bigint ms of the next claim or NULL for none,
-- params: $14 timestamptz due since then, $15 boolean the result is of an overtaken reminder
-- returns: was, venue_id, id, booking_id, template, event, recipient, body, claim, attempts,
-- returns: waits, due_us, waited_ms, expired, stale
-- index: notifications_due notifications_unfinished
WITH stored AS (
    UPDATE notifications n
       SET status = $4::text,
           error_code = $5::text,
           error_detail = $6::text,
           provider = COALESCE($7::text, n.provider),
           provider_message_id = $8::text,
           attempts = greatest(n.attempts - $9::integer, 0),
           waits = CASE WHEN $11::boolean THEN n.waits + 1 ELSE n.waits END,
           due_at = CASE WHEN $4::text = 'PENDING'
                         THEN now() + $10::bigint * interval '1 millisecond' END,
           send_by = CASE WHEN $4::text = 'PENDING' THEN 'infinity' ELSE n.send_by END,
           claimed_by = NULL,
           -- A reminder that was overtaken: nothing has failed, and if the booking stands again
           -- there is another one.
           acknowledged_at = CASE WHEN $15::boolean THEN now() ELSE n.acknowledged_at END,
           acknowledged_by = CASE WHEN $15::boolean THEN 'courier' ELSE n.acknowledged_by END,
           event = CASE WHEN $15::boolean THEN n.event || ':' || n.id ELSE n.event END,
           updated_at = now()
      FROM (SELECT o.venue_id, o.id, o.status AS was
              FROM notifications o
             WHERE o.venue_id = $1::uuid
               AND o.id = $2::uuid
               AND o.claim = $3::integer
               AND ((o.status = 'PENDING' AND o.due_at IS NULL)
                    OR (o.error_code = 'interrupted' AND $4::text <> 'PENDING'))
               FOR NO KEY UPDATE) o
     WHERE n.venue_id = o.venue_id
       AND n.id = o.id
    RETURNING o.was),
picked AS MATERIALIZED (
    SELECT c.venue_id, c.id, c.due_at
      FROM notifications c
     WHERE $13::bigint IS NOT NULL
       AND c.status = 'PENDING'
       AND c.due_at >= $14::timestamptz
       AND c.due_at <= now()
       AND
           -- include: courier_is_next
     ORDER BY c.due_at
     LIMIT 1
       FOR NO KEY UPDATE SKIP LOCKED),
claimed AS (
    UPDATE notifications n
       SET due_at = NULL,
           claim = n.claim + 1,
           claimed_by = $12::uuid,
           attempts = n.attempts + 1,
           send_by = now() + $13::bigint * interval '1 millisecond',
           error_detail = NULL,
           updated_at = now()
      FROM picked p
     WHERE n.venue_id = p.venue_id
       AND n.id = p.id
    RETURNING n.venue_id, n.id, n.booking_id, n.template, n.event, n.recipient, n.body, n.claim,
              n.attempts, n.waits,
              p.due_at,
              (extract(epoch FROM clock_timestamp() - COALESCE(n.queued_at, n.created_at))
               * 1000)::bigint AS waited_ms,
              n.expires_at <= now() OR n.recipient IS NULL OR n.body IS NULL AS expired,
              -- include: courier_stale
              AS stale)
SELECT s.was, c.venue_id, c.id, c.booking_id, c.template, c.event, c.recipient, c.body, c.claim,
       c.attempts, c.waits,
       (extract(epoch FROM COALESCE(c.due_at, now())) * 1000000)::bigint AS due_us, c.waited_ms,
       c.expired, c.stale
  FROM (SELECT 1) one
  LEFT JOIN stored s ON true
  LEFT JOIN claimed c ON true;

-- Gives back what a courier claimed and did not begin with: all but the row that it called for.
-- name: courier_release
-- params: $1 uuid the courier, $2 uuid the row it called for or NULL, $3 integer that claim
-- returns: nothing
-- index: notifications_pending
UPDATE notifications n
   SET due_at = now(),
       send_by = 'infinity',
       claimed_by = NULL,
       attempts = greatest(n.attempts - 1, 0),
       updated_at = now()
 WHERE n.status = 'PENDING'
   AND n.send_by < 'infinity'
   AND n.claimed_by = $1::uuid
   AND (n.id, n.claim) IS DISTINCT FROM ($2::uuid, $3::integer);

-- ---- for the keeper ----

-- Rows that no courier came for in time.
-- The array and `claimed_by`, which is NULL in all that wait, say to the planner that these are few
-- rows: before there are statistics it would read the whole table otherwise.
-- name: courier_expire
-- returns: template, event
-- index: notifications_expiring
UPDATE notifications n
   SET status = 'FAILED',
       error_code = 'expired',
       error_detail = COALESCE('too old to be of use, after: ' || n.error_detail,
                               'too old to be of use'),
       due_at = NULL,
       updated_at = now()
 WHERE n.id = ANY (ARRAY(
           SELECT o.id
             FROM notifications o
            WHERE o.status NOT IN ('SENT', 'FAILED')
              AND o.due_at IS NOT NULL
              AND o.claimed_by IS NULL
              AND o.expires_at <= now()
            ORDER BY o.expires_at
            LIMIT 500
              FOR NO KEY UPDATE SKIP LOCKED))
RETURNING n.template, n.event;

-- Whether couriers have work though delivery is inline: rows of before a reload, or reminders that
-- venues of their own wish have.
-- name: courier_wanted
-- returns: wanted
SELECT EXISTS (
           SELECT
             FROM notifications n
            WHERE n.status = 'PENDING'
              AND n.due_at IS NOT NULL)
       OR EXISTS (
           SELECT
             FROM venues v
            WHERE cardinality(v.reminders) > 0) AS wanted;

-- ---- reminders ----

-- Bookings that a reminder is due for now, each with its lead, locked so that nobody moves or
-- cancels them meanwhile; those that somebody works on are looked at again in the next run. In
-- quiet hours nothing is due: a reminder whose moment lies in them is due a quarter of an hour
-- before they begin, which leaves time for sending. Late by more than half the lead is too late,
-- and what could not be sent before the quiet hours is not sent in them.
-- name: reminder_lock
-- params: $1 integer[] leads in s, $2 integer quiet from or NULL, $3 integer quiet to or NULL,
-- params: $4 integer most rows
-- returns: id, event, left_ms
SELECT b.id,
       'booking_reminder:' || l.lead_s || ':' || extract(epoch FROM b.starts_at)::bigint AS event,
       (extract(epoch FROM least(b.starts_at - l.lead / 2,
                                 reminder_quiet_next(now(), v.time_zone, $2::integer)) - now())
        * 1000)::bigint AS left_ms
  FROM venues v
 CROSS JOIN LATERAL (
           SELECT x AS lead_s, x * interval '1 second' AS lead
             FROM unnest(COALESCE(v.reminders, $1::integer[])) AS x) l
  JOIN bookings b ON b.venue_id = v.id
                 AND b.starts_at > now() + l.lead / 2
                 AND b.starts_at <= now() + l.lead + CASE WHEN $2::integer IS NULL
                                                          THEN interval '0'
                                                          ELSE interval '25 hours' END
 WHERE b.status = 'confirmed'
   AND reminder_quiet_begin(now(), v.time_zone, $2::integer, $3::integer) IS NULL
   AND now() >= COALESCE(
           reminder_quiet_begin(b.starts_at - l.lead, v.time_zone, $2::integer, $3::integer)
               - interval '15 minutes',
           b.starts_at - l.lead)
   AND EXISTS (
           SELECT
             FROM customers c
            WHERE c.id = b.customer_id
              AND c.phone IS NOT NULL)
   AND NOT EXISTS (
           SELECT
             FROM notifications n
            WHERE n.venue_id = b.venue_id
              AND n.booking_id = b.id
              AND n.event = 'booking_reminder:' || l.lead_s || ':'
                            || extract(epoch FROM b.starts_at)::bigint)
 LIMIT $4::integer
   FOR NO KEY UPDATE OF b SKIP LOCKED;

-- What the texts say of the bookings that were locked.
-- name: reminder_load
-- params: $1 uuid[] bookings
-- returns: booking_whole
-- include: booking_whole
 WHERE b.id = ANY ($1::uuid[]);
