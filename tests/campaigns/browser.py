#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
# packages: chromium chromium-driver fonts-noto-core
"""The sandbox's pages in a headless Chromium, at two widths of phones and in both languages.

The payment page through paid, declined and cancelled; the inbox; and once the whole way through
bookingd. Every page is measured: direction, overflow, cut text, contrast, size of what is tapped.
Screenshots are left in BOOKINGD_SHOTS, by default build/browser. Arguments name tests.
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))
import bd  # noqa: E402
import bd_campaign  # noqa: E402
import bd_browser  # noqa: E402
import bd_pay  # noqa: E402

SHOTS = os.environ.get("BOOKINGD_SHOTS")
SIZES = ((390, 844), (360, 740))
SECURE, FRICTIONLESS, POOR = "4111111111111111", "4111114005765430", "4201320000311101"
TAB, ENTER = "\ue004", "\ue007"

# What is wrong with the look of a page: sentences. Contrast as WCAG 2.2 measures it (1.4.3 text,
# 1.4.11 edges of controls), 2.5.8 target size.
LOOK = r"""
const wrong = [], parse = c => { const m = c.match(/[\d.]+/g).map(Number);
  return m.length < 4 ? [...m, 1] : m; };
const light = c => { const [r, g, b] = c.slice(0,
  3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                     return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05); };
const behind = e => { for (; e; e = e.parentElement) { const c =
  parse(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; } return [255, 255, 255, 1];
    };
const name = e => e.tagName.toLowerCase() + (e.id ? "#" + e.id
  : "") + " «" + e.textContent.trim().slice(0, 30) + "»";
if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page is " +
  document.documentElement.scrollWidth + " wide");
for (const e of document.body.querySelectorAll("*")) {
  const box = e.getBoundingClientRect(), style = getComputedStyle(e);
  if (!box.width || ["SCRIPT", "STYLE", "OPTION"].includes(e.tagName)) continue;
  if (box.left < -0.5 || box.right > innerWidth + 0.5) wrong.push(name(e) + " leaves the screen");
  if (e.scrollWidth > e.clientWidth + 1 && style.display !== "inline") wrong.push(name(e) + " is
    cut");
  if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) {
    const size = parseFloat(style.fontSize),
      large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const r = ratio(parse(style.color), behind(e));
    if (r < (large ? 3 : 4.5)) wrong.push(name(e) + " has contrast " + r.toFixed(2));
    if (size < 13) wrong.push(name(e) + " is small");
  }
  if (e.matches("button, select, a.button")) {
    if (box.height < 40) wrong.push(name(e) + " is " + box.height + " high");
    if (ratio(parse(style.borderTopColor),
      behind(e.parentElement)) < 3) wrong.push(name(e) + " has no edge");
  }
}
const link = document.querySelector("footer a, header a");
if (link && link.getBoundingClientRect().height < 24) wrong.push(name(link) + " is hard to tap");
return wrong;
"""
FOCUS = (
    "const s = getComputedStyle(document.activeElement); return [document.activeElement.id, "
    "s.outlineStyle, parseFloat(s.outlineWidth)]"
)


class BrowserCase(bd.Case):
    def browser(self, width=390, height=844):
        self.width = width
        self.b = bd_browser.Browser(width, height)
        self.addCleanup(self.b.close)
        return self.b

    def look(self, state, lang):
        """Measures the page that is shown, and keeps a picture of it."""
        self.assertEqual(
            self.b.script(
                "return [document.documentElement.lang, getComputedStyle(document.body).direction]"
            ),
            [lang, "rtl" if lang == "ar" else "ltr"],
        )
        self.assertEqual(self.b.script(LOOK), [], "%s %s %d" % (state, lang, self.width))
        if SHOTS:
            os.makedirs(SHOTS, exist_ok=True)
            self.b.shot(os.path.join(SHOTS, "%s-%s-%d.png" % (state, lang, self.width)))

    def choose(self, card):
        """Picks a test card and pays."""
        self.b.find("#number")
        self.b.script("document.getElementById('number').value = arguments[0]", card)
        self.b.click("#pay")


def each(test):
    """Runs a test in both languages on both sizes."""

    def run(self):
        for width, height in SIZES:
            for lang in ("ar", "en"):
                with self.subTest(lang=lang, width=width):
                    b = self.browser(width, height)
                    test(self, b, lang)
                    b.close()

    run.__doc__ = test.__doc__
    return run


class Checkout(BrowserCase):
    WORDS = {
        "ar": {
            "pay": "ادفع",
            "cancel": "إلغاء",
            "failed": "فشلت عملية الدفع",
            "paid": "تم الدفع",
            "gone": "لم يعد بالإمكان دفع هذه الفاتورة",
        },
        "en": {
            "pay": "Pay",
            "cancel": "Cancel",
            "failed": "The payment failed",
            "paid": "Paid",
            "gone": "This invoice can no longer be paid",
        },
    }

    def setUp(self):
        self.sim = self.sandbox()
        self.site = self.provider(
            bd.p_reply(200, b"<!doctype html><title>shop</title>", {"Content-Type": "text/html"})
        )

    def invoice(self, lang, **over):
        v = self.sim.api(
            "POST",
            "/v1/invoices",
            {
                "amount": 35000,
                "currency": "SAR",
                "success_url": self.site.url + "/done?mine=1",
                "back_url": self.site.url + "/back",
                "description": "صبغة شعر، صالون النخيل، الأربعاء ٢٥ نوفمبر"
                if lang == "ar"
                else "Hair colour, Palm Salon, Wednesday 25 November",
                **over,
            },
        ).json()
        return {**v, "url": "%s/invoices/%s" % (self.sim.url, v["id"])}

    def state(self, v):
        now = self.sim.api("GET", "/v1/invoices/" + v["id"]).json()
        return now["status"], [p["status"] for p in now["payments"]]

    def begin(self, b, lang, **over):
        v = self.invoice(lang, **over)
        b.open(v["url"] + "?lang=" + lang)
        self.assertEqual((b.text("h1"), b.text("#pay")), ("350.00 SAR", self.WORDS[lang]["pay"]))
        return v

    @each
    def test_paid_with_three_d_secure(self, b, lang):
        v = self.begin(b, lang)
        self.look("invoice", lang)
        self.choose(SECURE)
        b.wait("return location.pathname.startsWith('/3ds/')", "the bank's step")
        self.look("3ds", lang)
        b.click("#approve")
        b.wait("return document.title === 'shop'", "the shop")
        self.assertRegex(b.url, r"/done\?mine=1&id=[0-9a-f-]{36}&status=paid&message=APPROVED$")
        self.assertEqual(self.state(v), ("paid", ["paid"]))
        b.open(v["url"] + "?lang=" + lang)
        self.assertEqual(b.text(".good"), self.WORDS[lang]["paid"])
        self.look("invoice-paid", lang)

    @each
    def test_declined_by_the_card_then_by_the_bank_then_paid(self, b, lang):
        v = self.begin(b, lang)
        self.choose(POOR)
        self.assertTrue(b.text("[role=alert]").startswith(self.WORDS[lang]["failed"]))
        self.assertIn("INSUFFICIENT FUNDS", b.text("[role=alert]"))
        self.look("declined", lang)
        self.choose(SECURE)
        b.click("#decline")
        self.assertIn("3-D Secure", b.text("[role=alert]"))
        self.look("declined-3ds", lang)
        self.assertEqual(self.state(v), ("initiated", ["failed", "failed"]))
        self.choose(FRICTIONLESS)
        b.wait("return document.title === 'shop'", "the shop")
        self.assertEqual(self.state(v), ("paid", ["paid", "failed", "failed"]))

    @each
    def test_cancelled(self, b, lang):
        v = self.begin(b, lang)
        self.assertEqual(b.text("#cancel"), self.WORDS[lang]["cancel"])
        b.click("#cancel")
        b.wait("return document.title === 'shop'", "the shop")
        self.assertTrue(b.url.endswith("/back"))
        self.assertEqual(self.state(v), ("initiated", []))
        self.sim.api("PUT", "/v1/invoices/%s/cancel" % v["id"])
        b.open(v["url"] + "?lang=" + lang)
        self.assertEqual(b.text(".bad"), self.WORDS[lang]["gone"])
        self.assertEqual(b.script("return document.querySelectorAll('#pay, #number').length"), 0)
        self.look("invoice-gone", lang)

    @each
    def test_keyboard_alone(self, b, lang):
        v = self.begin(b, lang)
        seen = []
        while not seen or seen[-1] != "pay":
            b.press(TAB)
            focus = b.script(FOCUS)
            self.assertTrue(focus[1] != "none" and focus[2] >= 2, focus)
            seen.append(focus[0])
            self.assertLess(len(seen), 9, seen)
        self.assertEqual(seen, ["number", "pay"])
        self.look("focus", lang)
        b.press(ENTER)
        b.wait("return location.pathname.startsWith('/3ds/')", "the bank's step")
        b.press(TAB + ENTER)
        b.wait("return document.title === 'shop'", "the shop")
        self.assertEqual(self.state(v), ("paid", ["paid"]))

    def test_language_switch(self):
        b = self.browser()
        v = self.invoice("en")
        b.open(v["url"])  # Arabic when nobody says otherwise
        self.look("invoice-default", "ar")
        b.click("footer a")
        b.wait("return document.dir === 'ltr'", "the other language")
        self.assertEqual(b.text("#pay"), "Pay")
        self.choose(SECURE)
        b.wait("return location.pathname.startsWith('/3ds/')", "the bank's step")
        b.click("footer a")
        b.wait("return document.dir === 'rtl'", "the other language")
        self.assertEqual(b.text("#approve"), "نعم، موافق")
        b.click("#decline")
        self.assertTrue(b.text("[role=alert]").startswith(self.WORDS["ar"]["failed"]))

    def test_hostile_and_long_words(self):
        b = self.browser(360, 740)
        v = self.invoice(
            "en",
            amount=99999999999999,
            description='<img src=x onerror="document.title=1"> {{price}} ' + "w" * 200,
            back_url=self.site.url + "/?a=1&b=%22",
        )
        for lang in ("ar", "en"):
            b.open(v["url"] + "?lang=" + lang)
            self.assertEqual(b.text("h1"), "999999999999.99 SAR")
            self.assertIn("<img src=x", b.text(".what"))
            self.assertNotEqual(b.script("return document.title"), "1")
            self.look("long", lang)
        self.assertEqual(
            b.script("return document.getElementById('cancel').href"), self.site.url + "/?a=1&b=%22"
        )


class Inbox(BrowserCase):
    TEXTS = {
        "ar": "تم الحجز: صبغة شعر، الأربعاء، 25 نوفمبر، 20:30 في صالون النخيل.",
        "en": "Booked: Hair colour, Wednesday, 25 November, 20:30 at Palm Salon.",
    }

    def setUp(self):
        self.sim = self.sandbox()

    def send(self, text):
        self.sim.call("POST", "/sms", {"to": "+966551234567", "text": text, "sender": "SALON"})

    def kinds(self):
        return {
            f["kind"]
            for f in self.sim.call("GET", "/control/faults")["items"]
            if f["route"] in ("taqnyat", "http")
        }

    @each
    def test_messages_and_faults(self, b, lang):
        self.sim.clear()
        self.sim.call("DELETE", "/inbox.json")
        b.open(self.sim.url + "/inbox?lang=" + lang)
        b.find(".empty")
        self.look("inbox-empty", lang)
        for n, text in enumerate(
            (
                self.TEXTS["en"],
                self.TEXTS["ar"],
                "https://book.example.com/" + "long/" * 40,
                "رمز الدخول: 123456",
            ),
            1,
        ):
            self.send(text)
            b.wait(
                "return document.querySelectorAll('.message').length === %d" % n,
                "the message shows up by itself",
                3,
            )
            self.assertEqual(
                b.script(
                    "const t = document.querySelector('.message .text'); return [t.textContent, "
                    "getComputedStyle(t).direction]"
                ),
                [text, "rtl" if text[0] in "تر" else "ltr"],
            )
        self.look("inbox", lang)
        b.script("document.getElementById('kind').value = 'html'")
        b.click("#order")
        bd.wait_until(lambda: self.kinds() == {"html"}, "the fault is ordered")
        b.wait("return document.getElementById('state').className === 'bad'", "the page says so")
        self.look("inbox-fault", lang)
        b.script("document.getElementById('kind').value = 'none'")
        b.click("#order")
        bd.wait_until(lambda: self.kinds() == {"none"}, "the fault is taken back")
        b.wait("return document.getElementById('state').className === ''", "the page says so")
        b.click("#clear")
        b.wait("return document.querySelectorAll('.message').length === 0", "it is empty")
        b.click("#other")
        b.wait(
            "return document.documentElement.lang === '%s'" % ("en" if lang == "ar" else "ar"),
            "the other language",
        )

    def test_words_of_strangers_are_words(self):
        b = self.browser()
        b.open(self.sim.url + "/inbox")
        self.send('<img src=x onerror="document.title=1">')
        self.assertEqual(b.text(".message .text"), '<img src=x onerror="document.title=1">')
        self.assertNotEqual(b.script("return document.title"), "1")

    def test_a_long_day(self):
        b = self.browser()
        for i in range(1300):
            self.send("message %d" % i)
        b.open(self.sim.url + "/inbox?lang=en")
        b.wait(
            "return document.querySelector('.message .text')?.textContent === 'message 1299'",
            "the newest on top",
        )
        self.assertEqual(b.script("return document.querySelectorAll('.message').length"), 200)

    def test_the_sandbox_ends_and_comes_back(self):
        b = self.browser()
        self.send("before")
        b.open(self.sim.url + "/inbox?lang=en")
        b.find(".message")
        port = self.sim.port
        self.sim.close()
        b.wait(
            "return document.getElementById('state').className === 'bad'",
            "the page says that nobody answers",
        )
        self.sim = bd.Sandbox(port)
        self.addCleanup(self.sim.close)
        b.wait(
            "return document.querySelectorAll('.message').length === 0",
            "what the old one had is gone",
        )
        self.send("after")
        b.wait(
            "return document.querySelector('.message .text')?.textContent === 'after'",
            "a message of the new one",
        )


class WholeWay(BrowserCase):
    """bookingd itself: create a payment, pay in the browser, end at the return URL."""

    def setUp(self):
        self.site = self.provider(
            bd.p_reply(200, b"<!doctype html><title>shop</title>", {"Content-Type": "text/html"})
        )
        self.shop = bd_pay.PayShop(self, {"payments": {"return_origins": [self.site.url]}})
        self.shop.hooks()
        self.me = self.shop.someone()

    def opened(self, hour):
        booking = self.shop.book(self.me, hour).json()["id"]
        payment = self.shop.open(self.me, booking, self.site.url + "/done?mine=1").json()
        self.b.open(payment["redirect_url"])
        self.look("bookingd-invoice", "ar")
        return booking, payment["id"]

    def ends(self, booking, payment, states, came_with):
        self.b.wait("return document.title === 'shop'", "the shop")
        self.assertEqual(
            self.b.url,
            "%s/done?mine=1&payment_id=%s&status=%s" % (self.site.url, payment, came_with),
        )
        self.assertEqual(
            (
                self.shop.booking(self.me, booking)["status"],
                self.shop.payment(self.me, payment)["status"],
            ),
            states,
        )

    def test_paid(self):
        self.browser()
        booking, payment = self.opened(10)
        self.choose(SECURE)
        self.b.click("#approve")
        self.ends(booking, payment, ("confirmed", "paid"), "paid")

    def test_declined_then_paid(self):
        self.browser()
        booking, payment = self.opened(12)
        self.choose(POOR)
        self.b.find("[role=alert]")
        self.assertEqual(self.shop.booking(self.me, booking)["status"], "pending_payment")
        self.choose(FRICTIONLESS)
        self.ends(booking, payment, ("confirmed", "paid"), "paid")

    def test_cancelled(self):
        self.browser()
        booking, payment = self.opened(14)
        self.b.click("#cancel")
        self.ends(booking, payment, ("pending_payment", "initiated"), "initiated")


def main():
    parser = bd_campaign.parser()
    parser.add_argument("test", nargs="*", help="names of classes or tests")
    names = bd_campaign.options(parser).test
    os.environ.setdefault("BOOKINGD_SHOTS", os.path.join(bd.TOP, "build", "browser"))
    load, module = unittest.defaultTestLoader, sys.modules[__name__]
    tests = load.loadTestsFromNames(names, module) if names else load.loadTestsFromModule(module)
    bd_campaign.run(tests, verbosity=2)


if __name__ == "__main__":
    main()
