# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""A page of another origin in a real browser: signs in, books, moves and cancels through the API,
reads errors and the fields that are exposed to it; its preflights cost no worker."""
import http.server
import json
import re
import shutil
import threading
import unittest

import bd
import bd_browser
import bd_shop
import bd_wait

PAGE = b"<!doctype html><title>page</title><p>A front end of another origin.</p>"

# One call as a front end makes it, and all that the page is let see of its answer.
CALL = """
const [base, method, path, body, headers] = arguments;
const options = {method, headers: {...headers}, cache: "no-store"};
if (body !== null) {
  options.body = JSON.stringify(body);
  options.headers["Content-Type"] = "application/json";
}
return fetch(base + path, options).then(
  async r => ({status: r.status, headers: Object.fromEntries(r.headers), text: await r.text()}),
  e => ({status: 0, headers: {}, text: String(e)}));
"""
EXPOSED = {"etag", "location", "retry-after", "x-request-id", "idempotency-replayed"}


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


@unittest.skipUnless(
    shutil.which("chromedriver") and shutil.which("chromium"), "needs chromium and chromedriver"
)
class Page(bd.Case):
    def setUp(self):
        sites = [self.site(), self.site()]
        origins = ["http://127.0.0.1:%d" % s for s in sites]
        self.shop = bd_shop.Shop(
            self,
            {
                "otp": {"provider": "sms", "secret": "s" * 32, "code_length": 6},
                "server": {"cors_origins": [origins[0]]},
            },
        )
        self.base = "http://127.0.0.1:%d" % self.shop.daemon.port
        self.listed, self.other = origins
        self.browser = bd_browser.Browser()
        self.addCleanup(self.browser.close)
        self.browser.open(self.listed + "/")

    def site(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def call(self, method, path, body=None, token=None, **headers):
        fields = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            fields["Authorization"] = "Bearer " + token
        r = self.browser.script(CALL, self.base, method, path, body, fields)
        r["json"] = json.loads(r["text"]) if r["status"] not in (0, 204, 304) else None
        return r

    def expect(self, r, status, code=None):
        got = (r["json"] or {}).get("code") if r["status"] >= 400 else None
        self.assertEqual((r["status"], got), (status, code), r)
        self.assertIn("x-request-id", r["headers"])
        return r

    def sign_in(self):
        sent = self.expect(self.call("POST", "/v1/otp", {"phone": "+966551234567"}), 201)
        cool = self.expect(
            self.call("POST", "/v1/otp", {"phone": "+966551234567"}), 429, "otp_cooldown"
        )
        self.assertRegex(cool["headers"]["retry-after"], r"^\d+$")
        text = json.loads(self.shop.sms.requests[-1]["body"])["body"]
        code = re.search(r"\d{6}", text).group()
        path = "/v1/otp/%s/verify" % sent["json"]["id"]
        wrong = "%06d" % ((int(code) + 1) % 1000000)
        self.expect(self.call("POST", path, {"code": wrong}), 422, "otp_incorrect")
        return self.expect(self.call("POST", path, {"code": code}), 200)["json"]["token"]

    def test_a_front_end_books_moves_and_cancels(self):
        token = self.sign_in()
        slots = self.call("GET", "/v1/services/%s/slots?limit=2" % self.shop.service)
        first, second = [s["starts_at"] for s in slots["json"]["items"]]
        order = {"service_id": self.shop.service, "starts_at": first}
        made = self.call("POST", "/v1/bookings", order, token, Idempotency_Key="page-1")
        self.expect(made, 201)
        path = made["headers"]["location"]
        self.assertEqual(path, "/v1/bookings/" + made["json"]["id"])
        again = self.call("POST", "/v1/bookings", order, token, Idempotency_Key="page-1")
        self.assertEqual(again["headers"]["idempotency-replayed"], "true")
        self.expect(self.call("POST", "/v1/bookings", order, token), 409, "slot_taken")
        self.expect(self.call("POST", "/v1/bookings", order), 401, "unauthorized")
        bad = self.expect(
            self.call("POST", "/v1/bookings", {"x": 1}, token), 422, "validation_failed"
        )
        self.assertIn("/service_id", [e["pointer"] for e in bad["json"]["errors"]])

        tag = made["headers"]["etag"]
        self.assertEqual(self.call("GET", path, None, token, If_None_Match=tag)["status"], 304)
        moved = self.call("POST", path + "/reschedule", {"starts_at": second}, token, If_Match=tag)
        self.assertEqual(self.expect(moved, 200)["json"]["starts_at"], second)
        stale = self.call("POST", path + "/cancel", {}, token, If_Match=tag)
        self.expect(stale, 412, "version_mismatch")
        fresh = moved["headers"]["etag"]
        done = self.call("POST", path + "/cancel", {"reason": "ill"}, token, If_Match=fresh)
        self.assertEqual(self.expect(done, 200)["json"]["status"], "cancelled")
        patched = self.call("PATCH", "/v1/me", {"name": "Sarah"}, token)
        self.assertEqual(self.expect(patched, 200)["json"]["name"], "Sarah")
        self.expect(self.call("GET", "/v1/nothing"), 404, "not_found")
        # the preflight names the route's methods, so the browser does not even send it
        self.assertEqual(self.call("PUT", "/v1/otp", {})["status"], 0)
        # a page sees these fields, and what a browser always shows
        always = {"cache-control", "content-length", "content-type"}
        self.assertLessEqual(set(done["headers"]), EXPOSED | always)
        out = self.call("DELETE", "/v1/session", None, token)
        self.assertEqual((out["status"], out["json"]), (204, None))

    def test_preflights_cost_no_worker(self):
        token = self.shop.customer()
        before = bd_wait.served(self.shop.daemon)
        for _ in range(3):
            self.expect(self.call("GET", "/v1/me", None, token, X_Request_Id="page-2"), 200)
        options = self.shop.daemon.log_contains(r"method=OPTIONS route=none status=204", 5)
        self.assertTrue(options)  # the browser did ask
        self.assertEqual(bd_wait.served(self.shop.daemon), before + 3)

    def test_a_page_that_is_not_listed_reads_nothing(self):
        self.browser.open(self.other + "/")
        for method, path, body in (
            ("GET", "/v1/venues", None),
            ("GET", "/nope", None),
            ("POST", "/v1/otp", {"phone": "+966551234567"}),
        ):
            r = self.call(method, path, body)
            self.assertEqual(r["status"], 0, r)
            self.assertIn("TypeError", r["text"])
        self.assertEqual(self.shop.sms.requests, [])  # the preflight stood before the POST


if __name__ == "__main__":
    unittest.main()
