#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: openssl nftables iproute2 util-linux
"""Every fault of a provider at every call that waits for one; test_faults.py runs a part.

{OTP, booking notification, payment create, refund, return} x what a network and a server can do,
over HTTP and over TLS. Each case checks the time of the answer (budget + 100 ms), its status, code
and outcome, the row, the metric, and that the next call works. A table is printed at the end. Then
reads and bookings are measured while all providers hang (faults_load.py).
"""
import collections
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_fault  # noqa: E402
import bd_shop  # noqa: E402

BUDGET = 1.5 * bd.SLOWNESS
CONNECT = 0.6 * bd.SLOWNESS
LATE = 0.1 * float(os.environ.get("BOOKINGD_TEST_PATIENCE", "1"))
STATUS = {
    None: 201,
    "provider_failed": 502,
    "provider_rejected": 502,
    "provider_timeout": 504,
    "provider_unavailable": 503,
}
COUNTED = {
    None: "ok",
    "provider_failed": "failed",
    "provider_rejected": "rejected",
    "provider_timeout": "timeout",
    "provider_unavailable": "unavailable",
}
NO_JSON = {"Content-Type": "text/html"}


class Fault:
    def __init__(self, name, code, outcome=None, door=None, act=None, scheme=None):
        self.name, self.code, self.outcome, self.door, self.act, self.scheme = (
            name,
            code,
            outcome,
            door,
            act,
            scheme,
        )


def refusal(status, body=None):
    return bd.p_reply(
        status,
        body
        if body is not None
        else {"statusCode": status, "type": "invalid_request_error", "message": "no"},
    )


FAILED, TIMEOUT = ("provider_failed", "failed"), (
    "provider_timeout",
    "failed",
)  # known: nothing was sent
LOST, LATE_ANSWER = ("provider_failed", "unknown"), ("provider_timeout", "unknown")
FAULTS = [
    Fault("none", None),
    Fault("slow, in time", None, act="slow"),
    Fault("refused", *FAILED, door="refuse"),
    Fault("accepted, silent", *LATE_ANSWER, door="mute", scheme="http"),
    Fault("accepted, silent", *TIMEOUT, door="mute", scheme="https"),
    Fault("SYN unanswered", *TIMEOUT, door="full"),
    Fault("SYN dropped", *TIMEOUT, door="drop"),
    Fault("certificate untrusted", *FAILED, door="untrusted", scheme="https"),
    Fault("certificate of another", *FAILED, door="other_name", scheme="https"),
    Fault("no TLS spoken", *FAILED, door="no_tls", scheme="https"),
    Fault("reset in handshake", *FAILED, door="tls_reset", scheme="https"),
    Fault("hang before answer", *LATE_ANSWER, act=bd.p_hang()),
    Fault("hang after headers", *LATE_ANSWER, act=bd_fault.p_head_then_silence()),
    Fault("hang in the body", *LATE_ANSWER, act=bd_fault.p_body_then_silence()),
    Fault("headers for ever", *LOST, act=bd.p_headers_for_ever(0.001)),
    Fault("headers, slowly", *LATE_ANSWER, act=bd.p_headers_for_ever(0.05)),
    Fault("drip", *LATE_ANSWER, act=bd.p_drip()),
    Fault("reset", *LOST, act=bd.p_reset()),
    Fault("close", *LOST, act=bd.p_close()),
    Fault("half-close", *LOST, act=bd_fault.p_shutdown()),
    Fault("body cut off", *LOST, act=bd.p_half()),
    Fault("garbage", *LOST, act=bd.p_garbage()),
    Fault("garbage in a 200", *LOST, act=bd.p_reply(200, b"<html>OK</html>", NO_JSON)),
    Fault("huge", *LOST, act=bd.p_huge()),
    Fault("redirect", *LOST, act=bd.p_redirect()),
    Fault("400", "provider_rejected", "failed", act=refusal(400)),
    Fault("401", "provider_rejected", "failed", act=refusal(401)),
    Fault("429", "provider_unavailable", "failed", act=refusal(429)),
    Fault("500", *LOST, act=refusal(500)),
    Fault("503", *LOST, act=refusal(503)),
    Fault("200 with error", None, act="error"),  # as each provider says no inside a success
]


class Op:
    """One call: prepare() makes what it needs while all is well, act() is timed, check() looks at
    what became of it.
    """

    operation = route = None
    retried = False  # until it goes well, which another call tells
    error_in_200 = ("provider_rejected", "failed")
    seen = "?"  # what row() tells when the call did not get so far

    def __init__(self, world):
        self.w, self.shop, self.n = world, world.shop, 0

    def expected(self, fault):
        if fault.act == "error":
            return self.error_in_200
        return fault.code, fault.outcome

    def problem(self, r, code, outcome, also=None):
        """The answer of a call whose failure the client is told."""
        if (r.status, r.code, r.json().get("outcome")) != (STATUS[code], code, outcome):
            return "answer %r" % r
        if also and (also in r.json()) != (outcome == "unknown"):
            return "%s in %r" % (also, r)
        if code == "provider_unavailable" and not r.header("Retry-After"):
            return "no Retry-After in %r" % r
        return None

    def row_is(self, sql, wanted):
        got = self.shop.pg.value(sql)
        return None if got == wanted else "row %s, not %s" % (got, wanted)


class Otp(Op):
    name, operation, front, route = "otp", "sms_otp", "otp_front", r"^POST /v1/messages"

    def prepare(self):
        self.n += 1
        self.phone = "+9665520%05d" % self.n

    def act(self):
        return self.shop.call("POST", "/v1/otp", {"phone": self.phone})

    def check(self, r, code, outcome):
        wrong = (
            self.problem(r, code, outcome, "otp_id")
            if code
            else None
            if r.status == 201
            else "answer %r" % r
        )
        return wrong or self.row_is(
            "SELECT status FROM otp_challenges WHERE phone = '%s'" % self.phone,
            "sent" if code is None else outcome,
        )

    def row(self):
        return self.shop.pg.value(
            "SELECT status FROM otp_challenges WHERE phone = '%s'" % self.phone
        )


class Notification(Op):
    name, operation, front, route = (
        "notification",
        "sms_notice",
        "notification_front",
        r"^POST /v1/messages",
    )

    def prepare(self):
        self.n += 1
        self.me = self.shop.customer("+9665530%05d" % self.n)

    def act(self):
        return self.shop.book(self.me, self.n % 24)

    def check(self, r, code, outcome):
        if r.status != 201:
            return "answer %r" % r
        (n,) = self.shop.notifications(booking_id=r.json()["id"])
        wanted = ("SENT", None) if code is None else ("FAILED", code)
        if (n["status"], n["error_code"]) != wanted:
            return "notification %r" % n
        self.w.notifications[n["error_code"] or "sent"] += 1
        self.seen = n["error_code"] or n["status"]
        return self.row_is(
            "SELECT coalesce(error_code, status) FROM notifications WHERE id = '%s'" % n["id"],
            code or "SENT",
        )

    def row(self):
        return self.seen


class Deferred(Notification):
    """By a courier: the booking's answer is always the same; what is known not to have been sent
    waits, costs no attempt, and is sent once all is well.
    """

    ROW = (
        "SELECT status, coalesce(error_code, ''), attempts, error_detail IS NOT NULL FROM "
        "notifications WHERE booking_id = '%s'"
    )

    def expected(self, fault):
        code, outcome = super().expected(fault)
        route = code in ("provider_failed", "provider_timeout", "provider_unavailable")
        self.retried = outcome == "failed" and (route or fault.name == "401")
        return code, outcome

    def until(self, good, what):
        def look():
            (self.got,) = self.shop.pg.sql(self.ROW % self.booking)
            return good(*self.got)

        try:
            bd.wait_until(look, what, BUDGET + 2)
        except AssertionError:
            return "row %r" % self.got
        return None

    def check(self, r, code, outcome):
        if r.status != 201:
            return "answer %r" % r
        self.booking = r.json()["id"]
        self.seen = "PENDING, SENT" if self.retried else code or "SENT"
        if self.retried:
            wrong = self.until(lambda s, _, n, detail: (s, n, detail) == ("PENDING", "0", "t"), "?")
            self.w.heal(self)
            if wrong:
                return wrong
            code = None
        row = ["FAILED", code] if code else ["SENT", ""]
        self.w.notifications[code or "sent"] += 1
        return self.until(lambda *got: list(got[:3]) == [*row, "1"], "its end")


class Paying(Op):
    """What the payment calls have in common. They take turns: one gateway, one door."""

    front, lock = "pay_front", threading.Lock()
    error_in_200 = LOST  # the gateway never says no inside a success: such an answer cannot be read
    first = 0

    def booked(self):
        self.n += 1
        self.me = self.shop.customer("+96655%d0%05d" % (self.first, self.n))
        r = self.shop.book(self.me, self.n % 24, service_id=self.w.paid_service)
        assert r.status == 201, r
        return r.json()["id"]

    def open(self):
        return self.shop.call(
            "POST",
            "/v1/bookings/%s/payments" % self.booking,
            {"return_url": "https://book.example/done"},
            self.me,
        )

    def opened(self):
        self.booking = self.booked()
        r = self.open()
        assert r.status == 201, r
        return r.json()

    def pay(self):
        """At the gateway's page; the hints that it sends reach nobody, as its address of us is
        wrong.
        """
        p = self.opened()
        page = "/" + p["redirect_url"].split("/", 3)[3]
        with bd.Client(("127.0.0.1", self.w.sandbox.port)) as c:
            r = c.request(
                "POST",
                page + "/pay",
                b"number=4111114005765430",
                {"Content-Type": "application/x-www-form-urlencoded"},
            )
        assert r.status == 303, r
        return p["id"]

    def back(self):
        return self.shop.call("GET", "/v1/payments/%s/return" % self.id)

    def status(self):
        return "SELECT status FROM payments WHERE id = '%s'" % self.id

    def row(self):
        return self.shop.pg.value(self.status())


class Create(Paying):
    name, operation, route, first = "create", "invoice_create", r"^POST /v1/invoices$", 4

    def prepare(self):
        self.booking = self.booked()

    act = Paying.open

    def check(self, r, code, outcome):
        self.id = self.shop.pg.value(
            "SELECT id FROM payments WHERE booking_id = '%s'" % self.booking
        )
        if code is None:
            return self.row_is(self.status(), "initiated") if r.status == 201 else "answer %r" % r
        held = self.row_is(
            "SELECT status FROM bookings WHERE id = '%s'" % self.booking, "pending_payment"
        )
        return (
            self.problem(r, code, outcome, "payment_id")
            or held
            or self.row_is(self.status(), outcome)
        )


class Refund(Paying):
    name, operation, route, first = "refund", "refund", r"^POST /v1/payments/[^/]+/refund", 5

    def prepare(self):
        self.id = self.pay()
        r = self.back()
        assert "status=paid" in r.header("Location"), r
        # Connections are ended at the first call of two: that it may come to the second, the first
        # leaves the door open.
        self.fetched = False

    def act(self):
        return self.shop.call("POST", "/v1/staff/payments/%s/refund" % self.id, {}, self.shop.admin)

    def check(self, r, code, outcome):
        if code is None:
            return self.row_is(self.status(), "refunded") if r.status == 200 else "answer %r" % r
        refund = (
            "SELECT coalesce((SELECT status FROM refunds WHERE payment_id = '%s'), 'none')"
            % self.id
        )
        return (
            self.problem(r, code, outcome)
            or self.row_is(self.status(), "paid")
            or self.row_is(refund, outcome)
        )

    def row(self):
        return self.shop.pg.value(
            "SELECT coalesce((SELECT status FROM refunds WHERE payment_id = '%s'), 'none')"
            % self.id
        )

    def expected(self, fault):
        code, outcome = super().expected(fault)
        return (
            code,
            "failed" if fault.door and outcome else outcome,
        )  # the look before it went wrong: nothing was asked for


class Return(Paying):
    """The browser comes back all the same, with what is known; a later look finds out."""

    name, operation, route, first = "return", "invoice_fetch", r"^GET /v1/invoices/", 6

    def prepare(self):
        self.id = self.pay()
        # The keeper, whose ways to know are more, would be first where the budget is long.
        self.shop.pg.sql(
            "UPDATE payments SET next_check_at = now() + interval '1 hour' WHERE id = '%s'"
            % self.id
        )

    act = Paying.back

    def check(self, r, code, outcome):
        status = "paid" if code is None else "initiated"
        if r.status != 303 or "status=%s" % status not in r.header("Location"):
            return "answer %r" % r
        wrong = self.row_is(self.status(), status)
        self.w.heal(self)
        # A payment is looked at once in 3 seconds, whatever came of it.
        self.shop.pg.sql(
            "UPDATE payments SET hinted_at = hinted_at - interval '3 seconds' WHERE id = '%s'"
            % self.id
        )
        r = self.back()
        return wrong or (None if "status=paid" in r.header("Location") else "afterwards %r" % r)


OPS = [Otp, Notification, Create, Refund, Return]


class World:
    """A shop whose providers are the sandbox, each behind a front of its own."""

    def __init__(self, case, scheme, budget=BUDGET, **over):
        self.scheme, self.notifications, self.results, self.fault = (
            scheme,
            collections.Counter(),
            [],
            None,
        )
        self.sandbox = case.sandbox()
        self.certificates = bd_fault.Certificates() if scheme == "https" else None
        for name in ("otp_front", "notification_front", "pay_front"):
            front = bd_fault.Front(self.sandbox.port, self.certificates)
            case.addCleanup(front.close)
            setattr(self, name, front)
        limits = {
            "connect_timeout": "%dms" % (CONNECT * 1000),
            "timeout": "30s",
            "breaker": {"failures": 10000, "open_for": "1s"},
        }

        def sms(front):
            return {
                "type": "taqnyat",
                "base_url": front.url,
                "sender": "BOOKINGS",
                "token": "t0p-secret",
                **limits,
            }

        env = {"SSL_CERT_FILE": self.certificates.bundle} if self.certificates else None
        self.shop = bd_shop.Shop(
            case,
            bd.merge(
                {
                    # Nobody listens at the public address: the gateway's hints are lost, and each
                    # case finds out by itself.
                    "server": {
                        "workers": 8,
                        "queue": 64,
                        "request_budget": "%dms" % (budget * 1000),
                        "public_url": "http://127.0.0.1:1",
                    },
                    "providers": {
                        "sms": None,
                        "otp": sms(self.otp_front),
                        # A courier has no request whose budget would end its call.
                        "notification": {
                            **sms(self.notification_front),
                            **({"timeout": "%dms" % (budget * 1000)} if bd_shop.DELIVERY else {}),
                        },
                        "moyasar": {
                            "type": "moyasar",
                            "base_url": self.pay_front.url,
                            "secret_key": "sk_test_t0p",
                            "webhook_secret": "w" * 20,
                            **limits,
                        },
                    },
                    "otp": {
                        "provider": "otp",
                        "secret": "x" * 32,
                        "resend_cooldown": "60s",
                        "per_address": "100000/1h",
                        "total": "100000/1h",
                    },
                    "notifications": {"provider": "notification"},
                    "bookings": {"hold": "1h", "max_active_per_customer": 10000},
                    "payments": {"provider": "moyasar", "return_origins": ["https://book.example"]},
                },
                over,
            ),
            env=env,
        )
        hall = [self.shop.resource("Hall", 1000)]
        self.paid_service = self.shop.make_service(
            resource_ids=hall, payment="online", free_cancellation_minutes=60
        )
        self.shop.service = self.shop.make_service(resource_ids=hall)

    def heal(self, op):
        getattr(self, op.front).heal()

    def inject(self, op, fault):
        front = getattr(self, op.front)
        if fault.door:
            front.shut(fault.door)
        elif fault.act == "slow":
            front.spoil(
                op.route,
                lambda p, conn, request: (time.sleep(0.3), conn.sendall(front.forward(request))),
            )
        elif fault.act == "error" and op.front != "pay_front":
            self.sandbox.order("taqnyat", "declined", times=1)
        elif fault.act == "error":
            front.spoil(op.route, refusal(200))
        elif fault.act:
            front.spoil(op.route, fault.act)

    def counted(self, op):
        return collections.Counter(
            {
                l["outcome"]: int(v)
                for n, l, v in self.shop.daemon.metrics()
                if n == "bookingd_provider_requests_total" and l["operation"] == op.operation and v
            }
        )

    def case(self, op, fault):
        """Runs one; returns what is wrong, or None."""
        code, outcome = op.expected(fault)
        op.prepare()
        before = self.counted(op)
        self.fault = fault if isinstance(op, Paying) else self.fault
        self.inject(op, fault)
        began = time.monotonic()
        try:
            r = op.act()
            took = time.monotonic() - began
            wrong = op.check(r, code, outcome)
        finally:
            self.heal(op)
        if took > BUDGET + LATE:
            wrong = "late: %.0f ms" % (took * 1000)
        if not wrong:
            # A provider of SMS that refuses us refuses everybody: counted apart.
            apart = fault.name == "401" and not isinstance(op, Paying)
            wrong = self.metric(op, before, "account" if apart else COUNTED[code], fault)
        self.results.append(
            (
                op.name,
                self.scheme,
                fault.name,
                r.status,
                r.code if r.status >= 400 else "",
                (outcome if r.status >= 400 else "") or "",
                took * 1000,
                op.row(),
                wrong,
            )
        )
        return wrong

    def metric(self, op, before, label, fault):
        got = self.counted(op) - before
        if isinstance(op, Return):
            return (
                None if got[label] >= 1 else "metric %r" % got
            )  # a later look and the keeper ask too
        if op.retried:
            return (
                None
                if got[label] >= 1 and got == {label: got[label], "ok": 1}
                else ("metric %r, not %s and then one ok" % (got, label))
            )
        if isinstance(op, Refund) and fault.door:
            return None if not got else "metric %r" % got
        return (
            None
            if got == collections.Counter({label: 1})
            else "metric %r, not one %s" % (got, label)
        )

    def agree(self):
        """Rows, page and staff list tell the same; nothing is left in flight."""
        shop = self.shop

        def count(sql):
            return {tuple(row[:-1]): int(row[-1]) for row in shop.pg.sql(sql)}

        rows = count(
            "SELECT template, coalesce(error_code, status), count(*) FROM notifications GROUP BY "
            "1, 2"
        )
        listed = collections.Counter(
            (n["template"], n["error_code"] or n["status"]) for n in shop.notifications()
        )
        if listed != rows:
            return "rows %r, list %r" % (rows, listed)
        failed = {k: n for k, n in rows.items() if k[1] not in ("SENT", "PENDING")}

        def page():
            m = shop.daemon.metrics()
            return (
                {
                    (l["template"], l["error_code"]): int(v)
                    for n, l, v in m
                    if n == "bookingd_notifications_failed" and v
                },
                {
                    (l["template"], l["outcome"]): int(v)
                    for n, l, v in m
                    if n == "bookingd_notifications_total" and v and l["outcome"] != "sent"
                },
                {(l["status"],): int(v) for n, l, v in m if n == "bookingd_payments" and v},
                sum(v for n, l, v in m if n == "bookingd_provider_in_flight"),
            )

        def told():  # the keeper still moves payments on
            return page() == (
                failed,
                failed,
                count("SELECT status, count(*) FROM payments GROUP BY 1"),
                0,
            )

        try:
            bd.wait_until(told, "page %r to tell of %r" % (page(), failed), 3)
        except AssertionError as e:
            return str(e)
        log = shop.daemon.log()
        leaked = [s for s in ("t0p-secret", "sk_test_t0p", "+96655") if s in log]
        return "in the log: %r" % leaked if leaked else None


class Transactions:
    """Watches that no session of a database stays idle in a transaction."""

    SQL = (
        "SELECT extract(epoch FROM clock_timestamp() - state_change), "
        "regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_activity"
        " WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND pid <> "
        "pg_backend_pid() ORDER BY 1 DESC LIMIT 1"
    )

    def __init__(self, pg):
        self.pg, self.worst, self.looks, self.over = pg, 0.0, 0, False
        self.behind = ""  # the statement that the worst one waited behind
        self.session = pg.session()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        while not self.over:
            for line in self.session.ask(self.SQL):
                idle, statement = line.split("\t", 1)
                if float(idle) > self.worst:
                    self.worst, self.behind = float(idle), statement
            self.looks += 1
            time.sleep(0.01)

    def end(self):
        self.over = True
        self.thread.join(10)
        self.session.close()
        return self.worst * 1000


def run(case, scheme, ops, faults):
    """The matrix of one scheme: OTP, notifications and payments at the same time. Returns (results,
    what is wrong beside them).
    """
    world = World(case, scheme)
    transactions = Transactions(world.shop.pg)
    crashed = []

    def lane(classes):
        try:
            for op in [c(world) for c in classes]:
                for fault in faults:
                    if fault.scheme in (None, scheme) and (
                        fault.door != "drop" or bd_fault.NAMESPACE in os.environ
                    ):
                        world.case(op, fault)
        except BaseException as e:  # shown by the caller
            crashed.append(e)

    lanes = [[o for o in ops if not issubclass(o, Paying)][i : i + 1] for i in range(2)] + [
        [o for o in ops if issubclass(o, Paying)]
    ]
    threads = [threading.Thread(target=lane, args=(classes,)) for classes in lanes if classes]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if crashed:
        raise crashed[0]
    idle = transactions.end()
    wrong = [
        w
        for w in (
            world.agree(),
            "idle in transaction for %.0f ms behind %s" % (idle, transactions.behind)
            if idle > 50 * LATE / 0.1
            else None,
        )
        if w
    ]
    if not transactions.looks:
        wrong.append("nobody looked at the transactions")
    return world.results, wrong, idle


def table(results):
    print(
        "\n%-8s %-6s %-23s %6s %-21s %-8s %8s  %-21s %s"
        % ("call", "over", "fault", "status", "code", "outcome", "ms", "row", "")
    )
    for op, scheme, fault, status, code, outcome, ms, row, wrong in results:
        print(
            "%-8s %-6s %-23s %6d %-21s %-8s %8.1f  %-21s %s"
            % (
                op,
                scheme,
                fault,
                status,
                code,
                outcome,
                ms,
                row,
                "WRONG: " + wrong if wrong else "",
            )
        )


class Matrix(bd.Case):
    schemes, ops, faults = ("http", "https"), OPS, FAULTS

    def matrix(self, scheme):
        results, wrong, idle = run(self, scheme, self.ops, self.faults)
        table(results)
        late = max(r[6] for r in results)
        print(
            "%s: %d cases, %d wrong, slowest %.0f ms (budget %.0f), idle in transaction at most "
            "%.1f ms"
            % (
                scheme,
                len(results),
                sum(r[8] is not None for r in results),
                late,
                BUDGET * 1000,
                idle,
            ),
            flush=True,
        )
        self.assertTrue(results)
        self.assertEqual([r for r in results if r[8]], [])
        self.assertEqual(wrong, [])

    def test_http(self):
        if "http" not in self.schemes:
            self.skipTest("not asked for")
        self.matrix("http")

    def test_https(self):
        if "https" not in self.schemes:
            self.skipTest("not asked for")
        self.matrix("https")


def main():
    parser = bd_campaign.parser()
    parser.add_argument(
        "--op", choices=[o.name for o in OPS], action="append", help="only this call"
    )
    parser.add_argument("--fault", help="only faults whose name contains this")
    parser.add_argument("--plain", action="store_true", help="only over HTTP")
    parser.add_argument("--tls", action="store_true", help="only over TLS")
    parser.add_argument(
        "--no-load", action="store_true", help="without reads and bookings meanwhile"
    )
    parser.add_argument("--load", action="store_true", help="only that part")
    bd_campaign.add_delivery(parser)
    args = bd_campaign.options(parser)
    bd_fault.in_namespace()
    if args.delivery == "deferred":
        OPS[OPS.index(Notification)] = Deferred
    Matrix.ops = [o for o in OPS if not args.op or o.name in args.op]
    Matrix.faults = [f for f in FAULTS if not args.fault or args.fault in f.name]
    Matrix.schemes = ("http",) if args.plain else ("https",) if args.tls else ("http", "https")
    tests = bd_campaign.suite(*([] if args.load else [Matrix]))
    if not (args.no_load or args.op or args.fault or args.plain or args.tls):
        sys.modules["faults"] = sys.modules["__main__"]
        import faults_load

        tests.addTests(bd_campaign.suite(faults_load.Meanwhile))
    bd_campaign.run(tests, verbosity=2)


if __name__ == "__main__":
    main()
