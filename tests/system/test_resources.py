# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""
Descriptors gone, disks full, a log that nobody reads, clocks stepped: refused or degraded, never a
spin, a crash loop or a wrong row.

PostgreSQL is one of our own, on a small file system that is ours to fill, and its clock ours to
step. """
import contextlib
import fcntl
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
WITH_PG = os.path.join(os.path.dirname(HERE), "lib", "with-pg")
SMALL = "/mnt"  # hidden by a file system of our own, in a namespace of our own
if __name__ == "__main__" and os.environ.get("BD_OWN_CLUSTER") != "1":
    os.environ["BD_OWN_CLUSTER"] = "1"
    command = [WITH_PG, "--own", sys.executable, *sys.argv]
    mount = [
        "unshare",
        "-m",
        "--propagation",
        "private",
        "sh",
        "-c",
        'mount -t tmpfs -o size=320m,mode=1777 none "$0" && exec "$@"',
        SMALL,
    ]
    if (
        shutil.which("unshare")
        and subprocess.run([*mount, "true"], stderr=subprocess.DEVNULL).returncode == 0
    ):
        command = [*mount, "env", "TMPDIR=" + SMALL, *command]
    os.execvp(command[0], command)
# What is for PostgreSQL is not for us: our own files must find room.
SMALL = os.environ.pop("TMPDIR", None)

import bd  # noqa: E402
import bd_books  # noqa: E402
import bd_pay  # noqa: E402
import bd_shop  # noqa: E402
import bd_strain  # noqa: E402
import fault_inject  # noqa: E402

SHORT_OF = (503, "overloaded")


def ctl(*args, **env):
    done = subprocess.run(
        [WITH_PG, "--ctl", *args],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **env},
    )
    if done.returncode != 0:
        raise AssertionError("pg_ctl %s: %s%s" % (args, done.stdout, done.stderr))


def outcome(r):
    return r.status, r.code


class Strained(bd.Case):
    clock_went_back = False

    def shop_of(self):
        shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 2, "max_body": "128KiB"},
                "otp": bd_shop.OTP,
                "bookings": {"max_active_per_customer": 10000},
            },
        )
        self.d = shop.daemon
        return shop

    def restarts(self):
        return self.d.metric("bookingd_process_restarts_total")

    def right(self, shop, booked=()):
        """All that was acknowledged is there, nothing is pending, the books balance."""
        bd_shop.wait_nothing_pending(shop.pg.value)
        session = shop.pg.session()
        self.addCleanup(session.close)
        wrong = bd_books.wrong(session)
        if self.clock_went_back:  # the last change is not the one with the latest time
            wrong.pop("payments that their history does not know", None)
        self.assertEqual(wrong, {})
        self.assertEqual(set(booked) - set(session.ask("SELECT id FROM bookings")), set())
        return bd_books.notification_figures(shop)


# Longer than a packet between dispatcher and worker may be.
LONG = b'{"phone":"%s"}' % (b"5" * 60000)


class Descriptors(Strained):
    """A process that has none left; another, or this one once there are some again, goes on."""

    def test_dispatcher(self):
        self.d = self.daemon(self.postgres(), {"server": {"max_body": "128KiB"}})
        dispatcher = self.d.children("dispatcher")[0]
        known = self.d.client()
        self.assertEqual(known.get("/openapi.json").status, 200)
        with bd_strain.starved(dispatcher):
            # What needs a descriptor for its way to a worker is refused at once; what needs none is
            # served, however long the answer.
            began = time.monotonic()
            r = known.post("/v1/otp", LONG, {"Content-Type": "application/json"})
            self.assertEqual(outcome(r), SHORT_OF)
            self.assertEqual(r.header("Retry-After"), "1")
            self.assertLess(time.monotonic() - began, 1)
            self.assertEqual(known.get("/openapi.json").status, 200)
            # Who idles makes room for who comes, one every tenth of a second.
            busy = [self.d.client().connect() for _ in range(4)]
            for c in busy:
                c.send(c.encode("GET", "/openapi.json"))
            self.assertEqual(busy[0].recv_response().status, 200)
            bd_strain.assert_calm(self, self.d)
            self.d.log_contains("dispatcher.accept_failed .*reason=descriptors", 5)
        for c in busy[1:]:
            self.assertEqual(c.recv_response().status, 200)
        with bd_strain.starved(dispatcher):
            # A worker more cannot be made known: it ends, and is tried again.
            self.d.signal(signal.SIGTTIN)
            self.d.log_contains("dispatcher.order_lost", 5)
            bd_strain.assert_calm(self, self.d)
        bd_strain.served(self.d)
        bd.wait_until(
            lambda: self.d.metric("bookingd_workers", state="idle") == 3, "the third worker", 5
        )
        self.assertEqual(self.d.children("dispatcher"), [dispatcher])

    def test_worker(self):
        shop = self.shop_of()
        workers, me = self.d.children("worker"), shop.customer()
        shop.sms.default = bd.p_reply(201, bd_shop.sms_ok, {"Connection": "close"})
        with bd_strain.starved(*workers):
            for _ in range(10):
                # A long request comes in a file of its own; a long answer does not.
                r = self.d.post("/v1/otp", LONG, {"Content-Type": "application/json"})
                self.assertEqual(outcome(r), SHORT_OF)
                self.assertEqual(self.d.get("/openapi.json").status, 200)
            self.assertEqual(r.header("Retry-After"), "1")
            bd_strain.assert_calm(self, self.d)
        self.assertEqual(self.d.children("worker"), workers)
        booked = [shop.book(me, 10)]
        with bd_strain.starved(*workers):  # no provider, no new connection to the database
            answers = [shop.book(me, hour) for hour in range(12, 18)]
            booked += answers
            self.assertEqual({r.status for r in answers}, {201})
            codes = [
                outcome(self.d.post("/v1/otp", {"phone": "+96655000%04d" % n})) for n in range(4)
            ]
            self.assertEqual(set(codes), {(502, "provider_failed")})
            # A connection that ends leaves its own behind, so that there can be another one.
            shop.pg.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                "current_database() AND pid <> pg_backend_pid()"
            )
            bd_strain.served(self.d, "/v1/venues")
            bd_strain.assert_calm(self, self.d)
        bd_strain.served(self.d, "/v1/venues")
        self.assertEqual(self.d.children("worker"), workers)
        self.assertEqual(self.restarts(), 0)
        rows = self.right(shop, [r.json()["id"] for r in booked])
        self.assertEqual(
            rows, {("booking_confirmed", "SENT"): 1, ("booking_confirmed", "provider_failed"): 6}
        )

    def test_monitor(self):
        self.d = self.daemon(start=False).start(ready=False)
        bd_strain.served(self.d)
        bd.wait_until(lambda: self.d.children("monitor"), "the monitor")
        monitor = self.d.children("monitor")[0]
        with bd.Client(("127.0.0.1", self.d.monitor_port)) as idler:
            self.assertEqual(idler.get("/metrics").status, 200)
            with bd_strain.starved(monitor):
                # The next one waits a second, until who idles has made room.
                self.assertEqual(self.d.metric("bookingd_database_up"), 0)
                bd_strain.assert_calm(self, self.d)
                self.assertEqual(self.d.get("/openapi.json").status, 200)
        self.assertEqual(self.d.metric("bookingd_database_up"), 0)
        self.assertEqual(self.d.children("monitor"), [monitor])

    def test_master(self):
        self.d = self.daemon(self.postgres())
        with bd_strain.starved(self.d.pid):
            os.kill(self.d.children("worker")[0], signal.SIGKILL)
            self.d.log_contains("master.fork_failed", 5)
            self.d.hup()
            bd.wait_until(
                lambda: self.d.metric("bookingd_config_last_reload_successful") == 0,
                "the reload to be refused",
                5,
            )
            bd_strain.assert_calm(self, self.d)
            self.assertLess(self.d.log().count("master.fork_failed"), 4)
            for _ in range(5):
                self.assertEqual(self.d.get("/openapi.json").status, 200)
        bd.wait_until(lambda: len(self.d.children("worker")) == 2, "another worker", 5)
        self.d.hup()
        bd.wait_until(
            lambda: self.d.metric("bookingd_config_last_reload_successful") == 1, "a reload", 10
        )
        bd_strain.served(self.d, "/v1/venues")

    def test_start(self):
        """With fewer than a process needs it says so and ends, or tries again later and later."""
        pg = self.postgres()
        ready = 0
        for limit in (5, 14, 64):
            self.d = self.daemon(pg, start=False)
            self.d.start(
                ready=False,
                preexec_fn=lambda n=limit: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)),
            )
            end = time.monotonic() + 0.3
            bd.wait_until(
                lambda: self.d.proc.poll() is not None
                or "READY=1" in self.d.notes
                or time.monotonic() > end,
                "something",
            )
            if self.d.proc.poll() is not None:
                self.assertNotEqual(self.d.proc.returncode, 0)
                self.assertRegex(self.d.log(), "level=error|bookingd: ", limit)
                continue
            bd_strain.assert_calm(self, self.d)
            if "READY=1" in self.d.notes:
                ready += 1
                self.assertEqual(self.d.get("/openapi.json").status, 200)
            self.assertEqual(self.d.stop(), 0)
        self.assertGreater(ready, 0)


class Log(Strained):
    def serve(self, requests=200):
        """Requests are answered as if somebody read the log; the slowest, in seconds."""
        worst = 0
        with self.d.client() as c:
            for _ in range(requests):
                began = time.monotonic()
                self.assertEqual(c.get("/openapi.json").status, 200)
                worst = max(worst, time.monotonic() - began)
        return worst

    def start(self, fd):
        """Without a database, which has no part in this."""
        self.d = self.daemon(start=False)
        self.d.start(ready=False, preexec_fn=lambda: os.dup2(fd, 2))
        bd_strain.served(self.d)

    def check(self, fd):
        self.start(fd)
        self.assertLess(self.serve(), 0.5 * bd.PATIENCE)
        bd.wait_until(
            lambda: self.d.metric("bookingd_log_records_dropped_total") >= 200,
            "dropped records counted",
            5,
        )
        self.d.signal(signal.SIGUSR1)
        bd_strain.assert_calm(self, self.d)
        os.kill(self.d.children("worker")[0], signal.SIGKILL)  # the master has something to say too
        bd.wait_until(
            lambda: self.restarts() == 1 and len(self.d.children("worker")) == 2,
            "another worker",
            5,
        )

    def test_disk_full(self):
        fd = os.open("/dev/full", os.O_WRONLY)
        self.addCleanup(os.close, fd)
        self.check(fd)
        self.assertEqual(self.d.stop(), 0)

    def test_full_pipe(self):
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        flags = fcntl.fcntl(writer, fcntl.F_GETFL)
        fcntl.fcntl(writer, fcntl.F_SETFL, flags | os.O_NONBLOCK)
        with contextlib.suppress(BlockingIOError):
            while os.write(writer, b"x" * 4095 + b"\n"):
                pass
        fcntl.fcntl(writer, fcntl.F_SETFL, flags)  # what the daemon gets would block
        self.check(writer)
        os.close(writer)
        os.set_blocking(reader, False)
        with contextlib.suppress(BlockingIOError):
            while os.read(reader, 65536):
                pass
        self.serve(2)  # somebody reads again: what is missing is said
        said = os.read(reader, 65536).decode()
        self.assertRegex(said, r"event=log.dropped .*records=\d+")
        self.assertIn("event=http.request", said)
        self.assertEqual(self.d.stop(), 0)

    def test_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.check(writer)
        os.close(writer)
        self.assertEqual(self.d.stop(), 0)


@unittest.skipUnless(SMALL, "no file system of our own here")
class Disk(Strained):
    """The disk is full under PostgreSQL: what needs room is refused, and comes again when there is
    some.
    """

    def fill(self):
        path = os.path.join(SMALL, "ballast")
        # Without a buffer, which close() would try to write once more.
        with open(path, "wb", buffering=0) as f, contextlib.suppress(OSError):
            while f.write(b"\0" * 65536):
                pass
        self.addCleanup(self.empty)

    @staticmethod
    def empty():
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(SMALL, "ballast"))

    def shop_with_room(self):
        shop = self.shop_of()
        # The cluster of tests acknowledges before it writes, which a crash would show.
        shop.pg.sql("ALTER DATABASE %s SET synchronous_commit = on" % shop.pg.name)
        self.d.stop()
        self.d.start()
        return shop

    def test_tables(self):
        shop = self.shop_with_room()
        me, booked, refused = shop.customer(), [], 0
        self.fill()
        for hour in range(24 * 25):
            r = shop.book(me, hour)
            self.assertIn(outcome(r), ((201, None), (503, "database_unavailable")))
            booked += [r.json()["id"]] if r.status == 201 else []
            refused += r.status == 503
            if refused == 5:
                break
        self.assertEqual(refused, 5)
        self.assertTrue(int(r.header("Retry-After")) >= 1)
        self.assertEqual(shop.call("GET", "/v1/services/%s/slots" % shop.service).status, 200)
        self.assertEqual(self.d.get("/openapi.json").status, 200)
        bd_strain.assert_calm(self, self.d)
        self.empty()
        freed = time.monotonic()
        bd.wait_until(lambda: shop.book(me, 24 * 26).status == 201, "bookings again", 5)
        print(
            "disk full under the tables: %d bookings before it was felt, back after %.0f ms"
            % (len(booked), (time.monotonic() - freed) * 1e3),
            flush=True,
        )
        self.assertEqual(self.restarts(), 0)
        self.right(shop, booked)

    def test_log_of_writes(self):
        """Worse: PostgreSQL itself gives up when there is no room for its log, and has to be
        started again.
        """
        shop = self.shop_with_room()
        me, booked = shop.customer(), []
        booked.append(shop.book(me, 1).json()["id"])
        self.fill()

        def gone():
            r = shop.book(me, 2 + len(booked))
            self.assertIn(
                outcome(r), ((201, None), (503, "database_unavailable"), (503, "commit_unknown"))
            )
            booked.extend([r.json()["id"]] if r.status == 201 else [])
            with contextlib.suppress(AssertionError):
                shop.pg.sql("SELECT pg_switch_wal()")
            return not os.path.exists(
                os.path.join(os.environ["BOOKINGD_TEST_PG_DATA"], "postmaster.pid")
            )

        bd.wait_until(gone, "PostgreSQL to give up", 10, 0.05)
        self.assertEqual(outcome(shop.call("GET", "/v1/venues")), (503, "database_unavailable"))
        self.assertEqual(self.d.get("/openapi.json").status, 200)
        bd.wait_until(lambda: self.d.metric("bookingd_database_up") == 0, "the loss to be seen", 5)
        bd_strain.assert_calm(self, self.d)
        self.empty()
        Clocks.start_postgres("start")
        bd_strain.served(self.d, "/v1/venues")
        self.assertEqual(self.restarts(), 0)
        self.right(shop, booked)


class Clocks:
    """PostgreSQL's clock, and that of the daemons that map the page."""

    dir = pg = ours = library = None

    @classmethod
    def prepare(cls):
        cls.dir = tempfile.mkdtemp(prefix="bd-clock-", dir="/tmp")
        os.chmod(cls.dir, 0o755)
        cls.pg, cls.ours = (
            fault_inject.Page(os.path.join(cls.dir, name)) for name in ("postgres", "ours")
        )
        cls.library = fault_inject.build_library(cls.dir)
        cls.start_postgres("restart")

    @classmethod
    def start_postgres(cls, how):
        env = {"LD_PRELOAD": cls.library, "FAULT_INJECT_PAGE": cls.pg.path} if cls.library else {}
        ctl("-w", "-m", "fast", how, **env)

    @classmethod
    def step(cls, ours, postgres):
        cls.ours.step_clock(ours)
        cls.pg.step_clock(postgres)


def setUpModule():
    with contextlib.suppress(unittest.SkipTest):
        Clocks.prepare()


def tearDownModule():
    shutil.rmtree(Clocks.dir, ignore_errors=True)


@unittest.skipIf(fault_inject.SANITIZED, "a build with sanitizers has an allocator of its own")
class Clock(Strained):
    """An hour forth and back: PostgreSQL's clock, ours, or both; the providers keep the time."""

    clock_went_back = True

    def setUp(self):
        if not Clocks.library:
            self.skipTest("no library that steps clocks")
        # Of two workers only one could be inside a call, and the gateway's hints of the last
        # payment come while the next one is opened.
        self.shop = bd_pay.PayShop(
            self,
            {
                "server": {"workers": 8},
                "otp": bd_shop.OTP,
                "bookings": {"max_active_per_customer": 10000, "hold": "15m"},
                "providers": {"sms": {"max_concurrent": 2}},
            },  # the keeper's notifications too
            env={"LD_PRELOAD": Clocks.library, "FAULT_INJECT_PAGE": Clocks.ours.path},
        )
        self.addCleanup(Clocks.step, 0, 0)
        self.d = self.shop.daemon
        self.free = self.shop.make_service()
        self.hour, self.phone, self.booked = 0, 0, []

    def sign_in(self):
        self.phone += 1
        phone = "+96657%07d" % self.phone
        r = self.shop.call("POST", "/v1/otp", {"phone": phone})
        self.assertEqual(r.status, 201, r)
        text = json.loads(self.shop.sms.requests[-1]["body"])["body"]
        r = self.shop.call(
            "POST",
            "/v1/otp/%s/verify" % r.json()["id"],
            {"code": re.search(r"\d{6}", text).group()},
        )
        self.assertEqual(r.status, 200, r)
        return r.json()["token"]

    def book(self, me, service):
        self.hour += 1
        r = self.shop.book(me, self.hour, service_id=service)
        self.assertEqual(r.status, 201, r)
        self.booked.append(r.json()["id"])
        return r.json()

    def a_day(self, payable):
        """Sign-in, booking, cancellation, payment. payable: whether the gateway is of one mind with
        us about the time.
        """
        me = self.sign_in()
        b = self.book(me, self.free)
        self.assertEqual(self.shop.cancel(me, self.book(me, self.free)["id"]).status, 200)
        self.assertEqual(self.shop.booking(me, b["id"])["status"], "confirmed")
        b = self.book(me, self.shop.service)
        r = self.shop.open(me, b["id"])
        if payable:
            self.assertEqual(r.status, 201, r)
            self.shop.pay(r.json()["redirect_url"].rsplit("/", 1)[1])
            self.shop.come_back(r.json()["id"])
            bd.wait_until(
                lambda: self.shop.booking(me, b["id"])["status"] == "confirmed",
                "the payment to be seen",
                5,
            )
        else:  # an invoice that has expired already is none
            self.assertEqual(outcome(r), (502, "provider_rejected"))
        seconds = {n: v for n, _, v in self.d.metrics() if n.endswith("_seconds") and "oldest" in n}
        self.assertTrue(all(v >= 0 for v in seconds.values()), seconds)

    def test_steps(self):
        for ours, postgres in (
            (3600, 0),
            (-3600, 0),
            (0, 3600),
            (0, -3600),
            (3600, 3600),
            (-3600, -3600),
        ):
            Clocks.step(ours, postgres)
            with self.subTest(ours=ours, postgres=postgres):
                self.a_day(payable=postgres >= 0)
            Clocks.step(0, 0)
        self.a_day(payable=True)
        bd_strain.assert_calm(self, self.d)
        self.assertEqual(self.restarts(), 0)
        self.shop.balance()
        self.right(self.shop, self.booked)

    def test_a_hold_that_was_dead_for_a_while(self):
        """The clock that said so was wrong: whose slot another has taken meanwhile gets the money
        back.
        """
        me, other = self.shop.someone(), self.shop.someone()
        mine = self.shop.book(me, 5).json()
        p = self.shop.open(me, mine["id"]).json()
        Clocks.step(3600, 3600)
        self.assertEqual(self.shop.booking(me, mine["id"])["status"], "expired")
        r = self.shop.book(other, 5, service_id=self.free)
        self.assertEqual(r.status, 201, r)
        Clocks.step(0, 0)
        paid = self.shop.pay(p["redirect_url"].rsplit("/", 1)[1]).status == 303
        self.shop.come_back(p["id"])
        self.shop.balance()
        # The keeper may have withdrawn the invoice meanwhile: then nothing was paid.
        now = self.shop.payment(me, p["id"])["status"]
        self.assertEqual(now, "refunded" if paid else "expired")
        self.assertEqual(self.shop.booking(other, r.json()["id"])["status"], "confirmed")
        self.right(self.shop, [mine["id"], r.json()["id"]])


if __name__ == "__main__":
    bd.main()
