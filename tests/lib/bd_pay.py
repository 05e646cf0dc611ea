# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A shop that is paid online, with the sandbox as its gateway, for system tests of payments."""
import base64
import hashlib
import os
import uuid

import bd
import bd_shop

SECRET = "webhook-secret-of-tests"
VISA, VISA_3DS, POOR = (
    "4111114005765430",
    "4111111111111111",
    "4201320000311101",
)  # pays at once, asks the bank, has no money
RETURN = "https://book.example.com/done"

PAYMENTS = """SELECT p.id, p.status, p.amount - p.refunded_amount, b.id, booking_status(b.status,
  b.hold_expires_at),
 booking_is_live(b.status, b.hold_expires_at)
FROM payments p JOIN bookings b ON b.id = p.booking_id"""


def config(gateway_url, **over):
    return bd.merge(
        {
            "server": {"workers": 4, "request_budget": "4s"},
            "providers": {
                "moyasar": {
                    "type": "moyasar",
                    "base_url": gateway_url,
                    "secret_key": "sk_test_of_the_daemon",
                    "webhook_secret": SECRET,
                    "connect_timeout": "%dms" % (300 * bd.SLOWNESS),
                    "timeout": "700ms",
                    "breaker": {"failures": 10000, "open_for": "100ms"},
                }
            },
            "payments": {
                "provider": "moyasar",
                "return_origins": ["https://book.example.com", "http://127.0.0.1:9"],
            },
        },
        over,
    )


class PayShop(bd_shop.Shop):
    """gateway: a FakeProvider or other thing with a url; None: a Sandbox of its own."""

    def __init__(self, case, over=None, gateway=None, env=None):
        self.sandbox = None if gateway else case.sandbox()
        super().__init__(case, config((gateway or self.sandbox).url, **(over or {})), env=env)
        self.service = self.make_service(
            price=12000, payment="online", free_cancellation_minutes=60
        )
        self.customers = 0

    def someone(self):
        """A new customer's token."""
        self.customers += 1
        return self.customer("+96655%07d" % self.customers)

    def many_customers(self, n):
        """Tokens of new customers, made in one go."""
        tokens = [base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode() for _ in range(n)]
        rows = [
            "('%s'::uuid, '+96656%07d', '%s')"
            % (uuid.uuid4(), i, hashlib.sha256(t.encode()).hexdigest())
            for i, t in enumerate(tokens)
        ]
        self.pg.sql(
            "CREATE TEMP TABLE t AS SELECT * FROM (VALUES %s) AS v (id, phone, hash);"
            "INSERT INTO customers (id, phone, locale) SELECT id, phone, 'en' FROM t;"
            "INSERT INTO sessions (token_hash, customer_id, expires_at) SELECT hash, id, now() + "
            "interval '1 day' FROM t" % ", ".join(rows)
        )
        return tokens

    def hooks(self, on=True, **more):
        self.sandbox.webhooks(
            "http://127.0.0.1:%d/v1/webhooks/moyasar" % self.daemon.port if on else None,
            SECRET,
            **more
        )

    # -- what a customer does --
    def open(self, me, booking, url=RETURN, **headers):
        return self.call(
            "POST", "/v1/bookings/%s/payments" % booking, {"return_url": url}, me, **headers
        )

    def cancel(self, me, booking, body=None, **headers):
        return self.call("POST", "/v1/bookings/%s/cancel" % booking, body, me, **headers)

    def booking(self, me, booking):
        return self.call("GET", "/v1/bookings/" + booking, token=me).json()

    def payment(self, me, payment):
        return self.call("GET", "/v1/payments/" + payment, token=me).json()

    def payments(self, me, booking):
        return self.call("GET", "/v1/bookings/%s/payments" % booking, token=me).json()["items"]

    def come_back(self, payment, query="?id=whatever&status=failed"):
        return self.call("GET", "/v1/payments/%s/return%s" % (payment, query))

    # -- what the gateway does --
    def pay(self, invoice, card=VISA):
        """Pays on the gateway's page; the Response of the form."""
        return self.sandbox.form("/invoices/%s/pay" % invoice, number=card)

    def begin_3ds(self, invoice):
        """Pays with a card whose bank asks; the gateway's payment that waits for the answer."""
        r = self.pay(invoice, VISA_3DS)
        return r.header("Location").split("/3ds/")[1].split("?")[0]

    def answer_3ds(self, charge, yes=True):
        return self.sandbox.form("/3ds/" + charge, answer="yes" if yes else "no")

    def hook(self, event, secret=SECRET):
        return self.call(
            "POST",
            "/v1/webhooks/moyasar",
            event if secret is None else {**event, "secret_token": secret},
        )

    def event(self, kind="payment_paid", **data):
        """An event as the gateway makes them, about a charge that need not exist."""
        return {
            "id": str(uuid.uuid4()),
            "type": kind,
            "created_at": "2026-01-01T00:00:00Z",
            "account_name": "Test",
            "live": False,
            "data": {
                "id": str(uuid.uuid4()),
                "status": "paid",
                "amount": 12000,
                "currency": "SAR",
                "refunded": 0,
                **data,
            },
        }

    def invoice(self, invoice):
        return self.sandbox.api("GET", "/v1/invoices/" + invoice).json()

    def hurry(self):
        """The keeper looks at once at what it would look at later; a payment that is being made
        stays in its maker's hand.
        """
        self.pg.sql(
            "UPDATE payments SET next_check_at = now() WHERE next_check_at > now() AND status <> "
            "'creating';"
            "UPDATE refunds SET next_check_at = now() WHERE next_check_at > now() AND status <> "
            "'calling'"
        )

    # -- what staff see --
    def detail(self, booking):
        return self.staff("GET", "/v1/staff/bookings/" + booking)

    def audit(self, subject):
        items = self.staff("GET", "/v1/staff/audit?limit=100")["items"]
        return [(a["actor"], a["action"]) for a in items if a["subject"] == subject]

    def refund(self, payment, amount=None, key=None, **headers):
        return self.call(
            "POST",
            "/v1/staff/payments/%s/refund" % payment,
            {} if amount is None else {"amount": amount},
            key or self.admin,
            **headers
        )

    # -- the one truth --
    def imbalance(self):
        """
        Differences between our invoices and the gateway's, [(kind, words)]: "lost" (money that one
        side has and the other does not), "doubled" (a booking that is paid twice), "free" (paid,
        and its slot is not taken), "unpaid" (confirmed without money), "open" (not at its end yet).
        Empty: they are equal."""
        wrong, held = [], {}
        for charge in self.sandbox.books("payments"):
            if charge["status"] in ("paid", "captured", "refunded"):
                ref = (charge["metadata"] or {}).get("payment_id")
                held[ref] = held.get(ref, 0) + charge["amount"] - charge["refunded"]
        rows = self.pg.sql(PAYMENTS)
        kept = {}
        for pid, status, left, booking, booking_status, slot in rows:
            there, here = (
                held.pop(pid, 0),
                int(left) if status in ("paid", "refunded", "partially_refunded") else 0,
            )
            if here != there:
                wrong.append(
                    (
                        "lost",
                        "payment %s is %s with %d, the gateway holds %d"
                        % (pid, status, here, there),
                    )
                )
            if here and booking_status not in ("confirmed", "completed", "no_show"):
                wrong.append(
                    (
                        "free",
                        "payment %s holds %d for booking %s, which is %s"
                        % (pid, here, booking, booking_status),
                    )
                )
            if (
                status in ("creating", "initiated", "unknown")
                and booking_status != "pending_payment"
            ):
                wrong.append(
                    ("open", "payment %s is %s and its booking %s" % (pid, status, booking_status))
                )
            if booking_status == "confirmed" and slot != "t":
                wrong.append(("free", "booking %s is confirmed and has no slot" % booking))
            kept.setdefault(booking, []).extend([here] if here else [])
        wrong += [
            ("lost", "the gateway holds %d for %s, which is not ours" % (n, ref))
            for ref, n in held.items()
            if n
        ]
        for booking, status in self.pg.sql(
            "SELECT id, booking_status(status, hold_expires_at) FROM bookings WHERE payment = "
            "'online' AND amount > 0"
        ):
            if len(kept.get(booking, [])) > 1:
                wrong.append(
                    ("doubled", "booking %s is paid %d times" % (booking, len(kept[booking])))
                )
            if status == "confirmed" and not kept.get(booking):
                wrong.append(("unpaid", "booking %s is confirmed" % booking))
        wrong += [
            ("open", "refund %s is %s" % tuple(r))
            for r in self.pg.sql(
                "SELECT id, status FROM refunds WHERE status IN ('wanted', 'calling', 'unknown')"
            )
        ]
        wrong += [
            ("open", "booking %s is held for staff, and there is nothing to decide" % r[0])
            for r in self.pg.sql(
                "SELECT b.id FROM bookings b WHERE b.status = 'pending_payment' AND "
                "b.hold_expires_at > now() + interval '1 year' AND NOT EXISTS (SELECT FROM "
                "payments p WHERE p.booking_id = b.id AND p.status = 'mismatch')"
            )
        ]
        ends = {r[0]: r[4] for r in rows}
        for v in self.sandbox.books("invoices"):
            booking = ends.get((v["metadata"] or {}).get("payment_id"), "pending_payment")
            if v["status"] == "initiated" and booking != "pending_payment":
                wrong.append(
                    ("open", "invoice %s can be paid, and its booking is %s" % (v["id"], booking))
                )
        return wrong

    def balance(self, limit=30.0):
        """Hurries the keeper until it has made our invoices and the gateway's equal."""
        last = []

        def equal():
            self.hurry()
            last[:] = self.imbalance()
            return not last

        try:
            bd.wait_until(equal, "equal invoices on both sides", limit, 0.3)
        except AssertionError as e:
            raise AssertionError("%s\n%s" % (e, "\n".join("%s: %s" % w for w in last))) from None
