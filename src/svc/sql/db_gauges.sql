-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Gauges that the monitor reads from the database, for src/svc/db_gauges.c. Ages are by the
-- database's clock; a row of the future (a clock was set back) has the age 0.

-- fragment: gauges_age
GREATEST(0, (extract(epoch FROM now() - min(created_at)) * 1000)::bigint) AS oldest_ms

-- Each half uses its partial index, which one IN list would not.
-- name: gauges_debt
-- returns: status, template, error_code, acknowledged, n, oldest_ms
SELECT 'FAILED' AS status, template, error_code, acknowledged_at IS NOT NULL AS acknowledged,
       count(*) AS n,
       -- include: gauges_age
  FROM notifications
 WHERE status = 'FAILED'
 GROUP BY 2, 3, 4
 UNION ALL
SELECT 'PENDING', template, '', false,
       count(*),
       -- include: gauges_age
  FROM notifications
 WHERE status = 'PENDING'
 GROUP BY 2;

-- name: gauges_due
-- returns: n, waiting, oldest_ms
SELECT count(*) FILTER (WHERE due_at <= now()) AS n,
       count(*) AS waiting,
       COALESCE(GREATEST(0, (extract(epoch FROM now() - min(due_at)) * 1000)::bigint), 0)
           AS oldest_ms
  FROM notifications
 WHERE status = 'PENDING'
   AND due_at IS NOT NULL;

-- name: gauges_sent
-- returns: template, n
SELECT template, count(*) AS n
  FROM notifications
 WHERE status = 'SENT'
 GROUP BY 1;

-- name: gauges_payments
-- params: $1 bigint looks at one payment after which nobody looks any more
-- returns: status, n, unsettled
SELECT status, count(*) AS n,
       count(*) FILTER (WHERE status IN ('creating', 'initiated', 'unknown')
                          AND checks >= $1::bigint) AS unsettled
  FROM payments
 GROUP BY 1;

-- Asked for so long ago that the gateway's total must show it (sql/refund.sql), and neither done
-- nor refused. The partial index holds none but the open ones.
-- name: gauges_refunds
-- returns: n
SELECT count(*) AS n
  FROM refunds
 WHERE next_check_at IS NOT NULL
   AND status IN ('wanted', 'calling', 'unknown')
   AND asked_at < now() - interval '15 minutes';

-- Some providers make a database read-only when its disk is full.
-- name: gauges_writable
-- returns: writable
SELECT NOT current_setting('transaction_read_only')::boolean AS writable;
