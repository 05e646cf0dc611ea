-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- How far the list of the gateway's changed charges has been read: what its own desk gave back is
-- found there. One row per provider; a process that dies leaves its page to the next one.

CREATE TABLE gateway_desk (
    provider     text PRIMARY KEY,
    since        timestamptz NOT NULL,    -- later changes are asked for; by the gateway's clock
    page         integer NOT NULL DEFAULT 1,
    begun_at     timestamptz NOT NULL,    -- when page 1 was asked for
    newest       timestamptz,             -- the newest change on the pages so far
    next_poll_at timestamptz NOT NULL
);
