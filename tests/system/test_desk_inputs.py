# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The desk page with unusual input: names with markup, in two directions and very long; a currency
without decimals; the days on which the clock is changed; a hundred resources.
"""
import datetime as dt
import zoneinfo

import bd
import bd_desk
import bd_pay

MARKUP = "<img src=x onerror=faults.push('ran')>&lt;b&gt;\"'</td>"
BOTH = "صالون Palm 24 (الفرع 2) – VIP"
LONG = "Wolfeschlegelsteinhausenbergerdorff" * 3
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")


def change(hours):
    """The next day that has so many hours in Berlin, from the day after tomorrow on."""
    day = dt.datetime.now(BERLIN).date() + dt.timedelta(days=2)
    while True:
        begin, end = (
            dt.datetime.combine(day + dt.timedelta(days=n), dt.time(), BERLIN).timestamp()
            for n in (0, 1)
        )
        if end - begin == hours * 3600:
            return day
        day += dt.timedelta(days=1)


class Inputs(bd_desk.Pages):
    def setUp(self):
        over = {"desk": {"enabled": "on"}, "bookings": {"hold": "1h"}}
        self.shop = bd_pay.PayShop(self, over)
        self.shop.hooks(False, callbacks=False)

    def venue(self, name, zone, currency):
        """Another venue, which is the shop's from now on."""
        self.shop.venue = self.shop.staff(
            "POST",
            "/v1/staff/venues",
            {"name": name, "time_zone": zone, "currency": currency},
        )["id"]
        self.shop.chair = self.shop.resource("Chair")

    def guest(self, at, name, **over):
        body = {"service_id": self.service, "starts_at": at, "name": name, "force": True, **over}
        return self.shop.staff("POST", "/v1/staff/venues/%s/bookings" % self.shop.venue, body)["id"]

    def at(self, day, hour, minute=0, fold=0):
        local = dt.datetime.combine(day, dt.time(hour, minute, fold=fold), BERLIN)
        return local.astimezone(dt.timezone.utc).isoformat().replace("+00:00", "Z")

    def show(self, day, venue=None):
        """The calendar of a day of a venue."""
        self.go("calendar")
        self.b.script(
            "const e = document.querySelector('#venue'); e.value = arguments[0];"
            "e.dispatchEvent(new Event('change'))",
            venue or self.shop.venue,
        )
        self.day(day.isoformat())

    def test_names(self):
        shop = self.shop
        self.venue(BOTH, "Europe/Berlin", "EUR")
        day = dt.datetime.now(BERLIN).date() + dt.timedelta(days=3)
        self.service = shop.make_service(name=MARKUP)
        names = (MARKUP, BOTH, LONG)
        for hour, name in enumerate(names):
            # At opposite ends of the text, so that a phone in Arabic text would be turned round.
            self.guest(
                self.at(day, 9 + hour), name, phone="+9665512340%02d" % hour, note=MARKUP + BOTH
            )
        shop.staff(
            "POST",
            "/v1/staff/venues/%s/closures" % shop.venue,
            {
                "starts_at": self.at(day, 15),
                "ends_at": self.at(day, 16),
                "resource_id": shop.chair,
                "reason": MARKUP,
            },
        )
        for width, height, language in ((360, 640, "ar"), (1280, 800, "en")):
            self.prefix = "names-%s-%d-" % (language, width)
            self.open(width, height, shop, language=language)
            self.show(day)
            self.b.wait("return document.querySelectorAll('.open-booking').length === 3", "three")
            self.shot("calendar")
            order = self.b.script(
                "return [...document.querySelectorAll('.event')].map((e) => "
                "e.getBoundingClientRect().top)"
            )
            self.assertEqual(order, sorted(order))
            shown = self.b.script("return document.querySelector('#main').innerText")
            for name in names:
                self.assertIn(name, shown)
            self.good()
            self.b.click(".open-booking")
            self.b.wait("return document.querySelector('dialog dl')", "the booking")
            self.shot("booking")
            self.b.click("#move")
            self.b.wait("return document.querySelector('dialog input[name=time]')", "the form")
            self.b.press(bd_desk.ESCAPE)
            self.b.wait("return !document.querySelector('dialog')", "the end of the form")
            self.go("customers")
            self.b.wait("return document.querySelectorAll('.open-customer').length === 3", "three")
            self.shot("customers")
            self.b.click(".open-customer")
            self.b.wait("return document.querySelector('dialog dl')", "the customer")
            self.good()
            self.b.press(bd_desk.ESCAPE)
            self.assertEqual(
                self.b.script("return document.querySelectorAll('img, iframe, svg, b b').length"), 0
            )

    def test_the_clock_is_changed(self):
        """A booking stands at the mark of its hour, and the page means the hour that is typed."""
        shop = self.shop
        self.venue("Berlin", "Europe/Berlin", "EUR")
        self.service = shop.make_service(duration_minutes=30, max_advance_days=700)
        self.open(1280, 800, shop)
        for hours, times in ((23, ((1, 0), (3, 0), (22, 0))), (25, ((2, 0), (2, 1), (22, 0)))):
            day = change(hours)
            made = [self.guest(self.at(day, h, 0, fold), "G") for h, fold in times]
            self.show(day)
            self.b.wait("return document.querySelectorAll('.open-booking').length === 3", "three")
            self.prefix = "clock-%d-" % hours
            self.shot("calendar")
            marks = self.b.script(
                "return [...document.querySelectorAll('.hour')].map((e) => [e.textContent, "
                "e.style.top])"
            )
            self.assertEqual(len(marks), hours - 1)
            for (hour, _), booking in zip(times, made):
                top = self.b.script(
                    "return document.querySelector(arguments[0]).style.top",
                    "[data-booking='%s']" % booking,
                )
                self.assertIn(["%02d:00" % hour, top], marks)
            tall = self.b.script("return document.querySelector('.day').style.height")
            self.assertEqual(tall, "%drem" % (3 * hours))
            self.b.click("#book")
            self.b.wait("return document.querySelector('dialog select option')", "the form")
            self.fill(time="12:00", name="Typed", force=True)
            self.submit()
            found = shop.pg.value(
                "SELECT starts_at AT TIME ZONE 'Europe/Berlin' FROM bookings WHERE guest_name = "
                "'Typed' ORDER BY created_at DESC LIMIT 1"
            )
            self.assertEqual(found, "%s 12:00:00" % day)
        self.good()

    def test_a_currency_without_decimals(self):
        shop = self.shop
        self.venue("Tokyo", "Asia/Tokyo", "JPY")
        shop.service = shop.make_service(
            price=12000, payment="online", free_cancellation_minutes=60
        )
        me = shop.someone()
        booking = shop.book(me, 9).json()["id"]
        payment = shop.open(me, booking).json()
        shop.pay(payment["gateway_id"])
        shop.come_back(payment["id"])
        self.open(360, 640, shop)
        self.show(dt.datetime.fromisoformat(shop.at(9)[:10]).date())
        self.b.click("[data-booking='%s']" % booking)
        self.b.wait("return document.querySelector('dialog dl')", "the booking")
        self.assertIn("12,000", self.b.text("dialog dl"))
        self.b.click("#cancel")
        self.b.wait("return document.querySelector('dialog select[name=refund]')", "the form")
        self.choose("dialog select[name=refund]", 2)
        self.type("dialog input[name=amount]", "4000")
        self.shot("yen")
        self.submit()
        refunded = "SELECT refunded_amount FROM payments WHERE id = '%s'" % payment["id"]
        self.assertEqual(shop.pg.value(refunded), "4000")

    def test_a_hundred_resources(self):
        shop = self.shop
        self.venue("Hall", "Asia/Riyadh", "SAR")
        shop.pg.sql(
            "INSERT INTO resources (venue_id, id, name) SELECT '%s', gen_random_uuid(), 'Table ' "
            "|| n FROM generate_series(1, 100) n" % shop.venue
        )
        self.service = shop.make_service()
        self.guest(shop.at(9), "Here")
        for width, height, language in ((360, 640, "ar"), (1280, 800, "en")):
            self.prefix = "hundred-%s-%d-" % (language, width)
            self.open(width, height, shop, language=language)
            self.show(dt.datetime.fromisoformat(shop.at(9)[:10]).date())
            self.b.wait("return document.querySelectorAll('.day').length === 101", "all of them")
            self.shot("calendar")
            self.assertLessEqual(self.b.script("return document.body.scrollWidth"), width)
            self.b.script(
                "const e = document.querySelector('[name=of]'); e.value = arguments[0];"
                "e.dispatchEvent(new Event('change'))",
                shop.chair,
            )
            self.b.wait("return document.querySelectorAll('.day').length === 1", "one of them")
            self.b.wait("return document.querySelector('.open-booking')", "its booking")
            self.shot("one")
            self.good()


if __name__ == "__main__":
    bd.main()
