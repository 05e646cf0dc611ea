# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The desk page (BEHAVIOUR §14) in a real browser: every action, on a phone and on a desk, in both
languages. And without one: what is served, links, sessions, rights.
"""
import datetime as dt
import gzip
import re
import subprocess

import bd
import bd_desk
import bd_shop
import desk
from bd_desk import ENTER, shop_with_desk


class Served(bd.Case):
    def test_files(self):
        shop = shop_with_desk(self)
        size = 0
        for path, kind in (
            ("/desk", "text/html"),
            ("/desk/desk.css", "text/css"),
            ("/desk/desk.js", "text/javascript"),
        ):
            r = shop.daemon.get(path)
            self.assertEqual((r.status, r.header("Content-Type")), (200, kind + "; charset=utf-8"))
            policy = r.header("Content-Security-Policy")
            self.assertIn("default-src 'none'", policy)
            self.assertIn("script-src 'self'", policy)
            self.assertNotIn("unsafe", policy)
            self.assertIsNone(r.header("Set-Cookie"))
            self.assertEqual(r.header("X-Content-Type-Options"), "nosniff")
            size += len(gzip.compress(r.body))
            self.assertFalse(re.search(rb"https?://", r.body))
        self.assertLess(size, 60 * 1024)
        page = shop.daemon.get("/desk").body.decode()
        self.assertNotIn("<style", page)
        self.assertFalse(re.search(r"<script[^>]*>[^<]", page))
        self.assertFalse(re.search(r'\son\w+="', page))

    def test_off_is_not_found(self):
        shop = bd_shop.Shop(self)
        for path in ("/desk", "/desk/desk.css", "/desk/desk.js"):
            self.assertEqual(shop.daemon.get(path).status, 404)
        self.assertEqual(shop.daemon.post("/v1/staff/sessions", {"link": "x"}).status, 404)

    def test_who(self):
        shop = shop_with_desk(self)
        viewer = shop.key("eye", "viewer", shop.venue)
        r = shop.call("GET", "/v1/staff/me", token=viewer)
        self.assertEqual(r.json(), {"name": "eye", "role": "viewer", "venue_id": shop.venue})
        self.assertEqual(shop.call("GET", "/v1/staff/me").status, 401)

    def test_a_link_is_valid_once_and_its_session_ends(self):
        shop = shop_with_desk(self)
        d = shop.daemon

        def link(*argv):
            done = subprocess.run(
                [bd.BIN, "-c", d.path, "desk-link", "--name", "Sara", *argv],
                capture_output=True,
                text=True,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            address, code = done.stdout.strip().split("#link=")
            self.assertEqual(address, "http://127.0.0.1:%d/desk" % d.port)
            return code

        code = link("--venue", shop.venue)
        r = d.post("/v1/staff/sessions", {"link": code})
        self.assertEqual(
            (r.status, r.json()["role"], r.json()["venue_id"]), (201, "agent", shop.venue)
        )
        ends = dt.datetime.fromisoformat(r.json()["expires_at"].replace("Z", "+00:00"))
        left = (ends - dt.datetime.now(dt.timezone.utc)).total_seconds() / 3600
        self.assertTrue(11.9 < left < 12.1, left)
        key = r.json()["key"]
        self.assertEqual(shop.call("GET", "/v1/staff/me", token=key).status, 200)
        self.assertEqual(d.post("/v1/staff/sessions", {"link": code}).status, 401)
        self.assertEqual(d.post("/v1/staff/sessions", {"link": "bkl_made_up"}).status, 401)
        old = link()
        shop.pg.sql("UPDATE desk_links SET expires_at = now() - interval '1 second'")
        self.assertEqual(d.post("/v1/staff/sessions", {"link": old}).status, 401)
        self.assertEqual(shop.pg.value("SELECT count(*) FROM desk_links"), "0")
        shop.pg.sql("UPDATE staff_keys SET expires_at = now() WHERE expires_at IS NOT NULL")
        self.assertEqual(shop.call("GET", "/v1/staff/me", token=key).status, 401)
        actions = [a["action"] for a in shop.staff("GET", "/v1/staff/audit")["items"]]
        self.assertIn("desk_link.create", actions)
        self.assertIn("desk_link.use", actions)


class Pages(bd_desk.Pages):
    def walk_messages(self, shop, token):
        """Filter, dry run, one, a selection, all."""
        b = self.b
        failed = (
            "SELECT count(*) FROM notifications WHERE status = 'FAILED' AND acknowledged_at IS NULL"
        )
        self.assertEqual(shop.pg.value(failed), "6")
        self.go("notifications")
        self.assertEqual(len(b.script("return [...document.querySelectorAll('.one-resend')]")), 6)
        self.shot("messages")
        b.click(".one-acknowledge")
        bd.wait_until(lambda: shop.pg.value(failed) == "5", "one acknowledged")
        b.wait("return document.querySelectorAll('.one-resend').length === 5", "five are left")
        b.click(".one-resend")
        bd.wait_until(lambda: shop.pg.value(failed) == "4", "one sent")
        b.wait("return document.querySelectorAll('.one-resend').length === 4", "four are left")
        b.click("#main td input[type=checkbox]")
        b.click("#resend-some")
        b.wait("return document.querySelector('dialog p')?.textContent.includes('1')", "a dry run")
        self.submit()
        bd.wait_until(lambda: shop.pg.value(failed) == "3", "the selected one sent")
        b.wait("return document.querySelectorAll('.one-resend').length === 3", "three are left")
        b.click("#main td input[type=checkbox]")
        b.click("#acknowledge-some")
        b.wait("return document.querySelector('dialog form')", "a dry run")
        self.submit()
        bd.wait_until(lambda: shop.pg.value(failed) == "2", "the selected one acknowledged")
        b.wait("return document.querySelectorAll('.one-resend').length === 2", "two are left")
        b.script("document.querySelector('#resend-all').focus()")
        b.press(ENTER)
        b.wait("return document.querySelector('dialog p')?.textContent.includes('2')", "a dry run")
        self.shot("dry-run")
        self.submit()
        bd.wait_until(lambda: shop.pg.value(failed) == "0", "all sent")
        self.good()

    def walk_calendar(self, shop):
        """Book, move by form, cancel, block, unblock, no-show, reopen, complete."""
        b, pg = self.b, shop.pg
        self.go("calendar")
        self.day(shop.at(9)[:10])
        b.wait("return document.querySelectorAll('.open-booking').length === 6", "six bookings")
        self.shot("calendar")
        b.click("#book")
        b.wait("return document.querySelector('dialog select[name=service] option')", "services")
        self.fill(date=shop.at(9)[:10], time="18:00", name="Walk in", note="by the window")
        self.submit()
        b.wait("return document.querySelectorAll('.open-booking').length === 7", "seven bookings")
        guest = pg.value("SELECT id FROM bookings WHERE guest_name = 'Walk in'")
        find = "document.querySelector('[data-booking=\"%s\"]')" % guest
        b.script(find + ".click()")
        b.wait("return document.querySelector('#move')", "the booking")
        b.click("#move")
        b.wait("return document.querySelector('dialog input[name=time]')", "the form")
        self.fill(time="20:00")
        self.submit()
        moved = "SELECT (starts_at AT TIME ZONE 'Asia/Riyadh')::time FROM bookings WHERE id = '%s'"
        bd.wait_until(lambda: pg.value(moved % guest) == "20:00:00", "it was moved")
        b.click("#block")
        b.wait("return document.querySelector('dialog input[name=minutes]')", "the form")
        self.fill(date=shop.at(9)[:10], time="21:00", minutes="45", reason="Cleaning")
        self.submit()
        b.wait("return document.querySelector('.event.closed')", "blocked time")
        b.script("document.querySelector('.event.closed').click()")
        b.wait("return document.querySelector('dialog form')", "a question")
        self.submit()
        b.wait("return !document.querySelector('.event.closed')", "time is free again")
        b.script(find + ".click()")
        b.wait("return document.querySelector('#cancel')", "the booking")
        b.click("#cancel")
        b.wait("return document.querySelector('dialog input[name=reason]')", "the form")
        self.fill(reason="Ill")
        self.submit()
        state = "SELECT status FROM bookings WHERE id = '%s'"
        bd.wait_until(lambda: pg.value(state % guest) == "cancelled", "it was cancelled")
        self.walk_begun(shop)
        self.good()

    def walk_begun(self, shop):
        """What only a booking that has begun knows."""
        b = self.b
        day = dt.datetime.now(bd_shop.RIYADH)
        at = (day - dt.timedelta(minutes=10)).replace(second=0, microsecond=0)
        body = {
            "service_id": shop.service,
            "starts_at": at.isoformat(),
            "name": "Here now",
            "force": True,
        }
        here = shop.staff("POST", "/v1/staff/venues/%s/bookings" % shop.venue, body)["id"]
        state = "SELECT status FROM bookings WHERE id = '%s'" % here
        self.day(at.date().isoformat())
        for what, then in (
            ("no-show", "no_show"),
            ("reopen", "confirmed"),
            ("complete", "completed"),
        ):
            b.wait("return document.querySelector('[data-booking=\"%s\"]')" % here, "the booking")
            b.script("document.querySelector('[data-booking=\"%s\"]').click()" % here)
            b.wait("return document.getElementById('%s')" % what, what)
            b.script("document.getElementById('%s').focus()" % what)
            b.press(ENTER)
            bd.wait_until(lambda: shop.pg.value(state) == then, then)
            b.wait("return !document.querySelector('dialog')", "the end of the dialog")

    def walk_customers(self, shop):
        b = self.b
        self.go("customers")
        b.click("input[name=q]")
        b.press("Noura" + ENTER)
        b.wait("return document.querySelectorAll('.open-customer').length === 1", "one customer")
        b.click(".open-customer")
        b.wait("return document.querySelector('#block-customer')", "the customer")
        b.click("#block-customer")
        blocked = "SELECT blocked_at IS NOT NULL FROM customers WHERE name = 'Noura'"
        bd.wait_until(lambda: shop.pg.value(blocked) == "t", "blocked")
        b.wait("return !document.querySelector('dialog')", "the end of the dialog")
        b.click(".open-customer")
        b.wait("return document.querySelector('dialog input[name=note]')", "the customer")
        self.fill(note="Prefers mornings")
        b.click("dialog form button[type=submit]")
        bd.wait_until(
            lambda: shop.pg.value("SELECT note FROM customers WHERE name = 'Noura'")
            == "Prefers mornings",
            "the note",
        )
        self.good()

    def walk(self, width, height, language):
        shop = shop_with_desk(self)
        shop.sms.default = bd.p_reply(500)
        token = shop.customer(name="Noura")
        for hour in range(9, 15):
            self.assertEqual(shop.book(token, hour).status, 201)
        shop.sms.default = bd.p_reply(201, bd_shop.sms_ok)
        self.open(width, height, shop, language=language)
        self.walk_messages(shop, token)
        self.walk_calendar(shop)
        self.walk_customers(shop)
        for view in ("payments", "providers", "audit"):
            self.go(view)
            self.good()
        self.assertIn("desk", self.b.url)

    def test_phone_in_arabic(self):
        self.walk(360, 640, "ar")

    def test_desk_in_english(self):
        self.walk(1280, 800, "en")

    def test_moving_by_dragging(self):
        shop = shop_with_desk(self)
        other = shop.resource("Chair 2")
        shop.staff(
            "PATCH", "/v1/staff/services/%s" % shop.service, {"resource_ids": [shop.chair, other]}
        )
        made = shop.book(shop.customer(name="Noura"), 10, resource_id=shop.chair).json()
        b = self.open(1280, 800, shop)
        self.go("calendar")
        self.day(shop.at(9)[:10])
        event = "[data-booking='%s']" % made["id"]
        b.wait('return document.querySelector("%s")' % event, "the booking")
        box = b.script(
            "const r = document.querySelector(arguments[0]).getBoundingClientRect();"
            "const d = document.querySelector(arguments[1]).getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + 10, d.x + d.width / 2]",
            event,
            "[data-resource='%s']" % other,
        )
        x, y, to = (int(v) for v in box)
        move = {"type": "pointerMove", "duration": 0}
        b.at(
            "POST",
            "/actions",
            {
                "actions": [
                    {
                        "type": "pointer",
                        "id": "mouse",
                        "parameters": {"pointerType": "mouse"},
                        "actions": [
                            {**move, "x": x, "y": y},
                            {"type": "pointerDown", "button": 0},
                            {**move, "x": x, "y": y + 20},
                            {**move, "x": to, "y": y + 96},
                            {"type": "pointerUp", "button": 0},
                        ],
                    }
                ]
            },
        )
        b.wait("return document.querySelector('dialog input[name=time]')", "the form")
        self.assertEqual(
            b.script("return document.querySelector('dialog input[name=time]').value"), "12:00"
        )
        self.submit()
        bd.wait_until(
            lambda: shop.pg.value("SELECT resource_id FROM bookings WHERE id = '%s'" % made["id"])
            == other,
            "it was moved",
        )
        self.good()

    def test_a_viewer_sees_no_action(self):
        shop = shop_with_desk(self)
        shop.sms.default = bd.p_reply(500)
        shop.book(shop.customer(name="Noura"), 10)
        b = self.open(1280, 800, shop, shop.key("eye", "viewer"))
        self.assertEqual(
            b.script("return document.querySelectorAll('.one-resend, #resend-all').length"), 0
        )
        self.assertEqual(len(self.rows()), 2)
        self.go("calendar")
        self.day(shop.at(9)[:10])
        b.wait("return document.querySelector('.open-booking')", "the booking")
        self.assertFalse(b.script("return !!document.querySelector('#book, #block')"))
        b.click(".open-booking")
        b.wait("return document.querySelector('dialog dl')", "the booking")
        self.assertFalse(b.script("return !!document.querySelector('#move, #cancel')"))
        self.assertFalse(b.script("return !!document.querySelector('#go-audit')"))
        self.good()

    def look_at_status(self, shop, state):
        """The status page on each screen."""
        url = "http://127.0.0.1:%d/" % shop.daemon.monitor_port
        for width, height, language in ((360, 640, "ar"), (360, 640, "en"), (1280, 800, "en")):
            b = self.visit(width, height, url, language)
            self.assertEqual(b.script("return document.documentElement.lang"), language)
            wide = "return document.documentElement.scrollWidth"
            self.assertLessEqual(b.script(wide), width)
            self.shot("status-%s-%s-%d" % (state, language, width))
            if self.axe:
                faults = [f for f in bd_desk.axe_faults(b, self.axe) if f[0] != "meta-refresh"]
                self.assertEqual(faults, [])

    def test_the_status_page(self):
        """Healthy, and with conditions of both severities."""
        shop = bd_shop.Shop(self, {"monitor": {"poll_interval": "100ms"}})
        self.look_at_status(shop, "healthy")
        shop.sms.default = bd.p_reply(500)
        shop.book(shop.customer(), 9)
        pg = shop.pg
        pg.sql("ALTER DATABASE %s SET default_transaction_read_only = on" % pg.name)
        pg.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND "
            "application_name LIKE 'bookingd%%'" % pg.name
        )
        shop.daemon.write_config({"server": {"workers": 0}})
        shop.daemon.hup()
        for name in ("NotificationsFailed", "DatabaseNotWritable", "ReloadFailed"):
            bd.wait_until(
                lambda: shop.daemon.metric("bookingd_condition", condition="Bookingd" + name) == 1,
                name,
                30,
            )
        self.look_at_status(shop, "trouble")

    def test_a_link_opens_it(self):
        shop = shop_with_desk(self)
        done = subprocess.run(
            [bd.BIN, "-c", shop.daemon.path, "desk-link", "--name", "Sara"],
            capture_output=True,
            text=True,
        )
        b = self.visit(1280, 800, done.stdout.strip())
        b.wait("return document.querySelector('#main h2')", "the first view")
        self.assertNotIn("link", b.url)
        self.assertIn("Sara", b.text("header h1"))


class Resending(desk.Resending):
    def test_sixty(self):
        self.play(60)


if __name__ == "__main__":
    bd.main()
