# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The load of chaos.py: customers and staff who do all that a shop offers, and a recorder that
keeps each request and its answer.
"""
import collections
import json
import random
import re
import select
import threading
import time

import bd
import bd_pay

CUSTOMER_KINDS = (
    ("slots", 10),
    ("mine", 10),
    ("book", 24),
    ("book paid", 8),
    ("reschedule", 8),
    ("cancel", 10),
    ("rename", 4),
    ("sign in", 8),
    ("sign out", 1),
)
STAFF_KINDS = (
    ("calendar", 4),
    ("detail", 6),
    ("staff book", 6),
    ("staff cancel", 6),
    ("notifications", 4),
    ("resend", 3),
    ("providers", 2),
    ("refund", 2),
)
PAUSE_S = (0.0, 0.08)
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BOOKINGS = 20  # of one customer; the calendar of a long run would be full else
TRIES, TRIES_S = 60, 40.0  # of one intent with an Idempotency-Key: until somebody knows
KEEP = (
    "id",
    "version",
    "status",
    "starts_at",
    "gateway_id",
    "token",
    "name",
    "outcome",
    "payment_id",
    "otp_id",
    "errors",
)


class Record:
    """One request and what came of it. status 0: the connection ended first."""

    __slots__ = (
        "id",
        "intent",
        "who",
        "what",
        "key",
        "begun",
        "ended",
        "status",
        "code",
        "replayed",
        "doc",
        "words",
        "subject",
    )

    def __init__(self, **fields):
        for name in self.__slots__:
            setattr(self, name, fields.get(name))

    @property
    def acknowledged(self):
        return 200 <= self.status < 400

    def __repr__(self):
        return "%s %s (%s) %s: %d %s %s%s at %.2f for %.2f s" % (
            self.who,
            self.what,
            self.id,
            "key " + self.key if self.key else "no key",
            self.status,
            self.code or "",
            self.doc or "",
            self.words or "",
            self.begun,
            self.ended - self.begun,
        )


class Recorder:
    def __init__(self, seed):
        self.seed, self.lock = seed, threading.Lock()
        self.records, self.n, self.broken = [], 0, []
        self.begun = time.monotonic()

    def number(self):
        with self.lock:
            self.n += 1
            return self.n

    def now(self):
        return time.monotonic() - self.begun

    def add(self, record):
        with self.lock:
            self.records.append(record)

    def tell(self, words):
        """What a client could not go on with: a fault of the campaign, or worse."""
        with self.lock:
            self.broken.append(words)


class Caller:
    """One connection, used as an ordinary client does: one that the server has closed in order is
    opened anew.
    """

    def __init__(self, recorder, daemon, who):
        self.recorder, self.daemon, self.who = recorder, daemon, who
        self.client = bd.Client(("127.0.0.1", daemon.port), 30)

    def _closed(self):
        sock = self.client.sock
        return sock is not None and bool(select.select([sock], [], [], 0)[0])

    def once(self, what, method, path, body=None, token=None, key=None, intent=None, **headers):
        n = self.recorder.number()
        r = Record(
            id="c%s-%d" % (self.recorder.seed, n),
            intent=intent or n,
            who=self.who,
            what=what,
            key=key,
            status=0,
            replayed=False,
        )
        r.subject = (UUID.findall(path) or [None])[0]
        fields = {"X-Request-Id": r.id, **headers}
        if token:
            fields["Authorization"] = "Bearer " + token
        if key:
            fields["Idempotency-Key"] = key
        if body is None and method != "GET":
            fields["Content-Length"] = "0"
        if self._closed():
            self.client.close()
        r.begun = self.recorder.now()
        answer = None
        try:
            answer = self.client.request(method, path, body, fields)
            self._read(r, answer)
        except (OSError, EOFError, ValueError) as e:
            r.words = "%s: %s" % (type(e).__name__, e)
            self.client.close()
        r.ended = self.recorder.now()
        self.recorder.add(r)
        return r, answer

    @staticmethod
    def _read(r, answer):
        r.status, r.code = answer.status, answer.code if answer.status >= 400 else None
        r.replayed = answer.header("Idempotency-Replayed") == "true"
        if answer.body and "json" in (answer.header("Content-Type") or ""):
            doc = answer.json()
            doc = {**doc, **doc["customer"]} if r.what == "verify" and "customer" in doc else doc
            r.doc = {k: doc[k] for k in KEEP if doc.get(k) is not None}
        if answer.header("Location") and answer.status == 303:
            r.words = answer.header("Location")

    def call(
        self, what, method, path, body=None, token=None, key=None, over=lambda: False, **headers
    ):
        """The last answer of an intent: with a key it is repeated until the outcome is known,
        without one never.
        """
        intent, begun = self.recorder.number(), time.monotonic()
        for n in range(TRIES if key or method == "GET" else 1):
            r, answer = self.once(what, method, path, body, token, key, intent, **headers)
            if 0 < r.status < 500 and r.code != "idempotency_in_flight":
                break
            if time.monotonic() > begun + TRIES_S or over() and n > 3 and not key:
                break
            time.sleep(min(0.02 * 1.4**n, 1.0))
        else:
            if key:
                self.recorder.tell("%s never came to an end: %r" % (what, r))
        return r, answer

    def close(self):
        self.client.close()


class Person(threading.Thread):
    """Somebody who goes on until told to stop."""

    kinds = ()

    def __init__(self, field, n):
        super().__init__(daemon=True)
        self.field, self.n = field, n
        self.random = random.Random("%s %s %d" % (field.seed, type(self).__name__, n))
        self.name = "%s %d" % (type(self).__name__.lower(), n)
        self.caller = Caller(field.recorder, field.shop.daemon, self.name)
        self.keys = 0

    def run(self):
        try:
            self.start_of_day()
            while not self.field.ending.is_set():
                kind = self.random.choices([k for k, _ in self.kinds], [w for _, w in self.kinds])[
                    0
                ]
                getattr(self, kind.replace(" ", "_"))()
                self.field.ending.wait(self.random.uniform(*PAUSE_S))
        except Exception as e:  # noqa: BLE001  # told at the end, with whose it was
            self.field.recorder.tell("%s: %s: %s" % (self.name, type(e).__name__, e))
        finally:
            self.caller.close()

    def start_of_day(self):
        pass

    def key(self, always=False):
        """A key for seven of ten."""
        self.keys += 1
        return (
            "%s-%d-%d" % (type(self).__name__, self.n, self.keys)
            if always or self.random.random() < 0.7
            else None
        )

    def call(self, *args, **kwargs):
        return self.caller.call(*args, over=self.field.ending.is_set, **kwargs)

    def booking(self, service):
        self.keys += 1
        body = {
            "service_id": service,
            "starts_at": self.field.start(self.random),
            "note": "%s %s %d" % (self.field.seed, self.name, self.keys),
        }
        if self.random.random() < 0.3:
            body["resource_id"] = self.random.choice(self.field.chairs)
        return body


class Customer(Person):
    kinds = CUSTOMER_KINDS

    def start_of_day(self):
        self.phone, self.seen = self.field.phone(), 0
        self.token, self.bookings = (
            None,
            collections.OrderedDict(),
        )  # id: the last that was heard of it
        while self.token is None and not self.field.ending.is_set():
            self.sign_in()

    def sign_in(self):
        r, _ = self.call(
            "otp",
            "POST",
            "/v1/otp",
            {"phone": self.phone, "locale": self.random.choice(("ar", "en"))},
        )
        challenge = (r.doc or {}).get("id") if r.status == 201 else (r.doc or {}).get("otp_id")
        code = challenge and self.code()
        if not code:
            return
        r, _ = self.call("verify", "POST", "/v1/otp/%s/verify" % challenge, {"code": code})
        if r.status == 200:
            self.token = r.doc["token"]

    def code(self):
        """The code of the newest message, as the phone's owner reads it; None when none came since
        the last look.
        """
        found = None
        for m in self.field.messages(self.phone, self.seen):
            self.seen = m["number"]
            code = re.search(r"code (\d{6})$", m["text"])
            found = code.group(1) if code else found
        return found

    def sign_out(self):
        r, _ = self.call("sign out", "DELETE", "/v1/session", token=self.token)
        r.doc = {"token": self.token}
        self.token = None
        while self.token is None and not self.field.ending.is_set():
            self.sign_in()

    def slots(self):
        self.call("slots", "GET", "/v1/services/%s/slots" % self.random.choice(self.field.services))

    def mine(self):
        if self.bookings and self.random.random() < 0.7:
            return self.look(self.random.choice(list(self.bookings)))
        return self.call("list", "GET", "/v1/bookings?limit=5", token=self.token)

    def look(self, booking):
        r, _ = self.call("booking", "GET", "/v1/bookings/" + booking, token=self.token)
        self.heard(r)

    def heard(self, r):
        if r.acknowledged and r.doc and "version" in r.doc:
            if r.doc["status"] in ("confirmed", "pending_payment"):
                self.bookings[r.doc["id"]] = r.doc
            else:
                self.bookings.pop(r.doc["id"], None)

    def book(self, service=None):
        if len(self.bookings) > BOOKINGS:
            self.cancel()
        service = service or self.random.choice(self.field.services[:2])
        r, _ = self.call(
            "book", "POST", "/v1/bookings", self.booking(service), self.token, self.key()
        )
        self.heard(r)
        return r

    def book_paid(self):
        r = self.book(self.field.services[2])
        if r.status == 201:
            self.pay(r.doc["id"])

    def pay(self, booking):
        r, answer = self.call(
            "pay",
            "POST",
            "/v1/bookings/%s/payments" % booking,
            {"return_url": bd_pay.RETURN},
            self.token,
            self.key(always=True),
        )
        if r.status not in (200, 201):
            return
        payment, invoice, how = r.doc["id"], r.doc.get("gateway_id"), self.random.random()
        if how < 0.1 or not invoice:  # changes his mind
            return
        form = self.field.at_gateway(
            "/invoices/%s/pay" % invoice, number=bd_pay.POOR if how < 0.2 else bd_pay.VISA
        )
        if form is not None and how < 0.8:  # the others close the window
            self.call("return", "GET", "/v1/payments/%s/return?id=x&status=paid" % payment)
        self.call("payment", "GET", "/v1/payments/" + payment, token=self.token)
        self.look(booking)

    def a_booking(self):
        return self.random.choice(list(self.bookings.values())) if self.bookings else None

    def reschedule(self):
        b = self.a_booking()
        if not b or b["status"] != "confirmed":
            return
        match = {"If-Match": '"%d"' % b["version"]} if self.random.random() < 0.5 else {}
        self.heard(
            self.call(
                "reschedule",
                "POST",
                "/v1/bookings/%s/reschedule" % b["id"],
                {"starts_at": self.field.start(self.random)},
                self.token,
                self.key(),
                **match
            )[0]
        )

    def cancel(self):
        b = self.a_booking()
        if b:
            self.heard(
                self.call(
                    "cancel",
                    "POST",
                    "/v1/bookings/%s/cancel" % b["id"],
                    {"reason": "chaos"},
                    self.token,
                    self.key(),
                )[0]
            )

    def rename(self):
        self.keys += 1
        self.call(
            "name",
            "PATCH",
            "/v1/me",
            {"name": "Guest %s %d" % (self.phone[-3:], self.keys)},
            self.token,
        )


class Staff(Person):
    kinds = STAFF_KINDS

    def start_of_day(self):
        self.token = self.field.shop.admin
        self.known, self.unpaid, self.failed, self.paid = [], [], [], []

    def calendar(self):
        _, answer = self.call(
            "calendar",
            "GET",
            "/v1/staff/venues/%s/bookings?limit=20" % self.field.shop.venue,
            token=self.token,
        )
        if answer is not None and answer.status == 200:
            found = [b for b in answer.json()["items"] if b["status"] == "confirmed"]
            self.known = [b["id"] for b in found]
            self.unpaid = [
                b["id"] for b in found if b["service_id"] != self.field.services[2]
            ]  # cancelling gives no money back here

    def detail(self):
        if self.known:
            _, answer = self.call(
                "detail",
                "GET",
                "/v1/staff/bookings/" + self.random.choice(self.known),
                token=self.token,
            )
            if answer is not None and answer.status == 200:
                self.paid += [p["id"] for p in answer.json()["payments"] if p["status"] == "paid"]

    def staff_book(self):
        body = {
            **self.booking(self.random.choice(self.field.services[:2])),
            "phone": self.field.phone(),
        }
        r, _ = self.call(
            "staff book",
            "POST",
            "/v1/staff/venues/%s/bookings" % self.field.shop.venue,
            body,
            self.token,
            self.key(),
        )
        if r.status == 201:
            self.unpaid.append(r.doc["id"])

    def staff_cancel(self):
        if self.unpaid:
            self.call(
                "staff cancel",
                "POST",
                "/v1/staff/bookings/%s/cancel" % self.unpaid.pop(),
                {},
                self.token,
            )

    def notifications(self):
        _, answer = self.call(
            "notifications",
            "GET",
            "/v1/staff/notifications?status=FAILED&limit=20",
            token=self.token,
        )
        if answer is not None and answer.status == 200:
            self.failed = [n["id"] for n in answer.json()["items"]]

    def resend(self):
        if self.failed:
            self.call(
                "resend",
                "POST",
                "/v1/staff/notifications/%s/resend" % self.failed.pop(),
                token=self.token,
            )

    def providers(self):
        self.call("providers", "GET", "/v1/staff/providers", token=self.token)

    def refund(self):
        if self.paid:
            self.call(
                "refund",
                "POST",
                "/v1/staff/payments/%s/refund" % self.paid.pop(),
                {},
                self.token,
                self.key(always=True),
            )


class Field:
    """The shop, its people, and what they share."""

    def __init__(self, shop, seed, customers, staff):
        self.shop, self.seed = shop, seed
        self.recorder, self.ending = Recorder(seed), threading.Event()
        self.chairs = [shop.chair] + [
            shop.resource("Chair %d" % n, capacity) for n, capacity in ((2, 1), (3, 1), (4, 3))
        ]
        chairs = {
            "resource_ids": self.chairs,
            "free_cancellation_minutes": 60,
            "max_advance_days": 200,
        }
        self.services = [
            shop.make_service(name="Cut", slot_step_minutes=30, **chairs),
            shop.make_service(name="Shave", duration_minutes=30, **chairs),
            shop.make_service(
                name="Colour",
                duration_minutes=45,
                slot_step_minutes=15,
                payment="online",
                price=12000,
                **chairs
            ),
        ]
        self.phones, self.lock = 0, threading.Lock()
        self.people = [Customer(self, n) for n in range(customers)] + [
            Staff(self, n) for n in range(staff)
        ]

    def phone(self):
        with self.lock:
            self.phones += 1
            return "+96655%07d" % self.phones

    def start(self, rng):
        """A start that some others want too."""
        return self.shop.at(
            rng.randrange(0, 24 * 180) if rng.random() < 0.8 else rng.randrange(0, 12)
        )

    def messages(self, phone, after):
        try:
            return self.shop.sandbox.inbox(phone, after)
        except (AssertionError, EOFError, OSError):
            return []

    def at_gateway(self, path, **form):
        """What a browser does on the gateway's page; None when the gateway is not itself."""
        try:
            return self.shop.sandbox.form(path, **form)
        except (AssertionError, EOFError, OSError):
            return None

    def begin(self):
        for p in self.people:
            p.start()

    def end(self, limit=90.0):
        self.ending.set()
        end = time.monotonic() + limit
        for p in self.people:
            p.join(max(0.1, end - time.monotonic()))
            if p.is_alive():
                self.recorder.tell("%s does not end" % p.name)

    def write(self, path):
        """All records, a line each."""
        with open(path, "w") as f:
            for r in sorted(self.recorder.records, key=lambda r: r.begun):
                f.write(
                    json.dumps(
                        {n: getattr(r, n) for n in Record.__slots__ if getattr(r, n) is not None}
                    )
                    + "\n"
                )
