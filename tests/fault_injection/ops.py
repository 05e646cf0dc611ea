# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What is done while something fails, and how it is brought to its one end afterwards."""
import re
import time
import uuid

import bd

# Bad days that a client may be told of. Any other answer but success is a finding.
TOLD = {
    "out_of_memory",
    "database_unavailable",
    "commit_unknown",
    "provider_failed",
    "provider_timeout",
    "provider_unavailable",
    "deadline_exceeded",
    "overloaded",
}
# How a notification may end whose courier met a fault or was killed.
DOUBT = {"", "provider_failed", "provider_timeout", "interrupted"}
ENDED = "interrupted"  # what a client is told of a worker that ended


class Op:
    def __init__(self, world):
        self.w, self.shop, self.n = world, world.shop, 0

    def prepare(self):
        self.n += 1

    def until_done(self, ask, good, limit=8.0, final=lambda r: True):
        """Repeats a request until its one end is known."""

        def end():
            r = ask()
            if not (
                r.status >= 400
                and r.code in TOLD | {"idempotency_in_flight", ENDED}
                or r.status < 400
                and not final(r)
            ):
                return r
            self.w.hurry()
            return None

        r = bd.wait_until(end, "an end of the repeated request", limit, 0.05)
        if r.status in good:
            return r
        self.w.fail("repeated: %r" % r)
        return None


class Read(Op):
    name = "read"

    def act(self):
        return [self.shop.call("GET", "/v1/services/%s/slots" % self.shop.service)]

    def settle(self, answers):
        pass


class SignIn(Op):
    name = "sign-in"

    def prepare(self):
        self.n += 1
        self.phone = "+96655%07d" % (self.w.serial() % 10**7)

    def act(self):
        answers = [self.shop.call("POST", "/v1/otp", {"phone": self.phone})]
        if answers[0].status == 201:
            text = self.w.sandbox.inbox(self.phone)[-1]["text"]
            answers.append(
                self.shop.call(
                    "POST",
                    "/v1/otp/%s/verify" % answers[0].json()["id"],
                    {"code": re.search(r"\d{6}", text).group()},
                )
            )
        return answers

    def settle(self, answers):
        """Whatever became of it, the customer can sign in."""

        def signed_in():
            r = self.act()
            return r[-1].status == 200

        bd.wait_until(signed_in, "a sign-in", 5, 0.05)
        if self.shop_count("SELECT count(*) FROM customers WHERE phone = '%s'" % self.phone) != 1:
            self.w.fail("not one customer")

    def shop_count(self, sql):
        return int(self.w.db.ask(sql)[0])


class Booking(SignIn):
    name = "booking"

    def prepare(self):
        self.n += 1
        self.hour = self.w.serial()
        self.phone = "+96655%07d" % self.hour
        self.me = self.w.customer(self.phone)
        self.key = str(uuid.uuid4())

    def book(self, service=None):
        return self.shop.book(
            self.me,
            self.hour,
            service_id=service or self.shop.service,
            headers={"Idempotency-Key": self.key},
        )

    def act(self):
        return [self.book()]

    def settle(self, answers):
        r = self.until_done(self.book, (201,))
        if r is None:
            return
        if answers and answers[0].status == 201 and answers[0].json()["id"] != r.json()["id"]:
            self.w.fail("acknowledged %s, repeated %s" % (answers[0].json()["id"], r.json()["id"]))
        if (
            self.shop_count(
                "SELECT count(*) FROM bookings b JOIN customers c ON c.id = b.customer_id WHERE "
                "c.phone = '%s'" % self.phone
            )
            != 1
        ):
            self.w.fail("not one booking")
        if (
            self.shop_count(
                "SELECT count(*) FROM notifications WHERE booking_id = '%s'" % r.json()["id"]
            )
            != 1
        ):
            self.w.fail("not one notification")


class Sending(Booking):
    """What the courier does with a booking's notification."""

    name = "sending"

    def act(self):
        answers = super().act()

        def over():
            return self.status()[0] != "PENDING" or self.w.ended() or time.monotonic() > limit

        # What waits for another try is looked at when nothing fails any more.
        limit = time.monotonic() + 0.5
        bd.wait_until(over, "the courier", 5, 0.01)
        return answers

    def status(self):
        rows = self.w.db.ask(
            "SELECT status, coalesce(error_code, '') FROM notifications WHERE recipient = '%s'"
            % self.phone
        )
        return rows[0].split("\t") if rows else ("PENDING", "")

    def settle(self, answers):
        super().settle(answers)
        bd.wait_until(lambda: self.status()[0] != "PENDING", "an end of the notification", 10, 0.02)
        (status, code), got = self.status(), len(self.w.sandbox.inbox(self.phone))
        if got > 1 or (status == "SENT" and got != 1) or code not in DOUBT:
            self.w.fail("notification %s %s, %d messages" % (status, code, got))


class Payment(Booking):
    name = "payment"

    def prepare(self):
        super().prepare()
        r = self.book(self.w.paid_service)
        if r.status != 201:
            raise AssertionError("to pay for: %r" % r)
        self.booking, self.key = r.json()["id"], str(uuid.uuid4())

    def pay(self):
        return self.shop.call(
            "POST",
            "/v1/bookings/%s/payments" % self.booking,
            {"return_url": "https://book.example/"},
            self.me,
            Idempotency_Key=self.key,
        )

    def act(self):
        return [self.pay()]

    def settle(self, answers):
        self.w.hurry()
        r = self.until_done(self.pay, (200, 201), final=lambda r: r.json()["status"] != "creating")
        if r is None:
            return
        p = r.json()
        open_n = self.shop_count(
            "SELECT count(*) FROM payments WHERE booking_id = '%s' AND status IN ('creating', "
            "'initiated', 'unknown')" % self.booking
        )
        if p["status"] != "initiated" or open_n != 1:
            self.w.fail("payment %r, open ones %d" % (p, open_n))
        made = [i for i in self.w.invoices(self.booking) if i["status"] == "initiated"]
        if len(made) != 1:
            self.w.fail("%d open invoices at the gateway" % len(made))


class Reconnect(Op):
    """The database ends the connection; the worker makes another one while its calls fail."""

    name = "reconnect"

    def act(self):
        self.w.db.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
            "current_database() AND pid <> pg_backend_pid()"
            " AND application_name ~ '^bookingd'"
        )
        answers = []

        asked_until = time.monotonic() + 0.2  # where it cannot have one as long as memory is short

        def served():
            answers.append(self.shop.call("GET", "/v1/venues"))
            return (
                answers[-1].status == 200
                or self.w.ended()
                or self.w.page.injected > 1
                and time.monotonic() > asked_until
            )

        bd.wait_until(served, "the worker to have a connection", 5, 0.01)
        return answers

    def settle(self, answers):
        pass


OF_ROLE = {"dispatcher": ["booking"], "courier": ["sending"]}  # those that others than workers do
OPS = {c.name: c for c in (Read, SignIn, Booking, Payment, Reconnect)}
ALL = {**OPS, Sending.name: Sending}
