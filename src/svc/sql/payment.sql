-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- For src/svc/payment*.c: payments, their history and the gateway's events. Every transaction that
-- changes a payment locks its booking first, then the payment.

-- fragment: payment_columns
-- For payment_read(), from payments p.
p.id, p.venue_id, p.booking_id, p.status, p.amount, p.refunded_amount, p.currency,
p.gateway_id, p.charge_id, p.redirect_url, p.return_url, p.checks,
p.surplus AS unmatched,
p.status = 'creating' AND p.next_check_at > now() AS locked_by_caller,
(extract(epoch from p.created_at) * 1000000)::bigint AS created_us,
(extract(epoch from p.invoice_expires_at) * 1000000)::bigint AS expires_us,
(extract(epoch from now()) * 1000000)::bigint AS read_us,
p.paid_amount, p.paid_currency, p.expected_amount, p.expected_currency, p.rest

-- fragment: payment_of_customer
-- Payments of the customer whose session token has the hash $1.
FROM payments p
JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id
 AND b.customer_id = (SELECT t.customer_id FROM sessions t
                       WHERE t.token_hash = $1 AND t.expires_at > now())

-- fragment: payment_seen_by_staff
-- For payments p: whether the staff key with the hash $1 may see it.
EXISTS (SELECT
          FROM staff_keys k
         WHERE k.key_hash = $1
           AND k.revoked_at IS NULL
           AND (k.venue_id IS NULL OR k.venue_id = p.venue_id))

-- ---- reads ----

-- name: payment_find_mine
-- params: $1 text hash of the session token, $2 uuid payment
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest
SELECT
    -- include: payment_columns
  -- include: payment_of_customer
 WHERE p.id = $2::uuid;

-- name: payment_list_mine
-- params: $1 text hash of the session token, $2 uuid booking
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest
SELECT
    -- include: payment_columns
  -- include: payment_of_customer
 WHERE p.booking_id = $2::uuid
 ORDER BY p.created_at, p.id;

-- name: payment_find_staff
-- params: $1 text hash of the staff key, $2 uuid payment
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest
SELECT
    -- include: payment_columns
  FROM payments p
 WHERE p.id = $2::uuid AND
       -- include: payment_seen_by_staff;

-- name: payment_list_staff
-- params: $1 text hash of the staff key, $2 uuid booking
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest
SELECT
    -- include: payment_columns
  FROM payments p
 WHERE p.booking_id = $2::uuid AND
       -- include: payment_seen_by_staff
 ORDER BY p.created_at, p.id;

-- name: payment_find
-- params: $1 uuid payment
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest
SELECT
    -- include: payment_columns
  FROM payments p
 WHERE p.id = $1::uuid;

-- name: payment_look
-- params: $1 uuid payment
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest,
-- returns: booking_state
SELECT
    -- include: payment_columns
       , booking_status(b.status, b.hold_expires_at) AS booking_state
  FROM payments p
  JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id
 WHERE p.id = $1::uuid;

-- name: payment_paid_of
-- The payment that stands for a booking. Also used as a condition: its rows stand against
-- cancelling the booking without a refund.
-- params: $1 uuid booking
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest
SELECT
    -- include: payment_columns
  FROM payments p
 WHERE p.booking_id = $1::uuid
   AND p.status IN ('paid', 'partially_refunded', 'mismatch')
   AND NOT p.surplus
 ORDER BY p.status = 'mismatch'
 LIMIT 1;

-- fragment: payment_list_from
SELECT p.venue_id, p.id, p.created_at
  FROM payments p
  JOIN venues v ON v.id = p.venue_id

-- Dates are the venue's; the bounds that are a day wider than any zone, and that of the cursor, are
-- for the index. Why CASE: see notification_page.
-- fragment: payment_list_page
p.created_at >= COALESCE(($4::date - 1)::timestamp AT TIME ZONE 'UTC', '-infinity')
AND (p.created_at, p.id) < (COALESCE($6::timestamptz, ($5::date + 2)::timestamp AT TIME ZONE 'UTC',
                                     'infinity'),
                            COALESCE($7::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
AND CASE WHEN $4::date IS NULL THEN true
         ELSE (p.created_at AT TIME ZONE v.time_zone)::date >= $4::date END
AND CASE WHEN $5::date IS NULL THEN true
         ELSE (p.created_at AT TIME ZONE v.time_zone)::date <= $5::date END
ORDER BY p.created_at DESC, p.id DESC
LIMIT $8::integer

-- There are five ways to list, each with an index of its own, and one of them is taken: of the
-- others the conditions without a column are false, so that their parts are not run.
-- name: payment_list
-- params: $1 text hash of the staff key, $2 text status or NULL, $3 uuid booking or NULL,
-- params: $4 date first or NULL, $5 date last or NULL, $6 timestamptz cursor's time or NULL,
-- params: $7 uuid cursor's id or NULL, $8 integer most rows, $9 uuid venue or NULL
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest,
-- returns: booking_state, starts_us, service
-- index: payments_venue_status
WITH scope AS MATERIALIZED (
    -- include: staff_scope(venue = $9)
), picked AS (
    (
    -- include: payment_list_from
     WHERE $3::uuid IS NOT NULL
       AND p.booking_id = $3::uuid
       AND ($2::text IS NULL OR p.status = $2::text)
       AND EXISTS (SELECT
                     FROM scope c
                    WHERE c.venue_id IS NULL OR c.venue_id = p.venue_id)
       AND
           -- include: payment_list_page
    ) UNION ALL (
    -- include: payment_list_from
     WHERE $3::uuid IS NULL
       AND $2::text IS NULL
       AND (SELECT c.venue_id IS NULL FROM scope c)
       AND
           -- include: payment_list_page
    ) UNION ALL (
    -- include: payment_list_from
     WHERE $3::uuid IS NULL
       AND $2::text IS NULL
       AND (SELECT c.venue_id IS NOT NULL FROM scope c)
       AND p.venue_id = (SELECT c.venue_id FROM scope c)
       AND
           -- include: payment_list_page
    ) UNION ALL (
    -- include: payment_list_from
     WHERE $3::uuid IS NULL
       AND $2::text IS NOT NULL
       AND p.status = $2::text
       AND (SELECT c.venue_id IS NULL FROM scope c)
       AND
           -- include: payment_list_page
    ) UNION ALL (
    -- include: payment_list_from
     WHERE $3::uuid IS NULL
       AND $2::text IS NOT NULL
       AND p.status = $2::text
       AND (SELECT c.venue_id IS NOT NULL FROM scope c)
       AND p.venue_id = (SELECT c.venue_id FROM scope c)
       AND
           -- include: payment_list_page
    )
)
SELECT
    -- include: payment_columns
       , booking_status(b.status, b.hold_expires_at) AS booking_state,
       (extract(epoch FROM b.starts_at) * 1000000)::bigint AS starts_us, s.name AS service
  FROM picked k
  JOIN payments p ON p.venue_id = k.venue_id AND p.id = k.id
  JOIN bookings b ON b.venue_id = p.venue_id AND b.id = p.booking_id
  JOIN services s ON s.venue_id = b.venue_id AND s.id = b.service_id
 ORDER BY k.created_at DESC, k.id DESC
 LIMIT $8::integer;

-- ---- on site ----

-- name: site_payment_insert
-- params: $1 uuid venue, $2 uuid payment, $3 uuid booking, $4 text method, $5 bigint amount,
-- params: $6 text currency, $7 text actor
-- returns: nothing
INSERT INTO site_payments (venue_id, id, booking_id, method, amount, currency, actor)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::bigint, $6::text, $7::text);

-- name: site_payment_list
-- params: $1 text hash of the staff key, $2 uuid booking
-- returns: id, booking_id, venue_id, method, amount, currency, actor, created_us
-- index: site_payments_booking
SELECT p.id, p.booking_id, p.venue_id, p.method, p.amount, p.currency, p.actor,
       (extract(epoch FROM p.created_at) * 1000000)::bigint AS created_us
  FROM site_payments p
 WHERE p.booking_id = $2::uuid AND
       -- include: payment_seen_by_staff
 ORDER BY p.created_at, p.id;

-- ---- opening ----

-- name: payment_open_of
-- params: $1 uuid booking
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest
SELECT
    -- include: payment_columns
  FROM payments p
 WHERE p.booking_id = $1::uuid
   AND p.status IN ('creating', 'initiated', 'unknown', 'mismatch')
   FOR NO KEY UPDATE;

-- name: payment_insert
-- params: $1 uuid venue, $2 uuid payment, $3 uuid booking, $4 bigint amount, $5 text currency,
-- params: $6 text provider, $7 text return URL, $8 timestamptz end of the invoice,
-- params: $9 bigint seconds that its caller has, $10 bigint due on site beside it
-- returns: nothing
INSERT INTO payments (venue_id, id, booking_id, status, amount, currency, provider, return_url,
                      invoice_expires_at, next_check_at, rest)
VALUES ($1::uuid, $2::uuid, $3::uuid, 'creating', $4::bigint, $5, $6, $7,
        $8::timestamptz, now() + $9::bigint * interval '1 second', $10::bigint);

-- name: payment_return_url
-- params: $1 uuid venue, $2 uuid payment, $3 text return URL
-- returns: nothing
UPDATE payments
   SET return_url = $3
 WHERE venue_id = $1::uuid AND id = $2::uuid;

-- ---- changing ----

-- name: payment_lock
-- params: $1 uuid payment
-- returns: id
SELECT p.id
  FROM payments p
 WHERE p.id = $1::uuid
   FOR NO KEY UPDATE;

-- name: payment_other_paid
-- Whether another payment stands for the booking, and whether a refund of this one is under way.
-- params: $1 uuid venue, $2 uuid booking, $3 uuid payment
-- returns: other_paid, refund_in_flight
SELECT EXISTS (SELECT FROM payments p
                WHERE p.venue_id = $1::uuid
                  AND p.booking_id = $2::uuid
                  AND p.id <> $3::uuid
                  AND p.status IN ('paid', 'partially_refunded')
                  AND NOT p.surplus) AS other_paid,
       EXISTS (SELECT FROM refunds r
                WHERE r.venue_id = $1::uuid
                  AND r.payment_id = $3::uuid
                  AND r.status IN ('calling', 'unknown')) AS refund_in_flight;

-- name: payment_save
-- params: $1 uuid venue, $2 uuid payment, $3 text status, $4 text invoice at the gateway,
-- params: $5 text charge at the gateway, $6 text redirect URL, $7 bigint refunded,
-- params: $8 boolean stands for no booking, $9 bigint milliseconds to the next check; below 0 none,
-- params: $10 bigint amount, $11 text currency, $12 bigint paid or NULL,
-- params: $13 text currency of that or NULL, $14 bigint expected before or NULL,
-- params: $15 text currency of that or NULL
-- returns: nothing
UPDATE payments
   SET status = $3,
       gateway_id = $4,
       charge_id = $5,
       redirect_url = $6,
       refunded_amount = $7::bigint,
       surplus = $8::boolean,
       amount = $10::bigint,
       currency = $11,
       paid_amount = $12::bigint,
       paid_currency = $13,
       expected_amount = $14::bigint,
       expected_currency = $15,
       updated_at = now(),
       desk_check_at = CASE WHEN $3 IN ('paid', 'partially_refunded', 'mismatch')
                             AND NOT $8::boolean
                            THEN coalesce(desk_check_at, now() + interval '30 seconds') END,
       next_check_at = CASE WHEN $9::bigint >= 0
                            THEN now() + $9::bigint * interval '1 millisecond' END
 WHERE venue_id = $1::uuid AND id = $2::uuid;

-- name: payment_history_add
-- params: $1 uuid venue, $2 uuid payment, $3 text from; NULL: it is new, $4 text to, $5 text actor,
-- params: $6 text reason or NULL, $7 text request
-- returns: nothing
INSERT INTO payment_history (venue_id, payment_id, from_status, to_status, actor, reason,
                             request_id)
VALUES ($1::uuid, $2::uuid, $3, $4, $5, $6, $7);

-- name: payment_mismatch
-- Marks the payment; the audit log is told only when the mark is new.
-- params: $1 uuid venue, $2 uuid payment, $3 uuid audit row, $4 text actor, $5 text request
-- returns: nothing
WITH marked AS (
    UPDATE payments p
       SET fault = 'mismatch', updated_at = now()
     WHERE p.venue_id = $1::uuid
       AND p.id = $2::uuid
       AND p.fault IS DISTINCT FROM 'mismatch'
    RETURNING p.id)
INSERT INTO audit_log (id, venue_id, actor, action, subject, request_id)
SELECT $3::uuid, $1::uuid, $4, 'payment.mismatch', marked.id::text, $5
  FROM marked;

-- name: payment_hint_claim
-- No row: the payment is final. due: a hint may look at the gateway now, because the last one
-- looked 3 seconds ago or longer; one that comes sooner makes the keeper look when they are over.
-- fresh: that last look may still be under way.
-- params: $1 uuid payment
-- returns: due, fresh
WITH seen AS (
    SELECT p.venue_id, p.id, p.status,
           coalesce(p.hinted_at <= now() - interval '3 seconds', true) AS due,
           coalesce(p.hinted_at > now() - interval '1 second', false) AS fresh
      FROM payments p
     WHERE p.id = $1::uuid
       AND p.status NOT IN ('paid', 'refunded', 'partially_refunded', 'mismatch')
       FOR NO KEY UPDATE),
marked AS (
    UPDATE payments p
       SET hinted_at = CASE WHEN seen.due THEN now() ELSE p.hinted_at END,
           next_check_at = CASE WHEN seen.due OR seen.status = 'creating' THEN p.next_check_at
                                ELSE least(p.next_check_at, p.hinted_at + interval '3 seconds') END
      FROM seen
     WHERE p.venue_id = seen.venue_id AND p.id = seen.id
    RETURNING seen.due, seen.fresh)
SELECT due, fresh
  FROM marked;

-- name: payment_odd_add
-- What was not understood of the gateway's answers, each thing and value once per payment; returns
-- the new ones. At most 50 per payment, so that an answer that is new each time fills no disk.
-- params: $1 uuid venue, $2 uuid payment, $3 jsonb array of {thing, value}
-- returns: thing, value
INSERT INTO payment_oddities (venue_id, payment_id, thing, value)
SELECT $1::uuid, $2::uuid, o.thing, o.value
  FROM jsonb_to_recordset($3::jsonb) AS o (thing text, value text)
 WHERE (SELECT count(*) FROM payment_oddities
         WHERE venue_id = $1::uuid AND payment_id = $2::uuid) < 50
ON CONFLICT DO NOTHING
RETURNING thing, value;

-- name: payment_odd_list
-- params: $1 text hash of the staff key, $2 uuid booking
-- returns: payment_id, thing, value, seen_us
SELECT o.payment_id, o.thing, o.value, (extract(epoch from o.seen_at) * 1000000)::bigint AS seen_us
  FROM payments p
  JOIN payment_oddities o ON o.venue_id = p.venue_id AND o.payment_id = p.id
 WHERE p.booking_id = $2::uuid AND
       -- include: payment_seen_by_staff
 ORDER BY o.seen_at, o.thing, o.value;

-- ---- the keeper ----

-- name: payment_due
-- Claims one payment by putting its next check off. One in CREATING that is due has lost the
-- process that made it: what that one did at the gateway is not known, so it becomes UNKNOWN.
-- params: $1 bigint seconds of the claim, $2 text request, $3 bigint most checks of one payment
-- returns: id, checks
-- index: payments_check
WITH due AS (
    SELECT o.venue_id, o.id, o.status
      FROM payments o
     WHERE o.next_check_at <= now() AND o.checks < $3::bigint
     ORDER BY o.next_check_at
     LIMIT 1
       FOR NO KEY UPDATE SKIP LOCKED),
taken AS (
    UPDATE payments p
       SET checks = p.checks + 1,
           next_check_at = now() + $1::bigint * interval '1 second',
           status = CASE p.status WHEN 'creating' THEN 'unknown' ELSE p.status END
      FROM due
     WHERE p.venue_id = due.venue_id AND p.id = due.id
    RETURNING p.venue_id, p.id, p.checks),
told AS (
    INSERT INTO payment_history (venue_id, payment_id, from_status, to_status, actor, reason,
                                 request_id)
    SELECT d.venue_id, d.id, 'creating', 'unknown', 'keeper', 'its process ended', $2
      FROM due d
     WHERE d.status = 'creating')
SELECT id, checks
  FROM taken;

-- name: payment_orphans
-- Open payments of bookings that changed since and no longer wait for payment are checked at once:
-- their invoices must end before somebody pays them.
-- params: none
-- returns: nothing
UPDATE payments p
   SET next_check_at = now(), updated_at = now()
  FROM bookings b
 WHERE p.status IN ('initiated', 'unknown')
   AND p.updated_at <= b.updated_at
   AND p.next_check_at > now()
   AND b.venue_id = p.venue_id
   AND b.id = p.booking_id
   AND b.status <> 'pending_payment';

-- name: payment_desk_due
-- Claims one that is paid, to see whether the gateway's own desk gave the money back: the one that
-- was looked at longest ago. One whose booking is over is asked about for the last time.
-- params: none
-- returns: id
-- index: payments_desk
WITH due AS (
    SELECT o.venue_id, o.id, o.booking_id
      FROM payments o
     WHERE o.desk_check_at <= now()
     ORDER BY o.desk_check_at
     LIMIT 1
       FOR NO KEY UPDATE SKIP LOCKED)
UPDATE payments p
   SET desk_check_at = CASE WHEN b.ends_at > now() THEN now() + interval '30 seconds' END
  FROM due
  JOIN bookings b ON b.venue_id = due.venue_id AND b.id = due.booking_id
 WHERE p.venue_id = due.venue_id AND p.id = due.id
RETURNING p.id;

-- name: desk_claim
-- Which page of the gateway's changed charges is read next, if one is due. Its claim ends by
-- itself. While the looks one by one keep up, nobody needs the list; so what changed long before
-- they fell behind was found by them.
-- params: $1 text provider, $2 bigint seconds of the claim
-- returns: since_us, page
INSERT INTO gateway_desk AS d (provider, since, begun_at, next_poll_at)
SELECT $1, now() - interval '1 day', now(), now() + $2::bigint * interval '1 second'
 WHERE EXISTS (SELECT FROM payments WHERE desk_check_at < now() - interval '15 seconds')
ON CONFLICT (provider) DO UPDATE
   SET next_poll_at = excluded.next_poll_at,
       since = greatest(d.since, excluded.since),
       begun_at = CASE WHEN d.page = 1 THEN now() ELSE d.begun_at END
 WHERE d.next_poll_at <= now()
RETURNING (extract(epoch from d.since) * 1000000)::bigint AS since_us, d.page;

-- name: desk_refunded
-- Payments of whose charge more went back than we know of, and not by a refund of ours that is
-- under way.
-- params: $1 jsonb array of {charge, refunded}
-- returns: id
SELECT p.id
  FROM jsonb_to_recordset($1::jsonb) AS c (charge text, refunded bigint)
  JOIN payments p ON p.charge_id = c.charge
 WHERE p.status IN ('paid', 'partially_refunded', 'mismatch')
   AND NOT p.surplus
   AND p.refunded_amount < c.refunded
   AND NOT EXISTS (SELECT
                     FROM refunds r
                    WHERE r.venue_id = p.venue_id
                      AND r.payment_id = p.id
                      AND r.status IN ('calling', 'unknown'));

-- name: desk_store
-- The next page is read at once; after the last one the list is left alone for a moment. Then only
-- changes after the newest that was seen are of interest, or after the time when page 1 was read,
-- since a charge that changed meanwhile may be on a page before. 30 s are read twice, for clocks
-- that differ and lists that lag behind.
-- params: $1 text provider, $2 bigint the page that was read, $3 bigint next page; 0: it was the
-- params: last, $4 timestamptz newest change on it or NULL
-- returns: nothing
UPDATE gateway_desk
   SET page = greatest($3::bigint, 1),
       newest = CASE WHEN $3::bigint > 0 THEN greatest(newest, $4::timestamptz) END,
       since = CASE WHEN $3::bigint > 0 THEN since
                    ELSE greatest(since,
                                  least(begun_at,
                                        coalesce(greatest(newest, $4::timestamptz), since))
                                  - interval '30 seconds') END,
       next_poll_at = now() + CASE WHEN $3::bigint > 0 THEN interval '0 seconds'
                                   ELSE interval '10 seconds' END
 WHERE provider = $1 AND page = $2::bigint;

-- name: payment_put_off
-- params: $1 uuid payment, $2 bigint milliseconds to the next check, $3 text why
-- returns: nothing
UPDATE payments p
   SET next_check_at = now() + $2::bigint * interval '1 millisecond', fault = $3
 WHERE p.id = $1::uuid AND p.next_check_at > now();

-- ---- the gateway's events ----

-- name: webhook_seen
-- params: $1 text provider, $2 text event
-- returns: seen
SELECT 1 AS seen
  FROM webhook_events
 WHERE provider = $1 AND event_id = $2;

-- name: webhook_payment
-- Which payment an event is about: by our reference, else by what the gateway calls it; and
-- whether the event names an invoice that the row does not.
-- params: $1 uuid reference or NULL, $2 text invoice or NULL, $3 text charge or NULL
-- returns: id, other_invoice
SELECT p.id, $2::text IS NOT NULL AND p.gateway_id IS DISTINCT FROM $2::text AS other_invoice
  FROM payments p
 WHERE p.id = $1::uuid OR p.gateway_id IN ($2::text, $3::text) OR p.charge_id = $3::text
 ORDER BY p.id = $1::uuid DESC NULLS LAST
 LIMIT 1;

-- name: webhook_store
-- params: $1 text provider, $2 text event, $3 text kind, $4 uuid payment or NULL, $5 text outcome
-- returns: nothing
INSERT INTO webhook_events (provider, event_id, kind, payment_id, outcome)
VALUES ($1, $2, $3, $4::uuid, $5)
ON CONFLICT (provider, event_id) DO NOTHING;
