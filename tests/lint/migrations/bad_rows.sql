-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Whole tables that are changed or locked, and no head.
-- expect: head
-- expect: head
-- expect: rows
-- expect: rows
-- expect: rows
-- expect: lock
-- expect: lock

UPDATE bookings SET note = NULL;
DELETE FROM audit_log WHERE at < now() - interval '1 year';
WITH old AS (SELECT id FROM payments) UPDATE payments SET status = 'failed' FROM old;
LOCK TABLE venues;
TRUNCATE rate_limits;
