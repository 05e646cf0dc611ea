# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A receptionist's day from the first walk-in to the last refund, with a key of role `agent` that
is bound to the venue: nothing else is needed at the desk."""
import datetime as dt

import bd
import bd_pay
import bd_shop


class Day(bd.Case):
    def setUp(self):
        self.shop = bd_pay.PayShop(self)
        self.desk = self.shop.key("desk", "agent", self.shop.venue)
        self.sara, self.noor = self.shop.resource("Sara"), self.shop.resource("Noor")
        self.hours(self.noor, "09:00", "17:00")
        both = [self.sara, self.noor]
        self.cut = self.shop.make_service(payment="on_site", resource_ids=both)
        self.colour = self.shop.make_service(
            name="Colour", price=12000, payment="online", resource_ids=both
        )
        self.venue = "/v1/staff/venues/" + self.shop.venue
        date = self.shop.at(0, bd_shop.RIYADH)[:10]
        self.period = "from=%s&to=%s" % (date, date)

    def hours(self, resource, opens, closes):
        week = [{"weekday": d, "opens": opens, "closes": closes} for d in range(1, 8)]
        self.shop.staff("PUT", "/v1/staff/resources/%s/opening-hours" % resource, {"items": week})

    def do(self, method, path, body=None, status=200, code=None):
        r = self.shop.call(method, path, body, self.desk)
        self.assertEqual((r.status, r.code if r.status >= 400 else None), (status, code), r)
        return r.json() if r.body else None

    def place(self, status=201, code=None, **body):
        body = {"service_id": self.cut, **body}
        return self.do("POST", self.venue + "/bookings", body, status, code)

    def act(self, booking, what, body=None, status=200, code=None):
        path = "/v1/staff/bookings/%s/%s" % (booking["id"], what)
        return self.do("POST", path, body, status, code)

    def calendar(self, query):
        return self.do("GET", "%s/calendar?%s" % (self.venue, query))["items"]

    def found(self, query):
        return [c["phone"] for c in self.do("GET", "/v1/staff/customers?" + query)["items"]]

    def test_from_morning_to_evening(self):
        # A walk-in without a phone, who has been in the chair for ten minutes.
        now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
        ten_ago = (now - dt.timedelta(minutes=10)).isoformat().replace("+00:00", "Z")
        mona = self.place(name="Mona", starts_at=ten_ago, resource_id=self.sara, force=["grid"])
        self.assertEqual(
            (mona["status"], mona["customer"], mona["guest_name"]), ("confirmed", None, "Mona")
        )

        # Marked as absent by mistake; she is here, and done later.
        self.assertEqual(self.act(mona, "no-show")["status"], "no_show")
        self.act(mona, "complete", status=409, code="booking_not_active")
        self.assertEqual(self.act(mona, "reopen")["status"], "confirmed")
        self.assertEqual(self.act(mona, "complete")["status"], "completed")
        changes = self.do("GET", "/v1/staff/bookings/" + mona["id"])["history"]
        self.assertEqual(
            [c["to"] for c in changes], ["confirmed", "no_show", "confirmed", "completed"]
        )
        self.assertEqual({c["actor"] for c in changes}, {"staff:desk"})

        # A caller; then Sara is ill, and her customers go to Noor.
        rana = self.place(
            phone="0551112222",
            name="Rana Ali",
            locale="en",
            starts_at=self.shop.at(10),
            resource_id=self.sara,
        )
        move = {"starts_at": self.shop.at(10), "resource_id": self.noor}
        moved = self.act(rana, "reschedule", move)
        self.assertEqual((moved["resource_id"], moved["resource_name"]), (self.noor, "Noor"))
        self.assertEqual(
            [n["template"] for n in self.shop.notifications(booking_id=rana["id"])],
            ["booking_rescheduled", "booking_confirmed"],
        )

        # The day of one stylist.
        late = self.place(name="Huda", starts_at=self.shop.at(15), resource_id=self.noor)
        day = self.calendar(self.period + "&resource_id=" + self.noor)
        self.assertEqual(
            [(b["id"], b["service_name"], b["guest_name"]) for b in day],
            [(rana["id"], "Cut", "Rana Ali"), (late["id"], "Cut", "Huda")],
        )
        self.assertEqual(self.calendar(self.period + "&resource_id=" + self.sara), [])

        # Found again by phone, however it is written, and by name.
        for query in ("q=0551112222", "q=%2B96655111", "phone=055111", "q=rana", "name=Rana"):
            self.assertEqual(self.found(query), ["+966551112222"], query)
        self.assertEqual(self.found("q=nobody"), [])
        self.assertEqual([b["id"] for b in self.calendar("q=huda")], [late["id"]])
        self.assertEqual([b["id"] for b in self.calendar("phone=0551112222")], [rana["id"]])

        # Half an hour for a delivery: nothing is sold in it, and who is booked is named.
        path = self.venue + "/closures"
        pause = {"resource_id": self.noor, "starts_at": self.shop.at(13), "reason": "Delivery"}
        closed = self.do("POST", path, {**pause, "ends_at": self.shop.at(13.5)}, 201)
        self.assertEqual((closed["conflicts"], closed["conflicts_total"]), ([], 0))
        order = {"name": "Lama", "starts_at": self.shop.at(13), "resource_id": self.noor}
        self.place(422, "slot_not_offered", **order)
        self.do("DELETE", "/v1/staff/closures/" + closed["id"], status=204)
        lama = self.place(**order)
        closed = self.do("POST", path, {**pause, "ends_at": self.shop.at(13.5)}, 201)
        self.assertEqual([b["guest_name"] for b in closed["conflicts"]], ["Lama"])
        whole = {"starts_at": self.shop.at(13), "ends_at": self.shop.at(13.5)}
        self.do("POST", path, whole, 403, "forbidden")  # the venue is not the desk's to close

        # After hours, for a friend of the house: by name of the rule, never over the capacity.
        order = {"name": "Dana", "starts_at": self.shop.at(20), "resource_id": self.noor}
        self.place(422, "slot_not_offered", **order)
        dana = self.place(force=["hours"], **order)
        self.assertEqual(dana["forced"], "hours")
        self.place(409, "slot_taken", force=True, **order)
        self.place(409, "slot_taken", force=True, **{**order, "starts_at": lama["starts_at"]})
        detail = self.do("GET", "/v1/staff/bookings/" + dana["id"])
        self.assertIn("hours", detail["history"][0]["reason"])
        self.assertIn(("staff:desk", "booking.create"), self.shop.audit(dana["id"]))

        # Paid by a link, then cancelled: the money goes back with the booking.
        paid = self.place(
            service_id=self.colour,
            phone="0551112222",
            starts_at=self.shop.at(16),
            resource_id=self.noor,
        )
        self.assertEqual(paid["status"], "pending_payment")
        payment = paid["payment_link"]["payment"]
        self.shop.pay(payment["gateway_id"])
        self.shop.come_back(payment["id"])
        detail = self.do("GET", "/v1/staff/bookings/" + paid["id"])
        self.assertEqual((detail["status"], detail["payments"][0]["status"]), ("confirmed", "paid"))
        ended = self.act(paid, "cancel", {"reason": "Noor is ill", "refund": "full"})
        self.assertEqual((ended["status"], ended["reason"]), ("cancelled", "Noor is ill"))
        self.assertEqual(ended["refund"], {"amount": 12000, "currency": "SAR"})
        self.assertEqual(ended["payments"][0]["status"], "refunded")
        self.assertEqual(self.shop.imbalance(), [])
        self.assertEqual(
            sorted(n["template"] for n in self.shop.notifications(booking_id=paid["id"])),
            ["booking_cancelled", "booking_confirmed", "payment_link", "payment_refunded"],
        )

        # What is left of the day.
        live = self.calendar(self.period + "&status=confirmed,pending_payment")
        self.assertEqual([b["guest_name"] for b in live], ["Rana Ali", "Lama", "Huda", "Dana"])


if __name__ == "__main__":
    bd.main()
