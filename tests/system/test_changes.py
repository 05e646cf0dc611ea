# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Limits of what one customer changes, and of the notifications that follow (S5, S6)."""
import bd
import bd_pay


class Changes(bd.Case):
    def shop(self, limit, **over):
        return bd_pay.PayShop(self, bd.merge({"bookings": {"changes_per_customer": limit}}, over))

    def refused(self, r):
        self.assertEqual((r.status, r.code), (429, "too_many_changes"), r)
        self.assertIn(int(r.header("Retry-After")), range(1, 3601))

    def move(self, shop, me, booking, hours):
        path = "/v1/bookings/%s/reschedule" % booking
        return shop.call("POST", path, {"starts_at": shop.at(hours)}, me)

    def test_each_act_counts(self):  # S6
        shop = self.shop("3/1h")
        free = shop.make_service()
        for acts in (
            ("book", "move", "cancel"),
            ("book", "cancel", "book"),
            ("book", "book", "move"),
        ):
            me = shop.someone()
            hour = 24 * shop.customers
            booking = None
            for act in acts:
                hour += 2
                if act == "book":
                    r = shop.book(me, hour, service_id=free)
                    booking = r.json()["id"]
                elif act == "move":
                    r = self.move(shop, me, booking, hour + 1)
                else:
                    r = shop.cancel(me, booking)
                self.assertIn(r.status, (200, 201), r)
            self.refused(shop.book(me, hour + 4, service_id=free))
            if acts[-1] != "cancel":
                self.refused(self.move(shop, me, booking, hour + 5))
                self.refused(shop.cancel(me, booking))
                # staff may
                path = "/v1/staff/bookings/%s/cancel" % booking
                self.assertEqual(shop.call("POST", path, None, shop.admin).status, 200)
        self.assertEqual(shop.book(shop.someone(), 300, service_id=free).status, 201)

    def test_what_is_refused_does_not_count(self):
        shop = self.shop("2/1h")
        free = shop.make_service()
        me, other = shop.someone(), shop.someone()
        self.assertEqual(shop.book(other, 10, service_id=free).status, 201)
        for _ in range(4):
            self.assertEqual(shop.book(me, 10, service_id=free).code, "slot_taken")
        mine = shop.book(me, 12, service_id=free).json()["id"]
        for _ in range(4):
            self.assertEqual(self.move(shop, me, mine, 10).code, "slot_taken")
        self.assertEqual(self.move(shop, me, mine, 13).status, 200)
        self.refused(shop.cancel(me, mine))

    def test_window_ends(self):
        shop = self.shop("1/1s")
        me = shop.someone()
        booking = shop.book(me, 10, service_id=shop.make_service()).json()["id"]
        bd.wait_until(lambda: shop.cancel(me, booking).status == 200, "the next second", 10)

    def test_invoices(self):  # S6
        shop = self.shop("4/1h")
        me = shop.someone()
        first = shop.book(me, 2).json()["id"]
        r = shop.open(me, first)
        self.assertEqual(r.status, 201, r)
        for _ in range(8):  # what is open already makes no invoice
            self.assertEqual(shop.open(me, first).status, 200)
        for hour in 4, 6, 8:
            booking = shop.book(me, hour).json()["id"]
            self.assertEqual(shop.open(me, booking).status, 201)
        self.refused(shop.book(me, 10))
        shop.pg.sql("DELETE FROM rate_limits WHERE subject LIKE 'change:%'")
        booking = shop.book(me, 12).json()["id"]
        self.refused(shop.open(me, booking))
        self.assertEqual(len(shop.sandbox.books("invoices")), 4)

    def test_paid_bookings_too(self):
        shop = self.shop("2/1h")
        me = shop.someone()
        booking = shop.book(me, 2).json()["id"]
        p = shop.open(me, booking).json()
        shop.pay(p["gateway_id"])
        shop.come_back(p["id"])
        self.assertEqual(self.move(shop, me, booking, 4).status, 200)
        self.refused(shop.cancel(me, booking))
        self.assertEqual(shop.payment(me, p["id"])["refunded_amount"], 0)

    def test_three_hundred_moves(self):  # S5
        shop = self.shop("1000/1h")
        me = shop.someone()
        booking = shop.book(me, 1, service_id=shop.make_service()).json()["id"]
        for i in range(300):
            r = self.move(shop, me, booking, 3 + 2 * (i % 2))
            self.assertEqual(r.status, 200, r)
        self.assertEqual(len(shop.sms.requests), 20)
        rows = shop.pg.sql(
            "SELECT status, coalesce(error_code, ''), count(*) FROM notifications GROUP BY 1, 2"
        )
        self.assertEqual(
            sorted(tuple(r) for r in rows), [("FAILED", "throttled", "281"), ("SENT", "", "20")]
        )


if __name__ == "__main__":
    bd.main()
