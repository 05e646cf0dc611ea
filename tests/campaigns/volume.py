#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""One stranger asks for as much as the API gives: what others notice, and what stays in memory.

A shop of 100 resources that is open all day offers a start every 5 minutes. One address asks for 31
days of it, 200 times over 20 connections: pages of slots alone, then every fifth time the overview
of all days as well. A customer of another address reads meanwhile. Held: every request of the
customer is answered, 99 % of them within 100 ms, and the private memory of each worker is below
16 MiB afterwards.
"""
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_courier  # noqa: E402
import bd_shop  # noqa: E402

MEMORY = 16 * 1024 * 1024
QUIET_READS = 100


def private_bytes(pid):
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(line.split()[1]) * 1024 for line in f if line.startswith("Private_"))


class Volume(bd.Case):
    resources, days, asked, connections = 100, 31, 200, 20
    limit_ms = 100

    def shop(self):
        # The limits are those of a configuration that says nothing about them.
        shop = bd_shop.Shop(
            self, {"server": {"workers": 4, "max_requests_per_address": 8, "queue": 256}}
        )
        chairs = [shop.chair] + [
            shop.resource("Chair %d" % (n + 2)) for n in range(self.resources - 1)
        ]
        service = shop.make_service(
            name="Wash", duration_minutes=5, slot_step_minutes=5, resource_ids=chairs
        )
        return shop, service

    def stranger(self, shop, service, overviews, outcomes):
        """Every page of all days, so often; refused for too many at once, it tries again."""
        first = shop.at(0)[:10]
        last = shop.at(24 * self.days)[:10]
        span = "from=%s&to=%s" % (first, last)
        slots = "/v1/services/%s/slots?%s&limit=500" % (service, span)
        days = "/v1/services/%s/days?%s" % (service, span)
        with bd.Client(shop.daemon.client().address, 60) as client:
            client.close()
            client.source = ("127.0.0.2", 0)
            cursor = None
            for n in range(self.asked // self.connections):
                if overviews and n % 5 == 4:  # it looks at every resource and hour
                    r = client.get(days)
                else:
                    r = client.get(slots + ("&after=" + cursor if cursor else ""))
                    cursor = r.json()["next"] if r.status == 200 else None
                outcomes.append((r.status, len(r.body)))

    def read(self, client, token, seconds):
        begun = time.monotonic()
        r = client.get("/v1/bookings", Authorization="Bearer " + token)
        seconds.append(time.monotonic() - begun)
        self.assertEqual(r.status, 200, r)

    def test_pages_of_slots(self):
        self.measure(False)

    def test_overviews_too(self):
        self.measure(True)

    def measure(self, overviews):
        shop, service = self.shop()
        token = shop.customer()
        client = shop.daemon.client()
        quiet, then, outcomes = [], [], []
        for _ in range(QUIET_READS):
            self.read(client, token, quiet)
        threads = [
            threading.Thread(
                target=self.stranger, args=(shop, service, overviews, outcomes), daemon=True
            )
            for _ in range(self.connections)
        ]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            self.read(client, token, then)
        for t in threads:
            t.join()
        self.assertEqual(len(outcomes), self.asked)
        self.assertEqual({s for s, _ in outcomes} - {200, 503}, set())
        good = [size for status, size in outcomes if status == 200]
        self.assertGreater(len(good), 0)
        memory = [private_bytes(pid) for pid in shop.daemon.children("worker")]
        print(
            "%s: %d requests for %d resources x %d days: %d answered, largest %.0f KB; reads of a"
            " customer: p99 %.1f ms quiet, %.1f ms then (%d); workers' private memory after: %s MiB"
            % (
                "overviews too" if overviews else "pages of slots",
                len(outcomes),
                self.resources,
                self.days,
                len(good),
                max(good) / 1e3,
                bd_courier.ms(quiet, 0.99),
                bd_courier.ms(then, 0.99) if then else 0,
                len(then),
                ", ".join("%.1f" % (m / 2**20) for m in memory),
            ),
            flush=True,
        )
        self.assertLess(max(memory), MEMORY)
        if self.limit_ms and then:
            self.assertLess(bd_courier.ms(then, 0.99), self.limit_ms * bd.SLOWNESS)


def main():
    bd_campaign.options(bd_campaign.parser())
    bd_campaign.run(Volume, verbosity=2)


if __name__ == "__main__":
    main()
