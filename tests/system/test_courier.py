# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Deferred notifications (BEHAVIOUR §13): couriers, their outcome table, deaths, order, rate,
switching under load, several hosts.
"""
import argparse
import collections
import json
import os
import signal
import threading
import time

import bd
import bd_courier
import bd_pooler
import bd_shop
import courier

DEFERRED = {
    "notifications": {
        "delivery": "deferred",
        "poll_interval": "200ms",
        "per_phone": "100000/1h",
        "per_customer": "100000/1h",
    },
    "bookings": {"max_active_per_customer": 10000},
}
ROW = "status, coalesce(error_code, ''), attempts"


class CourierCase(bd.Case):
    def shop(self, over=None):
        shop = bd_shop.Shop(self, bd.merge(DEFERRED, over or {}))
        self.asking = shop.pg.session()
        self.addCleanup(self.asking.close)
        self.customers = 0
        return shop

    def ask(self, text):
        return [line.split("\t") for line in self.asking.ask(text)]

    def rows(self, columns=ROW):
        return self.ask("SELECT %s FROM notifications ORDER BY queued_at" % columns)

    def wait_rows(self, want, columns=ROW, limit=10):
        want = [[str(x) for x in row] for row in want]
        bd.wait_until(
            lambda: self.rows(columns) == want,
            lambda: "rows %s; they are %s" % (want, self.rows(columns)),
            limit,
            0.03,
        )

    def book(self, shop, hour=None, token=None):
        """A booking of a customer of its own, unless told otherwise."""
        self.customers += 1
        token = token or shop.customer("+96655%07d" % self.customers)
        r = shop.book(token, self.customers if hour is None else hour)
        self.assertEqual(r.status, 201, r)
        return r.json()


def held(release):
    """The provider takes the request and answers when it is released."""

    def act(provider, conn, request):
        release.wait(60)
        return bd.p_reply(201, bd_shop.sms_ok)(provider, conn, request)

    return act


class Sending(CourierCase):
    def test_row_is_sent_after_the_answer(self):
        shop = self.shop()
        release = threading.Event()
        self.addCleanup(release.set)
        shop.sms.plan.append(held(release))
        self.book(shop)
        shop.sms.wait_for(1)
        self.assertEqual(self.rows(), [["PENDING", "", "1"]])
        self.assertIn("sending", " ".join(shop.daemon.titles().values()))
        release.set()
        self.wait_rows([["SENT", "", 1]])
        (item,) = shop.notifications()
        self.assertEqual((item["status"], item["attempts"]), ("SENT", 1))
        self.assertEqual(item["provider_message_id"], "8764321")
        metric = shop.daemon.metric
        bd.wait_until(lambda: metric("bookingd_notifications", status="sent") == 1, "gauge")
        self.assertEqual(metric("bookingd_notifications_total", outcome="sent"), 1)
        self.assertEqual(metric("bookingd_notification_attempts_total", outcome="sent"), 1)
        self.assertEqual(metric("bookingd_notification_delay_seconds_count"), 1)
        self.assertEqual(metric("bookingd_notifications_due"), 0)
        self.assertEqual(metric("bookingd_couriers"), 2)

    def test_later_ones_of_a_booking_wait(self):
        shop = self.shop()
        shop.sms.plan.append(bd.p_reply(429, {}, {"Retry-After": "2"}))
        token = shop.customer()
        b = self.book(shop, 3, token)
        self.wait_rows([["PENDING", "", 0]])
        r = shop.call("POST", "/v1/bookings/%s/cancel" % b["id"], {}, token)
        self.assertEqual(r.status, 200, r)
        self.book(shop, 9)  # another booking does not wait
        self.wait_rows([["PENDING", "", 0], ["PENDING", "", 0], ["SENT", "", 1]])
        self.wait_rows([["SENT", "", 1]] * 3)
        order = self.ask(
            "SELECT template FROM notifications WHERE booking_id = '%s' ORDER BY updated_at"
            % b["id"]
        )
        self.assertEqual(order, [["booking_confirmed"], ["booking_cancelled"]])
        at = [r["at"] for r in shop.sms.requests]
        self.assertGreater(at[2] - at[0], 1.9)  # Retry-After is kept

    def test_rate(self):
        shop = self.shop({"providers": {"sms": {"rate": "5/1s"}}, "notifications": {"couriers": 4}})
        for _ in range(12):
            self.book(shop)
        self.wait_rows([["SENT", "", 1]] * 12, limit=15)
        at = sorted(r["at"] for r in shop.sms.requests)
        for first, sixth in zip(at, at[5:]):
            self.assertGreater(sixth - first, 0.9)

    def test_faster_rate_by_reload(self):
        """What the slower rate would have waited for is not waited for any more."""
        shop = self.shop({"providers": {"sms": {"rate": "1/1h"}}})
        self.book(shop)
        self.wait_rows([["SENT", "", 1]])
        self.book(shop)
        shop.daemon.write_config({"providers": {"sms": {"rate": "10/1s"}}})
        shop.daemon.hup()
        self.wait_rows([["SENT", "", 1]] * 2)

    def test_codes_do_not_wait_for_couriers(self):
        """Three quarters of the places are the couriers' at most."""
        release = threading.Event()
        self.addCleanup(release.set)
        shop = self.shop(
            {
                "server": {"workers": 4},
                "providers": {"sms": {"max_concurrent": 4, "timeout": "20s"}},
                "notifications": {"couriers": 8},
                "otp": {"provider": "sms", "secret": "s" * 32},
            }
        )
        shop.sms.default = held(release)
        for _ in range(8):
            self.book(shop)
        shop.sms.wait_for(3)
        shop.sms.plan.append(bd.p_reply(201, bd_shop.sms_ok))
        r = shop.call("POST", "/v1/otp", {"phone": "+966559999999"})
        self.assertEqual(r.status, 201, r)
        self.assertEqual(len(shop.sms.requests), 4)
        release.set()
        self.wait_rows([["SENT", "", 1]] * 8, limit=20)


class Outcomes(CourierCase):
    # What the sandbox is ordered, once: the row afterwards. "wait": PENDING without a counted
    # attempt, and SENT by the next one.
    FAULTS = [
        (("delay", {"delay_ms": 50}), ("SENT", "")),
        (("declined", {}), ("FAILED", "provider_rejected")),
        (("status", {"status": 429}), "wait"),
        (("status", {"status": 401}), "wait"),
        (("status", {"status": 402}), "wait"),
        (("status", {"status": 500}), ("FAILED", "provider_failed")),
        (("status", {"status": 503, "done": True}), ("FAILED", "provider_failed")),
        (("hang", {}), ("FAILED", "provider_timeout")),
        (("headers", {}), ("FAILED", "provider_timeout")),
        (("body", {}), ("FAILED", "provider_timeout")),
        (("drip", {}), ("FAILED", "provider_timeout")),
        (("reset", {}), ("FAILED", "provider_failed")),
        (("reset", {"done": True}), ("FAILED", "provider_failed")),
        (("close", {}), ("FAILED", "provider_failed")),
        (("garbage", {}), ("FAILED", "provider_failed")),
        (("huge", {}), ("FAILED", "provider_failed")),
        (("redirect", {}), ("FAILED", "provider_failed")),
        (("html", {}), ("SENT", "")),  # the answer, in a page
    ]

    def sandboxed(self, over=None):
        sandbox = self.sandbox()
        sms = {"base_url": sandbox.url, "timeout": "300ms", "connect_timeout": "200ms"}
        return sandbox, self.shop(bd.merge({"providers": {"sms": sms}}, over or {}))

    def outcome(self, booking):
        return self.ask(
            "SELECT %s, error_detail FROM notifications WHERE booking_id = '%s'"
            % (ROW, booking["id"])
        )[0]

    def test_each_fault(self):
        sandbox, shop = self.sandboxed()
        for (kind, more), want in self.FAULTS:
            with self.subTest(kind=kind, **more):
                sandbox.order("taqnyat", kind, times=1, **more)
                b = self.book(shop)
                if want == "wait":
                    bd.wait_until(
                        lambda: self.outcome(b)[0] == "PENDING" and self.outcome(b)[3], "a wait"
                    )
                    self.assertEqual(self.outcome(b)[2], "0")
                    want = ("SENT", "")
                bd.wait_until(lambda: self.outcome(b)[0] != "PENDING", "an end of " + kind, 5)
                self.assertEqual(tuple(self.outcome(b)[:2]), want)
                self.assertEqual(self.outcome(b)[2], "1")
                sandbox.clear()
        # Nobody got a message twice.
        seen = collections.Counter(m["to"] for m in sandbox.inbox())
        self.assertEqual([n for n in seen.values() if n > 1], [])
        not_sent = shop.daemon.metric("bookingd_notification_attempts_total", outcome="not_sent")
        self.assertGreaterEqual(not_sent, 3)

    def test_unknown_is_sent_once_more_where_that_is_wanted(self):
        sandbox, shop = self.sandboxed({"notifications": {"on_unknown": "resend"}})
        sandbox.order("taqnyat", "reset", times=1, done=True)
        self.book(shop)
        self.wait_rows([["SENT", "", 2]])
        self.assertEqual(len(sandbox.inbox()), 2)
        sandbox.order("taqnyat", "reset", times=2)
        self.book(shop)
        self.wait_rows([["SENT", "", 2], ["FAILED", "provider_failed", 2]])

    def test_away_costs_no_attempt(self):
        """No connection, then an open circuit: the rows wait, and go out in order."""
        shop = self.shop({"providers": {"sms": {"breaker": {"failures": 2, "open_for": "600ms"}}}})
        shop.sms.refuse()
        token = shop.customer()
        first = self.book(shop, 3, token)
        shop.call("POST", "/v1/bookings/%s/cancel" % first["id"], {}, token)
        for _ in range(5):
            self.book(shop)
        bd.wait_until(
            lambda: shop.daemon.metric("bookingd_provider_circuit_open", provider="sms") == 1,
            "an open circuit",
        )
        self.assertEqual({tuple(r) for r in self.rows()}, {("PENDING", "", "0")})
        shop.sms.listen()
        self.wait_rows([["SENT", "", 1]] * 7, limit=15)
        self.assertEqual(len(shop.sms.requests), 7)
        texts = [json.loads(r["body"]) for r in shop.sms.requests]
        mine = [t["body"] for t in texts if t["recipients"][0].endswith("551234567")]
        self.assertEqual([t.split()[0] for t in mine], ["booking_confirmed", "booking_cancelled"])

    def test_too_old(self):
        shop = self.shop({"notifications": {"expire_after": "2s"}})
        shop.sms.refuse()
        self.book(shop)
        self.wait_rows([["FAILED", "expired", 0]], limit=10)
        metric = shop.daemon.metric
        self.assertEqual(metric("bookingd_notifications_total", outcome="expired"), 1)

    def test_erased_meanwhile(self):
        shop = self.shop()
        shop.sms.plan.append(bd.p_reply(429, {}, {"Retry-After": "1"}))
        token = shop.customer()
        b = self.book(shop, 3, token)
        self.wait_rows([["PENDING", "", 0]])
        shop.pg.sql("UPDATE bookings SET status = 'cancelled' WHERE id = '%s'" % b["id"])
        r = shop.call("DELETE", "/v1/me", token=token)
        self.assertEqual(r.status, 204, r)
        self.wait_rows([["FAILED", "expired", 0]])
        self.assertEqual(len(shop.sms.requests), 1)


class Deaths(CourierCase):
    def calling(self, shop):
        """A booking whose courier is in its call: the pid and the name of the courier."""
        release = threading.Event()
        self.addCleanup(release.set)
        shop.sms.plan.append(held(release))
        before = len(shop.sms.requests)
        b = self.book(shop)
        shop.sms.wait_for(before + 1)
        (pid,) = [p for p, t in shop.daemon.titles().items() if t.endswith("sending")]
        ((name,),) = self.ask(
            "SELECT claimed_by FROM notifications WHERE booking_id = '%s'" % b["id"]
        )
        return pid, name

    def test_in_the_call_and_before_it(self):
        shop = self.shop({"server": {"workers": 4}, "providers": {"sms": {"timeout": "4s"}}})
        pid, name = self.calling(shop)
        # The same courier has claimed another row and not begun with it.
        shop.sms.plan.append(bd.p_reply(429, {}, {"Retry-After": "60"}))
        self.book(shop)
        self.wait_rows([["PENDING", 0], ["PENDING", 1]], "status, waits")
        self.ask(
            "UPDATE notifications SET due_at = NULL, claim = claim + 1, attempts = 1, send_by = "
            "now() + interval '1 hour', claimed_by = '%s' WHERE due_at IS NOT NULL" % name
        )
        os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        self.wait_rows([["PENDING", "", 1], ["SENT", "", 1]])
        self.assertLess(time.monotonic() - killed, 4 * bd.SLOWNESS)
        self.wait_rows([["FAILED", "interrupted", 1], ["SENT", "", 1]], limit=15)
        self.assertEqual(len(shop.sms.requests), 3)
        bd.wait_until(lambda: len(shop.daemon.children("courier")) == 2, "two couriers again")

    def test_drain_ends_the_call(self):
        shop = self.shop({"providers": {"sms": {"timeout": "10s"}}})
        release = threading.Event()
        self.addCleanup(release.set)
        shop.sms.plan.append(held(release))
        self.book(shop)
        shop.sms.wait_for(1)
        shop.daemon.signal(signal.SIGTERM)
        shop.daemon.log_contains("master.stopping", 5)
        release.set()
        self.assertEqual(shop.daemon.wait(), 0)
        self.assertEqual(self.rows(), [["SENT", "", "1"]])

    def test_stopped_courier_loses_its_claim(self):
        """It stands still for longer than its claim; what it says then changes nothing."""
        shop = self.shop({"providers": {"sms": {"timeout": "500ms"}}})
        pid, _ = self.calling(shop)
        os.kill(pid, signal.SIGSTOP)
        self.wait_rows([["FAILED", "interrupted", 1]], limit=20)
        self.assertEqual(len(shop.sms.requests), 1)


class Switching(CourierCase):
    def test_waiting_rows_are_sent_after_a_switch_to_inline(self):
        shop = self.shop()
        shop.sms.plan.append(bd.p_reply(429, {}, {"Retry-After": "3"}))
        token = shop.customer()
        b = self.book(shop, 3, token)
        self.wait_rows([["PENDING", "", 0]])
        shop.daemon.write_config({"notifications": {"delivery": "inline"}})
        shop.daemon.hup()
        shop.daemon.log_contains("reload.done", 15)
        # Inline, but behind one that waits: it waits too.
        shop.call("POST", "/v1/bookings/%s/cancel" % b["id"], {}, token)
        self.assertEqual(self.rows()[1], ["PENDING", "", "0"])
        self.book(shop)
        self.assertEqual(self.rows()[2], ["SENT", "", "1"])
        self.wait_rows([["SENT", "", 1]] * 3, limit=15)

    def test_inline_has_no_couriers(self):
        shop = self.shop({"notifications": {"delivery": "inline"}})
        self.book(shop)
        self.assertEqual(self.rows(), [["SENT", "", "1"]])
        self.assertEqual(shop.daemon.children("courier"), [])

    def test_number_follows_a_reload(self):
        shop = self.shop()
        for n in (4, 1, 0, 2):
            shop.daemon.write_config({"notifications": {"couriers": n}})
            shop.daemon.hup()
            bd.wait_until(
                lambda: len(shop.daemon.children("courier")) == n,
                lambda: "%d couriers: %s" % (n, shop.daemon.titles()),
                20,
            )
        self.book(shop)
        self.wait_rows([["SENT", "", 1]])

    def test_under_load(self):
        """Every change of delivery, and of couriers by force, loses and doubles nothing."""
        sandbox = self.sandbox()
        shop = self.shop(
            {"providers": {"sms": {"base_url": sandbox.url}}, "server": {"workers": 4}}
        )
        shop.service = shop.make_service(max_advance_days=700)
        ending, booked, odd = threading.Event(), [], []

        def client(n):
            token = shop.customer("+96656%07d" % n)
            with shop.daemon.client() as c:
                for hour in range(n * 1000, n * 1000 + 400):
                    if ending.is_set():
                        return
                    r = c.post(
                        "/v1/bookings",
                        {"service_id": shop.service, "starts_at": shop.at(hour)},
                        {"Authorization": "Bearer " + token},
                    )
                    (booked if r.status == 201 else odd).append(r)

        threads = [threading.Thread(target=client, args=(n,)) for n in range(3)]
        for t in threads:
            t.start()
        for n in range(6):
            time.sleep(0.7)
            shop.daemon.write_config(
                {"notifications": {"delivery": "inline" if n % 2 == 0 else "deferred"}}
            )
            shop.daemon.hup()
            pids = shop.daemon.children("courier")
            if pids:
                os.kill(pids[0], signal.SIGKILL)
        ending.set()
        for t in threads:
            t.join()
        self.assertEqual(odd, [])
        self.assertGreater(len(booked), 20)
        bd.wait_until(
            lambda: self.ask("SELECT count(*) FROM notifications WHERE status = 'PENDING'")
            == [["0"]],
            "no PENDING row",
            30,
        )
        counts = dict(self.ask("SELECT status, count(*) FROM notifications GROUP BY 1"))
        self.assertEqual(sum(map(int, counts.values())), len(booked))
        texts = collections.Counter((m["to"], m["text"]) for m in sandbox.inbox())
        self.assertEqual([t for t, n in texts.items() if n > 1], [])
        # What a kill cut off may have arrived.
        self.assertGreaterEqual(len(texts), int(counts["SENT"]))
        self.assertEqual(
            self.ask("SELECT DISTINCT error_code FROM notifications WHERE status = 'FAILED'"),
            [["interrupted"]] if "FAILED" in counts else [],
        )


class Pooler(CourierCase):
    """PgBouncer in transaction mode: nothing that couriers do is bound to a session."""

    def test_transaction_mode(self):
        pooler = bd_pooler.Pooler(self)
        shop = self.shop({"notifications": {"couriers": 4}})
        pooler.put_before(shop)
        shop.sms.plan.append(bd.p_reply(429, {}, {"Retry-After": "1"}))
        for _ in range(20):
            self.book(shop)
        self.wait_rows([["SENT", "", 1]] * 20, limit=20)
        self.assertEqual(len(shop.sms.requests), 21)


class Parts(courier.Campaign):
    """Seconds of campaigns/courier.py."""

    def options(self, seconds, **over):
        some = {"rate": 15, "clients": 4, "workers": 6, "rows": 300, "seconds": seconds, **over}
        return argparse.Namespace(**{**vars(courier.OPTIONS), **some})

    def test_provider_away_behind_a_pooler(self):
        self.play_away(self.options(2, pooler=True))

    def test_flips_and_kills_behind_a_pooler(self):
        self.play_flips(self.options(3, pooler=True))

    def test_primary_dies(self):
        self.play_failover(self.options(3))

    def test_old_snapshot(self):
        self.play_snapshot(self.options(1))


class Hosts(CourierCase):
    def test_another_host_sends(self):
        shop = self.shop({"notifications": {"couriers": 0}})
        self.book(shop)
        self.assertEqual(self.rows(), [["PENDING", "", "0"]])
        other = self.daemon(shop.pg, bd.merge(shop.daemon.config, self.elsewhere()))
        self.wait_rows([["SENT", "", 1]])
        self.book(shop)
        self.wait_rows([["SENT", "", 1]] * 2)
        self.assertEqual(len(other.children("courier")), 2)

    @staticmethod
    def elsewhere():
        port, monitor = bd.free_port(), bd.free_port()
        return {
            "server": {"listen": "127.0.0.1:%d" % port},
            "monitor": {"listen": "127.0.0.1:%d" % monitor},
            "notifications": {"couriers": 2},
        }

    def test_two_hosts_share_and_one_dies(self):
        sandbox = self.sandbox()
        sandbox.order("taqnyat", "delay", delay_ms=100)
        shop = self.shop({"providers": {"sms": {"base_url": sandbox.url}}})
        other = self.daemon(shop.pg, bd.merge(shop.daemon.config, self.elsewhere()))
        for _ in range(20):
            self.book(shop)
        for pid in [other.pid, *other.children()]:
            os.kill(pid, signal.SIGKILL)
        bd.wait_until(lambda: "PENDING" not in {r[0] for r in self.rows()}, "no PENDING row", 20)
        # Nothing is sent twice; in doubt is only what the dead host's couriers had in their hands,
        # and the table calls that interrupted.
        rows = bd_courier.read(self.asking)
        differ = bd_courier.compare(rows, sandbox.inbox())
        self.assertEqual({k: n for k, n in differ.items() if n}, {})
        self.assertEqual(len(rows), 20)
        self.assertLessEqual(sum(r.status == "FAILED" for r in rows), 2)
        self.assertLessEqual({r.code for r in rows}, {"", "interrupted"})


if __name__ == "__main__":
    bd.main()
