# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Lives and deaths of the processes: start, ready, crash, backoff, drain, the end of the master."""
import datetime as dt
import errno
import os
import pwd
import re
import resource
import signal
import socket
import subprocess
import threading
import time
import unittest

import bd
import bd_shop
from test_http_server import Blocked, background


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Start(bd.Case):
    def test_roles_titles_and_ready(self):
        d = self.daemon(self.postgres(), {"server": {"workers": 3}})
        titles = [
            "bookingd: dispatcher",
            "bookingd: keeper",
            "bookingd: monitor",
            "bookingd: resolver",
            "bookingd: worker 0 idle",
            "bookingd: worker 1 idle",
            "bookingd: worker 2 idle",
        ]
        # The keeper begins with its tasks as soon as it has checked in.
        bd.wait_until(lambda: sorted(d.titles().values()) == titles, "all checked in and idle")
        self.assertEqual(bd.title_of(d.pid), "bookingd: master")
        self.assertTrue(
            bd.wait_until(lambda: [n for n in d.notes if n.startswith("STATUS=serving")], "STATUS")
        )
        took = float(re.search(r"event=master.ready .*took_ms=([\d.]+)", d.log()).group(1))
        print("start to ready: %.0f ms" % took, flush=True)
        self.assertLess(took, 500 * bd.PATIENCE)

    def test_not_ready_without_a_database(self):
        d = self.daemon(None, start=False)
        d.start(ready=False)
        bd.wait_until(lambda: d.log_contains("master.listening"), "listening")
        with d.client() as c:
            self.assertEqual(c.get("/openapi.json").status, 200)
            r = c.get("/v1/venues")
            self.assertEqual((r.status, r.code), (503, "database_unavailable"))
            self.assertTrue(r.header("Retry-After"))
        self.assertNotIn("READY=1", d.notes)
        self.assertEqual(d.stop(), 0)

    def test_ready_when_the_database_comes(self):
        pg = self.postgres()
        d = self.daemon(pg, start=False)
        pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % pg.name, admin=True)
        d.start(ready=False)
        bd.wait_until(lambda: len(d.children("worker")) == 2, "workers")
        with d.client() as c:
            self.assertEqual(c.get("/v1/venues").status, 503)
        self.assertNotIn("READY=1", d.notes)
        pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % pg.name, admin=True)
        bd.wait_until(lambda: "READY=1" in d.notes, "READY=1")
        bd.wait_until(
            lambda: d.get("/v1/venues").status == 200, "the database is used", 1
        )  # each worker finds it by itself

    def test_database_that_comes_late_with_another_schema(self):
        pg = self.postgres(migrate=False)
        d = self.daemon(pg, start=False)
        pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % pg.name, admin=True)
        d.start(ready=False)
        bd.wait_until(lambda: len(d.children("worker")) == 2, "workers")
        self.assertEqual(d.get("/openapi.json").status, 200)
        pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % pg.name, admin=True)
        self.assertEqual(d.wait(), 78)
        self.assertNotIn("READY=1", d.notes)

    def test_schema_of_another_version_ends_the_start_with_78(self):
        pg = self.postgres(migrate=False)
        d = self.daemon(pg, start=False)
        begun = time.monotonic()
        d.start(ready=False)
        self.assertEqual(d.wait(), 78)
        self.assertLess(time.monotonic() - begun, 3 * bd.PATIENCE)
        self.assertNotIn("READY=1", d.notes)
        self.assertIn("bookingd migrate", d.log())
        # Each worker says it at most once: nobody is started again to find the same.
        self.assertLessEqual(len(re.findall("worker.schema_refused", d.log())), 2)

    def test_address_in_use(self):
        first = self.daemon(self.postgres())
        second = self.daemon(
            first.pg, {"server": {"listen": "127.0.0.1:%d" % first.port}}, start=False
        )
        second.start(ready=False)
        self.assertEqual(second.wait(), 1)
        self.assertTrue(second.log_contains("master.listen_failed .*%d" % first.port))
        self.assertEqual(first.get("/openapi.json").status, 200)

    def test_all_kinds_of_sockets(self):
        pg = self.postgres()
        d = self.daemon(pg, start=False)
        path, port6 = os.path.join(d.dir, "http.sock"), bd.free_port()
        d.write_config(
            {"server": {"listen": ["127.0.0.1:%d" % d.port, "[::1]:%d" % port6, "unix:" + path]}}
        )
        d.start()
        for address in (("127.0.0.1", d.port), ("::1", port6), path):
            with bd.Client(address) as c:
                self.assertEqual(c.get("/openapi.json").status, 200)
        self.assertEqual(d.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_socket_activation_by_name(self):
        d = self.daemon(
            self.postgres(),
            {"server": {"listen": "systemd"}, "monitor": {"listen": "127.0.0.1:1"}},
            start=False,
        )
        listeners = []
        for port in (d.monitor_port, d.port):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            s.listen(64)
            self.addCleanup(s.close)
            listeners.append(s)
        # LISTEN_PID must be bookingd's own: a shell says it and becomes bookingd.
        d.write_config()
        script = (
            "exec 3<&%d 4<&%d; export LISTEN_FDS=2 LISTEN_FDNAMES=metrics:http LISTEN_PID=$$; "
            'exec "$0" -c "$1" serve' % tuple(s.fileno() for s in listeners)
        )
        with open(d.log_path, "ab") as log:
            d.proc = subprocess.Popen(
                ["sh", "-c", script, bd.BIN, d.path],
                pass_fds=[s.fileno() for s in listeners],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "NOTIFY_SOCKET": os.path.join(d.dir, "notify")},
            )
        bd.wait_until(lambda: "READY=1" in d.notes or d.proc.poll() is not None, "READY=1")
        self.assertEqual(d.get("/openapi.json").status, 200)
        bd.wait_until(lambda: d.metric("bookingd_database_up") == 1, "the monitor's first look")

    def test_watchdog_only_while_healthy(self):
        d = self.daemon(
            self.postgres(), {"server": {"workers": 1}}, env={"WATCHDOG_USEC": "1000000"}
        )

        def pings():
            return d.notes.count("WATCHDOG=1")

        bd.wait_until(lambda: pings() >= 3, "three pings")
        for _ in range(3):  # the third replacement waits for about two seconds: nobody serves
            victim = bd.wait_until(lambda: d.children("worker"), "a worker")[0]
            os.kill(victim, signal.SIGKILL)
            d.log_contains(r"child.ended .*pid=%d " % victim, 5)
        before = pings()
        bd.wait_until(lambda: d.children("worker"), "another worker")
        self.assertLessEqual(pings() - before, 1)
        bd.wait_until(lambda: pings() > before + 2, "pings again")
        self.assertEqual(d.stop(), 0)
        self.assertIn("STOPPING=1", d.notes)

    @unittest.skipUnless(os.geteuid() == 0, "only root can drop privileges")
    def test_privileges_are_dropped(self):
        nobody = pwd.getpwnam("nobody")
        d = self.daemon(self.postgres(), {"server": {"user": "nobody"}})
        for pid in [d.pid, *d.titles()]:
            with open("/proc/%d/status" % pid) as f:
                status = dict(line.split(":", 1) for line in f)
            self.assertEqual(set(status["Uid"].split()), {str(nobody.pw_uid)})
            self.assertEqual(set(status["Gid"].split()), {str(nobody.pw_gid)})
            self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(d.get("/openapi.json").status, 200)
        refused = self.daemon(d.pg, {"server": {"user": "no-such-user"}}, start=False)
        refused.start(ready=False)
        self.assertEqual(refused.wait(), 78)

    def test_few_descriptors(self):
        """Fewer descriptors than connections are wished: said at the start, kept to, and never a
        spin.
        """
        d = self.daemon(self.postgres(), start=False)
        d.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (160, 160)))
        cap = int(d.log_contains(r"dispatcher.connections_capped .*connections=(\d+)", 5).group(1))
        clients = [d.client() for _ in range(300)]
        for c in clients:
            self.assertEqual(c.get("/openapi.json").status, 200)
        self.assertLessEqual(d.metric("bookingd_http_connections", state="idle"), cap)
        self.assertNotIn("accept_failed", d.log())

    def test_memory(self):
        """Private memory of an idle worker that has served; what an idle connection costs the
        dispatcher.
        """
        d = self.daemon(self.postgres(), {"server": {"workers": 1}})

        def private(pid):
            with open("/proc/%d/smaps_rollup" % pid) as f:
                return sum(int(line.split()[1]) for line in f if line.startswith("Private_"))

        for _ in range(50):
            self.assertEqual(d.get("/v1/venues").status, 200)
        dispatcher, worker = d.children("dispatcher")[0], d.children("worker")[0]
        before = private(dispatcher)
        for _ in range(1000):
            self.assertEqual(d.client().get("/openapi.json").status, 200)
        bd.wait_until(
            lambda: d.metric("bookingd_http_connections", state="idle") == 1000,
            "all connections idle",
        )
        idle = (private(dispatcher) - before) * 1024 / 1000
        print(
            "private memory: worker %d KiB, dispatcher %d KiB, an idle connection %d bytes"
            % (private(worker), before, idle),
            flush=True,
        )
        if "asan" in bd.BIN or d.metric("process_virtual_memory_bytes") > 1 << 40:
            return  # AddressSanitizer's memory is not ours
        self.assertLess(private(worker), 3 * 1024)
        self.assertLess(idle, 1024)

    def test_memory_after_long_answers(self):
        """S1: whatever was asked, a worker is small again afterwards, and so is the dispatcher when
        clients do not read.
        """
        shop = bd_shop.Shop(self, {"server": {"workers": 2, "max_requests_per_address": 64}})
        chairs = [shop.chair] + [shop.resource("Chair %d" % i, 10) for i in range(2, 61)]
        service = shop.make_service(
            name="Long", duration_minutes=30, slot_step_minutes=5, resource_ids=chairs
        )
        day = dt.date.today() + dt.timedelta(days=1)
        path = "/v1/services/%s/slots?from=%s&to=%s&limit=%d" % (
            service,
            day,
            day + dt.timedelta(days=30),
            100,
        )
        d, faults = shop.daemon, []

        def ask():
            with d.client() as c:
                for _ in range(5):
                    r = c.get(path)
                    if r.status != 200:
                        faults.append(repr(r))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(faults, [])
        deaf = [d.client().connect() for _ in range(8)]
        for c in deaf:
            c.send(c.encode("GET", path) * 20)

        def private(role):
            kib = 0
            for pid in d.children(role):
                with open("/proc/%d/smaps_rollup" % pid) as f:
                    kib = max(
                        kib, sum(int(line.split()[1]) for line in f if line.startswith("Private_"))
                    )
            return kib

        bd.wait_until(lambda: not any("executing" in t for t in d.titles().values()), "rest", 30)
        print(
            "private memory: worker %d KiB, dispatcher %d KiB"
            % (private("worker"), private("dispatcher")),
            flush=True,
        )
        if "asan" in bd.BIN or d.metric("process_virtual_memory_bytes") > 1 << 40:
            return
        self.assertLess(private("worker"), 16 * 1024)
        self.assertLess(private("dispatcher"), 32 * 1024)


class Crash(Blocked):
    def test_a_killed_worker_is_replaced_at_once_and_counted(self):
        d = self.daemon(self.postgres())
        victim = d.children("worker")[0]
        os.kill(victim, signal.SIGKILL)
        d.log_contains(r"child.ended .*child=worker .*pid=%d .*how=\"signal KILL\"" % victim, 5)
        bd.wait_until(
            lambda: len(d.children("worker")) == 2 and victim not in d.children("worker"),
            "replacement",
            1,
        )
        self.assertEqual(
            d.metric("bookingd_process_restarts_total", role="worker", reason="signal"), 1
        )
        self.assertEqual(d.get("/openapi.json").status, 200)

    def test_every_role_is_replaced(self):
        d = self.daemon(self.postgres())
        for role in ("keeper", "resolver", "monitor", "dispatcher"):
            with self.subTest(role):
                old = d.children(role)
                os.kill(old[0], signal.SIGKILL)
                bd.wait_until(
                    lambda: d.children(role) and d.children(role) != old, "another " + role
                )

                def answers():
                    try:
                        return d.get("/openapi.json").status == 200
                    except (OSError, EOFError):
                        return False

                bd.wait_until(answers, "answers again")
        self.assertEqual(
            d.metric("bookingd_process_restarts_total", role="dispatcher", reason="signal"), 1
        )

    def test_workers_of_a_dead_dispatcher_are_no_failures(self):
        """They end with it each time, and do not wait for it: only the dispatcher has a backoff."""
        d = self.daemon(self.postgres())
        for _ in range(2):
            victim = bd.wait_until(
                lambda: len(d.children("worker")) == 2 and d.children("dispatcher"), "all of them"
            )[0]
            os.kill(victim, signal.SIGKILL)
            bd.wait_until(
                lambda: victim not in d.children("dispatcher") and d.children("dispatcher"),
                "another dispatcher",
            )
            self.assertEqual(d.get("/openapi.json").status, 200)
        self.assertEqual(re.findall(r"child\.backoff .*child=worker", d.log()), [])
        self.assertEqual(len(re.findall(r"child\.backoff .*child=dispatcher", d.log())), 1)

    def test_backoff_of_a_crash_loop(self):
        d = self.daemon(self.postgres())
        deaths = []
        for _ in range(3):
            pid = bd.wait_until(lambda: d.children("keeper"), "a keeper")[0]
            deaths.append(time.monotonic())
            os.kill(pid, signal.SIGKILL)
            bd.wait_until(lambda: re.search(r"child.ended .*pid=%d " % pid, d.log()), "its end")
        d.log_contains("failures=3", 5)
        begun = [
            float(ms)
            for ms in re.findall(r"child.backoff .*child=keeper .*wait_ms=([\d.]+)", d.log())
        ]
        self.assertEqual(
            len(begun), 2, "the first replacement is at once, the second and third wait"
        )
        self.assertTrue(750 <= begun[0] <= 1250 and 1550 <= begun[1] <= 2450, begun)
        self.assertGreater(deaths[2] - deaths[1], 0.75)
        self.assertEqual(d.get("/openapi.json").status, 200)  # the others do not suffer

    def test_schema_change_under_a_running_service(self):
        """Replacements that find another schema say so once, stay, and ask again each second."""
        pg = self.postgres()
        d = self.daemon(pg)
        pg.sql("UPDATE bookingd_schema SET version = version + 1000, works_from = NULL")
        for role in ("worker", "keeper", "monitor"):
            for pid in d.children(role):
                os.kill(pid, signal.SIGKILL)
        for role in ("worker", "keeper", "monitor"):
            d.log_contains(role + ".schema_refused .*newer than this program", 20)
        self.assertEqual(d.get("/v1/venues").code, "database_unavailable")
        self.assertIn("newer than this program", d.get("/readyz").json()["detail"])
        self.assertEqual(d.metric("bookingd_database_up"), 0)
        self.assertEqual(d.get("/openapi.json").status, 200)
        pg.sql("UPDATE bookingd_schema SET version = version - 1000, works_from = version - 1000")
        bd.wait_until(lambda: d.get("/v1/venues").status == 200, "the schema fits", 3)
        bd.wait_until(lambda: d.metric("bookingd_workers_without_database") == 0, "all workers", 3)
        bd.wait_until(lambda: d.metric("bookingd_database_up") == 1, "the monitor", 3)
        for role, n in (("worker", 2), ("keeper", 1), ("monitor", 1)):
            self.assertEqual(len(d.children(role)), n)
            self.assertLessEqual(len(re.findall(role + ".schema_refused", d.log())), n)
        self.assertNotIn("child.refused", d.log())

    def test_stopped_worker_is_overdue(self):
        """SIGSTOP in a request: budget + 5 s later it is ended, its client told, and the end
        counted.
        """
        d, release, joins = self.blocked({"workers": 2, "request_budget": "1s"}, n=1)
        os.kill(d.worker_executing("GET /v1/venues"), signal.SIGSTOP)
        begun = time.monotonic()
        release()
        r = joins[0](limit=12)
        self.assertEqual(
            (r.status, r.code), (504, "deadline_exceeded")
        )  # a read goes to the other worker, but its time is up
        self.assertLess(time.monotonic() - begun, 5.5 + 1 + 2 * bd.PATIENCE)
        self.assertGreater(time.monotonic() - begun, 4)
        bd.wait_until(
            lambda: d.metric("bookingd_process_restarts_total", role="worker", reason="overdue")
            == 1,
            "the count",
        )

    def test_worker_that_is_stopped_before_its_request(self):
        """SIGSTOP while it is idle: it never begins what it is given then, and is ended all the
        same.
        """
        d = self.daemon(self.postgres(), {"server": {"workers": 2, "request_budget": "500ms"}})
        victims = bd.wait_until(
            lambda: len(d.children("worker")) == 2 and d.children("worker"), "both workers"
        )
        bd.wait_until(lambda: d.metric("bookingd_workers", state="idle") == 2, "both idle")
        for pid in victims:
            os.kill(pid, signal.SIGSTOP)
        begun = time.monotonic()
        read, write = background(lambda: d.get("/openapi.json")), background(
            lambda: d.request("DELETE", "/v1/session")
        )
        answers = [(r.status, r.code) for r in (read(limit=12), write(limit=12))]
        self.assertEqual(answers, [(504, "deadline_exceeded"), (502, "interrupted")])
        self.assertGreater(time.monotonic() - begun, 5.5)
        for pid in victims:
            d.log_contains(r"event=child.overdue .*child=worker .*pid=%d .*stage=idle" % pid)
        bd.wait_until(lambda: d.get("/openapi.json").status == 200, "another worker")
        self.assertEqual(
            d.metric("bookingd_process_restarts_total", role="worker", reason="overdue"), 2
        )

    def test_last_words_of_an_overdue_worker(self):
        """ABRT first, and the log says what it was about: request, stage, provider. The payment or
        code is in doubt, not the client.
        """
        sms = self.provider(bd.p_hang())
        d = self.daemon(
            self.postgres(),
            {
                "server": {"request_budget": "1s"},
                "providers": {
                    "sms": {"type": "taqnyat", "base_url": sms.url, "sender": "T", "token": "t"}
                },
                "otp": {"provider": "sms", "secret": "a-secret-of-at-least-32-bytes-for-tests"},
            },
        )
        join = background(
            lambda: d.request(
                "POST", "/v1/otp", {"phone": "+966551234567"}, {"X-Request-Id": "the-late-one"}
            )
        )
        sms.wait_for(1)
        victim = d.worker_executing("POST /v1/otp")
        os.kill(victim, signal.SIGSTOP)
        d.log_contains(
            r"event=child.overdue .*child=worker .*pid=%d .*stage=busy what=\"POST /v1/otp\" "
            r"request_id=the-late-one "
            r"provider=\"sms sms_otp\"" % victim,
            8,
        )
        os.kill(victim, signal.SIGCONT)  # within the second that it has before KILL
        d.log_contains(
            r"event=child.ended .*pid=%d .*how=\"signal ABRT\" .*request_id=the-late-one "
            r"provider=\"sms sms_otp\"" % victim,
            5,
        )
        r = join(limit=5)
        self.assertEqual((r.status, r.code, r.json()["outcome"]), (502, "interrupted", "unknown"))
        bd.wait_until(
            lambda: d.metric("bookingd_process_restarts_total", role="worker", reason="overdue")
            == 1,
            "the count",
        )

    def test_worker_without_database_comes_last(self):
        """PostgreSQL has one session too few. Who gets none of them answers soonest, and would draw
        all requests.
        """
        pg, n = self.postgres(), 3
        self.daemon(pg).stop()  # the schema is there
        role = "few_" + pg.name
        pg.sql(
            "CREATE ROLE %s LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO %s" % (role, role)
        )
        self.addCleanup(pg.sql, "DROP OWNED BY %s; DROP ROLE %s" % (role, role))
        d = self.daemon(
            pg,
            {
                "server": {"workers": n},
                "database": {"url": pg.conninfo.replace("user=postgres", "user=" + role)},
            },
        )
        sessions = (
            "FROM pg_stat_activity WHERE datname = current_database() AND "
            "application_name = 'bookingd worker'"
        )
        bd.wait_until(
            lambda: int(
                pg.value("SELECT count(*) FROM pg_stat_activity WHERE usename = '%s'" % role)
            )
            == n + 2,
            "all sessions",
        )
        pg.sql("ALTER ROLE %s CONNECTION LIMIT %d" % (role, n + 1))
        pg.sql("SELECT pg_terminate_backend(pid) %s ORDER BY pid LIMIT 1" % sessions)
        d.log_contains("db.connect_failed")

        def having():
            with bd.Client(("127.0.0.1", d.monitor_port)) as c:
                slots = c.request("GET", "/status", headers={"Accept": "application/json"}).json()[
                    "slots"
                ]
            return sorted(s["database"] for s in slots if s["role"] == "worker")

        bd.wait_until(
            lambda: having() == [False] + [True] * (n - 1), "the scoreboard to say who has none"
        )
        for _ in range(100):
            self.assertEqual(d.get("/v1/venues").status, 200)
        self.assertEqual(int(pg.value("SELECT count(*) " + sessions)), n - 1)

    def test_what_does_not_turn_is_overdue(self):
        """Whatever waits for work turns its loop; one that has stopped to is replaced, wanted or
        not at that moment.
        """
        d = self.daemon(self.postgres())
        roles = ("dispatcher", "monitor", "keeper", "resolver")
        old = {r: d.children(r) for r in roles}
        self.assertTrue(all(old.values()), old)
        for pids in old.values():
            os.kill(pids[0], signal.SIGSTOP)
        for role, pids in old.items():
            bd.wait_until(lambda: d.children(role) not in ([], pids), "another " + role, 25)
            d.log_contains(r"event=child.overdue .*child=%s .*pid=%d" % (role, pids[0]))

        def answers():
            try:
                return d.get("/openapi.json").status == 200
            except (OSError, EOFError):
                return False

        bd.wait_until(answers, "answers again")


class Stop(Blocked):
    def test_drain_finishes_what_runs(self):
        d, release, joins = self.blocked({"queue_timeout": "10s"})
        idle = d.client().connect()
        self.addCleanup(idle.close)
        self.assertTrue(idle.sock)
        queued = background(lambda: d.get("/openapi.json"))
        bd.wait_until(lambda: d.metric("bookingd_http_connections", state="queued") == 1, "queued")
        d.signal(signal.SIGTERM)
        self.assertEqual(idle.recv_eof(), b"")
        bd.wait_until(lambda: d.log_contains("dispatcher.draining"), "draining")

        def refused():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", d.port)) == errno.ECONNREFUSED

        bd.wait_until(refused, "no new connections")
        self.assertIsNone(d.proc.poll())
        release()
        self.assertEqual(joins[0]().status, 200)
        r = queued()
        self.assertEqual((r.status, r.header("Connection")), (200, "close"))
        self.assertEqual(d.wait(), 0)
        self.assertNotIn("level=warn event=child.ended", d.log())

    def test_drain_has_an_end(self):
        d, release, joins = self.blocked({"drain_timeout": "1s", "queue_timeout": "10s"})
        queued = background(lambda: d.get("/openapi.json"))
        bd.wait_until(lambda: d.metric("bookingd_http_connections", state="queued") == 1, "queued")
        begun = time.monotonic()
        d.signal(signal.SIGTERM)
        r = queued()
        self.assertEqual((r.status, r.code, r.header("Connection")), (503, "overloaded", "close"))
        self.assertTrue(r.header("Retry-After"))
        self.assertEqual(d.wait(), 0)
        self.assertLess(time.monotonic() - begun, 1 + 0.6 * bd.PATIENCE)
        with self.assertRaises((EOFError, OSError)):
            joins[0]()

    def test_second_term_ends_at_once(self):
        d, release, joins = self.blocked()
        d.signal(signal.SIGTERM)
        bd.wait_until(lambda: d.log_contains("dispatcher.draining"), "draining")
        begun = time.monotonic()
        d.signal(signal.SIGINT)
        d.wait()
        self.assertLess(time.monotonic() - begun, 1.5 * bd.PATIENCE)
        with self.assertRaises((EOFError, OSError)):
            joins[0]()

    def test_under_load_no_request_fails(self):
        """Clients that keep sending until TERM: each request is answered whole, or its connection
        was idle.
        """
        d = self.daemon(self.postgres(), {"server": {"workers": 4, "queue": 64}})
        stop, bad, done = [], [], []

        def client():
            c = d.client()
            try:
                while not stop:
                    try:
                        r = c.request("GET", "/openapi.json")
                    except ConnectionRefusedError:
                        return
                    except (EOFError, ConnectionError) as e:
                        # Nothing of an answer had come: the connection was closed as an idle one
                        # while the request was on its way, which HTTP allows (RFC 9112 9.5). Half
                        # an answer is a fault.
                        if (
                            c.buf
                            or "b'' received" not in str(e)
                            and not isinstance(e, ConnectionError)
                        ):
                            bad.append(repr(e))
                        return
                    (done if r.status == 200 else bad).append(r.status)
                    if c.sock is None:
                        return
            finally:
                c.close()

        joins = [background(client) for _ in range(16)]
        bd.wait_until(lambda: len(done) > 500, "traffic")
        self.assertEqual(d.stop(), 0)
        stop.append(1)
        for j in joins:
            j()
        self.assertEqual(bad, [])

    def test_children_end_with_the_master(self):
        d, release, joins = self.blocked({"workers": 3}, n=1)
        pids = list(d.titles())
        self.assertEqual(len(pids), 7)
        d.signal(signal.SIGKILL)
        begun = time.monotonic()
        d.wait()
        bd.wait_until(
            lambda: not any(alive(p) for p in pids), "the end of all children", 1 / bd.PATIENCE
        )
        print(
            "children gone %.0f ms after the master" % ((time.monotonic() - begun) * 1e3),
            flush=True,
        )


class Signals(bd.Case):
    def test_usr1_writes_the_scoreboard(self):
        d = self.daemon(self.postgres())
        bd.wait_until(
            lambda: all("starting" not in t for t in d.titles().values()), "all checked in"
        )
        bd.wait_until(lambda: d.metric("bookingd_workers", state="idle") == 2, "two idle workers")
        d.signal(signal.SIGUSR1)
        d.log_contains(
            r"event=scoreboard .*child=worker index=1 pid=\d+ generation=1 .*state=up", 5
        )
        for role in ("dispatcher", "monitor", "keeper", "resolver"):
            self.assertTrue(d.log_contains("event=scoreboard .*child=" + role))

    def test_ttin_and_ttou(self):
        d = self.daemon(self.postgres())
        d.signal(signal.SIGTTIN)
        bd.wait_until(lambda: len(d.children("worker")) == 3, "three workers")
        d.log_contains("master.worker_added", 1)
        for left in (2, 1):
            bd.wait_until(lambda: all("starting" not in t for t in d.titles().values()), "all up")
            time.sleep(0.05)
            d.signal(signal.SIGTTOU)
            bd.wait_until(lambda: len(d.children("worker")) == left, "%d workers" % left)
        d.signal(signal.SIGTTOU)
        d.log_contains("master.last_worker_stays", 5)
        self.assertEqual(d.get("/openapi.json").status, 200)
        self.assertEqual(d.metric("bookingd_process_restarts_total", role="worker"), 0)
        for _ in range(6):
            d.signal(signal.SIGTTIN)
            time.sleep(0.05)
        d.log_contains("master.workers_at_limit", 5)
        self.assertEqual(len(d.children("worker")), 4)

    def test_retiring_worker_loses_no_request(self):
        d = self.daemon(self.postgres(), {"server": {"workers": 4}})
        # READY comes with the first worker; TTOU leaves the last one that is up alone
        bd.wait_until(lambda: d.metric("bookingd_workers", state="starting") == 0, "all workers up")
        stop, answers = [], []

        def client():
            with d.client() as c:
                while not stop:
                    answers.append(c.get("/openapi.json").status)

        joins = [background(client) for _ in range(6)]
        for _ in range(3):
            before = len(d.children("worker"))
            d.signal(signal.SIGTTOU)
            bd.wait_until(lambda: len(d.children("worker")) == before - 1, "one fewer")
        stop.append(1)
        for j in joins:
            j()
        self.assertEqual(set(answers), {200})

    def test_the_masters_signals_do_not_end_children(self):
        """killall -HUP, a terminal's interrupt: what comes to the whole group is the master's to
        answer.
        """
        d = self.daemon(self.postgres())
        pids = d.children()
        for signo in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGTTIN, signal.SIGTTOU):
            for pid in pids:
                os.kill(pid, signo)
        self.assertEqual(d.get("/v1/venues").status, 200)
        self.assertEqual(d.children(), pids)
        self.assertNotIn("child.ended", d.log())


if __name__ == "__main__":
    bd.main()
