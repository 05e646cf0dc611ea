#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: nginx-light
"""How fast the service is, beside what this machine's PostgreSQL and a web server can do alone.

  healthz      beside nginx with a fixed answer
  get_booking  beside pgbench with the same two statements
  slots        a week of one resource, beside pgbench with the same three statements
  otp, book_c1 (one client), mixed
  book         beside pgbench with the same statements in as many round trips, without a provider
  book_50ms    the SMS provider takes 50 ms, 32 workers: at most 32 / 50 ms

Each round runs all of them, the limit right before or after its scenario, since machines change
from minute to minute: read the ratios, not the figures. The median of the rounds counts. The
cluster is a throwaway one with fsync off, so that processors are measured and not a disk.
doc/PERFORMANCE.md explains the table.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_bench  # noqa: E402
import bd_campaign  # noqa: E402

# name: clients, workers, ms that the SMS provider takes, what limits it
SCENARIOS = {
    "healthz": (16, 8, 0, "nginx"),
    "get_booking": (16, 8, 0, "pgbench"),
    "slots": (16, 8, 0, "pgbench"),
    "otp": (16, 8, 0, None),
    "book_c1": (1, 8, 0, None),
    "book": (16, 8, 0, "pgbench"),
    "book_50ms": (64, 32, 50, "workers"),
    "mixed": (32, 8, 0, None),
}
SEEDED = 1000
LOADGEN = os.path.join(os.path.dirname(os.path.abspath(bd.PROGRAM)), "tests", "load", "loadgen")
OPTIONS = argparse.Namespace()


class Bench(bd.Case):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bd-bench-")
        os.chmod(self.directory, 0o755)
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.world = bd_bench.World(self, 8)
        self.world.seed(SEEDED)
        self.scripts = bd_bench.pgbench_scripts(self.world)
        # A copy for pgbench: its bookings must not take ours.
        pg = self.world.shop.pg
        self.daemon = self.world.daemon
        self.assertEqual(self.daemon.stop(), 0)
        self.limit_db = pg.name + "_limit"
        pg.sql("CREATE DATABASE %s TEMPLATE %s" % (self.limit_db, pg.name), admin=True)
        self.addCleanup(
            pg.sql, "DROP DATABASE IF EXISTS %s WITH (FORCE)" % self.limit_db, admin=True
        )
        self.limit_conninfo = pg.conninfo.replace(pg.name, self.limit_db)
        self.pgbench_n = 0
        self.nginx = bd_bench.Nginx(self.directory)
        self.addCleanup(self.nginx.close)

    def loadgen(self, port, requests, clients, seconds):
        path = os.path.join(self.directory, "requests")
        with open(path, "wb") as f:
            for r in requests:
                f.write(b"%d\n%s" % (len(r), r))
        done = subprocess.run(
            [LOADGEN, "run", str(port), "requests=" + path]
            + ["clients=%d" % clients, "seconds=%d" % seconds],
            capture_output=True,
            text=True,
            timeout=seconds + 60,
            check=True,
        )
        return json.loads(done.stdout)

    def limit(self, name):
        """Answers per second of whatever this scenario is held against; None."""
        clients, workers, delay, kind = SCENARIOS[name]
        if kind == "nginx":
            r = self.loadgen(self.nginx.port, [self.world.healthz()], clients, OPTIONS.seconds)
            return r["in_time"] / r["seconds"]
        if kind == "pgbench":
            # Each run goes on behind the slots of the one before.
            self.pgbench_n += 1
            script = self.scripts[name].replace("3600 +", "%d +" % (self.pgbench_n * 700))
            script = script.replace("'key-' ||", "'key-%d-' ||" % self.pgbench_n)
            script = script.replace("-7000-80", "-7%03x-80" % self.pgbench_n)
            return bd_bench.pgbench(
                self.limit_conninfo, script, clients, OPTIONS.seconds, self.directory
            )
        return workers * 1000 / delay if kind == "workers" else None

    def ours(self, name):
        clients, workers, delay, _ = SCENARIOS[name]
        self.world.box.clear()
        if delay:
            self.world.box.order("taqnyat", "delay", delay_ms=delay)
        self.daemon.write_config({"server": {"workers": workers}})
        self.daemon.start()
        make = getattr(self.world, name.split("_")[0] if name.startswith("book") else name)
        n = 20 if name == "healthz" else 400 + OPTIONS.seconds * OPTIONS.most_per_second
        requests = [make() for _ in range(n)]
        self.loadgen(self.daemon.port, requests[:400], clients, 1)
        before = bd_bench.cpu_seconds(self.daemon.pid), bd_bench.cpu_seconds(bd_bench.postmaster())
        r = self.loadgen(self.daemon.port, requests[400:] or requests, clients, OPTIONS.seconds)
        after = bd_bench.cpu_seconds(self.daemon.pid), bd_bench.cpu_seconds(bd_bench.postmaster())
        memory = [bd_bench.private_kib(p) for p in self.daemon.children("worker")]
        self.assertEqual(self.daemon.stop(), 0)
        return {
            "per_second": r["in_time_good"] / r["seconds"],
            "refused": r["in_time"] - r["in_time_good"],
            "p50_ms": r["all"]["p50"],
            "p99_ms": r["all"]["p99"],
            "cpu_us": (after[0] - before[0]) / r["all"]["n"] * 1e6,
            "pg_cpu_us": (after[1] - before[1]) / r["all"]["n"] * 1e6,
            "worker_kib": statistics.mean(memory),
        }

    def test_all(self):
        names = OPTIONS.only.split(",") if OPTIONS.only else list(SCENARIOS)
        runs = {name: [] for name in names}
        for turn in range(OPTIONS.rounds):
            for name in names:
                limit = self.limit(name) if turn % 2 == 0 else None
                run = self.ours(name)
                run["limit"] = limit if turn % 2 == 0 else self.limit(name)
                if run["limit"]:
                    run["ratio"] = run["per_second"] / run["limit"]
                runs[name].append(run)
                print(turn + 1, name, json.dumps(run), file=sys.stderr, flush=True)
        summary = {
            name: {k: statistics.median(r[k] for r in rs) for k in rs[0] if rs[0][k] is not None}
            for name, rs in runs.items()
        }
        print(table(summary))
        if OPTIONS.json:
            with open(OPTIONS.json, "w", encoding="utf-8") as f:
                json.dump({"median": summary, "rounds": runs}, f, indent=1)
                f.write("\n")


def table(summary):
    """Markdown."""
    lines = [
        "| scenario | answers/s | limit/s | ratio | p50 ms | p99 ms | CPU µs | PostgreSQL µs |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, r in summary.items():
        limit = "%.0f" % r["limit"] if "limit" in r else ""
        ratio = "%.2f" % r["ratio"] if "ratio" in r else ""
        lines.append(
            "| %s | %.0f | %s | %s | %.2f | %.2f | %.0f | %.0f |"
            % (
                name + (" (%d refused)" % r["refused"] if r["refused"] else ""),
                r["per_second"],
                limit,
                ratio,
                r["p50_ms"],
                r["p99_ms"],
                r["cpu_us"],
                r["pg_cpu_us"],
            )
        )
    return "\n".join(lines)


def main():
    given = bd_campaign.parser()
    given.add_argument("--rounds", type=int, default=3)
    given.add_argument("--seconds", type=int, default=6, help="of each run")
    given.add_argument("--only", help="scenarios, separated by commas")
    given.add_argument("--json", help="file for all figures")
    given.add_argument(
        "--most-per-second", type=int, default=3000, help="requests that are made ahead"
    )
    bd_campaign.options(given, OPTIONS)
    bd_campaign.run(Bench)


main()
