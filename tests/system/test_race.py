"""Many clients at the same few slots over HTTP: customers, staff and moves. BOOKINGD_RACE_SECONDS sets how long (5), BOOKINGD_RACERS how many (64)."""
import collections
import os
import random
import threading
import time
import unittest

import bd
import bd_shop

SECONDS = float(os.environ.get("BOOKINGD_RACE_SECONDS", "5"))
RACERS = int(os.environ.get("BOOKINGD_RACERS", "64"))
SLOTS = 8  # half an hour apart, an hour long: each overlaps its neighbours


class Race(bd.Case):
    def race(self, act):
        """act(random, client, token, memory) by every racer until time is up; counts of (what, status, code)."""
        tokens = [self.shop.customer("+96655%07d" % n) for n in range(RACERS)]
        counts, lock, end = collections.Counter(), threading.Lock(), time.monotonic() + SECONDS

        def run(n):
            rng, memory = random.Random(n), []
            with self.shop.daemon.client() as c:
                while time.monotonic() < end:
                    what, r = act(rng, c, tokens[n], memory)
                    with lock:
                        counts[what, r.status, r.code if r.status >= 400 else None] += 1

        threads = [threading.Thread(target=run, args=(n,)) for n in range(RACERS)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return counts

    def prove(self, counts):
        print(dict(counts))
        for (what, status, code), n in counts.items():
            self.assertIn((status, code), ((200, None), (201, None), (409, "slot_taken"), (409, "booking_not_active")), (what, n))
        self.assertGreater(sum(n for (_, s, _), n in counts.items() if s == 201), 0)
        self.assertGreater(sum(n for (_, _, c), n in counts.items() if c == "slot_taken"), 0)
        sql = self.shop.pg.value
        self.assertEqual(sql("SELECT count(*) FROM bookings x JOIN bookings y ON x.id < y.id AND x.resource_id = y.resource_id"
                             " AND x.occupied && y.occupied AND x.status = 'confirmed' AND y.status = 'confirmed'"), "0")
        self.assertEqual(sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0")
        self.assertEqual(sql("SELECT count(*) FROM bookings b WHERE version <> (SELECT count(*) FROM booking_history h WHERE h.booking_id = b.id)"), "0")
        self.assertEqual(sql("SELECT count(*) FROM notifications WHERE status <> 'SENT'"), "0")

    def setUp(self):
        self.shop = bd_shop.Shop(self, {"server": {"workers": 16, "queue": 256, "queue_timeout": "10s"},
                                        "bookings": {"max_active_per_customer": 10000},
                                        "providers": {"sms": {"max_concurrent": 16}}})
        self.shop.service = self.shop.make_service(slot_step_minutes=30)
        self.starts = [self.shop.at(10 + i / 2) for i in range(SLOTS)]

    def headers(self, token):
        return {"Authorization": "Bearer " + token}

    def book(self, rng, c, token):
        return c.post("/v1/bookings", {"service_id": self.shop.service, "starts_at": rng.choice(self.starts)}, self.headers(token))

    def test_customers(self):
        self.prove(self.race(lambda rng, c, token, memory: ("book", self.book(rng, c, token))))
        self.assertIn(self.shop.pg.value("SELECT count(*) FROM bookings"), ("3", "4"))  # more do not fit, fewer leave one free

    def test_customers_staff_and_moves(self):
        desk = self.shop.key("desk", "agent")

        def act(rng, c, token, memory):
            what = rng.randrange(6)
            if what == 0:
                return "staff", c.post("/v1/staff/venues/%s/bookings" % self.shop.venue, {
                    "phone": "+96655%07d" % rng.randrange(RACERS + 20), "service_id": self.shop.service,
                    "starts_at": rng.choice(self.starts)}, self.headers(desk))
            if what < 4 and memory:
                if what == 1:
                    return "cancel", c.post("/v1/bookings/%s/cancel" % memory.pop(), {}, self.headers(token))
                return "move", c.post("/v1/bookings/%s/reschedule" % memory[-1], {"starts_at": rng.choice(self.starts)}, self.headers(token))
            r = self.book(rng, c, token)
            if r.status == 201:
                memory.append(r.json()["id"])
            return "book", r
        self.prove(self.race(act))


if __name__ == "__main__":
    bd.main()
