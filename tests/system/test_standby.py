# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Reads on a standby (database.read_url), and what is said when no standby is synchronous."""
import base64
import json
import os
import re
import time

import bd
import bd_pair
import bd_shop
import bd_wait

SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
FROZEN_S = float(os.environ.get("BOOKINGD_FROZEN_SECONDS", "3"))
READS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'bookingd worker'"


class Standby(bd.Case):
    @classmethod
    def setUpClass(cls):
        cls.pair = bd_pair.Pair()
        cls.addClassCleanup(cls.pair.close)

    def a_shop(self, alerts=None, **database):
        shop = self.shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": 1, "request_budget": "%ds" % (4 * bd.SLOWNESS)},
                "monitor": {"poll_interval": "200ms"},
                "database": {"statement_timeout": "1s", "require_synchronous": "on"},
            },
        )
        self.set_up_anew(
            {
                "database": {
                    "read_url": self.pair.conninfo(1 - self.pair.primary, shop.pg.name),
                    **database,
                },
                "alerts": alerts or {},
            }
        )
        self.day = shop.at(0, bd_shop.RIYADH)[:10]
        return shop

    def set_up_anew(self, over):
        self.shop.daemon.stop()
        self.shop.daemon.write_config(over)
        self.shop.daemon.start()

    def slots(self, token=None):
        return self.shop.call(
            "GET",
            "/v1/services/%s/slots?from=%s&to=%s" % (self.shop.service, self.day, self.day),
            token=token,
        )

    def starts(self, token=None):
        r = self.slots(token)
        self.assertEqual(r.status, 200, r)
        return [s["starts_at"] for s in r.json()["items"]]

    def on_standby(self):
        """The worker has read there."""
        standby = 1 - self.pair.primary

        def read():
            self.slots()
            return self.pair.ask(READS, standby) == "1"

        bd.wait_until(read, "a session at the standby", 10)

    def test_reads_without_the_primary(self):
        """Slots, days and the catalogue are answered while the primary is frozen."""
        shop = self.a_shop()
        self.on_standby()
        whole = self.starts()
        self.assertGreater(len(whole), 10)
        paths = (
            "/v1/venues",
            "/v1/venues/" + shop.venue,
            "/v1/venues/%s/services" % shop.venue,
            "/v1/venues/%s/resources" % shop.venue,
            "/v1/services/" + shop.service,
            "/v1/services/%s/days?from=%s&to=%s" % (shop.service, self.day, self.day),
        )
        with bd_wait.frozen(self.pair.pids(self.pair.primary)):
            end, served, slowest = time.monotonic() + FROZEN_S, 0, 0.0
            while time.monotonic() < end:
                begun = time.monotonic()
                self.assertEqual(self.starts(), whole)
                for path in paths:
                    r = shop.call("GET", path)
                    self.assertEqual(r.status, 200, (path, r))
                    served += 1
                slowest = max(slowest, time.monotonic() - begun)
        print(
            "standby: %d reads in %.0f s without a primary, seven of them in %.0f ms at most"
            % (served, FROZEN_S, slowest * 1e3),
            flush=True,
        )
        self.pair.writable()

    def test_a_frozen_standby(self):
        """Its reads go to the primary, each within its budget, and come back when it is."""
        self.a_shop()
        self.on_standby()
        with bd_wait.frozen(self.pair.pids(1 - self.pair.primary)):
            took = []
            for _ in range(12):
                begun = time.monotonic()
                self.assertGreater(len(self.starts()), 10)
                took.append(time.monotonic() - begun)
        # One request finds out; then nobody asks it for a while.
        self.assertLess(sorted(took)[-3], 0.5 * bd.SLOWNESS)
        self.assertLess(max(took), 2.5 * bd.SLOWNESS)
        self.assertTrue(self.shop.daemon.log_contains("event=db.standby_left"))

        def again():
            self.slots()
            return "event=db.standby_used" in self.shop.daemon.log()

        bd.wait_until(again, "reads at the standby", 15)

    def test_lag(self):
        """A standby that is behind is not read; what is stale within the bound ends as slot_taken
        and nothing else. Who has a token reads the primary.
        """
        shop = self.a_shop(read_max_lag="1h")
        me, other = shop.customer(), shop.customer("+966551234568")
        self.on_standby()
        self.assertIn(shop.at(3), self.starts())
        self.pair.ask("SELECT pg_wal_replay_pause()", 1 - self.pair.primary)
        self.addCleanup(self.pair.ask, "SELECT pg_wal_replay_resume()", 1 - self.pair.primary)
        self.assertEqual(shop.book(me, 3).status, 201)
        self.assertIn(shop.at(3), self.starts())  # of the standby, which has not seen it
        self.assertNotIn(shop.at(3), self.starts(other))
        self.assertNotIn(shop.at(3), self.starts(shop.admin))
        r = shop.book(other, 3)
        self.assertEqual((r.status, r.code), (409, "slot_taken"))
        # A thing that the standby does not know yet is found at the primary.
        made = shop.make_service(name="New")
        self.assertEqual(shop.call("GET", "/v1/services/" + made).status, 200)
        self.set_up_anew({"database": {"read_max_lag": "100ms"}})
        bd.wait_until(lambda: shop.at(3) not in self.starts(), "the primary's slots", 5)
        self.assertTrue(shop.daemon.log_contains("event=db.standby_left .*behind its primary"))

    def told(self, kind):
        """Waits for the webhook about the missing synchronous standby."""
        name = "BookingdDatabaseNotSynchronous"

        def find():
            sent = [json.loads(r["body"]) for r in list(self.hook.requests)]
            return any(m["type"] == kind and m["data"]["name"] == name for m in sent)

        bd.wait_until(find, kind, 40)

    def monitor_page(self, path):
        with bd.Client(("127.0.0.1", self.shop.daemon.monitor_port)) as c:
            return c.request("GET", path, None, {"Accept-Language": "en"}).body.decode()

    def doctor(self):
        done = self.shop.daemon.run("doctor")
        return re.search(r"(\w+) +a standby confirms what is committed: (.*)", done.stdout).groups()

    def test_synchronous(self):
        """doctor, log, metric, status page and webhook say when no standby is synchronous."""
        self.hook = self.provider(bd.p_reply(204))
        alerts = {"after": "0s", "webhook": self.hook.url, "webhook_secret": SECRET}
        shop = self.a_shop(alerts=alerts)
        gauge = "bookingd_database_synchronous"
        if bd.ROLE:  # which sees no standbys otherwise
            shop.pg.sql("GRANT pg_read_all_stats TO " + bd.ROLE)
        self.assertEqual(self.doctor(), ("ok", "yes"))
        bd.wait_until(lambda: gauge + " 1" in self.monitor_page("/metrics"), "the gauge")
        self.pair.asynchronous()
        try:
            self.assertEqual(self.doctor(), ("FAULT", "commits wait for no standby"))
            shop.daemon.log_contains(
                'event=db.not_synchronous .*reason="commits wait for no standby"', 10
            )
            bd.wait_until(lambda: gauge + " 0" in self.monitor_page("/metrics"), "the gauge")
            self.told("condition.began")
            self.assertIn("No standby confirms what is committed", self.monitor_page("/"))
        finally:
            self.pair.synchronous()
        shop.daemon.log_contains("event=db.synchronous", 10)
        self.told("condition.ended")
        self.assertNotIn("No standby confirms", self.monitor_page("/"))
        # A role without rights sees that there is a standby, and not what it is.
        shop.pg.sql(
            "DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        done = shop.daemon.run("migrate", "--grant-to", "plain")
        self.assertEqual(done.returncode, 0, done.stderr)
        url = shop.pg.conninfo.replace("user=postgres", "user=plain")
        shop.daemon.write_config({"database": {"url": url}})
        self.assertEqual(self.doctor()[0], "FAULT")
        self.assertRegex(self.doctor()[1], "^cannot see")
        shop.pg.sql("GRANT pg_read_all_stats TO plain")
        self.assertEqual(self.doctor(), ("ok", "yes"))
        shop.pg.sql("REVOKE pg_read_all_stats FROM plain")
        shop.pg.sql("DROP OWNED BY plain; DROP ROLE plain")


if __name__ == "__main__":
    bd.main()
