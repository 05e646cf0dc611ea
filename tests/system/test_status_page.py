# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Conditions and the status page of the monitor (BEHAVIOUR §14)."""
import datetime as dt
import html.parser
import json
import os
import signal
import subprocess
import time

import bd

LIMIT = 50 * 1024


class Page(html.parser.HTMLParser):
    """Elements, and the words outside of the style."""

    VOID = {"meta", "path", "br"}

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if "style" not in self.open and "title" not in self.open and data.strip():
            self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(self.words)


class StatusPage(bd.Case):
    def start(self, pg=True, **over):
        self.pg = self.postgres() if pg else None
        self.d = self.daemon(
            self.pg,
            bd.merge(
                {
                    "providers": {
                        "sms": {
                            "type": "taqnyat",
                            "base_url": "http://127.0.0.1:9",
                            "sender": "X",
                            "token": "token-of-the-test",
                        }
                    }
                },
                over,
            ),
            start=pg,
        )
        if not pg:
            self.d.start(ready=False)
            bd.wait_until(lambda: self.tried("/healthz"), "the monitor")
        return self.d

    def tried(self, path):
        try:
            return self.ask(path).status == 200
        except OSError:
            return False

    def ask(self, path, **headers):
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        with bd.Client(("127.0.0.1", self.d.monitor_port), timeout=10) as c:
            begun = time.monotonic()
            r = c.request("GET", path, None, fields)
        self.assertLess(time.monotonic() - begun, 1.0 * bd.SLOWNESS)
        return r

    def conditions(self):
        return {c["name"]: c for c in self.ask("/status").json()["conditions"]}

    def holding(self, name):
        return bd.wait_until(lambda: self.conditions().get(name), name, 30)

    def page(self, language="en"):
        r = self.ask("/", Accept_Language=language)
        self.assertEqual(r.status, 200)
        self.assertEqual(r.header("Content-Type"), "text/html; charset=utf-8")
        self.assertLess(len(r.body), LIMIT)
        return Page(r.body.decode())

    def test_a_healthy_page_in_two_languages(self):
        self.start()
        bd.wait_until(lambda: self.page().text.startswith("bookingd status Healthy"), "healthy")
        page = self.page("de, en;q=0.5")
        tags = [tag for tag, _ in page.elements]
        self.assertNotIn("script", tags)
        self.assertNotIn("link", tags)
        for _, attributes in page.elements:
            self.assertFalse({"src", "href", "action"} & set(attributes))
            self.assertFalse([a for a in attributes if a.startswith("on")])
        self.assertEqual(tags.count("section"), 11)
        self.assertEqual(tags.count("svg"), 22)
        meta = [a for tag, a in page.elements if tag == "meta"]
        self.assertIn({"http-equiv": "refresh", "content": "10"}, meta)
        for word in (
            "Requests Errors Latency Queue Providers Notifications Sign-in codes Payments Workers "
            "Database Configuration"
        ).split():
            self.assertIn(word, page.text)
        self.assertIn(("html", {"lang": "en", "dir": "ltr"}), page.elements)
        page = self.page("ar-SA")
        self.assertIn(("html", {"lang": "ar", "dir": "rtl"}), page.elements)
        self.assertIn("سليم", page.text)
        policy = self.ask("/").header("Content-Security-Policy")
        self.assertIn("default-src 'none'", policy)

    def test_a_condition_begins_and_ends(self):
        self.start(monitor={"poll_interval": "100ms"})
        d = self.d
        d.write_config({"server": {"workers": 0}})
        d.hup()
        c = self.holding("BookingdReloadFailed")
        self.assertEqual(c["severity"], "ticket")
        self.assertEqual(set(c), {"name", "severity", "since", "summary", "action"})
        since = dt.datetime.fromisoformat(c["since"].replace("Z", "+00:00"))
        age = (dt.datetime.now(dt.timezone.utc) - since).total_seconds()
        self.assertLess(abs(age), 60)
        self.assertIn("old configuration", c["summary"])
        metric = "bookingd_condition"
        self.assertEqual(d.metric(metric, condition="BookingdReloadFailed", severity="ticket"), 1)
        self.assertEqual(d.metric(metric, condition="BookingdDatabaseDown", severity="page"), 0)
        page = self.page()
        self.assertTrue(page.text.startswith("bookingd status ticket The last reload"), page.text)
        done = subprocess.run(
            [bd.BIN, "-c", d.path, "status", "--check"], capture_output=True, text=True
        )
        d.write_config({"server": {"workers": 2}})
        d.hup()
        bd.wait_until(lambda: not self.conditions(), "the end of the condition", 30)
        self.assertEqual(d.metric(metric, condition="BookingdReloadFailed"), 0)
        self.assertEqual(done.returncode, 78, done.stderr)

    def test_check_says_what_holds(self):
        self.start()
        d = self.d
        bd.wait_until(lambda: self.run_check().returncode == 0, "good")
        self.pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % self.pg.name, admin=True)
        self.pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'"
            % self.pg.name,
            admin=True,
        )
        c = self.holding("BookingdDatabaseDown")
        self.assertEqual(c["severity"], "page")
        done = self.run_check()
        self.assertEqual(done.returncode, 2)
        self.assertIn("page: BookingdDatabaseDown: ", done.stdout)
        self.assertIn(c["action"], done.stdout)
        shown = subprocess.run([bd.BIN, "-c", d.path, "status"], capture_output=True, text=True)
        self.assertIn("page: BookingdDatabaseDown since ", shown.stdout)
        self.assertIn("away", self.page().text)
        self.pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % self.pg.name, admin=True)
        bd.wait_until(lambda: not self.conditions(), "the end", 60)
        self.assertEqual(self.run_check().returncode, 0)

    def run_check(self):
        return subprocess.run(
            [bd.BIN, "-c", self.d.path, "status", "--check"], capture_output=True, text=True
        )

    def test_the_page_answers_without_a_database(self):
        self.start(pg=False)
        c = self.holding("BookingdDatabaseDown")
        self.assertIn("database.url", c["action"])
        self.assertIn("page", self.page().text)

    def test_the_history_survives_the_monitor(self):
        """`since` and the samples are in shared memory: a reload and a kill change nothing."""
        self.start()
        d = self.d
        self.pg.sql("ALTER DATABASE %s SET default_transaction_read_only = on" % self.pg.name)
        self.pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND "
            "application_name LIKE 'bookingd%%'" % self.pg.name
        )
        name = "BookingdDatabaseNotWritable"
        since = self.holding(name)["since"]
        pid = d.children("monitor")[0]
        os.kill(pid, signal.SIGKILL)
        bd.wait_until(lambda: self.tried("/healthz"), "another monitor")
        bd.wait_until(lambda: pid not in d.children("monitor"), "the end of the old one")
        self.assertEqual(self.holding(name)["since"], since)

    def test_names_are_escaped_and_nobody_is_named(self):
        self.start(providers={"sms<b>": None})
        text = self.ask("/").body.decode()
        for secret in ("token-of-the-test", "+9665"):
            self.assertNotIn(secret, text)
        self.assertNotIn("token", json.dumps(self.ask("/status").json()))


if __name__ == "__main__":
    bd.main()
