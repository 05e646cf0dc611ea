-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Two looks at notifications chose their index by statistics, and a new table has none: order per
-- booking then read all rows of the venue for each message, and expiry all rows that had waited
-- while somebody held an old snapshot. Each has one index now that it can use at all.
-- phase: expand
-- works from: 13
-- lint: index: it is of the same release as 0004, for which all nodes are stopped

-- Whether an earlier notification of the booking is still to be sent. PENDING in other words, so
-- that no other plan takes the index, and looks for it take no other.
CREATE INDEX notifications_unfinished ON notifications (booking_id)
    WHERE status NOT IN ('SENT', 'FAILED');

-- What waits, by the time at which it is too old.
CREATE INDEX notifications_expiring ON notifications (expires_at)
    WHERE status NOT IN ('SENT', 'FAILED') AND due_at IS NOT NULL;
DROP INDEX notifications_expiry;
