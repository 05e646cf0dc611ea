# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Changes of the catalogue: the bookings that no longer fit; hours of dates."""
import datetime as dt
import threading
import unittest

import bd
import bd_shop


class Conflicts(bd.Case):
    def setUp(self):
        self.shop = bd_shop.Shop(self)
        self.chair = "/v1/staff/resources/" + self.shop.chair
        self.closures = "/v1/staff/venues/%s/closures" % self.shop.venue
        self.token = self.shop.customer(name="Huda")

    def booked(self, hours, **over):
        answer = self.shop.book(self.token, hours, **over)
        self.assertEqual(answer.status, 201, answer)
        return answer.json()["id"]

    def conflicts(self, answer, status=200):
        self.assertEqual(answer.status, status, answer)
        found = answer.json()
        self.assertEqual(found["conflicts_total"], len(found["conflicts"]))
        return [b["id"] for b in found["conflicts"]]

    def change(self, method, path, body=None, status=200):
        return self.conflicts(self.shop.call(method, path, body, self.shop.admin), status)

    @staticmethod
    def week(opens, closes):
        return {"items": [{"weekday": d, "opens": opens, "closes": closes} for d in range(1, 8)]}

    def day(self, after=0):
        today = dt.datetime.now(bd_shop.RIYADH).date()
        return str(today + dt.timedelta(days=2 + after))

    def test_shorter_hours(self):
        # B22, B23
        early, late = self.booked(8), self.booked(17)
        hours = self.chair + "/opening-hours"
        self.assertEqual(self.change("PUT", hours, self.week("09:00", "18:00")), [early])
        self.assertEqual(self.change("PUT", hours, self.week("08:00", "17:59")), [late])
        self.assertEqual(self.change("PUT", hours, {"items": []}), [early, late])
        self.assertEqual(self.change("PUT", hours, self.week("00:00", "24:00")), [])
        answer = self.shop.call("PUT", hours, {"items": []}, self.shop.admin).json()
        self.assertEqual(answer["conflicts"][0]["customer"]["phone"], "+966551234567")
        self.assertEqual(answer["conflicts"][0]["customer"]["name"], "Huda")
        self.assertIn("guest_name", answer["conflicts"][0])

    def test_retired_resource_and_removed_link(self):
        # B22
        other = self.shop.resource("Chair 2")
        service = "/v1/staff/services/" + self.shop.service
        both = {"resource_ids": [self.shop.chair, other]}
        self.assertEqual(self.change("PATCH", service, both), [])
        here = self.booked(9, resource_id=self.shop.chair)
        there = self.booked(9, resource_id=other)
        self.assertEqual(self.change("PATCH", service, {"resource_ids": [other]}), [here])
        # all that does not fit, also what an earlier change left behind, and in a repeat
        for _ in range(2):
            left = self.change("PATCH", service, {"resource_ids": []})
            self.assertEqual(sorted(left), sorted([here, there]))
        self.assertEqual(self.change("PATCH", service, both), [])
        self.assertEqual(self.change("PATCH", self.chair, {"name": "x"}), [])
        for _ in range(2):
            self.assertEqual(self.change("PATCH", self.chair, {"active": False}), [here])
        self.shop.staff("POST", "/v1/staff/bookings/%s/cancel" % here)
        self.assertEqual(self.change("PATCH", self.chair, {"active": True}), [])
        self.assertEqual(self.change("PATCH", self.chair, {"active": False}), [])

    def test_lower_capacity(self):
        # B1
        self.assertEqual(self.change("PATCH", self.chair, {"capacity": 10}), [])
        ids = [self.booked(9, party_size=4), self.booked(9, party_size=4)]
        alone = self.booked(12, party_size=4)
        for capacity in (6, 6, 7):  # a repeat, and a raise that is not enough
            left = self.change("PATCH", self.chair, {"capacity": capacity})
            self.assertEqual(sorted(left), sorted(ids))
        self.assertEqual(self.change("PATCH", self.chair, {"name": "x"}), [])
        self.assertEqual(self.shop.book(self.token, 9, party_size=1).code, "slot_taken")
        self.shop.staff("POST", "/v1/staff/bookings/%s/cancel" % ids[0])
        self.assertEqual(self.change("PATCH", self.chair, {"capacity": 4}), [])
        both = sorted([ids[1], alone])
        self.assertEqual(sorted(self.change("PATCH", self.chair, {"capacity": 3})), both)

    def test_a_booking_is_in_the_list_or_refused(self):
        # B21: the closure waits behind the booking that is being made, and then sees it
        span = {"starts_at": self.shop.at(9), "ends_at": self.shop.at(12)}
        other = self.shop.pg.session()
        self.addCleanup(other.close)
        other.ask("BEGIN")
        other.ask("LOCK TABLE closures IN SHARE MODE")
        answers = []
        closing = threading.Thread(
            target=lambda: answers.append(
                self.shop.call("POST", self.closures, span, self.shop.admin)
            )
        )
        closing.start()
        bd.wait_until(
            lambda: self.shop.pg.value(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation ="
                " 'closures'::regclass"
            )
            == "1",
            "the closure to wait",
        )
        booking = threading.Thread(target=lambda: answers.append(self.shop.book(self.token, 10)))
        booking.start()
        booking.join(0.5)
        self.assertTrue(booking.is_alive(), "the booking does not wait for the closure")
        other.ask("ROLLBACK")
        closing.join()
        booking.join()
        answers.sort(key=lambda a: a.status)
        self.assertEqual([a.status for a in answers], [201, 422], answers)
        self.assertEqual(self.conflicts(answers[0], 201), [])
        made = self.booked(14)
        span = {"starts_at": self.shop.at(14.5), "ends_at": self.shop.at(20)}
        self.assertEqual(self.change("POST", self.closures, span, 201), [made])

    def test_agents_close_a_day_of_one_resource(self):
        agent = self.shop.key("front", "agent")
        viewer = self.shop.key("eyes", "viewer")

        def close(hours, key=agent, **more):
            span = {"starts_at": self.shop.at(0), "ends_at": self.shop.at(hours)}
            return self.shop.call("POST", self.closures, {**span, **more}, key)

        here = {"resource_id": self.shop.chair}
        made = close(24, **here)
        self.assertEqual(made.status, 201, made)
        self.assertEqual(close(25, **here).status, 403)
        self.assertEqual(close(1).status, 403)
        self.assertEqual(close(1, key=viewer, **here).status, 403)
        path = "/v1/staff/closures/"
        self.assertEqual(
            self.shop.call("DELETE", path + made.json()["id"], token=agent).status, 204
        )
        whole = close(1, key=self.shop.admin).json()["id"]
        self.assertEqual(self.shop.call("DELETE", path + whole, token=agent).status, 403)

    def slots(self, day):
        path = "/v1/services/%s/slots?from=%s&to=%s" % (self.shop.service, day, day)
        return [
            dt.datetime.fromisoformat(s["starts_at"].replace("Z", "+00:00"))
            .astimezone(bd_shop.RIYADH)
            .strftime("%H:%M")
            for s in self.shop.call("GET", path).json()["items"]
        ]

    def test_special_hours(self):
        path = self.chair + "/special-hours"
        noon, night = self.booked(12), self.booked(21)
        ramadan = {
            "from": self.day(),
            "to": self.day(2),
            "hours": [{"opens": "20:00", "closes": "02:00"}],
            "note": " Ramadan ",
        }
        made = self.shop.call("POST", path, ramadan, self.shop.admin)
        self.assertEqual(self.conflicts(made, 201), [noon])
        made = made.json()
        self.assertEqual(made["note"], "Ramadan")
        self.assertEqual(self.slots(self.day())[-2:], ["22:00", "23:00"])
        self.assertEqual(self.slots(self.day(1))[:3], ["00:00", "01:00", "20:00"])
        listed = self.shop.staff("GET", path)["items"]
        self.assertEqual(listed, [{k: made[k] for k in listed[0]}])
        closed = {"from": self.day(1), "to": self.day(1), "hours": []}
        again = self.shop.call("POST", path, closed, self.shop.admin)
        self.assertEqual((again.status, again.code), (422, "validation_failed"), again)
        replaced = self.change("PUT", path, {"items": [{**closed, "from": self.day()}]})
        self.assertEqual(replaced, [noon, night])
        self.assertEqual(self.slots(self.day()), [])
        one = self.shop.staff("GET", path)["items"][0]
        self.assertEqual(self.change("DELETE", path + "/" + one["id"]), [])
        self.assertEqual(
            self.shop.call("DELETE", path + "/" + one["id"], token=self.shop.admin).status, 404
        )
        self.assertEqual(len(self.slots(self.day(1))), 24)
        for bad, pointer in (
            ({**closed, "to": self.day(-1)}, "/to"),
            ({**closed, "from": "2030-02-30"}, "/from"),
            ({**closed, "hours": [{"opens": "25:00", "closes": "10:00"}]}, "/hours/0/opens"),
        ):
            answer = self.shop.call("POST", path, bad, self.shop.admin)
            self.assertEqual(answer.status, 422, answer)
            self.assertIn(pointer, [e["pointer"] for e in answer.json()["errors"]])


if __name__ == "__main__":
    unittest.main()
