# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Load for tests of couriers, and the comparison of notifications with what the phones got."""
import argparse
import collections
import threading
import time

import bd

PENDING = "SELECT count(*) FROM notifications WHERE status = 'PENDING'"
ROWS = (
    "SELECT booking_id, status, coalesce(error_code, ''), attempts, recipient, body FROM "
    "notifications ORDER BY queued_at, id"
)
# Said of a request whose outcome is found out by asking again with its key.
AGAIN = {"database_unavailable", "commit_unknown", "interrupted", "idempotency_in_flight"}


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def ms(values, share):
    return 1000 * percentile(values, share)


class Client(threading.Thread):
    """Books at its share of the rate; with `changes` every second booking is moved and every third
    is cancelled at once. Each start is used once, so that each text is of one notification.
    """

    def __init__(self, load, n):
        super().__init__(daemon=True)
        self.load, self.shop, self.n, self.hour = load, load.shop, n, n * 900
        self.token = self.shop.customer("+96655%07d" % n)
        # Bookings of one resource wait for each other's commit.
        chair = self.shop.resource("Chair of client %d" % n)
        self.service = self.shop.make_service(resource_ids=[chair], max_advance_days=700)
        self.changed, self.odd, self.took, self.keys = 0, [], [], 0

    def ask(self, c, path, body, good):
        """Until its outcome is known, which takes a while when the database is away."""
        self.keys += 1
        fields = {
            "Authorization": "Bearer " + self.token,
            "Idempotency-Key": "%d-%d" % (self.n, self.keys),
        }
        end = time.monotonic() + 60
        while True:
            r = c.post(path, body, fields)
            if r.status == good:
                self.changed += 1
                return r.json()["id"]
            if r.status < 400 or r.code not in AGAIN or time.monotonic() > end:
                self.odd.append("%s: %r" % (path, r))
                return None
            time.sleep(0.02)

    def start_at(self):
        self.hour += 1
        return self.shop.at(self.hour)

    def step(self, c):
        begun = time.monotonic()
        body = {"service_id": self.service, "starts_at": self.start_at()}
        b = self.ask(c, "/v1/bookings", body, 201)
        self.took.append(time.monotonic() - begun)
        if b and self.load.changes and self.hour % 2:
            moved = {"starts_at": self.start_at()}
            self.ask(c, "/v1/bookings/%s/reschedule" % b, moved, 200)
        if b and self.load.changes and self.hour % 3 == 0:
            self.ask(c, "/v1/bookings/%s/cancel" % b, {}, 200)

    def run(self):
        due = time.monotonic()
        with self.shop.daemon.client(60) as c:
            while not self.load.ending.is_set():
                due += self.load.every
                time.sleep(max(0.0, due - time.monotonic()))
                self.step(c)


class Load:
    """Clients that book together at a rate while the block of `with` runs."""

    def __init__(self, shop, rate, clients, changes=False):
        self.shop, self.changes, self.every = shop, changes, clients / rate
        self.ending = threading.Event()
        self.clients = [Client(self, n) for n in range(clients)]
        self.changed, self.took = 0, []

    def __enter__(self):
        for c in self.clients:
            c.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        for c in self.clients:
            c.join()
        self.changed = sum(c.changed for c in self.clients)
        self.took = sum((c.took for c in self.clients), [])
        self.odd = sum((c.odd for c in self.clients), [])


def read(session):
    """The notifications in the order of their making."""
    out = []
    for line in session.ask(ROWS):
        booking, status, code, attempts, to, body = line.split("\t")
        out.append(
            argparse.Namespace(
                booking=booking,
                status=status,
                code=code,
                attempts=int(attempts),
                text=(to, body),
            )
        )
    return out


def compare(rows, inbox):
    """How rows and messages differ, as {what: how many}; 0 of each is right. What a row that is not
    SENT says in doubt (`interrupted`, say) may have arrived once.
    """
    got = collections.Counter((m["to"], m["text"]) for m in inbox)
    written = collections.Counter()
    for r in rows:
        written[r.text] += max(1, r.attempts)  # staff's resends and `on_unknown: resend` count
    sent = collections.Counter(r.text for r in rows if r.status == "SENT")
    at = {(m["to"], m["text"]): m["number"] for m in inbox}
    last, disorder = {}, 0
    for r in rows:
        if r.text in at:
            disorder += at[r.text] < last.get(r.booking, 0)
            last[r.booking] = at[r.text]
    return {
        "twice": sum(max(0, n - written[t]) for t, n in got.items() if written[t]),
        "of no row": sum(n for t, n in got.items() if not written[t]),  # codes, say
        "SENT and not arrived": sum(max(0, n - got[t]) for t, n in sent.items()),
        "out of order": disorder,
        "PENDING": sum(r.status == "PENDING" for r in rows),
    }


def settle(session, limit=60):
    """Waits until no row is PENDING; returns the seconds."""
    begun = time.monotonic()
    bd.wait_until(lambda: session.ask(PENDING) == ["0"], "no PENDING row", limit / bd.PATIENCE, 0.1)
    return time.monotonic() - begun


def statuses(rows):
    counts = collections.Counter("%s %s" % (r.status, r.code) for r in rows)
    return ", ".join("%s: %d" % (s.strip(), n) for s, n in sorted(counts.items()))
