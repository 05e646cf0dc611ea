#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Every call to the payment gateway meets every fault under every behaviour of its webhooks.

A cell is a booking of its own: one call (or two) of its payment or refund meets a fault, its events
come as its column says, and its customer goes on as customers do. All cells run at the same time in
one daemon. When the keeper is done, our rows equal the gateway's books: nothing lost, nothing
doubled, no paid booking that is free, no confirmed one that is unpaid. A fault that hit nobody
fails the run: it proved nothing. Beside the faults there are views: answers in forms that nobody
has seen, charges that are not what was asked for, money that the gateway's desk gave back. Two
strangers send hints all the time. A seventh of it is test_payment_matrix.py.
"""
import collections
import concurrent.futures
import itertools
import os
import random
import re
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_pay  # noqa: E402

ROUTES = {
    "create": "invoice_create",
    "find": "invoice_list",
    "fetch": "invoice_fetch",
    "cancel": "invoice_cancel",
    "payment fetch": "payment_fetch",
    "refund": "refund",
}
# {} is "the connection is refused": the call before it is answered, then nobody listens for a
# moment.
FAULTS = {
    "refused": {},
    "reset": {"kind": "reset"},
    "done, then dropped": {"kind": "close", "done": True},
    "hang": {"kind": "hang"},
    "drip": {"kind": "drip"},
    "500": {"kind": "status", "status": 500},
    "429": {"kind": "status", "status": 429},
    "4xx": {"kind": "declined"},
    "garbage": {"kind": "garbage"},
    "huge": {"kind": "huge"},
    "html 403": {"kind": "html"},
}
MAYBE_DONE = (
    "hang",
    "drip",
    "500",
    "garbage",
    "huge",
)  # every other cell: carried out before the fault takes place, or not
# What the gateway shows of a payment: its answers in another form; a charge of another amount or
# currency, which staff accept or refund; money that its own desk gave back.
VIEWS = {
    "unknown states": {"kind": "stranger"},
    "unknown members": {"kind": "members"},
    "numbers as text": {"kind": "text_numbers"},
    "real numbers": {"kind": "real_numbers"},
    "exponents": {"kind": "exponents"},
    "packed": {"kind": "gzip"},
    "less paid": {"pay": {"amount": "11000"}},
    "more paid": {"pay": {"amount": "13500"}},
    "other currency": {"pay": {"currency": "USD"}},
    "less paid, back at the desk": {
        "pay": {"amount": "11000"},
        "desk": ("refund", {"amount": 11000}),
    },
    "part back at the desk": {"desk": ("refund", {"amount": 2500})},
    "all back at the desk": {"desk": ("refund", {"amount": 12000})},
    "voided at the desk": {"desk": ("void", None)},
}
HOOKS = (
    "never",
    "once",
    "six times",
    "out of order",
    "before the answer",
    "forged",
    "after expiry",
)
SHUT_MS = 120
THREADS = 12
TRIES = 40


class Cell:
    def __init__(self, number, call, fault, hooks):
        self.number, self.call, self.fault, self.hooks = number, call, fault, hooks
        self.view = VIEWS[fault] if call == "view" else {}
        self.odd = number % 2 == 1
        self.me = self.booking = self.payment = self.invoice = self.charge = None
        self.events = []
        self.ready = threading.Event()  # the fault is ordered

    def __str__(self):
        return "%s × %s × %s (booking %s, payment %s)" % (
            self.call,
            self.fault,
            self.hooks,
            self.booking,
            self.payment,
        )


class Field:
    """The shop, and what customers and gateway do in a cell."""

    def __init__(self, case, cells):
        self.cells = cells
        self.shop = bd_pay.PayShop(
            case,
            {
                "server": {
                    "workers": 16,
                    "queue": 256,
                    "queue_timeout": "10s",
                    "request_budget": "4s",
                },
                "bookings": {"hold": "20m"},
                "providers": {
                    "moyasar": {
                        "timeout": "300ms",
                        "connect_timeout": "200ms",
                        "max_concurrent": 16,
                    },
                    "sms": {"max_concurrent": 16},
                },
            },
        )
        self.shop.hooks(False, callbacks=False)
        self.answers, self.lock = collections.Counter(), threading.Lock()
        self.wrong = []
        self.orders = set()

    # -- small things --
    def order(self, cell, route, only, **fault):
        self.shop.sandbox.order(route, only=only, **fault)

    def shut(self, cell):
        """Nobody listens at the gateway for a moment."""
        self.order(cell, "payment_list", cell.booking, kind="shut", delay_ms=SHUT_MS, times=1)
        self.shop.sandbox.api("GET", "/v1/payments?metadata[booking_id]=" + cell.booking)

    def injected(self, cell, route, only, before):
        """Orders the cell's fault for a route; before: the route whose answer comes just before,
        None: it is the next call of all.
        """
        fault = dict(FAULTS[cell.fault])
        if cell.fault in MAYBE_DONE:
            fault["done"] = cell.odd
        if fault:
            self.order(cell, route, only, times=1 + cell.number // 2 % 2, **fault)
        elif before:
            self.order(cell, before, only, kind="shut", delay_ms=SHUT_MS, times=1)
        else:
            self.shut(cell)

    def call(self, cell, what, good, *args, **kwargs):
        """A customer's call, repeated until its status is a good one."""
        for _ in range(TRIES):
            r = getattr(self.shop, what)(*args, **kwargs)
            with self.lock:
                self.answers[
                    "%s %d %s" % (what, r.status, (r.code or "") if r.status >= 400 else "")
                ] += 1
                if r.status == 500 or r.status not in good + (409, 502, 503, 504):
                    self.wrong.append("%s: %s answered %r" % (cell, what, r))
            if r.status in good:
                return r
            if r.code in ("booking_not_payable", "booking_not_active"):
                return r
            time.sleep(0.05)
        raise AssertionError("%s: %s never succeeded: %r" % (cell, what, r))

    # -- the gateway's side --
    def event(self, cell, kind, charge=None):
        told = (
            cell.odd and cell.call != "fetch"
        )  # half of them leave our reference out: the invoice is fetched for it
        known = {
            "metadata": {"payment_id": cell.payment, "booking_id": cell.booking} if told else None
        }
        return self.shop.event(
            kind, id=charge or str(uuid.uuid4()), invoice_id=cell.invoice, **known
        )

    def deliver(self, event, deliveries=6):
        """As the gateway: until it is taken, at most six times."""
        for n in range(deliveries):
            r = self.shop.hook(event)
            with self.lock:
                self.answers["webhook %d" % r.status] += 1
                if r.status not in (200, 502):
                    self.wrong.append("a webhook was answered %r" % r)
            if r.status == 200:
                return
            time.sleep(0.02 * n)

    def hook(self, cell):
        """Brings what has happened so far in the way of the cell's column."""
        if cell.hooks == "forged":
            for event in cell.events:
                for secret in (None, "wrong", bd_pay.SECRET.upper()):
                    if self.shop.hook(event, secret).status != 401:
                        self.wrong.append("%s: a forged event was taken" % cell)
            self.deliver(self.event(cell, "payment_refunded"))  # with the secret, and not true
            self.deliver(self.event(cell, "payment_paid"))
        elif cell.hooks != "never":
            for event in (
                reversed(cell.events) if cell.hooks == "out of order" else list(cell.events)
            ):
                for _ in range(6 if cell.hooks == "six times" else 1):
                    self.deliver(event)

    def pay(self, cell):
        """Some cards are declined first; some banks ask."""
        if cell.number % 3 == 0:
            self.shop.sandbox.form("/invoices/%s/pay" % cell.invoice, number=bd_pay.POOR)
            cell.events.append(self.event(cell, "payment_faild"))
        r = self.shop.sandbox.form(
            "/invoices/%s/pay" % cell.invoice, number=bd_pay.VISA, **cell.view.get("pay", {})
        )
        cell.charge = re.search(r"[?&]id=([\w-]+)", r.header("Location") or "")
        if not cell.charge:
            raise AssertionError("%s: not paid: %r" % (cell, r))
        cell.charge = cell.charge.group(1)
        cell.events.append(self.event(cell, "payment_paid", cell.charge))

    def begin_3ds(self, cell):
        r = self.shop.sandbox.form(
            "/invoices/%s/pay" % cell.invoice, number=bd_pay.VISA_3DS, **cell.view.get("pay", {})
        )
        cell.charge = r.header("Location").split("/3ds/")[1].split("?")[0]

    def answer_3ds(self, cell):
        self.shop.sandbox.form("/3ds/" + cell.charge, answer="yes")
        cell.events.append(self.event(cell, "payment_paid", cell.charge))

    # -- the customer's side --
    def find(self, cell):
        """What the gateway has for the booking: the invoice's id, or None."""
        made = self.shop.sandbox.api(
            "GET", "/v1/invoices?metadata[booking_id]=" + cell.booking
        ).json()["invoices"]
        return made[0] if made else None

    def open(self, cell):
        """Until there is an invoice and its URL is known, or it was paid by then."""
        key = {"Idempotency_Key": "open-%s" % cell.booking} if cell.odd else {}
        if cell.call == "create":
            if (
                cell.fault == "refused" and cell.odd
            ):  # not the first create, but the one after a look that found nothing
                self.injected(cell, None, self.lose_create(cell, key, kind="reset"), "invoice_list")
            else:
                self.injected(cell, "invoice_create", cell.booking, None)
        elif cell.call == "find":
            self.injected(
                cell, "invoice_list", self.lose_create(cell, key, kind="close", done=True), None
            )
        elif cell.hooks == "before the answer":
            self.order(cell, "invoice_create", cell.booking, kind="delay", delay_ms=150, times=1)
        cell.ready.set()
        r = self.call(cell, "open", (200, 201), cell.me, cell.booking, **key)
        if r.status != 409 and not r.json()["redirect_url"]:
            raise AssertionError("%s: no URL in %r" % (cell, r))

    def lose_create(self, cell, key, **fault):
        """A create without an answer; the payment, whose outcome is unknown."""
        self.order(cell, "invoice_create", cell.booking, times=1, **fault)
        while True:
            r = self.call(cell, "open", (502, 503), cell.me, cell.booking, **key)
            if "payment_id" in r.json():
                return r.json()["payment_id"]

    def open_before(self, cell):
        """The payer and the event are faster than the create's answer, where it has one that can be
        outrun.
        """
        opening = threading.Thread(target=self.guarded, args=(self.open, cell))
        opening.start()
        if cell.call == "find":
            cell.ready.wait(30)
        while opening.is_alive() and cell.charge is None:
            made = self.find(cell)
            if made and made["status"] == "initiated":
                cell.invoice, cell.payment = made["id"], made["metadata"]["payment_id"]
                self.pay(cell)
                self.hook(cell)
        opening.join()
        self.learn(cell)
        if cell.charge is None:
            self.pay(cell)
            self.hook(cell)

    def learn(self, cell):
        mine = self.shop.payments(cell.me, cell.booking)[-1]
        cell.payment, cell.invoice = mine["id"], mine["gateway_id"]

    def expire(self, cell, taken):
        """The hold is over, in half of the cells with another customer in its place."""
        self.shop.pg.sql(
            "UPDATE bookings SET hold_expires_at = now() WHERE id = '%s' AND status = "
            "'pending_payment'" % cell.booking
        )
        if taken:
            self.call(cell, "book", (201,), cell.other, cell.hour)

    # -- a cell --
    def run(self, cell):
        cell.booking = self.call(cell, "book", (201,), cell.me, cell.hour).json()["id"]
        late, cancels = cell.hooks == "after expiry", cell.call in ("payment fetch", "refund")
        if "kind" in cell.view:
            for route in ("invoice_create", "invoice_fetch"):
                self.order(cell, route, cell.booking, kind=cell.view["kind"])
        if cell.hooks == "before the answer" and cell.call != "cancel":
            if cell.call == "fetch":
                self.injected(cell, "invoice_fetch", cell.booking, None)
            self.open_before(cell)
        else:
            self.open(cell)
            self.learn(cell)
            if cell.call == "cancel" or late:
                self.begin_3ds(cell)
        if cell.call == "cancel":
            self.end_unpaid(cell, late)
            return
        if cell.call == "fetch" and cell.hooks != "before the answer":
            self.injected(cell, "invoice_fetch", cell.booking, None)
        if late:
            taken = cell.number // 7 % 2 == 1
            if taken and cancels:  # the keeper gives it back
                self.injected(
                    cell,
                    ROUTES[cell.call],
                    cell.booking,
                    "payment_fetch" if cell.call == "refund" else None,
                )
                cancels = False
            self.expire(cell, taken)
            self.answer_3ds(cell)
        elif cell.charge is None:
            self.pay(cell)
        self.hook(cell)
        if cell.call in ("fetch", "view"):
            self.call(cell, "come_back", (303,), cell.payment)
        if cell.call == "view":
            self.finish_view(cell, late and cell.number // 7 % 2 == 1)
        if cancels:
            self.cancel_paid(cell)

    def end_unpaid(self, cell, late):
        """The booking ends while its invoice can be paid, and the payer is at the bank: the keeper
        ends the invoice.
        """
        self.injected(cell, "invoice_cancel", cell.payment, "invoice_list")
        if late:
            self.expire(cell, cell.odd)
        else:
            self.call(cell, "cancel", (200,), cell.me, cell.booking)

    def after_the_end(self, cell):
        """The bank says yes to half of them all the same."""
        if cell.number // 2 % 2:
            self.answer_3ds(cell)
        self.hook(cell)

    def await_confirmed(self, cell):
        def confirmed():
            self.call(cell, "come_back", (303,), cell.payment)
            return self.shop.booking(cell.me, cell.booking)["status"] == "confirmed"

        bd.wait_until(confirmed, "%s is confirmed" % cell, 10, 0.1)

    # -- views --
    def await_mismatch(self, cell):
        def seen():
            self.call(cell, "come_back", (303,), cell.payment)
            return self.shop.payment(cell.me, cell.payment)["status"] == "mismatch"

        bd.wait_until(seen, "%s is a mismatch" % cell, 20, 0.2)

    def staff_post(self, path):
        return self.shop.call("POST", "/v1/staff/" + path, None, self.shop.admin)

    def decide(self, cell):
        """Staff accept what was paid, or give it back: the latter when the place is gone."""
        acts = ["accept", "refund"] if cell.odd else ["refund"]

        def decided():
            r = self.staff_post("payments/%s/%s" % (cell.payment, acts[0]))
            if r.code == "slot_taken":
                acts.pop(0)
            if r.status != 200:
                self.call(cell, "come_back", (303,), cell.payment)
            return r.status == 200

        bd.wait_until(decided, "%s is decided by staff" % cell, 20, 0.2)

    def finish_view(self, cell, taken):
        if "pay" in cell.view and "desk" not in cell.view:
            self.decide(cell)
        elif taken and "pay" not in cell.view:  # the keeper gives it back
            return
        elif "desk" in cell.view:
            if "pay" in cell.view:
                self.await_mismatch(cell)
            else:
                self.await_confirmed(cell)
            what, body = cell.view["desk"]
            self.shop.sandbox.api("POST", "/v1/payments/%s/%s" % (cell.charge, what), body)
            cell.events.append(self.event(cell, "payment_refunded", cell.charge))
            self.hook(cell)
        elif cell.odd:  # and given back in the same form
            self.await_confirmed(cell)
            for route in ("payment_fetch", "refund"):
                self.order(cell, route, cell.booking, kind=cell.view["kind"])
            self.call(cell, "cancel", (200,), cell.me, cell.booking)

    def end_given_back(self, cell):
        """Staff cancel what nobody has paid for any more; half of them before we know it."""

        def known():
            self.shop.hurry()
            return self.shop.payment(cell.me, cell.payment)["status"] == "refunded"

        if self.shop.booking(cell.me, cell.booking)["status"] != "confirmed":
            return
        if cell.odd:
            bd.wait_until(known, "%s is seen as given back" % cell, 60, 0.3)
        self.staff_post("bookings/%s/cancel" % cell.booking)

    def flood(self, stop):
        """A stranger's hints about the payments of all cells."""
        while not stop.is_set():
            cell = random.choice(self.cells)
            if cell.payment is None:
                time.sleep(0.01)
                continue
            r = self.shop.call("POST", "/v1/payments/%s/gateway" % cell.payment)
            with self.lock:
                self.answers["hint %d" % r.status] += 1
                if r.status not in (200, 502, 503, 504):
                    self.wrong.append("a hint was answered %r" % r)

    def cancel_paid(self, cell):
        self.await_confirmed(cell)
        self.injected(
            cell,
            ROUTES[cell.call],
            cell.booking,
            "payment_fetch" if cell.call == "refund" else None,
        )
        key = {"Idempotency_Key": "cancel-%s" % cell.booking} if cell.odd else {}
        for _ in range(2 + cell.number % 3):  # then the customer gives up, and the keeper finds out
            r = self.shop.cancel(cell.me, cell.booking, **key)
            with self.lock:
                self.answers[
                    "cancel paid %d %s" % (r.status, (r.code or "") if r.status >= 400 else "")
                ] += 1
            if r.status in (200, 409):
                break
        cell.events.append(self.event(cell, "payment_refunded", cell.charge))
        self.hook(cell)

    def guarded(self, step, cell):
        try:
            step(cell)
        except Exception as e:  # noqa: BLE001  # told with the cell that it is of
            with self.lock:
                self.wrong.append("%s: %s: %s" % (cell, type(e).__name__, e))

    def all(self, step, cells, threads=THREADS):
        with concurrent.futures.ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda c: self.guarded(step, c), cells))

    # -- the whole --
    def idle_faults(self):
        """Orders of faults that hit nobody yet; a view need not be seen in every call."""
        return [
            o
            for o in self.shop.sandbox.call("GET", "/control/faults")["items"]
            if "only" in o and o["struck"] == 0 and o["times"] != -1
        ]

    def settle(self, limit):
        """Waits until both sides' invoices are equal and every fault has taken place. A refund of
        unknown outcome grows old only when no fault is left.
        """
        left = self.idle_faults()

        def done():
            self.shop.hurry()
            left[:] = left and self.idle_faults()
            if left:
                return False
            self.shop.sandbox.clear()
            self.shop.pg.sql(
                "UPDATE refunds SET created_at = created_at - interval '16 minutes' WHERE status "
                "= 'unknown'"
            )
            return not self.shop.imbalance()

        try:
            bd.wait_until(done, "equal invoices on both sides", limit, 0.5)
        except AssertionError:
            pass  # told in words by the caller
        self.wrong += ["a fault that hit nobody: %s" % o for o in left]

    def customers(self):
        """One for each cell, and one for its slot's other taker: made in one go."""
        for n, cell in enumerate(self.cells):
            cell.hour = 2 + n
        tokens = self.shop.many_customers(2 * len(self.cells))
        for cell, me, other in zip(self.cells, tokens[::2], tokens[1::2]):
            cell.me, cell.other = me, other


def play(case, cells, limit=60):
    begun = time.monotonic()
    field = Field(case, cells)
    field.customers()
    # When nobody listens nobody is answered: the cells that need that come one by one.
    field.all(field.run, [c for c in cells if c.fault == "refused"], 1)
    stop = threading.Event()
    strangers = [threading.Thread(target=field.flood, args=(stop,)) for _ in range(2)]
    for stranger in strangers:
        stranger.start()
    field.all(field.run, [c for c in cells if c.fault != "refused"])
    stop.set()
    for stranger in strangers:
        stranger.join()
    field.all(
        field.end_given_back,
        [c for c in cells if c.fault in ("all back at the desk", "voided at the desk")],
        4,
    )
    ended = [c for c in cells if c.call == "cancel"]
    field.shop.hurry()
    theirs = {c.payment for c in ended}

    def injected():
        field.shop.hurry()
        return not [o for o in field.idle_faults() if o["only"] in theirs]

    try:
        bd.wait_until(injected, "the faults of invoices that are ended", limit, 0.3)
    except AssertionError:
        pass  # told with the others
    field.all(field.after_the_end, ended)
    played = time.monotonic() - begun
    field.settle(limit)
    wrong = field.shop.imbalance()
    kinds = collections.Counter(kind for kind, _ in wrong)
    states = dict(field.shop.pg.sql("SELECT status, count(*) FROM payments GROUP BY 1"))
    print(
        "%d cells (%d calls × %d faults and views × %d webhooks): %d lost, %d doubled, %d paid and "
        "free, "
        "%d confirmed and unpaid, %d not ended; "
        "%d payments %s, %d refunds; %d requests; %.0f s, settled after %.0f s more"
        % (
            len(cells),
            len({c.call for c in cells}),
            len({c.fault for c in cells}),
            len({c.hooks for c in cells}),
            kinds["lost"],
            kinds["doubled"],
            kinds["free"],
            kinds["unpaid"],
            kinds["open"],
            sum(map(int, states.values())),
            states,
            int(field.shop.pg.value("SELECT count(*) FROM refunds")),
            sum(field.answers.values()),
            played,
            time.monotonic() - begun - played,
        ),
        flush=True,
    )
    for what, n in sorted(field.answers.items()):
        print("  %5d  %s" % (n, what))
    said = field.wrong + ["%s: %s" % w for w in wrong]
    case.assertEqual(len(said), 0, "\n".join(said))
    case.assertIsNone(re.search(r"event=http\.internal|level=crit", field.shop.daemon.log()))


def all_cells():
    faults = itertools.product(ROUTES, FAULTS, HOOKS)
    views = itertools.product(["view"], VIEWS, HOOKS)
    return [Cell(n, *what) for n, what in enumerate(itertools.chain(faults, views))]


class Matrix(bd.Case):
    # 7 is prime to nothing here but the columns: each call meets each fault once, the columns in
    # turn
    every = 7

    def test_matrix(self):
        cells = [c for c in all_cells() if (c.number + c.number // len(HOOKS)) % self.every == 0]
        play(self, cells)


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--every", type=int, default=1, help="run every Nth cell")
    Matrix.every = bd_campaign.options(parser).every
    bd_campaign.run(Matrix)


if __name__ == "__main__":
    main()
