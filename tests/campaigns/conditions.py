#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: openssl nftables iproute2 util-linux nodejs npm
"""Each fault of the fault campaign as the desk sees it; a part is in test_conditions.py.

Every fault (faults.py) gets a daemon of its own, several at a time. Sign-ins, bookings, payments,
refunds and returns meet it; within 30 s the status page must show a condition for each kind of
call, and a webhook must be told within `alerts.after` + 10 s more. The fault ends, staff send the
failed notifications again, and 2 minutes later no condition is left. The signatures are checked by
the library of Standard Webhooks (npm). A table is printed at the end.
"""
import argparse
import base64
import concurrent.futures
import contextlib
import json
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_fault  # noqa: E402
import bd_node  # noqa: E402
import faults  # noqa: E402

OPTIONS = argparse.Namespace(fault=None, op=None, at_once=6)
AFTER = 5  # alerts.after
SHOWN, TOLD, GONE = 30, AFTER + 10, 120  # limits in seconds
SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
# What a kind of call may raise. Which of them depends on the fault: a refusal is no fault of the
# route, so it opens no circuit, and a return is answered all the same.
ROUTE = {"BookingdProviderCircuitOpen", "BookingdProviderAccountRefused"}
PAYING = ROUTE | {
    "BookingdErrorBudgetBurnFast",
    "BookingdPaymentsUnknown",
    "BookingdProviderAnswersUnread",
}
RAISES = {
    "otp": ROUTE | {"BookingdOtpSendFailing"},
    "notification": ROUTE | {"BookingdNotificationsFailed", "BookingdNotificationFailureRatio"},
    "create": PAYING,
    "refund": PAYING | {"BookingdRefundsOpen"},
    "return": PAYING | {"BookingdPaymentsUnsettled", "BookingdGatewayReadsRefused"},
}
OPS = faults.OPS


def hurts(op, fault):
    """Whether a fault makes this kind of call fail."""
    return op.expected(fault)[0] is not None


class Watched:
    """A world with one fault, and what page and webhook say about it."""

    def __init__(self, case, scheme, fault, classes):
        self.fault, self.told = fault, []
        self.hook = case.provider(bd.p_reply(204))
        breaker = {
            "breaker": {"failures": 5, "open_for": "2s"}
        }  # as by default, but it ends sooner
        self.w = faults.World(
            case,
            scheme,
            server={"workers": 4},
            providers={name: breaker for name in ("otp", "notification", "moyasar")},
            monitor={"poll_interval": "500ms"},
            alerts={
                "after": "%ds" % AFTER,
                "webhook": self.hook.url + "/in",
                "webhook_secret": SECRET,
                "limit": "1000/1h",
            },
        )
        self.ops = [op for op in (c(self.w) for c in classes) if hurts(op, fault)]
        self.began, self.ending = {}, threading.Event()

    def page(self):
        """Names of the conditions on the status page."""
        with bd.Client(("127.0.0.1", self.w.shop.daemon.monitor_port), timeout=10) as c:
            r = c.request("GET", "/", None, {"Accept-Language": "en"})
        assert r.status == 200, r
        text = r.body.decode()
        return {name for op in RAISES for name in RAISES[op] | EVERY if name + " " in text}

    def drive(self, op, prepared):
        """The call again and again. What had to be made while all was well is used in turn."""
        n = 0
        while not self.ending.is_set():
            with contextlib.suppress(OSError, EOFError):
                if prepared:
                    op.__dict__.update(prepared[n % len(prepared)])
                else:
                    op.prepare()
                op.act()
            n += 1
            self.ending.wait(0.4)

    def prepare(self, op):
        """Refunds and returns need payments that were paid before the fault."""
        made = []
        if isinstance(op, (faults.Refund, faults.Return)):
            for _ in range(8):
                op.prepare()
                made.append(dict(op.__dict__))
        # The keeper looks at these by itself, as it does for payments whose payer never came back.
        self.w.shop.pg.sql("UPDATE payments SET next_check_at = now() + interval '2 seconds'")
        return made

    def missing(self):
        return [op.name for op in self.ops if not RAISES[op.name] & set(self.began)]

    def look(self, since, until, what):
        """Looks at the page until something holds; returns the seconds, or None when in vain."""
        while time.monotonic() < since + until * bd.SLOWNESS:
            for name in self.page() - set(self.began):
                self.began[name] = time.monotonic() - since
            if what():
                return time.monotonic() - since
            time.sleep(0.25)
        return None

    def messages(self, kind):
        """{condition: when it was told}."""
        found = {}
        for request in list(self.hook.requests):
            message = json.loads(request["body"])
            if message["type"] == kind:
                found.setdefault(message["data"]["name"], request["at"])
        return found

    def suffer(self):
        """The fault until page and webhook have told; returns what is wrong."""
        wrong, drivers = [], []
        for op in self.ops:
            drivers.append(threading.Thread(target=self.drive, args=(op, self.prepare(op))))
        since = time.monotonic()
        for op in self.ops:
            self.w.inject(op, self.fault)
        for d in drivers:
            d.start()
        if self.look(since, SHOWN, lambda: not self.missing()) is None:
            wrong.append("after %d s nothing on the page about %s" % (SHOWN, self.missing()))
        shown = set(self.began)
        limit = max(self.began.values(), default=0) + TOLD
        if self.look(since, limit, lambda: shown <= set(self.messages("condition.began"))) is None:
            wrong.append("not told: %s" % (shown - set(self.messages("condition.began"))))
        self.told = {
            name: at - since - self.began[name]
            for name, at in self.messages("condition.began").items()
            if name in self.began
        }
        self.ending.set()
        for d in drivers:
            d.join(60)
        return wrong

    def recover(self):
        """The fault ends, staff do what the conditions ask for; what is left 2 minutes later."""
        for op in self.ops:
            self.w.heal(op)
        since = time.monotonic()
        left = None
        while time.monotonic() < since + GONE * bd.SLOWNESS:
            self.w.shop.staff("POST", "/v1/staff/notifications/resend", {"limit": 1000})
            left = self.page()
            if not left:
                return time.monotonic() - since, []
            time.sleep(1)
        return None, ["still there: %s" % left]

    def verdicts(self):
        """What the library says of each message; a change of a byte must not pass."""
        sent = [
            {"headers": r["headers"], "body": r["body"].decode()} for r in list(self.hook.requests)
        ]
        said = bd_node.verified(SECRET, sent)
        return ["%d signatures are wrong" % said.count(False)] if said and False in said else []


# Every condition, so that none is missed at the end.
with open(os.path.join(bd.TOP, "include/domain/conditions.def"), encoding="utf-8") as f:
    EVERY = {line.split('"')[1] for line in f if line.startswith("CONDITION(")}


class Conditions(bd.Case):
    starting = threading.Lock()

    def one(self, scheme, fault, classes, recover=True):
        """A line of the table, whose last part says what is wrong."""
        keep = bd.Case()
        try:
            watched = self.start(keep, scheme, fault, classes)
            if not watched.ops:
                return None
            wrong = watched.suffer()
            gone, more = watched.recover() if recover else (0, [])
            wrong += more + watched.verdicts()
            return (
                fault.name,
                scheme,
                ", ".join(op.name for op in watched.ops),
                watched.began,
                watched.told,
                gone,
                wrong,
            )
        except (OSError, AssertionError) as e:  # the others go on
            return (fault.name, scheme, "", {}, {}, None, [repr(e)])
        finally:
            keep.doCleanups()

    def start(self, keep, scheme, fault, classes):
        """Without a network of its own somebody else may take a port that was free just now."""
        for attempt in range(5):
            try:
                with self.starting:
                    return Watched(keep, scheme, fault, classes)
            except OSError:
                keep.doCleanups()
        raise AssertionError("no free ports")

    def play(self, chosen, at_once):
        """Faults one beside the other; the table."""
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            rows = [r for r in pool.map(lambda c: self.one(*c), chosen) if r]
        for name, scheme, ops, began, told, gone, wrong in rows:
            print("%-23s %-6s %s" % (name, scheme, ops))
            for condition, at in sorted(began.items(), key=lambda c: c[1]):
                print(
                    "    %-34s shown %5.1f s, told %s"
                    % (
                        condition,
                        at,
                        "%5.1f s later" % told[condition] if condition in told else "-",
                    )
                )
            print("    gone after %s%s" % ("%.0f s" % gone if gone is not None else "-", ""))
            for w in wrong:
                print("    WRONG: " + w)
        sys.stdout.flush()
        return [(r[0], r[6]) for r in rows if r[6]]


def chosen(part, op):
    """(scheme, fault, calls): what only TLS knows over TLS, else plain. Sign-in and bookings have
    fronts of their own; the calls of the gateway share one, so each gets a daemon of its own."""
    classes = [o for o in OPS if not op or o.name in op]
    groups = [[c for c in classes if not issubclass(c, faults.Paying)]] + [
        [c] for c in classes if issubclass(c, faults.Paying)
    ]
    return [
        (fault.scheme or "http", fault, group)
        for group in groups
        for fault in faults.FAULTS
        if group
        and (not part or part in fault.name)
        and (fault.door != "drop" or bd_fault.NAMESPACE in os.environ)
    ]


class Whole(Conditions):
    def test_all(self):
        if bd_node.package("standardwebhooks") is None:
            print("npm has no standardwebhooks here: signatures are not verified")
        self.assertEqual(self.play(chosen(OPTIONS.fault, OPTIONS.op), OPTIONS.at_once), [])


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--fault", help="only faults whose name contains this")
    parser.add_argument(
        "--op", choices=[o.name for o in OPS], action="append", help="only this call"
    )
    parser.add_argument("--at-once", type=int, default=OPTIONS.at_once, help="daemons side by side")
    bd_campaign.options(parser, OPTIONS)
    bd_fault.in_namespace()
    bd_campaign.run(Whole)


if __name__ == "__main__":
    main()
