#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: openssl
"""What load does to the service, and crashes under load. Exit 1 when a figure is not kept.

  held      10,000 idle connections and 500 clients that send a byte per second are held:
            16 active clients see nothing of it; memory of the dispatcher
  payers    64 clients pay at a gateway of 300 ms, 8 workers: at least 95 % of 8 / 0.3 payments/s
  reads     6 such payers, and 20 clients of cheap reads: their p99 below 20 ms
  overload  three times what can be served: goodput at least 90 % of capacity, every other
            answer a 503 within queue_timeout + 100 ms
  term      TERM under load: every request that was read is answered, exit 0 inside the drain
            timeout
  crashes   a crash loop of each role leaves the others serving; a killed master leaves no
            process behind, and can be started again at once
  kills     1,000 kill -9 of random workers under load: every client gets an answer, none a
            reset, none later than its budget
  hang      slots are read while every SMS and payment call hangs and clients keep coming:
            p99 below twice the healthy one

tests/load/loadgen.c makes the load. --short: seconds instead of minutes, with generous bounds, as
test_load.py runs it.
"""
import argparse
import contextlib
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_shop  # noqa: E402

LOADGEN = os.path.join(os.path.dirname(os.path.abspath(bd.PROGRAM)), "tests", "load", "loadgen")
OPTIONS = argparse.Namespace(short=False)
WORKERS = 8
RESULTS = []


def told(name, good, figures):
    RESULTS.append(bool(good))
    print("%-9s %-4s %s" % (name, "ok" if good else "FAIL", figures), flush=True)


def slack(limit):
    """A bound; on a machine that other tests share it proves less and is wider."""
    return limit * 3 if OPTIONS.short else limit


class Load:
    """A run of loadgen; result() waits for its end."""

    def __init__(self, case, port, requests=None, argv=("run",), **options):
        self.dir = case.directory
        files = []
        if requests is not None:
            path = os.path.join(self.dir, "requests.%08x" % random.getrandbits(32))
            with open(path, "wb") as f:
                for r in requests:
                    f.write(b"%d\n%s" % (len(r), r))
            files = ["requests=" + path]
        self.answers_path = os.path.join(self.dir, "answers.%08x" % random.getrandbits(32))
        if options.pop("answers", False):
            files.append("answers=" + self.answers_path)
        if not os.path.exists(LOADGEN):
            raise unittest.SkipTest("tests/load/loadgen is not built")
        self.proc = subprocess.Popen(
            [
                LOADGEN,
                argv[0],
                str(port),
                *map(str, argv[1:]),
                *files,
                *("%s=%d" % o for o in options.items()),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        case.addCleanup(self.end)

    def end(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.communicate()

    def result(self):
        out, _ = self.proc.communicate(timeout=120)
        if self.proc.returncode != 0:
            raise AssertionError("loadgen: exit %d" % self.proc.returncode)
        return json.loads(out)

    def answers(self):
        """[(seconds, status, request id)]"""
        with open(self.answers_path) as f:
            return [
                (int(us) / 1e6, int(status), i) for us, status, i in (line.split() for line in f)
            ]


class World(bd.Case):
    """A daemon whose providers are the sandbox, and a hall for thousands."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bd-load-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.n = 0

    def world(self, **over):
        self.box = self.sandbox()
        moyasar = {
            "type": "moyasar",
            "base_url": self.box.url,
            "secret_key": "sk_test_of_a_test",
            "webhook_secret": "w" * 20,
            "timeout": "%ds" % (8 * bd.SLOWNESS),
            "connect_timeout": "%ds" % (2 * bd.SLOWNESS),
        }
        base = {
            "server": {"workers": WORKERS, "idle_timeout": "10m", "head_timeout": "10m"},
            "providers": {
                "sms": {
                    "base_url": self.box.url,
                    "timeout": "%ds" % (5 * bd.SLOWNESS),
                    "connect_timeout": "%dms" % (1000 * bd.SLOWNESS),
                },
                "moyasar": moyasar,
            },
            "payments": {"provider": "moyasar", "return_origins": ["https://book.example"]},
            "bookings": {"max_active_per_customer": 10000},
            "otp": bd_shop.OTP,
        }
        self.shop = bd_shop.Shop(self, bd.merge(base, over))
        self.d = self.shop.daemon
        hall = self.shop.resource("Hall", 1000)
        self.free = self.shop.make_service(name="Concert", resource_ids=[hall])
        self.paid = self.shop.make_service(
            name="Gala", resource_ids=[hall], price=12000, payment="online"
        )
        self.tokens = [self.shop.customer("+96655600%04d" % i) for i in range(20)]
        self.slots = bd.Client.encode("GET", "/v1/services/%s/slots" % self.shop.service)
        self.shop.pg.sql("ANALYZE")  # autovacuum would have done it

    def auth(self, n):
        return {"Authorization": "Bearer " + self.tokens[n % len(self.tokens)]}

    def otp(self):
        self.n += 1
        return bd.Client.encode("POST", "/v1/otp", {"phone": "+96657%07d" % self.n})

    def booking(self, n, service):
        return bd.Client.encode(
            "POST",
            "/v1/bookings",
            {"service_id": service, "starts_at": self.shop.at(n % 24)},
            self.auth(n),
        )

    def payments(self, n):
        """Requests to pay n bookings, which are made here."""
        out = []
        with self.d.client() as c:
            for i in range(n):
                c.send(self.booking(i, self.paid))
                r = c.recv_response()
                self.assertEqual(r.status, 201, r)
                out.append(
                    bd.Client.encode(
                        "POST",
                        "/v1/bookings/%s/payments" % r.json()["id"],
                        {"return_url": "https://book.example/"},
                        self.auth(i),
                    )
                )
        return out

    def load(self, requests, **options):
        return Load(self, self.d.port, requests, **options)

    def private_kib(self, role):
        with open("/proc/%d/smaps_rollup" % self.d.children(role)[0]) as f:
            return sum(
                int(line.split()[1]) for line in f if re.match(r"Private_(Clean|Dirty):", line)
            )

    def workers(self):
        return self.d.children("worker")


def bad(r):
    """Answers that are none, of a loadgen result."""
    return r["resets"] + r["cuts"] + r["refused"]


class Scenarios(World):
    def test_held(self):
        rounds, seconds, idle, drip = (1, 2, 500, 50) if OPTIONS.short else (7, 3, 10000, 500)
        self.world()
        alone, held, memory = [], [], None
        self.load([self.slots], clients=16, seconds=1).result()
        for _ in range(rounds):
            before = self.private_kib("dispatcher")
            alone.append(self.load([self.slots], clients=16, seconds=seconds).result())
            crowd = Load(self, self.d.port, argv=("hold", idle, drip))
            self.assertEqual(crowd.proc.stdout.readline(), "held\n")
            held.append(self.load([self.slots], clients=16, seconds=seconds).result())
            memory = memory or (self.private_kib("dispatcher") - before) / (idle + drip)
            out, _ = crowd.proc.communicate("")
            self.assertEqual(json.loads(out)["closed"], 0)
            bd.wait_until(
                lambda: self.d.metric("bookingd_http_connections", state="idle") == 0,
                "the crowd to be gone",
            )
        rate = [statistics.median(r["in_time"] / r["seconds"] for r in rs) for rs in (alone, held)]
        p99 = [statistics.median(r["all"]["p99"] for r in rs) for rs in (alone, held)]
        good = (
            rate[1] > rate[0] * (0.5 if OPTIONS.short else 0.9)
            and p99[1] < p99[0] * slack(1.2)
            and memory < slack(4)
        )
        told(
            "held",
            good and not any(bad(r) for r in alone + held),
            "%d idle and %d slow: throughput %.0f/s alone, %.0f/s beside them (%+.1f %%); p99 "
            "%.2f ms, %.2f ms (%+.1f %%); %.2f KiB of the dispatcher "
            "a connection"
            % (
                idle,
                drip,
                rate[0],
                rate[1],
                rate[1] / rate[0] * 100 - 100,
                p99[0],
                p99[1],
                p99[1] / p99[0] * 100 - 100,
                memory,
            ),
        )

    def test_payers(self):
        seconds = 3 if OPTIONS.short else 15
        self.world(
            server={"queue": 64, "queue_timeout": "10s"},
            providers={"moyasar": {"max_concurrent": WORKERS}},
        )
        requests = self.payments(int(WORKERS / 0.3 * seconds) + 64)
        self.box.order("invoice_create", "delay", delay_ms=300)
        r = self.load(requests, clients=64, seconds=seconds, once=1).result()
        rate, most = r["in_time"] / r["seconds"], WORKERS / 0.3
        told(
            "payers",
            rate >= most * (0.8 if OPTIONS.short else 0.95)
            and set(r["by_status"]) == {"201"}
            and not bad(r),
            "64 clients, %d workers, 300 ms: %.2f payments/s of %.2f possible (%.1f %%), answers %s"
            % (
                WORKERS,
                rate,
                most,
                rate / most * 100,
                {k: v["n"] for k, v in r["by_status"].items()},
            ),
        )

    def test_reads(self):
        seconds = 3 if OPTIONS.short else 12
        self.world(server={"queue": 64})
        requests = self.payments(6 * 4 * seconds + 60)
        self.box.order("invoice_create", "delay", delay_ms=300)
        cheap = bd.Client.encode("GET", "/v1/venues")
        alone = self.load([cheap], clients=20, seconds=seconds).result()
        paying = self.load(requests, clients=6, seconds=seconds + 2, once=1)
        bd.wait_until(
            lambda: sum("payments" in t for t in self.d.titles().values()) == 6, "6 payers"
        )
        r = self.load([cheap], clients=20, seconds=seconds).result()
        p = paying.result()
        told(
            "reads",
            r["all"]["p99"] < slack(20)
            and set(r["by_status"]) == {"200"}
            and set(p["by_status"]) == {"201"}
            and not bad(r),
            "20 readers beside 6 payers: p50 %.2f ms, p99 %.2f ms, slowest %.2f ms of %d (alone: "
            "p99 %.2f ms); %.1f payments/s"
            % (
                r["all"]["p50"],
                r["all"]["p99"],
                r["all"]["max"],
                r["all"]["n"],
                alone["all"]["p99"],
                p["in_time"] / p["seconds"],
            ),
        )

    def overload(self, title, queue_timeout, **server):
        seconds = 3 if OPTIONS.short else 8
        self.world(
            server={"queue_timeout": "%dms" % (queue_timeout * 1000), **server},
            providers={"sms": {"max_concurrent": WORKERS}},
        )
        self.box.order("taqnyat", "delay", delay_ms=50)
        full = self.load(
            [self.otp() for _ in range(seconds * 400)], clients=WORKERS, seconds=seconds, once=1
        ).result()
        capacity = full["in_time"] / full["seconds"]
        self.assertEqual(set(full["by_status"]), {"201"})
        rate = int(3 * capacity)
        r = self.load(
            [self.otp() for _ in range(rate * seconds + 100)],
            clients=3000,
            seconds=seconds,
            rate=rate,
        ).result()
        goodput, shed = r["in_time_good"] / r["seconds"], r["by_status"].get(
            "503", {"max": 0, "n": 0}
        )
        told(
            "overload",
            goodput >= capacity * (0.7 if OPTIONS.short else 0.9)
            and set(r["by_status"]) == {"201", "503"}
            and not bad(r)
            and r["lost"] == 0
            and shed["max"] <= (queue_timeout + slack(0.1)) * 1e3,
            "%s: capacity %.1f/s, offered %d/s: goodput %.1f/s (%.1f %%), %d times 503, the "
            "latest after %.0f ms; served ones p99 %.0f ms; %s"
            % (
                title,
                capacity,
                rate,
                goodput,
                goodput / capacity * 100,
                shed["n"],
                shed["max"],
                r["by_status"]["201"]["p99"],
                {k: r[k] for k in ("resets", "cuts", "refused", "lost")},
            ),
        )

    def test_overload_short_queue(self):
        self.overload("queue of 16, 2 s", 2.0)

    def test_overload_long_queue(self):
        self.overload("queue of 1000, 500 ms", 0.5, queue=1000)

    def test_term(self):
        rounds = 1 if OPTIONS.short else 5
        exits, took, faults, answered, unanswered = [], [], 0, 0, 0
        for _ in range(rounds):
            self.world(
                server={"drain_timeout": "10s", "queue": 100},
                providers={"sms": {"max_concurrent": WORKERS}},
            )
            self.box.order("taqnyat", "delay", delay_ms=50)
            before = len(self.d.log())
            mixed = [r for _ in range(3000) for r in (self.otp(), self.slots, self.slots)]
            run = self.load(mixed, clients=32, seconds=30, answers=True)
            time.sleep(0.7)
            began = time.monotonic()
            self.d.signal(signal.SIGTERM)
            exits.append(self.d.wait())
            took.append(time.monotonic() - began)
            r = run.result()
            got = {i for _, _, i in run.answers()}
            served = set(
                re.findall(
                    r"request_id=(\S+)",
                    "\n".join(
                        line
                        for line in self.d.log()[before:].splitlines()
                        if "http.request" in line
                    ),
                )
            )
            unanswered += len(served - got)
            faults += r["resets"] + r["cuts"]
            answered += r["all"]["n"]
        told(
            "term",
            set(exits) == {0} and faults == 0 and unanswered == 0 and max(took) < 10,
            "%d times under load: exits %s, at most %.2f s; %d answers, %d requests logged and "
            "not answered, %d cut or reset"
            % (rounds, exits, max(took), answered, unanswered, faults),
        )

    def test_crashes(self):
        seconds = 2 if OPTIONS.short else 5
        self.world()
        for role in ("keeper", "monitor", "resolver", "worker 0", "dispatcher"):
            others = {
                p for p, t in self.d.titles().items() if not re.match(r"bookingd: %s\b" % role, t)
            }
            if role == "dispatcher":  # workers live and die with it
                others -= set(self.workers())
            run, killed, end = (
                self.load([self.slots], clients=8, seconds=seconds),
                0,
                time.monotonic() + seconds - 0.3,
            )
            seen = {}
            while time.monotonic() < end:
                for pid in self.d.children(role):
                    if time.monotonic() < seen.setdefault(pid, time.monotonic()) + 0.1:
                        continue  # it gets to work first
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
                time.sleep(0.005)
            r = run.result()
            alive = others <= set(self.d.titles())
            # Without a dispatcher nobody accepts: who waits in the socket's queue is served by its
            # successor.
            good = (
                alive
                and killed >= 2
                and (role == "dispatcher" or (set(r["by_status"]) <= {"200"} and not bad(r)))
            )
            told(
                "crashes",
                good,
                "%s killed %d times in %.0f s: %d answers %s, %d resets, %d cut; the others %s"
                % (
                    role,
                    killed,
                    seconds,
                    r["all"]["n"],
                    sorted(r["by_status"]),
                    r["resets"],
                    r["cuts"],
                    "live on" if alive else "DIED",
                ),
            )
        bd.wait_until(
            lambda: self.d.children("dispatcher") and self.attempt(),
            "service after the crashes",
            30,
        )

        run = self.load([self.slots], clients=8, seconds=2)
        children = self.d.children()
        os.kill(self.d.pid, signal.SIGKILL)
        killed = time.monotonic()
        self.d.proc.wait()

        def left():
            return [
                p
                for p in children
                if os.path.exists("/proc/%d" % p)
                and "State:\tZ" not in open("/proc/%d/status" % p).read()
            ]

        bd.wait_until(lambda: not self.attempt(left), "the children to end", 5, 0.005)
        gone = time.monotonic() - killed
        began = time.monotonic()
        self.d.start()
        ready = time.monotonic() - began
        run.end()
        told(
            "crashes",
            gone < slack(1) and self.d.get("/readyz").status == 200,
            "master killed: no child left after %.0f ms; started again in %.0f ms"
            % (gone * 1e3, ready * 1e3),
        )

    def attempt(self, act=None):
        with contextlib.suppress(OSError, EOFError):
            return act() if act else self.d.get("/healthz").status == 200
        return None

    def test_kills(self):
        wanted, workers, seconds, budget = *((40, 16, 3) if OPTIONS.short else (1000, 48, 8)), int(
            5 * bd.SLOWNESS
        )
        killed, total, faults, slowest, by_status, daemons = 0, 0, 0, 0.0, {}, 0
        while killed < wanted:
            # A new daemon each time: replacements of who dies again and again wait longer and
            # longer, and nobody could be killed.
            self.world(
                server={
                    "workers": workers,
                    "queue": 256,
                    "queue_timeout": "%ds" % (budget - 1),
                    "request_budget": "%ds" % budget,
                }
            )
            mixed = [
                r
                for i in range(1000)
                for r in (
                    self.slots,
                    self.otp(),
                    bd.Client.encode("GET", "/v1/venues"),
                    self.booking(i, self.free),
                )
            ]
            run, end, daemons = (
                self.load(mixed, clients=24, seconds=seconds),
                time.monotonic() + seconds - 0.5,
                daemons + 1,
            )
            mine = 0
            while time.monotonic() < end and killed < wanted and mine < 4 * workers:
                alive = [p for p, t in self.d.titles().items() if "executing" in t]
                if alive:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(random.choice(alive), signal.SIGKILL)
                        killed, mine = killed + 1, mine + 1
                time.sleep(0.002)
            r = run.result()
            total += r["all"]["n"]
            faults += r["resets"] + r["cuts"] + r["stale"] + r["refused"]
            slowest = max(slowest, r["all"]["max"] / 1e3)
            for k, v in r["by_status"].items():
                by_status[k] = by_status.get(k, 0) + v["n"]
            self.d.close()
        told(
            "kills",
            faults == 0
            and slowest < budget + slack(0.1 * bd.SLOWNESS)
            and set(by_status) <= {"200", "201", "502", "503"},
            "%d kill -9 in %d daemons: %d answers %s, %d without an answer, the latest after "
            "%.2f s of %.0f s"
            % (
                killed,
                daemons,
                total,
                dict(sorted(by_status.items())),
                faults,
                slowest,
                budget,
            ),
        )

    def test_hang(self):
        rounds, seconds, arrivals = (1, 3, 30) if OPTIONS.short else (5, 6, 40)
        self.world(
            server={"workers": 32, "queue": 256},
            providers={
                n: {"timeout": "2s", "breaker": {"failures": 10000}} for n in ("sms", "moyasar")
            },
        )
        pay = self.payments(2 * rounds * seconds * arrivals // 3 + 50)
        calm, hung, slow, faults = [], [], [], 0
        for _ in range(rounds):
            for into in (calm, hung):
                if into is hung:
                    self.box.order("all", "hang")
                crowd = [
                    r
                    for i in range(seconds * arrivals // 3 + 1)
                    for r in (self.otp(), self.booking(i, self.free), pay.pop())
                ]
                others = self.load(crowd, clients=400, seconds=seconds, rate=arrivals, once=1)
                run = self.load([self.slots], clients=50, seconds=seconds, rate=100, answers=True)
                r = run.result()
                o = others.result()
                faults += bad(r) + bad(o) + (set(r["by_status"]) != {"200"})
                into.append([t * 1e3 for t, _, _ in run.answers()])
                slow += sorted((t, i) for t, _, i in run.answers() if into is hung)[-2:]
                self.box.clear()
        p99 = [statistics.median(sorted(v)[int(len(v) * 0.99)] for v in rs) for rs in (calm, hung)]
        worst = [max(map(max, rs)) for rs in (calm, hung)]
        told(
            "hang",
            p99[1] < slack(2) * p99[0] and not faults,
            "slots beside %d others a second: p99 %.2f ms healthy, %.2f ms while every call hangs "
            "(slowest %.1f and %.1f ms of %d), %d faults"
            % (arrivals, p99[0], p99[1], *worst, sum(map(len, hung)), faults),
        )
        if not OPTIONS.short:
            log = self.d.log()
            for t, i in sorted(slow)[-3:]:
                print(
                    "    %.1f ms: %s"
                    % (t * 1e3, "; ".join(re.findall(r".*%s.*" % re.escape(i), log))[:400]),
                    flush=True,
                )


def main():
    parser = bd_campaign.parser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("scenario", nargs="*")
    given = bd_campaign.options(parser)
    OPTIONS.short = given.short
    names = [
        n
        for n in unittest.defaultTestLoader.getTestCaseNames(Scenarios)
        if not given.scenario or any(n.startswith("test_" + s) for s in given.scenario)
    ]
    if not names:
        parser.error("no such scenario")
    tests = unittest.TestSuite(map(Scenarios, names))
    bd_campaign.run(tests, verbosity=0, judge=lambda: RESULTS and all(RESULTS))


if __name__ == "__main__":
    main()
