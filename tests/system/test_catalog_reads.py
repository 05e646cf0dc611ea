# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What is shown of venues, services and resources: to whom, in which language, and once retired."""
import unittest

import bd
import bd_shop

NOBODY = "018f0000-0000-7000-8000-000000000000"


class Reads(bd.Case):
    def setUp(self):
        self.shop = bd_shop.Shop(self)
        self.venue = "/v1/staff/venues/" + self.shop.venue
        self.service = "/v1/staff/services/" + self.shop.service
        self.chair = "/v1/staff/resources/" + self.shop.chair

    def staff(self, method, path, body=None, status=200, key=None):
        answer = self.shop.call(method, path, body, key or self.shop.admin)
        self.assertEqual(answer.status, status, answer)
        return answer.json() if answer.body else None

    def statuses(self, token, *paths):
        return [self.shop.call("GET", path, token=token).status for path in paths]

    def test_retired_things_stay_readable_for_who_holds_a_booking(self):
        # B17
        token, other = self.shop.customer(), self.shop.customer("+966551234568")
        public = ("/v1/services/" + self.shop.service, "/v1/venues/" + self.shop.venue)
        self.assertEqual(self.shop.book(token, 9).status, 201)
        self.staff("PATCH", self.service, {"active": False})
        self.assertEqual(self.statuses(token, *public), [200, 200])
        self.assertEqual(self.statuses(other, *public), [404, 200])
        self.assertEqual(self.statuses(None, *public), [404, 200])
        self.assertIs(self.shop.call("GET", public[0], token=token).json()["active"], False)
        self.staff("PATCH", self.service, {"active": True})
        self.staff("PATCH", self.venue, {"active": False})
        self.assertEqual(self.statuses(token, *public), [200, 200])
        self.assertEqual(self.statuses(other, *public), [404, 404])
        self.assertEqual(self.statuses("wrong", *public), [404, 404])
        for path in public:
            self.assertIs(self.shop.call("GET", path, token=token).json()["active"], False)

    def test_staff_read_what_is_retired(self):
        # B18
        for path in (self.venue, self.service, self.chair):
            self.staff("PATCH", path, {"active": False})
            self.assertIs(self.staff("GET", path)["active"], False)
        for path in ("/v1/staff/venues", self.venue + "/services", self.venue + "/resources"):
            self.assertEqual([x["active"] for x in self.staff("GET", path)["items"]], [False])
        viewer = self.shop.key("eyes", "viewer", self.shop.venue)
        self.assertEqual(self.staff("GET", self.service, key=viewer)["name"], "Cut")
        other = self.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "UTC", "currency": "SAR"},
            201,
        )
        self.staff("GET", "/v1/staff/venues/" + other["id"], status=404, key=viewer)
        self.staff("GET", "/v1/staff/venues/%s/services" % other["id"], status=404, key=viewer)
        mine = self.staff("GET", "/v1/staff/venues", key=viewer)["items"]
        self.assertEqual([v["id"] for v in mine], [self.shop.venue])
        self.staff("GET", "/v1/staff/services/" + NOBODY, status=404)

    def test_public_resources(self):
        # B33
        path = "/v1/venues/%s/resources" % self.shop.venue
        words = {
            "names": {"ar": "سارة", "en": "Sara"},
            "descriptions": {"en": "Colour"},
            "photo_url": "https://example.com/sara.jpg",
        }
        self.staff("PATCH", self.chair, words)
        hidden = self.shop.resource("Hidden")
        gone = self.shop.resource("Gone")
        self.staff("PATCH", "/v1/staff/resources/" + hidden, {"listed": False})
        self.staff("PATCH", "/v1/staff/resources/" + gone, {"active": False})
        items = self.shop.call("GET", path, Accept_Language="en-GB").json()["items"]
        self.assertEqual([r["id"] for r in items], [self.shop.chair])
        self.assertEqual(
            {k: items[0][k] for k in ("name", "description", "photo_url")},
            {"name": "Sara", "description": "Colour", "photo_url": words["photo_url"]},
        )
        self.staff("PATCH", self.venue, {"active": False})
        self.assertEqual(self.shop.call("GET", path).status, 404)

    def test_languages(self):
        words = {"names": {"ar": "قص", "en": "Haircut"}, "category": " Hair ", "order": 5}
        self.assertEqual(self.staff("PATCH", self.service, words)["category"], "Hair")
        path = "/v1/services/" + self.shop.service

        def name(language=None):
            headers = {"Accept_Language": language} if language else {}
            return self.shop.call("GET", path, **headers).json()["name"]

        self.assertEqual([name(), name("en"), name("ar-SA, en;q=0.5")], ["قص", "Haircut", "قص"])
        self.assertEqual([name("fr, en;q=0.3"), name("fr"), name("*")], ["Haircut", "قص", "قص"])
        self.staff("PATCH", self.venue, {"locale": "en"})
        self.assertEqual(name(), "Haircut")
        self.staff("PATCH", self.service, {"names": {"en": None}})
        self.assertEqual([name(), name("ar")], ["Cut", "قص"])
        self.assertEqual(self.staff("GET", self.service)["names"], {"ar": "قص"})
        for body, pointer in (
            ({"names": {"fr": "x"}}, "/names/fr"),
            ({"names": {"ar": " "}}, "/names/ar"),
            ({"photo_url": "javascript:x"}, "/photo_url"),
            ({"order": -1}, "/order"),
        ):
            answer = self.shop.call("PATCH", self.service, body, self.shop.admin)
            self.assertEqual(answer.status, 422, answer)
            self.assertEqual([e["pointer"] for e in answer.json()["errors"]], [pointer])

    def test_lists_are_by_order_then_name(self):
        made = [
            self.shop.make_service(name=name, order=order)
            for name, order in (("B", 1), ("A", 1), ("Z", 0), ("A", 2))
        ]
        self.staff("PATCH", self.service, {"order": 9})
        want = [made[2], made[1], made[0], made[3], self.shop.service]
        for path in ("/v1/venues/%s/services" % self.shop.venue, self.venue + "/services"):
            seen, after = [], ""
            while after is not None:
                page = self.staff("GET", path + "?limit=2" + after)
                seen += [s["id"] for s in page["items"]]
                after = page["next"] and "&after=" + page["next"]
            self.assertEqual(seen, want)

    def test_null_restores_the_step(self):
        # B36, B35
        self.assertEqual(
            self.staff("PATCH", self.service, {"slot_step_minutes": 15, "max_party_size": 4})[
                "slot_step_minutes"
            ],
            15,
        )
        back = self.staff("PATCH", self.service, {"slot_step_minutes": None})
        self.assertEqual((back["slot_step_minutes"], back["max_party_size"]), (60, 4))
        longer = self.staff("PATCH", self.service, {"duration_minutes": 90, "max_party_size": None})
        self.assertEqual((longer["slot_step_minutes"], longer["max_party_size"]), (90, None))
        # longer than a step may be that somebody chooses
        week = self.staff("PATCH", self.service, {"duration_minutes": 10080})
        self.assertEqual(week["slot_step_minutes"], 10080)

    def test_a_price_that_the_gateway_takes(self):
        # M30
        for price in (1, 99):
            answer = self.shop.call(
                "PATCH", self.service, {"payment": "online", "price": price}, self.shop.admin
            )
            self.assertEqual(answer.status, 422, answer)
            self.assertEqual([e["pointer"] for e in answer.json()["errors"]], ["/price"])
        self.staff("PATCH", self.service, {"payment": "online", "price": 100})
        self.staff("PATCH", self.service, {"payment": "online", "price": 0})
        self.staff("PATCH", self.service, {"payment": "on_site", "price": 50})
        answer = self.shop.call("PATCH", self.service, {"payment": "online"}, self.shop.admin)
        self.assertEqual([e["pointer"] for e in answer.json()["errors"]], ["/payment"])

    def test_if_none_match(self):
        token = self.shop.customer()
        path = "/v1/bookings/" + self.shop.book(token, 9).json()["id"]
        tag = self.shop.call("GET", path, token=token).header("ETag")
        for value, status in ((tag, 304), ('"9", W/' + tag, 304), ("*", 304), ('"9"', 200)):
            answer = self.shop.call("GET", path, None, token, If_None_Match=value)
            self.assertEqual((answer.status, answer.header("ETag")), (status, tag), value)

    def test_if_none_match_of_the_catalogue(self):
        self.staff("PATCH", self.service, {"names": {"ar": "قص", "en": "Haircut"}})
        venue, service = "/v1/venues/" + self.shop.venue, "/v1/services/" + self.shop.service
        spoken = ("/v1/venues", venue, venue + "/services", venue + "/resources", service)
        for path in spoken + (service + "/slots", service + "/days"):
            first = self.shop.call("GET", path, Accept_Language="en")
            tag = first.header("ETag")
            self.assertRegex(tag, r'^"[0-9a-f]{32}"$')
            self.assertEqual(first.header("Cache-Control"), "no-cache")
            vary = "Accept-Language" if path in spoken else None
            self.assertEqual(first.header("Vary"), vary, path)
            for value, status in (
                (tag, 304),
                ("W/" + tag, 304),
                ('"x", ' + tag, 304),
                ("*", 304),
                ('"x"', 200),
                (tag.strip('"'), 200),
            ):
                again = self.shop.call("GET", path, Accept_Language="en", If_None_Match=value)
                self.assertEqual((again.status, again.header("ETag")), (status, tag), (path, value))
                self.assertEqual(again.body, b"" if status == 304 else first.body)
                self.assertEqual(again.header("Vary"), vary)
                self.assertIsNone(again.header("Content-Length") if status == 304 else None)
            head = self.shop.call("HEAD", path, Accept_Language="en", If_None_Match=tag)
            self.assertEqual(head.status, 304)
        # another language, another answer; and so after a change
        tag = self.shop.call("GET", service, Accept_Language="en").header("ETag")
        answer = self.shop.call("GET", service, Accept_Language="ar", If_None_Match=tag)
        self.assertEqual((answer.status, answer.json()["name"]), (200, "قص"))
        self.staff("PATCH", self.service, {"price": 6000})
        answer = self.shop.call("GET", service, Accept_Language="en", If_None_Match=tag)
        self.assertEqual((answer.status, answer.json()["price"]), (200, 6000))
        # what a token may have widened is for its bearer
        mine = self.shop.call("GET", service, token=self.shop.customer())
        self.assertEqual(mine.header("Cache-Control"), "private, no-cache")
        other = venue[:-1] + ("1" if venue.endswith("0") else "0")
        gone = self.shop.call("GET", other, If_None_Match="*")
        self.assertEqual((gone.status, gone.header("ETag")), (404, None))

    def test_a_hold_that_died_is_not_the_version_that_the_caller_has(self):
        online = self.shop.make_service(payment="online")
        token = self.shop.customer()
        held = self.shop.book(token, 9, service_id=online)
        path, tag = "/v1/bookings/" + held.json()["id"], held.header("ETag")
        self.assertEqual(self.shop.call("GET", path, None, token, If_None_Match=tag).status, 304)
        self.shop.pg.sql(
            "UPDATE bookings SET hold_expires_at = now() - interval '1 s' WHERE id = '%s'"
            % held.json()["id"]
        )
        answer = self.shop.call("GET", path, None, token, If_None_Match=tag)
        self.assertEqual((answer.status, answer.json()["status"]), (200, "expired"))

    def test_venue_in_use(self):
        # B6, B7
        def patch(body):
            return self.shop.call("PATCH", self.venue, body, self.shop.admin)

        booking = self.shop.book(self.shop.customer(), 9).json()["id"]
        for body, services in (
            ({"time_zone": "Asia/Dubai"}, 0),
            ({"currency": "KWD"}, 1),
            ({"currency": "KWD", "time_zone": "UTC"}, 1),
        ):
            answer = patch(body)
            self.assertEqual((answer.status, answer.code), (409, "venue_in_use"), answer)
            told = answer.json()
            self.assertEqual((told["bookings"], told["services"]), (1, services))
        self.assertEqual(patch({"time_zone": "Asia/Riyadh", "currency": "SAR"}).status, 200)
        self.assertEqual(patch({"name": "x"}).status, 200)
        self.staff("POST", "/v1/staff/bookings/%s/cancel" % booking)
        self.assertEqual(patch({"time_zone": "Asia/Dubai"}).status, 200)
        self.assertEqual(patch({"currency": "KWD"}).code, "venue_in_use")
        self.staff("PATCH", self.service, {"price": 0})
        self.assertEqual(patch({"currency": "KWD"}).status, 200)


if __name__ == "__main__":
    unittest.main()
