-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Sign-in: codes that stay valid beside newer ones, answers that can be asked for again, failures
-- per phone, and the addresses that a phone was signed in from.

-- phone_key: the subject in rate_limits that counts the phone's wrong codes, which is a keyed hash
-- of the phone. NULL in rows that version 0.1 made: they live for an hour at most.
-- customer_id: who changes to this phone; NULL: a sign-in.
-- request_key: SHA-256 of the Idempotency-Key; request_from: keyed hash of its sender's address.
-- answer_by: until then the request that sends the code may still be running.
-- error: the code of the error that a code in status 'unknown' was answered with.
-- verify_key: SHA-256 of the Idempotency-Key of the success that used the code up.
ALTER TABLE otp_challenges
    ADD COLUMN phone_key text,
    ADD COLUMN customer_id uuid REFERENCES customers (id),
    ADD COLUMN request_key text,
    ADD COLUMN request_from text,
    ADD COLUMN answer_by timestamptz,
    ADD COLUMN error text,
    ADD COLUMN verify_key text;
CREATE UNIQUE INDEX otp_challenges_request ON otp_challenges (request_key, phone)
 WHERE request_key IS NOT NULL;
CREATE INDEX otp_challenges_customer ON otp_challenges (customer_id)
 WHERE customer_id IS NOT NULL;

-- Addresses that signed a phone in: a part of the phone's quota is kept for them. Both columns are
-- keyed hashes, the address's together with the phone.
CREATE TABLE known_addresses (
    phone    text NOT NULL,
    address  text NOT NULL,
    last_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (phone, address)
);
CREATE INDEX known_addresses_last ON known_addresses (last_at);

-- As before, but it looks before it takes, so that a refused request writes nothing. What another
-- took between the look and the taking undoes all that was taken here.
CREATE OR REPLACE FUNCTION rate_take(subjects text[], limits integer[], windows_ms bigint[])
RETURNS TABLE (denied integer, retry_after_s integer) LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    i integer;
    now_taken integer;
BEGIN
    RETURN QUERY SELECT * FROM rate_look(subjects, limits, moment);
    IF FOUND THEN
        RETURN;
    END IF;
    FOR i IN
        SELECT s.n FROM unnest(subjects) WITH ORDINALITY AS s (subject, n) ORDER BY s.subject
    LOOP
        INSERT INTO rate_limits AS r (subject, window_start, window_end, taken)
        VALUES (subjects[i], moment, moment + windows_ms[i] * interval '1 millisecond', 1)
        ON CONFLICT (subject) DO UPDATE SET
            window_start = CASE WHEN r.window_end <= moment THEN moment ELSE r.window_start END,
            window_end = CASE WHEN r.window_end <= moment THEN excluded.window_end
                              ELSE r.window_end END,
            taken = CASE WHEN r.window_end <= moment THEN 1 ELSE r.taken + 1 END
        RETURNING r.taken INTO now_taken;
        IF now_taken > limits[i] THEN
            RAISE SQLSTATE 'BD429';
        END IF;
    END LOOP;
EXCEPTION WHEN SQLSTATE 'BD429' THEN
    RETURN QUERY
        SELECT * FROM rate_look(subjects, limits, moment)
        UNION ALL
        SELECT i, 1
        LIMIT 1;
END $$;

-- The first subject, in the caller's order, that has no room, and how long until its window ends.
CREATE FUNCTION rate_look(subjects text[], limits integer[], moment timestamptz)
RETURNS TABLE (denied integer, retry_after_s integer) LANGUAGE sql STABLE AS $$
    SELECT s.n::integer, greatest(1, ceil(extract(epoch FROM r.window_end - moment)))::integer
      FROM unnest(subjects, limits) WITH ORDINALITY AS s (subject, at_most, n)
      JOIN rate_limits r ON r.subject = s.subject
     WHERE r.window_end > moment
       AND r.taken >= s.at_most
     ORDER BY s.n
     LIMIT 1
$$;
