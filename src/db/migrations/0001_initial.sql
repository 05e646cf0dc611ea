-- The first schema. venue_id stands in every table that grows, and first in its keys, so that the
-- tables can be distributed or partitioned by venue later. Times are timestamptz; money is bigint
-- minor units; identifiers are UUID version 7 made by the application.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- ---- who ----

CREATE TABLE customers (
    id          uuid PRIMARY KEY,
    phone       text UNIQUE CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),   -- NULL: erased
    name        text CHECK (char_length(name) BETWEEN 1 AND 120),
    locale      text NOT NULL CHECK (locale IN ('ar', 'en')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    erased_at   timestamptz
);

-- Only the SHA-256 of a token is stored: a stolen table signs nobody in.
CREATE TABLE sessions (
    token_hash  text PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers (id),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX sessions_customer ON sessions (customer_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- code_mac is HMAC-SHA-256 under a key outside the database. A newer challenge of the same phone that
-- may have reached it (status not 'failed') supersedes this one; that is derived, not stored.
CREATE TABLE otp_challenges (
    id          uuid PRIMARY KEY,
    phone       text NOT NULL,
    code_mac    text NOT NULL,
    locale      text NOT NULL,
    status      text NOT NULL CHECK (status IN ('sending', 'sent', 'failed', 'unknown')),
    attempts    integer NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX otp_challenges_phone ON otp_challenges (phone, created_at);
CREATE INDEX otp_challenges_created ON otp_challenges (created_at);

-- Fixed windows, counted before the act. Subjects carry no phone number, only its keyed hash.
CREATE TABLE rate_limits (
    subject      text PRIMARY KEY,
    window_start timestamptz NOT NULL,
    window_end   timestamptz NOT NULL,
    taken        integer NOT NULL
);
CREATE INDEX rate_limits_end ON rate_limits (window_end);

-- Takes one of each subject, or of none: returns no row when all had room, else the first (in the
-- caller's order) that had not, and how long until its window ends. Rows are locked in name order.
CREATE FUNCTION rate_take(subjects text[], limits integer[], windows_ms bigint[])
RETURNS TABLE (denied integer, retry_after_s integer) LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    i integer;
BEGIN
    FOR i IN SELECT s.n FROM unnest(subjects) WITH ORDINALITY AS s(subject, n) ORDER BY s.subject LOOP
        INSERT INTO rate_limits AS r (subject, window_start, window_end, taken)
        VALUES (subjects[i], moment, moment + windows_ms[i] * interval '1 millisecond', 0)
        ON CONFLICT (subject) DO UPDATE SET
            window_start = CASE WHEN r.window_end <= moment THEN excluded.window_start ELSE r.window_start END,
            window_end = CASE WHEN r.window_end <= moment THEN excluded.window_end ELSE r.window_end END,
            taken = CASE WHEN r.window_end <= moment THEN 0 ELSE r.taken END;
    END LOOP;
    RETURN QUERY
        SELECT s.n::integer, GREATEST(1, ceil(extract(epoch FROM r.window_end - moment)))::integer
        FROM unnest(subjects, limits) WITH ORDINALITY AS s(subject, at_most, n)
        JOIN rate_limits r ON r.subject = s.subject
        WHERE r.taken >= s.at_most ORDER BY s.n LIMIT 1;
    IF NOT FOUND THEN
        UPDATE rate_limits r SET taken = r.taken + 1 WHERE r.subject = ANY (subjects);
    END IF;
END $$;

CREATE TABLE staff_keys (
    id          uuid PRIMARY KEY,
    name        text NOT NULL UNIQUE CHECK (char_length(name) BETWEEN 1 AND 64),
    key_hash    text NOT NULL UNIQUE,
    role        text NOT NULL CHECK (role IN ('admin', 'agent', 'viewer')),
    venue_id    uuid,                                      -- NULL: every venue
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);

-- ---- what can be booked ----

CREATE TABLE venues (
    id          uuid PRIMARY KEY,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
    time_zone   text NOT NULL,
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE staff_keys ADD FOREIGN KEY (venue_id) REFERENCES venues (id);

CREATE TABLE resources (
    venue_id    uuid NOT NULL REFERENCES venues (id),
    id          uuid NOT NULL,
    name        text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
    capacity    integer NOT NULL DEFAULT 1 CHECK (capacity BETWEEN 1 AND 1000),
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id)
);
CREATE UNIQUE INDEX resources_id ON resources (id);

CREATE TABLE services (
    venue_id                  uuid NOT NULL REFERENCES venues (id),
    id                        uuid NOT NULL,
    name                      text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 120),
    duration_minutes          integer NOT NULL CHECK (duration_minutes BETWEEN 5 AND 10080),
    slot_step_minutes         integer CHECK (slot_step_minutes BETWEEN 5 AND 1440),   -- NULL: the duration
    buffer_before_minutes     integer NOT NULL DEFAULT 0 CHECK (buffer_before_minutes BETWEEN 0 AND 1440),
    buffer_after_minutes      integer NOT NULL DEFAULT 0 CHECK (buffer_after_minutes BETWEEN 0 AND 1440),
    price                     bigint NOT NULL DEFAULT 0 CHECK (price >= 0),
    payment                   text NOT NULL DEFAULT 'none' CHECK (payment IN ('none', 'online', 'on_site')),
    min_notice_minutes        integer NOT NULL DEFAULT 0 CHECK (min_notice_minutes >= 0),
    max_advance_days          integer NOT NULL DEFAULT 90 CHECK (max_advance_days BETWEEN 1 AND 730),
    free_cancellation_minutes integer NOT NULL DEFAULT 0 CHECK (free_cancellation_minutes >= 0),
    active                    boolean NOT NULL DEFAULT true,
    created_at                timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id)
);
CREATE UNIQUE INDEX services_id ON services (id);

CREATE TABLE service_resources (
    venue_id    uuid NOT NULL,
    service_id  uuid NOT NULL,
    resource_id uuid NOT NULL,
    PRIMARY KEY (venue_id, service_id, resource_id),
    FOREIGN KEY (venue_id, service_id) REFERENCES services (venue_id, id) ON DELETE CASCADE,
    FOREIGN KEY (venue_id, resource_id) REFERENCES resources (venue_id, id) ON DELETE CASCADE
);
CREATE INDEX service_resources_service ON service_resources (service_id);

-- Minutes of the wall clock; closes_minute at or before opens_minute means on the next day; 1440 is 24:00.
CREATE TABLE opening_hours (
    venue_id      uuid NOT NULL,
    resource_id   uuid NOT NULL,
    position      integer NOT NULL,
    weekday       integer NOT NULL CHECK (weekday BETWEEN 1 AND 7),   -- ISO: Monday 1
    opens_minute  integer NOT NULL CHECK (opens_minute BETWEEN 0 AND 1439),
    closes_minute integer NOT NULL CHECK (closes_minute BETWEEN 0 AND 1440),
    PRIMARY KEY (venue_id, resource_id, position),
    FOREIGN KEY (venue_id, resource_id) REFERENCES resources (venue_id, id) ON DELETE CASCADE
);
CREATE INDEX opening_hours_resource ON opening_hours (resource_id);

CREATE TABLE closures (
    venue_id    uuid NOT NULL REFERENCES venues (id),
    id          uuid NOT NULL,
    resource_id uuid,                                       -- NULL: the whole venue
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    reason      text CHECK (char_length(reason) <= 200),
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id),
    FOREIGN KEY (venue_id, resource_id) REFERENCES resources (venue_id, id) ON DELETE CASCADE,
    CHECK (ends_at > starts_at)
);
CREATE UNIQUE INDEX closures_id ON closures (id);
CREATE INDEX closures_time ON closures USING gist (venue_id, tstzrange(starts_at, ends_at));

-- The instant of a wall time. One that a clock change skips or repeats takes the offset that was in
-- force before the change: PostgreSQL does so for a skipped one, but takes the later offset for a repeated one.
CREATE FUNCTION wall_instant(wall timestamp, zone text) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN c.early < t.plain AND (c.early AT TIME ZONE zone) = wall THEN c.early ELSE t.plain END
    FROM (SELECT wall AT TIME ZONE zone AS plain) t,
    LATERAL (SELECT t.plain - interval '3 hours' AS p) b,
    LATERAL (SELECT (wall - ((b.p AT TIME ZONE zone) - (b.p AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC' AS early) c
$$;

-- Openings of a resource whose local date of opening is between two dates, both included.
CREATE FUNCTION resource_openings(p_resource uuid, zone text, first_day date, last_day date)
RETURNS TABLE (opens_at timestamptz, closes_at timestamptz) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT wall_instant(d.day + h.opens_minute * interval '1 minute', zone),
           wall_instant(d.day + (h.closes_minute + CASE WHEN h.closes_minute <= h.opens_minute THEN 1440 ELSE 0 END)
                                * interval '1 minute', zone)
    FROM (SELECT first_day + n AS day FROM generate_series(0, last_day - first_day) n) d
    JOIN opening_hours h ON h.resource_id = p_resource AND h.weekday = extract(isodow FROM d.day)
$$;

-- Starts that the opening hours and closures of a resource allow, on the grid of elapsed minutes from
-- each opening, whose local date is between two dates. Knows nothing of bookings, notice or horizon.
CREATE FUNCTION resource_starts(p_venue uuid, p_resource uuid, zone text, duration integer, step integer,
                                first_day date, last_day date)
RETURNS TABLE (starts_at timestamptz) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT DISTINCT s.starts_at
    FROM resource_openings(p_resource, zone, first_day - 1, last_day) o,
    LATERAL (SELECT generate_series(o.opens_at, o.closes_at - duration * interval '1 minute', step * interval '1 minute') AS starts_at) s
    WHERE (s.starts_at AT TIME ZONE zone)::date BETWEEN first_day AND last_day
      AND NOT EXISTS (SELECT 1 FROM closures c
                      WHERE c.venue_id = p_venue AND (c.resource_id IS NULL OR c.resource_id = p_resource)
                        AND tstzrange(c.starts_at, c.ends_at) && tstzrange(s.starts_at, s.starts_at + duration * interval '1 minute'))
$$;

-- ---- bookings ----

CREATE TABLE bookings (
    venue_id        uuid NOT NULL REFERENCES venues (id),
    id              uuid NOT NULL,
    service_id      uuid NOT NULL,
    resource_id     uuid NOT NULL,
    customer_id     uuid NOT NULL REFERENCES customers (id),
    status          text NOT NULL CHECK (status IN ('pending_payment', 'confirmed', 'cancelled', 'expired', 'completed', 'no_show')),
    version         integer NOT NULL DEFAULT 1,
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL CHECK (ends_at > starts_at),
    occupied        tstzrange NOT NULL,                     -- with buffers
    party_size      integer NOT NULL CHECK (party_size BETWEEN 1 AND 1000),
    amount          bigint NOT NULL CHECK (amount >= 0),
    currency        text NOT NULL,
    payment         text NOT NULL,                          -- the service's rule at the time of booking
    note            text CHECK (char_length(note) <= 500),
    hold_expires_at timestamptz,
    cancelled_at    timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id),
    FOREIGN KEY (venue_id, service_id) REFERENCES services (venue_id, id),
    FOREIGN KEY (venue_id, resource_id) REFERENCES resources (venue_id, id),
    CHECK ((status = 'pending_payment') = (hold_expires_at IS NOT NULL))
);
CREATE UNIQUE INDEX bookings_id ON bookings (id);
CREATE INDEX bookings_customer ON bookings (customer_id, starts_at DESC, id DESC);
CREATE INDEX bookings_calendar ON bookings (venue_id, starts_at, id);
CREATE INDEX bookings_holds ON bookings (hold_expires_at) WHERE status = 'pending_payment';

-- A hold is dead for every reader the moment its time has passed, whether or not the keeper has come by.
CREATE FUNCTION booking_status(status text, hold_expires_at timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN status = 'pending_payment' AND hold_expires_at <= now() THEN 'expired' ELSE status END
$$;

-- One row a unit of capacity that a live booking takes, buffers included. This constraint is the rule
-- against double booking, whoever writes. held_until: the unit of an unpaid hold; the next booker of
-- the resource deletes what is past it.
CREATE TABLE booking_units (
    venue_id    uuid NOT NULL,
    resource_id uuid NOT NULL,
    unit        integer NOT NULL CHECK (unit >= 1),
    booking_id  uuid NOT NULL,
    occupied    tstzrange NOT NULL CHECK (NOT isempty(occupied)),
    held_until  timestamptz,
    PRIMARY KEY (venue_id, booking_id, unit),
    FOREIGN KEY (venue_id, booking_id) REFERENCES bookings (venue_id, id) ON DELETE CASCADE,
    CONSTRAINT booking_units_no_overlap
        EXCLUDE USING gist (venue_id WITH =, resource_id WITH =, unit WITH =, occupied WITH &&)
);

CREATE TABLE booking_history (
    venue_id    uuid NOT NULL,
    booking_id  uuid NOT NULL,
    version     integer NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_status text,
    to_status   text NOT NULL,
    actor       text NOT NULL,
    reason      text,
    request_id  text,
    PRIMARY KEY (venue_id, booking_id, version),
    FOREIGN KEY (venue_id, booking_id) REFERENCES bookings (venue_id, id) ON DELETE CASCADE
);

-- ---- the ledger of notifications ----

CREATE TABLE notifications (
    venue_id            uuid NOT NULL,
    id                  uuid NOT NULL,
    booking_id          uuid NOT NULL,
    event               text NOT NULL,                      -- template and booking version: one row an event
    template            text NOT NULL,
    channel             text NOT NULL DEFAULT 'sms',
    locale              text NOT NULL,
    recipient           text,                               -- NULL: erased
    body                text,                               -- NULL: erased
    status              text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'SENT', 'FAILED')),
    attempts            integer NOT NULL DEFAULT 0,
    error_code          text,
    error_detail        text,
    provider            text,
    provider_message_id text,
    acknowledged_at     timestamptz,
    acknowledged_by     text,
    send_by             timestamptz NOT NULL,               -- a sender that has not reported by then is dead
    expires_at          timestamptz NOT NULL,               -- not sent or resent later than this
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id),
    UNIQUE (venue_id, booking_id, event),
    FOREIGN KEY (venue_id, booking_id) REFERENCES bookings (venue_id, id) ON DELETE CASCADE,
    CHECK ((status = 'FAILED') = (error_code IS NOT NULL))
);
CREATE UNIQUE INDEX notifications_id ON notifications (id);
CREATE INDEX notifications_newest ON notifications (created_at DESC, id DESC);
CREATE INDEX notifications_pending ON notifications (send_by) WHERE status = 'PENDING';
CREATE INDEX notifications_failed ON notifications (created_at, id) WHERE status = 'FAILED';

-- ---- the frame ----

CREATE TABLE idempotency_keys (
    caller        text NOT NULL,                            -- "customer:UUID", "staff:UUID"
    key           text NOT NULL,
    request_hash  text NOT NULL,                            -- SHA-256 of method, path and body
    holder        text NOT NULL,                            -- the request that claimed it
    claimed_until timestamptz NOT NULL,                     -- an unfinished claim older than this is dead
    status        integer,                                  -- NULL: not complete
    headers       text,
    body          text,
    customer_id   uuid,                                     -- whose data the body shows
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_customer ON idempotency_keys (customer_id) WHERE customer_id IS NOT NULL;

CREATE TABLE audit_log (
    id          uuid PRIMARY KEY,
    venue_id    uuid,                                       -- NULL: not of one venue
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor       text NOT NULL,
    action      text NOT NULL,
    subject     text NOT NULL,
    detail      jsonb,                                      -- no personal data
    request_id  text
);
CREATE INDEX audit_log_newest ON audit_log (at DESC, id DESC);
CREATE INDEX audit_log_venue ON audit_log (venue_id, at DESC, id DESC);
