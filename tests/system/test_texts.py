# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Texts that people write: what cannot be seen, what controls, blanks at the ends."""
import unittest

import bd
import bd_shop

BLANK = ("", "   ", "\u00a0", "\u200b", "\u200e\u200f", "\u0301", "\u3164", "\u2800", " \u200d ")
CONTROLS = ("\x01", "\x07", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u2029", "\u202a", "\u202e")
CONTROLS += ("\u2066", "\u2067", "\u2069")
GOOD = ("نور", "e\u0301", "👩\u200d👩\u200d👧", "می\u200cخواهم", "\u200fPalm\u200e", "❤\ufe0f")


class Texts(bd.Case):
    def setUp(self):
        self.shop = bd_shop.Shop(self)
        self.token = self.shop.customer()
        self.hour = 0

    def names(self):
        """Every route that takes a name, as (send, name in the answer)."""
        shop, venue = self.shop, "/v1/staff/venues/" + self.shop.venue
        for method, path, more in (
            ("POST", "/v1/staff/venues", {"time_zone": "Asia/Riyadh", "currency": "SAR"}),
            ("PATCH", venue, {}),
            ("POST", venue + "/services", {"duration_minutes": 30}),
            ("PATCH", "/v1/staff/services/" + shop.service, {}),
            ("POST", venue + "/resources", {}),
            ("PATCH", "/v1/staff/resources/" + shop.chair, {}),
        ):
            yield path, lambda name, method=method, path=path, more=more: shop.call(
                method, path, {"name": name, **more}, shop.admin
            )
        yield "/v1/me", lambda name: shop.call("PATCH", "/v1/me", {"name": name}, self.token)

    def staff_booking(self, **over):
        self.hour += 1
        body = {
            "phone": "05512345%02d" % self.hour,
            "service_id": self.shop.service,
            "starts_at": self.shop.at(self.hour),
        }
        return self.shop.call(
            "POST",
            "/v1/staff/venues/%s/bookings" % self.shop.venue,
            {**body, **over},
            self.shop.admin,
        )

    def refused(self, answer, pointer):
        self.assertEqual((answer.status, answer.code), (422, "validation_failed"), answer)
        self.assertEqual([e["pointer"] for e in answer.json()["errors"]], [pointer])

    def test_names(self):
        # B26, B27, B28
        for path, send in self.names():
            with self.subTest(path):
                for blank in BLANK:
                    self.refused(send(blank), "/name")
                for control in CONTROLS + ("\n", "\t", "\r\n"):
                    self.refused(send("a%sb" % control), "/name")
                for good in GOOD:
                    self.assertEqual(send(good).json()["name"], good)
                self.assertEqual(send(" \u3000Palm  Court\t\n ").json()["name"], "Palm  Court")
                self.assertEqual(send("  " + "n" * 120 + "  ").status // 100, 2)
                self.refused(send("n" * 121), "/name")

    def test_names_of_staff_bookings(self):
        # B26, B27
        for bad in BLANK + tuple("a%sb" % c for c in CONTROLS):
            self.refused(self.staff_booking(name=bad), "/name")
        made = self.staff_booking(name=" Sarah ")
        self.assertEqual((made.status, made.json()["customer"]["name"]), (201, "Sarah"))

    def test_every_other_text(self):
        # B26, B27, B28: what came later is held to the same rule
        shop = self.shop
        booking = "/v1/staff/bookings/" + self.staff_booking().json()["id"]
        customer = "/v1/staff/customers/" + self.staff_booking().json()["customer"]["id"]
        venue, service = "/v1/staff/venues/" + shop.venue, "/v1/staff/services/" + shop.service
        chair = "/v1/staff/resources/" + shop.chair
        dates = {"from": "2035-01-01", "to": "2035-01-02", "hours": []}
        for method, path, body, pointer, named in (
            ("PATCH", booking, lambda t: {"guest_name": t}, "/guest_name", True),
            ("PATCH", booking, lambda t: {"note": t}, "/note", False),
            ("PATCH", booking, lambda t: {"staff_note": t}, "/staff_note", False),
            ("PATCH", customer, lambda t: {"name": t}, "/name", True),
            ("PATCH", customer, lambda t: {"note": t}, "/note", False),
            ("PATCH", venue, lambda t: {"names": {"ar": t}}, "/names/ar", True),
            ("PATCH", service, lambda t: {"names": {"en": t}}, "/names/en", True),
            ("PATCH", chair, lambda t: {"names": {"en": t}}, "/names/en", True),
            ("PATCH", service, lambda t: {"descriptions": {"ar": t}}, "/descriptions/ar", False),
            ("PATCH", service, lambda t: {"category": t}, "/category", True),
            ("PATCH", venue, lambda t: {"address": t}, "/address", False),
            ("POST", chair + "/special-hours", lambda t: {**dates, "note": t}, "/note", False),
            ("POST", "/v1/staff/keys", lambda t: {"name": t, "role": "viewer"}, "/name", True),
        ):
            with self.subTest(path=path, pointer=pointer):
                for control in CONTROLS:
                    text = "a%sb" % control
                    self.refused(shop.call(method, path, body(text), shop.admin), pointer)
                for blank in ("   ", "\u200b", "\u3164") if named else ():
                    self.refused(shop.call(method, path, body(blank), shop.admin), pointer)
                good = shop.call(method, path, body(" می\u200cخواهم "), shop.admin)
                self.assertIn(good.status, (200, 201), good)
                self.assertIn('"می\u200cخواهم"', good.body.decode())

    def test_notes(self):
        # B27, B28
        def booked(note):
            self.hour += 1
            return self.shop.book(self.token, self.hour, note=note)

        self.assertEqual(booked(" first\r\n\tsecond\n ").json()["note"], "first\n\tsecond")
        self.assertEqual(self.staff_booking(note="  x ").json()["note"], "x")
        booking = "/v1/bookings/%s/cancel" % booked("").json()["id"]
        staff = "/v1/staff/bookings/%s/cancel" % self.staff_booking().json()["id"]
        closures = "/v1/staff/venues/%s/closures" % self.shop.venue
        span = {"starts_at": "2035-01-01T00:00:00Z", "ends_at": "2035-01-02T00:00:00Z"}
        for control in CONTROLS:
            text = "a%sb" % control
            self.refused(booked(text), "/note")
            self.refused(self.staff_booking(note=text), "/note")
            self.refused(self.shop.call("POST", booking, {"reason": text}, self.token), "/reason")
            self.refused(
                self.shop.call("POST", staff, {"reason": text}, self.shop.admin), "/reason"
            )
            self.refused(
                self.shop.call("POST", closures, {**span, "reason": text}, self.shop.admin),
                "/reason",
            )
        made = self.shop.call("POST", closures, {**span, "reason": " b "}, self.shop.admin)
        self.assertEqual(made.json()["reason"], "b")


if __name__ == "__main__":
    unittest.main()
