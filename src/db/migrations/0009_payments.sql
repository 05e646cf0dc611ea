-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Payments of 0.2: money of another amount or currency, and what was not understood of a gateway.

-- paid -> mismatch: something was paid, and not what was asked for. Staff accept it (paid) or give
-- it back (refunded); then `amount` becomes what was paid, and `expected` keeps what was asked for.
ALTER TABLE payments
    ADD COLUMN paid_amount       bigint CHECK (paid_amount >= 0),   -- NULL: not understood
    ADD COLUMN paid_currency     text,
    ADD COLUMN expected_amount   bigint,
    ADD COLUMN expected_currency text,
    ADD COLUMN hinted_at         timestamptz,   -- when a hint last made us look
    DROP CONSTRAINT payments_status_check,
    ADD CONSTRAINT payments_status_check CHECK (
        status IN ('creating', 'initiated', 'unknown', 'paid', 'failed', 'expired', 'refunded',
                   'partially_refunded', 'mismatch'));

-- One that waits for staff keeps others of its booking away, as an open one does.
DROP INDEX payments_one_open;
CREATE UNIQUE INDEX payments_one_open ON payments (venue_id, booking_id)
    WHERE status IN ('creating', 'initiated', 'unknown', 'mismatch');

-- Parts of whole answers that were not understood, each value once per payment, for staff to see.
CREATE TABLE payment_oddities (
    venue_id   uuid NOT NULL,
    payment_id uuid NOT NULL,
    thing      text NOT NULL,
    value      text NOT NULL CHECK (char_length(value) <= 200),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, payment_id, thing, value),
    FOREIGN KEY (venue_id, payment_id) REFERENCES payments (venue_id, id)
);
