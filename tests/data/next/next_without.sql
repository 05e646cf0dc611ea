-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Takes away what only older versions need: nothing, in truth. They are refused all the same.
-- phase: contract
-- works from: -1

ALTER TABLE bookings DROP COLUMN later;
