# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Rules of bookings over the API, each kind with several inputs: capacity, deadlines, what was
agreed, choices, states and the clock, openings, pages of slots."""
import datetime as dt
import unittest

import bd
import bd_shop

DAY = dt.timedelta(days=1)


def hours(*spans, weekdays=range(1, 8)):
    return {"items": [{"weekday": d, "opens": o, "closes": c} for d in weekdays for o, c in spans]}


class Rules(bd.Case):
    over = {"bookings": {"max_active_per_customer": 1000}}

    def setUp(self):
        self.shop = bd_shop.Shop(self, self.over)
        self.tokens = [self.shop.customer("+96655100000%d" % n) for n in range(4)]
        self.me = self.tokens[0]
        self.date = self.shop.at(0, bd_shop.RIYADH)[:10]

    def expect(self, r, status, code=None, detail=None):
        self.assertEqual((r.status, r.code if r.status >= 400 else None), (status, code), r)
        if detail:
            self.assertIn(detail, r.json()["detail"])
        return r.json() if r.body else None

    def patch(self, path, **body):
        return self.shop.staff("PATCH", "/v1/staff/" + path, body)

    def open(self, *spans, resource=None, **more):
        path = "/v1/staff/resources/%s/opening-hours" % (resource or self.shop.chair)
        self.shop.staff("PUT", path, hours(*spans, **more))

    def act(self, what, booking, token=None, body=None, staff=False):
        path = "/v1/%sbookings/%s/%s" % ("staff/" if staff else "", booking["id"], what)
        return self.shop.call("POST", path, body, self.shop.admin if staff else token or self.me)

    def move(self, booking, at, staff=False, token=None, **body):
        return self.act(
            "reschedule", booking, token, {"starts_at": self.shop.at(at), **body}, staff
        )

    def slots(self, service, day=None, token=None, **query):
        query = {"from": day or self.date, "to": day or self.date, "limit": 500, **query}
        path = "/v1/services/%s/slots?%s" % (service, "&".join("%s=%s" % i for i in query.items()))
        return self.expect(self.shop.call("GET", path, None, token), 200)["items"]

    def starts(self, service, day=None, **query):
        """Local times of a day's slots."""
        return [
            dt.datetime.fromisoformat(s["starts_at"].replace("Z", "+00:00"))
            .astimezone(bd_shop.RIYADH)
            .strftime("%H:%M")
            for s in self.slots(service, day, **query)
        ]


class Capacity(Rules):
    def test_people_not_places(self):  # B1, B2
        self.patch("resources/" + self.shop.chair, capacity=10)
        a = self.expect(self.shop.book(self.tokens[0], 9, party_size=4), 201)
        self.expect(self.shop.book(self.tokens[1], 9, party_size=4), 201)
        self.expect(self.act("cancel", a), 200)
        self.assertEqual(
            self.patch("resources/" + self.shop.chair, capacity=6)["conflicts_total"], 0
        )
        self.expect(self.shop.book(self.tokens[2], 9, party_size=4), 409, "slot_taken")
        self.expect(self.shop.book(self.tokens[2], 9, party_size=2), 201)
        self.patch("resources/" + self.shop.chair, capacity=20)
        self.expect(self.shop.book(self.tokens[2], 9, party_size=14), 201)
        self.expect(self.shop.book(self.tokens[3], 9, party_size=1), 409, "slot_taken")

        # lengths of two kinds on two places
        pair = self.shop.resource("Pair", capacity=2)
        long, middle = (
            self.shop.make_service(
                duration_minutes=minutes, slot_step_minutes=30, resource_ids=[pair]
            )
            for minutes in (120, 90)
        )
        for at in (10, 11, 13):
            self.expect(self.shop.book(self.me, at, service_id=long), 201)
        offered = {s["starts_at"]: s["available"] for s in self.slots(middle, resource_id=pair)}
        self.assertEqual(offered[self.shop.at(12)], 1)
        self.assertNotIn(self.shop.at(10.5), offered)
        self.expect(self.shop.book(self.tokens[1], 10.5, service_id=middle), 409, "slot_taken")
        self.expect(self.shop.book(self.tokens[1], 12, service_id=middle), 201)

    def test_a_party_is_no_larger_than_the_service_takes(self):  # B35
        self.patch("resources/" + self.shop.chair, capacity=10)
        service = "services/" + self.shop.service
        staff = "/v1/staff/venues/%s/bookings" % self.shop.venue
        for most in (1, 4):
            self.patch(service, max_party_size=most)
            self.assertNotEqual(self.slots(self.shop.service, party_size=most), [])
            self.assertEqual(self.slots(self.shop.service, party_size=most + 1), [])
            refused = self.shop.book(self.tokens[1], 9, party_size=most + 1)
            self.expect(refused, 422, "slot_not_offered", "party")
            order = {
                "phone": "+966551000009",
                "service_id": self.shop.service,
                "starts_at": self.shop.at(9),
                "party_size": most + 1,
            }
            refused = self.shop.call("POST", staff, order, self.shop.admin)
            self.expect(refused, 422, "slot_not_offered", "party")
            self.expect(self.shop.book(self.tokens[1], 9, party_size=most), 201)
        self.patch(service, max_party_size=None)
        booked = self.expect(self.shop.book(self.tokens[2], 9, party_size=5), 201)
        # What was agreed stays: it is moved as it is.
        self.patch(service, max_party_size=2)
        self.expect(self.move(booked, 11, token=self.tokens[2]), 200)
        # staff may take people off, and cannot go around the rule by adding some
        path = "/v1/staff/bookings/" + booked["id"]
        for party, status, code in ((6, 422, "slot_not_offered"), (4, 200, None), (4, 200, None)):
            r = self.shop.call("PATCH", path, {"party_size": party}, self.shop.admin)
            self.expect(r, status, code)

    def test_buffers_count_and_touching_times_do_not(self):
        tidy = self.shop.make_service(
            duration_minutes=45, slot_step_minutes=15, buffer_after_minutes=15
        )
        self.expect(self.shop.book(self.me, 9, service_id=tidy), 201)
        self.expect(self.shop.book(self.me, 9.75, service_id=tidy), 409, "slot_taken")
        self.expect(self.shop.book(self.me, 10, service_id=tidy), 201)

    def test_plain_sql_cannot_sell_more(self):  # B3
        made = self.expect(self.shop.book(self.me, 9), 201)
        columns = (
            "venue_id, service_id, resource_id, customer_id, status, starts_at, ends_at, occupied,"
            " party_size, amount, currency, payment, free_cancellation_minutes, made_by"
        )
        copy = (
            "INSERT INTO bookings (id, %s) SELECT gen_random_uuid(), %s FROM bookings WHERE id ="
            " '%s'" % (columns, columns, made["id"])
        )
        with self.assertRaisesRegex(AssertionError, "more people than the capacity"):
            self.shop.pg.sql(copy)
        for change in (
            "party_size = 2",
            "occupied = tstzrange(lower(occupied), upper(occupied) + interval '2 hours')",
        ):
            self.shop.book(self.tokens[1], 10)
            with self.assertRaisesRegex(AssertionError, "more people than the capacity"):
                self.shop.pg.sql("UPDATE bookings SET %s WHERE id = '%s'" % (change, made["id"]))
        # two writers at once: the second one waits for the first, and is refused
        at = "'%s'::timestamptz" % self.shop.at(14)
        other = copy.replace(
            "SELECT gen_random_uuid(), " + columns,
            "SELECT gen_random_uuid(), "
            + columns.replace(
                "starts_at, ends_at, occupied",
                "%s, %s + interval '1 hour', "
                "tstzrange(%s, %s + interval '1 hour')" % ((at,) * 4),
            ),
        )
        first = self.shop.pg.session()
        self.addCleanup(first.close)
        first.ask("BEGIN")
        first.ask(other)
        with self.assertRaisesRegex(AssertionError, "lock timeout|canceling statement"):
            self.shop.pg.sql("SET lock_timeout = '200ms'; " + other)
        first.ask("COMMIT")
        with self.assertRaisesRegex(AssertionError, "more people than the capacity"):
            self.shop.pg.sql(other)


class Agreed(Rules):
    def test_the_deadline_binds_every_route(self):  # B4, B5
        strict = self.shop.make_service(free_cancellation_minutes=10080)
        late = self.expect(self.shop.book(self.me, 9, service_id=strict), 201)
        for what, body in (("cancel", None), ("reschedule", {"starts_at": self.shop.at(24 * 20)})):
            self.expect(self.act(what, late, body=body), 422, "cancellation_closed")
        moved = self.expect(self.move(late, 24 * 20 + 9, staff=True), 200)
        # counted again from the new start: it is open now
        until = dt.datetime.fromisoformat(moved["free_cancellation_until"].replace("Z", "+00:00"))
        start = dt.datetime.fromisoformat(moved["starts_at"].replace("Z", "+00:00"))
        self.assertEqual(start - until, 7 * DAY)
        back = self.expect(self.move(late, 9), 200)
        self.expect(self.act("cancel", back), 422, "cancellation_closed")
        self.expect(self.act("cancel", back, staff=True), 200)

    def test_a_deadline_before_all_years(self):
        never = self.shop.make_service(free_cancellation_minutes=2147483647)
        made = self.expect(self.shop.book(self.me, 9, service_id=never), 201)
        self.assertEqual(made["free_cancellation_until"], "0001-01-01T00:00:00Z")
        self.expect(self.act("cancel", made), 422, "cancellation_closed")

    def test_staff_move_whose_customer_is_late(self):  # B29
        now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0) - dt.timedelta(minutes=5)
        body = {
            "service_id": self.shop.service,
            "phone": "+966551000000",
            "starts_at": now.isoformat().replace("+00:00", "Z"),
            "force": True,
        }
        here = self.shop.staff("POST", "/v1/staff/venues/%s/bookings" % self.shop.venue, body)
        self.expect(self.move(here, 9), 422, "cancellation_closed")  # the customer's own move
        later = now + dt.timedelta(minutes=15)
        body = {"starts_at": later.isoformat().replace("+00:00", "Z"), "force": ["grid"]}
        moved = self.expect(self.act("reschedule", here, body=body, staff=True), 200)
        self.assertEqual(moved["starts_at"], body["starts_at"])
        self.expect(self.act("cancel", moved, staff=True), 200)
        self.expect(self.move(here, 9, staff=True), 409, "booking_not_active")

    def test_a_booking_keeps_the_rule_of_its_day(self):  # B5
        service = self.shop.make_service(free_cancellation_minutes=60, price=5000)
        path = "services/" + service
        loose = self.expect(self.shop.book(self.me, 9, service_id=service), 201)
        self.patch(path, free_cancellation_minutes=10080, price=9000, payment="on_site")
        tight = self.expect(self.shop.book(self.me, 11, service_id=service), 201)
        self.expect(self.act("cancel", tight), 422, "cancellation_closed")
        moved = self.expect(self.move(loose, 13), 200)
        self.assertEqual((moved["amount"], moved["payment"]), (5000, "none"))
        staff = self.shop.staff("GET", "/v1/staff/bookings/" + loose["id"])
        self.assertEqual(staff["free_cancellation_until"], self.shop.at(12))
        self.expect(self.act("cancel", moved), 200)
        self.patch(path, free_cancellation_minutes=0)
        self.expect(self.act("cancel", tight), 422, "cancellation_closed")

    def test_a_chosen_person_stays(self):  # B8
        noor = self.shop.resource("Noor")
        both = [self.shop.chair, noor]
        self.patch("services/" + self.shop.service, resource_ids=both)
        chosen = {"resource_id": self.shop.chair}
        a = self.expect(self.shop.book(self.me, 9, **chosen), 201)
        self.assertIs(a["resource_chosen"], True)
        self.expect(self.shop.book(self.tokens[1], 11, **chosen), 201)
        self.expect(self.move(a, 11), 409, "slot_taken")
        self.open(("08:00", "18:00"))
        self.expect(self.move(a, 20), 422, "slot_not_offered")
        # null means any, and forgets the choice
        moved = self.expect(self.move(a, 11, resource_id=None), 200)
        self.assertEqual((moved["resource_id"], moved["resource_chosen"]), (noor, False))
        # not chosen: the present one while it is free, else another
        self.assertEqual(self.expect(self.move(a, 12), 200)["resource_id"], noor)
        self.expect(self.shop.book(self.tokens[1], 14, resource_id=noor), 201)
        moved = self.expect(self.move(a, 14), 200)
        self.assertEqual((moved["resource_id"], moved["resource_chosen"]), (both[0], False))
        moved = self.expect(self.move(a, 15, resource_id=noor), 200)
        self.assertEqual((moved["resource_id"], moved["resource_chosen"]), (noor, True))

    def test_any_is_shared_out(self):  # B9
        resources = [self.shop.chair] + [self.shop.resource("R%d" % n) for n in range(2)]
        self.patch("services/" + self.shop.service, resource_ids=resources)
        got = [self.expect(self.shop.book(self.me, at), 201)["resource_id"] for at in range(8, 17)]
        self.assertEqual(sorted(got), sorted(resources * 3))
        self.assertEqual(got[0], min(resources))  # ties by id
        # minutes count, not bookings: who has a long one is passed over
        long = self.shop.make_service(duration_minutes=240, resource_ids=resources)
        busy = self.expect(self.shop.book(self.me, 28, service_id=long), 201)["resource_id"]
        got = [self.expect(self.shop.book(self.me, at), 201)["resource_id"] for at in (33, 35, 37)]
        self.assertNotIn(busy, got)


class Clock(Rules):
    def test_states_need_the_start_and_can_be_undone(self):  # B10, B11
        a = self.expect(self.shop.book(self.me, 9), 201)
        for what in ("complete", "no-show"):
            r = self.act(what, a, staff=True)
            self.expect(r, 409, "booking_not_active", "has not started")
        self.expect(self.act("reopen", a, staff=True), 409, "booking_not_active")
        now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0) - dt.timedelta(minutes=5)
        body = {
            "service_id": self.shop.service,
            "name": "Mona",
            "starts_at": now.isoformat().replace("+00:00", "Z"),
            "force": True,
        }
        path = "/v1/staff/venues/%s/bookings" % self.shop.venue
        here = self.shop.staff("POST", path, body)
        for mark, state in (("no-show", "no_show"), ("complete", "completed")):
            self.assertEqual(self.expect(self.act(mark, here, staff=True), 200)["status"], state)
            # the place is not sold before the booking's end
            r = self.shop.call("POST", path, {**body, "name": "Huda"}, self.shop.admin)
            self.expect(r, 409, "slot_taken")
            for what in ("confirm", "cancel", "complete", "no-show"):
                self.expect(self.act(what, here, staff=True), 409, "booking_not_active")
            self.expect(self.act("reopen", here, token=self.me), 404, "not_found")
            back = self.expect(self.act("reopen", here, staff=True), 200)
            self.assertEqual(back["status"], "confirmed")
        self.assertEqual(self.shop.notifications(booking_id=here["id"]), [])
        r = self.shop.call(
            "PATCH", "/v1/staff/bookings/" + here["id"], {"guest_name": None}, self.shop.admin
        )
        self.expect(r, 422, "validation_failed")
        self.assertEqual([e["pointer"] for e in r.json()["errors"]], ["/guest_name"])
        audit = self.shop.staff("GET", "/v1/staff/audit?limit=100")["items"]
        self.assertIn(here["id"], [e["subject"] for e in audit if "reopen" in e["action"]])
        # for seven days
        self.expect(self.act("complete", here, staff=True), 200)
        for age, status in (("6 days 23 hours", 200), ("7 days 1 minute", 409)):
            self.shop.pg.sql(
                "UPDATE bookings SET ended_at = now() - interval '%s', status = 'completed' WHERE"
                " id = '%s'" % (age, here["id"])
            )
            code = "booking_not_active" if status == 409 else None
            self.expect(self.act("reopen", here, staff=True), status, code)


class Openings(Rules):
    def test_openings_that_touch(self):  # B13, B14
        service = self.shop.make_service(duration_minutes=60, slot_step_minutes=30)
        for spans, there, missing in (
            ((("00:00", "24:00"),), ("23:30", "23:00", "00:00"), ()),
            ((("09:00", "13:00"), ("13:00", "18:00")), ("12:30", "17:00"), ("08:30", "17:30")),
            ((("09:00", "14:00"), ("13:00", "18:00")), ("12:30", "13:30", "17:00"), ("17:30",)),
            ((("09:00", "12:00"), ("13:00", "18:00")), ("11:00", "13:00"), ("11:30", "12:00")),
            ((("20:00", "02:00"), ("02:00", "04:00")), ("01:30", "23:30", "03:00"), ("03:30",)),
            ((("00:00", "23:59"),), ("22:30",), ("23:00", "23:30")),
            # each row keeps its own grid, and a start may run on into the next
            ((("09:00", "13:10"), ("13:10", "15:00")), ("12:30", "13:00", "13:10", "13:40"), ()),
        ):
            with self.subTest(spans):
                self.open(*spans)
                listed = self.starts(service)
                self.assertLessEqual(set(there), set(listed), listed)
                self.assertFalse(set(missing) & set(listed), listed)
                # by turns: the changes of one customer are limited
                for n, at in enumerate(there + missing):
                    good, clock = at in there, int(at[:2]) + int(at[3:]) / 60
                    r = self.shop.book(self.tokens[n % 4], clock, service_id=service)
                    if good:
                        made = self.expect(r, 201)
                        self.expect(self.act("cancel", made, staff=True), 200)
                    else:
                        self.expect(r, 422, "slot_not_offered")

    def test_days_that_touch_and_services_of_days(self):  # B13
        self.open(("00:00", "24:00"))
        stay = self.shop.make_service(duration_minutes=3 * 1440, slot_step_minutes=720)
        self.assertEqual(self.starts(stay), ["00:00", "12:00"])
        self.expect(self.shop.book(self.me, 12, service_id=stay), 201)
        self.assertEqual(self.starts(stay), [])
        # shut on one weekday: nothing runs into it
        shut = (dt.date.fromisoformat(self.date) + 6 * DAY).isoweekday()
        self.open(("00:00", "24:00"), weekdays=[d for d in range(1, 8) if d != shut])
        day = str(dt.date.fromisoformat(self.date) + 5 * DAY)
        self.assertEqual(self.starts(self.shop.service, day)[-1], "23:00")
        half = self.shop.make_service(duration_minutes=60, slot_step_minutes=30)
        self.assertNotIn("23:30", self.starts(half, day))

    def test_a_refusal_says_which_rule(self):  # B19
        service = self.shop.make_service(
            duration_minutes=60, slot_step_minutes=60, min_notice_minutes=1440, max_advance_days=10
        )
        self.open(("09:00", "18:00"))
        path = "/v1/staff/venues/%s/closures" % self.shop.venue
        closed = {"starts_at": self.shop.at(14), "ends_at": self.shop.at(15)}
        self.shop.staff("POST", path, closed)
        details = set()
        for at in (20, 10.5, -30, 24 * 20 + 10, 14):
            r = self.shop.book(self.me, at, service_id=service)
            self.expect(r, 422, "slot_not_offered")
            details.add(r.json()["detail"])
        self.assertEqual(len(details), 5, details)
        a = self.expect(self.shop.book(self.me, 12, service_id=service), 201)
        self.patch("services/" + service, active=False)
        self.expect(self.move(a, 13), 422, "slot_not_offered", "no longer")
        self.expect(self.move(a, 13, staff=True), 200)
        self.patch("venues/" + self.shop.venue, active=False)
        self.expect(self.move(a, 12), 422, "slot_not_offered", "no longer")
        self.expect(self.act("cancel", a), 200)


class Pages(Rules):
    def pages(self, path, limit):
        items, after = [], ""
        while after is not None:
            page = self.expect(self.shop.call("GET", "%s&limit=%d%s" % (path, limit, after)), 200)
            self.assertLessEqual(len(page["items"]), limit)
            items += page["items"]
            after = page["next"] and "&after=" + page["next"]
        return items

    def test_slots_and_days(self):  # B24, B25
        resources = [self.shop.chair] + [self.shop.resource("R%d" % n, 2) for n in range(3)]
        service = self.shop.make_service(slot_step_minutes=30, resource_ids=resources)
        self.open(("09:00", "12:00"), resource=resources[1], weekdays=(1, 2, 3))
        last = dt.date.fromisoformat(self.date) + 3 * DAY
        self.expect(self.shop.book(self.me, 10, service_id=service), 201)
        path = "/v1/services/%s/slots?from=%s&to=%s" % (service, self.date, last)
        whole = self.pages(path, 500)
        keys = [(s["starts_at"], s["resource_id"]) for s in whole]
        self.assertEqual(keys, sorted(set(keys)))
        self.assertEqual(self.pages(path, 37), whole)
        self.assertEqual(
            self.pages(path + "&party_size=2", 50), [s for s in whole if s["available"] >= 2]
        )
        first = self.expect(self.shop.call("GET", path), 200)
        self.assertEqual((first["items"], bool(first["next"])), (whole[:200], True))
        for query, pointer in (
            ("limit=0", "query:limit"),
            ("limit=501", "query:limit"),
            ("limit=x", "query:limit"),
            ("after=x", "query:after"),
            ("after=", "query:after"),
        ):
            r = self.shop.call("GET", path + "&" + query)
            self.expect(r, 422, "validation_failed")
            self.assertEqual([e["pointer"] for e in r.json()["errors"]], [pointer])
        # a row per day, and the same starts
        for more in ("", "&party_size=2", "&resource_id=" + resources[1]):
            days = self.expect(self.shop.call("GET", path.replace("/slots", "/days") + more), 200)
            slots = self.pages(path + more, 500)
            want = []
            for n in range(4):
                day = dt.date.fromisoformat(self.date) + n * DAY
                of_day = [
                    s["starts_at"]
                    for s in slots
                    if dt.datetime.fromisoformat(s["starts_at"].replace("Z", "+00:00"))
                    .astimezone(bd_shop.RIYADH)
                    .date()
                    == day
                ]
                want.append(
                    {
                        "date": str(day),
                        "starts": len(of_day),
                        "first_starts_at": min(of_day, default=None),
                    }
                )
            self.assertEqual(days["items"], want, more)
        for query in ("from=2030-01-01&to=2030-02-02", "from=2030-01-02&to=2030-01-01", "from=x"):
            for what in ("slots", "days"):
                r = self.shop.call("GET", "/v1/services/%s/%s?%s" % (service, what, query))
                self.expect(r, 422, "validation_failed")

    def test_times_for_a_move(self):  # B34
        service = self.shop.make_service(duration_minutes=60, slot_step_minutes=30)
        mine = self.expect(self.shop.book(self.me, 10, service_id=service), 201)
        hidden = {"09:30", "10:00", "10:30"}
        self.assertFalse(hidden & set(self.starts(service)))
        query = {"exclude_booking": mine["id"]}
        for token in (self.me, self.shop.admin):
            self.assertLessEqual(hidden, set(self.starts(service, token=token, **query)))
        path = "/v1/services/%s/%s?from=%s&to=%s&exclude_booking=%s"
        for what in ("slots", "days"):
            for token in (None, self.tokens[1], "x" * 43):
                at = path % (service, what, self.date, self.date, mine["id"])
                r = self.shop.call("GET", at, None, token)
                self.assertIn(r.status, (401, 404, 422), r)
        days = self.shop.call(
            "GET", path % (service, "days", self.date, self.date, mine["id"]), None, self.me
        )
        self.assertEqual(days.json()["items"][0]["starts"], 48)
        self.assertEqual(self.expect(self.move(mine, 10.5), 200)["starts_at"], self.shop.at(10.5))


if __name__ == "__main__":
    unittest.main()
