# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What staff do: keys, who did what, customers, and a receptionist's day, on the real daemon."""
import bd
import bd_shop

NOBODY = "018f0000-0000-7000-8000-000000000000"


class Desk(bd.Case):
    over = {}

    def setUp(self):
        self.shop = bd_shop.Shop(self, self.over)
        self.d, self.pg = self.shop.daemon, self.shop.pg

    def ok(self, r, status=200):
        self.assertEqual(r.status, status, r)
        return r.json() if r.body else None

    def refused(self, r, status, code, pointer=None):
        self.assertEqual((r.status, r.code), (status, code), r)
        if pointer:
            self.assertIn(pointer, [e["pointer"] for e in r.json()["errors"]])

    def other_venue(self, name="Elsewhere"):
        body = {"name": name, "time_zone": "Asia/Riyadh", "currency": "SAR"}
        return self.shop.staff("POST", "/v1/staff/venues", body)["id"]

    def access_record(self, request_id):
        """The fields of a request's access record."""
        line = bd.wait_until(
            lambda: [
                x
                for x in self.d.log().splitlines()
                if "event=http.request " in x and "request_id=" + request_id in x
            ],
            "an access record of " + request_id,
        )[0]
        return dict(f.split("=", 1) for f in line.split() if "=" in f)


class Keys(Desk):
    def call(self, method, path="", body=None, token=None):
        return self.shop.call(method, "/v1/staff/keys" + path, body, token or self.shop.admin)

    def test_made_used_and_revoked(self):
        made = self.ok(self.call("POST", body={"name": "desk", "role": "agent"}), 201)
        calendar = "/v1/staff/venues/%s/bookings" % self.shop.venue
        self.ok(self.shop.call("GET", calendar, token=made["key"]))
        self.refused(self.call("GET", token=made["key"]), 403, "forbidden")
        listed = self.ok(self.call("GET"))["items"]
        self.assertEqual([k["name"] for k in listed], ["boss", "desk"])
        self.assertEqual(listed[1], {k: v for k, v in made.items() if k != "key"})
        self.assertNotIn(made["key"], self.pg.value("SELECT staff_keys FROM staff_keys LIMIT 1"))

        self.assertEqual(self.call("DELETE", "/" + made["id"]).status, 204)
        self.refused(self.shop.call("GET", calendar, token=made["key"]), 401, "unauthorized")
        self.refused(self.call("DELETE", "/" + made["id"]), 404, "not_found")
        self.refused(
            self.call("POST", body={"name": "desk", "role": "agent"}), 409, "staff_key_exists"
        )
        done = [
            (e["actor"], e["action"], e["subject"])
            for e in self.shop.staff("GET", "/v1/staff/audit")["items"]
        ]
        self.assertIn(("staff:boss", "staff_key.create", made["id"]), done)
        self.assertIn(("staff:boss", "staff_key.revoke", made["id"]), done)

    def test_pages(self):
        for name in "abc":
            self.call("POST", body={"name": name, "role": "viewer"})
        names, after = [], ""
        while True:
            page = self.ok(self.call("GET", "?limit=3" + after))
            names += [k["name"] for k in page["items"]]
            if not page["next"]:
                break
            after = "&after=" + page["next"]
        self.assertEqual(names, ["a", "b", "boss", "c"])

    def test_bound_to_a_venue(self):
        local = self.shop.key("local", "admin", self.shop.venue)
        elsewhere = self.other_venue()
        far = self.ok(
            self.call("POST", body={"name": "far", "role": "agent", "venue_id": elsewhere}), 201
        )
        mine = self.ok(self.call("POST", body={"name": "n", "role": "agent"}, token=local), 201)
        self.assertEqual(mine["venue_id"], self.shop.venue)
        seen = [k["name"] for k in self.ok(self.call("GET", token=local))["items"]]
        self.assertEqual(seen, ["local", "n"])
        self.refused(self.call("DELETE", "/" + far["id"], token=local), 404, "not_found")
        self.assertEqual(self.call("DELETE", "/" + mine["id"], token=local).status, 204)
        for venue in elsewhere, NOBODY:
            self.refused(
                self.call(
                    "POST", body={"name": "m", "role": "agent", "venue_id": venue}, token=local
                ),
                422,
                "validation_failed",
                "/venue_id",
            )

    def test_faults(self):
        for body, pointer in (
            ({"role": "agent"}, "/name"),
            ({"name": "x"}, "/role"),
            ({"name": "x", "role": "owner"}, "/role"),
            ({"name": "a\u0007b", "role": "agent"}, "/name"),
            ({"name": "x", "role": "agent", "venue_id": NOBODY}, "/venue_id"),
        ):
            self.refused(self.call("POST", body=body), 422, "validation_failed", pointer)


class Records(Desk):
    over = {"log": {"skip": ["healthz", "readyz"]}}

    def who(self, token, path="/v1/staff/providers", method="GET", body=None):
        name = "r-%d" % self.count
        self.count += 1
        headers = {"X-Request-Id": name}
        if token:
            headers["Authorization"] = "Bearer " + token
        self.d.request(method, path, body, headers)
        return self.access_record(name)

    def setUp(self):
        super().setUp()
        self.count = 0

    def test_access_records_name_client_and_principal(self):  # S21, S22
        agent = self.shop.key("desk", "agent", self.shop.venue)
        token = self.shop.customer()
        customer = self.pg.value("SELECT id FROM customers")
        for record, who, code in (
            (self.who(agent), "staff:desk", None),
            (self.who(agent, "/v1/staff/audit"), "staff:desk", "forbidden"),
            (self.who(token, "/v1/me"), "customer:" + customer, None),
            (self.who("stranger"), "-", "unauthorized"),
            (self.who(None, "/v1/venues"), "-", None),
            (self.who(None, "/nowhere"), "-", "not_found"),
        ):
            self.assertEqual(
                (record["who"], record.get("code"), record["client"]), (who, code, "127.0.0.1")
            )

    def test_probes_leave_no_record(self):  # O25
        counted = self.d.metric("bookingd_http_requests_total", route="/healthz", status="200") or 0
        for path in "/healthz", "/readyz":
            self.assertEqual(self.d.get(path, {"X-Request-Id": "probe"}).status, 200)
        self.assertEqual(self.who(None, "/v1/venues")["status"], "200")
        self.assertNotIn("request_id=probe", self.d.log())
        bd.wait_until(
            lambda: self.d.metric("bookingd_http_requests_total", route="/healthz", status="200")
            == counted + 1,
            "the probe is counted",
        )
        self.d.write_config({"log": {"skip": []}})
        self.d.hup()
        bd.wait_until(
            lambda: self.d.get("/healthz", {"X-Request-Id": "later"}).status == 200
            and "request_id=later" in self.d.log(),
            "a record after the reload",
        )

    def test_history_names_the_customer(self):  # S22
        token = self.shop.customer()
        customer = self.pg.value("SELECT id FROM customers")
        booking = self.ok(self.shop.book(token, 10), 201)["id"]
        self.ok(self.shop.call("POST", "/v1/bookings/%s/cancel" % booking, token=token))
        history = self.shop.staff("GET", "/v1/staff/bookings/" + booking)["history"]
        self.assertEqual([h["actor"] for h in history], ["customer:" + customer] * 2)


if __name__ == "__main__":
    bd.main()
