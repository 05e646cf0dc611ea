-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What a large table takes without a word.
-- phase: expand
-- works from: 13

ALTER TABLE bookings
    ADD COLUMN later text,
    ADD COLUMN size  integer NOT NULL DEFAULT 1,
    ADD COLUMN since timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN words text[] DEFAULT '{}'::text[];
ALTER TABLE bookings ADD CONSTRAINT bookings_size CHECK (size > 0) NOT VALID;
ALTER TABLE bookings ALTER COLUMN later SET DEFAULT 'x';
ALTER TABLE bookings ALTER COLUMN note DROP NOT NULL;
CREATE TABLE rooms (id uuid PRIMARY KEY, venue_id uuid REFERENCES venues (id), name text NOT NULL);
CREATE INDEX rooms_venue ON rooms (venue_id);
UPDATE rooms SET name = 'x';
CREATE FUNCTION rooms_of(p uuid) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM rooms WHERE venue_id = p; UPDATE bookings SET note = NULL;
$$;
INSERT INTO audit_log (id, actor, action, subject) VALUES (gen_random_uuid(), 'x', 'y', 'z');
