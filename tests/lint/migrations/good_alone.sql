-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Steps outside a transaction, which may be repeated.
-- phase: expand
-- works from: 13

-- step: alone
CREATE INDEX CONCURRENTLY IF NOT EXISTS bookings_note ON bookings (note);
-- step: alone
DROP INDEX CONCURRENTLY IF EXISTS bookings_due;
-- step: alone
ALTER TABLE bookings VALIDATE CONSTRAINT bookings_size;
-- step: alone
DO $$
BEGIN
    LOOP
        UPDATE bookings SET note = 'x' WHERE id IN (SELECT id FROM bookings LIMIT 100);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END $$;
