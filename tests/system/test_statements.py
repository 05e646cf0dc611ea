# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""What a request asks of PostgreSQL, by pg_stat_statements: how many statements, and none of them
planned anew once it has run a few times.
"""
import bd
import bd_shop

# Between two of them nothing else may be sent: BEGIN and COMMIT count too.
MOST = {"book": 17, "get_booking": 2, "slots": 3, "list_mine": 2, "otp": 2}
WARM = 8  # PostgreSQL plans five times with the values before it keeps a plan without them
ROUNDS = 10


class Statements(bd.Case):
    def setUp(self):
        pg = self.postgres()
        loaded = pg.value("SHOW shared_preload_libraries")
        pg.close()
        if "pg_stat_statements" not in loaded:
            self.skipTest("pg_stat_statements is not loaded")
        self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 1},
                "monitor": {"poll_interval": "5m"},
                "bookings": {"max_active_per_customer": 10000},
                "notifications": {"per_phone": "1000/1h", "per_customer": "1000/1h"},
                "otp": {
                    "provider": "sms",
                    "secret": "x" * 32,
                    "resend_cooldown": "0s",
                    "per_phone": "1000/1h",
                    "per_address": "1000/1h",
                    "total": "1000/1h",
                },
            },
        )
        hall = self.shop.resource("Hall", 1000)
        self.service = self.shop.make_service(name="Concert", resource_ids=[hall])
        self.shop.pg.sql(
            "CREATE EXTENSION pg_stat_statements;"
            "ALTER DATABASE %s SET \"pg_stat_statements.track\" = 'all';"
            'ALTER DATABASE %s SET "pg_stat_statements.track_planning" = on;'
            "ANALYZE" % (self.shop.pg.name, self.shop.pg.name)
        )
        # Its sessions take the settings of the database when they begin.
        self.assertEqual(self.shop.daemon.stop(), 0)
        self.shop.daemon.start()
        self.me = self.shop.customer()
        self.n = 0

    def book(self):
        self.n += 1
        return self.shop.book(
            self.me,
            self.n,
            service_id=self.service,
            headers={"Idempotency_Key": "key-%d" % self.n},
        )

    def get_booking(self):
        return self.shop.call("GET", self.made, token=self.me)

    def slots(self):
        return self.shop.call("GET", "/v1/services/%s/slots" % self.service)

    def list_mine(self):
        return self.shop.call("GET", "/v1/bookings", token=self.me)

    def otp(self):
        self.n += 1
        return self.shop.call("POST", "/v1/otp", {"phone": "+96655%07d" % self.n})

    def measure(self, act):
        """Rows of (calls, plans, top level, text) of what ROUNDS requests asked."""
        for _ in range(WARM):
            self.assertLess(act().status, 300)
        self.shop.pg.sql(
            "SELECT pg_stat_statements_reset(0, oid, 0) FROM pg_database"
            " WHERE datname = current_database()"
        )
        for _ in range(ROUNDS):
            self.assertLess(act().status, 300)
        rows = self.shop.pg.sql(
            "SELECT calls, plans, toplevel, left(regexp_replace(query, '\\s+', ' ', 'g'), 200)"
            " FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid"
            " WHERE d.datname = current_database() AND query NOT LIKE '%pg_stat_statements%'"
        )
        # The keeper's own statements come once per second at most.
        return [(int(c), int(p), t == "t", q) for c, p, t, q in rows if int(c) >= ROUNDS]

    def test_few_statements_and_no_plans(self):
        self.made = self.book().header("Location")
        for name, most in MOST.items():
            with self.subTest(name):
                rows = self.measure(getattr(self, name))
                # BEGIN is one row for the keeper too: what is left over is not the requests'.
                sent = sum(calls // ROUNDS for calls, _, top, _ in rows if top)
                print("%s: %d statements" % (name, sent), flush=True)
                self.assertLessEqual(sent, most, rows)
                self.assertGreater(sent, 0)
                self.assertEqual([r for r in rows if r[1] >= ROUNDS], [], "planned at each call")


if __name__ == "__main__":
    bd.main()
