#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Three nodes, three rolling changes of their version and two failovers, under load.

The nodes go from this version to the next, back, and forward again with the contract, one after the
other, while people book, look and cancel through a balancer that asks /readyz. Twice meanwhile the
primary dies and its synchronous standby is promoted. Afterwards: every acknowledged booking is a
row, none is there twice, the books are right, and every failed request lies in the time of a
failover. test_rolling.py is the short part.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_books  # noqa: E402
import bd_campaign  # noqa: E402
import bd_nodes  # noqa: E402
import bd_pair  # noqa: E402

OPTIONS = argparse.Namespace(seconds=600, people=6)
CONFIG = {
    "server": {"request_budget": "5s", "queue_timeout": "5s", "workers": 4},
    "database": {"statement_timeout": "1s", "connect_timeout": "1s"},
}
PHASES = 6
SLACK_S = 0.5  # of a request that was under way when the window ended
# A request that was cut off has its key until its budget and a second are over.
KEY_S = 6 + SLACK_S


class Rolling(bd.Case):
    def setUp(self):
        self.next = bd_nodes.next_program()
        self.pair = bd_pair.Pair()
        self.addCleanup(self.pair.close)
        self.nodes = bd_nodes.Nodes(self, 3, CONFIG)
        self.crowd = self.nodes.people(OPTIONS.people, pause=0.02)
        self.windows, self.begun = [], time.monotonic()

    def say(self, words):
        print("%6.1f s  %s" % (time.monotonic() - self.begun, words), flush=True)

    def until(self, phase):
        """Load alone for the rest of a phase; all have some."""
        end = self.begun + OPTIONS.seconds * phase / PHASES
        goal = len(self.crowd.booked) + 30
        bd.wait_until(
            lambda: time.monotonic() >= end and len(self.crowd.booked) >= goal,
            "load in phase %d" % phase,
            OPTIONS.seconds + 30,
            0.05,
        )

    def migrate(self, *options):
        done = self.nodes.migrate(self.next, *options)
        self.assertEqual(done.returncode, 0, done)
        self.say("migrate %s: %s" % (" ".join(options), done.stdout.splitlines()[0]))

    def roll_all(self, program):
        for node in self.nodes.all:
            self.nodes.roll(node, program)
        self.say("all nodes run %s" % os.path.basename(program))

    def fail_over(self):
        self.pair.in_sync()
        died = time.monotonic()
        self.pair.kill_primary()
        self.pair.promote()
        for node in self.nodes.all:
            bd.wait_until(lambda n=node: n.get("/readyz").status == 200, "a ready node", 30)
        self.windows.append((died, time.monotonic() + SLACK_S))
        self.say("failover: %.1f s" % (self.windows[-1][1] - SLACK_S - died))
        self.pair.rebuild()

    def outside(self):
        """Failed requests of which no part lies in the time of a failover, and keys that one held
        for longer than the contract has it.
        """
        return [
            f
            for f in self.crowd.failed
            if not any(f[3] <= w[1] and w[0] <= f[4] <= w[1] + KEY_S for w in self.windows)
        ]

    def told(self):
        """What failed outside, how often, and when first and last."""
        found = {}
        for _, path, r, begun, ended in self.outside():
            what = (path[:20], getattr(r, "code", None) or repr(r)[:60])
            times = found.setdefault(what, [])
            times += [round(begun - self.begun, 1), round(ended - self.begun, 1)]
        return {what: (len(t) // 2, min(t), max(t)) for what, t in found.items()}

    def test_versions_and_servers(self):
        self.migrate("--expand")
        self.roll_all(self.next)
        self.until(1)
        self.fail_over()
        self.until(2)
        self.roll_all(bd.BIN)
        self.until(3)
        self.fail_over()
        self.until(4)
        self.roll_all(self.next)
        self.until(5)
        self.migrate("--contract")
        self.until(6)
        self.crowd.end()
        missing, doubled = self.crowd.missing()
        session = self.nodes.shop.pg.session()
        wrong = bd_books.wrong(session)
        session.close()
        self.say(
            "%d requests, %d bookings acknowledged; missing %d, doubled %d, failed outside of "
            "failovers %d, in them %d"
            % (
                self.crowd.requests,
                len(self.crowd.booked),
                len(missing),
                doubled,
                len(self.outside()),
                len(self.crowd.failed) - len(self.outside()),
            )
        )
        self.assertEqual((missing, doubled, wrong, self.told()), ([], 0, {}, {}))


def main():
    given = bd_campaign.parser()
    given.add_argument("--seconds", type=int, help="of the whole run (600)")
    given.add_argument("--people", type=int, help="who book at the same time (6)")
    bd_campaign.options(given, OPTIONS)
    bd_campaign.run(Rolling, verbosity=2)


if __name__ == "__main__":
    main()
