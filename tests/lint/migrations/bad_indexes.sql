-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Indexes that are built, or dropped, under a lock.
-- expect: index
-- expect: index
-- expect: index
-- expect: index
-- expect: repeat
-- expect: transaction
-- phase: expand
-- works from: 13

CREATE INDEX bookings_by_note ON bookings (note);
CREATE UNIQUE INDEX IF NOT EXISTS audit_once ON audit_log (id);
DROP INDEX bookings_due;
REINDEX TABLE bookings;
CREATE INDEX CONCURRENTLY bookings_by_version ON bookings (version);
