# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A headless Chromium driven over chromedriver's HTTP interface (W3C WebDriver), Python's standard
library only.
"""
import base64
import json
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

import bd

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key under which WebDriver passes an element


class Browser:
    """One phone. Pages are looked at with script(), steered with click() and press(), kept with
    shot(). Without a width it is a screen, and resize() makes a phone of it.
    """

    def __init__(self, width=390, height=844, language="en"):
        self.dir = tempfile.mkdtemp(prefix="bd_browser_")
        self.port = bd.free_port()
        self.log = open(self.dir + "/driver.log", "wb")
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=%d" % self.port],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.session = None
        try:
            bd.wait_until(self._ready, "chromedriver answers", 20)
            options = {
                "args": FLAGS + ["--lang=" + language, "--user-data-dir=%s/profile" % self.dir],
                "prefs": {"intl.accept_languages": language},
            }
            if width:
                options["mobileEmulation"] = {
                    "deviceMetrics": {
                        "width": width,
                        "height": height,
                        "pixelRatio": 2,
                        "touch": True,
                    }
                }
            made = self.call(
                "POST",
                "/session",
                {
                    "capabilities": {
                        "alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}
                    }
                },
            )
            self.session = made["sessionId"]
        except BaseException:
            self.close()
            raise

    def _ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except OSError:
            return False

    def call(self, method, path, body=None):
        """The value of an answer; a refusal is an AssertionError in the driver's words."""
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(
            "http://127.0.0.1:%d%s" % (self.port, path),
            data,
            {"Content-Type": "application/json"},
            method=method,
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as e:
            with e:
                raise AssertionError(
                    "%s %s: %s" % (method, path, json.load(e)["value"].get("message", "")[:400])
                ) from None

    def at(self, method, path, body=None):
        return self.call(method, "/session/%s%s" % (self.session, path), body)

    def open(self, url):
        self.at("POST", "/url", {"url": url})

    def cdp(self, cmd, **params):
        """A command of Chromium's own protocol."""
        return self.at("POST", "/goog/cdp/execute", {"cmd": cmd, "params": params})

    def resize(self, width, height, language):
        """As if it were another phone, whose owner reads this language; from the next page on."""
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2,
            mobile=True,
        )
        agent = self.script("return navigator.userAgent")
        self.cdp("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    @property
    def url(self):
        return self.at("GET", "/url")

    def script(self, text, *args):
        """What a function body returns that runs in the page."""
        return self.at("POST", "/execute/sync", {"script": text, "args": list(args)})

    def wait(self, text, what, limit=10.0):
        """Until a function body returns something true; that."""
        return bd.wait_until(lambda: self.script(text), "%s (%s)" % (what, self.url), limit, 0.05)

    def find(self, selector):
        found = bd.wait_until(
            lambda: self.at("POST", "/elements", {"using": "css selector", "value": selector}),
            selector,
        )
        return found[0][ELEMENT]

    def on(self, selector, method, what, body=None):
        """A command for an element; once more when the page has gone on between the look for it and
        the command.
        """

        def attempt():
            try:
                return [self.at(method, "/element/%s/%s" % (self.find(selector), what), body)]
            except AssertionError as e:
                if "stale element" not in str(e) and "does not belong" not in str(e):
                    raise
                return None

        return bd.wait_until(attempt, selector)[0]

    def click(self, selector):
        self.on(selector, "POST", "click")

    def text(self, selector):
        return self.on(selector, "GET", "text")

    def press(self, keys):
        """Types into whatever has the focus; WebDriver's private code points name
        the special keys."""
        down = [{"type": t, "value": k} for k in keys for t in ("keyDown", "keyUp")]
        self.at("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": down}]})

    def shot(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.at("GET", "/screenshot")))

    def close(self):
        if self.session is not None:
            self.at("DELETE", "")
            self.session = None
        self.driver.send_signal(signal.SIGTERM)
        self.driver.wait(20)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
