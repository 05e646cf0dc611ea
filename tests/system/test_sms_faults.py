# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Every fault that the sandbox can produce, at every SMS provider, against a booking's notification
and a one-time password at once.

The booking is 201 whatever happens, its row ends as told, and rows, metrics page and staff list
agree; the password's sender is told code and outcome, and a code that arrived after all works. """
import collections
import re
import threading
import time

import bd
import bd_shop

TIMEOUT = 0.7  # of the provider
LATE = 0.1 * bd.PATIENCE  # what else an answer may take

# What the world makes of it: the row's code, the outcome told to the sender of a password.
TAKEN, REJECTED, FAILED = (
    ("SENT", None),
    ("provider_rejected", "failed"),
    ("provider_failed", "failed"),
)
LOST, LATE_ANSWER = ("provider_failed", "unknown"), ("provider_timeout", "unknown")
BUSY = ("provider_unavailable", "failed")
OTP_STATUS = {
    "SENT": 201,
    "provider_rejected": 502,
    "provider_failed": 502,
    "provider_timeout": 504,
    "provider_unavailable": 503,
}

FAULTS = [  # the order, what is to come of it
    ({"kind": "none"}, TAKEN),
    ({"kind": "delay", "delay_ms": 100}, TAKEN),
    ({"kind": "delay", "delay_ms": 3000}, LATE_ANSWER),
    ({"kind": "hang"}, LATE_ANSWER),
    ({"kind": "hang", "done": False}, LATE_ANSWER),
    ({"kind": "headers"}, LATE_ANSWER),
    ({"kind": "body"}, LATE_ANSWER),
    ({"kind": "drip"}, LATE_ANSWER),
    ({"kind": "declined"}, REJECTED),
    ({"kind": "html"}, FAILED),  # a firewall's page: neither the provider's own refusal nor a doubt
    ({"kind": "status", "status": 400}, REJECTED),
    ({"kind": "status", "status": 401}, REJECTED),
    ({"kind": "status", "status": 403}, REJECTED),
    ({"kind": "status", "status": 429}, BUSY),
    ({"kind": "account"}, REJECTED),  # M23
]
# M16 to M18: the same answer, written or wrapped in another way.
FAULTS += [
    ({"kind": kind}, TAKEN)
    for kind in ("bom", "gzip", "identity", "members", "text_numbers", "real_numbers", "exponents")
]
for done in (
    False,
    True,
):  # what cannot be told from outside: it may have been sent before it broke
    FAULTS += [
        ({"kind": kind, "done": done}, LOST)
        for kind in ("reset", "close", "garbage", "huge", "redirect")
    ]
    FAULTS += [({"kind": "status", "status": status, "done": done}, LOST) for status in (500, 503)]

PROVIDERS = {
    "taqnyat": {"token": "t0p-secret", "sender": "BOOKINGS"},
    "unifonic": {"app_sid": "t0p-secret", "sender": "BOOKINGS"},
    "msegat": {"user": "u", "api_key": "t0p-secret", "sender": "BOOKINGS"},
    "twilio": {
        "account_sid": "AC0123456789abcdef0123456789abcdef",
        "auth_token": "t0p-secret",
        "from": "+15005550006",
    },
    "http": {
        "sender": "BOOKINGS",
        "path": "/sms",
        "body": '{"to":"{to}","text":"{text}","sender":"{sender}"}',
        "success": {"json": {"status": "ok"}},
        "id_path": "message.id",
        "error_path": "error.code",
    },
}


def words(order):
    return " ".join(str(order[k]) for k in ("kind", "status", "delay_ms") if k in order) + (
        " done" if order.get("done") else ""
    )


class SmsFaults(bd.Case):
    def start(self, kind):
        self.kind, self.sim = kind, self.sandbox()
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 4, "request_budget": "5s"},
                "providers": {
                    "sms": {
                        "token": None,
                        "sender": None,
                        "type": kind,
                        "base_url": self.sim.url,
                        "timeout": "%dms" % (TIMEOUT * 1000),
                        **PROVIDERS[kind],
                    }
                },
                "otp": {
                    "provider": "sms",
                    "secret": "x" * 32,
                    "resend_cooldown": "60s",
                    "per_address": "10000/1h",
                    "per_phone": "10000/1h",
                },
            },
        )
        self.rows, self.otp, self.calls = (
            collections.Counter(),
            collections.Counter(),
            collections.Counter(),
        )

    def timed(self, act, out):
        began = time.monotonic()
        out.append((act(), time.monotonic() - began))

    def both(self, order, expected, n):
        """A booking and a password at the same time, under one order."""
        me, phone, hour = self.shop.customer("+9665510%05d" % n), "+9665520%05d" % n, n
        if order is not None:
            self.sim.order(self.kind, **order)
        booked, asked = [], []
        acts = (lambda: self.shop.book(me, hour), booked), (
            lambda: self.shop.call("POST", "/v1/otp", {"phone": phone, "locale": "en"}),
            asked,
        )
        threads = [threading.Thread(target=self.timed, args=a) for a in acts]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        limit = TIMEOUT + LATE
        ((r, took),) = booked
        self.assertEqual(r.status, 201, r)
        self.assertLess(took, limit)
        self.row(r.json()["id"], expected, "+9665510%05d" % n)
        ((r, took),) = asked
        self.assertLess(took, limit)
        self.password(r, expected, phone, order)

    def row(self, booking, expected, phone):
        code = expected[0]
        (n,) = self.shop.notifications(booking_id=booking)
        self.assertEqual(
            (n["status"], n["error_code"]),
            ("SENT", None) if code == "SENT" else ("FAILED", code),
            n,
        )
        self.assertEqual((n["attempts"], n["provider"], n["channel"]), (1, "sms", "sms"))
        self.assertEqual(n["recipient"], phone[:5] + "****" + phone[-4:])
        (stored,) = self.shop.pg.sql(
            "SELECT status, error_code, provider_message_id FROM notifications WHERE id = '%s'"
            % n["id"]
        )
        self.assertEqual(
            stored, [n["status"], n["error_code"] or "", n["provider_message_id"] or ""]
        )
        if code == "SENT":
            self.assertTrue(n["provider_message_id"], n)
            self.assertEqual(len(self.sim.inbox(phone)), 1)  # and once only
        else:
            self.assertTrue(n["error_detail"], n)
            self.assertNotIn(phone[1:], n["error_detail"])
            self.assertLessEqual(len(self.sim.inbox(phone)), 1)
            self.rows[n["template"], code] += 1

    def password(self, r, expected, phone, order):
        code, outcome = expected
        # These decline with a code that says that the number is wrong; a row has no such code.
        bad_number = order == {"kind": "declined"} and self.kind not in ("taqnyat", "http")
        self.assertEqual(r.status, 422 if bad_number else OTP_STATUS[code], r)
        doc = r.json()
        if code == "SENT":
            self.otp["sent"] += 1
            otp_id = doc["id"]
        else:
            self.otp["send_" + ("failed" if outcome == "failed" else "unknown")] += 1
            if bad_number:
                self.assertEqual(doc["code"], "phone_invalid")
            else:
                self.assertEqual((doc["code"], doc["outcome"]), (code, outcome))
            self.assertEqual("otp_id" in doc, outcome == "unknown", doc)
            otp_id = doc.get("otp_id")
            if code == "provider_unavailable":
                self.assertGreaterEqual(int(r.header("Retry-After")), 1)
        status = {"SENT": "sent", "failed": "failed", "unknown": "unknown"}[
            "SENT" if code == "SENT" else outcome
        ]
        self.assertEqual(
            self.shop.pg.sql("SELECT status FROM otp_challenges WHERE phone = '%s'" % phone),
            [[status]],
        )
        arrived = self.sim.inbox(phone)
        self.assertLessEqual(len(arrived), 1)
        if code == "SENT" or (order and order.get("done")):
            self.assertEqual(len(arrived), 1)
        # The cooldown runs on when the message may have arrived; a send that is known to have
        # failed may be tried again.
        self.sim.clear()
        again = self.shop.call("POST", "/v1/otp", {"phone": phone})
        if outcome == "failed":
            self.assertEqual(again.status, 201, again)
            self.otp["sent"] += 1
        else:
            self.assertEqual((again.status, again.code), (429, "otp_cooldown"))
            self.otp["throttled"] += 1
        if arrived and otp_id:
            secret = re.search(r"\d{6}", arrived[0]["text"]).group()
            v = self.shop.call("POST", "/v1/otp/%s/verify" % otp_id, {"code": secret})
            self.assertEqual(v.status, 200, v)
            self.otp["verified"] += 1

    def agree(self):
        """FAILED rows, the staff list, gauges and counters tell the same story as we do."""
        sql = self.shop.pg.sql(
            "SELECT template, error_code, count(*) FROM notifications WHERE status = 'FAILED' "
            "GROUP BY 1, 2"
        )
        self.assertEqual({(t, c): int(n) for t, c, n in sql}, dict(self.rows))
        listed = collections.Counter(
            (n["template"], n["error_code"]) for n in self.shop.notifications(status="FAILED")
        )
        self.assertEqual(listed, self.rows)

        def page():
            m = self.shop.daemon.metrics()
            return (
                collections.Counter(
                    {
                        (l["template"], l["error_code"]): int(v)
                        for n, l, v in m
                        if n == "bookingd_notifications_failed" and v
                    }
                ),
                collections.Counter(
                    {
                        (l["template"], l["outcome"]): int(v)
                        for n, l, v in m
                        if n == "bookingd_notifications_total" and v and l["outcome"] != "sent"
                    }
                ),
                collections.Counter(
                    {l["outcome"]: int(v) for n, l, v in m if n == "bookingd_otp_total" and v}
                ),
            )

        expected = (self.rows, self.rows, self.otp)
        bd.wait_until(lambda: page() == expected, "metrics %r to be %r" % (page(), expected), 5)
        total = self.shop.daemon.metric
        self.assertEqual(total("bookingd_notifications", status="failed"), sum(self.rows.values()))
        self.assertEqual(total("bookingd_notifications", status="pending"), 0)
        self.assertEqual(total("bookingd_provider_in_flight", provider="sms"), 0)
        sent = int(self.shop.pg.value("SELECT count(*) FROM notifications WHERE status = 'SENT'"))
        self.assertEqual(total("bookingd_notifications_total", outcome="sent"), sent)
        for operation, n in (
            ("sms_notice", sum(self.rows.values()) + sent),
            ("sms_otp", self.otp["sent"] + self.otp["send_failed"] + self.otp["send_unknown"]),
        ):
            self.assertEqual(
                total("bookingd_provider_requests_total", provider="sms", operation=operation),
                n,
                operation,
            )

    def faults(self, kind):
        self.start(kind)
        for n, (order, expected) in enumerate(FAULTS):
            with self.subTest(words(order)):
                self.both(order, expected, n)
        self.sim.close()
        with self.subTest("refused"):
            booked = self.shop.book(self.shop.customer("+966551099999"), 100)
            self.assertEqual(booked.status, 201, booked)
            (n,) = self.shop.notifications(booking_id=booked.json()["id"])
            self.assertEqual((n["status"], n["error_code"]), ("FAILED", "provider_failed"), n)
            self.rows[n["template"], "provider_failed"] += 1
            r = self.shop.call("POST", "/v1/otp", {"phone": "+966552099999"})
            self.assertEqual(
                (r.status, r.code, r.json()["outcome"], "otp_id" in r.json()),
                (502, "provider_failed", "failed", False),
            )
            self.otp["send_failed"] += 1
        self.agree()
        log = self.shop.daemon.log()
        for secret in ("t0p-secret", "96655109", "96655209"):
            self.assertNotIn(secret, log)

    def test_taqnyat(self):
        self.faults("taqnyat")

    def test_unifonic(self):
        self.faults("unifonic")

    def test_msegat(self):
        self.faults("msegat")

    def test_twilio(self):
        self.faults("twilio")

    def test_http(self):
        self.faults("http")


if __name__ == "__main__":
    bd.main()
