# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Notifications over HTTP: whatever the provider does a booking is 201, and rows, metrics
and the staff list agree.
"""
import json
import os
import signal
import socket
import time
import uuid

import bd
import bd_shop

FAULTS = [  # what the provider does, the code it ends as
    (bd.p_reply(400, {"statusCode": 400, "message": "bad number"}), "provider_rejected"),
    (bd.p_reply(500, {"statusCode": 500}), "provider_failed"),
    (bd.p_reply(429, {}), "provider_unavailable"),
    (bd.p_reply(200, b"<html>OK</html>", {"Content-Type": "text/html"}), "provider_failed"),
    (bd.p_redirect(), "provider_failed"),
    (bd.p_hang(), "provider_timeout"),
    (bd.p_drip(), "provider_timeout"),
    (bd.p_headers_for_ever(), None),
    (bd.p_reset(), "provider_failed"),
    (bd.p_close(), "provider_failed"),
    (bd.p_half(201), "provider_failed"),
    (bd.p_garbage(), "provider_failed"),
    (bd.p_huge(), "provider_failed"),
]


def refused(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


class NotificationList(bd.Case):
    def expect(self, r, status, code=None):
        self.assertEqual((r.status, r.code if r.status >= 400 else None), (status, code), r)
        return r

    def agree(self, shop):
        """FAILED rows, the metrics page and the staff list tell the same."""
        rows = {
            (t, e): int(n)
            for t, e, n in shop.pg.sql(
                "SELECT template, error_code, count(*) FROM notifications WHERE status = "
                "'FAILED' AND acknowledged_at IS NULL GROUP BY 1, 2"
            )
        }
        listed = {}
        for n in shop.notifications(status="FAILED"):
            if n["acknowledged_at"] is None:
                listed[n["template"], n["error_code"]] = (
                    listed.get((n["template"], n["error_code"]), 0) + 1
                )
        self.assertEqual(listed, rows)

        def gauge():
            return {
                (l["template"], l["error_code"]): int(v)
                for n, l, v in shop.daemon.metrics()
                if n == "bookingd_notifications_failed" and v > 0
            }

        bd.wait_until(lambda: gauge() == rows, "gauge %r to be %r" % (gauge(), rows), 10)
        return rows

    def test_every_fault_is_absorbed(self):
        shop = bd_shop.Shop(self)
        me = shop.customer()
        shop.pg.sql("UPDATE customers SET locale = 'en'")
        for hour, (fault, code) in enumerate(FAULTS):
            with self.subTest(code=code, fault=hour):
                shop.sms.plan.append(fault)
                token = me if hour % 2 else shop.customer("+96655123%04d" % hour)
                b = self.expect(shop.book(token, hour), 201).json()
                (n,) = shop.notifications(booking_id=b["id"])
                self.assertEqual((n["status"], n["attempts"]), ("FAILED", 1), n)
                if code:
                    self.assertEqual(n["error_code"], code, n)
                self.assertRegex(n["recipient"], r"^\+9665\*{4}\d{4}$")
                self.assertNotIn("Cut", str(n))
        shop.sms.refuse()
        bd.wait_until(lambda: refused(shop.sms.port), "the provider to refuse")
        b = self.expect(shop.book(shop.customer("+966551239999"), 20), 201).json()
        (n,) = shop.notifications(booking_id=b["id"])
        self.assertEqual(n["error_code"], "provider_failed", n)
        rows = self.agree(shop)
        self.assertEqual(sum(rows.values()), len(FAULTS) + 1)
        for (template, code), n in rows.items():
            self.assertEqual(
                shop.daemon.metric("bookingd_notifications_total", template=template, outcome=code),
                n,
            )
        self.assertEqual(
            shop.daemon.metric("bookingd_notifications", status="failed"), len(FAULTS) + 1
        )
        self.assertNotIn("+96655123", shop.daemon.log())

    def test_the_trace_goes_on(self):
        shop = bd_shop.Shop(self)
        me, trace = shop.customer(), "0af7651916cd43dd8448eb211c80319c"

        def sent(hour, *given):
            fields = [("X-Request-Id", "trace-%d" % hour)] + [("traceparent", g) for g in given]
            body = json.dumps({"service_id": shop.service, "starts_at": shop.at(hour)})
            with shop.daemon.client() as c:
                c.send(
                    (
                        "POST /v1/bookings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                        "%s\r\nContent-Type: application/json\r\n%s"
                        "Content-Length: %d\r\n\r\n%s"
                        % (me, "".join("%s: %s\r\n" % f for f in fields), len(body), body)
                    ).encode()
                )
                self.expect(c.recv_response(), 201)
            headers = shop.sms.requests[-1]["headers"]
            self.assertEqual(headers["x-request-id"], "trace-%d" % hour)
            self.assertRegex(headers["traceparent"], "^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$")
            return headers["traceparent"]

        good = "00-%s-b7ad6b7169203331-01" % trace
        got = sent(1, good)
        self.assertEqual((got[:36], got[-3:]), (good[:36], good[-3:]))
        self.assertNotEqual(got, good)  # the call is a span of its own
        self.assertNotIn(trace, sent(2))
        self.assertNotIn(trace, sent(3, "01" + good[2:]))
        self.assertNotIn(trace, sent(4, good, good))

    def test_out_of_budget(self):
        shop = bd_shop.Shop(
            self, {"server": {"request_budget": "1s"}, "providers": {"sms": {"timeout": "5s"}}}
        )
        shop.sms.plan.append(bd.p_hang())
        token = shop.customer()
        started = time.monotonic()
        b = self.expect(shop.book(token, 1), 201).json()
        self.assertLess(time.monotonic() - started, 1 + 0.15 * bd.SLOWNESS)
        (n,) = shop.notifications(booking_id=b["id"])
        self.assertEqual((n["status"], n["error_code"]), ("FAILED", "provider_timeout"), n)

    def test_no_provider(self):
        shop = bd_shop.Shop(self, without=("providers", "notifications"))
        b = self.expect(shop.book(shop.customer(), 1), 201).json()
        (n,) = shop.notifications(booking_id=b["id"])
        self.assertEqual(
            (n["status"], n["error_code"], n["provider"]), ("FAILED", "provider_unavailable", None)
        )

    def test_circuit_open(self):
        shop = bd_shop.Shop(
            self, {"providers": {"sms": {"breaker": {"failures": 1, "open_for": "30s"}}}}
        )
        shop.sms.plan.append(bd.p_reply(500, {}))
        self.expect(shop.book(shop.customer(), 1), 201)
        before = len(shop.sms.requests)
        b = self.expect(shop.book(shop.customer(), 2), 201).json()
        (n,) = shop.notifications(booking_id=b["id"])
        self.assertEqual((n["status"], n["error_code"]), ("FAILED", "provider_unavailable"))
        self.assertEqual(len(shop.sms.requests), before)

    def test_killed_worker(self):
        shop = bd_shop.Shop(
            self, {"server": {"request_budget": "3s"}, "providers": {"sms": {"timeout": "2s"}}}
        )
        me = shop.customer()
        before = len(shop.sms.requests)
        shop.sms.plan.append(bd.p_hang())
        with shop.daemon.client() as c:
            body = json.dumps({"service_id": shop.service, "starts_at": shop.at(1)})
            c.send(
                (
                    "POST /v1/bookings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                    "%s\r\nContent-Type: application/json\r\n"
                    "Content-Length: %d\r\n\r\n%s" % (me, len(body), body)
                ).encode()
            )
            shop.sms.wait_for(before + 1)  # committed, and the provider is being waited for
            self.assertEqual(
                shop.pg.value(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                    " AND state LIKE 'idle in transaction%'"
                ),
                "0",
            )
            os.kill(shop.daemon.worker_executing("POST /v1/bookings"), signal.SIGKILL)
            killed = time.monotonic()
            r = c.recv_response()
        self.assertEqual((r.status, r.code, r.json()["outcome"]), (502, "interrupted", "unknown"))
        self.assertEqual(
            [b["status"] for b in shop.call("GET", "/v1/bookings", token=me).json()["items"]],
            ["confirmed"],
        )
        bd.wait_until(
            lambda: [n["error_code"] for n in shop.notifications(status="FAILED")]
            == ["interrupted"],
            "interrupted",
            60,
        )
        self.assertLess(time.monotonic() - killed, 20)
        self.assertEqual(self.agree(shop), {("booking_confirmed", "interrupted"): 1})
        self.assertEqual(
            shop.daemon.metric("bookingd_notifications_total", outcome="interrupted"), 1
        )
        self.assertEqual(
            len(shop.sms.requests), before + 1
        )  # it may have arrived: not sent again by itself

    def test_staff_work(self):
        shop = bd_shop.Shop(self)
        agent, viewer = shop.key("desk", "agent"), shop.key("eye", "viewer")
        other = shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        elsewhere = shop.key("elsewhere", "admin", other)
        me = shop.customer()
        for hour in range(3):
            shop.sms.plan.append(bd.p_reply(500, {}))
            self.expect(shop.book(me, hour), 201)
        sent = self.expect(shop.book(me, 3), 201).json()
        ok = shop.notifications(booking_id=sent["id"])[0]
        failed = shop.notifications(status="FAILED")
        self.assertEqual(
            [n["created_at"] for n in failed],
            sorted((n["created_at"] for n in failed), reverse=True),
        )
        self.assertEqual(self.agree(shop), {("booking_confirmed", "provider_failed"): 3})
        path = "/v1/staff/notifications"

        def resend(n, token=agent):
            return shop.call("POST", "%s/%s/resend" % (path, n["id"]), token=token)

        # who may
        self.expect(resend(failed[0], viewer), 403, "forbidden")
        self.expect(resend(failed[0], me), 401, "unauthorized")
        self.expect(resend(failed[0], elsewhere), 404, "not_found")
        self.assertEqual(shop.call("GET", path, token=elsewhere).json()["items"], [])
        for p in ("/resend", "/acknowledge"):
            self.expect(shop.call("POST", path + p, {}, viewer), 403, "forbidden")
        # one
        self.expect(resend(ok), 409, "notification_not_failed")
        self.expect(resend({"id": str(uuid.uuid4())}), 404, "not_found")
        r = self.expect(resend(failed[0]), 200)
        self.assertEqual(
            (r.json()["status"], r.json()["attempts"], r.json()["error_code"]), ("SENT", 2, None)
        )
        shop.sms.plan.append(bd.p_reply(400, {"statusCode": 400}))
        r = self.expect(resend(failed[1]), 200)
        self.assertEqual(
            (r.json()["status"], r.json()["error_code"]), ("FAILED", "provider_rejected")
        )
        shop.pg.sql("UPDATE notifications SET expires_at = now() WHERE id = '%s'" % failed[2]["id"])
        self.expect(resend(failed[2]), 409, "notification_expired")
        shop.pg.sql("UPDATE notifications SET expires_at = now() + interval '1 hour'")

        # by filter
        def bulk(**body):
            return self.expect(shop.call("POST", path + "/resend", body, agent), 200).json()

        self.assertEqual(
            bulk(dry_run=True),
            {"matched": 2, "sent": 0, "failed": 0, "remaining": 2, "sms_parts": 2},
        )
        self.assertEqual(
            bulk(error_code="provider_failed", limit=1),
            {"matched": 1, "sent": 1, "failed": 0, "remaining": 0},
        )
        self.assertEqual(
            bulk(template="booking_expired"), {"matched": 0, "sent": 0, "failed": 0, "remaining": 0}
        )
        self.assertEqual(
            bulk(until="2020-01-01T00:00:00Z"),
            {"matched": 0, "sent": 0, "failed": 0, "remaining": 0},
        )
        for bad in ({"limit": 0}, {"limit": 1001}, {"since": "x"}, {"colour": 1}):
            self.expect(shop.call("POST", path + "/resend", bad, agent), 422, "validation_failed")

        # acknowledge
        def acknowledge(**body):
            return self.expect(shop.call("POST", path + "/acknowledge", body, agent), 200).json()[
                "acknowledged"
            ]

        self.assertEqual(acknowledge(ids=[]), 0)
        self.assertEqual(acknowledge(ids=[ok["id"]]), 0)
        self.assertEqual(acknowledge(error_code="interrupted"), 0)
        r = self.expect(
            shop.call("POST", path + "/acknowledge", {"ids": [failed[1]["id"], "x"]}, agent),
            422,
            "validation_failed",
        )
        self.assertEqual([e["pointer"] for e in r.json()["errors"]], ["/ids/1"])
        self.assertEqual(acknowledge(ids=[failed[1]["id"]]), 1)
        self.assertEqual(acknowledge(), 0)
        (n,) = shop.notifications(status="FAILED")  # still FAILED
        self.assertIsNotNone(n["acknowledged_at"])
        self.assertEqual(self.agree(shop), {})
        actions = [a["action"] for a in shop.staff("GET", "/v1/staff/audit?limit=100")["items"]]
        self.assertEqual(
            (actions.count("notification.resend"), actions.count("notification.acknowledge")),
            (3, 1),
        )
        for query in ("status=LOST", "booking_id=x", "since=yesterday", "after=zz"):
            self.expect(
                shop.call("GET", path + "?" + query, token=viewer), 422, "validation_failed"
            )

    def test_groups_and_pages_of_a_resend(self):
        """By filter, page by page: nobody is tried twice in a run, whatever becomes of it."""
        shop = bd_shop.Shop(self)
        other = shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        elsewhere = shop.key("other", "agent", other)
        viewer = shop.key("reader", "viewer")
        shop.sms.default = bd.p_reply(500)
        token = shop.customer()
        for hour in range(9, 15):
            self.assertEqual(shop.book(token, hour).status, 201)
        shop.pg.sql(
            "UPDATE notifications SET error_code = 'interrupted', body = repeat('x', 161) WHERE id "
            "IN (SELECT id FROM notifications ORDER BY created_at LIMIT 2)"
        )
        path = "/v1/staff/notifications"

        def groups(query="", token=viewer):
            page = self.expect(shop.call("GET", path + "/groups" + query, token=token), 200).json()
            self.assertIsNone(page["next"])
            return [(g["template"], g["error_code"], g["count"]) for g in page["items"]]

        def bulk(**body):
            return self.expect(shop.call("POST", path + "/resend", body, shop.admin), 200).json()

        both = [
            ("booking_confirmed", "provider_failed", 4),
            ("booking_confirmed", "interrupted", 2),
        ]
        self.assertEqual(groups(), both)
        self.assertEqual(groups("?error_code=interrupted"), both[1:])
        self.assertEqual(groups("?acknowledged=true"), [])
        self.assertEqual(groups(token=elsewhere), [])
        self.assertEqual(groups("?venue_id=" + shop.venue), both)
        first = shop.call("GET", path + "/groups?limit=1", token=viewer).json()
        rest = shop.call("GET", path + "/groups?limit=1&after=" + first["next"], token=viewer)
        self.assertEqual(rest.json()["items"][0]["error_code"], "interrupted")
        # The parts of two long texts and four short ones.
        dry = bulk(dry_run=True)
        self.assertEqual((dry["matched"], dry["sms_parts"]), (6, 8))
        tried, after, before = 0, {}, len(shop.sms.requests)
        while True:
            page = bulk(limit=4, **after)
            tried += page["sent"] + page["failed"]
            if "next" not in page:
                break
            after = {"after": page["next"]}
        self.assertEqual((tried, len(shop.sms.requests) - before), (6, 6))
        ids = [n["id"] for n in shop.notifications(status="FAILED")]
        # Acknowledged ones are left out of what a filter means, and in by their ids.
        acknowledge = {"ids": ids[:2]}
        r = shop.call("POST", path + "/acknowledge", {"dry_run": True, **acknowledge}, shop.admin)
        self.assertEqual(r.json(), {"acknowledged": 0, "matched": 2})
        r = shop.call("POST", path + "/acknowledge", acknowledge, shop.admin)
        self.assertEqual(r.json(), {"acknowledged": 2})
        self.assertEqual(bulk(dry_run=True)["matched"], 4)
        self.assertEqual(bulk(dry_run=True, acknowledged=True)["matched"], 2)
        self.assertEqual(
            len(shop.staff("GET", path + "?acknowledged=true&error_code=provider_failed")["items"]),
            2,
        )
        shop.sms.default = bd.p_reply(201, bd_shop.sms_ok)
        self.assertEqual(bulk(ids=ids[:1])["sent"], 1)
        self.assertEqual(bulk(ids=ids[:1])["sent"], 0)
        r = shop.call("POST", path + "/resend", {"after": "x"}, shop.admin)
        self.expect(r, 422, "validation_failed")
        self.agree(shop)


if __name__ == "__main__":
    bd.main()
