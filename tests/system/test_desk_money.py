# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The desk page and money (BEHAVIOUR §14, §6): refunds of three kinds, payments of another amount,
links to pay. By mouse on a phone in Arabic, by keyboard on a desk in English; `./dev campaign desk`
takes all eight ways.
"""
import datetime as dt
import json

import bd
import bd_desk
import bd_pay
import bd_shop


class Money(bd_desk.Pages):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.keep, cls.hour = bd.Case(), 0
        cls.addClassCleanup(cls.keep.doCleanups)
        cls.shop = bd_pay.PayShop(cls.keep, {"desk": {"enabled": "on"}})
        cls.shop.hooks(False, callbacks=False)

    def opened(self):
        """A booking with an open payment, each in an hour of its own."""
        type(self).hour += 1
        me = self.shop.someone()
        booking = self.shop.book(me, self.hour).json()["id"]
        return booking, self.shop.open(me, booking).json()

    def paid(self):
        booking, payment = self.opened()
        self.shop.pay(payment["gateway_id"])
        self.shop.come_back(payment["id"])
        self.assertEqual(self.shop.detail(booking)["status"], "confirmed")
        return booking, payment["id"]

    def mismatched(self):
        booking, payment = self.opened()
        self.shop.pg.sql(
            "UPDATE payments SET amount = amount + 100 WHERE id = '%s'" % payment["id"]
        )
        self.shop.pay(payment["gateway_id"])
        self.shop.come_back(payment["id"])
        self.assertEqual(self.payment(payment["id"])[0], "mismatch")
        return booking, payment["id"]

    def payment(self, payment):
        [row] = self.shop.pg.sql(
            "SELECT status, refunded_amount FROM payments WHERE id = '%s'" % payment
        )
        return row[0], int(row[1])

    def becomes(self, booking, state, payment, *money):
        bd.wait_until(
            lambda: (self.shop.detail(booking)["status"], *self.payment(payment))
            == (state, *money),
            lambda: "%s, not %s" % ((state, *money), self.payment(payment)),
        )

    def booking(self, booking):
        """The dialog of a booking, from the calendar."""
        self.push("[data-booking='%s']" % booking)
        self.b.wait("return document.querySelector('dialog dl')", "the booking")

    def cancel(self, booking, choice, amount=None):
        self.booking(booking)
        self.push("#cancel")
        self.b.wait("return document.querySelector('dialog select[name=refund]')", "the form")
        self.assertEqual(self.amount_shown(), False)
        self.choose("dialog select[name=refund]", choice)
        if amount:
            self.assertEqual(self.amount_shown(), True)
            self.type("dialog input[name=amount]", amount)
            self.shot("cancel-part")
        self.confirm()

    def amount_shown(self):
        return self.b.script(
            "return document.querySelector('dialog [name=amount]').checkVisibility()"
        )

    def confirm(self):
        """The form's own button, and the end of the dialog."""
        self.push("dialog form button[type=submit]")
        self.b.wait("return !document.querySelector('dialog')", "the end of the dialog")

    def today(self):
        """The calendar's day becomes that of the last booking."""
        at = dt.datetime.fromisoformat(self.shop.at(self.hour, bd_shop.RIYADH))
        self.go("calendar")
        self.day(at.date().isoformat())

    def walk_refunds(self):
        """All of it, nothing, a part, and a part of what stays booked."""
        if self.hour % 24 > 12:
            type(self).hour += 24 - self.hour % 24  # all of a walk are on one day
        full, none, part, kept = (self.paid() for _ in range(4))
        self.today()
        self.cancel(full[0], 0)
        self.becomes(full[0], "cancelled", full[1], "refunded", 12000)
        self.cancel(none[0], 1)
        self.becomes(none[0], "cancelled", none[1], "paid", 0)
        self.cancel(part[0], 2, "45.50")
        self.becomes(part[0], "cancelled", part[1], "partially_refunded", 4550)
        self.booking(kept[0])
        self.shot("paid-booking")
        self.push(".refund-payment")
        self.type("dialog input[name=amount]", "20")
        self.confirm()
        self.becomes(kept[0], "confirmed", kept[1], "partially_refunded", 2000)
        self.booking(kept[0])
        self.push(".refund-payment")
        self.shot("refund")
        self.confirm()  # what is left
        self.becomes(kept[0], "confirmed", kept[1], "refunded", 12000)
        self.good()

    def walk_link(self):
        """A link that staff had sent, once more."""
        type(self).hour += 1
        made = self.shop.staff(
            "POST",
            "/v1/staff/venues/%s/bookings" % self.shop.venue,
            {
                "service_id": self.shop.service,
                "starts_at": self.shop.at(self.hour),
                "phone": "+96657%07d" % self.hour,
                "name": "Huda",
            },
        )
        address = made["payment_link"]["payment"]["redirect_url"]
        before = len(self.shop.sms.requests)
        self.today()
        self.booking(made["id"])
        self.push("#send-link")
        self.b.wait("return !document.querySelector('dialog')", "the end of the dialog")
        self.b.wait("return document.querySelector('#status .news')", "what became of it")
        self.assertEqual(len(self.shop.sms.requests), before + 1)
        self.assertIn(address, json.loads(self.shop.sms.requests[-1]["body"])["body"])

    def walk_mismatches(self):
        accepted, refunded = self.mismatched(), self.mismatched()
        self.go("payments")
        self.b.wait("return document.querySelectorAll('.accept').length === 2", "two of them")
        self.shot("payments")
        rows = self.rows()
        self.assertTrue(all("121" in r and "120" in r for r in rows), rows)
        # Newest first: the second row is the one to accept.
        for what, row in (("accept", 2), ("refund", 1)):
            self.push("#main tbody tr:nth-child(%d) .%s" % (row, what))
            self.confirm()
            self.b.wait("return document.querySelectorAll('.%s').length < 2" % what, "it is gone")
        self.becomes(accepted[0], "confirmed", accepted[1], "paid", 0)
        self.becomes(refunded[0], "cancelled", refunded[1], "refunded", 12000)
        self.b.wait("return !document.querySelector('.accept, .refund')", "nothing is left")
        self.good()

    def walk(self, width, height, language, keys):
        self.keys = keys
        self.prefix = "money-%s-%d-" % (language, width)
        self.open(width, height, self.shop, language=language)
        self.walk_refunds()
        self.walk_link()
        self.walk_mismatches()
        # What staff chose not to give back is on both sides.
        wrong = [w for w in self.shop.imbalance() if w[0] in ("lost", "doubled")]
        self.assertEqual(wrong, [])

    def test_by_mouse_on_a_phone_in_arabic(self):
        self.walk(360, 640, "ar", False)

    def test_by_keyboard_on_a_desk_in_english(self):
        self.walk(1280, 800, "en", True)

    def test_who_may_not(self):
        """A viewer sees no action, a key of another venue sees nothing; the API refuses both."""
        shop = self.shop
        booking, payment = self.paid()
        other = shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": "Other", "time_zone": "Asia/Riyadh", "currency": "SAR"},
        )["id"]
        mismatch = self.mismatched()[1]
        viewer = shop.key("eye", "viewer", shop.venue)
        stranger = shop.key("stranger", "agent", other)
        for path in ("payments/%s/refund" % payment, "payments/%s/accept" % mismatch):
            for key, status in ((viewer, 403), (stranger, 404)):
                r = shop.call("POST", "/v1/staff/" + path, None, key)
                self.assertEqual(r.status, status, r)
        for path in ("cancel", "payment-link"):
            for key, status in ((viewer, 403), (stranger, 404)):
                r = shop.call("POST", "/v1/staff/bookings/%s/%s" % (booking, path), {}, key)
                self.assertEqual(r.status, status, r)
        self.open(1280, 800, shop, viewer)
        self.go("payments")
        self.b.wait("return document.querySelector('#main tbody tr')", "the payment")
        self.assertEqual(
            self.b.script(
                "return document.querySelectorAll('#main .accept, #main .refund').length"
            ),
            0,
        )
        self.today()
        self.booking(booking)
        offered = self.b.script(
            "return [...document.querySelectorAll('dialog button')].map((b) => b.textContent)"
        )
        self.assertEqual(offered, ["Close"])
        self.open(1280, 800, shop, stranger)
        for view in ("notifications", "calendar", "customers", "payments"):
            self.go(view)
            if view == "calendar":
                self.today()
            text = self.b.script("return document.querySelector('#main').textContent")
            self.assertNotIn("Chair 1", text)
            self.assertNotIn("+966", text)
            self.assertEqual(self.rows(), [])
        self.assertNotIn("Palm", self.b.script("return document.body.textContent"))


if __name__ == "__main__":
    bd.main()
