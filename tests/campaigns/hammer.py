#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Many clients at the payments of the same few bookings; a short run is test_hammer.py.

Clients that share ten bookings open payments, pay, come back from the gateway, bring its events
(each again and again, and false ones), call its callback and cancel, all at once, while the
gateway's own events come twice. Whoever finds a booking cancelled books its slot anew. At no
instant may a booking have more than one open or more than one paid payment; in the end each
booking that waits to be paid has exactly one open payment, at the gateway as well, and each payment
one invoice. No 500, and no other 5xx than what a provider's full bulkhead explains; no process
ends; both sides' invoices are equal.
"""
import collections
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_pay  # noqa: E402

PLACES = 10
WORKERS = 24
GOOD = {
    "book": {(201, None), (409, "slot_taken")},
    "open": {
        (200, None),
        (201, None),
        (409, "booking_not_payable"),
        (409, "idempotency_in_flight"),
    },
    "return": {(303, None)},
    "event": {(200, None)},
    "callback": {(200, None)},
    "read": {(200, None)},
    "cancel": {(200, None), (409, "booking_not_active"), (409, "idempotency_in_flight")},
}
# The places at the gateway and the share of the workers that providers may take are limited. A
# request that finds none free gets this answer, and nothing was tried.
EXPLAINED = {(503, "provider_unavailable")}
OPEN = (
    "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM payments WHERE status IN "
    "('creating', 'initiated', 'unknown') GROUP BY booking_id) x"
)
PAID = (
    "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM payments WHERE status IN "
    "('paid', 'partially_refunded') AND NOT surplus"
    " GROUP BY booking_id) x"
)


class Place:
    """A slot, the booking that has it now, and what is known of its payments."""

    def __init__(self, number, token):
        self.number, self.token = number, token
        self.booking, self.payments, self.events = None, [], []
        self.lock = threading.Lock()


class Hammer(bd.Case):
    seconds, clients = 2.0 * bd.SLOWNESS, 32

    def setUp(self):
        self.shop = bd_pay.PayShop(
            self,
            {
                "server": {
                    "workers": WORKERS,
                    "queue": 256,
                    "queue_timeout": "%ds" % min(10 * bd.SLOWNESS, 60),
                    "request_budget": "%ds" % (10 * bd.SLOWNESS),
                },
                "bookings": {"hold": "30m", "max_active_per_customer": 10000},
                "providers": {
                    "moyasar": {"timeout": "%ds" % (3 * bd.SLOWNESS), "max_concurrent": WORKERS},
                    "sms": {"max_concurrent": WORKERS},
                },
            },
        )
        self.shop.hooks(True, factor=0.0001, copies=2)
        for route, ms in (
            ("invoice_create", 40),
            ("refund", 20),
        ):  # as long as a call takes: others come meanwhile
            self.shop.sandbox.order(route, "delay", delay_ms=ms)
        self.places = [Place(n, token) for n, token in enumerate(self.shop.many_customers(PLACES))]
        self.answers, self.lock, self.faults = collections.defaultdict(list), threading.Lock(), []

    # -- what a client does --
    def ask(self, c, what, method, path, body=None, token=None, **headers):
        fields = {**({"Authorization": "Bearer " + token} if token else {}), **headers}
        begun = time.monotonic()
        r = c.request(
            method,
            path,
            body,
            fields if body is not None or method == "GET" else {**fields, "Content-Length": "0"},
        )
        with self.lock:
            self.answers[what, r.status, r.code if r.status >= 400 else None].append(
                time.monotonic() - begun
            )
        return r

    def book(self, c, place):
        r = self.ask(
            c,
            "book",
            "POST",
            "/v1/bookings",
            {"service_id": self.shop.service, "starts_at": self.shop.at(2 + place.number)},
            place.token,
        )
        if r.status == 201:
            with place.lock:
                place.booking, place.payments, place.events = r.json()["id"], [], []

    def open(self, c, rng, place, booking):
        keyed = (
            {"Idempotency-Key": "%s-%d" % (booking, rng.randrange(3))} if rng.random() < 0.5 else {}
        )
        r = self.ask(
            c,
            "open",
            "POST",
            "/v1/bookings/%s/payments" % booking,
            {"return_url": bd_pay.RETURN},
            place.token,
            **keyed
        )
        if r.status in (200, 201):
            p = r.json()
            with place.lock:
                if (
                    p["booking_id"] == place.booking
                    and p["gateway_id"]
                    and p["id"] not in [q["id"] for q in place.payments]
                ):
                    place.payments.append(p)
        elif r.code == "booking_not_payable":
            self.look(c, place, booking)

    def look(self, c, place, booking):
        """A booking that is over leaves its slot to the next."""
        status = (
            self.ask(c, "read", "GET", "/v1/bookings/" + booking, token=place.token)
            .json()
            .get("status")
        )
        if status in ("cancelled", "expired"):
            with place.lock:
                if place.booking != booking:
                    return
                place.booking = None
            self.book(c, place)

    def event(self, c, rng, place, payment):
        """The gateway's event, one that was brought before, or one that nothing stands behind."""
        with place.lock:
            known = list(place.events)
        if known and rng.random() < 0.5:
            event = rng.choice(known)
        else:
            event = self.shop.event(
                rng.choice(("payment_paid", "payment_faild", "payment_refunded")),
                invoice_id=payment["gateway_id"],
                metadata=rng.choice(({"payment_id": payment["id"]}, None)),
            )
            with place.lock:
                place.events.append(event)
        self.ask(
            c, "event", "POST", "/v1/webhooks/moyasar", {**event, "secret_token": bd_pay.SECRET}
        )

    def act(self, c, rng):
        place = rng.choice(self.places)
        booking, payments = place.booking, list(place.payments)
        what = rng.random()
        if booking is None:
            return
        if what < 0.02:
            self.ask(
                c,
                "cancel",
                "POST",
                "/v1/bookings/%s/cancel" % booking,
                {},
                place.token,
                **({"Idempotency-Key": "c" + booking} if rng.random() < 0.5 else {})
            )
            self.look(c, place, booking)
        elif what < 0.35 or not payments:
            self.open(c, rng, place, booking)
        elif what < 0.60:
            self.ask(
                c,
                "return",
                "GET",
                "/v1/payments/%s/return?id=x&status=paid" % rng.choice(payments)["id"],
            )
        elif what < 0.80:
            self.event(c, rng, place, rng.choice(payments))
        elif what < 0.88:
            self.ask(
                c,
                "callback",
                "POST",
                "/v1/payments/%s/gateway" % rng.choice(payments)["id"],
                {"id": "whatever"},
            )
        elif what < 0.96:
            self.ask(
                c, "read", "GET", "/v1/payments/" + rng.choice(payments)["id"], token=place.token
            )
        else:
            self.shop.pay(
                rng.choice(payments)["gateway_id"],
                rng.choice((bd_pay.VISA, bd_pay.VISA, bd_pay.POOR)),
            )

    def client(self, n, end):
        rng = random.Random(n)
        try:
            with self.shop.daemon.client() as c:
                while time.monotonic() < end:
                    self.act(c, rng)
        except Exception as e:  # noqa: BLE001  # told at the end
            self.faults.append(repr(e))

    # -- and what must be so --
    def sample(self, session, worst):
        for i, sql in enumerate((OPEN, PAID)):
            worst[i] = max(worst[i], int(session.ask(sql)[0]))
        worst[2] += 1

    def report(self):
        took = sorted(t for v in self.answers.values() for t in v)
        count = self.shop.pg.value
        print(
            "%d clients at %d bookings, %d workers, %.0f s: %d answers (%.0f/s), p50 %.0f ms, "
            "p99 %.0f ms; %s bookings, %s payments, %s refunds"
            % (
                self.clients,
                PLACES,
                WORKERS,
                self.seconds,
                len(took),
                len(took) / self.seconds,
                took[len(took) // 2] * 1e3,
                took[len(took) * 99 // 100] * 1e3,
                count("SELECT count(*) FROM bookings"),
                count("SELECT count(*) FROM payments"),
                count("SELECT count(*) FROM refunds"),
            )
        )
        for (what, status, code), v in sorted(self.answers.items(), key=str):
            print("  %-9s %d %-22s %6d" % (what, status, code or "", len(v)), flush=True)

    def made_twice(self):
        """Payments for which the gateway was asked for more than one invoice, though nothing
        failed.
        """
        made = collections.Counter(
            (v["metadata"] or {}).get("payment_id") for v in self.shop.sandbox.books("invoices")
        )
        return len([p for p, n in made.items() if n > 1])

    def one_open_each(self):
        """Exactly one payment waits for each booking that does, here and at the gateway."""
        waiting = 0
        for place in self.places:
            booking = place.booking
            if (
                booking is None
                or self.shop.booking(place.token, booking)["status"] != "pending_payment"
            ):
                continue
            waiting += 1
            self.assertIn(self.shop.open(place.token, booking).status, (200, 201))
            mine = [p["status"] for p in self.shop.payments(place.token, booking)]
            there = [
                v["status"]
                for v in self.shop.sandbox.api(
                    "GET", "/v1/invoices?metadata[booking_id]=" + booking
                ).json()["invoices"]
            ]
            self.assertEqual(
                (
                    mine.count("initiated"),
                    there.count("initiated"),
                    len(set(mine) & {"creating", "unknown", "paid"}),
                ),
                (1, 1, 0),
                (mine, there),
            )
        return waiting

    def test_hammer(self):
        with self.shop.daemon.client() as c:
            for place in self.places:
                self.book(c, place)
        session, worst = self.shop.pg.session(), [0, 0, 0]
        self.addCleanup(session.close)
        end = time.monotonic() + self.seconds
        threads = [threading.Thread(target=self.client, args=(n, end)) for n in range(self.clients)]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            self.sample(session, worst)
            threads[0].join(0.1)
        for t in threads:
            t.join()
        self.report()
        self.shop.balance(30)
        waiting = self.one_open_each()
        self.shop.balance(30)
        figures = {
            "most open payments of a booking": (worst[0], 1),
            "most paid ones": (worst[1], 1),
            "server errors without an explanation": (
                sum(
                    len(v)
                    for (_, s, code), v in self.answers.items()
                    if s >= 500 and (s, code) not in EXPLAINED
                ),
                0,
            ),
            "answers that are none of the good ones": (
                sum(
                    len(v)
                    for (what, s, code), v in self.answers.items()
                    if (s, code) not in GOOD[what] | EXPLAINED
                ),
                0,
            ),
            "connections lost": (len(self.faults), 0),
            "payments with a second invoice": (self.made_twice(), 0),
            "deadlocks": (
                int(
                    self.shop.pg.value(
                        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
                    )
                ),
                0,
            ),
            "processes that ended": (
                int(self.shop.daemon.metric("bookingd_process_restarts_total") or 0),
                0,
            ),
        }
        print(
            "  %s; looked %d times during it; %d bookings waited to be paid in the end"
            % (
                ", ".join("%s %d" % (what, n) for what, (n, _) in figures.items()),
                worst[2],
                waiting,
            ),
            flush=True,
        )
        self.assertEqual(self.faults, [])
        for what, (n, most) in figures.items():
            self.assertLessEqual(n, most, what)
        self.assertGreater(worst[2], 2)
        met = {(what, code or s) for what, s, code in self.answers}
        self.assertLessEqual(
            {
                ("open", 200),
                ("open", 201),
                ("cancel", 200),
                ("return", 303),
                ("event", 200),
                ("callback", 200),
            },
            met,
        )


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--clients", type=int, default=32)
    options = bd_campaign.options(parser)
    Hammer.seconds, Hammer.clients = options.seconds, options.clients
    bd_campaign.run(Hammer)


if __name__ == "__main__":
    main()
