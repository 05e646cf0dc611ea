# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""PostgreSQL frozen, stopped, back again: every request ends inside its budget, health and metrics
answer, nothing acknowledged is lost.

Stops a server, so it has a cluster of its own.
"""
import os
import subprocess
import sys
import threading
import time

WITH_PG = os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib", "with-pg"
)
if __name__ == "__main__" and os.environ.get("BD_OWN_CLUSTER") != "1":
    os.environ["BD_OWN_CLUSTER"] = "1"
    os.execv(WITH_PG, [WITH_PG, "--own", sys.executable, *sys.argv])

import bd  # noqa: E402
import bd_shop  # noqa: E402
import bd_wait  # noqa: E402

BUDGET, STATEMENT, QUEUE = 2.0, 1.0, 1.5
SLACK = 0.1 * bd.PATIENCE  # the contract's 100 ms, stretched as all limits of tests are


def ctl(*args):
    done = subprocess.run([WITH_PG, "--ctl", *args], capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise AssertionError("pg_ctl %s: %s%s" % (args, done.stdout, done.stderr))


def server_processes():
    """The postmaster and all its children."""
    with open(os.path.join(os.environ["BOOKINGD_TEST_PG_DATA"], "postmaster.pid")) as f:
        postmaster = int(f.readline())
    with open("/proc/%d/task/%d/children" % (postmaster, postmaster)) as f:
        return [postmaster] + [int(p) for p in f.read().split()]


class Load:
    """Clients that go on asking; every answer as (when, what, status, code,
    seconds, retry_after)."""

    def __init__(self, shop, clients):
        self.shop, self.answers, self.faults, self.ending = shop, [], [], threading.Event()
        self.acknowledged = []
        self.threads = [
            threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(clients)
        ]
        for t in self.threads:
            t.start()

    def run(self, n):
        token, hour = self.tokens(n), n * 24
        with self.shop.daemon.client() as c:
            auth, i = {"Authorization": "Bearer " + token}, 0
            while not self.ending.is_set():
                i += 1
                what = ("book", "me", "venues", "otp")[(n + i) % 4]
                asks = {
                    "book": (
                        "POST",
                        "/v1/bookings",
                        {
                            "service_id": self.shop.service,
                            "starts_at": self.shop.at(hour % (24 * 80)),
                        },
                        auth,
                    ),
                    "me": ("GET", "/v1/me", None, auth),
                    "venues": ("GET", "/v1/venues", None, None),
                    "otp": ("POST", "/v1/otp", {"phone": "+96656%07d" % n}, None),
                }
                began = time.monotonic()
                try:
                    r = c.request(*asks[what])
                except (OSError, EOFError) as e:
                    self.faults.append((what, repr(e)))
                    c.close()
                    continue
                self.answers.append(
                    (
                        began,
                        what,
                        r.status,
                        r.code if r.status >= 400 else None,
                        time.monotonic() - began,
                        r.header("Retry-After"),
                    )
                )
                if what == "book":
                    hour += 1
                    if r.status == 201:
                        self.acknowledged.append(r.json()["id"])
                time.sleep(0.005)

    def tokens(self, n):
        return self.shop.customer("+96655%07d" % n)

    def end(self):
        self.ending.set()
        for t in self.threads:
            t.join()
        return self.answers


class Away(bd.Case):
    def setUp(self):
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {
                    "workers": 4,
                    "request_budget": "%dms" % (BUDGET * 1000),
                    "queue": 64,
                    "queue_timeout": "%dms" % (QUEUE * 1000),
                },
                "database": {
                    "statement_timeout": "%dms" % (STATEMENT * 1000),
                    "connect_timeout": "1s",
                },
                "bookings": {"max_active_per_customer": 10000},
                "otp": bd_shop.OTP,
            },
        )
        self.d = self.shop.daemon
        # The cluster of tests acknowledges before it writes, which an immediate stop would show.
        self.shop.pg.sql("ALTER DATABASE %s SET synchronous_commit = on" % self.shop.pg.name)
        self.assertEqual(self.d.stop(), 0)
        self.d.start()

    def probes(self, seconds, known=0.0):
        """
        healthz and metrics for that long: the slowest of each. healthz is a request as others are:
        until the database is known to be away (`known` seconds from now) all workers may wait for
        it, and then it is turned away like them. known: the metrics page must say 0 by the end."""
        start, worst, up = time.monotonic(), {"healthz": 0, "metrics": 0}, None
        while time.monotonic() < start + seconds:
            began = time.monotonic()
            r = self.d.get("/healthz")
            if began > start + known:
                worst["healthz"] = max(worst["healthz"], time.monotonic() - began)
                self.assertEqual(r.status, 200, r)
            else:
                self.assertIn((r.status, r.code), ((200, None), (503, "overloaded")))
                self.assertLess(time.monotonic() - began, QUEUE + SLACK)
            began = time.monotonic()
            up = self.d.metric("bookingd_database_up")
            worst["metrics"] = max(worst["metrics"], time.monotonic() - began)
            time.sleep(0.02)
        if known < seconds:
            self.assertEqual(up, 0)
        return worst

    def judge(self, name, load, began, ended, worst):
        answers = load.end()
        bad = [a for a in answers if began <= a[0] + a[4] and a[0] <= ended]
        codes = {}
        for _, _, status, code, _, _ in bad:
            codes[status, code] = codes.get((status, code), 0) + 1
        slowest = max(a[4] for a in bad)
        print(
            "%s: %d answers while it lasted, slowest %.0f ms of %.0f; healthz %.0f ms, metrics "
            "%.0f ms; %s"
            % (
                name,
                len(bad),
                slowest * 1e3,
                BUDGET * 1e3,
                worst["healthz"] * 1e3,
                worst["metrics"] * 1e3,
                codes,
            ),
            flush=True,
        )
        self.assertLess(slowest, BUDGET + SLACK)
        self.assertEqual(load.faults, [])
        for _, what, status, code, took, retry in bad:
            if status >= 400:
                self.assertIn(
                    (status, code),
                    (
                        (503, "database_unavailable"),
                        (503, "overloaded"),
                        (503, "commit_unknown"),
                        (503, "provider_unavailable"),
                        (504, "deadline_exceeded"),
                        (409, "slot_taken"),
                    ),
                    what,
                )
                if status == 503:
                    self.assertGreaterEqual(int(retry), 1)
        self.assertLess(worst["healthz"], 0.1 + SLACK)
        self.assertLess(worst["metrics"], 1.0 * bd.SLOWNESS)
        return bad

    def known(self, name, bad, since, until):
        """What was asked after it was known: 503 within 100 ms."""
        late = [a for a in bad if since <= a[0] and a[0] + a[4] <= until]
        self.assertGreater(len(late), 20)
        took = sorted(a[4] for a in late)
        print(
            "%s: once known, %d refusals, p50 %.1f ms, p99 %.1f ms, slowest %.1f ms"
            % (
                name,
                len(late),
                took[len(took) // 2] * 1e3,
                took[len(took) * 99 // 100] * 1e3,
                took[-1] * 1e3,
            ),
            flush=True,
        )
        for _, what, status, code, _, _ in late:
            self.assertEqual((status, code), (503, "database_unavailable"), what)
        self.assertLess(took[-1], 0.1 + SLACK)

    def settled(self, load):
        """Nothing acknowledged is missing, nothing stays PENDING, the three figures agree."""
        sql = self.shop.pg.sql
        stored = {r[0] for r in sql("SELECT id FROM bookings")}
        self.assertEqual(set(load.acknowledged) - stored, set())
        self.assertGreater(len(load.acknowledged), 0)
        bd_shop.wait_nothing_pending(self.shop.pg.value)
        rows = dict(
            (r[0], int(r[1]))
            for r in sql(
                "SELECT error_code, count(*) FROM notifications WHERE status = 'FAILED' GROUP BY 1"
            )
        )

        def gauge():
            return {
                l["error_code"]: int(v)
                for n, l, v in self.d.metrics()
                if n == "bookingd_notifications_failed" and v
            }

        bd.wait_until(lambda: gauge() == rows, "gauges %r to be %r" % (gauge(), rows), 5)
        self.assertEqual(len(self.shop.notifications(status="FAILED")), sum(rows.values()))
        self.assertEqual(
            self.shop.pg.value(
                "SELECT count(*) FROM bookings b WHERE NOT EXISTS (SELECT 1 FROM notifications n "
                "WHERE n.booking_id = b.id)"
            ),
            "0",
        )
        self.assertEqual(self.d.metric("bookingd_process_restarts_total"), 0)

    def back(self, name, returned):
        def served():
            r = self.shop.call("GET", "/v1/venues")
            return r.status == 200

        answered = [bd.wait_until(served, "the database is used again", 5, 0.01)]
        took = time.monotonic() - returned
        print("%s: back %.0f ms after its return" % (name, took * 1e3), flush=True)
        self.assertLess(took, 1.0 + SLACK)
        return answered

    def load(self):
        """Clients at work, and answers that show that they are served."""
        load = Load(self.shop, 12)
        self.addCleanup(load.end)
        bd.wait_until(lambda: sum(a[2] in (200, 201) for a in load.answers) > 50, "healthy answers")
        return load

    def test_backends_frozen(self):
        """Every server process of ours stops in its tracks; new ones can be had."""
        load = self.load()
        pids = [
            int(r[0])
            for r in self.shop.pg.sql(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
                "pg_backend_pid()"
            )
        ]
        self.assertGreaterEqual(len(pids), 4)
        began = time.monotonic()
        with bd_wait.frozen(pids):
            reads = STATEMENT + 1 + SLACK  # from then on they are served
            worst = self.probes(reads + 0.7 * bd.SLOWNESS, reads + 0.7 * bd.SLOWNESS)
            ended = time.monotonic()
        bad = self.judge("backends frozen", load, began, ended, worst)
        self.assertGreaterEqual(
            self.d.metric("bookingd_database_errors_total", **{"class": "timeout"}), 1
        )
        # Over new connections, the old ones still frozen, reads are served; writes may meet a row
        # that a frozen one has locked.
        late = [a[2:4] for a in bad if a[0] > began + reads and a[1] in ("me", "venues")]
        self.assertIn((200, None), late)
        self.assertNotIn((503, "database_unavailable"), late)
        self.settled(load)

    def test_server_frozen(self):
        load = self.load()
        began = time.monotonic()
        with bd_wait.frozen(server_processes()):
            worst = self.probes(STATEMENT + BUDGET + 2, STATEMENT + BUDGET)
            ended = time.monotonic()
        returned = time.monotonic()
        self.back("server frozen", returned)
        bad = self.judge("server frozen", load, began, ended, worst)
        self.known("server frozen", bad, began + STATEMENT + BUDGET, ended)
        self.settled(load)

    def test_server_stopped(self):
        load = self.load()
        began = time.monotonic()
        ctl("-m", "immediate", "stop")
        stopped = time.monotonic()
        worst = self.probes(3, 0.2)
        ended = time.monotonic()
        ctl("-w", "start")
        returned = time.monotonic()
        self.back("server stopped", returned)
        bad = self.judge("server stopped", load, began, ended, worst)
        self.known("server stopped", bad, stopped + 0.2, ended)
        self.settled(load)


if __name__ == "__main__":
    bd.main()
