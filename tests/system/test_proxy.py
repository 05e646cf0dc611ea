# SPDX-License-Identifier: Apache-2.0
# Copyright the bookingd authors
"""Behind nginx and HAProxy, each with its example of doc/proxy: TLS, keep-alive, who the client is,
and the HTTP tests through them.
"""
import gzip
import http.client
import os
import signal
import ssl
import unittest

import bd
import bd_proxy
import bd_shop
import test_http_server

SECRET = "a-secret-of-at-least-32-bytes-for-tests"


class Proxied(bd.Case):
    """What is asked of both. One daemon and one proxy for all."""

    kind, phones = None, 0

    @classmethod
    def setUpClass(cls):
        if cls.kind is None:
            raise unittest.SkipTest("of no proxy")
        cls.sms = bd.FakeProvider(
            bd.p_reply(
                201,
                bd_shop.sms_ok,
            )
        )
        cls.addClassCleanup(cls.sms.close)
        cls.pg = bd.Postgres()
        cls.addClassCleanup(cls.pg.close)
        cls.d = bd.Daemon(
            cls.pg,
            {
                "server": {
                    "workers": 3,
                    "trusted_proxies": ["127.0.0.1"],
                    "max_connections_per_address": 4,
                },
                "providers": {
                    "sms": {
                        "type": "taqnyat",
                        "base_url": cls.sms.url,
                        "sender": "T",
                        "token": "t",
                        "timeout": "5s",
                    }
                },
                "otp": {
                    "provider": "sms",
                    "secret": SECRET,
                    "per_address": "2/1h",
                    "resend_cooldown": "0s",
                    "messages": {"en": "{code}", "ar": "{code}"},
                },
            },
        )
        cls.addClassCleanup(cls.d.close)
        cls.d.start()
        cls.proxy = bd_proxy.start(cls.kind, cls.d.port)
        cls.addClassCleanup(cls.proxy.close)

    def send_code(self, client, **headers):
        Proxied.phones += 1
        return client.post(
            "/v1/otp",
            {"phone": "+96650%07d" % Proxied.phones},
            {k.replace("_", "-"): v for k, v in headers.items()},
        ).status

    def from_address(self, address, direct=False):
        """A client that comes from an address of the loopback network."""
        c = bd.Client(("127.0.0.1", self.d.port)) if direct else self.proxy.client()
        c.source = (address, 0)
        self.addCleanup(c.close)
        return c

    def test_tls_in_front(self):
        with self.proxy.client() as c:
            r = c.get("/healthz", Host="book.example.com")
            self.assertEqual(r.status, 200)
            self.assertIn(c.sock.version(), ("TLSv1.2", "TLSv1.3"))
        with bd.Client(("127.0.0.1", self.proxy.port)) as c:
            r = c.get("/v1/venues?limit=3", Host="book.example.com")
            self.assertEqual(
                (r.status, r.header("Location")),
                (308, "https://book.example.com/v1/venues?limit=3"),
            )

    def test_one_address_is_limited(self):
        """The example as it is: whoever asks without end is told so, and asks on."""
        proxy = bd_proxy.start(self.kind, self.d.port, limits=True)
        self.addCleanup(proxy.close)
        with proxy.client() as c:
            c.check = None  # the proxy's own answer is no problem document
            found = [c.get("/healthz").status for _ in range(300)]
        self.assertEqual(set(found), {200, 429})
        self.assertEqual(set(found[:20]), {200})

    def test_keep_alive_on_both_sides(self):
        def upstream():
            return sum(
                self.d.metric("bookingd_http_connections", state=s)
                for s in ("idle", "reading", "queued", "active")
            )

        with self.proxy.client() as c:
            port = c.sock.getsockname()[1]
            for _ in range(30):
                self.assertEqual(c.get("/healthz").status, 200)
            self.assertEqual(c.sock.getsockname()[1], port)
        for _ in range(30):  # new clients, the same connection behind
            with self.proxy.client() as c:
                self.assertEqual(c.get("/healthz").status, 200)
        self.assertLessEqual(upstream(), 4)

    def test_who_the_client_is(self):
        """Codes are counted by address, two each: whoever is counted is the client."""
        for n, forged in enumerate(
            (None, "203.0.113.9", "127.0.0.1", "203.0.113.9, 127.0.0.1", "nonsense,,")
        ):
            with self.subTest(forged=forged):
                c = self.from_address("127.0.%d.9" % (10 + n))
                sent = [
                    self.send_code(c, **({"X_Forwarded_For": forged} if forged else {}))
                    for _ in range(3)
                ]
                self.assertEqual(sent, [201, 201, 429])
        other = self.from_address("127.0.10.10")
        self.assertEqual(self.send_code(other), 201)  # another client behind the same proxy

    def test_a_header_from_somebody_else_is_not_believed(self):
        c = self.from_address("127.0.30.1", direct=True)
        self.assertEqual(
            [self.send_code(c, X_Forwarded_For="198.51.100.%d" % n) for n in range(3)],
            [201, 201, 429],
        )

    def test_the_proxy_has_no_cap_and_a_stranger_has(self):
        for n in range(12):  # with keep-alive one connection would do: these are all busy at once
            c = self.proxy.client()
            self.addCleanup(c.close)
            self.assertEqual(c.get("/healthz").status, 200)
        strangers = [self.from_address("127.0.31.1", direct=True) for _ in range(5)]
        self.assertEqual([c.get("/healthz").status for c in strangers], [200] * 4 + [503])

    def test_what_bookingd_says_comes_through(self):
        with self.proxy.client() as c:
            r = c.get("/v1/nope", **{"X-Request-Id": "through-" + self.kind})
            self.assertEqual(
                (r.status, r.code, r.header("X-Request-Id")),
                (404, "not_found", "through-" + self.kind),
            )
            whole = self.d.get("/openapi.json")
            self.assertEqual(c.get("/openapi.json").body, whole.body)
            self.assertEqual(
                c.request("HEAD", "/openapi.json").header("Content-Length"), str(len(whole.body))
            )

    def test_a_killed_worker(self):
        """502 `interrupted` is bookingd's own, and a write is not tried again by the proxy."""
        asked = len(self.sms.requests)
        self.sms.plan.append(bd.p_hang())
        c = self.from_address("127.0.32.1")
        c.send(c.encode("POST", "/v1/otp", {"phone": "+966509999999"}))
        self.sms.wait_for(asked + 1)
        os.kill(self.d.worker_executing("POST /v1/otp"), signal.SIGKILL)
        r = c.recv_response()
        self.assertEqual((r.status, r.code, r.json()["outcome"]), (502, "interrupted", "unknown"))
        self.assertEqual(c.get("/healthz").status, 200)
        self.assertEqual(len(self.sms.requests), asked + 1)


class Nginx(Proxied):
    kind = "nginx"


class Haproxy(Proxied):
    kind = "haproxy"


class Compressed(bd.Case):
    """nginx compresses what is large and leaves alone what If-Match needs (ARCHITECTURE)."""

    def setUp(self):
        self.shop = bd_shop.Shop(self)
        self.token = self.shop.customer()
        self.proxy = bd_proxy.start("nginx", self.shop.daemon.port)
        self.addCleanup(self.proxy.close)

    def get(self, path, method="GET", body=None, **headers):
        fields = {"Accept-Encoding": "gzip", "Authorization": "Bearer " + self.token}
        fields.update({k.replace("_", "-"): v for k, v in headers.items()})
        # bd.Client knows no chunked answers: bookingd sends none, but nginx does
        tls = ssl.create_default_context(cafile=bd_proxy.certificate())
        tls.check_hostname = False
        c = http.client.HTTPSConnection("127.0.0.1", self.proxy.tls_port, timeout=30, context=tls)
        self.addCleanup(c.close)
        if body is not None:
            body, fields["Content-Type"] = bd.json.dumps(body), "application/json"
        c.request(method, path, body, fields)
        answer = c.getresponse()
        answer.data = answer.read()
        return answer

    def test_large_answers(self):
        path = "/v1/services/%s/slots" % self.shop.service
        plain = self.get(path, Accept_Encoding="identity")
        self.assertIsNone(plain.getheader("Content-Encoding"))
        self.assertGreater(len(plain.data), 1024)
        packed = self.get(path)
        self.assertEqual(packed.getheader("Content-Encoding"), "gzip")
        self.assertEqual(gzip.decompress(packed.data), plain.data)
        self.assertLess(len(packed.data) * 4, len(plain.data))
        self.assertIn("Accept-Encoding", packed.headers.get_all("Vary"))
        # the tag is weak now, and If-None-Match takes it
        tag = packed.getheader("ETag")
        self.assertEqual(tag, "W/" + plain.getheader("ETag"))
        self.assertEqual(self.get(path, If_None_Match=tag).status, 304)
        self.assertIsNone(self.get("/v1/venues/" + self.shop.venue).getheader("Content-Encoding"))

    def test_what_if_match_needs(self):
        body = {"service_id": self.shop.service, "starts_at": self.shop.at(9), "note": "x" * 500}
        made = self.get("/v1/bookings", "POST", body)
        self.assertGreater(len(made.data), 1024)
        self.assertEqual(made.getheader("ETag"), '"1"')
        path = "/v1/bookings/" + bd.json.loads(made.data)["id"]
        self.assertEqual(self.get(path).getheader("ETag"), '"1"')
        self.assertEqual(self.get("/v1/bookings").getheader("Content-Encoding"), "gzip")
        ended = self.get(path + "/cancel", "POST", {}, If_Match='"1"')
        self.assertEqual((ended.status, ended.getheader("ETag")), (200, '"2"'))


# The tests of the HTTP server whose subject a proxy leaves alone: it answers broken requests
# itself, and waits for whole ones.
THROUGH = (
    "test_keep_alive",
    "test_connection_close_is_obeyed",
    "test_head_has_the_fields_and_no_body",
    "test_chunked_body",
    "test_bodies_of_all_sizes_reach_the_worker",
    "test_continue",
    "test_one_byte_at_a_time",
    "test_no_length_where_no_body_is_needed",
    "test_pipelined_requests_are_answered_in_order",
)


def through(kind):
    def set_up(cls):
        bd.FRONT = kind
        try:
            super(made, cls).setUpClass()
        finally:
            bd.FRONT = os.environ.get("BOOKINGD_TEST_FRONT")

    names = [n for n in dir(test_http_server.Framing) if n.startswith("test_")]
    made = type(
        "Framing" + kind.capitalize(),
        (test_http_server.Framing,),
        {"setUpClass": classmethod(set_up), **{n: None for n in names if n not in THROUGH}},
    )
    return made


FramingNginx, FramingHaproxy = through("nginx"), through("haproxy")

if __name__ == "__main__":
    bd.main()
