-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What older programs need must not go away in an expand.
-- expect: contract
-- expect: contract
-- expect: contract
-- expect: contract
-- expect: contract
-- phase: expand
-- works from: 13

ALTER TABLE venues DROP COLUMN address;
ALTER TABLE bookings RENAME COLUMN note TO remark;
ALTER TABLE sessions RENAME TO logins;
DROP TABLE desk_links;
DROP FUNCTION resource_peak(uuid, tstzrange, uuid);
