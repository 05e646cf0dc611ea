# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Payments at a gateway that says what we do not know: M1 to M6, M29, and cheap hints (S8)."""
import http.client
import json
import threading
import time
import urllib.parse

import bd
import bd_pay


class Bent(bd.FakeProvider):
    """Stands before the sandbox and bends its answers: bend(path, document) changes it in place."""

    def __init__(self, target):
        self.target, self.bend, self.delay = urllib.parse.urlsplit(target), None, 0
        super().__init__(default=self.pass_on)

    def pass_on(self, provider, conn, request):
        time.sleep(self.delay)
        c = http.client.HTTPConnection(self.target.hostname, self.target.port, timeout=10)
        headers = {
            k: v
            for k, v in request["headers"].items()
            if k in ("authorization", "content-type", "accept")
        }
        c.request(request["method"], request["path"], request["body"] or None, headers)
        r = c.getresponse()
        body = r.read()
        c.close()
        if self.bend and r.status < 300:
            j = json.loads(body)
            for v in j.get("invoices", [j]):
                self.bend(request["method"], v)
            body = json.dumps(j).encode()
            # The host of the page's address is the sandbox's; ours has another port.
        body = body.replace(self.target.geturl().encode(), self.url.encode())
        conn.sendall(bd._http(r.status, body))
        return True

    def looks(self):
        return [q for q in self.requests if q["method"] == "GET"]


class Odd(bd.Case):
    def shop(self, **over):
        sandbox = self.sandbox()
        bent = Bent(sandbox.url)
        self.addCleanup(bent.close)
        shop = bd_pay.PayShop(self, over, gateway=bent)
        shop.sandbox, shop.bent = sandbox, bent
        return shop

    def opened(self, shop, me, hour):
        booking = shop.book(me, hour).json()["id"]
        r = shop.open(me, booking)
        self.assertEqual(r.status, 201, r)
        return booking, r.json()

    def gateway(self, shop, payment):
        return shop.call("POST", "/v1/payments/%s/gateway" % payment)

    def test_nothing_hides_a_charge_that_paid(self):  # M1, M2, M3
        shop = self.shop()

        def odd_charge(v):
            v["payments"].insert(0, {**v["payments"][0], "id": "other", "status": "abandoned"})

        def in_charge(**members):
            return lambda v: v["payments"][0].update(members)

        ways = {
            "M1 charge_status": odd_charge,
            "M1 invoice_status": lambda v: v.update(status="settled"),
            "M2 real": in_charge(amount=12000.0),
            "M2 text": in_charge(amount="12000"),
            "M2 refunded": in_charge(refunded=None),
            "M3 invoice_url": lambda v: v.update(url=None),
            "more": lambda v: v.update(more={"a": [1]}, metadata=None, amount=None),
            "row": lambda v: v["payments"].append(7),
        }
        for hour, (name, way) in enumerate(ways.items()):
            with self.subTest(name):
                me = shop.someone()
                booking, p = self.opened(shop, me, 2 * hour)
                shop.pay(p["gateway_id"])
                shop.bent.bend = lambda method, v, way=way: way(v) if v.get("payments") else None
                self.assertEqual(self.gateway(shop, p["id"]).status, 200)
                self.assertEqual(shop.payment(me, p["id"])["status"], "paid")
                self.assertEqual(shop.booking(me, booking)["status"], "confirmed")
                self.assertIn("status=paid", shop.come_back(p["id"]).header("Location"))
                shop.bent.bend = None
                if " " in name and name.split()[1].startswith(("charge", "invoice")):
                    seen = shop.detail(booking)["payments"][0]["not_understood"]
                    self.assertEqual([s["thing"] for s in seen], [name.split()[1]])
                    thing = name.split()[1]
                    bd.wait_until(
                        lambda: shop.daemon.metric(
                            "bookingd_payment_not_understood_total", thing=thing
                        )
                        == 1,
                        thing,
                    )
        provider = shop.staff("GET", "/v1/staff/providers")["items"]
        self.assertEqual({p["circuit"] for p in provider}, {"closed"})  # M4

    def test_any_form_of_every_answer(self):
        """M1, M2, M16, M17: from creating to refunding, all answers in a form nobody has seen."""
        shop = bd_pay.PayShop(self)
        for hour, kind in enumerate(
            (
                "text_numbers",
                "real_numbers",
                "exponents",
                "members",
                "stranger",
                "bom",
                "gzip",
                "identity",
            )
        ):
            with self.subTest(kind):
                me = shop.someone()
                shop.sandbox.order("moyasar", kind)
                booking, p = self.opened(shop, me, 2 * hour)
                shop.pay(p["gateway_id"])
                self.assertEqual(self.gateway(shop, p["id"]).status, 200)
                bd.wait_until(
                    lambda: shop.booking(me, booking)["status"] == "confirmed", "the booking"
                )
                self.assertEqual(shop.refund(p["id"], 2500).status, 200)
                self.assertEqual(shop.payment(me, p["id"])["refunded_amount"], 2500)
                self.assertEqual(shop.cancel(me, booking).status, 200)
                self.assertEqual(shop.payment(me, p["id"])["status"], "refunded")
        shop.sandbox.clear()
        self.assertEqual(shop.imbalance(), [])

    def test_account_is_refused(self):  # M23, of the gateway
        shop = bd_pay.PayShop(
            self, {"providers": {"moyasar": {"breaker": {"failures": 3, "open_for": "10m"}}}}
        )
        shop.sandbox.order("moyasar", "account")
        told = []
        for hour in range(4):
            me = shop.someone()
            told.append(shop.open(me, shop.book(me, 2 * hour).json()["id"]).code)
        self.assertEqual(told, ["provider_rejected"] * 3 + ["provider_unavailable"])
        seen = {p["name"]: p for p in shop.staff("GET", "/v1/staff/providers")["items"]}["moyasar"]
        self.assertEqual((seen["circuit"], seen["last_fault"]), ("open", "provider_rejected"))
        self.assertEqual(
            shop.daemon.metric(
                "bookingd_provider_requests_total", provider="moyasar", outcome="account"
            ),
            3,
        )

    def test_not_understood_is_no_fault(self):  # M4
        shop = self.shop(providers={"moyasar": {"breaker": {"failures": 2, "open_for": "10m"}}})
        me = shop.someone()
        booking, p = self.opened(shop, me, 0)
        shop.bent.default = bd.p_reply(200, b"no JSON at all")
        for _ in range(4):
            shop.hook(shop.event(invoice_id=p["gateway_id"], metadata={"payment_id": p["id"]}))
        shop.bent.default = shop.bent.pass_on
        self.opened(shop, shop.someone(), 2)

    def test_mismatch(self):  # M5, M6
        shop = self.shop(bookings={"hold": "4s"})
        for hour, (change, accept) in enumerate(
            (
                ({"amount": 10000}, True),
                ({"amount": 13000}, False),
                ({"currency": "USD"}, True),
            )
        ):
            with self.subTest(change):
                me = shop.someone()
                booking, p = self.opened(shop, me, 2 * hour)
                shop.pay(p["gateway_id"])
                shop.bent.bend = lambda method, v, change=change: [
                    c.update(change) for c in v.get("payments", [])
                ]
                self.assertIn("status=mismatch", shop.come_back(p["id"]).header("Location"))
                self.gateway(shop, p["id"])
                time.sleep(4.5)
                self.assertEqual(shop.booking(me, booking)["status"], "pending_payment")
                seen = shop.detail(booking)["payments"][0]
                self.assertEqual(seen["status"], "mismatch")
                self.assertEqual(
                    (seen["expected_amount"], seen["expected_currency"]), (12000, "SAR")
                )
                self.assertEqual(
                    (seen["paid_amount"], seen["paid_currency"]),
                    (change.get("amount", 12000), change.get("currency", "SAR")),
                )
                bd.wait_until(
                    lambda: shop.daemon.metric("bookingd_payments_mismatched") == 1, "the gauge"
                )
                told = [
                    act for _, act in shop.audit(p["id"])
                ]  # callback or browser, whoever is first
                self.assertEqual(told.count("payment.mismatch"), 1)
                audit = shop.staff("GET", "/v1/staff/audit?limit=100")["items"]
                detail = [a for a in audit if a["action"] == "payment.mismatch"][0]["detail"]
                self.assertIn("charge", json.dumps(detail))
                path = "/v1/staff/payments/%s/%s" % (p["id"], "accept" if accept else "refund")
                if accept:
                    self.assertEqual(shop.call("POST", path, None, shop.admin).status, 200)
                    self.assertEqual(shop.booking(me, booking)["status"], "confirmed")
                    self.assertEqual(
                        shop.call("POST", path, None, shop.admin).code, "payment_not_mismatched"
                    )
                else:
                    shop.bent.bend = None  # the refund asks for the charge itself
                    self.assertEqual(shop.call("POST", path, None, shop.admin).status, 200)
                    self.assertEqual(shop.booking(me, booking)["status"], "cancelled")
                bd.wait_until(
                    lambda: shop.daemon.metric("bookingd_payments_mismatched") == 0, "the gauge"
                )
        self.assertEqual(shop.daemon.metric("bookingd_payment_acts_total", act="mismatch"), 3)

    def test_hints_are_cheap(self):  # S8
        shop = self.shop(
            server={"workers": 12},
            providers={
                "moyasar": {
                    "max_concurrent": 3,
                    "timeout": "2s",
                    "breaker": {"failures": 5, "open_for": "30s"},
                }
            },
        )
        me = shop.someone()
        _, p = self.opened(shop, me, 0)
        before = len(shop.bent.looks())
        for _ in range(40):
            self.assertEqual(self.gateway(shop, p["id"]).status, 200)
        self.assertLessEqual(len(shop.bent.looks()) - before, 3)
        shop.bent.delay = 0.4
        stop, answers = threading.Event(), []

        def flood():
            while not stop.is_set():
                self.gateway(shop, p["id"])

        hints = [threading.Thread(target=flood) for _ in range(4)]
        for t in hints:
            t.start()
        tokens = [shop.someone() for _ in range(18)]
        bookings = [shop.book(t, 2 + 2 * i).json()["id"] for i, t in enumerate(tokens)]

        def customers(part):
            for token, booking in part:
                answers.append(shop.open(token, booking).status)

        pairs = list(zip(tokens, bookings))
        parts = [threading.Thread(target=customers, args=(pairs[i::3],)) for i in range(3)]
        for t in parts:
            t.start()
        for t in parts:
            t.join()
        stop.set()
        for t in hints:
            t.join()
        self.assertEqual(answers, [201] * 18)

    def test_final_payments_are_not_looked_at(self):  # S8
        shop = self.shop()
        me = shop.someone()
        _, p = self.opened(shop, me, 0)
        shop.pay(p["gateway_id"])
        self.assertEqual(self.gateway(shop, p["id"]).status, 200)
        self.assertEqual(shop.payment(me, p["id"])["status"], "paid")
        before = len(shop.bent.looks())
        for _ in range(20):
            self.assertEqual(self.gateway(shop, p["id"]).status, 200)
            shop.come_back(p["id"])
        self.assertEqual(len(shop.bent.looks()), before)


if __name__ == "__main__":
    bd.main()
