-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Notifications outside requests (BEHAVIOUR §13). A PENDING row either waits (due_at is set: any
-- courier may claim it from then on) or is in one process's hand (due_at is NULL) until send_by.
-- The latter is what all rows were until now: an inline request has its row from the start.
-- works from: 9

-- claim: the number of the claim. Only the process that made the latest one may store a result; it
-- is never given back, unlike attempts.
-- claimed_by: the courier process that has it; NULL: a request, or nobody.
-- waits: times in a row that it could not be sent, for the length of the next wait.
-- queued_at: order of a booking's notifications, taken under the booking's lock, which the start of
-- the transaction (created_at) is not. NULL in rows of earlier versions.
ALTER TABLE notifications
    ADD COLUMN due_at     timestamptz,
    ADD COLUMN claim      integer NOT NULL DEFAULT 0,
    ADD COLUMN claimed_by uuid,
    ADD COLUMN waits      integer NOT NULL DEFAULT 0,
    ADD COLUMN queued_at  timestamptz;
ALTER TABLE notifications ALTER COLUMN queued_at SET DEFAULT clock_timestamp();
ALTER TABLE notifications ADD CONSTRAINT notifications_waiting
    CHECK (due_at IS NULL OR (status = 'PENDING' AND claimed_by IS NULL)) NOT VALID;

CREATE INDEX notifications_due ON notifications (due_at)
    WHERE status = 'PENDING' AND due_at IS NOT NULL;
-- In other words, so that no plan takes it for the one above.
CREATE INDEX notifications_expiry ON notifications (expires_at)
    WHERE status = 'PENDING' AND due_at > '-infinity';

-- Leads of a venue's reminders in seconds; NULL: those of the configuration; none: no reminders.
ALTER TABLE venues ADD COLUMN reminders integer[];

-- Quiet hours go from one minute of a venue's day to another, over midnight if need be. When those
-- that a moment lies in began; NULL when it lies in none.
CREATE FUNCTION reminder_quiet_begin(p_at timestamptz, p_zone text, p_from integer, p_to integer)
RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    here   timestamp := p_at AT TIME ZONE p_zone;
    minute integer := extract(hour FROM here) * 60 + extract(minute FROM here);
    begins timestamp := date_trunc('day', here) + p_from * interval '1 minute';
    after  boolean := minute >= p_from;
    before boolean := minute < p_to;
BEGIN
    IF p_from IS NULL
       OR (p_from < p_to AND NOT (after AND before))
       OR (p_from > p_to AND NOT (after OR before)) THEN
        RETURN NULL;
    END IF;
    IF minute < p_from THEN
        begins := begins - interval '1 day';
    END IF;
    RETURN begins AT TIME ZONE p_zone;
END $$;

-- When quiet hours begin next after a moment; infinity without any.
CREATE FUNCTION reminder_quiet_next(p_at timestamptz, p_zone text, p_from integer)
RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
DECLARE
    here   timestamp := p_at AT TIME ZONE p_zone;
    begins timestamp := date_trunc('day', here) + p_from * interval '1 minute';
BEGIN
    IF p_from IS NULL THEN
        RETURN 'infinity';
    END IF;
    IF begins <= here THEN
        begins := begins + interval '1 day';
    END IF;
    RETURN begins AT TIME ZONE p_zone;
END $$;
