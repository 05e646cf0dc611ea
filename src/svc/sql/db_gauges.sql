-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Gauges of the database, for src/svc/db_gauges.c. One node counts, and all read what it found.
-- Ages are by the database's clock; a row of the future (a clock was set back) has the age 0.

-- Counted later than now, or put off for longer than any count takes: the database's clock was set
-- back since, and would not be at that time for hours.
-- fragment: gauges_are_due
(g.due_at <= clock_timestamp()
 OR g.counted_at > clock_timestamp()
 OR g.due_at > clock_timestamp() + interval '1 hour')

-- name: gauges_look
-- returns: part, due, counted_ms, kind, status, template, code, acknowledged, n, age_ms
SELECT g.part,
       -- include: gauges_are_due
       AS due,
       (extract(epoch FROM now() - g.counted_at) * 1000)::bigint AS counted_ms,
       f.kind, f.status, f.template, f.code, f.acknowledged, f.n,
       COALESCE(greatest(0, (extract(epoch FROM now() - f.since) * 1000)::bigint), 0) AS age_ms
  FROM gauges g
  LEFT JOIN LATERAL jsonb_to_recordset(g.figures)
         AS f (kind text, status text, template text, code text, acknowledged boolean, n bigint,
               since timestamptz) ON true;

-- Some providers make a database read-only when its disk is full.
-- name: gauges_writable
-- returns: writable
SELECT NOT current_setting('transaction_read_only')::boolean AS writable;

-- A row: the caller counts. Nobody waits for somebody who is about to.
-- name: gauges_claim
-- params: $1 text part, $2 bigint ms after which another may try
-- returns: part
UPDATE gauges g
   SET due_at = clock_timestamp() + $2::bigint * interval '1 millisecond'
  FROM (SELECT g.part
          FROM gauges g
         WHERE g.part = $1
           AND
               -- include: gauges_are_due
           FOR NO KEY UPDATE SKIP LOCKED) o
 WHERE g.part = o.part
RETURNING g.part;

-- In the transaction of the count: the server ends it, and the connection stays.
-- name: gauges_limit
-- params: $1 text ms
-- returns: set_config
SELECT set_config('statement_timeout', $1, true);

-- Counted again after a time that is a share of the clock: what took long is counted less often.
-- fragment: gauges_store
UPDATE gauges g
   SET figures = c.figures,
       counted_at = now(),
       due_at = clock_timestamp() + greatest($1::bigint * interval '1 millisecond',
                                             (clock_timestamp() - now()) * $2::integer)
  FROM counted c

-- What is owed: small, and found by partial indexes. Each half of the notifications uses its own,
-- which one IN list would not. A refund is late when it was asked for so long ago that the
-- gateway's total must show it (sql/refund.sql).
-- name: gauges_count_debt
-- params: $1 bigint least ms until the next count, $2 integer and how many times its own length,
-- params: $3 bigint looks at one payment after which nobody looks any more
-- returns: nothing
WITH rows (kind, status, template, code, acknowledged, n, since) AS (
    SELECT 'notifications', 'FAILED', template, error_code, acknowledged_at IS NOT NULL,
           count(*), min(created_at)
      FROM notifications
     WHERE status = 'FAILED'
     GROUP BY 3, 4, 5
     UNION ALL
    SELECT 'notifications', 'PENDING', template, '', false, count(*), min(created_at)
      FROM notifications
     WHERE status = 'PENDING'
     GROUP BY 3
     UNION ALL
    SELECT w.kind, '', '', '', false, w.n, w.since
      FROM (
               SELECT count(*) FILTER (WHERE due_at <= now()) AS due, count(*) AS waiting,
                      min(due_at) AS since
                 FROM notifications
                WHERE status = 'PENDING'
                  AND due_at IS NOT NULL) d
      CROSS JOIN LATERAL (VALUES ('due', d.due, d.since),
                                 ('waiting', d.waiting, NULL)) AS w (kind, n, since)
     UNION ALL
    SELECT 'payments', status, '', '', false, count(*), NULL
      FROM payments
     WHERE status IN ('creating', 'initiated', 'unknown', 'mismatch')
     GROUP BY 2
     UNION ALL
    SELECT 'unsettled', '', '', '', false, count(*), NULL
      FROM payments
     WHERE status IN ('creating', 'initiated', 'unknown')
       AND checks >= $3::bigint
     UNION ALL
    SELECT 'refunds', '', '', '', false, count(*), NULL
      FROM refunds
     WHERE next_check_at IS NOT NULL
       AND status IN ('wanted', 'calling', 'unknown')
       AND asked_at < now() - interval '15 minutes'
), counted AS MATERIALIZED (
    SELECT jsonb_agg(r) AS figures
      FROM rows r
)
-- include: gauges_store
 WHERE g.part = 'debt';

-- What has ended: whole tables.
-- name: gauges_count_ends
-- params: $1 bigint least ms until the next count, $2 integer and how many times its own length
-- returns: nothing
WITH rows (kind, status, template, code, acknowledged, n, since) AS (
    SELECT 'notifications', 'SENT', template, '', false, count(*), NULL::timestamptz
      FROM notifications
     WHERE status = 'SENT'
     GROUP BY 3
     UNION ALL
    SELECT 'payments', status, '', '', false, count(*), NULL
      FROM payments
     WHERE status NOT IN ('creating', 'initiated', 'unknown', 'mismatch')
     GROUP BY 2
), counted AS MATERIALIZED (
    SELECT COALESCE(jsonb_agg(r), '[]') AS figures
      FROM rows r
)
-- include: gauges_store
 WHERE g.part = 'ends';
