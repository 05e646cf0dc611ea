# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Sign-in as people meet it: codes in any writing, lost answers, older codes, quotas."""
import concurrent.futures
import re
import unicodedata
import unittest

import bd
from test_ident import PHONE, Ident

SA = "+9665500000%02d"


class SignIn(Ident):
    def setUp(self):
        super().setUp()
        self.phones = 0

    def send_with(self, phone=PHONE, headers=None, **more):
        return self.c.post("/v1/otp", {"phone": phone, **more}, headers or {})

    def challenge(self, phone=PHONE, **more):
        r = self.send(phone, **more)
        self.assertEqual(r.status, 201, r)
        return r.json()["id"], self.last_code()

    def verify_with(self, otp_id, code, **headers):
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        return self.c.post("/v1/otp/%s/verify" % otp_id, {"code": code}, headers)

    def wrong(self, code):
        return "%06d" % ((int(code) + 1) % 10**6)


class Codes(SignIn):
    def test_digits_of_any_script(self):  # M7
        for zero in (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10, 0x1D7CE):
            self.assertEqual(unicodedata.digit(chr(zero)), 0)
            otp_id, code = self.challenge()
            typed = "".join(chr(zero + int(c)) for c in code)
            self.assertEqual(self.verify(otp_id, typed).status, 200, typed)

    def test_spaces_and_marks(self):  # M8
        for form in (
            "{0} {1}",
            "{0}-{1}",
            "{0}{1} ",
            "\u200f{0}{1}\u200f",
            "\u202b{0}\u00a0{1}\u202c\n",
            "\t{0}\u2013{1}",
            "\ufeff{0}\u200b{1}",
        ):
            otp_id, code = self.challenge()
            r = self.verify(otp_id, form.format(code[:3], code[3:]))
            self.assertEqual(r.status, 200, repr(form))

    def test_another_length_costs_nothing(self):  # M9
        otp_id, code = self.challenge()
        for bad in ("1234", "12345", "1234567", "1234567890", "", "12345a", "+12345", "½12345"):
            self.refused(self.verify(otp_id, bad), 422, "validation_failed", "/code")
        doc = self.refused(self.verify(otp_id, self.wrong(code)), 422, "otp_incorrect")
        self.assertEqual(doc["attempts_left"], 4)

    def test_older_code(self):  # M15, S11
        first, a = self.challenge()
        second, b = self.challenge()
        if a == b:
            return
        self.assertEqual(self.verify(first, a).status, 200)
        self.refused(self.verify(second, b), 410, "otp_used")
        first, a = self.challenge()
        second, b = self.challenge()
        self.assertEqual(self.verify(second, a).status, 200)  # typed at the newest prompt
        self.refused(self.verify(first, a), 410, "otp_used")

    def test_who_is_blocked_gets_no_session(self):  # S7
        self.assertEqual(self.verify(*self.challenge()).status, 200)
        self.pg.sql("UPDATE customers SET blocked_at = now()")
        self.refused(self.verify(*self.challenge()), 403, "customer_blocked")

    def test_fourth_code_ends_the_first(self):  # M15
        made = [self.challenge() for _ in range(4)]
        self.refused(self.verify(*made[0]), 410, "otp_superseded")
        self.assertEqual(self.verify(*made[1]).status, 200)

    def test_failures_across_codes(self):  # S13
        for _ in range(10):
            otp_id, code = self.challenge()
            for left in (4, 3, 2, 1, 0):
                doc = self.refused(self.verify(otp_id, self.wrong(code)), 422, "otp_incorrect")
                self.assertEqual(doc["attempts_left"], left)
        r = self.verify(otp_id, code)
        self.assertEqual(self.refused(r, 429, "otp_exhausted")["scope"], "failures")
        self.assertTrue(86000 < int(r.header("Retry-After")) <= 86400, r)
        r = self.send()
        self.assertEqual(self.refused(r, 429, "otp_exhausted")["scope"], "failures")
        self.assertTrue(86000 < int(r.header("Retry-After")) <= 86400, r)
        self.assertEqual(
            self.d.metric("bookingd_otp_total", outcome="throttled", scope="failures"), 2
        )
        self.assertRegex(self.d.log(), r"level=warn event=otp.throttled .*scope=failures")
        self.assertEqual(self.send("0550000099").status, 201)  # others are not touched
        self.pg.sql("UPDATE rate_limits SET window_end = now()")
        self.assertEqual(self.verify(*self.challenge()).status, 200)


class LostAnswers(SignIn):
    def test_send_again(self):  # M13
        key = {"Idempotency-Key": "try-1"}
        first = self.send_with(headers=key)
        self.assertEqual(first.status, 201, first)
        self.assertIsNone(first.header("Idempotency-Replayed"))
        again = self.send_with("055 123 4567", key, locale="en")
        self.assertEqual((again.status, again.json()), (201, first.json()))
        self.assertEqual(again.header("Idempotency-Replayed"), "true")
        self.assertEqual(len(self.sms.requests), 1)
        self.refused(self.send_with("0551234568", key), 422, "idempotency_mismatch")
        self.assertEqual(len(self.sms.requests), 1)
        self.assertEqual(self.verify(first.json()["id"], self.last_code()).status, 200)
        other = self.send_with(headers={"Idempotency-Key": "try-2"})
        self.assertNotEqual(other.json()["id"], first.json()["id"])
        self.refused(
            self.send_with(headers={"Idempotency-Key": "x" * 129}), 422, "validation_failed"
        )

    def test_send_with_unknown_outcome(self):  # M13
        key = {"Idempotency-Key": "try-1"}
        self.sms.plan.append(bd.p_reply(500, {}))
        first = self.refused(self.send_with(headers=key), 502, "provider_failed")
        self.assertEqual(first["outcome"], "unknown")
        r = self.send_with(headers=key)
        again = self.refused(r, 502, "provider_failed")
        self.assertEqual((again["otp_id"], again["outcome"]), (first["otp_id"], "unknown"))
        self.assertEqual(r.header("Idempotency-Replayed"), "true")
        self.assertEqual(len(self.sms.requests), 1)
        self.assertEqual(self.verify(first["otp_id"], self.last_code()).status, 200)

    def test_what_was_certainly_not_sent_is_sent(self):
        key = {"Idempotency-Key": "try-1"}
        self.sms.plan.append(bd.p_reply(400, {}))
        self.refused(self.send_with(headers=key), 502, "provider_rejected")
        self.assertEqual(self.send_with(headers=key).status, 201)
        self.assertEqual(len(self.sms.requests), 2)

    def test_ten_at_once(self):
        self.sms.default = bd.p_reply(200, {"id": "m"}, delay=0.3)

        def ask(_):
            with self.d.client() as c:
                return c.post("/v1/otp", {"phone": PHONE}, {"Idempotency-Key": "k"})

        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(ask, range(10)))
        for r in answers:
            if r.status != 201:
                self.refused(r, 409, "idempotency_in_flight")
        self.assertEqual(len({r.json()["id"] for r in answers if r.status == 201}), 1)
        self.assertEqual(len(self.sms.requests), 1)

    def test_verify_again(self):  # M14
        otp_id, code = self.challenge()
        first = self.verify_with(otp_id, code, Idempotency_Key="v-1")
        again = self.verify_with(otp_id, code, Idempotency_Key="v-1")
        self.assertEqual((first.status, again.status), (200, 200), again)
        self.assertEqual(again.json()["customer"], first.json()["customer"])
        self.assertEqual(self.as_(again.json()["token"], "GET", "/v1/me").status, 200)
        self.refused(
            self.verify_with(otp_id, self.wrong(code), Idempotency_Key="v-1"), 410, "otp_used"
        )
        self.refused(self.verify_with(otp_id, code, Idempotency_Key="v-2"), 410, "otp_used")
        self.refused(self.verify(otp_id, code), 410, "otp_used")
        self.pg.sql("UPDATE otp_challenges SET used_at = used_at - interval '121 seconds'")
        self.refused(self.verify_with(otp_id, code, Idempotency_Key="v-1"), 410, "otp_used")


class Languages(SignIn):
    def test_tags_of_devices(self):  # M12
        for tag, text in (("ar-SA", "رمز"), ("AR", "رمز"), ("en_US", "Your"), ("en-GB", "Your")):
            self.assertEqual(self.send("0550000004", locale=tag).status, 201, tag)
            self.assertIn(text, self.last_text())
        for tag in ("fr", "arabic", "", "-ar", "e"):
            self.refused(self.send("0550000004", locale=tag), 422, "validation_failed", "/locale")

    def test_accept_language(self):  # M12
        for field, text in (
            ("en-GB", "Your"),
            ("fr, en;q=0.8, ar;q=0.9", "رمز"),
            ("en;q=0, ar", "رمز"),
            ("fr", "رمز"),
            ("*", "رمز"),
        ):
            self.phones += 1
            r = self.send_with(SA % self.phones, {"Accept-Language": field})
            self.assertEqual(r.status, 201, field)
            self.assertIn(text, self.last_text(), field)
        token = self.sign_in()["token"]  # a known customer's own language comes first
        self.send_with(headers={"Accept-Language": "en"})
        self.assertIn("رمز", self.last_text())
        self.send_with(headers={"Accept-Language": "ar"}, locale="en-US")
        self.assertIn("Your", self.last_text())
        r = self.as_(token, "PATCH", "/v1/me", {"locale": "en_AU"})
        self.assertEqual(r.json()["locale"], "en")


class Quotas(SignIn):
    over = {
        "otp": {"per_phone": "3/1h", "per_address": "5/1h", "total": "12/1h"},
        "server": {"trusted_proxies": ["127.0.0.0/8"]},
    }

    def ask(self, address, phone):
        return self.send_with(phone, {"X-Forwarded-For": address})

    def limited(self, r, scope):
        self.assertEqual(self.refused(r, 429, "otp_quota")["scope"], scope)
        return self.d.metric("bookingd_otp_total", outcome="throttled", scope=scope)

    def test_scopes(self):  # M26, S12
        for _ in range(3):
            self.assertEqual(self.ask("192.0.2.1", PHONE).status, 201)
        self.assertEqual(self.limited(self.ask("192.0.2.1", PHONE), "phone"), 1)
        for i in range(2):
            self.assertEqual(self.ask("192.0.2.1", SA % i).status, 201)
        self.assertEqual(self.limited(self.ask("192.0.2.1", SA % 3), "address"), 1)
        for i in range(5):
            self.assertEqual(self.ask("2001:db8:0:%d::1" % i, SA % (10 + i)).status, 201)
        self.assertEqual(self.limited(self.ask("2001:db8:0:9::1", SA % 20), "network"), 1)
        for i in range(2):
            self.assertEqual(self.ask("2001:db8:1:%d::1" % i, SA % (30 + i)).status, 201)
        self.assertEqual(self.limited(self.ask("192.0.2.9", SA % 40), "total"), 1)
        for scope in ("phone", "address", "network", "total"):
            self.assertRegex(self.d.log(), r"level=warn event=otp.throttled .*scope=%s" % scope)

    def test_refused_requests_store_nothing(self):  # S10
        for i in range(5):
            self.ask("192.0.2.1", SA % i)
        rows = "SELECT (SELECT count(*) FROM rate_limits), (SELECT count(*) FROM otp_challenges)"
        before = self.pg.sql(rows)
        for i in range(30):
            r = self.send_with(
                SA % (10 + i), {"X-Forwarded-For": "192.0.2.1", "Idempotency-Key": "k%d" % i}
            )
            self.assertEqual(self.refused(r, 429, "otp_quota")["scope"], "address")
        self.assertEqual(self.pg.sql(rows), before)

    def test_known_addresses_keep_a_third(self):  # S11
        made = self.ask("192.0.2.1", PHONE)
        r = self.c.post(
            "/v1/otp/%s/verify" % made.json()["id"],
            {"code": self.last_code()},
            {"X-Forwarded-For": "192.0.2.1"},
        )
        self.assertEqual(r.status, 200, r)
        self.pg.sql("UPDATE rate_limits SET window_end = now()")
        for i in range(2):
            self.assertEqual(self.ask("203.0.113.%d" % i, PHONE).status, 201)
        self.limited(self.ask("203.0.113.9", PHONE), "phone")
        self.assertEqual(self.ask("192.0.2.1", PHONE).status, 201)
        self.limited(self.ask("192.0.2.1", PHONE), "phone")


class Stranger(Ident):
    """A stranger with 100 addresses asks for codes for one phone, all through an hour."""

    over = {
        "otp": {"per_phone": "6/1h", "resend_cooldown": "60s", "per_address": "30/1h"},
        "server": {"trusted_proxies": ["127.0.0.0/8"]},
    }

    def ask(self, address):
        return self.c.post("/v1/otp", {"phone": PHONE}, {"X-Forwarded-For": address})

    def sign_in_from(self, address):
        r = self.ask(address)
        self.assertEqual(r.status, 201, r)
        r = self.c.post(
            "/v1/otp/%s/verify" % r.json()["id"],
            {"code": self.last_code()},
            {"X-Forwarded-For": address},
        )
        self.assertEqual(r.status, 200, r)

    def minute_passes(self):
        self.pg.sql(
            "UPDATE rate_limits SET window_start = window_start - interval '1 minute',"
            " window_end = window_end - interval '1 minute'"
        )

    def test_the_owner_still_signs_in(self):  # S11
        self.sign_in_from("192.0.2.1")
        for _ in range(61):
            self.minute_passes()
        sent = len(self.sms.requests)
        for minute in range(59):
            self.minute_passes()
            for i in range(minute % 5, 100, 5):
                self.ask("203.0.113.%d" % i)
        self.assertEqual(len(self.sms.requests) - sent, 4)
        self.minute_passes()
        self.sign_in_from("192.0.2.1")
        self.assertLessEqual(len(self.sms.requests) - sent, 6)


class TestNumbers(SignIn):
    over = {
        "otp": {
            "test_numbers": {"+966500000000": "123456", "+966000000001": "654321"},
            "autofill": "book.example.com",
        }
    }

    def test_fixed_code(self):  # M34
        for typed, e164, code in (
            ("0500000000", "+966500000000", "123456"),
            ("+966 00000 0001", "+966000000001", "654321"),
        ):
            r = self.send(typed)
            self.assertEqual((r.status, r.json()["phone"]), (201, e164), r)
            doc = self.refused(self.verify(r.json()["id"], "111111"), 422, "otp_incorrect")
            self.assertEqual(doc["attempts_left"], 4)
            self.assertEqual(self.verify(r.json()["id"], code).status, 200)
        self.assertEqual(self.sms.requests, [])
        self.assertEqual((self.otp_metric("test"), self.otp_metric("sent")), (2, 0))

    def test_autofill(self):
        self.send(locale="en")
        code = re.search(r"Your code: (\d{6})", self.last_text()).group(1)
        self.assertEqual(self.last_text().split("\n")[-1], "@book.example.com #" + code)


class NewPhone(SignIn):
    def test_change_of_the_own_number(self):
        s = self.sign_in()
        r = self.as_(s["token"], "POST", "/v1/me/phone", {"phone": "0559999999"})
        self.assertEqual((r.status, r.json()["phone"]), (201, "+966559999999"), r)
        code, change = self.last_code(), r.json()["id"]
        self.assertEqual(self.as_(s["token"], "GET", "/v1/me").json()["phone"], PHONE)
        r = self.verify(change, code)
        self.assertEqual(r.status, 200, r)
        self.assertEqual(r.json()["customer"], {**s["customer"], "phone": "+966559999999"}, r)
        self.assertEqual(self.as_(s["token"], "GET", "/v1/me").json()["phone"], "+966559999999")
        self.assertEqual(self.sign_in("0559999999")["customer"]["id"], s["customer"]["id"])
        self.assertNotEqual(self.sign_in()["customer"]["id"], s["customer"]["id"])
        self.assertEqual(
            self.pg.value("SELECT action FROM audit_log ORDER BY at DESC LIMIT 1"),
            "customer.phone_change",
        )

    def test_number_of_another_customer(self):
        other, s = self.sign_in("0559999999"), self.sign_in()
        r = self.as_(s["token"], "POST", "/v1/me/phone", {"phone": "0559999999"})
        self.assertEqual(r.status, 201, r)
        self.refused(self.verify(r.json()["id"], self.last_code()), 409, "phone_in_use")
        self.assertEqual(self.as_(s["token"], "GET", "/v1/me").json()["phone"], PHONE)
        self.assertEqual(self.as_(other["token"], "GET", "/v1/me").json()["phone"], "+966559999999")

    def test_codes_do_not_mix(self):
        s = self.sign_in()
        sign_in, code = self.challenge("0559999999")
        r = self.as_(s["token"], "POST", "/v1/me/phone", {"phone": "0559999999"})
        change = r.json()["id"]
        self.refused(self.verify(change, code), 422, "otp_incorrect")
        self.assertEqual(self.verify(sign_in, code).status, 200)
        self.refused(self.c.post("/v1/me/phone", {"phone": PHONE}), 401, "unauthorized")
        self.refused(
            self.as_(s["token"], "POST", "/v1/me/phone", {"phone": "12"}), 422, "phone_invalid"
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
