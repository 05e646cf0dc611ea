#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Random bookings, moves, cancellations and changes of capacity against a model of people at a
moment; a short run is test_capacity.py.

One client books parties of one to five for services of 60, 90 and 120 minutes on a grid of half
an hour, so that bookings of different length meet. The model adds people up minute by minute. No
request is refused although there is room (false refusals 0), none is taken without (oversold 0).
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_shop  # noqa: E402

DURATIONS = (60, 90, 120)
GRID = 30  # minutes
HALF_HOURS = 48
PHONES = 50  # below the quotas of notifications per phone it does not matter who comes


class Room:
    """What the resource holds, as the model has it: people per half hour."""

    def __init__(self, capacity):
        self.capacity = capacity
        self.people = [0] * (HALF_HOURS + 4)
        self.bookings = {}  # id: (first half hour, length, party)

    def span(self, start, minutes):
        return range(start, start + minutes // GRID)

    def fits(self, start, minutes, party, left_out=None):
        self.add(left_out, -1)
        peak = max(self.people[i] for i in self.span(start, minutes))
        self.add(left_out, 1)
        return peak + party <= self.capacity

    def add(self, booking, sign):
        if booking is not None:
            start, minutes, party = self.bookings[booking]
            for i in self.span(start, minutes):
                self.people[i] += sign * party

    def put(self, booking, start, minutes, party):
        self.bookings[booking] = (start, minutes, party)
        self.add(booking, 1)

    def drop(self, booking):
        self.add(booking, -1)
        return self.bookings.pop(booking)


class Capacity(bd.Case):
    operations, seed = 2000, None

    def setUp(self):
        self.rng = random.Random(self.seed)
        self.shop = bd_shop.Shop(self, {"server": {"workers": 2}}, without=("notifications",))
        self.services = {
            m: self.shop.make_service(duration_minutes=m, slot_step_minutes=GRID, price=0)
            for m in DURATIONS
        }
        self.counts = dict.fromkeys(("booked", "refused", "moved", "cancelled", "capacities"), 0)
        self.client = self.enterContext(self.shop.daemon.client())
        self.room = Room(1)
        # Once for all: a long run meets midnight, from which shop.at() counts.
        self.at = [self.shop.at(i / 2) for i in range(HALF_HOURS)]

    def ask(self, method, path, body=None):
        headers = {"Authorization": "Bearer " + self.shop.admin}
        if body is None:
            headers["Content-Length"] = "0"
        return self.client.request(method, path, body, headers)

    def judge(self, r, fits, act):
        """The answer is what the model says: taken exactly when there is no room."""
        if fits:
            self.assertIn(r.status, (200, 201), ("false refusal", act, r))
        else:
            self.assertEqual((r.status, r.code), (409, "slot_taken"), ("oversold", act, r))
            self.counts["refused"] += 1
        return fits

    def book(self):
        start, minutes = self.rng.randrange(HALF_HOURS - 4), self.rng.choice(DURATIONS)
        party = self.rng.choice((1, 1, 1, 2, 3, 5))
        if party > self.room.capacity:
            return
        body = {
            "phone": "+9665512%05d" % self.rng.randrange(PHONES),
            "service_id": self.services[minutes],
            "starts_at": self.at[start],
            "party_size": party,
        }
        r = self.ask("POST", "/v1/staff/venues/%s/bookings" % self.shop.venue, body)
        if self.judge(r, self.room.fits(start, minutes, party), ("book", start, minutes, party)):
            self.room.put(r.json()["id"], start, minutes, party)
            self.counts["booked"] += 1

    def move(self):
        booking = self.rng.choice(list(self.room.bookings))
        _, minutes, party = self.room.bookings[booking]
        if party > self.room.capacity:
            return
        start = self.rng.randrange(HALF_HOURS - 4)
        path = "/v1/staff/bookings/%s/reschedule" % booking
        r = self.ask("POST", path, {"starts_at": self.at[start]})
        fits = self.room.fits(start, minutes, party, left_out=booking)
        if self.judge(r, fits, ("move", start, minutes, party)):
            self.room.drop(booking)
            self.room.put(booking, start, minutes, party)
            self.counts["moved"] += 1

    def cancel(self):
        booking = self.rng.choice(list(self.room.bookings))
        r = self.ask("POST", "/v1/staff/bookings/%s/cancel" % booking)
        self.assertEqual(r.status, 200, r)
        self.room.drop(booking)
        self.counts["cancelled"] += 1

    def resize(self):
        self.room.capacity = self.rng.choice((1, 2, 4, 7, 10, 20))
        path = "/v1/staff/resources/" + self.shop.chair
        r = self.ask("PATCH", path, {"capacity": self.room.capacity})
        self.assertEqual(r.status, 200, r)
        self.counts["capacities"] += 1

    def test_equal_to_the_model(self):
        for n in range(self.operations):
            if n % 2000 == 1000:  # a private server has no autovacuum, and plans follow statistics
                self.shop.pg.sql("VACUUM ANALYZE")
            act = self.rng.random()
            if act < 0.02:
                self.resize()
            elif act < 0.55 or not self.room.bookings:
                self.book()
            elif act < 0.75:
                self.move()
            else:
                self.cancel()
        print("%d operations: %s" % (self.operations, self.counts))
        self.assertGreater(min(self.counts.values()), 0)


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--operations", type=int, default=100000)
    parser.add_argument("--seed", type=int, default=None)
    options = bd_campaign.options(parser)
    Capacity.operations, Capacity.seed = options.operations, options.seed
    bd_campaign.run(Capacity)


if __name__ == "__main__":
    main()
