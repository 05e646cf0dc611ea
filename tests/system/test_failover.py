# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The primary dies and its synchronous standby is promoted: the same daemon goes on there, nothing
acknowledged is missing, no commit is done twice.
"""
import contextlib
import os
import re
import signal
import socket
import threading
import time

import bd
import bd_pair
import bd_shop

WORKERS = 16
SLACK = 0.1 * bd.PATIENCE  # the contract's 100 ms, stretched as all limits of tests are
LATE = 0.4 * bd.PATIENCE  # what a busy machine adds to a second of ours


class Asker(threading.Thread):
    """Books one hour after the other, each with a key of its own, until its outcome is known; and
    keeps all answers.
    """

    def __init__(self, shop, n, token):
        super().__init__(daemon=True)
        self.shop, self.n, self.token = shop, n, token
        self.answers, self.booked, self.broken, self.ending = [], {}, [], threading.Event()

    def run(self):
        with self.shop.daemon.client() as c:
            for hour in range(self.n * 200, self.n * 200 + 200):
                key = "asker-%d-%d" % (self.n, hour)
                body = {
                    "service_id": self.shop.service,
                    "starts_at": self.shop.at(hour),
                    "note": key,
                }
                while not self.ending.is_set():
                    begun = time.monotonic()
                    try:
                        r = c.post(
                            "/v1/bookings",
                            body,
                            {"Authorization": "Bearer " + self.token, "Idempotency-Key": key},
                        )
                    except (OSError, EOFError) as e:
                        return self.broken.append(repr(e))
                    self.answers.append(
                        (
                            begun,
                            time.monotonic(),
                            r.status,
                            r.code if r.status >= 400 else None,
                            r.header("Retry-After"),
                        )
                    )
                    if r.status == 201:
                        self.booked[key] = r.json()["id"]
                        break
                    time.sleep(0.01)


class Failover(bd.Case):
    @classmethod
    def setUpClass(cls):
        cls.pair = bd_pair.Pair()
        cls.addClassCleanup(cls.pair.close)

    def setUp(self):
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {
                    "workers": WORKERS,
                    "request_budget": "%ds" % (2 * bd.SLOWNESS),
                    "queue_timeout": "%ds" % (2 * bd.SLOWNESS),
                },
                "database": {"statement_timeout": "1s"},
                "bookings": {"max_active_per_customer": 10000},
                "providers": {"sms": {"max_concurrent": WORKERS}},
            },
        )
        self.d = self.shop.daemon
        self.shop.service = self.shop.make_service(max_advance_days=365)

    def a_standby(self):
        """Another test may have used it up."""
        if self.pair.alone:
            self.pair.rebuild()
        self.pair.in_sync()

    def known_away(self):
        """The daemon is sure: every answer of a while was a fast 503."""
        r = self.shop.call("GET", "/v1/venues")
        return r.status == 503

    def test_failover(self):
        d, pids = self.d, set(self.d.children())
        people = [Asker(self.shop, n, self.shop.customer("+96655%07d" % n)) for n in range(8)]
        self.addCleanup(lambda: [p.ending.set() for p in people])
        for p in people:
            p.start()
        bd.wait_until(lambda: sum(len(p.booked) for p in people) > 40, "bookings")
        self.a_standby()
        died = time.monotonic()
        self.pair.kill_primary()
        bd.wait_until(self.known_away, "the daemon to know")
        known = time.monotonic()
        time.sleep(SLACK + 0.7 * bd.SLOWNESS)  # long enough for the backoff to reach its end
        self.assertEqual(d.get("/healthz").status, 200)
        self.assertEqual(d.metric("bookingd_database_up"), 0)
        away = time.monotonic()
        self.pair.promote()
        promoted = time.monotonic()
        bd.wait_until(
            lambda: self.shop.call("GET", "/v1/venues").status == 200,
            "answers from the new primary",
            5,
        )
        served = time.monotonic()
        seen = [
            a for p in people for a in list(p.answers) if known + SLACK <= a[0] and a[1] <= away
        ]
        print(
            "failover: away %.2f s, used again %.0f ms after the promotion, %d refusals "
            "meanwhile, the slowest %.0f ms"
            % (
                promoted - died,
                (served - promoted) * 1e3,
                len(seen),
                max(a[1] - a[0] for a in seen) * 1e3,
            ),
            flush=True,
        )
        self.assertLess(served - promoted, 1.0 + LATE)
        self.assertGreater(len(seen), 20)
        for begun, ended, status, code, retry in seen:
            self.assertEqual((status, code), (503, "database_unavailable"))
            self.assertGreaterEqual(int(retry), 1)
            self.assertLess(ended - begun, 0.1 + SLACK)
        before = sum(len(p.booked) for p in people)
        bd.wait_until(lambda: sum(len(p.booked) for p in people) > before + 40, "bookings")
        for p in people:
            p.ending.set()
        for p in people:
            p.join()
            self.assertEqual(p.broken, [])
        # Every key is one booking; what was in doubt was found out by its key.
        rows = {note: i for i, note in self.shop.pg.sql("SELECT id, note FROM bookings")}
        self.assertEqual(len(rows), int(self.shop.pg.value("SELECT count(*) FROM bookings")))
        told = {k: i for p in people for k, i in p.booked.items()}
        self.assertEqual({k: rows.get(k) for k in told}, told)
        self.assertLessEqual(
            len(rows) - len(told), len(people)
        )  # those that were asked for when all ended
        codes = {a[2:4] for p in people for a in p.answers}
        print(
            "failover: %d bookings acknowledged, answers %s" % (len(told), sorted(map(str, codes))),
            flush=True,
        )
        self.assertLessEqual(
            codes,
            {
                (201, None),
                (503, "database_unavailable"),
                (503, "commit_unknown"),
                (409, "idempotency_in_flight"),
            },
        )
        self.assertEqual(set(d.children()), pids)  # nobody was started anew
        bd_shop.wait_nothing_pending(self.shop.pg.value)

    def test_old_primary_that_still_takes_writes(self):
        """The standby is promoted while the old primary, first in the list, goes on as one: its
        commits wait for ever. Bookings go on at the new one; the old one is passed over, also by
        processes that were begun since.
        """
        me = self.shop.customer()
        self.assertEqual(self.shop.book(me, 1).status, 201)
        self.a_standby()
        self.pair.promote()
        promoted = time.monotonic()
        old, database = 1 - self.pair.primary, self.shop.pg.name
        self.addCleanup(self.pair.kill_old_primary)
        self.assertEqual(self.pair.ask("SELECT pg_is_in_recovery()", old), "f")

        def booked(hour):
            r = self.shop.book(me, hour, headers={"Idempotency_Key": "old-primary-%d" % hour})
            return r.json()["id"] if r.status == 201 else None

        ids = [bd.wait_until(lambda: booked(3), "a booking at the new primary", 15)]
        took = time.monotonic() - promoted
        bd.wait_until(
            lambda: self.pair.ask(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'bookingd %' "
                "AND wait_event IS DISTINCT FROM 'SyncRep'",  # those do not look at their clients
                old,
            )
            == "0",
            "no session at the old primary",
            10,
        )
        for pid in self.d.children("worker"):
            os.kill(pid, signal.SIGKILL)
        for hour in range(5, 45, 2):
            ids.append(bd.wait_until(lambda h=hour: booked(h), "a booking", 10))
        print("failover: beside an old primary, booked after %.2f s" % took, flush=True)
        self.assertLess(took, 5.0 * bd.SLOWNESS)
        rows = "SELECT count(*) FROM bookings WHERE id IN ('%s')" % "','".join(ids)
        self.assertEqual(self.pair.ask(rows, database=database), str(len(ids)))
        self.assertEqual(self.pair.ask(rows, old, database), "0")
        passed = re.findall(
            r"event=db.host_passed_over .*\btimeline=(\d+) newest_timeline=(\d+)", self.d.log()
        )
        self.assertEqual([int(a) + 1 for a, _ in passed], [int(b) for _, b in passed])
        self.assertEqual(len(passed), 1)

    def test_old_primary_of_an_asynchronous_pair(self):
        """Its commits succeed, so nothing fails: the keeper finds the promoted one."""
        me = self.shop.customer()
        self.a_standby()
        self.pair.asynchronous()
        self.pair.promote()
        old, database = 1 - self.pair.primary, self.shop.pg.name
        self.addCleanup(self.pair.kill_old_primary)
        count = "SELECT count(*) FROM bookings"

        def booked_there(hour=iter(range(1, 1000, 2))):
            self.shop.book(me, next(hour))
            return self.pair.ask(count, database=database) != "0"

        bd.wait_until(booked_there, "a booking at the new primary", 10, 0.1)
        before = self.pair.ask(count, old, database)
        for hour in range(2001, 2021, 2):
            self.assertEqual(self.shop.book(me, hour).status, 201)
        self.assertEqual(self.pair.ask(count, old, database), before)

    def test_commit_that_waits_for_the_standby(self):
        """The standby is silent, the commit waits, the primary dies: commit_unknown, and the key
        finds out what became of it.
        """
        me, key = self.shop.customer(), {"Idempotency_Key": "in-doubt"}
        self.assertEqual(self.shop.book(me, 1).status, 201)
        self.a_standby()
        standby, answer = self.pair.pids(1 - self.pair.primary), []
        asking = threading.Thread(target=lambda: answer.append(self.shop.book(me, 3, headers=key)))
        try:
            with self.shop.pg.holding(
                "SELECT FROM customers FOR UPDATE"
            ):  # the key is claimed, the booking waits
                asking.start()
                bd.wait_until(
                    lambda: self.pair.ask(
                        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    )
                    == "1",
                    "a booking that waits",
                )
                for pid in standby:
                    os.kill(pid, signal.SIGSTOP)
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            bd.wait_until(lambda: self.pair.ask(waits) != "0", "a commit that waits")
            self.assertEqual(answer, [])
            self.pair.kill_primary()
            asking.join()
        finally:
            for pid in standby:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
        self.assertEqual((answer[0].status, answer[0].code), (503, "commit_unknown"), answer)
        self.pair.promote()
        bd.wait_until(
            lambda: self.shop.call("GET", "/v1/venues").status == 200,
            "answers from the new primary",
            5,
        )

        def known():
            r = self.shop.book(me, 3, headers=key)
            self.assertIn(
                (r.status, r.code if r.status >= 400 else None),
                ((201, None), (409, "idempotency_in_flight")),
                r,
            )
            return r if r.status == 201 else None

        r = bd.wait_until(known, "what became of it", 10, 0.1)
        print(
            "failover: the commit in doubt was %s"
            % ("there" if r.header("Idempotency-Replayed") else "lost with the primary"),
            flush=True,
        )
        again = self.shop.book(me, 3, headers=key)
        self.assertEqual(
            (again.status, again.json()["id"], again.header("Idempotency-Replayed")),
            (201, r.json()["id"], "true"),
        )
        self.assertEqual(len(self.shop.call("GET", "/v1/bookings", token=me).json()["items"]), 2)

    def test_frozen_primary(self):
        """The primary says nothing any more, not even no: the way to the promoted standby is short
        all the same.
        """
        self.a_standby()
        old = self.pair.pids()
        for pid in old:
            os.kill(pid, signal.SIGSTOP)
        try:
            # One worker finds out; the others are idle, and nothing tells them.
            self.assertEqual(self.shop.call("GET", "/v1/venues").code, "database_unavailable")
            bd.wait_until(lambda: self.d.metric("bookingd_database_up") == 0, "the monitor to know")
            time.sleep(0.5)
            self.pair.promote()
            promoted = time.monotonic()
            bd.wait_until(
                lambda: self.shop.call("GET", "/v1/venues").status == 200,
                "answers from the new primary",
                5,
            )
            first = time.monotonic() - promoted
            bd.wait_until(
                lambda: int(
                    self.pair.ask(
                        "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                        "'bookingd worker'"
                    )
                )
                >= WORKERS,
                "all sessions",
                5,
            )
            took = time.monotonic() - promoted
        finally:
            for pid in old:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        print(
            "failover: from a silent primary; used again %.0f ms after the promotion, by all "
            "%.0f ms" % (first * 1e3, took * 1e3),
            flush=True,
        )
        self.assertLess(first, 1.0 + LATE)
        self.assertLess(took, 2.0 + LATE)  # who is idle looks every second

    def test_no_herd(self):
        """While the primary is away each process tries now and then, at times of its own; when it
        is back they do not come all at once.
        """
        bd.wait_until(lambda: len(self.d.children("worker")) == WORKERS, "all workers")
        port = self.pair.ports[self.pair.primary]
        self.pair.stop("immediate")
        knocks, stop = [], threading.Event()
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", port))
        door.listen(128)
        door.settimeout(0.1)

        def count():
            while not stop.is_set():
                with contextlib.suppress(OSError):
                    conn, _ = door.accept()
                    knocks.append(time.monotonic())
                    conn.close()

        listener = threading.Thread(target=count)
        listener.start()
        time.sleep(3.0)
        stop.set()
        listener.join()
        door.close()
        # Two seconds after it went away, every process is at the end of its backoff: 640 ms, a
        # fifth more or less.
        begun = max(knocks) - 2.0
        late = [k for k in knocks if k > begun]
        processes = WORKERS + 2
        most = max(
            sum(begun + i * 0.02 <= k < begun + i * 0.02 + 0.05 for k in late) for i in range(100)
        )
        print(
            "herd: %d processes knocked %d times in the last 2 s, at most %d within 50 ms"
            % (processes, len(late), most),
            flush=True,
        )
        self.assertLess(len(late), processes * 2 / 0.5 * 1.1)
        self.assertGreater(len(late), processes)
        self.assertLess(most, processes * 0.75)
        self.pair.start()
        self.pair.writable()
        returned = time.time()
        bd.wait_until(
            lambda: int(
                self.pair.ask(
                    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookingd "
                    "worker'"
                )
            )
            >= WORKERS,
            "all workers' sessions",
            5,
        )
        starts = [
            float(x) - returned
            for x in self.pair.ask(
                "SELECT extract(epoch FROM backend_start) FROM pg_stat_activity WHERE "
                "application_name = 'bookingd worker' ORDER BY 1"
            ).split()
        ]
        print(
            "herd: sessions came from %.0f to %.0f ms after the return"
            % (starts[0] * 1e3, starts[-1] * 1e3),
            flush=True,
        )
        self.assertLess(starts[-1], 1.0 + LATE)
        self.assertGreater(starts[-1] - starts[0], 0.1)


if __name__ == "__main__":
    bd.main()
