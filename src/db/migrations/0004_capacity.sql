-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Capacity is people at a moment (BEHAVIOUR §5): the sum of party_size over the live bookings of a
-- resource whose occupied time covers a moment never exceeds its capacity. Until now each booking
-- took numbered units, first come, first served: bookings of different length scattered them, so
-- that free places could not be sold, and units above a lowered capacity were sold twice. The
-- booking itself is now what takes the place, and a trigger keeps the sum.

-- ---- what a booking keeps of the rules under which it was made ----

ALTER TABLE bookings
    ADD COLUMN resource_chosen           boolean NOT NULL DEFAULT false,
    ADD COLUMN free_cancellation_minutes integer NOT NULL DEFAULT 0
        CHECK (free_cancellation_minutes >= 0),
    ADD COLUMN guest_name                text CHECK (char_length(guest_name) BETWEEN 1 AND 120),
    ADD COLUMN locale                    text CHECK (locale IN ('ar', 'en')), -- NULL: customer's
    ADD COLUMN staff_note                text CHECK (char_length(staff_note) <= 500),
    ADD COLUMN made_by                   text NOT NULL DEFAULT 'customer'
        CHECK (made_by IN ('customer', 'staff')),
    ADD COLUMN forced                    text NOT NULL DEFAULT '', -- rules passed: "hours,grid"
    ADD COLUMN reason                    text,          -- of the last change that had one
    ADD COLUMN ended_at                  timestamptz,   -- marked completed or no-show
    ALTER COLUMN customer_id DROP NOT NULL;             -- a guest without a phone

UPDATE bookings b SET free_cancellation_minutes = s.free_cancellation_minutes
  FROM services s
 WHERE s.venue_id = b.venue_id AND s.id = b.service_id AND s.free_cancellation_minutes > 0;
UPDATE bookings b SET made_by = 'staff'
  FROM booking_history h
 WHERE h.venue_id = b.venue_id AND h.booking_id = b.id AND h.version = 1 AND h.actor LIKE 'staff%';
UPDATE bookings SET ended_at = updated_at WHERE status IN ('completed', 'no_show');
UPDATE bookings b SET reason = h.reason
  FROM booking_history h
 WHERE h.venue_id = b.venue_id AND h.booking_id = b.id AND h.version = b.version
   AND h.reason IS NOT NULL;

ALTER TABLE services
    ADD COLUMN max_party_size integer CHECK (max_party_size BETWEEN 1 AND 1000);   -- NULL: no limit

ALTER TABLE venues
    ADD COLUMN locale text NOT NULL DEFAULT 'ar' CHECK (locale IN ('ar', 'en'));

-- ---- hours of certain dates ----

-- They replace the weekly hours of a resource on each date of the range; without rows it is closed.
CREATE TABLE special_hours (
    venue_id       uuid NOT NULL,
    id             uuid NOT NULL,
    resource_id    uuid NOT NULL,
    first_day      date NOT NULL,
    last_day       date NOT NULL,
    opens_minutes  integer[] NOT NULL,   -- of the wall clock, as in opening_hours
    closes_minutes integer[] NOT NULL,
    note           text CHECK (char_length(note) <= 200),
    created_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id),
    FOREIGN KEY (venue_id, resource_id) REFERENCES resources (venue_id, id) ON DELETE CASCADE,
    CHECK (last_day >= first_day),
    CHECK (cardinality(opens_minutes) = cardinality(closes_minutes)),
    CHECK (0 <= ALL (opens_minutes) AND 1439 >= ALL (opens_minutes)),
    CHECK (0 <= ALL (closes_minutes) AND 1440 >= ALL (closes_minutes)),
    CONSTRAINT special_hours_no_overlap
        EXCLUDE USING gist (resource_id WITH =, daterange(first_day, last_day, '[]') WITH &&)
);
CREATE UNIQUE INDEX special_hours_id ON special_hours (id);

-- ---- what a booking takes ----

-- The longest service is 7 days, a buffer at most one: nothing is occupied for more than 9 days. So
-- bookings that meet a range begin to occupy within 9 days before it. A plain index finds them, and
-- its cost does not follow the table.
ALTER TABLE bookings ADD CONSTRAINT bookings_occupied_bounds CHECK (
    NOT isempty(occupied) AND NOT lower_inf(occupied) AND NOT upper_inf(occupied)
    AND upper(occupied) - lower(occupied) <= interval '216 hours');
CREATE INDEX bookings_resource ON bookings (resource_id, lower(occupied))
    WHERE status NOT IN ('cancelled', 'expired');

-- Completed and no-show free nothing: the place was taken until the end, whatever happened in it.
-- A hold is dead the moment its time has passed, whether or not the keeper has come by.
CREATE FUNCTION booking_is_live(status text, hold_expires_at timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT status IN ('confirmed', 'completed', 'no_show')
        OR (status = 'pending_payment' AND hold_expires_at > clock_timestamp())
$$;

-- The highest number of people at any moment of a range, one booking left out.
CREATE FUNCTION resource_peak(p_resource uuid, p_range tstzrange, p_except uuid) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$   -- PL/pgSQL keeps the plan for the session
DECLARE
    people bigint := 0;
    peak   bigint := 0;
    step   record;
BEGIN
    -- Comings and goings in order of time; who leaves makes room for who comes at that moment.
    FOR step IN
        SELECT e.at, e.change
          FROM bookings b,
               LATERAL (VALUES (lower(b.occupied), b.party_size),
                               (upper(b.occupied), -b.party_size)) AS e (at, change)
         WHERE b.resource_id = p_resource
           AND b.status NOT IN ('cancelled', 'expired')
           AND lower(b.occupied) > lower(p_range) - interval '216 hours'
           AND lower(b.occupied) < upper(p_range)
           AND b.occupied && p_range
           AND b.id IS DISTINCT FROM p_except
           AND booking_is_live(b.status, b.hold_expires_at)
         ORDER BY e.at, e.change
    LOOP
        people := people + step.change;
        peak := greatest(peak, people);
    END LOOP;
    RETURN peak;
END $$;

-- Whoever writes a booking, plain SQL included: the row of the resource is locked, then the people
-- are counted. Both see what others committed before, since a statement of a function takes its own
-- snapshot under READ COMMITTED; under other levels it would not, so these are refused.
CREATE FUNCTION bookings_keep_capacity() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    room bigint;
BEGIN
    IF NOT booking_is_live(NEW.status, NEW.hold_expires_at) THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND booking_is_live(OLD.status, OLD.hold_expires_at)
       AND NEW.resource_id = OLD.resource_id AND NEW.occupied <@ OLD.occupied
       AND NEW.party_size <= OLD.party_size THEN
        RETURN NULL;   -- it takes no more than before
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'bookings are written in transactions of level READ COMMITTED'
            USING ERRCODE = 'feature_not_supported', CONSTRAINT = 'bookings_capacity',
                  HINT = 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED';
    END IF;
    SELECT r.capacity INTO room FROM resources r
     WHERE r.venue_id = NEW.venue_id AND r.id = NEW.resource_id FOR NO KEY UPDATE;
    IF resource_peak(NEW.resource_id, NEW.occupied, NEW.id) + NEW.party_size > room THEN
        RAISE EXCEPTION 'more people than the capacity of the resource'
            USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'bookings_capacity',
                  TABLE = 'bookings', SCHEMA = TG_TABLE_SCHEMA;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER bookings_capacity
    AFTER INSERT OR UPDATE OF resource_id, occupied, party_size, status, hold_expires_at ON bookings
    FOR EACH ROW EXECUTE FUNCTION bookings_keep_capacity();

DROP TABLE booking_units;

-- The program works out the starts from here on (src/domain/slots.c).
DROP FUNCTION resource_starts(uuid, uuid, text, integer, integer, date, date);
DROP FUNCTION resource_openings(uuid, text, date, date);
