-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- Money of 0.2: lists of payments, deposits, money that is taken on site, refunds that are asked
-- for until they are done, and money that the gateway's own desk gave back.

-- Staff list payments by time: of one venue or all, of one status or any. Each way has its index,
-- so that a page costs what it shows, however many rows others have.
CREATE INDEX payments_venue_newest ON payments (venue_id, created_at DESC, id DESC);
CREATE INDEX payments_status_newest ON payments (status, created_at DESC, id DESC);
CREATE INDEX payments_venue_status ON payments (venue_id, status, created_at DESC, id DESC);

-- A deposit is what of a price is paid online, per person or as a part of the whole; the rest is
-- due on site. Both NULL: all is paid online.
ALTER TABLE services
    ADD COLUMN deposit_amount  bigint CHECK (deposit_amount > 0),
    ADD COLUMN deposit_percent integer CHECK (deposit_percent BETWEEN 1 AND 100),
    ADD CONSTRAINT services_deposit CHECK (deposit_amount IS NULL OR deposit_percent IS NULL);

-- As it was agreed: the part of `amount` that is paid online. NULL: all of it.
ALTER TABLE bookings
    ADD COLUMN deposit bigint CHECK (deposit BETWEEN 0 AND amount);

-- The rest that is due on site beside what this payment is for.
ALTER TABLE payments ADD COLUMN rest bigint NOT NULL DEFAULT 0 CHECK (rest >= 0);

-- What staff were given on site; kept as it was written.
CREATE TABLE site_payments (
    venue_id    uuid NOT NULL,
    id          uuid NOT NULL,
    booking_id  uuid NOT NULL,
    method      text NOT NULL CHECK (method IN ('cash', 'card', 'transfer', 'other')),
    amount      bigint NOT NULL CHECK (amount > 0),
    currency    text NOT NULL,
    actor       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (venue_id, id),
    FOREIGN KEY (venue_id, booking_id) REFERENCES bookings (venue_id, id)
);
CREATE INDEX site_payments_booking ON site_payments (booking_id, created_at, id);

-- When it was first asked for: created_at moves with each call of the gateway.
ALTER TABLE refunds ADD COLUMN asked_at timestamptz NOT NULL DEFAULT now();
UPDATE refunds SET asked_at = created_at;

-- Paid, and its booking is still ahead: the keeper looks from time to time whether the gateway's
-- own desk gave the money back. NULL: not, or not any more.
ALTER TABLE payments ADD COLUMN desk_check_at timestamptz;
UPDATE payments p
   SET desk_check_at = now()
  FROM bookings b
 WHERE b.venue_id = p.venue_id
   AND b.id = p.booking_id
   AND b.ends_at > now()
   AND p.status IN ('paid', 'partially_refunded')
   AND NOT p.surplus;
CREATE INDEX payments_desk ON payments (desk_check_at) WHERE desk_check_at IS NOT NULL;

-- With more of them than it can look at one by one, the keeper reads the gateway's list of changed
-- charges, and this is how far it has come. One row per provider; a process that dies leaves its
-- page to the next one.
CREATE TABLE gateway_desk (
    provider     text PRIMARY KEY,
    since        timestamptz NOT NULL,    -- later changes are asked for; by the gateway's clock
    page         integer NOT NULL DEFAULT 1,
    begun_at     timestamptz NOT NULL,    -- when page 1 was asked for
    newest       timestamptz,             -- the newest change on the pages so far
    next_poll_at timestamptz NOT NULL
);
