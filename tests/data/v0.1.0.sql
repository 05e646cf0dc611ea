--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: btree_gist; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;


--
-- Name: EXTENSION btree_gist; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION btree_gist IS 'support for indexing common datatypes in GiST';


--
-- Name: booking_status(text, timestamp with time zone); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.booking_status(status text, hold_expires_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN status = 'pending_payment' AND hold_expires_at <= now() THEN 'expired' ELSE status END
$$;


--
-- Name: rate_take(text[], integer[], bigint[]); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.rate_take(subjects text[], limits integer[], windows_ms bigint[]) RETURNS TABLE(denied integer, retry_after_s integer)
    LANGUAGE plpgsql
    AS $$
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


--
-- Name: resource_openings(uuid, text, date, date); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.resource_openings(p_resource uuid, zone text, first_day date, last_day date) RETURNS TABLE(opens_at timestamp with time zone, closes_at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT wall_instant(d.day + h.opens_minute * interval '1 minute', zone),
           wall_instant(d.day + (h.closes_minute + CASE WHEN h.closes_minute <= h.opens_minute THEN 1440 ELSE 0 END)
                                * interval '1 minute', zone)
    FROM (SELECT first_day + n AS day FROM generate_series(0, last_day - first_day) n) d
    JOIN opening_hours h ON h.resource_id = p_resource AND h.weekday = extract(isodow FROM d.day)
$$;


--
-- Name: resource_starts(uuid, uuid, text, integer, integer, date, date); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.resource_starts(p_venue uuid, p_resource uuid, zone text, duration integer, step integer, first_day date, last_day date) RETURNS TABLE(starts_at timestamp with time zone)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT DISTINCT s.starts_at
    FROM resource_openings(p_resource, zone, first_day - 1, last_day) o,
    LATERAL (SELECT generate_series(o.opens_at, o.closes_at - duration * interval '1 minute', step * interval '1 minute') AS starts_at) s
    WHERE (s.starts_at AT TIME ZONE zone)::date BETWEEN first_day AND last_day
      AND NOT EXISTS (SELECT 1 FROM closures c
                      WHERE c.venue_id = p_venue AND (c.resource_id IS NULL OR c.resource_id = p_resource)
                        AND tstzrange(c.starts_at, c.ends_at) && tstzrange(s.starts_at, s.starts_at + duration * interval '1 minute'))
$$;


--
-- Name: wall_instant(timestamp without time zone, text); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.wall_instant(wall timestamp without time zone, zone text) RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN c.early < t.plain AND (c.early AT TIME ZONE zone) = wall THEN c.early ELSE t.plain END
    FROM (SELECT wall AT TIME ZONE zone AS plain) t,
    LATERAL (SELECT t.plain - interval '3 hours' AS p) b,
    LATERAL (SELECT (wall - ((b.p AT TIME ZONE zone) - (b.p AT TIME ZONE 'UTC'))) AT TIME ZONE 'UTC' AS early) c
$$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: audit_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_log (
    id uuid NOT NULL,
    venue_id uuid,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb,
    request_id text
);


--
-- Name: booking_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.booking_history (
    venue_id uuid NOT NULL,
    booking_id uuid NOT NULL,
    version integer NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    from_status text,
    to_status text NOT NULL,
    actor text NOT NULL,
    reason text,
    request_id text
);


--
-- Name: booking_units; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.booking_units (
    venue_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    unit integer NOT NULL,
    booking_id uuid NOT NULL,
    occupied tstzrange NOT NULL,
    held_until timestamp with time zone,
    CONSTRAINT booking_units_occupied_check CHECK ((NOT isempty(occupied))),
    CONSTRAINT booking_units_unit_check CHECK ((unit >= 1))
);


--
-- Name: bookings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bookings (
    venue_id uuid NOT NULL,
    id uuid NOT NULL,
    service_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    occupied tstzrange NOT NULL,
    party_size integer NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    payment text NOT NULL,
    note text,
    hold_expires_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT bookings_amount_check CHECK ((amount >= 0)),
    CONSTRAINT bookings_check CHECK ((ends_at > starts_at)),
    CONSTRAINT bookings_check1 CHECK (((status = 'pending_payment'::text) = (hold_expires_at IS NOT NULL))),
    CONSTRAINT bookings_note_check CHECK ((char_length(note) <= 500)),
    CONSTRAINT bookings_party_size_check CHECK (((party_size >= 1) AND (party_size <= 1000))),
    CONSTRAINT bookings_status_check CHECK ((status = ANY (ARRAY['pending_payment'::text, 'confirmed'::text, 'cancelled'::text, 'expired'::text, 'completed'::text, 'no_show'::text])))
);


--
-- Name: closures; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.closures (
    venue_id uuid NOT NULL,
    id uuid NOT NULL,
    resource_id uuid,
    starts_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone NOT NULL,
    reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT closures_check CHECK ((ends_at > starts_at)),
    CONSTRAINT closures_reason_check CHECK ((char_length(reason) <= 200))
);


--
-- Name: customers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.customers (
    id uuid NOT NULL,
    phone text,
    name text,
    locale text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    erased_at timestamp with time zone,
    CONSTRAINT customers_locale_check CHECK ((locale = ANY (ARRAY['ar'::text, 'en'::text]))),
    CONSTRAINT customers_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120))),
    CONSTRAINT customers_phone_check CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text))
);


--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    caller text NOT NULL,
    key text NOT NULL,
    request_hash text NOT NULL,
    holder text NOT NULL,
    claimed_until timestamp with time zone NOT NULL,
    status integer,
    headers text,
    body text,
    customer_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: notifications; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.notifications (
    venue_id uuid NOT NULL,
    id uuid NOT NULL,
    booking_id uuid NOT NULL,
    event text NOT NULL,
    template text NOT NULL,
    channel text DEFAULT 'sms'::text NOT NULL,
    locale text NOT NULL,
    recipient text,
    body text,
    status text DEFAULT 'PENDING'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    error_code text,
    error_detail text,
    provider text,
    provider_message_id text,
    acknowledged_at timestamp with time zone,
    acknowledged_by text,
    send_by timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT notifications_check CHECK (((status = 'FAILED'::text) = (error_code IS NOT NULL))),
    CONSTRAINT notifications_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'SENT'::text, 'FAILED'::text])))
);


--
-- Name: opening_hours; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.opening_hours (
    venue_id uuid NOT NULL,
    resource_id uuid NOT NULL,
    "position" integer NOT NULL,
    weekday integer NOT NULL,
    opens_minute integer NOT NULL,
    closes_minute integer NOT NULL,
    CONSTRAINT opening_hours_closes_minute_check CHECK (((closes_minute >= 0) AND (closes_minute <= 1440))),
    CONSTRAINT opening_hours_opens_minute_check CHECK (((opens_minute >= 0) AND (opens_minute <= 1439))),
    CONSTRAINT opening_hours_weekday_check CHECK (((weekday >= 1) AND (weekday <= 7)))
);


--
-- Name: otp_challenges; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.otp_challenges (
    id uuid NOT NULL,
    phone text NOT NULL,
    code_mac text NOT NULL,
    locale text NOT NULL,
    status text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT otp_challenges_status_check CHECK ((status = ANY (ARRAY['sending'::text, 'sent'::text, 'failed'::text, 'unknown'::text])))
);


--
-- Name: payment_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payment_history (
    venue_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    from_status text,
    to_status text NOT NULL,
    actor text NOT NULL,
    reason text,
    request_id text
);


--
-- Name: payments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payments (
    venue_id uuid NOT NULL,
    id uuid NOT NULL,
    booking_id uuid NOT NULL,
    status text NOT NULL,
    amount bigint NOT NULL,
    refunded_amount bigint DEFAULT 0 NOT NULL,
    currency text NOT NULL,
    provider text NOT NULL,
    gateway_id text,
    charge_id text,
    redirect_url text,
    return_url text NOT NULL,
    surplus boolean DEFAULT false NOT NULL,
    invoice_expires_at timestamp with time zone NOT NULL,
    next_check_at timestamp with time zone,
    checks integer DEFAULT 0 NOT NULL,
    fault text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT payments_amount_check CHECK ((amount > 0)),
    CONSTRAINT payments_check CHECK (((refunded_amount >= 0) AND (refunded_amount <= amount))),
    CONSTRAINT payments_status_check CHECK ((status = ANY (ARRAY['creating'::text, 'initiated'::text, 'unknown'::text, 'paid'::text, 'failed'::text, 'expired'::text, 'refunded'::text, 'partially_refunded'::text])))
);


--
-- Name: rate_limits; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.rate_limits (
    subject text NOT NULL,
    window_start timestamp with time zone NOT NULL,
    window_end timestamp with time zone NOT NULL,
    taken integer NOT NULL
);


--
-- Name: refunds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refunds (
    venue_id uuid NOT NULL,
    id uuid NOT NULL,
    payment_id uuid NOT NULL,
    charge_id text NOT NULL,
    amount bigint NOT NULL,
    refunded_before bigint NOT NULL,
    status text NOT NULL,
    whole boolean NOT NULL,
    cancels_booking boolean DEFAULT false NOT NULL,
    surplus boolean DEFAULT false NOT NULL,
    actor text NOT NULL,
    reason text,
    fault text,
    request_id text,
    next_check_at timestamp with time zone,
    checks integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    request_key text,
    CONSTRAINT refunds_amount_check CHECK ((amount > 0)),
    CONSTRAINT refunds_status_check CHECK ((status = ANY (ARRAY['wanted'::text, 'calling'::text, 'unknown'::text, 'done'::text, 'failed'::text])))
);


--
-- Name: resources; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.resources (
    venue_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    capacity integer DEFAULT 1 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT resources_capacity_check CHECK (((capacity >= 1) AND (capacity <= 1000))),
    CONSTRAINT resources_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120)))
);


--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: service_resources; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.service_resources (
    venue_id uuid NOT NULL,
    service_id uuid NOT NULL,
    resource_id uuid NOT NULL
);


--
-- Name: services; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.services (
    venue_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    duration_minutes integer NOT NULL,
    slot_step_minutes integer,
    buffer_before_minutes integer DEFAULT 0 NOT NULL,
    buffer_after_minutes integer DEFAULT 0 NOT NULL,
    price bigint DEFAULT 0 NOT NULL,
    payment text DEFAULT 'none'::text NOT NULL,
    min_notice_minutes integer DEFAULT 0 NOT NULL,
    max_advance_days integer DEFAULT 90 NOT NULL,
    free_cancellation_minutes integer DEFAULT 0 NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT services_buffer_after_minutes_check CHECK (((buffer_after_minutes >= 0) AND (buffer_after_minutes <= 1440))),
    CONSTRAINT services_buffer_before_minutes_check CHECK (((buffer_before_minutes >= 0) AND (buffer_before_minutes <= 1440))),
    CONSTRAINT services_duration_minutes_check CHECK (((duration_minutes >= 5) AND (duration_minutes <= 10080))),
    CONSTRAINT services_free_cancellation_minutes_check CHECK ((free_cancellation_minutes >= 0)),
    CONSTRAINT services_max_advance_days_check CHECK (((max_advance_days >= 1) AND (max_advance_days <= 730))),
    CONSTRAINT services_min_notice_minutes_check CHECK ((min_notice_minutes >= 0)),
    CONSTRAINT services_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120))),
    CONSTRAINT services_payment_check CHECK ((payment = ANY (ARRAY['none'::text, 'online'::text, 'on_site'::text]))),
    CONSTRAINT services_price_check CHECK ((price >= 0)),
    CONSTRAINT services_slot_step_minutes_check CHECK (((slot_step_minutes >= 5) AND (slot_step_minutes <= 1440)))
);


--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    token_hash text NOT NULL,
    customer_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);


--
-- Name: staff_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.staff_keys (
    id uuid NOT NULL,
    name text NOT NULL,
    key_hash text NOT NULL,
    role text NOT NULL,
    venue_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT staff_keys_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 64))),
    CONSTRAINT staff_keys_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'agent'::text, 'viewer'::text])))
);


--
-- Name: venues; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.venues (
    id uuid NOT NULL,
    name text NOT NULL,
    time_zone text NOT NULL,
    currency text NOT NULL,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT venues_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT venues_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 120)))
);


--
-- Name: webhook_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_events (
    provider text NOT NULL,
    event_id text NOT NULL,
    kind text NOT NULL,
    payment_id uuid,
    outcome text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.audit_log VALUES ('01a22d5d-851c-76ad-8771-28eba49dad63', NULL, '2026-11-30 16:50:33.383105+00', 'staff:command-line', 'staff_key.create', '01a22d5d-851c-76ac-a939-334c408749a5', NULL, 'command-line');
INSERT INTO public.audit_log VALUES ('01a22d5d-868c-7779-8a5c-6654c672b1a9', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:33.758694+00', 'staff:boss', 'venue.create', '01a22d5d-8578-725a-9448-0f170e0728e6', NULL, '01a22d5d-8577-7689-b8b0-fabee3fd0f0c');
INSERT INTO public.audit_log VALUES ('01a22d5d-86a1-75c6-af13-f046d52f320b', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:33.762108+00', 'staff:boss', 'resource.create', '01a22d5d-86a1-75c5-9858-ef7824bd435a', NULL, '01a22d5d-86a0-768f-a6e7-ee6369ca5d53');
INSERT INTO public.audit_log VALUES ('01a22d5d-86a5-7039-b1bc-f09f7ad0eae5', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:33.78337+00', 'staff:boss', 'opening_hours.replace', '01a22d5d-86a1-75c5-9858-ef7824bd435a', NULL, '01a22d5d-86a5-71a5-9897-93f09dcc122e');
INSERT INTO public.audit_log VALUES ('01a22d5d-86bb-7419-8de5-9458c7b2c53a', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:33.789539+00', 'staff:boss', 'service.create', '01a22d5d-86b9-760c-bd95-23a4cc8696f3', NULL, '01a22d5d-86b9-704f-854e-c7632494f930');
INSERT INTO public.audit_log VALUES ('01a22d5d-86cb-7371-8a91-0d4aa7af91f3', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:33.804712+00', 'staff:boss', 'service.create', '01a22d5d-86cb-7370-b77c-c2857d514ca9', NULL, '01a22d5d-86ca-77b5-ad63-92966c6e2938');
INSERT INTO public.audit_log VALUES ('01a22d5d-90ac-72a0-8892-b9bc6fcb1b95', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:36.333232+00', 'staff:boss', 'resource.create', '01a22d5d-90ac-729f-bd23-123ce6508ac5', NULL, '01a22d5d-90ac-733f-8ace-c8dd1da584e4');
INSERT INTO public.audit_log VALUES ('01a22d5d-90af-73c5-83b3-77113dd90e59', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:36.336609+00', 'staff:boss', 'opening_hours.replace', '01a22d5d-90ac-729f-bd23-123ce6508ac5', NULL, '01a22d5d-90ae-7289-8cd1-a31fabd33264');
INSERT INTO public.audit_log VALUES ('01a22d5d-90b2-7575-931a-44da24566377', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:36.341306+00', 'staff:boss', 'service.create', '01a22d5d-90b2-7574-8913-5c83a65f076f', NULL, '01a22d5d-90b1-75b5-8b51-4d3a64ce7480');
INSERT INTO public.audit_log VALUES ('01a22d5d-90b7-7791-b4c7-e84b66ad2371', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:36.344478+00', 'staff:boss', 'service.create', '01a22d5d-90b7-7790-abb8-ff0f323445ce', NULL, '01a22d5d-90b6-758c-b593-370080bc5963');
INSERT INTO public.audit_log VALUES ('01a22d5d-91a0-750d-974b-185f603638f0', '01a22d5d-90bd-72b9-a31c-367e657b087e', '2026-11-30 16:50:36.591688+00', 'staff:boss', 'venue.create', '01a22d5d-90bd-72b9-a31c-367e657b087e', NULL, '01a22d5d-90b9-7087-bdf6-82ae44d2050a');
INSERT INTO public.audit_log VALUES ('01a22d5d-91b0-7030-9cb2-75350c84e889', '01a22d5d-90bd-72b9-a31c-367e657b087e', '2026-11-30 16:50:36.593326+00', 'staff:boss', 'resource.create', '01a22d5d-91b0-702f-b349-dc6529e02834', NULL, '01a22d5d-91b0-7393-a9df-9941447529b2');
INSERT INTO public.audit_log VALUES ('01a22d5d-91b5-7289-876f-8ed2fe5c7114', '01a22d5d-90bd-72b9-a31c-367e657b087e', '2026-11-30 16:50:36.598458+00', 'staff:boss', 'opening_hours.replace', '01a22d5d-91b0-702f-b349-dc6529e02834', NULL, '01a22d5d-91b2-7722-a325-5ac1e99c38cb');
INSERT INTO public.audit_log VALUES ('01a22d5d-91c6-72aa-bf40-2914daa4330f', '01a22d5d-90bd-72b9-a31c-367e657b087e', '2026-11-30 16:50:36.615085+00', 'staff:boss', 'service.create', '01a22d5d-91c5-7269-8b70-d980371c98a7', NULL, '01a22d5d-91b7-77a7-8444-e8ee9f3ae34d');
INSERT INTO public.audit_log VALUES ('01a22d5d-91d1-7315-8796-e0683a3f9cd1', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:36.633265+00', 'staff:boss', 'closure.create', '01a22d5d-91c8-76ef-bf2f-e19d070132ce', NULL, '01a22d5d-91c8-711b-b990-90cc5400cb28');
INSERT INTO public.audit_log VALUES ('01a22d5d-9771-76bc-a9e1-0ce5bbf97454', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:38.067903+00', 'staff:boss', 'payment.refund', '01a22d5d-9582-7706-88ef-e9c672bf5102', '{"amount": 2000, "charge": "0f094812-13ce-47a7-8809-7611f9d4b823"}', '01a22d5d-974d-72eb-8a7c-8f7b0cbb73ee');
INSERT INTO public.audit_log VALUES ('01a22d5d-98f8-7044-818c-776ac790c5b8', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:38.457166+00', 'customer', 'payment.refund', '01a22d5d-979a-77c4-83ee-de7277cd2932', '{"amount": 12000, "charge": "b653c976-de24-4c53-ae9c-8047e2435657"}', '01a22d5d-98d4-77a5-a59c-367cc8c7dcb2');
INSERT INTO public.audit_log VALUES ('01a22d5d-9a84-77fe-a40b-5dc9946afa65', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:38.8529+00', 'staff:boss', 'booking.complete', '01a22d5d-9a73-76e9-97b5-3ef0f631ee42', NULL, '01a22d5d-9a82-73de-98f8-975f76f9558a');
INSERT INTO public.audit_log VALUES ('01a22d5d-9a99-739e-8c84-43e8afb56155', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:38.876768+00', 'staff:boss', 'booking.no_show', '01a22d5d-9a89-747b-9c5c-0af289b4a4d5', NULL, '01a22d5d-9a98-7022-9961-2c8860ce6227');
INSERT INTO public.audit_log VALUES ('01a22d5d-9aa4-7537-b9d7-dde446540060', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:50:38.89396+00', 'staff:boss', 'booking.create', '01a22d5d-9a9f-7691-a398-fc331abbdcd6', NULL, '01a22d5d-9a9e-70ca-a446-9447d8bc4e23');
INSERT INTO public.audit_log VALUES ('01a22d5d-9b59-72f8-a369-b21cdfad7425', NULL, '2026-11-30 16:50:39.065516+00', 'staff:boss', 'notification.acknowledge', '01a22d5d-9b4b-7175-8bb3-c36b36bfe6e2', '{"acknowledged": 1}', '01a22d5d-9b55-77c6-b277-256c4e31cf95');
INSERT INTO public.audit_log VALUES ('01a22d5e-16d1-745f-b85a-0899658ef1e9', '01a22d5d-8578-725a-9448-0f170e0728e6', '2026-11-30 16:51:10.678885+00', 'keeper', 'payment.settle', '01a22d5d-9cd1-7395-b606-4e0453cf0197', NULL, '01a22d5e-166d-7306-9720-5852ecea9059');


--
-- Data for Name: booking_history; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-91e2-7266-956f-9938161fab5b', 1, '2026-11-30 16:50:36.702315+00', NULL, 'pending_payment', 'customer', NULL, '01a22d5d-91da-735a-90de-b8bd353b9b7a');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-91e2-7266-956f-9938161fab5b', 2, '2026-11-30 16:50:37.394929+00', 'pending_payment', 'confirmed', 'gateway', 'paid', '01a22d5d-94a4-70c1-a2f2-6938340b8211');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9514-74c8-ad03-a836f7c40039', 1, '2026-11-30 16:50:37.553871+00', NULL, 'pending_payment', 'customer', NULL, '01a22d5d-950c-7499-8a80-c1f2401d95dd');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9514-74c8-ad03-a836f7c40039', 2, '2026-11-30 16:50:38.014686+00', 'pending_payment', 'confirmed', 'gateway', 'paid', '01a22d5d-970e-742c-a80d-6497f34b25fb');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9777-71a1-80cb-582d5ec00194', 1, '2026-11-30 16:50:38.104263+00', NULL, 'pending_payment', 'customer', NULL, '01a22d5d-9776-7572-84b5-d2be75b3ef85');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9777-71a1-80cb-582d5ec00194', 2, '2026-11-30 16:50:38.396166+00', 'pending_payment', 'confirmed', 'gateway', 'paid', '01a22d5d-98a8-72bc-a353-0963929d1ed9');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9777-71a1-80cb-582d5ec00194', 3, '2026-11-30 16:50:38.467536+00', 'confirmed', 'cancelled', 'customer', NULL, '01a22d5d-98d4-77a5-a59c-367cc8c7dcb2');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-991e-7072-84b7-1ef27be4dee3', 1, '2026-11-30 16:50:38.545834+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-991d-738c-a058-9f1a30421ec5');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9957-7375-9c8c-fabe8fa395c4', 1, '2026-11-30 16:50:38.603873+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9954-762f-8462-f390427101de');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9998-71d7-a2e6-a799496db906', 1, '2026-11-30 16:50:38.635196+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9997-76fb-8190-3107af44b219');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99b6-71f5-ad6c-afea91972f57', 1, '2026-11-30 16:50:38.673865+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-99b5-758b-8fc9-3e48656af4cc');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99de-7620-be8d-62ed17992545', 1, '2026-11-30 16:50:38.710002+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-99d4-70f6-a8b2-6cad5390b642');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99f8-74c8-8c39-91e1fb07fe1d', 1, '2026-11-30 16:50:38.741422+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-99f8-7658-94c1-e362c3bb1435');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a1a-7089-815d-acea207d05f5', 1, '2026-11-30 16:50:38.761891+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9a19-71d0-979d-3b7905b33710');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a1a-7089-815d-acea207d05f5', 2, '2026-11-30 16:50:38.766632+00', 'confirmed', 'cancelled', 'customer', NULL, '01a22d5d-9a2b-778e-af45-e74f1d70a12a');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a33-74fb-9959-f7868c76e42e', 1, '2026-11-30 16:50:38.785092+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9a33-7728-8237-ddd6e459d1ff');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a33-74fb-9959-f7868c76e42e', 2, '2026-11-30 16:50:38.828525+00', 'confirmed', 'confirmed', 'customer', 'rescheduled', '01a22d5d-9a43-76bf-b0cf-5b13ff259d59');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a73-76e9-97b5-3ef0f631ee42', 1, '2026-11-30 16:50:38.848676+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9a73-7201-be4a-03802cf8878a');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a73-76e9-97b5-3ef0f631ee42', 2, '2026-11-30 16:50:38.852814+00', 'confirmed', 'completed', 'staff:boss', NULL, '01a22d5d-9a82-73de-98f8-975f76f9558a');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a89-747b-9c5c-0af289b4a4d5', 1, '2026-11-30 16:50:38.869844+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9a86-7271-9cb2-805af5c474c6');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a89-747b-9c5c-0af289b4a4d5', 2, '2026-11-30 16:50:38.87666+00', 'confirmed', 'no_show', 'staff:boss', NULL, '01a22d5d-9a98-7022-9961-2c8860ce6227');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a9f-7691-a398-fc331abbdcd6', 1, '2026-11-30 16:50:38.893794+00', NULL, 'confirmed', 'staff:boss', NULL, '01a22d5d-9a9e-70ca-a446-9447d8bc4e23');
INSERT INTO public.booking_history VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9ae1-75f6-bb99-c8b58c971fa5', 1, '2026-11-30 16:50:38.953846+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9ad7-76bf-9564-79cd988d8459');
INSERT INTO public.booking_history VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9aec-7065-a69d-e78ad8295417', 1, '2026-11-30 16:50:38.962177+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9aeb-7094-916b-7c4f16622b9f');
INSERT INTO public.booking_history VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9af4-7748-a7e7-36b8f4ad753a', 1, '2026-11-30 16:50:38.979489+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9af4-77df-86fd-641b83b83ade');
INSERT INTO public.booking_history VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b0b-75f8-91a0-876f5ad3a5f3', 1, '2026-11-30 16:50:38.994701+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9b05-7087-8189-564085cfe36e');
INSERT INTO public.booking_history VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b15-7333-b082-224e99210296', 1, '2026-11-30 16:50:39.01401+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9b14-75ef-a145-d1d9074c1eed');
INSERT INTO public.booking_history VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b28-70e7-966f-706ba989bfc8', 1, '2026-11-30 16:50:39.0247+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9b28-7559-9a93-a5ba571d0cad');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9b35-76c1-9149-23b2a00b9f59', 1, '2026-11-30 16:50:39.046439+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9b35-70ab-ba61-802c35e789ae');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9b49-77fe-8a16-7dec8f557a83', 1, '2026-11-30 16:50:39.056246+00', NULL, 'confirmed', 'customer', NULL, '01a22d5d-9b48-7728-ac0c-d99286a60102');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cb1-72b5-8192-e4db7c5ee7ab', 1, '2026-11-30 16:50:39.415754+00', NULL, 'pending_payment', 'customer', NULL, '01a22d5d-9cad-75a5-8cc9-0969f8668da5');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cbc-71f7-8f26-350f39add125', 1, '2026-11-30 16:50:39.43898+00', NULL, 'pending_payment', 'customer', NULL, '01a22d5d-9cb8-70d7-9c7b-2686c97ca648');
INSERT INTO public.booking_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cbc-71f7-8f26-350f39add125', 2, '2026-11-30 16:51:10.103881+00', 'pending_payment', 'expired', 'keeper', 'hold expired', '01a22d5e-1479-7655-acd0-70567b1c2dde');


--
-- Data for Name: booking_units; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 1, '01a22d5d-91e2-7266-956f-9938161fab5b', '["2026-12-02 07:00:00+00","2026-12-02 08:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 1, '01a22d5d-9514-74c8-ad03-a836f7c40039', '["2026-12-02 09:00:00+00","2026-12-02 10:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 1, '01a22d5d-991e-7072-84b7-1ef27be4dee3', '["2026-11-22 06:00:00+00","2026-11-22 07:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 2, '01a22d5d-9957-7375-9c8c-fabe8fa395c4', '["2026-12-02 07:00:00+00","2026-12-02 08:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 3, '01a22d5d-9957-7375-9c8c-fabe8fa395c4', '["2026-12-02 07:00:00+00","2026-12-02 08:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 1, '01a22d5d-9998-71d7-a2e6-a799496db906', '["2026-12-02 08:00:00+00","2026-12-02 09:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 4, '01a22d5d-9998-71d7-a2e6-a799496db906', '["2026-12-02 08:00:00+00","2026-12-02 09:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 5, '01a22d5d-9998-71d7-a2e6-a799496db906', '["2026-12-02 08:00:00+00","2026-12-02 09:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 2, '01a22d5d-99b6-71f5-ad6c-afea91972f57', '["2026-12-02 09:00:00+00","2026-12-02 10:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 1, '01a22d5d-99de-7620-be8d-62ed17992545', '["2026-12-02 10:00:00+00","2026-12-02 11:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 3, '01a22d5d-99de-7620-be8d-62ed17992545', '["2026-12-02 10:00:00+00","2026-12-02 11:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 1, '01a22d5d-99f8-74c8-8c39-91e1fb07fe1d', '["2026-12-03 06:50:00+00","2026-12-03 09:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 1, '01a22d5d-9a33-74fb-9959-f7868c76e42e', '["2026-12-04 10:50:00+00","2026-12-04 13:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 1, '01a22d5d-9a9f-7691-a398-fc331abbdcd6', '["2026-12-06 01:00:00+00","2026-12-06 02:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 1, '01a22d5d-9ae1-75f6-bb99-c8b58c971fa5', '["2026-11-30 22:00:00+00","2026-11-30 23:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 1, '01a22d5d-9aec-7065-a69d-e78ad8295417', '["2026-11-30 23:00:00+00","2026-12-01 00:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 2, '01a22d5d-9aec-7065-a69d-e78ad8295417', '["2026-11-30 23:00:00+00","2026-12-01 00:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 1, '01a22d5d-9af4-7748-a7e7-36b8f4ad753a', '["2026-12-01 00:00:00+00","2026-12-01 01:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 2, '01a22d5d-9af4-7748-a7e7-36b8f4ad753a', '["2026-12-01 00:00:00+00","2026-12-01 01:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 3, '01a22d5d-9af4-7748-a7e7-36b8f4ad753a', '["2026-12-01 00:00:00+00","2026-12-01 01:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 1, '01a22d5d-9b0b-75f8-91a0-876f5ad3a5f3', '["2026-12-01 19:00:00+00","2026-12-01 20:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 1, '01a22d5d-9b15-7333-b082-224e99210296', '["2026-12-01 20:00:00+00","2026-12-01 21:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 2, '01a22d5d-9b15-7333-b082-224e99210296', '["2026-12-01 20:00:00+00","2026-12-01 21:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 1, '01a22d5d-9b28-70e7-966f-706ba989bfc8', '["2026-12-01 21:00:00+00","2026-12-01 22:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 2, '01a22d5d-9b28-70e7-966f-706ba989bfc8', '["2026-12-01 21:00:00+00","2026-12-01 22:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 3, '01a22d5d-9b28-70e7-966f-706ba989bfc8', '["2026-12-01 21:00:00+00","2026-12-01 22:00:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 1, '01a22d5d-9b35-76c1-9149-23b2a00b9f59', '["2026-12-06 11:00:00+00","2026-12-06 12:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 1, '01a22d5d-9b49-77fe-8a16-7dec8f557a83', '["2026-12-06 13:00:00+00","2026-12-06 14:45:00+00")', NULL);
INSERT INTO public.booking_units VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 1, '01a22d5d-9cb1-72b5-8192-e4db7c5ee7ab', '["2026-12-02 13:00:00+00","2026-12-02 14:00:00+00")', '2036-11-27 16:50:39.700525+00');


--
-- Data for Name: bookings; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-91e2-7266-956f-9938161fab5b', '01a22d5d-86cb-7370-b77c-c2857d514ca9', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '66be81dc-97e5-4faa-a3e5-a1b092c11cff', 'confirmed', 2, '2026-12-02 07:00:00+00', '2026-12-02 08:00:00+00', '["2026-12-02 07:00:00+00","2026-12-02 08:00:00+00")', 1, 12000, 'SAR', 'online', NULL, NULL, NULL, '2026-11-30 16:50:36.642824+00', '2026-11-30 16:50:37.367372+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9514-74c8-ad03-a836f7c40039', '01a22d5d-86cb-7370-b77c-c2857d514ca9', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '84ff7ef4-dce4-48c0-b9d5-be3018415777', 'confirmed', 2, '2026-12-02 09:00:00+00', '2026-12-02 10:00:00+00', '["2026-12-02 09:00:00+00","2026-12-02 10:00:00+00")', 1, 12000, 'SAR', 'online', NULL, NULL, NULL, '2026-11-30 16:50:37.462021+00', '2026-11-30 16:50:37.985851+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9777-71a1-80cb-582d5ec00194', '01a22d5d-86cb-7370-b77c-c2857d514ca9', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 'da4de822-5d66-4e94-af45-327444644859', 'cancelled', 3, '2026-12-02 11:00:00+00', '2026-12-02 12:00:00+00', '["2026-12-02 11:00:00+00","2026-12-02 12:00:00+00")', 1, 12000, 'SAR', 'online', NULL, NULL, '2026-11-30 16:50:38.448596+00', '2026-11-30 16:50:38.072738+00', '2026-11-30 16:50:38.448596+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9957-7375-9c8c-fabe8fa395c4', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', '84ff7ef4-dce4-48c0-b9d5-be3018415777', 'confirmed', 1, '2026-12-02 07:00:00+00', '2026-12-02 08:30:00+00', '["2026-12-02 07:00:00+00","2026-12-02 08:45:00+00")', 2, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.555967+00', '2026-11-30 16:50:38.555967+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9998-71d7-a2e6-a799496db906', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 'da4de822-5d66-4e94-af45-327444644859', 'confirmed', 1, '2026-12-02 08:00:00+00', '2026-12-02 09:30:00+00', '["2026-12-02 08:00:00+00","2026-12-02 09:45:00+00")', 3, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.616175+00', '2026-11-30 16:50:38.616175+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99b6-71f5-ad6c-afea91972f57', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 'a1766ba0-4c22-4d28-93eb-d022d22de126', 'confirmed', 1, '2026-12-02 09:00:00+00', '2026-12-02 10:30:00+00', '["2026-12-02 09:00:00+00","2026-12-02 10:45:00+00")', 1, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.653686+00', '2026-11-30 16:50:38.653686+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99de-7620-be8d-62ed17992545', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', '2c0455f3-aec8-40f5-ad41-79c3b9c7cf82', 'confirmed', 1, '2026-12-02 10:00:00+00', '2026-12-02 11:30:00+00', '["2026-12-02 10:00:00+00","2026-12-02 11:45:00+00")', 2, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.686699+00', '2026-11-30 16:50:38.686699+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99f8-74c8-8c39-91e1fb07fe1d', '01a22d5d-90b7-7790-abb8-ff0f323445ce', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 'a1766ba0-4c22-4d28-93eb-d022d22de126', 'confirmed', 1, '2026-12-03 07:00:00+00', '2026-12-03 09:00:00+00', '["2026-12-03 06:50:00+00","2026-12-03 09:00:00+00")', 1, 30000, 'SAR', 'on_site', 'by the window', NULL, NULL, '2026-11-30 16:50:38.712822+00', '2026-11-30 16:50:38.712822+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a1a-7089-815d-acea207d05f5', '01a22d5d-90b7-7790-abb8-ff0f323445ce', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '2c0455f3-aec8-40f5-ad41-79c3b9c7cf82', 'cancelled', 2, '2026-12-04 07:00:00+00', '2026-12-04 09:00:00+00', '["2026-12-04 06:50:00+00","2026-12-04 09:00:00+00")', 1, 30000, 'SAR', 'on_site', NULL, NULL, '2026-11-30 16:50:38.765047+00', '2026-11-30 16:50:38.746197+00', '2026-11-30 16:50:38.765047+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a33-74fb-9959-f7868c76e42e', '01a22d5d-90b7-7790-abb8-ff0f323445ce', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '19d79197-0355-4ce5-9617-d991fcff8409', 'confirmed', 2, '2026-12-04 11:00:00+00', '2026-12-04 13:00:00+00', '["2026-12-04 10:50:00+00","2026-12-04 13:00:00+00")', 1, 30000, 'SAR', 'on_site', NULL, NULL, NULL, '2026-11-30 16:50:38.771421+00', '2026-11-30 16:50:38.787918+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a73-76e9-97b5-3ef0f631ee42', '01a22d5d-90b7-7790-abb8-ff0f323445ce', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '80213ecd-8a78-46b7-845a-72426d9c4dcb', 'completed', 2, '2026-12-05 05:00:00+00', '2026-12-05 07:00:00+00', '["2026-12-05 04:50:00+00","2026-12-05 07:00:00+00")', 1, 30000, 'SAR', 'on_site', NULL, NULL, NULL, '2026-11-30 16:50:38.835518+00', '2026-11-30 16:50:38.851757+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a89-747b-9c5c-0af289b4a4d5', '01a22d5d-90b7-7790-abb8-ff0f323445ce', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '80213ecd-8a78-46b7-845a-72426d9c4dcb', 'no_show', 2, '2026-12-05 09:00:00+00', '2026-12-05 11:00:00+00', '["2026-12-05 08:50:00+00","2026-12-05 11:00:00+00")', 1, 30000, 'SAR', 'on_site', NULL, NULL, NULL, '2026-11-30 16:50:38.857633+00', '2026-11-30 16:50:38.872446+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a9f-7691-a398-fc331abbdcd6', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', '01a22d5d-9a9f-7692-874a-c32ff46b7f19', 'confirmed', 1, '2026-12-06 01:00:00+00', '2026-12-06 02:30:00+00', '["2026-12-06 01:00:00+00","2026-12-06 02:45:00+00")', 1, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.882062+00', '2026-11-30 16:50:38.882062+00');
INSERT INTO public.bookings VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9ae1-75f6-bb99-c8b58c971fa5', '01a22d5d-91c5-7269-8b70-d980371c98a7', '01a22d5d-91b0-702f-b349-dc6529e02834', '66be81dc-97e5-4faa-a3e5-a1b092c11cff', 'confirmed', 1, '2026-11-30 22:00:00+00', '2026-11-30 23:00:00+00', '["2026-11-30 22:00:00+00","2026-11-30 23:00:00+00")', 1, 0, 'EUR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.946028+00', '2026-11-30 16:50:38.946028+00');
INSERT INTO public.bookings VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9aec-7065-a69d-e78ad8295417', '01a22d5d-91c5-7269-8b70-d980371c98a7', '01a22d5d-91b0-702f-b349-dc6529e02834', '84ff7ef4-dce4-48c0-b9d5-be3018415777', 'confirmed', 1, '2026-11-30 23:00:00+00', '2026-12-01 00:00:00+00', '["2026-11-30 23:00:00+00","2026-12-01 00:00:00+00")', 2, 0, 'EUR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.956145+00', '2026-11-30 16:50:38.956145+00');
INSERT INTO public.bookings VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9af4-7748-a7e7-36b8f4ad753a', '01a22d5d-91c5-7269-8b70-d980371c98a7', '01a22d5d-91b0-702f-b349-dc6529e02834', 'da4de822-5d66-4e94-af45-327444644859', 'confirmed', 1, '2026-12-01 00:00:00+00', '2026-12-01 01:00:00+00', '["2026-12-01 00:00:00+00","2026-12-01 01:00:00+00")', 3, 0, 'EUR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.964629+00', '2026-11-30 16:50:38.964629+00');
INSERT INTO public.bookings VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b0b-75f8-91a0-876f5ad3a5f3', '01a22d5d-91c5-7269-8b70-d980371c98a7', '01a22d5d-91b0-702f-b349-dc6529e02834', 'a1766ba0-4c22-4d28-93eb-d022d22de126', 'confirmed', 1, '2026-12-01 19:00:00+00', '2026-12-01 20:00:00+00', '["2026-12-01 19:00:00+00","2026-12-01 20:00:00+00")', 1, 0, 'EUR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.987672+00', '2026-11-30 16:50:38.987672+00');
INSERT INTO public.bookings VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b15-7333-b082-224e99210296', '01a22d5d-91c5-7269-8b70-d980371c98a7', '01a22d5d-91b0-702f-b349-dc6529e02834', '2c0455f3-aec8-40f5-ad41-79c3b9c7cf82', 'confirmed', 1, '2026-12-01 20:00:00+00', '2026-12-01 21:00:00+00', '["2026-12-01 20:00:00+00","2026-12-01 21:00:00+00")', 2, 0, 'EUR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.998691+00', '2026-11-30 16:50:38.998691+00');
INSERT INTO public.bookings VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b28-70e7-966f-706ba989bfc8', '01a22d5d-91c5-7269-8b70-d980371c98a7', '01a22d5d-91b0-702f-b349-dc6529e02834', '19d79197-0355-4ce5-9617-d991fcff8409', 'confirmed', 1, '2026-12-01 21:00:00+00', '2026-12-01 22:00:00+00', '["2026-12-01 21:00:00+00","2026-12-01 22:00:00+00")', 3, 0, 'EUR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:39.016507+00', '2026-11-30 16:50:39.016507+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9b35-76c1-9149-23b2a00b9f59', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', '7d7a2b52-46d5-4d66-8e7d-6e4f165da4d6', 'confirmed', 1, '2026-12-06 11:00:00+00', '2026-12-06 12:30:00+00', '["2026-12-06 11:00:00+00","2026-12-06 12:45:00+00")', 1, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:39.033757+00', '2026-11-30 16:50:39.033757+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9b49-77fe-8a16-7dec8f557a83', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', '7d7a2b52-46d5-4d66-8e7d-6e4f165da4d6', 'confirmed', 1, '2026-12-06 13:00:00+00', '2026-12-06 14:30:00+00', '["2026-12-06 13:00:00+00","2026-12-06 14:45:00+00")', 1, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:39.049453+00', '2026-11-30 16:50:39.049453+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-991e-7072-84b7-1ef27be4dee3', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5', '66be81dc-97e5-4faa-a3e5-a1b092c11cff', 'confirmed', 1, '2026-11-22 06:00:00+00', '2026-11-22 07:30:00+00', '["2026-11-22 06:00:00+00","2026-11-22 07:45:00+00")', 1, 0, 'SAR', 'none', NULL, NULL, NULL, '2026-11-30 16:50:38.494554+00', '2026-11-30 16:50:38.494554+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cb1-72b5-8192-e4db7c5ee7ab', '01a22d5d-86cb-7370-b77c-c2857d514ca9', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '80213ecd-8a78-46b7-845a-72426d9c4dcb', 'pending_payment', 1, '2026-12-02 13:00:00+00', '2026-12-02 14:00:00+00', '["2026-12-02 13:00:00+00","2026-12-02 14:00:00+00")', 1, 12000, 'SAR', 'online', NULL, '2036-11-27 16:50:39.694016+00', NULL, '2026-11-30 16:50:39.409137+00', '2026-11-30 16:50:39.409137+00');
INSERT INTO public.bookings VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cbc-71f7-8f26-350f39add125', '01a22d5d-86cb-7370-b77c-c2857d514ca9', '01a22d5d-86a1-75c5-9858-ef7824bd435a', '7d7a2b52-46d5-4d66-8e7d-6e4f165da4d6', 'expired', 2, '2026-12-02 15:00:00+00', '2026-12-02 16:00:00+00', '["2026-12-02 15:00:00+00","2026-12-02 16:00:00+00")', 1, 12000, 'SAR', 'online', NULL, NULL, NULL, '2026-11-30 16:50:39.420961+00', '2026-11-30 16:51:10.078763+00');


--
-- Data for Name: closures; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.closures VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-91c8-76ef-bf2f-e19d070132ce', NULL, '2026-12-21 21:00:00+00', '2026-12-22 21:00:00+00', 'holiday', '2026-11-30 16:50:36.630725+00');


--
-- Data for Name: customers; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.customers VALUES ('66be81dc-97e5-4faa-a3e5-a1b092c11cff', '+966551110000', 'Alice', 'en', '2026-11-30 16:50:34.069668+00', NULL);
INSERT INTO public.customers VALUES ('84ff7ef4-dce4-48c0-b9d5-be3018415777', '+966551110001', NULL, 'ar', '2026-11-30 16:50:34.392556+00', NULL);
INSERT INTO public.customers VALUES ('da4de822-5d66-4e94-af45-327444644859', '+966551110002', 'سارة', 'en', '2026-11-30 16:50:34.740973+00', NULL);
INSERT INTO public.customers VALUES ('a1766ba0-4c22-4d28-93eb-d022d22de126', '+966551110003', 'Badr', 'ar', '2026-11-30 16:50:35.045267+00', NULL);
INSERT INTO public.customers VALUES ('2c0455f3-aec8-40f5-ad41-79c3b9c7cf82', '+966551110004', NULL, 'en', '2026-11-30 16:50:35.370112+00', NULL);
INSERT INTO public.customers VALUES ('19d79197-0355-4ce5-9617-d991fcff8409', '+966551110005', 'Noor', 'ar', '2026-11-30 16:50:35.66166+00', NULL);
INSERT INTO public.customers VALUES ('80213ecd-8a78-46b7-845a-72426d9c4dcb', '+966551110006', 'Zoe', 'en', '2026-11-30 16:50:35.996567+00', NULL);
INSERT INTO public.customers VALUES ('7d7a2b52-46d5-4d66-8e7d-6e4f165da4d6', '+966551110007', 'Omar', 'ar', '2026-11-30 16:50:36.313739+00', NULL);
INSERT INTO public.customers VALUES ('01a22d5d-9a9f-7692-874a-c32ff46b7f19', '+966551110099', 'Walk In', 'ar', '2026-11-30 16:50:38.882062+00', NULL);


--
-- Data for Name: idempotency_keys; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: notifications; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-94c8-741d-af6c-4f70364ff035', '01a22d5d-91e2-7266-956f-9938161fab5b', 'booking_confirmed:2', 'booking_confirmed', 'sms', 'en', '+966551110000', 'booking_confirmed Cut 2026-12-02 10:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:46.331372+00', '2026-12-01 16:50:37.367372+00', '2026-11-30 16:50:37.367372+00', '2026-11-30 16:50:37.405683+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9732-7559-94f3-730351cca7aa', '01a22d5d-9514-74c8-ad03-a836f7c40039', 'booking_confirmed:2', 'booking_confirmed', 'sms', 'ar', '+966551110001', 'booking_confirmed Cut', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:46.950851+00', '2026-12-01 16:50:37.985851+00', '2026-11-30 16:50:37.985851+00', '2026-11-30 16:50:38.023544+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9771-76bd-9f2b-40b2baf0261a', '01a22d5d-9514-74c8-ad03-a836f7c40039', 'payment_refunded:115965802609777', 'payment_refunded', 'sms', 'ar', '+966551110001', 'payment_refunded Cut', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.028804+00', '2026-12-01 16:50:38.063804+00', '2026-11-30 16:50:38.063804+00', '2026-11-30 16:50:38.068949+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-98bb-70d3-9cd0-d4328746ad20', '01a22d5d-9777-71a1-80cb-582d5ec00194', 'booking_confirmed:2', 'booking_confirmed', 'sms', 'en', '+966551110002', 'booking_confirmed Cut 2026-12-02 14:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.362959+00', '2026-12-01 16:50:38.380959+00', '2026-11-30 16:50:38.380959+00', '2026-11-30 16:50:38.405792+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-98f8-7046-864d-4f583682659e', '01a22d5d-9777-71a1-80cb-582d5ec00194', 'booking_cancelled:3', 'booking_cancelled', 'sms', 'en', '+966551110002', 'booking_cancelled Cut 2026-12-02 14:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.413596+00', '2026-12-01 16:50:38.448596+00', '2026-11-30 16:50:38.448596+00', '2026-11-30 16:50:38.477281+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-98f8-7045-9a5c-7483a342177b', '01a22d5d-9777-71a1-80cb-582d5ec00194', 'payment_refunded:244858014896428', 'payment_refunded', 'sms', 'en', '+966551110002', 'payment_refunded Cut 2026-12-02 14:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.413596+00', '2026-12-01 16:50:38.448596+00', '2026-11-30 16:50:38.448596+00', '2026-11-30 16:50:38.490174+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9941-718c-9efd-75503c7cf9dd', '01a22d5d-991e-7072-84b7-1ef27be4dee3', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110000', 'booking_confirmed Class 2026-12-02 09:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.459554+00', '2026-12-01 16:50:38.494554+00', '2026-11-30 16:50:38.494554+00', '2026-11-30 16:50:38.547135+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-998b-770c-b56e-7ac4558d9df2', '01a22d5d-9957-7375-9c8c-fabe8fa395c4', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110001', 'booking_confirmed Class', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.501967+00', '2026-12-01 16:50:38.555967+00', '2026-11-30 16:50:38.555967+00', '2026-11-30 16:50:38.61379+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99a0-7705-9f58-737cab9db4ad', '01a22d5d-9998-71d7-a2e6-a799496db906', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110002', 'booking_confirmed Class 2026-12-02 11:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.607175+00', '2026-12-01 16:50:38.616175+00', '2026-11-30 16:50:38.616175+00', '2026-11-30 16:50:38.644188+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99c8-72ab-8e6b-fd192d280389', '01a22d5d-99b6-71f5-ad6c-afea91972f57', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110003', 'booking_confirmed Class', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.635686+00', '2026-12-01 16:50:38.653686+00', '2026-11-30 16:50:38.653686+00', '2026-11-30 16:50:38.675088+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-99f1-72a8-a658-3f9bee2b7b83', '01a22d5d-99de-7620-be8d-62ed17992545', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110004', 'booking_confirmed Class 2026-12-02 13:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.658699+00', '2026-12-01 16:50:38.686699+00', '2026-11-30 16:50:38.686699+00', '2026-11-30 16:50:38.711163+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a10-7610-91bb-244e5732fa5c', '01a22d5d-99f8-74c8-8c39-91e1fb07fe1d', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110003', 'booking_confirmed Colour', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.688822+00', '2026-12-01 16:50:38.712822+00', '2026-11-30 16:50:38.712822+00', '2026-11-30 16:50:38.742616+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a1b-7125-95a1-06dad6fdccfd', '01a22d5d-9a1a-7089-815d-acea207d05f5', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110004', 'booking_confirmed Colour 2026-12-04 10:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.744197+00', '2026-12-01 16:50:38.746197+00', '2026-11-30 16:50:38.746197+00', '2026-11-30 16:50:38.76285+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a2e-74aa-850b-671d06371baa', '01a22d5d-9a1a-7089-815d-acea207d05f5', 'booking_cancelled:2', 'booking_cancelled', 'sms', 'en', '+966551110004', 'booking_cancelled Colour 2026-12-04 10:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.763047+00', '2026-12-01 16:50:38.765047+00', '2026-11-30 16:50:38.765047+00', '2026-11-30 16:50:38.769496+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a35-7576-bd95-ec98d7778241', '01a22d5d-9a33-74fb-9959-f7868c76e42e', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110005', 'booking_confirmed Colour', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.769421+00', '2026-12-01 16:50:38.771421+00', '2026-11-30 16:50:38.771421+00', '2026-11-30 16:50:38.786162+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a67-725e-a709-eccc0d1a0140', '01a22d5d-9a33-74fb-9959-f7868c76e42e', 'booking_rescheduled:2', 'booking_rescheduled', 'sms', 'ar', '+966551110005', 'booking_rescheduled Colour', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.752918+00', '2026-12-01 16:50:38.787918+00', '2026-11-30 16:50:38.787918+00', '2026-11-30 16:50:38.833655+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a75-71f3-98f4-5031eac06c79', '01a22d5d-9a73-76e9-97b5-3ef0f631ee42', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110006', 'booking_confirmed Colour 2026-12-05 08:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.833518+00', '2026-12-01 16:50:38.835518+00', '2026-11-30 16:50:38.835518+00', '2026-11-30 16:50:38.849749+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9a8b-769e-a7e4-ef1ddfc0edea', '01a22d5d-9a89-747b-9c5c-0af289b4a4d5', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110006', 'booking_confirmed Colour 2026-12-05 12:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.852633+00', '2026-12-01 16:50:38.857633+00', '2026-11-30 16:50:38.857633+00', '2026-11-30 16:50:38.870827+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9aa4-7538-9703-4e84a71658f3', '01a22d5d-9a9f-7691-a398-fc331abbdcd6', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110099', 'booking_confirmed Class', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.876062+00', '2026-12-01 16:50:38.882062+00', '2026-11-30 16:50:38.882062+00', '2026-11-30 16:50:38.894898+00');
INSERT INTO public.notifications VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9ae3-756a-bd5b-6e4a6e3cb518', '01a22d5d-9ae1-75f6-bb99-c8b58c971fa5', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110000', 'booking_confirmed Night 2026-11-30 23:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.934028+00', '2026-12-01 16:50:38.946028+00', '2026-11-30 16:50:38.946028+00', '2026-11-30 16:50:38.954819+00');
INSERT INTO public.notifications VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9af2-74c9-acda-a10fccce2721', '01a22d5d-9aec-7065-a69d-e78ad8295417', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110001', 'booking_confirmed Night', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.950145+00', '2026-12-01 16:50:38.956145+00', '2026-11-30 16:50:38.956145+00', '2026-11-30 16:50:38.963049+00');
INSERT INTO public.notifications VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b03-7054-9ca7-12b5ddac159f', '01a22d5d-9af4-7748-a7e7-36b8f4ad753a', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110002', 'booking_confirmed Night 2026-12-01 01:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.949629+00', '2026-12-01 16:50:38.964629+00', '2026-11-30 16:50:38.964629+00', '2026-11-30 16:50:38.980352+00');
INSERT INTO public.notifications VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b0d-70fa-8392-06c6a74a3bca', '01a22d5d-9b0b-75f8-91a0-876f5ad3a5f3', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110003', 'booking_confirmed Night', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.980672+00', '2026-12-01 16:50:38.987672+00', '2026-11-30 16:50:38.987672+00', '2026-11-30 16:50:38.995709+00');
INSERT INTO public.notifications VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b18-756c-a768-8637191b1216', '01a22d5d-9b15-7333-b082-224e99210296', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'en', '+966551110004', 'booking_confirmed Night 2026-12-01 21:00', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:47.995691+00', '2026-12-01 16:50:38.998691+00', '2026-11-30 16:50:38.998691+00', '2026-11-30 16:50:39.015+00');
INSERT INTO public.notifications VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-9b30-771d-a74f-584c75365a2e', '01a22d5d-9b28-70e7-966f-706ba989bfc8', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110005', 'booking_confirmed Night', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:50:48.008507+00', '2026-12-01 16:50:39.016507+00', '2026-11-30 16:50:39.016507+00', '2026-11-30 16:50:39.027725+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9b3b-73c8-b8cc-bd3fcea64bb7', '01a22d5d-9b35-76c1-9149-23b2a00b9f59', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110007', 'booking_confirmed Class', 'FAILED', 1, 'provider_rejected', '400', 'sms', NULL, NULL, NULL, '2026-11-30 16:50:48.027757+00', '2026-12-01 16:50:39.033757+00', '2026-11-30 16:50:39.033757+00', '2026-11-30 16:50:39.04749+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9b4b-7175-8bb3-c36b36bfe6e2', '01a22d5d-9b49-77fe-8a16-7dec8f557a83', 'booking_confirmed:1', 'booking_confirmed', 'sms', 'ar', '+966551110007', 'booking_confirmed Class', 'FAILED', 1, 'provider_rejected', '400', 'sms', NULL, '2026-11-30 16:50:39.064813+00', 'staff:boss', '2026-11-30 16:50:48.047453+00', '2026-12-01 16:50:39.049453+00', '2026-11-30 16:50:39.049453+00', '2026-11-30 16:50:39.064813+00');
INSERT INTO public.notifications VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5e-148f-75fb-9c94-fe9bf0c7e4ed', '01a22d5d-9cbc-71f7-8f26-350f39add125', 'booking_expired:2', 'booking_expired', 'sms', 'ar', '+966551110007', 'booking_expired Cut', 'SENT', 1, NULL, NULL, 'sms', '8764321', NULL, NULL, '2026-11-30 16:51:23.056763+00', '2026-12-01 16:51:10.078763+00', '2026-11-30 16:51:10.078763+00', '2026-11-30 16:51:10.12609+00');


--
-- Data for Name: opening_hours; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 1, 1, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 2, 2, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 3, 3, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 4, 4, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 5, 5, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 6, 6, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 7, 7, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 1, 1, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 2, 2, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 3, 3, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 4, 4, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 5, 5, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 6, 6, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 7, 7, 0, 1440);
INSERT INTO public.opening_hours VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 1, 1, 1200, 120);
INSERT INTO public.opening_hours VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 2, 2, 1200, 120);
INSERT INTO public.opening_hours VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 3, 3, 1200, 120);
INSERT INTO public.opening_hours VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 4, 4, 1200, 120);
INSERT INTO public.opening_hours VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 5, 5, 1200, 120);
INSERT INTO public.opening_hours VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 6, 6, 1200, 120);
INSERT INTO public.opening_hours VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 7, 7, 1200, 120);


--
-- Data for Name: otp_challenges; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.otp_challenges VALUES ('01a22d5d-9cd8-76bc-bb62-7c6b1549544a', '+966551110007', '44613ed354d7cdefd8c86d8c10098cb7f6de2f936e29cc60a855f568c76eac1e', 'ar', 'sent', 0, '2026-11-30 16:50:39.464833+00', '2026-11-30 16:55:39.464833+00', NULL);


--
-- Data for Name: payment_history; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9224-73be-8c91-d7d9bc416be7', '2026-11-30 16:50:36.716666+00', NULL, 'creating', 'customer', NULL, '01a22d5d-921f-7045-a4c4-b86b84e97333');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9224-73be-8c91-d7d9bc416be7', '2026-11-30 16:50:36.74086+00', 'creating', 'initiated', 'customer', 'invoice made', '01a22d5d-921f-7045-a4c4-b86b84e97333');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9224-73be-8c91-d7d9bc416be7', '2026-11-30 16:50:37.394279+00', 'initiated', 'paid', 'gateway', 'charged', '01a22d5d-94a4-70c1-a2f2-6938340b8211');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9582-7706-88ef-e9c672bf5102', '2026-11-30 16:50:37.575748+00', NULL, 'creating', 'customer', NULL, '01a22d5d-9573-704b-9676-2b4bf62912fa');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9582-7706-88ef-e9c672bf5102', '2026-11-30 16:50:37.594123+00', 'creating', 'initiated', 'customer', 'invoice made', '01a22d5d-9573-704b-9676-2b4bf62912fa');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9582-7706-88ef-e9c672bf5102', '2026-11-30 16:50:38.014112+00', 'initiated', 'paid', 'gateway', 'charged', '01a22d5d-970e-742c-a80d-6497f34b25fb');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9582-7706-88ef-e9c672bf5102', '2026-11-30 16:50:38.06548+00', 'paid', 'partially_refunded', 'staff:boss', 'staff', '01a22d5d-974d-72eb-8a7c-8f7b0cbb73ee');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-979a-77c4-83ee-de7277cd2932', '2026-11-30 16:50:38.107275+00', NULL, 'creating', 'customer', NULL, '01a22d5d-9799-72ec-9e9b-dad926e1e894');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-979a-77c4-83ee-de7277cd2932', '2026-11-30 16:50:38.128341+00', 'creating', 'initiated', 'customer', 'invoice made', '01a22d5d-9799-72ec-9e9b-dad926e1e894');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-979a-77c4-83ee-de7277cd2932', '2026-11-30 16:50:38.395791+00', 'initiated', 'paid', 'gateway', 'charged', '01a22d5d-98a8-72bc-a353-0963929d1ed9');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-979a-77c4-83ee-de7277cd2932', '2026-11-30 16:50:38.45671+00', 'paid', 'refunded', 'customer', NULL, '01a22d5d-98d4-77a5-a59c-367cc8c7dcb2');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cd1-7395-b606-4e0453cf0197', '2026-11-30 16:50:39.442043+00', NULL, 'creating', 'customer', NULL, '01a22d5d-9cd0-720a-ad5f-219d075c4480');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cd1-7395-b606-4e0453cf0197', '2026-11-30 16:50:39.446967+00', 'creating', 'initiated', 'customer', 'invoice made', '01a22d5d-9cd0-720a-ad5f-219d075c4480');
INSERT INTO public.payment_history VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cd1-7395-b606-4e0453cf0197', '2026-11-30 16:51:10.678262+00', 'initiated', 'expired', 'keeper', 'the gateway says so', '01a22d5e-166d-7306-9720-5852ecea9059');


--
-- Data for Name: payments; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.payments VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9224-73be-8c91-d7d9bc416be7', '01a22d5d-91e2-7266-956f-9938161fab5b', 'paid', 12000, 0, 'SAR', 'moyasar', '36f522aa-cdd1-4296-a984-40124af3ea35', 'c8f453fd-51a0-4d3e-a5e6-ad50a1ed4d0e', 'http://127.0.0.1:42305/invoices/36f522aa-cdd1-4296-a984-40124af3ea35', 'https://book.example.com/done', false, '2026-11-30 16:51:03+00', '2026-11-30 17:01:32.688407+00', 0, NULL, '2026-11-30 16:50:36.704496+00', '2026-11-30 16:50:37.405407+00');
INSERT INTO public.payments VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9582-7706-88ef-e9c672bf5102', '01a22d5d-9514-74c8-ad03-a836f7c40039', 'partially_refunded', 12000, 2000, 'SAR', 'moyasar', 'b0e7a61d-9176-40b5-93dd-d605f2c2e84e', '0f094812-13ce-47a7-8809-7611f9d4b823', 'http://127.0.0.1:42305/invoices/b0e7a61d-9176-40b5-93dd-d605f2c2e84e', 'https://book.example.com/done', false, '2026-11-30 16:51:04+00', '2026-11-30 17:01:58.149589+00', 0, NULL, '2026-11-30 16:50:37.567012+00', '2026-11-30 16:50:38.066589+00');
INSERT INTO public.payments VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-979a-77c4-83ee-de7277cd2932', '01a22d5d-9777-71a1-80cb-582d5ec00194', 'refunded', 12000, 12000, 'SAR', 'moyasar', 'a88bacd9-795f-4ebe-8c9a-66572a270d64', 'b653c976-de24-4c53-ae9c-8047e2435657', 'http://127.0.0.1:42305/invoices/a88bacd9-795f-4ebe-8c9a-66572a270d64', 'https://book.example.com/done', false, '2026-11-30 16:51:05+00', '2026-11-30 17:01:37.479161+00', 0, NULL, '2026-11-30 16:50:38.106458+00', '2026-11-30 16:50:38.455161+00');
INSERT INTO public.payments VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9cd1-7395-b606-4e0453cf0197', '01a22d5d-9cbc-71f7-8f26-350f39add125', 'expired', 12000, 0, 'SAR', 'moyasar', '3c361a75-4948-44db-bf7d-5a03ef827b70', NULL, 'http://127.0.0.1:42305/invoices/3c361a75-4948-44db-bf7d-5a03ef827b70', 'https://book.example.com/done', false, '2026-11-30 16:51:06+00', '2026-11-30 17:01:15.075671+00', 4, NULL, '2026-11-30 16:50:39.440542+00', '2026-11-30 16:51:10.657671+00');


--
-- Data for Name: rate_limits; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.rate_limits VALUES ('otp-address:29d5c7f51633ffc7d19eb97d19fd66a1c2664b5ce8a2c461c24ed032f4e0ed9b', '2026-11-30 16:50:39.463051+00', '2026-11-30 17:50:39.463051+00', 1);
INSERT INTO public.rate_limits VALUES ('otp-phone:48e371b0f9b91853309c137a22ae2f780e555f30ac366e6b10964e680fdbd754', '2026-11-30 16:50:39.463051+00', '2026-11-30 17:50:39.463051+00', 1);
INSERT INTO public.rate_limits VALUES ('otp-total', '2026-11-30 16:50:39.463051+00', '2026-11-30 17:50:39.463051+00', 1);


--
-- Data for Name: refunds; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.refunds VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-9766-761c-bcad-697864787c71', '01a22d5d-9582-7706-88ef-e9c672bf5102', '0f094812-13ce-47a7-8809-7611f9d4b823', 2000, 0, 'done', false, false, false, 'staff:boss', 'staff', NULL, '01a22d5d-974d-72eb-8a7c-8f7b0cbb73ee', NULL, 1, '2026-11-30 16:50:38.04167+00', '2026-11-30 16:50:38.063804+00', NULL);
INSERT INTO public.refunds VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-98ee-72e8-8c46-deb272ff912c', '01a22d5d-979a-77c4-83ee-de7277cd2932', 'b653c976-de24-4c53-ae9c-8047e2435657', 12000, 0, 'done', true, true, false, 'customer', NULL, NULL, '01a22d5d-98d4-77a5-a59c-367cc8c7dcb2', NULL, 1, '2026-11-30 16:50:38.438219+00', '2026-11-30 16:50:38.448596+00', NULL);


--
-- Data for Name: resources; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.resources VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86a1-75c5-9858-ef7824bd435a', 'Chair 1', 1, true, '2026-11-30 16:50:33.761117+00');
INSERT INTO public.resources VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90ac-729f-bd23-123ce6508ac5', 'Hall', 10, true, '2026-11-30 16:50:36.332948+00');
INSERT INTO public.resources VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91b0-702f-b349-dc6529e02834', 'Room', 3, true, '2026-11-30 16:50:36.593008+00');


--
-- Data for Name: schema_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.schema_migrations VALUES (1, 'initial', '04c56c93096beb1516a3804e566c30afcd3244cc6532ef1db89bb2fc6bb2c79e', '2026-11-30 16:50:32.257859+00');
INSERT INTO public.schema_migrations VALUES (2, 'payments', 'f92534f1bd64a208e91239ba7585277ad5468400a48a3c4a2a5873b1c49c2f25', '2026-11-30 16:50:32.785163+00');
INSERT INTO public.schema_migrations VALUES (3, 'refund_keys', '8fee62429cd144a8b6d49c602cc2d10afdefbf14760433a82eacbddbcf8c03fd', '2026-11-30 16:50:32.920153+00');


--
-- Data for Name: service_resources; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.service_resources VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86b9-760c-bd95-23a4cc8696f3', '01a22d5d-86a1-75c5-9858-ef7824bd435a');
INSERT INTO public.service_resources VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86cb-7370-b77c-c2857d514ca9', '01a22d5d-86a1-75c5-9858-ef7824bd435a');
INSERT INTO public.service_resources VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90b2-7574-8913-5c83a65f076f', '01a22d5d-90ac-729f-bd23-123ce6508ac5');
INSERT INTO public.service_resources VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90b7-7790-abb8-ff0f323445ce', '01a22d5d-86a1-75c5-9858-ef7824bd435a');
INSERT INTO public.service_resources VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91c5-7269-8b70-d980371c98a7', '01a22d5d-91b0-702f-b349-dc6529e02834');


--
-- Data for Name: services; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.services VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86b9-760c-bd95-23a4cc8696f3', 'Cut', 60, NULL, 0, 0, 5000, 'none', 0, 90, 0, true, '2026-11-30 16:50:33.787124+00');
INSERT INTO public.services VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-86cb-7370-b77c-c2857d514ca9', 'Cut', 60, NULL, 0, 0, 12000, 'online', 0, 90, 60, true, '2026-11-30 16:50:33.803905+00');
INSERT INTO public.services VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90b2-7574-8913-5c83a65f076f', 'Class', 90, 30, 0, 15, 0, 'none', 0, 90, 0, true, '2026-11-30 16:50:36.340299+00');
INSERT INTO public.services VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', '01a22d5d-90b7-7790-abb8-ff0f323445ce', 'Colour', 120, NULL, 10, 0, 30000, 'on_site', 0, 90, 1440, true, '2026-11-30 16:50:36.343659+00');
INSERT INTO public.services VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', '01a22d5d-91c5-7269-8b70-d980371c98a7', 'Night', 60, NULL, 0, 0, 0, 'none', 0, 90, 0, true, '2026-11-30 16:50:36.614327+00');


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sessions VALUES ('0f1ebcb1f263da831c74acd308227ddc458bdfaaccfe1e760c45802d0af81e3d', '66be81dc-97e5-4faa-a3e5-a1b092c11cff', '2026-11-30 16:50:34.075348+00', '2046-12-01 16:50:34.075348+00');
INSERT INTO public.sessions VALUES ('7bf57cfa1ac5e8c3f8a2a2bd9c1dab8cfca917d9502fc1832f986e5a14d76167', '84ff7ef4-dce4-48c0-b9d5-be3018415777', '2026-11-30 16:50:34.401722+00', '2046-12-01 16:50:34.401722+00');
INSERT INTO public.sessions VALUES ('04359e267528d29206dc488d0ad65d4c0ab537f9ba821d5c3391d29ab719b316', 'da4de822-5d66-4e94-af45-327444644859', '2026-11-30 16:50:34.746652+00', '2046-12-01 16:50:34.746652+00');
INSERT INTO public.sessions VALUES ('31a8f35caa48035f2cdbff9ccbb77eedd3c78b46e6570007e990b331cfd46012', 'a1766ba0-4c22-4d28-93eb-d022d22de126', '2026-11-30 16:50:35.059261+00', '2046-12-01 16:50:35.059261+00');
INSERT INTO public.sessions VALUES ('237d5f0fbab90ce1c8d5fb0faa981ef7f8aa744a359f293682129945c629b760', '2c0455f3-aec8-40f5-ad41-79c3b9c7cf82', '2026-11-30 16:50:35.375162+00', '2046-12-01 16:50:35.375162+00');
INSERT INTO public.sessions VALUES ('f31f674ecb2fdd0a847e9582550fbdbdba18e9ce71d8c7d2d9b67eebbf374a53', '19d79197-0355-4ce5-9617-d991fcff8409', '2026-11-30 16:50:35.665684+00', '2046-12-01 16:50:35.665684+00');
INSERT INTO public.sessions VALUES ('ec3f4187351a280c3166564146a7150841c940b3fd014f96f12222053701e6d2', '80213ecd-8a78-46b7-845a-72426d9c4dcb', '2026-11-30 16:50:35.999649+00', '2046-12-01 16:50:35.999649+00');
INSERT INTO public.sessions VALUES ('ad1abb99bc7daa1b8e87ab7006c489850061bec527c835ffd6a981e4384645b2', '7d7a2b52-46d5-4d66-8e7d-6e4f165da4d6', '2026-11-30 16:50:36.320942+00', '2046-12-01 16:50:36.320942+00');


--
-- Data for Name: staff_keys; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.staff_keys VALUES ('01a22d5d-851c-76ac-a939-334c408749a5', 'boss', '73daccc1fea4a508ba3b67d7bb7fcbcdda20ac7fffd618be179bfc88e0fe3495', 'admin', NULL, '2026-11-30 16:50:33.381668+00', NULL);


--
-- Data for Name: venues; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.venues VALUES ('01a22d5d-8578-725a-9448-0f170e0728e6', 'Palm', 'Asia/Riyadh', 'SAR', true, '2026-11-30 16:50:33.757669+00');
INSERT INTO public.venues VALUES ('01a22d5d-90bd-72b9-a31c-367e657b087e', 'Dunes', 'Europe/Paris', 'EUR', true, '2026-11-30 16:50:36.591486+00');


--
-- Data for Name: webhook_events; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.webhook_events VALUES ('moyasar', '10e4bf63-f563-47a8-833d-5b1737708df8', 'payment_paid', '01a22d5d-9224-73be-8c91-d7d9bc416be7', 'applied', '2026-11-30 16:50:37.453874+00');
INSERT INTO public.webhook_events VALUES ('moyasar', 'f25c74ed-304e-4216-9b08-d414351f139b', 'payment_paid', '01a22d5d-9582-7706-88ef-e9c672bf5102', 'applied', '2026-11-30 16:50:38.045684+00');
INSERT INTO public.webhook_events VALUES ('moyasar', 'ba8f2f3e-841f-4013-bd19-0c0bc60157b6', 'payment_refunded', '01a22d5d-9582-7706-88ef-e9c672bf5102', 'applied', '2026-11-30 16:50:38.078416+00');
INSERT INTO public.webhook_events VALUES ('moyasar', '845f9f55-983b-4730-a924-0389cfbfe18a', 'payment_paid', '01a22d5d-979a-77c4-83ee-de7277cd2932', 'applied', '2026-11-30 16:50:38.427236+00');
INSERT INTO public.webhook_events VALUES ('moyasar', 'd29cff26-8128-448d-b401-61e48b6af10b', 'payment_refunded', '01a22d5d-979a-77c4-83ee-de7277cd2932', 'applied', '2026-11-30 16:50:38.475549+00');


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);


--
-- Name: booking_history booking_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_history
    ADD CONSTRAINT booking_history_pkey PRIMARY KEY (venue_id, booking_id, version);


--
-- Name: booking_units booking_units_no_overlap; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_units
    ADD CONSTRAINT booking_units_no_overlap EXCLUDE USING gist (venue_id WITH =, resource_id WITH =, unit WITH =, occupied WITH &&);


--
-- Name: booking_units booking_units_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_units
    ADD CONSTRAINT booking_units_pkey PRIMARY KEY (venue_id, booking_id, unit);


--
-- Name: bookings bookings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_pkey PRIMARY KEY (venue_id, id);


--
-- Name: closures closures_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.closures
    ADD CONSTRAINT closures_pkey PRIMARY KEY (venue_id, id);


--
-- Name: customers customers_phone_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_phone_key UNIQUE (phone);


--
-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, key);


--
-- Name: notifications notifications_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (venue_id, id);


--
-- Name: notifications notifications_venue_id_booking_id_event_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_venue_id_booking_id_event_key UNIQUE (venue_id, booking_id, event);


--
-- Name: opening_hours opening_hours_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.opening_hours
    ADD CONSTRAINT opening_hours_pkey PRIMARY KEY (venue_id, resource_id, "position");


--
-- Name: otp_challenges otp_challenges_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.otp_challenges
    ADD CONSTRAINT otp_challenges_pkey PRIMARY KEY (id);


--
-- Name: payments payments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (venue_id, id);


--
-- Name: rate_limits rate_limits_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (subject);


--
-- Name: refunds refunds_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (venue_id, id);


--
-- Name: resources resources_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_pkey PRIMARY KEY (venue_id, id);


--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);


--
-- Name: service_resources service_resources_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.service_resources
    ADD CONSTRAINT service_resources_pkey PRIMARY KEY (venue_id, service_id, resource_id);


--
-- Name: services services_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (venue_id, id);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (token_hash);


--
-- Name: staff_keys staff_keys_key_hash_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.staff_keys
    ADD CONSTRAINT staff_keys_key_hash_key UNIQUE (key_hash);


--
-- Name: staff_keys staff_keys_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.staff_keys
    ADD CONSTRAINT staff_keys_name_key UNIQUE (name);


--
-- Name: staff_keys staff_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.staff_keys
    ADD CONSTRAINT staff_keys_pkey PRIMARY KEY (id);


--
-- Name: venues venues_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.venues
    ADD CONSTRAINT venues_pkey PRIMARY KEY (id);


--
-- Name: webhook_events webhook_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_events
    ADD CONSTRAINT webhook_events_pkey PRIMARY KEY (provider, event_id);


--
-- Name: audit_log_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_newest ON public.audit_log USING btree (at DESC, id DESC);


--
-- Name: audit_log_venue; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_log_venue ON public.audit_log USING btree (venue_id, at DESC, id DESC);


--
-- Name: bookings_calendar; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_calendar ON public.bookings USING btree (venue_id, starts_at, id);


--
-- Name: bookings_customer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_customer ON public.bookings USING btree (customer_id, starts_at DESC, id DESC);


--
-- Name: bookings_holds; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bookings_holds ON public.bookings USING btree (hold_expires_at) WHERE (status = 'pending_payment'::text);


--
-- Name: bookings_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX bookings_id ON public.bookings USING btree (id);


--
-- Name: closures_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX closures_id ON public.closures USING btree (id);


--
-- Name: closures_time; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX closures_time ON public.closures USING gist (venue_id, tstzrange(starts_at, ends_at));


--
-- Name: idempotency_keys_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_created ON public.idempotency_keys USING btree (created_at);


--
-- Name: idempotency_keys_customer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_customer ON public.idempotency_keys USING btree (customer_id) WHERE (customer_id IS NOT NULL);


--
-- Name: notifications_failed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notifications_failed ON public.notifications USING btree (created_at, id) WHERE (status = 'FAILED'::text);


--
-- Name: notifications_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX notifications_id ON public.notifications USING btree (id);


--
-- Name: notifications_newest; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notifications_newest ON public.notifications USING btree (created_at DESC, id DESC);


--
-- Name: notifications_pending; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX notifications_pending ON public.notifications USING btree (send_by) WHERE (status = 'PENDING'::text);


--
-- Name: opening_hours_resource; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX opening_hours_resource ON public.opening_hours USING btree (resource_id);


--
-- Name: otp_challenges_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX otp_challenges_created ON public.otp_challenges USING btree (created_at);


--
-- Name: otp_challenges_phone; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX otp_challenges_phone ON public.otp_challenges USING btree (phone, created_at);


--
-- Name: payment_history_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payment_history_payment ON public.payment_history USING btree (payment_id, at);


--
-- Name: payments_booking; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_booking ON public.payments USING btree (booking_id, created_at);


--
-- Name: payments_charge; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_charge ON public.payments USING btree (charge_id);


--
-- Name: payments_check; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_check ON public.payments USING btree (next_check_at) WHERE (next_check_at IS NOT NULL);


--
-- Name: payments_gateway; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_gateway ON public.payments USING btree (gateway_id);


--
-- Name: payments_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX payments_id ON public.payments USING btree (id);


--
-- Name: payments_one_open; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX payments_one_open ON public.payments USING btree (venue_id, booking_id) WHERE (status = ANY (ARRAY['creating'::text, 'initiated'::text, 'unknown'::text]));


--
-- Name: payments_one_paid; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX payments_one_paid ON public.payments USING btree (venue_id, booking_id) WHERE ((status = ANY (ARRAY['paid'::text, 'partially_refunded'::text])) AND (NOT surplus));


--
-- Name: rate_limits_end; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX rate_limits_end ON public.rate_limits USING btree (window_end);


--
-- Name: refunds_check; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_check ON public.refunds USING btree (next_check_at) WHERE (next_check_at IS NOT NULL);


--
-- Name: refunds_one_in_flight; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX refunds_one_in_flight ON public.refunds USING btree (venue_id, payment_id) WHERE (status = ANY (ARRAY['calling'::text, 'unknown'::text]));


--
-- Name: refunds_one_surplus; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX refunds_one_surplus ON public.refunds USING btree (venue_id, charge_id) WHERE (surplus AND (status <> 'failed'::text));


--
-- Name: refunds_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_payment ON public.refunds USING btree (payment_id);


--
-- Name: refunds_request; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_request ON public.refunds USING btree (payment_id, request_key) WHERE (request_key IS NOT NULL);


--
-- Name: resources_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX resources_id ON public.resources USING btree (id);


--
-- Name: service_resources_service; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX service_resources_service ON public.service_resources USING btree (service_id);


--
-- Name: services_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX services_id ON public.services USING btree (id);


--
-- Name: sessions_customer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_customer ON public.sessions USING btree (customer_id);


--
-- Name: sessions_expiry; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);


--
-- Name: webhook_events_received; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhook_events_received ON public.webhook_events USING btree (received_at);


--
-- Name: booking_history booking_history_venue_id_booking_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_history
    ADD CONSTRAINT booking_history_venue_id_booking_id_fkey FOREIGN KEY (venue_id, booking_id) REFERENCES public.bookings(venue_id, id) ON DELETE CASCADE;


--
-- Name: booking_units booking_units_venue_id_booking_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.booking_units
    ADD CONSTRAINT booking_units_venue_id_booking_id_fkey FOREIGN KEY (venue_id, booking_id) REFERENCES public.bookings(venue_id, id) ON DELETE CASCADE;


--
-- Name: bookings bookings_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);


--
-- Name: bookings bookings_venue_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES public.venues(id);


--
-- Name: bookings bookings_venue_id_resource_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_venue_id_resource_id_fkey FOREIGN KEY (venue_id, resource_id) REFERENCES public.resources(venue_id, id);


--
-- Name: bookings bookings_venue_id_service_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bookings
    ADD CONSTRAINT bookings_venue_id_service_id_fkey FOREIGN KEY (venue_id, service_id) REFERENCES public.services(venue_id, id);


--
-- Name: closures closures_venue_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.closures
    ADD CONSTRAINT closures_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES public.venues(id);


--
-- Name: closures closures_venue_id_resource_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.closures
    ADD CONSTRAINT closures_venue_id_resource_id_fkey FOREIGN KEY (venue_id, resource_id) REFERENCES public.resources(venue_id, id) ON DELETE CASCADE;


--
-- Name: notifications notifications_venue_id_booking_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_venue_id_booking_id_fkey FOREIGN KEY (venue_id, booking_id) REFERENCES public.bookings(venue_id, id) ON DELETE CASCADE;


--
-- Name: opening_hours opening_hours_venue_id_resource_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.opening_hours
    ADD CONSTRAINT opening_hours_venue_id_resource_id_fkey FOREIGN KEY (venue_id, resource_id) REFERENCES public.resources(venue_id, id) ON DELETE CASCADE;


--
-- Name: payment_history payment_history_venue_id_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment_history
    ADD CONSTRAINT payment_history_venue_id_payment_id_fkey FOREIGN KEY (venue_id, payment_id) REFERENCES public.payments(venue_id, id) ON DELETE CASCADE;


--
-- Name: payments payments_venue_id_booking_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_venue_id_booking_id_fkey FOREIGN KEY (venue_id, booking_id) REFERENCES public.bookings(venue_id, id);


--
-- Name: refunds refunds_venue_id_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_venue_id_payment_id_fkey FOREIGN KEY (venue_id, payment_id) REFERENCES public.payments(venue_id, id);


--
-- Name: resources resources_venue_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.resources
    ADD CONSTRAINT resources_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES public.venues(id);


--
-- Name: service_resources service_resources_venue_id_resource_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.service_resources
    ADD CONSTRAINT service_resources_venue_id_resource_id_fkey FOREIGN KEY (venue_id, resource_id) REFERENCES public.resources(venue_id, id) ON DELETE CASCADE;


--
-- Name: service_resources service_resources_venue_id_service_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.service_resources
    ADD CONSTRAINT service_resources_venue_id_service_id_fkey FOREIGN KEY (venue_id, service_id) REFERENCES public.services(venue_id, id) ON DELETE CASCADE;


--
-- Name: services services_venue_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES public.venues(id);


--
-- Name: sessions sessions_customer_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);


--
-- Name: staff_keys staff_keys_venue_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.staff_keys
    ADD CONSTRAINT staff_keys_venue_id_fkey FOREIGN KEY (venue_id) REFERENCES public.venues(id);


--
-- PostgreSQL database dump complete
--


