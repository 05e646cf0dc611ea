# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Bookings over HTTP: every code of the contract's booking paths, entity tags, idempotency keys,
staff and venues.
"""
import datetime as dt
import threading
import uuid

import bd
import bd_shop


class Bookings(bd.Case):
    @classmethod
    def setUpClass(cls):
        cls.keep = bd.Case()
        cls.addClassCleanup(cls.keep.doCleanups)
        cls.shop = bd_shop.Shop(
            cls.keep, {"bookings": {"max_active_per_customer": 5, "hold": "2s"}}
        )
        cls.agent = cls.shop.key("desk", "agent")
        cls.viewer = cls.shop.key("eye", "viewer")
        other = cls.shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )
        cls.other = other["id"]
        cls.elsewhere = cls.shop.key("elsewhere", "admin", cls.other)
        cls.hour = 0
        cls.phone = 0

    def setUp(self):
        cls = type(self)
        cls.phone += 1
        cls.hour += 24  # a day of its own for each test
        self.h = cls.hour
        self.me = self.shop.customer("+9665512%05d" % cls.phone, name="Alice")
        self.stranger = self.shop.customer("+9665513%05d" % cls.phone)

    def expect(self, r, status, code=None):
        self.assertEqual((r.status, r.code if r.status >= 400 else None), (status, code), r)
        return r

    def made(self, hours=0, token=None, **over):
        return self.expect(self.shop.book(token or self.me, self.h + hours, **over), 201).json()

    # ---- making ----

    def test_a_booking(self):
        r = self.expect(self.shop.book(self.me, self.h, note="by the window"), 201)
        b = r.json()
        self.assertEqual(r.header("Location"), "/v1/bookings/" + b["id"])
        self.assertEqual(r.header("ETag"), '"1"')
        self.assertEqual(
            {
                k: b[k]
                for k in (
                    "version",
                    "venue_id",
                    "service_id",
                    "resource_id",
                    "status",
                    "starts_at",
                    "party_size",
                    "amount",
                    "currency",
                    "note",
                    "hold_expires_at",
                    "cancelled_at",
                )
            },
            {
                "version": 1,
                "venue_id": self.shop.venue,
                "service_id": self.shop.service,
                "resource_id": self.shop.chair,
                "status": "confirmed",
                "starts_at": self.shop.at(self.h),
                "party_size": 1,
                "amount": 5000,
                "currency": "SAR",
                "note": "by the window",
                "hold_expires_at": None,
                "cancelled_at": None,
            },
        )
        r = self.shop.call("GET", "/v1/bookings/" + b["id"], token=self.me)
        self.assertEqual(r.json(), b)
        self.assertEqual(r.header("ETag"), '"1"')

    def test_starts_are_compared_by_instant(self):
        self.expect(
            self.shop.call(
                "POST",
                "/v1/bookings",
                {
                    "service_id": self.shop.service,
                    "starts_at": self.shop.at(
                        self.h, dt.timezone(dt.timedelta(hours=-9, minutes=-30))
                    ),
                },
                self.me,
            ),
            201,
        )
        self.expect(self.shop.book(self.stranger, self.h), 409, "slot_taken")

    def test_refusals(self):
        nobody = str(uuid.uuid4())
        self.expect(self.shop.book(self.me, self.h, service_id=nobody), 404, "not_found")
        self.expect(self.shop.book(self.me, self.h, resource_id=nobody), 404, "not_found")
        self.expect(self.shop.book(self.me, self.h + 0.5), 422, "slot_not_offered")
        self.expect(self.shop.book(self.me, -100), 422, "slot_not_offered")
        self.expect(self.shop.book(self.me, 24 * 100), 422, "slot_not_offered")
        self.expect(self.shop.book(self.me, self.h, party_size=2), 422, "slot_not_offered")
        self.expect(self.shop.book(None, self.h), 401, "unauthorized")
        self.expect(self.shop.book(self.agent, self.h), 401, "unauthorized")
        for bad, pointer in (
            ({"party_size": 0}, "/party_size"),
            ({"party_size": 1001}, "/party_size"),
            ({"note": "x" * 501}, "/note"),
            ({"starts_at": "2026-01-01T10:00:00"}, "/starts_at"),
            ({"service_id": "x"}, "/service_id"),
            ({"resource_id": 1}, "/resource_id"),
            ({"colour": "red"}, "/colour"),
        ):
            r = self.expect(self.shop.book(self.me, self.h, **bad), 422, "validation_failed")
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])

    def test_limit(self):
        for i in range(5):
            self.made(i)
        self.expect(self.shop.book(self.me, self.h + 5), 409, "booking_limit")

    def test_idempotency(self):
        key = {"Idempotency_Key": str(uuid.uuid4())}
        first = self.expect(self.shop.book(self.me, self.h, headers=key), 201)
        again = self.expect(self.shop.book(self.me, self.h, headers=key), 201)
        self.assertEqual(
            (
                again.body,
                again.header("Location"),
                again.header("ETag"),
                again.header("Idempotency-Replayed"),
            ),
            (first.body, first.header("Location"), first.header("ETag"), "true"),
        )
        self.expect(self.shop.book(self.me, self.h + 1, headers=key), 422, "idempotency_mismatch")
        self.expect(
            self.shop.book(self.stranger, self.h, headers=key), 409, "slot_taken"
        )  # keys are per caller
        self.expect(
            self.shop.book(self.me, self.h, headers={"Idempotency_Key": "x" * 129}),
            422,
            "validation_failed",
        )
        self.assertEqual(len(self.shop.notifications(booking_id=first.json()["id"])), 1)

    def test_one_key_at_once(self):
        key = {"Idempotency_Key": str(uuid.uuid4())}
        self.shop.sms.plan.append(bd.p_reply(201, bd_shop.sms_ok, delay=0.5))
        answers = []
        threads = [
            threading.Thread(
                target=lambda: answers.append(self.shop.book(self.me, self.h, headers=key))
            )
            for _ in range(6)
        ]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for r in answers:
            if r.status != 201:
                self.expect(r, 409, "idempotency_in_flight")
        self.assertEqual(len({r.json()["id"] for r in answers if r.status == 201}), 1)
        self.expect(self.shop.book(self.me, self.h, headers=key), 201)

    # ---- reading ----

    def test_mine_alone(self):
        b = self.made()
        for path in ("", "/cancel", "/reschedule"):
            r = self.shop.call(
                "POST" if path else "GET",
                "/v1/bookings/" + b["id"] + path,
                {"starts_at": self.shop.at(self.h + 1)} if path == "/reschedule" else None,
                self.stranger,
            )
            self.expect(r, 404, "not_found")
        self.expect(self.shop.call("GET", "/v1/bookings/x", token=self.me), 404, "not_found")
        self.expect(self.shop.call("GET", "/v1/bookings/" + b["id"]), 401, "unauthorized")
        self.assertEqual(
            self.shop.call("GET", "/v1/bookings", token=self.stranger).json(),
            {"items": [], "next": None},
        )

    def test_list(self):
        ids = [self.made(i)["id"] for i in range(4)]
        self.expect(self.shop.call("POST", "/v1/bookings/%s/cancel" % ids[1], token=self.me), 200)
        seen, after = [], ""
        while after is not None:
            page = self.shop.call("GET", "/v1/bookings?limit=3" + after, token=self.me).json()
            seen += [b["id"] for b in page["items"]]
            after = page["next"] and "&after=" + page["next"]
        self.assertEqual(seen, ids[::-1])
        page = self.shop.call("GET", "/v1/bookings?status=cancelled", token=self.me).json()
        self.assertEqual([b["id"] for b in page["items"]], [ids[1]])
        for query, pointer in (
            ("status=lost", "query:status"),
            ("limit=101", "query:limit"),
            ("limit=0", "query:limit"),
            ("after=zzz", "query:after"),
            ("colour=red", "query:colour"),
        ):
            r = self.expect(
                self.shop.call("GET", "/v1/bookings?" + query, token=self.me),
                422,
                "validation_failed",
            )
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])

    def test_round_trips(self):
        b = self.made()

        def trips(r):
            return self.shop.daemon.log_contains(
                r"request_id=%s .*" % r.header("X-Request-Id"), 5
            ).group(0)

        r = self.shop.call("GET", "/v1/bookings/" + b["id"], token=self.me)
        self.assertRegex(trips(r), r"\bdb_round_trips=1\b")
        r = self.shop.book(self.me, self.h + 1)
        self.assertRegex(trips(r), r"\bdb_round_trips=4\b")

    # ---- changing ----

    def test_cancel(self):
        b = self.made()
        path = "/v1/bookings/%s/cancel" % b["id"]
        self.expect(
            self.shop.call("POST", path, {"reason": "ill", "x": 1}, self.me),
            422,
            "validation_failed",
        )
        self.expect(
            self.shop.call("POST", path, {"reason": "x" * 501}, self.me), 422, "validation_failed"
        )
        self.expect(
            self.shop.call("POST", path, None, self.me, If_Match='"2"'), 412, "version_mismatch"
        )
        self.expect(
            self.shop.call("POST", path, None, self.me, If_Match='W/"1"'), 412, "version_mismatch"
        )
        r = self.expect(
            self.shop.call("POST", path, {"reason": "ill"}, self.me, If_Match='"7", "1"'), 200
        )
        self.assertEqual(
            (r.json()["status"], r.json()["version"], r.header("ETag")), ("cancelled", 2, '"2"')
        )
        self.assertIsNotNone(r.json()["cancelled_at"])
        self.assertEqual(
            self.shop.call("GET", "/v1/bookings/" + b["id"], token=self.me).json(), r.json()
        )
        self.expect(self.shop.call("POST", path, None, self.me), 409, "booking_not_active")
        self.made(token=self.stranger)

    def test_cancellation_closes(self):
        service = self.shop.make_service(free_cancellation_minutes=60 * 24 * 60)
        b = self.made(service_id=service)
        self.expect(
            self.shop.call("POST", "/v1/bookings/%s/cancel" % b["id"], token=self.me),
            422,
            "cancellation_closed",
        )
        r = self.shop.call("POST", "/v1/staff/bookings/%s/cancel" % b["id"], token=self.agent)
        self.assertEqual(self.expect(r, 200).json()["status"], "cancelled")

    def test_reschedule(self):
        b, taken = self.made(), self.made(1, self.stranger)
        path = "/v1/bookings/%s/reschedule" % b["id"]

        def move(hours, **headers):
            return self.shop.call(
                "POST", path, {"starts_at": self.shop.at(self.h + hours)}, self.me, **headers
            )

        self.expect(move(1), 409, "slot_taken")
        self.expect(move(0.25), 422, "slot_not_offered")
        self.expect(move(2, If_Match='"9"'), 412, "version_mismatch")
        self.expect(self.shop.call("POST", path, {}, self.me), 422, "validation_failed")
        self.expect(
            self.shop.call(
                "POST",
                path,
                {"starts_at": self.shop.at(self.h), "resource_id": str(uuid.uuid4())},
                self.me,
            ),
            404,
            "not_found",
        )
        self.assertEqual(self.shop.call("GET", "/v1/bookings/" + b["id"], token=self.me).json(), b)
        r = self.expect(move(2, If_Match='"1"'), 200)
        self.assertEqual(
            (r.json()["starts_at"], r.json()["version"], r.header("ETag")),
            (self.shop.at(self.h + 2), 2, '"2"'),
        )
        self.assertEqual(
            sorted(n["template"] for n in self.shop.notifications(booking_id=b["id"])),
            ["booking_confirmed", "booking_rescheduled"],
        )
        self.shop.call("POST", "/v1/bookings/%s/cancel" % b["id"], token=self.me)
        self.expect(move(3), 409, "booking_not_active")
        self.assertEqual(taken["status"], "confirmed")

    def test_hold(self):
        service = self.shop.make_service(payment="online")
        expired = self.shop.daemon.metric("bookingd_bookings_total", outcome="expired")
        b = self.made(service_id=service)
        self.assertEqual(b["status"], "pending_payment")
        self.assertIsNotNone(b["hold_expires_at"])
        self.expect(self.shop.book(self.stranger, self.h), 409, "slot_taken")
        self.assertEqual(self.shop.notifications(booking_id=b["id"]), [])

        def get():
            return self.shop.call("GET", "/v1/bookings/" + b["id"], token=self.me).json()

        bd.wait_until(lambda: get()["status"] == "expired", "the hold's end", 10)
        self.made(token=self.stranger)
        bd.wait_until(lambda: get()["version"] == 2, "the keeper", 15)
        self.assertEqual((get()["status"], get()["hold_expires_at"]), ("expired", None))
        bd.wait_until(
            lambda: [n["status"] for n in self.shop.notifications(booking_id=b["id"])] == ["SENT"],
            "the keeper's notification",
            10,
        )
        self.assertEqual(
            self.shop.daemon.metric("bookingd_bookings_total", outcome="expired"), expired + 1
        )
        self.expect(
            self.shop.call("POST", "/v1/staff/bookings/%s/confirm" % b["id"], token=self.agent),
            409,
            "booking_not_active",
        )

    # ---- staff ----

    def order(self, hours=0, **over):
        return {
            "phone": "0551239%03d" % self.phone,
            "name": "Carol",
            "service_id": self.shop.service,
            "starts_at": self.shop.at(self.h + hours),
            **over,
        }

    def test_staff_booking(self):
        path = "/v1/staff/venues/%s/bookings" % self.shop.venue
        key = {"Idempotency_Key": str(uuid.uuid4())}
        r = self.expect(self.shop.call("POST", path, self.order(), self.agent, **key), 201)
        self.assertEqual(
            {k: r.json()["customer"][k] for k in ("phone", "name")},
            {"phone": "+966551239%03d" % self.phone, "name": "Carol"},
        )
        self.assertEqual(self.shop.call("POST", path, self.order(), self.agent, **key).body, r.body)
        self.expect(self.shop.call("POST", path, self.order(), self.agent), 409, "slot_taken")
        self.expect(self.shop.call("POST", path, self.order(1), self.viewer), 403, "forbidden")
        self.expect(self.shop.call("POST", path, self.order(1), self.elsewhere), 404, "not_found")
        self.expect(self.shop.call("POST", path, self.order(1), self.me), 401, "unauthorized")
        self.expect(
            self.shop.call(
                "POST", "/v1/staff/venues/%s/bookings" % self.other, self.order(1), self.agent
            ),
            404,
            "not_found",
        )
        self.expect(
            self.shop.call("POST", path, self.order(1, phone="12"), self.agent),
            422,
            "phone_invalid",
        )
        self.expect(
            self.shop.call("POST", path, self.order(1, party_size=5000), self.agent),
            422,
            "slot_not_offered",
        )
        self.expect(self.shop.call("POST", path, {}, self.agent), 422, "validation_failed")

    def test_detail_and_transitions(self):
        b = self.made()
        path = "/v1/staff/bookings/" + b["id"]
        self.expect(self.shop.call("GET", path, token=self.elsewhere), 404, "not_found")
        self.expect(
            self.shop.call("POST", path + "/complete", token=self.elsewhere), 404, "not_found"
        )
        self.expect(self.shop.call("POST", path + "/complete", token=self.viewer), 403, "forbidden")
        self.expect(self.shop.call("POST", path + "/explode", token=self.agent), 404, "not_found")
        self.expect(
            self.shop.call("POST", path + "/confirm", token=self.agent), 409, "booking_not_active"
        )
        self.expect(
            self.shop.call("POST", path + "/complete", token=self.agent), 409, "booking_not_active"
        )
        self.shop.pg.sql("UPDATE bookings SET starts_at = now() WHERE id = '%s'" % b["id"])
        r = self.expect(
            self.shop.call("POST", path + "/complete", token=self.agent, X_Request_Id="done-1"), 200
        )
        self.assertEqual((r.json()["status"], r.json()["version"]), ("completed", 2))
        self.expect(
            self.shop.call("POST", path + "/no-show", token=self.agent), 409, "booking_not_active"
        )
        d = self.expect(self.shop.call("GET", path, token=self.viewer), 200).json()
        self.assertEqual(d["payments"], [])
        self.assertEqual(
            [(n["template"], n["status"]) for n in d["notifications"]],
            [("booking_confirmed", "SENT")],
        )
        self.assertEqual(
            [(h["from"], h["to"], h["actor"]) for h in d["history"]],
            [
                (None, "confirmed", "customer:" + d["customer"]["id"]),
                ("confirmed", "completed", "staff:desk"),
            ],
        )
        self.assertEqual(d["history"][1]["request_id"], "done-1")
        self.assertEqual(d["customer"]["name"], "Alice")
        audit = self.shop.staff("GET", "/v1/staff/audit?limit=100")["items"]
        self.assertIn(
            ("staff:desk", "booking.complete", b["id"]),
            [(a["actor"], a["action"], a["subject"]) for a in audit],
        )

    def test_calendar(self):
        ids = [self.made(h)["id"] for h in (0, 23)]
        day = (
            dt.datetime.now(bd_shop.RIYADH).date() + dt.timedelta(days=2 + self.h // 24)
        ).isoformat()
        path = "/v1/staff/venues/%s/bookings?" % self.shop.venue

        def get(query, token=self.viewer):
            return self.shop.call("GET", path + query, token=token)

        r = self.expect(get("from=%s&to=%s" % (day, day)), 200)
        self.assertEqual([b["id"] for b in r.json()["items"]], ids)
        self.assertEqual(r.json()["items"][0]["customer"]["name"], "Alice")
        r = get("from=%s&to=%s&limit=1" % (day, day))
        r = get("from=%s&to=%s&limit=1&after=%s" % (day, day, r.json()["next"]))
        self.assertEqual(([b["id"] for b in r.json()["items"]], r.json()["next"]), (ids[1:], None))
        self.assertEqual(get("from=%s&to=%s&status=cancelled" % (day, day)).json()["items"], [])
        self.expect(get("", self.elsewhere), 404, "not_found")
        self.expect(get("", self.me), 401, "unauthorized")
        for query, pointer in (
            ("from=2026-02-30", "query:from"),
            ("to=yesterday12", "query:to"),
            ("from=2026-02-02&to=2026-02-01", "query:to"),
        ):
            r = self.expect(get(query), 422, "validation_failed")
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])


class DatabaseAway(bd.Case):
    def test_nothing_is_booked_without_the_database(self):
        shop = bd_shop.Shop(self)
        me = shop.customer()
        with shop.pg.holding("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE"):
            r = shop.book(me, 10)
        self.assertIn(r.status, (503, 504), r)
        self.assertEqual(shop.pg.value("SELECT count(*) FROM bookings"), "0")
        self.assertEqual(shop.book(me, 10).status, 201)


if __name__ == "__main__":
    bd.main()
