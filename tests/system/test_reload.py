# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""HUP: the new configuration proves itself before the old one goes; no request fails, no connection
is reset.
"""
import os
import re
import signal
import socket
import threading
import time

import bd
import bd_shop
from test_http_server import Blocked, background


class Traffic:
    """Clients that keep sending over connections of their own, some of them new for each request,
    until it ends. Whatever is not a 200 on an open connection is a fault."""

    def __init__(self, d, n=6, paths=("/openapi.json", "/v1/venues")):
        self.d, self.paths = d, paths
        self.stop, self.bad, self.done = threading.Event(), [], 0
        self.joins = [background(lambda i=i: self.run(i)) for i in range(n)]

    def run(self, i):
        c, n = bd.Client(("127.0.0.1", self.d.port)), 0
        try:
            while not self.stop.is_set():
                try:
                    r = c.get(self.paths[n % len(self.paths)])
                    if r.status != 200 or (r.header("Connection") or "").lower() == "close":
                        self.bad.append(repr(r))
                except (OSError, EOFError) as e:
                    self.bad.append(repr(e))
                    c.close()
                n += 1
                self.done += 1
                if i % 2:
                    c.close()
        finally:
            c.close()

    def __enter__(self):
        bd.wait_until(lambda: self.done > 20 or self.bad, "traffic")
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for join in self.joins:
            join()


def refused(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


class Reload(bd.Case):
    def status(self, d):
        """/status; while the monitor is being replaced by one that listens elsewhere nobody may
        answer.
        """

        def ask():
            try:
                with bd.Client(("127.0.0.1", d.monitor_port)) as c:
                    return c.request(
                        "GET", "/status", headers={"Accept": "application/json"}
                    ).json()
            except (OSError, EOFError):
                return None

        return bd.wait_until(ask, "the monitor")

    def reloads(self, d):
        return self.status(d)["reload"]["reloads"]

    def reload(self, d, over=None, good=True, n=None):
        """Writes the configuration, sends HUP, waits for the end; why it was refused. n: reloads
        before.
        """
        n = self.reloads(d) if n is None else n
        if over is not None:
            d.write_config(over)
        d.hup()
        bd.wait_until(lambda: self.reloads(d) > n, "the end of the reload")
        state = self.status(d)["reload"]
        self.assertEqual(state["successful"], good, state)
        self.assertEqual(state["why"] == "", good, state)
        return state["why"]

    def roles(self, d):
        return {
            role: set(d.children(role))
            for role in ("dispatcher", "worker", "monitor", "keeper", "resolver")
        }

    def only(self, d, n):
        bd.wait_until(
            lambda: len(d.children("worker")) == n and len(d.titles()) == n + 4,
            "%d workers and no more" % n,
        )


class Good(Reload):
    def test_every_role_but_the_dispatcher_is_replaced(self):
        d = self.daemon(self.postgres(), {"server": {"workers": 3}})
        with d.client() as c:
            c.get("/openapi.json")
            port, before = c.sock.getsockname()[1], self.roles(d)
            served = d.metric("bookingd_http_requests_total", route="/openapi.json")
            first = d.metric("bookingd_config_last_reload_success_timestamp_seconds")
            d.notes.clear()
            self.reload(d, {"server": {"workers": 5}})
            self.only(d, 5)
            after = self.roles(d)
            self.assertEqual(after["dispatcher"], before["dispatcher"])
            for role in ("worker", "monitor", "keeper", "resolver"):
                self.assertFalse(after[role] & before[role], role)
            self.assertEqual(c.get("/v1/venues").status, 200)
            self.assertEqual(c.sock.getsockname()[1], port)  # the same connection
        self.assertEqual(d.metric("bookingd_http_requests_total", route="/openapi.json"), served)
        self.assertEqual(d.metric("bookingd_config_last_reload_successful"), 1)
        self.assertGreaterEqual(
            d.metric("bookingd_config_last_reload_success_timestamp_seconds"), first
        )
        self.assertEqual(
            sum(v for n, labels, v in d.metrics() if n == "bookingd_process_restarts_total"), 0
        )
        at = d.notes.index("RELOADING=1")
        self.assertRegex(d.notes[at + 1], r"MONOTONIC_USEC=\d+")
        self.assertLess(
            abs(
                int(d.notes[at + 1].split("=")[1]) / 1e6 - time.clock_gettime(time.CLOCK_MONOTONIC)
            ),
            60,
        )
        bd.wait_until(lambda: "READY=1" in d.notes[at:], "READY=1 after it")
        reload = self.status(d)["reload"]
        self.assertEqual(
            (reload["successful"], reload["busy"], reload["reloads"], reload["why"]),
            (True, False, 1, ""),
        )
        self.assertEqual(d.stop(), 0)

    def test_under_traffic(self):
        d = self.daemon(self.postgres(), {"server": {"workers": 4, "queue": 128}})
        with Traffic(d) as t:
            for workers in (8, 2, 1, 6, 4):
                n = t.done
                self.reload(d, {"server": {"workers": workers}})
                bd.wait_until(lambda: t.done > n + 50, "traffic goes on")
        self.assertEqual(t.bad, [])
        self.only(d, 4)

    def test_a_process_that_does_not_hear_is_ended_all_the_same(self):
        """Stopped processes of every role, and reloads that do not wait for each other's end."""
        d = self.daemon(self.postgres(), {"server": {"workers": 2, "drain_timeout": "12s"}})
        d.get("/openapi.json")
        before, n = self.roles(d), self.reloads(d)
        deaf = [pid for role in ("monitor", "keeper", "resolver") for pid in before[role]]
        for pid in deaf:
            os.kill(pid, signal.SIGSTOP)
        for _ in range(3):
            d.hup()
            time.sleep(0.3)
        bd.wait_until(lambda: not set(deaf) & set(d.titles()), "the end of the stopped", 25)
        self.only(d, 2)
        self.assertGreater(self.reloads(d), n)
        for role in ("monitor", "keeper", "resolver"):
            for pid in before[role]:
                for event in ("child.stopping", "child.ended"):
                    self.assertRegex(
                        d.log(), r"event=%s .*child=%s .*slot=\d+ pid=%d " % (event, role, pid)
                    )

    def test_what_runs_is_finished_by_the_old(self):
        """A request in hand, and requests in the queue: the first is the old worker's, the others
        the new one's.
        """

        class Held(Blocked):
            pass

        held = Held()
        self.addCleanup(held.doCleanups)
        d, release, joins = held.blocked({"workers": 1, "queue": 10, "queue_timeout": "20s"})
        queued = [background(lambda: d.get("/openapi.json").status) for _ in range(3)]
        bd.wait_until(lambda: d.metric("bookingd_http_connections", state="queued") == 3, "queued")
        old = d.children("worker")
        self.reload(d, {"server": {"workers": 2}})
        self.assertEqual([j() for j in queued], [200] * 3)
        self.assertTrue(set(old) < set(d.children("worker")))
        release()
        self.assertEqual(joins[0]().status, 200)
        bd.wait_until(lambda: not set(old) & set(d.children("worker")), "the end of the old worker")

    def test_limits_of_the_dispatcher(self):
        d = self.daemon(self.postgres(), {"server": {"max_body": "1KiB", "idle_timeout": "60s"}})
        body = {"pad": "x" * 3000}
        with d.client() as c, d.client() as idle:
            idle.get("/openapi.json")
            self.assertEqual(c.post("/nope", body).status, 413)
            self.reload(d, {"server": {"max_body": "8KiB", "idle_timeout": "1s"}})
            self.assertEqual(c.post("/nope", body).status, 404)
            self.assertEqual(idle.recv_eof(), b"")  # closed in order
        self.reload(
            d, {"server": {"max_body": "1KiB", "max_connections": 16, "idle_timeout": "60s"}}
        )
        clients = [d.client().connect() for _ in range(40)]
        bd.wait_until(
            lambda: d.metric("bookingd_http_connections", state="idle") == 16, "the new limit"
        )
        self.reload(d, {"server": {"max_connections": 64}})
        clients += [d.client().connect() for _ in range(40)]
        bd.wait_until(
            lambda: d.metric("bookingd_http_connections", state="idle") == 56, "the higher limit"
        )
        self.assertEqual(clients[-1].post("/nope", body).status, 413)

    def test_sockets_come_and_go(self):
        d = self.daemon(self.postgres())
        first, second, path = (
            "127.0.0.1:%d" % d.port,
            bd.free_port(),
            os.path.join(d.dir, "http.sock"),
        )
        stays = d.client()
        stays.get("/openapi.json")
        with Traffic(d, 2):
            self.reload(d, {"server": {"listen": [first, "127.0.0.1:%d" % second, "unix:" + path]}})
            with bd.Client(path) as c, bd.Client(("127.0.0.1", second)) as by_second:
                self.assertEqual(c.get("/openapi.json").status, 200)
                self.assertEqual(by_second.get("/openapi.json").status, 200)
                self.reload(d, {"server": {"listen": [first]}})
                # The sockets are gone; who came through them stays.
                self.assertEqual(c.get("/openapi.json").status, 200)
                self.assertEqual(by_second.get("/openapi.json").status, 200)
        bd.wait_until(lambda: refused(second), "nobody listens")
        self.assertFalse(os.path.exists(path))
        self.assertEqual(stays.get("/openapi.json").status, 200)
        self.reload(d, {"server": {"listen": "unix:" + path}})
        with bd.Client(path) as c:
            self.assertEqual(c.get("/openapi.json").status, 200)
        self.assertEqual(stays.get("/openapi.json").status, 200)
        # One that dies is started with what is in force now.
        os.kill(d.children("dispatcher")[0], signal.SIGKILL)

        def answers():
            try:
                with bd.Client(path) as c:
                    return c.get("/openapi.json").status == 200
            except (OSError, EOFError):
                return False

        bd.wait_until(answers, "another dispatcher")
        self.assertEqual(d.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_the_monitor_moves(self):
        d = self.daemon(self.postgres())
        old, d.monitor_port = d.monitor_port, bd.free_port()
        self.reload(d, {"monitor": {"listen": "127.0.0.1:%d" % d.monitor_port}}, n=0)
        bd.wait_until(lambda: len(d.children("monitor")) == 1, "one monitor")
        self.assertEqual(d.metric("bookingd_config_last_reload_successful"), 1)
        self.assertTrue(refused(old))

    def test_scrapes_do_not_fail(self):
        d = self.daemon(self.postgres())
        stop, bad = threading.Event(), []

        def scrape():
            while not stop.is_set():
                try:
                    if d.metric("bookingd_build_info") != 1:
                        bad.append("no build_info")
                except Exception as e:  # pylint: disable=broad-except
                    bad.append(repr(e))

        join = background(scrape)
        for _ in range(4):
            self.reload(d)
        stop.set()
        join()
        self.assertEqual(bad, [])

    def test_log_level_and_format(self):
        d = self.daemon(self.postgres())
        self.reload(d, {"log": {"format": "json", "level": "warn"}})
        self.only(d, 2)
        n = len(d.log())
        self.assertEqual(d.get("/openapi.json").status, 200)
        os.kill(d.children("worker")[0], signal.SIGKILL)
        bd.wait_until(lambda: '"event":"child.ended"' in d.log()[n:].replace(" ", ""), "JSON")
        self.assertFalse("http.request" in d.log()[n:])

    def test_a_storm_of_signals(self):
        d = self.daemon(self.postgres(), {"server": {"workers": 2}})
        with Traffic(d, 4) as t:
            for _ in range(50):
                d.hup()
            d.write_config({"server": {"workers": 3}})
            d.hup()  # after the last change: this one counts
            bd.wait_until(
                lambda: len(d.children("worker")) == 3
                and len(d.titles()) == 7
                and not self.status(d)["reload"]["busy"],
                "the last configuration",
            )
        self.assertEqual(t.bad, [])
        self.assertFalse("reload.refused" in d.log())
        self.assertLess(self.reloads(d), 40)

    def test_before_the_service_is_ready(self):
        """The first configuration names a database that is away; the second one
        names a real one."""
        pg = self.postgres()
        d = self.daemon(None, start=False)
        d.start(ready=False)
        bd.wait_until(lambda: len(d.children("worker")) == 2, "workers")
        self.assertEqual(d.get("/openapi.json").status, 200)
        self.reload(d, {"database": {"url": pg.conninfo}})
        bd.wait_until(lambda: "READY=1" in d.notes, "READY=1")
        self.assertEqual(d.get("/v1/venues").status, 200)

    def test_names_that_were_not_known(self):
        """A host by name instead of an address: the new resolver looks it up before the new workers
        need it.
        """
        d = self.daemon(self.postgres())
        url = re.sub(r"\bhost=\S+", "host=localhost", d.config["database"]["url"])
        self.assertNotEqual(url, d.config["database"]["url"])
        for i in range(40):  # and names that nobody wants any more make room
            if i % 8:
                continue
            d.write_config(
                {
                    "providers": {
                        "p%d"
                        % k: {
                            "type": "taqnyat",
                            "base_url": "http://p%d-%d.invalid" % (i, k),
                            "sender": "A",
                            "token": "t",
                        }
                        for k in range(12)
                    }
                }
            )
            self.reload(d)
            for k in range(12):
                d.write_config({"providers": {"p%d" % k: None}})
        self.reload(d, {"database": {"url": url}})
        self.assertEqual(d.get("/v1/venues").status, 200)

    def test_ttin_beside_a_reload(self):
        d = self.daemon(self.postgres(), {"server": {"workers": 2}})
        d.signal(signal.SIGTTIN)
        self.only(d, 3)
        self.reload(d)
        self.only(d, 2)  # as configured again
        d.signal(signal.SIGTTIN)
        self.only(d, 3)
        d.signal(signal.SIGTTOU)
        self.only(d, 2)


class Providers(Reload):
    def config(self, **providers):
        return {
            "providers": providers,
            "otp": {
                "provider": "sms",
                "secret": "a-secret-of-at-least-32-bytes-for-tests",
                "resend_cooldown": "0s",
                "messages": {"en": "{code}", "ar": "{code}"},
            },
        }

    def taqnyat(self, url):
        return {
            "type": "taqnyat",
            "base_url": url,
            "sender": "T",
            "token": "t",
            "breaker": {"failures": 2, "open_for": "5m"},
        }

    def test_counters_and_circuits_belong_to_names(self):
        reply = bd.p_reply(
            201,
            bd_shop.sms_ok,
        )
        sms, other = self.provider(reply), self.provider(reply)
        d = self.daemon(self.postgres(), self.config(sms=self.taqnyat(sms.url)))

        def otp(n):
            return d.post("/v1/otp", {"phone": "+96655000000%d" % n}).status

        def sent(name):
            return d.metric("bookingd_provider_requests_total", provider=name, outcome="ok")

        self.assertEqual(otp(1), 201)
        self.assertEqual(sent("sms"), 1)
        # Two more, in front of it: its index is another now.
        d.config["providers"] = {
            "aaa": self.taqnyat(other.url),
            "bbb": self.taqnyat(other.url),
            **d.config["providers"],
        }
        self.reload(d, {})
        bd.wait_until(lambda: len(d.children("monitor")) == 1, "the monitor that goes is gone")
        bd.wait_until(lambda: sent("aaa") is not None, "the new monitor's page")
        self.assertEqual((sent("sms"), sent("aaa")), (1, 0))
        self.assertEqual(otp(2), 201)
        self.assertEqual(
            (sent("sms"), sent("aaa"), len(sms.requests), len(other.requests)), (2, 0, 2, 0)
        )
        self.reload(d, {"otp": {"provider": "aaa"}})
        self.assertEqual(otp(3), 201)
        self.assertEqual((sent("sms"), sent("aaa")), (2, 1))
        # An open circuit stays open, whoever reads it.
        other.default = bd.p_reply(500, {})
        for n in (4, 5):
            self.assertIn(otp(n), (502, 503))
        bd.wait_until(
            lambda: d.metric("bookingd_provider_circuit_open", provider="aaa") == 1,
            "an open circuit",
        )
        self.reload(d, {"providers": {"bbb": None}})
        bd.wait_until(lambda: len(d.children("monitor")) == 1, "one monitor")
        self.assertEqual(d.metric("bookingd_provider_circuit_open", provider="aaa"), 1)
        self.assertEqual(d.metric("bookingd_provider_circuit_open", provider="sms"), 0)
        self.assertEqual(otp(6), 503)
        # A provider that is gone keeps its counters, and comes back to them.
        self.reload(d, {"otp": {"provider": "sms"}, "providers": {"aaa": None}})
        self.assertEqual((sent("sms"), sent("aaa")), (2, 1))
        self.assertEqual(otp(7), 201)
        self.assertEqual(sent("sms"), 3)


class Refused(Reload):
    def test_a_broken_file_changes_nothing_and_says_why(self):
        d = self.daemon(self.postgres())
        before = d.titles()
        good = d.metric("bookingd_config_last_reload_success_timestamp_seconds")
        with open(d.path, "w") as f:
            f.write("server:\n  workers: many\n  colour: red\n")
        why = self.reload(d, good=False)
        self.assertIn("%s:2:12: server.workers" % d.path, why)
        self.assertTrue(d.log_contains(r"config.fault .*:3:3: server.colour: unknown key"))
        self.assertEqual(set(d.titles()), set(before))
        with open(d.path, "w"):
            pass  # an editor's accident: it would mean all defaults
        self.assertIn("empty", self.reload(d, good=False))
        self.assertEqual(set(d.titles()), set(before))
        with open(d.path, "w") as f:
            f.write("server:\n  workers: many\n")
        why = self.reload(d, good=False)
        self.assertEqual(d.metric("bookingd_config_last_reload_successful"), 0)
        self.assertEqual(d.metric("bookingd_config_last_reload_success_timestamp_seconds"), good)
        bd.wait_until(
            lambda: any(n.startswith("STATUS=serving") and "server.workers" in n for n in d.notes),
            "STATUS",
        )
        self.assertEqual(d.notes[-1], "READY=1")
        self.assertFalse(self.status(d)["reload"]["successful"])
        self.assertEqual(d.get("/v1/venues").status, 200)
        self.reload(d, {})
        self.assertEqual(d.metric("bookingd_config_last_reload_successful"), 1)

    def test_what_cannot_change(self):
        d = self.daemon(self.postgres())
        self.assertIn("server.user", self.reload(d, {"server": {"user": "nobody"}}, good=False))
        self.assertIn(
            "server.workers", self.reload(d, {"server": {"user": "", "workers": 1000}}, good=False)
        )
        self.assertEqual(len(d.children("worker")), 2)
        self.reload(d, {"server": {"workers": 2}})

    def test_an_address_that_is_taken(self):
        d = self.daemon(self.postgres())
        path = os.path.join(d.dir, "http.sock")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            port = taken.getsockname()[1]
            why = self.reload(
                d, {"server": {"listen": ["unix:" + path, "127.0.0.1:%d" % port]}}, good=False
            )
            self.assertIn(str(port), why)
            self.assertFalse(os.path.exists(path))
            why = self.reload(
                d,
                {
                    "server": {"listen": "127.0.0.1:%d" % d.port},
                    "monitor": {"listen": "127.0.0.1:%d" % port},
                },
                good=False,
            )
            self.assertIn(str(port), why)
        self.assertEqual(d.get("/v1/venues").status, 200)
        bd.wait_until(lambda: d.metric("bookingd_database_up") == 1, "the monitor's first look")
        d.config["monitor"]["listen"] = "127.0.0.1:%d" % d.monitor_port
        self.reload(d, {})

    def test_a_database_that_is_away(self):
        d = self.daemon(self.postgres())
        url = d.config["database"]["url"]
        before = set(d.children("worker"))
        with Traffic(d, 3) as t:
            d.write_config(
                {
                    "database": {
                        "url": "host=127.0.0.1 port=1 dbname=none user=none",
                        "connect_timeout": "50ms",
                    }
                }
            )
            d.hup()
            bd.wait_until(lambda: self.reloads(d) == 1, "the end of the reload", 30)
        self.assertEqual(t.bad, [])
        self.assertTrue(d.log_contains("reload.refused .*none of its workers reached the database"))
        bd.wait_until(lambda: set(d.children("worker")) == before, "the old workers alone")
        self.reload(d, {"database": {"url": url}})
        self.only(d, 2)

    def test_a_database_with_another_schema(self):
        d = self.daemon(self.postgres())
        empty = self.postgres(migrate=False)
        before = set(d.children("worker"))
        why = self.reload(d, {"database": {"url": empty.conninfo}}, good=False)
        self.assertIn("exit 78", why)
        bd.wait_until(lambda: set(d.children("worker")) == before, "the old workers alone")
        self.assertEqual(d.get("/v1/venues").status, 200)
        self.assertEqual(
            sum(v for n, labels, v in d.metrics() if n == "bookingd_process_restarts_total"), 0
        )

    def test_a_dispatcher_that_dies_meanwhile(self):
        """Nothing hangs: the reload ends one way or the other, and the next one is good."""
        d = self.daemon(self.postgres(), {"server": {"workers": 8}})
        n = self.reloads(d)
        victim = d.children("dispatcher")[0]
        d.hup()
        d.log_contains("reload.begun", 5)
        os.kill(victim, signal.SIGKILL)
        bd.wait_until(lambda: self.reloads(d) > n, "an end")
        self.reload(d, {"server": {"workers": 3}})
        self.only(d, 3)

        def answers():
            try:
                return d.get("/v1/venues").status == 200
            except (OSError, EOFError):
                return False

        bd.wait_until(answers, "answers")

    def test_the_end_of_the_service_comes_first(self):
        d = self.daemon(self.postgres(), {"server": {"workers": 8}})
        d.hup()
        d.log_contains("reload.begun", 5)
        self.assertEqual(d.stop(), 0)
        self.assertEqual(d.notes.count("STOPPING=1"), 1)


class Command(Reload):
    def test_wait_tells_how_it_ended(self):
        d = self.daemon(self.postgres())
        d.write_config({"server": {"workers": 3}})
        done = d.run("reload", "--wait")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.status(d)["reload"]["epoch"], 2)
        d.write_config({"server": {"workers": 1000}})
        done = d.run("reload", "--wait")
        self.assertEqual(done.returncode, 1)
        self.assertIn("server.workers", done.stderr)
        with open(d.path, "a") as f:
            f.write("x")
        done = d.run("reload", "--wait")
        self.assertEqual(done.returncode, 78)
        self.assertIn(d.path, done.stderr)
        n = self.reloads(d)
        self.assertEqual(d.run("reload", "--wait", "--pid", str(d.pid)).returncode, 78)
        bd.wait_until(lambda: self.reloads(d) > n, "the daemon has seen it too")
        self.assertEqual(d.metric("bookingd_config_last_reload_successful"), 0)
        # By pid, when the monitor moves with the reload.
        d.config["server"]["workers"] = 2
        d.monitor_port = bd.free_port()
        d.write_config({"monitor": {"listen": "127.0.0.1:%d" % d.monitor_port}})
        self.assertEqual(d.run("reload", "--wait").returncode, 69)
        self.assertEqual(d.run("reload", "--wait", "--pid", str(d.pid)).returncode, 0)
        self.assertEqual(d.run("reload").returncode, 0)
        for words in (["--pid", "x"], ["--pid", "0"], ["--timeout", "0"], ["now"]):
            self.assertEqual(d.run("reload", *words).returncode, 64)
        self.assertEqual(d.stop(), 0)
        self.assertEqual(d.run("reload", "--wait").returncode, 69)
        self.assertEqual(d.run("reload", "--wait", "--pid", str(d.pid)).returncode, 69)

    def test_wait_has_an_end(self):
        d = self.daemon(self.postgres())
        d.signal(signal.SIGSTOP)
        try:
            begun = time.monotonic()
            done = d.run("reload", "--wait", "--timeout", "1")
            self.assertEqual(done.returncode, 1)
            self.assertIn("the reload did not end", done.stderr)
            self.assertLess(time.monotonic() - begun, 4 * bd.PATIENCE)
        finally:
            d.signal(signal.SIGCONT)
        d.log_contains("reload.done", 10)


class Recycle(bd.Case):
    def test_workers_are_replaced_without_a_lost_request(self):
        d = self.daemon(
            self.postgres(), {"server": {"workers": 3, "worker_max_requests": 50, "queue": 128}}
        )
        first = set(d.children("worker"))
        with Traffic(d, 6) as t:
            bd.wait_until(lambda: t.done > 1500, "traffic", 30)
        self.assertEqual(t.bad, [])
        self.assertFalse(first & set(d.children("worker")))
        recycled = d.metric("bookingd_process_restarts_total", role="worker", reason="recycle")
        self.assertGreaterEqual(recycled, t.done // 56)
        self.assertLessEqual(recycled, t.done // 44)
        for reason in ("exit", "signal", "overdue"):
            self.assertEqual(
                d.metric("bookingd_process_restarts_total", role="worker", reason=reason), 0
            )
        self.assertFalse("child.backoff" in d.log())
        self.assertEqual(d.stop(), 0)

    def test_one_worker_of_one_request(self):
        d = self.daemon(
            self.postgres(),
            {"server": {"workers": 1, "worker_max_requests": 1, "queue_timeout": "10s"}},
        )
        with d.client() as c:
            for _ in range(20):
                self.assertEqual(c.get("/openapi.json").status, 200)
        self.assertGreaterEqual(
            d.metric("bookingd_process_restarts_total", role="worker", reason="recycle"), 19
        )


if __name__ == "__main__":
    bd.main()
