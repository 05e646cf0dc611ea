#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Notifications by SMS under faults and kills; a small part is test_notifications.py.

Clients book, move and cancel until there are N notifications (10000), while the SMS provider
changes from fault to fault and workers are killed, K times in all (100), preferably in a call; with
--delivery deferred mostly couriers. Then every change has its one notification, none is PENDING
within a minute, and rows, phones, metrics page and staff list agree. A table is printed at the end.
"""
import argparse
import collections
import contextlib
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_books  # noqa: E402
import bd_courier  # noqa: E402
import bd_shop  # noqa: E402

OPTIONS = argparse.Namespace(notifications=10000, kills=100, seed="1", clients=20, workers=28)
# A fault of the sandbox and what else is in its order; None: it works.
FAULTS = [None] * 8 + [
    ("hang", {}),
    ("headers", {}),
    ("body", {}),
    ("drip", {}),
    ("reset", {}),
    ("reset", {"done": True}),
    ("close", {}),
    ("close", {"done": True}),
    ("garbage", {}),
    ("huge", {}),
    ("redirect", {}),
    ("html", {}),
    ("declined", {}),
    ("status", {"status": 500}),
    ("status", {"status": 429}),
    ("status", {"status": 503, "done": True}),
    ("delay", {"delay_ms": 150}),
    ("shut", {"delay_ms": 100}),
]
# One change of a booking that has a notification of its own.
CHANGES = "SELECT count(*) FROM booking_history WHERE to_status IN ('confirmed', 'cancelled')"


class Client(threading.Thread):
    """Books, moves and cancels until there is enough. Whatever happens to the notification, the
    answer is that of the booking.
    """

    def __init__(self, fire, n):
        super().__init__(daemon=True)
        self.fire, self.shop, self.n = fire, fire.shop, n
        self.token = self.shop.customer("+96655%07d" % n)
        self.answers, self.done, self.odd = collections.Counter(), 0, []

    def ask(self, client, what, path, body, good):
        try:
            r = client.post(path, body, {"Authorization": "Bearer " + self.token})
        except (OSError, EOFError) as e:
            self.odd.append("%s: %r" % (what, e))
            client.close()
            return None
        self.answers["%s %d %s" % (what, r.status, r.code if r.status >= 400 else "")] += 1
        if r.status == good:
            self.done += 1
            return r.json()["id"]
        if (r.status, r.code) not in ((502, "interrupted"), (409, "slot_taken")):
            self.odd.append("%s: %r" % (what, r))
        return None

    def run(self):
        with self.shop.daemon.client() as c:
            hour = self.n * 300
            while not self.fire.ending.is_set():
                hour = self.n * 300 + (hour + 2) % 300
                b = self.ask(
                    c,
                    "book",
                    "/v1/bookings",
                    {"service_id": self.shop.service, "starts_at": self.shop.at(hour)},
                    201,
                )
                if b and not self.fire.ending.is_set():
                    self.ask(
                        c,
                        "move",
                        "/v1/bookings/%s/reschedule" % b,
                        {"starts_at": self.shop.at(hour + 1)},
                        200,
                    )
                if b:
                    self.ask(c, "cancel", "/v1/bookings/%s/cancel" % b, {}, 200)
                else:
                    hour += 2  # the one in doubt keeps its place


class Fire(bd.Case):
    def shots(self, rng, kills, notifications):
        """Changes the provider's ways, and kills when its share of the notifications is there."""
        fired, changed = 0, 0.0
        while True:
            n = int(self.asking.ask(CHANGES)[0])
            if n >= notifications and fired >= kills:
                return
            while fired < kills and n >= (fired + 1) * notifications * 0.9 / kills:
                self.kill(rng)
                fired += 1
            if time.monotonic() > changed:
                self.sandbox.clear()
                fault = rng.choice(FAULTS)
                if fault:
                    self.sandbox.order("taqnyat", fault[0], **fault[1])
                self.seen[fault[0] if fault else "none"] += 1
                changed = time.monotonic() + rng.uniform(0.05, 0.4)
            time.sleep(0.01)

    def kill(self, rng):
        titles = self.shop.daemon.titles()
        workers = sorted(p for p, t in titles.items() if t.startswith("bookingd: worker"))
        busy = [p for p in workers if "executing POST" in titles[p]]
        couriers = sorted(p for p, t in titles.items() if t.startswith("bookingd: courier"))
        if couriers and rng.random() < 0.7:
            workers, busy = couriers, [p for p in couriers if titles[p].endswith("sending")]
        for pid in [rng.choice(busy or workers)] if workers else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed += 1

    def play(self, o):
        rng, begun = random.Random("ledger %s" % o.seed), time.monotonic()
        self.sandbox = bd.Sandbox()
        self.addCleanup(self.sandbox.close)
        self.seen, self.killed, self.ending = collections.Counter(), 0, threading.Event()
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {
                    "workers": o.workers,
                    "request_budget": "1500ms",
                    "queue": 128,
                    "queue_timeout": "1s",
                },
                "bookings": {"max_active_per_customer": 10000},
                "notifications": {"per_phone": "1000000/1h", "per_customer": "1000000/1h"},
                "providers": {
                    "sms": {
                        "base_url": self.sandbox.url,
                        "connect_timeout": "150ms",
                        "timeout": "300ms",
                        "max_concurrent": o.workers,
                        "breaker": {"failures": 40, "open_for": "100ms"},
                    }
                },
            },
        )
        self.shop.service = self.shop.make_service(max_advance_days=700)
        self.asking = self.shop.pg.session()
        self.addCleanup(self.asking.close)
        clients = [Client(self, n) for n in range(o.clients)]
        for c in clients:
            c.start()
        self.shots(rng, o.kills, o.notifications)
        self.ending.set()
        for c in clients:
            c.join()
        ended = time.monotonic()
        self.sandbox.clear()

        def pending():
            return int(
                self.asking.ask("SELECT count(*) FROM notifications WHERE status = 'PENDING'")[0]
            )

        left = pending()
        bd.wait_until(lambda: pending() == 0, "no PENDING notification", 60 / bd.PATIENCE, 0.02)
        settled = time.monotonic() - ended
        self.judge(clients, left, settled, ended - begun)

    def judge(self, clients, left, settled, seconds):
        injected = int(self.asking.ask(CHANGES)[0])
        rows = bd_books.notification_figures(self.shop)
        answers = sum((c.answers for c in clients), collections.Counter())
        outcomes, templates = collections.Counter(), collections.Counter()
        for (template, outcome), n in rows.items():
            outcomes[outcome] += n
            templates[template] += n
        print("%-22s %8s" % ("outcome", "rows"))
        for outcome, n in outcomes.most_common():
            print("%-22s %8d" % (outcome, n))
        differ = bd_courier.compare(bd_courier.read(self.asking), self.sandbox.inbox())
        counted = {
            l["outcome"]: 0
            for n, l, v in self.shop.daemon.metrics()
            if n == "bookingd_notifications_total"
        }
        for name, l, v in self.shop.daemon.metrics():
            if name == "bookingd_notifications_total":
                counted[l["outcome"]] += int(v)
        apart = sum(
            abs(n - counted.get(outcome.lower() if outcome == "SENT" else outcome, 0))
            for outcome, n in outcomes.items()
        )
        print(
            "%d notifications injected (%s), SENT %d + FAILED %d; %d killed; %d orders "
            "of %d faults; %.0f s; PENDING at the end %d, none after %.1f s; "
            "counters of dead processes included: %d apart; "
            "messages: %s"
            % (
                injected,
                ", ".join("%s %d" % t for t in sorted(templates.items())),
                outcomes["SENT"],
                sum(outcomes.values()) - outcomes["SENT"],
                self.killed,
                sum(self.seen.values()),
                len(self.seen),
                seconds,
                left,
                settled,
                apart,
                ", ".join("%s %d" % d for d in differ.items()),
            ),
            flush=True,
        )
        for what, n in sorted(answers.items()):
            print("  %6d  %s" % (n, what))
        self.assertEqual(sum((c.odd for c in clients), [])[:5], [])
        self.assertEqual(outcomes["PENDING"], 0)
        self.assertEqual((differ["twice"], differ["SENT and not arrived"]), (0, 0))
        self.assertEqual(sum(outcomes.values()), injected)
        self.assertLessEqual(sum(c.done for c in clients), injected)
        self.assertEqual(
            self.asking.ask(
                "SELECT count(*) FROM booking_history h WHERE to_status IN ('confirmed', "
                "'cancelled') AND NOT EXISTS"
                " (SELECT FROM notifications n WHERE n.booking_id = h.booking_id AND n.event "
                "LIKE '%:' || h.version)"
            ),
            ["0"],
        )
        self.assertEqual({k: n for k, n in bd_books.wrong(self.asking).items()}, {})
        self.assertLess(settled, 60)
        # Nobody that died is still counted as being in a call.
        self.assertEqual(self.shop.daemon.metric("bookingd_provider_in_flight", provider="sms"), 0)


class Whole(Fire):
    def test_whole(self):
        self.play(OPTIONS)


def main():
    parser = bd_campaign.parser()
    for name in ("notifications", "kills", "clients", "workers"):
        parser.add_argument("--" + name, type=int, default=getattr(OPTIONS, name))
    parser.add_argument("--seed", default=OPTIONS.seed)
    bd_campaign.add_delivery(parser)
    bd_campaign.options(parser, OPTIONS)
    bd_campaign.run(Whole)


if __name__ == "__main__":
    main()
