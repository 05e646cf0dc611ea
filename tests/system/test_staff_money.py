# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Staff and money: links to pay, cancelling what was paid, lists, deposits, money taken on site."""
import json
import uuid

import bd
import bd_pay
import bd_shop
from test_payments import Base

OTHER_RETURN = "https://book.example.com/staff"


class Money(Base):
    phones = 0

    def place(self, status=201, code=None, key=None, headers=None, **body):
        """A booking that staff make for a caller; their phone is new each time."""
        type(self).hour += 2
        Money.phones += 1
        body = {
            "service_id": self.shop.service,
            "starts_at": self.shop.at(self.hour),
            "phone": "+96657%07d" % Money.phones,
            "locale": "en",
            **body,
        }
        path = "/v1/staff/venues/%s/bookings" % self.shop.venue
        r = self.shop.call("POST", path, body, key or self.shop.admin, **(headers or {}))
        return self.expect(r, status, code)

    def link(self, booking, body=None, key=None, **headers):
        path = "/v1/staff/bookings/%s/payment-link" % booking
        return self.shop.call("POST", path, body, key or self.shop.admin, **headers)

    def links(self, booking):
        """Status and text of the links that were sent for a booking."""
        return self.shop.pg.sql(
            "SELECT status, body FROM notifications WHERE booking_id = '%s' AND template = "
            "'payment_link' ORDER BY created_at" % booking
        )

    def seconds(self, booking):
        """How long the hold of a booking lasts from now."""
        left = self.shop.pg.sql(
            "SELECT extract(epoch FROM hold_expires_at - now()) FROM bookings WHERE id = '%s'"
            % booking
        )
        return float(left[0][0])

    def status(self, booking):
        return self.shop.detail(booking)["status"]


class Links(Money):
    def test_sent_and_paid(self):  # B12
        made = self.place(headers={"Idempotency_Key": "link-1"})
        j = made.json()
        self.assertEqual((j["status"], j["payment"]), ("pending_payment", "online"))
        self.assertLess(abs(self.seconds(j["id"]) - 24 * 3600), 60)
        payment = j["payment_link"]["payment"]
        self.assertEqual((payment["status"], payment["amount"]), ("initiated", 12000))
        self.assertEqual((j["payment_link"]["code"], j["payment_link"]["outcome"]), (None, None))
        [(status, body)] = self.links(j["id"])
        self.assertEqual(status, "SENT")
        self.assertTrue(body.endswith(" 120.00 SAR " + payment["redirect_url"]), body)
        sent = json.loads(self.shop.sms.requests[-1]["body"])
        self.assertIn(payment["redirect_url"], sent["body"])
        again = self.repeat("link-1", self.order)
        self.assertEqual(again.header("Idempotency-Replayed"), "true")
        self.assertEqual(again.json()["payment_link"]["payment"]["id"], payment["id"])
        self.shop.pay(payment["gateway_id"])
        back = self.expect(self.shop.come_back(payment["id"]), 303)
        self.assertTrue(back.header("Location").startswith("https://book.example.com"))
        self.assertEqual(self.status(j["id"]), "confirmed")
        self.expect(self.link(j["id"]), 409, "booking_not_payable")
        history = self.shop.pg.sql(
            "SELECT actor FROM payment_history WHERE payment_id = '%s' ORDER BY at" % payment["id"]
        )
        self.assertEqual(history[0], ["staff:boss"])

    def place(self, *args, **body):
        r = super().place(*args, **body)
        if r.status == 201:
            j = r.json()
            self.order = {
                "service_id": j["service_id"],
                "starts_at": j["starts_at"],
                "phone": j["customer"] and j["customer"]["phone"],
                "locale": "en",
            }
        return r

    def repeat(self, key, order):
        path = "/v1/staff/venues/%s/bookings" % self.shop.venue
        return self.shop.call("POST", path, order, self.shop.admin, Idempotency_Key=key)

    def test_again(self):  # B12
        j = self.place(return_url=OTHER_RETURN).json()
        first = j["payment_link"]["payment"]
        again = self.expect(self.link(j["id"]), 200)
        self.assertEqual(again.json()["payment_link"]["payment"]["id"], first["id"])
        self.assertEqual([s for s, _ in self.links(j["id"])], ["SENT", "SENT"])
        key = {"Idempotency_Key": "again-" + j["id"]}
        for _ in range(2):
            self.expect(self.link(j["id"], **key), 200)
        self.assertEqual(len(self.links(j["id"])), 3)
        # An SMS that is not sent is a matter of the notifications (BEHAVIOUR §1).
        self.shop.sms.default = bd.p_reply(500, b"")
        self.expect(self.link(j["id"]), 200)
        self.shop.sms.default = bd.p_reply(201, bd_shop.sms_ok)
        self.assertEqual([s for s, _ in self.links(j["id"])].count("FAILED"), 1)
        self.assertEqual(self.status(j["id"]), "pending_payment")
        self.shop.pay(first["gateway_id"])
        self.assertTrue(
            self.shop.come_back(first["id"]).header("Location").startswith(OTHER_RETURN)
        )

    def test_customer_pays_by_themselves(self):
        token = self.shop.customer("+966551239901")
        j = self.place(phone="+966551239901").json()
        r = self.expect(self.shop.open(token, j["id"], OTHER_RETURN), 200)
        self.assertEqual(r.json()["id"], j["payment_link"]["payment"]["id"])
        self.shop.pay(r.json()["gateway_id"])
        back = self.shop.come_back(r.json()["id"])
        self.assertTrue(back.header("Location").startswith(OTHER_RETURN))  # M33

    def test_gateway_away(self):
        for order, code, outcome in (
            (("invoice_create", "status", {"status": 400}), "provider_rejected", "failed"),
            (("invoice_create", "hang", {}), "provider_timeout", "unknown"),
        ):
            with self.subTest(code):
                self.shop.sandbox.order(order[0], order[1], times=1, **order[2])
                j = self.place().json()
                self.assertEqual(j["payment_link"], {"code": code, "outcome": outcome})
                self.assertEqual(self.status(j["id"]), "pending_payment")
                self.assertEqual(self.links(j["id"]), [])
                self.shop.sandbox.order(order[0], order[1], times=1, **order[2])
                if outcome == "failed":
                    self.provider_problem(self.link(j["id"]), 502, code, outcome)
                self.shop.sandbox.clear()
                again = self.expect(self.link(j["id"]), 200).json()
                self.assertEqual(again["payment_link"]["payment"]["status"], "initiated")
                self.assertEqual([s for s, _ in self.links(j["id"])], ["SENT"])

    def test_not_by_a_link(self):
        for payment in "on_site", "none":
            j = self.place(payment=payment).json()
            self.assertEqual((j["status"], j["payment"]), ("confirmed", payment))
            self.assertNotIn("payment_link", j)
            self.expect(self.link(j["id"]), 409, "booking_not_payable")
        # nobody to send it to, or nothing to hold
        j = self.place(phone=None, name="Mona").json()
        self.assertEqual((j["status"], j["payment"]), ("confirmed", "on_site"))
        r = self.place(422, "validation_failed", phone=None, name="Mona", payment="link")
        self.assertEqual([e["pointer"] for e in r.json()["errors"]], ["/payment"])
        now = bd_shop.dt.datetime.now(bd_shop.dt.timezone.utc).replace(microsecond=0)
        past = (now - bd_shop.dt.timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
        self.place(422, "slot_not_offered", starts_at=past, payment="link", force=True)
        j = self.place(starts_at=past, force=True).json()
        self.assertEqual((j["status"], j["payment"]), ("confirmed", "on_site"))
        r = self.place(422, "return_url_refused", return_url="https://evil.example")
        self.assertEqual([e["pointer"] for e in r.json()["errors"]], ["/return_url"])

    def test_hold_ends_with_the_start(self):  # B12
        soon = bd_shop.dt.datetime.now(bd_shop.dt.timezone.utc).replace(microsecond=0)
        soon = (soon + bd_shop.dt.timedelta(hours=2)).isoformat().replace("+00:00", "Z")
        j = self.place(starts_at=soon, force=["grid"]).json()
        self.assertEqual(j["hold_expires_at"], j["starts_at"])

    def test_whose(self):
        other = self.shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        j = self.place(key=self.shop.key("desk", "agent", self.shop.venue)).json()
        key = self.shop.key("elsewhere", "admin", other)
        self.expect(self.link(j["id"], key=key), 404, "not_found")
        self.expect(self.link(j["id"], key=self.shop.key("reader", "viewer")), 403, "forbidden")
        self.expect(self.link(str(uuid.uuid4())), 404, "not_found")


class Address(bd.Case):
    def test_base_url_with_the_version(self):  # M32
        sandbox = self.sandbox()
        for tail in "/v1", "/v1/", "/":
            shop = bd_pay.PayShop(
                self, {"providers": {"moyasar": {"base_url": sandbox.url + tail}}}, gateway=sandbox
            )
            me = shop.someone()
            booking = shop.book(me, 10).json()["id"]
            self.assertEqual(shop.open(me, booking).status, 201)


class Cancelling(Money):
    """M28: what becomes of the money when staff cancel."""

    def cancel(self, booking, body=None, key=None, **headers):
        path = "/v1/staff/bookings/%s/cancel" % booking
        return self.shop.call("POST", path, body, key or self.shop.admin, **headers)

    def told(self, booking):
        rows = self.shop.pg.sql(
            "SELECT template, body FROM notifications WHERE booking_id = '%s' AND template IN "
            "('booking_cancelled', 'payment_refunded') ORDER BY template" % booking
        )
        return [
            (t, " ".join(body.split()[-2:]) if t == "payment_refunded" else "") for t, body in rows
        ]

    def test_what_goes_back(self):
        for body, back, left in (
            ({"reason": "ill"}, 12000, "refunded"),
            ({"refund": "full"}, 12000, "refunded"),
            ({"refund": 5000}, 5000, "partially_refunded"),
            ({"refund": 12000}, 12000, "refunded"),
            ({"refund": "none"}, 0, "paid"),
        ):
            with self.subTest(body):
                booking, payment = self.paid()
                j = self.expect(self.cancel(booking, body), 200).json()
                self.assertEqual((j["status"], j["reason"]), ("cancelled", body.get("reason")))
                self.assertEqual(j["refund"], {"amount": back, "currency": "SAR"} if back else None)
                shown = j["payments"][0]
                self.assertEqual(
                    (shown["id"], shown["status"], shown["refunded_amount"]), (payment, left, back)
                )
                self.assertEqual(self.states(booking, payment), ("cancelled", left))
                notice = [("payment_refunded", "%d.00 SAR" % (back // 100))] if back else []
                self.assertEqual(self.told(booking), [("booking_cancelled", "")] + notice)
                self.assertIn(("staff:boss", "booking.cancel"), self.shop.audit(booking))

    def test_not_paid(self):
        for body, status, code in (
            ({}, 200, None),
            ({"refund": "full"}, 200, None),
            ({"refund": "none"}, 200, None),
            ({"refund": 100}, 409, "payment_not_refundable"),
        ):
            booking, _ = self.opened()
            r = self.expect(self.cancel(booking, body), status, code)
            if status == 200:
                self.assertEqual((r.json()["payments"], r.json()["refund"]), ([], None))
            else:
                self.assertEqual(self.status(booking), "pending_payment")

    def test_faults(self):
        booking, payment = self.paid()
        for bad in (0, -1, 1.5, "100", "half", None, True, 12001, 2**62):
            r = self.expect(self.cancel(booking, {"refund": bad}), 422, "validation_failed")
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], ["/refund"])
        r = self.shop.call(
            "POST", "/v1/staff/bookings/%s/complete" % booking, {"refund": "none"}, self.shop.admin
        )
        self.expect(r, 422, "validation_failed")
        self.expect(self.cancel(booking, If_Match='"99"'), 412, "version_mismatch")
        self.expect(self.cancel(booking, key=self.shop.key("eye", "viewer")), 403, "forbidden")
        other = self.shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        key = self.shop.key("far", "admin", other)
        self.expect(self.cancel(booking, key=key), 404, "not_found")
        self.expect(self.cancel(str(uuid.uuid4())), 404, "not_found")
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))

    def test_gateway_fails(self):
        booking, payment = self.paid()
        for route, fault, status, code in (
            ("refund", {"kind": "declined"}, 502, "provider_rejected"),
            ("refund", {"kind": "status", "status": 429}, 503, "provider_unavailable"),
            ("payment_fetch", {"kind": "hang"}, 504, "provider_timeout"),
        ):
            self.shop.sandbox.order(route, **fault)
            self.provider_problem(self.cancel(booking), status, code, "failed")
            self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
            self.shop.sandbox.clear()
        self.shop.sandbox.order("refund", kind="declined")
        self.expect(self.cancel(booking, {"refund": "none"}), 200)
        self.shop.sandbox.clear()
        self.expect(self.cancel(booking), 409, "booking_not_active")
        self.expect(self.shop.refund(payment), 200)  # later
        self.assertEqual(self.states(booking, payment), ("cancelled", "refunded"))

    def test_once(self):
        booking, payment = self.paid()
        key = {"Idempotency_Key": "cancel-" + booking}
        first = self.expect(self.cancel(booking, {"refund": 2500}, **key), 200)
        again = self.expect(self.cancel(booking, {"refund": 2500}, **key), 200)
        self.assertEqual((again.body, again.header("Idempotency-Replayed")), (first.body, "true"))
        self.expect(self.cancel(booking, {"refund": 2600}, **key), 422, "idempotency_mismatch")
        self.assertEqual(self.shop.payment(self.me, payment)["refunded_amount"], 2500)

    def test_unknown_then_done(self):
        booking, payment = self.paid()
        key = {"Idempotency_Key": "doubt-" + booking}
        self.shop.sandbox.order("refund", "close", done=True, times=1)
        self.shop.sandbox.order("payment_fetch", "reset", skip=1)
        r = self.cancel(booking, {"refund": 3000}, **key)
        self.provider_problem(r, 502, "provider_failed", "unknown", payment)
        self.assertEqual(self.states(booking, payment), ("confirmed", "paid"))
        self.shop.sandbox.clear()
        bd.wait_until(
            lambda: self.shop.hurry() or self.status(booking) == "cancelled", "the keeper's look"
        )
        j = self.expect(self.cancel(booking, {"refund": 3000}, **key), 200).json()
        self.assertEqual(j["refund"], {"amount": 3000, "currency": "SAR"})
        self.assertEqual(j["payments"][0]["status"], "partially_refunded")


class Lists(Money):
    def list(self, query="", key=None, status=200, code=None):
        path = "/v1/staff/payments" + ("?" + query if query else "")
        r = self.expect(self.shop.call("GET", path, None, key or self.shop.admin), status, code)
        return r.json().get("items", r.json())

    def ids(self, query="", key=None):
        return [p["id"] for p in self.list(query, key)]

    def test_filters(self):  # B12
        booking, paid = self.paid()
        other, opened = self.opened()
        path = "/v1/staff/bookings/%s/cancel" % booking
        self.shop.call("POST", path, {"refund": "none"}, self.shop.admin)
        seen = self.list("booking_id=" + booking)[0]
        self.assertEqual(
            (seen["id"], seen["status"], seen["booking_status"], seen["service_name"]),
            (paid, "paid", "cancelled", "Cut"),
        )
        self.assertEqual((seen["venue_id"], seen["surplus"]), (self.shop.venue, False))
        self.assertEqual(self.ids()[:2], [opened["id"], paid])
        self.assertEqual(self.ids("status=paid")[0], paid)
        self.assertEqual(self.ids("status=mismatch"), [])
        self.assertEqual(self.ids("status=paid&booking_id=" + other), [])
        self.assertEqual(self.ids("venue_id=" + self.shop.venue)[0], opened["id"])
        self.assertEqual(self.ids("venue_id=" + str(uuid.uuid4())), [])
        today = bd_shop.dt.datetime.now(bd_shop.RIYADH).date()
        day = bd_shop.dt.timedelta(days=1)
        for query, found in (
            ("from=%s&to=%s" % (today, today), True),
            ("from=%s" % (today + day), False),
            ("to=%s" % (today - day), False),
            ("from=%s&status=paid" % today, True),
            ("to=%s&booking_id=%s" % (today - day, booking), False),
        ):
            self.assertEqual(paid in self.ids(query), found, query)
        for query, pointer in (
            ("status=lost", "query:status"),
            ("from=2026-02-30", "query:from"),
            ("from=2026-02-03&to=2026-02-02", "query:to"),
            ("booking_id=x", "query:booking_id"),
            ("limit=0", "query:limit"),
            ("after=x", "query:after"),
            ("color=red", "query:color"),
        ):
            j = self.list(query, status=422, code="validation_failed")
            self.assertEqual([e["pointer"] for e in j["errors"]], [pointer])
        self.expect(self.shop.call("GET", "/v1/staff/payments"), 401, "unauthorized")
        self.assertEqual(self.ids(key=self.shop.key("looker", "viewer"))[0], opened["id"])

    def test_pages(self):
        made = [self.opened()[1]["id"] for _ in range(5)]
        for filters in "", "status=initiated&", "venue_id=%s&" % self.shop.venue:
            found, after = [], ""
            while after is not None and len(found) < 5:
                path = "/v1/staff/payments?%slimit=2%s" % (filters, after)
                j = self.shop.staff("GET", path)
                found += [p["id"] for p in j["items"]]
                after = "&after=" + j["next"] if j["next"] else None
            self.assertEqual(found[:5], made[::-1])

    def test_venue_keys_see_their_own(self):
        _, payment = self.paid()
        other = self.shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        mine = self.shop.key("mine", "viewer", self.shop.venue)
        self.assertEqual(self.ids(key=mine)[0], payment)
        self.assertEqual(self.ids("status=paid", key=mine)[0], payment)
        self.assertEqual(self.ids("venue_id=" + other, key=mine), [])
        theirs = self.shop.key("theirs", "admin", other)
        for query in "", "status=paid", "venue_id=" + self.shop.venue:
            self.assertEqual(self.ids(query, key=theirs), [])


class OnSite(Money):
    def record(self, booking, body, key=None, **headers):
        path = "/v1/staff/bookings/%s/payments" % booking
        return self.shop.call("POST", path, body, key or self.shop.admin, **headers)

    def test_written_down(self):
        booking = self.place(payment="on_site").json()["id"]
        key = {"Idempotency_Key": "cash-" + booking}
        cash = self.expect(self.record(booking, {"method": "cash", "amount": 5000}, **key), 201)
        again = self.expect(self.record(booking, {"method": "cash", "amount": 5000}, **key), 201)
        self.assertEqual((again.body, again.header("Idempotency-Replayed")), (cash.body, "true"))
        card = self.expect(self.record(booking, {"method": "card", "amount": 7000}), 201).json()
        j = cash.json()
        self.assertEqual(
            {k: j[k] for k in ("booking_id", "method", "amount", "currency", "recorded_by")},
            {
                "booking_id": booking,
                "method": "cash",
                "amount": 5000,
                "currency": "SAR",
                "recorded_by": "staff:boss",
            },
        )
        seen = self.shop.detail(booking)
        self.assertEqual([p["id"] for p in seen["site_payments"]], [j["id"], card["id"]])
        self.assertEqual(seen["payments"], [])
        told = [e for e in self.shop.audit(booking) if e[1] == "payment.record"]
        self.assertEqual(told, [("staff:boss", "payment.record")] * 2)

    def test_faults(self):
        booking = self.place(payment="on_site").json()["id"]
        for body, pointer in (
            ({"method": "gold", "amount": 1}, "/method"),
            ({"method": "cash", "amount": 0}, "/amount"),
            ({"method": "cash", "amount": -5}, "/amount"),
            ({"method": "cash", "amount": "5"}, "/amount"),
            ({"amount": 5}, "/method"),
            ({"method": "cash"}, "/amount"),
            ({"method": "cash", "amount": 5, "currency": "SAR"}, "/currency"),
        ):
            r = self.expect(self.record(booking, body), 422, "validation_failed")
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])
        good = {"method": "cash", "amount": 5}
        other = self.shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        self.expect(
            self.record(booking, good, self.shop.key("o", "admin", other)), 404, "not_found"
        )
        self.expect(self.record(booking, good, self.shop.key("w", "viewer")), 403, "forbidden")
        self.shop.staff("POST", "/v1/staff/bookings/%s/cancel" % booking)
        self.expect(self.record(booking, good), 409, "booking_not_active")


class Deposits(Money):
    def service_with(self, status=201, code=None, pointer=None, **over):
        body = {
            "name": "Cut",
            "duration_minutes": 60,
            "price": 12000,
            "payment": "online",
            "resource_ids": [self.shop.chair],
            **over,
        }
        path = "/v1/staff/venues/%s/services" % self.shop.venue
        r = self.expect(self.shop.call("POST", path, body, self.shop.admin), status, code)
        if pointer:
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])
        return r.json()

    def test_part_online_rest_on_site(self):
        for deposit, part in (({"amount": 3000}, 3000), ({"percent": 25}, 3000)):
            with self.subTest(deposit):
                service = self.service_with(deposit=deposit)
                self.assertEqual(service["deposit"], deposit)
                booking = self.made(service_id=service["id"])
                b = self.shop.booking(self.me, booking)
                self.assertEqual((b["amount"], b["deposit"], b["due_on_site"]), (12000, part, 9000))
                p = self.expect(self.shop.open(self.me, booking), 201).json()
                self.assertEqual((p["amount"], p["due_on_site"]), (part, 9000))
                self.assertEqual(self.shop.invoice(p["gateway_id"])["amount"], part)
                self.shop.pay(p["gateway_id"])
                self.shop.come_back(p["id"])
                self.assertEqual(self.states(booking, p["id"]), ("confirmed", "paid"))
                # Agreed is agreed: the service's next bookings are others.
                path = "/v1/staff/services/" + service["id"]
                changed = self.shop.staff("PATCH", path, {"deposit": None})
                self.assertIsNone(changed["deposit"])
                self.assertEqual(self.shop.booking(self.me, booking)["due_on_site"], 9000)
                path = "/v1/staff/bookings/%s/cancel" % booking
                j = self.shop.staff("POST", path)
                self.assertEqual(j["refund"], {"amount": part, "currency": "SAR"})

    def test_by_a_link(self):
        service = self.service_with(deposit={"percent": 50})
        j = self.place(service_id=service["id"]).json()
        self.assertEqual(j["payment_link"]["payment"]["amount"], 6000)
        self.assertIn(" 60.00 SAR ", self.links(j["id"])[0][1])
        j = self.place(service_id=service["id"], payment="on_site").json()
        self.assertEqual((j["deposit"], j["due_on_site"]), (None, 12000))
        j = self.place(service_id=service["id"], payment="none").json()
        self.assertEqual((j["deposit"], j["due_on_site"]), (None, 0))

    def test_of_a_party(self):
        room = self.shop.resource("Room", 10)
        service = self.service_with(deposit={"amount": 1000}, resource_ids=[room])
        booking = self.made(service_id=service["id"], party_size=3)
        b = self.shop.booking(self.me, booking)
        self.assertEqual((b["amount"], b["deposit"], b["due_on_site"]), (36000, 3000, 33000))
        path = "/v1/staff/bookings/" + booking
        b = self.shop.staff("PATCH", path, {"party_size": 5})
        self.assertEqual((b["amount"], b["deposit"], b["due_on_site"]), (60000, 5000, 55000))

    def test_faults(self):
        for over, pointer in (
            ({"deposit": {"amount": 12001}}, "/deposit"),
            ({"deposit": {"amount": 99}}, "/deposit"),
            ({"deposit": {"percent": 0}}, "/deposit"),
            ({"deposit": {"percent": 101}}, "/deposit"),
            ({"deposit": {"percent": 1, "amount": 500}}, "/deposit"),
            ({"deposit": {"percent": 0.5}}, "/deposit"),
            ({"deposit": {}}, "/deposit"),
            ({"deposit": 25}, "/deposit"),
            ({"deposit": {"percent": 25}, "payment": "on_site"}, "/deposit"),
            ({"deposit": {"percent": 25}, "price": 0}, "/deposit"),
            ({"deposit": {"percent": 25}, "price": 396}, "/deposit"),
        ):
            with self.subTest(over):
                self.service_with(422, "validation_failed", pointer, **over)
        service = self.service_with(deposit={"percent": 25})
        self.assertIsNone(self.service_with(deposit=None)["deposit"])
        path = "/v1/staff/services/" + service["id"]
        for change, pointer in (
            ({"price": 300}, "/price"),
            ({"payment": "on_site"}, "/payment"),
        ):
            r = self.shop.call("PATCH", path, change, self.shop.admin)
            self.expect(r, 422, "validation_failed")
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])
        gone = self.shop.staff("PATCH", path, {"payment": "on_site", "deposit": None})
        self.assertEqual((gone["payment"], gone["deposit"]), ("on_site", None))


if __name__ == "__main__":
    bd.main()
