#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Mixed load while at random every part is killed, restarted or spoiled; a smoke is test_chaos.py.

Customers and staff do all that a shop offers, with and without Idempotency-Key. Meanwhile workers,
dispatcher, monitor, keeper and resolver are killed, PostgreSQL's sessions are ended and its
processes killed, it is restarted, its primary dies and the synchronous standby is promoted, and
both providers are faulty. A seed repeats the faults, their order and their choices. After a quiet
period a checker compares every acknowledged answer with the rows and the gateway's books, every
change in the history with the answers, and every 5xx with the times when a part was down. A table
is printed at the end.
"""
import argparse
import collections
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_pair  # noqa: E402
import bd_pay  # noqa: E402
import bd_shop  # noqa: E402
import chaos_check  # noqa: E402
import chaos_load  # noqa: E402
import chaos_faults  # noqa: E402

OPTIONS = argparse.Namespace(minutes=20.0, seed="1", customers=8, staff=2, records=None, only=None)
KINDS = (
    "acknowledged and missing",
    "refused and done",
    "done twice",
    "two answers to one key",
    "told less than before",
    "overlaps",
    "doubled payments",
    "invoices of both sides",
    "notifications and messages",
    "PENDING notifications",
    "invariants",
    "5xx without a cause",
    "connection ended",
)


def duration(ms):
    return "%dms" % (ms * bd.SLOWNESS)


CONFIG = {
    "server": {
        "workers": 20,
        "queue": 64,
        "queue_timeout": duration(2000),
        "request_budget": duration(5000),
    },
    "database": {"statement_timeout": duration(2000), "connect_timeout": duration(1000)},
    "bookings": {"max_active_per_customer": 10000, "hold": "20s"},
    "otp": {
        **bd_shop.OTP,
        "messages": {"ar": "code {code}", "en": "code {code}"},
    },
    "providers": {
        "sms": {
            "timeout": duration(800),
            "connect_timeout": duration(300),
            "max_concurrent": 20,
            "breaker": {"failures": 6, "open_for": "500ms"},
        },
        "moyasar": {
            "timeout": duration(800),
            "connect_timeout": duration(300),
            "max_concurrent": 20,
            "breaker": {"failures": 6, "open_for": "500ms"},
        },
    },
}


class Shop(bd_pay.PayShop):
    """Its SMS go to the sandbox too, where phones can be read."""

    def __init__(self, case):
        class Gateway:
            url = None

        self.box = case.sandbox()
        Gateway.url = self.box.url
        super().__init__(
            case, bd.merge(CONFIG, {"providers": {"sms": {"base_url": self.box.url}}}), Gateway
        )
        self.sandbox = self.box
        self.hooks(factor=0.001)

    def imbalance(self):
        """But for bookings whose money staff gave back: staff may, and they stay."""
        given = {
            r[0]
            for r in self.pg.sql(
                "SELECT booking_id FROM payments WHERE status IN ('refunded', 'partially_refunded')"
            )
        }
        return [
            (kind, words)
            for kind, words in super().imbalance()
            if kind != "unpaid" or words.split()[1] not in given
        ]


class Campaign(bd.Case):
    def begin(self, seed, customers, staff):
        self.pair = bd_pair.Pair()
        self.addCleanup(self.pair.close)
        self.shop = Shop(self)
        self.field = chaos_load.Field(self.shop, seed, customers, staff)
        self.injector = chaos_faults.Injector(self.field, self.pair)
        self.field.begin()
        bd.wait_until(
            lambda: sum(r.acknowledged for r in self.field.recorder.records) > 30,
            "people at work",
            30,
        )

    def inject(self, plan, until=None):
        """The faults, until a time is reached or no more are planned."""
        for kind, calm, number in plan:
            time.sleep(calm)
            if until is not None and time.monotonic() > until:
                return
            try:
                w = self.injector.inject(kind, number)
            except AssertionError as e:
                self.field.recorder.tell("%s: %s" % (kind, e))
                return
            print(
                "%8.2f s  %-20s %-50s down %5.2f s"
                % (w.begun, w.kind, w.words[:50], w.returned - w.begun),
                flush=True,
            )

    def quiet(self):
        """Waits, with no fault left and no request made, while the keeper does the rest. Returns
        the seconds until no notification was PENDING, and what is unequal on both sides at the end.
        """
        self.field.end()
        begun = time.monotonic()
        self.shop.sandbox.clear()
        bd_shop.wait_nothing_pending(self.shop.pg.value)
        took = time.monotonic() - begun
        bd.wait_until(
            self.whole, "a process of each kind", 40, 0.1
        )  # one that died often is waited for

        # A hold that ends while both sides are read has a payment that the keeper has not ended.
        unequal = []
        ending = (
            "SELECT count(*) FROM bookings WHERE status = 'pending_payment' AND "
            "hold_expires_at < now() + interval '5 seconds'"
        )

        def settled():
            self.shop.pg.sql(
                "UPDATE payments SET next_check_at = now() WHERE next_check_at > now() AND "
                "status IN ('initiated', 'unknown');"
                "UPDATE refunds SET next_check_at = now() WHERE next_check_at > now() AND status "
                "<> 'calling'"
            )
            self.shop.pg.sql(
                "UPDATE refunds SET created_at = created_at - interval '16 minutes' WHERE status "
                "= 'unknown'"
            )
            unequal[:] = self.shop.imbalance()
            return (
                not unequal
                and self.shop.pg.value(bd_shop.PENDING) == "0"
                and self.shop.pg.value(ending) == "0"
            )

        try:
            bd.wait_until(settled, "equal invoices on both sides", 120 / bd.PATIENCE, 0.3)
        except AssertionError:
            pass  # the checker says in words what is not equal
        return took, unequal

    def whole(self):
        try:
            return self.shop.daemon.metrics() and all(
                self.shop.daemon.children(role)
                for role in ("dispatcher", "keeper", "monitor", "resolver")
            )
        except (OSError, EOFError):
            return False

    def table(self, checker, seconds, pending_s):
        """longest: until the part was there again; last: the last 5xx after that."""
        records, windows, wrong = checker.records, checker.windows, checker.wrong
        per = collections.OrderedDict((k, []) for k in chaos_faults.weights())
        for w in windows:
            per[w.kind].append(w)
        caused = [(r, checker.cause(r)) for r in records if r.status == 0 or r.status >= 500]
        caused = [(r, w) for r, w in caused if w]
        print(
            "\n%-20s %8s %10s %8s %7s  %s"
            % ("fault", "times", "longest s", "last s", "resets", "answers of 5xx meanwhile")
        )
        for kind, some in per.items():
            if not some:
                continue
            mine = [(r, w) for r, w in caused if w.kind == kind]
            codes = collections.Counter(r.code for r, _ in mine if r.status)
            last = max((r.begun - w.returned for r, w in mine), default=0)
            print(
                "%-20s %8d %10.2f %8.2f %7d  %s"
                % (
                    kind,
                    len(some),
                    max(w.returned - w.begun for w in some),
                    max(0, last),
                    sum(r.status == 0 for r, _ in mine),
                    ", ".join("%s %d" % c for c in sorted(codes.items())),
                )
            )
        what = collections.Counter(r.what for r in records)
        said = collections.Counter(
            "%d%s" % (r.status, " " + r.code if r.code else "") if r.status else "no answer"
            for r in records
        )
        print(
            "\n%d requests in %.0f s (%s)"
            % (len(records), seconds, ", ".join("%s %d" % c for c in what.most_common()))
        )
        print("answers: " + ", ".join("%s %d" % c for c in said.most_common()))
        print(
            "%d faults; acknowledged changes: %d, replayed: %d; rows: %s; no PENDING %.1f s "
            "after the end; refunds still in doubt, told again: %d"
            % (
                len(windows),
                sum(r.acknowledged and r.what in chaos_check.WRITES for r in records),
                sum(r.replayed for r in records),
                ", ".join(
                    "%s %s" % (t, self.shop.pg.value("SELECT count(*) FROM " + t))
                    for t in ("bookings", "payments", "refunds", "notifications")
                ),
                pending_s,
                checker.told_again,
            )
        )
        for kind in list(KINDS) + [k for k in wrong if k not in KINDS]:
            print("%-26s %d" % (kind, len(wrong.get(kind, []))))

    def play(self, seed, plan, seconds=None, customers=8, staff=2, records=None, last=False):
        begun = time.monotonic()
        try:
            self.begin(seed, customers, staff)
            self.injector.last = last
            self.inject(plan, None if seconds is None else begun + seconds)
            pending_s, unequal = self.quiet()
        finally:
            if records:
                self.field.write(os.path.join(records, "requests.jsonl"))
                with open(os.path.join(records, "log"), "w") as f:
                    f.write(self.shop.daemon.log())
                with open(os.path.join(records, "windows"), "w") as f:
                    f.writelines("%s\n" % w for w in self.injector.windows)
        checker = chaos_check.Checker(self.field, self.injector.windows, unequal)
        wrong = checker.all()
        self.table(checker, time.monotonic() - begun, pending_s)
        log = self.shop.daemon.log()
        strange = re.findall(r"^.*(?:event=http\.internal|level=crit|panic).*$", log, re.M)
        said = (
            ["%s: %s" % (k, w) for k, some in wrong.items() for w in some[:20]]
            + self.field.recorder.broken
            + strange[:5]
        )
        self.assertEqual(len(said), 0, "\n".join(said))
        for role in ("keeper", "monitor", "resolver", "dispatcher"):
            bd.wait_until(
                lambda: self.shop.daemon.metric("bookingd_process_restarts_total", role=role)
                == self.injector.killed.get(role, 0),
                "as many restarts of the %s as it was killed: %s" % (role, self.injector.killed),
                5,
            )


class Chaos(Campaign):
    def test_chaos(self):
        self.play(
            OPTIONS.seed,
            chaos_faults.plan(OPTIONS.seed, OPTIONS.only),
            OPTIONS.minutes * 60,
            OPTIONS.customers,
            OPTIONS.staff,
            OPTIONS.records,
        )


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--minutes", type=float, default=OPTIONS.minutes)
    parser.add_argument(
        "--seed",
        default=None,
        help="repeats the faults of a run; else a new one, which is printed",
    )
    parser.add_argument("--customers", type=int, default=OPTIONS.customers)
    parser.add_argument("--staff", type=int, default=OPTIONS.staff)
    parser.add_argument(
        "--records",
        help="a directory for all requests, the daemon's log and the times of the faults",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[*chaos_faults.WEIGHTS, *chaos_faults.COURIERS],
        help="this kind of fault (may be given again)",
    )
    bd_campaign.add_delivery(parser)
    bd_campaign.options(parser, OPTIONS)
    OPTIONS.seed = OPTIONS.seed or str(random.SystemRandom().randrange(10**6))
    print("seed %s" % OPTIONS.seed, flush=True)
    bd_campaign.run(Chaos)


if __name__ == "__main__":
    main()
