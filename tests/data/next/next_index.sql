-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What cannot be done in a transaction: an index of a large table, and a change of many rows in
-- pieces that each commit.
-- phase: expand
-- works from: -2

-- step: alone
CREATE INDEX CONCURRENTLY IF NOT EXISTS bookings_later ON bookings (later) WHERE later IS NOT NULL;

-- step: alone
DO $$
BEGIN
    LOOP
        UPDATE bookings SET later = 'yes'
         WHERE id IN (SELECT id FROM bookings WHERE later IS NULL LIMIT 100 FOR NO KEY UPDATE);
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END $$;
