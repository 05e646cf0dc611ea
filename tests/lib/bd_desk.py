# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""The desk page in a real browser: what its tests share. One Chromium serves a whole class; each
test has a shop, and so an origin, of its own.
"""
import os
import shutil
import unittest

import bd
import bd_browser
import bd_node
import bd_shop

SHOTS = os.environ.get("BOOKINGD_TEST_SHOTS")  # a directory that keeps the screenshots
TAB, ENTER, DOWN, ESCAPE = "\ue004", "\ue007", "\ue015", "\ue00c"
# Any fault of the page itself, or of its policy.
LISTEN = """
window.faults = [];
addEventListener("error", (e) => faults.push(String(e.message)));
addEventListener("unhandledrejection", (e) => faults.push(String(e.reason)));
document.addEventListener("securitypolicyviolation", (e) => faults.push(e.violatedDirective));
"""
# About how many times Tab must be pressed to come to an element.
TABS = """
const scope = document.querySelector("dialog[open]") || document;
const all = [...scope.querySelectorAll("button, input, select, [tabindex]")]
  .filter((e) => !e.disabled && e.tabIndex >= 0 && e.checkVisibility());
const to = all.indexOf(scope.querySelector(arguments[0]));
const from = all.indexOf(document.activeElement);
return (to - from + all.length) % all.length;
"""


def axe_source():
    """The text of axe-core, which judges a page for readers of the screen; None without it."""
    package = bd_node.package("axe-core")
    if not package:
        return None
    with open(os.path.join(package, "axe.min.js"), encoding="utf-8") as f:
        return f.read()


def axe_faults(browser, source):
    """Serious findings: [(rule, where)]."""
    if not browser.script("return !!window.axe"):
        browser.script(source)
    found = browser.at(
        "POST",
        "/execute/async",
        {
            "script": "const done = arguments[0];"
            "axe.run(document).then((r) => done(r.violations.filter((v) =>"
            "['serious', 'critical'].includes(v.impact)).map((v) => [v.id, v.nodes[0].html])))",
            "args": [],
        },
    )
    return found


def shop_with_desk(case, **over):
    return bd_shop.Shop(case, bd.merge({"desk": {"enabled": "on"}}, over))


@unittest.skipUnless(
    shutil.which("chromedriver"), "no chromedriver (Debian package chromium-driver)"
)
class Pages(bd.Case):
    axe = browser = None

    @classmethod
    def setUpClass(cls):
        cls.axe = axe_source()
        if cls.axe is None:
            print("axe-core cannot be had from npm: pages are not judged for readers of the screen")
        cls.browser = bd_browser.Browser(None)
        cls.browser.cdp("Page.addScriptToEvaluateOnNewDocument", source=LISTEN)
        # Colours are judged as they are in the end.
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        cls.browser.cdp("Emulation.setEmulatedMedia", features=[still])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()

    def visit(self, width, height, url, language="en"):
        """A page on a screen of this size, for a reader of this language."""
        b = self.b = self.browser
        b.resize(width, height, language)
        b.open(url)
        return b

    def desk(self, shop):
        return "http://127.0.0.1:%d/desk" % shop.daemon.port

    def open(self, width, height, shop, key=None, language="en"):
        """The desk, signed in; in Arabic by its own button, as staff with an English phone."""
        b = self.visit(width, height, self.desk(shop) + "/desk.css")
        b.script("sessionStorage.clear()")  # nobody is signed in any more
        b.open(self.desk(shop))
        b.click("input[name=key]")
        b.press((key or shop.admin) + ENTER)
        b.wait("return document.querySelector('#main h2')", "the first view")
        if language == "ar":
            b.click("header button[lang]")
            b.wait("return document.dir === 'rtl' && document.querySelector('#main h2')", "Arabic")
        return b

    keys = False  # whether push() and type() are done without a mouse

    def tab_to(self, selector):
        """The focus goes there by the Tab key alone."""
        self.b.wait("return document.querySelector(%r)" % selector, selector)
        self.b.press(TAB * self.b.script(TABS, selector))
        for _ in range(30):  # a date has three stops, and more in other languages
            if self.b.script("return document.activeElement.matches(arguments[0])", selector):
                return
            self.b.press(TAB)
        raise AssertionError("Tab does not reach " + selector)

    def push(self, selector):
        """A button: by mouse, or by Tab and Enter."""
        if not self.keys:
            return self.b.click(selector)
        self.tab_to(selector)
        self.b.press(ENTER)

    def type(self, selector, text):
        """Into a field, whatever it held."""
        if self.keys:
            self.tab_to(selector)
        else:
            self.b.click(selector)
        self.b.script("document.activeElement.select()")
        self.b.press(text)

    def choose(self, selector, n):
        """The nth choice below the one that is chosen."""
        if self.keys:
            self.tab_to(selector)
        else:
            self.b.script("document.querySelector(arguments[0]).focus()", selector)
        self.b.press(DOWN * n)

    prefix = ""

    def shot(self, name):
        if SHOTS:
            self.b.shot(os.path.join(SHOTS, self.prefix + name + ".png"))

    def go(self, view):
        """By keyboard: the button gets the focus and Enter."""
        self.b.script("document.getElementById(arguments[0]).focus()", "go-" + view)
        self.b.press(ENTER)
        self.b.wait(
            "return document.querySelector('#go-%s[aria-current]') && "
            "document.querySelector('#main h2').textContent === "
            "document.querySelector('#go-%s').textContent" % (view, view),
            view,
        )

    def fill(self, **fields):
        for name, value in fields.items():
            self.b.script(
                "const e = document.querySelector('dialog [name=' + arguments[0] + ']');"
                "if (e.type === 'checkbox') e.checked = arguments[1]; else e.value = arguments[1];"
                "e.dispatchEvent(new Event('change'))",
                name,
                value,
            )

    def submit(self):
        """The form of the dialog, which closes when it went well."""
        self.b.script("this.was = document.querySelector('dialog')")
        self.b.click("dialog form button[type=submit]")
        bd.wait_until(
            lambda: self.b.script(
                "const d = document.querySelector('dialog');"
                "return !d || !document.querySelector('dialog form')"
            ),
            lambda: self.b.script("return document.querySelector('dialog').textContent"),
        )

    def day(self, date):
        self.b.script(
            "const e = document.querySelector('input[name=day]'); e.value = arguments[0];"
            "e.dispatchEvent(new Event('change'))",
            date,
        )
        self.b.wait(
            "return document.querySelector('input[name=day]').value === '%s'" % date, "the day"
        )

    def rows(self):
        return self.b.script(
            "return [...document.querySelectorAll('#main tbody tr')].map((r) => r.textContent)"
        )

    def good(self):
        if self.axe:
            self.assertEqual(axe_faults(self.b, self.axe), [])
        self.assertEqual(self.b.script("return window.faults"), [])
        other = self.b.script(
            "return performance.getEntriesByType('resource').map((r) => r.name)"
            ".filter((n) => !n.startsWith(location.origin) && !n.startsWith('data:'))"
        )
        self.assertEqual(other, [])
        wide = self.b.script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        self.assertLessEqual(wide, 0)
        self.assertEqual(self.b.script("return document.cookie"), "")
