# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The faults of chaos.py: each kills, restarts or spoils one part, waits for its return, and says
from when to when it was down.
"""
import contextlib
import os
import random
import signal
import time

import bd
import bd_shop

# The contract: the database is used again within a second of its return. The rest is a busy
# machine's.
BACK_S = 1.0 + 0.1 * bd.PATIENCE
# A process of ours: killed, seen, forked, ready; and a slot that dies again soon waits longer, its
# neighbours serve meanwhile.
OURS_S = 0.5 + 0.3 * bd.PATIENCE

BUDGET_S = 5.0  # of a request, as chaos.py has it
TIMEOUT_S = 0.8 * bd.SLOWNESS + 0.2  # of a provider's call, as chaos.py has it, and a little
DATABASE = {"database_unavailable", "commit_unknown", "deadline_exceeded", "overloaded"}
PROVIDER = {
    "provider_failed",
    "provider_timeout",
    "provider_unavailable",
    "provider_rejected",
    "deadline_exceeded",
    "overloaded",
}
FAULTS = (
    "hang",
    "headers",
    "body",
    "drip",
    "reset",
    "close",
    "garbage",
    "huge",
    "redirect",
    "status",
    "html",
    "declined",
    "delay",
)
# kind: how often
# Seldom those that are one of a kind: each death within a minute doubles the time until the next
# one is begun.
WEIGHTS = {
    "worker": 24,
    "workers": 8,
    "worker in a call": 12,
    "keeper": 4,
    "monitor": 3,
    "resolver": 2,
    "dispatcher": 3,
    "sessions ended": 8,
    "all sessions ended": 4,
    "backend killed": 5,
    "restart fast": 5,
    "restart immediate": 5,
    "failover": 6,
    "sms": 12,
    "gateway": 12,
    "both providers": 5,
}
# With deferred delivery.
COURIERS = {"courier": 8, "couriers in a call": 8}


def weights():
    return {**WEIGHTS, **(COURIERS if bd_shop.DELIVERY == "deferred" else {})}


class Window:
    """One fault: what clients may see of it, and while when."""

    def __init__(self, kind, words, codes, resets=False):
        self.kind, self.words, self.codes, self.resets = kind, words, set(codes), resets
        self.begun = self.returned = self.until = None

    def covers(self, record):
        return self.begun <= record.ended and record.begun <= self.until

    def __str__(self):
        return "%s%s [%.2f, %.2f, %.2f]" % (
            self.kind,
            " " + self.words if self.words else "",
            self.begun,
            self.returned or -1,
            self.until or -1,
        )


def plan(seed, only=None):
    """The faults of a seed, without end: (kind, seconds of calm before it, a number for its
    choices). only: of these kinds.
    """
    rng = random.Random("faults %s" % seed)
    names, weight = only or list(weights()), {**WEIGHTS, **COURIERS}
    while True:
        yield rng.choices(names, [weight[n] for n in names])[0], rng.uniform(
            0.2, 2.5
        ), rng.randrange(1 << 30)


def sequence(seed, kinds):
    """These faults and no more."""
    rng = random.Random("faults %s" % seed)
    for kind in kinds:
        yield kind, 0.1, rng.randrange(1 << 30)


class Injector:
    def __init__(self, field, pair):
        self.field, self.pair, self.daemon = field, pair, field.shop.daemon
        self.last = False  # no other failover is to come: nobody needs a new standby
        self.windows, self.killed = [], {}
        self.rng = None

    def inject(self, kind, number):
        self.rng = random.Random(number)
        word = kind.split()[0]
        window = getattr(
            self,
            "_"
            + {
                "sessions": "sessions",
                "all": "sessions",
                "sms": "provider",
                "gateway": "provider",
                "both": "provider",
            }.get(word, kind.replace(" ", "_")),
        )(kind)
        self.windows.append(window)
        return window

    # -- ours --
    def _kill(self, role, pids):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[role] = self.killed.get(role, 0) + 1

    @staticmethod
    def _signal(pids, number):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _ours(self, kind, role, pids, codes=(), resets=False):
        w = Window(kind, ", ".join(map(str, pids)) or "nobody: not there yet", codes, resets)
        w.begun = self.field.recorder.now()
        self._kill(role, pids)
        # The first process in a place's stead comes at once; one that dies again within the minute
        # is waited for by its neighbours.
        bd.wait_until(lambda: not set(pids) & set(self.daemon.titles()), "the end of %s" % pids)
        w.returned = self.field.recorder.now()
        w.until = w.returned + OURS_S
        return w

    def _worker(self, kind):
        return self._ours(
            kind, "worker", [self.rng.choice(self.daemon.children("worker"))], ["interrupted"]
        )

    def _workers(self, kind):
        workers = self.daemon.children("worker")
        return self._ours(
            kind,
            "worker",
            self.rng.sample(workers, min(len(workers), self.rng.randrange(2, 7))),
            ["interrupted"],
        )

    def _worker_in_a_call(self, kind):
        """Those that wait for a provider which does not answer, or else for anything."""
        route = self.rng.choice(("sms", "moyasar"))
        self.field.shop.sandbox.order(route, "hang")
        w = Window(kind, route, PROVIDER | {"interrupted"})
        w.begun = self.field.recorder.now()
        time.sleep(self.rng.uniform(0.1, 0.6))
        busy = [pid for pid, title in self.daemon.titles().items() if "executing POST" in title]
        victims = self.rng.sample(sorted(busy), min(len(busy), self.rng.randrange(1, 4)))
        self._kill("worker", victims)
        self.field.shop.sandbox.clear()
        return self._circuits(w)

    def _courier(self, kind):
        """No client sees it."""
        return self._ours(kind, "courier", self.daemon.children("courier")[:1])

    def _couriers_in_a_call(self, kind):
        """All that wait for the provider: what they sent may have arrived."""
        self.field.shop.sandbox.order("sms", "hang", done=True)
        w = Window(kind, "", PROVIDER)
        w.begun = self.field.recorder.now()
        time.sleep(self.rng.uniform(0.1, 0.6))
        titles = self.daemon.titles()
        self._kill("courier", sorted(p for p, t in titles.items() if t.endswith("sending")))
        self.field.shop.sandbox.clear()
        return self._circuits(w)

    def _keeper(self, kind):
        return self._ours(kind, "keeper", self.daemon.children("keeper"))

    def _monitor(self, kind):
        return self._ours(kind, "monitor", self.daemon.children("monitor"))

    def _resolver(self, kind):
        return self._ours(kind, "resolver", self.daemon.children("resolver"))

    def _dispatcher(self, kind):
        w = self._ours(
            kind,
            "dispatcher",
            self.daemon.children("dispatcher"),
            ["interrupted", "overloaded"],
            True,
        )

        def served():
            with contextlib.suppress(OSError, EOFError):
                return self.daemon.get("/healthz").status == 200

        bd.wait_until(served, "a dispatcher that serves", 60)
        w.returned = self.field.recorder.now()
        w.until = w.returned + OURS_S
        return w

    # -- PostgreSQL's --
    def _down(self, kind, act, words=""):
        """act() takes the server away and brings it back; from then on the clock of the contract
        runs.
        """
        w = Window(kind, words, DATABASE)
        w.begun = self.field.recorder.now()
        act()
        self.pair.writable()
        w.returned = self.field.recorder.now()
        w.until = w.returned + BACK_S
        return w

    def _sessions(self, kind):
        name = self.field.shop.pg.name
        some = "random() < 0.4" if kind == "sessions ended" else "true"
        sql = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '%s' "
            "AND pid <> pg_backend_pid() AND %s" % (name, some)
        )
        return self._down(kind, lambda: self.pair.ask(sql))

    def _backend_killed(self, kind):
        """One server process of ours dies: PostgreSQL then ends all of them and recovers."""
        sql = (
            "SELECT pid FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid() "
            "ORDER BY state = 'active' DESC, pid LIMIT 3"
        )
        pids = self.pair.ask(sql % self.field.shop.pg.name).split()

        def act():
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(int(self.rng.choice(pids)), signal.SIGKILL)
            time.sleep(0.02)

        return self._down(kind, act)

    def _restart_fast(self, kind):
        return self._down(kind, lambda: self.pair.restart("fast"))

    def _restart_immediate(self, kind):
        return self._down(kind, lambda: self.pair.restart("immediate"))

    def _failover(self, kind):
        self.pair.in_sync()
        how, pause = self.rng.choice(("power lost", "stopped", "frozen")), self.rng.uniform(0, 1.5)
        old = self.pair.pids()

        def act():
            {
                "power lost": self.pair.kill_primary,
                "stopped": lambda: self.pair.stop("immediate"),
                "frozen": lambda: self._signal(old, signal.SIGSTOP),
            }[how]()
            time.sleep(pause)
            self.pair.promote()

        w = self._down(kind, act, "%s, %.1f s without any" % (how, pause))
        if how == "frozen":
            w.until = max(
                w.until, w.begun + BUDGET_S + BACK_S
            )  # what waits for the silent one finds out by its own limit
            bd.wait_until(
                lambda: self.field.recorder.now() > w.until, "the last that waits for it", 10
            )
            self._signal(old, signal.SIGKILL)
            w.until = self.field.recorder.now() + BACK_S
        if not self.last:
            self.pair.rebuild()
        return w

    # -- the providers --
    def _provider(self, kind):
        routes = {"sms": ("sms",), "gateway": ("moyasar",), "both providers": ("sms", "moyasar")}[
            kind
        ]
        fault, lasts = self.rng.choice(FAULTS), self.rng.uniform(0.3, 2.5)
        more = {
            "status": {"status": self.rng.choice((429, 500, 503))},
            "delay": {"delay_ms": self.rng.choice((200, 900, 1500))},
        }.get(fault, {})
        if fault not in ("delay", "declined") and self.rng.random() < 0.5:
            more["done"] = True
        w = Window(kind, "%s %s" % (fault, more or ""), PROVIDER)
        w.begun = self.field.recorder.now()
        for route in routes:
            self.field.shop.sandbox.order(route, fault, **more)
        time.sleep(lasts)
        self.field.shop.sandbox.clear()
        # Calls that hang already end by their own time limit, and may open the circuit then.
        time.sleep(TIMEOUT_S)
        return self._circuits(w)

    def _circuits(self, w):
        """A provider's fault is over when its circuit is closed again, which takes a call that goes
        well.
        """

        def closed():
            with contextlib.suppress(OSError, EOFError):
                r = self.field.shop.call("GET", "/v1/staff/providers", token=self.field.shop.admin)
                return r.status == 200 and all(p["circuit"] == "closed" for p in r.json()["items"])

        bd.wait_until(closed, "closed circuits", 40, 0.05)
        w.returned = self.field.recorder.now()
        w.until = w.returned + OURS_S
        return w
