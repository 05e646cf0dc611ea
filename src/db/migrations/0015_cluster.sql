-- SPDX-License-Identifier: Apache-2.0
-- Copyright the bookingd authors
--
-- What nodes on one database do together: they count for the gauges once for all, tell each other
-- that they are alive, and notice when their secrets differ.
-- phase: expand
-- works from: 13

-- Two parts: what is owed ("debt"), and what has ended and only grows ("ends"). The node that finds
-- a part due counts it; all read what it found.
-- due_at: when it is counted again. Whoever counts puts it off first, so that a count that fails is
-- not tried by all nodes at once.
-- figures: rows of {kind, status, template, code, acknowledged, n, since}.
CREATE TABLE gauges (
    part        text PRIMARY KEY CHECK (part IN ('debt', 'ends')),
    due_at      timestamptz NOT NULL DEFAULT '-infinity',
    counted_at  timestamptz,                                -- NULL: never
    figures     jsonb NOT NULL DEFAULT '[]'
);
INSERT INTO gauges (part) VALUES ('debt'), ('ends');

-- Each monitor refreshes its own row; who has not until gone_at is gone.
-- providers: SHA-256 of the names of its providers, which all nodes should have in common.
CREATE TABLE nodes (
    host        text NOT NULL,
    pid         integer NOT NULL,                           -- of its master
    version     text NOT NULL,
    providers   text NOT NULL,
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    gone_at     timestamptz NOT NULL,
    PRIMARY KEY (host, pid)
);

-- HMAC-SHA256 of a fixed text with otp.secret, which has 32 bytes or more: of the first node that
-- ever started. A node with another secret does not start (src/svc/nodes.c).
CREATE TABLE node_secret (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    digest      text NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT now()
);
