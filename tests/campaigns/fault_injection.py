#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: strace binutils openssl
"""Makes the Nth allocation or system call fail, for every N; a sample is test_fault_injection.py.

alloc   the Nth allocation fails in the worker that serves a sign-in, a booking, a payment or a
        read, or that connects to its database anew (those of libraries included), in the
        dispatcher that hands a booking over, and in the courier that sends its SMS. all: the Nth
        and every one after it until the answer
read write sendto recvfrom connect open socket poll
        the Nth such call fails, or is cut short to one byte
kill    kill -9 of the worker at its Nth system call of each name, in a booking; and of a courier,
        while it sends

After each the process answers again, the same request repeated comes to its one end, and the books
balance (bd_books.py). A process that ends is a finding: where the call failed and where the process
crashed is shown, and whether our code is to blame.
"""
import base64
import collections
import concurrent.futures
import errno
import hashlib
import os
import random
import re
import shutil
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for place in ("lib", "fault_injection"):
    sys.path.insert(0, os.path.join(os.path.dirname(HERE), place))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_books  # noqa: E402
import bd_fault  # noqa: E402
import bd_shop  # noqa: E402
from ops import ALL, ENDED, OF_ROLE, OPS, TOLD  # noqa: E402
from fault_inject import FROM, ONCE, SHORT, Page, build_library, symbols  # noqa: E402

ERRORS = {  # how each kind of call fails
    "alloc": (errno.ENOMEM,),
    "read": (errno.EIO, errno.ECONNRESET, errno.EINTR),
    "write": (errno.ENOSPC, errno.EPIPE, errno.EINTR),
    "sendto": (errno.ECONNRESET, errno.ENOBUFS, errno.EINTR),
    "recvfrom": (errno.ECONNRESET, errno.ENOMEM, errno.EINTR),
    "connect": (errno.ECONNREFUSED, errno.ENETUNREACH),
    "open": (errno.EMFILE, errno.EACCES),
    "socket": (errno.EMFILE, errno.ENOBUFS),
    "poll": (errno.ENOMEM, errno.EINTR),
}
CUT = ("read", "write", "sendto", "recvfrom")
TRIES = 4
# Ends that are right: (errno, where it failed, why).
INTENDED = [
    (
        errno.ECONNRESET,
        "protocol_send",
        "the dispatcher's end of the pair is gone: the worker ends, and is replaced",
    ),
    (errno.EPIPE, "protocol_send", "the same"),
]


def words(mode, error):
    return {ONCE: os.strerror(error), FROM: "and all after", SHORT: "cut short"}[mode]


# ---- the world ----


class World:
    """One worker, so that it is known who serves. role: the role whose calls fail."""

    def __init__(self, case, tls=False, preload=True, role="worker"):
        self.totals, self.role = {}, role
        self.findings, self.intended, self.label, self.cases, self.error = (
            [],
            collections.Counter(),
            "",
            0,
            0,
        )
        self.dir = tempfile.mkdtemp(prefix="bd-faults-", dir="/tmp")
        case.addCleanup(shutil.rmtree, self.dir, True)
        os.chmod(self.dir, 0o755)
        self.page = Page(os.path.join(self.dir, "page"))
        self.sandbox = case.sandbox()
        env, self.certificates, front = {}, None, self.sandbox
        if tls:
            self.certificates = bd_fault.Certificates()
            front = bd_fault.Front(self.sandbox.port, self.certificates)
            case.addCleanup(front.close)
            env["SSL_CERT_FILE"] = self.certificates.bundle
        if preload:
            env.update(
                LD_PRELOAD=build_library(self.dir), FAULT_INJECT_PAGE=os.path.join(self.dir, "page")
            )
        limits = {"timeout": "1s", "breaker": {"failures": 10000}}
        couriers = role == "courier"
        self.shop = bd_shop.Shop(
            case,
            {
                "server": {
                    "workers": 1,
                    "request_budget": "1s",
                    "public_url": "http://127.0.0.1:1",
                },
                "providers": {
                    "sms": {"base_url": front.url, "timeout": "1s"},
                    "moyasar": {
                        "type": "moyasar",
                        "base_url": front.url,
                        "secret_key": "sk_test_t0p",
                        "webhook_secret": "w" * 20,
                        **limits,
                    },
                },
                "otp": bd_shop.OTP,
                "bookings": {"hold": "1h", "max_active_per_customer": 10000},
                "payments": {"provider": "moyasar", "return_origins": ["https://book.example"]},
                "notifications": {
                    "couriers": 1,
                    **({"delivery": "deferred", "poll_interval": "200ms"} if couriers else {}),
                },
            },
            env=env,
        )
        self.shop.service = self.shop.make_service(max_advance_days=700)
        self.paid_service = self.shop.make_service(max_advance_days=700, payment="online")
        self.numbers = 0
        self.db = self.shop.pg.session()
        case.addCleanup(self.db.close)
        self.look()

    def customer(self, phone):
        """A signed-in customer's token, as Shop.customer makes one, but quickly."""
        token = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
        self.db.ask(
            "WITH c AS (INSERT INTO customers (id, phone, locale) VALUES (gen_random_uuid(), "
            "'%s', 'en') RETURNING id)"
            " INSERT INTO sessions (token_hash, customer_id, expires_at) SELECT '%s', id, now() "
            "+ interval '1 day' FROM c" % (phone, hashlib.sha256(token.encode()).hexdigest())
        )
        return token

    def serial(self):
        self.numbers += 1
        return self.numbers

    def look(self):
        """Who there is now."""
        self.served_by = bd.wait_until(lambda: self.shop.daemon.children("worker"), "a worker")[0]
        self.pid = bd.wait_until(lambda: self.shop.daemon.children(self.role), "a " + self.role)[0]

    def restart(self):
        """One that ends again and again is started again later and later: begin afresh."""
        self.shop.daemon.stop()
        self.shop.daemon.start()
        self.look()

    def ended(self):
        return self.pid not in self.shop.daemon.children(self.role)

    def hurry(self):
        """The time of those who will not come back for what they had in hand has passed."""
        self.db.ask(
            "UPDATE payments SET next_check_at = now() WHERE status = 'creating' AND "
            "next_check_at > now()"
        )
        self.db.ask(
            "UPDATE idempotency_keys SET claimed_until = now() WHERE status IS NULL AND "
            "claimed_until > now()"
        )

    def invoices(self, booking):
        """The gateway's invoices of a booking."""
        with bd.Client(("127.0.0.1", self.sandbox.port)) as c:
            r = c.request(
                "GET",
                "/v1/invoices?metadata%5Bbooking_id%5D=" + booking,
                None,
                {"Authorization": "Basic c2tfdGVzdF90MHA6"},
            )
        return [i for i in r.json()["invoices"] if i["metadata"].get("booking_id") == booking]

    def fail(self, what):
        self.findings.append((self.label, what))
        print("  FINDING %s: %s" % (self.label, what), flush=True)

    def judge_end(self, why):
        """The process is no more: whose fault?"""
        self.page.disarm()
        last = bd.wait_until(
            lambda: [
                line
                for line in self.shop.daemon.log().splitlines()
                if "event=child.ended" in line and "pid=%d " % self.pid in line
            ],
            "the log line of its death",
            10,
        )[-1]
        injected, crashed = self.page.injected_in, self.page.crashed_in
        how = re.search(r'how="?([^"]*?)"? ', last).group(1)
        words = re.search(r'last_words="?([^"]*)', last)
        why_right = next(
            (
                w
                for e, place, w in INTENDED
                if e == self.error and any(place in f for f in injected) and not crashed
            ),
            None,
        )
        if why_right:
            self.intended[why_right] += 1
        # Above the handler's and raise()'s own frames the first one tells who crashed.
        else:
            self.fail(
                "%s: process ended, %s, last words: %s\n    failed in  %s\n    before in  %s\n   "
                " crashed in %s"
                % (
                    why,
                    how,
                    words.group(1) if words else "",
                    " < ".join(injected[:8]),
                    " < ".join(symbols(self.injected_before)[:8]),
                    " < ".join(crashed[:10]),
                )
            )
        self.restart()

    def answers_again(self):
        def served():
            try:
                return self.shop.call("GET", "/v1/venues").status == 200
            except (OSError, EOFError):
                return False

        bd.wait_until(served, "%s: answers again" % self.label, 5, 0.01)

    def case_of(self, op, what, at, mode, error):
        """One injected fault; returns how many calls were seen and whether it took place."""
        self.cases, self.error, ends = (
            self.cases + 1,
            error,
            sum(self.intended.values()) + len(self.findings),
        )
        op.prepare()
        self.injected_before = self.page.frames(48)  # what broke then may show only now
        self.page.arm(self.pid, what, at, mode, error)
        answers = []
        try:
            answers = op.act()
        except (OSError, EOFError) as e:
            if what not in (
                "write",
                "sendto",
                "poll",
                "recvfrom",
                "read",
            ):  # the request's or the answer's own bytes may be what failed
                self.fail("no answer: %r" % e)
        seen, injected = self.page.seen, self.page.injected
        self.page.disarm()
        if self.page.crash or self.ended():
            self.judge_end(op.name)
        told = TOLD | (
            {ENDED}
            if self.role != "worker" or sum(self.intended.values()) + len(self.findings) > ends
            else set()
        )
        for r in answers:
            if r.status >= 400 and r.code not in told:
                self.fail("answer %r" % r)
        self.answers_again()
        op.settle(answers)
        wrong = bd_books.wrong(self.db) if injected and self.cases % 5 == 0 else None
        if wrong:
            self.fail("books: %r" % wrong)
        if self.ended():
            self.judge_end(op.name + ", afterwards")
        elif self.served_by not in self.shop.daemon.children("worker"):
            self.restart()  # the other end of a pair that was given up
        return seen, injected

    def warm(self, op, what):
        """Prepared statements and connections are there, plans have settled; returns how many calls
        there are to make fail.
        """
        self.label = "%s, %s" % (op.name, what)
        for _ in range(6 if op.name not in self.totals else 0):
            self.case_of(op, what, 0, ONCE, 0)
        if (op.name, what) not in self.totals:
            self.totals[op.name, what] = self.totals[op.name] = self.case_of(op, what, 0, ONCE, 0)[
                0
            ]
        return self.totals[op.name, what]

    def sweep(self, op, what, mode, error, points, until):
        """How many of the points were reached. A run may make a call fewer than another (a wait
        that was not needed): then once more.
        """
        injected_n = 0
        for at in points:
            if until and time.monotonic() > until:
                break
            self.label = "%s, %s %d, %s" % (op.name, what, at, words(mode, error))
            injected_n += any(self.case_of(op, what, at, mode, error)[1] for _ in range(TRIES))
        return injected_n

    def balance(self, wait=True):
        """The books at the end; nothing stays pending."""
        self.label = "at the end"
        wrong = bd_books.wrong(self.db)
        if wrong:
            self.fail("books: %r" % wrong)
        if not wait:
            return
        bd_shop.wait_nothing_pending(lambda sql: self.db.ask(sql)[0])
        wrong = bd_books.wrong(self.db)
        if wrong:
            self.fail("books: %r" % wrong)
        rows = bd_books.notification_figures(self.shop)
        print(
            "notifications: %s"
            % ", ".join("%s %s %d" % (t, e, n) for (t, e), n in sorted(rows.items())),
            flush=True,
        )


class Options:
    """tls: providers over TLS and a new connection for each call; None: without it, and then with
    it what differs by it.
    """

    def __init__(
        self,
        every=1,
        seconds=None,
        seed=0,
        whats=None,
        ops=None,
        tls=None,
        lanes=3,
        wait=True,
        first=1,
        last=None,
    ):
        self.every, self.seconds, self.seed, self.tls, self.lanes, self.wait = (
            every,
            seconds,
            seed,
            tls,
            lanes,
            wait,
        )
        self.first, self.last = first, last
        self.whats, self.ops = whats or [
            "alloc",
            "all",
            *sorted(ERRORS.keys() - {"alloc"}),
            "kill",
        ], ops or list(OPS)

    def points(self, total):
        """The N that are tried: all, one in so many, or in a random order when time decides."""
        rng = random.Random(self.seed)
        first = max(self.first, total + 1 - self.last) if self.last else self.first
        out = list(range(first, total + 1))[rng.randrange(self.every) :: self.every]
        if self.seconds:
            rng.shuffle(out)
        return out

    def plan(self, tls, role="worker"):
        """(op, what, mode, error) of every sweep."""
        out = []
        for name in self.ops if role == "worker" else OF_ROLE[role]:
            for what in self.whats:
                if (
                    self.tls is None
                    and tls
                    and (what in ("all", "poll") or name in ("read", "reconnect"))
                    or (name, what) == ("read", "all")
                ):
                    continue
                if what in ("alloc", "all"):
                    out.append((name, "alloc", ONCE if what == "alloc" else FROM, errno.ENOMEM))
                elif what in ERRORS and name != "read":
                    out += [(name, what, ONCE, e) for e in ERRORS[what]]
                    out += [(name, what, SHORT, 0)] if what in CUT else []
        return out


class Coverage:
    """What was done, and what came of it; printed at the end."""

    def __init__(self):
        self.rows, self.findings, self.intended = {}, [], collections.Counter()

    def add(self, op, what, total, injected):
        all_n, injected_n = self.rows.get((what, op), (0, 0))
        self.rows[what, op] = all_n + total, injected_n + injected

    def take(self, world):
        self.findings += world.findings
        self.intended += world.intended

    def show(self):
        print("\ncovered: how many N failed, of all that there are (each error and mode counts)")
        for what in sorted({w for w, _ in self.rows}):
            rows = {op: n for (w, op), n in self.rows.items() if w == what}
            print(
                "  %-9s %5d of %5d   (%s)"
                % (
                    what,
                    sum(n[1] for n in rows.values()),
                    sum(n[0] for n in rows.values()),
                    ", ".join("%s %d of %d" % (op, n[1], n[0]) for op, n in rows.items()),
                )
            )
        for why, n in self.intended.items():
            print("%d intended ends: %s" % (n, why))
        print("%d findings" % len(self.findings), flush=True)
        for label, what in self.findings:
            print("  %s: %s" % (label, what))


def one_sweep(worlds, sweep, options, until):
    """The points of one sweep, dealt out to the worlds; a line about it. Returns how many there are
    and how many were reached.
    """
    name, what, mode, error = sweep
    ops = [ALL[name](w) for w in worlds]
    begun, found = time.monotonic(), sum(len(w.findings) for w in worlds)
    with concurrent.futures.ThreadPoolExecutor(len(worlds)) as pool:
        total = max(pool.map(lambda i: worlds[i].warm(ops[i], what), range(len(worlds))))
        points = options.points(total)

        def deal(i):
            return worlds[i].sweep(ops[i], what, mode, error, points[i :: len(worlds)], until)

        injected = sum(pool.map(deal, range(len(worlds))))
    if total:
        print(
            "%-10s %-9s %-34s %5d calls, %5d failed, %3d findings, %6.1f s"
            % (
                name,
                what,
                words(mode, error),
                total,
                injected,
                sum(len(w.findings) for w in worlds) - found,
                time.monotonic() - begun,
            ),
            flush=True,
        )
    return total, injected


def inject_faults(case, options, coverage, tls=False, role="worker"):
    sweeps = options.plan(tls, role)
    if not sweeps:
        return
    worlds = [World(case, tls, role=role) for _ in range(options.lanes)]
    note = " over TLS" if tls else ", " + role if role != "worker" else ""
    end = time.monotonic() + options.seconds if options.seconds else None
    for i, sweep in enumerate(sweeps):
        until = time.monotonic() + (end - time.monotonic()) / (len(sweeps) - i) if end else None
        coverage.add(sweep[0] + note, sweep[1], *one_sweep(worlds, sweep, options, until))
    for w in worlds:
        w.balance(options.wait)
        coverage.take(w)


class FaultInjection(bd.Case):
    options, coverage = Options(), Coverage()

    @classmethod
    def tearDownClass(cls):
        cls.coverage.show()

    def calls_fail(self, tls, role="worker"):
        if self.options.tls not in (None, tls):
            self.skipTest("not asked for")
        inject_faults(self, self.options, self.coverage, tls, role)
        self.assertEqual(self.coverage.findings, [])

    def test_calls_fail(self):
        self.calls_fail(False)

    def test_calls_of_the_dispatcher_fail(self):
        self.calls_fail(False, "dispatcher")

    def test_calls_of_the_courier_fail(self):
        self.calls_fail(False, "courier")

    def test_calls_fail_over_tls(self):
        self.calls_fail(True)

    def test_killed_at_every_call(self):
        if "kill" not in self.options.whats:
            self.skipTest("not asked for")
        import killed

        world = killed.sweep(self, self.options, self.coverage)
        self.assertEqual(world.findings, [])

    def test_courier_killed_at_every_call(self):
        if "kill" not in self.options.whats:
            self.skipTest("not asked for")
        import killed

        world = killed.sweep(self, self.options, self.coverage, "courier")
        self.assertEqual(world.findings, [])


def main():
    parser = bd_campaign.parser()
    parser.add_argument(
        "--what",
        action="append",
        choices=["alloc", "all", *sorted(ERRORS.keys() - {"alloc"}), "kill"],
    )
    parser.add_argument("--op", action="append", choices=list(OPS))
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first N")
    parser.add_argument("--last", type=int, help="only the last so many N")
    parser.add_argument("--every", type=int, default=1, help="only one N of so many")
    parser.add_argument("--seconds", type=float, help="as many N as fit, at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--lanes", type=int, default=3, help="daemons that are tested at the same time"
    )
    parser.add_argument(
        "--tls",
        dest="tls",
        action="store_true",
        default=None,
        help="only with providers over TLS: OpenSSL's calls count too",
    )
    parser.add_argument("--plain", dest="tls", action="store_false", help="only without")
    bd_campaign.add_delivery(parser)
    args = bd_campaign.options(parser)
    FaultInjection.options = Options(
        args.every,
        args.seconds,
        args.seed,
        args.what,
        args.op,
        args.tls,
        args.lanes,
        first=args.first,
        last=args.last,
    )
    sys.modules["fault_injection"] = sys.modules["__main__"]
    bd_campaign.run(FaultInjection, verbosity=2)


if __name__ == "__main__":
    main()
