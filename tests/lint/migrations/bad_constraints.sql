-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Constraints that read a large table under a lock.
-- expect: not-null
-- expect: constraint
-- expect: constraint
-- expect: index
-- expect: type
-- expect: transaction
-- phase: expand
-- works from: 13

ALTER TABLE bookings ALTER COLUMN note SET NOT NULL;
ALTER TABLE bookings ADD CONSTRAINT bookings_small CHECK (party_size < 100);
ALTER TABLE payments ADD FOREIGN KEY (booking_id) REFERENCES bookings (id);
ALTER TABLE payments ADD CONSTRAINT payments_once UNIQUE (booking_id);
ALTER TABLE payments ALTER COLUMN amount TYPE numeric;
ALTER TABLE payments ADD CONSTRAINT payments_more CHECK (amount > 0) NOT VALID;
ALTER TABLE payments VALIDATE CONSTRAINT payments_more;
