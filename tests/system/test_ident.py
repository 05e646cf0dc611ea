# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Sign-in, sessions, the customer, staff keys, audit, providers, health, and the frame around every
route, on the real daemon.
"""
import concurrent.futures
import hashlib
import json
import re
import socket
import time
import unittest

import bd

SECRET = "a-secret-of-at-least-32-bytes-for-tests"
PHONE = "+966551234567"
NOBODY = "018f0000-0000-7000-8000-000000000000"
ROUTES = [  # a route of every kind that needs a token
    ("GET", "/v1/me"),
    ("PATCH", "/v1/me"),
    ("DELETE", "/v1/me"),
    ("DELETE", "/v1/session"),
    ("POST", "/v1/bookings"),
    ("GET", "/v1/staff/audit"),
    ("GET", "/v1/staff/providers"),
    ("POST", "/v1/staff/venues"),
]


class Ident(bd.Case):
    over = {}

    def setUp(self):
        self.sms = self.provider(bd.p_reply(200, {"id": "m-1"}))
        self.pg = self.postgres()
        config = {
            "server": {"workers": 4, "queue": 64, "request_budget": "3s"},
            "providers": {
                "sms": {
                    "type": "http",
                    "base_url": self.sms.url,
                    "sender": "TEST",
                    "method": "POST",
                    "path": "/send",
                    "body": '{"to":"{to}","text":"{text}"}',
                    "content_type": "application/json",
                    "id_path": "id",
                    "timeout": "1s",
                    "connect_timeout": "500ms",
                    "max_concurrent": 3,
                    "breaker": {"failures": 1000, "open_for": "2s"},
                }
            },
            "otp": {
                "provider": "sms",
                "secret": SECRET,
                "resend_cooldown": "0s",
                "per_phone": "1000/1h",
                "per_address": "1000/1h",
                "total": "1000/1h",
                "regions": ["SA", "AE"],
                "messages": {"ar": "رمز الدخول: {code}", "en": "Your code: {code}"},
            },
        }
        self.d = self.daemon(self.pg, bd.merge(config, self.over))
        self.c = self.d.client()
        self.addCleanup(self.c.close)

    # -- helpers --
    def refused(self, r, status, code, pointer=None):
        self.assertEqual((r.status, r.code), (status, code), r)
        doc = r.json()
        self.assertEqual(r.header("Content-Type"), "application/problem+json")
        self.assertEqual((doc["type"], doc["status"]), ("about:blank", status))
        self.assertEqual(doc["request_id"], r.header("X-Request-Id"))
        self.assertTrue(doc["title"])
        if pointer is not None:
            self.assertIn(pointer, [e["pointer"] for e in doc["errors"]])
        if status == 401:
            self.assertEqual(r.header("WWW-Authenticate"), "Bearer")
        if status in (429, 503) and code != "otp_attempts_exhausted":
            self.assertGreaterEqual(int(r.header("Retry-After")), 1)
        return doc

    def send(self, phone=PHONE, **more):
        return self.c.post("/v1/otp", {"phone": phone, **more})

    def last_text(self):
        return json.loads(self.sms.requests[-1]["body"])["text"]

    def last_code(self):
        return re.search(r"\d{4,10}", self.last_text()).group(0)

    def verify(self, otp_id, code, client=None):
        return (client or self.c).post("/v1/otp/%s/verify" % otp_id, {"code": code})

    def sign_in(self, phone=PHONE, **more):
        sent = self.send(phone, **more)
        self.assertEqual(sent.status, 201, sent)
        r = self.verify(sent.json()["id"], self.last_code())
        self.assertEqual(r.status, 200, r)
        return r.json()

    def as_(self, token, method, path, body=None, **headers):
        return self.c.request(method, path, body, {"Authorization": "Bearer " + token, **headers})

    def otp_metric(self, outcome):
        return self.d.metric("bookingd_otp_total", outcome=outcome)


class Otp(Ident):
    def test_faults_of_the_input(self):
        self.refused(self.send(""), 422, "phone_invalid", "/phone")
        self.refused(self.send("0112345678"), 422, "phone_invalid", "/phone")
        self.refused(self.send("+447400123456"), 422, "phone_region_refused", "/phone")
        self.refused(self.c.post("/v1/otp", {}), 422, "validation_failed", "/phone")
        self.refused(self.c.post("/v1/otp", {"phone": 5}), 422, "validation_failed", "/phone")
        self.refused(
            self.c.post("/v1/otp", {"phone": PHONE, "locale": "fr"}),
            422,
            "validation_failed",
            "/locale",
        )
        self.refused(
            self.c.post("/v1/otp", {"phone": PHONE, "colour": "red"}),
            422,
            "validation_failed",
            "/colour",
        )
        self.refused(self.c.post("/v1/otp", []), 422, "validation_failed", "")
        self.refused(
            self.c.post("/v1/otp?x=1", {"phone": PHONE}), 422, "validation_failed", "query:x"
        )
        doc = self.refused(
            self.c.post("/v1/otp?x=1", {"phone": None, "a": 1}), 422, "validation_failed"
        )
        self.assertEqual(sorted(e["pointer"] for e in doc["errors"]), ["/a", "/phone", "query:x"])
        self.assertEqual(self.sms.requests, [])
        self.assertEqual(self.pg.value("SELECT count(*) FROM otp_challenges"), "0")

    def test_sent_and_verified(self):
        before = time.time()
        r = self.send("٠٥٥١٢٣٤٥٦٧", locale="en")
        self.assertEqual(r.status, 201, r)
        doc = r.json()
        self.assertEqual(doc["phone"], PHONE)
        self.assertEqual(sorted(doc), ["expires_at", "id", "phone", "resend_at"])
        self.assertRegex(self.last_text(), r"^Your code: \d{6}$")
        self.assertEqual(
            json.loads(self.sms.requests[0]["body"])["to"].lstrip("+"), PHONE.lstrip("+")
        )
        code = self.last_code()
        s = self.verify(doc["id"], code).json()
        self.assertEqual(s["token_type"], "Bearer")
        self.assertGreaterEqual(len(s["token"]), 43)
        customer = s["customer"]
        self.assertEqual(
            (customer["phone"], customer["name"], customer["locale"]), (PHONE, None, "en")
        )
        self.assertEqual(self.as_(s["token"], "GET", "/v1/me").json(), customer)
        self.refused(self.verify(doc["id"], code), 410, "otp_used")
        self.assertEqual(self.pg.value("SELECT status FROM otp_challenges"), "sent")
        for figure, want in (("sent", 1), ("verified", 1), ("incorrect", 0)):
            self.assertEqual(self.otp_metric(figure), want, figure)
        dump = self.pg.value("SELECT string_agg(o::text, '') FROM otp_challenges o") + self.d.log()
        self.assertNotIn(code, re.sub(r"[0-9a-f-]{36}|[0-9a-f]{64}|\d+[:.]\d+|\+\d\d", "", dump))
        self.assertNotIn(
            s["token"],
            self.pg.value("SELECT string_agg(o::text, '') FROM sessions o") + self.d.log(),
        )
        self.assertNotIn("551234567", self.d.log())
        self.assertLess(time.time() - before, 20)

    def test_language(self):
        self.send()
        self.assertIn("رمز", self.last_text())
        token = self.sign_in(locale="en")["token"]
        self.send()
        self.assertIn("Your code", self.last_text())  # the known customer's
        self.assertEqual(
            self.as_(token, "PATCH", "/v1/me", {"locale": "ar"}).json()["locale"], "ar"
        )
        self.send()
        self.assertIn("رمز", self.last_text())
        self.send(locale="en")
        self.assertIn("Your code", self.last_text())

    def test_wrong_code(self):
        otp_id = self.send().json()["id"]
        code = self.last_code()
        wrong = "%06d" % ((int(code) + 1) % 10**6)
        for left in (4, 3, 2, 1, 0):
            self.assertEqual(
                self.refused(self.verify(otp_id, wrong), 422, "otp_incorrect")["attempts_left"],
                left,
            )
        self.refused(self.verify(otp_id, code), 429, "otp_attempts_exhausted")
        self.assertEqual((self.otp_metric("incorrect"), self.otp_metric("exhausted")), (5, 1))
        for bad in ("123", "1234567", "12345a", "١٢٣٤٥", "", "123 45,6", "123456,123456"):
            self.refused(self.verify(otp_id, bad), 422, "validation_failed", "/code")
        self.refused(
            self.c.post("/v1/otp/%s/verify" % otp_id, {"code": 123456}),
            422,
            "validation_failed",
            "/code",
        )

    def test_dead_challenges(self):
        self.refused(self.verify(NOBODY, "123456"), 404, "not_found")
        self.refused(self.verify("nonsense", "123456"), 404, "not_found")
        first = self.send().json()["id"]
        first_code = self.last_code()
        second = self.send().json()["id"]
        self.send()
        self.send()
        self.refused(self.verify(first, first_code), 410, "otp_superseded")
        self.pg.sql("UPDATE otp_challenges SET expires_at = now() WHERE id = '%s'" % second)
        self.refused(self.verify(second, self.last_code()), 410, "otp_expired")
        self.assertEqual(self.otp_metric("expired"), 1)

    def test_fifty_parallel_verifies(self):
        otp_id = self.send().json()["id"]
        code = self.last_code()

        def one(_):
            with self.d.client() as c:
                return self.verify(otp_id, code, c)

        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(one, range(50)))
        self.assertEqual(sum(r.status == 200 for r in answers), 1, answers)
        self.assertEqual(
            {r.code for r in answers if r.status != 200} - {"otp_used", "otp_attempts_exhausted"},
            set(),
        )

    # -- the provider's bad days --
    def failed(self, act, status, code, outcome):
        """One send that meets `act`; the problem document."""
        self.sms.plan.append(act)
        before = self.otp_metric("send_unknown" if outcome == "unknown" else "send_failed")
        doc = self.refused(self.send(), status, code)
        self.assertEqual(doc["outcome"], outcome)
        self.assertEqual(
            self.otp_metric("send_unknown" if outcome == "unknown" else "send_failed"), before + 1
        )
        self.assertEqual("otp_id" in doc, outcome == "unknown")
        return doc

    def nobody_listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.sms.port)) != 0

    def test_definite_failures(self):
        self.failed(bd.p_reply(400, {"error": "bad number"}), 502, "provider_rejected", "failed")
        self.sms.plan.clear()
        self.failed(
            bd.p_reply(429, {}, {"Retry-After": "9", "Connection": "close"}),
            503,
            "provider_unavailable",
            "failed",
        )
        self.sms.refuse()
        bd.wait_until(self.nobody_listens, "the provider's port is closed")
        self.failed(bd.p_hang(), 502, "provider_failed", "failed")
        self.sms.plan.clear()
        self.sms.listen()
        self.assertEqual(
            self.pg.value("SELECT count(*) FROM otp_challenges WHERE status = 'failed'"), "3"
        )
        otp_id = self.pg.value("SELECT id FROM otp_challenges LIMIT 1")
        self.refused(self.verify(otp_id, "123456"), 404, "not_found")
        self.assertEqual(self.send().status, 201)

    def test_unknown_outcomes_leave_the_code_valid(self):
        acts = [
            (bd.p_hang(), 504, "provider_timeout"),
            (bd.p_reset(), 502, "provider_failed"),
            (bd.p_close(), 502, "provider_failed"),
            (bd.p_half(), 502, "provider_failed"),
            (bd.p_garbage(), 502, "provider_failed"),
            (bd.p_drip(), 504, "provider_timeout"),
            (bd.p_reply(500, {}), 502, "provider_failed"),
            (bd.p_reply(503, {}), 502, "provider_failed"),
        ]
        for act, status, code in acts:
            with self.subTest(code=code, act=act.__qualname__):
                begun = time.monotonic()
                doc = self.failed(act, status, code, "unknown")
                self.assertLess(time.monotonic() - begun, 3 + 0.1 * bd.SLOWNESS)
                self.assertEqual(
                    self.pg.value(
                        "SELECT status FROM otp_challenges WHERE id = '%s'" % doc["otp_id"]
                    ),
                    "unknown",
                )
                self.assertEqual(self.verify(doc["otp_id"], self.last_code()).status, 200)

    def test_no_transaction_while_the_provider_is_waited_for(self):
        self.sms.plan.append(bd.p_reply(200, {"id": "x"}, delay=0.8))
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pending = pool.submit(self.d.post, "/v1/otp", {"phone": PHONE})
            self.sms.wait_for(1)
            idle = self.pg.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                "state LIKE 'idle in%'"
            )
            self.assertEqual(self.pg.value("SELECT status FROM otp_challenges"), "sending")
            self.assertEqual(idle, "0")
            self.assertEqual(pending.result().status, 201)


class OtpBulkhead(Ident):
    over = {
        "server": {"request_budget": "%dms" % (3000 * bd.SLOWNESS)},
        "providers": {"sms": {"timeout": "%dms" % (1000 * bd.SLOWNESS)}},
    }

    def test_bulkhead(self):
        self.sms.default = bd.p_reply(200, {"id": "x"}, delay=0.8 * bd.SLOWNESS)

        def one(i):
            return self.d.post("/v1/otp", {"phone": "+96655000000%d" % i})

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(one, range(4)))
        codes = sorted(str(r.code) for r in answers)
        self.assertEqual(codes, ["None", "None", "None", "provider_unavailable"])
        refused = [r for r in answers if r.status != 201][0]
        self.assertEqual(self.refused(refused, 503, "provider_unavailable")["outcome"], "failed")


class OtpBudget(Ident):
    over = {
        "server": {"request_budget": "1s"},
        "providers": {"sms": {"timeout": "5s", "connect_timeout": "5s"}},
    }

    def test_the_budget_is_kept_whatever_the_provider_does(self):
        for act in (
            bd.p_hang(),
            bd.p_drip(0.2),
            bd.p_headers_for_ever(),
            bd.p_reply(200, {"id": "x"}, delay=4),
        ):
            with self.subTest(act=act.__qualname__):
                self.sms.plan.append(act)
                begun = time.monotonic()
                doc = self.refused(self.send(), 504, "provider_timeout")
                self.assertLess(time.monotonic() - begun, 1 + 0.1 * bd.SLOWNESS)
                self.assertEqual(doc["outcome"], "unknown")
                self.assertEqual(
                    self.pg.value(
                        "SELECT status FROM otp_challenges WHERE id = '%s'" % doc["otp_id"]
                    ),
                    "unknown",
                )
                self.assertEqual(self.verify(doc["otp_id"], self.last_code()).status, 200)
        for act in (bd.p_huge(), bd.p_redirect()):
            with self.subTest(act=act.__qualname__):
                self.sms.plan.append(act)
                self.refused(self.send(), 502, "provider_failed")


class OtpBreaker(Ident):
    over = {"providers": {"sms": {"breaker": {"failures": 2, "open_for": "1s"}}}}

    def test_open_circuit(self):
        key = self.d.staff_key("v", "viewer")
        for _ in range(2):
            self.sms.plan.append(bd.p_reply(500, {}))
            self.refused(self.send(), 502, "provider_failed")
        n = len(self.sms.requests)
        doc = self.refused(self.send(), 503, "provider_unavailable")
        self.assertEqual(doc["outcome"], "failed")
        self.assertEqual(len(self.sms.requests), n)
        item = self.as_(key, "GET", "/v1/staff/providers").json()["items"][0]
        self.assertEqual((item["name"], item["type"], item["circuit"]), ("sms", "http", "open"))
        self.assertEqual(
            (item["in_flight"], item["max_concurrent"], item["last_fault"]),
            (0, 3, "provider_failed"),
        )
        self.assertRegex(item["last_fault_at"], r"Z$")
        bd.wait_until(
            lambda: self.send().status == 201, "the circuit closes again", 5, interval=0.1
        )
        listed = self.as_(key, "GET", "/v1/staff/providers").json()
        self.assertEqual((listed["items"][0]["circuit"], listed["next"]), ("closed", None))


class OtpLimits(Ident):
    over = {
        "otp": {
            "resend_cooldown": "30s",
            "per_phone": "2/1h",
            "per_address": "4/1h",
            "total": "6/1h",
        },
        "server": {"trusted_proxies": ["127.0.0.0/8"]},
    }

    def from_(self, address, phone=PHONE):
        return self.c.post(
            "/v1/otp", {"phone": phone}, {"X-Forwarded-For": "203.0.113.1, " + address}
        )

    def test_cooldown(self):
        r = self.from_("192.0.2.1")
        self.assertEqual(r.status, 201, r)
        again = self.from_("192.0.2.2", "055 123 4567")
        self.refused(again, 429, "otp_cooldown")
        self.assertTrue(25 <= int(again.header("Retry-After")) <= 30, again)
        self.assertEqual(len(self.sms.requests), 1)
        self.assertEqual(self.otp_metric("throttled"), 1)

    def test_cooldown_stays_when_the_outcome_is_unknown(self):
        self.sms.plan.append(bd.p_reply(500, {}))
        self.refused(self.from_("192.0.2.1"), 502, "provider_failed")
        self.refused(self.from_("192.0.2.1"), 429, "otp_cooldown")

    def test_failed_sends_count(self):
        for _ in range(2):
            self.sms.plan.append(bd.p_reply(400, {}))
            self.refused(
                self.from_("192.0.2.1"), 502, "provider_rejected"
            )  # at once again: no cooldown
        r = self.from_("192.0.2.1")
        self.refused(r, 429, "otp_quota")
        self.assertGreater(int(r.header("Retry-After")), 3000)
        self.assertEqual(len(self.sms.requests), 2)

    def test_per_address_and_total(self):
        for i in range(4):
            self.assertEqual(self.from_("192.0.2.1", "055000000%d" % i).status, 201)
        self.refused(self.from_("192.0.2.1", "0550000005"), 429, "otp_quota")
        self.assertEqual(self.from_("192.0.2.2", "0550000006").status, 201)
        self.assertEqual(self.from_("192.0.2.3", "0550000007").status, 201)
        self.refused(self.from_("192.0.2.4", "0550000008"), 429, "otp_quota")


class NoSms(Ident):
    over = {"otp": {"provider": None, "secret": None}}

    def test_sign_in_without_provider(self):
        self.refused(self.send(), 503, "provider_unavailable")
        self.refused(self.verify(NOBODY, "123456"), 404, "not_found")


class Me(Ident):
    def test_tokens(self):
        token = self.sign_in()["token"]
        for method, path in ROUTES:
            for field in (
                None,
                "Bearer",
                "Bearer  ",
                "Basic " + token,
                "Bearer x" + token,
                token,
                "Bearer " + token + " x",
                "Bearer " + "a" * 600,
            ):
                headers = {"Authorization": field} if field else {}
                body = b"{" if method != "GET" else None  # who is asking comes before what is asked
                self.refused(self.c.request(method, path, body, headers), 401, "unauthorized")
        self.refused(self.as_(token, "GET", "/v1/staff/audit"), 401, "unauthorized")
        self.assertEqual(
            self.c.request("GET", "/v1/me", None, {"Authorization": "bearer " + token}).status, 200
        )
        self.pg.sql("UPDATE sessions SET expires_at = now()")
        self.refused(self.as_(token, "GET", "/v1/me"), 401, "unauthorized")

    def test_change(self):
        s = self.sign_in()
        token = s["token"]
        r = self.as_(token, "PATCH", "/v1/me", {"name": "سارة"})
        self.assertEqual(r.json(), {**s["customer"], "name": "سارة"})
        self.assertEqual(
            self.as_(token, "PATCH", "/v1/me", {"locale": "en"}).json()["name"], "سارة"
        )
        self.refused(self.as_(token, "PATCH", "/v1/me", {}), 422, "validation_failed")
        for pointer, body in (
            ("/name", {"name": ""}),
            ("/name", {"name": "x" * 121}),
            ("/name", {"name": None}),
            ("/name", {"name": 1}),
            ("/phone", {"phone": PHONE}),
            ("/locale", {"locale": "de"}),
            ("/name", {"name": "a\u0000b"}),
        ):
            self.refused(
                self.as_(token, "PATCH", "/v1/me", body), 422, "validation_failed", pointer
            )
        self.refused(
            self.as_(token, "PATCH", "/v1/me", b"{}", **{"Content-Type": "text/plain"}),
            415,
            "unsupported_media_type",
        )
        self.refused(self.as_(token, "PATCH", "/v1/me", b"{}"), 415, "unsupported_media_type")
        for text in (
            b"",
            b"{",
            b'{"name":"a","name":"b"}',
            b'{"name":"\xff"}',
            b"[" * 100 + b"]" * 100,
            b"{} x",
            b"{'name':1}",
        ):
            self.refused(
                self.as_(token, "PATCH", "/v1/me", text, **{"Content-Type": "application/json"}),
                400,
                "malformed_json",
            )
        self.assertEqual(
            self.as_(
                token,
                "PATCH",
                "/v1/me",
                b'{"name":"z"}',
                **{"Content-Type": "application/json; charset=UTF-8"}
            ).status,
            200,
        )

    def test_sign_out(self):
        a, b, c = (
            self.sign_in()["token"],
            self.sign_in()["token"],
            self.sign_in("+966551234568")["token"],
        )
        self.refused(
            self.as_(a, "DELETE", "/v1/session?all=maybe"), 422, "validation_failed", "query:all"
        )
        self.refused(
            self.as_(a, "DELETE", "/v1/session?all=true&all=true"),
            422,
            "validation_failed",
            "query:all",
        )
        r = self.as_(a, "DELETE", "/v1/session")
        self.assertEqual((r.status, r.body), (204, b""))
        self.refused(self.as_(a, "DELETE", "/v1/session"), 401, "unauthorized")
        self.assertEqual(self.as_(b, "GET", "/v1/me").status, 200)
        a = self.sign_in()["token"]
        self.assertEqual(self.as_(b, "DELETE", "/v1/session?all=true").status, 204)
        self.refused(self.as_(a, "GET", "/v1/me"), 401, "unauthorized")
        self.refused(self.as_(b, "GET", "/v1/me"), 401, "unauthorized")
        self.assertEqual(self.as_(c, "GET", "/v1/me").status, 200)

    def test_erase(self):
        s = self.sign_in()
        token = s["token"]
        self.assertEqual(self.as_(token, "PATCH", "/v1/me", {"name": "Sara"}).status, 200)
        r = self.as_(token, "DELETE", "/v1/me")
        self.assertEqual((r.status, r.body), (204, b""))
        self.refused(self.as_(token, "GET", "/v1/me"), 401, "unauthorized")
        self.assertEqual(self.pg.sql("SELECT phone, name FROM customers"), [["", ""]])
        self.assertNotEqual(self.sign_in()["customer"]["id"], s["customer"]["id"])

    def test_one_round_trip(self):
        token = self.sign_in()["token"]
        self.as_(token, "GET", "/v1/me", **{"X-Request-Id": "count-me"})
        line = self.d.log_contains(
            r"event=http.request request_id=count-me.*|event=http.request.*count-me.*", 5
        ).group(0)
        self.assertIn("db_round_trips=1", line)
        for part in ("method=GET", "route=/v1/me", "status=200", "took_ms=", "db_ms=", "queue_ms="):
            self.assertIn(part, line)


class Staff(Ident):
    def test_audit(self):
        venue_sql = (
            "INSERT INTO venues (id, name, time_zone, currency) VALUES ('%s', 'V', "
            "'Asia/Riyadh', 'SAR')"
        )
        here, there = NOBODY[:-1] + "1", NOBODY[:-1] + "2"
        self.pg.sql(";".join(venue_sql % v for v in (here, there)))
        keys = {role: self.d.staff_key(role, role) for role in ("viewer", "agent", "admin")}
        bound = self.d.staff_key("bound", "admin", here)
        self.pg.sql("DELETE FROM audit_log")
        for i in range(7):
            self.pg.sql(
                "INSERT INTO audit_log (id, venue_id, at, actor, action, subject, detail) VALUES "
                "(gen_random_uuid(), '%s',"
                " now() - interval '%d s', 'staff:x', 'test.%d', 's', '{\"n\":%d}')"
                % (here if i % 2 else there, i // 2, i, i)
            )
        self.refused(self.as_(keys["viewer"], "GET", "/v1/staff/audit"), 403, "forbidden")
        self.refused(self.as_(keys["agent"], "GET", "/v1/staff/audit?limit=0"), 403, "forbidden")
        whole = self.as_(keys["admin"], "GET", "/v1/staff/audit").json()
        self.assertEqual((len(whole["items"]), whole["next"]), (7, None))
        self.assertEqual(
            [i["at"] for i in whole["items"]],
            sorted((i["at"] for i in whole["items"]), reverse=True),
        )
        first = whole["items"][0]
        self.assertEqual(first["detail"], {"n": int(first["action"][5:])})
        self.assertEqual(
            (first["actor"], first["subject"], first["request_id"]), ("staff:x", "s", None)
        )
        seen, after = [], ""
        while after is not None:
            page = self.as_(keys["admin"], "GET", "/v1/staff/audit?limit=2" + after).json()
            seen += page["items"]
            after = page["next"] and "&after=" + page["next"]
        self.assertEqual(seen, whole["items"])
        self.assertEqual(
            {i["action"] for i in self.as_(bound, "GET", "/v1/staff/audit").json()["items"]},
            {"test.1", "test.3", "test.5"},
        )
        for bad in (
            "limit=0",
            "limit=101",
            "limit=1.5",
            "limit=",
            "after=",
            "after=AAAA",
            "after=x&after=y",
            "who=x",
        ):
            self.refused(
                self.as_(keys["admin"], "GET", "/v1/staff/audit?" + bad),
                422,
                "validation_failed",
                "query:" + bad.split("=")[0],
            )
        self.assertEqual(self.d.run("staff-key", "revoke", "admin").returncode, 0)
        self.refused(self.as_(keys["admin"], "GET", "/v1/staff/audit"), 401, "unauthorized")

    def test_providers(self):
        key = self.d.staff_key("v", "viewer")
        listed = self.as_(key, "GET", "/v1/staff/providers").json()
        self.assertEqual(
            listed,
            {
                "items": [
                    {
                        "name": "sms",
                        "type": "http",
                        "circuit": "closed",
                        "in_flight": 0,
                        "max_concurrent": 3,
                        "consecutive_failures": 0,
                        "last_fault": None,
                        "last_fault_at": None,
                    }
                ],
                "next": None,
            },
        )


class Frame(Ident):
    def test_health(self):
        self.assertEqual(self.c.get("/healthz").json(), {"status": "ok"})
        self.assertEqual(self.c.get("/healthz?x=1").status, 200)
        self.assertEqual(self.c.get("/readyz").json(), {"status": "ready"})
        self.pg.sql(
            "INSERT INTO bookingd_schema (version, name, checksum) VALUES (9999, 'future', 'x')"
        )
        self.refused(self.c.get("/readyz"), 503, "database_unavailable")

    def test_openapi(self):
        r = self.c.get("/openapi.json")
        doc = r.json()
        self.assertEqual(r.header("Content-Type"), "application/json")
        self.assertEqual(doc["openapi"], "3.1.0")
        self.assertEqual(doc["info"]["version"], "1")
        self.assertIn("/v1/otp/{otp_id}/verify", doc["paths"])
        self.assertIn(
            None, doc["components"]["schemas"]["Notification"]["properties"]["error_code"]["enum"]
        )
        self.assertIs(doc["components"]["schemas"]["OtpRequest"]["additionalProperties"], False)

    def test_examples_fit_their_schemas(self):
        document = bd.api_document()
        schemas = document.doc["components"]["schemas"]
        for name, schema in schemas.items():
            for example in schema.get("examples", ()):
                # inputs may have any offset, and the check is made for answers
                text = json.dumps(example).replace("+03:00", "Z")
                self.assertEqual(document.faults(json.loads(text), schema), [], name)
            if name.endswith(("Input", "Patch", "Request")):
                self.assertIn("examples", schema, name)
                self.assertNotIn('"default":', json.dumps(schema), name)

    def test_methods_and_paths(self):
        r = self.c.request("PUT", "/v1/otp", b"")
        self.refused(r, 405, "method_not_allowed")
        self.assertEqual(r.header("Allow"), "POST")
        r = self.c.request("OPTIONS", "/v1/me")
        self.assertEqual((r.status, r.body), (204, b""))
        self.assertEqual(r.header("Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS")
        self.refused(self.c.request("BREW", "/v1/me"), 501, "not_implemented")
        for path in (
            "/",
            "/v1",
            "/v1/me/",
            "/v1//me",
            "/V1/me",
            "/v1/otp/%s" % NOBODY,
            "/v1/me%2f",
        ):
            self.refused(self.c.get(path), 404, "not_found")
        head, get = self.c.request("HEAD", "/healthz"), self.c.get("/healthz")
        self.assertEqual(
            (head.status, head.body, head.header("Content-Length")), (200, b"", str(len(get.body)))
        )

    def test_request_id(self):
        self.assertEqual(
            self.c.get("/healthz", **{"X-Request-Id": "Az09._-"}).header("X-Request-Id"), "Az09._-"
        )
        for bad in ("a" * 65, "a b", "ä", "x;y"):
            made = self.c.request("GET", "/nowhere", None, {"X-Request-Id": bad})
            self.assertRegex(made.header("X-Request-Id"), r"^[A-Za-z0-9._-]{1,64}$")
            self.assertNotEqual(made.header("X-Request-Id"), bad)
            self.assertEqual(made.json()["request_id"], made.header("X-Request-Id"))

    def test_metrics_by_route(self):
        for _ in range(3):
            self.verify(NOBODY, "123456")
        name = "bookingd_http_requests_total"
        self.assertEqual(
            self.d.metric(name, method="POST", route="/v1/otp/{otp_id}/verify", status="404"), 3
        )
        self.c.get("/nowhere")
        self.assertGreaterEqual(self.d.metric(name, route="none", status="404"), 1)
        self.assertEqual(
            self.d.metric(
                "bookingd_http_request_duration_seconds_count", route="/v1/otp/{otp_id}/verify"
            ),
            3,
        )
        self.assertGreaterEqual(self.d.metric("bookingd_http_request_queue_seconds_count"), 4)

    def test_database_away(self):
        token = self.sign_in()["token"]
        self.pg.sql(
            "ALTER DATABASE %s ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid) FROM "
            "pg_stat_activity"
            " WHERE datname = '%s'" % (self.pg.name, self.pg.name),
            admin=True,
        )
        self.refused(
            bd.wait_until(
                lambda: (lambda r: r if r.status == 503 else None)(
                    self.as_(token, "GET", "/v1/me")
                ),
                "503",
            ),
            503,
            "database_unavailable",
        )
        n = len(self.sms.requests)
        self.refused(self.send(), 503, "database_unavailable")
        self.refused(self.c.get("/readyz"), 503, "database_unavailable")
        self.assertEqual(self.c.get("/healthz").status, 200)
        self.refused(self.c.post("/v1/otp", {}), 422, "validation_failed")
        self.assertEqual(len(self.sms.requests), n)
        self.pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % self.pg.name, admin=True)
        bd.wait_until(lambda: self.as_(token, "GET", "/v1/me").status == 200, "back", 5)


class Idempotency(Ident):
    """On a real booking, the only deed of this kind."""

    def setUp(self):
        super().setUp()
        admin = self.d.staff_key("admin", "admin")

        def made(path, body, method="POST"):
            r = self.as_(admin, method, path, body)
            self.assertIn(r.status, (200, 201), r)
            return r.json()

        venue = made("/v1/staff/venues", {"name": "V", "time_zone": "UTC", "currency": "SAR"})["id"]
        resource = made("/v1/staff/venues/%s/resources" % venue, {"name": "R", "capacity": 20})[
            "id"
        ]
        made(
            "/v1/staff/resources/%s/opening-hours" % resource,
            {"items": [{"weekday": d, "opens": "00:00", "closes": "24:00"} for d in range(1, 8)]},
            "PUT",
        )
        self.service = made(
            "/v1/staff/venues/%s/services" % venue,
            {"name": "S", "duration_minutes": 60, "resource_ids": [resource]},
        )["id"]
        slots = self.c.get("/v1/services/%s/slots" % self.service).json()["items"]
        self.body = {"service_id": self.service, "starts_at": slots[30]["starts_at"]}
        self.later = {"service_id": self.service, "starts_at": slots[40]["starts_at"]}
        self.token = self.sign_in()["token"]

    def book(self, key, body=None, token=None, client=None):
        headers = {"Authorization": "Bearer " + (token or self.token), "Idempotency-Key": key}
        return (client or self.c).request("POST", "/v1/bookings", body or self.body, headers)

    def bookings(self):
        return int(self.pg.value("SELECT count(*) FROM bookings"))

    def test_form_of_the_key(self):
        for bad in ("", "a b", "a" * 129, "é"):
            self.refused(self.book(bad), 422, "validation_failed", "header:Idempotency-Key")
        self.c.send(
            self.c.encode(
                "POST",
                "/v1/bookings",
                self.body,
                {"Authorization": "Bearer " + self.token, "Idempotency-Key": "a"},
            ).replace(b"Idempotency-Key: a\r\n", b"Idempotency-Key: a\r\nIdempotency-Key: a\r\n")
        )
        self.refused(self.c.recv_response(), 422, "validation_failed", "header:Idempotency-Key")
        self.refused(self.book("", token="nobody"), 401, "unauthorized")
        self.assertEqual(self.bookings(), 0)
        self.assertEqual(self.book("~" * 128).status, 201)

    def test_replay_and_mismatch(self):
        first = self.book("k1")
        self.assertEqual(first.status, 201, first)
        self.assertIsNone(first.header("Idempotency-Replayed"))
        again = self.book("k1")
        self.assertEqual((again.status, again.json()), (201, first.json()))
        self.assertEqual(again.header("Idempotency-Replayed"), "true")
        for name in ("Location", "ETag", "Content-Type"):
            self.assertEqual(again.header(name), first.header(name))
        self.refused(self.book("k1", self.later), 422, "idempotency_mismatch")
        other = self.sign_in("+966551234568")["token"]
        self.assertNotEqual(self.book("k1", token=other).json()["id"], first.json()["id"])
        self.assertEqual(self.bookings(), 2)
        self.assertEqual(self.d.metric("bookingd_idempotent_replays_total"), 1)

    def test_refusals_are_outcomes_too(self):
        wrong = {**self.body, "service_id": NOBODY}
        first = self.book("k2", wrong)
        self.refused(first, 404, "not_found")
        again = self.book("k2", wrong)
        self.assertEqual(
            (again.status, again.body), (404, first.body)
        )  # as it was, its request_id included
        self.assertEqual(again.header("Idempotency-Replayed"), "true")
        # a refusal by the schema is an outcome as well: replayed, and bound to its body
        broken = {"service_id": self.service}
        self.refused(self.book("k3", broken), 422, "validation_failed", "/starts_at")
        self.assertEqual(self.book("k3", broken).header("Idempotency-Replayed"), "true")
        self.refused(self.book("k3"), 422, "idempotency_mismatch")

    def test_race(self):
        def one(_):
            with self.d.client() as c:
                return self.book("race", client=c)

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(one, range(20)))
        fresh = [r for r in answers if r.status == 201 and not r.header("Idempotency-Replayed")]
        self.assertEqual(len(fresh), 1, answers)
        self.assertEqual(self.bookings(), 1)
        for r in answers:
            self.assertTrue(
                r.status == 201
                and r.json() == fresh[0].json()
                or r.code == "idempotency_in_flight",
                r,
            )

    def test_in_flight_and_takeover(self):
        caller = self.pg.value("SELECT 'customer:' || id FROM customers")
        text = "POST /v1/bookings\n" + json.dumps(self.body)
        self.pg.sql(
            "INSERT INTO idempotency_keys (caller, key, request_hash, holder, claimed_until) "
            "VALUES ('%s', 'k4', '%s', 'dead',"
            " now() + interval '1 hour')" % (caller, hashlib.sha256(text.encode()).hexdigest())
        )
        self.refused(self.book("k4"), 409, "idempotency_in_flight")
        self.pg.sql("UPDATE idempotency_keys SET claimed_until = now()")
        self.assertEqual(self.book("k4").status, 201)

    def test_faults_of_ours_are_not_outcomes(self):
        self.pg.sql("ALTER TABLE booking_history RENAME TO away")
        self.refused(self.book("k5"), 500, "internal")
        self.assertEqual(self.pg.value("SELECT count(*) FROM idempotency_keys"), "0")
        self.pg.sql("ALTER TABLE away RENAME TO booking_history")
        self.assertEqual(self.book("k5").status, 201)

    def test_erasure_takes_the_stored_answers(self):
        self.assertEqual(self.book("k6", {**self.body, "note": "my note"}).status, 201)
        self.refused(self.as_(self.token, "DELETE", "/v1/me"), 409, "bookings_active")
        self.pg.sql("UPDATE bookings SET status = 'cancelled', cancelled_at = now()")
        self.assertEqual(self.as_(self.token, "DELETE", "/v1/me").status, 204)
        self.assertEqual(self.pg.value("SELECT count(*) FROM idempotency_keys"), "0")
        self.assertEqual(self.pg.sql("SELECT recipient, body FROM notifications"), [["", ""]])
        self.assertEqual(self.pg.value("SELECT count(*) FROM bookings WHERE note IS NOT NULL"), "0")


if __name__ == "__main__":
    unittest.main(verbosity=2)
