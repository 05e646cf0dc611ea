# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Two versions on one database: upgrades and rollbacks node by node under load, and `migrate`
beside the service. The next version is bookingd-next: this program with the migrations of
tests/data/next, of which the last is a contract. Other nodes than those in rotation get no request,
and no request fails. The campaign rolling.py is the long run.
"""
import subprocess
import unittest

import bd
import bd_nodes

USAGE, CONFIG = 64, 78
EXPANDED, CONTRACTED = 2, 3  # versions beyond this program's own


class Upgrade(bd.Case):
    def setUp(self):
        self.next = bd_nodes.next_program()
        self.nodes = bd_nodes.Nodes(self, 2)
        self.a, self.b = self.nodes.all
        self.pg = self.nodes.shop.pg
        self.own = self.version()
        self.crowd = self.nodes.people(4)
        self.crowd.wait_for_more()

    def version(self):
        return int(self.pg.value("SELECT max(version) FROM bookingd_schema"))

    def migrate(self, *options, program=None):
        done = self.nodes.migrate(program or self.next, *options)
        self.assertEqual(done.returncode, 0, done)
        return done

    def nothing_failed(self):
        self.crowd.end()
        self.assertEqual(self.crowd.failed[:5], [])
        self.assertEqual(self.crowd.missing(), ([], 0))
        print(
            "%s: %d requests, 0 failed, slowest %.0f ms"
            % (self._testMethodName, self.crowd.requests, self.crowd.slowest * 1e3),
            flush=True,
        )

    def refused(self, node, why):
        """The node's program does not start with this schema, and says why."""
        node.start(ready=False)
        self.assertEqual(node.wait(), CONFIG, node.log())
        self.assertRegex(node.log(), why)

    def test_schema_first(self):
        """Expand, then one node after the other; then contract."""
        self.migrate("--expand")
        self.assertEqual(self.version(), self.own + EXPANDED)
        self.crowd.wait_for_more()
        # Old processes that start now accept the newer schema: a reload starts all but one anew.
        reload = self.a.run("reload", "--wait")
        self.assertEqual(reload.returncode, 0, reload)
        self.crowd.wait_for_more()
        for node in self.nodes.all:
            self.nodes.roll(node, self.next)
            self.crowd.wait_for_more()
        self.migrate("--contract")
        self.assertEqual(self.version(), self.own + CONTRACTED)
        self.crowd.wait_for_more()
        self.nothing_failed()
        # Who comes back with the old program is told so.
        self.b.stop()
        self.b.program = bd.BIN
        self.refused(self.b, "schema_refused .*newer than this program")

    def test_program_first_and_back(self):
        """A node with the new program beside one with the old, and the way back."""
        self.nodes.take_out(self.b)
        self.b.stop()
        self.b.program = self.next
        self.refused(self.b, "schema_refused .*older .*bookingd migrate")
        self.migrate("--expand")
        self.b.start()
        self.nodes.put_back(self.b)
        self.crowd.wait_for_more()
        # The old program's own `migrate` has nothing to do, and breaks nothing.
        self.migrate(program=bd.BIN)
        self.nodes.roll(self.b, bd.BIN)
        self.crowd.wait_for_more()
        self.assertEqual(self.version(), self.own + EXPANDED)
        for node in self.nodes.all:
            self.assertNotIn("schema_refused", node.log().split("master.ready")[-1])
        self.nothing_failed()


class Migrate(bd.Case):
    def setUp(self):
        self.next = bd_nodes.next_program()
        self.pg = self.postgres()
        self.daemon_of = bd.Daemon(self.pg)
        self.addCleanup(self.daemon_of.close)
        self.daemon_of.write_config()
        self.own = int(self.pg.value("SELECT max(version) FROM bookingd_schema"))

    def begin(self, *options):
        p = subprocess.Popen(
            [self.next, "-c", self.daemon_of.path, "migrate", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(p.kill)
        return p

    def done(self, p, code=0):
        out, err = p.communicate(timeout=60 * bd.PATIENCE)
        self.assertEqual(p.returncode, code, (out, err))
        return out, err

    def valid(self):
        return self.pg.value(
            "SELECT bool_and(indisvalid) FROM pg_index WHERE indexrelid = "
            "to_regclass('bookings_later')"
        )

    def test_steps_in_their_order(self):
        self.assertIn("contracts come last", self.done(self.begin("--contract"), CONFIG)[1])
        self.assertIn("neither", self.done(self.begin("--contract", "--expand"), USAGE)[1])
        out, err = self.done(self.begin("--expand"))
        self.assertEqual(
            out,
            "schema is at version %d, was %d\n1 more to be done by 'bookingd migrate --contract', "
            "once no older version runs\n" % (self.own + EXPANDED, self.own),
        )
        self.assertRegex(err, "migration %04d index: step 1 of 2" % (self.own + 2))
        self.assertEqual(self.valid(), "t")
        self.assertIn("already", self.done(self.begin("--expand"))[0])
        self.done(self.begin("--contract"))
        self.assertIn("already", self.done(self.begin())[0])

    def test_leftovers_of_a_broken_run(self):
        """An index that could not be finished is dropped and made again."""
        self.pg.sql(
            "INSERT INTO customers (id, phone, locale)"
            " SELECT gen_random_uuid(), '+96655000000' || i, 'en'"
            " FROM generate_series(1, 2) AS i"
        )
        with self.assertRaisesRegex(AssertionError, "could not create unique index"):
            self.pg.sql("CREATE UNIQUE INDEX CONCURRENTLY bookings_later ON customers (locale)")
        self.assertEqual(self.valid(), "f")
        out, err = self.done(self.begin())
        self.assertIn("DROP INDEX CONCURRENTLY IF EXISTS bookings_later", err)
        self.assertEqual(self.valid(), "")  # the contract has dropped the column

    def test_two_at_once(self):
        both = [self.begin("--expand"), self.begin("--expand")]
        outs = [self.done(p)[0] for p in both]
        self.assertEqual(sum(o.startswith("schema is at") for o in outs), 1, outs)
        self.assertEqual(self.valid(), "t")

    def test_a_lock_that_somebody_holds(self):
        with self.pg.holding("LOCK bookings IN ACCESS SHARE MODE"):
            p = self.begin("--expand")
            for n in (1, 2):
                line = p.stderr.readline()
                self.assertRegex(line, "%04d later, try %d: waiting for a lock" % (self.own + 1, n))
        self.done(p)


if __name__ == "__main__":
    unittest.main()
