-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What a contract is for.
-- phase: contract
-- works from: 14

ALTER TABLE bookings ADD CONSTRAINT bookings_has_note CHECK (note IS NOT NULL) NOT VALID;
ALTER TABLE bookings DROP COLUMN later;
DROP TABLE rooms;
