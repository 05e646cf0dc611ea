-- Payments through a gateway's hosted invoices. A row is committed before the gateway is called; what the gateway
-- did with it is learnt only by asking the gateway ("settle"), whoever gave the hint.

-- One attempt to be paid for a booking: one invoice at the gateway.
--   creating -> initiated -> paid | failed | expired
--   creating, initiated -> unknown -> any of them
--   paid -> partially_refunded -> refunded
CREATE TABLE payments (
    venue_id           uuid NOT NULL,
    id                 uuid NOT NULL,
    booking_id         uuid NOT NULL,
    status             text NOT NULL CHECK (status IN ('creating', 'initiated', 'unknown', 'paid', 'failed', 'expired',
                                                       'refunded', 'partially_refunded')),
    amount             bigint NOT NULL CHECK (amount > 0),
    refunded_amount    bigint NOT NULL DEFAULT 0 CHECK (refunded_amount BETWEEN 0 AND amount),
    currency           text NOT NULL,
    provider           text NOT NULL,                       -- its name in the configuration
    gateway_id         text,                                -- the invoice
    charge_id          text,                                -- the gateway's payment that paid it
    redirect_url       text,
    return_url         text NOT NULL,
    surplus            boolean NOT NULL DEFAULT false,      -- paid when the slot was gone: stands for no booking, is refunded
    invoice_expires_at timestamptz NOT NULL,
    -- The keeper asks again at next_check_at, ever less often; NULL: nothing is left to ask.
    next_check_at      timestamptz,
    checks             integer NOT NULL DEFAULT 0,
    fault              text,                                -- why the keeper could not settle it the last time
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id),
    FOREIGN KEY (venue_id, booking_id) REFERENCES bookings (venue_id, id)
);
CREATE UNIQUE INDEX payments_id ON payments (id);
CREATE UNIQUE INDEX payments_one_open ON payments (venue_id, booking_id) WHERE status IN ('creating', 'initiated', 'unknown');
CREATE UNIQUE INDEX payments_one_paid ON payments (venue_id, booking_id) WHERE status IN ('paid', 'partially_refunded') AND NOT surplus;
CREATE INDEX payments_booking ON payments (booking_id, created_at);
CREATE INDEX payments_gateway ON payments (gateway_id);
CREATE INDEX payments_charge ON payments (charge_id);
CREATE INDEX payments_check ON payments (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE payment_history (
    venue_id    uuid NOT NULL,
    payment_id  uuid NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    from_status text,
    to_status   text NOT NULL,
    actor       text NOT NULL,                              -- customer, staff:NAME, keeper, gateway
    reason      text,
    request_id  text,
    FOREIGN KEY (venue_id, payment_id) REFERENCES payments (venue_id, id) ON DELETE CASCADE
);
CREATE INDEX payment_history_payment ON payment_history (payment_id, at);

-- A refund is written before the gateway is asked. The gateway has no idempotency and gives refunds no id: what
-- happened is told by its running total, read before and after, so one refund at a time may be in flight.
CREATE TABLE refunds (
    venue_id        uuid NOT NULL,
    id              uuid NOT NULL,
    payment_id      uuid NOT NULL,
    charge_id       text NOT NULL,
    amount          bigint NOT NULL CHECK (amount > 0),
    refunded_before bigint NOT NULL,                        -- the gateway's total before the call
    status          text NOT NULL CHECK (status IN ('wanted', 'calling', 'unknown', 'done', 'failed')),
    whole           boolean NOT NULL,                       -- all that is left, whatever it is by then
    cancels_booking boolean NOT NULL DEFAULT false,         -- the booking is cancelled when it is done
    surplus         boolean NOT NULL DEFAULT false,         -- wanted by the keeper: a charge that no booking stands for
    actor           text NOT NULL,
    reason          text,
    fault           text,
    request_id      text,
    next_check_at   timestamptz,
    checks          integer NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id),
    FOREIGN KEY (venue_id, payment_id) REFERENCES payments (venue_id, id)
);
CREATE UNIQUE INDEX refunds_one_in_flight ON refunds (venue_id, payment_id) WHERE status IN ('calling', 'unknown');
CREATE UNIQUE INDEX refunds_one_surplus ON refunds (venue_id, charge_id) WHERE surplus AND status <> 'failed';
CREATE INDEX refunds_check ON refunds (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX refunds_payment ON refunds (payment_id);

-- Events of the gateway, each taken once.
CREATE TABLE webhook_events (
    provider    text NOT NULL,
    event_id    text NOT NULL,
    kind        text NOT NULL,
    payment_id  uuid,                                       -- ours, when it is
    outcome     text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (provider, event_id)
);
CREATE INDEX webhook_events_received ON webhook_events (received_at);
