# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""How everybody else fares while providers hang: part of `./dev faults`.

Clients keep coming at one rate (sign-ins, bookings, payments), first with healthy providers, then
with every call of theirs hanging and circuits that never open. A process of its own reads slots all
the time: its p99 stays below twice the healthy one, and no session stays idle in a transaction.
Then the circuit is open, and a booking's p50 is compared with the healthy one. """
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time

import bd
import faults

ROUNDS, SECONDS = 3, 5.0  # healthy and hanging take turns, so that both see the same noise
ARRIVALS = 40  # a second
READS = 50  # a second
WORKERS = 16

READER = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import bd
port, path, rate, seconds = int(sys.argv[2]), sys.argv[3], float(sys.argv[4]), float(sys.argv[5])
took, statuses, c = [], {}, bd.Client(("127.0.0.1", port))
begin = time.monotonic()
for n in range(int(rate * seconds)):
    time.sleep(max(0, begin + n / rate - time.monotonic()))
    at = time.monotonic()
    r = c.get(path)
    took.append(time.monotonic() - at)
    statuses[r.status] = statuses.get(r.status, 0) + 1
json.dump({"took": took, "statuses": statuses}, sys.stdout)
"""


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * q))]


class Crowd:
    """Clients that come whether or not the ones before are served."""

    def __init__(self, world):
        self.w, self.shop, self.numbers, self.answers, self.lock = (
            world,
            world.shop,
            itertools.count(),
            [],
            threading.Lock(),
        )
        self.read_service = (
            world.shop.make_service()
        )  # an ordinary one; what is booked is a hall for thousands
        self.tokens = [self.shop.customer("+9665560%05d" % n) for n in range(100)]

    def one(self, n):
        me = self.tokens[n % len(self.tokens)]
        began = time.monotonic()
        if n % 3 == 0:
            r = self.shop.call("POST", "/v1/otp", {"phone": "+9665570%05d" % n})
        elif n % 3 == 1:
            r = self.shop.book(me, n % 24)
        else:
            r = self.shop.book(me, n % 24, service_id=self.w.paid_service)
            if r.status == 201:
                began = time.monotonic()
                r = self.shop.call(
                    "POST",
                    "/v1/bookings/%s/payments" % r.json()["id"],
                    {"return_url": "https://book.example/"},
                    me,
                )
        with self.lock:
            self.answers.append(
                (
                    ("otp", "booking", "payment")[n % 3],
                    r.status,
                    r.code if r.status >= 400 else None,
                    time.monotonic() - began,
                )
            )

    def during(self, seconds, answers=None, seen=None):
        """Runs the crowd and the reader for a while; adds to {(call, status, code): [seconds]} and
        to what the reader saw.
        """
        self.answers, threads = [], []
        path = "/v1/services/%s/slots" % self.read_service
        reader = subprocess.Popen(
            [
                sys.executable,
                "-c",
                READER,
                sys.path[0] if sys.path[0].endswith("lib") else bd.__file__.rsplit("/", 1)[0],
                str(self.shop.daemon.port),
                path,
                str(READS),
                str(seconds),
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        begin = time.monotonic()
        for n in range(int(seconds * ARRIVALS)):
            time.sleep(max(0.0, begin + n / ARRIVALS - time.monotonic()))
            threads.append(threading.Thread(target=self.one, args=(next(self.numbers),)))
            threads[-1].start()
        read = json.loads(reader.communicate(timeout=60)[0])
        for t in threads:
            t.join()
        if seen is None:
            return
        seen["took"] += read["took"]
        seen["statuses"].update(read["statuses"])
        for call, status, code, took in self.answers:
            answers.setdefault((call, status, code), []).append(took)


def show(title, answers, read):
    print(
        "\n%s: %d slots read, p50 %.1f ms, p99 %.1f ms, slowest %.1f ms"
        % (
            title,
            len(read["took"]),
            statistics.median(read["took"]) * 1000,
            quantile(read["took"], 0.99) * 1000,
            max(read["took"]) * 1000,
        )
    )
    for (call, status, code), took in sorted(answers.items(), key=str):
        print(
            "  %-8s %d %-21s %5d  p50 %8.1f ms  slowest %8.1f ms"
            % (
                call,
                status,
                code or "",
                len(took),
                statistics.median(took) * 1000,
                max(took) * 1000,
            )
        )
    sys.stdout.flush()


class Meanwhile(bd.Case):
    def world(self, **over):
        return faults.World(
            self,
            "http",
            10.0,
            **bd.merge(
                {"server": {"workers": WORKERS, "queue": 256}, "otp": {"total": "100000/1h"}}, over
            )
        )

    def test_reads_while_all_hangs(self):
        world = self.world(
            providers={n: {"timeout": "2s"} for n in ("otp", "notification", "moyasar")}
        )
        crowd = Crowd(world)
        crowd.during(2.0)
        world.shop.pg.sql("ANALYZE")  # autovacuum would have done it; without it plans are guesses
        transactions = faults.Transactions(world.shop.pg)
        fronts = (world.otp_front, world.notification_front, world.pay_front)
        healthy, hung, calm, read = (
            {},
            {},
            {"took": [], "statuses": {}},
            {"took": [], "statuses": {}},
        )
        for _ in range(ROUNDS):
            for front in fronts:
                front.heal()
            crowd.during(SECONDS, healthy, calm)
            for front in fronts:
                front.spoil(".", bd.p_hang())
            crowd.during(SECONDS, hung, read)
        show("healthy", healthy, calm)
        show("every call hangs", hung, read)
        idle = transactions.end()
        print("longest idle in transaction: %.1f ms of %d looks" % (idle, transactions.looks))
        self.assertLess(idle, 50)
        self.assertEqual(set(calm["statuses"]) | set(read["statuses"]), {"200"})
        self.assertLess(quantile(read["took"], 0.99), 2 * quantile(calm["took"], 0.99))
        late = {k: max(v) for k, v in hung.items() if max(v) > 10.1}
        self.assertEqual(late, {})
        # Whoever was let in waited; whoever was not was told at once; bookings stood throughout.
        self.assertEqual({(c, s) for c, s, e in hung if c == "booking"}, {("booking", 201)})

    def test_booking_with_the_circuit_open(self):
        world = self.world(
            providers={"notification": {"breaker": {"failures": 1, "open_for": "10m"}}}
        )
        shop, times = world.shop, {"healthy": [], "open": []}
        tokens = [shop.customer("+9665560%05d" % n) for n in range(20)]

        def booked(into, n):
            with shop.daemon.client() as c:
                for i in range(n):
                    began = time.monotonic()
                    r = c.post(
                        "/v1/bookings",
                        {"service_id": shop.service, "starts_at": shop.at(i % 24)},
                        {"Authorization": "Bearer " + tokens[i % 20]},
                    )
                    into.append(time.monotonic() - began)
                    self.assertEqual(r.status, 201, r)

        booked([], 50)
        booked(times["healthy"], 300)
        world.notification_front.spoil(".", bd.p_reply(500, {}))
        booked([], 20)
        self.assertEqual(
            shop.daemon.metric("bookingd_provider_circuit_open", provider="notification"), 1
        )
        world.heal(faults.Notification)
        booked(times["open"], 300)
        healthy, opened = (statistics.median(times[k]) * 1000 for k in ("healthy", "open"))
        print(
            "\na booking's p50: %.2f ms healthy, %.2f ms with the circuit open" % (healthy, opened),
            flush=True,
        )
        self.assertLess(opened, healthy * 1.1)
