#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: chromium chromium-driver fonts-noto-core nodejs npm
"""N failed notifications of six codes, seen to from the desk page; a part is in test_desk.py.

They are found, counted by a dry run, sent again by filter, by two pages at once, through a provider
that fails again, and acknowledged. At each step the rows, the metric, the list of the API and the
page say the same, and nobody gets a message twice. Then refunds, payments of another amount and
links to pay: on two screens, in two languages, by mouse and by keyboard.
"""
import argparse
import collections
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for part in ("lib", "system"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), part))
import bd  # noqa: E402
import bd_browser  # noqa: E402
import bd_campaign  # noqa: E402
import bd_desk  # noqa: E402
import bd_shop  # noqa: E402

OPTIONS = argparse.Namespace(rows=10000)
CODES = (
    "provider_failed",
    "provider_rejected",
    "provider_timeout",
    "provider_unavailable",
    "deadline_exceeded",
    "interrupted",
)
# As many as asked for, like the one that is there: each of another phone, minute and code.
MANY = """
WITH one AS (SELECT * FROM notifications LIMIT 1)
INSERT INTO notifications (venue_id, id, booking_id, event, template, locale, recipient, body,
                           status, attempts, error_code, send_by, expires_at, created_at)
SELECT venue_id, gen_random_uuid(), booking_id, template || ':made:' || n, template, locale,
       '+96650' || lpad(n::text, 7, '0'), 'message ' || n, 'FAILED', 1,
       (ARRAY[%s])[1 + n %% %d], send_by, expires_at, created_at - n * interval '1 second'
  FROM one, generate_series(1, %d) n
"""
FAILED = "status = 'FAILED' AND acknowledged_at IS NULL"


class Resending(bd_desk.Pages):
    def play(self, rows, width=1280, height=800, language="en", keys=False):
        self.keys, self.n = keys, rows
        self.got, self.refused = collections.Counter(), set()
        self.shop = bd_desk.shop_with_desk(
            self, server={"workers": 4}, monitor={"poll_interval": "100ms"}
        )
        self.shop.book(self.shop.customer(), 9)
        self.shop.sms.default = self.take
        self.shop.pg.sql(MANY % (", ".join("'%s'" % c for c in CODES), len(CODES), rows))
        self.open(width, height, self.shop, language=language)
        self.patience = 10 + rows / 50  # seconds for what goes over all rows
        for step in (self.find, self.by_filter, self.acknowledge, self.again, self.two_pages):
            begun = time.monotonic()
            step()
            self.agree()
            if rows >= 1000:
                print("%s: %.1f s" % (step.__name__, time.monotonic() - begun), flush=True)
        self.good()
        self.ended()

    def take(self, provider, conn, request):
        """The provider: it refuses whom it was told to, and counts who got what."""
        to = json.loads(request["body"])["recipients"][0]
        if to in self.refused:
            return bd.p_reply(500)(provider, conn, request)
        self.got[to] += 1
        return bd.p_reply(201, bd_shop.sms_ok)(provider, conn, request)

    # ---- four that must agree ----

    def rows(self):
        found = self.shop.pg.sql(
            "SELECT error_code, count(*) FROM notifications WHERE %s GROUP BY 1" % FAILED
        )
        return {code: int(n) for code, n in found}

    def metric(self):
        return {
            labels["error_code"]: int(v)
            for name, labels, v in self.shop.daemon.metrics()
            if name == "bookingd_notifications_failed" and v
        }

    def listed(self):
        items = self.shop.notifications(status="FAILED", acknowledged="false")
        return dict(collections.Counter(n["error_code"] for n in items))

    def page(self):
        """The groups, after the filter was taken off and the view opened anew."""
        self.choice("error_code", "")
        found = self.b.script(
            "return [...document.querySelectorAll('#main table')][0] ? "
            "[...[...document.querySelectorAll('#main table')][0].querySelectorAll('tbody tr')]"
            ".map((r) => [...r.cells].map((c) => c.textContent)) : []"
        )
        return {row[1]: int(row[2]) for row in found if len(row) == 6}

    def agree(self):
        want = self.rows()
        bd.wait_until(
            lambda: self.metric() == want, lambda: "metric %s, rows %s" % (self.metric(), want), 10
        )
        self.assertEqual(self.listed(), want)
        bd.wait_until(
            lambda: self.page() == want, lambda: "page %s, rows %s" % (self.page(), want), 10
        )

    # ---- the page ----

    def choice(self, name, value, browser=None):
        b = browser or self.b
        b.script(
            "this.was = document.querySelector('#main h2');"
            "const e = document.querySelector('#main [name=' + arguments[0] + ']');"
            "e.value = arguments[1]; e.dispatchEvent(new Event('change'))",
            name,
            value,
        )
        b.wait("return !this.was || !this.was.isConnected", "the view anew")

    def dry_run(self, button, count):
        """What the button asks before it does anything."""
        self.push(button)
        self.b.wait("return document.querySelector('dialog form p')", "a dry run")
        text = self.b.script("return document.querySelector('dialog form p').textContent")
        self.assertIn(str(count), text.split(), text)

    def yes(self):
        self.push("dialog form button[type=submit]")
        self.b.wait("return !document.querySelector('dialog')", "the end of it", self.patience)

    # ---- steps ----

    def of(self, code):
        return self.rows().get(code, 0)

    def find(self):
        """All are found; the message of one row is shown by its group's button."""
        self.assertEqual(sum(self.rows().values()), self.n)
        self.assertEqual(self.page(), self.rows())
        self.push("#main tbody tr:first-child button")
        self.b.wait("return document.querySelector('[name=error_code]').value", "the filter")
        self.shot("groups")

    def by_filter(self):
        """A dry run sends nothing; then those of one code are sent, each once."""
        code, total = CODES[0], self.of(CODES[0])
        self.choice("error_code", code)
        self.dry_run("#resend-all", total)
        self.shot("dry-run")
        self.assertEqual(sum(self.got.values()), 0)
        self.assertEqual(self.of(code), total)
        self.yes()
        self.assertEqual((self.of(code), sum(self.got.values())), (0, total))

    def acknowledge(self):
        """Those of another code leave the gauge, and stay FAILED."""
        code, total = CODES[1], self.of(CODES[1])
        self.choice("error_code", code)
        self.dry_run("#acknowledge-all", total)
        self.assertEqual(self.of(code), total)
        self.yes()
        self.assertEqual(self.of(code), 0)
        self.acknowledged = total
        kept = "SELECT count(*) FROM notifications WHERE error_code = '%s' AND status = 'FAILED'"
        self.assertEqual(self.shop.pg.value(kept % code), str(total))

    def again(self):
        """The provider refuses every third: these are tried once and stay, the others are sent."""
        code, total = CODES[2], self.of(CODES[2])
        phones = self.shop.pg.sql(
            "SELECT recipient FROM notifications WHERE error_code = '%s' ORDER BY id" % code
        )
        self.refused = {p[0].lstrip("+") for p in phones[::3]} | {p[0] for p in phones[::3]}
        before = len(self.shop.sms.requests)
        self.choice("error_code", code)
        self.dry_run("#resend-all", total)
        self.yes()
        self.assertEqual(len(self.shop.sms.requests), before + total)
        self.assertEqual(self.of(code), 0)
        self.assertEqual(self.of("provider_failed"), len(phones[::3]))
        self.refused = set()

    def two_pages(self):
        """Two pages send all the rest at the same time."""
        left = sum(self.rows().values())
        other = bd_browser.Browser(None)
        self.addCleanup(other.close)
        other.resize(1280, 800, "en")
        other.open(self.desk(self.shop))
        other.click("input[name=key]")
        other.press(self.shop.admin + bd_desk.ENTER)
        other.wait("return document.querySelector('#resend-all')", "the other page")
        self.choice("error_code", "")
        self.dry_run("#resend-all", left)
        other.click("#resend-all")
        other.wait("return document.querySelector('dialog form')", "a dry run")
        go = "document.querySelector('dialog form button[type=submit]').click()"
        other.script(go)
        self.b.script(go)
        for b in (other, self.b):
            b.wait("return !document.querySelector('dialog')", "the end of it", self.patience)
        self.assertEqual(self.rows(), {})

    def ended(self):
        """Each got one message, but those who were acknowledged, who got none."""
        self.assertEqual(set(self.got.values()), {1})
        self.assertEqual(len(self.got), self.n - self.acknowledged)
        self.assertEqual(
            self.shop.pg.sql("SELECT status, count(*) FROM notifications GROUP BY 1 ORDER BY 1"),
            [["FAILED", str(self.acknowledged)], ["SENT", str(self.n - self.acknowledged + 1)]],
        )
        audited = self.shop.pg.sql(
            "SELECT count(*) FROM audit_log WHERE action = 'notification.resend'"
        )
        print(
            "%d rows: %d sent, each once; %d acknowledged; %s resends in the audit log"
            % (self.n, len(self.got), self.acknowledged, audited[0][0]),
            flush=True,
        )


class Many(Resending):
    def test_many(self):
        self.play(OPTIONS.rows)


def screens():
    """The walk over money on both screens, in both languages, by mouse and by keyboard."""
    import test_desk_money

    class Screens(test_desk_money.Money):
        test_by_mouse_on_a_phone_in_arabic = test_by_keyboard_on_a_desk_in_english = None
        test_who_may_not = None

        def test_all(self):
            for width, height in ((360, 640), (1280, 800)):
                for language in ("ar", "en"):
                    for keys in (False, True):
                        with self.subTest(width=width, language=language, keys=keys):
                            self.walk(width, height, language, keys)

    return Screens


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--rows", type=int, default=OPTIONS.rows)
    parser.add_argument("--no-screens", action="store_true", help="only the notifications")
    args = bd_campaign.options(parser, OPTIONS)
    bd_campaign.run(bd_campaign.suite(Many, *([] if args.no_screens else [screens()])))


if __name__ == "__main__":
    main()
