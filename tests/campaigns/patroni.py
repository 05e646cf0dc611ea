#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: patroni etcd-server haproxy
"""Failovers of a Patroni cluster under load, about six minutes; doc/HA.md has the figures.

Bookings go on at about ten per second, each with a key that is repeated until its outcome is known,
while the primary is switched over, its postmaster is killed, it loses its power, Patroni is killed
beside a server that goes on as primary, and etcd is away. Per event: the longest time without a new
booking, and that no acknowledged one is missing. --event NAME runs one; with --haproxy it goes
through etc/ha/haproxy.cfg."""
import os
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_patroni  # noqa: E402
import bd_shop  # noqa: E402

CLIENTS = 5
PAUSE_S = 0.5  # of a client between two bookings, and before a repeat
HOURS = 400  # per client and event
TTL_S = bd_patroni.TTL_S


class Booker(threading.Thread):
    """Books one hour after the other until it is ended."""

    def __init__(self, shop, n, token):
        super().__init__(daemon=True)
        self.shop, self.n, self.token = shop, n, token
        self.booked, self.times, self.refused, self.ending = {}, [], {}, threading.Event()

    def ask(self, c, hour):
        key = "booker-%d-%d" % (self.n, hour)
        body = {"service_id": self.shop.service, "starts_at": self.shop.at(hour), "note": key}
        fields = {"Authorization": "Bearer " + self.token, "Idempotency-Key": key}
        r = c.post("/v1/bookings", body, fields)
        if r.status == 201:
            self.booked[key] = r.json()["id"]
            self.times.append(time.monotonic())
        else:
            self.refused[r.code] = self.refused.get(r.code, 0) + 1
        return r.status == 201

    def run(self):
        with self.shop.daemon.client() as c:
            for hour in range(self.n * HOURS, (self.n + 1) * HOURS):
                while not self.ending.is_set() and not self.ask(c, hour):
                    self.ending.wait(PAUSE_S)
                self.ending.wait(PAUSE_S)


class Patroni(bd.Case):
    haproxy = False

    def postgres(self, **kwargs):
        return super().postgres(base=self.cluster.base(self.leader), **kwargs)

    @classmethod
    def setUpClass(cls):
        why = bd_patroni.why_not()
        if why:
            raise unittest.SkipTest("Patroni: " + why)
        cls.cluster = bd_patroni.Cluster()
        cls.addClassCleanup(cls.cluster.close)
        if cls.haproxy:
            cls.cluster.put_haproxy_before()

    def setUp(self):
        self.leader = self.cluster.healed()
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 3, "request_budget": "3s"},
                "database": {"statement_timeout": "1s"},
                "bookings": {"max_active_per_customer": 10000},
            },
        )
        self.shop.service = self.shop.make_service(max_advance_days=365)
        self.pids = set(self.shop.daemon.children())
        self.bookers = [
            Booker(self.shop, n, self.shop.customer("+96655%07d" % n)) for n in range(CLIENTS)
        ]
        self.addCleanup(lambda: [b.ending.set() for b in self.bookers])
        for b in self.bookers:
            b.start()
        self.go_on()

    def count(self):
        return sum(len(b.booked) for b in self.bookers)

    def go_on(self, limit=90):
        """Waits until each client has booked twice more."""
        before = [len(b.booked) for b in self.bookers]
        bd.wait_until(
            lambda: all(len(b.booked) >= n + 2 for b, n in zip(self.bookers, before)),
            lambda: "bookings\n" + self.shop.daemon.log()[-2000:],
            limit,
        )

    def judge(self, event, limit_s):
        """Ends the load; the gap, and what the leader has of the acknowledged bookings."""
        for b in self.bookers:
            b.ending.set()
        ended = time.monotonic()
        for b in self.bookers:
            b.join()
        times = sorted(t for b in self.bookers for t in b.times)
        gap = max(b - a for a, b in zip(times, times[1:] + [ended]))
        refused = {}
        for b in self.bookers:
            for code, n in b.refused.items():
                refused[code] = refused.get(code, 0) + n
        self.cluster.healed()
        rows = set(self.cluster.rows("SELECT id FROM bookings", self.shop.pg.name))
        told = {i for b in self.bookers for i in b.booked.values()}
        print(
            "patroni: %s: %.1f s without a booking, %d acknowledged, %d missing, %s meanwhile"
            % (event, gap, len(told), len(told - rows), refused or "no refusals"),
            flush=True,
        )
        self.assertEqual(told - rows, set())
        self.assertLess(gap, limit_s * bd.SLOWNESS)
        self.assertEqual(set(self.shop.daemon.children()), self.pids)  # nobody was started anew

    def test_switchover(self):
        self.cluster.switchover(self.leader)
        self.go_on()
        self.judge("switchover", 5)

    def test_postmaster_killed(self):
        self.cluster.kill_postgres(self.leader)
        self.go_on()
        self.judge("postmaster killed", 8)

    def test_power(self):
        self.cluster.lose_power(self.leader)
        self.go_on()
        self.cluster.start_patroni(self.leader)
        self.judge("power of the primary", TTL_S + 8)

    def test_patroni_killed(self):
        """The server goes on as a primary that nobody follows, first in the list of hosts."""
        self.cluster.kill_patroni(self.leader)
        bd.wait_until(
            lambda: self.cluster.leader() not in (None, self.leader), "a new leader", 60, 0.2
        )
        self.go_on()
        self.go_on()  # and stays there
        self.cluster.kill_postgres(self.leader)
        self.cluster.start_patroni(self.leader)
        self.judge("Patroni killed", TTL_S + 5)

    def test_etcd_away(self):
        """Two of three, for longer than the leader's key lives: failsafe_mode."""
        for i in (0, 1):
            self.cluster.kill_etcd(i)
        end = time.monotonic() + TTL_S + 10
        bd.wait_until(lambda: time.monotonic() > end, "the leader's key to run out", TTL_S + 20, 1)
        self.go_on()
        for i in (0, 1):
            self.cluster.start_etcd(i)
        self.judge("etcd away", 1)


def main():
    given = bd_campaign.parser()
    given.add_argument("--event", help="switchover, postmaster_killed, power, patroni_killed, ...")
    given.add_argument("--haproxy", action="store_true", help="instead of a list of hosts")
    options = bd_campaign.options(given)
    event, Patroni.haproxy = options.event, options.haproxy
    suite = unittest.TestSuite([Patroni("test_" + event)]) if event else Patroni
    bd_campaign.run(suite)


if __name__ == "__main__":
    main()
