# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Deferred notifications (BEHAVIOUR §13): couriers, their outcome table, deaths, switching."""
import threading

import bd
import bd_shop

DEFERRED = {"notifications": {"delivery": "deferred", "poll_interval": "200ms"}}


class CourierCase(bd.Case):
    def shop(self, over=None):
        return bd_shop.Shop(self, bd.merge(DEFERRED, over or {}))

    def rows(self, shop, columns="status, coalesce(error_code, ''), attempts"):
        return shop.pg.sql("SELECT %s FROM notifications ORDER BY queued_at" % columns)

    def wait_rows(self, shop, want, columns="status, coalesce(error_code, ''), attempts", limit=10):
        want = [[str(x) for x in row] for row in want]
        bd.wait_until(
            lambda: self.rows(shop, columns) == want,
            lambda_text(lambda: "rows %s; they are %s" % (want, self.rows(shop, columns))),
            limit,
            0.03,
        )

    def book(self, shop, hour=10, status=201):
        r = shop.book(shop.customer(), hour)
        self.assertEqual(r.status, status, r)
        return r.json()


class lambda_text:
    """A text that is made when it is printed."""

    def __init__(self, make):
        self.make = make

    def __str__(self):
        return self.make()


class Sending(CourierCase):
    def test_row_is_sent_after_the_answer(self):
        shop = self.shop()
        release = threading.Event()
        shop.sms.plan.append(
            lambda provider, conn, request: release.wait(20)
            and bd.p_reply(201, bd_shop.sms_ok)(provider, conn, request)
        )
        self.book(shop)
        shop.sms.wait_for(1)
        self.assertEqual(self.rows(shop), [["PENDING", "", "1"]])
        self.assertIn("sending", " ".join(shop.daemon.titles().values()))
        release.set()
        self.wait_rows(shop, [["SENT", "", 1]])
        (item,) = shop.notices()
        self.assertEqual((item["status"], item["attempts"]), ("SENT", 1))
        self.assertEqual(item["provider_message_id"], "8764321")
        bd.wait_until(
            lambda: shop.daemon.metric("bookingd_notifications", status="sent") == 1, "gauge"
        )
        metric = shop.daemon.metric
        self.assertEqual(metric("bookingd_notifications_total", outcome="sent"), 1)
        self.assertEqual(metric("bookingd_notification_attempts_total", outcome="sent"), 1)
        self.assertEqual(metric("bookingd_notification_delay_seconds_count"), 1)
        self.assertEqual(metric("bookingd_notifications_due"), 0)
        self.assertEqual(metric("bookingd_couriers"), 2)


if __name__ == "__main__":
    bd.main()
