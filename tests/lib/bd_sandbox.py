# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Callers of bookingd-sandbox as its clients are: the gateway's API, its hosted page, raw requests.
"""
import base64
import datetime as dt
import urllib.parse

import bd

SECRET, PUBLISHABLE = "sk_test_0123456789abcdef", "pk_test_0123456789abcdef"
FRICTIONLESS, SECURE, POOR = "4111114005765430", "4111111111111111", "4201320000311101"
NOWHERE = "00000000-0000-4000-8000-000000000000"


def basic(key):
    return {"Authorization": "Basic " + base64.b64encode((key + ":").encode()).decode()}


def in_seconds(s):
    return (
        (dt.datetime.now(dt.timezone.utc) + dt.timedelta(seconds=s))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


class SandboxCase(bd.Case):
    def setUp(self):
        self.sim = self.sandbox()

    def client(self):
        c = bd.Client(("127.0.0.1", self.sim.port), 20)
        self.addCleanup(c.close)
        return c

    def raw(self, method, path, body=None, headers=None):
        with bd.Client(("127.0.0.1", self.sim.port), 20) as c:
            return c.request(
                method,
                path,
                body,
                {
                    **({} if body is not None or method == "GET" else {"Content-Length": "0"}),
                    **(headers or {}),
                },
            )

    def api(self, method, path, body=None, status=200, key=SECRET, headers=None):
        r = self.raw(method, "/v1" + path, body, {**basic(key), **(headers or {})})
        self.assertEqual(r.status, status, r)
        return r.json()

    def invoice(self, **over):
        return self.api(
            "POST",
            "/invoices",
            {"amount": 5000, "currency": "SAR", "description": "Cut", **over},
            201,
        )

    def page(self, path, **form):
        return self.raw(
            "POST",
            path,
            urllib.parse.urlencode(form).encode(),
            {"Content-Type": "application/x-www-form-urlencoded"},
        )

    def paid(self, **over):
        v = self.invoice(**over)
        self.assertEqual(self.page("/invoices/%s/pay" % v["id"], number=FRICTIONLESS).status, 303)
        return self.api("GET", "/invoices/" + v["id"])

    def card(self, number=FRICTIONLESS, status=201, key=SECRET, source=None, **over):
        return self.api(
            "POST",
            "/payments",
            {
                "amount": 7000,
                "currency": "SAR",
                "callback_url": "https://shop.example/cb",
                "source": {
                    "type": "creditcard",
                    "name": "A B",
                    "number": number,
                    "month": 1,
                    "year": 2030,
                    "cvc": "123",
                    **(source or {}),
                },
                **over,
            },
            status,
            key,
        )
