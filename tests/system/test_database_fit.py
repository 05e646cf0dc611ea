#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The database is checked before it is trusted: `migrate`, the start, and /readyz."""
import json
import os
import re
import subprocess
import time

import bd
import bd_shop
from test_cli import CONFIG, Base, run
from test_upgrade import DATA


class Fit(Base):
    def made(self, encoding):
        pg = self.postgres(migrate=False)
        pg.sql("DROP DATABASE %s" % pg.name, admin=True)
        pg.sql(
            "CREATE DATABASE %s ENCODING '%s' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
            % (pg.name, encoding),
            admin=True,
        )
        return pg

    def role(self, pg, grants=""):
        """A role of its own, and a conninfo with it; dropped after the test."""
        name = pg.name.replace("bd_", "role_")
        pg.sql("CREATE ROLE %s LOGIN; %s" % (name, grants % {"role": name}))
        self.addCleanup(self.drop_role, pg, name)
        return name, re.sub(r"\buser=\S+", "", pg.conninfo) + " user=" + name

    @staticmethod
    def drop_role(pg, name):
        pg.sql("DROP OWNED BY %s; DROP ROLE %s" % (name, name))

    def config_of(self, conninfo):
        pg = type("Pg", (), {"conninfo": conninfo})
        return self.config(pg)

    def refused_start(self, pg, why):
        d = self.daemon(pg, start=False)
        d.start(ready=False)
        self.assertEqual(d.wait(), CONFIG, d.log())
        self.assertRegex(d.log(), why)
        self.assertNotIn("READY=1", d.notes)

    def test_another_encoding(self):  # O1
        for encoding in ("LATIN1", "SQL_ASCII"):
            pg = self.made(encoding)
            why = "encoding of the database is %s(.|\n)*ENCODING 'UTF8' TEMPLATE template0"
            self.ended(run("-c", self.config(pg), "migrate"), CONFIG, "", why % encoding)
            self.refused_start(pg, why % encoding)

    def test_a_foreign_schema_migrations_is_left_alone(self):  # O2
        pg = self.postgres(migrate=False)
        pg.sql(
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);"
            "INSERT INTO schema_migrations VALUES (3, false)"
        )
        self.refused_start(pg, "bookingd migrate")
        self.ended(run("-c", self.config(pg), "migrate"), 0, "^schema is at version")
        self.assertEqual(pg.sql("SELECT * FROM schema_migrations"), [["3", "f"]])
        pg.migrate()  # once more, with what the serving role needs
        self.assertEqual(self.daemon(pg).get("/readyz").status, 200)

    def test_a_foreign_table_of_our_name(self):  # O2
        pg = self.postgres(migrate=False)
        pg.sql("CREATE TABLE bookingd_schema (version varchar)")
        why = "bookingd_schema belongs to another program(.|\n)*search_path"
        self.ended(run("-c", self.config(pg), "migrate"), CONFIG, "", why)
        self.refused_start(pg, why)

    def test_a_read_only_database(self):  # O3
        pg = self.postgres()
        pg.sql("ALTER DATABASE %s SET default_transaction_read_only = on" % pg.name)
        d = self.daemon(pg)
        r = d.get("/readyz")
        self.assertEqual((r.status, r.code), (503, "database_unavailable"))
        self.assertIn("read-only", r.json()["detail"])
        bd.wait_until(lambda: d.metric("bookingd_database_up") == 1, "the monitor's connection")
        self.assertEqual(d.metric("bookingd_database_writable"), 0)
        self.assertTrue(d.log_contains("read-only", 10))
        pg.sql("ALTER DATABASE %s RESET default_transaction_read_only" % pg.name, admin=True)
        pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = '%s' AND pid <> pg_backend_pid()" % pg.name
        )
        bd.wait_until(lambda: d.get("/readyz").status == 200, "writable again")
        bd.wait_until(lambda: d.metric("bookingd_database_writable") == 1, "the gauge", 10)

    def test_workers_without_a_connection_are_counted(self):  # O4
        pg = self.postgres()
        d = self.daemon(pg)
        bd.wait_until(lambda: d.metric("bookingd_workers_without_database") == 0, "none")
        pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS false" % pg.name, admin=True)
        pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % pg.name,
            admin=True,
        )
        bd.wait_until(lambda: d.metric("bookingd_workers_without_database") == 2, "both workers")
        pg.sql("ALTER DATABASE %s ALLOW_CONNECTIONS true" % pg.name, admin=True)
        bd.wait_until(lambda: d.metric("bookingd_workers_without_database") == 0, "none")

    def test_without_the_rights_to_migrate(self):  # O5
        pg = self.postgres(migrate=False)
        pg.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        role, conninfo = self.role(pg)
        done = run("-c", self.config_of(conninfo), "migrate")
        self.ended(done, CONFIG, "", "may not create tables in the schema public")
        self.assertIn("GRANT CREATE", done.stderr)
        pg.sql("GRANT CREATE ON SCHEMA public TO %s" % role)
        done = run("-c", self.config_of(conninfo), "migrate")
        self.ended(done, CONFIG, "", "may not create the extension btree_gist(.|\n)*HINT")
        self.assertIn("CREATE EXTENSION btree_gist", done.stderr)
        pg.sql("CREATE EXTENSION btree_gist")
        self.ended(run("-c", self.config_of(conninfo), "migrate"), 0, "^schema is at version")

    def test_migrate_on_a_read_only_database(self):  # O5
        pg = self.postgres(migrate=False)
        pg.sql("ALTER DATABASE %s SET default_transaction_read_only = on" % pg.name)
        self.ended(run("-c", self.config(pg), "migrate"), CONFIG, "", "is read-only")

    def test_migrate_behind_a_reader_blocks_nobody(self):  # O6
        pg = self.postgres(migrate=False)
        with open(os.path.join(DATA, "v0.1.0.sql"), encoding="utf-8") as f:
            pg.sql(f.read())
        with pg.holding(
            "SET application_name = 'dump'; LOCK schema_migrations IN ACCESS SHARE MODE"
        ):
            p = subprocess.Popen(
                [bd.BIN, "-c", self.config(pg), "migrate"],
                stderr=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.addCleanup(p.kill)
            line = p.stderr.readline()
            self.assertRegex(line, r"waiting for a lock, held: process \d+ \(dump, role \S+\) on")
            longest = 0
            for _ in range(10):
                begun = time.monotonic()
                pg.sql("SELECT count(*) FROM schema_migrations")
                longest = max(longest, time.monotonic() - begun)
            self.assertLess(longest, 3.0 * bd.PATIENCE)
        self.assertRegex(p.communicate(timeout=60 * bd.PATIENCE)[0], "^schema is at version")

    def test_newer_schemas(self):  # O10 O11
        pg = self.postgres()
        d = self.daemon(pg)
        top = int(pg.value("SELECT max(version) FROM bookingd_schema"))
        pg.sql(
            "INSERT INTO bookingd_schema (version, name, checksum) VALUES (%d, 'x', 'y')"
            % (top + 1)
        )
        self.assertEqual(d.get("/readyz").status, 200)
        self.ended(run("-c", d.path, "staff-key", "list"), 0, "^NAME")
        pg.sql(
            "INSERT INTO bookingd_schema (version, name, checksum, works_from)"
            " VALUES (%d, 'x', 'y', %d)" % (top + 2, top)
        )
        self.assertEqual(d.get("/readyz").status, 200)
        pg.sql("UPDATE bookingd_schema SET works_from = %d WHERE version = %d" % (top + 1, top + 2))
        r = d.get("/readyz")
        self.assertEqual(r.status, 503)
        self.assertIn("newer than this program", r.json()["detail"])
        self.assertNotIn("migrate", r.json()["detail"])
        done = run("-c", d.path, "staff-key", "list")
        self.ended(done, CONFIG, "", "newer than this program")
        self.assertNotIn("migrate", done.stderr)

    def test_a_refused_keeper_asks_again(self):  # O10
        pg = self.postgres()
        d = self.daemon(pg)
        pg.sql("INSERT INTO bookingd_schema (version, name, checksum) VALUES (9999, 'x', 'y')")
        pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = '%s' AND pid <> pg_backend_pid()" % pg.name
        )
        self.assertTrue(d.log_contains("keeper.schema_refused", 10))
        pg.sql("DELETE FROM bookingd_schema WHERE version = 9999")
        bd.wait_until(lambda: d.get("/readyz").status == 200, "ready again")
        self.assertEqual(len(d.children("keeper")), 1)

    def test_the_trigger_of_capacity(self):
        pg = self.postgres()
        pg.sql("ALTER TABLE bookings DISABLE TRIGGER bookings_capacity")
        self.refused_start(pg, "bookings_capacity is disabled(.|\n)*ENABLE TRIGGER")
        pg.sql("DROP TRIGGER bookings_capacity ON bookings")
        self.refused_start(pg, "bookings_capacity is missing")

    def test_a_role_that_may_serve_only(self):  # S29
        pg = self.postgres()
        role, conninfo = self.role(pg)
        self.ended(run("-c", self.config_of(conninfo), "staff-key", "list"), CONFIG, "", "grant-to")
        done = run("-c", self.config(pg), "migrate", "--grant-to", role)
        self.ended(done, 0, "the role %s may serve" % role)
        self.ended(run("-c", self.config_of(conninfo), "staff-key", "list"), 0, "^NAME")

        def refused(sql):
            with self.assertRaisesRegex(AssertionError, "permission denied|must be owner"):
                pg.sql("SET ROLE %s; %s" % (role, sql))

        refused("DROP TABLE audit_log")
        for table in ("audit_log", "booking_history", "payment_history"):
            refused("UPDATE %s SET venue_id = NULL" % table)
            refused("DELETE FROM %s" % table)
        for table in ("bookings", "payments", "refunds", "customers", "venues", "notifications"):
            refused("DELETE FROM %s" % table)
        refused("INSERT INTO bookingd_schema (version, name, checksum) VALUES (77, 'x', 'y')")
        done = run("-c", self.config(pg), "migrate", "--grant-to", "nobody here")
        self.assertEqual(done.returncode, CONFIG, done)
        self.assertIn('role "nobody here" does not exist', done.stderr)

    def test_erasure_by_the_role_that_serves(self):  # S29
        """It may not change history, and yet what an erased customer wrote there is forgotten."""
        shop = bd_shop.Shop(self)
        role, conninfo = self.role(shop.pg)
        self.ended(run("-c", self.config(shop.pg), "migrate", "--grant-to", role), 0, "may serve")
        shop.daemon.write_config({"database": {"url": conninfo}})
        shop.daemon.hup()
        shop.daemon.log_contains("reload.done", 20)
        token = shop.customer()
        wanted = {"service_id": shop.service, "starts_at": shop.at(10), "note": "private"}
        booking = shop.call("POST", "/v1/bookings", wanted, token)
        self.assertEqual(booking.status, 201, booking)
        cancel = "/v1/bookings/%s/cancel" % booking.json()["id"]
        self.assertEqual(shop.call("POST", cancel, {"reason": "private"}, token).status, 200)
        history = "SELECT count(*), count(reason) FROM booking_history"
        self.assertEqual(shop.pg.sql(history), [["2", "1"]])
        erased = shop.call("DELETE", "/v1/me", None, token)
        self.assertEqual(erased.status, 204, erased)
        self.assertEqual(shop.pg.sql(history), [["2", "0"]])
        with self.assertRaisesRegex(AssertionError, "permission denied"):
            shop.pg.sql("SET ROLE %s; UPDATE booking_history SET reason = NULL" % role)

    def test_migrate_url(self):  # S29
        pg = self.postgres(migrate=False)
        _, conninfo = self.role(pg)
        path = self.config_of(conninfo)
        with open(path) as f:
            config = json.load(f)
        config["database"]["migrate_url"] = pg.conninfo
        with open(path, "w") as f:
            json.dump(config, f)
        role = conninfo.split("user=")[1]
        self.ended(run("-c", path, "migrate", "--grant-to", role), 0, "may serve")
        self.ended(run("-c", path, "staff-key", "list"), 0, "^NAME")

    def test_purges_keep_up(self):  # S9
        pg = self.postgres()
        pg.sql(
            "INSERT INTO rate_limits (subject, window_start, window_end, taken)"
            " SELECT 'x' || i, now() - interval '2 h', now() - interval '1 h', 1"
            " FROM generate_series(1, 20000) i;"
            "INSERT INTO audit_log (id, at, actor, action, subject)"
            " SELECT gen_random_uuid(), now() - interval '401 d', 'a', 'b', 'c'"
            " FROM generate_series(1, 3000);"
            "INSERT INTO audit_log (id, actor, action, subject)"
            " VALUES (gen_random_uuid(), 'a', 'new', 'c')"
        )
        self.daemon(pg)

        def left():
            return pg.sql("SELECT count(*) FROM rate_limits") + pg.sql(
                "SELECT count(*) FROM audit_log"
            )

        bd.wait_until(lambda: left() == [["0"], ["1"]], "nothing overdue", 40)


if __name__ == "__main__":
    import unittest

    unittest.main()
