# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Workers killed between commit and the notification's result, with the default budget: FAILED /
interrupted within 60 s, nothing committed lost.
"""
import contextlib
import os
import signal
import threading
import time
import uuid

import bd
import bd_shop
import promcheck

N = 4


class Killed(bd.Case):
    def page(self):
        with bd.Client(("127.0.0.1", self.shop.daemon.monitor_port)) as c:
            return promcheck.parse(c.get("/metrics").body.decode())

    def test_killed_between_commit_and_result(self):
        self.shop = shop = bd_shop.Shop(
            self,
            {
                "server": {"workers": N + 2},
                "providers": {"sms": {"timeout": "8s", "max_concurrent": N + 2}},
            },
        )
        d, sql = shop.daemon, shop.pg.value
        tokens = [shop.customer("+96655111%04d" % n) for n in range(N)]
        for n in range(N):  # some that go well, so that there is something to lose
            self.assertEqual(shop.book(tokens[n], 20 + n).status, 201)
        bd.wait_until(
            lambda: d.metric("bookingd_notifications", status="sent") == N,
            "the figures of notifications",
        )
        before, asked = self.page(), len(shop.sms.requests)
        shop.sms.plan += [bd.p_hang() for _ in range(N)]
        keys, answers = [str(uuid.uuid4()) for _ in range(N)], [None] * N

        def book(n):
            answers[n] = shop.book(tokens[n], n, headers={"Idempotency_Key": keys[n]})

        threads = [threading.Thread(target=book, args=(n,)) for n in range(N)]
        for t in threads:
            t.start()
        shop.sms.wait_for(asked + N)
        self.assertEqual(sql("SELECT count(*) FROM notifications WHERE status = 'PENDING'"), str(N))
        self.assertEqual(
            sql(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
                "state LIKE 'idle in transaction%'"
            ),
            "0",
        )
        victims = [
            pid for pid, title in d.titles().items() if "executing POST /v1/bookings" in title
        ]
        self.assertEqual(len(victims), N)
        killed = time.monotonic()
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for t in threads:
            t.join()
        for r in answers:
            self.assertEqual(
                (r.status, r.code, r.json()["outcome"]), (502, "interrupted", "unknown")
            )
        # Committed is committed, and the same key finds out; nothing is sent again.
        bd.wait_until(lambda: len(d.children("worker")) == N + 2, "other workers")
        for n in range(N):
            r = shop.book(tokens[n], n, headers={"Idempotency_Key": keys[n]})
            self.assertEqual((r.status, r.header("Idempotency-Replayed")), (201, "true"), r)
            self.assertEqual(
                shop.call("GET", r.header("Location"), token=tokens[n]).json()["status"],
                "confirmed",
            )
        bd_shop.wait_nothing_pending(sql)
        took = time.monotonic() - killed
        print("killed workers: interrupted after %.1f s" % took, flush=True)
        self.assertLess(took, 60)
        self.assertEqual(
            shop.pg.sql(
                "SELECT status, error_code, count(*) FROM notifications GROUP BY 1, 2 ORDER BY 1"
            ),
            [["FAILED", "interrupted", str(N)], ["SENT", "", str(N)]],
        )
        self.assertEqual(len(shop.sms.requests), asked + N)
        self.assertEqual(
            sorted({n["error_code"] for n in shop.notifications(status="FAILED")}), ["interrupted"]
        )
        bd.wait_until(
            lambda: d.metric("bookingd_notifications_failed", error_code="interrupted") == N,
            "the gauge",
        )
        # Counters of dead processes are still there, and each deed was counted once.
        after = self.page()
        promcheck.later(before, after)
        self.assertEqual(
            after.value(
                "bookingd_notifications_total", template="booking_confirmed", outcome="interrupted"
            ),
            N,
        )
        self.assertEqual(
            after.value(
                "bookingd_notifications_total", template="booking_confirmed", outcome="sent"
            ),
            N,
        )
        self.assertEqual(after.value("bookingd_bookings_total", outcome="confirmed"), 2 * N)
        self.assertEqual(
            after.value("bookingd_process_restarts_total", role="worker", reason="signal"), N
        )
        self.assertEqual(after.value("bookingd_provider_in_flight", provider="sms"), 0)
        self.assertEqual(
            after.value(
                "bookingd_http_requests_total", method="POST", route="/v1/bookings", status="502"
            ),
            N,
        )

    def test_counters_outlive_every_child(self):
        shop = self.shop = bd_shop.Shop(self)
        me = shop.customer()
        for hour in range(5):
            self.assertEqual(shop.book(me, hour).status, 201)
        bd.wait_until(
            lambda: shop.daemon.metric("bookingd_notifications", status="sent") == 5,
            "the figures of notifications",
        )
        before = self.page()
        for role in ("worker", "keeper", "resolver", "dispatcher", "monitor"):
            old = shop.daemon.children(role)
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            bd.wait_until(
                lambda: len(shop.daemon.children(role)) == len(old)
                and not set(old) & set(shop.daemon.children(role)),
                "other " + role,
            )

        def again():
            with contextlib.suppress(OSError, EOFError):
                return shop.book(me, 10).status == 201

        bd.wait_until(again, "it works")
        after = bd.wait_until(lambda: self.attempt(self.page), "the monitor")
        promcheck.later(before, after)
        self.assertEqual(after.value("bookingd_bookings_total", outcome="confirmed"), 6)
        self.assertEqual(
            after.value(
                "bookingd_notifications_total", template="booking_confirmed", outcome="sent"
            ),
            6,
        )

    @staticmethod
    def attempt(act):
        with contextlib.suppress(OSError, EOFError):
            return act()
        return None


if __name__ == "__main__":
    bd.main()
