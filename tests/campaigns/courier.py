#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: pgbouncer
"""Deferred notifications, the long figures; a small part of each is in test_courier.py.

  flips     bookings for SECONDS while delivery flips every 2 s and a courier is killed each second
  latency   from the row to the stored result with a provider of 5 ms; bookings' own latency with a
            provider of 0 and of 500 ms, in turns
  away      the provider takes no connections for SECONDS: order, attempts, doubles
  snapshot  ROWS rows pass in SECONDS while somebody holds an old snapshot, after a fifth without:
            does the queue become slower?
  failover  the primary dies in the middle of SECONDS, its standby is promoted
  hosts     two hosts share the work for SECONDS, one of them is killed in the middle

After each, notifications and messages are compared. --pooler: through PgBouncer in transaction mode
(all parts but failover).
"""
import argparse
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_courier  # noqa: E402
import bd_pair  # noqa: E402
import bd_pooler  # noqa: E402
import bd_shop  # noqa: E402
from bd_courier import ms  # noqa: E402

PARTS = ("flips", "latency", "away", "snapshot", "failover", "hosts")
OPTIONS = argparse.Namespace(
    seconds=60, rate=100, rows=50000, clients=16, workers=16, pooler=False, parts=[]
)
# Rows of bookings of their own, which take no place, due at once.
COPIES = """WITH b AS (
    INSERT INTO bookings SELECT (jsonb_populate_record(o.b, jsonb_build_object(
        'id', gen_random_uuid(), 'status', 'cancelled'))).*
      FROM (SELECT b FROM bookings b WHERE b.id = '%(of)s') o,
           generate_series(1, %(n)d)
    RETURNING venue_id, id)
INSERT INTO notifications (venue_id, id, booking_id, event, template, locale, recipient, body,
                           due_at, send_by, expires_at, status)
SELECT b.venue_id, gen_random_uuid(), b.id, 'copy:%(name)s', n.template, n.locale, n.recipient,
       n.body || ' ' || b.id, clock_timestamp(), 'infinity', n.expires_at, 'PENDING'
  FROM b, (SELECT n.* FROM notifications n JOIN bookings o USING (venue_id)
            WHERE o.id = '%(of)s' AND n.booking_id = o.id) n"""
DELAYS = "SELECT extract(epoch FROM updated_at - queued_at) FROM notifications WHERE "


def spread(values):
    """The middle, and between which values half of them are."""
    return "%.2f (%.2f to %.2f)" % tuple(
        bd_courier.percentile(values, x) for x in (0.5, 0.25, 0.75)
    )


class Campaign(bd.Case):
    def shop_with(self, o, **over):
        self.box = self.sandbox()
        shop = bd_shop.Shop(
            self,
            bd.merge(
                {
                    "server": {"workers": o.workers},
                    "bookings": {"max_active_per_customer": 10000},
                    "providers": {"sms": {"base_url": self.box.url, "max_concurrent": o.workers}},
                    "notifications": {
                        "delivery": "deferred",
                        "couriers": 4,
                        "poll_interval": "100ms",
                        "per_phone": "1000000/1h",
                        "per_customer": "1000000/1h",
                    },
                },
                over,
            ),
        )
        shop.service = shop.make_service(max_advance_days=700)
        if o.pooler:
            bd_pooler.Pooler(self).put_before(shop)
        self.asking = shop.pg.session()
        self.addCleanup(self.asking.close)
        return shop

    def judge(self, name, load, words, doubt=("interrupted",), limit=60):
        """What has to be so after every part. Returns the rows."""
        settled = bd_courier.settle(self.asking, limit)
        rows, inbox = bd_courier.read(self.asking), self.box.inbox()
        differ = bd_courier.compare(rows, inbox)
        print(
            "%s: %s; %d changes, rows %s; %d messages, %s; no PENDING after %.1f s"
            % (
                name,
                words,
                load.changed,
                bd_courier.statuses(rows),
                len(inbox),
                ", ".join("%s %d" % d for d in differ.items()),
                settled,
            ),
            flush=True,
        )
        self.assertEqual(load.odd[:3], [])
        self.assertEqual(len(rows), load.changed)
        self.assertEqual({k: n for k, n in differ.items() if n}, {})
        self.assertEqual({r.code for r in rows if r.status == "FAILED"} - set(doubt), set())
        return rows

    def play_flips(self, o):
        shop, killed = self.shop_with(o), 0
        with bd_courier.Load(shop, o.rate, o.clients) as load:
            for n in range(o.seconds):
                begun = time.monotonic()
                if n % 2 == 0:
                    delivery = "inline" if n % 4 == 0 else "deferred"
                    shop.daemon.write_config({"notifications": {"delivery": delivery}})
                    shop.daemon.hup()
                for pid in shop.daemon.children("courier")[:1]:
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                time.sleep(max(0.0, begun + 1 - time.monotonic()))
        self.judge("flips", load, "%d s, %d couriers killed" % (o.seconds, killed))

    def play_latency(self, o):
        """Rounds of three parts, so that all parts meet the same machine."""
        # Half a second for each of 50 per second needs 25 places, which are 3/4 of the provider's.
        o = argparse.Namespace(**{**vars(o), "rate": min(o.rate, 50), "workers": 40})
        shop = self.shop_with(o, notifications={"couriers": 30})
        rounds = max(1, o.seconds // 15)
        took, delays, ratios = {0: [], 5: [], 500: []}, [], []
        loads = []
        for _ in range(rounds):
            middles = {}
            for delay, some in took.items():
                self.box.clear()
                if delay:
                    self.box.order("taqnyat", "delay", delay_ms=delay)
                ((since,),) = shop.pg.sql("SELECT clock_timestamp()")
                with Turn(shop, o.rate, o.clients, loads) as load:
                    time.sleep(5)
                some += load.took
                middles[delay] = ms(load.took, 0.5)
                bd_courier.settle(self.asking)
                if delay == 5:
                    delays += map(float, self.asking.ask(DELAYS + "queued_at > '%s'" % since))
            ratios.append(middles[500] / middles[0])
        p50 = {d: ms(t, 0.5) for d, t in took.items()}
        words = ", ".join(
            "%d ms: p50 %.1f p99 %.1f" % (d, p50[d], ms(t, 0.99)) for d, t in took.items()
        )
        self.judge(
            "latency",
            argparse.Namespace(
                changed=sum(x.changed for x in loads), odd=sum((x.odd for x in loads), [])
            ),
            "bookings at %d per second with a provider of %s; row to stored result at 5 ms: p50 "
            "%.1f ms, p99 %.1f ms; p50 at 500 to p50 at 0 ms, of %d rounds: %s"
            % (o.rate, words, ms(delays, 0.5), ms(delays, 0.99), rounds, spread(ratios)),
        )
        return p50, delays

    def play_away(self, o):
        shop = self.shop_with(o, providers={"sms": {"breaker": {"failures": 5, "open_for": "1s"}}})
        self.box.order("taqnyat", "shut", times=1, delay_ms=o.seconds * 1000)
        with bd_courier.Load(shop, o.rate, o.clients, changes=True) as load:
            time.sleep(o.seconds)
        # Rows that were tried come back after a minute at most.
        rows = self.judge("away", load, "%d s without a provider" % o.seconds, (), 300)
        self.assertEqual({r.attempts for r in rows}, {1})

    def pass_rows(self, o, name, seconds):
        """As many rows per second as a whole run has; the delays in seconds."""
        begun, passed, rate = time.monotonic(), 0, o.rows / o.seconds
        while time.monotonic() < begun + seconds:
            n = int((time.monotonic() - begun + 0.1) * rate) - passed
            if n > 0:
                self.asking.ask(COPIES % {"n": n, "name": name, "of": self.original})
                passed += n
            time.sleep(0.05)
        bd_courier.settle(self.asking, 600)
        return [float(x) for x in self.asking.ask(DELAYS + "event = 'copy:%s'" % name)]

    def play_snapshot(self, o):
        # The monitor counts at its own usual pace: tests have it hurry.
        shop = self.shop_with(o, monitor={"poll_interval": "5s"})
        r = shop.book(shop.customer(), 1)
        self.assertEqual(r.status, 201)
        self.original = r.json()["id"]
        bd_courier.settle(self.asking)
        calm, old = self.pass_rows(o, "calm", o.seconds / 5), []
        with shop.pg.holding(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; "
            "DO $$ BEGIN PERFORM count(*) FROM notifications; END $$"
        ):
            for n in range(5):
                old.append(self.pass_rows(o, str(n), o.seconds / 5))
        print(
            "snapshot: %d rows in %d s; p50 and p99 before it: %.1f, %.1f ms; with it, fifth by "
            "fifth: %s"
            % (
                sum(map(len, old)),
                o.seconds,
                ms(calm, 0.5),
                ms(calm, 0.99),
                "; ".join("%.1f, %.1f" % (ms(x, 0.5), ms(x, 0.99)) for x in old),
            ),
            flush=True,
        )
        rows = bd_courier.read(self.asking)
        self.assertEqual({r.status for r in rows}, {"SENT"})
        return calm, old

    def play_failover(self, o):
        pair = bd_pair.Pair()
        self.addCleanup(pair.close)
        base, os.environ["BOOKINGD_TEST_PG"] = os.environ["BOOKINGD_TEST_PG"], pair.base
        try:
            shop = self.shop_with(argparse.Namespace(**{**vars(o), "pooler": False}))
        finally:
            os.environ["BOOKINGD_TEST_PG"] = base
        with bd_courier.Load(shop, o.rate, o.clients, changes=True) as load:
            time.sleep(o.seconds / 2)
            pair.in_sync()
            died = time.monotonic()
            pair.kill_primary()
            pair.promote()
            away = time.monotonic() - died
            time.sleep(o.seconds / 2)
        self.asking = shop.pg.session()
        self.addCleanup(self.asking.close)
        self.judge("failover", load, "%d s, a new primary after %.1f s" % (o.seconds, away))

    def play_hosts(self, o):
        shop = self.shop_with(o)
        self.box.order("taqnyat", "delay", delay_ms=50)
        other = self.daemon(
            shop.pg,
            bd.merge(
                shop.daemon.config,
                {
                    "server": {"listen": "127.0.0.1:%d" % bd.free_port()},
                    "monitor": {"listen": "127.0.0.1:%d" % bd.free_port()},
                },
            ),
        )
        with bd_courier.Load(shop, o.rate, o.clients, changes=True) as load:
            time.sleep(o.seconds / 2)
            for pid in [other.pid, *other.children()]:
                os.kill(pid, signal.SIGKILL)
            time.sleep(o.seconds / 2)
        rows = self.judge("hosts", load, "%d s, one of two hosts killed" % o.seconds)
        # A courier holds one row at a time.
        self.assertLessEqual(sum(r.status == "FAILED" for r in rows), 4)


class Turn(bd_courier.Load):
    """One of several loads of a shop, each with starts of its own."""

    def __init__(self, shop, rate, clients, loads):
        super().__init__(shop, rate, clients)
        for c in self.clients:
            c.hour += 60 * len(loads)
            c.keys = 1000 * len(loads)
        loads.append(self)


class Whole(Campaign):
    def test_parts(self):
        for part in OPTIONS.parts or PARTS:
            with self.subTest(part):
                getattr(self, "play_" + part)(OPTIONS)


def main():
    parser = bd_campaign.parser()
    parser.add_argument("parts", nargs="*", metavar="PART", help="only these: " + ", ".join(PARTS))
    for name in ("seconds", "rate", "rows", "clients", "workers"):
        parser.add_argument("--" + name, type=int, default=getattr(OPTIONS, name))
    parser.add_argument("--pooler", action="store_true", help="through PgBouncer")
    bd_campaign.options(parser, OPTIONS)
    bd_campaign.run(Whole)


if __name__ == "__main__":
    main()
