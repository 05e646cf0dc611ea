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


class Customers(Desk):
    over = {"server": {"workers": 3}}

    def customers(self, query="", token=None):
        r = self.shop.call("GET", "/v1/staff/customers" + query, None, token or self.shop.admin)
        return self.ok(r)["items"]

    def patch(self, customer, body, token=None):
        path = "/v1/staff/customers/" + customer
        return self.shop.call("PATCH", path, body, token or self.shop.admin)

    def place(self, venue=None, token=None, **body):
        path = "/v1/staff/venues/%s/bookings" % (venue or self.shop.venue)
        body = {"service_id": self.shop.service, "starts_at": self.shop.at(9), **body}
        return self.shop.call("POST", path, body, token or self.shop.admin)

    def id_of(self, phone):
        return self.pg.value("SELECT id FROM customers WHERE phone = '%s'" % phone)

    def test_found_by_phone_and_name(self):  # B32
        self.shop.customer("+966551234567", name="Sarah Ali")
        self.shop.customer("+966559999999", name="نورة")
        self.shop.customer("+971501234567", name="Tom_1")
        self.ok(self.place(phone="0551234567", name="Little Omar"), 201)
        for query, found in (
            ("", 3),
            ("?q=055", 2),
            ("?q=%2B966551", 1),
            ("?q=00971", 1),
            ("?q=966551", 1),
            ("?q=55%201234", 1),
            ("?q=%D9%A0%D9%A5%D9%A5%D9%A1", 1),
            ("?q=sarah%20a", 1),
            ("?q=%D9%86%D9%88", 1),
            ("?q=little", 1),
            ("?q=ali", 0),
            ("?q=%25", 0),
            ("?q=Tom_", 1),
            ("?q=Tom%25", 0),
            ("?phone=0551234567", 1),
            ("?name=TOM", 1),
        ):
            self.assertEqual(len(self.customers(query)), found, query)
        page = self.shop.staff("GET", "/v1/staff/customers?limit=2")
        more = self.shop.staff("GET", "/v1/staff/customers?limit=2&after=" + page["next"])
        self.assertEqual((len(page["items"]), len(more["items"]), more["next"]), (2, 1, None))
        r = self.shop.call("GET", "/v1/staff/customers?phone=abc", None, self.shop.admin)
        self.refused(r, 422, "validation_failed", "query:phone")

    def test_one_with_bookings_and_counts(self):  # B32
        token = self.shop.customer(name="Sarah")
        customer = self.id_of("+966551234567")
        first = self.ok(self.shop.book(token, 9), 201)["id"]
        self.ok(self.shop.book(token, 11), 201)
        self.ok(self.shop.call("POST", "/v1/bookings/%s/cancel" % first, token=token))
        one = self.shop.staff("GET", "/v1/staff/customers/" + customer)
        self.assertEqual(one["counts"], {"completed": 0, "cancelled": 1, "no_show": 0})
        self.assertEqual([b["status"] for b in one["bookings"]], ["confirmed", "cancelled"])
        self.assertEqual((one["name"], one["blocked"], one["note"]), ("Sarah", False, None))
        r = self.shop.call("GET", "/v1/staff/customers/" + NOBODY, None, self.shop.admin)
        self.refused(r, 404, "not_found")

    def test_changed_and_audited(self):  # B15, B16, B32, S23
        self.ok(self.place(phone="0550000002", name="Srah", locale="en"), 201)
        customer = self.id_of("+966550000002")
        viewer = self.shop.key("v", "viewer")
        self.refused(self.patch(customer, {"name": "X"}, viewer), 403, "forbidden")
        one = self.ok(self.patch(customer, {"name": " Sarah ", "locale": "ar", "note": "tea"}))
        self.assertEqual((one["name"], one["locale"], one["note"]), ("Sarah", "ar", "tea"))
        self.assertIsNone(self.ok(self.patch(customer, {"note": None}))["note"])
        self.refused(self.patch(customer, {}), 422, "validation_failed")
        self.refused(self.patch(customer, {"name": "\u200b"}), 422, "validation_failed", "/name")
        audit = self.shop.staff("GET", "/v1/staff/audit")["items"]
        done = [e for e in audit if e["action"] == "customer.update"]
        self.assertEqual(
            [(e["actor"], e["subject"], e["detail"]) for e in done],
            [
                ("staff:boss", customer, {"changed": ["note"]}),
                ("staff:boss", customer, {"changed": ["name", "locale", "note"]}),
            ],
        )
        asked = [e["own_request_id"] for e in audit if e["actor"] == "staff:boss"]
        self.assertEqual(len(set(asked) - {None}), len(asked))

    def test_own_id_of_a_request(self):  # S23
        for name in "ab":
            r = self.shop.call(
                "POST",
                "/v1/staff/keys",
                {"name": name, "role": "viewer"},
                self.shop.admin,
                X_Request_Id="same-id",
            )
            self.ok(r, 201)
        audit = self.shop.staff("GET", "/v1/staff/audit?limit=2")["items"]
        self.assertEqual([e["request_id"] for e in audit], ["same-id"] * 2)
        self.assertNotEqual(audit[0]["own_request_id"], audit[1]["own_request_id"])
        for e in audit:
            self.assertTrue(self.d.log_contains("own_request_id=" + e["own_request_id"], 2))

    def test_blocked(self):  # S7
        token = self.shop.customer(name="Sarah")
        customer = self.id_of("+966551234567")
        self.assertTrue(self.ok(self.patch(customer, {"blocked": True}))["blocked"])
        self.refused(self.shop.call("GET", "/v1/me", token=token), 401, "unauthorized")
        self.refused(self.place(phone="0551234567"), 403, "customer_blocked")
        # a session that was made in the meantime is worth nothing
        again = self.shop.customer()
        self.refused(self.shop.book(again, 9), 401, "unauthorized")
        self.assertFalse(self.ok(self.patch(customer, {"blocked": False}))["blocked"])
        self.ok(self.shop.book(self.shop.customer(), 9), 201)
        actions = [e["action"] for e in self.shop.staff("GET", "/v1/staff/audit")["items"]]
        self.assertIn("customer.block", actions)
        self.assertIn("customer.unblock", actions)

    def test_merged(self):
        old, new = self.shop.customer("+966551111111"), self.shop.customer("+966552222222")
        gives, takes = self.id_of("+966551111111"), self.id_of("+966552222222")
        self.ok(self.shop.call("PATCH", "/v1/me", {"name": "Sarah"}, old))
        booking = self.ok(self.shop.book(old, 9), 201)["id"]
        path = "/v1/staff/customers/%s/merge" % gives
        agent = self.shop.key("a", "agent")
        self.refused(self.shop.call("POST", path, {"into": takes}, agent), 403, "forbidden")
        for into in gives, NOBODY:
            r = self.shop.call("POST", path, {"into": into}, self.shop.admin)
            self.refused(r, 422, "validation_failed", "/into")
        one = self.ok(self.shop.call("POST", path, {"into": takes}, self.shop.admin))
        self.assertEqual((one["id"], one["name"]), (takes, "Sarah"))
        self.refused(self.shop.call("GET", "/v1/me", token=old), 401, "unauthorized")
        self.ok(self.shop.call("GET", "/v1/bookings/" + booking, token=new))
        self.refused(
            self.shop.call("POST", path, {"into": takes}, self.shop.admin), 404, "not_found"
        )
        self.assertEqual(len(self.customers()), 1)

    def test_keys_of_a_venue(self):  # S25
        far = self.other_venue()
        local = self.shop.key("local", "agent", far)
        self.shop.customer("+966550000077", name="Private Person")
        customer = self.id_of("+966550000077")
        self.ok(self.place(phone="0550000077"), 201)
        self.assertEqual(self.customers(token=local), [])
        path = "/v1/staff/customers/" + customer
        self.refused(self.shop.call("GET", path, token=local), 404, "not_found")
        self.refused(self.patch(customer, {"note": "x"}, local), 404, "not_found")
        chair = self.shop.staff("POST", "/v1/staff/venues/%s/resources" % far, {"name": "C"})["id"]
        week = [{"weekday": d, "opens": "00:00", "closes": "24:00"} for d in range(1, 8)]
        self.shop.staff("PUT", "/v1/staff/resources/%s/opening-hours" % chair, {"items": week})
        body = {"name": "Cut", "duration_minutes": 60, "resource_ids": [chair]}
        cut = self.shop.staff("POST", "/v1/staff/venues/%s/services" % far, body)["id"]
        made = self.ok(
            self.place(far, local, phone="0550000077", name="Guest", service_id=cut), 201
        )
        self.assertEqual((made["customer"]["name"], made["guest_name"]), (None, "Guest"))
        for item in (
            self.ok(self.shop.call("GET", "/v1/staff/bookings/" + made["id"], token=local)),
            self.ok(self.shop.call("GET", path, token=local))["bookings"][0],
            self.ok(self.shop.call("GET", "/v1/staff/venues/%s/calendar" % far, token=local))[
                "items"
            ][0],
        ):
            self.assertIsNone(item["customer"]["name"])
        self.assertIsNone(self.ok(self.shop.call("GET", path, token=local))["name"])
        self.assertEqual(self.customers("?q=private", local), [])
        found = self.customers("?q=guest", local)
        self.assertEqual([(c["name"], c["guest_name"]) for c in found], [(None, "Guest")])
        calendar = "/v1/staff/venues/%s/calendar?q=private" % far
        self.assertEqual(self.ok(self.shop.call("GET", calendar, token=local))["items"], [])
        # what only this venue wrote is its own; the account is shared
        self.refused(self.patch(customer, {"name": "X"}, local), 403, "forbidden")
        self.assertEqual(self.ok(self.patch(customer, {"note": "x"}, local))["note"], "x")
        self.assertIsNone(self.shop.staff("GET", path)["note"])
        self.assertEqual(self.shop.staff("GET", path)["name"], "Private Person")
        # who booked there themselves is known there by name
        token = self.shop.customer("+966550000077")
        booked = {"service_id": cut, "starts_at": self.shop.at(12)}
        self.ok(self.shop.call("POST", "/v1/bookings", booked, token), 201)
        self.assertEqual(
            self.ok(self.shop.call("GET", path, token=local))["name"], "Private Person"
        )


class Receptionist(Desk):
    def place(self, status=201, **body):
        path = "/v1/staff/venues/%s/bookings" % self.shop.venue
        body = {"service_id": self.shop.service, **body}
        r = self.shop.call("POST", path, body, self.desk)
        return self.ok(r, 201) if status == 201 else r

    def act(self, booking, what, body=None, **headers):
        path = "/v1/staff/bookings/%s/%s" % (booking, what)
        return self.shop.call("POST", path, body, self.desk, **headers)

    def day(self, query=""):
        path = "/v1/staff/venues/%s/calendar?%s" % (self.shop.venue, query)
        return self.ok(self.shop.call("GET", path, None, self.desk))["items"]

    def setUp(self):
        super().setUp()
        self.desk = self.shop.key("desk", "agent", self.shop.venue)
        self.noor = self.shop.resource("Noor")
        self.shop.staff(
            "PATCH",
            "/v1/staff/services/" + self.shop.service,
            {"resource_ids": [self.shop.chair, self.noor]},
        )

    @staticmethod
    def ago(minutes):
        now = bd_shop.dt.datetime.now(bd_shop.dt.timezone.utc)
        at = now - bd_shop.dt.timedelta(minutes=minutes)
        return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")

    def test_a_day(self):  # B12, B15, B16, B29, B30, B31
        # a walk-in without a phone, who sits in the chair already
        walk_in = self.place(
            guest_name="Mona", starts_at=self.ago(20), resource_id=self.shop.chair, force=["grid"]
        )
        self.assertEqual(
            (walk_in["customer"], walk_in["guest_name"], walk_in["forced"], walk_in["status"]),
            (None, "Mona", "grid", "confirmed"),
        )
        self.assertEqual(self.shop.notifications(), [])
        self.refused(self.place(422, starts_at=self.ago(20)), 422, "validation_failed", "/phone")
        # marked as absent by mistake
        self.ok(self.act(walk_in["id"], "no-show"))
        self.assertEqual(self.ok(self.act(walk_in["id"], "reopen"))["status"], "confirmed")

        # a caller from abroad, in their language; a child on the same phone
        tom = self.place(
            phone="+447400123456",
            name="Tom Tester",
            locale="en",
            starts_at=self.shop.at(10),
            resource_id=self.shop.chair,
        )
        self.assertEqual(tom["customer"]["phone"], "+447400123456")
        child = self.place(
            phone="+447400123456",
            name="Tim",
            starts_at=self.shop.at(11),
            resource_id=self.shop.chair,
        )
        self.assertEqual(child["guest_name"], "Tim")
        self.assertEqual([n["locale"] for n in self.shop.notifications()], ["en", "en"])

        # to another stylist, a quarter of an hour later
        key = {"Idempotency_Key": "move-1"}
        body = {"starts_at": self.shop.at(10.5), "resource_id": self.noor}
        self.refused(self.act(tom["id"], "reschedule", body), 422, "slot_not_offered")
        body["force"] = ["grid"]
        moved = self.act(tom["id"], "reschedule", body, If_Match='"1"', **key)
        self.assertEqual(self.ok(moved)["resource_id"], self.noor)
        again = self.act(tom["id"], "reschedule", body, If_Match='"1"', **key)
        self.assertEqual((again.body, again.header("Idempotency-Replayed")), (moved.body, "true"))
        self.refused(
            self.act(tom["id"], "reschedule", body, If_Match='"1"'), 412, "version_mismatch"
        )

        # the day of one stylist; found by phone, by name, by state
        date = self.shop.at(0, bd_shop.RIYADH)[:10]
        period = "from=%s&to=%s&" % (date, date)
        self.assertEqual(
            [b["id"] for b in self.day(period + "resource_id=" + self.noor)], [tom["id"]]
        )
        self.assertEqual(len(self.day(period + "phone=%2B4474")), 2)
        self.assertEqual([b["id"] for b in self.day("q=tim")], [child["id"]])
        self.assertEqual(len(self.day("status=confirmed,completed")), 3)
        self.assertEqual(self.day("status=cancelled,expired"), [])
        self.assertEqual(len(self.day("customer_id=" + tom["customer"]["id"])), 2)
        names = {(b["service_name"], b["resource_name"]) for b in self.day(period)}
        self.assertIn(("Cut", "Noor"), names)
        path = "/v1/staff/venues/%s/calendar?status=lost" % self.shop.venue
        self.refused(
            self.shop.call("GET", path, None, self.desk), 422, "validation_failed", "query:status"
        )

        # changed in place
        path = "/v1/staff/bookings/" + tom["id"]
        body = {"staff_note": "likes tea", "guest_name": "Thomas", "note": None}
        tom = self.ok(self.shop.call("PATCH", path, body, self.desk, If_Match='"2"'))
        self.assertEqual((tom["staff_note"], tom["guest_name"]), ("likes tea", "Thomas"))
        r = self.shop.call("PATCH", path, {"party_size": 2}, self.desk)
        self.refused(r, 409, "slot_taken")

    def test_overlapping_the_period(self):  # B31
        night = self.shop.make_service(name="Night", duration_minutes=180)
        made = self.ok(
            self.shop.call(
                "POST",
                "/v1/staff/venues/%s/bookings" % self.shop.venue,
                {"service_id": night, "name": "Late", "starts_at": self.shop.at(-1), "force": True},
                self.desk,
            ),
            201,
        )
        date = self.shop.at(0, bd_shop.RIYADH)[:10]
        found = self.day("from=%s&to=%s" % (date, date))
        self.assertEqual([b["id"] for b in found], [made["id"]])

    def test_force_never_exceeds_the_capacity(self):  # B30
        order = {"name": "A", "resource_id": self.noor}
        self.place(starts_at=self.shop.at(9), **order)
        self.refused(
            self.place(409, starts_at=self.shop.at(9.5), force=True, **order), 409, "slot_taken"
        )
        hours = [{"weekday": d, "opens": "09:00", "closes": "17:00"} for d in range(1, 8)]
        self.shop.staff("PUT", "/v1/staff/resources/%s/opening-hours" % self.noor, {"items": hours})
        late = {"starts_at": self.shop.at(20), **order}
        self.refused(self.place(422, **late), 422, "slot_not_offered")
        self.refused(
            self.place(422, force=["capacity"], **late), 422, "validation_failed", "/force"
        )
        made = self.place(force=["hours"], **late)
        history = self.shop.staff("GET", "/v1/staff/bookings/" + made["id"])["history"]
        self.assertIn("hours", history[0]["reason"])

    def test_prepaid_on_site(self):  # B12
        paid = self.shop.make_service(name="Colour", payment="online")
        for payment in "on_site", "none":
            made = self.place(
                service_id=paid,
                name="Guest",
                starts_at=self.shop.at(9 if payment == "none" else 12),
                payment=payment,
            )
            self.assertEqual((made["status"], made["payment"]), ("confirmed", payment))


if __name__ == "__main__":
    bd.main()
