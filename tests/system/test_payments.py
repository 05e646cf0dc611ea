# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Payments over HTTP with the sandbox as gateway: every code of the contract's payment paths,
hints, refunds, late and doubled money.
"""
import datetime as dt
import json
import threading
import time
import uuid

import bd
import bd_pay
import bd_shop


class Base(bd.Case):
    over = {}

    @classmethod
    def setUpClass(cls):
        cls.keep = bd.Case()
        cls.addClassCleanup(cls.keep.doCleanups)
        cls.shop = bd_pay.PayShop(cls.keep, cls.over)
        cls.hour = 0

    def setUp(self):
        self.shop.sandbox.clear()
        self.shop.hooks(False, callbacks=False)
        self.me = self.shop.someone()

    def expect(self, r, status, code=None):
        self.assertEqual((r.status, r.code if r.status >= 400 else None), (status, code), r)
        return r

    def made(self, me=None, **over):
        """A new booking that waits for its payment."""
        type(self).hour += 2
        return self.expect(self.shop.book(me or self.me, self.hour, **over), 201).json()["id"]

    def opened(self, me=None):
        """A new booking and its open payment."""
        booking = self.made(me)
        return booking, self.expect(self.shop.open(me or self.me, booking), 201).json()

    def paid(self, me=None):
        """A new booking that was paid, and its payment."""
        booking, payment = self.opened(me)
        self.shop.pay(payment["gateway_id"])
        self.expect(self.shop.come_back(payment["id"]), 303)
        self.assertEqual(self.shop.booking(me or self.me, booking)["status"], "confirmed")
        return booking, payment["id"]

    def states(self, booking, payment):
        return (
            self.shop.booking(self.me, booking)["status"],
            self.shop.payment(self.me, payment)["status"],
        )

    def forget_look(self, payment):
        """As if the 3 s were over in which a hint makes no second look (BEHAVIOUR §3)."""
        self.shop.pg.sql("UPDATE payments SET hinted_at = NULL WHERE id = '%s'" % payment)

    def wait_states(self, booking, payment, wanted, limit=20):
        bd.wait_until(
            lambda: self.states(booking, payment) == wanted,
            "%s, not %s" % (wanted, self.states(booking, payment)),
            limit,
        )

    def provider_problem(self, r, status, code, outcome, payment=None):
        """A provider's fault: outcome unknown carries payment_id, failed does not."""
        self.expect(r, status, code)
        j = r.json()
        self.assertEqual(j["outcome"], outcome)
        self.assertEqual("payment_id" in j, outcome == "unknown", j)
        if payment and outcome == "unknown":
            self.assertEqual(j["payment_id"], payment)
        return j


class Opening(Base):
    def test_open_and_again(self):
        booking = self.made()
        r = self.expect(self.shop.open(self.me, booking), 201)
        p = r.json()
        self.assertEqual(r.header("Location"), "/v1/payments/" + p["id"])
        self.assertEqual(
            {
                k: p[k]
                for k in (
                    "booking_id",
                    "status",
                    "amount",
                    "refunded_amount",
                    "currency",
                    "gateway",
                )
            },
            {
                "booking_id": booking,
                "status": "initiated",
                "amount": 12000,
                "refunded_amount": 0,
                "currency": "SAR",
                "gateway": "moyasar",
            },
        )
        v = self.shop.invoice(p["gateway_id"])
        ours = "http://127.0.0.1:%d/v1/payments/%s" % (self.shop.daemon.port, p["id"])
        self.assertEqual(
            (p["redirect_url"], v["amount"], v["currency"], v["metadata"]),
            (
                self.shop.sandbox.url + "/invoices/" + v["id"],
                12000,
                "SAR",
                {"payment_id": p["id"], "booking_id": booking},
            ),
        )
        wall = dt.datetime.fromisoformat(
            self.shop.booking(self.me, booking)["starts_at"].replace("Z", "+00:00")
        ).astimezone(bd_shop.RIYADH)
        self.assertEqual(
            v["description"], wall.strftime("Cut, %Y-%m-%d %H:%M (Palm)")
        )  # what the payer reads
        self.assertEqual(
            (v["callback_url"], v["success_url"]), (ours + "/gateway", ours + "/return")
        )
        self.assertLess(v["expired_at"], self.shop.booking(self.me, booking)["hold_expires_at"])
        again = self.expect(self.shop.open(self.me, booking), 200)
        self.assertEqual(again.json(), p)
        self.assertEqual(self.shop.payments(self.me, booking), [p])
        self.assertEqual(self.shop.payment(self.me, p["id"]), p)
        self.assertEqual(self.shop.detail(booking)["payments"], [p])

    def test_what_the_payer_reads(self):
        """Names are as long as staff like, and may hold anything: neither reaches the gateway like
        that.
        """
        service = self.shop.make_service(payment="online", price=12000)
        self.shop.pg.sql(
            "UPDATE services SET name = E'حلاقة\\x07\\n%s' WHERE id = '%s'" % ("x" * 100, service)
        )
        p = self.expect(self.shop.open(self.me, self.made(service_id=service)), 201).json()
        said = self.shop.invoice(p["gateway_id"])["description"]
        self.assertRegex(said, r"^حلاقة  x{73}, \d{4}-\d\d-\d\d \d\d:\d\d \(Palm\)$")

    def test_nobody_elses(self):
        booking, p = self.opened()
        stranger, nobody = self.shop.someone(), str(uuid.uuid4())
        for token in (stranger, self.me):
            target = booking if token is stranger else nobody
            self.expect(self.shop.open(token, target), 404, "not_found")
            self.expect(
                self.shop.call("GET", "/v1/bookings/%s/payments" % target, token=token),
                404,
                "not_found",
            )
            self.expect(
                self.shop.call(
                    "GET", "/v1/payments/" + (p["id"] if token is stranger else nobody), token=token
                ),
                404,
                "not_found",
            )
        self.expect(self.shop.call("GET", "/v1/payments/x", token=self.me), 404, "not_found")
        self.expect(self.shop.open(None, booking), 401, "unauthorized")
        self.expect(self.shop.call("GET", "/v1/payments/" + p["id"]), 401, "unauthorized")
        self.expect(
            self.shop.call("GET", "/v1/payments/" + p["id"], token=self.shop.admin),
            401,
            "unauthorized",
        )

    def test_idempotency_key(self):
        booking = self.made()
        key = {"Idempotency_Key": "k-" + booking}
        r = self.expect(self.shop.open(self.me, booking, **key), 201)
        again = self.expect(self.shop.open(self.me, booking, **key), 201)
        self.assertEqual(
            (again.body, again.header("Location"), again.header("Idempotency-Replayed")),
            (r.body, r.header("Location"), "true"),
        )
        self.expect(
            self.shop.open(self.me, booking, bd_pay.RETURN + "?x", **key),
            422,
            "idempotency_mismatch",
        )
        self.expect(self.shop.open(self.me, booking, Idempotency_Key="other-" + booking), 200)

    def test_unknown_keeps_no_key(self):
        """The same key finds out what a call without an answer did."""
        booking = self.made()
        key = {"Idempotency_Key": "k-" + booking}
        self.shop.sandbox.order("invoice_create", "close", done=True, times=1)
        j = self.provider_problem(
            self.shop.open(self.me, booking, **key), 502, "provider_failed", "unknown"
        )
        r = self.expect(self.shop.open(self.me, booking, **key), 200)
        self.assertEqual((r.json()["id"], r.json()["status"]), (j["payment_id"], "initiated"))
        self.assertEqual(
            self.expect(self.shop.open(self.me, booking, **key), 200).header(
                "Idempotency-Replayed"
            ),
            "true",
        )

    def test_not_payable(self):
        on_site = self.shop.make_service(payment="on_site")
        for over in (
            {"service_id": on_site},
            {"service_id": self.shop.make_service(payment="online", price=0)},
        ):
            self.expect(self.shop.open(self.me, self.made(**over)), 409, "booking_not_payable")
        booking = self.made()
        self.expect(self.shop.cancel(self.me, booking), 200)
        self.expect(self.shop.open(self.me, booking), 409, "booking_not_payable")
        self.expect(self.shop.open(self.me, self.paid()[0]), 409, "booking_not_payable")
        self.shop.pg.sql(
            "UPDATE bookings SET hold_expires_at = now() WHERE id = '%s'" % self.made()
        )
        booking = self.made()
        self.shop.pg.sql("UPDATE bookings SET hold_expires_at = now() WHERE id = '%s'" % booking)
        self.expect(self.shop.open(self.me, booking), 409, "booking_not_payable")
        booking = self.made()  # too short for anybody to pay
        self.shop.pg.sql(
            "UPDATE bookings SET hold_expires_at = now() + interval '10 seconds' WHERE id = '%s'"
            % booking
        )
        self.expect(self.shop.open(self.me, booking), 409, "booking_not_payable")

    def test_return_url(self):
        booking = self.made()
        for bad in (
            "https://book.example.com.evil.example/done",
            "https://book.example.com:444/",
            "http://book.example.com/",
            "https://evil.example/?https://book.example.com",
            "https://book.example.com@evil.example/",
            "//book.example.com/",
            "javascript:alert(1)",
            "/done",
            "https://book.example.com/a\r\nX: y",
            "https://",
            "book.example.com",
            " ",
        ):
            self.expect(self.shop.open(self.me, booking, bad), 422, "return_url_refused")
        for body, pointer in (
            ({}, "/return_url"),
            ({"return_url": 1}, "/return_url"),
            ({"return_url": ""}, "/return_url"),
            ({"return_url": "https://book.example.com/" + "x" * 2000}, "/return_url"),
            ({"return_url": bd_pay.RETURN, "amount": 1}, "/amount"),
        ):
            r = self.expect(
                self.shop.call("POST", "/v1/bookings/%s/payments" % booking, body, self.me),
                422,
                "validation_failed",
            )
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])
        self.assertEqual(self.shop.payments(self.me, booking), [])
        for good in ("HTTPS://BOOK.EXAMPLE.COM:443/x", "http://127.0.0.1:9"):
            self.expect(self.shop.open(self.me, self.made(), good), 201)

    # route, kind and more of the fault; status, code, outcome; whether the gateway made an invoice
    # by then
    FAULTS = (
        ({"kind": "declined"}, 502, "provider_rejected", "failed", 0),
        ({"kind": "status", "status": 400}, 502, "provider_rejected", "failed", 0),
        ({"kind": "status", "status": 401}, 502, "provider_rejected", "failed", 0),
        ({"kind": "status", "status": 404}, 502, "provider_rejected", "failed", 0),
        ({"kind": "status", "status": 429}, 503, "provider_unavailable", "failed", 0),
        ({"kind": "html"}, 502, "provider_failed", "failed", 0),
        ({"kind": "status", "status": 500}, 502, "provider_failed", "unknown", 0),
        ({"kind": "status", "status": 503, "done": True}, 502, "provider_failed", "unknown", 1),
        ({"kind": "reset"}, 502, "provider_failed", "unknown", 0),
        ({"kind": "reset", "done": True}, 502, "provider_failed", "unknown", 1),
        ({"kind": "close", "done": True}, 502, "provider_failed", "unknown", 1),
        ({"kind": "garbage", "done": True}, 502, "provider_failed", "unknown", 1),
        ({"kind": "huge", "done": True}, 502, "provider_failed", "unknown", 1),
        ({"kind": "redirect"}, 502, "provider_failed", "unknown", 0),
        ({"kind": "hang", "done": False}, 504, "provider_timeout", "unknown", 0),
        ({"kind": "hang"}, 504, "provider_timeout", "unknown", 1),
        ({"kind": "drip"}, 504, "provider_timeout", "unknown", 1),
        ({"kind": "body"}, 504, "provider_timeout", "unknown", 1),
    )

    def test_faults(self):
        for fault, status, code, outcome, invoices in self.FAULTS:
            with self.subTest(fault=fault):
                booking = self.made()
                self.shop.sandbox.clear()
                self.shop.sandbox.order("invoice_create", times=1, **fault)
                r = self.shop.open(self.me, booking)
                self.provider_problem(r, status, code, outcome)
                self.assertEqual(r.header("Retry-After") is not None, status == 503)
                first = self.shop.payments(self.me, booking)[0]
                self.assertEqual(first["status"], outcome)
                self.assertEqual(self.shop.booking(self.me, booking)["status"], "pending_payment")
                again = self.shop.open(self.me, booking)
                self.expect(again, 201 if outcome == "failed" else 200)
                self.assertEqual(again.json()["id"] == first["id"], outcome == "unknown")
                self.assertTrue(again.json()["redirect_url"])
                made = [
                    v
                    for v in self.shop.sandbox.books("invoices")
                    if v["metadata"]["booking_id"] == booking
                ]
                self.assertEqual([v["id"] for v in made], [again.json()["gateway_id"]])
                self.expect(
                    self.shop.cancel(self.me, booking), 200
                )  # makes room: a customer has few active ones

    def test_a_repeat_that_learns_nothing_makes_nothing(self):
        booking = self.made()
        self.shop.sandbox.order("invoice_create", "hang", times=1)
        first = self.provider_problem(
            self.shop.open(self.me, booking), 504, "provider_timeout", "unknown"
        )["payment_id"]
        for fault, status, code in (
            ("reset", 502, "provider_failed"),
            ("hang", 504, "provider_timeout"),
            ("garbage", 502, "provider_failed"),
            ("declined", 502, "provider_rejected"),
            ("html", 502, "provider_failed"),
        ):
            self.shop.sandbox.order("invoice_list", fault)
            self.provider_problem(self.shop.open(self.me, booking), status, code, "unknown", first)
        self.shop.sandbox.clear()
        self.assertEqual(self.expect(self.shop.open(self.me, booking), 200).json()["id"], first)
        self.assertEqual(
            len(
                [
                    v
                    for v in self.shop.sandbox.books("invoices")
                    if v["metadata"]["booking_id"] == booking
                ]
            ),
            1,
        )

    def test_paid_before_the_answer_is_known(self):
        """The invoice was made, its URL lost; a repeat finds it, whatever became of it."""
        booking = self.made()
        self.shop.sandbox.order("invoice_create", "hang", times=1)
        payment = self.provider_problem(
            self.shop.open(self.me, booking), 504, "provider_timeout", "unknown"
        )["payment_id"]
        invoice = [
            v for v in self.shop.sandbox.books("invoices") if v["metadata"]["payment_id"] == payment
        ][0]
        self.shop.pay(invoice["id"])
        r = self.expect(self.shop.open(self.me, booking), 200)
        self.assertEqual((r.json()["id"], r.json()["status"]), (payment, "paid"))
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))

    def test_an_invoice_that_was_ended_is_not_the_end(self):
        booking = self.made()
        self.shop.sandbox.order("invoice_create", "close", done=True, times=1)
        first = self.provider_problem(
            self.shop.open(self.me, booking), 502, "provider_failed", "unknown"
        )["payment_id"]
        invoice = [
            v for v in self.shop.sandbox.books("invoices") if v["metadata"]["payment_id"] == first
        ][0]
        self.assertEqual(
            self.shop.sandbox.api("PUT", "/v1/invoices/%s/cancel" % invoice["id"]).status, 200
        )
        r = self.expect(self.shop.open(self.me, booking), 201)
        self.assertNotEqual(r.json()["id"], first)
        self.assertEqual(
            [p["status"] for p in self.shop.payments(self.me, booking)], ["expired", "initiated"]
        )

    def test_two_at_once(self):
        """The second request waits for the first one's invoice and shows it."""
        booking = self.made()
        self.shop.sandbox.order("invoice_create", "delay", delay_ms=500, times=1)
        got = []
        threads = [
            threading.Thread(target=lambda: got.append(self.shop.open(self.me, booking)))
            for _ in range(3)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(r.status for r in got), [200, 200, 201], got)
        self.assertEqual(len({r.json()["id"] for r in got}), 1)
        self.assertEqual({r.json()["redirect_url"] is None for r in got}, {False})

    def test_cancelled_while_the_invoice_is_made(self):
        booking = self.made()
        self.shop.sandbox.order("invoice_create", "delay", delay_ms=500, times=1)
        got = []
        t = threading.Thread(target=lambda: got.append(self.shop.open(self.me, booking)))
        t.start()
        bd.wait_until(lambda: self.shop.payments(self.me, booking), "the payment's row")
        self.expect(self.shop.cancel(self.me, booking), 200)
        t.join()
        self.expect(got[0], 409, "booking_not_payable")
        payment = self.shop.payments(self.me, booking)[0]
        self.wait_states(booking, payment["id"], ("cancelled", "expired"))
        self.assertEqual(self.shop.invoice(payment["gateway_id"])["status"], "canceled")

    def test_connection_refused(self):
        with bd.socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            nowhere = type("Nowhere", (), {"url": "http://127.0.0.1:%d" % s.getsockname()[1]})
            shop = bd_pay.PayShop(
                self,
                {"providers": {"moyasar": {"breaker": {"failures": 1, "open_for": "1m"}}}},
                nowhere,
            )
            me = shop.someone()
            booking = shop.book(me, 2).json()["id"]
            self.provider_problem(shop.open(me, booking), 502, "provider_failed", "failed")
            r = shop.open(me, booking)  # the circuit is open by now
            self.provider_problem(r, 503, "provider_unavailable", "failed")
            self.assertTrue(int(r.header("Retry-After")) > 0)
            self.assertEqual(
                [p["status"] for p in shop.payments(me, booking)], ["failed", "failed"]
            )

    def test_no_gateway(self):
        shop = bd_pay.bd_shop.Shop(self)
        me = shop.customer()
        service = shop.make_service(payment="online")
        booking = shop.book(me, 2, service_id=service).json()["id"]
        r = shop.call(
            "POST",
            "/v1/bookings/%s/payments" % booking,
            {"return_url": "https://book.example.com/"},
            me,
        )
        self.assertIn(
            (r.status, r.code), ((422, "return_url_refused"), (503, "provider_unavailable"))
        )
        self.expect(
            shop.call("POST", "/v1/webhooks/moyasar", {"secret_token": ""}), 401, "unauthorized"
        )


class Hints(Base):
    def test_return(self):
        ends = {
            "https://book.example.com/done": "https://book.example.com/done?%s",
            "https://book.example.com": "https://book.example.com?%s",
            "https://book.example.com/a?b=c": "https://book.example.com/a?b=c&%s",
            "https://book.example.com/a#top": "https://book.example.com/a?%s#top",
            "https://book.example.com/a?b=c#x?y": "https://book.example.com/a?b=c&%s#x?y",
        }
        for url, wanted in ends.items():
            booking = self.made()
            p = self.expect(self.shop.open(self.me, booking, url), 201).json()
            r = self.expect(self.shop.come_back(p["id"], "?status=paid&id=1"), 303)
            self.assertEqual(
                r.header("Location"), wanted % ("payment_id=%s&status=initiated" % p["id"])
            )
            self.shop.pay(p["gateway_id"])
            self.forget_look(p["id"])
            r = self.expect(self.shop.come_back(p["id"]), 303)
            self.assertEqual(r.header("Location"), wanted % ("payment_id=%s&status=paid" % p["id"]))
            self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        self.expect(self.shop.come_back(str(uuid.uuid4())), 404, "not_found")
        self.expect(self.shop.come_back("x"), 404, "not_found")
        d = self.shop.detail(booking)
        self.assertEqual(
            [(h["from"], h["to"], h["actor"]) for h in d["history"]],
            [
                (None, "pending_payment", "customer:" + d["customer"]["id"]),
                ("pending_payment", "confirmed", "customer"),
            ],
        )
        self.assertEqual(
            [(n["template"], n["status"]) for n in d["notifications"]],
            [("booking_confirmed", "SENT")],
        )

    def test_return_while_the_gateway_is_away(self):
        booking, p = self.opened()
        self.shop.pay(p["gateway_id"])
        for fault in ("reset", "hang", "garbage"):
            self.shop.sandbox.order("moyasar", fault)
            r = self.expect(self.shop.come_back(p["id"]), 303)
            self.assertIn("status=initiated", r.header("Location"))
        self.shop.sandbox.clear()
        self.shop.balance()
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))

    def test_declined_is_not_the_end(self):
        booking, p = self.opened()
        self.shop.hooks()
        self.shop.pay(p["gateway_id"], bd_pay.POOR)
        charge = self.shop.begin_3ds(p["gateway_id"])
        self.shop.answer_3ds(charge, False)
        self.assertIn("status=initiated", self.shop.come_back(p["id"]).header("Location"))
        self.assertEqual(self.shop.booking(self.me, booking)["status"], "pending_payment")
        self.shop.answer_3ds(self.shop.begin_3ds(p["gateway_id"]))
        self.wait_states(booking, p["id"], ("confirmed", "paid"))

    def test_callback(self):
        booking, p = self.opened()
        path = "/v1/payments/%s/gateway" % p["id"]
        self.expect(self.shop.call("POST", path, {"status": "paid", "id": p["gateway_id"]}), 200)
        self.assertEqual(self.states(booking, p["id"]), ("pending_payment", "initiated"))
        self.shop.sandbox.order("moyasar", "reset")
        self.shop.pay(p["gateway_id"])
        self.forget_look(p["id"])
        self.expect(self.shop.call("POST", path), 502, "provider_failed")
        self.shop.sandbox.order("moyasar", "hang")
        self.forget_look(p["id"])
        self.expect(self.shop.call("POST", path), 502, "provider_failed")
        self.assertEqual(self.states(booking, p["id"]), ("pending_payment", "initiated"))
        self.shop.sandbox.clear()
        self.forget_look(p["id"])
        self.expect(
            self.shop.call("POST", path, b"not json at all", Content_Type="text/plain"), 200
        )
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        self.expect(self.shop.call("POST", path), 200)
        self.expect(
            self.shop.call("POST", "/v1/payments/%s/gateway" % uuid.uuid4()), 404, "not_found"
        )
        self.assertEqual(self.shop.detail(booking)["history"][-1]["actor"], "gateway")

    def test_the_gateways_own_callback_is_enough(self):
        booking, p = self.opened()
        self.shop.hooks(False)
        self.shop.pay(p["gateway_id"])
        self.wait_states(booking, p["id"], ("confirmed", "paid"), 1)

    def hooks_counted(self, outcome):
        return self.shop.daemon.metric(
            "bookingd_webhooks_total", provider="moyasar", outcome=outcome
        )

    def test_webhook_secret(self):
        booking, p = self.opened()
        before = self.hooks_counted("refused")
        refused = 0
        for secret in (
            None,
            "",
            "wrong",
            bd_pay.SECRET + "x",
            bd_pay.SECRET[:-1],
            1,
            ["x"],
            {},
            True,
        ):
            event = self.shop.event(invoice_id=p["gateway_id"], metadata={"payment_id": p["id"]})
            self.expect(self.shop.hook(event, secret), 401, "unauthorized")
            refused += 1
        for body in (b"[]", b"null", b'"' + bd_pay.SECRET.encode() + b'"'):
            self.expect(self.raw_hook(body), 401, "unauthorized")
            refused += 1
        bd.wait_until(
            lambda: self.hooks_counted("refused") == before + refused,
            "refused webhooks in the metric",
        )
        self.assertEqual(self.states(booking, p["id"]), ("pending_payment", "initiated"))

    def raw_hook(self, body):
        return self.shop.call("POST", "/v1/webhooks/moyasar", body, Content_Type="application/json")

    def test_webhook_odd(self):
        """M19: with the right secret anything that names a payment is a hint; unreadable is 400."""
        for event in (
            lambda p: {"metadata": {"payment_id": p["id"]}},
            lambda p: {"type": None, "data": {"invoice_id": p["gateway_id"]}},
            lambda p: {"id": 5, "data": {"id": p["gateway_id"], "metadata": []}},
        ):
            booking, p = self.opened()
            self.shop.pay(p["gateway_id"])
            body = json.dumps({"secret_token": bd_pay.SECRET, **event(p)}).encode()
            self.expect(self.raw_hook(b"\xef\xbb\xbf" + body), 200)
            self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        before = self.hooks_counted("unreadable")
        bodies = (b"", b"{", b"\xff\xfe", b"[" * 5000)
        for body in bodies:
            self.expect(self.raw_hook(body), 400, "malformed_json")
        bd.wait_until(
            lambda: self.hooks_counted("unreadable") == before + len(bodies),
            "unreadable webhooks in the metric",
        )

    def test_webhook(self):
        booking, p = self.opened()
        self.shop.pay(p["gateway_id"])
        self.shop.sandbox.order("moyasar", "reset")
        event = [
            e for e in self.shop.sandbox.events() if e["data"]["invoice_id"] == p["gateway_id"]
        ][-1]
        self.assertEqual(event["type"], "payment_paid")
        self.expect(self.shop.hook(event), 502, "provider_failed")
        self.assertEqual(self.states(booking, p["id"]), ("pending_payment", "initiated"))
        self.shop.sandbox.clear()
        before = {o: self.hooks_counted(o) for o in ("applied", "duplicate", "unknown")}
        self.expect(self.shop.hook(event), 200)
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        self.shop.sandbox.order("moyasar", "reset")
        for _ in range(3):
            self.expect(self.shop.hook(event), 200)  # a duplicate asks nobody
        self.shop.sandbox.clear()
        self.expect(
            self.shop.hook({**event, "id": str(uuid.uuid4()), "type": "payment_faild"}), 200
        )  # the word is not believed
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        self.expect(self.shop.hook(self.shop.event()), 200)
        self.expect(
            self.shop.hook(
                self.shop.event(
                    metadata={"payment_id": str(uuid.uuid4())}, invoice_id=str(uuid.uuid4())
                )
            ),
            200,
        )
        self.expect(self.shop.hook({"type": "x"}), 200)
        self.expect(self.shop.hook({"id": 7, "type": "x", "data": []}), 200)
        self.expect(self.shop.hook({"id": "e" * 200, "type": "x"}), 200)
        wanted = {"applied": 2, "duplicate": 3, "unknown": 5}
        bd.wait_until(
            lambda: {o: self.hooks_counted(o) - before[o] for o in wanted} == wanted,
            "webhooks in the metric",
        )

    def test_forged_and_early(self):
        """An event that says paid, and the gateway does not: nothing happens. One that comes before
        the create's answer is not lost.
        """
        booking, p = self.opened()
        self.expect(
            self.shop.hook(
                self.shop.event(invoice_id=p["gateway_id"], metadata={"payment_id": p["id"]})
            ),
            200,
        )
        self.assertEqual(self.states(booking, p["id"]), ("pending_payment", "initiated"))
        booking = self.made()
        self.shop.sandbox.order("invoice_create", "delay", delay_ms=600, times=1)
        got = []
        t = threading.Thread(target=lambda: got.append(self.shop.open(self.me, booking)))
        t.start()

        def mine():
            return [
                v
                for v in self.shop.sandbox.books("invoices")
                if v["metadata"]["booking_id"] == booking
            ]

        invoice = bd.wait_until(mine, "the invoice")[0]
        self.shop.hooks()
        self.shop.pay(invoice["id"])
        bd.wait_until(
            lambda: self.shop.booking(self.me, booking)["status"] == "confirmed",
            "the hint's effect",
        )
        t.join()
        self.assertEqual((got[0].status, got[0].json()["status"]), (201, "paid"))

    def test_without_our_reference(self):
        """A charge that carries no metadata is known by its invoice."""
        booking, p = self.opened()
        self.shop.pay(p["gateway_id"])
        self.expect(self.shop.hook(self.shop.event(invoice_id=p["gateway_id"], metadata=None)), 200)
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))

    def test_no_hint_at_all(self):
        booking, p = self.opened()
        self.shop.pay(p["gateway_id"])
        begun = time.monotonic()
        bd.wait_until(
            lambda: self.states(booking, p["id"]) == ("confirmed", "paid"),
            "the keeper's settling",
            60 / bd.PATIENCE,
        )
        self.assertLess(time.monotonic() - begun, 60)
        self.assertEqual(self.shop.detail(booking)["history"][-1]["actor"], "keeper")
        self.assertIn(("keeper", "payment.settle"), self.shop.audit(p["id"]))


class Mismatch(Base):
    def test_gateway_is_not_ours(self):
        """Amount, currency or reference at the gateway are not ours: the booking waits, and staff
        are told, once.
        """
        changes = ("amount = amount + 1", "currency = 'USD'", None)
        for change in changes:
            booking, p = self.opened()
            before = self.shop.daemon.metric("bookingd_payment_acts_total", act="mismatch")
            if change:
                self.shop.pg.sql("UPDATE payments SET %s WHERE id = '%s'" % (change, p["id"]))
            else:
                self.shop.sandbox.api(
                    "PUT",
                    "/v1/invoices/" + p["gateway_id"],
                    {"metadata": {"payment_id": str(uuid.uuid4())}},
                )
            self.shop.pay(p["gateway_id"])
            self.expect(self.shop.come_back(p["id"]), 303)
            event = [
                e for e in self.shop.sandbox.events() if e["data"]["invoice_id"] == p["gateway_id"]
            ][-1]
            event["data"]["metadata"] = {"payment_id": p["id"]}
            self.expect(self.shop.hook(event), 200)
            self.assertEqual(self.states(booking, p["id"])[0], "pending_payment")
            wanted = ("mismatch",) if change else ("initiated", "unknown")
            self.assertIn(self.states(booking, p["id"])[1], wanted)
            self.assertEqual([a for _, a in self.shop.audit(p["id"])].count("payment.mismatch"), 1)
            bd.wait_until(
                lambda: self.shop.daemon.metric("bookingd_payment_acts_total", act="mismatch")
                == before + 1,
                "mismatch in the metric",
            )


class Lists(Base):
    """A gateway whose lists are not what was asked for: only what names us is ours."""

    def others(self, n=3):
        """Invoices of other shops of the same account, and charges of half of them."""
        made = []
        for i in range(n):
            v = self.shop.sandbox.api(
                "POST",
                "/v1/invoices",
                {
                    "amount": 12000,
                    "currency": "SAR",
                    "description": "Not ours",
                    "metadata": [{"payment_id": str(uuid.uuid4())}, {"order": i}, None][i % 3],
                },
            ).json()
            made.append(v["id"])
            if i % 2:
                self.shop.pay(v["id"])
        return made

    def stand(self, invoices):
        """[(status, what was given back)] of invoices that are nobody's business here."""
        found = [self.shop.invoice(v) for v in invoices]
        return [(v["status"], sum(c["refunded"] for c in v["payments"])) for v in found]

    def test_charges_of_others(self):
        """The charges of a paid invoice that does not list them: a list that was not filtered
        brings everybody's.
        """
        booking, p = self.opened()
        other, q = self.opened(self.shop.someone())
        self.shop.pay(q["gateway_id"])
        strangers = self.others()
        before = self.stand(strangers)
        self.shop.pay(p["gateway_id"])
        for route, kind in (("invoice_fetch", "bare"), ("payment_list", "unfiltered")):
            self.shop.sandbox.order(route, kind)
        self.expect(self.shop.come_back(p["id"]), 303)
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        charge = self.shop.pg.value("SELECT charge_id FROM payments WHERE id = '%s'" % p["id"])
        self.shop.sandbox.clear()
        self.assertEqual(
            [c["id"] for c in self.shop.invoice(p["gateway_id"])["payments"]], [charge]
        )
        self.assertEqual(
            self.shop.pg.value(
                "SELECT count(*) FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE "
                "p.booking_id = '%s'" % booking
            ),
            "0",
        )
        self.assertEqual(
            (self.stand(strangers), self.stand([q["gateway_id"]])), (before, [("paid", 0)])
        )

    def test_nothing_of_ours(self):
        """Our charge is not in the list at all: the payment stays open, and is not paid by somebody
        else's.
        """
        booking, p = self.opened()
        self.shop.pay(p["gateway_id"])
        ours = self.shop.invoice(p["gateway_id"])["payments"][0]["id"]
        self.shop.sandbox.api(
            "PUT", "/v1/payments/" + ours, {"metadata": {"payment_id": str(uuid.uuid4())}}
        )
        self.others()
        self.shop.sandbox.order("invoice_fetch", "bare")
        self.shop.sandbox.order("payment_list", "unfiltered")
        self.expect(self.shop.come_back(p["id"]), 303)
        self.assertEqual(self.states(booking, p["id"]), ("pending_payment", "initiated"))
        self.shop.sandbox.clear()
        self.forget_look(p["id"])
        self.expect(self.shop.come_back(p["id"]), 303)
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))

    def test_invoices_of_others(self):
        """Found among them is ours alone, and none of theirs is ended as one of ours too many."""
        strangers = self.others(5)
        booking = self.made()
        before = self.stand(strangers)
        self.shop.sandbox.order("invoice_create", "close", done=True, times=1)
        self.provider_problem(self.shop.open(self.me, booking), 502, "provider_failed", "unknown")
        self.shop.sandbox.order("invoice_list", "unfiltered")
        p = self.expect(self.shop.open(self.me, booking), 200).json()
        self.assertEqual(self.shop.invoice(p["gateway_id"])["metadata"]["payment_id"], p["id"])
        self.assertEqual(self.stand(strangers), before)
        self.expect(self.shop.cancel(self.me, booking), 200)
        bd.wait_until(
            lambda: self.shop.invoice(p["gateway_id"])["status"] == "canceled",
            "our invoice is ended",
        )
        self.assertEqual(self.stand(strangers), before)

    def test_a_page_of_others(self):
        """A first page without one of ours does not say that there is none: nothing is made until
        the gateway filters again.
        """
        booking = self.made()
        self.shop.sandbox.order("invoice_create", "close", done=True, times=1)
        self.provider_problem(self.shop.open(self.me, booking), 502, "provider_failed", "unknown")
        strangers = self.others(42)
        before = self.stand(strangers)
        self.shop.sandbox.order("invoice_list", "unfiltered")
        self.provider_problem(self.shop.open(self.me, booking), 502, "provider_failed", "unknown")
        self.shop.sandbox.clear()
        p = self.expect(self.shop.open(self.me, booking), 200).json()
        made = self.shop.sandbox.api("GET", "/v1/invoices?metadata[booking_id]=" + booking).json()[
            "invoices"
        ]
        self.assertEqual([v["id"] for v in made], [p["gateway_id"]])
        self.assertEqual(self.stand(strangers), before)


class Refunds(Base):
    def test_cancel_gives_back(self):
        booking, payment = self.paid()
        key = {"Idempotency_Key": "c-" + booking}
        self.expect(self.shop.cancel(self.me, booking, If_Match='"1"'), 412, "version_mismatch")
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
        r = self.expect(
            self.shop.cancel(self.me, booking, {"reason": "rain"}, If_Match='"2"', **key), 200
        )
        self.assertEqual((r.json()["status"], r.header("ETag")), ("cancelled", '"3"'))
        p = self.shop.payment(self.me, payment)
        self.assertEqual((p["status"], p["refunded_amount"]), ("refunded", 12000))
        again = self.expect(
            self.shop.cancel(self.me, booking, {"reason": "rain"}, If_Match='"2"', **key), 200
        )
        self.assertEqual(
            (again.body, again.header("Idempotency-Replayed"), again.header("ETag")),
            (r.body, "true", '"3"'),
        )
        self.expect(self.shop.cancel(self.me, booking), 409, "booking_not_active")
        d = self.shop.detail(booking)
        self.assertEqual(
            [(h["to"], h["actor"], h["reason"]) for h in d["history"]][-1],
            ("cancelled", "customer:" + d["customer"]["id"], "rain"),
        )
        self.assertEqual(
            sorted((n["template"], n["status"]) for n in d["notifications"]),
            [
                ("booking_cancelled", "SENT"),
                ("booking_confirmed", "SENT"),
                ("payment_refunded", "SENT"),
            ],
        )
        self.assertIn(
            ("customer:" + d["customer"]["id"], "payment.refund"), self.shop.audit(payment)
        )
        self.assertEqual(self.shop.imbalance(), [])

    def test_cancel_outside_the_window(self):
        booking, payment = self.paid()
        self.shop.pg.sql(
            "UPDATE bookings SET starts_at = now() + interval '50 minutes' WHERE id = '%s'"
            % booking
        )
        self.expect(self.shop.cancel(self.me, booking), 422, "cancellation_closed")
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
        self.expect(self.shop.cancel(self.shop.someone(), booking), 404, "not_found")

    def test_cancel_when_the_refund_is_refused(self):
        booking, payment = self.paid()
        for route, fault, status, code in (
            ("refund", {"kind": "declined"}, 502, "provider_rejected"),
            ("refund", {"kind": "status", "status": 404}, 502, "provider_rejected"),
            ("refund", {"kind": "status", "status": 429}, 503, "provider_unavailable"),
            ("refund", {"kind": "html"}, 502, "provider_failed"),
            ("payment_fetch", {"kind": "reset"}, 502, "provider_failed"),
            ("payment_fetch", {"kind": "hang"}, 504, "provider_timeout"),
            ("payment_fetch", {"kind": "status", "status": 500}, 502, "provider_failed"),
        ):
            self.shop.sandbox.clear()
            self.shop.sandbox.order(route, **fault)
            self.provider_problem(
                self.shop.cancel(self.me, booking, Idempotency_Key="same"), status, code, "failed"
            )
            self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
        self.shop.sandbox.clear()
        self.expect(self.shop.cancel(self.me, booking, Idempotency_Key="same"), 200)
        self.assertEqual(self.states(booking, payment), ("cancelled", "refunded"))

    def test_cancel_when_the_refund_is_unknown(self):
        """Not one, but never two: the booking stays until the gateway's total tells; then it is
        cancelled.
        """
        for fault, status, code in (
            ("hang", 504, "provider_timeout"),
            ("close", 502, "provider_failed"),
            ("garbage", 502, "provider_failed"),
        ):
            booking, payment = self.paid()
            self.shop.sandbox.order("refund", fault, done=True, times=1)
            if fault != "garbage":  # with a look that works the outcome is known at once
                self.hide_total(True)
            r = self.shop.cancel(self.me, booking)
            if fault == "garbage":
                self.expect(r, 200)
            else:
                self.provider_problem(r, status, code, "unknown", payment)
                self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
                self.expect(self.shop.refund(payment), 409, "payment_not_refundable")
                self.hide_total(False)
                self.shop.balance()
            self.assertEqual(self.states(booking, payment), ("cancelled", "refunded"))
            self.assertEqual(
                len(
                    [
                        e
                        for e in self.shop.sandbox.events()
                        if e["type"] == "payment_refunded"
                        and (e["data"]["metadata"] or {}).get("booking_id") == booking
                    ]
                ),
                1,
            )

    def hide_total(self, on):
        """The look before the call goes well, those after it fail."""
        if on:
            self.shop.sandbox.order("payment_fetch", "reset", skip=1)
        else:
            self.shop.sandbox.clear()

    def test_repeat_of_an_unknown_cancelling(self):
        booking, payment = self.paid()
        self.shop.sandbox.order("refund", "close", done=True, times=1)
        self.hide_total(True)
        self.provider_problem(
            self.shop.cancel(self.me, booking), 502, "provider_failed", "unknown", payment
        )
        self.shop.pg.sql(
            "UPDATE refunds SET next_check_at = now() + interval '1 hour' WHERE status = 'unknown'"
        )  # no keeper
        self.shop.sandbox.order("payment_fetch", "reset")
        self.provider_problem(
            self.shop.cancel(self.me, booking), 502, "provider_failed", "unknown", payment
        )
        self.shop.sandbox.clear()
        self.assertEqual(
            self.expect(self.shop.cancel(self.me, booking), 200).json()["status"], "cancelled"
        )
        self.assertEqual(self.states(booking, payment), ("cancelled", "refunded"))

    def test_a_refund_that_never_was(self):  # M35
        """Unknown, and the total never moves: called not done after 15 minutes, and asked for again
        until it is done, whatever the deadline says by then.
        """
        booking, payment = self.paid()
        key = {"Idempotency_Key": "never-" + booking}
        self.shop.sandbox.order("refund", "reset", times=1)
        self.provider_problem(
            self.shop.cancel(self.me, booking, **key), 502, "provider_failed", "unknown", payment
        )
        # The deadline passes while it is in doubt: a repeat is no new wish.
        self.shop.pg.sql(
            "UPDATE bookings SET free_cancellation_minutes = 100000 WHERE id = '%s'" % booking
        )
        for headers in key, {}:
            self.provider_problem(
                self.shop.cancel(self.me, booking, **headers),
                502,
                "provider_failed",
                "unknown",
                payment,
            )
        self.shop.hurry()
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
        self.assertEqual(
            [(r["status"], r["amount"]) for r in self.shop.detail(booking)["refunds"]],
            [("unknown", 12000)],
        )
        self.expect(self.shop.refund(payment, 100), 409, "payment_not_refundable")
        self.shop.pg.sql(
            "UPDATE refunds SET created_at = created_at - interval '16 minutes' WHERE status = "
            "'unknown'"
        )
        self.shop.balance()
        bd.wait_until(
            lambda: self.shop.hurry() or self.states(booking, payment) == ("cancelled", "refunded"),
            "the refund that is asked for again",
        )
        again = self.expect(self.shop.cancel(self.me, booking, **key), 200)
        self.assertEqual(again.json()["status"], "cancelled")
        self.assertEqual(self.shop.imbalance(), [])

    def test_a_refund_that_is_refused_after_the_doubt(self):  # M35
        booking, payment = self.paid()
        self.shop.sandbox.order("refund", "reset", times=1)
        self.provider_problem(
            self.shop.cancel(self.me, booking), 502, "provider_failed", "unknown", payment
        )
        self.shop.sandbox.order("refund", "declined")
        self.shop.pg.sql(
            "UPDATE refunds SET created_at = created_at - interval '16 minutes' WHERE status = "
            "'unknown'"
        )
        bd.wait_until(
            lambda: self.shop.hurry()
            or self.shop.detail(booking)["refunds"][0]["status"] == "failed",
            "the gateway's refusal",
        )
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
        self.assertIn(("keeper", "payment.refund_failed"), self.shop.audit(payment))
        self.shop.sandbox.clear()
        self.shop.staff("POST", "/v1/staff/bookings/%s/cancel" % booking)
        self.assertEqual(self.states(booking, payment), ("cancelled", "refunded"))

    def test_staff_take_a_refund_over(self):  # M35
        booking, payment = self.paid()
        self.shop.sandbox.order("refund", "reset", times=1)
        self.provider_problem(
            self.shop.cancel(self.me, booking), 502, "provider_failed", "unknown", payment
        )
        self.shop.pg.sql(
            "UPDATE refunds SET status = 'wanted', next_check_at = now() + interval '1 hour', "
            "asked_at = asked_at - interval '16 minutes' WHERE payment_id = '%s'" % payment
        )
        gauge = "bookingd_refunds_open"
        bd.wait_until(lambda: self.shop.daemon.metric(gauge) == 1, "the gauge")
        self.provider_problem(
            self.shop.cancel(self.me, booking), 502, "provider_failed", "unknown", payment
        )
        self.expect(self.shop.refund(payment, 2000), 200)
        seen = self.shop.detail(booking)["refunds"]
        self.assertEqual(
            [(r["status"], r["fault"]) for r in seen], [("failed", "taken_over"), ("done", None)]
        )
        bd.wait_until(lambda: self.shop.daemon.metric(gauge) == 0, "the gauge")
        self.assertEqual(self.states(booking, payment), ("confirmed", "partially_refunded"))

    def test_staff(self):
        booking, payment = self.paid()
        viewer, agent = self.shop.key("v" + payment, "viewer"), self.shop.key(
            "a" + payment, "agent"
        )
        other = self.shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        self.expect(self.shop.refund(payment, key=viewer), 403, "forbidden")
        self.expect(
            self.shop.refund(payment, key=self.shop.key("e" + payment, "admin", other)),
            404,
            "not_found",
        )
        self.expect(self.shop.refund(str(uuid.uuid4())), 404, "not_found")
        for bad in (0, -1, 12001, 2**62):
            r = self.expect(self.shop.refund(payment, bad), 422, "validation_failed")
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], ["/amount"])
        key = {"Idempotency_Key": "r-" + payment}
        r = self.expect(self.shop.refund(payment, 5000, agent, **key), 200)
        self.assertEqual(
            (r.json()["status"], r.json()["refunded_amount"]), ("partially_refunded", 5000)
        )
        again = self.expect(self.shop.refund(payment, 5000, agent, **key), 200)
        self.assertEqual((again.body, again.header("Idempotency-Replayed")), (r.body, "true"))
        self.expect(self.shop.refund(payment, 6000, agent, **key), 422, "idempotency_mismatch")
        self.expect(self.shop.refund(payment, 7001), 422, "validation_failed")
        self.expect(self.shop.refund(payment, 1000), 200)
        r = self.expect(self.shop.refund(payment), 200)
        self.assertEqual((r.json()["status"], r.json()["refunded_amount"]), ("refunded", 12000))
        self.expect(self.shop.refund(payment), 409, "payment_not_refundable")
        self.expect(self.shop.refund(self.opened()[1]["id"]), 409, "payment_not_refundable")
        self.assertEqual(
            self.shop.booking(self.me, booking)["status"], "confirmed"
        )  # staff decide on the booking
        self.assertEqual([a for _, a in self.shop.audit(payment)].count("payment.refund"), 3)
        # Each refund has one notification with its own amount (M27).
        said = [
            " ".join(r[0].split(" ")[-2:])
            for r in self.shop.pg.sql(
                "SELECT body FROM notifications WHERE booking_id = '%s' AND template = "
                "'payment_refunded' ORDER BY created_at" % booking
            )
        ]
        self.assertEqual(said, ["50.00 SAR", "10.00 SAR", "60.00 SAR"])
        self.expect(self.shop.cancel(self.me, booking), 200)

    def test_rest_after_a_part(self):
        booking, payment = self.paid()
        self.expect(self.shop.refund(payment, 2000), 200)
        self.expect(self.shop.cancel(self.me, booking), 200)
        self.assertEqual(self.states(booking, payment), ("cancelled", "refunded"))
        self.assertEqual(self.shop.imbalance(), [])

    def test_staff_unknown(self):
        booking, payment = self.paid()
        self.shop.sandbox.order("refund", "close", done=True, times=1)
        self.hide_total(True)
        self.provider_problem(
            self.shop.refund(payment, 4000), 502, "provider_failed", "unknown", payment
        )
        self.shop.pg.sql(
            "UPDATE refunds SET next_check_at = now() + interval '1 hour' WHERE status = 'unknown'"
        )
        self.shop.sandbox.clear()
        self.expect(self.shop.refund(payment, 1000), 409, "payment_not_refundable")
        r = self.expect(self.shop.refund(payment, 4000), 200)  # the repeat finds it done
        self.assertEqual(r.json()["refunded_amount"], 4000)
        self.assertEqual(self.shop.imbalance(), [])

    def test_given_back_at_the_gateways_desk(self):
        booking, payment = self.paid()
        charge = [
            c for c in self.shop.sandbox.books("payments") if c["metadata"]["payment_id"] == payment
        ][0]
        self.shop.hooks()
        self.shop.sandbox.api("POST", "/v1/payments/%s/refund" % charge["id"], {"amount": 2500})
        bd.wait_until(
            lambda: self.shop.payment(self.me, payment)["refunded_amount"] == 2500,
            "the refund in our books",
        )
        self.assertIn(("gateway", "payment.refunded_elsewhere"), self.shop.audit(payment))
        self.shop.hooks(False, callbacks=False)
        self.shop.sandbox.api("POST", "/v1/payments/%s/refund" % charge["id"], {"amount": 9500})
        self.expect(self.shop.refund(payment, 1), 409, "payment_not_refundable")
        self.expect(self.shop.cancel(self.me, booking), 200)  # nothing is left to give back
        self.assertEqual(self.states(booking, payment), ("cancelled", "refunded"))
        self.assertEqual(self.shop.imbalance(), [])

    def test_given_back_at_the_desk_without_an_event(self):  # M29
        booking, payment = self.paid()
        charge = [
            c for c in self.shop.sandbox.books("payments") if c["metadata"]["payment_id"] == payment
        ][0]
        self.shop.sandbox.api("POST", "/v1/payments/%s/refund" % charge["id"], {"amount": 2500})
        bd.wait_until(
            lambda: self.shop.payment(self.me, payment)["refunded_amount"] == 2500,
            "the keeper's minute",
            60,
        )
        self.assertIn(("keeper", "payment.refunded_elsewhere"), self.shop.audit(payment))
        seen = self.shop.detail(booking)
        self.assertIn("refunded at the gateway", [h["reason"] for h in seen["history"]])
        self.assertEqual(seen["status"], "confirmed")
        listed = self.shop.staff("GET", "/v1/staff/payments?status=partially_refunded")["items"]
        self.assertIn(payment, [p["id"] for p in listed])
        self.assertEqual(self.shop.imbalance(), [])

    def test_voided_at_the_gateways_desk(self):
        booking, payment = self.paid()
        charge = [
            c for c in self.shop.sandbox.books("payments") if c["metadata"]["payment_id"] == payment
        ][0]
        self.shop.hooks()
        self.assertEqual(
            self.shop.sandbox.api("POST", "/v1/payments/%s/void" % charge["id"]).status, 200
        )
        bd.wait_until(
            lambda: self.shop.payment(self.me, payment)["status"] == "refunded",
            "the voided charge in our books",
        )


class RefundUnderWay(Base):
    over = {
        "server": {"request_budget": "%dms" % (4000 * bd.SLOWNESS)},
        "providers": {"moyasar": {"timeout": "%dms" % (700 * bd.SLOWNESS)}},
    }

    def test_one_at_a_time(self):
        booking, payment = self.paid()
        self.shop.sandbox.order("refund", "delay", delay_ms=int(500 * bd.SLOWNESS), times=1)
        got = []
        t = threading.Thread(target=lambda: got.append(self.shop.refund(payment, 3000)))
        t.start()
        bd.wait_until(
            lambda: self.shop.pg.value("SELECT count(*) FROM refunds WHERE status = 'calling'")
            == "1",
            "the refund's row",
        )
        self.expect(self.shop.refund(payment, 3000), 409, "payment_not_refundable")
        self.expect(self.shop.refund(payment), 409, "payment_not_refundable")
        self.expect(self.shop.cancel(self.me, booking), 409, "booking_not_active")
        t.join()
        self.expect(got[0], 200)
        self.assertEqual(self.shop.payment(self.me, payment)["refunded_amount"], 3000)


class Cards(Base):
    """A card number in any JSON body is refused, with its place, and leaves no trace."""

    CARD = "4111111111111111"
    FORMS = (
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "it is 4111 1111 1111 1111, ok?",
        4111111111111111,
    )

    def refused(self, r, pointer, status=422, code="validation_failed"):
        self.expect(r, status, code)
        self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer], r)
        self.assertNotIn(b"4111", r.body)

    def test_everywhere(self):
        venue = "/v1/staff/venues/" + self.shop.venue
        booking, payment = self.paid()
        hours = [{"weekday": 1, "opens": "09:00", "closes": "10:00"}]
        for card in self.FORMS:
            places = (
                (
                    "POST",
                    "/v1/bookings",
                    {
                        "service_id": self.shop.service,
                        "starts_at": self.shop.at(self.hour + 2),
                        "note": card,
                    },
                    self.me,
                    "/note",
                ),
                ("POST", "/v1/bookings/%s/cancel" % booking, {"reason": card}, self.me, "/reason"),
                (
                    "POST",
                    "/v1/bookings/%s/payments" % booking,
                    {"return_url": card},
                    self.me,
                    "/return_url",
                ),
                ("PATCH", "/v1/me", {"name": card}, self.me, "/name"),
                ("POST", "/v1/otp", {"phone": "0551234567", "locale": card}, None, "/locale"),
                (
                    "POST",
                    venue + "/bookings",
                    {
                        "phone": "0551234567",
                        "service_id": self.shop.service,
                        "starts_at": self.shop.at(self.hour + 2),
                        "name": card,
                    },
                    self.shop.admin,
                    "/name",
                ),
                (
                    "POST",
                    venue + "/services",
                    {"name": "x", "duration_minutes": 60, "price": card},
                    self.shop.admin,
                    "/price",
                ),
                (
                    "POST",
                    venue + "/closures",
                    {"starts_at": self.shop.at(1), "ends_at": self.shop.at(2), "reason": card},
                    self.shop.admin,
                    "/reason",
                ),
                (
                    "PUT",
                    "/v1/staff/resources/%s/opening-hours" % self.shop.chair,
                    {"items": hours + [{**hours[0], "opens": card}]},
                    self.shop.admin,
                    "/items/1/opens",
                ),
                (
                    "POST",
                    "/v1/staff/bookings/%s/cancel" % booking,
                    {"reason": card},
                    self.shop.admin,
                    "/reason",
                ),
                (
                    "POST",
                    "/v1/staff/payments/%s/refund" % payment,
                    {"amount": card},
                    self.shop.admin,
                    "/amount",
                ),
                ("POST", "/v1/bookings", {"card": {"number": [card]}}, self.me, "/card/number/0"),
            )
            for method, path, body, token, pointer in places:
                key = {"Idempotency_Key": "%s%s" % (uuid.uuid4(), "")} if method == "POST" else {}
                self.refused(self.shop.call(method, path, body, token, **key), pointer)
        self.refused(self.shop.call("POST", "/v1/bookings", {self.CARD: 1}, self.me), "")
        self.expect(
            self.shop.call("POST", "/v1/bookings", {"note": self.CARD}), 401, "unauthorized"
        )
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))

    def test_not_these(self):
        """Phones and identifiers are none, whatever their digits."""
        r = self.shop.call("POST", "/v1/otp", {"phone": "4111 1111 1111 1111"})
        self.assertEqual((r.status, r.code), (422, "phone_invalid"))
        r = self.shop.call(
            "POST",
            "/v1/bookings",
            {
                "service_id": "41111111-1111-4111-8111-111111111111",
                "starts_at": self.shop.at(self.hour + 2),
            },
            self.me,
        )
        self.expect(r, 404, "not_found")
        booking = self.made(note="0551234567, 0557654321; order 4111111111111112")
        self.assertEqual(self.shop.booking(self.me, booking)["status"], "pending_payment")

    def test_no_trace(self):
        self.test_everywhere()
        digits = ("4111111111111111", "4111 1111", "4111-1111")
        log = self.shop.daemon.log()
        self.assertEqual([d for d in digits if d in log], [])
        for (table,) in self.shop.pg.sql(
            "SELECT quote_ident(table_name) FROM information_schema.tables WHERE table_schema = "
            "'public'"
            " AND table_type = 'BASE TABLE'"
        ):
            for d in digits:
                self.assertEqual(
                    self.shop.pg.value(
                        "SELECT count(*) FROM %s t WHERE t::text LIKE '%%%s%%'" % (table, d)
                    ),
                    "0",
                    table,
                )


class Short(Base):
    seconds = round(bd.SLOWNESS)
    over = {"bookings": {"hold": "%ds" % seconds, "max_active_per_customer": 1000}}

    def test_a_hold_of_a_second_can_be_paid(self):
        for _ in range(5):
            booking, p = self.opened()
            hold = self.shop.pg.value(
                "SELECT created_at + %d * interval '900 ms' FROM bookings WHERE id = '%s'"
                % (self.seconds, booking)
            )
            ends = self.shop.invoice(p["gateway_id"])["expired_at"]
            late_us = self.shop.pg.value(
                "SELECT extract(epoch FROM timestamptz '%s' - timestamptz '%s') * 1000000"
                % (hold, ends)
            )
            self.assertTrue(0 <= float(late_us) < 1000, (hold, ends))


class Late(Base):
    over = {"bookings": {"hold": "3s", "max_active_per_customer": 1000}}

    def test_slot_still_free(self):
        """The bank's answer comes when the hold is over: the booking takes its slot again."""
        booking, p = self.opened()
        charge = self.shop.begin_3ds(p["gateway_id"])
        self.wait_states(booking, p["id"], ("expired", "expired"))
        bd.wait_until(
            lambda: self.shop.detail(booking)["history"][-1]["to"] == "expired",
            "the keeper's word on the hold",
        )
        self.shop.answer_3ds(charge)
        self.shop.hook(
            self.shop.event(id=charge, invoice_id=p["gateway_id"], metadata={"payment_id": p["id"]})
        )
        self.wait_states(booking, p["id"], ("confirmed", "paid"))
        self.assertIn(
            ("expired", "confirmed"),
            [(h["from"], h["to"]) for h in self.shop.detail(booking)["history"]],
        )
        self.shop.balance()

    def test_slot_taken(self):
        """The slot is somebody else's by then: the money goes back by itself, and staff see it."""
        booking, p = self.opened()
        charge = self.shop.begin_3ds(p["gateway_id"])
        self.wait_states(booking, p["id"], ("expired", "expired"))
        other = self.shop.someone()
        self.expect(self.shop.book(other, self.hour), 201)
        self.shop.answer_3ds(charge)
        self.shop.hook(
            self.shop.event(id=charge, invoice_id=p["gateway_id"], metadata={"payment_id": p["id"]})
        )
        self.wait_states(booking, p["id"], ("expired", "refunded"))
        self.assertTrue(
            {("keeper", "payment.surplus"), ("keeper", "payment.refund")}
            <= set(self.shop.audit(p["id"]))
        )
        seen = self.shop.detail(booking)
        self.assertEqual(
            [(q["status"], q["refunded_amount"]) for q in seen["payments"]], [("refunded", 12000)]
        )
        self.assertIn("payment_refunded", [n["template"] for n in seen["notifications"]])
        self.expect(self.shop.refund(p["id"]), 409, "payment_not_refundable")
        bd.wait_until(
            lambda: self.shop.daemon.metric("bookingd_payment_acts_total", act="surplus") >= 1,
            "surplus in the metric",
        )
        self.shop.balance()

    def test_without_a_hint(self):
        """A payer who was at the bank when the invoice ended is looked for within a minute."""
        booking, p = self.opened()
        charge = self.shop.begin_3ds(p["gateway_id"])
        self.wait_states(booking, p["id"], ("expired", "expired"))
        self.shop.answer_3ds(charge)
        bd.wait_until(
            lambda: self.states(booking, p["id"]) == ("confirmed", "paid"),
            "the keeper's settling",
            60 / bd.PATIENCE,
        )

    def test_cancelled_booking(self):
        """Cancelled while the payer is at the bank: the invoice is ended at the gateway; what is
        charged all the same goes back.
        """
        booking, p = self.opened()
        charge = self.shop.begin_3ds(p["gateway_id"])
        self.expect(self.shop.cancel(self.me, booking), 200)
        self.wait_states(booking, p["id"], ("cancelled", "expired"))
        self.assertEqual(self.shop.invoice(p["gateway_id"])["status"], "canceled")
        self.shop.answer_3ds(charge)
        self.shop.hook(
            self.shop.event(id=charge, invoice_id=p["gateway_id"], metadata={"payment_id": p["id"]})
        )
        self.wait_states(booking, p["id"], ("cancelled", "refunded"))
        self.shop.balance()

    def test_second_charge(self):
        """Two cards on one invoice, both charged: the second goes back."""
        booking, p = self.opened()
        first, second = self.shop.begin_3ds(p["gateway_id"]), self.shop.begin_3ds(p["gateway_id"])
        self.shop.hooks()
        self.shop.answer_3ds(first)
        self.wait_states(booking, p["id"], ("confirmed", "paid"))
        self.shop.answer_3ds(second)

        def there():
            return {
                c["id"]: c["refunded"]
                for c in self.shop.sandbox.books("payments")
                if c["id"] in (first, second)
            }

        bd.wait_until(lambda: there() == {first: 0, second: 12000}, "the second charge goes back")
        self.shop.balance()
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        self.assertIn(("keeper", "payment.surplus"), self.shop.audit(p["id"]))

    def test_many_charges(self):
        """More charges of one invoice than a transaction has statements: one stands, all others go
        back.
        """
        booking, p = self.opened()
        self.shop.pg.sql(
            "UPDATE bookings SET hold_expires_at = now() + interval '10 minutes' WHERE id = '%s'"
            % booking
        )
        charges = [self.shop.begin_3ds(p["gateway_id"]) for _ in range(30)]
        for charge in charges:
            self.shop.answer_3ds(charge)
        self.expect(self.shop.come_back(p["id"]), 303)
        self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
        self.shop.balance()
        there = [c["refunded"] for c in self.shop.sandbox.books("payments") if c["id"] in charges]
        self.assertEqual((len(there), sorted(there)), (30, [0] + 29 * [12000]))
        self.assertEqual(
            self.shop.pg.value(
                "SELECT count(*) FROM audit_log WHERE action = 'payment.surplus' AND subject = '%s'"
                % p["id"]
            ),
            "29",
        )

    def test_second_payment(self):
        """Two payments of one booking, the first one found ended and paid all the same: one stands,
        the other goes back.
        """
        self.shop.pg.sql("UPDATE services SET free_cancellation_minutes = 60")
        booking, p = self.opened()
        self.shop.pg.sql(
            "UPDATE bookings SET hold_expires_at = now() + interval '10 minutes' WHERE id = '%s'"
            % booking
        )
        charge = self.shop.begin_3ds(p["gateway_id"])
        self.shop.sandbox.api("PUT", "/v1/invoices/%s/cancel" % p["gateway_id"])
        self.assertIn("status=expired", self.shop.come_back(p["id"]).header("Location"))
        q = self.expect(self.shop.open(self.me, booking), 201).json()
        self.assertNotEqual(q["id"], p["id"])
        self.shop.pay(q["gateway_id"])
        self.wait_states(booking, q["id"], ("confirmed", "paid"))
        self.shop.answer_3ds(charge)
        self.shop.balance()
        self.assertEqual(
            (
                self.shop.payment(self.me, p["id"])["status"],
                self.shop.payment(self.me, q["id"])["status"],
            ),
            ("refunded", "paid"),
        )

    def test_two_invoices(self):
        """A create that was done after all, and late: its invoice is ended, or its
        money goes back."""
        for paid in (False, True):
            booking, p = self.opened()
            self.shop.pg.sql(
                "UPDATE bookings SET hold_expires_at = now() + interval '10 minutes' WHERE id = "
                "'%s';"
                "UPDATE payments SET invoice_expires_at = now() + interval '9 minutes' WHERE id "
                "= '%s'" % (booking, p["id"])
            )
            second = self.shop.sandbox.api(
                "POST",
                "/v1/invoices",
                {
                    "amount": 12000,
                    "currency": "SAR",
                    "description": "late",
                    "metadata": {"payment_id": p["id"], "booking_id": booking},
                },
            ).json()
            v = self.shop.sandbox.api(
                "POST",
                "/v1/invoices",
                {
                    "amount": 12000,
                    "currency": "SAR",
                    "description": "late too",
                    "metadata": {"payment_id": p["id"], "booking_id": booking},
                },
            ).json()
            if paid:
                self.shop.pay(second["id"])
                self.shop.pay(v["id"])
            self.shop.hurry()
            if paid:
                self.wait_states(booking, p["id"], ("confirmed", "paid"))
            else:
                bd.wait_until(
                    lambda: self.shop.invoice(second["id"])["status"] == "canceled",
                    "the end of the second",
                )
                self.assertEqual(
                    self.shop.invoice(p["gateway_id"])["status"] in ("initiated", "expired"), True
                )
            self.shop.balance()

    def test_abandoned(self):
        """Nobody pays: the invoice ends before the hold, the payment and the booking expire."""
        booking, p = self.opened()
        self.wait_states(booking, p["id"], ("expired", "expired"))
        self.assertEqual(self.shop.invoice(p["gateway_id"])["status"], "expired")
        self.shop.balance()

    def test_cancelling_meets_the_money(self):
        """A customer cancels while the charge is being applied: whichever is first, no money stays
        on a cancelled booking.
        """
        for n in range(6):
            booking, p = self.opened()
            self.shop.pay(p["gateway_id"])
            got = []
            threads = [
                threading.Thread(target=lambda: got.append(self.shop.come_back(p["id"]))),
                threading.Thread(target=lambda: got.append(self.shop.cancel(self.me, booking))),
            ]
            for t in threads[::-1] if n % 2 else threads:
                t.start()
                time.sleep(n / 1000)
            for t in threads:
                t.join()
            self.assertEqual(sorted(r.status for r in got), [200, 303], got)
        self.shop.balance()


if __name__ == "__main__":
    bd.main()
