#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Deferred notifications, the long figures; a small part is test_courier.py.

  flips     bookings for SECONDS while delivery flips every 2 s and a courier is killed each second
  latency   from the commit to the provider at 50 bookings per second; bookings' own latency with a
            provider of 0 and of 500 ms
  away      the provider takes no connections for SECONDS / 2: order, attempts, doubles
  snapshot  ROWS rows pass while somebody holds an old snapshot: does the queue become slower?
"""
import argparse
import collections
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_shop  # noqa: E402

OPTIONS = argparse.Namespace(seconds=60, rate=100, rows=50000, clients=16, workers=16)
# Rows of bookings of their own, which take no place, due at once.
COPIES = """WITH b AS (
    INSERT INTO bookings SELECT (jsonb_populate_record(o.b, jsonb_build_object(
        'id', gen_random_uuid(), 'status', 'cancelled'))).*
      FROM (SELECT b FROM bookings b WHERE b.status = 'confirmed' LIMIT 1) o,
           generate_series(1, %d)
    RETURNING venue_id, id)
INSERT INTO notifications (venue_id, id, booking_id, event, template, locale, recipient, body,
                           due_at, send_by, expires_at, status)
SELECT b.venue_id, gen_random_uuid(), b.id, 'copy:%d', n.template, n.locale, n.recipient, n.body,
       clock_timestamp(), 'infinity', n.expires_at, 'PENDING'
  FROM b, (SELECT * FROM notifications WHERE event NOT LIKE 'copy:%%' LIMIT 1) n"""
PENDING = "SELECT count(*) FROM notifications WHERE status = 'PENDING'"


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


class Client(threading.Thread):
    """Books at its share of the rate, and keeps how long each answer took."""

    def __init__(self, shop, n, o, ending):
        super().__init__(daemon=True)
        self.shop, self.n, self.ending = shop, n, ending
        self.every = o.clients / o.rate
        self.token = shop.customer("+96655%07d" % n)
        self.booked, self.odd, self.took = [], [], []

    def run(self):
        due, hour = time.monotonic(), self.n * 900
        with self.shop.daemon.client(60) as c:
            while not self.ending.is_set():
                hour += 1
                due += self.every
                time.sleep(max(0.0, due - time.monotonic()))
                begun = time.monotonic()
                r = c.post(
                    "/v1/bookings",
                    {"service_id": self.shop.service, "starts_at": self.shop.at(hour)},
                    {"Authorization": "Bearer " + self.token},
                )
                self.took.append(time.monotonic() - begun)
                (self.booked if r.status == 201 else self.odd).append(r)


class Campaign(bd.Case):
    def shop_with(self, o, sms, **over):
        shop = bd_shop.Shop(
            self,
            bd.merge(
                {
                    "server": {"workers": o.workers},
                    "bookings": {"max_active_per_customer": 10000},
                    "providers": {"sms": {"max_concurrent": o.workers, **sms}},
                    "notifications": {
                        "delivery": "deferred",
                        "couriers": 4,
                        "per_phone": "1000000/1h",
                        "per_customer": "1000000/1h",
                    },
                },
                over,
            ),
        )
        shop.service = shop.make_service(max_advance_days=700)
        self.asking = shop.pg.session()
        self.addCleanup(self.asking.close)
        return shop

    def load(self, o, shop, during, seconds):
        """Clients book for so many seconds while during(second) is called once per second."""
        ending = threading.Event()
        clients = [Client(shop, n, o, ending) for n in range(o.clients)]
        for c in clients:
            c.start()
        begun = time.monotonic()
        for n in range(seconds):
            during(n)
            time.sleep(max(0.0, begun + n + 1 - time.monotonic()))
        ending.set()
        for c in clients:
            c.join()
        self.assertEqual(sum((c.odd for c in clients), [])[:3], [])
        return sum(len(c.booked) for c in clients), sum((c.took for c in clients), [])

    def settle(self, limit=60):
        begun = time.monotonic()
        bd.wait_until(lambda: self.asking.ask(PENDING) == ["0"], "no PENDING row", limit)
        return time.monotonic() - begun

    def doubles(self, sandbox):
        seen = collections.Counter((m["to"], m["text"]) for m in sandbox.inbox())
        return len(seen), sum(n - 1 for n in seen.values())

    def statuses(self):
        lines = self.asking.ask(
            "SELECT status || ' ' || coalesce(error_code, ''), count(*) FROM notifications "
            "GROUP BY 1 ORDER BY 1"
        )
        return ", ".join(x.replace("\t", ": ") for x in lines)

    def play_flips(self, o):
        sandbox = self.sandbox()
        shop = self.shop_with(o, {"base_url": sandbox.url})
        killed = [0]

        def during(n):
            if n % 2 == 0:
                shop.daemon.write_config(
                    {"notifications": {"delivery": "inline" if n % 4 == 0 else "deferred"}}
                )
                shop.daemon.hup()
            for pid in shop.daemon.children("courier")[:1]:
                os.kill(pid, signal.SIGKILL)
                killed[0] += 1

        booked, _ = self.load(o, shop, during, o.seconds)
        settled = self.settle()
        messages, doubles = self.doubles(sandbox)
        print(
            "flips: %d bookings in %d s, %d couriers killed; rows %s; %d messages, %d of them "
            "twice; no PENDING after %.1f s"
            % (booked, o.seconds, killed[0], self.statuses(), messages, doubles, settled),
            flush=True,
        )
        self.assertEqual(doubles, 0)

    def play_latency(self, o):
        o = argparse.Namespace(**{**vars(o), "rate": 50})
        p50 = {}
        for delay in (0, 500):
            sandbox = self.sandbox()
            sandbox.order("taqnyat", "delay", delay_ms=max(delay, 5))
            shop = self.shop_with(o, {"base_url": sandbox.url}, notifications={"couriers": 32})
            booked, took = self.load(o, shop, lambda n: None, o.seconds // 2)
            settled = self.settle()
            p50[delay] = percentile(took, 0.5)
            delays = [
                float(x)
                for x in self.asking.ask(
                    "SELECT extract(epoch FROM updated_at - queued_at) FROM notifications "
                    "WHERE status = 'SENT'"
                )
            ]
            print(
                "latency, provider of %d ms: %d bookings, p50 %.1f ms, p99 %.1f ms; commit to "
                "stored p50 %.1f ms, p99 %.1f ms; no PENDING after %.1f s"
                % (
                    max(delay, 5),
                    booked,
                    1000 * p50[delay],
                    1000 * percentile(took, 0.99),
                    1000 * percentile(delays, 0.5),
                    1000 * percentile(delays, 0.99),
                    settled,
                ),
                flush=True,
            )
            shop.daemon.stop()

    def play_away(self, o):
        sandbox = self.sandbox()
        shop = self.shop_with(
            o, {"base_url": sandbox.url, "breaker": {"failures": 5, "open_for": "1s"}}
        )
        self.assertEqual(shop.book(shop.customer(), 0).status, 201)
        away = max(5, o.seconds // 2)
        sandbox.order("taqnyat", "shut", times=1, delay_ms=away * 1000)
        booked, _ = self.load(o, shop, lambda n: None, away)
        settled = self.settle(120)
        messages, doubles = self.doubles(sandbox)
        attempts = self.asking.ask("SELECT max(attempts), min(attempts) FROM notifications")[0]
        print(
            "away: %d bookings in %d s without a provider; rows %s; attempts max, min %s; %d "
            "messages, %d twice; no PENDING %.1f s later"
            % (
                booked,
                away,
                self.statuses(),
                attempts.replace("\t", ", "),
                messages,
                doubles,
                settled,
            ),
            flush=True,
        )
        self.assertEqual(doubles, 0)

    def play_snapshot(self, o):
        """Rows are copied in portions, so that only the couriers are measured."""
        sms_ok = bd.p_reply(201, bd_shop.sms_ok)
        shop = self.shop_with(o, {})
        shop.sms.default = sms_ok
        r = shop.book(shop.customer(), 1)
        self.assertEqual(r.status, 201)
        self.settle()
        portion = max(1, o.rows // 10)
        figures = []
        with shop.pg.holding(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; "
            "DO $$ BEGIN PERFORM count(*) FROM notifications; END $$"
        ):
            for n in range(10):
                begun = time.monotonic()
                self.asking.ask(COPIES % (portion, n))
                self.settle(600)
                figures.append((time.monotonic() - begun) / portion * 1000)
        print(
            "snapshot: %d rows; ms per row, tenth by tenth: %s"
            % (10 * portion, " ".join("%.2f" % f for f in figures)),
            flush=True,
        )


class Whole(Campaign):
    def test_flips(self):
        self.play_flips(OPTIONS)

    def test_latency(self):
        self.play_latency(OPTIONS)

    def test_away(self):
        self.play_away(OPTIONS)

    def test_snapshot(self):
        self.play_snapshot(OPTIONS)


def main():
    parser = bd_campaign.parser()
    for name in ("seconds", "rate", "rows", "clients", "workers"):
        parser.add_argument("--" + name, type=int, default=getattr(OPTIONS, name))
    bd_campaign.options(parser, OPTIONS)
    bd_campaign.run(Whole)


if __name__ == "__main__":
    main()
