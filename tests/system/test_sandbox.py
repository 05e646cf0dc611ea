# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""bookingd-sandbox's gateway against what is recorded of the real one: shapes, statuses, bounds,
lists, webhooks.
"""
import json

import bd
from bd_sandbox import FRICTIONLESS, NOWHERE, POOR, PUBLISHABLE, SECURE, SandboxCase, in_seconds

INVOICE_KEYS = [
    "id",
    "status",
    "amount",
    "currency",
    "description",
    "logo_url",
    "amount_format",
    "url",
    "callback_url",
    "expired_at",
    "created_at",
    "updated_at",
    "back_url",
    "success_url",
    "metadata",
    "payments",
]
PAYMENT_KEYS = {
    "id",
    "status",
    "amount",
    "fee",
    "currency",
    "refunded",
    "refunded_at",
    "captured",
    "captured_at",
    "voided_at",
    "description",
    "amount_format",
    "fee_format",
    "refunded_format",
    "captured_format",
    "invoice_id",
    "ip",
    "callback_url",
    "created_at",
    "updated_at",
    "metadata",
    "source",
}


class Invoices(SandboxCase):
    def test_shape(self):
        v = self.invoice(
            metadata={"payment_id": "p", "n": 7},
            expired_at="2038-01-19T06:14:07+03:00",
            success_url="http://localhost:1/s?x=1",
        )
        self.assertEqual(list(v), INVOICE_KEYS)
        self.assertEqual(
            (v["status"], v["amount"], v["amount_format"], v["payments"]),
            ("initiated", 5000, "50.00 SAR", []),
        )
        self.assertEqual(
            (v["metadata"], v["expired_at"]),
            ({"payment_id": "p", "n": 7}, "2038-01-19T03:14:07.000Z"),
        )
        self.assertEqual(v["url"].split("/invoices/")[1], v["id"])
        self.assertRegex(v["created_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(self.api("GET", "/invoices/" + v["id"]), v)
        plain = self.invoice(amount=100, currency="KWD")
        self.assertEqual(
            (plain["metadata"], plain["expired_at"], plain["amount_format"]),
            (None, None, "0.100 KWD"),
        )
        self.assertEqual(
            self.invoice(expired_at="2038-01-19T03:14:07.108Z")["expired_at"],
            "2038-01-19T03:14:07.108Z",
        )
        self.assertEqual(
            self.invoice(expired_at="2038-01-19")["expired_at"], "2038-01-19T00:00:00.000Z"
        )

    def test_what_is_refused(self):
        good = {"amount": 100, "currency": "SAR", "description": "x"}
        for field, over in (
            ("amount", {"amount": 99}),
            ("amount", {"amount": "5"}),
            ("amount", {"amount": 100.5}),
            ("amount", {"amount": None}),
            ("currency", {"currency": "XYZ"}),
            ("currency", {"currency": None}),
            ("description", {"description": None}),
            ("description", {"description": ""}),
            ("expired_at", {"expired_at": "2020-01-01T00:00:00Z"}),
            ("expired_at", {"expired_at": "soon"}),
            ("success_url", {"success_url": "javascript:alert(1)"}),
            ("back_url", {"back_url": "http://x/\r\nSet-Cookie: a"}),
            ("callback_url", {"callback_url": 5}),
            ("metadata", {"metadata": {"k%d" % i: "v" for i in range(31)}}),
            ("metadata", {"metadata": {"k": "v" * 501}}),
            ("metadata", {"metadata": {"k" * 41: "v"}}),
            ("metadata", {"metadata": [1]}),
            ("metadata", {"metadata": {"k": {}}}),
        ):
            with self.subTest(over=over):
                e = self.api("POST", "/invoices", {**good, **over}, 400)
                self.assertEqual((e["type"], list(e["errors"])), ("validation_error", [field]))
                self.assertIsInstance(e["errors"][field][0], str)
        self.assertEqual(
            self.api("POST", "/invoices", {**good, "amount": 99}, 400)["errors"]["amount"],
            ["The value must be greater than or equal to 100."],
        )
        self.assertEqual(
            set(self.api("POST", "/invoices", {}, 400)["errors"]),
            {"amount", "currency", "description"},
        )
        self.assertEqual(
            set(self.api("POST", "/invoices", [], 400)["errors"]),
            {"amount", "currency", "description"},
        )
        e = self.api("POST", "/invoices", b"{nonsense", 400)
        self.assertIsInstance(e["errors"], str)
        self.assertEqual(self.api("GET", "/invoices")["meta"]["total_count"], 0)

    def test_keys(self):
        for key in ("", "sk_0123456789", "nonsense", "sk_tes"):
            self.assertEqual(
                self.api("GET", "/invoices", None, 401, key),
                {
                    "type": "authentication_error",
                    "message": "Invalid authorization credentials",
                    "errors": None,
                },
            )
        self.assertEqual(self.raw("GET", "/v1/invoices").status, 401)
        self.assertEqual(
            self.raw("GET", "/v1/invoices", None, {"Authorization": "Basic \x7f!!"}).status, 400
        )
        self.assertEqual(
            self.raw("GET", "/v1/invoices", None, {"Authorization": "Basic !!!"}).status, 401
        )
        self.assertEqual(
            self.api("GET", "/payments", None, 403, PUBLISHABLE)["type"], "authentication_error"
        )
        self.assertEqual(self.card(key=PUBLISHABLE)["status"], "paid")
        self.sim.order("invoice_list", "status", status=500, times=1)
        self.api("GET", "/invoices", None, 401, "nonsense")  # uses up no fault
        self.api("GET", "/invoices", None, 500)
        self.api("GET", "/invoices")

    def test_unknown_ids(self):
        for method, path in (
            ("GET", "/invoices/%s"),
            ("PUT", "/invoices/%s"),
            ("PUT", "/invoices/%s/cancel"),
            ("GET", "/payments/%s"),
            ("PUT", "/payments/%s"),
            ("POST", "/payments/%s/refund"),
            ("POST", "/payments/%s/capture"),
            ("POST", "/payments/%s/void"),
            ("GET", "/webhooks/%s"),
            ("DELETE", "/webhooks/%s"),
            ("GET", "/webhooks/attempts/%s"),
        ):
            with self.subTest(path=path):
                for name in (NOWHERE, "x", "%00"):
                    self.assertEqual(
                        self.api(method, path % name, None, 404)["type"], "record_not_found"
                    )
        for method, path in (
            ("GET", "/invoices/%s"),
            ("POST", "/invoices/%s/pay"),
            ("GET", "/3ds/%s"),
            ("POST", "/3ds/%s"),
        ):
            self.assertEqual(self.raw(method, path % NOWHERE).status, 404)

    def test_cancel_and_update(self):
        v = self.invoice()
        changed = self.api(
            "PUT",
            "/invoices/" + v["id"],
            {**v, "amount": 1, "description": "other", "metadata": {"a": "b"}},
        )
        self.assertEqual(
            (changed["amount"], changed["description"], changed["metadata"]),
            (5000, "Cut", {"a": "b"}),
        )
        self.assertEqual(
            self.api("PUT", "/invoices/" + v["id"], {"metadata": 5}, 400)["type"],
            "validation_error",
        )
        gone = self.api("PUT", "/invoices/%s/cancel" % v["id"])
        self.assertEqual((gone["status"], gone["payments"]), ("canceled", []))
        e = self.api("PUT", "/invoices/%s/cancel" % v["id"], None, 400)
        self.assertEqual(
            e,
            {
                "type": "invalid_request_error",
                "message": "Cancel failed. The Invoice is already canceled.",
                "errors": None,
            },
        )
        self.assertIn(
            "already paid",
            self.api("PUT", "/invoices/%s/cancel" % self.paid()["id"], None, 400)["message"],
        )

    def test_expiry(self):
        v = self.invoice(expired_at=in_seconds(0.4))
        self.assertEqual(v["status"], "initiated")
        bd.wait_until(
            lambda: self.api("GET", "/invoices/" + v["id"])["status"] == "expired",
            "the invoice expires",
            3,
        )
        self.assertIn(
            "already expired",
            self.api("PUT", "/invoices/%s/cancel" % v["id"], None, 400)["message"],
        )
        self.page("/invoices/%s/pay" % v["id"], number=FRICTIONLESS)
        self.assertEqual(self.api("GET", "/invoices/" + v["id"])["payments"], [])
        self.assertEqual(self.api("GET", "/invoices?status=expired")["invoices"][0]["id"], v["id"])

    def test_lists(self):
        self.assertEqual(
            self.api("GET", "/invoices")["meta"],
            {
                "current_page": 1,
                "next_page": None,
                "prev_page": None,
                "total_pages": 1,
                "total_count": 0,
            },
        )
        ids = [
            self.invoice(metadata={"payment_id": "p%d" % i, "n": i, "odd": i % 2 == 1})["id"]
            for i in range(45)
        ]
        first, second = self.api("GET", "/invoices"), self.api("GET", "/invoices?page=2&per=100")
        self.assertEqual([v["id"] for v in first["invoices"] + second["invoices"]], ids[::-1])
        self.assertEqual(
            first["meta"],
            {
                "current_page": 1,
                "next_page": 2,
                "prev_page": None,
                "total_pages": 2,
                "total_count": 45,
            },
        )
        self.assertEqual(
            second["meta"],
            {
                "current_page": 2,
                "next_page": None,
                "prev_page": 1,
                "total_pages": 2,
                "total_count": 45,
            },
        )

        def found(query):
            return [ids.index(v["id"]) for v in self.api("GET", "/invoices?" + query)["invoices"]]

        self.assertEqual(found("metadata%5Bpayment_id%5D=p7"), [7])
        self.assertEqual(found("metadata[n]=12"), [12])
        self.assertEqual(found("metadata[n]=12&metadata[payment_id]=p13"), [])
        self.assertEqual(len(found("metadata[odd]=true")), 22)
        self.assertEqual(found("metadata[none]=x"), [])
        self.assertEqual(found("id=" + ids[3]), [3])
        self.assertEqual(found("status=paid"), [])
        self.assertEqual(len(found("created[gt]=2020-01-01&created[lt]=" + in_seconds(5))), 40)
        self.assertEqual(found("created[lt]=2020-01-01"), [])
        for query in ("created[gt]=yesterday", "page=0", "page=x"):
            self.assertEqual(
                self.api("GET", "/invoices?" + query, None, 400)["type"], "validation_error"
            )
        self.assertEqual(
            self.api("GET", "/invoices?a=%zz", None, 400)["type"], "invalid_request_error"
        )

    def test_bulk(self):
        one = {"amount": 100, "currency": "SAR", "description": "x"}
        made = self.api(
            "POST",
            "/invoices/bulk",
            {"invoices": [{**one, "amount": 100 + i} for i in range(50)]},
            201,
        )["invoices"]
        self.assertEqual([v["amount"] for v in made], list(range(100, 150)))
        for body in (
            {"invoices": [one] * 51},
            {"invoices": []},
            {},
            {"invoices": [one, {**one, "amount": 1}]},
            {"invoices": "x"},
        ):
            self.assertEqual(
                self.api("POST", "/invoices/bulk", body, 400)["type"], "validation_error"
            )
        self.assertEqual(self.api("GET", "/invoices")["meta"]["total_count"], 50)

    def test_form_bodies(self):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        body = (
            "amount=5000&currency=SAR&description=%D9%82%D8%B5"
            "&metadata%5Bpayment_id%5D=p1&metadata[b]=c+d"
        ).encode()
        v = self.api("POST", "/invoices", body, 201, headers=form)
        self.assertEqual(
            (v["amount"], v["description"], v["metadata"]),
            (5000, "قص", {"payment_id": "p1", "b": "c d"}),
        )
        p = self.api(
            "POST",
            "/payments",
            (
                "amount=700&currency=SAR&callback_url=https://s.example/&source[type]=creditcard"
                "&source[name]=A&"
                "source[number]=%s&source[month]=1&source[year]=30&source[cvc]=1" % POOR
            ).encode(),
            201,
            headers=form,
        )
        self.assertEqual((p["status"], p["source"]["company"]), ("failed", "mada"))
        self.assertEqual(
            self.api("POST", "/invoices", b"amount=%zz", 400, headers=form)["type"],
            "invalid_request_error",
        )


class Payments(SandboxCase):
    def test_shape_and_cards(self):
        for number, company, status in (
            ("4201320111111010", "mada", "initiated"),
            (SECURE, "visa", "initiated"),
            (FRICTIONLESS, "visa", "paid"),
            ("5421080101000000", "master", "initiated"),
            ("340000000900000", "amex", "initiated"),
            (POOR, "mada", "failed"),
            ("5457210001000092", "master", "failed"),
            ("4000000000000000", "visa", "failed"),
        ):
            p = self.card(number, metadata={"a": "b"}, description="d")
            self.assertEqual(set(p), PAYMENT_KEYS)
            self.assertEqual(
                (p["source"]["company"], p["status"], p["metadata"]), (company, status, {"a": "b"})
            )
            self.assertEqual(p["source"]["transaction_url"] is not None, status == "initiated")
            self.assertEqual(
                p["source"]["response_code"],
                {"initiated": None, "paid": "00", "failed": "99" if number[:3] == "400" else "51"}[
                    status
                ],
            )
            self.assertNotIn(number, json.dumps(p))
            self.assertEqual(self.api("GET", "/payments/" + p["id"]), p)
        self.assertEqual(self.card(SECURE, source={"3ds": False})["status"], "paid")
        self.assertEqual(
            len(self.api("GET", "/payments?card_last_digits=5430&status=paid")["payments"]), 1
        )

    def test_what_is_refused(self):
        for field, over in (
            ("amount", {"amount": 0}),
            ("amount", {"amount": "x"}),
            ("currency", {"currency": "??"}),
            ("callback_url", {"callback_url": None}),
            ("given_id", {"given_id": "1"}),
            ("source.type", {"source": {"type": "stcpay"}}),
            ("source.number", {"number": "12"}),
        ):
            e = self.card(
                over.pop("number", FRICTIONLESS), 400, source=over.pop("source", None), **over
            )
            self.assertEqual((e["type"], list(e["errors"])), ("validation_error", [field]))
        e = self.api(
            "POST",
            "/payments",
            {
                "amount": 1,
                "currency": "SAR",
                "callback_url": "http://x/",
                "source": {"type": "creditcard"},
            },
            400,
        )
        self.assertEqual(
            set(e["errors"]), {"source." + k for k in ("name", "number", "month", "year", "cvc")}
        )

    def test_given_id(self):
        mine = "3f1f9d3e-5a3c-4f0b-9d37-0a0d9b6f3a11"
        self.assertEqual(self.card(given_id=mine)["id"], mine)
        self.assertEqual(self.card(given_id=mine, status=400)["type"], "used_given_id")
        self.assertEqual(self.api("GET", "/payments/" + mine)["status"], "paid")

    def test_three_d_secure(self):
        for answer, status in (("yes", "paid"), ("no", "failed")):
            v = self.invoice(
                success_url="http://shop.example/done?x=1", metadata={"payment_id": "p"}
            )
            to = self.page("/invoices/%s/pay?lang=en" % v["id"], number=SECURE).header("Location")
            waiting = self.api("GET", "/invoices/" + v["id"])["payments"][0]
            self.assertEqual(
                (waiting["status"], waiting["invoice_id"], waiting["callback_url"]),
                ("initiated", v["id"], v["url"]),
            )
            self.assertTrue(waiting["source"]["transaction_url"].endswith("/3ds/" + waiting["id"]))
            self.assertEqual(self.raw("GET", to).status, 200)
            back = self.page(to, answer=answer)
            self.assertEqual(back.status, 303)
            now = self.api("GET", "/payments/" + waiting["id"])
            self.assertEqual(
                (now["status"], now["source"]["transaction_url"], now["metadata"]),
                (status, None, {"payment_id": "p"}),
            )
            if answer == "yes":
                self.assertTrue(
                    back.header("Location").startswith(
                        "http://shop.example/done?x=1&id=%s&status=paid&" % now["id"]
                    )
                )
                self.assertEqual(self.raw("GET", to).header("Location"), back.header("Location"))
            else:
                self.assertIn("/invoices/%s?lang=en&failed=" % v["id"], back.header("Location"))
                self.assertEqual(self.api("GET", "/invoices/" + v["id"])["status"], "initiated")
            self.page(to, answer="no" if answer == "yes" else "yes")  # the bank has spoken
            self.assertEqual(self.api("GET", "/payments/" + waiting["id"])["status"], status)

    def test_two_attempts_may_both_be_paid(self):
        v = self.invoice()
        ways = [
            self.page("/invoices/%s/pay" % v["id"], number=SECURE).header("Location")
            for _ in range(2)
        ]
        for way in ways:
            self.page(way, answer="yes")
        self.assertEqual(
            [p["status"] for p in self.api("GET", "/invoices/" + v["id"])["payments"]],
            ["paid", "paid"],
        )

    def test_refund(self):
        v = self.paid()
        way = "/payments/%s/refund" % v["payments"][0]["id"]
        for amount in (-1, 0, 5001, "x"):
            self.api("POST", way, {"amount": amount}, 400)
        part = self.api("POST", way, {"amount": 1500})
        self.assertEqual(
            (part["status"], part["refunded"], part["refunded_format"]), ("paid", 1500, "15.00 SAR")
        )
        self.assertIsNotNone(part["refunded_at"])
        self.api("POST", way, {"amount": 3501}, 400)
        self.assertEqual(self.api("GET", "/invoices/" + v["id"])["status"], "paid")
        whole = self.api("POST", way)
        self.assertEqual((whole["status"], whole["refunded"]), ("refunded", 5000))
        self.api("POST", way, None, 400)
        self.api("POST", way, {"amount": 1}, 400)
        self.assertEqual(self.api("GET", "/invoices/" + v["id"])["status"], "refunded")
        self.api("POST", "/payments/%s/refund" % self.card(POOR)["id"], None, 400)

    def test_capture_and_void(self):
        p = self.card(source={"manual": True})
        self.assertEqual(p["status"], "authorized")
        self.api("POST", "/payments/%s/refund" % p["id"], None, 400)
        self.api("POST", "/payments/%s/capture" % p["id"], {"amount": 7001}, 400)
        got = self.api("POST", "/payments/%s/capture" % p["id"], {"amount": 6000})
        self.assertEqual((got["status"], got["captured"]), ("captured", 6000))
        self.api("POST", "/payments/%s/capture" % p["id"], None, 400)
        self.assertEqual(self.api("POST", "/payments/%s/refund" % p["id"])["refunded"], 6000)
        v = self.paid()
        gone = self.api("POST", "/payments/%s/void" % v["payments"][0]["id"])
        self.assertEqual(gone["status"], "voided")
        self.assertIsNotNone(gone["voided_at"])
        self.assertEqual(self.api("GET", "/invoices/" + v["id"])["status"], "voided")
        self.api("POST", "/payments/%s/void" % gone["id"], None, 400)

    def test_update(self):
        p = self.card()
        now = self.api(
            "PUT",
            "/payments/" + p["id"],
            {**p, "amount": 1, "description": "new", "metadata": {"a": 1}},
        )
        self.assertEqual(
            (now["amount"], now["description"], now["metadata"]), (7000, "new", {"a": 1})
        )


class Webhooks(SandboxCase):
    SECRET = "t0p-secret"

    def hook(self, default=None, **over):
        there = self.provider(default or bd.p_reply(200))
        self.sim.call(
            "POST",
            "/control/webhooks",
            {"url": there.url + "/hook?x=1", "secret": self.SECRET, "factor": 0.0001, **over},
        )
        return there

    def test_event(self):
        there = self.hook()
        v = self.paid(metadata={"payment_id": "p"})
        (got,) = there.wait_for(1)
        event = json.loads(got["body"])
        self.assertEqual(
            (got["method"], got["path"], got["headers"]["content-type"]),
            ("POST", "/hook?x=1", "application/json"),
        )
        self.assertEqual(
            set(event), {"id", "type", "created_at", "secret_token", "account_name", "live", "data"}
        )
        self.assertEqual(
            (event["type"], event["secret_token"], event["live"]),
            ("payment_paid", self.SECRET, False),
        )
        self.assertEqual(event["data"], v["payments"][0])
        (kept,) = self.sim.call("GET", "/control/events")["items"]
        self.assertEqual({**kept, "secret_token": self.SECRET}, event)

    def test_names_of_events(self):
        there = self.hook()
        p = self.card(source={"manual": True})
        self.api("POST", "/payments/%s/capture" % p["id"])
        self.api("POST", "/payments/%s/refund" % p["id"], {"amount": 1})
        self.card(POOR)
        self.api("POST", "/payments/%s/void" % self.card()["id"])
        names = [json.loads(r["body"])["type"] for r in there.wait_for(6)]
        self.assertEqual(
            sorted(names),
            sorted(
                [
                    "payment_authorized",
                    "payment_captured",
                    "payment_refunded",
                    "payment_faild",
                    "payment_paid",
                    "payment_voided",
                ]
            ),
        )

    def test_six_deliveries(self):
        for refusal in (
            bd.p_reply(500),
            bd.p_reply(302, {}, {"Location": "/other"}),
            bd.p_close(),
            bd.p_garbage(),
            bd.p_reset(),
        ):
            there = self.hook(refusal)
            self.card()
            got = there.wait_for(6)
            gaps = [b["at"] - a["at"] for a, b in zip(got, got[1:])]
            for gap, minutes in zip(gaps, (1, 10, 30, 60, 120)):
                self.assertGreater(gap, minutes * 60 * 0.0001 * 0.9)
            self.assertEqual({r["body"] for r in got}, {got[0]["body"]})
            with self.assertRaises(AssertionError):
                bd.wait_until(lambda: len(there.requests) > 6, "a seventh", 0.3 / bd.PATIENCE)

    def test_until_taken(self):
        there = self.hook()
        there.plan += [bd.p_reply(503), bd.p_reply(404), bd.p_reply(204, b"")]
        self.card()
        there.wait_for(3)
        bd.wait_until(
            lambda: [t["result"] for t in self.api("GET", "/webhooks/attempts")["webhook_attempts"]]
            == ["success", "failed", "failed"],
            "the log of three tries",
        )
        tries = self.api("GET", "/webhooks/attempts")
        self.assertEqual([t["retry_number"] for t in tries["webhook_attempts"]], [3, 2, 1])
        self.assertEqual([t["response_code"] for t in tries["webhook_attempts"]], [204, 404, 503])
        self.assertEqual(len({t["event_id"] for t in tries["webhook_attempts"]}), 1)
        self.assertEqual(tries["meta"]["total_count"], 3)
        one = tries["webhook_attempts"][0]
        self.assertEqual(self.api("GET", "/webhooks/attempts/" + one["id"]), one)

    def test_nobody_listens_then_somebody(self):
        there = self.hook(factor=0.001)
        there.refuse()
        self.card()
        bd.wait_until(
            lambda: self.api("GET", "/webhooks/attempts")["webhook_attempts"], "a try in vain"
        )
        there.listen()
        there.wait_for(1)

    def test_copies_and_silence(self):
        there = self.hook(copies=3)
        self.card()
        got = there.wait_for(3)
        self.assertEqual(len({json.loads(r["body"])["id"] for r in got}), 1)
        self.sim.call("POST", "/control/webhooks", {"url": None})
        self.card()
        self.assertEqual(len(self.sim.call("GET", "/control/events")["items"]), 2)
        self.assertEqual(len(there.requests), 3)

    def test_callback_of_an_invoice_comes_once(self):
        there = self.provider(bd.p_reply(500))
        v = self.paid(callback_url=there.url + "/cb")
        (got,) = there.wait_for(1)
        self.assertEqual(json.loads(got["body"]), v)
        with self.assertRaises(AssertionError):
            bd.wait_until(lambda: len(there.requests) > 1, "a second", 0.3 / bd.PATIENCE)
        self.paid(callback_url="https://elsewhere.example/cb")  # is not called: it is not loopback

    def test_registration(self):
        there = self.provider()
        self.assertIn("payment_failed", self.api("GET", "/webhooks/available_events")["events"])
        self.assertEqual(self.api("GET", "/webhooks"), {"webhooks": []})
        body = {
            "http_method": "post",
            "url": there.url + "/w",
            "shared_secret": "other",
            "events": ["payment_failed", "payment_voided"],
        }
        w = self.api("POST", "/webhooks", body, 201)
        self.assertEqual(set(w), {"id", "http_method", "url", "created_at", "events"})
        self.assertEqual(
            (w["http_method"], w["url"], w["events"]),
            ("post", body["url"], ["payment_faild", "payment_voided"]),
        )
        self.assertEqual(self.api("GET", "/webhooks/" + w["id"]), w)
        self.card()
        self.card(POOR)
        (got,) = there.wait_for(1)
        self.assertEqual(
            [json.loads(got["body"])[k] for k in ("type", "secret_token")],
            ["payment_faild", "other"],
        )
        every = self.api(
            "POST",
            "/webhooks",
            b"http_method=POST&url=http://127.0.0.1:1/&shared_secret=s",
            201,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        self.assertEqual(len(every["events"]), 10)
        self.assertEqual(len(self.api("GET", "/webhooks")["webhooks"]), 2)
        self.assertEqual(
            self.api("DELETE", "/webhooks/" + w["id"]),
            {"message": "Webhook was deleted successfully"},
        )
        self.api("GET", "/webhooks/" + w["id"], None, 404)
        for field, over in (
            ("url", {"url": "https://shop.example/"}),
            ("url", {"url": "http://10.0.0.1/"}),
            ("url", {"url": None}),
            ("url", {"url": "http://127.0.0.1:1/a b"}),
            ("shared_secret", {"shared_secret": ""}),
            ("http_method", {"http_method": "x"}),
            ("events", {"events": ["nonsense"]}),
            ("events", {"events": []}),
            ("events", {"events": "payment_paid"}),
        ):
            self.assertEqual(
                list(self.api("POST", "/webhooks", {**body, **over}, 400)["errors"]), [field]
            )
        while len(self.api("GET", "/webhooks")["webhooks"]) < 16:
            self.api("POST", "/webhooks", body, 201)
        self.api("POST", "/webhooks", body, 400)


if __name__ == "__main__":
    bd.main()
