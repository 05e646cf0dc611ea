-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What staff need to know their customers.

-- blocked_at: neither sign-in nor new bookings (403 customer_blocked); whoever makes sessions looks
-- here. merged_into: the account that took over what this one had; its phone is free again.
ALTER TABLE customers
    ADD COLUMN blocked_at  timestamptz,
    ADD COLUMN merged_into uuid REFERENCES customers (id),
    ADD COLUMN note        text CHECK (char_length(note) <= 500);   -- of keys for every venue

-- What a venue notes about a customer is the venue's own.
CREATE TABLE customer_notes (
    venue_id    uuid NOT NULL REFERENCES venues (id),
    customer_id uuid NOT NULL REFERENCES customers (id),
    note        text NOT NULL CHECK (char_length(note) <= 500),
    PRIMARY KEY (venue_id, customer_id)
);
CREATE INDEX customer_notes_customer ON customer_notes (customer_id);

-- Searches by the beginning of a phone or a name.
CREATE INDEX customers_phone_prefix ON customers (phone text_pattern_ops);
CREATE INDEX customers_name_prefix ON customers (lower(name) text_pattern_ops);
CREATE INDEX customers_newest ON customers (created_at DESC, id DESC);
CREATE INDEX bookings_guest_prefix ON bookings (lower(guest_name) text_pattern_ops)
    WHERE guest_name IS NOT NULL;
CREATE INDEX payments_newest ON payments (created_at DESC, id DESC);

-- The id that the program gave the request; request_id may be the caller's choice.
ALTER TABLE audit_log ADD COLUMN own_request_id text;
