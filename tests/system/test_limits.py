# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What one client may take: connections of an address, and the least speed; with the metric of each
limit.
"""
import contextlib
import os
import socket
import threading
import time
import uuid

import bd
import bd_wait


class Address(bd.Case):
    """The loopback network is 127.0.0.0/8: a client may come from any address of it."""

    def daemon_with(self, **server):
        self.d = self.daemon(
            self.postgres(), {"server": {"max_connections_per_address": 3, **server}}
        )

    def come(self, address="127.0.0.1", asks=True):
        c = self.d.client()
        self.addCleanup(c.close)
        c.source = (address, 0)
        c.connect()
        return c.get("/healthz") if asks == "once" else (c, c.get("/healthz") if asks else None)

    def shed(self):
        return self.d.metric("bookingd_http_connections_closed_total", reason="address")

    def test_cap_of_an_address(self):
        self.daemon_with()
        kept = [self.come()[0] for _ in range(3)]
        with self.subTest("one more is told so, and closed"):
            r = self.come()[1]
            self.assertEqual(
                (r.status, r.code, r.header("Connection")), (503, "overloaded", "close")
            )
            self.assertTrue(r.header("Retry-After"))
            self.assertEqual(self.shed(), 1)
        with self.subTest("another address is not concerned"):
            self.assertEqual(self.come("127.0.0.2")[1].status, 200)
        with self.subTest("who was there is served on"):
            self.assertEqual([c.get("/healthz").status for c in kept], [200] * 3)
        with self.subTest("who goes makes room"):
            kept.pop().close()
            bd.wait_until(lambda: self.come(asks="once").status == 200, "room")

    def test_a_flood_takes_nobodys_place(self):
        """Beyond the cap there are words for a few only: connections that wait to be closed count
        too.
        """
        self.daemon_with(max_connections=64)
        others = [self.come("127.0.1.%d" % n)[0] for n in range(1, 31)]
        told = silent = 0
        for _ in range(200):
            c, _ = self.come(asks=False)
            with contextlib.suppress(ConnectionError):
                c.sock.settimeout(0.5 if told < 3 else 0.02)
                with contextlib.suppress(socket.timeout):
                    if c._more():
                        told += 1
                    else:
                        silent += 1
        self.assertEqual(
            self.d.metric("bookingd_http_connections_closed_total", reason="evicted"), 0
        )
        self.assertEqual(self.shed(), 197)
        self.assertGreaterEqual(told, 16)
        self.assertGreater(silent, 100)
        self.assertEqual([c.get("/healthz").status for c in others], [200] * 30)

    def test_proxies_and_unix_sockets_have_no_cap(self):
        self.daemon_with(trusted_proxies=["127.0.5.0/24"])
        for _ in range(10):
            self.assertEqual(self.come("127.0.5.7")[1].status, 200)
        path = self.d.dir + "/http.sock"
        self.d.write_config({"server": {"listen": ["127.0.0.1:%d" % self.d.port, "unix:" + path]}})
        self.assertEqual(self.d.run("reload", "--wait").returncode, 0)
        for _ in range(10):
            c = bd.Client(path)
            self.addCleanup(c.close)
            self.assertEqual(c.get("/healthz").status, 200)
        self.assertEqual(
            self.come("127.0.5.7")[1].status, 200
        )  # the reload took the networks along
        self.assertEqual(self.shed(), 0)

    def test_a_reload_brings_the_cap_and_takes_it(self):
        self.daemon_with(max_connections_per_address=0)
        before = [self.come()[0] for _ in range(5)]
        for cap, wanted in ((5, 503), (6, 200), (0, 200), (1, 503)):
            self.d.write_config({"server": {"max_connections_per_address": cap}})
            self.assertEqual(self.d.run("reload", "--wait").returncode, 0)
            c, r = self.come()
            self.assertEqual((cap, r.status), (cap, wanted))
            if wanted == 200:
                before.append(c)
        self.assertEqual([c.get("/healthz").status for c in before], [200] * 7)


class Requests(bd.Case):
    def daemon_with(self, **server):
        server = {"workers": 1, "request_budget": "20s", "queue_timeout": "20s", **server}
        pg = self.postgres()
        return pg, self.daemon(pg, {"server": server, "database": {"statement_timeout": "20s"}})

    # S3: one address took the whole queue
    def test_one_address_does_not_take_the_queue(self):
        pg, d = self.daemon_with(max_requests_per_address=3, queue=20)
        with bd_wait.blocked(d, pg, 1):
            waiting = [bd_wait.background(lambda: d.get("/v1/venues")) for _ in range(2)]
            bd.wait_until(
                lambda: d.metric("bookingd_http_connections", state="queued") == 2, "queued"
            )
            for _ in range(3):
                r = d.get("/v1/venues")
                self.assertEqual((r.status, r.code), (503, "overloaded"))
                self.assertTrue(r.header("Retry-After"))
            self.assertEqual(d.metric("bookingd_http_requests_shed_total", reason="address"), 3)
            self.assertEqual(d.get("/healthz").status, 200)
            c = d.client()
            c.source = ("127.0.0.2", 0)
            c.connect()
            c.send(c.encode("GET", "/v1/venues"))
            bd.wait_until(
                lambda: d.metric("bookingd_http_connections", state="queued") == 3, "another's"
            )
        self.assertEqual([j().status for j in waiting], [200] * 2)
        self.assertEqual(c.recv_response().status, 200)
        self.assertEqual([d.get("/v1/venues").status for _ in range(20)], [200] * 20)

    def test_forwarded_addresses_count(self):
        pg, d = self.daemon_with(
            max_requests_per_address=1, queue=20, trusted_proxies=["127.0.0.1"]
        )
        with bd_wait.blocked(d, pg, 1):  # from the proxy itself: counted for nobody
            for i, want in ((1, None), (2, None), (1, 503), (2, 503), (3, None)):
                with contextlib.ExitStack() as stack:
                    c = d.client()
                    c.send(
                        c.encode("GET", "/v1/venues", headers={"X-Forwarded-For": "192.0.2.%d" % i})
                    )
                    if want:
                        stack.enter_context(c)
                        self.assertEqual(c.recv_response().status, want, i)
                bd.wait_until(
                    lambda: want or d.metric("bookingd_http_connections", state="queued") >= i,
                    "queued",
                )

    # O14: a proxy that nobody declared
    def test_warning_for_a_proxy_that_is_not_trusted(self):
        _, d = self.daemon_with()
        for _ in range(3):
            d.get("/v1/venues", {"X-Forwarded-For": "192.0.2.1"})
        line = d.log_contains(r"event=dispatcher.forwarded_for_ignored .*client=127.0.0.1", 5)
        self.assertTrue(line)
        self.assertEqual(d.log().count("forwarded_for_ignored"), 1)

    # S4 and O15: the defaults, and longer idle connections
    def test_defaults(self):
        for good in ({"idle_timeout": "1h"}, {"trusted_proxies": ["unix"]}):
            d = bd.Daemon(None, {"server": good})
            self.addCleanup(d.close)
            self.assertEqual(d.run("check-config").returncode, 0)
        d = bd.Daemon(None, {"server": {"idle_timeout": "61m"}})
        self.addCleanup(d.close)
        self.assertEqual(d.run("check-config").returncode, 78)


class Shares(bd.Case):
    """Who waits for whom, with statements that wait for a lock as long as the test wants."""

    def daemon_with(self, workers):
        server = {"workers": workers, "request_budget": "20s", "queue_timeout": "20s"}
        self.pg = self.postgres()
        self.d = self.daemon(self.pg, {"server": server, "database": {"statement_timeout": "20s"}})

    def ask(self, address, path):
        """Sent, and not waited for."""
        c = self.d.client()
        self.addCleanup(c.close)
        c.source = (address, 0)
        c.connect()
        c.send(c.encode("GET", path))
        return c

    def wait_for_queue(self, n):
        bd.wait_until(
            lambda: self.d.metric("bookingd_http_connections", state="queued") == n,
            lambda: "%d in the queue, not %s"
            % (n, self.d.metric("bookingd_http_connections", state="queued")),
        )

    def test_searches_leave_workers_to_the_others(self):
        self.daemon_with(4)
        service = "/v1/services/" + str(uuid.uuid4())
        with self.pg.holding("LOCK TABLE services IN ACCESS EXCLUSIVE MODE"):
            searches = [
                self.ask("127.0.1.%d" % n, service + path)
                for n in range(5)
                for path in ("/slots?from=2030-01-01&to=2030-01-02", "/days?from=2030-01-01")
            ]
            # A quarter of the workers stay free, and two searches per processor are enough.
            given = min(3, 2 * len(os.sched_getaffinity(0)))
            bd_wait.wait_for_workers(self.d, given)
            self.wait_for_queue(10 - given)
            self.assertEqual([self.d.get("/v1/venues").status for _ in range(20)], [200] * 20)
            self.wait_for_queue(10 - given)
        self.assertEqual([c.recv_response().status for c in searches], [404] * 10)

    def test_the_only_worker_searches_too(self):
        self.daemon_with(1)
        r = self.d.get("/v1/services/%s/days?from=2030-01-01" % uuid.uuid4())
        self.assertEqual(r.status, 404)

    def test_who_has_no_worker_comes_before_who_has_one(self):
        self.daemon_with(2)
        with self.pg.holding(bd_wait.LOCK):
            greedy = [self.ask("127.0.0.2", "/v1/venues") for _ in range(5)]
            bd_wait.wait_for_workers(self.d, 2)
            self.wait_for_queue(3)
            other = self.ask("127.0.0.3", "/v1/bookings")
            self.wait_for_queue(4)
            self.pg.sql(
                "SELECT pg_cancel_backend(pid) FROM pg_locks JOIN pg_stat_activity a USING (pid)"
                " WHERE NOT granted AND relation = 'venues'::regclass"
                " AND a.datname = current_database()"
                " AND application_name LIKE '%worker%'"  # the keeper may wait as well
                " LIMIT 1"
            )
            self.assertEqual(other.recv_response().status, 401)
            self.wait_for_queue(2)
        self.assertEqual(sorted(c.recv_response().status for c in greedy), [200] * 4 + [503])


class Rate(bd.Case):
    def test_least_speed(self):
        """Four clients at once: three are too slow, each in its own way; the fourth is slow, but
        fast enough.
        """
        d = self.daemon(
            self.postgres(),
            {"server": {"min_rate": 100, "head_timeout": "60s", "body_timeout": "60s"}},
        )
        ended = {}

        def drip(name, first, rate):
            c = d.client()
            c.send(first)
            begun, sent = time.monotonic(), 0
            with contextlib.suppress(OSError):
                while name not in ended and time.monotonic() < begun + 6:
                    c.sock.settimeout(0.1)
                    with contextlib.suppress(socket.timeout):
                        r = c.recv_response()
                        ended[name] = (r.status, r.code, time.monotonic() - begun)
                        break
                    due = int((time.monotonic() - begun) * rate)
                    c.send(b"x" * (due - sent))
                    sent = due
            ended.setdefault(name, (0, None, 6))

        def never_read():
            c = bd.Client(("127.0.0.1", d.port))
            c.sock = socket.socket()
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            c.sock.connect(c.address)
            c.sock.setblocking(False)
            with contextlib.suppress(OSError):
                for _ in range(4000):
                    c.sock.send(c.encode("GET", "/openapi.json"))
            begun = time.monotonic()
            bd.wait_until(
                lambda: d.metric("bookingd_http_connections", state="active") == 0,
                "the end of an answer that nobody takes",
            )
            ended["answer"] = (0, None, time.monotonic() - begun)
            c.close()

        head = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "
        body = (
            b"POST /v1/otp HTTP/1.1\r\nHost: x\r\nContent-Type: "
            b"application/json\r\nContent-Length: 60000\r\n\r\n"
        )
        threads = [
            threading.Thread(target=drip, args=a)
            for a in (
                ("head", head, 20),
                ("body", body, 20),
                ("fast enough", b"G" + b"ET /" + b"a" * 50, 400),
            )
        ]
        threads.append(threading.Thread(target=never_read))
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for name in ("head", "body"):
            status, code, took = ended[name]
            self.assertEqual((name, status, code), (name, 408, "request_timeout"))
            self.assertGreater(took, 2.9)
            self.assertLess(took, 4.5 + 0.5 * bd.PATIENCE)
        self.assertEqual(ended["fast enough"][0], 0)
        self.assertLess(ended["answer"][2], 20)
        closed = {
            reason: d.metric("bookingd_http_connections_closed_total", reason=reason)
            for reason in ("head", "body", "rate", "unread")
        }
        self.assertEqual(closed, {"head": 0, "body": 0, "rate": 3, "unread": 0})


if __name__ == "__main__":
    bd.main()
