-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- A column of the next version, for tests/system/test_rolling.py.
-- phase: expand
-- works from: -1

ALTER TABLE bookings ADD COLUMN later text;
