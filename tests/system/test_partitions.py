# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Tables that are kept by time: rows find their partition, old ones go, none is refused."""
import bd

TABLES = ("audit_log", "booking_history", "payment_history")


class Partitions(bd.Case):
    def setUp(self):
        self.pg = self.postgres()

    def audit(self, at):
        self.pg.sql(
            "INSERT INTO audit_log (id, at, actor, action, subject)"
            " VALUES (gen_random_uuid(), %s, 'staff:one', 'x', 'y')" % at
        )

    def tables(self, parent):
        return {
            r[0]: r[1]
            for r in self.pg.sql(
                "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits h"
                " JOIN pg_class c ON c.oid = h.inhrelid WHERE h.inhparent = '%s'::regclass" % parent
            )
        }

    def keep(self, audit="0", history="0"):
        return int(
            self.pg.value("SELECT partitions_keep(interval '%s', interval '%s')" % (audit, history))
        )

    def test_the_next_periods_are_there(self):
        for table in TABLES:
            names = self.tables(table)
            self.assertIn(table + "_first", names)
            self.assertIn(table + "_other", names)
            self.assertGreaterEqual(len(names), 4, names)
        self.assertEqual(self.keep(), 0)

    def test_rows_go_where_they_belong(self):
        last = max(t for t in self.tables("audit_log") if t[-1].isdigit())
        self.audit("now()")
        self.assertEqual(self.pg.value("SELECT count(*) FROM audit_log_first"), "1")
        self.pg.sql("DROP TABLE " + last)
        begin = "'%s-01 00:00+00'" % last[len("audit_log_") :].replace("_", "-")
        self.audit(begin)
        self.assertEqual(self.pg.value("SELECT count(*) FROM audit_log_other"), "1")
        self.assertEqual(self.keep(), 1)
        self.assertEqual(self.pg.value("SELECT count(*) FROM " + last), "1")
        self.assertEqual(self.pg.value("SELECT count(*) FROM audit_log_other"), "0")

    def test_old_partitions_are_dropped(self):
        for table in TABLES:
            self.pg.sql(
                "ALTER TABLE {0} DETACH PARTITION {0}_first; ALTER TABLE {0} ATTACH PARTITION"
                " {0}_first FOR VALUES FROM (MINVALUE) TO ('2020-01-01')".format(table)
            )
        self.keep()  # what the first one no longer has is made
        self.assertIn("audit_log_first", self.tables("audit_log"))
        self.assertEqual(self.keep(audit="1 day"), 1)
        self.assertNotIn("audit_log_first", self.tables("audit_log"))
        self.assertIn("booking_history_first", self.tables("booking_history"))
        self.assertEqual(self.keep(history="1 day"), 2)
        self.audit("now()")

    def test_the_role_that_serves_may_call_it(self):
        """And make no table itself."""
        self.pg.sql("DROP ROLE IF EXISTS %s_s; CREATE ROLE %s_s LOGIN" % ((self.pg.name,) * 2))
        self.addCleanup(self.drop_role)
        self.pg.sql(
            "GRANT USAGE ON SCHEMA public TO {0}; GRANT INSERT, SELECT ON audit_log TO {0};"
            " GRANT EXECUTE ON FUNCTION partitions_keep(interval, interval) TO {0}".format(
                self.pg.name + "_s"
            )
        )
        last = max(t for t in self.tables("audit_log") if t[-1].isdigit())
        self.pg.sql("DROP TABLE " + last)
        made = self.pg.value(
            "SET ROLE %s_s; SELECT partitions_keep(interval '0', interval '0')" % self.pg.name
        )
        self.assertEqual(made, "1")
        with self.assertRaises(AssertionError):
            self.pg.sql("SET ROLE %s_s; DROP TABLE %s" % (self.pg.name, last))

    def drop_role(self):
        self.pg.sql("DROP OWNED BY %s_s; DROP ROLE %s_s" % ((self.pg.name,) * 2))


if __name__ == "__main__":
    bd.main()
