# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Several nodes on one database, the load balancer before them, and people who book through it.

    nodes = bd_nodes.Nodes(case, 2); people = nodes.people(4)
    nodes.roll(nodes.all[0], bd_nodes.next_program())
    people.end(); people.failed
"""
import contextlib
import itertools
import os
import subprocess
import threading
import time
import unittest

import bd
import bd_shop

CONFIG = {
    "server": {"workers": 3},
    "bookings": {"max_active_per_customer": 10000},
}


def next_program():
    """The program of the next version: this one with the migrations of tests/data/next."""
    path = os.path.join(os.path.dirname(bd.PROGRAM), "bookingd-next")
    if not os.path.exists(path):
        made = subprocess.run(
            ["make", "-s", "-C", os.path.dirname(path), "bookingd-next"], capture_output=True
        )
        if made.returncode != 0:
            raise unittest.SkipTest("there is no bookingd-next beside the program")
    return path


class Nodes:
    """all: the daemons. Those in rotation get requests in turn, as a balancer that asks /readyz
    gives them.
    """

    def __init__(self, case, n, over=None):
        self.case = case
        self.shop = bd_shop.Shop(case, bd.merge(CONFIG, over))
        hall = self.shop.resource("Hall", capacity=1000)
        self.shop.service = self.shop.make_service(max_advance_days=365, resource_ids=[hall])
        self.all = [self.shop.daemon]
        settings = {k: v for k, v in self.shop.daemon.config.items()}
        for _ in range(n - 1):
            d = case.daemon(self.shop.pg, start=False)
            own = {"server": {k: d.config["server"][k] for k in ("listen", "public_url")}}
            d.config = bd.merge(settings, {**own, "monitor": d.config["monitor"]})
            self.all.append(d.start())
        self.lock = threading.Condition()
        self.rotation, self.busy = list(self.all), dict.fromkeys(self.all, 0)
        self.turns = itertools.count()

    @contextlib.contextmanager
    def one(self):
        with self.lock:
            node = self.rotation[next(self.turns) % len(self.rotation)]
            self.busy[node] += 1
        try:
            yield node
        finally:
            with self.lock:
                self.busy[node] -= 1
                self.lock.notify_all()

    def take_out(self, node):
        """No more requests; returns when it has none."""
        with self.lock:
            self.rotation.remove(node)
            if not self.lock.wait_for(lambda: self.busy[node] == 0, 30 * bd.PATIENCE):
                raise AssertionError("a node that was taken out still has requests")

    def put_back(self, node):
        bd.wait_until(lambda: node.get("/readyz").status == 200, "a node that is ready")
        with self.lock:
            self.rotation.append(node)

    def roll(self, node, program):
        """One node goes on with another program, as an upgrade or its rollback does it."""
        self.take_out(node)
        if node.stop() != 0:
            raise AssertionError("a node did not drain\n" + node.log())
        node.program = program
        node.start()
        self.put_back(node)

    def migrate(self, program, *options, limit=120, **popen):
        """`migrate` of one program beside the service; the finished process."""
        return subprocess.run(
            [program, "-c", self.all[0].path, "migrate", *options],
            capture_output=True,
            text=True,
            timeout=limit * bd.PATIENCE,
            **popen
        )

    def people(self, n, pause=0.0):
        crowd = People(self, n, pause)
        self.case.addCleanup(crowd.end)
        return crowd


class People:
    """Each books one hour after the other, looks at what he has, and gives every third back. A
    booking of unknown outcome is tried again with its key, as clients do; a failure it is all the
    same. failed: (method, path, answer or error, begun, ended). Who is told that the first attempt
    is still in flight has begun with that one.
    """

    def __init__(self, nodes, n, pause=0.0):
        self.nodes, self.ending, self.pause = nodes, threading.Event(), pause
        self.requests, self.failed, self.booked, self.slowest = 0, [], {}, 0.0
        self.lock = threading.Lock()
        tokens = [nodes.shop.customer("+96655%07d" % i) for i in range(n)]
        self.threads = [
            threading.Thread(target=self._live, args=(i, token), daemon=True)
            for i, token in enumerate(tokens)
        ] + [threading.Thread(target=self._probe, daemon=True)]
        for t in self.threads:
            t.start()

    def _live(self, n, token):
        shop = self.nodes.shop
        for hour in itertools.count(n * 400):
            key = "person-%d-%d" % (n, hour)
            hour %= 8000
            body = {"service_id": shop.service, "starts_at": shop.at(hour), "note": key}
            r, first = None, time.monotonic() + self.pause
            while not r:
                if self.ending.wait(self.pause):
                    return
                named = {"Idempotency-Key": key}
                r = self._ask(token, "POST", "/v1/bookings", body, (201,), named, first)
            booking = r.json()["id"]
            with self.lock:
                self.booked[key] = booking
            self._ask(token, "GET", "/v1/bookings/" + booking, None, (200,))
            if hour % 5 == 0:
                day = shop.at(hour)[:10]
                path = "/v1/services/%s/slots?from=%s&to=%s" % (shop.service, day, day)
                self._ask(token, "GET", path, None, (200,))
            if hour % 3 == 0:
                self._ask(token, "POST", "/v1/bookings/%s/cancel" % booking, {}, (200,))

    def _probe(self):
        """What the balancer asks: no node that it uses may say no."""
        while not self.ending.wait(0.1):
            for _ in self.nodes.all:
                self._ask(None, "GET", "/readyz", None, (200,))

    def _ask(self, token, method, path, body, good, headers=None, first=None):
        fields = dict(headers or {})
        if token:
            fields["Authorization"] = "Bearer " + token
        begun = time.monotonic()
        with self.nodes.one() as node:
            try:
                with bd.Client(("127.0.0.1", node.port), 30, bd.api_document()) as c:
                    r = c.request(method, path, body, fields)
            except (OSError, EOFError) as e:
                r = e
        took = time.monotonic() - begun
        bad = not isinstance(r, bd.Response) or r.status not in good
        with self.lock:
            self.requests += 1
            self.slowest = max(self.slowest, took)
            if bad:
                late = first if getattr(r, "code", None) == "idempotency_in_flight" else None
                self.failed.append((method, path, r, late or begun, begun + took))
        return None if bad else r

    def wait_for_more(self, n=40, limit=30):
        """So that a state of the nodes has seen some load."""
        goal = len(self.booked) + n
        bd.wait_until(
            lambda: len(self.booked) >= goal or self.failed, "%d more bookings" % n, limit
        )

    def end(self):
        self.ending.set()
        for t in self.threads:
            t.join(60 * bd.PATIENCE)

    def missing(self):
        """Bookings that were acknowledged and are no rows; and notes that are there twice."""
        rows = self.nodes.shop.pg.sql("SELECT note, id FROM bookings WHERE note LIKE 'person-%'")
        ids = {row[1] for row in rows}
        doubled = len(rows) - len({row[0] for row in rows})
        return [k for k, booking in self.booked.items() if booking not in ids], doubled
