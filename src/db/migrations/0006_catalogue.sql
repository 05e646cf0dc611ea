-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What a front end shows of venues, services and resources. `name` stays what staff call a thing,
-- and what everybody is shown who has no name in a language of theirs.

ALTER TABLE venues
    ADD COLUMN name_ar        text CHECK (char_length(name_ar) BETWEEN 1 AND 120),
    ADD COLUMN name_en        text CHECK (char_length(name_en) BETWEEN 1 AND 120),
    ADD COLUMN description_ar text CHECK (char_length(description_ar) <= 2000),
    ADD COLUMN description_en text CHECK (char_length(description_en) <= 2000),
    ADD COLUMN category       text CHECK (char_length(category) BETWEEN 1 AND 60),
    ADD COLUMN position       integer NOT NULL DEFAULT 0 CHECK (position BETWEEN 0 AND 1000000),
    ADD COLUMN photo_url      text CHECK (char_length(photo_url) <= 2000),
    ADD COLUMN address        text CHECK (char_length(address) <= 500),
    ADD COLUMN phone          text CHECK (char_length(phone) BETWEEN 1 AND 64),
    ADD COLUMN map_url        text CHECK (char_length(map_url) <= 2000);

ALTER TABLE services
    ADD COLUMN name_ar        text CHECK (char_length(name_ar) BETWEEN 1 AND 120),
    ADD COLUMN name_en        text CHECK (char_length(name_en) BETWEEN 1 AND 120),
    ADD COLUMN description_ar text CHECK (char_length(description_ar) <= 2000),
    ADD COLUMN description_en text CHECK (char_length(description_en) <= 2000),
    ADD COLUMN category       text CHECK (char_length(category) BETWEEN 1 AND 60),
    ADD COLUMN position       integer NOT NULL DEFAULT 0 CHECK (position BETWEEN 0 AND 1000000),
    ADD COLUMN photo_url      text CHECK (char_length(photo_url) <= 2000);

-- listed: whether the public list of resources shows it; it can be booked all the same.
ALTER TABLE resources
    ADD COLUMN name_ar        text CHECK (char_length(name_ar) BETWEEN 1 AND 120),
    ADD COLUMN name_en        text CHECK (char_length(name_en) BETWEEN 1 AND 120),
    ADD COLUMN description_ar text CHECK (char_length(description_ar) <= 2000),
    ADD COLUMN description_en text CHECK (char_length(description_en) <= 2000),
    ADD COLUMN category       text CHECK (char_length(category) BETWEEN 1 AND 60),
    ADD COLUMN position       integer NOT NULL DEFAULT 0 CHECK (position BETWEEN 0 AND 1000000),
    ADD COLUMN photo_url      text CHECK (char_length(photo_url) <= 2000),
    ADD COLUMN listed         boolean NOT NULL DEFAULT true;

-- Lists are by position, then name.
CREATE INDEX venues_shown ON venues (position, name, id);
CREATE INDEX services_shown ON services (venue_id, position, name, id);
CREATE INDEX resources_shown ON resources (venue_id, position, name, id);
