# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A real Prometheus reads the metrics page, loads the alert rules, and has an answer to every query
of the dashboard in etc/grafana.
"""
import contextlib
import http.server
import json
import math
import os
import re
import shutil
import subprocess
import tempfile
import threading
import unittest
import urllib.parse
import urllib.request

import bd
import bd_pay


class TextOnly(http.server.BaseHTTPRequestHandler):
    """A proxy that asks for the old format whatever the scraper wanted: Prometheus 2.42 cannot be
    told to.
    """

    target = None

    def do_GET(self):
        with urllib.request.urlopen(
            urllib.request.Request(self.target, headers={"Accept": "text/plain"}), timeout=5
        ) as r:
            body, kind = r.read(), r.headers["Content-Type"]
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


class Prometheus:
    """The server with our rules, that scrapes {job: address} every second."""

    def __init__(self, case, jobs):
        self.home = tempfile.mkdtemp(prefix="bd-prom-", dir="/tmp")
        case.addCleanup(shutil.rmtree, self.home, True)
        self.port = bd.free_port()
        with open(os.path.join(self.home, "prometheus.yml"), "w") as f:
            json.dump(
                {
                    "global": {
                        "scrape_interval": "1s",
                        "scrape_timeout": "1s",
                        "evaluation_interval": "1s",
                    },
                    "scrape_configs": [
                        {"job_name": job, "static_configs": [{"targets": [address]}]}
                        for job, address in jobs.items()
                    ],
                    "rule_files": [os.path.join(bd.TOP, "etc/prometheus/bookingd.rules.yml")],
                },
                f,
            )
        with open(os.path.join(self.home, "log"), "wb") as log:
            server = subprocess.Popen(
                [
                    "prometheus",
                    "--config.file=" + os.path.join(self.home, "prometheus.yml"),
                    "--storage.tsdb.path=" + os.path.join(self.home, "data"),
                    "--web.listen-address=127.0.0.1:%d" % self.port,
                ],
                stdout=log,
                stderr=log,
            )
        case.addCleanup(server.wait, 20)
        case.addCleanup(server.terminate)

    def ask(self, path, **query):
        url = "http://127.0.0.1:%d%s?%s" % (self.port, path, urllib.parse.urlencode(query))
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=5) as r:
                return json.load(r)["data"]
        return {}

    def result(self, query):
        return self.ask("/api/v1/query", query=query).get("result")

    def targets(self):
        return {
            t["labels"]["job"]: (t["health"], t["lastError"])
            for t in self.ask("/api/v1/targets").get("activeTargets", [])
        }

    def rules(self):
        groups = self.ask("/api/v1/rules").get("groups", [])
        return {r["name"]: (r["health"], r.get("lastError")) for g in groups for r in g["rules"]}


def queries():
    """[(panel, query)] of the dashboard, its variables put in."""
    with open(os.path.join(bd.TOP, "etc/grafana/bookingd.json"), encoding="utf-8") as f:
        board = json.load(f)
    found = [(p["title"], t["expr"]) for p in board["panels"] for t in p.get("targets", [])]
    return [
        (
            title,
            expr.replace("$job", "bookingd")
            .replace("$instance", ".*")
            .replace("$__rate_interval", "1m"),
        )
        for title, expr in found
    ]


@unittest.skipUnless(
    shutil.which("prometheus"), "prometheus is not installed (Debian package prometheus)"
)
class RealPrometheus(bd.Case):
    hour = 0

    def work(self):
        """A little of everything: sign-in, bookings, payments, a refund, what is not found."""
        shop, me = self.shop, self.shop.someone()
        self.hour += 2
        shop.call("POST", "/v1/otp", {"phone": "+96655999%04d" % self.hour})
        shop.book(me, self.hour, service_id=self.free)
        booking = shop.book(me, self.hour + 1).json()["id"]
        payment = shop.open(me, booking).json()
        shop.pay(payment["gateway_id"])
        shop.come_back(payment["id"])
        self.assertEqual(shop.refund(payment["id"]).status, 200)
        self.assertEqual(shop.hook(shop.event()).status, 200)
        shop.call("GET", "/nowhere")

    def test_it_reads_all(self):
        self.shop = shop = bd_pay.PayShop(self)
        self.free = shop.make_service()
        direct = "127.0.0.1:%d" % shop.daemon.monitor_port
        TextOnly.target = "http://%s/metrics" % direct
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), TextOnly)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        text = "127.0.0.1:%d" % proxy.server_port
        p = Prometheus(self, {"bookingd": direct, "bookingd_text": text})
        up = {"bookingd": ("up", ""), "bookingd_text": ("up", "")}
        bd.wait_until(lambda: p.targets() == up, lambda: "not %s" % p.targets(), 20)
        for job in ("bookingd", "bookingd_text"):
            for query, want in (
                ('bookingd_database_up{job="%s"}', "1"),
                ('count(bookingd_notifications{job="%s"})', "21"),
                ('count(bookingd_notifications_total{job="%s"})', "63"),
                ('count(bookingd_otp_total{job="%s"})', "13"),
            ):
                bd.wait_until(lambda: p.result(query % job), query, 10)
                self.assertEqual(p.result(query % job)[0]["value"][1], want, query)
        self.dashboard(p)
        self.alerts(p)

    def dashboard(self, p):
        """Every panel's queries have data, and a quantile is a number."""

        def lacking():
            empty = []
            for title, query in queries():
                result = p.result(query)
                numbers = [float(r["value"][1]) for r in result or []]
                if not numbers or all(math.isnan(n) for n in numbers):
                    empty.append((title, query))
            return empty

        # A series that begins with its first call has no rate before the second.
        for _ in range(4):
            self.work()
            try:
                return bd.wait_until(lambda: not lacking(), lambda: "data: %s" % lacking(), 1)
            except AssertionError:
                pass
        self.assertEqual(lacking(), [])

    def alerts(self, p):
        bd.wait_until(
            lambda: p.rules() and "unknown" not in {h for h, _ in p.rules().values()},
            "the rules",
            15,
        )
        self.assertEqual({n: r for n, r in p.rules().items() if r[0] != "ok"}, {})
        with open(os.path.join(bd.TOP, "etc/prometheus/bookingd.rules.yml"), encoding="utf-8") as f:
            self.assertEqual(len(p.rules()), len(re.findall("- (?:alert|record): ", f.read())))


if __name__ == "__main__":
    bd.main()
