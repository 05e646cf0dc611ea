# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What is offered can be booked, what is not cannot: random schedules across clock changes, with
closures, buffers, capacity and parties, where offers are booked, moved and cancelled over the API
and every refusal is compared with the list of slots."""
import datetime as dt
import os
import random
import time
import unittest
import zoneinfo

import bd
import bd_shop

STEPS = int(os.environ.get("BOOKINGD_OFFER_STEPS", "60"))
ZONES = ["Asia/Riyadh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]
UTC = dt.timezone.utc


def text(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(z):
    return dt.datetime.fromisoformat(z.replace("Z", "+00:00"))


def change_day(tz, after):
    """The next local date on which the zone's offset changes, within two years; any day when there
    is none.
    """
    for n in range(1, 700):
        at = after + dt.timedelta(days=n)
        if at.astimezone(tz).utcoffset() != (at + dt.timedelta(days=1)).astimezone(tz).utcoffset():
            return (at + dt.timedelta(days=1)).astimezone(tz).date()
    return (after + dt.timedelta(days=30)).date()


class Offers(bd.Case):
    def setUp(self):
        self.shop = bd_shop.Shop(
            self,
            {
                "otp": {"provider": "sms", "secret": "s" * 32, "regions": ["SA"]},
                "server": {"workers": 2},
            },
        )

    def schedule(self, rng, zone):
        """Makes a venue in the zone; returns its service, resources and the days to look at."""
        shop, tz = self.shop, zoneinfo.ZoneInfo(zone)
        shop.venue = shop.staff(
            "POST", "/v1/staff/venues", {"name": zone, "time_zone": zone, "currency": "SAR"}
        )["id"]
        day = change_day(tz, dt.datetime.now(UTC) + dt.timedelta(days=2))
        resources = {}
        for i in range(rng.randint(1, 3)):
            resources[shop.resource("R%d" % i, rng.choice([1, 2, 3]))] = i
        for r in resources:
            week = [
                {"weekday": d, "opens": o, "closes": c}
                for d in range(1, 8)
                for o, c in rng.sample(
                    [
                        ("00:30", "04:00"),
                        ("01:00", "03:30"),
                        ("22:00", "02:30"),
                        ("09:00", "13:00"),
                        ("00:00", "24:00"),
                    ],
                    2,
                )
            ]
            shop.staff("PUT", "/v1/staff/resources/%s/opening-hours" % r, {"items": week})
        midnight = dt.datetime.combine(day, dt.time(), tz).astimezone(UTC)
        for _ in range(rng.randint(0, 2)):
            start = midnight + dt.timedelta(minutes=rng.randrange(-600, 1800))
            body = {
                "starts_at": text(start),
                "ends_at": text(start + dt.timedelta(minutes=rng.choice([1, 45, 200]))),
            }
            if rng.random() < 0.5:
                body["resource_id"] = rng.choice(list(resources))
            for _ in range(2):  # closures may overlap
                shop.staff("POST", "/v1/staff/venues/%s/closures" % shop.venue, body)
        service = shop.make_service(
            duration_minutes=rng.choice([20, 30, 60, 90]),
            slot_step_minutes=rng.choice([5, 15, 30, 60]),
            buffer_before_minutes=rng.choice([0, 0, 15]),
            buffer_after_minutes=rng.choice([0, 0, 10]),
            max_advance_days=730,
            resource_ids=list(resources),
        )
        return service, list(resources), day, midnight

    def slots(self, service, day, party):
        path = "/v1/services/%s/slots?from=%s&to=%s&party_size=%d" % (
            service,
            day - dt.timedelta(days=1),
            day + dt.timedelta(days=1),
            party,
        )
        items, after = [], ""
        while after is not None:
            r = self.shop.call("GET", path + "&limit=500" + after)
            self.assertEqual(r.status, 200, r)
            items += r.json()["items"]
            after = r.json()["next"] and "&after=" + r.json()["next"]
        keys = [(i["starts_at"], i["resource_id"]) for i in items]
        self.assertEqual(keys, sorted(set(keys)))
        return {k: i["available"] for k, i in zip(keys, items)}

    def book(self, service, start, resource, party):
        body = {
            "phone": "+9665512%05d" % random.randrange(100000),
            "service_id": service,
            "starts_at": start,
            "party_size": party,
        }
        if resource:
            body["resource_id"] = resource
        return self.shop.call(
            "POST", "/v1/staff/venues/%s/bookings" % self.shop.venue, body, self.shop.admin
        )

    def walk(self, rng, zone):
        service, resources, day, midnight = self.schedule(rng, zone)
        alone = {p: self.slots(service, day, p) for p in (1, 2, 3)}  # nothing is booked yet
        live, done = {}, {"booked": 0, "refused": 0, "moved": 0}
        for _ in range(STEPS):
            party = rng.choice([1, 1, 2, 3])
            offered = self.slots(service, day, party)
            for (_, r), n in offered.items():
                self.assertGreaterEqual(n, party)
            act = rng.random()
            if act < 0.45 and offered:
                start, resource = rng.choice(list(offered))
                made = self.book(service, start, rng.choice([resource, None]), party)
                self.assertEqual(made.status, 201, (made, start, resource, party))
                self.assertIn((start, made.json()["resource_id"]), offered)
                live[made.json()["id"]] = made.json()
                done["booked"] += 1
            elif act < 0.85:
                start = text(midnight + dt.timedelta(minutes=5 * rng.randrange(-280, 560)))
                resource = rng.choice(resources)
                self.refused(start, resource, party, offered, alone[party], service)
                done["refused"] += 1
            elif live:
                gone = live.pop(rng.choice(list(live)))
                r = self.shop.call(
                    "POST", "/v1/staff/bookings/%s/cancel" % gone["id"], None, self.shop.admin
                )
                self.assertEqual(r.status, 200, r)
                done["moved"] += 1
        for b in list(live):
            self.shop.staff("POST", "/v1/staff/bookings/%s/cancel" % b)
        self.assertEqual(
            {p: self.slots(service, day, p) for p in (1, 2, 3)}, alone
        )  # all is as it was
        return done

    def refused(self, start, resource, party, offered, alone, service):
        """A random place: booked exactly when it is offered; taken when only bookings keep it from
        being offered.
        """
        if (start, resource) in offered:
            return
        local = instant(start).astimezone(zoneinfo.ZoneInfo(self.zone)).date()
        if not self.day - dt.timedelta(days=1) <= local <= self.day + dt.timedelta(days=1):
            return
        r = self.book(service, start, resource, party)
        want = (409, "slot_taken") if (start, resource) in alone else (422, "slot_not_offered")
        self.assertEqual((r.status, r.code), want, (r, start, resource, party))

    def test_offers(self):
        seed = int(os.environ.get("BOOKINGD_SEED", time.time_ns() & 0xFFFFFFFF))
        rng = random.Random(seed)
        total = {"booked": 0, "refused": 0, "moved": 0}
        for zone in ZONES:
            self.zone, self.day = zone, change_day(
                zoneinfo.ZoneInfo(zone), dt.datetime.now(UTC) + dt.timedelta(days=2)
            )
            with self.subTest(zone=zone, seed=seed):
                for key, n in self.walk(rng, zone).items():
                    total[key] += n
        print("seed %d: %s" % (seed, total))
        self.assertGreater(min(total["booked"], total["refused"]), STEPS)

    def test_moving_within_its_own_time(self):
        shop = self.shop
        service = shop.make_service(
            duration_minutes=60,
            slot_step_minutes=15,
            buffer_before_minutes=15,
            buffer_after_minutes=15,
        )
        me, other = shop.customer(), shop.customer("+966551234599")
        b = shop.book(me, 10, service_id=service).json()
        path = "/v1/bookings/%s/reschedule" % b["id"]

        def listed():
            return [
                s["starts_at"]
                for s in shop.call(
                    "GET",
                    "/v1/services/%s/slots?from=%s&to=%s" % ((service,) + (shop.at(0)[:10],) * 2),
                ).json()["items"]
            ]

        self.assertNotIn(shop.at(10.25), listed())  # for others it is taken
        r = shop.call("POST", path, {"starts_at": shop.at(10.25)}, me, If_Match='"1"')
        self.assertEqual((r.status, r.json()["starts_at"]), (200, shop.at(10.25)), r)
        self.assertEqual(
            shop.book(other, 11.5, service_id=service).code, "slot_taken"
        )  # the buffers moved along
        self.assertEqual(shop.book(other, 11.75, service_id=service).status, 201)
        r = shop.call("POST", path, {"starts_at": shop.at(10.5)}, me)
        self.assertEqual((r.status, r.code), (409, "slot_taken"), r)
        self.assertEqual(
            shop.call("GET", "/v1/bookings/" + b["id"], None, me).json()["starts_at"],
            shop.at(10.25),
        )


if __name__ == "__main__":
    unittest.main()
