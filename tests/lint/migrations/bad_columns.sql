-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Columns that rewrite a large table, or cannot be added to one with rows.
-- expect: volatile-default
-- expect: volatile-default
-- expect: volatile-default
-- expect: not-null
-- expect: constraint
-- expect: constraint
-- expect: index
-- phase: expand
-- works from: 13

ALTER TABLE bookings ADD COLUMN tag uuid DEFAULT gen_random_uuid();
ALTER TABLE bookings
    ADD COLUMN made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN number  bigint GENERATED ALWAYS AS IDENTITY,
    ADD COLUMN shape   text NOT NULL;
ALTER TABLE payments ADD COLUMN tip bigint CHECK (tip > 0);
ALTER TABLE payments ADD COLUMN by_customer uuid REFERENCES customers (id);
ALTER TABLE payments ADD COLUMN code text UNIQUE;
