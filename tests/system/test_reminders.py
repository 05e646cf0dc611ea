# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Reminders (BEHAVIOUR §13): when they are made, of what, and when not."""
import argparse
import datetime as dt
import json

import bd
import bd_shop
import reminders

NOTIFICATIONS = {
    "reminders": [{"before": "24h"}, {"before": "2h"}],
    "poll_interval": "200ms",
    "per_phone": "100000/1h",
    "per_customer": "100000/1h",
}


class Reminders(bd.Case):
    def shop(self, **over):
        shop = bd_shop.Shop(
            self,
            {
                "notifications": {**NOTIFICATIONS, **over},
                "bookings": {"max_active_per_customer": 10000},
            },
        )
        self.shop_, self.hours = shop, 0
        return shop

    def book(self, token=None):
        self.hours += 2
        r = self.shop_.book(token or self.shop_.customer(), self.hours)
        self.assertEqual(r.status, 201, r)
        return r.json()["id"]

    def start_in(self, booking, minutes):
        """The clock, compressed: the start comes nearer. Each on a resource of its own."""
        chair = self.shop_.resource("Chair of " + booking)
        self.shop_.pg.sql(
            "UPDATE bookings SET resource_id = '%s', starts_at = s, ends_at = s + interval '1 "
            "hour', occupied = tstzrange(s, s + interval '1 hour') FROM (SELECT date_trunc('second'"
            ", now()) + interval '%d minutes' AS s) x WHERE id = '%s'" % (chair, minutes, booking)
        )

    def reminders(self, booking=None):
        return [
            tuple(r)
            for r in self.shop_.pg.sql(
                "SELECT split_part(event, ':', 2), status, coalesce(error_code, '') FROM "
                "notifications WHERE template = 'booking_reminder'%s ORDER BY queued_at"
                % (" AND booking_id = '%s'" % booking if booking else "")
            )
        ]

    def wait(self, want, booking=None, limit=10):
        bd.wait_until(lambda: self.reminders(booking) == want, "reminders %s" % want, limit, 0.05)

    def some_runs(self):
        """Long enough for the keeper to have looked again: what is made last shows it."""
        probe = self.book(self.shop_.customer("+966550000001"))
        self.start_in(probe, 100)
        self.wait([("7200", "SENT", "")], probe)

    def sent(self):
        return [
            json.loads(r["body"])["body"]
            for r in self.shop_.sms.requests
            if json.loads(r["body"])["body"].startswith("booking_reminder")
        ]

    def test_when_they_are_due(self):
        shop = self.shop()
        far, day, hours, soon = (self.book() for _ in range(4))
        self.start_in(far, 25 * 60)
        self.start_in(day, 23 * 60)  # a day before, late by an hour
        self.start_in(hours, 11 * 60)  # late by more than half of a day
        self.start_in(soon, 90)
        self.wait([("86400", "SENT", "")], day)
        self.wait([("7200", "SENT", "")], soon)
        self.some_runs()
        self.assertEqual(self.reminders(far) + self.reminders(hours), [])
        self.assertEqual(len(self.sent()), 3)
        metric = shop.daemon.metric
        self.assertEqual(metric("bookingd_reminders_total", lead="24h", outcome="sent"), 1)
        self.assertEqual(metric("bookingd_reminders_total", lead="2h", outcome="sent"), 2)
        # The other lead of the same booking, and never one twice.
        self.start_in(day, 119)
        self.wait([("86400", "SENT", ""), ("7200", "SENT", "")], day)
        self.some_runs_again(day)

    def some_runs_again(self, booking):
        before = self.reminders(booking)
        for phone in ("+966550000002", "+966550000003"):
            probe = self.book(self.shop_.customer(phone))
            self.start_in(probe, 100)
            self.wait([("7200", "SENT", "")], probe)
        self.assertEqual(self.reminders(booking), before)

    def test_only_of_what_stands(self):
        shop = self.shop()
        cancelled, moved, back = (self.book() for _ in range(3))
        self.start_in(moved, 100)
        self.wait([("7200", "SENT", "")], moved)
        self.start_in(moved, 119)  # moved by 19 minutes: another start, another reminder
        self.wait([("7200", "SENT", "")] * 2, moved)
        r = shop.staff("POST", "/v1/staff/bookings/%s/cancel" % cancelled, {})
        self.assertEqual(r["status"], "cancelled")
        self.start_in(cancelled, 100)
        self.some_runs()
        self.assertEqual(self.reminders(cancelled), [])
        # One that is overtaken by a cancellation while it waits is dropped, and is no alert.
        shop.sms.plan.append(bd.p_reply(429, {}, {"Retry-After": "3"}))
        self.start_in(back, 100)
        self.wait([("7200", "PENDING", "")], back)
        shop.pg.sql("UPDATE bookings SET status = 'cancelled' WHERE id = '%s'" % back)
        bd.wait_until(lambda: self.reminders(back)[0][1] == "FAILED", "an end")
        self.assertEqual(shop.daemon.metric("bookingd_reminders_total", outcome="dropped"), 1)
        self.assertEqual(
            shop.daemon.metric("bookingd_notifications_failed", template="booking_reminder"), 0
        )
        # And when it stands again after all, there is a reminder.
        shop.pg.sql("UPDATE bookings SET status = 'confirmed' WHERE id = '%s'" % back)
        bd.wait_until(lambda: self.reminders(back)[-1][1] == "SENT", "a reminder after all")

    def test_staff_do_not_resend_wrong_ones(self):
        """Neither one that was dropped, though its booking stands again, nor one that failed and
        whose booking was moved."""
        shop = self.shop()
        back, moved, stands = (self.book() for _ in range(3))
        shop.sms.plan.append(bd.p_reply(429, {}, {"Retry-After": "2"}))
        self.start_in(back, 100)
        self.wait([("7200", "PENDING", "")], back)
        shop.pg.sql("UPDATE bookings SET status = 'cancelled' WHERE id = '%s'" % back)
        bd.wait_until(lambda: self.reminders(back)[0][1] == "FAILED", "an end")
        shop.pg.sql("UPDATE bookings SET status = 'confirmed' WHERE id = '%s'" % back)
        bd.wait_until(lambda: self.reminders(back)[-1][1] == "SENT", "a reminder after all")
        for b in (moved, stands):
            shop.sms.plan.append(bd.p_reply(400, {}))
            self.start_in(b, 110)
            self.wait([("7200", "FAILED", "provider_rejected")], b)
        self.start_in(moved, 25 * 60)
        dropped, wrong, right = (
            shop.pg.value(
                "SELECT id FROM notifications WHERE booking_id = '%s' AND status = 'FAILED'" % b
            )
            for b in (back, moved, stands)
        )
        before = len(self.sent())
        for n in (dropped, wrong):
            r = shop.call("POST", "/v1/staff/notifications/%s/resend" % n, None, shop.admin)
            self.assertEqual((r.status, r.code), (409, "notification_expired"))
        r = shop.staff("POST", "/v1/staff/notifications/resend", {"ids": [dropped, wrong, right]})
        self.assertEqual((r["matched"], r["sent"], len(self.sent())), (1, 1, before + 1))
        self.assertEqual(
            shop.pg.value("SELECT status FROM notifications WHERE id = '%s'" % right), "SENT"
        )

    def test_venue_has_its_own(self):
        shop = self.shop(reminders=[])
        path = "/v1/staff/venues/" + shop.venue
        self.assertEqual(shop.staff("GET", path)["reminders"], "inherit")
        self.assertEqual(shop.daemon.children("courier"), [])
        for bad in ("never", ["2x"], ["30s"], ["2h", "120m"], 7, None, [{"after": "2h"}]):
            r = shop.call("PATCH", path, {"reminders": bad}, shop.admin)
            self.assertEqual((r.status, r.code), (422, "validation_failed"), bad)
        b = self.book()
        self.start_in(b, 20)
        for value in (["30m"], [{"before": "30m"}]):
            r = shop.staff("PATCH", path, {"reminders": value})
            self.assertEqual(r["reminders"], ["30m"])
        self.wait([("1800", "SENT", "")], b, 20)
        r = shop.staff("PATCH", path, {"reminders": "off"})
        self.assertEqual(r["reminders"], "off")
        self.assertEqual(shop.staff("PATCH", path, {"name": "Oasis"})["reminders"], "off")
        self.assertEqual(shop.staff("PATCH", path, {"reminders": "inherit"})["name"], "Oasis")

    def test_off_for_a_venue(self):
        shop = self.shop()
        shop.staff("PATCH", "/v1/staff/venues/" + shop.venue, {"reminders": "off"})
        b = self.book()
        self.start_in(b, 100)
        shop.staff("PATCH", "/v1/staff/venues/" + shop.venue, {"reminders": ["3h"]})
        self.wait([("10800", "SENT", "")], b)

    def quiet(self, begins, ends):
        """Quiet hours in minutes from now, by the venue's clock."""
        now = dt.datetime.now(bd_shop.RIYADH)
        return {
            k: (now + dt.timedelta(minutes=m)).strftime("%H:%M")
            for k, m in (("from", begins), ("to", ends))
        }

    def test_quiet_hours(self):
        """Due an hour from now, within quiet hours that begin in ten minutes: it is sent now."""
        self.shop(quiet=self.quiet(10, 120))
        night, later = self.book(), self.book()
        self.start_in(night, 3 * 60)  # due in an hour
        self.start_in(later, 4 * 60 + 30)  # due after the quiet hours
        self.wait([("7200", "SENT", "")], night)
        self.assertEqual(self.reminders(later), [])

    def test_nothing_in_quiet_hours(self):
        shop = self.shop(quiet=self.quiet(-10, 30))
        b = self.book()
        self.start_in(b, 110)
        # The keeper has run all of its tasks: it ends this row.
        self.shop_.pg.sql("UPDATE notifications SET status = 'PENDING', send_by = now()")
        bd.wait_until(
            lambda: shop.pg.value("SELECT status FROM notifications") == "FAILED", "the keeper"
        )
        self.assertEqual(self.reminders(b), [])
        shop.daemon.write_config({"notifications": {"quiet": None}})
        shop.daemon.hup()
        self.wait([("7200", "SENT", "")], b, 20)


class Around(reminders.Campaign):
    """A part of campaigns/reminders.py."""

    def test_moved_cancelled_and_restored(self):
        self.play(argparse.Namespace(bookings=60, seconds=4, seed="1"))


if __name__ == "__main__":
    bd.main()
