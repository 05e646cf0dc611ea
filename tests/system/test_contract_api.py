# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The contract's conventions over every route of the served document: methods, roles, pages,
idempotency keys, preconditions, odd but legal input, parallel writers."""
import datetime as dt
import json
import re
import threading
import unittest
import uuid

import bd
import bd_shop

NOBODY = "018f0000-0000-7000-8000-000000000000"
EMOJI = "\U0001F600"
CUSTOMER_ROUTES = [
    ("GET", "/v1/me"),
    ("PATCH", "/v1/me"),
    ("DELETE", "/v1/me"),
    ("DELETE", "/v1/session"),
    ("GET", "/v1/bookings"),
    ("POST", "/v1/bookings"),
    ("GET", "/v1/bookings/{booking}"),
    ("POST", "/v1/bookings/{booking}/cancel"),
    ("POST", "/v1/bookings/{booking}/reschedule"),
    ("POST", "/v1/bookings/{booking}/payments"),
    ("GET", "/v1/bookings/{booking}/payments"),
    ("GET", "/v1/payments/" + NOBODY),
]
# role needed, method, path, body; then what an agent's and an admin's key of the venue get, and one
# of another venue
STAFF_ROUTES = [
    (
        "admin",
        "POST",
        "/v1/staff/venues",
        {"name": "x", "time_zone": "UTC", "currency": "SAR"},
        201,
        403,
    ),
    ("admin", "PATCH", "/v1/staff/venues/{venue}", {"name": "Palm"}, 200, 404),
    (
        "admin",
        "POST",
        "/v1/staff/venues/{venue}/services",
        {"name": "x", "duration_minutes": 30},
        201,
        404,
    ),
    ("admin", "PATCH", "/v1/staff/services/{service}", {"name": "Cut"}, 200, 404),
    ("viewer", "GET", "/v1/staff/venues/{venue}/resources", None, 200, 404),
    ("admin", "POST", "/v1/staff/venues/{venue}/resources", {"name": "x"}, 201, 404),
    ("admin", "PATCH", "/v1/staff/resources/{chair}", {"name": "Chair 1"}, 200, 404),
    ("viewer", "GET", "/v1/staff/resources/{chair}/opening-hours", None, 200, 404),
    ("admin", "PUT", "/v1/staff/resources/{chair}/opening-hours", {"items": []}, 200, 404),
    ("viewer", "GET", "/v1/staff/venues/{venue}/closures", None, 200, 404),
    (
        "admin",
        "POST",
        "/v1/staff/venues/{venue}/closures",
        {"starts_at": "2040-01-01T00:00:00Z", "ends_at": "2040-01-02T00:00:00Z"},
        201,
        404,
    ),
    ("admin", "DELETE", "/v1/staff/closures/{closure}", None, 204, 404),
    ("viewer", "GET", "/v1/staff/venues/{venue}/bookings", None, 200, 404),
    (
        "agent",
        "POST",
        "/v1/staff/venues/{venue}/bookings",
        {"phone": "12", "service_id": NOBODY, "starts_at": "2040-01-01T00:00:00Z"},
        422,
        404,
    ),
    ("viewer", "GET", "/v1/staff/bookings/{booking}", None, 200, 404),
    ("agent", "POST", "/v1/staff/bookings/{booking}/confirm", None, 409, 404),
    ("agent", "POST", "/v1/staff/payments/" + NOBODY + "/refund", None, 404, 404),
    ("viewer", "GET", "/v1/staff/notifications", None, 200, 200),
    ("agent", "POST", "/v1/staff/notifications/resend", {"dry_run": True}, 200, 200),
    ("agent", "POST", "/v1/staff/notifications/acknowledge", {"ids": []}, 200, 200),
    ("viewer", "GET", "/v1/staff/providers", None, 200, 200),
    ("admin", "GET", "/v1/staff/audit", None, 200, 200),
    ("agent", "POST", "/v1/staff/notifications/{notification}/resend", None, 409, 404),
]
# Agents may do a part of what these routes do, and see therefore whether the subject exists.
IN_PART = {"/v1/staff/venues/{venue}/closures", "/v1/staff/closures/{closure}"}
ROLES = ("viewer", "agent", "admin")


def at_once(n, act):
    """Runs act(i) in n threads; the answers in order of i."""
    answers = [None] * n

    def run(i):
        answers[i] = act(i)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return answers


class Contract(bd.Case):
    def setUp(self):
        spare = {
            "type": "unifonic",
            "base_url": "http://127.0.0.1:1",
            "sender": "S",
            "app_sid": "x",
        }
        self.shop = bd_shop.Shop(
            self,
            {
                "otp": {"provider": "sms", "secret": "s" * 32, "resend_cooldown": "0s"},
                "server": {"workers": 6},
                "providers": {"spare": spare, "another": spare},
            },
        )
        self.call = self.shop.call
        self.me = self.shop.customer()

    def expect(self, r, status, code=None, pointer=None):
        self.assertEqual((r.status, r.code if r.status >= 400 else None), (status, code), r)
        if pointer is not None:
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer], r)
        return r

    def pages(self, path, token, limit=1):
        items, after = [], ""
        for _ in range(300):
            page = self.expect(
                self.call("GET", "%s?limit=%d%s" % (path, limit, after), None, token), 200
            ).json()
            self.assertLessEqual(len(page["items"]), limit)
            items += page["items"]
            if page["next"] is None:
                return items
            after = "&after=" + page["next"]
        self.fail("pages of %s have no end" % path)


class Frame(Contract):
    def test_methods_of_every_path(self):
        c = self.shop.daemon.client()
        paths = c.get("/openapi.json").json()["paths"]
        routes = {
            l["route"]
            for name, l, _ in self.shop.daemon.metrics()
            if name == "bookingd_http_requests_total"
        }
        self.assertEqual(routes - {"none"}, set(paths))
        for path, item in paths.items():
            target = re.sub(r"\{\w+\}", NOBODY, path.replace("{transition}", "cancel"))
            served = {m.upper() for m in item if m in ("get", "put", "post", "patch", "delete")}
            served |= {"HEAD"} if "GET" in served else set()
            r = c.request("OPTIONS", target)
            self.assertEqual(
                (r.status, set(r.header("Allow").split(", "))), (204, served | {"OPTIONS"}), path
            )
            for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
                r = c.request(method, target)
                if method not in served:
                    self.assertEqual(
                        (r.status, set(r.header("Allow").split(", "))),
                        (405, served),
                        (method, path),
                    )
                    self.assertEqual(
                        method == "HEAD" or r.code, method == "HEAD" or "method_not_allowed"
                    )
                elif method == "HEAD":
                    get = c.request("GET", target)

                    def fields(x):
                        return [
                            f
                            for f in x.headers
                            if f[0].lower() not in ("date", "x-request-id", "content-length")
                        ]

                    self.assertEqual((r.status, fields(r)), (get.status, fields(get)), path)
                    self.assertIsNotNone(r.header("Content-Length") if get.status != 204 else "")
                else:
                    self.assertNotEqual(r.status, 405, (method, path))
            for method in (
                ("TRACE", "FOO", "get") if not bd.FRONT else ()
            ):  # a proxy refuses some of them itself
                self.expect(c.request(method, target), 501, "not_implemented")

    @unittest.skipIf(bd.FRONT, "a proxy answers broken requests itself")
    def test_every_answer_has_the_callers_id(self):
        head, post = b"Host: x\r\nX-Request-Id: mine.1\r\n", b"POST /v1/otp HTTP/1.1\r\n"
        for status, data in (
            (200, b"GET /healthz HTTP/1.1\r\n" + head),
            (404, b"GET /nope HTTP/1.1\r\n" + head),
            (405, b"PUT /healthz HTTP/1.1\r\n" + head),
            (400, b"GET /healthz HTTP/1.1\r\nX-Request-Id: mine.1\r\n"),
            (400, post + head + b"Content-Length: -1\r\n"),
            (411, post + head),
            (413, post + head + b"Content-Length: 70000\r\n"),
            (417, post + head + b"Expect: x\r\nContent-Length: 0\r\n"),
            (431, post + head + b"X: " + b"y" * 20000 + b"\r\n"),
            (501, b"FOO / HTTP/1.1\r\n" + head),
            (505, b"GET / HTTP/2.0\r\n" + head),
        ):
            with self.shop.daemon.client() as c:
                c.send(data + b"\r\n")
                r = c.recv_response()
                self.assertEqual(
                    (r.status, r.header("X-Request-Id")), (status, "mine.1"), data[:80]
                )
                if status >= 400:
                    self.assertEqual(
                        (r.json()["request_id"], r.header("Content-Type")),
                        ("mine.1", "application/problem+json"),
                    )
        for bad in ("x" * 65, "", "a b", "\u00e9", "a/b"):
            given = self.shop.daemon.get("/healthz", {"X-Request-Id": bad}).header("X-Request-Id")
            self.assertEqual(uuid.UUID(given).version, 7)

    def test_who_may_what(self):
        shop = self.shop
        other = shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        keys = {
            (where, role): shop.key("%s %s" % (where, role), role, venue)
            for role in ROLES
            for where, venue in (("all", None), ("here", shop.venue), ("there", other))
        }
        booking = self.expect(shop.book(self.me, 3), 201).json()["id"]
        names = {
            "venue": shop.venue,
            "service": shop.service,
            "chair": shop.chair,
            "booking": booking,
            "notification": shop.notifications(booking_id=booking)[0]["id"],
        }
        for need, method, path, body, mine, elsewhere in STAFF_ROUTES:
            for (where, role), key in keys.items():
                if "{closure}" in path:
                    names["closure"] = shop.staff(
                        "POST",
                        "/v1/staff/venues/%s/closures" % shop.venue,
                        {"starts_at": "2041-01-01T00:00:00Z", "ends_at": "2041-01-02T00:00:00Z"},
                    )["id"]
                want = (
                    403
                    if ROLES.index(role) < ROLES.index(need)
                    else elsewhere
                    if where == "there"
                    else mine
                )
                if where == "there" and role == "agent" and path in IN_PART:
                    want = 404  # what a key does not see does not exist
                if where == "here" and path == "/v1/staff/venues":
                    want = 403  # a key of one venue makes no others
                r = self.call(method, path.format(**names), body, key)
                self.assertEqual(r.status, want, (where, role, method, path, r))
            for token in (None, self.me, "bks_unknown"):
                self.expect(
                    self.call(
                        method,
                        path.format(
                            closure=NOBODY, **{k: v for k, v in names.items() if k != "closure"}
                        ),
                        body,
                        token,
                    ),
                    401,
                    "unauthorized",
                )
        stranger = shop.customer("+966551230000")
        for method, path in CUSTOMER_ROUTES:
            for token in (None, shop.admin, "unknown"):
                self.expect(
                    self.call(
                        method,
                        path.format(**names),
                        None if method in ("GET", "DELETE") else {},
                        token,
                    ),
                    401,
                    "unauthorized",
                )
            if "{booking}" in path:
                body = (
                    {"starts_at": shop.at(4)}
                    if "reschedule" in path
                    else {"return_url": "https://x.test/"}
                    if method == "POST" and "pay" in path
                    else None
                )
                r = self.call(method, path.format(**names), body, stranger)
                self.assertIn(
                    (r.status, r.code),
                    ((404, "not_found"), (422, "return_url_refused")),
                    (method, path),
                )
        self.assertEqual(
            self.call("GET", "/v1/bookings/" + booking, None, self.me).json()["version"], 1
        )
        shop.daemon.run("staff-key", "revoke", "here viewer")
        self.expect(
            self.call("GET", "/v1/staff/providers", None, keys["here", "viewer"]),
            401,
            "unauthorized",
        )

    def test_sessions_end(self):
        one, two, three = (self.shop.customer() for _ in range(3))
        self.expect(self.call("DELETE", "/v1/session", None, one), 204)
        self.expect(self.call("GET", "/v1/me", None, one), 401, "unauthorized")
        self.shop.pg.sql(
            "UPDATE sessions SET expires_at = now() WHERE token_hash = encode(sha256('%s'), 'hex')"
            % two
        )
        self.expect(self.call("GET", "/v1/bookings", None, two), 401, "unauthorized")
        self.expect(
            self.call("DELETE", "/v1/session?all=yes", None, three),
            422,
            "validation_failed",
            "query:all",
        )
        self.expect(self.call("DELETE", "/v1/session?all=true", None, three), 204)
        for token in (self.me, three):
            self.expect(self.call("GET", "/v1/me", None, token), 401, "unauthorized")

    def test_identifiers_are_version_7(self):
        booking = self.expect(self.shop.book(self.me, 3), 201).json()
        for i in (
            self.shop.venue,
            self.shop.chair,
            self.shop.service,
            booking["id"],
            self.shop.notifications()[0]["id"],
        ):
            self.assertEqual((uuid.UUID(i).version, i), (7, i.lower()))
            self.expect(
                self.call("GET", "/v1/bookings/" + i.upper(), None, self.me),
                200 if i == booking["id"] else 404,
                None if i == booking["id"] else "not_found",
            )


class Lists(Contract):
    def test_many_equal_sort_keys(self):
        shop = self.shop
        chairs = [shop.chair] + [shop.resource("Chair 1") for _ in range(3)]
        service = shop.make_service(resource_ids=chairs)
        shop.make_service(name="Cut")
        for _ in range(4):
            body = {"phone": "0551234567", "service_id": service, "starts_at": shop.at(9)}
            self.expect(
                self.call("POST", "/v1/staff/venues/%s/bookings" % shop.venue, body, shop.admin),
                201,
            )
            shop.staff(
                "POST",
                "/v1/staff/venues/%s/closures" % shop.venue,
                {"starts_at": "2040-01-01T00:00:00Z", "ends_at": "2040-01-02T00:00:00Z"},
            )
            shop.staff(
                "POST", "/v1/staff/venues", {"name": "Palm", "time_zone": "UTC", "currency": "SAR"}
            )
        shop.pg.sql("UPDATE notifications SET created_at = now(); UPDATE audit_log SET at = now()")
        booking = self.call("GET", "/v1/bookings", None, self.me).json()["items"][0]["id"]
        for _ in range(3):
            shop.pg.sql(
                "INSERT INTO payments (venue_id, id, booking_id, status, amount, currency, "
                "provider, return_url, invoice_expires_at)"
                " VALUES ('%s', '%s', '%s', 'expired', 5000, 'SAR', 'p', 'https://x.test/', now())"
                % (shop.venue, uuid.uuid4(), booking)
            )
        venue = "/v1/staff/venues/%s/" % shop.venue
        for path, token, n in (
            ("/v1/bookings", self.me, 4),
            (venue + "bookings", shop.admin, 4),
            ("/v1/staff/notifications", shop.admin, 4),
            ("/v1/venues", None, 5),
            ("/v1/venues/%s/services" % shop.venue, None, 3),
            (venue + "resources", shop.admin, 4),
            (venue + "closures", shop.admin, 4),
            ("/v1/staff/providers", shop.admin, 3),
            ("/v1/bookings/%s/payments" % booking, self.me, 3),
        ):
            whole = self.call("GET", path, None, token).json()
            self.assertEqual((len(whole["items"]), whole["next"]), (n, None), path)
            self.assertEqual(self.pages(path, token), whole["items"], path)
            self.assertEqual(
                self.call("GET", "%s?limit=%d" % (path, n), None, token).json(), whole
            )  # a full page may be the last
            for bad in ("limit=0", "limit=101", "after=AAAA"):
                self.expect(
                    self.call("GET", path + "?" + bad, None, token),
                    422,
                    "validation_failed",
                    "query:" + bad.split("=")[0],
                )
        audit = self.call("GET", "/v1/staff/audit?limit=100", None, shop.admin).json()["items"]
        self.assertEqual(self.pages("/v1/staff/audit", shop.admin), audit)
        foreign = self.call("GET", "/v1/staff/notifications?limit=1", None, shop.admin).json()[
            "next"
        ]
        self.expect(
            self.call("GET", "/v1/bookings?after=" + foreign, None, self.me),
            422,
            "validation_failed",
            "query:after",
        )

    def test_names_of_120_characters_of_four_bytes(self):
        for _ in range(3):
            v = self.shop.staff(
                "POST",
                "/v1/staff/venues",
                {"name": EMOJI * 120, "time_zone": "UTC", "currency": "SAR"},
            )
        self.assertEqual(v["name"], EMOJI * 120)
        self.assertEqual(len({v["id"] for v in self.pages("/v1/venues", None)}), 4)
        self.assertEqual(
            self.expect(self.call("PATCH", "/v1/me", {"name": EMOJI * 120}, self.me), 200).json()[
                "name"
            ],
            EMOJI * 120,
        )
        self.expect(
            self.call("PATCH", "/v1/me", {"name": EMOJI * 121}, self.me),
            422,
            "validation_failed",
            "/name",
        )
        self.expect(
            self.call("PATCH", "/v1/me", {"name": "a\u0301" * 61}, self.me),
            422,
            "validation_failed",
            "/name",
        )
        self.expect(self.call("PATCH", "/v1/me", {"name": "a\u0301" * 60}, self.me), 200)


class Input(Contract):
    def test_times(self):
        at = self.shop.at(9)
        for good in (
            at,
            at.replace("Z", ".000000000Z"),
            at.replace("T", "t").replace("Z", "z"),
            self.shop.at(9, dt.timezone(dt.timedelta(hours=-9, minutes=-30))),
            at.replace("Z", "-00:00"),
        ):
            made = self.expect(
                self.call(
                    "POST",
                    "/v1/bookings",
                    {"service_id": self.shop.service, "starts_at": good},
                    self.me,
                ),
                201,
            ).json()
            self.assertEqual(made["starts_at"], at)
            self.expect(
                self.call("POST", "/v1/bookings/%s/cancel" % made["id"], None, self.me), 200
            )
        for far in (
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "2016-12-31T23:59:60Z",
            "9999-12-31T23:59:59Z",
            at.replace("Z", ".5Z"),
        ):
            self.expect(self.shop.book(self.me, 9, starts_at=far), 422, "slot_not_offered")
        for bad in (
            "2030-01-01T00:00:00",
            "2030-01-01 00:00:00Z",
            "2030-01-01",
            "2030-02-30T00:00:00Z",
            "2030-01-01T00:00:60Z",
            "2030-01-01T24:00:00Z",
            "2030-01-01T00:00:00+0300",
            "2030-01-01T00:00:00+24:00",
            "\u0662\u0660\u0663\u0660-01-01T00:00:00Z",
            "",
            5,
            None,
        ):
            self.expect(
                self.shop.book(self.me, 9, starts_at=bad), 422, "validation_failed", "/starts_at"
            )
        for since in ("0001-01-01T00:00:00Z", "2030-01-01T00:00:00%2B03:00"):
            self.expect(
                self.call("GET", "/v1/staff/notifications?since=" + since, None, self.shop.admin),
                200,
            )
        c = self.shop.staff(
            "POST",
            "/v1/staff/venues/%s/closures" % self.shop.venue,
            {"starts_at": "0001-01-01T00:00:00Z", "ends_at": "9999-12-31T23:59:59Z"},
        )
        self.assertEqual(
            (c["starts_at"], c["ends_at"]), ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
        )
        self.expect(self.shop.book(self.me, 9), 422, "slot_not_offered")

    def test_phones_that_staff_type(self):
        path = "/v1/staff/venues/%s/bookings" % self.shop.venue

        def book(phone):
            return self.call(
                "POST",
                path,
                {"phone": phone, "service_id": self.shop.service, "starts_at": self.shop.at(9)},
                self.shop.admin,
            )

        for phone in (
            "0551234567",
            "\u0660\u0665\u0665\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
            "+966 55 123 4567",
            "00966 55-123-4567",
            "+966 (0)55 123 4567",
        ):
            made = self.expect(book(phone), 201).json()
            self.assertEqual(made["customer"]["phone"], "+966551234567")
            self.expect(
                self.call("POST", "/v1/bookings/%s/cancel" % made["id"], None, self.me), 200
            )  # the same customer's
        for phone, code in (
            ("", "phone_invalid"),
            ("+", "phone_invalid"),
            ("911", "phone_invalid"),
            ("+966112345678", "phone_invalid"),
            ("0551234567 x2", "phone_invalid"),
        ):
            self.expect(book(phone), 422, code, "/phone")
        made = self.expect(book("+12025550123"), 201).json()  # the regions limit sign-in alone
        self.assertEqual(made["customer"]["phone"], "+12025550123")

    def test_bodies(self):
        fields = {"Authorization": "Bearer " + self.me, "Content-Type": "application/json"}

        def post(body, **more):
            return self.shop.daemon.request("POST", "/v1/bookings", body, {**fields, **more})

        for malformed in (
            b"",
            b" \n",
            b"{",
            b"{} x",
            b'{"a":1,}',
            b"{'a':1}",
            b"\xef\xbb\xbf{}",
            b'{"note":"\xe9"}',
            b'{"note":"\\ud800"}',
            b'{"a":NaN}',
            b'{"note":"a","note":"b"}',
            b"[" * 200 + b"]" * 200,
        ):
            self.expect(post(malformed), 400, "malformed_json")
        for wrong in (b"null", b"[]", b'"x"', b"5"):
            self.expect(post(wrong), 422, "validation_failed", "")

        def order(**more):
            return json.dumps(
                {"service_id": self.shop.service, "starts_at": self.shop.at(9), **more}
            ).encode()

        for name, value in (
            ("party_size", 10**30),
            ("party_size", 1.5),
            ("party_size", True),
            ("party_size", "1"),
            ("party_size", None),
            ("note", None),
            ("note", "a\0b"),
            ("resource_id", None),
            ("resource_id", ""),
            ("nested", {"deep": [1]}),
            ("", 1),
        ):
            self.expect(post(order(**{name: value})), 422, "validation_failed", "/" + name)
        for kind in (
            "application/json; charset=latin1",
            "text/json",
            "application/problem+json",
            "",
        ):
            self.expect(post(order(), **{"Content-Type": kind}), 415, "unsupported_media_type")
        limit = b'{"note":"%s"}'
        self.expect(post(limit % (b"x" * (65536 - len(limit) + 2))), 422, "validation_failed")
        self.expect(post(limit % (b"x" * (65537 - len(limit) + 2))), 413, "content_too_large")
        self.expect(
            post(
                order(party_size=1.0, note=EMOJI * 500),
                **{"Content-Type": 'Application/JSON ; Charset="UTF-8"'}
            ),
            201,
        )

    def test_queries(self):
        slots = "/v1/services/%s/slots?" % self.shop.service
        for good in (
            "",
            "%66rom=2030-01-01",
            "party_size=%31",
            "&&",
            "resource_id=" + self.shop.chair.upper(),
            "from=0001-01-01",
            "from=9999-12-31",
            "from=2030-01-01&to=2030-02-01",
            "party_size=1000",
        ):
            self.expect(self.call("GET", slots + good), 200)
        for bad in (
            "from=",
            "from=2030-1-1",
            "from=0000-01-01",
            "from=2030-02-29",
            "to=9999-12-31",
            "party_size=1001",
            "party_size=01",
            "party_size=1.0",
            "party_size=9223372036854775808",
            "resource_id=",
            "limit=0",
            "limit=501",
            "after=",
            "x",
            "from=2030-01-01&from=2030-01-01",
        ):
            self.expect(
                self.call("GET", slots + bad),
                422,
                "validation_failed",
                "query:" + bad.split("=")[0],
            )

    def test_zones(self):
        def make(zone):
            return self.call(
                "POST",
                "/v1/staff/venues",
                {"name": "z", "time_zone": zone, "currency": "KWD"},
                self.shop.admin,
            )

        for zone in ("UTC", "Asia/Calcutta", "America/Argentina/Buenos_Aires"):
            self.expect(make(zone), 201)
        for zone in (
            "localtime",
            "posixrules",
            "Factory",
            "posix/UTC",
            "+03:00",
            "asia/riyadh",
            "GMT+3 ",
            "Mars/Olympus",
            "UTC'",
        ):
            self.expect(make(zone), 422, "validation_failed", "/time_zone")

    def test_conflicts_of_a_closure(self):
        shop = self.shop
        other = shop.resource("Chair 2")
        service = shop.make_service(resource_ids=[other], payment="online", buffer_after_minutes=60)

        def hour(h, **over):
            return self.expect(
                shop.book(shop.customer("+9665512310%02d" % h), h, **over), 201
            ).json()["id"]

        before, inside, after, gone, held = (
            hour(8),
            hour(9),
            hour(10),
            hour(11),
            hour(9, service_id=service),
        )
        self.expect(self.call("POST", "/v1/staff/bookings/%s/cancel" % gone, None, shop.admin), 200)

        def close(**more):
            return shop.staff(
                "POST",
                "/v1/staff/venues/%s/closures" % shop.venue,
                {"starts_at": shop.at(9), "ends_at": shop.at(10), **more},
            )

        def conflicts(c):
            return sorted(b["id"] for b in c["conflicts"])

        self.assertEqual(conflicts(close()), sorted([inside, held]))
        self.assertEqual(conflicts(close(resource_id=other, ends_at=shop.at(12))), [held])
        self.assertEqual(
            conflicts(close(starts_at=shop.at(8.99), ends_at=shop.at(10.01))),
            sorted([before, inside, after, held]),
        )
        for b in (before, inside, after):  # they stay
            self.assertEqual(
                self.call("GET", "/v1/staff/bookings/" + b, None, shop.admin).json()["status"],
                "confirmed",
            )
        listed = self.call(
            "GET", "/v1/staff/venues/%s/closures" % shop.venue, None, shop.admin
        ).json()["items"]
        self.assertEqual(
            ([c["starts_at"] for c in listed], ["conflicts" in c for c in listed]),
            ([shop.at(8.99), shop.at(9), shop.at(9)], [False] * 3),
        )
        shop.pg.sql("UPDATE closures SET starts_at = now() - interval '2 hours', ends_at = now()")
        self.assertEqual(
            self.call("GET", "/v1/staff/venues/%s/closures" % shop.venue, None, shop.admin).json()[
                "items"
            ],
            [],
        )

    def test_a_grid_of_its_own_stays(self):
        path = "/v1/staff/services/%s"

        def change(s, **body):
            return self.shop.staff("PATCH", path % s, body)["slot_step_minutes"]

        own, follows = self.shop.make_service(slot_step_minutes=60), self.shop.make_service()
        self.assertEqual(
            (change(own, duration_minutes=30), change(follows, duration_minutes=30)), (60, 30)
        )
        self.assertEqual(change(follows, slot_step_minutes=15), 15)
        self.assertEqual(change(follows, duration_minutes=90), 15)

    def test_resources_of_a_service_are_a_set(self):
        more = [self.shop.resource("R") for _ in range(2)]
        ids = [more[1], self.shop.chair, more[1], more[0].upper()]
        body = {"name": "x", "duration_minutes": 30, "resource_ids": ids}
        made = self.shop.staff("POST", "/v1/staff/venues/%s/services" % self.shop.venue, body)
        self.assertEqual(made["resource_ids"], sorted({i.lower() for i in ids}))
        self.assertEqual(self.call("GET", "/v1/services/" + made["id"]).json(), made)
        r = self.call(
            "PATCH",
            "/v1/staff/services/" + made["id"],
            {"resource_ids": [more[0], NOBODY]},
            self.shop.admin,
        )
        self.expect(r, 422, "validation_failed", "/resource_ids/1")
        self.assertEqual(self.call("GET", "/v1/services/" + made["id"]).json(), made)


class Together(Contract):
    def test_refusals_are_outcomes_too(self):
        shop = self.shop
        self.expect(shop.book(shop.customer("+966551230001"), 5), 201)
        cases = (
            ("422", dict(note=5), 422, "validation_failed"),
            ("409", dict(starts_at=shop.at(5)), 409, "slot_taken"),
            ("404", dict(service_id=NOBODY), 404, "not_found"),
            ("off", dict(starts_at=shop.at(5.3)), 422, "slot_not_offered"),
        )
        for key, body, status, code in cases:
            first = self.expect(
                shop.book(self.me, 3, headers={"Idempotency_Key": key}, **body), status, code
            )
            again = self.expect(
                shop.book(self.me, 3, headers={"Idempotency_Key": key}, **body), status, code
            )
            self.assertEqual(
                (
                    first.header("Idempotency-Replayed"),
                    again.header("Idempotency-Replayed"),
                    again.body,
                ),
                (None, "true", first.body),
            )
            self.expect(
                shop.book(self.me, 3, headers={"Idempotency_Key": key}), 422, "idempotency_mismatch"
            )
        for bad in ("", "a b", "x" * 129, "\u00e9"):
            self.expect(
                shop.book(self.me, 3, headers={"Idempotency_Key": bad}),
                422,
                "validation_failed",
                "header:Idempotency-Key",
            )
        self.expect(shop.book(self.me, 3, headers={"Idempotency_Key": "!" + "~" * 127}), 201)

    def test_one_key_in_parallel(self):
        answers = at_once(
            12, lambda i: self.shop.book(self.me, 13, headers={"Idempotency_Key": "k"})
        )
        for r in answers:
            if r.status != 201:
                self.expect(r, 409, "idempotency_in_flight")
        made = [r for r in answers if r.status == 201]
        self.assertEqual(
            (
                len({r.body for r in made}),
                sum(r.header("Idempotency-Replayed") is None for r in made),
            ),
            (1, 1),
        )

    def test_one_version_in_parallel(self):
        booking = self.shop.book(self.me, 15).json()["id"]

        def move(i):
            return self.call(
                "POST",
                "/v1/bookings/%s/reschedule" % booking,
                {"starts_at": self.shop.at(16 + i % 3)},
                self.me,
                If_Match='"1"',
            )

        self.assertEqual(
            sorted((r.status, r.code if r.status != 200 else "") for r in at_once(8, move)),
            [(200, "")] + [(412, "version_mismatch")] * 7,
        )
        history = self.shop.staff("GET", "/v1/staff/bookings/" + booking)["history"]
        self.assertEqual(
            [(h["from"], h["to"]) for h in history],
            [(None, "confirmed"), ("confirmed", "confirmed")],
        )

    def test_preconditions(self):
        booking, version = self.shop.book(self.me, 15).json()["id"], 1
        for field, status in (
            ('"%d"', 200),
            ("*", 200),
            ('"99", "%d"', 200),
            ('"1","2","3","4","%d"', 200),
            (',"%d" ,', 200),
            ('W/"%d"', 412),
            ('""', 412),
            ('"x"', 412),
            ('"0%d"', 412),
            ('"99"', 412),
            ("%d", 422),
            ('"%d" "9"', 422),
            ('"%d', 422),
            ("", 422),
        ):
            value = field % version if "%d" in field else field
            r = self.call(
                "POST",
                "/v1/bookings/%s/reschedule" % booking,
                {"starts_at": self.shop.at(15)},
                self.me,
                If_Match=value,
            )
            self.assertEqual(r.status, status, (value, r))
            version += status == 200
            if status == 200:
                self.assertEqual(
                    (r.json()["version"], r.header("ETag")), (version, '"%d"' % version)
                )
        self.expect(
            self.call(
                "POST",
                "/v1/staff/bookings/%s/cancel" % booking,
                None,
                self.shop.admin,
                If_Match='"1"',
            ),
            412,
            "version_mismatch",
        )

    def test_changes_of_different_members_all_count(self):
        changes = [
            {"price": 700},
            {"max_advance_days": 33},
            {"name": "Shave"},
            {"buffer_after_minutes": 10},
            {"payment": "on_site"},
            {"min_notice_minutes": 7},
        ]
        for round_ in range(4):
            service = self.shop.make_service()
            for r in at_once(
                len(changes),
                lambda i: self.call(
                    "PATCH", "/v1/staff/services/" + service, changes[i], self.shop.admin
                ),
            ):
                self.expect(r, 200)
            now = self.call("GET", "/v1/services/" + service).json()
            for change in changes:
                self.assertEqual({k: now[k] for k in change}, change, round_)

    def test_every_write_of_staff_is_audited(self):
        shop = self.shop

        def book(hour):
            return shop.staff(
                "POST",
                "/v1/staff/venues/%s/bookings" % shop.venue,
                {"phone": "0551234567", "service_id": shop.service, "starts_at": shop.at(hour)},
            )["id"]

        ids = [book(h) for h in range(4)]
        shop.pg.sql(
            "UPDATE bookings SET starts_at = now() WHERE id IN ('%s', '%s')" % (ids[1], ids[2])
        )
        for i, act in enumerate(("cancel", "complete", "no-show")):
            shop.staff("POST", "/v1/staff/bookings/%s/%s" % (ids[i], act))
        held = self.expect(
            shop.book(self.me, 8, service_id=shop.make_service(payment="online")), 201
        ).json()["id"]
        shop.staff("POST", "/v1/staff/bookings/%s/confirm" % held)
        closure = shop.staff(
            "POST",
            "/v1/staff/venues/%s/closures" % shop.venue,
            {"starts_at": "2040-01-01T00:00:00Z", "ends_at": "2040-01-02T00:00:00Z"},
        )["id"]
        shop.staff("DELETE", "/v1/staff/closures/" + closure)
        shop.staff("PATCH", "/v1/staff/venues/" + shop.venue, {"name": "P"})
        shop.staff("PATCH", "/v1/staff/services/" + shop.service, {"name": "P"})
        shop.staff("PATCH", "/v1/staff/resources/" + shop.chair, {"name": "P"})
        shop.sms.plan.append(bd.p_reply(500, {}))
        failed = shop.notifications(booking_id=book(9))[0]
        shop.staff("POST", "/v1/staff/notifications/%s/resend" % failed["id"])
        shop.sms.plan.append(bd.p_reply(500, {}))
        failed = shop.notifications(booking_id=book(10))[0]
        shop.staff("POST", "/v1/staff/notifications/acknowledge", {"ids": [failed["id"]]})
        entries = self.pages("/v1/staff/audit", shop.admin, 7)
        self.assertEqual(
            [e["at"] for e in entries], sorted((e["at"] for e in entries), reverse=True)
        )
        by = {}
        for e in entries:
            by.setdefault(e["action"], []).append((e["subject"], e["actor"]))
            self.assertTrue(e["request_id"] or e["actor"] == "staff:command-line", e)
        want = {
            "booking.create": 6,
            "booking.cancel": 1,
            "booking.complete": 1,
            "booking.no_show": 1,
            "booking.confirm": 1,
            "closure.create": 1,
            "closure.delete": 1,
            "venue.create": 1,
            "venue.update": 1,
            "service.create": 2,
            "service.update": 1,
            "resource.create": 1,
            "resource.update": 1,
            "opening_hours.replace": 1,
            "notification.resend": 1,
            "notification.acknowledge": 1,
            "staff_key.create": 1,
        }
        self.assertEqual({k: len(v) for k, v in by.items()}, want)
        self.assertEqual(by["booking.cancel"], [(ids[0], "staff:boss")])
        self.assertEqual(by["notification.acknowledge"], [(failed["id"], "staff:boss")])


if __name__ == "__main__":
    unittest.main()
