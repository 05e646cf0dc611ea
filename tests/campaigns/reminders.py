#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Bookings moved, cancelled and restored around their reminders; 60 are test_reminders.py.

N bookings get reminders by two leads within SECONDS. The clock is compressed: a start is put where
its reminder falls due soon. Around that moment most are moved (by staff, forced), moved back,
cancelled, or cancelled and restored (which only SQL can). What the phones got is then compared with
what each booking was at which time: no reminder of what no longer stood (wrong), one of each start
that stood when it was due (missing), none twice (double).
"""
import argparse
import collections
import concurrent.futures
import datetime as dt
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_courier  # noqa: E402
import bd_shop  # noqa: E402

OPTIONS = argparse.Namespace(bookings=1000, seconds=120, seed="1")
LEADS = (3600, 3540)  # the second is due a minute after the first
# How long after a change a message may still arrive: its courier had claimed it before.
CALL_S = 1.0
# How long a booking must have stood for the keeper to have seen it: it looks every second, and
# after a look that took long it pauses for 20 times as long.
SEEN_S = 10.0
KINDS = ("left alone", "moved", "moved and back", "cancelled", "restored")
START = (
    "UPDATE bookings SET resource_id = '%s', starts_at = s, ends_at = s + interval '1 hour', "
    "occupied = tstzrange(s, s + interval '1 hour') FROM (SELECT to_timestamp(%d) AS s) x "
    "WHERE id = '%s'"
)


class State:
    """What a booking was, from `since` (known to be so from `sure` on)."""

    def __init__(self, since, sure, start, stands):
        self.since, self.sure, self.start, self.stands = since, sure, start, stands
        self.until = float("inf")  # certainly no longer


class One:
    """A booking and what happens to it."""

    def __init__(self, play, n, booking, kind):
        self.play, self.n, self.id, self.kind = play, n, booking, kind
        self.phone = "+96656%07d" % n
        self.states = []

    def put(self, start):
        """Where the clock would have brought it."""
        self.note(start, True, lambda: self.play.ask(START % (self.play.hall, start, self.id)))

    def note(self, start, stands, act):
        begun = time.time()
        act()
        if self.states:
            self.states[-1].until = time.time()
        self.states.append(State(begun, time.time(), start, stands))

    def move(self, start):
        path = "/v1/staff/bookings/%s/reschedule" % self.id
        at = dt.datetime.fromtimestamp(start, dt.timezone.utc).isoformat().replace("+00:00", "Z")
        body = {"starts_at": at, "force": ["hours", "notice", "horizon", "grid"]}
        self.note(start, True, lambda: self.play.shop.staff("POST", path, body))

    def cancel(self):
        path = "/v1/staff/bookings/%s/cancel" % self.id
        self.note(self.start, False, lambda: self.play.shop.staff("POST", path, {}))

    def restore(self):
        text = "UPDATE bookings SET status = 'confirmed' WHERE id = '%s'" % self.id
        self.note(self.start, True, lambda: self.play.ask(text))

    @property
    def start(self):
        return self.states[-1].start

    def script(self, rng, due):
        """[(when, what)] around the moment that its reminder is due."""
        other = int(due + LEADS[0] + rng.choice((-1, 1)) * 60 * rng.randint(1, 3))
        begin, later = due + rng.uniform(-1.5, 1.5), rng.uniform(0.1, 2)
        first = int(due) + LEADS[0]
        return {
            "left alone": [],
            "moved": [(begin, lambda: self.move(other))],
            "moved and back": [
                (begin, lambda: self.move(other)),
                (begin + later, lambda: self.move(first)),
            ],
            "cancelled": [(begin, self.cancel)],
            "restored": [(begin, self.cancel), (begin + later, self.restore)],
        }[self.kind]

    def stood(self, start, at):
        """Whether a message about that start was right at that time, or so shortly before that its
        courier could not know.
        """
        return any(
            s.stands and s.start == start and s.since <= at and at - CALL_S * bd.SLOWNESS <= s.until
            for s in self.states
        )

    def owed(self):
        """(lead, start) of reminders that must have been sent."""
        for s in self.states:
            for lead in LEADS if s.stands else ():
                # Late by half the lead is too late; nothing here lasts that long.
                begin = max(s.sure, s.start - lead)
                end = min(s.until, s.start - lead / 2, time.time())
                if end - begin > SEEN_S * bd.SLOWNESS:
                    yield lead, s.start


class Campaign(bd.Case):
    def begin(self, o):
        self.box, self.lock = self.sandbox(), threading.Lock()
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 6},
                "bookings": {"max_active_per_customer": 10000},
                "providers": {"sms": {"base_url": self.box.url, "max_concurrent": 6}},
                "notifications": {
                    "delivery": "deferred",
                    "couriers": 4,
                    "poll_interval": "200ms",
                    "reminders": [{"before": "%ds" % s} for s in LEADS],
                    "per_phone": "100000/1h",
                    "per_customer": "100000/1h",
                },
            },
        )
        self.hall = self.shop.resource("Hall", 1000)
        self.shop.service = self.shop.make_service(resource_ids=[self.hall])
        self.asking = self.shop.pg.session()
        self.addCleanup(self.asking.close)

    def ask(self, text):
        with self.lock:
            return self.asking.ask(text)

    def book(self, n):
        """A guest with a phone, far from any reminder."""
        body = {
            "service_id": self.shop.service,
            "starts_at": self.shop.at(48),
            "phone": "+96656%07d" % n,
            "locale": "en",
        }
        return self.shop.staff("POST", "/v1/staff/venues/%s/bookings" % self.shop.venue, body)["id"]

    def reminders(self):
        """Rows as (phone, lead, start, status, text)."""
        lines = self.ask(
            "SELECT recipient, split_part(event, ':', 2), split_part(event, ':', 3), status, body "
            "FROM notifications WHERE template = 'booking_reminder'"
        )
        return [
            (to, int(lead), int(start), status, body)
            for to, lead, start, status, body in (line.split("\t") for line in lines)
        ]

    def missing(self, people):
        have = {
            (to, lead, start) for to, lead, start, status, _ in self.reminders() if status == "SENT"
        }
        return [(p.kind, w) for p in people for w in p.owed() if (p.phone, *w) not in have]

    def act_all(self, script):
        """Each at its time, by several at once so that a slow one delays no other."""
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            done = []
            for at, act in sorted(script, key=lambda s: s[0]):
                time.sleep(max(0.0, at - time.time()))
                done.append(pool.submit(act))
            for d in done:
                d.result()

    def play(self, o):
        self.begin(o)
        rng = random.Random("reminders %s" % o.seed)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            ids = list(pool.map(self.book, range(o.bookings)))
        people = [One(self, n, b, KINDS[n % len(KINDS)]) for n, b in enumerate(ids)]
        begun, script = time.time() + 3 + o.bookings / 100, []
        for p in people:
            due = int(begun + rng.uniform(0, o.seconds))
            p.put(due + LEADS[0])
            script += p.script(rng, due)
        self.act_all(script)
        bd.wait_until(lambda: time.time() > begun + o.seconds, "the last due", o.seconds + 10)
        # Those that stand and are due later are not waited for.
        bd.wait_until(lambda: not self.missing(people), "all reminders", 60 / bd.PATIENCE, 0.3)
        bd_courier.settle(self.asking)
        self.judge(people)

    def judge(self, people):
        rows, missing = self.reminders(), self.missing(people)
        by_text = collections.defaultdict(list)
        for to, lead, start, _, body in rows:
            by_text[to, body].append((lead, start))
        known, wrong, double = {p.phone: p for p in people}, [], []
        got = collections.defaultdict(list)
        for m in self.box.inbox():
            if m["text"].startswith("booking_reminder"):
                at = dt.datetime.fromisoformat(m["at"].replace("Z", "+00:00")).timestamp()
                got[m["to"], m["text"]].append(at)
        for text, times in got.items():
            p, starts = known[text[0]], {start for _, start in by_text[text]}
            wrong += [(p.kind, t) for t in times if not any(p.stood(s, t) for s in starts)]
            double += [p.kind] * max(0, len(times) - len(by_text[text]))
        sent = collections.Counter(r[:3] for r in rows if r[3] == "SENT")
        double += [r for r, n in sent.items() if n > 1]
        print(
            "reminders: %d bookings (%s), %d changes; %d reminders sent, %d dropped as overtaken; "
            "wrong %d, missing %d, double %d"
            % (
                len(people),
                ", ".join("%s %d" % k for k in collections.Counter(p.kind for p in people).items()),
                sum(len(p.states) - 1 for p in people),
                sum(sent.values()),
                sum(r[3] == "FAILED" for r in rows),
                len(wrong),
                len(missing),
                len(double),
            ),
            flush=True,
        )
        self.assertEqual((wrong, missing, double), ([], [], []))


class Whole(Campaign):
    def test_whole(self):
        self.play(OPTIONS)


def main():
    parser = bd_campaign.parser()
    for name in ("bookings", "seconds"):
        parser.add_argument("--" + name, type=int, default=getattr(OPTIONS, name))
    parser.add_argument("--seed", default=OPTIONS.seed)
    bd_campaign.options(parser, OPTIONS)
    bd_campaign.run(Whole)


if __name__ == "__main__":
    main()
