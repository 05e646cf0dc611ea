# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Canaries: phones, names, codes, tokens, keys and texts of a whole session are looked for in logs,
metrics, status page, problem documents, process titles and the database, also when providers send
them back in their error messages."""
import json
import re
import unittest
import uuid

import bd
import bd_shop

PHONE, NAME, NOTE, REASON = (
    "+966558675309",
    "Canary Qamar",
    "canary of the note",
    "canary of the reason",
)
SECRETS = {
    "sms_token": "canary-sms-token",
    "moyasar": "sk_test_canarymoyasar",
    "webhook": "canary-webhook-secret",
    "otp": "canary-otp-secret-of-at-least-32-bytes",
}
TEXTS = ("8675309", "Canary", "canary")


def echo(status):
    """A provider that sends all that it was sent back in its error."""
    return bd.p_reply(
        status,
        lambda request: {
            "statusCode": status,
            "message": "bad: " + request["body"].decode() + str(request["headers"]),
        },
    )


class Secrets(bd.Case):
    def setUp(self):
        self.sandbox_ = self.sandbox()
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 3},
                "log": {"level": "debug"},
                "otp": {
                    "provider": "sms",
                    "secret": SECRETS["otp"],
                    "resend_cooldown": "0s",
                    "messages": {"en": "canary code {code}", "ar": "canary {code}"},
                },
                "notifications": {
                    "messages": {
                        "booking_confirmed": {"en": "canary text {service}", "ar": "canary text"}
                    }
                },
                "providers": {
                    "sms": {"token": SECRETS["sms_token"]},
                    "moyasar": {
                        "type": "moyasar",
                        "base_url": self.sandbox_.url,
                        "secret_key": SECRETS["moyasar"],
                        "webhook_secret": SECRETS["webhook"],
                    },
                },
                "payments": {"provider": "moyasar", "return_origins": ["https://shop.test"]},
            },
        )
        self.problems, self.secrets, self.titles = [], [], []

    def ask(self, method, path, body=None, token=None, **headers):
        r = self.shop.call(method, path, body, token, **headers)
        if r.status >= 400:
            self.problems.append(r.body.decode())
        self.titles += self.shop.daemon.titles().values()
        return r

    def codes(self):
        return re.findall(
            r"\d{6}",
            " ".join(
                json.loads(r["body"])["body"]
                for r in self.shop.sms.requests
                if b"code" in r["body"]
            ),
        )

    def sign_in(self):
        sent = self.ask("POST", "/v1/otp", {"phone": PHONE, "locale": "en"})
        self.assertEqual(sent.status, 201, sent)
        code = self.codes()[-1]
        self.ask(
            "POST",
            "/v1/otp/%s/verify" % sent.json()["id"],
            {"code": "%06d" % ((int(code) + 1) % 10**6)},
        )
        r = self.ask("POST", "/v1/otp/%s/verify" % sent.json()["id"], {"code": code})
        self.assertEqual(r.status, 200, r)
        self.secrets += [code, r.json()["token"]]
        return r.json()["token"]

    def session(self):
        shop = self.shop
        for act in (echo(400), echo(500), bd.p_half(400)):
            shop.sms.plan.append(act)
            self.ask("POST", "/v1/otp", {"phone": PHONE, "locale": "en"})
        token = self.sign_in()
        self.ask("PATCH", "/v1/me", {"name": NAME}, token)
        self.ask("PATCH", "/v1/me", {"name": NAME * 20, "phone": PHONE}, token)
        for hour, act in enumerate(
            (echo(400), echo(500), echo(401), bd.p_reply(201, bd_shop.sms_ok))
        ):
            shop.sms.plan.append(act)
            self.assertEqual(
                self.ask(
                    "POST",
                    "/v1/bookings",
                    {"service_id": shop.service, "starts_at": shop.at(hour), "note": NOTE},
                    token,
                ).status,
                201,
            )
        for n in shop.notifications(status="FAILED"):
            self.assertRegex(n["recipient"], r"^\+9665\*{4}5309$")
            self.assertNotIn("canary", json.dumps(n).lower())
            self.assertNotIn("8675309", json.dumps(n))
        agent = shop.key("desk", "agent")
        self.secrets += [agent, shop.admin]
        order = {
            "phone": PHONE,
            "name": NAME,
            "service_id": shop.service,
            "starts_at": shop.at(9),
            "note": NOTE,
        }
        b = self.ask(
            "POST",
            "/v1/staff/venues/%s/bookings" % shop.venue,
            order,
            agent,
            Idempotency_Key=str(uuid.uuid4()),
        ).json()
        self.ask(
            "POST",
            "/v1/staff/venues/%s/bookings" % shop.venue,
            dict(order, phone=PHONE + "canary"),
            agent,
        )
        self.ask("POST", "/v1/staff/bookings/%s/cancel" % b["id"], {"reason": REASON}, agent)
        paid = shop.make_service(payment="online")
        b = self.ask(
            "POST",
            "/v1/bookings",
            {"service_id": paid, "starts_at": shop.at(12), "note": NOTE},
            token,
        ).json()
        p = self.ask(
            "POST",
            "/v1/bookings/%s/payments" % b["id"],
            {"return_url": "https://shop.test/canary"},
            token,
        ).json()
        with bd.Client(("127.0.0.1", self.sandbox_.port)) as c:  # a card without 3-D Secure
            c.send(
                c.encode(
                    "POST",
                    "/invoices/%s/pay" % p["gateway_id"],
                    b"number=4111114005765430",
                    {"Content-Type": "application/x-www-form-urlencoded"},
                )
            )
            self.assertEqual(c.recv_response().status, 303)
        self.assertEqual(self.ask("POST", "/v1/payments/%s/gateway" % p["id"]).status, 200)
        self.ask(
            "POST",
            "/v1/bookings/%s/payments" % b["id"],
            {"return_url": "https://canary.test/"},
            token,
        )
        self.ask(
            "POST",
            "/v1/webhooks/moyasar",
            {"id": "e", "type": "x", "secret_token": SECRETS["webhook"], "data": {"phone": PHONE}},
        )
        self.ask(
            "POST",
            "/v1/webhooks/moyasar",
            {"id": "e", "type": "x", "secret_token": "canary-wrong", "data": {"phone": PHONE}},
        )
        self.ask("GET", "/v1/me?canary=" + PHONE, None, token + "canary")
        self.ask("GET", "/canary/" + PHONE)
        return token

    def none_of(self, where, text):
        for secret in [*self.secrets, *SECRETS.values(), *TEXTS]:
            at = text.find(secret)
            self.assertEqual(
                at, -1, "%s has %r: ...%s..." % (where, secret, text[max(0, at - 200) : at + 100])
            )

    def test_nothing_leaks(self):
        token = self.session()
        shop, daemon = self.shop, self.shop.daemon
        self.secrets += self.codes()
        page = daemon.run("status")
        with bd.Client(("127.0.0.1", daemon.monitor_port)) as c:
            self.none_of("metrics", c.request("GET", "/metrics").body.decode())
        self.none_of("status", page.stdout + page.stderr)
        daemon.signal(bd.signal.SIGUSR1)
        daemon.log_contains("scoreboard|scoreboard", 5)
        log = re.sub(
            r"\d\d:\d\d:\d\d\.\d{6}Z|\w+_ms=[\d.]+|[0-9a-f]{8}-[0-9a-f-]{27}|pid=\d+",
            "",
            daemon.log(),
        )  # digits that may look like a code
        self.none_of("log", log)
        self.assertIn("+9665****5309", log)  # masked, and so still of use
        problems = [re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", p) for p in self.problems]
        for p in problems:
            self.none_of("problem", p.replace("query:canary", "").replace("/canary", ""))
        self.none_of("titles", " ".join(self.titles))
        # the database knows phone, name, note and texts, but no token, code or key
        for (table,) in shop.pg.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = shop.pg.value("SELECT coalesce(string_agg(t::text, ' '), '') FROM %s t" % table)
            for secret in [s for s in self.secrets if not s.isdigit()] + list(SECRETS.values()):
                self.assertNotIn(secret, rows, table)
        rows = shop.pg.value(
            "SELECT string_agg(o.code_mac || o.status || o.attempts, ' ') FROM otp_challenges o"
        )
        self.assertTrue(all(re.fullmatch(r"[0-9a-f]{64}[a-z]+\d+", r) for r in rows.split()))
        self.erased(token)

    def erased(self, token):
        shop = self.shop
        for b in shop.call("GET", "/v1/bookings?limit=100", None, token).json()["items"]:
            if b["status"] in ("confirmed", "pending_payment"):
                r = self.ask("POST", "/v1/bookings/%s/cancel" % b["id"], {"reason": REASON}, token)
                self.assertEqual(r.status, 200, r)
        self.assertEqual(self.ask("DELETE", "/v1/me", None, token).status, 204)
        self.assertEqual(self.ask("GET", "/v1/me", None, token).status, 401)
        for (table,) in shop.pg.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            rows = shop.pg.value(
                "SELECT coalesce(string_agg(t::text, ' '), '') FROM %s t" % table
            ).replace("https://shop.test/canary", "")
            for text in TEXTS:
                self.assertNotIn(text, rows, table)
        self.none_of(
            "log",
            re.sub(
                r"\d\d:\d\d:\d\d\.\d{6}Z|\w+_ms=[\d.]+|[0-9a-f]{8}-[0-9a-f-]{27}|pid=\d+",
                "",
                shop.daemon.log(),
            ),
        )


if __name__ == "__main__":
    unittest.main()
