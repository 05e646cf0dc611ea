# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Nodes on one database: they know of each other, count for the gauges once for all, and refuse
another secret.
"""
import html
import subprocess

import bd
import bd_shop
from growth import World


class Nodes(bd.Case):
    def node(self, pg, start=True, secret="x" * 32, names=("sms",), **over):
        sms = self.provider()
        over = {
            "server": {"workers": 1},
            "monitor": {"poll_interval": "200ms"},
            "otp": {"provider": "sms", "secret": secret},
            **over,
        }
        config = bd_shop.config(sms, **over)
        config["providers"] = {n: config["providers"]["sms"] for n in names}
        return self.daemon(pg, config, start=start)

    @staticmethod
    def others(daemon):
        with bd.Client(("127.0.0.1", daemon.monitor_port)) as c:
            return {n["master"]: n for n in c.request("GET", "/status").json()["nodes"]}

    def test_status_names_the_others(self):
        pg = self.postgres()
        a, b = self.node(pg), self.node(pg, names=("sms", "second"))
        for one, other in ((a, b), (b, a)):
            bd.wait_until(lambda: other.pid in self.others(one), "the other node to be named", 15)
            seen = self.others(one)
            self.assertEqual(list(seen), [other.pid])
            self.assertTrue(seen[other.pid]["other_providers"])
            with bd.Client(("127.0.0.1", one.monitor_port)) as c:
                page = c.request("GET", "/").body.decode()
            self.assertIn("other node <b><bdi>%s<" % html.escape(seen[other.pid]["host"]), page)
            self.assertIn("with other providers", page)
        self.assertEqual(a.metric("bookingd_nodes"), 2)
        self.assertEqual(a.metric("bookingd_nodes_differing"), 1)
        self.assertEqual(b.stop(), 0)
        bd.wait_until(lambda: not self.others(a), "the node that ended to be gone", 20)
        self.assertEqual(a.metric("bookingd_nodes_differing"), 0)

    def test_another_secret_does_not_start(self):
        pg = self.postgres()
        self.assertEqual(self.node(pg).stop(), 0)
        b = self.node(pg, start=False, secret="y" * 32)
        b.start(ready=False)
        self.assertEqual(b.wait(), 78, b.log())
        b.log_contains(r"event=worker.secret_refused .*key=otp.secret")
        digest = pg.value("SELECT digest FROM node_secret")
        self.assertRegex(digest, "^[0-9a-f]{64}$")
        pg.sql("DELETE FROM node_secret")
        self.node(pg, secret="y" * 32)
        self.assertNotEqual(pg.value("SELECT digest FROM node_secret"), digest)

    def test_ten_nodes_count_once(self):
        pg = self.postgres()
        sessions = [
            subprocess.Popen(
                [pg.psql(), "-XqAt", "-v", "ON_ERROR_STOP=1", pg.conninfo, "-f", "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(10)
        ]
        statements = World.prepared()
        found = [
            s.communicate(statements + "EXECUTE gauges_claim('ends', 60000);")[0] for s in sessions
        ]
        self.assertEqual(sorted(f.strip() for f in found), [""] * 9 + ["ends"])

    def gauges_cost(self, pg, nodes):
        """Counts and blocks, by pg_stat_statements, of so many nodes that look for what is due."""
        count = "\\if :ROW_COUNT\nEXECUTE gauges_count_%s(60000, 20%s);\n\\endif\n"
        look = World.prepared() + "".join(
            "EXECUTE gauges_look;\nEXECUTE gauges_claim('%s', 60000);\n" % part
            + count % (part, more)
            for part, more in (("debt", ", 5"), ("ends", ""))
        )
        pg.sql("UPDATE gauges SET due_at = '-infinity'; SELECT pg_stat_statements_reset()")
        for _ in range(nodes):
            pg.sql(look)
        found = pg.sql(
            "SELECT sum(calls) FILTER (WHERE query ~ 'gauges_count'),"
            " sum(shared_blks_hit + shared_blks_read) FROM pg_stat_statements"
            " WHERE query ~ 'PREPARE gauges' AND dbid ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return [int(v) for v in found[0]]

    def test_ten_nodes_cost_what_one_costs(self):
        pg = World(self, 2000).pg
        if "pg_stat_statements" not in pg.value("SHOW shared_preload_libraries"):
            self.skipTest("pg_stat_statements is not loaded")
        pg.sql("CREATE EXTENSION pg_stat_statements")
        self.gauges_cost(pg, 1)
        (one, blocks_1), (ten, blocks_10) = self.gauges_cost(pg, 1), self.gauges_cost(pg, 10)
        print("gauges: %d blocks by 1 node, %d by 10" % (blocks_1, blocks_10), flush=True)
        self.assertEqual((one, ten), (2, 2))
        # Each of the others looks twice at what was counted, and finds nothing to claim.
        self.assertLess(blocks_10 - blocks_1, 9 * 10)

    def test_a_slow_count_is_no_lost_database(self):
        pg = self.postgres()
        a = self.node(pg, database={"statement_timeout": "300ms"})
        stamp = "bookingd_ledger_read_timestamp_seconds"
        bd.wait_until(lambda: a.metric(stamp), "the first count", 10)
        with pg.holding("LOCK TABLE refunds IN ACCESS EXCLUSIVE MODE"):
            a.log_contains("event=monitor.gauges_uncounted", 10)
            for _ in range(3):
                self.assertEqual(a.metric("bookingd_database_up"), 1)
                self.assertEqual(a.metric("bookingd_payments_unsettled"), 0)


if __name__ == "__main__":
    bd.main()
