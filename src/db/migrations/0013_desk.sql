-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Links that open the desk page, and the sessions that they become: keys that end by themselves.

ALTER TABLE staff_keys ADD COLUMN expires_at timestamptz;   -- NULL: never
CREATE INDEX staff_keys_expiry ON staff_keys (expires_at)
    WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

CREATE TABLE desk_links (
    code_hash  text PRIMARY KEY,
    name       text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 64),
    role       text NOT NULL CHECK (role IN ('admin', 'agent', 'viewer')),
    venue_id   uuid REFERENCES venues (id),                 -- NULL: every venue
    expires_at timestamptz NOT NULL
);
