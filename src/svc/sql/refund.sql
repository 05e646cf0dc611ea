-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- For src/svc/refund*.c. The gateway gives refunds no identifier and knows no idempotency, so a row
-- is written before the gateway is asked, and at most one refund per payment is under way (the
-- index refunds_one_in_flight).

-- fragment: refund_columns
-- For refund_read(), from refunds r. Only after 15 minutes may a refund that the gateway's total
-- does not show be called not done. Gateways show one within seconds; the rest is reserve, because
-- calling it not done too early could give the money back twice.
r.id, r.venue_id, r.payment_id, r.status, r.charge_id, r.amount,
r.refunded_before, r.whole, r.cancels_booking, r.actor, r.reason, r.checks,
r.surplus AS unmatched,
r.created_at < now() - interval '15 minutes' AS total_is_final,
r.status = 'calling' AND r.next_check_at > now() AS locked_by_caller

-- ---- asking ----

-- name: refund_earlier
-- The refund that is under way, or is to be asked for again; before it the one that was made under
-- the same Idempotency-Key.
-- Idempotency keys are kept for 24 hours, so older refunds do not count.
-- params: $1 uuid venue, $2 uuid payment, $3 text request key or NULL
-- returns: id, venue_id, payment_id, status, charge_id, amount, refunded_before, whole,
-- returns: cancels_booking, actor, reason, checks, unmatched, total_is_final, locked_by_caller
SELECT
    -- include: refund_columns
  FROM refunds r
 WHERE r.venue_id = $1::uuid
   AND r.payment_id = $2::uuid
   AND (r.status IN ('calling', 'unknown')
        OR (r.status = 'wanted' AND NOT r.surplus)
        OR (r.status = 'done'
            AND r.request_key = $3
            AND r.updated_at > now() - interval '24 hours'))
 ORDER BY r.status = 'done' DESC
 LIMIT 1;

-- name: refund_add
-- params: $1 uuid venue, $2 uuid refund, $3 uuid payment, $4 text charge, $5 bigint amount,
-- params: $6 bigint refunded before, $7 boolean all that is left, $8 boolean cancels the booking,
-- params: $9 text actor, $10 text reason or NULL, $11 text request,
-- params: $12 bigint seconds that its caller has, $13 text request key or NULL
-- returns: nothing
INSERT INTO refunds (venue_id, id, payment_id, charge_id, amount, refunded_before, whole, status,
                     cancels_booking, actor, reason, request_id, next_check_at, request_key)
VALUES ($1::uuid, $2::uuid, $3::uuid, $4, $5::bigint, $6::bigint, $7::boolean, 'calling',
        $8::boolean, $9, $10, $11, now() + $12::bigint * interval '1 second', $13);

-- name: refund_add_unmatched
-- Refunds of charges that no booking stands for, however many, in one statement; at most one per
-- charge. The keeper carries them out.
-- params: $1 uuid venue, $2 uuid payment, $3 jsonb array of charges, $4 text request
-- returns: nothing
WITH wanted AS (
    SELECT *
      FROM jsonb_to_recordset($3::jsonb)
        AS c (id uuid, audit uuid, charge text, amount bigint, refunded bigint, reason text)),
made AS (
    INSERT INTO refunds (venue_id, id, payment_id, charge_id, amount, refunded_before, whole,
                         status, surplus, actor, reason, request_id, next_check_at)
    SELECT $1::uuid, w.id, $2::uuid, w.charge, w.amount, w.refunded, true,
           'wanted', true, 'keeper', w.reason, $4, now()
      FROM wanted w
    ON CONFLICT (venue_id, charge_id) WHERE surplus AND status <> 'failed' DO NOTHING
    RETURNING id)
INSERT INTO audit_log (id, venue_id, actor, action, subject, detail, request_id)
SELECT w.audit, $1::uuid, 'keeper', 'payment.surplus', $2::uuid::text,
       jsonb_build_object('charge', w.charge, 'reason', w.reason), $4
  FROM wanted w
  JOIN made ON made.id = w.id;

-- name: refund_done_under
-- Whether a refund of one of the booking's payments was made under this Idempotency-Key. The key is
-- a digest that contains the caller, so it needs no owner.
-- params: $1 uuid booking, $2 text request key or NULL
-- returns: id, venue_id, booking_id, status, amount, refunded_amount, currency, gateway_id,
-- returns: charge_id, redirect_url, return_url, checks, unmatched, locked_by_caller, created_us,
-- returns: expires_us, read_us, paid_amount, paid_currency, expected_amount,
-- returns: expected_currency, rest,
-- returns: refund_amount
SELECT
    -- include: payment_columns
       , r.amount AS refund_amount
  FROM payments p
  JOIN refunds r ON r.venue_id = p.venue_id AND r.payment_id = p.id
 WHERE p.booking_id = $1::uuid
   AND r.request_key = $2
   AND r.status = 'done'
   AND r.updated_at > now() - interval '24 hours';

-- name: refund_take_over
-- What the keeper would ask for again, staff ask for now.
-- params: $1 uuid venue, $2 uuid refund
-- returns: nothing
UPDATE refunds
   SET status = 'failed', fault = 'taken_over', next_check_at = NULL, updated_at = now()
 WHERE venue_id = $1::uuid
   AND id = $2::uuid
   AND status = 'wanted';

-- name: refund_list
-- params: $1 text hash of the staff key, $2 uuid booking
-- returns: id, payment_id, amount, status, actor, reason, fault, cancels_booking, asked_us
SELECT r.id, r.payment_id, r.amount, r.status, r.actor, r.reason, r.fault, r.cancels_booking,
       (extract(epoch FROM r.asked_at) * 1000000)::bigint AS asked_us
  FROM payments p
  JOIN refunds r ON r.venue_id = p.venue_id AND r.payment_id = p.id
 WHERE p.booking_id = $2::uuid AND
       -- include: payment_seen_by_staff
 ORDER BY r.asked_at, r.id;

-- ---- carrying out ----

-- name: refund_set
-- Changes no row when somebody else has ended the refund.
-- params: $1 uuid venue, $2 uuid refund, $3 text status, $4 text fault or NULL,
-- params: $5 bigint seconds to the next check; below 0 none
-- returns: nothing
UPDATE refunds
   SET status = $3,
       fault = $4,
       checks = checks + 1,
       updated_at = now(),
       next_check_at = CASE WHEN $5::bigint >= 0
                            THEN now() + $5::bigint * interval '1 second' END
 WHERE venue_id = $1::uuid
   AND id = $2::uuid
   AND status IN ('wanted', 'calling', 'unknown');

-- name: refund_ready
-- What is about to be asked for. The time after which an unknown outcome counts as not done begins
-- here, so created_at moves.
-- params: $1 uuid venue, $2 uuid refund, $3 bigint amount, $4 bigint refunded before
-- returns: nothing
UPDATE refunds
   SET amount = $3::bigint,
       refunded_before = $4::bigint,
       created_at = now(),
       updated_at = now()
 WHERE venue_id = $1::uuid
   AND id = $2::uuid
   AND status = 'calling';

-- name: refund_due
-- Claims one. A wanted one, which nobody has asked the gateway for yet, waits while another refund
-- of its payment is under way.
-- params: $1 bigint seconds of the claim
-- returns: id, venue_id, payment_id, status, charge_id, amount, refunded_before, whole,
-- returns: cancels_booking, actor, reason, checks, unmatched, total_is_final, locked_by_caller,
-- returns: wanted
UPDATE refunds r
   SET next_check_at = now() + $1::bigint * interval '1 second',
       updated_at = now(),
       status = CASE r.status WHEN 'wanted' THEN 'calling' ELSE r.status END
  FROM (SELECT o.venue_id, o.id, o.status
          FROM refunds o
         WHERE o.next_check_at <= now()
           AND o.status IN ('wanted', 'calling', 'unknown')
           AND NOT EXISTS (SELECT
                             FROM refunds f
                            WHERE o.status = 'wanted'
                              AND f.venue_id = o.venue_id
                              AND f.payment_id = o.payment_id
                              AND f.status IN ('calling', 'unknown'))
         ORDER BY o.next_check_at
         LIMIT 1
           FOR NO KEY UPDATE SKIP LOCKED) due
 WHERE r.venue_id = due.venue_id AND r.id = due.id
RETURNING
    -- include: refund_columns
    , due.status = 'wanted' AS wanted;
