# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""
The worker is killed (-9) at each step of a payment, of its settling and of its refund; afterwards
both sides' invoices are equal.

No step is hit by luck. A gate in the database (a trigger that waits for an advisory lock) holds the
worker at a statement; a row's lock holds it at the first statement of a transaction; a fault of the
sandbox holds it in a call; and where nothing can hold it (between a commit and what comes next) it
is stopped at the statement before, the gate opens, the commit is seen to be done, and it is killed
without having run on. What is found on both sides right then proves each time that this was the
step. """
import concurrent.futures
import contextlib
import os
import signal
import threading
import time

import bd
import bd_pay

# A gate: its number, and what waits at it.
GATES = {
    "made": (1, "INSERT ON payments"),
    "stored": (2, "UPDATE OF status, charge_id, refunded_amount ON payments"),
    "kept": (3, "INSERT ON webhook_events"),
    "refund made": (4, "INSERT ON refunds"),
    "refund told": (5, "UPDATE OF status ON refunds"),
}
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = "
    "'Lock' AND state = 'active'"
    " AND application_name = 'bookingd worker' AND query ~ '%s'"
)
BOOKING = "SELECT 1 FROM bookings WHERE id = '%s' FOR UPDATE"
PAYMENTS = "LOCK TABLE payments IN ACCESS EXCLUSIVE MODE"
INTERRUPTED = (502, "interrupted", "unknown")


class Call:
    """A request on its way, in a thread of its own."""

    def __init__(self, act, *args, **kwargs):
        self.answer = None

        def run():
            try:
                self.answer = act(*args, **kwargs)
            except (OSError, EOFError) as e:
                self.answer = e

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def end(self):
        self.thread.join()
        return self.answer


class Killer:
    """Brings a call to a step and kills its worker there. route: as the worker's title says it."""

    def __init__(self, case, shop):
        self.case, self.shop = case, shop
        self.look, self.lock = shop.pg.session(), shop.pg.session()
        for s in (self.look, self.lock):
            case.addCleanup(s.close)
        for n, where in GATES.values():
            what, table = where.split(" ON ")
            name = "gate_%d" % n
            self.look.ask(
                "CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
                "pg_advisory_xact_lock_shared(%d); RETURN NEW; END'" % (name, n)
            )
            changed = "" if what == "INSERT" else "WHEN (OLD.* IS DISTINCT FROM NEW.*)"
            self.look.ask(
                "CREATE TRIGGER %s BEFORE %s ON %s FOR EACH ROW %s EXECUTE FUNCTION %s()"
                % (name, what, table, changed, name)
            )

    @contextlib.contextmanager
    def keeper_away(self):
        """It finds nothing due: on a slow machine it would settle what has yet to be killed, or was
        left by a kill.
        """
        self.look.ask(
            "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN NEW.next_check_at := NEW.next_check_at + interval ''1 hour''; RETURN NEW; END'"
        )
        for table in ("payments", "refunds"):
            self.look.ask(
                "CREATE TRIGGER later BEFORE INSERT OR UPDATE OF next_check_at ON %s FOR EACH "
                "ROW EXECUTE FUNCTION later()" % table
            )
        yield
        self.look.ask("DROP FUNCTION later CASCADE")

    # -- seeing --
    def waiting(self, words):
        """The database's process that waits for a lock in a statement with these words."""
        return bd.wait_until(
            lambda: self.look.ask(WAITING % words), "a statement with '%s' waits" % words
        )[0]

    def worker(self, route):
        return self.shop.daemon.worker_executing(route)

    # -- holding --
    @contextlib.contextmanager
    def gate(self, name):
        self.look.ask("SELECT pg_advisory_lock(%d)" % GATES[name][0])
        try:
            yield
        finally:
            self.look.ask("SELECT pg_advisory_unlock(%d)" % GATES[name][0])

    @contextlib.contextmanager
    def locked(self, statement):
        self.lock.ask("BEGIN")
        self.lock.ask(statement)
        try:
            yield
        finally:
            self.lock.ask("ROLLBACK")

    # -- killing; each returns the call, whose worker is dead --
    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)

    def at_lock(self, route, statement, words, act):
        """At a statement that waits: the transaction has written nothing, and ends
        with the worker."""
        with self.locked(statement):
            call = Call(act)
            self.waiting(words)
            self.kill(self.worker(route))
        return call

    def before(self, route, booking, act):
        return self.at_lock(route, BOOKING % booking, "FROM bookings", act)

    def at_gate(self, route, name, act):
        """While its commit is on its way: the whole batch has been sent, and the database finishes
        it alone.
        """
        with self.gate(name):
            call = Call(act)
            self.waiting(GATES[name][1].split(" ON ")[1])
            self.kill(self.worker(route))
        return call

    def stopped(self, route, name, act):
        """Stopped behind its commit: the call, and the worker's pid."""
        with self.gate(name):
            call = Call(act)
            backend = self.waiting(GATES[name][1].split(" ON ")[1])
            pid = self.worker(route)
            os.kill(pid, signal.SIGSTOP)
        bd.wait_until(
            lambda: self.look.ask(
                "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'idle'" % backend
            ),
            "the commit",
        )
        return call, pid

    def behind(self, route, name, act):
        call, pid = self.stopped(route, name, act)
        self.kill(pid)
        return call

    def answered(self, route, name, booking, act):
        """With the gateway's answer in hand, before the first statement that stores it."""
        call, pid = self.stopped(route, name, act)
        with self.locked(BOOKING % booking):
            os.kill(pid, signal.SIGCONT)
            self.waiting("FROM bookings")
            self.kill(pid)
        return call

    def in_call(self, route, operation, about, done, act):
        """While it waits for the gateway, which has done what it was asked for, or has not."""
        self.shop.sandbox.order(operation, "hang", done=done, only=about, times=1)
        call = Call(act)

        def orders():
            return self.shop.sandbox.call("GET", "/control/faults")["items"]

        bd.wait_until(
            lambda: not any(o.get("only") == about for o in orders()), "%s is called" % operation
        )
        self.kill(self.worker(route))
        return call


# ---- the steps: how each is killed_at, and what is found right after it ----

CREATE = {  # the payment's status, the gateway's invoices
    "before the row": (lambda k, r, b, act: k.before(r, b, act), None, 0),
    "the row's commit on its way": (lambda k, r, b, act: k.at_gate(r, "made", act), "creating", 0),
    "the row is there": (lambda k, r, b, act: k.behind(r, "made", act), "creating", 0),
    "asked, not done": (
        lambda k, r, b, act: k.in_call(r, "invoice_create", b, False, act),
        "creating",
        0,
    ),
    "asked and done": (
        lambda k, r, b, act: k.in_call(r, "invoice_create", b, True, act),
        "creating",
        1,
    ),
    "answered, not stored": (lambda k, r, b, act: k.answered(r, "made", b, act), "creating", 1),
    "the storing's commit on its way": (
        lambda k, r, b, act: k.at_gate(r, "stored", act),
        "initiated",
        1,
    ),
    "stored, not told": (lambda k, r, b, act: k.behind(r, "stored", act), "initiated", 1),
}
SETTLE = {  # the payment's status, the booking's
    "before it is fetched": (
        lambda k, r, b, act: k.at_lock(r, PAYMENTS, r"FROM payments p\s+WHERE p.id = ", act),
        "initiated",
        "pending_payment",
    ),
    "while it is fetched": (
        lambda k, r, b, act: k.in_call(r, "invoice_fetch", b, False, act),
        "initiated",
        "pending_payment",
    ),
    "fetched, not applied": (
        lambda k, r, b, act: k.before(r, b, act),
        "initiated",
        "pending_payment",
    ),
    "the applying's commit on its way": (
        lambda k, r, b, act: k.at_gate(r, "stored", act),
        "paid",
        "confirmed",
    ),
    "applied, not told": (lambda k, r, b, act: k.behind(r, "stored", act), "paid", "confirmed"),
    "applied, the event not kept": (
        lambda k, r, b, act: k.at_gate(r, "kept", act),
        "paid",
        "confirmed",
    ),
}
REFUND_STATES = {  # the refund's status, whether the gateway has given back
    "before the row": (lambda k, r, b, act: k.before(r, b, act), None, False),
    "the row's commit on its way": (
        lambda k, r, b, act: k.at_gate(r, "refund made", act),
        "calling",
        False,
    ),
    "the row is there": (lambda k, r, b, act: k.behind(r, "refund made", act), "calling", False),
    "at the look before": (
        lambda k, r, b, act: k.in_call(r, "payment_fetch", b, False, act),
        "calling",
        False,
    ),
    "asked, not done": (
        lambda k, r, b, act: k.in_call(r, "refund", b, False, act),
        "calling",
        False,
    ),
    "asked and done": (lambda k, r, b, act: k.in_call(r, "refund", b, True, act), "calling", True),
    "answered, not stored": (
        lambda k, r, b, act: k.answered(r, "refund made", b, act),
        "calling",
        True,
    ),
    "while it is stored": (lambda k, r, b, act: k.at_gate(r, "refund told", act), "calling", True),
    "the storing's commit on its way": (
        lambda k, r, b, act: k.at_gate(r, "stored", act),
        "done",
        True,
    ),
    "stored, not told": (lambda k, r, b, act: k.behind(r, "stored", act), "done", True),
}


class Kill:
    """A worker killed at one step of one call; prepare(), kill(), back(), end() in this order, each
    for all kills.
    """

    route = None
    steps = {}

    def __init__(self, case, step, number):
        self.case, self.shop, self.step, self.hour = case, case.shop, step, number
        self.how, *self.expected = self.steps[step]
        self.me, self.booking, self.payment = case.tokens[number], None, None

    def __str__(self):
        return "%s, %s" % (type(self).__name__, self.step)

    def equal(self, got, want):
        self.case.assertEqual(got, want, self)

    def prepare(self):
        r = self.shop.book(self.me, 2 + self.hour)
        self.equal(r.status, 201)
        self.booking = r.json()["id"]

    def ask(self):
        """The call whose worker is killed; its repeat is the same."""
        raise NotImplementedError

    def answered(self, r):
        self.equal((r.status, r.code, r.json().get("outcome")), INTERRUPTED)

    def kill(self):
        self.answered(self.how(self.case.killer, self.route, self.booking, self.ask).end())
        self.equal(self.found(), tuple(self.expected))

    def found(self):
        """What of `expected` is the case."""
        raise NotImplementedError

    def back(self):
        """Its client comes back."""

    def end(self):
        """What must have come of it."""

    # -- for all of them --
    def open(self):
        return self.shop.open(self.me, self.booking, Idempotency_Key="create-" + self.booking)

    def rows(self):
        """Statuses: the payments', the booking's, the refunds' (those that were not made aside)."""
        row = self.case.ask(
            "SELECT (SELECT string_agg(p.status, ' ') FROM payments p WHERE p.booking_id = "
            "b.id), b.status, (SELECT string_agg(r.status, ' ')"
            " FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE p.booking_id = b.id "
            "AND r.status <> 'failed')"
            " FROM bookings b WHERE b.id = '%s'" % self.booking
        )
        return tuple(x or None for x in row[0].split("\t"))

    def invoices(self):
        return self.shop.sandbox.api(
            "GET", "/v1/invoices?metadata[booking_id]=" + self.booking
        ).json()["invoices"]

    def pay(self):
        r = self.open()
        self.case.assertIn(r.status, (200, 201), (str(self), r))
        self.payment = r.json()
        self.equal(self.shop.pay(self.payment["gateway_id"]).status, 303)


class Create(Kill):
    route, steps = "POST /v1/bookings/.*/payments", CREATE

    def ask(self):
        return self.open()

    def found(self):
        return self.rows()[0], len(self.invoices())

    def back(self):
        self.pay()  # by the one URL that there is
        self.equal(len(self.invoices()), 1)

    def end(self):
        self.equal(self.rows(), ("paid", "confirmed", None))
        self.equal(len(self.shop.payments(self.me, self.booking)), 1)


class CreateAndGo(Create):
    """Its customer never comes back: the hold ends, and so does what could be paid."""

    def back(self):
        self.case.ask("UPDATE bookings SET hold_expires_at = now() WHERE id = '%s'" % self.booking)
        self.case.ask(
            "UPDATE payments SET invoice_expires_at = now() WHERE booking_id = '%s'" % self.booking
        )  # it is before the hold's

    def end(self):
        self.equal([v for v in self.invoices() if v["status"] == "initiated"], [])
        self.equal(self.shop.booking(self.me, self.booking)["status"], "expired")


class Webhook(Kill):
    route, steps = "POST /v1/webhooks/moyasar", SETTLE

    def prepare(self):
        super().prepare()
        self.pay()
        self.event = self.shop.event(
            invoice_id=self.payment["gateway_id"], metadata={"payment_id": self.payment["id"]}
        )

    def ask(self):
        return self.shop.hook(self.event)

    def found(self):
        return self.rows()[:2]

    def back(self):
        self.equal(self.ask().status, 200)  # the gateway sends again

    def end(self):
        self.equal(self.rows(), ("paid", "confirmed", None))
        self.equal(self.ask().status, 200)


class Return(Webhook):
    """A read: another worker serves it when the first has died of it."""

    route = "GET /v1/payments/.*/return"

    def ask(self):
        return self.shop.come_back(self.payment["id"])

    def answered(self, r, status):
        self.equal(r.status, 303)
        self.case.assertIn("status=" + status, r.header("Location"), self)

    def kill(self):
        r = self.how(self.case.killer, self.route, self.booking, self.ask).end()
        found = self.found()
        self.answered(r, found[0])
        # The look of the dead counts as one, so the row may answer for 3 s (BEHAVIOUR §3).
        self.case.assertIn(found, (tuple(self.expected), ("paid", "confirmed")), self)

    def back(self):
        self.answered(self.ask(), "paid")

    def end(self):
        self.equal(self.rows(), ("paid", "confirmed", None))


class Refund(Kill):
    """A part, by staff."""

    route, steps = "POST /v1/staff/payments/.*/refund", REFUND_STATES
    amount, ends = 4000, ("partially_refunded", "confirmed", "done")

    def prepare(self):
        super().prepare()
        self.pay()
        self.equal(self.shop.come_back(self.payment["id"]).status, 303)
        self.equal(self.rows(), ("paid", "confirmed", None))

    def ask(self):
        return self.shop.refund(
            self.payment["id"], self.amount, Idempotency_Key="refund-" + self.booking
        )

    def given_back(self):
        charges = self.shop.sandbox.api(
            "GET", "/v1/payments?metadata[payment_id]=" + self.payment["id"]
        ).json()["payments"]
        return sum(c["refunded"] for c in charges)

    def found(self):
        return self.rows()[2], self.given_back() == self.amount

    def back(self):
        def done():
            self.case.time_passes()
            r = self.ask()
            self.case.assertIn(
                r.status, (200, 409, 502), (str(self), r)
            )  # the keeper may have it in hand
            return r.status == 200

        bd.wait_until(done, "%s is asked for again" % self, 10, 0.05)

    def end(self):
        # Asked for under one key: given once, whoever found out.
        self.equal((*self.rows(), self.given_back()), (*self.ends, self.amount))


class Cancel(Refund):
    """All, by the customer who cancels."""

    route, amount, ends = "POST /v1/bookings/.*/cancel", 12000, ("refunded", "cancelled", "done")

    def ask(self):
        return self.shop.cancel(self.me, self.booking, Idempotency_Key="cancel-" + self.booking)


class Kills(bd.Case):
    def setUp(self):
        self.shop = bd_pay.PayShop(
            self,
            {
                "server": {"workers": 10, "request_budget": "8s"},
                "bookings": {"hold": "20m"},
                "providers": {
                    "moyasar": {"timeout": "6s", "max_concurrent": 8},
                    "sms": {"max_concurrent": 8},
                },
            },
        )
        self.shop.hooks(False, callbacks=False)
        self.killer = Killer(self, self.shop)
        self.asking = threading.Lock()

    def ask(self, sql):
        """Of the database, when what a killed worker left to it is finished, one
        way or the other."""
        busy = (
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
            "pg_backend_pid() AND backend_type = 'client backend'"
            " AND (state <> 'idle' OR wait_event_type = 'Lock')"
        )
        with self.asking:
            bd.wait_until(
                lambda: not self.killer.look.ask(busy), "transactions of the dead end", 10, 0.002
            )
            return self.killer.look.ask(sql)

    def time_passes(self):
        """Longer than any caller may be believed alive; a refund that the gateway's total does not
        show by then was not made.
        """
        for sql in (
            "UPDATE payments SET next_check_at = now() WHERE next_check_at > now()",
            "UPDATE payments SET hinted_at = hinted_at - interval '3 seconds'",
            "UPDATE refunds SET next_check_at = now(), created_at = created_at - interval '16 "
            "minutes' WHERE status IN ('calling', 'unknown')",
            "UPDATE idempotency_keys SET claimed_until = now() - interval '1 second' WHERE "
            "status IS NULL",
            "UPDATE notifications SET send_by = now() WHERE status = 'PENDING'",
        ):
            self.killer.look.ask(sql)

    def keeper(self):
        """Until all is at its end and both sides' invoices are equal."""
        underway = (
            "SELECT 'payment', id FROM payments WHERE status = 'creating' UNION ALL SELECT "
            "'notification', id FROM notifications WHERE status = 'PENDING'"
            " UNION ALL SELECT 'refund', id FROM refunds WHERE status IN ('calling', 'unknown')"
        )
        left = []

        def equal():
            self.time_passes()
            left[:] = self.killer.look.ask(underway) or self.shop.imbalance()
            return not left

        try:
            bd.wait_until(equal, "equal invoices on both sides", 20, 0.1)
        except AssertionError as e:
            raise AssertionError("%s\n%s" % (e, left)) from None

    def test_every_step(self):
        begun = time.monotonic()
        kinds = [
            (Create, CREATE),
            (CreateAndGo, list(CREATE)[2::2]),
            (Webhook, SETTLE),
            (Return, list(SETTLE)[0:5:2]),
            (Cancel, REFUND_STATES),
            (Refund, list(REFUND_STATES)[4:8]),
        ]
        wanted = [(kind, step) for kind, steps in kinds for step in steps]
        self.tokens = self.shop.many_customers(len(wanted))
        kills = [kind(self, step, n) for n, (kind, step) in enumerate(wanted)]
        with self.killer.keeper_away():
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                list(pool.map(lambda s: s.prepare(), kills))
            prepared = time.monotonic()
            for s in kills:
                s.kill()
        killed_at = time.monotonic()
        self.time_passes()
        for s in kills[0::2]:
            s.back()
        self.keeper()  # it comes before the others do
        for s in kills[1::2]:
            s.back()
        self.keeper()
        for s in kills:
            s.end()
        self.assertEqual(
            self.ask(
                "SELECT booking_id FROM notifications WHERE template = 'booking_confirmed' GROUP "
                "BY 1 HAVING count(*) <> 1"
            ),
            [],
        )
        killed = self.shop.daemon.metric(
            "bookingd_process_restarts_total", role="worker", reason="signal"
        )
        self.assertEqual(killed, len(kills))
        print(
            "%d workers killed: prepared %.1f s, killed_at %.1f s, settled %.1f s"
            % (killed, prepared - begun, killed_at - prepared, time.monotonic() - killed_at),
            flush=True,
        )


if __name__ == "__main__":
    bd.main()
