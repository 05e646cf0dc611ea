# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""M29 with more paid bookings than the keeper can look at one by one within a minute."""
import bd
import bd_pay

# Copies of the booking and its payment, each at a time of its own, that the keeper looked at longer
# ago than at any real one. The gateway knows nothing of them.
COPIES = """
WITH b AS (
    INSERT INTO bookings
    SELECT (jsonb_populate_record(b, jsonb_build_object(
        'id', gen_random_uuid(), 'starts_at', b.starts_at + i * interval '2 hours',
        'ends_at', b.ends_at + i * interval '2 hours',
        'occupied', tstzrange(lower(b.occupied) + i * interval '2 hours',
                              upper(b.occupied) + i * interval '2 hours')))).*
      FROM bookings b, generate_series(100, 299) i
     WHERE b.id = '%s'
    RETURNING *)
INSERT INTO payments
SELECT (jsonb_populate_record(p, jsonb_build_object(
    'id', gen_random_uuid(), 'booking_id', b.id, 'gateway_id', gen_random_uuid(),
    'charge_id', gen_random_uuid(), 'desk_check_at', now() - interval '5 minutes'))).*
  FROM payments p, b
 WHERE p.booking_id = '%s'"""


class Desk(bd.Case):
    def paid(self, hour):
        booking = self.shop.book(self.me, hour).json()["id"]
        payment = self.shop.open(self.me, booking).json()
        self.shop.pay(payment["gateway_id"])
        bd.wait_until(
            lambda: self.shop.payment(self.me, payment["id"])["status"] == "paid", "the payment"
        )
        (charge,) = self.shop.invoice(payment["gateway_id"])["payments"]
        return booking, payment["id"], charge["id"]

    def give_back(self, charge, amount):
        self.shop.sandbox.api("POST", "/v1/payments/%s/refund" % charge, {"amount": amount})

    def seen(self, payment, amount, n):
        """Within n polls of the list; one by one it would be the turn of this one last."""

        def look():
            self.shop.pg.sql("UPDATE gateway_desk SET next_poll_at = now()")
            return self.shop.payment(self.me, payment)["refunded_amount"] == amount

        before = self.lists()
        bd.wait_until(look, "the keeper's minute", 30, 0.2)
        self.assertLessEqual(self.lists() - before, n)

    def lists(self):
        return (
            self.shop.daemon.metric(
                "bookingd_provider_requests_total", operation="payment_find", outcome="ok"
            )
            or 0
        )

    def test_more_than_a_minute_of_looks(self):
        self.shop = bd_pay.PayShop(self)
        self.me = self.shop.someone()
        mine = [self.paid(2 * hour) for hour in range(2)]
        booking, payment, charge = mine[0]
        # Others' charges, so that ours are on the second page of the list.
        for _ in range(41):
            self.shop.sandbox.api(
                "POST",
                "/v1/payments",
                {
                    "amount": 100,
                    "currency": "SAR",
                    "callback_url": "http://127.0.0.1:1/",
                    "source": {
                        "type": "creditcard",
                        "name": "A B",
                        "number": bd_pay.VISA,
                        "month": 1,
                        "year": 2030,
                        "cvc": "123",
                    },
                },
            )
        self.give_back(charge, 2500)
        self.shop.pg.sql(COPIES % (booking, booking))
        self.assertEqual(
            self.shop.pg.value("SELECT count(*) FROM payments WHERE status = 'paid'"), "202"
        )
        self.seen(payment, 2500, 4)
        self.assertIn(("keeper", "payment.refunded_elsewhere"), self.shop.audit(payment))
        # What happens while nobody runs is found after the start.
        self.shop.daemon.stop()
        self.give_back(mine[1][2], 12000)
        self.give_back(charge, 500)
        self.shop.daemon.start()
        self.seen(mine[1][1], 12000, 6)
        self.seen(payment, 3000, 2)
        # A gateway that passes over the filter shows old changes: then the list ends at once.
        self.shop.sandbox.order("payment_list", "unfiltered")
        self.give_back(charge, 500)
        before = self.lists()
        self.shop.pg.sql("UPDATE gateway_desk SET next_poll_at = now(), since = now()")
        bd.wait_until(lambda: self.lists() > before, "a poll")
        # What it found is stored a moment after the sandbox has counted it.
        page = "SELECT page FROM gateway_desk"
        bd.wait_until(lambda: self.shop.pg.value(page) == "1", "the end of the list")

    def test_a_mismatch_is_decided_at_the_desk(self):
        """M5 and M29: given back as a whole, nothing is left to decide, and the place is free."""
        self.shop = shop = bd_pay.PayShop(self)
        self.me = shop.someone()
        booking = shop.book(self.me, 0).json()["id"]
        payment = shop.open(self.me, booking).json()
        shop.sandbox.form(
            "/invoices/%s/pay" % payment["gateway_id"], number=bd_pay.VISA, amount="10000"
        )
        bd.wait_until(
            lambda: shop.payment(self.me, payment["id"])["status"] == "mismatch", "the mismatch"
        )
        (charge,) = shop.invoice(payment["gateway_id"])["payments"]
        self.give_back(charge["id"], 4000)
        shop.hurry()
        self.give_back(charge["id"], 6000)
        shop.pg.sql("UPDATE payments SET desk_check_at = now()")
        bd.wait_until(
            lambda: shop.payment(self.me, payment["id"])["status"] == "refunded", "the refund", 30
        )
        self.assertEqual(shop.booking(self.me, booking)["status"], "cancelled")
        history = shop.detail(booking)["history"]
        self.assertIn("refunded at the gateway", [h["reason"] for h in history])
        self.assertIn(("keeper", "payment.refunded_elsewhere"), shop.audit(payment["id"]))
        told = [n["template"] for n in shop.notifications(booking_id=booking)]
        self.assertEqual(sorted(told), ["booking_cancelled", "payment_refunded"])
        self.assertEqual(shop.book(shop.someone(), 0).status, 201)
        self.assertEqual(shop.imbalance(), [])

    def test_the_desk_is_faster_than_the_keeper(self):
        """A charge that nothing stands for: the keeper would give it back, and finds it done."""
        self.shop = shop = bd_pay.PayShop(self)
        self.me = shop.someone()
        booking = shop.book(self.me, 0).json()["id"]
        payment = shop.open(self.me, booking).json()
        charge = shop.begin_3ds(payment["gateway_id"])
        shop.pg.sql("UPDATE bookings SET hold_expires_at = now() WHERE id = '%s'" % booking)
        self.assertEqual(shop.book(shop.someone(), 0).status, 201)
        shop.sandbox.order("payment_fetch", "status", status=503)  # the keeper cannot begin
        shop.answer_3ds(charge)

        def state(wanted):
            def look():
                shop.hurry()
                shop.come_back(payment["id"])
                return shop.payment(self.me, payment["id"])["status"] == wanted

            bd.wait_until(look, wanted, 30, 0.1)

        state("paid")
        self.give_back(charge, 12000)
        state("refunded")
        shop.sandbox.clear()
        bd.wait_until(
            lambda: shop.hurry()
            or shop.pg.sql("SELECT status FROM refunds WHERE status <> 'done'") == [],
            "the end of the refund",
            30,
            0.1,
        )
        self.assertNotIn("level=crit", shop.daemon.log())
        self.assertEqual(shop.sandbox.books("payments")[0]["refunded"], 12000)


if __name__ == "__main__":
    bd.main()
