# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The monitor: its pages, the figures of notifications, and that nothing holds a scrape up."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

import bd
import promcheck

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
# What Prometheus 2.42 sends.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
TEMPLATES = [
    "booking_confirmed",
    "booking_cancelled",
    "booking_rescheduled",
    "booking_expired",
    "payment_refunded",
    "payment_link",
    "booking_reminder",
]
CODES = [
    "provider_rejected",
    "provider_failed",
    "provider_timeout",
    "provider_unavailable",
    "deadline_exceeded",
    "interrupted",
    "expired",
    "throttled",
]
NOTIFICATION_FIGURES = [
    "bookingd_notifications",
    "bookingd_notifications_failed",
    "bookingd_notification_oldest_failed_seconds",
    "bookingd_notification_oldest_pending_seconds",
]
SCRAPE_LIMIT = 1.0 * bd.SLOWNESS

# A venue, a customer and a booking for notifications to belong to. Whether statements keep to the
# schema's rules is tested elsewhere.
SEED = """
INSERT INTO venues (id, name, time_zone, currency) VALUES ('{v}', 'V', 'Asia/Riyadh', 'SAR');
INSERT INTO resources (venue_id, id, name) VALUES ('{v}', '{v}', 'R');
INSERT INTO services (venue_id, id, name, duration_minutes) VALUES ('{v}', '{v}', 'S', 30);
INSERT INTO customers (id, phone, locale) VALUES ('{v}', '+966551234567', 'ar');
INSERT INTO bookings (venue_id, id, service_id, resource_id, customer_id, status, starts_at,
  ends_at, occupied, party_size,
                      amount, currency, payment)
VALUES ('{v}', '{v}', '{v}', '{v}', '{v}', 'confirmed', now(), now() + interval '30 minutes',
        tstzrange(now(), now() + interval '30 minutes'), 1, 0, 'SAR', 'none');
"""
VENUE = "018f0000-0000-7000-8000-000000000001"


def notice_sql(status, template, code=None, n=1, acknowledged=False, age="0 s"):
    # send_by lies ahead: the keeper leaves these rows alone
    return """INSERT INTO notifications (venue_id, id, booking_id, event, template, locale,
      recipient, body, status, error_code,
                                         send_by, expires_at, acknowledged_at, created_at)
              SELECT '%s', gen_random_uuid(), '%s', gen_random_uuid()::text, '%s', 'ar',
                '+966551234567', 'text', '%s', %s,
                     now() + interval '1 hour', now() + interval '1 day', %s, now() - interval '%s'
              FROM generate_series(1, %d);""" % (
        VENUE,
        VENUE,
        template,
        status,
        "'%s'" % code if code else "NULL",
        "now()" if acknowledged else "NULL",
        age,
        n,
    )


class MonitorCase(bd.Case):
    def start(self, over=None, pg=True, **kwargs):
        self.pg = self.postgres() if pg else None
        config = {
            "providers": {
                "sms": {
                    "type": "taqnyat",
                    "base_url": "http://127.0.0.1:9",
                    "sender": "X",
                    "token": "token-of-the-test",
                },
                "moyasar": {
                    "type": "moyasar",
                    "base_url": "http://127.0.0.1:9",
                    "secret_key": "sk_test_x",
                    "webhook_secret": "wh-x",
                },
            }
        }
        self.daemon_ = self.daemon(self.pg, bd.merge(config, over or {}), **kwargs)
        return self.daemon_

    def get(self, path="/metrics", accept=None, method="GET", readers=1):
        """An answer of the monitor on a connection of its own; a slow one is a failure of the test.
        readers: so many ask at the same time, and each waits for the pages of all.
        """
        begun = time.monotonic()
        with bd.Client(("127.0.0.1", self.daemon_.monitor_port), timeout=30) as c:
            r = c.request(method, path, None, {"Accept": accept} if accept else {})
        took = time.monotonic() - begun
        self.assertLess(took, readers * SCRAPE_LIMIT, "%s %s took %.3f s" % (method, path, took))
        return r

    def answers(self):
        """Whether the monitor is there at all."""
        with contextlib.suppress(OSError, EOFError):
            return self.get("/healthz").status == 200

    def page(self, openmetrics=False, readers=1):
        r = self.get(accept=PROMETHEUS if openmetrics else None, readers=readers)
        self.assertEqual(r.status, 200)
        self.assertEqual(r.header("Content-Type"), OPENMETRICS if openmetrics else TEXT)
        return promcheck.parse(r.body.decode(), openmetrics)

    def up(self):
        return self.page().value("bookingd_database_up") == 1

    def wait_up(self):
        bd.wait_until(self.up, "bookingd_database_up 1")

    def wait_for(self, expected):
        """{(name, label pairs...): value}: waits until the page shows all of it."""

        def wrong():
            p = self.page()
            return {
                k: p.value(k[0], **dict(k[1:]))
                for k, v in expected.items()
                if p.value(k[0], **dict(k[1:])) != v
            }

        try:
            bd.wait_until(lambda: not wrong(), "figures of notifications")
        except AssertionError:
            self.fail("still wrong: %r, wanted %r" % (wrong(), expected))


class Checker(unittest.TestCase):
    """The strict reader itself: each breach alone is refused."""

    GOOD = (
        '# HELP a_total A.\n# TYPE a_total counter\na_total{outcome="x"} 1\na_total{outcome="y"} '
        "2\n"
        '# HELP h H.\n# TYPE h histogram\nh_bucket{le="0.1"} 1\nh_bucket{le="+Inf"} 2\nh_sum '
        "0.3\nh_count 2\n"
    )

    def test_breaches(self):
        promcheck.parse(self.GOOD)
        for old, new in (
            ('outcome="y"', 'outcome="x"'),  # a series twice
            ("# HELP a_total A.\n", ""),  # no HELP
            ("# TYPE h histogram", "# TYPE h gauge"),  # samples outside of their family
            ("# TYPE a_total counter", "# TYPE a_total gauge"),  # _total on a gauge
            ('"+Inf"} 2', '"+Inf"} 0'),  # buckets fall
            ("h_count 2", "h_count 3"),  # count is not the last bucket
            ('h_bucket{le="+Inf"} 2\n', ""),  # no +Inf
            ('le="0.1"', 'le=".1"'),  # not canonical
            ("h_sum 0.3\n", ""),
            ("h_sum 0.3", "h_sum 0.3 1700000000"),
            ("h_sum 0.3", "h_sum x"),
            ('a_total{outcome="x"} 1\n', '\na_total{outcome="x"} 1\n'),
            ('outcome="x"', 'phone="x"'),
            ('outcome="x"', 'outcome="X y"'),
            ('outcome="x"', 'outcome="\\t"'),
            ('a_total{outcome="x"} 1', 'a_total{outcome="x"} -1'),
            ("h_count 2\n", "h_count 2"),
        ):
            self.assertIn(old, self.GOOD)
            with self.assertRaises(promcheck.Bad, msg="%r for %r" % (new, old)):
                promcheck.parse(self.GOOD.replace(old, new, 1))
        om = (
            self.GOOD.replace("HELP a_total", "HELP a").replace("TYPE a_total", "TYPE a")
            + "# EOF\n"
        )
        promcheck.parse(om, True)
        for bad in (om[:-6], om + "# EOF\n", self.GOOD + "# EOF\n", om[:-1]):
            with self.assertRaises(promcheck.Bad):
                promcheck.parse(bad, True)
        page = promcheck.parse(self.GOOD)
        promcheck.later(page, page)
        for old, new in (('outcome="y"} 2', 'outcome="y"} 1'), ('a_total{outcome="y"} 2\n', "")):
            with self.assertRaises(promcheck.Bad):
                promcheck.later(page, promcheck.parse(self.GOOD.replace(old, new)))


class Pages(MonitorCase):
    def test_both_formats_are_strictly_right(self):
        d = self.start()
        self.wait_up()
        for path in ("/healthz", "/v1/venues", "/nowhere", "/v1/me"):
            d.get(path)
        text = self.get()
        self.assertEqual(text.header("Content-Type"), TEXT)
        before = promcheck.parse(text.body.decode())
        om = self.get(accept=PROMETHEUS)
        self.assertEqual(om.header("Content-Type"), OPENMETRICS)
        after = promcheck.parse(om.body.decode(), True)
        promcheck.later(before, after)
        self.assertTrue(om.body.endswith(b"\n# EOF\n"))
        self.assertNotIn(b"EOF", text.body)
        self.assertEqual(set(n for n, _ in before.samples), set(n for n, _ in after.samples))
        self.assertEqual(
            before.value(
                "bookingd_http_requests_total", method="GET", route="/healthz", status="200"
            )
            >= 1,
            True,
        )
        self.assertEqual(
            before.value(
                "bookingd_http_requests_total", method="other", route="none", status="404"
            ),
            1,
        )
        self.assertEqual(
            before.value(
                "bookingd_http_requests_total", method="GET", route="/v1/me", status="401"
            ),
            1,
        )
        self.assertNotIn("token-of-the-test", text.body.decode())
        promtool = shutil.which("promtool")
        if promtool:
            done = subprocess.run(
                [promtool, "check", "metrics"], input=text.body, capture_output=True, timeout=30
            )
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))
        # a second opinion where Debian's module is there
        python = "/usr/bin/python3"
        code = (
            "import sys\ntry:\n from prometheus_client.openmetrics.parser import "
            "text_string_to_metric_families as t\n"
            "except ImportError:\n sys.exit(77)\nprint(len(list(t(sys.stdin.read()))))"
        )
        if os.path.exists(python):
            done = subprocess.run(
                [python, "-c", code], input=om.body, capture_output=True, timeout=30
            )
            self.assertIn(done.returncode, (0, 77), done.stderr.decode())

    def test_every_series_is_there_from_the_start(self):
        d = self.start()
        self.wait_up()
        p = self.page()
        closed = {
            "bookingd_notifications": {
                (s, t) for s in ("pending", "sent", "failed") for t in TEMPLATES
            },
            "bookingd_notifications_failed": {(c, t) for c in CODES for t in TEMPLATES},
            "bookingd_notifications_total": {(o, t) for o in ["sent"] + CODES for t in TEMPLATES},
            "bookingd_http_requests_shed_total": {
                (r,) for r in ("queue_full", "queue_timeout", "connections", "address", "draining")
            },
            "bookingd_http_connections": {(s,) for s in ("idle", "reading", "queued", "active")},
            "bookingd_otp_total": {
                (o, "")
                for o in (
                    "sent",
                    "send_failed",
                    "send_unknown",
                    "verified",
                    "incorrect",
                    "expired",
                    "exhausted",
                    "test",
                )
            }
            | {("throttled", s) for s in ("phone", "address", "network", "total", "failures")},
            "bookingd_bookings_total": {
                (o,)
                for o in (
                    "held",
                    "confirmed",
                    "cancelled",
                    "expired",
                    "rescheduled",
                    "completed",
                    "no_show",
                    "conflict",
                )
            },
            "bookingd_database_errors_total": {
                (c,) for c in ("timeout", "connection", "conflict", "commit_unknown", "other")
            },
            "bookingd_workers": {(s,) for s in ("starting", "idle", "busy", "draining")},
            "bookingd_couriers": {(s,) for s in ("starting", "idle", "busy", "draining")},
            "bookingd_notification_attempts_total": {
                (o,) for o in ("sent", "rejected", "unknown", "not_sent", "interrupted")
            },
            "bookingd_provider_circuit_open": {("sms",), ("moyasar",)},
            "bookingd_provider_in_flight": {("sms",), ("moyasar",)},
            "bookingd_payments": {
                (s,)
                for s in (
                    "creating",
                    "initiated",
                    "unknown",
                    "paid",
                    "failed",
                    "expired",
                    "refunded",
                    "partially_refunded",
                    "mismatch",
                )
            },
            "bookingd_webhooks_total": {
                (o, "moyasar")
                for o in (
                    "applied",
                    "duplicate",
                    "refused",
                    "unreadable",
                    "unknown",
                    "mismatch",
                )
            },
        }
        for name, want in closed.items():
            have = {tuple(v for _, v in sorted(labels.items())) for labels, _ in p.series(name)}
            self.assertEqual(have, want, name)
        outcomes = {
            (labels["provider"], labels["operation"], labels["outcome"])
            for labels, _ in p.series("bookingd_provider_requests_total")
        }
        for outcome in ("ok", "rejected", "failed", "timeout", "unavailable"):
            self.assertIn(("sms", "sms_otp", outcome), outcomes)
            self.assertIn(("moyasar", "invoice_create", outcome), outcomes)
        self.assertNotIn("refund", {o for p_, o, _ in outcomes if p_ == "sms"})
        for name in (
            "bookingd_http_request_queue_seconds_count",
            "bookingd_config_last_reload_successful",
            "process_cpu_seconds_total",
            "process_open_fds",
            "process_max_fds",
            "process_virtual_memory_bytes",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "bookingd_database_up",
            "bookingd_refunds_open",
            "bookingd_notifications_due",
            "bookingd_notifications_waiting",
            "bookingd_notification_oldest_due_seconds",
            "bookingd_notification_delay_seconds_count",
        ):
            self.assertIsNotNone(p.value(name), name)
        leads = {labels["lead"] for labels, _ in p.series("bookingd_reminders_total")}
        self.assertLessEqual({"2h", "24h", "other"}, leads)
        self.assertEqual(p.value("bookingd_config_last_reload_successful"), 1)
        now = time.time()
        for name in (
            "bookingd_config_last_reload_success_timestamp_seconds",
            "bookingd_ledger_read_timestamp_seconds",
            "process_start_time_seconds",
        ):
            self.assertLess(abs(now - p.value(name)), 60, name)
        info = p.series("bookingd_build_info")
        self.assertEqual(
            (len(info), info[0][1], sorted(info[0][0])), (1, 1, ["revision", "version"])
        )
        self.assertEqual(sum(v for _, v in p.series("bookingd_workers")), 2)
        with open("/proc/%d/stat" % d.pid) as f:
            self.assertEqual(
                p.value("process_virtual_memory_bytes"),
                float(f.read().rsplit(")", 1)[1].split()[20]),
            )
        self.assertLess(len(p.samples), promcheck.SERIES_BUDGET)

    def test_http(self):
        self.start()
        c = bd.Client(("127.0.0.1", self.daemon_.monitor_port), timeout=10)
        with c:
            for _ in range(3):  # one connection, kept
                self.assertEqual(c.request("GET", "/metrics").status, 200)
            self.assertEqual(json.loads(c.request("GET", "/healthz").body), {"status": "ok"})
            head = c.request("HEAD", "/healthz")
            self.assertEqual(
                (head.status, head.body, head.header("Content-Length")), (200, b"", "15")
            )
            self.assertEqual(c.request("GET", "/nothing").status, 404)
            self.assertEqual(c.request("GET", "/metrics/").status, 404)
            self.assertEqual(c.request("GET", "/metrics?name[]=up").status, 200)
            r = c.request("DELETE", "/metrics")
            self.assertEqual((r.status, r.header("Allow")), (405, "GET, HEAD"))
            c.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 5)  # pipelined
            for _ in range(5):
                self.assertEqual(c.recv_response().status, 200)
        for bad, status in (
            (b"GARBAGE\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\n\r\n", 400),
            (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
            (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 9000 + b"\r\n\r\n", 431),
            (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 405),
            (b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", 413),
        ):
            with bd.Client(("127.0.0.1", self.daemon_.monitor_port), timeout=10) as c:
                c.send(bad)
                r = c.recv_response()
                self.assertEqual((r.status, r.header("Connection")), (status, "close"), bad[:40])
                c.recv_eof()

    def test_status(self):
        d = self.start()
        self.wait_up()
        scoreboard = self.get("/status").json()
        self.assertEqual(scoreboard["master"], d.pid)
        self.assertEqual(
            sorted({s["role"] for s in scoreboard["slots"]}),
            ["dispatcher", "keeper", "master", "monitor", "resolver", "worker"],
        )
        pids = {s["pid"] for s in scoreboard["slots"] if s["role"] != "master"}
        self.assertEqual(pids, set(d.children()))
        for s in scoreboard["slots"]:
            self.assertEqual(
                set(s),
                {
                    "slot",
                    "role",
                    "index",
                    "pid",
                    "generation",
                    "stage",
                    "what",
                    "request_id",
                    "provider",
                    "age_ms",
                    "budget_left_ms",
                    "served",
                    "database",
                },
            )
        text = self.get("/status", accept="text/plain")
        self.assertEqual(text.header("Content-Type"), "text/plain; charset=utf-8")
        self.assertIn("dispatcher", text.body.decode())
        self.assertEqual(
            self.get("/status", accept="application/json, text/plain").header("Content-Type"),
            "application/json",
        )


class NotificationFigures(MonitorCase):
    def setUp(self):
        self.start()
        self.pg.sql(SEED.format(v=VENUE))
        self.wait_up()

    def test_figures_follow_the_rows(self):
        p = self.page()
        self.assertEqual(sum(v for _, v in p.series("bookingd_notifications")), 0)
        self.assertEqual(p.value("bookingd_notification_oldest_failed_seconds"), 0)
        self.assertEqual(p.value("bookingd_notification_oldest_pending_seconds"), 0)
        self.pg.sql(
            notice_sql("SENT", "booking_confirmed", n=4)
            + notice_sql("PENDING", "booking_cancelled", n=2, age="30 s")
            + notice_sql("FAILED", "booking_confirmed", "provider_timeout", n=3, age="100 s")
            + notice_sql("FAILED", "booking_confirmed", "interrupted", n=1, age="50 s")
            + notice_sql(
                "FAILED", "payment_refunded", "expired", n=5, acknowledged=True, age="900 s"
            )
        )
        n, f = "bookingd_notifications", "bookingd_notifications_failed"
        self.wait_for(
            {
                (n, ("status", "sent"), ("template", "booking_confirmed")): 4,
                (n, ("status", "pending"), ("template", "booking_cancelled")): 2,
                (n, ("status", "failed"), ("template", "booking_confirmed")): 4,
                (n, ("status", "failed"), ("template", "payment_refunded")): 5,
                (f, ("template", "booking_confirmed"), ("error_code", "provider_timeout")): 3,
                (f, ("template", "booking_confirmed"), ("error_code", "interrupted")): 1,
                (f, ("template", "payment_refunded"), ("error_code", "expired")): 0,
            }
        )
        p = self.page()
        rows = int(self.pg.value("SELECT count(*) FROM notifications WHERE status = 'FAILED'"))
        self.assertEqual(sum(v for labels, v in p.series(n) if labels["status"] == "failed"), rows)
        self.assertEqual(sum(v for _, v in p.series(f)), 4)
        oldest = p.value("bookingd_notification_oldest_failed_seconds")
        self.assertTrue(100 <= oldest < 160, oldest)  # not the acknowledged 900 s
        pending = p.value("bookingd_notification_oldest_pending_seconds")
        self.assertTrue(30 <= pending < 90, pending)
        self.pg.sql(
            "UPDATE notifications SET acknowledged_at = now() WHERE error_code = 'provider_timeout'"
        )
        self.wait_for(
            {
                (f, ("template", "booking_confirmed"), ("error_code", "provider_timeout")): 0,
                (n, ("status", "failed"), ("template", "booking_confirmed")): 4,
            }
        )
        self.pg.sql("DELETE FROM notifications")
        self.wait_for(
            {
                (n, ("status", "failed"), ("template", "booking_confirmed")): 0,
                ("bookingd_notification_oldest_failed_seconds",): 0,
            }
        )

    def test_a_row_of_a_later_version_does_no_harm(self):
        self.pg.sql(
            notice_sql("SENT", "something_new", n=2)
            + notice_sql("FAILED", "booking_confirmed", "odd_code", n=1)
        )
        self.wait_for(
            {("bookingd_notifications", ("status", "failed"), ("template", "booking_confirmed")): 1}
        )
        self.daemon_.log_contains(r"event=monitor.unknown_rows .*rows=3", 5)
        self.assertTrue(self.up())

    def test_locked_notifications_are_no_lost_database(self):
        """While nobody can count, the last figures stay, and their age shows; then they go on."""
        stamp = "bookingd_ledger_read_timestamp_seconds"
        blocker = subprocess.Popen(
            [bd.Postgres.psql(), "-X", "-q", self.pg.conninfo], stdin=subprocess.PIPE, text=True
        )
        try:
            blocker.stdin.write("BEGIN; LOCK TABLE notifications IN ACCESS EXCLUSIVE MODE;\n")
            blocker.stdin.flush()
            self.daemon_.log_contains("event=monitor.gauges_uncounted", 20)
            before = self.page()
            self.assertEqual(before.value("bookingd_database_up"), 1)
            for name in NOTIFICATION_FIGURES:
                self.assertNotEqual(before.series(name), [], name)
        finally:
            blocker.stdin.close()  # ends the session and with it the lock
            blocker.wait(10)
        old = before.value(stamp)
        bd.wait_until(lambda: self.page().value(stamp) > old, "the next count", 30)

    def assert_figures_are_left_out(self):
        p = self.page()
        self.assertEqual(p.value("bookingd_database_up"), 0)
        for name in NOTIFICATION_FIGURES:
            self.assertEqual(p.series(name), [], name)
        self.assertGreater(p.value("bookingd_ledger_read_timestamp_seconds"), time.time() - 120)
        self.assertIsNotNone(p.value("bookingd_otp_total", outcome="sent", scope=""))

    def test_a_frozen_backend_delays_no_scrape(self):
        of_monitor = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'bookingd monitor' ORDER BY query_start DESC LIMIT 1"
        )
        pid = int(bd.wait_until(lambda: self.pg.value(of_monitor), "the monitor's session"))
        try:
            os.kill(pid, signal.SIGSTOP)
        except PermissionError:
            self.skipTest("the server belongs to another user")
        try:
            stamp = "bookingd_ledger_read_timestamp_seconds"
            # every scrape is measured by get(); the new connection comes so soon that "down" may be
            # between two scrapes
            bd.wait_until(
                lambda: self.page() and "event=db.timeout role=monitor" in self.daemon_.log(),
                "the read's end",
                5,
            )
            noticed = time.time()
            bd.wait_until(
                lambda: (self.page().value(stamp) or 0) > noticed,
                "a later read, the old process still frozen",
                5,
            )
            self.wait_up()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def test_the_database_goes_away_and_comes_back(self):
        name = self.pg.name
        before = self.page()
        try:
            self.pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % name, admin=True)
            self.pg.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'"
                % name,
                admin=True,
            )
            bd.wait_until(lambda: not self.up(), "bookingd_database_up 0", 2)
            self.assert_figures_are_left_out()
            self.assertEqual(self.get("/healthz").status, 200)
            promcheck.later(before, self.page())
        finally:
            self.pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % name, admin=True)
        begun = time.monotonic()
        self.wait_up()
        # backoff and a poll: the contract asks for a second in requests; the page may add its
        # interval
        self.assertLess(time.monotonic() - begun, 3 * bd.PATIENCE)


class WithoutDatabase(MonitorCase):
    def test_the_page_without_any_database(self):
        self.start(pg=False, start=False)
        self.daemon_.start(
            ready=False
        )  # no worker gets ready, so the daemon does not; its monitor answers
        bd.wait_until(self.answers, "the monitor answers")
        p = self.page()
        self.assertEqual(p.value("bookingd_database_up"), 0)
        for name in NOTIFICATION_FIGURES + ["bookingd_ledger_read_timestamp_seconds"]:
            self.assertEqual(p.series(name), [], name)
        self.assertEqual(self.get("/healthz").status, 200)


class Processes(MonitorCase):
    def test_counters_outlive_processes(self):
        d = self.start()
        for _ in range(20):
            d.get("/healthz")
        before = self.page()
        self.assertEqual(
            before.value(
                "bookingd_http_requests_total", method="GET", route="/healthz", status="200"
            ),
            20,
        )
        self.assertEqual(
            before.value("bookingd_http_request_duration_seconds_count", route="/healthz"), 20
        )
        for role in ("worker", "monitor", "dispatcher"):
            pid = d.children(role)[0]
            os.kill(pid, signal.SIGKILL)
            bd.wait_until(
                lambda: d.children(role) and pid not in d.children(role), "another %s" % role
            )
            bd.wait_until(self.answers, "the monitor answers")
            bd.wait_until(
                lambda: self.page().value(
                    "bookingd_process_restarts_total", role=role, reason="signal"
                )
                == 1,
                "restart counted",
            )
            after = self.page()
            promcheck.later(before, after)
            before = after
        self.wait_up()
        bd.wait_until(
            lambda: sum(v for _, v in self.page().series("bookingd_workers")) == 2, "both workers"
        )

    def test_many_scrapers_and_idlers(self):
        """More connections than the monitor holds, silent or half a request long: a scrape still
        gets through at once.
        """
        self.start()
        idlers = []
        try:
            for i in range(150):
                s = socket.create_connection(("127.0.0.1", self.daemon_.monitor_port), timeout=5)
                with contextlib.suppress(OSError):
                    s.sendall([b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"][i % 3])
                idlers.append(s)
                if i % 30 == 29:
                    self.page()
            answers, faults = [], []

            def scrape():
                try:
                    for _ in range(5):
                        answers.append(self.get(readers=10))
                except Exception as e:  # noqa: shown below
                    faults.append(e)

            threads = [threading.Thread(target=scrape) for _ in range(10)]
            for t in threads:
                t.start()
            for t in threads:
                t.join(30)
            self.assertEqual((faults, len(answers)), ([], 50))
            for r in answers:  # reading them meanwhile would take the time of those who ask
                self.assertEqual((r.status, r.header("Content-Type")), (200, TEXT))
                promcheck.parse(r.body.decode(), False)
        finally:
            for s in idlers:
                s.close()

    def test_a_reader_that_stalls_is_cut_off(self):
        self.start()
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", self.daemon_.monitor_port))
        with s:
            s.sendall(
                b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50
            )  # far more answers than the socket takes
            for _ in range(20):
                self.page(readers=2)
        self.page()

    def test_it_ends_with_the_daemon(self):
        d = self.start()
        pid = d.children("monitor")[0]
        with bd.Client(("127.0.0.1", d.monitor_port)) as c:
            self.assertEqual(c.request("GET", "/healthz").status, 200)
            self.assertEqual(d.stop(), 0)  # an idle kept connection does not hold it
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)


if __name__ == "__main__":
    unittest.main()
