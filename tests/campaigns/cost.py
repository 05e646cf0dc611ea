#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: valgrind strace
"""What one request costs, counted and not timed: the same on a busy machine as on a quiet one.

  statements    sent to PostgreSQL and run inside it, their plans and blocks, by
                pg_stat_statements
  calls         system calls of the dispatcher and of the worker, by strace
  instructions  of the dispatcher and of the worker outside the kernel, by callgrind

One worker, one client, one connection. Build with CFLAGS=-O2 before the instructions are compared.
"""
import argparse
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_bench  # noqa: E402
import bd_campaign  # noqa: E402
import bd_flame  # noqa: E402

WARM = 12  # plans are kept after a few calls
OPTIONS = argparse.Namespace()
# Functions that one role alone has: the file of a process says whose it is.
ROLES = {"dispatcher": "disp_drive", "worker": "api_serve"}


class Cost(bd.Case):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bd-cost-")
        os.chmod(self.directory, 0o777)
        self.addCleanup(shutil.rmtree, self.directory, True)
        # Unconfined: callgrind writes its files from inside the processes.
        over = {"server": {"confine": "off"}, "monitor": {"poll_interval": "5m"}}
        self.world = bd_bench.World(self, 1, resources=1, customers=1, **over)
        pg = self.world.shop.pg
        pg.sql(
            "CREATE EXTENSION pg_stat_statements;"
            "ALTER DATABASE %s SET \"pg_stat_statements.track\" = 'all';"
            'ALTER DATABASE %s SET "pg_stat_statements.track_planning" = on;' % (pg.name, pg.name)
        )
        self.world.seed(30)
        self.world.daemon.stop()  # its sessions take the settings of the database when they begin
        self.world.daemon.start()

    def serve(self, name, n):
        make = getattr(self.world, name)
        with self.world.daemon.client() as c:
            c.check = None
            for _ in range(n):
                c.send(make())
                r = c.recv_response()
                self.assertIn(r.status, (200, 201), r)

    def statements(self, name):
        pg, n = self.world.shop.pg, OPTIONS.requests
        pg.sql("SELECT pg_stat_statements_reset()")
        self.serve(name, n)
        rows = pg.sql(
            "SELECT s.toplevel, s.calls, s.plans, s.shared_blks_hit + s.shared_blks_read,"
            " s.total_exec_time, regexp_replace(s.query, '\\s+', ' ', 'g')"
            " FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = current_database() AND s.calls >= %d"
            " AND s.query NOT LIKE '%%pg_stat_statements%%'"
            " ORDER BY s.toplevel DESC, s.total_exec_time DESC" % (n // 2)
        )
        sent = [r for r in rows if r[0] == "t"]

        def each(of, column):
            return sum(float(r[column]) for r in of) / n

        print(
            "%-12s %5.1f statements, %5.1f inside them; %.1f plans; %.0f blocks; %.3f ms"
            % (
                name,
                each(sent, 1),
                each(rows, 1) - each(sent, 1),
                each(rows, 2),
                each(sent, 3),
                each(sent, 4),
            ),
            flush=True,
        )
        if OPTIONS.verbose:
            for r in rows:
                print(
                    "    %s %6.1f calls %5.1f plans %6.1f blocks %7.3f ms  %s"
                    % (
                        "sent" if r[0] == "t" else "    ",
                        int(r[1]) / n,
                        int(r[2]) / n,
                        int(r[3]) / n,
                        float(r[4]) / n,
                        r[5][:100],
                    )
                )

    def calls(self, name):
        n = OPTIONS.requests
        for role in ROLES:
            out = os.path.join(self.directory, "strace")
            pid = self.world.daemon.children(role)[0]
            trace = subprocess.Popen(
                ["strace", "-c", "-o", out, "-p", str(pid)], stderr=subprocess.PIPE, text=True
            )
            trace.stderr.readline()  # "attached"
            self.serve(name, n)
            trace.send_signal(signal.SIGINT)
            trace.communicate()
            with open(out) as f:
                rows = re.findall(r"^[ \d.]+ (\d+) +(?:\d+ +)?([a-z]\w+)$", f.read(), re.M)
            rows = [(int(c) / n, call) for c, call in rows if call != "total" and int(c) >= n // 2]
            print(
                "%-12s %-10s %5.1f system calls: %s"
                % (
                    name,
                    role,
                    sum(c for c, _ in rows),
                    ", ".join("%s %.1f" % r[::-1] for r in rows),
                ),
                flush=True,
            )

    def counted(self, name, n):
        """{role: instructions} of a daemon that lives for n requests."""
        daemon = self.world.daemon
        daemon.stop()
        wrapper = os.path.join(self.directory, "callgrind")
        with open(wrapper, "w") as f:
            f.write(
                "#!/bin/sh\nexec valgrind -q --vgdb=no --tool=callgrind "
                '--callgrind-out-file=%s/cg.%%p %s "$@"\n' % (self.directory, bd.PROGRAM)
            )
        os.chmod(wrapper, 0o755)
        plain, daemon.program = daemon.program, wrapper
        daemon.start(limit=60)
        daemon.program = plain
        self.serve(name, n)
        daemon.stop(60)
        out = {}
        for path in glob.glob(self.directory + "/cg.*"):
            with open(path) as f:
                text = f.read()
            total = re.search(r"^(?:totals|summary): (\d+)", text, re.M)
            for role, function in ROLES.items():
                if function in text and total:
                    out[role] = int(total.group(1))
                    if OPTIONS.flames and role == "worker":
                        svg = os.path.join(OPTIONS.flames, "flame-%s.svg" % name)
                        bd_flame.write(path, "api_serve", "A worker's instructions: " + name, svg)
            os.unlink(path)
        daemon.start()
        return out

    def instructions(self, name):
        """The start of a process costs more than a request: two lives are compared."""
        few, many = self.counted(name, 10), self.counted(name, 10 + OPTIONS.requests)
        for role in ROLES:
            if role in few and role in many:
                each = (many[role] - few[role]) / OPTIONS.requests
                print("%-12s %-10s %9.0f instructions" % (name, role, each), flush=True)

    def test_all(self):
        for name in OPTIONS.only.split(","):
            self.serve(name, WARM)
            for part in OPTIONS.parts.split(","):
                getattr(self, part)(name)


def main():
    given = bd_campaign.parser()
    given.add_argument("--only", default="healthz,get_booking,slots,otp,book")
    given.add_argument("--parts", default="statements,calls,instructions")
    given.add_argument("--requests", type=int, default=40)
    given.add_argument("--flames", help="directory for flame graphs of the worker's instructions")
    given.add_argument("--verbose", action="store_true", help="each statement")
    bd_campaign.options(given, OPTIONS)
    bd_campaign.run(Cost)


main()
