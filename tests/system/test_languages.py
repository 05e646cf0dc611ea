# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Names and dates in the language of who reads them: inside bookings, in lists, and in messages."""
import datetime as dt
import json
import unittest

import bd
import bd_shop

PAGE = "https://book.example.com"
TEXT = "{service} | {resource} | {venue} | {starts_at} | {ends_at}"
MEMBERS = ("service_name", "resource_name", "venue_name")
AR = ("قص", "سارة", "النخلة")
EN = ("Haircut", "Sara", "Palm Street")
PLAIN = ("Cut", "Chair 1", "Palm")
WEEKDAYS = ("الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت", "الأحد")
MONTHS = "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر".split()


class Languages(bd.Case):
    def setUp(self):
        messages = {
            name: {"ar": TEXT, "en": TEXT}
            for name in ("booking_confirmed", "booking_rescheduled", "booking_cancelled")
        }
        self.shop = bd_shop.Shop(
            self, {"notifications": {"messages": messages}, "server": {"cors_origins": [PAGE]}}
        )
        self.paths = {
            "services/" + self.shop.service: (AR[0], EN[0]),
            "resources/" + self.shop.chair: (AR[1], EN[1]),
            "venues/" + self.shop.venue: (AR[2], EN[2]),
        }
        for path, (ar, en) in self.paths.items():
            self.shop.staff("PATCH", "/v1/staff/" + path, {"names": {"ar": ar, "en": en}})

    def names(self, booking):
        return tuple(booking[m] for m in MEMBERS)

    def texts(self):
        return [json.loads(r["body"])["body"] for r in self.shop.sms.requests]

    def test_names_inside_bookings(self):
        # B20
        token = self.shop.customer()
        made = self.shop.book(token, 9, headers={"Accept_Language": "en-GB, ar;q=0.1"}).json()
        self.assertEqual(self.names(made), EN)
        self.assertEqual(self.names(self.shop.book(token, 11).json()), AR)
        path = "/v1/bookings/" + made["id"]
        staff = "/v1/staff/bookings/" + made["id"]
        calendar = "/v1/staff/venues/%s/calendar" % self.shop.venue
        for language, want in (("ar", AR), ("en", EN), ("fr", AR), (None, AR), ("*", AR)):
            fields = {"Accept_Language": language} if language else {}
            get = self.shop.call("GET", path, None, token, **fields)
            self.assertEqual(self.names(get.json()), want, language)
            self.assertIn("accept-language", get.header("Vary").lower())
            listed = self.shop.call("GET", "/v1/bookings", None, token, **fields).json()
            seen = self.shop.call("GET", calendar, None, self.shop.admin, **fields).json()
            for booking in listed["items"] + seen["items"]:
                self.assertEqual(self.names(booking), want, language)
            one = self.shop.call("GET", staff, None, self.shop.admin, **fields).json()
            self.assertEqual(self.names(one), want, language)
        moved = self.shop.call(
            "POST",
            path + "/reschedule",
            {"starts_at": self.shop.at(14)},
            token,
            Accept_Language="en",
        )
        self.assertEqual(self.names(moved.json()), EN)
        closure = self.shop.call(
            "POST",
            "/v1/staff/venues/%s/closures" % self.shop.venue,
            {"starts_at": self.shop.at(14), "ends_at": self.shop.at(15)},
            self.shop.admin,
            Accept_Language="en",
        )
        self.assertEqual([self.names(b) for b in closure.json()["conflicts"]], [EN])

    def test_vary_names_all_fields_that_count(self):
        path = "/v1/services/" + self.shop.service
        for headers, vary in (
            ({}, "Accept-Language"),
            ({"Origin": PAGE}, "Accept-Language, Origin"),
            ({"Origin": "https://other.example"}, "Accept-Language"),
        ):
            answer = self.shop.call("GET", path, **headers)
            self.assertEqual(answer.header("Vary"), vary)
            tag = answer.header("ETag")
            answer = self.shop.call("GET", path, If_None_Match=tag, **headers)
            self.assertEqual((answer.status, answer.header("Vary")), (304, vary))

    def test_a_missing_language_falls_back(self):
        token = self.shop.customer()
        path = "/v1/bookings/" + self.shop.book(token, 9).json()["id"]

        def seen(language):
            return self.names(
                self.shop.call("GET", path, None, token, Accept_Language=language).json()
            )

        for part in self.paths:
            self.shop.staff("PATCH", "/v1/staff/" + part, {"names": {"en": None}})
        self.assertEqual(seen("en"), AR)  # the venue's language
        for part in self.paths:
            self.shop.staff("PATCH", "/v1/staff/" + part, {"names": {"ar": None}})
        self.assertEqual(seen("en"), PLAIN)
        self.assertEqual(seen("ar"), PLAIN)

    def test_messages_are_in_the_reader_s_language(self):
        day = dt.datetime.now(bd_shop.RIYADH).date() + dt.timedelta(days=2)
        english = "%s, %d %s, " % (day.strftime("%A"), day.day, day.strftime("%B"))
        arabic = "%s، %d %s، " % (WEEKDAYS[day.weekday()], day.day, MONTHS[day.month - 1])

        def text(names, date, begins, ends):
            return " | ".join(names + (date + begins, date + ends))

        tom = self.shop.customer("+966551234567", "en")
        sara = self.shop.customer("+966551234568", "ar")
        # the reader is the recipient, not the caller
        booked = self.shop.book(tom, 9, headers={"Accept_Language": "ar"}).json()
        self.shop.book(sara, 11, headers={"Accept_Language": "en"})
        self.shop.call(
            "POST",
            "/v1/staff/bookings/%s/reschedule" % booked["id"],
            {"starts_at": self.shop.at(16)},
            self.shop.admin,
            Accept_Language="ar",
        )
        guest = {"phone": "0551234569", "name": "Tom", "locale": "en"}
        order = {"service_id": self.shop.service, "starts_at": self.shop.at(18), **guest}
        self.shop.staff("POST", "/v1/staff/venues/%s/bookings" % self.shop.venue, order)
        self.assertEqual(
            self.texts(),
            [
                text(EN, english, "09:00", "10:00"),
                text(AR, arabic, "11:00", "12:00"),
                text(EN, english, "16:00", "17:00"),
                text(EN, english, "18:00", "19:00"),
            ],
        )


if __name__ == "__main__":
    unittest.main()
