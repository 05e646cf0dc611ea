-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Indexes for lists whose cost followed the table: with them each reads what it shows, however many
-- rows there are beside it.
-- phase: expand
-- works from: 13
-- lint: index: it is of the same release as 0004, for which all nodes are stopped

-- What a venue's key lists: all, or what has FAILED.
CREATE INDEX notifications_venue_newest ON notifications (venue_id, created_at DESC, id DESC);
CREATE INDEX notifications_venue_failed ON notifications (venue_id, created_at DESC, id DESC)
    WHERE status = 'FAILED';
-- A resend tries what is not too old; an acknowledgement takes what is open. What has FAILED in all
-- the years before is in neither. The first says it in other words, so that no plan takes it for an
-- index of all that has FAILED.
CREATE INDEX notifications_sendable ON notifications (expires_at)
    WHERE status = 'FAILED' AND expires_at > '-infinity';
CREATE INDEX notifications_open ON notifications (created_at, id)
    WHERE status = 'FAILED' AND acknowledged_at IS NULL;

-- The calendar of one state without dates: a venue's holds are few, and its past is long.
CREATE INDEX bookings_venue_status ON bookings (venue_id, status, starts_at, id);
